/* When a guest asks, tells its container, and stops it: with a clock of the test's own. */
#include <stdlib.h>
#include <string.h>

#include "agent/lease.h"
#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"

static const struct fresh_said held = { .status = FRESH_HELD }, revoked = { .status = FRESH_REVOKED, .check = "R11" };
static const uint8_t statement[32] = { 1 };

static struct leases *table(struct lease_terms terms)
{
	struct leases *t = calloc(1, sizeof(*t));
	struct asset_path p;
	struct err e;

	CHECK(t && asset_path_parse(span_of("hospital/note/a"), &p, &e) == COFFER_OK);
	CHECK(lease_take(t, &(struct lease_grant){ 0, &p, PURPOSE_API, statement, terms }, 1000, &e) == COFFER_OK && t->n == 1);
	return t;
}

static void asks_every_check_and_silence_lapses_after_check_and_grace(void)
{
	CLEANUP(freep) struct leases *t = table((struct lease_terms){ .lease = 300, .check = 60, .grace = 900, .stop = true });
	struct lease *l = &t->l[0];

	CHECK(lease_due(l, 60999) == LEASE_REST && lease_wake(l) == 61000 && lease_due(l, 61000) == LEASE_ASK);
	lease_said(l, &held, 61000, 61500);
	CHECK(lease_due(l, 61500) == LEASE_REST && leases_deadline(t) == 61000 + 960000);
	l->asked = 1000000; /* asked in vain */
	CHECK(lease_due(l, 61000 + 959999) == LEASE_REST && lease_due(l, 61000 + 960000) == LEASE_LAPSE && l->why == FRESH_HELD);
	CHECK(lease_due(l, INT64_MAX) == LEASE_REST && lease_wake(l) == INT64_MAX && leases_deadline(t) == INT64_MAX);
}

static void answer_counts_from_its_question_and_late_ones_do_not_turn_time_back(void)
{
	CLEANUP(freep) struct leases *t = table((struct lease_terms){ .lease = 300, .check = 1, .grace = 2, .stop = true });
	struct lease *l = &t->l[0];

	lease_said(l, &held, 3000, 3900);
	CHECK(leases_deadline(t) == 6000);
	lease_said(l, &held, 2000, 5000);
	CHECK(leases_deadline(t) == 6000);
}

/* The guard has done by then what a lapse does. */
static void answer_that_comes_after_the_end_is_silence(void)
{
	CLEANUP(freep) struct leases *t = table((struct lease_terms){ .lease = 300, .check = 1, .grace = 2, .stop = true });
	CLEANUP(freep) struct leases *u = table((struct lease_terms){ .lease = 300, .check = 1, .grace = 2, .stop = true });

	lease_said(&t->l[0], &held, 3000, 4000);
	CHECK(lease_end(&t->l[0]) == 4000 && lease_due(&t->l[0], 4000) == LEASE_LAPSE);
	lease_said(&u->l[0], &held, 3000, 3999);
	CHECK(lease_end(&u->l[0]) == 6000 && lease_due(&u->l[0], 4000) == LEASE_ASK);
}

static void guard_is_told_what_was_said_before_anything_is_done(void)
{
	CLEANUP(freep) struct leases *t = table((struct lease_terms){ .lease = 300, .check = 60, .grace = 900, .term = 5, .stop = true });

	CHECK(leases_stop_at(t, 0) == 961000 && leases_stop_at(t, 1) == INT64_MAX);
	lease_said(&t->l[0], &revoked, 2000, 2100);
	CHECK(leases_stop_at(t, 0) == 7100 && lease_end(&t->l[0]) == 7100 && leases_deadline(t) == 7100);
	CHECK(lease_due(&t->l[0], 2200) == LEASE_END && leases_stop_at(t, 0) == 7100);
}

static void refusal_lapses_at_once_and_nothing_brings_it_back(void)
{
	CLEANUP(freep) struct leases *t = table((struct lease_terms){ .lease = 300, .check = 60, .grace = 900 });
	struct lease *l = &t->l[0];
	struct err e;

	lease_said(l, &revoked, 2000, 2100);
	CHECK(lease_due(l, 2100) == LEASE_LAPSE && l->why == FRESH_REVOKED && strcmp(l->check, "R11") == 0);
	lease_said(l, &held, 3000, 3100);
	CHECK(l->state == LEASE_LAPSED && lease_due(l, 3100) == LEASE_REST);
	CHECK(lease_take(t, &(struct lease_grant){ 0, &l->asset, PURPOSE_API, statement, l->terms }, 4000, &e) == COFFER_E_DENIED &&
	      strcmp(e.check, "lease") == 0);
}

static void time_to_end_is_within_check_and_grace(void)
{
	const struct lease_terms terms = { .lease = 300, .check = 10, .grace = 20, .term = 5, .stop = true };
	CLEANUP(freep) struct leases *t = table(terms), *u = table(terms), *v = table(terms);
	struct lease *l = &t->l[0];

	l->asked = 25000;
	CHECK(lease_due(l, 25999) == LEASE_REST && lease_wake(l) == 26000 && lease_due(l, 26000) == LEASE_END);
	lease_said(l, &held, 26500, 26600); /* told is told */
	CHECK(lease_due(l, 30999) == LEASE_REST && lease_wake(l) == 31000 && lease_due(l, 31000) == LEASE_LAPSE);
	l = &u->l[0];
	lease_said(l, &revoked, 2000, 2000);
	CHECK(lease_due(l, 2000) == LEASE_END && lease_due(l, 6999) == LEASE_REST && lease_due(l, 7000) == LEASE_LAPSE);
	l = &v->l[0];
	lease_said(l, &revoked, 29000, 29000); /* 31000 is the end whatever was said */
	CHECK(lease_due(l, 29000) == LEASE_END && leases_deadline(v) == 31000 && lease_due(l, 31000) == LEASE_LAPSE);
}

static void attestation_is_renewed_after_the_shortest_lease_and_within_a_session(void)
{
	CLEANUP(freep) struct leases *t = table((struct lease_terms){ .lease = 30, .check = 10, .grace = 20 });
	CLEANUP(freep) struct leases *u = table((struct lease_terms){ .lease = 86400, .check = 10, .grace = 20 });

	CHECK(!leases_renew(t, 29999) && leases_renew(t, 30000));
	CHECK(!leases_renew(u, 239999) && leases_renew(u, 240000));
}

static void ended_container_is_asked_about_no_more(void)
{
	CLEANUP(freep) struct leases *t = table((struct lease_terms){ .lease = 30, .check = 10, .grace = 20 });
	struct asset_path p = t->l[0].asset;
	struct err e;

	CHECK(lease_take(t, &(struct lease_grant){ 1, &p, PURPOSE_API, statement, t->l[0].terms }, 1000, &e) == COFFER_OK && t->n == 2);
	lease_drop(t, 0);
	CHECK(t->n == 1 && t->l[0].container == 1 && !lease_find(t, 0, &p, PURPOSE_API) && lease_find(t, 1, &p, PURPOSE_API));
	CHECK(!lease_find(t, 1, &p, PURPOSE_FILE));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(asks_every_check_and_silence_lapses_after_check_and_grace),
		T(answer_counts_from_its_question_and_late_ones_do_not_turn_time_back),
		T(answer_that_comes_after_the_end_is_silence), T(guard_is_told_what_was_said_before_anything_is_done),
		T(refusal_lapses_at_once_and_nothing_brings_it_back), T(time_to_end_is_within_check_and_grace),
		T(attestation_is_renewed_after_the_shortest_lease_and_within_a_session), T(ended_container_is_asked_about_no_more),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
