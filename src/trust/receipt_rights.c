/* Whether the statements of a receipt, taken together, could have allowed the release: R0, R7, R8 and R9 as far as statements alone decide
 * them. A service that releases on nobody's word can log it, but not make a receipt that holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/manifest_diff.h"
#include "trust/receipt_int.h"

struct rights {
	const struct receipt *rc;
	const struct json *data; /* of the release's record */
	const struct parties *parties;
	int64_t time;
	struct asset_path path;
	struct manifest m;	   /* owned */
	struct statement workload; /* owned: what m borrows */
	struct asset_body asset;
	bool has_asset, has_workload;
	uint8_t service[8][32];
	char service_id[8][PARTY_MAX];
	size_t n_services;
	struct binding binding[BINDINGS_MAX];
	size_t n_bindings;
};

static void rights_clear(struct rights *r)
{
	manifest_clear(&r->m);
	statement_clear(&r->workload);
}

static enum coffer_rc no(struct err *e, const char *why)
{
	return err_deny(e, "receipt-rights", "the statements do not allow the release: %s", why);
}

/* ---- what there is ---- */

static enum coffer_rc take_service(struct rights *r, const struct statement *s, struct err *e)
{
	struct service sv;

	if (r->n_services == sizeof(r->service) / sizeof(r->service[0]))
		return err_set(e, COFFER_E_LIMIT, "receipt: too many service statements");
	TRY(service_read(s->body, &sv, e));
	if (!pubkey_eq(&sv.ledger_key, &parties_genesis_by(r->parties, NULL)->ledger_key))
		return no(e, "a service statement is of another ledger than the one that the release is in");
	memcpy(r->service[r->n_services], s->id, 32);
	memcpy(r->service_id[r->n_services], sv.id, sizeof(sv.id));
	r->n_services++;
	return COFFER_OK;
}

static enum coffer_rc take_binding(struct rights *r, const struct statement *s, struct err *e)
{
	struct binding *b = &r->binding[r->n_bindings];

	if (r->n_bindings == BINDINGS_MAX)
		return err_set(e, COFFER_E_LIMIT, "receipt: too many bindings");
	TRY(binding_read(s, b, e));
	for (size_t i = 0; i < b->n_slots; i++)
		if (strcmp(b->slot[i].asset.owner, s->issuer) != 0)
			return no(e, "a binding is not by the owner of what it binds");
	r->n_bindings++;
	return COFFER_OK;
}

static bool rests_on(const struct rights *r, const uint8_t id[static 32])
{
	const struct json *list = json_get(r->data, "rests");
	uint8_t got[32];

	for (size_t i = 0; i < json_len(list); i++)
		if (hex_fixed(json_str(json_at(list, i)), got, sizeof(got)) && span_eq(SPAN(got), (struct span){ id, 32 }))
			return true;
	return false;
}

static bool is_named(const struct rights *r, const uint8_t id[static 32])
{
	struct span s = json_str(json_get(r->data, "workload"));
	uint8_t got[32];

	return s.n == 64 && hex_fixed(s, got, sizeof(got)) && span_eq(SPAN(got), (struct span){ id, 32 });
}

static enum coffer_rc take(struct rights *r, const struct receipt_statement *x, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };

	TRY(statement_parse(wr_span(&x->env.payload), &s, e));
	if (s.kind == ST_SERVICE)
		return take_service(r, &s, e);
	if (s.kind == ST_BINDING && rests_on(r, s.id)) /* others had ended */
		return take_binding(r, &s, e);
	if (s.kind == ST_ASSET) {
		TRY(asset_read(&s, &r->asset, e));
		r->asset.policy = (struct span){ 0 }; /* goes with s */
		r->has_asset = true;
	}
	if (s.kind == ST_WORKLOAD && is_named(r, s.id)) { /* others are wider ones that approvals name */
		TRY(workload_read(&s, &r->m, e));
		r->workload = s;
		s = (struct statement){ 0 };
		r->has_workload = true;
	}
	return COFFER_OK;
}

/* ---- R7 ---- */

static size_t fillers(const struct rights *r, const char *slot)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_bindings; i++)
		for (size_t k = 0; k < r->binding[i].n_slots; k++)
			n += strcmp(r->binding[i].slot[k].name, slot) == 0;
	return n;
}

/* One that two bindings fill stays open: what is asked for may be in another. */
static enum coffer_rc fill(struct rights *r, struct err *e)
{
	for (size_t i = 0; i < r->n_bindings; i++) {
		const struct binding *b = &r->binding[i];

		if (!span_eq(SPAN(b->workload), SPAN(r->m.digest)))
			return no(e, "a binding is of another workload");
		for (size_t k = 0; k < b->n_slots; k++)
			if (fillers(r, b->slot[k].name) == 1 && manifest_slot(&r->m, span_of(b->slot[k].name)) &&
			    !manifest_fill(&r->m, span_of(b->slot[k].name), &b->slot[k].asset))
				return no(e, "a slot is filled without a binding");
	}
	return COFFER_OK;
}

/* Whether the agent keeps containers apart the boot image says; where none is named, on sample, the container's name counts. */
static bool entitled(const struct rights *r)
{
	struct span name = json_str(json_get(r->data, "container"));
	const struct man_container *c = name.n > 0 ? manifest_container(&r->m, name) : NULL;
	enum purpose purpose = PURPOSE_API;

	if (json_get(r->data, "container"))
		return c && purpose_by_name(json_str(json_get(r->data, "purpose")), &purpose) &&
		       manifest_entitles(c, &r->path, purpose);
	for (size_t i = 0; i < r->m.n_containers; i++)
		if (!manifest_entitles(&r->m.container[i], &r->path, purpose))
			return false;
	return r->m.n_containers > 0;
}

/* ---- R9, R0 ---- */

static bool lists_service(const struct rights *r, const struct approval *a)
{
	for (size_t i = 0; i < a->n_services; i++)
		for (size_t k = 0; k < r->n_services; k++)
			if (span_eq(SPAN(a->service[i]), SPAN(r->service[k])))
				return true;
	return false;
}

/* As the decision asks it (docs/protocol/statements.md, Slots). */
static bool meets(const struct rights *r, const struct approval *a, const char *issuer)
{
	const char *by = asset_names(&r->asset, issuer) ? issuer : r->path.owner; /* a delegate speaks for the owner */
	bool ok = true;

	for (size_t i = 0; ok && i < r->n_bindings; i++)
		for (size_t k = 0; ok && k < r->binding[i].n_slots; k++) {
			const struct bound_slot *s = &r->binding[i].slot[k];
			bool own = strcmp(s->asset.owner, r->path.owner) == 0 && strcmp(s->asset.owner, by) == 0, named = false;
			bool asked = asset_path_eq(&s->asset, &r->path), foreign = !asked && !own && strcmp(s->asset.owner, r->m.provider) != 0;

			for (size_t n = 0; !foreign && n < a->n_slots; n++)
				named = named || strcmp(a->slot[n], s->name) == 0;
			for (size_t n = 0; foreign && n < a->n_beside; n++)
				named = named || asset_path_eq(&a->beside[n], &s->asset);
			ok = named || (!foreign && !asked);
		}
	return ok;
}

/* Of an approval that also takes what is narrower: the manifest that it names is in the receipt, and the release's is at most as wide. */
static enum coffer_rc within(const struct rights *r, const struct approval *a, bool *yes, struct err *e)
{
	for (size_t i = 0; i < r->rc->n && !*yes; i++) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		CLEANUP(manifest_clear) struct manifest wide = { 0 };
		const struct diff_ask ask = { &wide, &r->m, a->images_by[0] ? a->images_by : NULL };

		TRY(statement_parse(wr_span(&r->rc->statement[i].env.payload), &s, e));
		if (s.kind != ST_WORKLOAD)
			continue;
		TRY(workload_read(&s, &wide, e));
		*yes = span_eq(SPAN(wide.digest), SPAN(a->workload)) && manifest_diff(&ask, NULL, NULL);
	}
	return COFFER_OK;
}

static enum coffer_rc covers(const struct rights *r, const struct approval *a, const char *issuer, bool *yes, struct err *e)
{
	bool path = false;

	for (size_t i = 0; i < a->n_assets; i++)
		path = path || asset_path_eq(&a->asset[i], &r->path);
	*yes = false;
	if (!path || r->time >= a->until || !lists_service(r, a) || !meets(r, a, issuer))
		return COFFER_OK;
	*yes = span_eq(SPAN(a->workload), SPAN(r->m.digest));
	return *yes || !a->or_narrower ? COFFER_OK : within(r, a, yes, e);
}

/* The party for which an approval counts: its issuer, where the asset names that one; else the owner, by whose delegations in the receipt it
 * speaks. NULL: it counts for nobody. */
static enum coffer_rc counts_for(const struct rights *r, size_t i, const struct statement *s, const char **who, struct err *e)
{
	const char *owner = r->path.owner;
	struct leaf leaf;
	bool lent = false;

	*who = s->issuer;
	if (asset_names(&r->asset, s->issuer))
		return COFFER_OK;
	if (!leaf_read(wr_span(&r->rc->statement[i].entry.leaf), &leaf))
		return err_set(e, COFFER_E_BUG, "receipt: a leaf is malformed");
	TRY(receipt_lent(&(struct receipt_lent){ r->rc, r->parties, s, &leaf, ROLE_APPROVAL, span_of(r->path.text), r->time }, &owner, 1, &lent, e));
	*who = lent ? owner : NULL;
	return COFFER_OK;
}

/* Of different parties that the asset names. */
static enum coffer_rc count_approvals(const struct rights *r, size_t *n, struct err *e)
{
	CLEANUP(freep) struct approval *a = calloc(1, sizeof(*a));
	char by[ASSET_OWNERS_MAX][PARTY_MAX];

	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	for (size_t i = 0; i < r->rc->n && *n < ASSET_OWNERS_MAX; i++) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		const char *who;
		bool yes = false;
		size_t k = 0;

		TRY(statement_parse(wr_span(&r->rc->statement[i].env.payload), &s, e));
		if (s.kind != ST_APPROVAL)
			continue;
		TRY(approval_read(&s, a, e));
		TRY(covers(r, a, s.issuer, &yes, e));
		if (!yes)
			return no(e, "an approval is not of this asset, workload and service, or had ended");
		TRY(counts_for(r, i, &s, &who, e));
		while (who && k < *n && strcmp(by[k], who) != 0)
			k++;
		if (who && k == *n)
			(void)snprintf(by[(*n)++], PARTY_MAX, "%s", who);
	}
	return COFFER_OK;
}

static bool named_service(const struct rights *r)
{
	for (size_t i = 0; i < r->n_services; i++)
		if (strcmp(r->service_id[i], r->m.service_id) == 0)
			return true;
	return false;
}

/* A manifest is its provider's one approval for its own assets; where more than one decide, it is none. */
static enum coffer_rc approved(const struct rights *r, struct err *e)
{
	size_t n = 0;

	TRY(count_approvals(r, &n, e));
	if (r->asset.k <= 1 && strcmp(r->m.provider, r->path.owner) == 0)
		return named_service(r) ? COFFER_OK : no(e, "the manifest names another service");
	return n >= r->asset.k ? COFFER_OK : no(e, "fewer parties approved than the asset asks for");
}

/* ---- R8 ---- */

static enum coffer_rc released(const struct rights *r, const struct man_container *c, bool *found, struct err *e)
{
	for (size_t i = 0; i < r->rc->n && !*found; i++) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		struct leaf leaf;

		TRY(statement_parse(wr_span(&r->rc->statement[i].env.payload), &s, e));
		if (!leaf_read(wr_span(&r->rc->statement[i].entry.leaf), &leaf))
			return err_set(e, COFFER_E_BUG, "receipt: a leaf is malformed");
		TRY(receipt_releases(&(struct receipt_release){ r->rc, r->parties, &s, &leaf, r->time }, c, found, e));
	}
	return COFFER_OK;
}

static enum coffer_rc images(const struct rights *r, struct err *e)
{
	for (size_t i = 0; i < r->m.n_containers; i++) {
		bool found = false;

		TRY(released(r, &r->m.container[i], &found, e));
		if (!found)
			return no(e, "neither the provider of an image nor whom it lets verify released it with the method, key and attestations, and as the security "
				     "version, that the manifest asks for");
	}
	return COFFER_OK;
}

enum coffer_rc receipt_rights(const struct receipt *rc, const struct receipt_view *v, const struct json *data, const struct parties *parties,
    struct err *e)
{
	CLEANUP(rights_clear) struct rights r = { .rc = rc, .data = data, .parties = parties, .time = v->time };

	TRY(asset_path_parse(span_of(v->asset), &r.path, e));
	for (size_t i = 0; i < rc->n; i++)
		TRY(take(&r, &rc->statement[i], e));
	if (!r.has_asset || !r.has_workload)
		return no(e, "there is no workload");
	TRY(approved(&r, e)); /* of the manifest as it was stated: its slots are filled after this */
	TRY(fill(&r, e));
	if (!entitled(&r))
		return no(e, "the manifest does not entitle the container");
	return images(&r, e);
}
