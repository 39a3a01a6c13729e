/*
 * Files of the configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "serve/read_file.h"

int dd_read_file(const char *path, size_t max, struct dd_text *text, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return dd_fail(err, dd_code_of_errno(errno), errno, "%s", path);
	for (;;) {
		ssize_t got;

		if (dd_text_reserve(text, 4096) < 0)
			return dd_fail(err, DD_ENOMEM, 0, "%s", path);
		got = read(fd, text->bytes + text->len, text->room - text->len - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return dd_fail(err, dd_code_of_errno(errno), errno, "%s", path);
		text->len += (size_t)got;
		text->bytes[text->len] = '\0';
		if (got == 0)
			return 0;
		if (text->len > max)
			return dd_fail(err, DD_ETOOBIG, 0, "%s: more than %zu bytes", path, max);
	}
}
