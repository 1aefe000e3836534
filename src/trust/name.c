#include "trust/name.h"

#include <string.h>

#include "base/str.h"

#define SCHEME "kbs:///"
#define PARTY_LEN_MAX 63
#define SEGMENT_LEN_MAX 64

static bool lower_or_digit(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool party_ok(struct span s)
{
	if (s.n == 0 || s.n > PARTY_LEN_MAX || !lower_or_digit(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!lower_or_digit(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

/* [a-zA-Z0-9_-][a-zA-Z0-9_.-]*: no segment starts with a dot, so none is "." or "..". */
static bool segment_ok(struct span s)
{
	if (s.n == 0 || s.n > SEGMENT_LEN_MAX || s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!lower_or_digit(c) && !(c >= 'A' && c <= 'Z') && c != '_' && c != '-' && c != '.')
			return false;
	}
	return true;
}

static struct span segment(struct span *rest)
{
	size_t n = span_find(*rest, '/');
	struct span s = { rest->p, n };

	*rest = span_skip(*rest, n + 1);
	return s;
}

enum coffer_rc asset_path_parse(struct span s, struct asset_path *out, struct err *e)
{
	struct span tail = span_starts(s, SCHEME) ? span_skip(s, sizeof(SCHEME) - 1) : s;
	struct span rest = tail, part[3];
	size_t slashes = 0;

	for (size_t i = 0; i < tail.n; i++)
		slashes += tail.p[i] == '/';
	for (size_t i = 0; i < 3; i++)
		part[i] = segment(&rest);
	if (slashes != 2 || !party_ok(part[0]) || !segment_ok(part[1]) || !segment_ok(part[2]))
		return err_set(e, COFFER_E_INPUT, "not an asset path: want kbs:///<party>/<type>/<tag>, type and tag each of 1 to %d letters, digits and _-., no dot first", SEGMENT_LEN_MAX);
	*out = (struct asset_path){ .text = SCHEME };
	memcpy(out->text + sizeof(SCHEME) - 1, tail.p, tail.n);
	memcpy(out->owner, part[0].p, part[0].n);
	return COFFER_OK;
}

bool asset_path_eq(const struct asset_path *a, const struct asset_path *b)
{
	return strcmp(a->text, b->text) == 0;
}
