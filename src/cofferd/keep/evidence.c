#include "cofferd/keep/evidence.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/askeval.h"
#include "cofferd/keep/credential.h"
#include "cofferd/keep/roots.h"
#include "crypto/hash.h"
#include "evidence/fixed.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "proto/rcar_json.h"

/* As evidence.h names verdicts; keep does not include it, for it speaks of X.509. */
enum { SAID_VALID, SAID_INVALID, SAID_MALFORMED, SAID_STALE, SAID_COLLATERAL };

void evidence_clear(struct evidence_out *o)
{
	wr_close(&o->submods);
	wr_close(&o->needs);
}

/* ---- asking ---- */

static void write_runtime(const struct evidence_in *in, struct wr *w)
{
	struct json_wr j = jw_open(w, false);
	CLEANUP(wr_close) struct wr nonce = wr_open(64);

	b64_write(&nonce, SPAN(in->s->nonce));
	jw_obj(&j);
	jw_m_str(&j, "nonce", wr_span(&nonce));
	jw_name(&j, "tee-pubkey");
	jw_obj(&j);
	for (size_t i = 0; i < in->s->members.n; i++) {
		jw_namen(&j, in->s->members.member[i].name);
		jw_str(&j, in->s->members.member[i].value);
	}
	jw_obj_end(&j);
	jw_obj_end(&j);
}

static enum coffer_rc write_request(struct keep *k, const struct evidence_in *in, struct wr *frame, struct err *e)
{
	CLEANUP(wr_close) struct wr runtime = wr_open(EVAL_DOC_MAX);
	const char *platform = tee_name((enum tee_kind)in->s->tee);
	uint8_t digest[32];
	struct eval_evidence_req q = { .now = k->now, .platform = span_of(platform), .report_data = in->expected, .device_data = in->device,
		.evidence = in->m->evidence, .additional = in->m->additional, .initdata = in->m->initdata, .references = in->references, .ak = wr_span(&in->s->ak) };

	write_runtime(in, &runtime);
	TRY(wr_done(&runtime, "runtime data", e));
	q.runtime = wr_span(&runtime);
	if (in->m->initdata.n > 0) {
		sha256(in->m->initdata, digest);
		q.init_digest = SPAN(digest);
	}
	q.n_roots = vendor_roots_certs(k->roots, platform, q.root);
	q.n_files = in->m->n_files;
	memcpy(q.file, in->m->file, q.n_files * sizeof(q.file[0]));
	eval_evidence_req_write(frame, &q);
	return wr_done(frame, "request to eval", e);
}

/* ---- what eval said, as far as it can only refuse ---- */

static const char *check_of(const char *said)
{
	return strcmp(said, "report_data") == 0 ? "R1" : span_starts(span_of(said), "init_data") ? "R6" : "R2";
}

static enum coffer_rc refused(uint8_t tag, const struct eval_evidence_rep *r, struct err *e)
{
	char check[48], expected[161], found[161];

	eval_printable(r->check, check, sizeof(check));
	eval_printable(r->expected, expected, sizeof(expected));
	eval_printable(r->found, found, sizeof(found));
	switch (tag) {
	case SAID_MALFORMED:
		return err_set(e, COFFER_E_INPUT, "evidence: malformed: %s", found);
	case SAID_STALE:
		return err_deny(e, "R2", "stale evidence or collateral: %s: expected %s, found %s", check, expected, found);
	case SAID_COLLATERAL:
		return err_deny(e, "R2", "collateral unavailable: %s: expected %s, found %s; the service's operator can mend it", check, expected, found);
	default:
		return err_deny(e, check_of(check), "invalid evidence: %s: expected %s, found %s", check, expected, found);
	}
}

static enum coffer_rc failed(const struct wr *said, struct err *e)
{
	char text[200];

	eval_printable(wr_span(said), text, sizeof(text));
	return err_deny(e, "R2", "the evidence could not be appraised: %s", text);
}

static enum coffer_rc copy(struct span from, struct wr *to, struct err *e)
{
	*to = wr_open(from.n);
	wr_put(to, from);
	return wr_done(to, "evidence", e);
}

/* ---- what keep reads itself ---- */

/* The register against the init-data offered. A longer register holds the digest with zeros behind; PCR 8 holds it extended once. What
 * is neither is shown as it is, cut: it equals no digest, and R6 says so. */
static void read_register(const struct evidence_in *in, const uint8_t *reg, size_t n, bool pcr, struct evidence_out *out)
{
	static const uint8_t zero[64];
	uint8_t digest[32], extended[64] = { 0 };

	out->has_register = n >= 32;
	if (!out->has_register)
		return;
	memcpy(out->init_register, reg, 32);
	if (!pcr) {
		if (n > 32 && !span_eq((struct span){ reg + 32, n - 32 }, (struct span){ zero, n - 32 }))
			out->has_register = false;
		return;
	}
	if (n != 32)
		out->has_register = false;
	sha256(in->m->initdata, digest);
	memcpy(extended + 32, digest, 32);
	sha256(SPAN(extended), extended);
	if (span_eq((struct span){ extended, 32 }, (struct span){ reg, 32 }))
		memcpy(out->init_register, digest, 32);
}

static bool is_tpm(const char *platform)
{
	return strcmp(platform, "tpm") == 0 || strcmp(platform, "swtpm") == 0 || span_starts(span_of(platform), "az-");
}

static enum coffer_rc read_again(struct keep *k, const struct evidence_in *in, const struct eval_evidence_rep *r, struct evidence_out *out,
				 struct err *e)
{
	const char *platform = tee_name((enum tee_kind)in->s->tee);
	struct fixed_root root[FIXED_ROOTS_MAX];
	struct fixed_in f = { .platform = platform, .report = r->report, .signature = r->signature, .key = r->key, .registers = r->registers,
		.quote = r->quote, .n_path = r->n_path, .root = root, .n_roots = vendor_roots_keys(k->roots, platform, root) };
	struct fixed_out got;
	struct hw_facts said = { 0 }; /* of it the age of collateral alone, which the hardware does not know */

	memcpy(f.path, r->path, sizeof(r->path));
	TRY(credential_check(k, in->s, r, &f.key_vouched, e));
	TRY(fixed_read(&f, &got, e));
	if (r->facts.n > 0)
		TRY(facts_read(r->facts, &said, e));
	out->facts = got.facts;
	out->facts.collateral = said.collateral;
	memcpy(out->report_data, got.report_data, got.report_data_n);
	out->report_data_n = got.report_data_n;
	read_register(in, got.init_register, got.init_register_n, is_tpm(platform), out);
	return COFFER_OK;
}

/* Where no layout is fixed, eval's words; sample's and, told alike twice, other platforms'. */
static enum coffer_rc as_told(const struct evidence_in *in, const struct eval_evidence_rep *r, struct evidence_out *out, struct err *e)
{
	const char *platform = tee_name((enum tee_kind)in->s->tee);

	if (r->report_data.n == 0)
		return err_deny(e, "R1", "the evidence has no report data");
	TRY(facts_read(r->facts, &out->facts, e));
	if (strcmp(out->facts.platform, platform) != 0)
		return err_deny(e, "R2", "the appraisal is of another platform");
	memcpy(out->report_data, r->report_data.p, r->report_data.n);
	out->report_data_n = r->report_data.n;
	read_register(in, r->init_register.p, r->init_register.n, false, out);
	return COFFER_OK;
}

static enum coffer_rc valid(struct keep *k, const struct evidence_in *in, const struct eval_evidence_rep *r, struct evidence_out *out,
			    struct err *e)
{
	const char *platform = tee_name((enum tee_kind)in->s->tee);
	bool fixed = fixed_platform(platform), sample = in->s->tee == TEE_SAMPLE;

	TRY(fixed ? read_again(k, in, r, out, e) : as_told(in, r, out, e));
	if (r->submods.n == 0)
		return err_deny(e, "R2", "the appraisal has no claims");
	TRY(copy(r->submods, &out->submods, e));
	out->genuine = !sample && in->s->tee != TEE_SWTPM;
	(void)snprintf(out->why, sizeof(out->why), "%s", !out->genuine ? "nobody vouches for this platform" : fixed ? "read twice, up to a trusted root" : "two appraisals agree");
	return COFFER_OK;
}

enum coffer_rc evidence_judge(struct keep *k, const struct evidence_in *in, struct evidence_out *out, struct err *e)
{
	CLEANUP(wr_close) struct wr frame = wr_open(EVAL_FRAME_MAX), said = { 0 }, again = { 0 };
	struct eval_evidence_rep r;
	uint8_t tag = 0, second = 0;

	TRY(write_request(k, in, &frame, e));
	TRY(eval_ask(k, EVAL_EVIDENCE, wr_span(&frame), &tag, &said, e));
	if (tag == EVAL_FAILED)
		return failed(&said, e);
	TRY(eval_evidence_rep_read(wr_span(&said), &r, e));
	if (tag == SAID_COLLATERAL && r.needs.n > 0)
		return copy(r.needs, &out->needs, e);
	if (tag != SAID_VALID)
		return refused(tag, &r, e);
	if (in->s->tee != TEE_SAMPLE && !fixed_platform(tee_name((enum tee_kind)in->s->tee))) {
		TRY(eval_ask(k, EVAL_EVIDENCE, wr_span(&frame), &second, &again, e));
		if (second != tag || !span_eq(wr_span(&said), wr_span(&again)))
			return err_deny(e, "R2", "two appraisals of the same evidence differ: the service's operator looks at eval");
	}
	return valid(k, in, &r, out, e);
}
