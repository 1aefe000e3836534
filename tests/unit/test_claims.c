/* The claims that a token carries and a policy sees: what eval wrote goes in where it closes what it opened and nothing more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "decide/claims.h"
#include "tests/t.h"

static bool takes(struct span submods)
{
	static const uint8_t genesis[32] = { 1 }, session[KEEP_SESSION_LEN] = { 2 };
	const struct claims_in in = { .genesis = genesis, .session = session, .service = span_of("trust"), .build = span_of("1"), .time = 5, .submods = submods };
	CLEANUP(wr_close) struct wr out = wr_open(1u << 20);

	return shown_claims(&in, &out) && wr_ok(&out);
}

static void objects_that_close_are_taken(void)
{
	static const char *const good[] = { "{}", "{\"a\":[{},[]]}", "{\"a\":\"}{][\"}", "{\"a\":\"\\\"}\"}", "{\"long, and with nothing in it that matters\":\"\\\\\"}" };
	static const char *const bad[] = { "", "{", "[]", "\"{}\"", "{}}", "{},{}", "{} ", "{\"a\":\"\\\"}", "{\"a\":[}]}}", "x{}", "{\"never ends, however long it goes on",
		"{\"a\":\"ends in an escape\\" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(takes(span_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!takes(span_of(bad[i])));
}

/* Whatever stands before it and behind it: texts are read eight bytes at a time. */
static void every_byte_counts_wherever_it_stands(void)
{
	for (unsigned at = 0; at < 24; at++)
		for (unsigned c = 1; c < 256; c++) {
			char text[64] = "{\"a\":\"0123456789012345678901234\"}";

			text[6 + at] = (char)c;
			/* a quote ends the text, and what follows opens another that nothing ends; an escape takes the byte behind it */
			CHECK(takes(span_of(text)) == (c >= 0x20 && c != '"'));
		}
}

static void an_escape_takes_the_quote_behind_it(void)
{
	for (unsigned n = 0; n < 24; n++) {
		char text[64] = "{\"a\":\"012345678901234567890123";

		(void)snprintf(text + 7 + n, sizeof(text) - 7 - n, "\\\"}");
		CHECK(!takes(span_of(text)));
		(void)snprintf(text + 7 + n, sizeof(text) - 7 - n, "\\\"\"}");
		CHECK(takes(span_of(text)));
	}
}

/* In memory that ends where it does: sanitizers see what reads on. */
static void what_is_cut_is_refused(void)
{
	static const char text[] = "{\"a\":\"0123456789012345678901234567890123456789\",\"b\":[\"x\\\"\"]}";

	for (size_t n = 1; n < sizeof(text); n++) {
		CLEANUP(freep) char *cut = malloc(n);

		CHECK(cut);
		if (!cut)
			return;
		memcpy(cut, text, n);
		CHECK(takes((struct span){ (const uint8_t *)cut, n }) == (n + 1 == sizeof(text)));
	}
}

int main(void)
{
	static const struct t_case c[] = { T(objects_that_close_are_taken), T(every_byte_counts_wherever_it_stands), T(an_escape_takes_the_quote_behind_it),
		T(what_is_cut_is_refused) };

	return t_main(c, sizeof(c) / sizeof(c[0]));
}
