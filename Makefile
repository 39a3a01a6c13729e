# Drydock. "make demo" shows it at work, "make check" runs all tests; both install what is missing
# by the package manager, saying so first. "make help" lists the rest.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
SOVERSION := 0

CC ?= cc
AR ?= ar
OPTIMISE ?= -O2 -g
CFLAGS ?= $(OPTIMISE)
SANITIZE ?=
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wformat=2 -Wvla -Wundef -Werror=implicit
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIC
PKGS := libcrypto jansson lmdb popt yaml-0.1 libpcre2-8 smartcols jose libcurl libcrypt libmicrohttpd \
	gnutls libsystemd

# Where a library has no .pc file, its usual name.
pkg = $(shell pkg-config $(1) $(2) 2>/dev/null || echo $(3))
# Asked when it is first wanted, and once: not for each file again.
once = $(eval $(1) := $(2))$($(1))
LIB_PKG_CFLAGS = $(call once,LIB_PKG_CFLAGS,$(foreach p,$(PKGS),$(call pkg,--cflags,$(p),)))
LIB_PKG_LIBS = $(call once,LIB_PKG_LIBS,$(call pkg,--libs,libcrypto,-lcrypto) \
	$(call pkg,--libs,jansson,-ljansson) $(call pkg,--libs,lmdb,-llmdb) \
	$(call pkg,--libs,yaml-0.1,-lyaml) $(call pkg,--libs,libpcre2-8,-lpcre2-8))
SERVE_PKG_LIBS = $(call once,SERVE_PKG_LIBS,$(call pkg,--libs,jose,-ljose) \
	$(call pkg,--libs,libcurl,-lcurl) $(call pkg,--libs,libcrypt,-lcrypt) \
	$(call pkg,--libs,libmicrohttpd,-lmicrohttpd) $(call pkg,--libs,gnutls,-lgnutls) \
	$(call pkg,--libs,libsystemd,-lsystemd))
POPT_LIBS = $(call once,POPT_LIBS,$(call pkg,--libs,popt,-lpopt))
TOOL_PKG_LIBS = $(call once,TOOL_PKG_LIBS,$(POPT_LIBS) $(call pkg,--libs,smartcols,-lsmartcols))
CMOCKA_LIBS = $(call once,CMOCKA_LIBS,$(call pkg,--libs,cmocka,-lcmocka))

ALL_CPPFLAGS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DDD_VERSION='"$(VERSION)"' -Iinclude -Isrc \
	$(LIB_PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=gnu11 -pthread $(WARNINGS) $(CFLAGS) $(if $(SANITIZE),,$(HARDEN)) $(SANITIZE) \
	$(if $(SANITIZE),-fPIC -fno-omit-frame-pointer)
ALL_LDFLAGS = -pthread $(SANITIZE) -Wl,-z,relro,-z,now $(LDFLAGS)

# The server is no part of the library.
SERVE_SOURCES := $(sort $(wildcard src/serve/*.c))
LIB_SOURCES := $(filter-out $(SERVE_SOURCES),$(sort $(wildcard src/*/*.c)))
# Two programs share the options and the talk.
DAEMON_SOURCES := tools/drydockd.c tools/options.c tools/option_numbers.c tools/talk.c tools/fit.c
TOOL_SOURCES := $(filter-out tools/drydockd.c,$(sort $(wildcard tools/*.c)))
UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
HELPER_SOURCES := $(sort $(wildcard tests/gen/*.c tests/bench/*.c))
PRELOAD_SOURCES := $(sort $(wildcard tests/crash/*.so.c))
ASIDE_SOURCES := $(sort $(wildcard tests/e2e/*.c))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))

SERVE_OBJECTS := $(SERVE_SOURCES:%.c=$(BUILD)/obj/%.o)
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/obj/%.o)
TOOL_OBJECTS := $(TOOL_SOURCES:%.c=$(BUILD)/obj/%.o)
DAEMON_OBJECTS := $(DAEMON_SOURCES:%.c=$(BUILD)/obj/%.o)
UNIT_PROGRAMS := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/tests/%)
HELPER_PROGRAMS := $(foreach s,$(HELPER_SOURCES),$(BUILD)/tests/$(basename $(notdir $(s))))
PRELOADS := $(foreach s,$(PRELOAD_SOURCES),$(BUILD)/tests/$(basename $(notdir $(s))))
ASIDE_PROGRAMS := $(ASIDE_SOURCES:tests/e2e/%.c=$(BUILD)/tests/%)
FUZZERS := $(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/tests/%)
MAN_PAGES := $(sort $(wildcard man/*.[1-8]))
UNITS := $(sort $(wildcard contrib/systemd/*))
EXAMPLES := contrib/drydock.cron contrib/drydock.default
COMPLETIONS := bash-completion/completions/drydock zsh/site-functions/_drydock \
	fish/vendor_completions.d/drydock.fish
# man/drydock.1 to man1/drydock.1
in_section = man$(patsubst .%,%,$(suffix $(1)))/$(notdir $(1))

SERVE := $(BUILD)/libserve.a
STATIC := $(BUILD)/libdrydock.a
SHARED := $(BUILD)/libdrydock.so
TOOL := $(BUILD)/drydock
DAEMON := $(BUILD)/drydockd

# One line a file; V=1 shows the commands.
ifeq ($(V),1)
say = @:
quiet =
else
say = @printf '%-6s %s\n'
quiet = @
endif

# As many files at once as there are cores, unless make was told.
CORES := $(shell nproc 2>/dev/null || echo 1)
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(CORES)
endif

.DELETE_ON_ERROR:
.PHONY: check-crash conformance soak all help deps deps-build deps-check deps-bench deps-fuzz deps-lint demo check check-unit check-e2e \
	check-fuzz check-asan check-tsan fuzz test-programs lint lint-layers bench bench-serve bench-large install uninstall clean

all: deps-build
	@$(MAKE) --no-print-directory build-all

# The package check comes before anything asks pkg-config.
.PHONY: build-all
build-all: $(TOOL) $(DAEMON) $(STATIC) $(SHARED)
	@:

help:
	@sed -n 's/^## //p' Makefile

## all          build/drydock, build/libdrydock.a and the shared library
## demo         a small volume, and the main job done on it
## check        the whole test suite
## check-crash  kill, starve and cut the power at more points than check (POINTS=500, or all)
## soak         collect beside registries under load, SOAK_CYCLES=500 times each
## check-asan   the same under address and undefined behaviour sanitizers
## check-tsan   the same under the thread sanitizer
## conformance  the distribution specification's suite against drydockd; wants Go
## fuzz         search each parser for FUZZ_SECONDS, by clang's libFuzzer
## bench-large  how time and memory grow up to a million blobs (BENCH_ARGS=--sizes for fewer)
## bench-serve  the server beside other registries and nginx, on loopback
## bench        timings against peers and floors (BENCH_ARGS=--quick for a short one)
## lint         format, static analysis, layering, man pages, shell
## install      to DESTDIR and PREFIX; uninstall removes it
## deps         install what building, testing and linting need
## clean        remove build/

deps:
	@sh script/deps all
deps-build:
	@sh script/deps build
deps-check:
	@sh script/deps check
deps-bench:
	@sh script/deps bench
deps-fuzz:
	@sh script/deps fuzz
deps-lint:
	@sh script/deps lint

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $<
	$(quiet)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(STATIC): $(LIB_OBJECTS)
	@rm -f $@
	$(say) AR $@
	$(quiet)$(AR) rcs $@ $^

$(SERVE): $(SERVE_OBJECTS)
	@rm -f $@
	$(say) AR $@
	$(quiet)$(AR) rcs $@ $^

$(SHARED): $(LIB_OBJECTS)
	$(say) LINK $@
	$(quiet)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,libdrydock.so.$(SOVERSION) -o $@ $^ $(LIB_PKG_LIBS)

$(TOOL): $(TOOL_OBJECTS) $(STATIC)
	$(say) LINK $@
	$(quiet)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(TOOL_PKG_LIBS) $(LIB_PKG_LIBS)

$(DAEMON): $(DAEMON_OBJECTS) $(SERVE) $(STATIC)
	$(say) LINK $@
	$(quiet)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SERVE_PKG_LIBS) $(POPT_LIBS) $(LIB_PKG_LIBS)

# With a sanitizer, "fuzz" itself begins with the corpora.
REPLAYERS := $(if $(SANITIZE),,$(FUZZERS))
test-programs: $(UNIT_PROGRAMS) $(HELPER_PROGRAMS) $(PRELOADS) $(ASIDE_PROGRAMS) $(REPLAYERS)

# When memory runs out is for the test to say.
comma := ,
$(BUILD)/tests/test_starved: ALL_LDFLAGS += $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc \
	reallocarray aligned_alloc strdup strndup tsearch)

$(BUILD)/tests/test_%: tests/unit/test_%.c $(SERVE) $(STATIC) Makefile
	@mkdir -p $(@D)
	$(say) TEST $@
	$(quiet)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Wno-missing-prototypes $(ALL_LDFLAGS) -MMD -MP -o $@ $< \
		$(SERVE) $(STATIC) $(CMOCKA_LIBS) $(SERVE_PKG_LIBS) $(LIB_PKG_LIBS)

# Plays the daemon's part, by parts of the daemon's.
$(BUILD)/tests/own-volume: tests/gen/own-volume.c $(SERVE) $(STATIC) Makefile
	@mkdir -p $(@D)
	$(say) TEST $@
	$(quiet)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -MMD -MP -o $@ $< $(SERVE) $(STATIC) $(LIB_PKG_LIBS)

$(BUILD)/tests/%: tests/gen/%.c $(STATIC) Makefile
	@mkdir -p $(@D)
	$(say) TEST $@
	$(quiet)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -MMD -MP -o $@ $< $(STATIC) $(LIB_PKG_LIBS)

$(BUILD)/tests/floor-serve: tests/bench/floor-serve.c Makefile
	@mkdir -p $(@D)
	$(say) TEST $@
	$(quiet)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -MMD -MP -o $@ $< $(SERVE_PKG_LIBS)

$(BUILD)/tests/%: tests/bench/%.c $(STATIC) Makefile
	@mkdir -p $(@D)
	$(say) TEST $@
	$(quiet)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -MMD -MP -o $@ $< $(STATIC) $(LIB_PKG_LIBS)

# Preloaded into the tool: never sanitized itself.
$(BUILD)/tests/%.so: tests/crash/%.so.c Makefile
	@mkdir -p $(@D)
	$(say) TEST $@
	$(quiet)$(CC) -std=gnu11 -O1 -g -Wall -Wextra -fPIC -shared -o $@ $< -ldl -pthread

# What shell tests start by the thousand: no part of what is tested, never sanitized itself.
$(ASIDE_PROGRAMS): $(BUILD)/tests/%: tests/e2e/%.c Makefile
	@mkdir -p $(@D)
	$(say) TEST $@
	$(quiet)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARNINGS) -o $@ $< -lcrypto

# Replays its corpus as a test; with FUZZ=1 and clang it searches: see "fuzz".
FUZZ_FLAGS = $(if $(FUZZ),-fsanitize=fuzzer)
$(BUILD)/tests/fuzz_%: tests/fuzz/fuzz_%.c $(if $(FUZZ),,tests/fuzz/replay.c) $(SERVE) $(STATIC) Makefile
	@mkdir -p $(@D)
	$(say) TEST $@
	$(quiet)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Wno-missing-prototypes $(FUZZ_FLAGS) $(ALL_LDFLAGS) -o $@ \
		$< $(if $(FUZZ),,tests/fuzz/replay.c) $(SERVE) $(STATIC) $(SERVE_PKG_LIBS) $(LIB_PKG_LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

check: deps-check
	@$(MAKE) --no-print-directory run-tests

.PHONY: run-tests
run-tests: build-all test-programs lint-layers
	@$(MAKE) --no-print-directory check-unit
	@$(MAKE) --no-print-directory check-fuzz
	@$(MAKE) --no-print-directory check-e2e

# What failed is shown with its reasons, what was passed over with its own.
PROVE := prove --failures --comments --directives

check-unit: test-programs
	@echo '# unit tests'
	@$(PROVE) --jobs $(CORES) --exec tests/unit/run $(UNIT_PROGRAMS)

check-fuzz: test-programs
	@for f in $(notdir $(REPLAYERS)); do \
		$(BUILD)/tests/$$f tests/fuzz/corpus/$${f#fuzz_} || exit 1; \
	done

# TESTS='tests/e2e/ls.t …' runs a part, TEST_JOBS at once: many wait rather than work. The longest
# begin first.
HARNESS := $(addprefix tests/e2e/,crash.t powercut.t starve.t push_crash.t daemon_crash.t)
REAL := $(sort $(wildcard tests/e2e/real_*.t)) tests/e2e/soak.t
SLOW := $(addprefix tests/e2e/,damaged.t verify.t verify_runs.t index.t du.t policy.t)
TESTS ?= $(REAL) $(HARNESS) $(SLOW) \
	$(filter-out $(HARNESS) $(REAL) $(SLOW),$(sort $(wildcard tests/e2e/*.t)))
check-e2e: build-all test-programs
	@echo '# end to end tests'
	@BUILD='$(abspath $(BUILD))' $(PROVE) --jobs $(or $(TEST_JOBS),4) --timer $(TESTS)

# Kills, starves and cuts the power, as "check" does, but at POINTS moments of each kind of run, or
# at "all" of them (hours).
POINTS ?= 500
check-crash: deps-check
	@$(MAKE) --no-print-directory build-all test-programs
	@BUILD='$(abspath $(BUILD))' CRASH_POINTS='$(POINTS)' $(PROVE) --timer $(HARNESS)

# Collections beside a real registry under load, as "check" runs them, but SOAK_CYCLES for each of
# its kinds (minutes); SOAK_SEED repeats a run.
SOAK_CYCLES ?= 500
soak: deps-check
	@$(MAKE) --no-print-directory build-all test-programs
	@SOAK_CYCLES='$(SOAK_CYCLES)' BUILD='$(abspath $(BUILD))' bash tests/e2e/soak.t

conformance: deps-check
	@$(MAKE) --no-print-directory build-all
	@BUILD='$(abspath $(BUILD))' sh script/conformance

# With a sanitizer: real registries would only wait for each other there; what is killed and starved
# runs with one thread, and a few moments of each kind reach all of its code. What has threads (the
# scan, the looks, hashing, copying, learning) is seen by them in these.
THREADED := $(sort $(wildcard tests/e2e/verify*.t tests/e2e/find*.t)) \
	$(addprefix tests/e2e/,gc_apply.t races.t du.t drydockd_manifests.t drydockd_http.t)
# Addresses are wrong in the same places whether a run is killed, starved or without power, whether an
# index is a day old or two, and whoever else writes to the volume just then.
ELSEWHERE := $(addprefix tests/e2e/,powercut.t starve.t faults.t index.t races.t reference_defects.t)
check-asan: TESTS := $(filter-out $(REAL) $(ELSEWHERE),$(TESTS))
check-tsan: TESTS := $(filter $(THREADED),$(TESTS))
check-asan:
	@CRASH_POINTS=12 $(MAKE) --no-print-directory check BUILD='$(BUILD)/asan' OPTIMISE='-O1 -g' \
		LDFLAGS='$(LDFLAGS) -no-pie' \
		TESTS='$(TESTS)' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
check-tsan:
	@$(MAKE) --no-print-directory check BUILD='$(BUILD)/tsan' OPTIMISE='-O1 -g' TESTS='$(TESTS)' \
		SANITIZE=-fsanitize=thread

# What it finds lies in build/fuzz; the corpora stay as they are.
FUZZ_SECONDS ?= 10
fuzz: deps-fuzz
	@$(MAKE) --no-print-directory run-fuzzers FUZZ=1 CC=clang BUILD='$(BUILD)/fuzz' OPTIMISE='-O1 -g' \
		SANITIZE='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined'

.PHONY: run-fuzzers
run-fuzzers: $(FUZZERS)
	@sh script/fuzz '$(BUILD)' '$(FUZZ_SECONDS)' $(notdir $(FUZZERS))

demo: all
	@BUILD='$(abspath $(BUILD))' sh script/demo

bench: deps-bench
	@$(MAKE) --no-print-directory build-all test-programs
	@BUILD='$(abspath $(BUILD))' tests/bench/run $(BENCH_ARGS)

bench-serve: deps-bench
	@$(MAKE) --no-print-directory build-all test-programs
	@BUILD='$(abspath $(BUILD))' tests/bench/serving $(BENCH_ARGS)

bench-large: deps-bench
	@$(MAKE) --no-print-directory build-all test-programs
	@BUILD='$(abspath $(BUILD))' tests/bench/large $(BENCH_ARGS)

lint-layers:
	@sh script/layers

# What a compiler says of the sources before it makes anything of them.
.PHONY: syntax
syntax:
	@printf '%s\n' $(LIB_SOURCES) $(SERVE_SOURCES) $(TOOL_SOURCES) tools/drydockd.c $(HELPER_SOURCES) \
		$(PRELOAD_SOURCES) $(ASIDE_SOURCES) | xargs -P $(CORES) -n 16 \
		$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Werror -fsyntax-only
	@printf '%s\n' $(UNIT_SOURCES) $(FUZZ_SOURCES) tests/fuzz/replay.c | xargs -P $(CORES) -n 16 \
		$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Wno-missing-prototypes -Werror -fsyntax-only

lint: deps-lint lint-layers
	@BUILD='$(abspath $(BUILD))' sh script/lint

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/pkgconfig' \
		'$(DESTDIR)$(PREFIX)/include/drydock' \
		'$(DESTDIR)$(PREFIX)/lib/systemd/system' '$(DESTDIR)$(PREFIX)/share/doc/drydock'
	install -m 755 $(TOOL) '$(DESTDIR)$(PREFIX)/bin/drydock'
	install -m 755 $(DAEMON) '$(DESTDIR)$(PREFIX)/bin/drydockd'
	install -m 644 $(STATIC) '$(DESTDIR)$(PREFIX)/lib/libdrydock.a'
	install -m 755 $(SHARED) '$(DESTDIR)$(PREFIX)/lib/libdrydock.so.$(VERSION)'
	ln -sf libdrydock.so.$(VERSION) '$(DESTDIR)$(PREFIX)/lib/libdrydock.so.$(SOVERSION)'
	ln -sf libdrydock.so.$(SOVERSION) '$(DESTDIR)$(PREFIX)/lib/libdrydock.so'
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' script/drydock.pc.in \
		>'$(DESTDIR)$(PREFIX)/lib/pkgconfig/drydock.pc'
	install -m 644 include/drydock/*.h '$(DESTDIR)$(PREFIX)/include/drydock/'
	$(foreach p,$(MAN_PAGES),install -D -m 644 $(p) '$(DESTDIR)$(PREFIX)/share/man/$(call in_section,$(p))' &&) :
	install -m 644 $(EXAMPLES) '$(DESTDIR)$(PREFIX)/share/doc/drydock/'
	install -d '$(DESTDIR)$(PREFIX)/share/drydock/schema'
	install -m 644 schema/*.json '$(DESTDIR)$(PREFIX)/share/drydock/schema/'
	install -D -m 644 contrib/completion/drydock.bash \
		'$(DESTDIR)$(PREFIX)/share/bash-completion/completions/drydock'
	install -D -m 644 contrib/completion/_drydock '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_drydock'
	install -D -m 644 contrib/completion/drydock.fish \
		'$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/drydock.fish'
	for unit in $(UNITS); do \
		name=$${unit##*/}; \
		sed 's|@BINDIR@|$(PREFIX)/bin|' "$$unit" \
			>'$(DESTDIR)$(PREFIX)/lib/systemd/system/'"$${name%.in}" || exit 1; \
	done

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/drydock' '$(DESTDIR)$(PREFIX)/bin/drydockd' '$(DESTDIR)$(PREFIX)'/lib/libdrydock.* \
		'$(DESTDIR)$(PREFIX)/lib/pkgconfig/drydock.pc' \
		$(foreach p,$(MAN_PAGES),'$(DESTDIR)$(PREFIX)/share/man/$(call in_section,$(p))')
	rm -f $(foreach c,$(COMPLETIONS),'$(DESTDIR)$(PREFIX)/share/$(c)')
	rm -f $(foreach u,$(notdir $(UNITS:%.in=%)),'$(DESTDIR)$(PREFIX)/lib/systemd/system/$(u)')
	rm -rf '$(DESTDIR)$(PREFIX)/include/drydock' '$(DESTDIR)$(PREFIX)/share/doc/drydock' \
		'$(DESTDIR)$(PREFIX)/share/drydock'

clean:
	rm -rf '$(BUILD)'
