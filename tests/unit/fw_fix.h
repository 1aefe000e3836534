/* Firmware as OVMF builds it, made here: pages of a pattern, metadata at the front, the table of GUIDs at the end. */
#pragma once
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "evidence/measure_fw.h"

#define FIX_PAGES 2u
#define FIX_SIZE (FIX_PAGES * FW_PAGE)

static const uint8_t fix_guid_footer[16] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45, 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };
static const uint8_t fix_guid_sev[16] = { 0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47, 0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc };
static const uint8_t fix_guid_tdx[16] = { 0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47, 0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2 };
static const uint8_t fix_guid_tdvf[16] = { 0xf3, 0xf9, 0xea, 0xe9, 0x8e, 0x16, 0xd5, 0x44, 0xa8, 0xeb, 0x7f, 0x4d, 0x87, 0x38, 0xf6, 0xae };
static const uint8_t fix_guid_hashes[16] = { 0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b, 0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54 };
static const uint8_t fix_guid_reset[16] = { 0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f, 0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e };

struct fix { uint8_t b[FIX_SIZE]; size_t top; }; /* top: where the next entry, from above, ends */

static inline void fix_le(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void fix_entry(struct fix *f, const uint8_t *guid, uint32_t v)
{
	f->top -= 22;
	fix_le(f->b + f->top, v, 4);
	fix_le(f->b + f->top + 4, 22, 2);
	memcpy(f->b + f->top + 6, guid, 16);
}

/* SEV metadata at 0x100, TDVF metadata at 0x210, its GUID at 0x200. */
#define FIX_SEV 0x100u
#define FIX_TDVF 0x210u

static inline void fix_sev_section(struct fix *f, size_t i, uint32_t gpa, uint32_t size, uint32_t type)
{
	uint8_t *p = f->b + FIX_SEV + 16 + 12 * i;

	fix_le(p, gpa, 4);
	fix_le(p + 4, size, 4);
	fix_le(p + 8, type, 4);
	fix_le(f->b + FIX_SEV + 4, 16 + 12 * (i + 1), 4);
	fix_le(f->b + FIX_SEV + 12, i + 1, 4);
}

struct fix_tdvf { uint32_t at, n; uint64_t gpa, size; uint32_t type, attributes; };

static inline void fix_tdvf_section(struct fix *f, size_t i, struct fix_tdvf s)
{
	uint8_t *p = f->b + FIX_TDVF + 16 + 32 * i;

	fix_le(p, s.at, 4);
	fix_le(p + 4, s.n, 4);
	fix_le(p + 8, s.gpa, 8);
	fix_le(p + 16, s.size, 8);
	fix_le(p + 24, s.type, 4);
	fix_le(p + 28, s.attributes, 4);
	fix_le(f->b + FIX_TDVF + 4, 16 + 32 * (i + 1), 4);
	fix_le(f->b + FIX_TDVF + 12, i + 1, 4);
}

/* Without a page for kernel hashes unless wanted. */
static inline void fix_make(struct fix *f, bool hashes)
{
	size_t end = FIX_SIZE - 32 - 18;

	for (size_t i = 0; i < FIX_SIZE; i++)
		f->b[i] = (uint8_t)(i * 7 >> 3);
	f->top = end;
	fix_entry(f, fix_guid_sev, FIX_SIZE - FIX_SEV);
	fix_entry(f, fix_guid_tdx, FIX_SIZE - FIX_TDVF);
	fix_entry(f, fix_guid_reset, 0x80b004);
	if (hashes)
		fix_entry(f, fix_guid_hashes, 0x810c00);
	fix_le(f->b + end, end - f->top + 18, 2);
	memcpy(f->b + end + 2, fix_guid_footer, 16);
	memcpy(f->b + FIX_SEV, "ASEV", 4);
	fix_le(f->b + FIX_SEV + 8, 1, 4);
	fix_sev_section(f, 0, 0x800000, 0x2000, SEV_MEM);
	fix_sev_section(f, 1, 0x80d000, 0x1000, SEV_SECRETS);
	fix_sev_section(f, 2, 0x80e000, 0x1000, SEV_CPUID);
	if (hashes)
		fix_sev_section(f, 3, 0x810000, 0x1000, SEV_KERNEL_HASHES);
	memcpy(f->b + FIX_TDVF - 16, fix_guid_tdvf, 16);
	memcpy(f->b + FIX_TDVF, "TDVF", 4);
	fix_le(f->b + FIX_TDVF + 8, 1, 4);
	fix_tdvf_section(f, 0, (struct fix_tdvf){ 0x1000, 0xf00, 0xfffff000, 0x1000, TDVF_BFV, TDVF_EXTEND });
	fix_tdvf_section(f, 1, (struct fix_tdvf){ 0, 0x1000, 0xffffe000, 0x1000, TDVF_CFV, 0 });
	fix_tdvf_section(f, 2, (struct fix_tdvf){ 0, 0, 0x809000, 0x2000, TDVF_TD_HOB, 0 });
	fix_tdvf_section(f, 3, (struct fix_tdvf){ 0, 0, 0x820000, 0x1000, TDVF_PERM_MEM, TDVF_AUG });
}

static inline struct span fix_span(const struct fix *f)
{
	return (struct span){ f->b, FIX_SIZE };
}
