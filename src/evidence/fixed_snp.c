/* SNP read again: report, VCEK or VLEK, AMD's key. Offsets are snp_report.c's, which is the pure parser of the fixed form. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/fixed_int.h"
#include "evidence/snp_report.h"

/* 1.3.6.1.4.1.3704.1. and on: AMD's extensions of signing keys' certificates (AMD 57230). */
#define AMD 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01

static enum snp_gen gen_of(const char *root)
{
	return strstr(root, "Milan") ? SNP_MILAN : strstr(root, "Genoa") ? SNP_GENOA : strstr(root, "Turin") ? SNP_TURIN : SNP_GEN_UNKNOWN;
}

static bool svn(const struct der_cert *c, uint8_t last, uint8_t *out)
{
	const uint8_t oid[] = { AMD, 0x03, last };
	struct span v, n;

	if (!der_cert_ext(c, SPAN(oid), &v) || !der_next(&v, 0x02, &n) || v.n != 0 || n.n == 0 || n.n > 2 || (n.p[0] & 0x80) ||
	    (n.n == 2 && n.p[0] != 0))
		return false;
	*out = n.p[n.n - 1];
	return true;
}

static bool same_tcb(struct snp_tcb a, struct snp_tcb b)
{
	return snp_tcb_covers(a, b) && snp_tcb_covers(b, a);
}

/* The key is derived for one firmware: a report by an older, perhaps broken one would carry its number here. */
static enum coffer_rc check_firmware(const struct der_cert *c, enum snp_gen g, const struct snp_report *r, struct err *e)
{
	struct snp_tcb t = { 0 };

	if (!svn(c, 1, &t.bootloader) || !svn(c, 2, &t.tee) || !svn(c, 3, &t.snp) || !svn(c, 8, &t.microcode) ||
	    (g == SNP_TURIN && !svn(c, 9, &t.fmc)))
		return err_deny(e, "R2", "the signing key's certificate names no firmware");
	if (!same_tcb(t, snp_tcb_unpack(g, r->reported_tcb)))
		return err_deny(e, "R2", "the signing key is for another firmware than the report says");
	return COFFER_OK;
}

void fixed_snp_chip(struct span hwid, const struct snp_report *r, unsigned generation, struct hw_facts *f)
{
	static const uint8_t zero[64];
	struct span id = hwid.n > 0 ? hwid : SPAN(r->chip_id);

	if (hwid.n == 0 && generation == SNP_TURIN && span_eq((struct span){ r->chip_id + 8, 56 }, (struct span){ zero, 56 }))
		id.n = 8;
	if (id.n > sizeof(f->chip) || span_eq(id, (struct span){ zero, id.n }))
		return;
	memcpy(f->chip, id.p, id.n);
	f->chip_n = id.n;
}

/* A VCEK names its chip: the 64 bytes (Turin: 8), as they are or as an OCTET STRING. */
static enum coffer_rc check_chip(const struct der_cert *c, const struct snp_report *r, bool vlek, struct span *hwid, struct err *e)
{
	static const uint8_t oid[] = { AMD, 0x04 }, zero[64];
	struct span v, inner;
	bool has = der_cert_ext(c, SPAN(oid), &v);

	if (has && (v.n == 66 || v.n == 10) && der_next(&v, 0x04, &inner))
		v = inner;
	if (has != !vlek || (has && v.n != 64 && v.n != 8))
		return err_deny(e, "R2", "the signing key's certificate is not of the kind that the report names");
	*hwid = has ? v : (struct span){ 0 };
	if (vlek || span_eq(SPAN(r->chip_id), SPAN(zero)))
		return COFFER_OK;
	if (!span_eq(v, (struct span){ r->chip_id, v.n }) || !span_eq((struct span){ r->chip_id + v.n, 64 - v.n }, (struct span){ zero, 64 - v.n }))
		return err_deny(e, "R2", "the signing key is another chip's");
	return COFFER_OK;
}

static bool signed_by(const struct vkey *k, const struct snp_report *r)
{
	uint8_t sig[96];

	for (size_t i = 0; i < 48; i++) {
		sig[i] = r->r.p[47 - i];
		sig[48 + i] = r->s.p[47 - i];
	}
	for (size_t i = 48; i < SNP_SIG_HALF; i++)
		if (r->r.p[i] != 0 || r->s.p[i] != 0)
			return false;
	return vkey_kind(k) == VKEY_P384 && vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA384, r->signed_part, SPAN(sig));
}

bool fixed_snp_facts(const struct snp_report *r, unsigned generation, struct hw_facts *f)
{
	enum snp_gen g = (enum snp_gen)generation;
	struct snp_tcb c = snp_tcb_unpack(g, r->committed_tcb), l = snp_tcb_unpack(g, r->launch_tcb);

	(void)snprintf(f->product, sizeof(f->product), "%s", g == SNP_GEN_UNKNOWN ? "" : snp_gen_name(g));
	f->smt = r->plat_info & 1;
	f->migratable = r->policy >> 18 & 1;
	f->debug = r->policy >> 19 & 1;
	return facts_add_reg(f, "measurement", SPAN(r->measurement)) && facts_add_svn(f, "bootloader", c.bootloader, l.bootloader) &&
	       facts_add_svn(f, "tee", c.tee, l.tee) && facts_add_svn(f, "snp", c.snp, l.snp) &&
	       facts_add_svn(f, "microcode", c.microcode, l.microcode) && (g != SNP_TURIN || facts_add_svn(f, "fmc", c.fmc, l.fmc));
}

static enum coffer_rc judge(const struct fixed_leaf *leaf, const struct snp_report *r, struct fixed_out *out, struct err *e)
{
	enum snp_gen g = gen_of(leaf->root->name);
	unsigned key = r->key_info >> 2 & 7;
	struct span hwid;

	if (g == SNP_GEN_UNKNOWN || (r->has_cpuid && snp_report_gen(r) != g))
		return err_deny(e, "R2", "the root is another processor generation's");
	if (r->sig_algo != 1 || key > 1 || !signed_by(leaf->key, r))
		return err_deny(e, "R2", "the report's signature is not by the certificate's key");
	if (r->vmpl != 0)
		return err_deny(e, "R2", "the report was asked for below VMPL 0");
	TRY(check_firmware(&leaf->cert.d, g, r, e));
	TRY(check_chip(&leaf->cert.d, r, key == 1, &hwid, e));
	fixed_snp_chip(hwid, r, g, &out->facts);
	memcpy(out->report_data, r->report_data, sizeof(r->report_data));
	out->report_data_n = sizeof(r->report_data);
	memcpy(out->init_register, r->host_data, sizeof(r->host_data));
	out->init_register_n = sizeof(r->host_data);
	return fixed_full(fixed_snp_facts(r, g, &out->facts), e);
}

enum coffer_rc fixed_snp(const struct fixed_in *in, struct fixed_out *out, struct err *e)
{
	struct fixed_leaf leaf = { 0 };
	struct snp_report r;
	enum coffer_rc rc;

	TRY(snp_report_parse(in->report, &r, e));
	rc = fixed_path(in, &leaf, e);
	if (rc == COFFER_OK)
		rc = judge(&leaf, &r, out, e);
	vkey_free(leaf.key);
	out->root = leaf.root;
	return rc;
}
