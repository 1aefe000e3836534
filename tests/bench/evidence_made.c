#include "tests/bench/evidence_made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "tests/azkit.h"
#include "tests/ccakit.h"
#include "tests/csvkit.h"
#include "tests/nvkit.h"
#include "tests/tpmkit.h"

#define MADE_MAX (1u << 20)
enum { PLATFORM = 1, EVIDENCE, REPORT_DATA, ROOT_NAME, ROOT_KEY, OTHER_KEY, NOW, FILE_ };

static void put(struct wr *w, uint8_t kind, struct span s)
{
	wr_u8(w, kind);
	wr_le32(w, (uint32_t)s.n);
	wr_put(w, s);
}

static void put_head(struct wr *w, const char *platform, int64_t now)
{
	char text[24];

	put(w, PLATFORM, span_of(platform));
	(void)snprintf(text, sizeof(text), "%lld", (long long)now);
	put(w, NOW, span_of(text));
}

static void put_root(struct wr *w, const char *name, EVP_PKEY *key)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096);

	evkit_spki(key, &spki);
	put(w, ROOT_NAME, span_of(name));
	put(w, ROOT_KEY, wr_span(&spki));
}

/* But roots, which are pinned. Lists are put by who made them: they do not keep their bytes. */
static void put_collateral(struct wr *w, const struct collateral *c)
{
	for (size_t i = 0; i < c->certs.n; i++)
		put(w, FILE_, cert_bytes(c->certs.c[i]));
	for (size_t i = 0; i < c->n_json; i++)
		put(w, FILE_, c->json[i]);
	for (size_t i = 0; i < c->n_other; i++)
		put(w, FILE_, c->other[i]);
}

/* ---- rows ---- */

static void snp(struct wr *w, bool vlek)
{
	CLEANUP(wr_close) struct wr json = wr_open(MADE_MAX);
	struct snpkit_vek v = snpkit_good;
	struct snpkit k;

	v.rsa = true;
	v.vlek = v.no_hwid = vlek;
	v.issuer = vlek ? "SEV-VLEK-Milan" : "SEV-Milan";
	snpkit_open(&k, &v);
	snpkit_json(&k, SIZE_MAX, NULL, &json);
	certs_clear(&k.col.certs); /* in the evidence */
	put_head(w, "snp", SNPKIT_NOW);
	put(w, EVIDENCE, wr_span(&json));
	put(w, REPORT_DATA, (struct span){ k.report + 0x50, 64 });
	put_root(w, v.issuer, k.ask);
	put_collateral(w, &k.col);
	snpkit_close(&k);
}

static void vcek(struct wr *w)
{
	snp(w, false);
}

static void vlek(struct wr *w)
{
	snp(w, true);
}

static void put_dcap_collateral(struct wr *w, const struct dcapkit *k)
{
	put_collateral(w, &k->col);
	put_root(w, "Intel SGX Root CA", k->root);
	for (size_t i = 0; i < sizeof(k->list) / sizeof(k->list[0]); i++)
		put(w, FILE_, wr_span(&k->list[i]));
}

static void dcap(struct wr *w, const char *platform, uint16_t version, bool td)
{
	CLEANUP(wr_close) struct wr json = wr_open(MADE_MAX);
	struct dcapkit k;

	dcapkit_open(&k, version, td);
	dcapkit_make(&k);
	wr_str(&json, "{\"quote\":\"");
	b64_write(&json, wr_span(&k.quote));
	wr_str(&json, "\"}");
	put_head(w, platform, DCAPKIT_NOW);
	put(w, EVIDENCE, wr_span(&json));
	put_dcap_collateral(w, &k);
	dcapkit_close(&k);
}

static void tdx(struct wr *w)
{
	dcap(w, "tdx", 4, true);
}

static void sgx(struct wr *w)
{
	dcap(w, "sgx", 3, false);
}

static void tpm(struct wr *w, bool ec)
{
	struct tpmkit k;

	tpmkit_open(&k, ec);
	EVP_PKEY_free(k.ca);
	k.ca = evkit_rsa_ca();
	tpmkit_certify(&k, k.ak, TPMKIT_NOW + 9);
	tpmkit_make(&k);
	put_head(w, "tpm", TPMKIT_NOW);
	put(w, EVIDENCE, wr_span(&k.json));
	put(w, REPORT_DATA, k.nonce);
	put_root(w, "Maker", k.ca);
	tpmkit_close(&k);
}

static void tpm_rsa(struct wr *w)
{
	tpm(w, false);
}

static void tpm_ecdsa(struct wr *w)
{
	tpm(w, true);
}

static void az(struct wr *w, bool td)
{
	struct snpkit_vek v = snpkit_good;
	CLEANUP(wr_close) struct wr other = wr_open(4096);
	struct azkit k;

	azkit_open(&k, td);
	k.version = 2;
	if (!td) {
		snpkit_close(&k.k);
		v.rsa = true;
		snpkit_open(&k.k, &v);
	}
	azkit_make(&k);
	put_head(w, td ? "az-tdx-vtpm" : "az-snp-vtpm", SNPKIT_NOW);
	put(w, EVIDENCE, wr_span(&k.json));
	put(w, REPORT_DATA, (struct span){ k.user, 32 });
	if (td) {
		put_dcap_collateral(w, &k.q);
		evkit_spki(k.ak, &other);
		put(w, OTHER_KEY, wr_span(&other));
	}
	if (!td)
		put_root(w, v.issuer, k.k.ask); /* the VCEK is in the evidence */
	azkit_close(&k);
}

static void az_snp(struct wr *w)
{
	az(w, false);
}

static void az_tdx(struct wr *w)
{
	az(w, true);
}

static void cca(struct wr *w)
{
	CLEANUP(wr_close) struct wr token = wr_open(MADE_MAX), json = wr_open(MADE_MAX);
	struct ccakit k;

	ccakit_open(&k, false);
	ccakit_token(&k, &token);
	wr_str(&json, "{\"token\":[");
	for (size_t i = 0; i < token.n; i++)
		wr_fmt(&json, i ? ",%u" : "%u", token.p[i]);
	wr_str(&json, "]}");
	put_head(w, "cca", -1);
	put(w, EVIDENCE, wr_span(&json));
	put_collateral(w, &k.col);
	ccakit_close(&k);
}

static void csv(struct wr *w)
{
	struct csvkit k;

	csvkit_open(&k);
	csvkit_json(&k);
	put_head(w, "csv", -1);
	put(w, EVIDENCE, wr_span(&k.json));
	put_root(w, "HRK", k.hrk);
	put_collateral(w, &k.col);
	csvkit_close(&k);
}

static void nvidia(struct wr *w)
{
	static const uint8_t nonce[32] = { 7, 8, 9 };
	CLEANUP(wr_close) struct wr list = wr_open(MADE_MAX), report = wr_open(8192), pem = wr_open(16384);
	struct json_wr j = jw_open(&list, false);
	struct nvkit k;

	nvkit_open(&k);
	nvkit_device(&k, &(struct nvkit_how){ 0 }, SPAN(nonce), &report, &pem);
	jw_obj(&j);
	jw_name(&j, "device_evidence_list");
	jw_arr(&j);
	nvkit_item(&j, "HOPPER", wr_span(&report), wr_span(&pem));
	jw_arr_end(&j);
	jw_obj_end(&j);
	put_head(w, "nvidia", NVKIT_NOW);
	put(w, EVIDENCE, wr_span(&list));
	put(w, REPORT_DATA, SPAN(nonce));
	put_root(w, "Root", k.root);
	nvkit_close(&k);
}

static const struct { const char *name; void (*make)(struct wr *w); } rows[] = { { "snp-vcek", vcek }, { "snp-vlek", vlek },
	{ "tdx", tdx }, { "sgx", sgx }, { "tpm-rsa", tpm_rsa }, { "tpm-ecdsa", tpm_ecdsa }, { "az-snp-vtpm", az_snp },
	{ "az-tdx-vtpm", az_tdx }, { "cca", cca }, { "csv", csv }, { "nvidia", nvidia } };

const char *made_row(size_t i)
{
	return i < sizeof(rows) / sizeof(rows[0]) ? rows[i].name : NULL;
}

void made_write(size_t i, struct wr *out)
{
	rows[i].make(out);
}

/* ---- reading ---- */

bool made_read(struct span in, struct made *out)
{
	struct rd r = rd_open(in);

	*out = (struct made){ 0 };
	while (rd_ok(&r) && r.n > 0) {
		uint8_t kind = rd_u8(&r);
		struct span s = rd_span(&r, rd_le32(&r));
		char now[24];

		switch (kind) {
		case PLATFORM: out->platform = s; break;
		case EVIDENCE: out->evidence = s; break;
		case REPORT_DATA: out->report_data = s; break;
		case ROOT_NAME: out->root_name = s; break;
		case ROOT_KEY: out->root_key = s; break;
		case OTHER_KEY: out->other_key = s; break;
		case NOW:
			(void)snprintf(now, sizeof(now), "%.*s", (int)s.n, (const char *)s.p);
			out->now = strtoll(now, NULL, 10);
			break;
		default:
			if (out->n_files == MADE_FILES_MAX)
				return false;
			out->file[out->n_files++] = s;
		}
	}
	return rd_done(&r);
}
