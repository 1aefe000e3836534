#include "fmt/vendor_item.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"

static const char *const products[] = { "milan", "genoa", "turin" };
static const char *const kds_products[] = { "Milan", "Genoa", "Turin" };

#define PARTS_MAX 5

struct parts {
	struct span s[PARTS_MAX];
	size_t n;
};

static enum coffer_rc bad(struct err *e, const char *why)
{
	return err_set(e, COFFER_E_INPUT, "collateral item: %s", why);
}

static bool split(struct span key, struct parts *out)
{
	for (;;) {
		size_t at = span_find(key, '/');

		if (out->n == PARTS_MAX)
			return false;
		out->s[out->n++] = (struct span){ key.p, at };
		if (at == key.n)
			return true;
		key = span_skip(key, at + 1);
	}
}

static bool lower_hex(struct span s, uint8_t *dst, size_t n)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'F')
			return false;
	return s.n == 2 * n && hex_fixed(s, dst, n);
}

static bool read_product(struct span s, enum vendor_product *out)
{
	for (size_t i = 0; i < 3; i++) {
		if (!span_eq_str(s, products[i]))
			continue;
		*out = (enum vendor_product)i;
		return true;
	}
	return false;
}

/* "3-0-8-115", and five numbers for Turin. */
static bool read_tcb(struct span s, struct vendor_item *i)
{
	uint8_t *field[] = { &i->fmc, &i->bootloader, &i->tee, &i->snp, &i->microcode };

	for (size_t k = i->product == VENDOR_TURIN ? 0 : 1; k < 5; k++) {
		size_t at = span_find(s, '-');
		uint64_t v;

		if (!span_u64((struct span){ s.p, at }, &v) || v > 255 || (at == s.n) != (k == 4))
			return false;
		*field[k] = (uint8_t)v;
		s = span_skip(s, at + 1);
	}
	return true;
}

static bool read_amd(const struct parts *p, struct vendor_item *i)
{
	i->vlek = span_eq_str(p->s[1], "vlek");
	if ((!i->vlek && !span_eq_str(p->s[1], "vcek")) || !read_product(p->s[2], &i->product))
		return false;
	if (p->n == 4) {
		i->kind = span_eq_str(p->s[3], "crl") ? VENDOR_AMD_CRL : VENDOR_AMD_CHAIN;
		return i->kind == VENDOR_AMD_CRL || span_eq_str(p->s[3], "cert_chain");
	}
	i->kind = VENDOR_VCEK;
	i->hwid_n = i->product == VENDOR_TURIN ? 8 : 64;
	return p->n == 5 && !i->vlek && lower_hex(p->s[3], i->hwid, i->hwid_n) && read_tcb(p->s[4], i);
}

static bool read_intel(const struct parts *p, struct vendor_item *i)
{
	if (p->n == 2) {
		i->kind = VENDOR_ROOT_CRL;
		return span_eq_str(p->s[1], "rootcrl");
	}
	if (p->n == 3 && span_eq_str(p->s[1], "pckcrl")) {
		i->kind = VENDOR_PCK_CRL;
		i->platform = span_eq_str(p->s[2], "platform");
		return i->platform || span_eq_str(p->s[2], "processor");
	}
	i->tdx = span_eq_str(p->s[1], "tdx");
	if (!i->tdx && !span_eq_str(p->s[1], "sgx"))
		return false;
	i->kind = p->n == 3 ? VENDOR_QE_IDENTITY : VENDOR_TCB_INFO;
	if (p->n == 3)
		return span_eq_str(p->s[2], "qe");
	return p->n == 4 && span_eq_str(p->s[2], "tcb") && lower_hex(p->s[3], i->fmspc, sizeof(i->fmspc));
}

enum coffer_rc vendor_item_parse(struct span key, struct vendor_item *out, struct err *e)
{
	struct vendor_item i = { 0 };
	struct parts p = { 0 };
	bool ok;

	if (key.n >= VENDOR_KEY_MAX || !split(key, &p) || p.n < 2)
		return bad(e, "not VENDOR/WHAT/...");
	if (span_eq_str(p.s[0], "amd"))
		ok = p.n >= 4 && read_amd(&p, &i);
	else
		ok = span_eq_str(p.s[0], "intel") && read_intel(&p, &i);
	if (!ok)
		return bad(e, "there is none of this name");
	*out = i;
	return COFFER_OK;
}

static void hwid_text(const struct vendor_item *i, char out[static 129])
{
	for (size_t k = 0; k < i->hwid_n; k++)
		(void)snprintf(out + 2 * k, 3, "%02x", i->hwid[k]);
}

static void fmspc_text(const struct vendor_item *i, char out[static 13])
{
	for (size_t k = 0; k < 6; k++)
		(void)snprintf(out + 2 * k, 3, "%02x", i->fmspc[k]);
}

void vendor_item_key(const struct vendor_item *i, char out[static VENDOR_KEY_MAX])
{
	const char *kek = i->vlek ? "vlek" : "vcek", *tee = i->tdx ? "tdx" : "sgx";
	char hex[129] = "", fmc[8] = "";

	switch (i->kind) {
	case VENDOR_VCEK:
		hwid_text(i, hex);
		if (i->product == VENDOR_TURIN)
			(void)snprintf(fmc, sizeof(fmc), "%u-", i->fmc);
		(void)snprintf(out, VENDOR_KEY_MAX, "amd/vcek/%s/%s/%s%u-%u-%u-%u", products[i->product], hex, fmc, i->bootloader,
		    i->tee, i->snp, i->microcode);
		break;
	case VENDOR_AMD_CHAIN:
	case VENDOR_AMD_CRL:
		(void)snprintf(out, VENDOR_KEY_MAX, "amd/%s/%s/%s", kek, products[i->product],
		    i->kind == VENDOR_AMD_CRL ? "crl" : "cert_chain");
		break;
	case VENDOR_TCB_INFO:
		fmspc_text(i, hex);
		(void)snprintf(out, VENDOR_KEY_MAX, "intel/%s/tcb/%s", tee, hex);
		break;
	case VENDOR_QE_IDENTITY:
		(void)snprintf(out, VENDOR_KEY_MAX, "intel/%s/qe", tee);
		break;
	case VENDOR_PCK_CRL:
		(void)snprintf(out, VENDOR_KEY_MAX, "intel/pckcrl/%s", i->platform ? "platform" : "processor");
		break;
	case VENDOR_ROOT_CRL:
		(void)snprintf(out, VENDOR_KEY_MAX, "intel/rootcrl");
		break;
	}
}

enum vendor_origin vendor_item_origin(const struct vendor_item *i)
{
	if (i->kind == VENDOR_ROOT_CRL)
		return VENDOR_INTEL_ROOT;
	return i->kind <= VENDOR_AMD_CRL ? VENDOR_AMD : VENDOR_INTEL;
}

void vendor_item_path(const struct vendor_item *i, char out[static VENDOR_PATH_MAX])
{
	const char *kek = i->vlek ? "vlek" : "vcek", *tee = i->tdx ? "tdx" : "sgx", *product = kds_products[i->product];
	char hex[129] = "", fmc[16] = "";

	switch (i->kind) {
	case VENDOR_VCEK:
		hwid_text(i, hex);
		if (i->product == VENDOR_TURIN)
			(void)snprintf(fmc, sizeof(fmc), "fmcSPL=%02u&", i->fmc);
		(void)snprintf(out, VENDOR_PATH_MAX, "/vcek/v1/%s/%s?%sblSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", product,
		    hex, fmc, i->bootloader, i->tee, i->snp, i->microcode);
		break;
	case VENDOR_AMD_CHAIN:
	case VENDOR_AMD_CRL:
		(void)snprintf(
		    out, VENDOR_PATH_MAX, "/%s/v1/%s/%s", kek, product, i->kind == VENDOR_AMD_CRL ? "crl" : "cert_chain");
		break;
	case VENDOR_TCB_INFO:
		fmspc_text(i, hex);
		(void)snprintf(out, VENDOR_PATH_MAX, "/%s/certification/v4/tcb?fmspc=%s", tee, hex);
		break;
	case VENDOR_QE_IDENTITY:
		(void)snprintf(out, VENDOR_PATH_MAX, "/%s/certification/v4/qe/identity", tee);
		break;
	case VENDOR_PCK_CRL:
		(void)snprintf(out, VENDOR_PATH_MAX, "/sgx/certification/v4/pckcrl?ca=%s&encoding=der",
		    i->platform ? "platform" : "processor");
		break;
	case VENDOR_ROOT_CRL:
		(void)snprintf(out, VENDOR_PATH_MAX, "/IntelSGXRootCA.der");
		break;
	}
}

const char *vendor_item_issuers(const struct vendor_item *i)
{
	if (i->kind == VENDOR_TCB_INFO)
		return "TCB-Info-Issuer-Chain";
	if (i->kind == VENDOR_QE_IDENTITY)
		return "SGX-Enclave-Identity-Issuer-Chain";
	return i->kind == VENDOR_PCK_CRL ? "SGX-PCK-CRL-Issuer-Chain" : NULL;
}

enum vendor_shape vendor_item_shape(const struct vendor_item *i)
{
	if (i->kind == VENDOR_AMD_CHAIN)
		return VENDOR_PEM;
	return i->kind == VENDOR_TCB_INFO || i->kind == VENDOR_QE_IDENTITY ? VENDOR_JSON : VENDOR_DER;
}

bool vendor_item_lasting(const struct vendor_item *i)
{
	return i->kind == VENDOR_VCEK;
}

bool vendor_item_store_names(const struct vendor_item *i, char tcb[static VENDOR_PATH_MAX], char any[static VENDOR_PATH_MAX])
{
	char hex[129] = "", fmc[16] = "";

	if (i->kind != VENDOR_VCEK)
		return false;
	hwid_text(i, hex);
	if (i->product == VENDOR_TURIN)
		(void)snprintf(fmc, sizeof(fmc), "_fmc%02u", i->fmc);
	(void)snprintf(tcb, VENDOR_PATH_MAX, "vcek/%s/bl%02u_tee%02u_snp%02u_ucode%02u%s_vcek.der", hex, i->bootloader, i->tee,
	    i->snp, i->microcode, fmc);
	(void)snprintf(any, VENDOR_PATH_MAX, "vcek/%s/vcek.der", hex);
	return true;
}

/* ---- shapes ---- */

/* X.690: a SEQUENCE whose definite length ends where the bytes end. */
static bool der_ok(struct span b)
{
	struct rd r = rd_open(b);
	uint8_t tag = rd_u8(&r), n = rd_u8(&r);
	size_t len = n;

	if (n >= 0x80) {
		if (n < 0x81 || n > 0x84)
			return false;
		len = 0;
		for (uint8_t k = n & 0x7f; k > 0; k--)
			len = len << 8 | rd_u8(&r);
	}
	return rd_ok(&r) && tag == 0x30 && len > 0 && len == r.n;
}

static struct span trim(struct span s)
{
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' '))
		s.n--;
	return s;
}

bool vendor_pem_ok(struct span b)
{
	return span_starts(b, "-----BEGIN CERTIFICATE-----") && span_ends(trim(b), "-----END CERTIFICATE-----") &&
	       !memchr(b.p, 0, b.n);
}

bool vendor_shape_ok(const struct vendor_item *i, struct span b)
{
	switch (vendor_item_shape(i)) {
	case VENDOR_DER:
		return der_ok(b);
	case VENDOR_PEM:
		return vendor_pem_ok(b);
	case VENDOR_JSON:
		return span_starts(b, i->kind == VENDOR_TCB_INFO ? "{\"tcbInfo\":" : "{\"enclaveIdentity\":") &&
		       span_ends(trim(b), "\"}") && !memchr(b.p, 0, b.n);
	}
	return false;
}
