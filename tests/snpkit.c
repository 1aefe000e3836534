#include "tests/snpkit.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"

#define NOW SNPKIT_NOW
#define OID "1.3.6.1.4.1.3704.1."

void snpkit_put32(uint8_t *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void base_report(uint8_t b[static SNP_REPORT_LEN])
{
	static const uint8_t tcb[8] = { 4, 0, 0, 0, 0, 0, 24, 219 };

	memset(b, 0, SNP_REPORT_LEN);
	snpkit_put32(b, 3);
	snpkit_put32(b + 0x08, 0x3001f);
	snpkit_put32(b + 0x34, 1);
	memset(b + 0x50, 0xd1, 64);
	memset(b + 0x90, 0x3e, 48);
	memset(b + 0xc0, 0x1d, 32);
	memcpy(b + 0x180, tcb, 8);
	b[0x188] = 0x19;
	b[0x189] = 0x01;
	memset(b + 0x1a0, 0xc1, 64);
	memcpy(b + 0x1e0, tcb, 8);
	memcpy(b + 0x1f0, tcb, 8);
}

void snpkit_sign(struct snpkit *k)
{
	uint8_t rs[96];

	evkit_sign(k->vek, "SHA384", (struct span){ k->report, SNP_SIGNED_LEN }, rs, 48);
	memset(k->report + SNP_SIGNED_LEN, 0, SNP_REPORT_LEN - SNP_SIGNED_LEN);
	for (size_t i = 0; i < 48; i++) {
		k->report[0x2a0 + i] = rs[47 - i];
		k->report[0x2a0 + 72 + i] = rs[95 - i];
	}
}

const struct snpkit_vek snpkit_good = { "SEV-Milan", 4, 24, 219, 0xc1, false, false, false, false, false, .until = 0 };

static void make_vek(struct snpkit *k, const struct snpkit_vek *v)
{
	CLEANUP(wr_close) struct wr der = wr_open(1u << 16), ca = wr_open(1u << 16);
	uint8_t hwid[66] = { 4, 64 };
	const uint8_t bl[] = { 2, 1, v->bootloader }, tee[] = { 2, 1, 0 }, snp[] = { 2, 1, v->snp },
		      mc[] = { 2, 2, 0, v->microcode };
	struct evkit_ext ext[] = { { OID "3.1", SPAN(bl), false }, { OID "3.2", SPAN(tee), false },
		{ OID "3.3", SPAN(snp), false }, { OID "3.8", SPAN(mc), false }, { OID "4", { hwid + 2, 64 }, false } };
	struct evkit_cert issuer = {
		.cn = v->issuer, .issuer_cn = v->issuer, .key = k->ask, .issuer_key = k->ask, .ca = true, .pathlen = -1, .pss = v->rsa
	};
	struct evkit_cert c = { .cn = v->vlek ? "SEV-VLEK" : "SEV-VCEK",
		.issuer_cn = v->issuer,
		.key = k->vek,
		.issuer_key = k->ask,
		.pathlen = -1,
		.ext = ext,
		.n_ext = v->no_hwid ? 4 : 5,
		.pss = v->rsa };

	memset(hwid + 2, v->chip, 64);
	if (v->octets)
		ext[4].value = SPAN(hwid);
	if (v->late) {
		c.not_before = NOW + 1;
		c.not_after = NOW + 2;
	}
	if (v->until) {
		issuer.not_before = c.not_before = v->from;
		issuer.not_after = c.not_after = v->until;
	}
	evkit_cert(&issuer, &ca);
	evkit_cert(&c, &der);
	evkit_add(&k->col.roots, &ca);
	evkit_add(&k->col.certs, &der);
}

void snpkit_open(struct snpkit *k, const struct snpkit_vek *v)
{
	*k = (struct snpkit){ .ask = v->rsa ? evkit_rsa_ca() : evkit_ec("P-384"), .vek = evkit_ec("P-384") };
	base_report(k->report);
	snpkit_put32(k->report + 0x48, v->vlek ? 1u << 2 : 0);
	make_vek(k, v);
	snpkit_sign(k);
}

void snpkit_close(struct snpkit *k)
{
	EVP_PKEY_free(k->ask);
	EVP_PKEY_free(k->vek);
	certs_clear(&k->col.certs);
	certs_clear(&k->col.roots);
}

/* ---- upstream's decoded form ---- */

static void ints(struct json_wr *j, const char *name, const uint8_t *p, size_t n)
{
	jw_name(j, name);
	jw_arr(j);
	for (size_t i = 0; i < n; i++)
		jw_u64(j, p[i]);
	jw_arr_end(j);
}

static void tcb_obj(struct json_wr *j, const char *name, const uint8_t *p)
{
	jw_name(j, name);
	jw_obj(j);
	jw_name(j, "fmc");
	jw_null(j);
	jw_m_u64(j, "bootloader", p[0]);
	jw_m_u64(j, "tee", p[1]);
	jw_m_u64(j, "snp", p[6]);
	jw_m_u64(j, "microcode", p[7]);
	jw_obj_end(j);
}

static void build_obj(struct json_wr *j, const char *name, const uint8_t *p)
{
	jw_name(j, name);
	jw_obj(j);
	jw_m_u64(j, "build", p[0]);
	jw_m_u64(j, "minor", p[1]);
	jw_m_u64(j, "major", p[2]);
	jw_obj_end(j);
}

static uint64_t le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

/* Members of a version 3 report in their order; the one at `skip` is left out. Returns how many there are. */
enum kind { NUM, BYTES, TCB, BUILD };
static size_t report_json(const uint8_t *b, size_t skip, struct json_wr *j)
{
	static const struct { const char *name; enum kind kind; size_t at, n;
	} m[] = {
		{ "version", NUM, 0, 4 },
		{ "guest_svn", NUM, 4, 4 },
		{ "policy", NUM, 8, 8 },
		{ "family_id", BYTES, 0x10, 16 },
		{ "image_id", BYTES, 0x20, 16 },
		{ "vmpl", NUM, 0x30, 4 },
		{ "sig_algo", NUM, 0x34, 4 },
		{ "current_tcb", TCB, 0x38, 8 },
		{ "plat_info", NUM, 0x40, 8 },
		{ "key_info", NUM, 0x48, 4 },
		{ "report_data", BYTES, 0x50, 64 },
		{ "measurement", BYTES, 0x90, 48 },
		{ "host_data", BYTES, 0xc0, 32 },
		{ "id_key_digest", BYTES, 0xe0, 48 },
		{ "author_key_digest", BYTES, 0x110, 48 },
		{ "report_id", BYTES, 0x140, 32 },
		{ "report_id_ma", BYTES, 0x160, 32 },
		{ "reported_tcb", TCB, 0x180, 8 },
		{ "cpuid_fam_id", NUM, 0x188, 1 },
		{ "cpuid_mod_id", NUM, 0x189, 1 },
		{ "cpuid_step", NUM, 0x18a, 1 },
		{ "chip_id", BYTES, 0x1a0, 64 },
		{ "committed_tcb", TCB, 0x1e0, 8 },
		{ "current", BUILD, 0x1e8, 3 },
		{ "committed", BUILD, 0x1ec, 3 },
		{ "launch_tcb", TCB, 0x1f0, 8 },
	};
	size_t n = sizeof(m) / sizeof(m[0]);

	for (size_t i = 0; i < n; i++) {
		if (i == skip)
			continue;
		if (m[i].kind == NUM)
			jw_m_u64(j, m[i].name, le(b + m[i].at, m[i].n));
		else if (m[i].kind == BYTES)
			ints(j, m[i].name, b + m[i].at, m[i].n);
		else if (m[i].kind == TCB)
			tcb_obj(j, m[i].name, b + m[i].at);
		else
			build_obj(j, m[i].name, b + m[i].at);
	}
	return n;
}

void snpkit_json(const struct snpkit *k, size_t skip, const char *extra, struct wr *w)
{
	struct json_wr j = jw_open(w, false);
	struct span vek = cert_bytes(k->col.certs.c[0]);

	jw_obj(&j);
	jw_name(&j, "attestation_report");
	jw_obj(&j);
	if (report_json(k->report, skip, &j) != skip) {
		jw_name(&j, "signature");
		jw_obj(&j);
		ints(&j, "r", k->report + 0x2a0, 72);
		ints(&j, "s", k->report + 0x2a0 + 72, 72);
		jw_obj_end(&j);
	}
	if (extra)
		jw_m_u64(&j, extra, 1);
	jw_obj_end(&j);
	jw_name(&j, "cert_chain");
	jw_arr(&j);
	jw_obj(&j);
	jw_m_text(&j, "cert_type", "VCEK");
	ints(&j, "data", vek.p, vek.n);
	jw_obj_end(&j);
	jw_arr_end(&j);
	jw_obj_end(&j);
}
