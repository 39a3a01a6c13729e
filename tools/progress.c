/*
 * Progress on the terminal.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <drydock/units.h>

#include "progress.h"
#include "talk.h"

#define PERIOD_NS (DD_SECOND / 10)
#define PATIENCE_NS (DD_SECOND / 3) /* before a phase is worth a bar */
#define BAR_WIDTH 24		    /* at most, and at least, or there is none */
#define BAR_LEAST 8
#define LINE_ROOM 256
#define SAMPLES 32 /* the rate is that of so many periods */

struct progress {
	const struct dd_context *ctx;
	pthread_t thread;
	pthread_mutex_t lock; /* of stop */
	pthread_cond_t wake;
	bool stop;
	struct sample {
		int64_t at_ns;
		uint64_t done;
	} samples[SAMPLES]; /* of this phase, the latest at sampled - 1 */
	size_t sampled;
	int64_t phase_ns; /* when it began */
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

static const char *amount(const struct dd_progress *now, uint64_t number,
			  char buf[static DD_UNIT_TEXT])
{
	return now->bytes ? dd_size_format(number, buf) : grouped(number, buf);
}

/* What the numbers leave; those of a phase may become so wide, and the bar does not change then. */
static unsigned bar_width(const struct dd_progress *now, unsigned width)
{
	size_t rest = strlen(now->phase) + sizeof(" [] 1023.9 GiB of 1023.9 GiB, 1023.9 MiB/s, "
						  "left: 59 minutes");

	if (width < rest + BAR_LEAST)
		return 0;
	return width - rest < BAR_WIDTH ? (unsigned)(width - rest) : BAR_WIDTH;
}

/* "[==>   ]" or, where there is no room for that, ":" */
static void format_bar(char bar[static BAR_WIDTH + 4], unsigned width,
		       const struct dd_progress *now)
{
	unsigned filled = (unsigned)((double)now->done / (double)now->total * width);

	if (!width) {
		memcpy(bar, ":", sizeof(":"));
		return;
	}
	*bar++ = ' ';
	*bar++ = '[';
	for (unsigned i = 0; i < width; i++)
		*bar++ = i < filled ? '=' : i == filled ? '>' : ' ';
	*bar++ = ']';
	*bar = '\0';
}

/* Items a second, of the last few seconds. */
static double rate_of(struct progress *progress, const struct dd_progress *now, int64_t now_ns)
{
	const struct sample *oldest;

	if (now->started_ns != progress->phase_ns) {
		progress->phase_ns = now->started_ns;
		progress->samples[0] = (struct sample){ now->started_ns, 0 };
		progress->sampled = 1;
	}
	progress->samples[progress->sampled++ % SAMPLES] = (struct sample){ now_ns, now->done };
	oldest = &progress->samples[progress->sampled < SAMPLES ? 0 : progress->sampled % SAMPLES];
	if (now_ns <= oldest->at_ns || now->done < oldest->done)
		return 0;
	return (double)(now->done - oldest->done) * (double)DD_SECOND /
	       (double)(now_ns - oldest->at_ns);
}

/* All in ASCII: a character is a column. */
static void format_line(const struct dd_progress *now, double rate, unsigned width,
			char line[static LINE_ROOM])
{
	char done[DD_UNIT_TEXT], total[DD_UNIT_TEXT], per_second[DD_UNIT_TEXT];
	char bar[BAR_WIDTH + 4], left[DD_UNIT_TEXT];
	double seconds;
	int len;

	/* More came than was announced: the announcement was wrong, not the count. */
	if (now->total < now->done || !now->total) {
		snprintf(line, LINE_ROOM, "%s: %s, %s/s", now->phase, amount(now, now->done, done),
			 amount(now, (uint64_t)rate, per_second));
		return;
	}
	format_bar(bar, bar_width(now, width), now);
	len = snprintf(line, LINE_ROOM, "%s%s %s of %s, %s/s", now->phase, bar,
		       amount(now, now->done, done), amount(now, now->total, total),
		       amount(now, (uint64_t)rate, per_second));
	seconds = rate > 0 ? (double)(now->total - now->done) / rate : 0;
	if (seconds >= 1 && seconds < 1e8 && len < LINE_ROOM)
		snprintf(line + len, LINE_ROOM - (size_t)len, ", left: %s",
			 dd_duration_format((int64_t)(seconds * (double)DD_SECOND), left));
}

static void draw(struct progress *progress)
{
	struct dd_progress now;
	char line[LINE_ROOM] = "";
	unsigned width = terminal_width();
	int64_t now_ns = monotonic_ns();
	double rate;

	dd_progress_get(progress->ctx, &now);
	if (now.phase) {
		rate = rate_of(progress, &now, now_ns);
		if (now_ns - now.started_ns >= PATIENCE_NS)
			format_line(&now, rate, width, line);
	}
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
			draw(progress);
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

void progress_stop(struct progress **bar)
{
	struct progress *progress = *bar;

	if (!progress)
		return;
	*bar = NULL;
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
