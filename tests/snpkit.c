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

const struct snpkit_vek snpkit_good = { "SEV-Milan", 4, 24, 219, 0xc1, false, false, false };

static void make_vek(struct snpkit *k, const struct snpkit_vek *v)
{
	CLEANUP(wr_close) struct wr der = wr_open(1u << 16), ca = wr_open(1u << 16);
	uint8_t hwid[66] = { 4, 64 };
	const uint8_t bl[] = { 2, 1, v->bootloader }, tee[] = { 2, 1, 0 }, snp[] = { 2, 1, v->snp },
		      mc[] = { 2, 2, 0, v->microcode };
	struct evkit_ext ext[] = { { OID "3.1", SPAN(bl), false }, { OID "3.2", SPAN(tee), false },
		{ OID "3.3", SPAN(snp), false }, { OID "3.8", SPAN(mc), false }, { OID "4", { hwid + 2, 64 }, false } };
	struct evkit_cert issuer = {
		.cn = v->issuer, .issuer_cn = v->issuer, .key = k->ask, .issuer_key = k->ask, .ca = true, .pathlen = -1
	};
	struct evkit_cert c = { .cn = "SEV-VCEK",
		.issuer_cn = v->issuer,
		.key = k->vek,
		.issuer_key = k->ask,
		.pathlen = -1,
		.ext = ext,
		.n_ext = v->no_hwid ? 4 : 5 };

	memset(hwid + 2, v->chip, 64);
	if (v->octets)
		ext[4].value = SPAN(hwid);
	if (v->late) {
		c.not_before = NOW + 1;
		c.not_after = NOW + 2;
	}
	evkit_cert(&issuer, &ca);
	evkit_cert(&c, &der);
	evkit_add(&k->col.roots, &ca);
	evkit_add(&k->col.certs, &der);
}

void snpkit_open(struct snpkit *k, const struct snpkit_vek *v)
{
	*k = (struct snpkit){ .ask = evkit_ec("P-384"), .vek = evkit_ec("P-384") };
	base_report(k->report);
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
