/*
 * UTF-8: decoding, checking, and what should not reach a terminal.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/* By its first byte; 0 if none starts so. */
static size_t sequence_length(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

size_t dd_utf8_decode(const char *bytes, size_t len, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *at = (const uint8_t *)bytes;
	size_t length = sequence_length(at[0]);
	uint32_t value;

	if (length <= 1) {
		*point = at[0];
		return length;
	}
	if (length > len)
		return 0;
	value = at[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3f);
	}
	if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*point = value;
	return length;
}

size_t dd_utf8_valid(const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len) {
		uint64_t word;
		uint32_t point;
		size_t length;

		/* Nearly all of it is ASCII: eight bytes at a time. */
		while (len - at >= sizeof(word)) {
			memcpy(&word, bytes + at, sizeof(word));
			if (word & UINT64_C(0x8080808080808080))
				break;
			at += sizeof(word);
		}
		if (at == len)
			break;
		length = dd_utf8_decode(bytes + at, len - at, &point);
		if (!length)
			break;
		at += length;
	}
	return at;
}

/* First and last; ascending. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x0000, 0x001f },   /* C0 */
	{ 0x007f, 0x009f },   /* DEL, C1 */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x034f, 0x034f },   /* combining grapheme joiner */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
	{ 0x180b, 0x180f },   /* Mongolian selectors and separator */
	{ 0x200b, 0x200f },   /* zero width, direction marks */
	{ 0x2028, 0x202e },   /* separators, embeddings and overrides */
	{ 0x2060, 0x206f },   /* joiners, isolates, deprecated controls */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xd800, 0xf8ff },   /* surrogates, private use */
	{ 0xfe00, 0xfe0f },   /* variation selectors */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xffa0, 0xffa0 },   /* halfwidth Hangul filler */
	{ 0xfff0, 0xfffb },   /* interlinear annotation */
	{ 0xfffe, 0xffff },   /* no characters */
	{ 0x1bca0, 0x1bca3 }, /* shorthand format controls */
	{ 0x1d173, 0x1d17a }, /* musical format controls */
	{ 0xe0000, 0x10ffff } /* tags, selectors, private use */
};

bool dd_utf8_is_hidden(uint32_t point)
{
	for (size_t i = 0; i < DD_COUNT(hidden) && point >= hidden[i].first; i++)
		if (point <= hidden[i].last)
			return true;
	return false;
}
