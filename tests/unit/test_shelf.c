/* Genesis, service statement, its delegations and parties at hand in net: for a second, and never beyond a change. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/net/shelf.h"
#include "tests/t.h"

static bool has_of(struct shelf *s, struct shelf_page p, int64_t now, const char *text)
{
	CLEANUP(wr_close) struct wr w = { 0 };

	return shelf_get(s, p, now, &w) && span_eq_str(wr_span(&w), text);
}

static bool none_of(struct shelf *s, struct shelf_page p, int64_t now)
{
	CLEANUP(wr_close) struct wr w = { 0 };

	return !shelf_get(s, p, now, &w) && !w.p;
}

static bool has(struct shelf *s, enum shelf_place p, int64_t now, const char *text)
{
	return has_of(s, (struct shelf_page){ .place = p }, now, text);
}

static bool none(struct shelf *s, enum shelf_place p, int64_t now)
{
	return none_of(s, (struct shelf_page){ .place = p }, now);
}

static void put(struct shelf *s, enum shelf_place p, struct span text, uint64_t changes, int64_t now)
{
	shelf_put(s, (struct shelf_page){ .place = p }, text, changes, now);
}

static void clear(struct shelf *s)
{
	for (size_t i = 0; i < SHELF_PLACES; i++) {
		wr_close(&s->at[i].text);
		wr_close(&s->at[i].of);
	}
	(void)pthread_mutex_destroy(&s->lock);
}

static void copy_is_good_for_a_second_and_in_its_place(void)
{
	CLEANUP(clear) struct shelf s;
	struct err e;

	CHECK(shelf_init(&s, &e) == COFFER_OK && none(&s, SHELF_GENESIS, 0));
	put(&s, SHELF_GENESIS, span_of("g"), shelf_changes(&s), 500);
	CHECK(has(&s, SHELF_GENESIS, 500, "g") && has(&s, SHELF_GENESIS, 1499, "g") && none(&s, SHELF_GENESIS, 1500));
	CHECK(none(&s, SHELF_SERVICE, 500));
	put(&s, SHELF_SERVICE, span_of("s"), shelf_changes(&s), 500);
	put(&s, SHELF_SERVICE, span_of("newer"), shelf_changes(&s), 600);
	CHECK(has(&s, SHELF_SERVICE, 1599, "newer") && has(&s, SHELF_GENESIS, 600, "g"));
}

static void no_copy_outlives_a_change(void)
{
	CLEANUP(clear) struct shelf s;
	uint64_t asked;
	struct err e;

	CHECK(shelf_init(&s, &e) == COFFER_OK);
	put(&s, SHELF_SERVICE, span_of("old"), shelf_changes(&s), 0);
	shelf_empty(&s);
	CHECK(none(&s, SHELF_SERVICE, 0));
	asked = shelf_changes(&s);
	shelf_empty(&s); /* between the question and its answer */
	put(&s, SHELF_SERVICE, span_of("old"), asked, 0);
	CHECK(none(&s, SHELF_SERVICE, 0));
	put(&s, SHELF_SERVICE, span_of("new"), shelf_changes(&s), 0);
	CHECK(has(&s, SHELF_SERVICE, 0, "new"));
}

static void what_is_too_long_is_not_put_on_it(void)
{
	CLEANUP(wr_close) struct wr most = wr_open(SHELF_TEXT_MAX), more = wr_open(SHELF_TEXT_MAX + 1), got = { 0 };
	CLEANUP(clear) struct shelf s;
	struct err e;

	for (size_t i = 0; i <= SHELF_TEXT_MAX; i++) {
		if (i < SHELF_TEXT_MAX)
			wr_u8(&most, 'm');
		wr_u8(&more, 'x');
	}
	CHECK(wr_ok(&most) && wr_ok(&more) && shelf_init(&s, &e) == COFFER_OK);
	put(&s, SHELF_PARTIES, wr_span(&more), shelf_changes(&s), 0);
	CHECK(none(&s, SHELF_PARTIES, 0));
	put(&s, SHELF_PARTIES, wr_span(&most), shelf_changes(&s), 0);
	CHECK(shelf_get(&s, (struct shelf_page){ .place = SHELF_PARTIES }, 0, &got) && span_eq(wr_span(&got), wr_span(&most)));
}

/* Nobody is told of one service statement what was said of another. */
static void copy_is_about_what_was_asked(void)
{
	char longest[SHELF_OF_MAX + 2] = "";
	const struct shelf_page one = { SHELF_LENT, span_of("statement=1") }, two = { SHELF_LENT, span_of("statement=2") };
	CLEANUP(clear) struct shelf s;
	struct err e;

	CHECK(shelf_init(&s, &e) == COFFER_OK && none_of(&s, one, 0));
	shelf_put(&s, one, span_of("links"), shelf_changes(&s), 0);
	CHECK(has_of(&s, one, 999, "links") && none_of(&s, two, 0) && none(&s, SHELF_LENT, 0));
	shelf_put(&s, two, span_of("others"), shelf_changes(&s), 0);
	CHECK(has_of(&s, two, 0, "others") && none_of(&s, one, 0));
	memset(longest, 'x', SHELF_OF_MAX + 1);
	shelf_put(&s, (struct shelf_page){ SHELF_LENT, span_of(longest) }, span_of("more"), shelf_changes(&s), 0);
	CHECK(has_of(&s, two, 0, "others") && none_of(&s, (struct shelf_page){ SHELF_LENT, span_of(longest) }, 0));
	shelf_empty(&s);
	CHECK(none_of(&s, two, 0));
}

int main(void)
{
	static const struct t_case c[] = { T(copy_is_good_for_a_second_and_in_its_place), T(no_copy_outlives_a_change),
		T(what_is_too_long_is_not_put_on_it), T(copy_is_about_what_was_asked) };

	return t_main(c, sizeof(c) / sizeof(c[0]));
}
