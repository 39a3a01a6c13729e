/*
 * The least that serving costs with this HTTP library: one answer from memory for every path, and one
 * file by pread(2), for who asks for "/blob".
 *
 * usage: floor-serve PORT MANIFEST BLOB
 * Serves until it is killed.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <microhttpd.h>

#define BLOCK ((size_t)256 << 10)

static struct MHD_Response *manifest;
static uint64_t size;
static int blob;

static ssize_t read_blob(void *cls, uint64_t at, char *bytes, size_t len)
{
	(void)cls;
	return pread(blob, bytes, len, (off_t)at);
}

static enum MHD_Result serve(void *cls, struct MHD_Connection *connection, const char *url,
			     const char *method, const char *version, const char *upload,
			     size_t *upload_size, void **state)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	(void)cls, (void)method, (void)version, (void)upload, (void)upload_size;
	/* What is answered at the first call closes the connection. */
	if (!*state) {
		*state = &blob;
		return MHD_YES;
	}
	if (strcmp(url, "/blob") != 0)
		return MHD_queue_response(connection, MHD_HTTP_OK, manifest);
	response = MHD_create_response_from_callback(size, BLOCK, read_blob, NULL, NULL);
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

int main(int argc, char **argv)
{
	static char bytes[1 << 20];
	struct MHD_Daemon *daemon;
	struct stat st;
	ssize_t len;
	int fd;

	if (argc != 4)
		errx(2, "usage: floor-serve PORT MANIFEST BLOB");
	fd = open(argv[2], O_RDONLY);
	len = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
	blob = open(argv[3], O_RDONLY);
	if (len < 0 || blob < 0 || fstat(blob, &st) < 0)
		err(3, "%s, %s", argv[2], argv[3]);
	close(fd);
	size = (uint64_t)st.st_size;
	manifest = MHD_create_response_from_buffer((size_t)len, bytes, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(manifest, "Content-Type",
				"application/vnd.oci.image.manifest.v1+json");
	daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL,
				  (uint16_t)atoi(argv[1]), NULL, NULL, serve, NULL,
				  MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_CONNECTION_LIMIT,
				  2048u, MHD_OPTION_END);
	if (!daemon)
		errx(3, "no server on port %s", argv[1]);
	for (;;)
		pause();
}
