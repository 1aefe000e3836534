/* Cases that are about no evidence: a token's key and its certificates, an init-data's digests, the rule for PCR 8. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_case.h"
#include "crypto/x509.h"
#include "evidence/tpm_quote.h"
#include "fmt/enc.h"

#define OUT_MAX  (64u << 10)
#define PCR_RULE "pcr8_for_digest_zero32"

static void hex_m(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(256);

	hex_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

/* A refusal is an answer; what cannot be read is none. */
static enum coffer_rc judge_x5c(struct span text, struct span trust, int64_t now, struct ev_out *o, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *jwk = NULL;
	struct json_wr j = jw_open(&o->values, false);
	struct err why = { 0 };
	enum coffer_rc rc;

	TRY(json_parse(text, OUT_MAX, &jwk, e));
	rc = x509_check_x5c(json_root(jwk), trust, now, &why);
	if (rc != COFFER_OK && rc != COFFER_E_DENIED) {
		*e = why;
		return rc;
	}
	(void)ev_need(o, "x5c", rc == COFFER_OK, VERDICT_INVALID, "the key of a certificate on a path to one that is trusted",
	    rc == COFFER_OK ? "it is" : why.msg);
	jw_obj(&j);
	jw_m_bool(&j, "trusted", rc == COFFER_OK);
	jw_obj_end(&j);
	return wr_done(&o->values, "values", e);
}

static enum coffer_rc judge_digests(struct span toml, struct ev_out *o, struct err *e)
{
	static const enum hash_alg algs[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
	struct json_wr j = jw_open(&o->values, false);
	uint8_t digest[HASH_MAX];

	jw_obj(&j);
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		hash_once(algs[i], toml, digest);
		hex_m(&j, hash_name(algs[i]), (struct span){ digest, hash_len(algs[i]) });
	}
	jw_obj_end(&j);
	return wr_done(&o->values, "values", e);
}

/* The driver's own rule; and a digest of another length must have no register at all. */
static enum coffer_rc judge_pcr_rule(struct ev_out *o, struct err *e)
{
	static const uint8_t zero[HASH_MAX];
	struct json_wr j = jw_open(&o->values, false);
	uint8_t pcr[HASH_MAX], other[HASH_MAX];
	size_t n = 0, ignored = 0;

	for (size_t len = 0; len <= HASH_MAX; len++)
		if (len != 32 && tpm_init_pcr(TPM_ALG_SHA256, (struct span){ zero, len }, other, &ignored))
			return err_deny(e, "init_data", "a digest of %zu bytes is taken for one of 32", len);
	if (!tpm_init_pcr(TPM_ALG_SHA256, (struct span){ zero, 32 }, pcr, &n))
		return err_deny(e, "init_data", "a digest of 32 bytes is refused");
	jw_obj(&j);
	hex_m(&j, PCR_RULE, (struct span){ pcr, n });
	jw_obj_end(&j);
	return wr_done(&o->values, "values", e);
}

static struct span bytes_of(struct case_files *files, const char *name)
{
	struct wr *w = case_file(files, span_of(name));

	return w ? wr_span(w) : (struct span){ 0 };
}

enum coffer_rc case_words(
    const struct case_run *r, struct case_files *files, const struct ev_in *in, struct ev_out *o, struct err *e)
{
	struct span tee = json_str(json_get(r->c, "tee")), jwk = bytes_of(files, "jwk"), toml = bytes_of(files, "toml");

	o->values = wr_open(OUT_MAX);
	if (span_eq_str(tee, "token") && jwk.n > 0)
		return judge_x5c(jwk, bytes_of(files, "trust"), in->now, o, e);
	if (span_eq_str(tee, "kbs") && toml.n > 0)
		return judge_digests(toml, o, e);
	if (files->n == 0 && json_get(json_get(r->c, "values"), PCR_RULE))
		return judge_pcr_rule(o, e);
	return err_set(e, COFFER_E_NOTFOUND, "neither evidence of a platform that is judged here nor a part that is");
}
