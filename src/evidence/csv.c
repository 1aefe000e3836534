#include "evidence/csv.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/csv_report.h"
#include "evidence/driver.h"
#include "evidence/ints.h"

#define JSON_MAX (256u << 10)
#define OUT_MAX (16u << 10)
#define PAGE 4096
#define SERIAL 64

struct csv {
	struct json_doc  *doc;
	uint8_t           data[PAGE], serial[SERIAL + 1]; /* a text */
	struct wr         hsk, cek, pek; /* their bytes; empty: not in the evidence */
	struct csv_report r;
};

static void csv_clear(struct csv *c)
{
	json_free(c->doc);
	wr_close(&c->hsk);
	wr_close(&c->cek);
	wr_close(&c->pek);
}

/* ---- reading ---- */

static enum coffer_rc read_report(const struct json *v, struct csv *c, struct err *e)
{
	static const char *const names[] = { "data", "magic", "flags", NULL };
	uint8_t magic[16], any = 0;
	uint64_t flags;

	TRY(json_closed(v, names, "csv report", e));
	TRY(json_need_u64(v, "flags", "csv report", &flags, e));
	if (!ints_fixed(json_get(v, "data"), c->data, PAGE) || !ints_fixed(json_get(v, "magic"), magic, sizeof(magic)))
		return err_set(e, COFFER_E_INPUT, "csv report: data or magic are not bytes of their length");
	for (size_t i = 0; i < sizeof(magic); i++)
		any |= magic[i];
	if (any && (memcmp(magic, "ATTESTATION_EXT", 16) != 0 || flags != 0)) /* public: a constant */
		return err_set(e, COFFER_E_INPUT, "csv report: of the extended form, or of none");
	return csv_report_parse(SPAN(c->data), &c->r, e);
}

static enum coffer_rc read_chain(const struct json *v, struct csv *c, struct err *e)
{
	static const char *const names[] = { "hsk_cek", "pek", NULL }, *const upper[] = { "hsk", "cek", NULL };
	const struct json *hsk_cek = json_get(v, "hsk_cek");

	TRY(json_closed(v, names, "csv cert_chain", e));
	c->pek = wr_open(CSV_CERT_LEN);
	TRY(csv_cert_pack(json_get(v, "pek"), &c->pek, e));
	if (!hsk_cek || json_type(hsk_cek) == JSON_NULL)
		return COFFER_OK;
	TRY(json_closed(hsk_cek, upper, "csv hsk_cek", e));
	c->hsk = wr_open(CSV_CA_LEN);
	c->cek = wr_open(CSV_CERT_LEN);
	TRY(csv_ca_pack(json_get(hsk_cek, "hsk"), &c->hsk, e));
	return csv_cert_pack(json_get(hsk_cek, "cek"), &c->cek, e);
}

static enum coffer_rc read_evidence(struct span in, struct csv *c, struct err *e)
{
	static const char *const names[] = { "attestation_report", "cert_chain", "serial_number", "cc_eventlog", NULL };
	const struct json *root;

	TRY(json_parse(in, JSON_MAX, &c->doc, e));
	root = json_root(c->doc);
	TRY(json_closed(root, names, "csv evidence", e));
	if (!ints_fixed(json_get(root, "serial_number"), c->serial, SERIAL))
		return err_set(e, COFFER_E_INPUT, "csv evidence: serial_number is not %d bytes", SERIAL);
	for (size_t i = 0; i < SERIAL && c->serial[i] != 0; i++)
		if (c->serial[i] < 0x20 || c->serial[i] > 0x7e)
			return err_set(e, COFFER_E_INPUT, "csv evidence: serial_number is no text");
	TRY(read_report(json_get(root, "attestation_report"), c, e));
	return read_chain(json_get(root, "cert_chain"), c, e);
}

/* ---- the chain ---- */

struct holder { const struct vkey *key; struct span id; uint32_t usage; struct vkey *own; }; /* own: NULL, or the same */

static bool by(const struct csv_cert *c, const struct holder *h)
{
	for (size_t i = 0; i < c->n_sigs; i++)
		if (c->sig[i].usage == h->usage && vkey_verify_sm2(h->key, h->id, c->body, c->sig[i].rs))
			return true;
	return false;
}

/* A certificate of that usage by the holder above; then its key is the holder. Takes nothing when it does not hold. */
static bool descend(struct span der, uint32_t usage, struct holder *above)
{
	struct csv_cert c;
	struct vkey *k = NULL;
	struct err ignore = { 0 };

	if (csv_cert_parse(der, &c, &ignore) != COFFER_OK || c.usage != usage || !by(&c, above) ||
	    vkey_ec(VKEY_SM2, SPAN(c.xy), &k, &ignore) != COFFER_OK)
		return false;
	vkey_free(above->own);
	*above = (struct holder){ k, c.id, usage, k };
	return true;
}

struct upper { struct span hsk, cek; };

/* HSK and CEK as the evidence has them, or together in a file as Hygon's server gives them. */
static bool chain(const struct csv *c, const struct upper *u, const struct anchors *roots)
{
	for (size_t i = 0; i < roots->n_keys; i++) {
		struct holder h = { roots->key[i].key, span_of(roots->key[i].cn), CSV_HRK, NULL };
		bool ok = descend(u->hsk, CSV_HSK, &h) && descend(u->cek, CSV_CEK, &h) && descend(wr_span(&c->pek), CSV_PEK, &h);
		vkey_free(h.own);
		if (ok)
			return true;
	}
	return false;
}

static void check_chain(const struct csv *c, const struct ev_in *in, const struct anchors *roots, struct ev_out *o)
{
	static const char want[] = "HRK, HSK, CEK, PEK, each signed by the one before";
	bool tried = c->hsk.n > 0, ok = tried && chain(c, &(struct upper){ wr_span(&c->hsk), wr_span(&c->cek) }, roots);

	for (size_t i = 0; !ok && in->col && i < in->col->n_other; i++) {
		struct span s = in->col->other[i];

		if (s.n != CSV_CA_LEN + CSV_CERT_LEN)
			continue;
		tried = true;
		ok = chain(c, &(struct upper){ { s.p, CSV_CA_LEN }, span_skip(s, CSV_CA_LEN) }, roots);
	}
	(void)ev_need(o, "pek_chain", ok, tried ? VERDICT_INVALID : VERDICT_COLLATERAL, want,
	    ok ? "signed" : tried ? "not so signed" : "no HSK and CEK, neither in the evidence nor in the collateral");
}

static void check_report(const struct csv *c, struct ev_out *o)
{
	struct csv_cert pek;
	struct vkey *k = NULL;
	struct err bad = { 0 };
	bool ok;

	if (csv_cert_parse(wr_span(&c->pek), &pek, &bad) != COFFER_OK || vkey_ec(VKEY_SM2, SPAN(pek.xy), &k, &bad) != COFFER_OK) {
		(void)ev_need(o, "report_signature", false, VERDICT_MALFORMED, "a PEK that is an SM2 key", bad.msg);
		return;
	}
	ok = vkey_verify_sm2(k, pek.id, c->r.body, c->r.rs);
	(void)ev_need(o, "report_signature", ok, VERDICT_INVALID, "by the PEK", ok ? "valid" : "not by that key");
	ok = c->r.sig_usage == CSV_PEK && c->r.sig_algo == CSV_ALGO_SM2;
	(void)ev_need(o, "signature_kind", ok, VERDICT_INVALID, "usage 1002, algorithm 4", ok ? "those" : "others");
	vkey_free(k);
}

/* ---- claims ---- */

static void le32_m(struct json_wr *j, const char *name, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	jw_m_hex(j, name, SPAN(b));
}

static void write_policy(struct json_wr *j, uint32_t policy)
{
	static const struct { const char *name; unsigned at, bits; } parts[] = { { "api_major", 16, 8 }, { "api_minor", 24, 8 },
		{ "asid_reuse", 7, 1 }, { "cek_version", 12, 4 }, { "csv", 5, 1 }, { "csv3", 6, 1 }, { "domain", 4, 1 }, { "es", 2, 1 },
		{ "hsk_version", 8, 4 }, { "nodbg", 0, 1 }, { "noks", 1, 1 }, { "nosend", 3, 1 } };

	jw_name(j, "policy");
	jw_obj(j);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		jw_m_u64(j, parts[i].name, policy >> parts[i].at & ((1u << parts[i].bits) - 1));
	jw_obj_end(j);
}

static void write_fields(const struct csv *c, bool values, struct wr *w)
{
	struct json_wr j = jw_open(w, false);
	char text[16];

	jw_obj(&j);
	jw_m_hex(&j, "anonce", SPAN(c->r.anonce));
	jw_m_hex(&j, "measure", SPAN(c->r.measure));
	jw_m_hex(&j, "mnonce", SPAN(c->r.mnonce));
	(void)snprintf(text, sizeof(text), "0x%08x", c->r.policy);
	if (values)
		jw_m_text(&j, "policy", text);
	else
		write_policy(&j, c->r.policy);
	jw_m_hex(&j, "report_data", SPAN(c->r.report_data));
	jw_m_text(&j, "serial_number", (const char *)c->serial);
	(void)snprintf(text, sizeof(text), "0x%x", c->r.sig_algo);
	if (values)
		jw_m_text(&j, "sig_algo", text);
	else
		le32_m(&j, "sig_algo", c->r.sig_algo);
	(void)snprintf(text, sizeof(text), "0x%x", c->r.sig_usage);
	if (values)
		jw_m_text(&j, "sig_usage", text);
	else
		le32_m(&j, "sig_usage", c->r.sig_usage);
	jw_m_hex(&j, "user_pubkey_digest", SPAN(c->r.user_pubkey_digest));
	jw_m_text(&j, "version", "1");
	jw_m_hex(&j, "vm_id", SPAN(c->r.vm_id));
	jw_m_hex(&j, "vm_version", SPAN(c->r.vm_version));
	jw_obj_end(&j);
}

/* ---- facts ---- */

#define POLICY_NODBG  1u
#define POLICY_NOSEND 8u

/* Which chip it is nobody signs, nor whether threads share a core. The policy is as good as the measurement beside it: see
 * docs/evidence.md on the anonce. */
static enum coffer_rc put_facts(const struct csv_report *r, struct ev_out *out, struct err *e)
{
	struct hw_facts *f = &out->facts;

	if (!facts_add_reg(f, "measure", SPAN(r->measure)))
		return err_set(e, COFFER_E_BUG, "csv: facts do not fit");
	(void)snprintf(f->platform, sizeof(f->platform), "csv");
	f->debug = !(r->policy & POLICY_NODBG);
	f->migratable = !(r->policy & POLICY_NOSEND);
	f->smt = true;
	memcpy(out->report_data, r->report_data, sizeof(r->report_data));
	out->report_data_n = sizeof(r->report_data);
	return COFFER_OK;
}

enum coffer_rc csv_appraise(const struct ev_in *in, const struct anchors *roots, struct ev_out *out, struct err *e)
{
	CLEANUP(csv_clear) struct csv c = { 0 };
	struct err bad = { 0 };

	ev_begin(out, OUT_MAX);
	if (read_evidence(in->evidence, &c, &bad) != COFFER_OK) {
		ev_malformed(out, &bad);
		return COFFER_OK;
	}
	check_report(&c, out);
	check_chain(&c, in, roots, out);
	ev_bindings(out, in, SPAN(c.r.report_data), (struct span){ 0 });
	write_fields(&c, false, &out->claims);
	if (!in->no_values)
		write_fields(&c, true, &out->values);
	TRY(put_facts(&c.r, out, e));
	return ev_done(out, e);
}

static enum coffer_rc appraise(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	CLEANUP(anchors_clear) struct anchors roots = { 0 };

	TRY(ev_roots("hygon", NULL, &roots, e)); /* --roots are X.509, which no certificate here is */
	return csv_appraise(in, &roots, out, e);
}

static bool looks_like(struct span evidence)
{
	CLEANUP(csv_clear) struct csv c = { 0 };
	struct err ignore = { 0 };

	return read_evidence(evidence, &c, &ignore) == COFFER_OK;
}

const struct tee_driver tee_csv = { "csv", "csv", "cpu", appraise, looks_like, NULL };
