#include "agent/attest_tpm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
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
}

/* ---- registers ---- */

static void say(size_t reg, uint8_t pcr[static TPM_PCRS][32])
{
	char hex[HEX32_LEN];

	hex32(pcr[reg], hex);
	(void)printf("coffer-agent: pcr%02zu %s\n", reg, hex);
	(void)fflush(stdout);
}

enum coffer_rc attest_tpm_open(struct attest_tpm *t, struct err *e)
{
	static const size_t launch[] = { 4, 9, 11 };
	uint8_t pcr[TPM_PCRS][32];

	t->link = (struct tpm_link){ transact, t };
	TRY(tpm_device_open(&t->fd, e));
	TRY(tpm_maker(&t->link, t->maker, e));
	TRY(tpm_read_pcrs(&t->link, pcr, e));
	for (size_t i = 0; i < sizeof(launch) / sizeof(launch[0]); i++)
		say(launch[i], pcr);
	return COFFER_OK;
}

enum coffer_rc attest_tpm_init(const struct attest_tpm *t, struct span initdata, struct err *e)
{
	uint8_t digest[32], want[HASH_MAX], pcr[TPM_PCRS][32];
	size_t n = 0;

	sha256(initdata, digest);
	TRY(tpm_extend(&t->link, ATTEST_TPM_INIT, digest, e));
	TRY(tpm_read_pcrs(&t->link, pcr, e));
	say(ATTEST_TPM_INIT, pcr);
	if (!tpm_init_pcr(TPM_ALG_SHA256, SPAN(digest), want, &n) || !span_eq(SPAN(pcr[ATTEST_TPM_INIT]), (struct span){ want, n }))
		return err_deny(e, "initdata", "register %d of the TPM held something else before", ATTEST_TPM_INIT);
	return COFFER_OK;
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

static enum coffer_rc compose(const struct tpm_key *ak, const struct tpm_quoted *q, uint8_t pcr[static TPM_PCRS][32], struct wr *json,
    struct err *e)
{
	CLEANUP(tpm_public_clear) struct tpm_public pub = { 0 };
	CLEANUP(wr_close) struct wr log = { 0 };
	struct err ignore = { 0 };
	struct json_wr j = jw_open(json, false);

	TRY(tpm_public_parse((struct span){ ak->pub, ak->pub_n }, &pub, e));
	jw_obj(&j);
	put_b64(&j, "ak_public", vkey_der(pub.key));
	put_quote(&j, q, pcr);
	if (file_read(LOG, EVENTLOG_MAX, &log, &ignore) == COFFER_OK && log.n > 0) /* firmware may keep none */
		put_b64(&j, "event_log", wr_span(&log));
	jw_obj_end(&j);
	return wr_done(json, "evidence", e);
}

/* A key made for this, and gone with it: the same each time, since the TPM derives it. Report data is cut to 32 bytes, as upstream does. */
static enum coffer_rc evidence(void *arg, struct span report_data, const uint8_t init_register[static 32], struct wr *json, struct err *e)
{
	CLEANUP(tpm_quoted_clear) struct tpm_quoted q = { 0 };
	const struct attest_tpm *t = arg;
	struct span nonce = { report_data.p, report_data.n < 32 ? report_data.n : 32 };
	uint8_t pcr[TPM_PCRS][32];
	struct tpm_key ak;
	enum coffer_rc rc;

	(void)init_register; /* is in the TPM already */
	TRY(tpm_make_key(&t->link, TPM_MAKE_AK, &ak, e));
	rc = tpm_quote(&t->link, ak.handle, nonce, &q, e);
	if (rc == COFFER_OK)
		rc = tpm_read_pcrs(&t->link, pcr, e);
	if (rc == COFFER_OK)
		rc = compose(&ak, &q, pcr, json, e);
	if (tpm_flush(&t->link, ak.handle, rc == COFFER_OK ? e : &(struct err){ 0 }) != COFFER_OK && rc == COFFER_OK)
		return e->rc;
	return rc;
}

struct attester attest_tpm_attester(struct attest_tpm *t)
{
	/* libtpms calls itself so; what a guest calls its platform is a claim that the verifier's demands on it follow from. */
	bool emulated = strcmp(t->maker, "IBM ") == 0;

	return (struct attester){ .tee = emulated ? "swtpm" : "tpm", .evidence = evidence, .arg = t };
}
