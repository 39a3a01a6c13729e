/*
 * Signals: one that asks us to stop lets the step that is being taken end; what would end us in the middle
 * of one is an error of what failed.
 */
#include <signal.h>

#include "interrupt.h"

/* For the signal handler: it lives as long as signals can come. */
static struct dd_context *running;
static volatile sig_atomic_t by;

static void interrupt(int signal)
{
	by = signal;
	dd_context_cancel(running);
}

/* The first one asks to stop between two steps, a second one ends us on the spot. */
static void catch_signal(int signal)
{
	struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESETHAND }, before;

	if (sigaction(signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(signal, &action, NULL);
}

/*
 * A closed pipe must not end us in the middle of the work: it is noticed when the result is
 * written, and ends us then as it does everybody.
 */
void interrupt_begin(struct dd_context *ctx)
{
	running = ctx;
	catch_signal(SIGINT);
	catch_signal(SIGTERM);
	catch_signal(SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	/* A limit on the size of files is an error like a full disk, after which we tidy up. */
	signal(SIGXFSZ, SIG_IGN);
}

int interrupted_by(void)
{
	return by;
}
