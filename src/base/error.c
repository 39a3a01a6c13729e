/*
 * Errors: one fact a layer, the outermost first.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <drydock/error.h>

static const struct {
	int code;
	enum dd_exit status;
	const char *name, *text;
} codes[] = {
#define X(name, value, status, text) { name, status, #name, text },
	DD_CODES(X)
#undef X
};

static const struct {
	int sys, code;
} errnos[] = {
	{ ENOMEM, DD_ENOMEM },	    { ENOENT, DD_ENOENT },  { ENOTDIR, DD_EIRREGULAR },
	{ EACCES, DD_EACCES },	    { EPERM, DD_EACCES },   { EROFS, DD_EACCES },
	{ ENOSPC, DD_ENOSPC },	    { EDQUOT, DD_ENOSPC },  { EEXIST, DD_EEXIST },
	{ ENOTEMPTY, DD_EEXIST },   { EXDEV, DD_EXDEV },    { ELOOP, DD_ESYMLINK },
	{ EOPNOTSUPP, DD_ENOTSUP }, { ENOSYS, DD_ENOTSUP },
};

int dd_code_of_errno(int sys)
{
	for (size_t i = 0; i < sizeof(errnos) / sizeof(*errnos); i++)
		if (errnos[i].sys == sys)
			return errnos[i].code;
	return DD_EIO;
}

static size_t row_of(int code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i].code == code)
			return i;
	return 0;
}

const char *dd_code_name(int code)
{
	return codes[row_of(code)].name;
}

const char *dd_code_text(int code)
{
	return codes[row_of(code)].text;
}

enum dd_exit dd_code_exit(int code)
{
	return codes[row_of(code)].status;
}

void dd_error_clear(struct dd_error *err)
{
	if (!err)
		return;
	err->code = err->sys_errno = 0;
	err->text[0] = err->hint[0] = '\0';
}

int dd_fail(struct dd_error *err, int code, int sys, const char *fmt, ...)
{
	va_list args;
	size_t len;

	if (!err)
		return code;
	err->code = code;
	err->sys_errno = sys;
	err->hint[0] = '\0';
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	if (sys) {
		char reason[128];

		len = strlen(err->text);
		snprintf(err->text + len, sizeof(err->text) - len, ": %s",
			 strerror_r(sys, reason, sizeof(reason)));
	}
	return code;
}

int dd_wrap(struct dd_error *err, int rc, const char *fmt, ...)
{
	char below[DD_ERROR_TEXT];
	va_list args;
	size_t len;

	if (!err)
		return rc;
	memcpy(below, err->text, sizeof(below));
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", below);
	return rc;
}

void dd_hint(struct dd_error *err, const char *fmt, ...)
{
	va_list args;

	if (!err || err->hint[0])
		return;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
}
