#include "cofferd/eval/evidence.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/evidence.h"
#include "evidence/fixed.h"
#include "evidence/rim.h"
#include "fmt/enc.h"

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

/* ---- the token's part ---- */

static void put_member(struct json_wr *j, const char *name, struct span text, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	jw_name(j, name);
	if (text.n > 0 && json_parse(text, EVAL_DOC_MAX, &doc, e) == COFFER_OK) {
		jw_value(j, json_root(doc));
		return;
	}
	jw_obj(j);
	jw_obj_end(j);
}

static void put_hex(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(256);

	hex_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

static void write_submods(const struct eval_evidence_req *q, const struct tee_driver *d, const struct ev_out *o, struct wr *w, struct err *e)
{
	static const char *const vector[] = { "configuration", "executables", "file-system", "hardware", "instance-identity",
		"runtime-opaque", "sourced-data", "storage-opaque" };
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_name(&j, "cpu0");
	jw_obj(&j);
	jw_m_text(&j, "ear.appraisal-policy-id", "none");
	jw_m_text(&j, "ear.status", "none");
	jw_name(&j, "ear.trustworthiness-vector");
	jw_obj(&j);
	for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++)
		jw_m_u64(&j, vector[i], 0);
	jw_obj_end(&j);
	jw_name(&j, "ear.veraison.annotated-evidence");
	jw_obj(&j);
	put_hex(&j, "init_data", q->init_digest);
	put_member(&j, "init_data_claims", (struct span){ 0 }, e);
	put_hex(&j, "report_data", q->report_data);
	put_member(&j, "runtime_data_claims", q->runtime, e);
	put_member(&j, d->claims_key, wr_span(&o->claims), e);
	jw_obj_end(&j);
	jw_obj_end(&j);
	jw_obj_end(&j);
}

/* ---- one request ---- */

static enum coffer_rc appraise(const struct eval_evidence_req *q, struct ev_out *o, struct wr *submods, struct err *e)
{
	CLEANUP(collateral_clear) struct collateral col = { 0 };
	const struct tee_driver *d = tee_driver_find(q->platform);
	struct ev_in in = { .evidence = q->evidence, .col = &col, .now = q->now, .report_data = q->report_data, .init_data = q->init_digest.n > 0 ? q->init_digest : (struct span){ 0 } };

	if (!d || strcmp(d->device_class, "cpu") != 0)
		return err_set(e, COFFER_E_INPUT, "no such platform");
	if (q->additional.n > 0)
		return err_set(e, COFFER_E_INPUT, "device evidence is not judged here");
	TRY(read_collateral(q, &col, e));
	give_manifest_reader(&col);
	TRY(d->appraise(&in, o, e));
	if (o->verdict == VERDICT_VALID)
		write_submods(q, d, o, submods, e);
	return wr_done(submods, "claims", e);
}

uint8_t judge_evidence(const struct eval_evidence_req *q, struct wr *body)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	CLEANUP(wr_close) struct wr submods = wr_open(EVAL_SUBMODS_MAX), facts = wr_open(FACTS_PACKED_MAX);
	struct eval_evidence_rep r = { 0 };
	struct err e = { 0 };

	*body = wr_open(EVAL_REPLY_MAX);
	if (appraise(q, &o, &submods, &e) != COFFER_OK) {
		wr_str(body, e.msg);
		return EVAL_FAILED;
	}
	put_reason(&o, &r);
	if (o.verdict == VERDICT_VALID) {
		put_parts(&o, &r);
		facts_write(&facts, &o.facts);
		r.facts = wr_span(&facts);
		r.report_data = (struct span){ o.report_data, o.report_data_n };
		r.init_register = (struct span){ o.init_register, o.init_register_n };
		r.submods = wr_span(&submods);
	}
	eval_evidence_rep_write(body, &r);
	if (!wr_ok(body) || !wr_ok(&facts)) {
		wr_close(body);
		*body = wr_open(64);
		wr_str(body, "the appraisal is too large");
		return EVAL_FAILED;
	}
	return (uint8_t)o.verdict;
}

/* One verification of each kind: the library builds its tables and loads what it needs while it still can. */
void evidence_warm(void)
{
	static const uint8_t zero[96];
	uint8_t digest[HASH_MAX];
	struct err ignore = { 0 };

	(void)!rim_set_up(); /* without it no manifest is read, and says so */
	for (size_t i = 0; i < FIXED_ROOTS_MAX; i++) {
		static const char *const vendor[] = { "amd", "intel", "tpm" };

		for (size_t v = 0; v < sizeof(vendor) / sizeof(vendor[0]); v++) {
			CLEANUP(vkey_freep) struct vkey *k = NULL;
			const char *name;

			if (ev_pinned(vendor[v], i, &name, &k, &ignore) != COFFER_OK || !name)
				continue;
			for (enum sig_scheme s = SIG_ECDSA_RAW; s <= SIG_RSAPSS; s++)
				(void)!vkey_verify(k, s, HASH_SHA384, SPAN(zero), SPAN(zero));
		}
	}
	for (enum hash_alg a = HASH_SHA256; a <= HASH_SHA1; a++)
		hash_once(a, SPAN(zero), digest);
}
