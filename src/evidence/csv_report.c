#include "evidence/csv_report.h"

#include <string.h>

#include "base/str.h"

#define FIELD 72 /* bytes that a number of the signature or of a point takes; 32 of them are SM2's */
#define ID_MAX 254
#define CURVE_SM2 3
#define OWNER_USAGE 0x1000 /* an empty slot: nobody's */

static void number(struct rd *r, uint8_t be[static 32])
{
	struct span le = rd_span(r, FIELD);

	for (size_t i = 0; le.p && i < FIELD; i++) {
		if (i < 32)
			be[31 - i] = le.p[i];
		else if (le.p[i] != 0)
			r->bad = true;
	}
}

static void pair(struct rd *r, uint8_t both[static 64])
{
	number(r, both);
	number(r, both + 32);
}

/* ---- reports ---- */

static void unmasked(struct rd *r, const uint8_t anonce[static 4], uint8_t *out, size_t n)
{
	rd_copy(r, out, n);
	for (size_t i = 0; i < n; i++)
		out[i] ^= anonce[i % 4]; /* every field starts at a multiple of four */
}

static uint32_t unmasked32(struct rd *r, const uint8_t anonce[static 4])
{
	uint8_t b[4];

	unmasked(r, anonce, b, 4);
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

enum coffer_rc csv_report_parse(struct span in, struct csv_report *out, struct err *e)
{
	struct rd r = rd_open(in);
	struct csv_report p = { .body = { in.p, CSV_SIGNED_LEN } };

	if (in.n < CSV_REPORT_LEN)
		return err_set(e, COFFER_E_INPUT, "csv: a report of %zu bytes", in.n);
	memcpy(p.anonce, in.p + 188, 4);
	unmasked(&r, p.anonce, p.user_pubkey_digest, 32);
	unmasked(&r, p.anonce, p.vm_id, 16);
	unmasked(&r, p.anonce, p.vm_version, 16);
	unmasked(&r, p.anonce, p.report_data, 64);
	unmasked(&r, p.anonce, p.mnonce, 16);
	unmasked(&r, p.anonce, p.measure, 32);
	p.policy = unmasked32(&r, p.anonce);
	rd_at(&r, CSV_SIGNED_LEN);
	p.sig_usage = unmasked32(&r, p.anonce);
	p.sig_algo = unmasked32(&r, p.anonce);
	(void)rd_span(&r, 4);
	rd_at(&r, 192);
	pair(&r, p.rs);
	if (!rd_ok(&r))
		return err_set(e, COFFER_E_INPUT, "csv: the report's signature is no SM2 signature");
	*out = p;
	return COFFER_OK;
}

/* ---- certificates ---- */

static void read_key(struct rd *r, struct csv_cert *c)
{
	size_t n;
	struct span id;

	if (rd_le32(r) != CURVE_SM2)
		r->bad = true;
	pair(r, c->xy);
	n = rd_le16(r);
	id = rd_span(r, ID_MAX);
	if (n == 0 || n > ID_MAX)
		r->bad = true;
	c->id = (struct span){ id.p, r->bad ? 0 : n };
}

static void read_ca(struct rd *r, struct csv_cert *c)
{
	(void)rd_span(r, 4 + 16 + 16); /* version, own and signer's id */
	c->usage = rd_le32(r);
	(void)rd_span(r, 24);
	read_key(r, c);
	(void)rd_span(r, 108);
	rd_at(r, 576);
	c->sig[0].usage = CSV_HRK; /* such certificates do not say whose: it is the root's */
	pair(r, c->sig[0].rs);
	c->n_sigs = 1;
	(void)rd_span(r, 112);
}

static void read_slot(struct rd *r, struct csv_cert *c)
{
	uint32_t usage = rd_le32(r), algo = rd_le32(r);
	uint8_t rs[64] = { 0 };

	if (algo != CSV_ALGO_SM2 || usage == OWNER_USAGE) {
		(void)rd_span(r, (size_t)2 * FIELD);
	} else {
		pair(r, rs);
		c->sig[c->n_sigs].usage = usage;
		memcpy(c->sig[c->n_sigs].rs, rs, sizeof(rs));
		c->n_sigs++;
	}
	(void)rd_span(r, 368);
}

static void read_chip(struct rd *r, struct csv_cert *c)
{
	(void)rd_span(r, 4 + 2 + 2); /* version, firmware, reserved */
	c->usage = rd_le32(r);
	if (rd_le32(r) != CSV_ALGO_SM2)
		r->bad = true;
	read_key(r, c);
	(void)rd_span(r, 16 + 608);
	rd_at(r, 1044);
	read_slot(r, c);
	read_slot(r, c);
}

enum coffer_rc csv_cert_parse(struct span in, struct csv_cert *out, struct err *e)
{
	struct rd r = rd_open(in);
	struct csv_cert c = { .body = { in.p, in.n == CSV_CA_LEN ? 576 : 1044 } };

	if (in.n != CSV_CA_LEN && in.n != CSV_CERT_LEN)
		return err_set(e, COFFER_E_INPUT, "csv: a certificate of %zu bytes", in.n);
	if (in.n == CSV_CA_LEN)
		read_ca(&r, &c);
	else
		read_chip(&r, &c);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "csv: the certificate is malformed near byte %zu", r.off);
	*out = c;
	return COFFER_OK;
}
