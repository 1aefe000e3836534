#include "agent/lease.h"

#include <string.h>

#include "base/str.h"

#define MS 1000
#define SESSION_MS (INT64_C(240) * MS) /* a service's session lives 300 s; what asks at 239 s is answered before it ends */

static int64_t span_ms(uint64_t s)
{
	return (int64_t)s * MS;
}

/* When silence is a lapse. */
static int64_t deadline(const struct lease *l)
{
	return l->good + span_ms(l->terms.check) + span_ms(l->terms.grace);
}

int64_t lease_end(const struct lease *l)
{
	return l->why != FRESH_HELD ? l->end : deadline(l);
}

static struct lease *find(struct leases *t, size_t container, const struct asset_path *asset, enum purpose purpose)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->l[i].container == container && t->l[i].purpose == purpose && asset_path_eq(&t->l[i].asset, asset))
			return &t->l[i];
	return NULL;
}

const struct lease *lease_find(const struct leases *t, size_t container, const struct asset_path *asset, enum purpose purpose)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->l[i].container == container && t->l[i].purpose == purpose && asset_path_eq(&t->l[i].asset, asset))
			return &t->l[i];
	return NULL;
}

enum coffer_rc lease_take(struct leases *t, const struct lease_grant *g, int64_t now, struct err *e)
{
	struct lease *l = find(t, g->container, g->asset, g->purpose);

	if (l && l->state != LEASE_HELD)
		return err_deny(e, "lease", "the lease of %s has lapsed", g->asset->text);
	if (!l && t->n == LEASES_MAX)
		return err_set(e, COFFER_E_LIMIT, "more than %zu leases", LEASES_MAX);
	if (!l)
		l = &t->l[t->n++];
	*l = (struct lease){ .container = g->container, .asset = *g->asset, .purpose = g->purpose, .terms = g->terms, .state = LEASE_HELD,
		.good = now, .asked = now, .why = FRESH_HELD };
	memcpy(l->statement, g->statement, sizeof(l->statement));
	return COFFER_OK;
}

void lease_said(struct lease *l, const struct fresh_said *s, int64_t asked, int64_t now)
{
	int64_t last = deadline(l);

	l->asked = asked > l->asked ? asked : l->asked;
	if (l->state != LEASE_HELD)
		return;
	if (s->status == FRESH_HELD) {
		if (now < last)
			l->good = asked > l->good ? asked : l->good;
		return;
	}
	l->why = s->status;
	memcpy(l->check, s->check, sizeof(l->check));
	memcpy(l->decision, s->decision, sizeof(l->decision));
	l->end = now + span_ms(l->terms.term);
	l->end = l->end < last ? l->end : last;
}

void lease_drop(struct leases *t, size_t container)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->l[i].container != container || t->l[i].state != LEASE_HELD)
			t->l[n++] = t->l[i];
	t->n = n;
}

/* Between a held lease and its lapse: when the container is told. */
static int64_t tell(const struct lease *l)
{
	return l->why != FRESH_HELD ? INT64_MIN : deadline(l) - span_ms(l->terms.term);
}

enum lease_act lease_due(struct lease *l, int64_t now)
{
	int64_t last = lease_end(l);

	if (l->state == LEASE_LAPSED)
		return LEASE_REST;
	if (now >= last) {
		l->state = LEASE_LAPSED;
		return LEASE_LAPSE;
	}
	if (l->state == LEASE_ENDING)
		return LEASE_REST;
	if (now >= tell(l)) {
		l->state = LEASE_ENDING;
		l->end = last;
		return LEASE_END;
	}
	return now >= l->asked + span_ms(l->terms.check) ? LEASE_ASK : LEASE_REST;
}

int64_t lease_wake(const struct lease *l)
{
	int64_t next = l->asked + span_ms(l->terms.check), at = tell(l);

	if (l->state == LEASE_LAPSED)
		return INT64_MAX;
	if (l->state == LEASE_ENDING)
		return l->end;
	return next < at ? next : at;
}

int64_t leases_stop_at(const struct leases *t, size_t container)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < t->n; i++) {
		const struct lease *l = &t->l[i];
		int64_t at = lease_end(l);

		if (l->container == container && l->terms.stop && l->state != LEASE_LAPSED && at < first)
			first = at;
	}
	return first;
}

int64_t leases_deadline(const struct leases *t)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < t->n; i++) {
		const struct lease *l = &t->l[i];
		int64_t at = lease_end(l);

		if (l->state != LEASE_LAPSED && at < first)
			first = at;
	}
	return first;
}

bool leases_renew(const struct leases *t, int64_t now)
{
	int64_t most = SESSION_MS;

	for (size_t i = 0; i < t->n; i++)
		if (t->l[i].state == LEASE_HELD && span_ms(t->l[i].terms.lease) < most)
			most = span_ms(t->l[i].terms.lease);
	return now - t->attested >= most;
}
