#include "tests/dcapkit.h"

#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"

#define CA "Intel SGX PCK Platform CA"
#define ROOT "Intel SGX Root CA"
#define PCK_SERIAL 70
#define ZEROS48 "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

void dcapkit_open(struct dcapkit *k, uint16_t version, bool td)
{
	static const uint8_t fmspc[6] = { 0xb0, 0xc0, 0x6f };

	*k = (struct dcapkit){ .version = version,
		.now = DCAPKIT_NOW,
		.lists_for = 10,
		.td = td,
		.body_type = td ? 3 : 1,
		.pce_svn = 11,
		.tcb_fmspc = "B0C06F000000",
		.status = "UpToDate",
		.signer_cn = "Intel SGX TCB Signing",
		.qe_signer = 0xdc,
		.qe_svn = 4,
		.issued = DCAPKIT_NOW - 1000,
		.next = DCAPKIT_NOW + 1000,
		.pck_until = DCAPKIT_NOW + 1000,
		.signer_until = DCAPKIT_NOW + 1000,
		.revoked = 9999,
		.root = evkit_ec("P-256"),
		.ca = evkit_ec("P-256"),
		.pck = evkit_ec("P-256"),
		.ak = evkit_ec("P-256"),
		.tcb = evkit_ec("P-256") };
	memcpy(k->fmspc, fmspc, 6);
	memset(k->comp, 5, sizeof(k->comp));
	k->body_n = !td ? 384 : version == 5 ? 648 : 584;
	if (td) {
		k->body[0] = 4; /* tee_tcb_svn: module TDX_01, version 4 */
		k->body[1] = 1;
		memset(k->body + 2, 5, 14);
		memset(k->body + 136, 0x3e, 48);  /* mr_td */
		memset(k->body + 184, 0x1d, 48);  /* mr_config_id */
		memset(k->body + 520, 0xd1, 64);  /* report data */
	} else {
		memset(k->body + 192, 0x1d, 64);  /* config_id */
		memset(k->body + 320, 0xd1, 64);
	}
	memset(k->qe + 128, 0xdc, 32); /* mr_signer */
	k->qe[48] = 0x11;
	k->qe[256] = 2; /* isv_prod_id */
	k->qe[258] = 4; /* isv_svn */
}

/* ---- PCK ---- */

static void tlv(struct wr *w, uint8_t tag, struct span v)
{
	wr_u8(w, tag);
	if (v.n >= 0x100) {
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)v.n);
	} else {
		if (v.n >= 0x80)
			wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)v.n);
	}
	wr_put(w, v);
}

static void member(const struct dcapkit *k, struct wr *w, unsigned which, uint8_t tag, struct span v)
{
	uint8_t oid[11] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
	size_t n = which > 0xff ? 11 : 10;

	oid[9] = which > 0xff ? (uint8_t)(which >> 8) : (uint8_t)which;
	oid[10] = (uint8_t)which;
	for (int i = k->skip == which ? 1 : k->twice == which ? -1 : 0; i < 1; i++) {
		CLEANUP(wr_close) struct wr one = wr_open(4096);

		tlv(&one, 0x06, (struct span){ oid, n });
		tlv(&one, tag, v);
		tlv(w, 0x30, wr_span(&one));
	}
}

static void number(const struct dcapkit *k, struct wr *w, unsigned which, uint8_t tag, unsigned v)
{
	const uint8_t b[2] = { 0, (uint8_t)v };

	member(k, w, which, tag, v < 0x80 ? (struct span){ b + 1, 1 } : SPAN(b));
}

static void sgx_extension(const struct dcapkit *k, struct wr *w)
{
	static const uint8_t bytes[16] = { 1, 2, 3 };
	CLEANUP(wr_close) struct wr all = wr_open(8192), tcb = wr_open(8192);

	for (unsigned i = 0; i < 16; i++)
		number(k, &tcb, 0x201 + i, 0x02, k->comp[i]);
	number(k, &tcb, 0x211, 0x02, k->pce_svn);
	member(k, &tcb, 0x212, 0x04, SPAN(bytes));
	member(k, &all, 1, 0x04, SPAN(bytes));
	member(k, &all, 2, 0x30, wr_span(&tcb));
	member(k, &all, 3, 0x04, (struct span){ (const uint8_t *)"\0", 2 });
	member(k, &all, 4, 0x04, SPAN(k->fmspc));
	number(k, &all, 5, 0x0a, 1);
	tlv(w, 0x30, wr_span(&all));
}

static void make_certs(struct dcapkit *k, struct wr *chain)
{
	CLEANUP(wr_close)
	struct wr ext = wr_open(8192),
		  pck = wr_open(16384), ca = wr_open(16384), root = wr_open(16384), tcb = wr_open(16384);
	struct evkit_ext sgx = { "1.2.840.113741.1.13.1", { 0 }, false };
	struct evkit_cert r = { .cn = ROOT, .issuer_cn = ROOT, .key = k->root, .issuer_key = k->root, .ca = true, .pathlen = -1 };
	struct evkit_cert c = {
		.cn = CA, .issuer_cn = ROOT, .key = k->ca, .issuer_key = k->root, .ca = true, .pathlen = 0, .serial = 60
	};
	struct evkit_cert p = { .cn = "Intel SGX PCK Certificate",
		.issuer_cn = CA,
		.key = k->pck,
		.issuer_key = k->ca,
		.pathlen = -1,
		.serial = PCK_SERIAL,
		.not_before = k->now - 5000,
		.not_after = k->pck_until,
		.ext = &sgx,
		.n_ext = 1 };
	struct evkit_cert t = {
		.cn = k->signer_cn, .issuer_cn = ROOT, .key = k->tcb, .issuer_key = k->root, .pathlen = -1, .serial = 80,
		.not_before = k->now - 5000, .not_after = k->signer_until
	};

	sgx_extension(k, &ext);
	sgx.value = wr_span(&ext);
	evkit_cert(&r, &root);
	evkit_cert(&c, &ca);
	evkit_cert(&p, &pck);
	evkit_cert(&t, &tcb);
	evkit_pem(chain, &pck);
	evkit_pem(chain, &ca);
	evkit_pem(chain, &root);
	certs_clear(&k->col.roots);
	certs_clear(&k->col.certs);
	evkit_add(&k->col.roots, &root);
	evkit_add(&k->col.certs, &tcb);
}

static void add_list(struct dcapkit *k, const char *cn, EVP_PKEY *key, long serial)
{
	struct wr *der = &k->list[k->col.crls.n];
	struct err e = { 0 };

	wr_close(der);
	*der = wr_open(8192);
	evkit_crl(cn, key, &serial, 1, k->now - 10, k->now + k->lists_for, der);
	if (crl_read(wr_span(der), &k->col.crls.c[k->col.crls.n], &e) == COFFER_OK)
		k->col.crls.n++;
}

/* ---- the quote ---- */

static void le16(struct wr *w, uint16_t v)
{
	wr_u8(w, (uint8_t)v);
	wr_u8(w, (uint8_t)(v >> 8));
}

static void header(struct dcapkit *k)
{
	static const uint8_t vendor[16] = { 0x93 }, user[20] = { 0x77 };

	le16(&k->quote, k->version);
	le16(&k->quote, 2);
	if (k->version > 3)
		wr_le32(&k->quote, k->td ? 0x81 : 0);
	wr_le32(&k->quote, 0);
	if (k->version == 3)
		wr_le32(&k->quote, 0x00010002);
	wr_put(&k->quote, SPAN(vendor));
	wr_put(&k->quote, SPAN(user));
	if (k->version == 5) {
		le16(&k->quote, k->body_type);
		wr_le32(&k->quote, (uint32_t)k->body_n);
	}
	wr_put(&k->quote, (struct span){ k->body, k->body_n });
}

static void certification(struct dcapkit *k, const uint8_t *ak, const struct wr *chain, struct wr *w)
{
	uint8_t rs[64], digest[HASH_MAX];
	struct hash_stream *h = hash_open(HASH_SHA256);

	hash_add(h, (struct span){ ak, k->qe_unbound ? 63u : 64u });
	hash_add(h, SPAN(k->auth));
	hash_end(h, digest);
	memcpy(k->qe + 320, digest, 32);
	evkit_sign(k->qe_signed_by ? k->qe_signed_by : k->pck, "SHA256", SPAN(k->qe), rs, 32);
	wr_put(w, SPAN(k->qe));
	wr_put(w, SPAN(rs));
	le16(w, sizeof(k->auth));
	wr_put(w, SPAN(k->auth));
	le16(w, k->no_chain ? 3 : 5);
	wr_le32(w, (uint32_t)chain->n);
	wr_put(w, wr_span(chain));
}

static void make_quote(struct dcapkit *k, const struct wr *chain)
{
	CLEANUP(wr_close) struct wr inner = wr_open(1u << 16);
	uint8_t rs[64], xy[64];

	wr_close(&k->quote);
	k->quote = wr_open(1u << 16);
	header(k);
	evkit_sign(k->ak, "SHA256", wr_span(&k->quote), rs, 32);
	evkit_xy(k->ak, xy, 32);
	certification(k, xy, chain, &inner);
	wr_le32(&k->quote, (uint32_t)(128 + (k->version > 3 ? 6u : 0u) + inner.n));
	wr_put(&k->quote, SPAN(rs));
	wr_put(&k->quote, SPAN(xy));
	if (k->version > 3) {
		le16(&k->quote, 6);
		wr_le32(&k->quote, (uint32_t)inner.n);
	}
	wr_put(&k->quote, wr_span(&inner));
	k->certs_at = k->quote.n - chain->n;
	for (unsigned i = 0; i < k->trailing; i++)
		wr_u8(&k->quote, 0xab);
}

/* ---- collateral ---- */

static void components(struct wr *w, const char *name, unsigned svn)
{
	wr_fmt(w, "\"%s\":[", name);
	for (unsigned i = 0; i < 16; i++)
		wr_fmt(w, "%s{\"svn\":%u}", i ? "," : "", svn);
	wr_str(w, "]");
}

static void level(struct wr *w, unsigned svn, unsigned pce, const char *status)
{
	wr_str(w, "{\"tcb\":{");
	components(w, "sgxtcbcomponents", svn);
	wr_fmt(w, ",\"pcesvn\":%u,", pce);
	components(w, "tdxtcbcomponents", svn);
	wr_fmt(w, "},\"tcbDate\":\"2026-03-13T00:00:00Z\",\"tcbStatus\":\"%s\",\"advisoryIDs\":[\"INTEL-SA-%u\"]}", status, svn);
}

static void tcb_info(const struct dcapkit *k, const char *issued, const char *next, struct wr *w)
{
	static const char signer[] =
	    "\"mrsigner\":\"" ZEROS48 "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"";

	wr_fmt(w,
	    "{\"id\":\"%s\",\"version\":3,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",\"fmspc\":\"%s\",\"pceId\":\"0000\",\"tcbType\":0,",
	    k->td ? "TDX" : "SGX", issued, next, k->tcb_fmspc);
	wr_fmt(w,
	    "\"tcbEvaluationDataNumber\":17,\"tdxModule\":{%s},\"tdxModuleIdentities\":[{\"id\":\"TDX_01\",%s,\"tcbLevels\":[",
	    signer, signer);
	wr_str(w, "{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2026-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},");
	wr_str(w, "{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2025-03-13T00:00:00Z\",\"tcbStatus\":\"OutOfDate\"}]}],\"tcbLevels\":[");
	level(w, 5, 11, k->status);
	wr_str(w, ",");
	level(w, 3, 9, "OutOfDate");
	wr_str(w, "]}");
}

static void qe_identity(const struct dcapkit *k, const char *issued, const char *next, struct wr *w)
{
	wr_fmt(w, "{\"id\":\"%s\",\"version\":2,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",\"tcbEvaluationDataNumber\":17,",
	    k->td ? "TD_QE" : "QE", issued, next);
	wr_str(w,
	    "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"11000000000000000000000000000000\",");
	wr_str(w, "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"");
	for (unsigned i = 0; i < 32; i++)
		wr_fmt(w, "%02X", k->qe_signer);
	wr_fmt(w,
	    "\",\"isvprodid\":2,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%u},\"tcbDate\":\"2026-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]}",
	    k->qe_svn);
}

void dcapkit_sign(struct dcapkit *k, const char *name, struct span body, struct wr *out)
{
	uint8_t rs[64];

	evkit_sign(k->tcb, "SHA256", body, rs, 32);
	wr_close(out);
	*out = wr_open(1u << 16);
	wr_fmt(out, "{\"%s\":", name);
	wr_put(out, body);
	wr_str(out, ",\"signature\":\"");
	hex_write(out, SPAN(rs));
	wr_str(out, "\"}");
}

void dcapkit_make(struct dcapkit *k)
{
	CLEANUP(wr_close) struct wr chain = wr_open(1u << 16), tcb = wr_open(1u << 16), qe = wr_open(1u << 16);
	char issued[CLOCK_TEXT_LEN], next[CLOCK_TEXT_LEN];

	clock_text(k->issued, issued);
	clock_text(k->next, next);
	make_certs(k, &chain);
	make_quote(k, &chain);
	tcb_info(k, issued, next, &tcb);
	qe_identity(k, issued, next, &qe);
	dcapkit_sign(k, "tcbInfo", wr_span(&tcb), &k->tcb_info);
	dcapkit_sign(k, "enclaveIdentity", wr_span(&qe), &k->qe_identity);
	crls_clear(&k->col.crls);
	if (!k->no_lists) {
		add_list(k, ROOT, k->root, 9999);
		add_list(k, CA, k->ca, k->revoked);
	}
	k->col.json[0] = wr_span(&k->tcb_info);
	k->col.json[1] = wr_span(&k->qe_identity);
	k->col.n_json = 2;
}

void dcapkit_close(struct dcapkit *k)
{
	EVP_PKEY *const keys[] = { k->root, k->ca, k->pck, k->ak, k->tcb };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		EVP_PKEY_free(keys[i]);
	wr_close(&k->quote);
	wr_close(&k->tcb_info);
	wr_close(&k->qe_identity);
	wr_close(&k->list[0]);
	wr_close(&k->list[1]);
	certs_clear(&k->col.roots);
	certs_clear(&k->col.certs);
	crls_clear(&k->col.crls);
	*k = (struct dcapkit){ 0 };
}
