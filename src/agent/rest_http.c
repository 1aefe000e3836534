#include "agent/rest.h"
#include "base/str.h"

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(struct span s, struct wr *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			int hi = s.n - i > 2 ? hex_digit(s.p[i + 1]) : -1, lo = s.n - i > 2 ? hex_digit(s.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			wr_u8(out, (uint8_t)(hi << 4 | lo));
			i += 2;
		} else {
			wr_u8(out, s.p[i] == '+' ? ' ' : s.p[i]);
		}
	}
	return wr_ok(out);
}

bool rest_query(struct span query, const char *name, struct wr *out)
{
	struct span found = { NULL, 0 };
	bool seen = false;

	while (query.n > 0) {
		struct span pair = { query.p, span_find(query, '&') };
		size_t eq = span_find(pair, '=');

		query = span_skip(query, pair.n + 1);
		if (!span_eq_str((struct span){ pair.p, eq }, name))
			continue;
		if (seen)
			return false;
		seen = true;
		found = span_skip(pair, eq + 1);
	}
	return seen && decode(found, out);
}
