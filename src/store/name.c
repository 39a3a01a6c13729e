/*
 * Names: what the registry accepts, and what can safely be a part of a path.
 */
#include <string.h>

#include <drydock/layout.h>

static bool lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool word(char c)
{
	return lower(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The bytes of one separator at s: ".", "_", "__" or dashes; 0 if there is none. */
static size_t separator(const char *s)
{
	if (*s == '.')
		return 1;
	if (*s == '_')
		return s[1] == '_' ? 2 : 1;
	return strspn(s, "-");
}

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*, components joined by slashes */
bool dd_repository_valid(const char *name)
{
	const char *s = name;

	if (strlen(name) > DD_REPOSITORY_MAX)
		return false;
	for (;;) {
		if (!lower(*s))
			return false;
		while (lower(*s))
			s++;
		if (*s == '\0')
			return true;
		if (*s == '/')
			s++;
		else
			s += separator(s);
	}
}

bool dd_tag_valid(const char *tag)
{
	size_t len = strlen(tag);

	if (len == 0 || len > DD_TAG_MAX || !word(tag[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!word(tag[i]) && tag[i] != '.' && tag[i] != '-')
			return false;
	return true;
}

bool dd_name_safe(const char *name)
{
	return name[0] && strcmp(name, ".") && strcmp(name, "..") && !strchr(name, '/');
}

bool dd_repository_reserved(const char *component, size_t len)
{
	static const char *const reserved[] = { "_layers", "_manifests", "_uploads", "_referrers" };

	if (!len || component[0] != '_')
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (strlen(reserved[i]) == len && !memcmp(reserved[i], component, len))
			return true;
	return false;
}

bool dd_repository_safe(const char *name)
{
	const char *s = name;

	for (;;) {
		size_t len = (size_t)(strchrnul(s, '/') - s);

		if (len == 0 || dd_repository_reserved(s, len) || (len == 1 && s[0] == '.') ||
		    (len == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		if (s[len] == '\0')
			return true;
		s += len + 1;
	}
}

static bool uuid(const char *s, size_t len)
{
	if (len != 36)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !hex(s[i]))
			return false;
	}
	return true;
}

bool dd_upload_valid(const char *id)
{
	return uuid(id, strlen(id));
}

bool dd_run_valid(const char *run)
{
	static const char shape[] = "00000000T000000Z-xxxx";

	if (strlen(run) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++) {
		if (shape[i] == '0' ? !(run[i] >= '0' && run[i] <= '9') :
		    shape[i] == 'x' ? !hex(run[i]) :
				      run[i] != shape[i])
			return false;
	}
	return true;
}

bool dd_temp_valid(const char *name)
{
	static const char *const bases[] = { "link", "data", "startedat" };
	const char *dot = strchr(name, '.');
	size_t len = strlen(name);

	if (!dot || len < 4 || strcmp(name + len - 4, ".tmp"))
		return false;
	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++)
		if (strlen(bases[i]) == (size_t)(dot - name) &&
		    !memcmp(name, bases[i], (size_t)(dot - name)))
			return uuid(dot + 1, len - 4 - (size_t)(dot + 1 - name));
	return false;
}
