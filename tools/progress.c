/*
 * Progress on the terminal.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <drydock/units.h>

#include "progress.h"
#include "talk.h"

#define PERIOD_NS (DD_SECOND / 10)
#define PATIENCE_NS (DD_SECOND / 3) /* before a phase is worth a bar */
#define BAR_WIDTH 24
#define LINE_ROOM 256

struct progress {
	const struct dd_context *ctx;
	pthread_t thread;
	pthread_mutex_t lock; /* of stop */
	pthread_cond_t wake;
	bool stop;
};

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * DD_SECOND + now.tv_nsec;
}

static unsigned terminal_width(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return 80;
	return size.ws_col;
}

/* "1,234,567" */
static const char *grouped(uint64_t number, char buf[static DD_UNIT_TEXT])
{
	char *at = buf + DD_UNIT_TEXT - 1;
	unsigned digits = 0;

	*at = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + number % 10);
		number /= 10;
		digits++;
	} while (number);
	return at;
}

static void format_bar(char *bar, uint64_t done, uint64_t total)
{
	unsigned filled = (unsigned)((double)done / (double)total * BAR_WIDTH);

	for (unsigned i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < filled ? '=' : i == filled ? '>' : ' ';
	bar[BAR_WIDTH] = '\0';
}

/* All in ASCII: a character is a column. */
static void format_line(const struct dd_progress *now, int64_t elapsed_ns,
			char line[static LINE_ROOM])
{
	char done[DD_UNIT_TEXT], total[DD_UNIT_TEXT], rate[DD_UNIT_TEXT], left[DD_UNIT_TEXT];
	double per_second = (double)now->done * (double)DD_SECOND / (double)elapsed_ns;
	uint64_t whole_rate = (uint64_t)per_second;

	/* More came than was announced: the announcement was wrong, not the count. */
	if (now->total < now->done || !now->total) {
		snprintf(line, LINE_ROOM, "%s: %s, %s/s", now->phase, grouped(now->done, done),
			 grouped(whole_rate, rate));
	} else {
		char bar[BAR_WIDTH + 1];
		double seconds = per_second > 0 ? (double)(now->total - now->done) / per_second : 0;
		bool known = seconds >= 1 && seconds < 1e8;

		format_bar(bar, now->done, now->total);
		snprintf(line, LINE_ROOM, "%s [%s] %s of %s, %s/s%s%s", now->phase, bar,
			 grouped(now->done, done), grouped(now->total, total),
			 grouped(whole_rate, rate), known ? ", left: " : "",
			 known ? dd_duration_format((int64_t)(seconds * (double)DD_SECOND), left) :
				 "");
	}
}

static void draw(const struct dd_context *ctx)
{
	struct dd_progress now;
	char line[LINE_ROOM] = "";
	unsigned width = terminal_width();
	int64_t elapsed_ns;

	dd_progress_get(ctx, &now);
	elapsed_ns = monotonic_ns() - now.started_ns;
	if (now.phase && elapsed_ns >= PATIENCE_NS)
		format_line(&now, elapsed_ns, line);
	if (width < LINE_ROOM)
		line[width - 1] = '\0';
	talk_draw(line);
}

static void *keep_drawing(void *arg)
{
	struct progress *progress = arg;

	pthread_mutex_lock(&progress->lock);
	while (!progress->stop) {
		int64_t next_ns = monotonic_ns() + PERIOD_NS;
		struct timespec next = { next_ns / DD_SECOND, next_ns % DD_SECOND };

		pthread_cond_timedwait(&progress->wake, &progress->lock, &next);
		if (!progress->stop)
			draw(progress->ctx);
	}
	pthread_mutex_unlock(&progress->lock);
	return NULL;
}

/* Signals are for the thread that works. */
static int start_thread(struct progress *progress)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&progress->thread, NULL, keep_drawing, progress);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

struct progress *progress_start(const struct dd_context *ctx)
{
	struct progress *progress = calloc(1, sizeof(*progress));
	pthread_condattr_t attributes;

	if (!progress)
		return NULL;
	progress->ctx = ctx;
	pthread_mutex_init(&progress->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&progress->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	if (start_thread(progress) == 0)
		return progress;
	pthread_cond_destroy(&progress->wake);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
	return NULL;
}

void progress_stop(struct progress *progress)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->stop = true;
	pthread_cond_signal(&progress->wake);
	pthread_mutex_unlock(&progress->lock);
	pthread_join(progress->thread, NULL);
	talk_draw("");
	pthread_cond_destroy(&progress->wake);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
}
