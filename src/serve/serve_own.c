/*
 * The volume is ours while we serve it: nobody else serves it, and what is to change it from outside is
 * handed over to us, at the control socket.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drydock/gate.h>
#include <drydock/owner.h>
#include <drydock/units.h>

#include "registry/registry.h"
#include "serve/control.h"
#include "serve/serve_private.h"

#define LOCK_WAIT_NS (30 * DD_SECOND)

/* What we change ourselves needs no leave. */
static const struct dd_gate no_questions;

/* Somebody removes something: what is remembered of the repository is good no longer. */
static void taken(void *arg, const char *repository)
{
	struct dd_serve *serve = arg;

	dd_registry_changed(serve->server.registry, repository);
}

static void noticed(void *arg)
{
	struct dd_serve *serve = arg;

	dd_log(serve->ctx, DD_LOG_WARNING,
	       "somebody else writes to the volume, too: until a restart nothing younger than a day is "
	       "collected");
}

/* Beside our own program, or where the configuration says. */
static char *find_program(const struct dd_serve_config *config)
{
	char self[4096], *program;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 16);
	char *slash;

	if (config->drydock)
		return strdup(config->drydock);
	if (len <= 0)
		return NULL;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	strcpy(slash + 1, "drydock");
	program = strdup(self);
	return program;
}

int dd_serve_own(struct dd_serve *serve, struct dd_error *err)
{
	char about[80];
	int64_t since_ns;
	int rc;

	snprintf(about, sizeof(about), "drydockd, process %ld", (long)getpid());
	rc = dd_owner_take(serve->ctx, serve->store, about, LOCK_WAIT_NS, &since_ns,
			   &serve->died_ns, err);
	/* Pulls are served all the same; why pushes are not is said by whoever looks at that. */
	if (rc == DD_EACCES && dd_store_check_writable(serve->store, NULL) < 0) {
		dd_error_clear(err);
		return 0;
	}
	if (rc < 0)
		return rc;
	serve->owned = true;
	dd_store_set_gate(serve->store, &no_questions);
	return 0;
}

/* Pushes and pulls need none: but who wants collections is not to find out in a month. */
static int no_program(struct dd_serve *serve, struct dd_error *err)
{
	const char *name = serve->program ? serve->program : "drydock";

	if (!atomic_load(&serve->server.config)->collect_every_ns) {
		dd_log(serve->ctx, DD_LOG_WARNING,
		       "there is no %s: what is to change the volume from outside is refused",
		       name);
		return 0;
	}
	dd_fail(err, DD_ECONFIG, 0, "there is no %s to collect with", name);
	dd_hint(err, "install drydock beside drydockd, or name it by drydock.program");
	return DD_ECONFIG;
}

int dd_serve_listen_for_errands(struct dd_serve *serve, struct dd_error *err)
{
	const struct dd_serve_config *config = atomic_load(&serve->server.config);
	struct dd_watch *watch = dd_registry_get_watch(serve->server.registry);
	struct dd_control_options options = {
		.ctx = serve->ctx,
		.store = serve->store,
		.watch = watch,
		.collect_every_ns = config->collect_every_ns,
		.collect_words = (const char *const *)config->collect_options.items,
		.collect_word_count = config->collect_options.count,
	};

	if (!serve->owned)
		return 0;
	watch->taken = taken;
	watch->noticed = noticed;
	watch->arg = serve;
	serve->program = find_program(config);
	if (!serve->program || access(serve->program, X_OK) != 0)
		return no_program(serve, err);
	options.program = serve->program;
	return dd_control_open(&options, &serve->control, err);
}

void dd_serve_disown(struct dd_serve *serve)
{
	dd_control_closep(&serve->control);
	free(serve->program);
	serve->program = NULL;
}
