#include "replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "decide/claims.h"
#include "decide/request.h"
#include "decide/shown.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "judge/evidence.h"
#include "judge/policy.h"
#include "proto/rcar_json.h"
#include "replay/replay_int.h"
#include "trust/thing.h"

#define CLAIMS_MAX (160u << 10)

struct work {
	const struct replay_in *in;
	struct replay_out *out;
	const struct receipt_known *k;
	struct shown_doc *doc;       /* owned, as all that follows */
	struct member_set members;
	struct vendor_roots *roots;
	struct wr said;              /* of the appraisal: what rep borrows */
	struct eval_evidence_rep rep;
	struct replay_facts *facts;
	struct decision *d;
	struct reread again;
	struct decide_in decide;
	bool ours;                   /* decided by our own version: then its words must be ours */
};

static void work_clear(struct work *w)
{
	if (w->doc)
		shown_clear(w->doc);
	free(w->doc);
	members_clear(&w->members);
	vendor_roots_close(w->roots);
	wr_close(&w->said);
	replay_facts_free(w->facts);
	free(w->d);
}

static bool by_token(const struct work *w)
{
	return span_eq_str(json_str(json_get(w->k->data, "by")), "token");
}

/* ---- what was shown ---- */

static bool is_digest(struct span file, const uint8_t digest[static 32])
{
	uint8_t got[32];

	sha256(file, got);
	return span_eq(SPAN(got), (struct span){ digest, 32 });
}

/* From the receipt, else from what the verifier brought. */
static struct span find_file(const struct work *w, const uint8_t digest[static 32])
{
	const struct receipt_evidence *x = &w->k->r->evidence;

	for (size_t i = 0; i < x->n_files; i++)
		if (is_digest(wr_span(&x->file[i]), digest))
			return wr_span(&x->file[i]);
	for (size_t i = 0; i < w->in->n_files; i++)
		if (is_digest(w->in->file[i], digest))
			return w->in->file[i];
	return (struct span){ 0 };
}

static enum coffer_rc take_files(struct work *w, struct err *e)
{
	for (size_t i = 0; i < w->doc->s.n_files; i++) {
		char hex[HEX32_LEN];

		w->doc->s.file[i] = find_file(w, w->doc->file[i]);
		if (w->doc->s.file[i].p)
			continue;
		hex32(w->doc->file[i], hex);
		return err_set(e, COFFER_E_NOTFOUND, "collateral that the evidence was appraised with is not in the receipt: sha256:%s; "
		    "whoever has it names it with --collateral FILE", hex);
	}
	return COFFER_OK;
}

/* It is the evidence of the key that the secret was wrapped to, shown before the release and while it counted. */
static enum coffer_rc check_shown(struct work *w, struct err *e)
{
	const struct shown *s = &w->doc->s;
	const struct receipt_view *v = w->k->v;
	struct tee_key key;

	TRY(members_copy(s->member, s->n_members, &w->members, e));
	TRY(tee_key_read(&w->members, &key, e));
	if (!span_eq(SPAN(key.thumb), SPAN(v->key)))
		return err_deny(e, "R1", "the evidence is of another key than the one that the secret was wrapped to");
	if (s->time > v->time)
		return err_deny(e, "R1", "the evidence was shown after the release");
	if (s->expires > s->time + CLAIMS_SECONDS)
		return err_deny(e, "R1", "the evidence was taken for longer than a session lasts");
	return COFFER_OK;
}

static enum coffer_rc read_shown(struct work *w, struct err *e)
{
	const struct shown *s;

	w->doc = calloc(1, sizeof(*w->doc));
	w->d = calloc(1, sizeof(*w->d));
	if (!w->doc || !w->d)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	TRY(shown_read(w->k->r->evidence.document, w->doc, e));
	s = &w->doc->s;
	w->ours = span_eq_str(s->build, COFFER_VERSION);
	w->out->attested = s->time;
	(void)snprintf(w->out->platform, sizeof(w->out->platform), "%s", tee_name(s->tee));
	(void)snprintf(w->out->build, sizeof(w->out->build), "%.*s", (int)s->build.n, (const char *)s->build.p);
	TRY(check_shown(w, e));
	return take_files(w, e);
}

/* The init-data that was shown is what the workload renders to: a release rests on no other (R6). */
static enum coffer_rc take_initdata(struct work *w, struct err *e)
{
	const struct replay_facts *f = w->facts;

	if (!w->doc->has_initdata)
		return COFFER_OK; /* R6 says so */
	if (!span_eq(SPAN(w->doc->initdata), SPAN(f->workload[0].initdata)))
		return err_deny(e, "R6", "the init-data that was shown is not the rendering of the workload that the release names");
	w->doc->s.initdata = wr_span(&f->initdata);
	return COFFER_OK;
}

/* ---- R1, R2: appraised again ---- */

static enum coffer_rc refused(uint8_t tag, const struct wr *said, struct work *w, struct err *e)
{
	if (tag == EVAL_FAILED)
		return err_deny(e, "R2", "the evidence cannot be appraised: %.*s", (int)(said->n > 200 ? 200 : said->n), (const char *)said->p);
	TRY(eval_evidence_rep_read(wr_span(said), &w->rep, e));
	(void)shown_refused(tag, &w->rep, e);
	if (tag == SAID_COLLATERAL)
		e->rc = COFFER_E_NOTFOUND;
	return e->rc;
}

/* Those of before: an amendment after the attestation adds what this evidence led to as little as it takes away. */
static enum coffer_rc open_roots(struct work *w, struct err *e)
{
	CLEANUP(freep) struct genesis *g = calloc(1, sizeof(*g));

	if (!g)
		return err_set(e, COFFER_E_SYSTEM, "replay: out of memory");
	TRY(parties_roots(w->k->parties, g, e));
	return vendor_roots_open(g, &w->roots, e);
}

static enum coffer_rc appraise(struct work *w, struct bound *b, struct err *e)
{
	CLEANUP(wr_close) struct wr frame = wr_open(EVAL_FRAME_MAX + SHOWN_DOC_MAX);
	const struct shown *s = &w->doc->s;
	struct reread_in again = { .s = s, .r = &w->rep };
	struct eval_evidence_req q;
	uint8_t tag;

	TRY(open_roots(w, e));
	TRY(shown_bind(s, b, e));
	TRY(shown_request(s, b, w->roots, &frame, e));
	TRY(eval_evidence_req_read(wr_span(&frame), &q, e));
	tag = judge_evidence(&q, &w->said);
	if (tag != SAID_VALID)
		return refused(tag, &w->said, w, e);
	TRY(eval_evidence_rep_read(wr_span(&w->said), &w->rep, e));
	again.roots = w->roots;
	again.vouched = s->ak.n > 0 && span_eq(w->rep.key, s->ak) && w->rep.activated.n > 0;
	return shown_reread(&again, &w->again, e);
}

/* ---- the decision ---- */

static void fill_facts(const struct replay_facts *f, const struct parties *p, struct decide_in *in)
{
	in->view = parties_genesis_by(p, f->has_asset && f->asset.body.amended ? f->asset.body.amendment : NULL);
	in->has_asset = f->has_asset;
	in->asset = f->asset;
	in->workload = f->workload;
	in->n_workloads = f->n_workloads;
	in->approval = f->approval;
	in->n_approvals = f->n_approvals;
	in->service = f->service;
	in->n_services = f->n_services;
	in->boot = f->boot;
	in->n_boots = f->n_boots;
	in->tcb = f->tcb;
	in->n_tcbs = f->n_tcbs;
	in->release = f->release;
	in->n_releases = f->n_releases;
	in->delegation = f->delegation;
	in->n_delegations = f->n_delegations;
	in->revocation = f->revocation;
	in->n_revocations = f->n_revocations;
	in->thing = f->revocation; /* told apart by what they are of */
	in->n_things = f->n_revocations;
	in->assessment = f->assessment;
	in->n_assessments = f->n_assessments;
	in->binding = f->binding;
	in->n_bindings = f->n_bindings;
}

/* What the guest signed, for this asset in that session; and that it is what the record says it asked for. */
static enum coffer_rc read_request(struct work *w, struct request *q, struct err *e)
{
	const struct json *o = w->k->data;
	CLEANUP(wr_close) struct wr bytes = wr_open(REQUEST_MAX);
	uint8_t sig[SIG_LEN];
	const struct request_signed *s;
	struct request asked = { .path = q->path };
	uint64_t counter;

	if (!b64url_read(json_str(json_get(o, "request")), &bytes) || !b64url_fixed(json_str(json_get(o, "signature")), sig, sizeof(sig)))
		return err_deny(e, "R1", "the record has not the request that the guest signed");
	s = &(struct request_signed){ wr_span(&bytes), sig, w->doc->s.session, NULL };
	TRY(request_read(s->bytes, &asked, &counter, e));
	if (!span_eq(asked.container, q->container) || asked.purpose != q->purpose || (asked.version != 0 && asked.version != q->version))
		return err_deny(e, "R1", "the guest asked for something else than the record says");
	return request_verify(&asked, s, &w->members, &q->signature_ok, e);
}

/* As the record says; that the request was new is the service's word. */
static enum coffer_rc fill_request(struct work *w, struct request *q, struct err *e)
{
	const struct json *o = w->k->data;

	TRY(asset_path_parse(span_of(w->k->v->asset), &q->path, e));
	q->version = w->k->v->version;
	q->scoped = json_get(o, "container") != NULL;
	q->container = json_str(json_get(o, "container"));
	q->counter_ok = true;
	if (q->scoped && !purpose_by_name(json_str(json_get(o, "purpose")), &q->purpose))
		return err_set(e, COFFER_E_INPUT, "record: no such purpose");
	return COFFER_OK;
}

/* Those that the attested key set names, and no others. */
static enum coffer_rc fill_bound(struct work *w, struct err *e)
{
	uint8_t bound[BINDINGS_MAX][32];
	struct decide_in *in = &w->decide;

	TRY(member_bindings(&w->members, bound, &in->n_bound, e));
	for (size_t i = 0; i < in->n_bindings; i++) {
		bool named = false;

		for (size_t k = 0; k < in->n_bound; k++)
			named = named || span_eq(SPAN(in->binding[i].s.id), SPAN(bound[k]));
		if (!named)
			return err_deny(e, "receipt-rests", "a binding that the guest was not started with");
	}
	return COFFER_OK;
}

/* What the map was asked of is the machine that the evidence shows. */
static enum coffer_rc check_machine(const struct work *w, struct err *e)
{
	const struct json *list = json_get(w->k->data, "things");
	const struct appraisal *a = &w->decide.a;
	struct thing machine[THINGS_MAX];
	size_t n = things_of(a->hw, machine);
	bool same = json_len(list) == n && span_eq_str(json_str(json_get(w->k->data, "platform")), a->platform);

	for (size_t i = 0; same && i < n; i++) {
		char hex[HEX32_LEN];

		hex32(machine[i].id, hex);
		same = span_eq_str(json_str(json_at(list, i)), hex);
	}
	return same || !w->k->said->has
		   ? COFFER_OK
		   : err_deny(e, "receipt-rests", "the record is of another machine than the evidence, so that what is revoked of this one is not shown");
}

static enum coffer_rc fill(struct work *w, const struct bound *b, struct err *e)
{
	struct decide_in *in = &w->decide;

	in->now = w->k->v->time;
	in->genesis = w->k->g->id;
	in->shipped = &shipped_here;
	TRY(fill_request(w, &in->q, e));
	if (in->q.scoped)
		TRY(read_request(w, &in->q, e));
	shown_appraisal(&w->doc->s, b, &w->again, &in->a);
	TRY(member_genesis(&w->members, &in->a.has_genesis, in->a.genesis, e));
	if (by_token(w)) { /* as token_read has it */
		in->a.expires = w->doc->s.time + CLAIMS_SECONDS;
		(void)snprintf(in->a.why, sizeof(in->a.why), "as when the token was made");
	}
	TRY(check_machine(w, e));
	fill_facts(w->facts, w->k->parties, in);
	return fill_bound(w, e);
}

/* R10: of a token the claims that it carries, of a session those as of the release. */
static enum coffer_rc ask_policy(struct work *w, struct err *e)
{
	CLEANUP(wr_close) struct wr claims = wr_open(CLAIMS_MAX), data = wr_open(EVAL_DOC_MAX);
	const struct shown *s = &w->doc->s;
	struct claims_in c = { .genesis = w->k->g->id, .session = s->session, .service = s->service, .build = s->build,
		.submods = w->rep.submods, .time = by_token(w) ? s->time : w->k->v->time };
	struct eval_release_req q;
	struct judged v;

	if (!shown_claims(&c, &claims))
		return err_deny(e, "R10", "the evidence gives no claims that a policy could read");
	TRY(wr_done(&claims, "claims", e));
	TRY(policy_question(&w->decide, wr_span(&claims), &data, &q, e));
	judge_release(&q, w->in->zones, &v);
	policy_answered((uint8_t)v.answer, span_of(v.reason), &w->decide.policy);
	return COFFER_OK;
}

/* What we come to is what was logged. */
static enum coffer_rc compare(struct work *w, struct err *e)
{
	uint8_t ours[32], logged[32];
	struct span s = json_str(json_get(w->k->data, "trace"));

	if (w->ours && !is_digest(w->rep.submods, w->doc->claims))
		return err_deny(e, "receipt-replay", "the claims that the service read from this evidence are not what it gives");
	TRY(decision_digest(w->d, ours, e));
	w->out->words = s.n == 64 && hex_fixed(s, logged, sizeof(logged)) && span_eq(SPAN(ours), SPAN(logged));
	if (w->ours && !w->out->words)
		return err_deny(e, "receipt-replay",
		    "the decision, made again, is not the one that was logged: it rested on something that is not in the receipt");
	return COFFER_OK;
}

static enum coffer_rc decide_again(struct work *w, struct err *e)
{
	struct decision *d = w->d;

	decide(&w->decide, d);
	if (decision_wants_policy(&w->decide, d)) {
		TRY(ask_policy(w, e));
		decide(&w->decide, d);
	}
	memcpy(w->out->check, d->check, sizeof(w->out->check));
	w->out->n = d->n;
	if (!d->allowed)
		return err_deny(e, d->check[d->reason].id, "decided again, the release is refused: expected %.200s; found %.200s",
		    d->check[d->reason].expected, d->check[d->reason].found);
	replay_registers(&w->decide, d, w->out);
	return compare(w, e);
}

/* ---- without evidence ---- */

/* What it would have shown is the record's word: the platform, a guest started as its workload renders, and with the bindings that the receipt has. */
static enum coffer_rc fill_stated(struct work *w, char platform[static 16], struct err *e)
{
	struct decide_in *in = &w->decide;
	struct span named = json_str(json_get(w->k->data, "platform"));

	if (named.n == 0 || named.n >= 16)
		return err_set(e, COFFER_E_INPUT, "record: member \"platform\" is malformed");
	(void)snprintf(platform, 16, "%.*s", (int)named.n, (const char *)named.p);
	in->now = w->k->v->time;
	in->genesis = w->k->g->id;
	TRY(fill_request(w, &in->q, e));
	in->a.platform = platform;
	in->a.unseen = in->a.has_register = in->a.has_initdata = true;
	memcpy(in->a.init_register, w->facts->workload[0].initdata, sizeof(in->a.init_register));
	memcpy(in->a.initdata, w->facts->workload[0].initdata, sizeof(in->a.initdata));
	fill_facts(w->facts, w->k->parties, in);
	in->n_bound = in->n_bindings;
	return COFFER_OK;
}

/* Where the ledger's map did not hold what parties said, a record did not have the platform either. */
static enum coffer_rc decide_by_statements(struct work *w, struct err *e)
{
	static const unsigned decided[] = { 0, 7, 8, 9, 11 };
	struct decision *d = w->d = calloc(1, sizeof(*d));
	char platform[16];

	if (!d)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	if (!w->k->said->has)
		return COFFER_OK;
	TRY(replay_facts(w->k, &w->facts, e));
	TRY(fill_stated(w, platform, e));
	decide_stated(&w->decide, d);
	if (!d->allowed)
		return err_deny(e, d->check[d->reason].id, "decided again by its statements, the release is refused: expected %.200s; found %.200s",
		    d->check[d->reason].expected, d->check[d->reason].found);
	w->out->stated = true;
	for (size_t i = 0; i < sizeof(decided) / sizeof(decided[0]); i++)
		w->out->check[w->out->n++] = d->check[decided[i]];
	return COFFER_OK;
}

static enum coffer_rc go_on(void *arg, const struct receipt_known *k, struct err *e)
{
	struct work *w = arg;
	struct bound b;

	w->k = k;
	if (!k->r->evidence.has)
		return decide_by_statements(w, e);
	TRY(read_shown(w, e));
	TRY(replay_facts(k, &w->facts, e));
	TRY(take_initdata(w, e));
	TRY(appraise(w, &b, e));
	TRY(fill(w, &b, e));
	return decide_again(w, e);
}

enum coffer_rc replay(const struct replay_in *in, struct replay_out *out, struct err *e)
{
	CLEANUP(freep) struct replay_out *o = calloc(1, sizeof(*o));
	CLEANUP(work_clear) struct work w = { .in = in, .out = o };
	const struct receipt_on on = { go_on, &w };

	if (!o)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	TRY(receipt_verify_on(in->r, in->genesis, &on, &o->v, e));
	*out = *o;
	return COFFER_OK;
}
