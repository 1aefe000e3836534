#include "trust/said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "trust/machine.h"
#include "trust/manifest.h"
#include "trust/thing.h"

static const char *const names[] = { [SAID_AGAINST] = "against", [SAID_MINIMUM] = "minimum", [SAID_SELF] = "self" };
static const uint8_t none[32];

const char *said_name(enum map_said kind)
{
	return names[kind];
}

bool said_by_name(struct span s, enum map_said *out)
{
	for (int i = SAID_AGAINST; i <= SAID_SELF; i++)
		if (span_eq_str(s, names[i])) {
			*out = (enum map_said)i;
			return true;
		}
	return false;
}

/* ---- what a statement adds to ---- */

static enum coffer_rc key_of_revocation(const struct statement *s, const struct said_before *before, struct mhash *key, struct err *e)
{
	struct revocation v;

	TRY(revocation_read(s, &v, e));
	if (v.of_key)
		map_said_key(SAID_SELF, span_of(s->issuer), none, key);
	else if (v.of_thing)
		map_said_key(SAID_AGAINST, span_of(s->issuer), v.thing.id, key);
	else if (!before->find(before->arg, v.statement, s->issuer, key))
		map_said_key(SAID_AGAINST, span_of(s->issuer), v.statement, key);
	return COFFER_OK;
}

enum coffer_rc said_key(const struct statement *s, const struct said_before *before, bool *has, struct mhash *key, struct err *e)
{
	*has = true;
	if (s->kind == ST_REVOCATION || s->kind == ST_PAUSE)
		return key_of_revocation(s, before, key, e);
	if (s->kind == ST_PARTY)
		map_said_key(SAID_SELF, span_of(s->issuer), none, key);
	else if (s->kind == ST_TCB)
		map_said_key(SAID_MINIMUM, span_of(s->issuer), s->subject[0].sha256, key);
	else
		*has = false;
	return COFFER_OK;
}

/* ---- what bears on a release ---- */

void said_list_clear(struct said_list *l)
{
	free(l->ask);
	*l = (struct said_list){ 0 };
}

static enum coffer_rc add(struct said_list *l, enum map_said kind, const char *by, const uint8_t subject[static 32], struct err *e)
{
	struct said_ask a = { .kind = kind };

	if (!by[0])
		return COFFER_OK;
	if (l->n == SAID_MAX)
		return err_set(e, COFFER_E_LIMIT, "receipt: more than %d words of parties bear on the release", SAID_MAX);
	if (l->n == l->room) {
		struct said_ask *more = realloc(l->ask, (l->room + 64) * sizeof(*more));

		if (!more)
			return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
		l->ask = more;
		l->room += 64;
	}
	(void)snprintf(a.by, sizeof(a.by), "%s", by);
	memcpy(a.subject, subject, sizeof(a.subject));
	map_said_key(kind, span_of(by), subject, &a.key);
	l->ask[l->n++] = a;
	return COFFER_OK;
}

/* Who decides of the asset, and whose code asks for it. */
struct sides {
	const struct statement *workload;
	struct asset_body asset;
	struct manifest m; /* owned */
	bool has_asset;
};

static void sides_clear(struct sides *s)
{
	manifest_clear(&s->m);
}

static enum coffer_rc add_owners(const struct sides *s, struct said_list *l, enum map_said kind, const uint8_t subject[static 32], struct err *e)
{
	TRY(add(l, kind, s->asset.path.owner, subject, e));
	for (size_t i = 0; i < s->asset.n_of; i++)
		TRY(add(l, kind, s->asset.of[i], subject, e));
	return COFFER_OK;
}

static enum coffer_rc add_both(const struct sides *s, struct said_list *l, enum map_said kind, const uint8_t subject[static 32], struct err *e)
{
	TRY(add(l, kind, s->m.provider, subject, e));
	return add_owners(s, l, kind, subject, e);
}

static enum coffer_rc find_sides(const struct said_in *in, struct sides *out, struct err *e)
{
	struct span named = json_str(json_get(in->data, "workload"));

	for (size_t i = 0; i < in->n; i++) {
		char id[HEX32_LEN];

		hex32(in->st[i]->id, id);
		if (in->st[i]->kind == ST_ASSET) {
			TRY(asset_read(in->st[i], &out->asset, e));
			out->has_asset = true;
		}
		if (in->st[i]->kind == ST_WORKLOAD && !out->workload && span_eq_str(named, id)) {
			TRY(workload_read(in->st[i], &out->m, e));
			out->workload = in->st[i];
		}
	}
	return out->has_asset && out->workload ? COFFER_OK
					       : err_deny(e, "receipt-rights", "the statements do not allow the release: there is no workload, or no asset");
}

/* For whom its issuer speaks, where that is another (decide.h, fact.of). */
static enum coffer_rc speaks_for(const struct statement *s, const struct sides *sides, char of[static PARTY_MAX], struct err *e)
{
	CLEANUP(freep) struct delegation *d = calloc(1, sizeof(*d));

	if (!d)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	of[0] = 0;
	if (s->kind == ST_APPROVAL && !asset_names(&sides->asset, s->issuer))
		(void)snprintf(of, PARTY_MAX, "%s", sides->asset.path.owner);
	if (s->kind == ST_BOOT_IMAGE)
		(void)snprintf(of, PARTY_MAX, "%s", sides->m.provider);
	if (s->kind != ST_DELEGATION)
		return COFFER_OK;
	TRY(delegation_read(s, d, e));
	(void)snprintf(of, PARTY_MAX, "%s", d->of);
	return COFFER_OK;
}

/* By rules of before 4 an owner's word against a statement of any other kind was not taken. */
static bool owners_stop(enum statement_kind k, unsigned rule)
{
	return rule >= 4 ? statement_stopped_by_owner(k) : k == ST_WORKLOAD || k == ST_ASSET || k == ST_IMAGE_RELEASE;
}

/* The image that s releases is one that the workload has of that provider. */
static bool has_of(const struct manifest *m, const struct statement *s, const char *provider)
{
	for (size_t i = 0; i < m->n_containers; i++)
		if (strcmp(m->container[i].image_provider, provider) == 0 && span_eq(SPAN(m->container[i].image_digest), SPAN(s->subject[0].sha256)))
			return true;
	return false;
}

/* s is said with power that d lends: of a provider that has nothing to do with that image nobody is asked, since its word does not count. */
static bool lends(const struct sides *sides, const struct delegation *d, const struct statement *s)
{
	if (strcmp(d->to, s->issuer) != 0)
		return false;
	return (d->role == ROLE_SERVICE && s->kind == ST_SERVICE) || (d->role == ROLE_VERIFICATION && s->kind == ST_IMAGE_RELEASE && has_of(&sides->m, s, d->of));
}

/* Of a service's statement and an image's release whose power it is said with the delegations tell that the record names. */
static enum coffer_rc add_lent(const struct said_in *in, const struct sides *sides, const struct statement *s, struct said_list *l, struct err *e)
{
	CLEANUP(freep) struct delegation *d = calloc(1, sizeof(*d));

	if (!d)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	for (size_t i = 0; i < in->n && (s->kind == ST_SERVICE || s->kind == ST_IMAGE_RELEASE); i++) {
		if (in->st[i]->kind != ST_DELEGATION)
			continue;
		TRY(delegation_read(in->st[i], d, e));
		if (!lends(sides, d, s))
			continue;
		TRY(add(l, SAID_SELF, d->of, none, e));
		TRY(add(l, SAID_AGAINST, d->of, s->id, e));
	}
	return COFFER_OK;
}

/* A wider workload that an approval names counts whatever became of it. */
static enum coffer_rc add_statement(const struct statement *s, const struct sides *sides, unsigned rule, struct said_list *l, struct err *e)
{
	char of[PARTY_MAX];

	TRY(speaks_for(s, sides, of, e));
	TRY(add(l, SAID_SELF, s->issuer, none, e));
	TRY(add(l, SAID_SELF, of, none, e));
	if (s->kind == ST_WORKLOAD && s != sides->workload)
		return COFFER_OK;
	TRY(add(l, SAID_AGAINST, s->issuer, s->id, e));
	TRY(add(l, SAID_AGAINST, of, s->id, e));
	if (s->kind == ST_IMAGE_RELEASE)
		TRY(add(l, SAID_AGAINST, sides->m.provider, s->id, e));
	return owners_stop(s->kind, rule) ? add_owners(sides, l, SAID_AGAINST, s->id, e) : COFFER_OK;
}

static enum coffer_rc add_things(const struct said_in *in, const struct sides *s, struct said_list *l, struct err *e)
{
	const struct json *list = json_get(in->data, "things");

	for (size_t i = 0; i < s->m.n_containers; i++) {
		const struct man_container *c = &s->m.container[i];
		struct thing t;

		thing_image(c->image_digest, &t);
		TRY(add(l, SAID_AGAINST, c->image_provider, t.id, e));
		TRY(add_both(s, l, SAID_AGAINST, t.id, e));
		if (in->rule < 3)
			continue;
		thing_image_key(c->method_key, &t);
		TRY(add(l, SAID_AGAINST, c->image_provider, t.id, e));
		TRY(add_both(s, l, SAID_AGAINST, t.id, e));
	}
	for (size_t i = 0; i < json_len(list); i++) {
		struct span hex = json_str(json_at(list, i));
		uint8_t id[32];

		if (hex.n != 64 || !hex_fixed(hex, id, sizeof(id)))
			return err_set(e, COFFER_E_INPUT, "record: member \"things\" is malformed");
		TRY(add_both(s, l, SAID_AGAINST, id, e));
	}
	return COFFER_OK;
}

static int by_key(const void *a, const void *b)
{
	const struct said_ask *x = a, *y = b;

	return memcmp(x->key.b, y->key.b, sizeof(x->key.b)); /* public: keys of the map */
}

static void settle(struct said_list *l)
{
	size_t n = 0;

	qsort(l->ask, l->n, sizeof(*l->ask), by_key);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || !mhash_eq(&l->ask[n - 1].key, &l->ask[i].key))
			l->ask[n++] = l->ask[i];
	l->n = n;
}

enum coffer_rc said_wanted(const struct said_in *in, struct said_list *out, struct err *e)
{
	CLEANUP(said_list_clear) struct said_list l = { 0 };
	CLEANUP(sides_clear) struct sides s = { 0 };
	struct span platform = json_str(json_get(in->data, "platform"));
	uint8_t about[32];

	TRY(find_sides(in, &s, e));
	if (platform.n == 0)
		return err_set(e, COFFER_E_INPUT, "record: member \"platform\" is missing");
	sha256(platform, about);
	TRY(add_both(&s, &l, SAID_MINIMUM, about, e));
	TRY(add_both(&s, &l, SAID_SELF, none, e));
	for (size_t i = 0; i < in->n; i++) {
		TRY(add_statement(in->st[i], &s, in->rule, &l, e));
		TRY(add_lent(in, &s, in->st[i], &l, e));
	}
	TRY(add_things(in, &s, &l, e));
	settle(&l);
	*out = l;
	l = (struct said_list){ 0 };
	return COFFER_OK;
}
