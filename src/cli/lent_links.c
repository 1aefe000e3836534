#include "cli/lent_links.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

void lent_links_clear(struct lent_links *l)
{
	free(l->d);
	*l = (struct lent_links){ 0 };
}

static bool own(const struct fact_delegation *d)
{
	return strcmp(d->s.issuer, d->body.of) == 0;
}

static bool one_pair(const struct fact_delegation *a, const struct fact_delegation *b)
{
	return strcmp(a->s.issuer, b->s.issuer) == 0 && strcmp(a->body.to, b->body.to) == 0;
}

static bool is_room(const struct lent_links *l, const struct fact_delegation *d)
{
	size_t pair = 0, by = 0;

	for (size_t i = 0; i < l->n; i++) {
		pair += one_pair(&l->d[i], d);
		by += strcmp(l->d[i].s.issuer, d->s.issuer) == 0;
	}
	return pair < LENT_PAIR_MAX && (own(d) || by < LENT_BY_MAX);
}

enum coffer_rc lent_links_add(struct lent_links *l, const struct fact_delegation *d, struct err *e)
{
	if (!is_room(l, d))
		return COFFER_OK;
	if (l->n == l->room) {
		struct fact_delegation *more = realloc(l->d, (2 * l->room + 64) * sizeof(*more));

		if (!more)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		l->d = more;
		l->room = 2 * l->room + 64;
	}
	l->d[l->n++] = *d;
	return COFFER_OK;
}

void lent_links_order(struct lent_links *l)
{
	int64_t logged = INT64_MIN;

	for (size_t i = 0; i < l->n / 2; i++) {
		struct fact_delegation x = l->d[i];

		l->d[i] = l->d[l->n - 1 - i];
		l->d[l->n - 1 - i] = x;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct fact_delegation *d = &l->d[i];

		logged = d->s.issued > logged ? d->s.issued : logged;
		d->s.seq = i + 1;
		d->s.logged = logged;
		for (size_t k = 0; k < i; k++)
			if (l->d[k].superseded_at == 0 && one_pair(&l->d[k], d))
				l->d[k].superseded_at = d->s.seq;
	}
}

/* ---- which of them ---- */

#define OTHERS_STAND_MAX (LINKS_MAX / 2) /* more than the service lets stand at once: the rest was revoked, or has ended with what it was lent by */

/* class: 2 it stands, 1 it was renewed by one that does, 0 it ended. turn: how many of its like are newer; place: among those of its class that are its issuer's own power,
 * or not. */
struct rank { const struct fact_delegation *d; unsigned class; bool own; size_t turn, place; };

static bool stands(const struct fact_delegation *d, int64_t now)
{
	return d->superseded_at == 0 && now < d->s.expires && now < d->body.until;
}

static unsigned class_of(const struct lent_links *l, const struct fact_delegation *d, int64_t now)
{
	if (stands(d, now))
		return 2;
	for (size_t i = 0; i < l->n; i++)
		if (one_pair(&l->d[i], d) && stands(&l->d[i], now))
			return 1;
	return 0;
}

static int order_of(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

static int by_turn(const void *x, const void *y)
{
	const struct rank *a = x, *b = y;

	if (a->class != b->class)
		return order_of(b->class, a->class);
	if (a->own != b->own)
		return a->own ? -1 : 1;
	return a->turn != b->turn ? order_of(a->turn, b->turn) : order_of(b->d->s.seq, a->d->s.seq);
}

static int by_place(const void *x, const void *y)
{
	const struct rank *a = x, *b = y;

	if (a->class != b->class)
		return order_of(b->class, a->class);
	if (a->own != b->own && (a->class == 2 || a->place == b->place))
		return a->own ? -1 : 1;
	return order_of(a->place, b->place);
}

static void give_turns(struct rank *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++) /* oldest first */
			r[i].turn += r[k].class == r[i].class && (r[i].own ? one_pair(r[k].d, r[i].d) : strcmp(r[k].d->s.issuer, r[i].d->s.issuer) == 0);
	qsort(r, n, sizeof(*r), by_turn);
	for (size_t i = 1; i < n; i++)
		r[i].place = r[i].class == r[i - 1].class && r[i].own == r[i - 1].own ? r[i - 1].place + 1 : 0;
	for (size_t i = 0; i < n; i++) {
		if (r[i].class == 2 && !r[i].own && r[i].place >= OTHERS_STAND_MAX) {
			r[i].class = 0;
			r[i].place += n; /* behind all */
		}
	}
	qsort(r, n, sizeof(*r), by_place);
}

enum coffer_rc lent_links_choose(const struct lent_links *l, struct span path, int64_t now, struct fact_delegation out[static LINKS_MAX], size_t *n, struct err *e)
{
	CLEANUP(freep) struct rank *r = calloc(l->n + 1, sizeof(*r));
	size_t fit = 0;

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	for (size_t i = 0; i < l->n; i++)
		if (delegation_covers(&l->d[i].body, path))
			r[fit++] = (struct rank){ .d = &l->d[i], .class = class_of(l, &l->d[i], now), .own = own(&l->d[i]) };
	give_turns(r, fit);
	*n = fit < LINKS_MAX ? fit : LINKS_MAX;
	for (size_t i = 0; i < *n; i++)
		out[i] = *r[i].d;
	return COFFER_OK;
}
