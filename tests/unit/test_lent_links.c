/* Which links a client looks at: nobody who lends on what it was lent takes the place of another's. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/lent_links.h"
#include "tests/t.h"

#define REPOSITORY "registry.example/imaker/app"
#define NOW 1000000

struct one { const char *by, *to; int64_t issued, until; const char *scope; };

static void add(struct lent_links *l, struct one o)
{
	CLEANUP(freep) struct fact_delegation *d = calloc(1, sizeof(*d));
	struct err e;

	if (!d)
		abort();
	d->s.issued = o.issued;
	d->s.expires = NOW + 5000;
	d->body.until = o.until ? o.until : NOW + 5000;
	d->body.role = ROLE_VERIFICATION;
	d->body.n_scopes = o.scope != NULL;
	(void)snprintf(d->body.scope[0], sizeof(d->body.scope[0]), "%s", o.scope ? o.scope : "");
	(void)snprintf(d->s.issuer, sizeof(d->s.issuer), "%s", o.by);
	(void)snprintf(d->body.of, sizeof(d->body.of), "imaker");
	(void)snprintf(d->body.to, sizeof(d->body.to), "%s", o.to);
	CHECK(lent_links_add(l, d, &e) == COFFER_OK);
}

/* As they come: what is added last is oldest. */
static size_t chosen(struct lent_links *l, struct fact_delegation *out)
{
	struct err e;
	size_t n = 0;

	lent_links_order(l);
	CHECK(lent_links_choose(l, span_of(REPOSITORY), NOW, out, &n, &e) == COFFER_OK && n <= LINKS_MAX);
	return n;
}

static size_t count(const struct fact_delegation *d, size_t n, const char *by, const char *to)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += strcmp(d[i].s.issuer, by) == 0 && (!to || strcmp(d[i].body.to, to) == 0);
	return found;
}

static void links_come_oldest_first_and_know_what_renewed_them(void)
{
	CLEANUP(lent_links_clear) struct lent_links l = { 0 };

	add(&l, (struct one){ "imaker", "lab", 30, 0, NULL });
	add(&l, (struct one){ "imaker", "clinic", 40, 0, NULL });
	add(&l, (struct one){ "imaker", "lab", 10, 0, NULL });
	lent_links_order(&l);
	CHECK(l.n == 3 && l.d[0].s.issued == 10 && l.d[0].s.seq == 1 && l.d[0].superseded_at == 3 && l.d[0].s.logged == 10);
	CHECK(l.d[1].superseded_at == 0 && l.d[1].s.logged == 40 && l.d[2].superseded_at == 0);
	CHECK(l.d[2].s.logged == 40); /* no earlier than those before it */
}

/* lab, to whom imaker lent with depth, says so much that all else would have no place: renewed, ended, and as if it stood. */
static void who_lends_on_without_end_hides_no_link(void)
{
	for (int how = 0; how < 3; how++) {
		CLEANUP(lent_links_clear) struct lent_links l = { 0 };
		CLEANUP(freep) struct fact_delegation *d = calloc(LINKS_MAX, sizeof(*d));
		size_t n;

		for (unsigned i = 0; i < 6000; i++) {
			CLEANUP(freep) char *to = str_fmt("p%u", how == 0 ? i % 200 : i);

			add(&l, (struct one){ "lab", to, NOW - 100, how == 1 ? NOW - 50 : 0, NULL });
		}
		CHECK(l.n == LENT_BY_MAX);
		add(&l, (struct one){ "clinic", "ward", 95, 0, NULL });
		add(&l, (struct one){ "clinic", "ward", 94, 0, NULL });
		add(&l, (struct one){ "imaker", "lab", 90, 0, NULL });
		add(&l, (struct one){ "imaker", "clinic", 80, 0, NULL });
		add(&l, (struct one){ "imaker", "clinic", 70, 0, NULL });
		add(&l, (struct one){ "imaker", "other", 60, 100, NULL });
		n = d ? chosen(&l, d) : 0;
		CHECK(n == LINKS_MAX && count(d, n, "imaker", "lab") == 1 && count(d, n, "imaker", "clinic") == 2);
		CHECK(count(d, n, "clinic", "ward") == 2 && count(d, n, "imaker", "other") == 1);
	}
}

/* Its own links are the lender's business: to each party the newest so many. */
static void who_has_the_power_is_bounded_by_pair(void)
{
	CLEANUP(lent_links_clear) struct lent_links l = { 0 };
	CLEANUP(freep) struct fact_delegation *d = calloc(LINKS_MAX, sizeof(*d));
	size_t n;

	for (unsigned i = 0; i < 300; i++) {
		add(&l, (struct one){ "imaker", "lab", NOW - i, 0, NULL });
		add(&l, (struct one){ "imaker", "clinic", NOW - i, 0, NULL });
		add(&l, (struct one){ "lab", "ward", NOW - i, 0, NULL });
	}
	CHECK(l.n == 3 * LENT_PAIR_MAX);
	n = d ? chosen(&l, d) : 0;
	CHECK(n == LINKS_MAX && count(d, n, "lab", "ward") >= LENT_PAIR_MAX - 1 && count(d, n, "imaker", "lab") >= 32 && count(d, n, "imaker", "clinic") >= 32);
}

static void what_the_lender_lent_and_stands_comes_first(void)
{
	CLEANUP(lent_links_clear) struct lent_links l = { 0 };
	CLEANUP(freep) struct fact_delegation *d = calloc(LINKS_MAX, sizeof(*d));
	size_t n;

	for (unsigned i = 0; i < 100; i++) {
		CLEANUP(freep) char *to = str_fmt("p%u", i);

		add(&l, (struct one){ "lab", to, NOW - i, 0, NULL });
		add(&l, (struct one){ "imaker", to, NOW - i, 0, NULL });
	}
	n = d ? chosen(&l, d) : 0;
	CHECK(n == LINKS_MAX && count(d, n, "imaker", NULL) == 100 && count(d, n, "lab", NULL) == LINKS_MAX - 100);
}

static void link_that_does_not_cover_takes_no_place(void)
{
	CLEANUP(lent_links_clear) struct lent_links l = { 0 };
	CLEANUP(freep) struct fact_delegation *d = calloc(LINKS_MAX, sizeof(*d));

	add(&l, (struct one){ "imaker", "lab", 3, 0, "registry.example/imaker/tools/" });
	add(&l, (struct one){ "imaker", "clinic", 2, 0, "registry.example/imaker/" });
	CHECK(d && chosen(&l, d) == 1 && count(d, 1, "imaker", "clinic") == 1);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(links_come_oldest_first_and_know_what_renewed_them), T(who_lends_on_without_end_hides_no_link), T(who_has_the_power_is_bounded_by_pair),
		T(what_the_lender_lent_and_stands_comes_first), T(link_that_does_not_cover_takes_no_place),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
