#include "cofferd/keep/credential.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/askeval.h"
#include "cofferd/keep/turn.h"
#include "decide/roots.h"
#include "crypto/hash.h"
#include "evidence/fixed.h"
#include "proto/rcar_json.h"

enum { SAID_VALID = 0 }; /* as evidence.h names verdicts; keep does not include it, for it speaks of X.509 */

void credential_clear(struct credential_keys *c)
{
	vkey_free(c->ek);
	vkey_free(c->ak);
	*c = (struct credential_keys){ 0 };
}

/* ---- before the challenge ---- */

static enum coffer_rc read_ak(struct span area, struct credential_keys *out, struct err *e)
{
	CLEANUP(tpm_public_clear) struct tpm_public ak = { 0 };

	TRY(tpm_public_parse(area, &ak, e));
	TRY(tpm_ak_check(&ak, e));
	if (vkey_der(ak.key).n > SESSION_AK_MAX)
		return err_set(e, COFFER_E_LIMIT, "the attestation key has %zu bytes, at most %d", vkey_der(ak.key).n, SESSION_AK_MAX);
	memcpy(out->ak_name, ak.name, sizeof(out->ak_name)); /* SHA-256's: tpm_ak_check */
	out->ak = MOVE(ak.key);
	return COFFER_OK;
}

static enum coffer_rc refused(struct span body, struct err *e)
{
	struct eval_ek_rep r;
	char check[41], reason[257];

	TRY(eval_ek_rep_read(body, &r, e));
	eval_printable(r.check, check, sizeof(check));
	eval_printable(r.reason, reason, sizeof(reason));
	return err_deny(e, "R2", "the EK certificate: %s: %s", check, reason);
}

static enum coffer_rc failed(struct span body, struct err *e)
{
	char text[200];

	eval_printable(body, text, sizeof(text));
	return err_deny(e, "R2", "the EK certificate could not be judged: %s", text);
}

static enum coffer_rc ask(struct keep *k, const struct keep_auth_req *m, struct wr *said, struct err *e)
{
	CLEANUP(wr_close) struct wr frame = wr_open(EVAL_FRAME_MAX);
	struct eval_ek_req q = { .now = k->turn->since, .ek_cert = m->tpm.ek_cert, .n_chain = m->tpm.n_chain };
	uint8_t tag = 0;

	memcpy(q.chain, m->tpm.chain, sizeof(q.chain));
	q.n_roots = vendor_roots_certs(k->roots, tee_name((enum tee_kind)m->tee), q.root);
	eval_ek_req_write(&frame, &q);
	TRY(wr_done(&frame, "request to eval", e));
	TRY(eval_ask(k, &(struct eval_question){ EVAL_EK, NULL, wr_span(&frame) }, &tag, said, e));
	if (tag == EVAL_FAILED)
		return failed(wr_span(said), e);
	return tag == SAID_VALID ? COFFER_OK : refused(wr_span(said), e);
}

/* The path is eval's proposal; its beginning is what the requester sent, and its end a root of ours. */
static enum coffer_rc read_again(struct keep *k, const struct keep_auth_req *m, const struct eval_ek_rep *r, struct credential_keys *out,
				 struct err *e)
{
	const struct fixed_root *by = NULL;
	const char *platform = tee_name((enum tee_kind)m->tee);
	struct fixed_root root[FIXED_ROOTS_MAX];
	struct fixed_in f = { .platform = platform, .n_path = r->n_path, .root = root };

	f.n_roots = vendor_roots_keys(k->roots, platform, root);
	if (r->n_path == 0 || !span_eq(r->path[0], m->tpm.ek_cert))
		return err_deny(e, "R2", "the path is another EK certificate's");
	memcpy(f.path, r->path, sizeof(r->path));
	TRY(fixed_ek(&f, &out->ek, &by, e));
	vendor_root_key(by, out->root);
	return COFFER_OK;
}

enum coffer_rc credential_judge(struct keep *k, const struct keep_auth_req *m, struct credential_keys *out, struct err *e)
{
	CLEANUP(credential_clear) struct credential_keys c = { 0 };
	CLEANUP(wr_close) struct wr said = { 0 };
	struct eval_ek_rep r;

	TRY(read_ak(m->tpm.ak_public, &c, e));
	TRY(ask(k, m, &said, e));
	TRY(eval_ek_rep_read(wr_span(&said), &r, e));
	TRY(read_again(k, m, &r, &c, e));
	*out = c;
	c = (struct credential_keys){ 0 };
	return COFFER_OK;
}

enum coffer_rc credential_lock(struct keep *k, struct session *s, const struct credential_keys *c, struct tpm_credential *out, struct err *e)
{
	uint8_t random[64];
	struct tpm_credential_in in = { .ek = c->ek, .ak_name = SPAN(c->ak_name), .random = random };
	enum coffer_rc rc;

	TRY(session_credential(k->sessions, s, vkey_der(c->ak), &in.secret, e));
	memcpy(s->vouched_by, c->root, sizeof(s->vouched_by));
	random_bytes(random, sizeof(random));
	rc = tpm_credential_make(&in, out, e);
	explicit_bzero(random, sizeof(random)); /* with it the credential opens without a TPM */
	return rc;
}

/* ---- with the evidence ---- */

enum coffer_rc credential_check(const struct keep *k, const struct session *s, const struct eval_evidence_rep *r, bool *vouched,
				struct err *e)
{
	struct span secret;

	*vouched = false;
	if (s->ak.n == 0)
		return COFFER_OK;
	if (!span_eq(r->key, session_span(&s->ak)))
		return err_deny(e, "R2", "the quote is by another key than this session's credential is for");
	if (!session_secret(k->sessions, s, &secret) || !ct_eq(secret, r->activated))
		return err_deny(e, "R2", "what was shown is not what this session's credential holds");
	*vouched = true;
	return COFFER_OK;
}
