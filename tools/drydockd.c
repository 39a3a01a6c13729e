/*
 * drydockd: the options, the signals, and the daemon between them.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <drydock/context.h>
#include <drydock/escape.h>

#include "cleanup.h"
#include "options.h"
#include "serve/serve.h"
#include "talk.h"

extern char **environ;

static struct {
	const char *config, *root, *addr;
	int64_t lease_ns;
	bool check, verify_all, no_access_log, help, version, quiet;
	unsigned verbose, log_format;
} settings;

static const char *const formats[] = { "text", "json", NULL };

static const struct option table[] = {
	{ "config", 0, OPTION_TEXT, &settings.config, "FILE",
	  "a registry's config.yml, with a section of ours (default: "
	  "$REGISTRY_CONFIGURATION_PATH; without --root /etc/drydock/drydockd.yml, "
	  "/etc/docker/registry/config.yml)",
	  NULL },
	{ "root", 0, OPTION_TEXT, &settings.root, "DIR",
	  "the volume, or an empty directory that becomes one", NULL },
	{ "addr", 0, OPTION_TEXT, &settings.addr, "HOST:PORT",
	  "where to listen (default: http.addr, else :5000)", NULL },
	{ "lease", 0, OPTION_DURATION, &settings.lease_ns, "DURATION",
	  "how long what a client was told of stays (default: drydock.lease, else 1h)", NULL },
	{ "check-config", 0, OPTION_FLAG, &settings.check, NULL,
	  "say what becomes of each key of the configuration, and end", NULL },
	{ "verify-all", 0, OPTION_FLAG, &settings.verify_all, NULL,
	  "read every blob in the background from the start on", NULL },
	{ "no-access-log", 0, OPTION_FLAG, &settings.no_access_log, NULL,
	  "no line a request on standard output", NULL },
	{ "log-format", 0, OPTION_CHOICE, &settings.log_format, "text|json",
	  "of messages on standard error", formats },
	{ "quiet", 'q', OPTION_FLAG, &settings.quiet, NULL, "only what is wrong", NULL },
	{ "verbose", 'v', OPTION_COUNT, &settings.verbose, NULL, "more", NULL },
	{ "help", 'h', OPTION_FLAG, &settings.help, NULL, "this", NULL },
	{ "version", 0, OPTION_FLAG, &settings.version, NULL, "the version", NULL },
	{ 0 }
};

/* ---- --check-config ---- */

static const char *const verdicts[] = {
	[DD_CONFIG_HONOURED] = "honoured",
	[DD_CONFIG_IGNORED] = "ignored",
	[DD_CONFIG_STOPS] = "STOPS",
};

static void print_rows(const dd_config_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct dd_config_row *row = &rows->items[i];

		printf("%-8s  %s", verdicts[row->verdict], dd_escaped(row->key));
		if (*row->value)
			printf(": %s", dd_escaped(row->value));
		if (row->line)
			printf("  (line %zu)", row->line);
		printf("%s%s\n", row->word ? "\n          " : "", row->word ? row->word : "");
	}
}

static int check_config(struct dd_context *ctx, const struct dd_serve_options *options,
			struct dd_error *err)
{
	struct dd_serve_config config = { 0 };
	dd_config_rows rows = { 0 };
	char *path = NULL;
	int rc = dd_serve_read_config(options, &config, &rows, &path, err);

	printf("%s\n", path ? dd_escaped(path) : "no configuration file: all is as usual");
	print_rows(&rows);
	if (rc == 0)
		rc = dd_serve_config_check(&rows, err);
	if (rc == 0)
		rc = dd_serve_check(ctx, options, &config, path, err);
	dd_config_rows_release(&rows);
	dd_serve_config_release(&config);
	free(path);
	if (rc == 0)
		puts("nothing stands in the way");
	return rc;
}

/* ---- running ---- */

static sigset_t handled;

/* Threads that are made from here on have these blocked: they are waited for by this one. */
static void block_signals(void)
{
	sigemptyset(&handled);
	sigaddset(&handled, SIGINT);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &handled, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* A second signal while the first is being obeyed: there is no time. */
static bool asked_again(void)
{
	struct timespec now = { 0 };
	int signal = sigtimedwait(&handled, NULL, &now);

	return signal == SIGTERM || signal == SIGINT;
}

static void obey_signals(struct dd_serve *serve)
{
	for (;;) {
		struct dd_error err = { 0 };
		int signal = sigwaitinfo(&handled, NULL);

		if (signal == SIGINT || signal == SIGTERM)
			break;
		if (signal != SIGHUP)
			continue;
		if (dd_serve_reload(serve, &err) < 0)
			talk_error(&err);
		else if (!settings.quiet)
			talk_line(DD_LOG_NOTE, "reloaded");
	}
	dd_serve_stop(serve, asked_again);
}

/* Each connection is a descriptor, and a blob that is served another. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int serve(struct dd_context *ctx, const struct dd_serve_options *options,
		 struct dd_error *err)
{
	CLEANUP(dd_serve_closep) struct dd_serve *daemon = NULL;
	int rc;

	block_signals();
	raise_limit();
	rc = dd_serve_open(ctx, options, &daemon, err);
	if (rc < 0)
		return rc;
	if (!settings.quiet)
		talk_line(DD_LOG_NOTE, "serving %s at %s", dd_serve_get_root(daemon),
			  dd_serve_get_address(daemon));
	dd_serve_started(daemon);
	obey_signals(daemon);
	return DD_EXIT_DONE;
}

static int run(int argc, char **argv, struct options *options, struct dd_context *ctx,
	       struct dd_error *err)
{
	static const char *const nothing[] = { "drydockd", NULL };
	const struct option *const tables[] = { table };
	struct dd_serve_options serve_options;
	int rc = options_parse(options, tables, 1, argc ? (const char *const *)argv : nothing,
			       false, err);

	if (rc == 0 && options->word_count > 0)
		rc = dd_fail(err, DD_EUSAGE, 0,
			     "\"%.200s\" is no option; the volume is named by --root",
			     options->words[0]);
	if (rc < 0) {
		dd_hint(err, "drydockd --help lists the options");
		return rc;
	}
	talk_set_format(settings.log_format ? TALK_JSON : TALK_TEXT);
	dd_context_set_log(ctx, talk_log, NULL,
			   settings.quiet   ? DD_LOG_WARNING :
			   settings.verbose ? DD_LOG_DEBUG :
					      DD_LOG_NOTE);
	serve_options = (struct dd_serve_options){
		.config = settings.config,
		.root = settings.root,
		.addr = settings.addr,
		.lease_ns = settings.lease_ns,
		.verify_all = settings.verify_all,
		.access_log_fd = settings.no_access_log ? -1 : STDOUT_FILENO,
		.environment = environ,
		.get_environment = (const char *(*)(const char *))getenv,
	};
	if (settings.version) {
		puts("drydockd " DD_VERSION);
		return DD_EXIT_DONE;
	}
	if (settings.help) {
		puts("Usage: drydockd [OPTION…]\n\n"
		     "Serves a container registry's volume, verified, and collects while it serves.\n\n"
		     "Options:");
		options_print(stdout, table);
		puts("\nExamples:\n"
		     "  mkdir images && drydockd --root images --addr 127.0.0.1:5000\n"
		     "  drydockd --check-config --config /etc/docker/registry/config.yml\n"
		     "  drydockd --config /etc/docker/registry/config.yml\n\n"
		     "The manual: drydockd(8), drydockd.yml(5)");
		return DD_EXIT_DONE;
	}
	if (settings.check)
		return check_config(ctx, &serve_options, err);
	return serve(ctx, &serve_options, err);
}

/* A file of the volume must never get the number of a closed standard stream. */
static void guard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(DD_EXIT_FAILED);
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct dd_error err = { 0 };
	struct dd_context *ctx = NULL;
	int rc;

	/* Threads that wait for a disk need no heap each. */
	mallopt(M_ARENA_MAX, 4);
	guard_streams();
	setlocale(LC_CTYPE, "");
	talk_set_program("drydockd");
	rc = dd_context_open(&ctx, &err);
	if (rc == 0)
		rc = run(argc, argv, &options, ctx, &err);
	if (rc < 0)
		talk_error(&err);
	dd_context_close(ctx);
	options_release(&options);
	if (fflush(stdout) != 0 && rc >= 0 && settings.check)
		rc = DD_EIO;
	return rc < 0 ? (int)dd_code_exit(rc) : rc;
}
