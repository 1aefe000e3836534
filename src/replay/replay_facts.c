/* A receipt's statements as facts: what keep reads from its store, read from what the receipt proves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "replay/replay_int.h"
#include "trust/chain.h"
#include "trust/manifest_diff.h"

void replay_facts_free(struct replay_facts *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_workloads; i++)
		manifest_clear(&f->workload[i].manifest);
	for (size_t i = 0; i < f->n_boots; i++)
		boot_image_clear(&f->boot[i].body);
	for (size_t i = 0; i < f->n_st; i++)
		statement_clear(&f->st[i]);
	wr_close(&f->initdata);
	free(f->workload);
	free(f->approval);
	free(f->service);
	free(f->boot);
	free(f->tcb);
	free(f->release);
	free(f->delegation);
	free(f->assessment);
	free(f->binding);
	free(f->revocation);
	free(f->st);
	free(f);
}

/* ---- room: of each kind as many as there are ---- */

static void *list(size_t n, size_t size)
{
	return calloc(n + 1, size);
}

static size_t count(const struct replay_facts *f, enum statement_kind k)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_st; i++)
		n += f->st[i].kind == k;
	return n;
}

static enum coffer_rc make_room(struct replay_facts *f, size_t n_against, struct err *e)
{
	f->workload = list(count(f, ST_WORKLOAD), sizeof(*f->workload));
	f->approval = list(count(f, ST_APPROVAL), sizeof(*f->approval));
	f->service = list(count(f, ST_SERVICE), sizeof(*f->service));
	f->boot = list(count(f, ST_BOOT_IMAGE), sizeof(*f->boot));
	f->tcb = list(count(f, ST_TCB), sizeof(*f->tcb));
	f->revocation = list(count(f, ST_TCB) + count(f, ST_BINDING) + n_against, sizeof(*f->revocation));
	f->release = list(count(f, ST_IMAGE_RELEASE), sizeof(*f->release));
	f->delegation = list(count(f, ST_DELEGATION), sizeof(*f->delegation));
	f->assessment = list(count(f, ST_ASSESSMENT), sizeof(*f->assessment));
	f->binding = list(count(f, ST_BINDING), sizeof(*f->binding));
	if (!f->workload || !f->approval || !f->service || !f->boot || !f->tcb || !f->revocation || !f->release || !f->delegation || !f->assessment ||
	    !f->binding)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	return COFFER_OK;
}

static enum coffer_rc parse_all(const struct receipt *r, struct replay_facts *f, struct err *e)
{
	f->st = list(r->n, sizeof(*f->st));
	if (!f->st)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	for (; f->n_st < r->n; f->n_st++)
		TRY(statement_parse(wr_span(&r->statement[f->n_st].env.payload), &f->st[f->n_st], e));
	return COFFER_OK;
}

/* ---- one statement ---- */

struct reading { const struct receipt_known *k; struct replay_facts *f; struct asset_path path; const char *provider; };

/* Of others receipt_verify saw to it that they are not. */
static bool is_void(const struct reading *r, size_t i, const struct leaf *leaf)
{
	const struct party_life *l = parties_life(r->k->parties, span_of(r->f->st[i].issuer));

	return r->f->st[i].kind == ST_BINDING && (!l || life_void(l, &r->k->r->statement[i].env, (int64_t)leaf->time));
}

/* of: whose power it is said with; NULL: the issuer's own. */
static enum coffer_rc fact_of(const struct reading *r, size_t i, const char *of, struct fact *out, struct err *e)
{
	const struct receipt_statement *x = &r->k->r->statement[i];
	const struct statement *s = &r->f->st[i];
	const struct party *p = parties_party(r->k->parties, span_of(s->issuer), r->k->v->time);
	struct fact f = { .kind = s->kind, .issued = s->issued, .expires = s->expires, .superseded = x->status == MAP_SUPERSEDED };
	const struct party *whose = p;
	unsigned need = fact_persona(s->kind);
	struct leaf leaf;

	if (!leaf_read(wr_span(&x->entry.leaf), &leaf))
		return err_set(e, COFFER_E_BUG, "receipt: a leaf is malformed");
	memcpy(f.id, s->id, sizeof(f.id));
	(void)snprintf(f.issuer, sizeof(f.issuer), "%s", s->issuer);
	if (of && strcmp(of, s->issuer) != 0)
		(void)snprintf(f.of, sizeof(f.of), "%s", of);
	if (f.of[0])
		whose = parties_party(r->k->parties, span_of(f.of), r->k->v->time);
	f.issuer_may = p && whose && (need == 0 || (whose->personas & need));
	f.seq = leaf.index;
	f.logged = (int64_t)leaf.time;
	f.voided = is_void(r, i, &leaf);
	*out = f; /* NOLINT(clang-analyzer-core.NullDereference): a place in a list that make_room made */
	return COFFER_OK;
}

/* The newest is the one that it was released by. */
static enum coffer_rc add_asset(const struct reading *r, size_t i, struct err *e)
{
	if (r->f->has_asset)
		return COFFER_OK;
	r->f->has_asset = true;
	TRY(asset_read(&r->f->st[i], &r->f->asset.body, e));
	return fact_of(r, i, NULL, &r->f->asset.s, e);
}

/* Only the one that the release names; of wider ones the approvals' reading takes what it needs. */
static enum coffer_rc add_workload(const struct reading *r, size_t i, struct err *e)
{
	struct fact_workload *w = &r->f->workload[r->f->n_workloads];
	char id[HEX32_LEN];

	hex32(r->f->st[i].id, id);
	if (!span_eq_str(json_str(json_get(r->k->data, "workload")), id))
		return COFFER_OK;
	r->f->n_workloads++; /* from here on it is cleared */
	TRY(manifest_read(r->f->st[i].body, &w->manifest, e));
	wr_close(&r->f->initdata);
	r->f->initdata = wr_open(MAN_INITDATA_MAX);
	TRY(manifest_render(&w->manifest, &r->f->initdata, e));
	sha256(wr_span(&r->f->initdata), w->initdata);
	return fact_of(r, i, NULL, &w->s, e);
}

/* Of those whose word counts, as the map has it. */
static void add_against(const struct reading *r)
{
	for (size_t i = 0; i < r->k->said->n; i++) {
		const struct receipt_against *a = &r->k->said->against[i];
		struct fact_revocation *v = &r->f->revocation[r->f->n_revocations++];

		memcpy(v->target, a->target, sizeof(v->target));
		(void)snprintf(v->issuer, sizeof(v->issuer), "%s", a->by);
		v->from = a->from;
		v->until = a->until;
		v->since = a->since;
	}
}

/* Where the map did not hold that: what was looked at may be revoked, by its issuer. */
static void add_revoked(const struct reading *r, size_t i, const struct fact *f)
{
	struct fact_revocation *v = &r->f->revocation[r->f->n_revocations];

	if (r->k->said->has || r->k->r->statement[i].status != MAP_REVOKED)
		return;
	memcpy(v->target, f->id, sizeof(v->target));
	(void)snprintf(v->issuer, sizeof(v->issuer), "%s", f->issuer);
	r->f->n_revocations++;
}

static enum coffer_rc add_tcb(const struct reading *r, size_t i, struct err *e)
{
	struct fact_tcb *t = &r->f->tcb[r->f->n_tcbs];

	if (r->k->said->has && !r->k->said->minimum[i])
		return COFFER_OK; /* its issuer has said another since */
	r->f->n_tcbs++;
	TRY(tcb_read(&r->f->st[i], &t->body, e));
	TRY(fact_of(r, i, NULL, &t->s, e));
	t->s.superseded = false; /* it was looked at: what a thief stated replaces no minimum */
	add_revoked(r, i, &t->s);
	return COFFER_OK;
}

static enum coffer_rc add_delegation(const struct reading *r, size_t i, struct err *e)
{
	struct fact_delegation *d = &r->f->delegation[r->f->n_delegations++];

	TRY(delegation_read(&r->f->st[i], &d->body, e));
	TRY(fact_of(r, i, d->body.of, &d->s, e));
	d->superseded_at = d->s.superseded ? r->k->r->statement[i].set : 0;
	return COFFER_OK;
}

static enum coffer_rc add_assessment(const struct reading *r, size_t i, struct err *e)
{
	struct fact_assessment *to = &r->f->assessment[r->f->n_assessments++];
	struct assessment a;

	TRY(assessment_read(&r->f->st[i], &a, e));
	to->about = a.about;
	to->passed = a.passed;
	memcpy(to->digest, a.digest, sizeof(to->digest));
	return fact_of(r, i, NULL, &to->s, e);
}

static enum coffer_rc add_binding(const struct reading *r, size_t i, struct err *e)
{
	struct fact_binding *to = &r->f->binding[r->f->n_bindings++];

	TRY(binding_read(&r->f->st[i], &to->body, e));
	TRY(fact_of(r, i, NULL, &to->s, e));
	add_revoked(r, i, &to->s);
	return COFFER_OK;
}

/* Whose power in that role delegations of the receipt lend, each party once. They are read before. */
static const char *lender(const struct reading *r, enum delegated_role role, size_t *at)
{
	for (; *at < r->f->n_delegations; (*at)++) {
		const struct delegation *d = &r->f->delegation[*at].body;
		bool seen = d->role != role;

		for (size_t k = 0; k < *at; k++)
			seen = seen || (r->f->delegation[k].body.role == role && strcmp(r->f->delegation[k].body.of, d->of) == 0);
		if (!seen)
			return r->f->delegation[(*at)++].body.of;
	}
	return NULL;
}

static enum coffer_rc put_service(const struct reading *r, size_t i, const char *of, struct err *e)
{
	struct fact_service *more = realloc(r->f->service, (r->f->n_services + 1) * sizeof(*more)), *v;
	struct service body;

	if (!more)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	r->f->service = more;
	v = &more[r->f->n_services];
	*v = (struct fact_service){ .id = "" };
	TRY(service_read(r->f->st[i].body, &body, e));
	memcpy(v->id, body.id, sizeof(v->id));
	r->f->n_services++;
	return fact_of(r, i, of, &v->s, e);
}

/* A founder's own word; or that of whom founders let. */
static enum coffer_rc add_service(const struct reading *r, size_t i, struct err *e)
{
	const struct party *founder = genesis_party(r->k->g, r->f->st[i].issuer);
	const char *of;

	if (founder && (founder->personas & PERSONA_WORKLOAD))
		return put_service(r, i, NULL, e);
	for (size_t at = 0; (of = lender(r, ROLE_SERVICE, &at)) != NULL;) {
		founder = genesis_party(r->k->g, of);
		if (founder && (founder->personas & PERSONA_WORKLOAD))
			TRY(put_service(r, i, of, e));
	}
	return COFFER_OK;
}

static enum coffer_rc put_release(const struct reading *r, size_t i, const char *of, struct err *e)
{
	struct fact_release *more = realloc(r->f->release, (r->f->n_releases + 1) * sizeof(*more)), *v;

	if (!more)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	r->f->release = more;
	v = &more[r->f->n_releases];
	*v = (struct fact_release){ .st = { .n_subjects = 0 } };
	TRY(image_release_read(&r->f->st[i], &v->body, e));
	r->f->n_releases++;
	return fact_of(r, i, of, &v->s, e);
}

/* Its issuer's own word, and that for whom it may speak: which counts the manifest says. */
static enum coffer_rc add_release(const struct reading *r, size_t i, struct err *e)
{
	const char *of;

	TRY(put_release(r, i, NULL, e));
	for (size_t at = 0; (of = lender(r, ROLE_VERIFICATION, &at)) != NULL;)
		if (strcmp(of, r->f->st[i].issuer) != 0)
			TRY(put_release(r, i, of, e));
	return COFFER_OK;
}

/* After asset and workload. */
static enum coffer_rc add_boot(const struct reading *r, size_t i, struct err *e)
{
	struct fact_boot *b = &r->f->boot[r->f->n_boots];

	TRY(boot_image_read(&r->f->st[i], &b->body, e));
	r->f->n_boots++; /* from here on it is cleared */
	return fact_of(r, i, r->provider, &b->s, e);
}

/* The statement of the manifest that the approval names, if the receipt has it. */
static enum coffer_rc read_within(const struct reading *r, struct fact_approval *a, struct err *e)
{
	for (size_t i = 0; i < r->f->n_st && a->body.or_narrower; i++) {
		CLEANUP(manifest_clear) struct manifest wide = { 0 };
		struct diff_ask ask = { &wide, &r->f->workload[0].manifest, a->body.images_by[0] ? a->body.images_by : NULL };

		if (r->f->st[i].kind != ST_WORKLOAD)
			continue;
		TRY(manifest_read(r->f->st[i].body, &wide, e));
		if (span_eq(SPAN(wide.digest), SPAN(a->body.workload)) && manifest_diff(&ask, NULL, NULL))
			a->within = 1;
	}
	return COFFER_OK;
}

/* Before this release; receipt_verify compared the count with the map. */
static enum coffer_rc read_uses(const struct reading *r, size_t i, struct fact_approval *a, struct err *e)
{
	uint64_t count = 0;
	char id[HEX32_LEN];

	hex32(r->f->st[i].id, id);
	if (!json_u64(json_get(json_get(r->k->data, "uses"), id), &count) || count == 0)
		return err_deny(e, "receipt-map", "the record does not say how often an approval was used that may be used %llu times",
		    (unsigned long long)a->body.uses);
	a->used = count - 1;
	return COFFER_OK;
}

static enum coffer_rc add_approval(const struct reading *r, size_t i, struct err *e)
{
	struct fact_approval *a = &r->f->approval[r->f->n_approvals++];
	bool named = r->f->has_asset && asset_names(&r->f->asset.body, r->f->st[i].issuer);

	TRY(approval_read(&r->f->st[i], &a->body, e));
	if (a->body.has_uses)
		TRY(read_uses(r, i, a, e));
	TRY(read_within(r, a, e));
	return fact_of(r, i, named ? NULL : r->path.owner, &a->s, e);
}

/* ---- all of them, the newest first, as keep reads them ---- */

static enum coffer_rc add_first(const struct reading *r, size_t i, struct err *e)
{
	switch (r->f->st[i].kind) {
	case ST_ASSET:
		return add_asset(r, i, e);
	case ST_WORKLOAD:
		return add_workload(r, i, e);
	case ST_TCB:
		return add_tcb(r, i, e);
	case ST_DELEGATION:
		return add_delegation(r, i, e);
	case ST_ASSESSMENT:
		return add_assessment(r, i, e);
	case ST_BINDING:
		return add_binding(r, i, e);
	case ST_APPROVAL:
	case ST_BOOT_IMAGE: /* once it is known whose workload it is */
	case ST_SERVICE:
	case ST_IMAGE_RELEASE: /* ... and who lent what to whom */
	case ST_GENESIS:
	case ST_PARTY:
	case ST_REVOCATION:
	case ST_PAUSE:
	case ST_AMENDMENT:
		return COFFER_OK;
	}
	return COFFER_OK;
}

static enum coffer_rc read_all(struct reading *r, struct err *e)
{
	TRY(asset_path_parse(span_of(r->k->v->asset), &r->path, e));
	add_against(r);
	for (size_t i = r->f->n_st; i-- > 0;)
		TRY(add_first(r, i, e));
	if (r->f->n_workloads != 1)
		return err_deny(e, "receipt-rights", "the statements do not allow the release: there is no workload");
	r->provider = r->f->workload[0].manifest.provider;
	for (size_t i = r->f->n_st; i-- > 0;) {
		if (r->f->st[i].kind == ST_BOOT_IMAGE)
			TRY(add_boot(r, i, e));
		if (r->f->st[i].kind == ST_SERVICE)
			TRY(add_service(r, i, e));
		if (r->f->st[i].kind == ST_IMAGE_RELEASE)
			TRY(add_release(r, i, e));
		if (r->f->st[i].kind == ST_APPROVAL)
			TRY(add_approval(r, i, e));
	}
	return COFFER_OK;
}

enum coffer_rc replay_facts(const struct receipt_known *k, struct replay_facts **out, struct err *e)
{
	CLEANUP(replay_facts_freep) struct replay_facts *f = calloc(1, sizeof(*f));
	struct reading r = { .k = k, .f = f };

	if (!f)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	TRY(parse_all(k->r, f, e));
	TRY(make_room(f, k->said->n, e));
	TRY(read_all(&r, e));
	*out = MOVE(f);
	return COFFER_OK;
}
