/*
 * Loads a server on so many connections that are kept open, each by a thread of its own.
 *
 * usage: loader PORT CONNECTIONS push BLOBS BYTES SEED
 *        loader PORT CONNECTIONS head SECONDS PATH
 *
 * push: small blobs, POST and then PUT with the bytes, each another, so that none is there already;
 * prints the seconds that it took. Any answer but 201 is a failure.
 * head: HEAD of a path over and over (wrk waits for a body); prints how many a second. Any answer but
 * 200 is a failure.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <drydock/digest.h>

static int port;

/* push */
static int blobs;
static size_t bytes;
static long seed;
static atomic_int next;

/* head */
static const char *path;
static atomic_bool over;
static atomic_long answered;

struct reply {
	char head[8192];
	size_t have; /* bytes in head */
};

static int dial(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(3, "connect to port %d", port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void put(int fd, const void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t sent = send(fd, (const char *)data + done, len - done, MSG_NOSIGNAL);

		if (sent <= 0)
			err(3, "send");
		done += (size_t)sent;
	}
}

static const char *field(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);

	return at ? at + strlen(name) : NULL;
}

/* A whole answer, whose status is returned; a body, if one comes, is read and forgotten. */
static int answer(int fd, struct reply *reply, bool with_body)
{
	char *end;
	const char *length;
	size_t body, want;

	reply->have = 0;
	do {
		ssize_t got = recv(fd, reply->head + reply->have,
				   sizeof(reply->head) - 1 - reply->have, 0);

		if (got <= 0)
			errx(3, "the server closed the connection");
		reply->have += (size_t)got;
		reply->head[reply->have] = '\0';
		end = strstr(reply->head, "\r\n\r\n");
	} while (!end && reply->have < sizeof(reply->head) - 1);
	if (!end)
		errx(3, "an answer without an end");
	length = field(reply->head, "\r\nContent-Length: ");
	want = length && with_body ? strtoul(length, NULL, 10) : 0;
	body = reply->have - (size_t)(end + 4 - reply->head);
	while (body < want) {
		char rest[4096];
		ssize_t got = recv(fd, rest, sizeof(rest), 0);

		if (got <= 0)
			errx(3, "the server closed the connection");
		body += (size_t)got;
	}
	end[2] = '\0';
	return atoi(reply->head + strlen("HTTP/1.1 "));
}

static void push(int fd, int number, unsigned char *data)
{
	struct reply reply;
	struct dd_digest digest;
	char request[4096], location[2048], *at;
	const char *found;
	int len, status;

	memset(data, 'x', bytes);
	len = snprintf((char *)data, bytes, "%ld %d", seed, number);
	data[len] = ' ';
	if (dd_digest_of(&digest, DD_SHA256, data, bytes, NULL) < 0)
		errx(3, "no digest");
	len = snprintf(request, sizeof(request),
		       "POST /v2/bench/small/blobs/uploads/ HTTP/1.1\r\nHost: localhost:%d\r\n"
		       "Content-Length: 0\r\n\r\n",
		       port);
	put(fd, request, (size_t)len);
	status = answer(fd, &reply, true);
	found = field(reply.head, "\r\nLocation: ");
	if (status != 202 || !found)
		errx(3, "POST: %.200s", reply.head);
	snprintf(location, sizeof(location), "%.*s", (int)strcspn(found, "\r"), found);
	at = strstr(location, "/v2/");
	if (!at)
		errx(3, "Location: %s", location);
	len = snprintf(request, sizeof(request),
		       "PUT %s%cdigest=%s HTTP/1.1\r\nHost: localhost:%d\r\n"
		       "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n",
		       at, strchr(at, '?') ? '&' : '?', dd_digest_text(&digest), port, bytes);
	put(fd, request, (size_t)len);
	put(fd, data, bytes);
	if (answer(fd, &reply, true) != 201)
		errx(3, "PUT: %.200s", reply.head);
}

static void *push_all(void *arg)
{
	unsigned char *data = malloc(bytes);
	int fd = dial(), number;

	(void)arg;
	if (!data)
		err(3, "malloc");
	while ((number = next++) < blobs)
		push(fd, number, data);
	close(fd);
	free(data);
	return NULL;
}

static void *head_all(void *arg)
{
	struct reply reply;
	char request[4096];
	int fd = dial(), len;
	long count = 0;

	(void)arg;
	len = snprintf(request, sizeof(request),
		       "HEAD %s HTTP/1.1\r\nHost: localhost:%d\r\nAccept: "
		       "application/vnd.oci.image.manifest.v1+json\r\n\r\n",
		       path, port);
	for (; !over; count++) {
		put(fd, request, (size_t)len);
		if (answer(fd, &reply, false) != 200)
			errx(3, "HEAD: %.200s", reply.head);
	}
	answered += count;
	close(fd);
	return NULL;
}

static double seconds_since(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
	struct timespec from;
	pthread_t threads[64];
	int connections = argc > 2 ? atoi(argv[2]) : 0;
	bool pushes = argc == 7 && strcmp(argv[3], "push") == 0;

	if (!pushes && (argc != 6 || strcmp(argv[3], "head") != 0))
		errx(2, "usage: loader PORT CONNECTIONS push BLOBS BYTES SEED | head SECONDS PATH");
	port = atoi(argv[1]);
	blobs = atoi(argv[4]);
	if (pushes) {
		bytes = strtoul(argv[5], NULL, 10);
		seed = strtol(argv[6], NULL, 10);
	} else
		path = argv[5];
	if (connections < 1 || connections > 64 || (pushes && bytes < 64))
		errx(2, "1 to 64 connections, blobs of at least 64 bytes");
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < connections; i++)
		if (pthread_create(&threads[i], NULL, pushes ? push_all : head_all, NULL))
			errx(3, "no thread");
	if (!pushes)
		sleep((unsigned)atoi(argv[4]));
	over = true;
	for (int i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	if (pushes)
		printf("%.4f\n", seconds_since(&from));
	else
		printf("%.1f\n", (double)answered / seconds_since(&from));
	return 0;
}
