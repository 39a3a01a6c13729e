/*
 * One thread listens, one stands by each worker, one begins collections.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "change/errand.h"
#include "serve/collect.h"
#include "serve/control.h"
#include "serve/worker.h"

#define CALLERS_MAX 8
#define PATIENCE 10 /* seconds, for whoever calls and says nothing */

struct dd_control {
	struct dd_control_options options;
	struct dd_worker_options worker;
	struct dd_collector *collector; /* NULL: none was asked for */
	pthread_t listener;
	int fd, stop_fd;
	pthread_mutex_t lock;
	pthread_cond_t gone;
	unsigned callers; /* with the lock */
	_Atomic uint64_t errands, refused;
};

struct call {
	struct dd_control *control;
	int fd;
};

/* ---- one caller ---- */

static int check_caller(int fd, struct ucred *peer, struct dd_error *err)
{
	socklen_t len = sizeof(*peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) < 0 || len != sizeof(*peer))
		return dd_fail(err, DD_EIO, errno, "see who calls");
	if (peer->uid != 0 && peer->uid != geteuid())
		return dd_fail(err, DD_EACCES, 0,
			       "user %u may not have the volume changed: only root and user %u may",
			       peer->uid, geteuid());
	return 0;
}

static void send_end(int fd, int code, int status, const struct dd_error *err)
{
	struct dd_errand_end end = { .code = code, .status = status };

	if (code < 0) {
		snprintf(end.text, sizeof(end.text), "%s", err->text);
		snprintf(end.hint, sizeof(end.hint), "%s", err->hint);
	}
	/* Whoever has gone does not want to know. */
	(void)!send(fd, &end, sizeof(end), MSG_NOSIGNAL);
}

static int carry_out(struct dd_control *control, int fd, int *status, struct dd_error *err)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	DD_CLEANUP(dd_errand_release)
	struct dd_received_errand received = { .errand = { .directory = -1,
							   .streams = { -1, -1, -1 } } };
	struct dd_work work = { .caller = fd, .said = -1 };
	struct ucred peer;
	int rc = check_caller(fd, &peer, err);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (rc == 0)
		rc = dd_errand_receive(fd, &received, err);
	if (rc < 0)
		return rc;
	work.words = received.errand.words;
	work.word_count = received.errand.word_count;
	work.environment = received.errand.environment;
	work.environment_count = received.errand.environment_count;
	work.directory = received.errand.directory;
	memcpy(work.streams, received.errand.streams, sizeof(work.streams));
	dd_log(control->options.ctx, DD_LOG_NOTE, "user %u, process %d, has \"drydock %s\" done",
	       peer.uid, (int)peer.pid, work.word_count > 1 ? work.words[1] : "");
	return dd_worker_run(&control->worker, &work, status, err);
}

static void *serve_caller(void *arg)
{
	struct call *call = arg;
	struct dd_control *control = call->control;
	struct dd_error err = { 0 };
	int status = 0, rc = carry_out(control, call->fd, &status, &err);

	control->errands += rc == 0;
	if (rc < 0 && rc != DD_ENOENT) {
		control->refused++;
		dd_log(control->options.ctx, DD_LOG_WARNING, "control socket: %s", err.text);
	}
	send_end(call->fd, rc, status, &err);
	close(call->fd);
	free(call);
	pthread_mutex_lock(&control->lock);
	control->callers--;
	pthread_cond_signal(&control->gone);
	pthread_mutex_unlock(&control->lock);
	return NULL;
}

/* ---- listening ---- */

static int start_to_serve(struct dd_control *control, int fd, struct dd_error *err)
{
	struct call *call = calloc(1, sizeof(*call));
	pthread_attr_t attributes;
	pthread_t thread;
	int sys = ENOMEM;

	if (call) {
		*call = (struct call){ control, fd };
		pthread_attr_init(&attributes);
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		sys = pthread_create(&thread, &attributes, serve_caller, call);
		pthread_attr_destroy(&attributes);
	}
	if (!sys)
		return 0;
	free(call);
	return dd_fail(err, dd_code_of_errno(sys), sys, "serve a caller");
}

static void answer_call(struct dd_control *control, int fd)
{
	struct dd_error err = { 0 };
	bool room;
	int rc = 0;

	pthread_mutex_lock(&control->lock);
	room = control->callers < CALLERS_MAX;
	control->callers += room;
	pthread_mutex_unlock(&control->lock);
	if (!room)
		rc = dd_fail(&err, DD_EREFUSED, 0, "%d commands are being carried out already",
			     CALLERS_MAX);
	if (rc == 0) {
		rc = start_to_serve(control, fd, &err);
		if (rc == 0)
			return;
		pthread_mutex_lock(&control->lock);
		control->callers--;
		pthread_mutex_unlock(&control->lock);
	}
	control->refused++;
	send_end(fd, rc, 0, &err);
	close(fd);
}

static void *listen_to_all(void *arg)
{
	static const struct timespec breath = { 0, 100 * 1000 * 1000 };
	struct dd_control *control = arg;
	struct pollfd both[] = { { .fd = control->fd, .events = POLLIN },
				 { .fd = control->stop_fd, .events = POLLIN } };

	for (;;) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		int fd;

		if (poll(both, 2, -1) < 0)
			continue;
		if (both[1].revents)
			return NULL;
		fd = accept4(control->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
		if (fd >= 0)
			answer_call(control, fd);
		else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN)
			nanosleep(&breath, NULL); /* out of descriptors: that passes */
	}
}

/* ---- beginning and ending ---- */

static int open_collector(struct dd_control *control, struct dd_error *err)
{
	const struct dd_collector_options options = {
		.worker = &control->worker,
		.every_ns = control->options.collect_every_ns,
		.words = control->options.collect_words,
		.word_count = control->options.collect_word_count,
	};

	return options.every_ns ? dd_collector_open(&options, &control->collector, err) : 0;
}

static int begin(struct dd_control *control, struct dd_error *err)
{
	int rc, sys;

	control->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (control->stop_fd < 0)
		return dd_fail(err, DD_EIO, errno, "open the control socket");
	control->worker = (struct dd_worker_options){
		.ctx = control->options.ctx,
		.watch = control->options.watch,
		.store = control->options.store,
		.program = control->options.program,
		.stop_fd = control->stop_fd,
	};
	control->fd = dd_store_listen(control->options.store, err);
	if (control->fd < 0)
		return control->fd;
	rc = open_collector(control, err);
	if (rc < 0)
		return rc;
	sys = pthread_create(&control->listener, NULL, listen_to_all, control);
	if (!sys)
		return 0;
	close(control->fd);
	control->fd = -1;
	return dd_fail(err, dd_code_of_errno(sys), sys, "listen at the control socket");
}

int dd_control_open(const struct dd_control_options *options, struct dd_control **out,
		    struct dd_error *err)
{
	DD_CLEANUP(dd_control_closep) struct dd_control *control = calloc(1, sizeof(*control));
	int rc;

	*out = NULL;
	if (!control)
		return dd_fail(err, DD_ENOMEM, 0, "open the control socket");
	control->options = *options;
	control->fd = control->stop_fd = -1;
	pthread_mutex_init(&control->lock, NULL);
	pthread_cond_init(&control->gone, NULL);
	rc = begin(control, err);
	if (rc < 0)
		return rc;
	*out = control;
	control = NULL;
	return 0;
}

void dd_control_closep(struct dd_control **out)
{
	struct dd_control *control = *out;

	if (!control)
		return;
	if (control->stop_fd >= 0)
		eventfd_write(control->stop_fd, 1);
	if (control->fd >= 0) {
		pthread_join(control->listener, NULL);
		dd_store_stop_listening(control->options.store);
		close(control->fd);
	}
	dd_collector_closep(&control->collector);
	pthread_mutex_lock(&control->lock);
	while (control->callers)
		pthread_cond_wait(&control->gone, &control->lock);
	pthread_mutex_unlock(&control->lock);
	if (control->stop_fd >= 0)
		close(control->stop_fd);
	pthread_cond_destroy(&control->gone);
	pthread_mutex_destroy(&control->lock);
	free(control);
	*out = NULL;
}

void dd_control_get_counts(struct dd_control *control, struct dd_control_counts *counts)
{
	*counts = (struct dd_control_counts){ .errands = control->errands,
					      .refused = control->refused };
	if (control->collector)
		dd_collector_get_counts(control->collector, counts);
}
