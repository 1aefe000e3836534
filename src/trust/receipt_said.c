/* What parties said against what a release rests on, and which minima they state: each of those whose word counts (said.h), shown by the
 * map to the last word, or to be none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/receipt_int.h"
#include "trust/manifest.h"
#include "trust/said.h"
#include "trust/thing.h"

/* A statement of the receipt, and the key of the map that it adds to. */
struct word {
	struct statement s; /* owned */
	struct leaf leaf;
	bool has, self;
	struct mhash key;
};
struct said_work {
	const struct receipt_said_in *in;
	struct word *w; /* owned, as all that follows */
	size_t n;
	const struct statement **named;
	size_t n_named;
	struct said_list list;
	struct receipt_said out;
};

void receipt_said_clear(struct receipt_said *s)
{
	free(s->against);
	free(s->minimum);
	*s = (struct receipt_said){ 0 };
}

static void work_clear(struct said_work *k)
{
	for (size_t i = 0; i < k->n; i++)
		statement_clear(&k->w[i].s);
	free(k->w);
	free((void *)k->named);
	said_list_clear(&k->list);
	receipt_said_clear(&k->out);
}

static enum coffer_rc no(struct err *e, const char *why)
{
	return err_deny(e, "receipt-said", "%s", why);
}

/* ---- the statements ---- */

static bool find_before(void *arg, const uint8_t id[static 32], const char *issuer, struct mhash *key)
{
	const struct said_work *k = arg;

	for (size_t i = 0; i < k->n; i++) {
		const struct word *w = &k->w[i];

		if ((w->s.kind != ST_REVOCATION && w->s.kind != ST_PAUSE) || !w->has || strcmp(w->s.issuer, issuer) != 0 ||
		    !span_eq(SPAN(w->s.id), (struct span){ id, 32 }))
			continue;
		*key = w->key;
		return true;
	}
	return false;
}

static bool lists(const struct json *list, const uint8_t id[static 32])
{
	char hex[HEX32_LEN];

	hex32(id, hex);
	for (size_t i = 0; i < json_len(list); i++)
		if (span_eq_str(json_str(json_at(list, i)), hex))
			return true;
	return false;
}

static bool rests(const struct said_work *k, const struct statement *s)
{
	char hex[HEX32_LEN];

	hex32(s->id, hex);
	return lists(json_get(k->in->data, "rests"), s->id) || span_eq_str(json_str(json_get(k->in->data, "workload")), hex);
}

static enum coffer_rc read_words(struct said_work *k, struct err *e)
{
	static const uint8_t zeros[32];
	const struct said_before before = { find_before, k };
	const struct receipt *r = k->in->r;

	k->w = calloc(r->n, sizeof(*k->w));
	k->named = calloc(r->n, sizeof(const struct statement *));
	if (!k->w || !k->named)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	for (; k->n < r->n; k->n++) {
		struct word *w = &k->w[k->n];
		struct mhash self;

		TRY(statement_parse(wr_span(&r->statement[k->n].env.payload), &w->s, e));
		if (!leaf_read(wr_span(&r->statement[k->n].entry.leaf), &w->leaf))
			return err_set(e, COFFER_E_BUG, "receipt: a leaf is malformed");
		TRY(said_key(&w->s, &before, &w->has, &w->key, e));
		map_said_key(SAID_SELF, span_of(w->s.issuer), zeros, &self);
		w->self = w->has && mhash_eq(&w->key, &self);
		if (rests(k, &w->s) || lists(json_get(k->in->data, "beside"), w->s.id))
			k->named[k->n_named++] = &w->s;
	}
	return COFFER_OK;
}

/* ---- the map ---- */

static bool voided(const struct said_work *k, size_t i)
{
	const struct party_life *l = parties_life(k->in->parties, span_of(k->w[i].s.issuer));

	return !l || life_void(l, &k->in->r->statement[i].env, (int64_t)k->w[i].leaf.time);
}

/* All that it said, in the order of the ledger, from what the receipt has before that; zeros: nothing. */
static bool chain(const struct said_work *k, const struct mhash *key, const struct receipt_item *x, struct mhash *value)
{
	bool any = false;

	*value = x->before;
	for (size_t i = 0; i < k->n; i++) {
		if (!k->w[i].has || !mhash_eq(&k->w[i].key, key))
			continue;
		map_said_next(value, k->w[i].s.id, k->w[i].leaf.index);
		any = true;
	}
	return any;
}

/* Of minima the first that is shown replaces whatever was before it (is_minimum), unless a stolen key stated it. Of nothing else a word may
 * be left out: it could be a revocation. */
static bool may_begin(const struct said_work *k, const struct said_ask *a)
{
	size_t i = 0;

	while (i < k->n && (!k->w[i].has || !mhash_eq(&k->w[i].key, &a->key)))
		i++;
	return i < k->n && a->kind == SAID_MINIMUM && !voided(k, i);
}

static enum coffer_rc check_item(const struct said_work *k, const struct said_ask *a, const struct receipt_item *x, struct err *e)
{
	struct smt_answer got;
	struct smt_proof p;
	struct mhash value;
	bool any = chain(k, &a->key, x, &value);

	if (x->kind != a->kind || strcmp(x->by, a->by) != 0 || !span_eq(SPAN(x->subject), SPAN(a->subject)))
		return err_deny(e, "receipt-said", "what %s said (%s) and may bear on the release is missing, or what another said is in its place", a->by,
		    said_name(a->kind));
	if (x->has_before && !may_begin(k, a))
		return err_deny(e, "receipt-said", "of what %s said (%s) the first is left out, and what follows does not replace it", a->by, said_name(a->kind));
	if (!smt_proof_read(wr_span(&x->proof), &p) || !smt_verify(k->in->map, &a->key, &p, &got) || got.present != any ||
	    (any && !mhash_eq(&got.value, &value)))
		return err_deny(e, "receipt-said", "by the ledger's map at the release %s said something else (%s) than the receipt has", a->by,
		    said_name(a->kind));
	return COFFER_OK;
}

static bool demanded(const struct said_work *k, const struct mhash *key)
{
	for (size_t i = 0; i < k->list.n; i++)
		if (mhash_eq(&k->list.ask[i].key, key))
			return true;
	return false;
}

static enum coffer_rc check_items(struct said_work *k, struct err *e)
{
	const struct receipt *r = k->in->r;
	const struct said_in q = { k->named, k->n_named, k->in->data, k->in->rule };

	TRY(said_wanted(&q, &k->list, e));
	for (size_t i = 0; i < k->list.n && i < r->n_said; i++)
		TRY(check_item(k, &k->list.ask[i], &r->said[i], e));
	if (r->n_said != k->list.n)
		return no(e, "it has fewer or more words of parties than bear on the release");
	for (size_t i = 0; i < k->n; i++)
		if (k->w[i].has && !k->w[i].self && !demanded(k, &k->w[i].key))
			return no(e, "a statement in it does not bear on the release");
	return COFFER_OK;
}

/* ---- what it comes to ---- */

/* Statement j ends the pause or revocation i, both of one key. */
static bool ends(const struct said_work *k, size_t i, size_t j, const struct revocation *by)
{
	const struct statement *s = &k->w[i].s, *t = &k->w[j].s;

	if (t->kind == ST_REVOCATION && !by->of_key && !by->of_thing && span_eq(SPAN(by->statement), SPAN(s->id)))
		return s->kind == ST_REVOCATION || !voided(k, j);
	return s->kind == ST_PAUSE && t->kind == ST_PAUSE && t->serial > s->serial && !voided(k, j);
}

static enum coffer_rc ended(const struct said_work *k, size_t i, bool *yes, struct err *e)
{
	*yes = false;
	for (size_t j = 0; j < k->n && !*yes; j++) {
		struct revocation by;

		if (!k->w[j].has || !mhash_eq(&k->w[j].key, &k->w[i].key))
			continue;
		TRY(revocation_read(&k->w[j].s, &by, e));
		*yes = ends(k, i, j, &by);
	}
	return COFFER_OK;
}

/* As keep reads it (facts_revoked.c): what lifts a revocation does so whoever's key signed it by then; a pause is ended by no compromised key. */
static enum coffer_rc add_against(struct said_work *k, size_t i, struct err *e)
{
	const struct statement *s = &k->w[i].s;
	struct receipt_against *to = &k->out.against[k->out.n];
	struct revocation v;
	bool over;

	TRY(revocation_read(s, &v, e));
	if (find_before(k, v.statement, s->issuer, &(struct mhash){ { 0 } })) /* it lifts one, and holds nothing back */
		return COFFER_OK;
	if (s->kind == ST_PAUSE && s->expires <= k->in->time)
		return COFFER_OK;
	TRY(ended(k, i, &over, e));
	if (over)
		return COFFER_OK;
	memcpy(to->target, v.of_thing ? v.thing.id : v.statement, sizeof(to->target));
	(void)snprintf(to->by, sizeof(to->by), "%s", s->issuer);
	to->from = s->kind == ST_PAUSE ? s->issued : 0;
	to->until = s->kind == ST_PAUSE ? s->expires : 0;
	to->since = v.of_thing ? v.from : 0;
	k->out.n++;
	return COFFER_OK;
}

/* The newest of each party, and what stands beside it where a stolen key stated that (facts_machine.c). */
static bool is_minimum(const struct said_work *k, size_t i)
{
	for (size_t j = i + 1; j < k->n; j++)
		if (k->w[j].has && mhash_eq(&k->w[j].key, &k->w[i].key) && !voided(k, j))
			return false;
	return true;
}

/* A minimum that held and that the record does not name among what was looked at. */
static bool overlooked(const struct said_work *k, size_t i)
{
	const struct statement *s = &k->w[i].s;
	int64_t t = k->in->time;

	return k->out.minimum[i] && s->issued <= t && t < s->expires && parties_party(k->in->parties, span_of(s->issuer), t) &&
	       !lists(json_get(k->in->data, "beside"), s->id);
}

static enum coffer_rc come_to(struct said_work *k, struct err *e)
{
	k->out.against = calloc(k->n + 1, sizeof(*k->out.against));
	k->out.minimum = calloc(k->n + 1, sizeof(*k->out.minimum));
	if (!k->out.against || !k->out.minimum)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	for (size_t i = 0; i < k->n; i++) {
		if (k->w[i].has && !k->w[i].self && (k->w[i].s.kind == ST_REVOCATION || k->w[i].s.kind == ST_PAUSE))
			TRY(add_against(k, i, e));
		k->out.minimum[i] = k->w[i].s.kind == ST_TCB && is_minimum(k, i);
		if (overlooked(k, i))
			return err_deny(e, "receipt-rests", "the release did not look at a minimum that %s stated", k->w[i].s.issuer);
	}
	return COFFER_OK;
}

/* ---- whether it stands in the way ---- */

/* A release on which it rested, and which counts for that container: another provider's of the same content says nothing of when this one's was. */
static enum coffer_rc released_before(const struct said_work *k, const struct man_container *c, int64_t since, bool *yes, struct err *e)
{
	*yes = false;
	for (size_t i = 0; i < k->n && !*yes; i++) {
		const struct word *w = &k->w[i];
		const struct receipt_release q = { k->in->r, k->in->parties, &w->s, &w->leaf, k->in->time };

		if (rests(k, &w->s) && (int64_t)w->leaf.time < since)
			TRY(receipt_releases(&q, c, yes, e));
	}
	return COFFER_OK;
}

static const struct statement *workload_of(const struct said_work *k)
{
	for (size_t i = 0; i < k->n_named; i++) {
		char hex[HEX32_LEN];

		hex32(k->named[i]->id, hex);
		if (k->named[i]->kind == ST_WORKLOAD && span_eq_str(json_str(json_get(k->in->data, "workload")), hex))
			return k->named[i];
	}
	return NULL;
}

/* A key of images from a time on: each image that it verifies was released before, as far as the ledger's times tell. That the manifest names that
 * key is what makes the map be asked (said.c). */
static enum coffer_rc key_stands(const struct said_work *k, const struct receipt_against *a, bool *yes, struct err *e)
{
	const struct statement *w = workload_of(k);
	CLEANUP(manifest_clear) struct manifest m = { 0 };

	*yes = a->since > 0 && w;
	if (!*yes)
		return COFFER_OK;
	TRY(workload_read(w, &m, e));
	for (size_t i = 0; *yes && i < m.n_containers; i++) {
		struct thing key;

		thing_image_key(m.container[i].method_key, &key);
		if (span_eq(SPAN(key.id), SPAN(a->target)))
			TRY(released_before(k, &m.container[i], a->since, yes, e));
	}
	return COFFER_OK;
}

/* What it looked at beside may be held back, as far as the decision itself allows (receipt_verify.c). */
static bool stands_in_the_way(const struct said_work *k, const struct receipt_against *a)
{
	if (a->until != 0 && (k->in->time < a->from || k->in->time >= a->until))
		return false;
	for (size_t i = 0; i < k->n_named; i++) {
		const struct statement *s = k->named[i];

		if (!span_eq(SPAN(s->id), SPAN(a->target)))
			continue;
		return rests(k, s) || (s->kind != ST_WORKLOAD && s->kind != ST_TCB && s->kind != ST_BINDING && !(s->kind == ST_DELEGATION && a->until != 0));
	}
	return true; /* a thing */
}

static enum coffer_rc check_force(const struct said_work *k, struct err *e)
{
	for (size_t i = 0; i < k->out.n; i++) {
		bool stands = false;

		TRY(key_stands(k, &k->out.against[i], &stands, e));
		if (!stands && stands_in_the_way(k, &k->out.against[i]))
			return err_deny(e, "receipt-force", "%s had %s something that the release rested on", k->out.against[i].by,
			    k->out.against[i].until ? "paused" : "revoked");
	}
	return COFFER_OK;
}

enum coffer_rc receipt_said(const struct receipt_said_in *in, struct receipt_said *out, struct err *e)
{
	CLEANUP(work_clear) struct said_work k = { .in = in };

	if (in->rule < 2)
		return in->r->has_said ? no(e, "it has words of parties, of a map that did not hold them") : COFFER_OK;
	if (!in->r->has_said)
		return no(e, "what the parties whose word counts had revoked, paused or demanded is not in it");
	TRY(read_words(&k, e));
	TRY(check_items(&k, e));
	TRY(come_to(&k, e));
	TRY(check_force(&k, e));
	k.out.has = true;
	*out = k.out;
	k.out = (struct receipt_said){ 0 };
	return COFFER_OK;
}
