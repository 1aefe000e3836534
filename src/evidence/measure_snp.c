#include "evidence/measure_snp.h"

#include <string.h>

#include "base/str.h"
#include "crypto/hash.h"
#include "evidence/measure_fw.h"

/* PAGE_TYPE of SNP_LAUNCH_UPDATE, table 65 */
enum page_type { PAGE_NORMAL = 1, PAGE_VMSA = 2, PAGE_ZERO = 3, PAGE_UNMEASURED = 4, PAGE_SECRETS = 5, PAGE_CPUID = 6 };
#define VMSA_GPA 0xfffffffff000u /* where the firmware says a VMSA page is, whatever the VMM says */
#define BSP_EIP	 0xfffffff0u

static void le(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* ---- names ---- */

bool snp_vmm_by_name(struct span name, enum snp_vmm *out)
{
	static const struct {
		const char *lower, *upper;
		enum snp_vmm v;
	} all[] = { { "qemu", "QEMU", SNP_QEMU }, { "ec2", "EC2", SNP_EC2 }, { "gce", "GCE", SNP_GCE } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (span_eq_str(name, all[i].lower) || span_eq_str(name, all[i].upper)) {
			*out = all[i].v;
			return true;
		}
	return false;
}

/* Types of QEMU and their versions -v1 to -v<n>; 0: the name has none of its own. */
bool snp_vcpu_by_name(struct span name, uint32_t *sig)
{
	static const struct {
		const char *name;
		uint32_t sig;
		uint8_t versions;
	} all[] = { { "EPYC", 0x00800f12, 4 }, { "EPYC-IBPB", 0x00800f12, 0 }, { "EPYC-Rome", 0x00830f10, 4 },
		{ "EPYC-Milan", 0x00a00f11, 2 }, { "EPYC-Genoa", 0x00a10f10, 1 }, { "EPYC-Turin", 0x00b00f00, 1 } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t n = strlen(all[i].name);
		struct span rest = span_skip(name, n);
		bool versioned =
		    rest.n == 3 && rest.p[0] == '-' && rest.p[1] == 'v' && rest.p[2] >= '1' && rest.p[2] <= '0' + all[i].versions;

		if (name.n >= n && span_starts(name, all[i].name) && (rest.n == 0 || versioned)) {
			*sig = all[i].sig;
			return true;
		}
	}
	return false;
}

bool snp_features_read(struct span s, uint64_t *out)
{
	uint64_t v = 0;

	if (!span_starts(s, "0x") || s.n < 3 || s.n > 18)
		return false;
	for (size_t i = 2; i < s.n; i++) {
		uint8_t c = s.p[i] | 0x20;

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*out = v;
	return true;
}

/* ---- pages ---- */

/* Table 67: PAGE_INFO holds the digest so far, and its own digest is the next. */
static void extend(uint8_t *ld, enum page_type type, uint64_t gpa, const uint8_t *contents)
{
	uint8_t info[0x70] = { 0 }, next[HASH_MAX];

	memcpy(info, ld, 48);
	if (contents)
		memcpy(info + 0x30, contents, 48);
	le(info + 0x60, sizeof(info), 2);
	info[0x62] = (uint8_t)type; /* no IMI, no permissions of other VMPLs */
	le(info + 0x68, gpa, 8);
	hash_once(HASH_SHA384, SPAN(info), next);
	memcpy(ld, next, 48);
}

static void extend_pages(uint8_t *ld, enum page_type type, uint64_t gpa, struct span s)
{
	uint8_t digest[HASH_MAX];

	for (size_t at = 0; at < s.n; at += FW_PAGE) {
		hash_once(HASH_SHA384, (struct span){ s.p + at, FW_PAGE }, digest);
		extend(ld, type, gpa + at, digest);
	}
}

/* Pages whose content is no part of the digest: zeros by their type, or whatever was there. */
static void extend_memory(uint8_t *ld, enum page_type type, uint64_t gpa, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += FW_PAGE)
		extend(ld, type, gpa + at, NULL);
}

/* ---- kernel hashes: QEMU's "SEV hashes" table, which OVMF compares what it loads with ---- */

#define HASH_ENTRY	  50u
#define HASH_TABLE	  (18u + 3 * HASH_ENTRY)
#define HASH_TABLE_PADDED 176u

static uint8_t *hash_entry(uint8_t *p, const uint8_t *guid, const uint8_t *digest)
{
	memcpy(p, guid, 16);
	le(p + 16, HASH_ENTRY, 2);
	memcpy(p + 18, digest, 32);
	return p + HASH_ENTRY;
}

static void hash_cmdline(struct span cmdline, uint8_t *out)
{
	static const uint8_t nul[1] = { 0 };
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t digest[HASH_MAX];

	hash_add(h, cmdline);
	hash_add(h, SPAN(nul));
	hash_end(h, digest);
	memcpy(out, digest, 32);
}

static void hashes_page(const struct snp_launch *l, size_t offset, uint8_t *page)
{
	static const uint8_t head[16] = { 0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c, 0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11,
		0xfd, 0x21 };
	static const uint8_t cmdline[16] = { 0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c, 0xaa, 0x78, 0xe7, 0x71, 0x4d, 0x36,
		0xab, 0x2a };
	static const uint8_t initrd[16] = { 0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b, 0x9a, 0xf1, 0x41, 0xe2, 0x91, 0x69,
		0x78, 0x1d };
	static const uint8_t kernel[16] = { 0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42, 0xb8, 0x35, 0xd5, 0xb1, 0x72, 0xd2,
		0x04, 0x5b };
	uint8_t digest[32], *p = page + offset;

	memcpy(p, head, 16);
	le(p + 16, HASH_TABLE, 2);
	hash_cmdline(l->cmdline, digest);
	p = hash_entry(p + 18, cmdline, digest);
	sha256(l->initrd, digest);
	p = hash_entry(p, initrd, digest);
	sha256(l->kernel, digest);
	(void)hash_entry(p, kernel, digest);
}

static enum coffer_rc extend_hashes(const struct snp_launch *l, const struct sev_fw *fw, uint64_t gpa, uint8_t *ld, struct err *e)
{
	uint8_t page[FW_PAGE] = { 0 };
	size_t offset = fw->hashes_at % FW_PAGE;

	if (!l->direct) {
		extend_memory(ld, PAGE_ZERO, gpa, FW_PAGE);
		return COFFER_OK;
	}
	if (!fw->has_hashes || fw->hashes_at - offset != gpa || offset > FW_PAGE - HASH_TABLE_PADDED)
		return err_set(e, COFFER_E_INPUT, "firmware: its table of kernel hashes is not in the page for them");
	hashes_page(l, offset, page);
	extend_pages(ld, PAGE_NORMAL, gpa, SPAN(page));
	return COFFER_OK;
}

/* ---- sections ---- */

static enum coffer_rc extend_section(
    const struct snp_launch *l, const struct sev_fw *fw, const struct sev_section *s, uint8_t *ld, struct err *e)
{
	switch (s->type) {
	case SEV_MEM:
		extend_memory(ld, l->vmm == SNP_GCE ? PAGE_UNMEASURED : PAGE_ZERO, s->gpa, s->size);
		return COFFER_OK;
	case SEV_SVSM_CAA:
		extend_memory(ld, PAGE_ZERO, s->gpa, s->size);
		return COFFER_OK;
	case SEV_SECRETS:
		extend(ld, PAGE_SECRETS, s->gpa, NULL);
		return COFFER_OK;
	case SEV_CPUID:
		if (l->vmm != SNP_EC2) /* that one adds it behind all others */
			extend(ld, PAGE_CPUID, s->gpa, NULL);
		return COFFER_OK;
	case SEV_KERNEL_HASHES:
		return extend_hashes(l, fw, s->gpa, ld, e);
	}
	return COFFER_E_BUG;
}

static enum coffer_rc extend_sections(const struct snp_launch *l, const struct sev_fw *fw, uint8_t *ld, struct err *e)
{
	bool hashed = false;

	for (size_t i = 0; i < fw->n; i++) {
		TRY(extend_section(l, fw, &fw->section[i], ld, e));
		hashed |= fw->section[i].type == SEV_KERNEL_HASHES;
	}
	for (size_t i = 0; l->vmm == SNP_EC2 && i < fw->n; i++)
		if (fw->section[i].type == SEV_CPUID)
			extend(ld, PAGE_CPUID, fw->section[i].gpa, NULL);
	if (l->direct && !hashed)
		return err_set(
		    e, COFFER_E_INPUT, "firmware: has no page for kernel hashes; it would load a kernel that nobody measured");
	return COFFER_OK;
}

/* ---- vCPUs ---- */

struct seg {
	uint16_t selector, attrib;
	uint32_t limit, base;
};

static void put_seg(uint8_t *vmsa, size_t at, struct seg s)
{
	le(vmsa + at, s.selector, 2);
	le(vmsa + at + 2, s.attrib, 2);
	le(vmsa + at + 4, s.limit, 4);
	le(vmsa + at + 8, s.base, 8);
}

/* What the VMMs set differently at reset. */
struct reset {
	uint16_t cs_first, cs, ss, tr, fcw;
	uint32_t mxcsr;
	uint64_t rdx, pat;
};

static struct reset reset_of(const struct snp_launch *l)
{
	switch (l->vmm) {
	case SNP_QEMU:
		return (struct reset){ 0x9b, 0x9b, 0x93, 0x8b, 0x37f, 0x1f80, l->vcpu_sig, 0x7040600070406 };
	case SNP_EC2:
		return (struct reset){ 0x9a, 0x9b, 0x92, 0x83, 0, 0, 0x600, 0x7040600070406 };
	case SNP_GCE:
		return (struct reset){ 0x9b, 0x9b, 0x93, 0x8b, 0, 0, 0x600, 0x70106 };
	}
	return (struct reset){ 0 };
}

static void build_vmsa(const struct snp_launch *l, uint32_t eip, uint8_t *v)
{
	struct reset r = reset_of(l);

	memset(v, 0, FW_PAGE);
	put_seg(v, 0x00, (struct seg){ 0, 0x93, 0xffff, 0 }); /* ES */
	put_seg(v, 0x10, (struct seg){ 0xf000, eip == BSP_EIP ? r.cs_first : r.cs, 0xffff, eip & 0xffff0000 });
	put_seg(v, 0x20, (struct seg){ 0, r.ss, 0xffff, 0 });
	put_seg(v, 0x30, (struct seg){ 0, 0x93, 0xffff, 0 }); /* DS, FS, GS */
	put_seg(v, 0x40, (struct seg){ 0, 0x93, 0xffff, 0 });
	put_seg(v, 0x50, (struct seg){ 0, 0x93, 0xffff, 0 });
	put_seg(v, 0x60, (struct seg){ 0, 0, 0xffff, 0 });    /* GDTR */
	put_seg(v, 0x70, (struct seg){ 0, 0x82, 0xffff, 0 }); /* LDTR */
	put_seg(v, 0x80, (struct seg){ 0, 0, 0xffff, 0 });    /* IDTR */
	put_seg(v, 0x90, (struct seg){ 0, r.tr, 0xffff, 0 });
	le(v + 0x0d0, 0x1000, 8);     /* EFER: SVME, set by KVM */
	le(v + 0x148, 0x40, 8);	      /* CR4: MCE, set by KVM */
	le(v + 0x158, 0x10, 8);	      /* CR0 */
	le(v + 0x160, 0x400, 8);      /* DR7 */
	le(v + 0x168, 0xffff0ff0, 8); /* DR6 */
	le(v + 0x170, 0x2, 8);	      /* RFLAGS */
	le(v + 0x178, eip & 0xffff, 8);
	le(v + 0x268, r.pat, 8);
	le(v + 0x310, r.rdx, 8);
	le(v + 0x3b0, l->features, 8);
	le(v + 0x3e8, 1, 8); /* XCR0 */
	le(v + 0x408, r.mxcsr, 4);
	le(v + 0x410, r.fcw, 2);
}

static enum coffer_rc check(const struct snp_launch *l, const struct sev_fw *fw, struct err *e)
{
	if (l->vcpus < 1 || l->vcpus > SNP_VCPUS_MAX)
		return err_set(e, COFFER_E_INPUT, "vCPUs: 1 to %d", SNP_VCPUS_MAX);
	if (!(l->features & 1))
		return err_set(
		    e, COFFER_E_INPUT, "guest features 0x%llx: bit 0 says SNP, and is not set", (unsigned long long)l->features);
	if (span_find(l->cmdline, 0) != l->cmdline.n)
		return err_set(e, COFFER_E_INPUT, "the command line holds a NUL");
	if (l->vcpus > 1 && !fw->has_ap)
		return err_set(e, COFFER_E_INPUT, "firmware: does not say where a second vCPU starts");
	return COFFER_OK;
}

enum coffer_rc snp_measure(const struct snp_launch *l, uint8_t out[static SNP_MEASUREMENT], struct err *e)
{
	uint8_t ld[48] = { 0 }, page[FW_PAGE];
	struct sev_fw fw;

	TRY(sev_fw_read(l->firmware, &fw, e));
	TRY(check(l, &fw, e));
	extend_pages(ld, PAGE_NORMAL, (1ull << 32) - l->firmware.n, l->firmware);
	TRY(extend_sections(l, &fw, ld, e));
	for (size_t i = 0; i < l->vcpus; i++) {
		if (i < 2)
			build_vmsa(l, i == 0 ? BSP_EIP : fw.ap_eip, page);
		extend_pages(ld, PAGE_VMSA, VMSA_GPA, SPAN(page));
	}
	memcpy(out, ld, SNP_MEASUREMENT);
	return COFFER_OK;
}
