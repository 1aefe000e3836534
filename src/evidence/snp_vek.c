#include "evidence/snp_vek.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define OID "1.3.6.1.4.1.3704.1."

/* DER INTEGER of one byte's range. */
static bool small_int(struct span v, uint8_t *out)
{
	if (v.n == 3 && v.p[0] == 0x02 && v.p[1] == 1 && v.p[2] < 0x80) {
		*out = v.p[2];
		return true;
	}
	if (v.n == 4 && v.p[0] == 0x02 && v.p[1] == 2 && v.p[2] == 0 && v.p[3] >= 0x80) {
		*out = v.p[3];
		return true;
	}
	return false;
}

static bool svn(const struct cert *c, const char *oid, bool required, uint8_t *out)
{
	struct span v;

	if (!cert_ext(c, oid, &v))
		return !required;
	return small_int(v, out);
}

/* Old certificates hold the 64 bytes as they are, newer ones an OCTET STRING; Turin's chip id has 8 bytes. */
static bool read_hwid(const struct cert *c, struct snp_vek *vek)
{
	struct span v;

	if (!cert_ext(c, OID "4", &v))
		return true;
	vek->hwid_raw = v.n == 64 || v.n == 8;
	if (!vek->hwid_raw) {
		if (v.n < 2 || v.p[0] != 0x04 || v.p[1] != v.n - 2 || (v.n != 66 && v.n != 10))
			return false;
		v = span_skip(v, 2);
	}
	memcpy(vek->hwid, v.p, v.n);
	vek->hwid_n = v.n;
	return true;
}

static const struct { const char *cn; enum snp_gen gen; bool vlek; } issuers[] = {
	{ "SEV-Milan", SNP_MILAN, false }, { "SEV-Genoa", SNP_GENOA, false }, { "SEV-Turin", SNP_TURIN, false },
	{ "SEV-VLEK-Milan", SNP_MILAN, true }, { "SEV-VLEK-Genoa", SNP_GENOA, true }, { "SEV-VLEK-Turin", SNP_TURIN, true },
};

static void read_issuer(const struct cert *c, struct snp_vek *vek)
{
	char cn[64] = "";

	(void)!cert_issuer_cn(c, cn, sizeof(cn));
	for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
		if (strcmp(cn, issuers[i].cn) != 0)
			continue;
		vek->gen = issuers[i].gen;
		vek->vlek = issuers[i].vlek;
	}
}

enum coffer_rc snp_vek_read(const struct cert *c, struct snp_vek *out, struct err *e)
{
	struct snp_vek v = { 0 };

	if (!svn(c, OID "3.1", true, &v.tcb.bootloader) || !svn(c, OID "3.2", true, &v.tcb.tee) ||
	    !svn(c, OID "3.3", true, &v.tcb.snp) || !svn(c, OID "3.8", true, &v.tcb.microcode) ||
	    !svn(c, OID "3.9", false, &v.tcb.fmc))
		return err_set(e, COFFER_E_INPUT, "snp: the certificate lacks AMD's firmware versions, or they are malformed");
	if (!read_hwid(c, &v))
		return err_set(e, COFFER_E_INPUT, "snp: the certificate's hardware id is malformed");
	read_issuer(c, &v);
	*out = v;
	return COFFER_OK;
}

/* The issuer's name decides what the key is; that it is AMD's is what the path proves. */
enum coffer_rc snp_vek_chain(const struct cert *c, const struct cert_list *between, const struct anchors *roots,
    const struct cert_rules *rules, struct snp_vek *vek, struct err *e)
{
	TRY(cert_chain(c, between, roots, rules, &vek->path, e));
	if (vek->gen == SNP_GEN_UNKNOWN)
		return err_deny(e, "chain", "the certificate's issuer is none of AMD's signing keys");
	if (!vek->vlek && vek->hwid_n == 0)
		return err_deny(e, "chain", "a VCEK without a hardware id");
	(void)snprintf(vek->chain, sizeof(vek->chain), "%s:%s", snp_gen_name(vek->gen), vek->vlek ? "asvk" : "ask");
	return COFFER_OK;
}
