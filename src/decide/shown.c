#include "decide/shown.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "proto/rcar_json.h"

/* ---- what the evidence must be bound to ---- */

enum coffer_rc shown_bind(const struct shown *s, struct bound *out, struct err *e)
{
	CLEANUP(wr_close) struct wr nonce = wr_open(64);
	struct rcar_binding b = { .member = s->member, .n_members = s->n_members, .additional = s->additional };
	enum hash_alg hash = (enum hash_alg)s->hash;

	if (s->hash != HASH_SHA256 && s->hash != HASH_SHA384 && s->hash != HASH_SHA512)
		return err_set(e, COFFER_E_INPUT, "attest: unknown hash");
	b64_write(&nonce, SPAN(s->nonce));
	TRY(wr_done(&nonce, "nonce", e));
	b.nonce = wr_span(&nonce);
	out->n = hash_len(hash);
	TRY(rcar_report_data(&b, hash, out->digest, e));
	b.device = true;
	return rcar_report_data(&b, hash, out->device, e);
}

/* ---- asking ---- */

static void write_runtime(const struct shown *s, struct wr *w)
{
	struct json_wr j = jw_open(w, false);
	CLEANUP(wr_close) struct wr nonce = wr_open(64);

	b64_write(&nonce, SPAN(s->nonce));
	jw_obj(&j);
	jw_m_str(&j, "nonce", wr_span(&nonce));
	jw_name(&j, "tee-pubkey");
	jw_obj(&j);
	for (size_t i = 0; i < s->n_members; i++) {
		jw_namen(&j, s->member[i].name);
		jw_str(&j, s->member[i].value);
	}
	jw_obj_end(&j);
	jw_obj_end(&j);
}

enum coffer_rc shown_request(const struct shown *s, const struct bound *b, const struct vendor_roots *roots, struct wr *frame,
    struct err *e)
{
	CLEANUP(wr_close) struct wr runtime = wr_open(EVAL_DOC_MAX);
	const char *platform = tee_name(s->tee);
	uint8_t digest[32];
	struct eval_evidence_req q = { .now = s->time, .platform = span_of(platform), .report_data = { b->digest, b->n },
		.device_data = { b->device, b->n }, .evidence = s->evidence, .additional = s->additional, .initdata = s->initdata,
		.references = s->references, .ak = s->ak };

	_Static_assert(KEEP_FILES_MAX <= EVAL_FILES_MAX, "every file reaches eval");
	write_runtime(s, &runtime);
	TRY(wr_done(&runtime, "runtime data", e));
	q.runtime = wr_span(&runtime);
	if (s->initdata.n > 0) {
		sha256(s->initdata, digest);
		q.init_digest = SPAN(digest);
	}
	q.n_roots = vendor_roots_certs(roots, platform, q.root);
	q.n_files = s->n_files;
	memcpy(q.file, s->file, q.n_files * sizeof(q.file[0]));
	eval_evidence_req_write(frame, &q);
	return wr_done(frame, "request to eval", e);
}

/* ---- what eval said, as far as it can only refuse ---- */

static const char *check_of(const char *said)
{
	return strcmp(said, "report_data") == 0 ? "R1" : span_starts(span_of(said), "init_data") ? "R6" : "R2";
}

enum coffer_rc shown_refused(uint8_t tag, const struct eval_evidence_rep *r, struct err *e)
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
		return err_deny(e, "R2", "collateral unavailable: %s%sexpected %s, found %s; the service's operator can mend it",
		    strcmp(check, "collateral") == 0 ? "" : check, strcmp(check, "collateral") == 0 ? "" : ": ", expected, found);
	default:
		return err_deny(e, check_of(check), "invalid evidence: %s: expected %s, found %s", check, expected, found);
	}
}

/* ---- what is read again ---- */

/* The register against the init-data offered. A longer register holds the digest with zeros behind; PCR 8 holds it extended once. What
 * is neither is shown as it is, cut: it equals no digest, and R6 says so. */
static void read_register(const struct shown *s, struct span reg, bool pcr, struct reread *out)
{
	static const uint8_t zero[64];
	uint8_t digest[32], extended[64] = { 0 };

	out->has_register = reg.n >= 32;
	if (!out->has_register)
		return;
	memcpy(out->init_register, reg.p, 32);
	if (!pcr) {
		if (reg.n > 32 && !span_eq(span_skip(reg, 32), (struct span){ zero, reg.n - 32 }))
			out->has_register = false;
		return;
	}
	if (reg.n != 32)
		out->has_register = false;
	sha256(s->initdata, digest);
	memcpy(extended + 32, digest, 32);
	sha256(SPAN(extended), extended);
	if (span_eq((struct span){ extended, 32 }, (struct span){ reg.p, 32 }))
		memcpy(out->init_register, digest, 32);
}

static bool is_tpm(const char *platform)
{
	return strcmp(platform, "tpm") == 0 || strcmp(platform, "swtpm") == 0 || span_starts(span_of(platform), "az-");
}

static enum coffer_rc read_again(const struct reread_in *in, struct reread *out, struct err *e)
{
	const char *platform = tee_name(in->s->tee);
	const struct eval_evidence_rep *r = in->r;
	struct fixed_root root[FIXED_ROOTS_MAX];
	struct fixed_in f = { .platform = platform, .report = r->report, .signature = r->signature, .key = r->key, .registers = r->registers,
		.quote = r->quote, .n_path = r->n_path, .root = root, .n_roots = vendor_roots_keys(in->roots, platform, root),
		.key_vouched = in->vouched };
	struct fixed_out got;
	struct hw_facts said = { 0 }; /* of it the age of collateral alone, which the hardware does not know */

	memcpy(f.path, r->path, sizeof(r->path));
	TRY(fixed_read(&f, &got, e));
	if (r->facts.n > 0)
		TRY(facts_read(r->facts, &said, e));
	out->facts = got.facts;
	out->facts.collateral = said.collateral;
	memcpy(out->report_data, got.report_data, got.report_data_n);
	out->report_data_n = got.report_data_n;
	vendor_root_key(got.root, out->root);
	if (in->vouched && in->vouched_by && strcmp(platform, "tpm") == 0)
		memcpy(out->root, in->vouched_by, sizeof(out->root));
	read_register(in->s, (struct span){ got.init_register, got.init_register_n }, is_tpm(platform), out);
	return COFFER_OK;
}

/* Where no layout is fixed, eval's words; sample's and, told alike twice, other platforms'. */
static enum coffer_rc as_told(const struct reread_in *in, struct reread *out, struct err *e)
{
	const struct eval_evidence_rep *r = in->r;

	if (r->report_data.n == 0 || r->report_data.n > sizeof(out->report_data))
		return err_deny(e, "R1", "the evidence has no report data");
	TRY(facts_read(r->facts, &out->facts, e));
	if (strcmp(out->facts.platform, tee_name(in->s->tee)) != 0)
		return err_deny(e, "R2", "the appraisal is of another platform");
	memcpy(out->report_data, r->report_data.p, r->report_data.n);
	out->report_data_n = r->report_data.n;
	read_register(in->s, r->init_register, false, out);
	return COFFER_OK;
}

static bool vouched_for(enum tee_kind tee)
{
	return tee != TEE_SAMPLE && tee != TEE_SWTPM;
}

const char *shown_why(enum tee_kind tee)
{
	return !vouched_for(tee) ? "nobody vouches for this platform" :
	    fixed_platform(tee_name(tee)) ? "read twice, up to a trusted root" : "two appraisals agree";
}

enum coffer_rc shown_reread(const struct reread_in *in, struct reread *out, struct err *e)
{
	TRY(fixed_platform(tee_name(in->s->tee)) ? read_again(in, out, e) : as_told(in, out, e));
	if (in->r->submods.n == 0)
		return err_deny(e, "R2", "the appraisal has no claims");
	out->genuine = vouched_for(in->s->tee);
	(void)snprintf(out->why, sizeof(out->why), "%s", shown_why(in->s->tee));
	return COFFER_OK;
}

void shown_appraisal(const struct shown *s, const struct bound *b, const struct reread *v, struct appraisal *a)
{
	bool tpm = s->tee == TEE_TPM || s->tee == TEE_SWTPM;

	a->platform = tee_name(s->tee);
	a->attested = true;
	a->expires = s->expires;
	/* Upstream's TPM attester cuts its report data to the 32 bytes that the quote's nonce has. */
	a->expected_n = tpm && v->report_data_n == 32 && b->n > 32 ? 32 : b->n;
	memcpy(a->expected, b->digest, a->expected_n);
	a->found_n = v->report_data_n;
	memcpy(a->found, v->report_data, a->found_n);
	a->has_register = v->has_register;
	memcpy(a->init_register, v->init_register, sizeof(a->init_register));
	a->has_initdata = s->initdata.n > 0;
	if (a->has_initdata)
		sha256(s->initdata, a->initdata);
	a->genuine = v->genuine;
	a->hw = s->tee == TEE_SAMPLE ? NULL : &v->facts;
	a->collateral = true;
	memcpy(a->root, v->root, sizeof(a->root));
	(void)snprintf(a->why, sizeof(a->why), "%s", v->why);
}
