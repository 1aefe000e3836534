/* What makes a TPM's quote good: an attestation key that a TPM vendor's certificate vouches for (or that was registered) signed
 * it, over the very PCR values that are claimed. "swtpm" is the same with nobody to vouch: whoever holds the host could make it
 * up. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/cert_pem.h"
#include "evidence/driver.h"
#include "evidence/eventlog.h"
#include "evidence/ints.h"
#include "evidence/tpm.h"
#include "fmt/enc.h"

#define JSON_MAX ((size_t)EVENTLOG_MAX * 2)
#define OUT_MAX (64u << 10)
#define KEY_MAX (8u << 10) /* a registered key */
#define INIT_PCR 8

struct tpm {
	struct wr         message, signature, log, activated;
	struct vkey      *ak;
	struct wr         ak_der;
	uint8_t           pcr[TPM_PCRS][HASH_MAX];
	struct tpm_attest a;
	struct tpm_sig    sig;
	struct tpm_bank   bank;
	struct cert_list  certs;    /* of the AK */
	struct anchors    roots;
};

static void tpm_clear(struct tpm *t)
{
	wr_close(&t->message);
	wr_close(&t->signature);
	wr_close(&t->log);
	wr_close(&t->activated);
	wr_close(&t->ak_der);
	vkey_free(t->ak);
	certs_clear(&t->certs);
	anchors_clear(&t->roots);
}

/* ---- reading ---- */

/* 24 values in hex; all as long as the bank's digest. */
static enum coffer_rc read_pcrs(const struct json *list, struct tpm *t, struct err *e)
{
	if (json_type(list) != JSON_ARRAY || json_len(list) != TPM_PCRS)
		return err_set(e, COFFER_E_INPUT, "tpm evidence: pcrs are not a list of %d", TPM_PCRS);
	for (size_t i = 0; i < TPM_PCRS; i++) {
		struct span hex = json_str(json_at(list, i));

		if (hex.n == 0 || hex.n > sizeof(t->pcr[i]) * 2 || !hex_fixed(hex, t->pcr[i], hex.n / 2))
			return err_set(e, COFFER_E_INPUT, "tpm evidence: PCR %zu is no hex digest", i);
		t->bank.value[i] = (struct span){ t->pcr[i], hex.n / 2 };
	}
	return COFFER_OK;
}

static enum coffer_rc read_optional(const struct json *root, struct tpm *t, struct err *e)
{
	CLEANUP(wr_close) struct wr der = { 0 };
	const struct json *log = json_get(root, "event_log"), *cert = json_get(root, "ak_cert"), *shown = json_get(root, "activated");

	if (log && json_type(log) != JSON_NULL)
		TRY(b64_need(root, "event_log", "tpm evidence", EVENTLOG_MAX, &t->log, e));
	if (cert && json_type(cert) != JSON_NULL) {
		TRY(b64_need(root, "ak_cert", "tpm evidence", 64u << 10, &der, e));
		TRY(certs_read(wr_span(&der), &t->certs, e));
	}
	if (shown && json_type(shown) != JSON_NULL)
		TRY(b64_need(root, "activated", "tpm evidence", HASH_MAX, &t->activated, e));
	return COFFER_OK;
}

/* A certificate that came along has the key already. */
static enum coffer_rc read_ak(struct tpm *t, struct err *e)
{
	for (size_t i = 0; i < t->certs.n; i++) {
		const struct vkey *k = cert_key(t->certs.c[i]);

		if (k && span_eq(vkey_der(k), wr_span(&t->ak_der))) {
			t->ak = vkey_share(k);
			return COFFER_OK;
		}
	}
	return vkey_spki(wr_span(&t->ak_der), &t->ak, e);
}

/* What stands in the TPM's own structures. */
static enum coffer_rc read_structures(struct tpm *t, struct err *e)
{
	TRY(tpm_attest_parse(wr_span(&t->message), &t->a, e));
	TRY(tpm_sig_parse(wr_span(&t->signature), &t->sig, e));
	t->bank.alg = t->a.sel[0].alg;
	return COFFER_OK;
}

static enum coffer_rc read_evidence(struct span in, struct tpm *t, struct err *e)
{
	static const char *const names[] = { "ak_public", "tpm_quote", "ak_cert", "ek_cert", "event_log", "activated", NULL };
	static const char *const quote_names[] = { "signature", "message", "pcrs", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *quote = NULL, *root;

	TRY(json_parse(in, JSON_MAX, &doc, e));
	root = json_root(doc);
	TRY(json_closed(root, names, "tpm evidence", e));
	TRY(json_need_obj(root, "tpm_quote", "tpm evidence", &quote, e));
	TRY(json_closed(quote, quote_names, "tpm_quote", e));
	TRY(b64_need(root, "ak_public", "tpm evidence", 4096, &t->ak_der, e));
	TRY(b64_need(quote, "message", "tpm evidence", 2048, &t->message, e));
	TRY(b64_need(quote, "signature", "tpm evidence", 2048, &t->signature, e));
	TRY(read_pcrs(json_get(quote, "pcrs"), t, e));
	TRY(read_optional(root, t, e));
	TRY(read_ak(t, e));
	return read_structures(t, e);
}

static enum coffer_rc take_given(const struct tpm_given *g, struct tpm *t, struct err *e)
{
	ev_part(&t->message, g->message);
	ev_part(&t->signature, g->signature);
	t->ak = vkey_share(g->ak);
	t->bank = *g->bank;
	return read_structures(t, e);
}

/* ---- the attestation key ---- */

/* DER or PEM, as whoever registered it had it. */
static bool is_key(struct span file, struct span der)
{
	CLEANUP(wr_close) struct wr w = wr_open(KEY_MAX);

	return span_eq(file, der) || (pem_public_only(file, &w) && span_eq(wr_span(&w), der));
}

static bool registered(const struct vkey *ak, const struct collateral *col)
{
	for (size_t i = 0; col && i < col->n_other; i++)
		if (is_key(col->other[i], vkey_der(ak)))
			return true;
	return false;
}

static const struct cert *ak_cert(const struct tpm *t, const struct collateral *col)
{
	const struct cert_list *lists[] = { &t->certs, col ? &col->certs : NULL };

	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; lists[l] && i < lists[l]->n; i++)
			if (cert_key(lists[l]->c[i]) && vkey_eq(cert_key(lists[l]->c[i]), t->ak))
				return lists[l]->c[i];
	return NULL;
}

/* Asked for, it is the only way: a certificate in the evidence does not replace it. Without the key, one TPM's secret would
 * vouch for a quote that anybody signed. */
static void check_activated(const struct tpm *t, const struct ev_activation *a, struct ev_out *o)
{
	bool key = span_eq(a->ak, vkey_der(t->ak)), shown = t->activated.n > 0;
	bool secret = shown && (!a->secret.p || ct_eq(a->secret, wr_span(&t->activated)));

	(void)ev_need(o, "ak", key && secret, VERDICT_INVALID, "the key and the secret of the credential that its TPM was given",
	    !key ? "another key" : secret ? (a->secret.p ? "activated" : "a secret") : shown ? "another secret" : "no secret");
}

/* What a path goes over: the collateral's, and what came along with the leaf. */
static enum coffer_rc between_of(
    const struct tpm *t, const struct cert *leaf, const struct collateral *col, struct cert_list *out, struct err *e)
{
	if (col)
		TRY(certs_join(&col->certs, out, e));
	for (size_t i = 0; i < t->certs.n; i++)
		if (t->certs.c[i] != leaf)
			TRY(certs_join(&(struct cert_list){ .c = { t->certs.c[i] }, .n = 1 }, out, e));
	return COFFER_OK;
}

static void check_ak(struct tpm *t, const struct ev_in *in, bool emulated, struct ev_out *o)
{
	CLEANUP(certs_clear) struct cert_list between = { 0 };
	const struct cert *c = ak_cert(t, in->col);
	struct cert_rules rules = { .now = in->now, .crls = in->col ? &in->col->crls : NULL };
	struct cert_path path = { 0 };
	enum verdict otherwise = emulated ? VERDICT_VALID : VERDICT_INVALID;
	static const char want[] = "an AK certificate that leads to a trusted root, or a registered AK";
	struct err e = { 0 };

	if (in->activation.ak.p || in->activation.secret.p) {
		check_activated(t, &in->activation, o);
		return;
	}
	if (registered(t->ak, in->col)) {
		(void)ev_need(o, "ak", true, VERDICT_INVALID, want, "registered");
		return;
	}
	if (!c) {
		(void)ev_need(o, "ak", false, otherwise, want, emulated ? "neither: the host could have made it up" : "neither");
		return;
	}
	if (between_of(t, c, in->col, &between, &e) == COFFER_OK &&
	    cert_chain(c, &between, &t->roots, &rules, &path, &e) == COFFER_OK) {
		ev_part_path(o, &path);
		(void)ev_need(o, "ak", true, VERDICT_INVALID, want, "certified");
		return;
	}
	(void)ev_need(o, "ak", false, strcmp(e.check, "validity") == 0 && !emulated ? VERDICT_STALE : otherwise, want, e.msg);
}

/* ---- PCRs ---- */

static void check_pcrs(const struct tpm *t, struct ev_out *o)
{
	uint8_t digest[HASH_MAX] = { 0 };
	enum hash_alg h = t->sig.hash;
	bool ok = tpm_pcr_digest(&t->a, &t->bank, 1, h, digest);
	char found[80];

	(void)snprintf(found, sizeof(found), "%s", ok ? "of other values than those given" : "over a bank that is not given");
	(void)ev_need(o, "pcr_digest", ok && span_eq(t->a.pcr_digest, (struct span){ digest, hash_len(h) }), VERDICT_INVALID,
	    "the digest of exactly the selected PCRs",
	    ok && span_eq(t->a.pcr_digest, (struct span){ digest, hash_len(h) }) ? "equal" : found);
}

static bool quoted(const struct tpm *t, size_t pcr)
{
	return t->a.sel[0].pcrs >> pcr & 1;
}

/* The registers of the firmware, of which PC firmware extends each before it hands over. */
#define FIRMWARE_PCRS 0xffu

/* Quoted registers that the log must explain: the firmware's, which start at zero where it extends none, and whatever else it
 * extends. Of others (17 to 22 start with ones; 8 and on are extended by who comes after the firmware and writes no log of this
 * form) it says nothing. */
static uint32_t logged(const struct tpm *t, const struct eventlog_replay *p)
{
	return (FIRMWARE_PCRS | p->extended) & t->a.sel[0].pcrs;
}

static void check_log(const struct tpm *t, struct ev_out *o)
{
	struct eventlog_replay p;
	struct err e = { 0 };
	char found[160] = "of PCR 0 to 7, and those that it extends, all that are quoted";
	bool ok;

	if (t->log.n == 0)
		return;
	if (eventlog_replay(wr_span(&t->log), t->bank.alg, &p, &e) != COFFER_OK) {
		(void)ev_need(o, "event_log", false, VERDICT_MALFORMED, "a well-formed event log with the quote's bank", e.msg);
		return;
	}
	ok = logged(t, &p) != 0;
	if (!ok)
		(void)snprintf(found, sizeof(found), "none of them: neither PCR 0 to 7 nor one that the log extends is quoted");
	for (size_t i = 0; i < TPM_PCRS && ok; i++) {
		if (!(logged(t, &p) >> i & 1))
			continue;
		ok = span_eq((struct span){ p.reg[i], hash_len(p.hash) }, t->bank.value[i]);
		if (!ok)
			(void)snprintf(found, sizeof(found), "PCR %zu %s", i,
			    p.extended >> i & 1 ? "differs from the log" : "is not as it starts, and the log does not extend it");
	}
	(void)ev_need(o, "event_log", ok, VERDICT_INVALID, "a log that replays to the quoted PCRs", found);
}

bool tpm_init_pcr(uint16_t alg, struct span digest, uint8_t out[static HASH_MAX], size_t *n)
{
	uint8_t both[2 * HASH_MAX] = { 0 };
	enum hash_alg h;

	*n = 0;
	if (!tpm_hash(alg, &h) || digest.n != hash_len(h))
		return false;
	*n = hash_len(h);
	memcpy(both + *n, digest.p, *n);
	hash_once(h, (struct span){ both, 2 * *n }, out);
	return true;
}

static void check_bindings(const struct tpm *t, const struct ev_in *in, struct ev_out *o)
{
	uint8_t want[HASH_MAX], field[64] = { 0 };
	struct ev_in only = { .report_data = in->report_data };
	size_t n = 0;

	memcpy(field, t->a.extra_data.p, t->a.extra_data.n);
	/* Upstream's attester cuts or fills report data to 32 bytes before it becomes the quote's nonce. */
	if (t->a.extra_data.n == 32 && in->report_data.n > 32)
		only.report_data.n = 32;
	ev_bindings(o, &only, (struct span){ field, t->a.extra_data.n }, (struct span){ 0 });
	if (!in->init_data.p)
		return;
	if (!ev_need(o, "init_data_quoted", tpm_init_pcr(t->bank.alg, in->init_data, want, &n) && quoted(t, INIT_PCR), VERDICT_INVALID,
		"PCR 8 in the quote's selection, and a digest as long as the bank's",
		quoted(t, INIT_PCR) ? "another length" : "PCR 8 is not quoted"))
		return;
	(void)ev_need_hex(o, "init_data", (struct span){ want, n }, t->bank.value[INIT_PCR]);
}

/* ---- claims: registers that are not quoted are nobody's claim ---- */

void tpm_put_pcrs(const struct tpm_attest *a, const struct tpm_bank *bank, struct json_wr *j)
{
	char name[] = "pcr00";

	for (size_t i = 0; i < TPM_PCRS; i++) {
		name[3] = (char)('0' + i / 10);
		name[4] = (char)('0' + i % 10);
		if (a->sel[0].pcrs >> i & 1)
			jw_m_hex(j, name, bank->value[i]);
	}
}

static void write_claims(const struct tpm *t, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_b64(&j, "ak_public", vkey_der(t->ak));
	if (quoted(t, INIT_PCR))
		jw_m_hex(&j, "init_data", t->bank.value[INIT_PCR]);
	tpm_put_pcrs(&t->a, &t->bank, &j);
	jw_m_hex(&j, "report_data", t->a.extra_data);
	jw_obj_end(&j);
}

void tpm_put_values(const struct tpm_attest *a, const struct tpm_bank *bank, struct json_wr *j)
{
	uint32_t pcrs = a->sel[0].pcrs;
	const uint8_t select[3] = { (uint8_t)pcrs, (uint8_t)(pcrs >> 8), (uint8_t)(pcrs >> 16) };

	jw_m_u64(j, "clock", a->clock);
	jw_m_hex(j, "extraData", a->extra_data);
	jw_m_u64(j, "firmware", a->firmware);
	jw_m_hex(j, "nonce", a->extra_data);
	jw_m_hex(j, "pcrDigest", a->pcr_digest);
	tpm_put_pcrs(a, bank, j);
	jw_m_hex(j, "pcr_select", SPAN(select));
	jw_m_hex(j, "qualifiedSigner", a->qualified_signer);
	jw_m_u64(j, "reset_count", a->reset_count);
	jw_m_u64(j, "restart_count", a->restart_count);
}

static void write_values(const struct tpm *t, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	tpm_put_values(&t->a, &t->bank, &j);
	jw_obj_end(&j);
}

static void write_parts(const struct tpm *t, struct ev_parts *p)
{
	p->registers = wr_open(sizeof(t->pcr));
	for (size_t i = 0; i < TPM_PCRS; i++)
		wr_put(&p->registers, t->bank.value[i]);
	ev_part(&p->report, wr_span(&t->message));
	ev_part(&p->signature, wr_span(&t->signature));
	ev_part(&p->key, vkey_der(t->ak));
	ev_part(&p->activated, wr_span(&t->activated));
}

static enum coffer_rc judge(struct tpm *t, const struct ev_in *in, bool emulated, struct ev_out *o, struct err *e)
{
	bool good = tpm_sig_verify(t->ak, &t->sig, wr_span(&t->message));

	TRY(ev_roots("tpm", in->col, &t->roots, e));
	(void)ev_need(o, "selection", t->a.n_sel == 1, VERDICT_INVALID, "one PCR bank", t->a.n_sel == 1 ? "one" : "several");
	(void)ev_need(o, "quote_signature", good, VERDICT_INVALID, "by the AK", good ? "valid" : "not by that key");
	check_ak(t, in, emulated, o);
	check_pcrs(t, o);
	check_log(t, o);
	check_bindings(t, in, o);
	write_claims(t, &o->claims);
	if (!in->no_values)
		write_values(t, &o->values);
	write_parts(t, &o->parts);
	return ev_done(o, e);
}

static enum coffer_rc appraise(const struct ev_in *in, bool emulated, struct ev_out *out, struct err *e)
{
	CLEANUP(tpm_clear) struct tpm t = { 0 };
	struct err bad = { 0 };

	ev_begin(out, OUT_MAX);
	if (read_evidence(in->evidence, &t, &bad) != COFFER_OK) {
		ev_malformed(out, &bad);
		return COFFER_OK;
	}
	return judge(&t, in, emulated, out, e);
}

enum coffer_rc tpm_judge(const struct tpm_given *g, const struct ev_in *in, struct ev_out *out, struct err *e)
{
	CLEANUP(tpm_clear) struct tpm t = { 0 };
	struct err bad = { 0 };

	ev_begin(out, OUT_MAX);
	if (take_given(g, &t, &bad) != COFFER_OK) {
		ev_malformed(out, &bad);
		return COFFER_OK;
	}
	return judge(&t, in, false, out, e);
}

static enum coffer_rc appraise_tpm(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	return appraise(in, false, out, e);
}

static enum coffer_rc appraise_swtpm(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	return appraise(in, true, out, e);
}

static bool looks_like(struct span evidence)
{
	CLEANUP(tpm_clear) struct tpm t = { 0 };
	struct err ignore = { 0 };

	return read_evidence(evidence, &t, &ignore) == COFFER_OK;
}

static bool never(struct span evidence)
{
	(void)evidence; /* shown as "tpm": its bytes look alike */
	return false;
}

const struct tee_driver tee_tpm = { "tpm", "tpm", "cpu", appraise_tpm, looks_like, NULL };
const struct tee_driver tee_swtpm = { "swtpm", "tpm", "cpu", appraise_swtpm, never, NULL };
