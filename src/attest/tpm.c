#include "attest/tpm.h"

#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/eventlog.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "os/file.h"
#include "os/tpm.h"

#define LOG	     "/sys/kernel/security/tpm0/binary_bios_measurements"
#define EVIDENCE_MAX (1u << 20)

static enum coffer_rc transact(void *arg, struct span command, struct wr *response, struct err *e)
{
	const struct attest_tpm *t = arg;

	return tpm_device_transact(t->fd, command, TPM_RESPONSE_MAX, response, e);
}

void attest_tpm_close(struct attest_tpm *t)
{
	closep(&t->fd);
	t->fd = -1;
	wr_close(&t->activated);
}

enum coffer_rc attest_tpm_begin(struct attest_tpm *t, int fd, struct err *e)
{
	t->fd = fd;
	t->link = (struct tpm_link){ transact, t };
	return tpm_maker(&t->link, t->maker, e);
}

/* Flushes a key; what went wrong first is what is told. */
static enum coffer_rc flushed(const struct attest_tpm *t, uint32_t handle, enum coffer_rc rc, struct err *e)
{
	struct err ignore = { 0 };

	if (rc == COFFER_OK)
		return tpm_flush(&t->link, handle, e);
	return tpm_flush(&t->link, handle, &ignore) == COFFER_OK ? rc : e->rc;
}

/* ---- evidence ---- */

static void put_b64(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVIDENCE_MAX);

	b64_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
	if (!wr_ok(&w))
		j->w->bad = true;
}

static void put_quote(struct json_wr *j, const struct tpm_quoted *q, uint8_t pcr[static TPM_PCRS][32])
{
	char hex[HEX32_LEN];

	jw_name(j, "tpm_quote");
	jw_obj(j);
	put_b64(j, "message", wr_span(&q->message));
	put_b64(j, "signature", wr_span(&q->signature));
	jw_name(j, "pcrs");
	jw_arr(j);
	for (size_t i = 0; i < TPM_PCRS; i++) {
		hex32(pcr[i], hex);
		jw_text(j, hex);
	}
	jw_arr_end(j);
	jw_obj_end(j);
}

/* What a quote is shown with. */
struct shown { struct tpm_key ak; struct tpm_quoted q; uint8_t pcr[TPM_PCRS][32]; };

static enum coffer_rc compose(const struct attest_tpm *t, struct shown *s, struct wr *json, struct err *e)
{
	CLEANUP(tpm_public_clear) struct tpm_public pub = { 0 };
	CLEANUP(wr_close) struct wr log = { 0 };
	struct err ignore = { 0 };
	struct json_wr j = jw_open(json, false);

	TRY(tpm_public_parse((struct span){ s->ak.pub, s->ak.pub_n }, &pub, e));
	jw_obj(&j);
	put_b64(&j, "ak_public", vkey_der(pub.key));
	put_quote(&j, &s->q, s->pcr);
	if (!t->no_log && file_read(LOG, EVENTLOG_MAX, &log, &ignore) == COFFER_OK && log.n > 0) /* firmware may keep none */
		put_b64(&j, "event_log", wr_span(&log));
	if (t->activated.n > 0)
		put_b64(&j, "activated", wr_span(&t->activated));
	jw_obj_end(&j);
	return wr_done(json, "evidence", e);
}

static void shown_clear(struct shown *s)
{
	tpm_quoted_clear(&s->q);
}

/* Report data is cut to 32 bytes, as upstream does. */
static enum coffer_rc quote(const struct attest_tpm *t, struct span report_data, struct shown *s, struct err *e)
{
	struct span nonce = { report_data.p, report_data.n < 32 ? report_data.n : 32 };

	TRY(tpm_quote(&t->link, s->ak.handle, nonce, &s->q, e));
	return tpm_read_pcrs(&t->link, s->pcr, e);
}

/* The key is made for this and gone with it; the TPM derives the same each time. */
static enum coffer_rc evidence(
    void *arg, struct span report_data, const uint8_t init_register[static 32], struct wr *json, struct err *e)
{
	CLEANUP(shown_clear) struct shown s = { 0 };
	struct attest_tpm *t = arg;
	enum coffer_rc rc;

	(void)init_register; /* is in the TPM already */
	TRY(tpm_make_key(&t->link, TPM_MAKE_AK, &s.ak, e));
	rc = quote(t, report_data, &s, e);
	if (rc == COFFER_OK)
		rc = compose(t, &s, json, e);
	wr_close(&t->activated); /* was for one session */
	return flushed(t, s.ak.handle, rc, e);
}

/* ---- the credential ---- */

static enum coffer_rc ask(void *arg, struct rcar_tpm *out, struct err *e)
{
	struct attest_tpm *t = arg;
	struct tpm_key ak;

	if (tpm_nv_read(&t->link, TPM_EK_CERT_RSA, KEEP_EK_MAX, &out->ek_cert, e) != COFFER_OK)
		return err_wrap(e, "the certificate of the TPM's endorsement key");
	TRY(tpm_make_key(&t->link, TPM_MAKE_AK, &ak, e));
	out->ak_public = wr_open(sizeof(ak.pub));
	wr_put(&out->ak_public, (struct span){ ak.pub, ak.pub_n });
	return flushed(t, ak.handle, wr_done(&out->ak_public, "attestation key", e), e);
}

static enum coffer_rc open_for(struct attest_tpm *t, struct tpm_credential_of *c, struct err *e)
{
	struct tpm_key ek;

	TRY(tpm_make_key(&t->link, TPM_MAKE_EK, &ek, e));
	c->ek = ek.handle;
	return flushed(t, ek.handle, tpm_activate(&t->link, c, &t->activated, e), e);
}

static enum coffer_rc open_credential(void *arg, const struct rcar_tpm_answer *a, struct err *e)
{
	struct tpm_credential_of c = { .credential = wr_span(&a->credential), .secret = wr_span(&a->secret) };
	struct attest_tpm *t = arg;
	struct tpm_key ak;

	wr_close(&t->activated);
	TRY(tpm_make_key(&t->link, TPM_MAKE_AK, &ak, e));
	c.ak = ak.handle;
	return flushed(t, ak.handle, open_for(t, &c, e), e);
}

struct attester attest_tpm_attester(struct attest_tpm *t)
{
	/* libtpms calls itself so; what a guest calls its platform is a claim that the verifier's demands on it follow from. */
	bool emulated = strcmp(t->maker, "IBM ") == 0;

	return (struct attester){ .tee = emulated ? "swtpm" : "tpm", .evidence = evidence, .arg = t, .ask = ask, .open = open_credential };
}
