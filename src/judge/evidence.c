#include "judge/evidence.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/str.h"
#include "judge/devices.h"
#include "judge/submods.h"
#include "evidence/evidence.h"
#include "evidence/fixed.h"
#include "evidence/needs.h"
#include "evidence/rim.h"

/* The first that is not valid; NULL: all are. */
static const struct ev_out *devices_worst(const struct devices *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->d[i].out.verdict != VERDICT_VALID)
			return &v->d[i].out;
	return NULL;
}

/* What reads XML: set up before the sandbox (evidence_warm), given to whoever appraises devices. */
static void give_manifest_reader(struct collateral *col)
{
	col->manifests = rim_manifest;
}

static enum coffer_rc read_collateral(const struct eval_evidence_req *q, struct collateral *col, struct err *e)
{
	for (size_t i = 0; i < q->n_roots; i++)
		TRY(collateral_add(q->root[i], true, col, e));
	for (size_t i = 0; i < q->n_files; i++)
		TRY(collateral_add(q->file[i], false, col, e));
	return COFFER_OK;
}

static const struct ev_check *deciding(const struct ev_out *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (!o->check[i].holds && o->check[i].otherwise == o->verdict)
			return &o->check[i];
	return NULL;
}

static void put_parts(const struct ev_out *o, struct eval_evidence_rep *r)
{
	r->report = wr_span(&o->parts.report);
	r->signature = wr_span(&o->parts.signature);
	r->key = wr_span(&o->parts.key);
	r->registers = wr_span(&o->parts.registers);
	r->activated = wr_span(&o->parts.activated);
	r->quote = wr_span(&o->parts.quote);
	r->n_path = o->parts.n_path;
	for (size_t i = 0; i < o->parts.n_path; i++)
		r->path[i] = wr_span(&o->parts.path[i]);
}

static void put_reason(const struct ev_out *o, struct eval_evidence_rep *r)
{
	const struct ev_check *c = o->verdict == VERDICT_VALID ? NULL : deciding(o);

	if (!c)
		return;
	r->check = span_of(c->id);
	r->expected = span_of(c->expected);
	r->found = span_of(c->found);
}

static enum coffer_rc make_submods(const struct eval_evidence_req *q, const struct devices *v, struct wr *submods, struct err *e)
{
	struct appraise_device found[DEVICES_MAX];

	for (size_t i = 0; i < v->n; i++)
		found[i] = (struct appraise_device){ v->d[i].driver, v->d[i].out.verdict, wr_span(&v->d[i].out.claims) };
	return submods_write(q, found, v->n, submods, e);
}

/* ---- one request ---- */

static enum coffer_rc judge(const struct eval_evidence_req *q, struct devices *v, struct wr *submods, struct err *e)
{
	CLEANUP(collateral_clear) struct collateral col = { 0 };
	const struct tee_driver *d = tee_driver_find(q->platform);
	struct ev_in in = { .evidence = q->evidence, .col = &col, .now = q->now, .report_data = q->report_data, .no_values = true,
		.init_data = q->init_digest.n > 0 ? q->init_digest : (struct span){ 0 },
		.activation = { .ak = q->ak.n > 0 ? q->ak : (struct span){ 0 } } }; /* the secret is keep's alone */
	const struct ev_in beside = { .col = &col, .now = q->now, .report_data = q->device_data, .no_values = true };

	if (!d || strcmp(d->device_class, "cpu") != 0)
		return err_set(e, COFFER_E_INPUT, "no such platform");
	TRY(read_collateral(q, &col, e));
	col.anchors_by_roots = true; /* files went through net */
	give_manifest_reader(&col);
	v->n = 1;
	v->d[0].driver = d;
	TRY(d->appraise(&in, &v->d[0].out, e));
	if (v->d[0].out.verdict == VERDICT_VALID && q->additional.n > 0)
		TRY(devices_appraise(q->additional, EVAL_EVIDENCE_MAX, &beside, v, e));
	return devices_worst(v) ? COFFER_OK : make_submods(q, v, submods, e);
}

static void put_needs(const struct eval_evidence_req *q, struct wr *w)
{
	struct needs n = { 0 };
	struct err ignore = { 0 };
	char key[VENDOR_KEY_MAX];

	if (evidence_needs(q->platform, q->evidence, &n, &ignore) != COFFER_OK)
		return;
	for (size_t i = 0; i < n.n; i++) {
		vendor_item_key(&n.item[i], key);
		wr_fmt(w, "%s\n", key);
	}
}

uint8_t judge_evidence(const struct eval_evidence_req *q, struct wr *body)
{
	CLEANUP(devices_free) struct devices *v = calloc(1, sizeof(*v));
	CLEANUP(wr_close) struct wr submods = wr_open(EVAL_SUBMODS_MAX), facts = wr_open(FACTS_PACKED_MAX), needs = wr_open(4096);
	const struct ev_out *o, *bad;
	struct eval_evidence_rep r = { 0 };
	struct err e = { 0 };

	*body = wr_open(EVAL_REPLY_MAX);
	if (!v || judge(q, v, &submods, &e) != COFFER_OK) {
		wr_str(body, v ? e.msg : "out of memory");
		return EVAL_FAILED;
	}
	o = &v->d[0].out;
	bad = devices_worst(v);
	if (bad)
		put_reason(bad, &r);
	if (bad && bad->verdict == VERDICT_COLLATERAL)
		put_needs(q, &needs);
	r.needs = wr_span(&needs);
	if (!bad) {
		put_parts(o, &r);
		facts_write(&facts, &o->facts);
		r.facts = wr_span(&facts);
		r.report_data = (struct span){ o->report_data, o->report_data_n };
		r.init_register = (struct span){ o->init_register, o->init_register_n };
		r.submods = wr_span(&submods);
	}
	eval_evidence_rep_write(body, &r);
	if (!wr_ok(body) || !wr_ok(&facts)) {
		wr_close(body);
		*body = wr_open(64);
		wr_str(body, "the appraisal is too large");
		return EVAL_FAILED;
	}
	return (uint8_t)(bad ? bad->verdict : VERDICT_VALID);
}

/* One verification of each kind: the library builds its tables and loads what it needs while it still can, and the pinned keys are
 * read, once for all the children. */
void evidence_warm(void)
{
	static const uint8_t zero[96];
	uint8_t digest[HASH_MAX];
	struct err ignore = { 0 };

	submods_warm();
	tzset(); /* dates of certificates go through the C library, which reads the machine's zone once */
	(void)!rim_set_up(); /* without it no manifest is read, and says so */
	for (size_t i = 0; i < FIXED_ROOTS_MAX; i++) {
		static const char *const vendor[] = { "amd", "intel", "tpm", "hygon" };

		for (size_t v = 0; v < sizeof(vendor) / sizeof(vendor[0]); v++) {
			const struct vkey *k = NULL;
			const char *name;

			if (ev_pinned(vendor[v], i, &name, &k, &ignore) != COFFER_OK || !name)
				continue;
			for (enum sig_scheme s = SIG_ECDSA_RAW; s <= SIG_RSAPSS; s++)
				(void)!vkey_verify(k, s, HASH_SHA384, SPAN(zero), SPAN(zero));
			(void)!vkey_verify_sm2(k, SPAN(zero), SPAN(zero), zero);
		}
	}
	for (enum hash_alg a = HASH_SHA256; a <= HASH_SHA1; a++)
		hash_once(a, SPAN(zero), digest);
}
