#include "cli/rests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

/* ---- on an asset ---- */

struct rests { const struct asset_path *p; size_t n; };

static void tell(struct rests *r, const struct statement *s, int64_t until)
{
	char id[HEX32_LEN], when[CLOCK_TEXT_LEN];

	hex32(s->id, id);
	clock_text(until, when);
	(void)fprintf(stderr, "%s %s of %s rests on %s, until %s\n", statement_kind_name(s->kind), id, s->issuer, r->p->text, when);
	r->n++;
}

static enum coffer_rc approval_of(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct approval *a = calloc(1, sizeof(*a));
	struct rests *r = arg;
	bool names = false;

	(void)env;
	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(approval_read(s, a, e));
	for (size_t i = 0; i < a->n_assets; i++)
		names = names || asset_path_eq(&a->asset[i], r->p);
	if (names && a->until > clock_now())
		tell(r, s, a->until);
	return COFFER_OK;
}

static enum coffer_rc binding_of(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct binding *b = calloc(1, sizeof(*b));
	struct rests *r = arg;
	bool names = false;

	(void)env;
	if (!b)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(binding_read(s, b, e));
	for (size_t i = 0; i < b->n_slots; i++)
		names = names || asset_path_eq(&b->slot[i].asset, r->p);
	if (names)
		tell(r, s, s->expires);
	return COFFER_OK;
}

enum coffer_rc rests_on_asset(const struct asker *me, const struct asset_path *p, size_t *n, struct err *e)
{
	struct rests r = { .p = p };

	TRY(statements_query(NULL, me->h, me->key, me->conn, "kind=approval", approval_of, &r, e));
	TRY(statements_query(NULL, me->h, me->key, me->conn, "kind=binding", binding_of, &r, e));
	*n = r.n;
	return COFFER_OK;
}

/* ---- on a statement ---- */

static enum coffer_rc say(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	(void)arg, (void)env, (void)e;
	(void)fprintf(stderr, "ended: the %s of %s:", statement_kind_name(s->kind), s->issuer);
	for (size_t i = 0; i < s->n_subjects; i++) {
		char name[200];

		span_plain(s->subject[i].name, name, sizeof(name));
		(void)fprintf(stderr, "%s %s", i ? "," : "", name);
	}
	(void)fprintf(stderr, "; %s\n", s->kind == ST_PAUSE ? "what it held back is decided as before" :
	    "what rests on it is refused from now on, what was released before is not undone");
	return COFFER_OK;
}

void revoked_say(const struct asker *me, const uint8_t id[static 32])
{
	char hex[HEX32_LEN], query[32 + HEX32_LEN];
	struct err why = { 0 };

	hex32(id, hex);
	(void)snprintf(query, sizeof(query), "all=1&id=%s", hex);
	if (statements_query(NULL, me->h, me->key, me->conn, query, say, NULL, &why) != COFFER_OK)
		(void)fprintf(stderr, "what that ended cannot be said: %s\n", why.msg);
}
