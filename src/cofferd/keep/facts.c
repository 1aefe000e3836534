/* The statements a decision may rest on, read into plain structs: here those about asset, workload and service;
 * facts_machine.c and facts_images.c have those about machines and images. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"
#include "fmt/enc.h"
#include "trust/manifest_diff.h"

void facts_free(struct facts *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_workloads; i++) {
		manifest_clear(&f->workload[i].manifest);
		statement_clear(&f->workload[i].st);
	}
	for (size_t i = 0; i < f->n_boots; i++)
		boot_image_clear(&f->boot[i].body);
	for (size_t i = 0; i < f->n_tcbs; i++)
		statement_clear(&f->tcb[i].st);
	for (size_t i = 0; i < f->n_releases; i++)
		statement_clear(&f->release[i].st);
	free(f->release);
	free(f->approval);
	free(f->delegation);
	free(f->revocation);
	free(f->policy);
	free(f);
}

/* Who speaks for another needs none of its own: the one whose power it is does, and has to have it still. */
bool fact_may(const struct registry *r, const struct fact *f, int64_t now)
{
	const struct party *p = registry_party(r, span_of(f->issuer), now);
	const struct party *whose = f->of[0] ? registry_party(r, span_of(f->of), now) : p;
	unsigned need = fact_persona(f->kind);

	return p && whose && (need == 0 || (whose->personas & need) != 0);
}

enum coffer_rc fact_read(const struct registry *r, struct q *q, int64_t now, struct fact *out, struct err *e)
{
	struct fact f = { .kind = (enum statement_kind)q_col_i64(q, 1), .issued = q_col_i64(q, 3), .expires = q_col_i64(q, 4),
		.superseded = q_col_i64(q, 5) != 0 };

	if (!q_col_fixed(q, 0, f.id, sizeof(f.id)) || !q_col_name(q, 2, f.issuer, sizeof(f.issuer)))
		return err_set(e, COFFER_E_BUG, "registry: malformed row");
	f.seq = (uint64_t)q_col_i64(q, PAYLOAD_COLUMN + 1);
	f.logged = q_col_i64(q, PAYLOAD_COLUMN + 2);
	f.issuer_may = fact_may(r, &f, now);
	if (life_grants(f.kind))
		TRY(registry_by_dead(r, &(struct voided_question){ f.id, f.issuer, f.kind, f.logged }, &f.voided, e));
	*out = f;
	return COFFER_OK;
}

void fact_for(const struct registry *r, struct fact *f, const char *principal, int64_t now)
{
	if (strcmp(f->issuer, principal) == 0)
		return;
	(void)snprintf(f->of, sizeof(f->of), "%s", principal);
	f->issuer_may = fact_may(r, f, now);
}

/* The statement goes, its policy stays. */
static enum coffer_rc own_policy(struct facts *out, struct err *e)
{
	struct span *text = &out->asset.body.policy;

	if (text->n == 0)
		return COFFER_OK;
	out->policy = malloc(text->n);
	if (!out->policy)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	memcpy(out->policy, text->p, text->n);
	text->p = out->policy;
	return COFFER_OK;
}

static enum coffer_rc read_asset(const struct registry *r, const struct asset_path *p, int64_t now, struct facts *out,
				 struct err *e)
{
	CLEANUP(q_close) struct q q = out->held ?
	    q_open(r->store, "SELECT " FACT_COLUMNS " FROM statement s WHERE s.kind=? AND s.issuer=? AND s.subject=? ORDER BY s.serial DESC LIMIT 1") :
	    q_open(r->store, "SELECT " FACT_COLUMNS " FROM asset a JOIN statement s ON s.id=a.statement WHERE a.path=?");
	CLEANUP(wr_close) struct wr subject = wr_open(ASSET_PATH_MAX + 8);
	CLEANUP(statement_clear) struct statement st = { 0 };
	bool row = false;

	wr_blob32(&subject, span_of(p->text));
	if (out->held) {
		q_i64(&q, ST_ASSET);
		q_text(&q, span_of(p->owner));
		q_blob(&q, wr_span(&subject));
	} else {
		q_text(&q, span_of(p->text));
	}
	TRY(q_row(&q, &row, e));
	if (!row)
		return COFFER_OK;
	TRY(fact_read(r, &q, now, &out->asset.s, e));
	TRY(statement_parse(q_col(&q, PAYLOAD_COLUMN), &st, e));
	TRY(asset_read(&st, &out->asset.body, e));
	TRY(own_policy(out, e));
	out->has_asset = true;
	return fact_revocations(r, &out->asset.s, out, e);
}

static enum coffer_rc read_workloads(const struct registry *r, const uint8_t reg[static 32], int64_t now, struct facts *out,
				     struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT " FACT_COLUMNS ", w.initdata FROM workload w JOIN statement s"
	                                               " ON s.id=w.statement WHERE w.initdata=? ORDER BY s.seq DESC LIMIT ?");

	q_blob(&q, (struct span){ reg, 32 });
	q_i64(&q, FACT_WORKLOADS_MAX);
	for (;;) {
		struct fact_workload *w = &out->workload[out->n_workloads];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		out->n_workloads++; /* from here on facts_free clears it */
		TRY(fact_read(r, &q, now, &w->s, e));
		if (!q_col_fixed(&q, NEXT_COLUMN, w->initdata, sizeof(w->initdata)))
			return err_set(e, COFFER_E_BUG, "registry: malformed row");
		TRY(statement_parse(q_col(&q, PAYLOAD_COLUMN), &w->st, e));
		TRY(manifest_read(w->st.body, &w->manifest, e));
		TRY(fact_revocations(r, &w->s, out, e));
	}
}

static enum coffer_rc read_uses(const struct registry *r, struct fact_approval *a, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT uses FROM approval_use WHERE statement=?");
	bool row = false;

	q_blob(&q, SPAN(a->s.id));
	TRY(q_row(&q, &row, e));
	a->used = row ? (uint64_t)q_col_i64(&q, 0) : 0;
	return COFFER_OK;
}

/* Which of the workloads are at most as wide as the one that the approval names. Its manifest is its digest's: who logged it, and whether
 * that is still in force, is no matter. */
static enum coffer_rc read_within(const struct registry *r, const struct facts *f, struct fact_approval *a, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT payload, id FROM statement INDEXED BY statement_digest WHERE kind=6 AND issuer=?"
	    " AND substr(subject, -32)=? LIMIT 1"); /* another provider's is no wider one */
	CLEANUP(statement_clear) struct statement st = { 0 };
	CLEANUP(manifest_clear) struct manifest base = { 0 };
	bool row = false;

	_Static_assert(FACT_WORKLOADS_MAX <= 32, "a bit for each");
	_Static_assert(ST_WORKLOAD == 6, "the number in the query above, by which its index is found");
	if (!a->body.or_narrower || f->n_workloads == 0)
		return COFFER_OK;
	q_text(&q, span_of(f->workload[0].manifest.provider));
	q_blob(&q, SPAN(a->body.workload));
	TRY(q_row(&q, &row, e));
	if (!row)
		return COFFER_OK;
	TRY(statement_parse(q_col(&q, 0), &st, e));
	TRY(manifest_read(st.body, &base, e));
	a->has_wider = q_col_fixed(&q, 1, a->wider, sizeof(a->wider));
	for (size_t i = 0; i < f->n_workloads; i++) {
		const struct diff_ask ask = { &base, &f->workload[i].manifest, a->body.images_by[0] ? a->body.images_by : NULL };

		if (span_eq(SPAN(base.digest), SPAN(a->body.workload)) && manifest_diff(&ask, NULL, NULL))
			a->within |= UINT32_C(1) << i;
	}
	return COFFER_OK;
}

void fact_owners_put(const struct facts *f, struct json_wr *j)
{
	jw_text(j, f->path.owner);
	for (size_t i = 0; f->has_asset && i < f->asset.body.n_of; i++)
		jw_text(j, f->asset.body.of[i]);
}

void fact_owners(const struct facts *f, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_arr(&j);
	fact_owners_put(f, &j);
	jw_arr_end(&j);
}

/* The subject by which an approval names the workload that asks; empty where there is none. */
static void asked_workload(const struct facts *f, struct wr *w)
{
	char text[9 + HEX32_LEN] = "workload:";

	if (f->n_workloads == 0)
		return;
	hex32(f->workload[0].manifest.digest, text + 9);
	wr_blob32(w, span_of(text));
}

/* Of whom an approval counts now: those that the asset names, and to whom a chain leads from its owner (facts_links was asked before). */
static void put_heard(const struct facts *f, struct wr *w)
{
	const struct links l = { f->delegation, f->n_delegations, f->revocation, f->n_revocations, INT64_MAX /* a pause ends, and these may be kept until then */ };
	struct chain_ask ask = { .of = f->path.owner, .role = ROLE_APPROVAL, .path = span_of(f->path.text), .at = { UINT64_MAX, f->now } };
	struct json_wr j = jw_open(w, false);
	struct chain c;

	jw_arr(&j);
	fact_owners_put(f, &j);
	for (size_t i = 0; i < f->n_delegations; i++) {
		ask.to = f->delegation[i].body.to;
		if (chain_find(&l, &ask, &c))
			jw_text(&j, ask.to);
	}
	jw_arr_end(&j);
}

/* Those that have not ended first (also where they are revoked, which the decision says), of them those of parties that are heard now (?6), each party's in turn, so that none of them and no delegate, present or past, crowds another out; of each
 * what names this workload (?4), then the newest. They are given as they are decided by: those of the parties that the asset names (?2) first. Others were delegates when they
 * were admitted. */
#define APPROVALS \
	"WITH one AS MATERIALIZED (SELECT s.id, s.issuer, s.seq, s.issuer IN (SELECT value FROM json_each(?2)) AS named, s.issuer IN (SELECT value FROM json_each(?6)) AS heard," \
	" s.expires>?3 AND NOT EXISTS(SELECT 1 FROM statement n WHERE n.kind=s.kind AND n.issuer=s.issuer AND n.subject=s.subject AND n.serial>s.serial)" \
	" AS live, instr(s.names, ?4)>0 AS asked FROM approval_asset a JOIN statement s ON s.id=a.statement WHERE a.path=?1)," \
	" two AS (SELECT *, row_number() OVER (PARTITION BY issuer ORDER BY live DESC, asked DESC, seq DESC) AS place FROM one)," \
	" chosen AS MATERIALIZED (SELECT id, named, place FROM two ORDER BY live DESC, heard DESC, place, named DESC, seq DESC LIMIT ?5)" \
	" SELECT " FACT_COLUMNS " FROM chosen JOIN statement s ON s.id=chosen.id ORDER BY chosen.named DESC, chosen.place, s.seq DESC"

static enum coffer_rc read_approvals(const struct registry *r, const struct asset_path *p, int64_t now, struct facts *out,
				     struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, APPROVALS);
	CLEANUP(wr_close) struct wr of = wr_open(2048), heard = wr_open(16384), name = wr_open(256);

	fact_owners(out, &of);
	put_heard(out, &heard);
	asked_workload(out, &name);
	TRY(wr_done(&of, "owners", e));
	TRY(wr_done(&heard, "delegates", e));
	TRY(wr_done(&name, "workload", e));
	out->approval = calloc(FACT_APPROVALS_MAX, sizeof(*out->approval));
	if (!out->approval)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	q_text(&q, span_of(p->text));
	q_text(&q, wr_span(&of));
	q_i64(&q, now);
	q_blob(&q, wr_span(&name));
	q_i64(&q, FACT_APPROVALS_MAX);
	q_text(&q, wr_span(&heard));
	for (;;) {
		CLEANUP(statement_clear) struct statement st = { 0 };
		struct fact_approval *a = &out->approval[out->n_approvals];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(fact_read(r, &q, now, &a->s, e));
		TRY(statement_parse(q_col(&q, PAYLOAD_COLUMN), &st, e));
		TRY(approval_read(&st, &a->body, e));
		TRY(read_within(r, out, a, e));
		if (!out->has_asset || !asset_names(&out->asset.body, a->s.issuer))
			fact_for(r, &a->s, p->owner, now);
		TRY(read_uses(r, a, e));
		TRY(fact_revocations(r, &a->s, out, e));
		out->n_approvals++;
	}
}

static enum coffer_rc read_all(struct registry *r, const struct facts_question *q, int64_t now, struct facts **out, struct err *e)
{
	CLEANUP(facts_freep) struct facts *f = calloc(1, sizeof(*f));
	struct fact_approval *less;

	if (!f)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	f->version = store_version(r->store);
	f->now = now;
	f->path = *q->path;
	f->held = q->held;
	memcpy(f->init_register, q->init_register, sizeof(f->init_register));
	f->n_bound = q->n_bound < BINDINGS_MAX ? q->n_bound : BINDINGS_MAX;
	for (size_t i = 0; i < f->n_bound; i++)
		memcpy(f->bound[i], q->bound[i], sizeof(f->bound[i]));
	if (strlen(q->platform) >= sizeof(f->platform))
		return err_set(e, COFFER_E_BUG, "registry: a platform's name is too long");
	(void)snprintf(f->platform, sizeof(f->platform), "%s", q->platform);
	TRY(read_asset(r, q->path, now, f, e));
	TRY(read_workloads(r, q->init_register, now, f, e));
	TRY(facts_links(r, now, f, e));
	TRY(read_approvals(r, q->path, now, f, e));
	TRY(facts_services(r, now, f, e));
	TRY(facts_machine(r, now, f, e));
	TRY(facts_images(r, now, f, e));
	TRY(facts_assessments(r, now, f, e));
	TRY(facts_bindings(r, now, f, e));
	less = realloc(f->approval, (f->n_approvals + 1) * sizeof(*less));
	f->approval = less ? less : f->approval;
	*out = MOVE(f);
	return COFFER_OK;
}

/* ---- kept between requests ---- */

/* What may differ although no row of a statement or asset has changed. */
static enum coffer_rc refresh(const struct registry *r, int64_t now, struct facts *f, struct err *e)
{
	f->asset.s.issuer_may = f->has_asset && fact_may(r, &f->asset.s, now);
	for (size_t i = 0; i < f->n_workloads; i++)
		f->workload[i].s.issuer_may = fact_may(r, &f->workload[i].s, now);
	for (size_t i = 0; i < f->n_services; i++)
		f->service[i].s.issuer_may = fact_may(r, &f->service[i].s, now);
	for (size_t i = 0; i < f->n_boots; i++)
		f->boot[i].s.issuer_may = fact_may(r, &f->boot[i].s, now);
	for (size_t i = 0; i < f->n_tcbs; i++)
		f->tcb[i].s.issuer_may = fact_may(r, &f->tcb[i].s, now);
	for (size_t i = 0; i < f->n_releases; i++)
		f->release[i].s.issuer_may = fact_may(r, &f->release[i].s, now);
	for (size_t i = 0; i < f->n_assessments; i++)
		f->assessment[i].s.issuer_may = fact_may(r, &f->assessment[i].s, now);
	for (size_t i = 0; i < f->n_bindings; i++)
		f->binding[i].s.issuer_may = fact_may(r, &f->binding[i].s, now);
	for (size_t i = 0; i < f->n_delegations; i++)
		f->delegation[i].s.issuer_may = fact_may(r, &f->delegation[i].s, now);
	for (size_t i = 0; i < f->n_approvals; i++) {
		f->approval[i].s.issuer_may = fact_may(r, &f->approval[i].s, now);
		if (f->approval[i].body.has_uses)
			TRY(read_uses(r, &f->approval[i], e));
	}
	return COFFER_OK;
}

static bool same_question(const struct facts *f, const struct facts_question *q)
{
	bool same = f->n_bound == q->n_bound;

	for (size_t i = 0; same && i < f->n_bound; i++)
		same = span_eq(SPAN(f->bound[i]), (struct span){ q->bound[i], 32 });
	return same && f->held == q->held && strcmp(f->path.text, q->path->text) == 0 && strcmp(f->platform, q->platform) == 0 &&
	       span_eq(SPAN(f->init_register), (struct span){ q->init_register, 32 });
}

/* The place that answers this question, else a free one, else the one unused for longest. */
static struct facts **place_for(struct registry *r, const struct facts_question *q)
{
	struct facts **oldest = &r->kept[0];

	for (size_t i = 0; i < FACTS_KEPT_MAX; i++) {
		struct facts *f = r->kept[i];

		if (f && same_question(f, q))
			return &r->kept[i];
		if (*oldest && (!f || f->tick < (*oldest)->tick))
			oldest = &r->kept[i];
	}
	return oldest;
}

static bool ended(const struct facts *f, int64_t end, int64_t now)
{
	return f->now < end && now >= end;
}

/* What ended since it was read took a place that another may have now. */
static bool place_is_free(const struct facts *f, int64_t now)
{
	bool yes = false;

	for (size_t i = 0; i < f->n_services; i++)
		yes = yes || ended(f, f->service[i].s.expires, now);
	for (size_t i = 0; i < f->n_boots; i++)
		yes = yes || ended(f, f->boot[i].s.expires, now);
	for (size_t i = 0; i < f->n_releases; i++)
		yes = yes || ended(f, f->release[i].s.expires, now);
	for (size_t i = 0; i < f->n_approvals; i++)
		yes = yes || ended(f, f->approval[i].s.expires, now);
	for (size_t i = 0; i < f->n_delegations; i++)
		yes = yes || ended(f, f->delegation[i].s.expires, now) || ended(f, f->delegation[i].body.until, now);
	return yes;
}

enum coffer_rc registry_facts(struct registry *r, const struct facts_question *question, int64_t now, const struct facts **out,
    struct err *e)
{
	struct facts **place = place_for(r, question), *f = *place;

	if (f && f->version == store_version(r->store) && same_question(f, question) && !place_is_free(f, now)) {
		TRY(refresh(r, now, f, e));
	} else {
		facts_freep(place);
		TRY(read_all(r, question, now, place, e));
	}
	(*place)->tick = ++r->tick;
	*out = *place;
	return COFFER_OK;
}
