#include "evidence/snp_report.h"

#include <string.h>

const char *snp_gen_name(enum snp_gen g)
{
	switch (g) {
	case SNP_GEN_UNKNOWN: return "unknown";
	case SNP_MILAN:       return "milan";
	case SNP_GENOA:       return "genoa";
	case SNP_TURIN:       return "turin";
	}
	return "unknown";
}

struct snp_tcb snp_tcb_unpack(enum snp_gen g, const uint8_t b[static 8])
{
	if (g == SNP_TURIN)
		return (struct snp_tcb){ .fmc = b[0], .bootloader = b[1], .tee = b[2], .snp = b[3], .microcode = b[7] };
	return (struct snp_tcb){ .bootloader = b[0], .tee = b[1], .snp = b[6], .microcode = b[7] };
}

bool snp_tcb_covers(struct snp_tcb a, struct snp_tcb b)
{
	return a.fmc >= b.fmc && a.bootloader >= b.bootloader && a.tee >= b.tee && a.snp >= b.snp && a.microcode >= b.microcode;
}

static void read_identity(struct rd *r, struct snp_report *s)
{
	s->version = rd_le32(r);
	s->guest_svn = rd_le32(r);
	rd_at(r, 0x008);
	s->policy = rd_le64(r);
	rd_copy(r, s->family_id, sizeof(s->family_id));
	rd_copy(r, s->image_id, sizeof(s->image_id));
	rd_at(r, 0x030);
	s->vmpl = rd_le32(r);
	s->sig_algo = rd_le32(r);
	rd_copy(r, s->current_tcb, sizeof(s->current_tcb));
	s->plat_info = rd_le64(r);
	s->key_info = rd_le32(r);
	rd_at(r, 0x04C);
	rd_mbz(r, 4);
}

static void read_measured(struct rd *r, struct snp_report *s)
{
	rd_at(r, 0x050);
	rd_copy(r, s->report_data, sizeof(s->report_data));
	rd_at(r, 0x090);
	rd_copy(r, s->measurement, sizeof(s->measurement));
	rd_copy(r, s->host_data, sizeof(s->host_data));
	rd_copy(r, s->id_key_digest, sizeof(s->id_key_digest));
	rd_copy(r, s->author_key_digest, sizeof(s->author_key_digest));
	rd_copy(r, s->report_id, sizeof(s->report_id));
	rd_copy(r, s->report_id_ma, sizeof(s->report_id_ma));
}

static void read_chip(struct rd *r, struct snp_report *s)
{
	rd_at(r, 0x180);
	rd_copy(r, s->reported_tcb, sizeof(s->reported_tcb));
	s->has_cpuid = s->version >= 3;
	if (s->has_cpuid) {
		s->cpuid_fam = rd_u8(r);
		s->cpuid_mod = rd_u8(r);
		s->cpuid_step = rd_u8(r);
	}
	rd_mbz(r, 0x1A0 - r->off);
	rd_at(r, 0x1A0);
	rd_copy(r, s->chip_id, sizeof(s->chip_id));
}

static void read_firmware(struct rd *r, struct snp_report *s)
{
	rd_at(r, 0x1E0);
	rd_copy(r, s->committed_tcb, sizeof(s->committed_tcb));
	s->current_build = rd_u8(r);
	s->current_minor = rd_u8(r);
	s->current_major = rd_u8(r);
	rd_mbz(r, 1);
	s->committed_build = rd_u8(r);
	s->committed_minor = rd_u8(r);
	s->committed_major = rd_u8(r);
	rd_mbz(r, 1);
	rd_copy(r, s->launch_tcb, sizeof(s->launch_tcb));
	rd_at(r, 0x1F8);
	if (s->version >= 5) {
		s->launch_mit = rd_le64(r);
		s->current_mit = rd_le64(r);
	}
	rd_mbz(r, SNP_SIGNED_LEN - r->off);
}

enum coffer_rc snp_report_parse(struct span in, struct snp_report *out, struct err *e)
{
	struct snp_report s = { 0 };
	struct rd r = rd_open(in);

	if (in.n != SNP_REPORT_LEN)
		return err_set(e, COFFER_E_INPUT, "snp: the report has %zu bytes, not %u", in.n, SNP_REPORT_LEN);
	read_identity(&r, &s);
	if (s.version < 2 || s.version > 5)
		return err_set(e, COFFER_E_INPUT, "snp: version %u of the report is not supported", s.version);
	if (s.vmpl > 3)
		return err_set(e, COFFER_E_INPUT, "snp: VMPL %u does not exist", s.vmpl);
	read_measured(&r, &s);
	read_chip(&r, &s);
	read_firmware(&r, &s);
	rd_at(&r, SNP_SIGNED_LEN);
	s.r = rd_span(&r, SNP_SIG_HALF);
	s.s = rd_span(&r, SNP_SIG_HALF);
	rd_mbz(&r, SNP_REPORT_LEN - SNP_SIGNED_LEN - 2 * SNP_SIG_HALF);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "snp: malformed near offset 0x%zx", r.off);
	s.signed_part = (struct span){ in.p, SNP_SIGNED_LEN };
	*out = s;
	return COFFER_OK;
}

enum snp_gen snp_report_gen(const struct snp_report *r)
{
	if (!r->has_cpuid)
		return SNP_GEN_UNKNOWN;
	if (r->cpuid_fam == 0x19 && r->cpuid_mod <= 0x0f)
		return SNP_MILAN;
	if (r->cpuid_fam == 0x19 &&
	    ((r->cpuid_mod >= 0x10 && r->cpuid_mod <= 0x1f) || (r->cpuid_mod >= 0xa0 && r->cpuid_mod <= 0xaf)))
		return SNP_GENOA;
	if (r->cpuid_fam == 0x1a && r->cpuid_mod <= 0x11)
		return SNP_TURIN;
	return SNP_GEN_UNKNOWN;
}
