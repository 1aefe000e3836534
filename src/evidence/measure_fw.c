#include "evidence/measure_fw.h"

#include <string.h>

#include "base/str.h"

/* GUIDs as they lie in memory: the first three fields little-endian. */
static const uint8_t guid_footer[16] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45, 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08,
	0x2d };
static const uint8_t guid_hashes[16] = { 0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b, 0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4,
	0x54 };
static const uint8_t guid_reset[16] = { 0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f, 0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4,
	0x4e };
static const uint8_t guid_sev[16] = { 0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47, 0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67,
	0xcc };
static const uint8_t guid_tdx[16] = { 0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47, 0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e,
	0xc2 };
static const uint8_t guid_tdvf[16] = { 0xf3, 0xf9, 0xea, 0xe9, 0x8e, 0x16, 0xd5, 0x44, 0xa8, 0xeb, 0x7f, 0x4d, 0x87, 0x38, 0xf6,
	0xae };

#define BEHIND	   32u /* bytes between the table's end and the firmware's: the reset vector */
#define ENTRY_TAIL 18u /* length and GUID, which stand behind an entry's data */

static bool same_guid(const uint8_t *p, const uint8_t *guid)
{
	return memcmp(p, guid, 16) == 0; /* public: names in a file */
}

/* Takes the last entry off a table that is read from its end; false at its beginning or where it is malformed. */
static bool last_entry(struct span *table, const uint8_t **guid, struct span *data)
{
	size_t n;

	if (table->n < ENTRY_TAIL)
		return false;
	*guid = table->p + table->n - 16;
	n = (size_t)(*guid)[-2] | (size_t)(*guid)[-1] << 8;
	if (n < ENTRY_TAIL || n > table->n)
		return false;
	*data = (struct span){ table->p + table->n - n, n - ENTRY_TAIL };
	table->n -= n;
	return true;
}

bool fw_entry(struct span fw, const uint8_t guid[static 16], struct span *out)
{
	struct span table, data;
	const uint8_t *name;

	if (fw.n < BEHIND)
		return false;
	table = (struct span){ fw.p, fw.n - BEHIND };
	if (!last_entry(&table, &name, &data) || !same_guid(name, guid_footer))
		return false;
	while (last_entry(&data, &name, &table)) /* the footer's data are the entries; table is what is taken off */
		if (same_guid(name, guid)) {
			*out = table;
			return true;
		}
	return false;
}

static bool entry_u32(struct span fw, const uint8_t *guid, uint32_t *out)
{
	struct span data;
	struct rd r;

	if (!fw_entry(fw, guid, &data))
		return false;
	r = rd_open(data);
	*out = rd_le32(&r);
	return rd_ok(&r);
}

static bool pages(uint64_t gpa, uint64_t size)
{
	return gpa % FW_PAGE == 0 && size % FW_PAGE == 0 && size <= FW_PREPARED_MAX && gpa <= (1ull << 52) - size;
}

static bool sev_known(uint32_t type)
{
	return (type >= SEV_MEM && type <= SEV_SVSM_CAA) || type == SEV_KERNEL_HASHES;
}

static enum coffer_rc sev_sections(struct rd *r, struct sev_fw *out, struct err *e)
{
	uint64_t total = 0;

	for (size_t i = 0; i < out->n; i++) {
		struct sev_section *s = &out->section[i];
		uint32_t type;

		s->gpa = rd_le32(r);
		s->size = rd_le32(r);
		type = rd_le32(r);
		if (!rd_ok(r) || !pages(s->gpa, s->size))
			return err_set(e, COFFER_E_INPUT, "firmware: SEV section %zu is not of whole pages", i);
		if (!sev_known(type))
			return err_set(e, COFFER_E_INPUT, "firmware: SEV section %zu is of unknown type %u", i, type);
		if (type != SEV_MEM && type != SEV_SVSM_CAA && s->size != FW_PAGE)
			return err_set(e, COFFER_E_INPUT, "firmware: SEV section %zu is not one page", i);
		s->type = (enum sev_section_type)type;
		total += s->size;
	}
	return total <= FW_PREPARED_MAX ? COFFER_OK
					: err_set(e, COFFER_E_LIMIT, "firmware: its sections ask for too much memory");
}

enum coffer_rc sev_fw_read(struct span fw, struct sev_fw *out, struct err *e)
{
	struct sev_fw s = { 0 };
	uint32_t back, magic, len, n;
	struct rd r;

	if (fw.n > FW_MAX)
		return err_set(e, COFFER_E_LIMIT, "firmware: larger than %u bytes", FW_MAX);
	if (fw.n == 0 || fw.n % FW_PAGE != 0)
		return err_set(e, COFFER_E_INPUT, "firmware: not of whole pages");
	if (!entry_u32(fw, guid_sev, &back) || back > fw.n)
		return err_set(e, COFFER_E_INPUT, "firmware: has no SEV metadata; this is no OVMF made for SEV-SNP");
	r = rd_open(span_skip(fw, fw.n - back));
	magic = rd_le32(&r);
	len = rd_le32(&r);
	(void)rd_le32(&r); /* version: 1; later ones only added types, and those are refused one by one */
	n = rd_le32(&r);
	s.n = rd_count(&r, n, 12, FW_SECTIONS_MAX);
	if (!rd_ok(&r) || magic != 0x56455341 || s.n == 0 || len < 16 + 12 * (uint64_t)s.n)
		return err_set(e, COFFER_E_INPUT, "firmware: malformed SEV metadata");
	TRY(sev_sections(&r, &s, e));
	s.has_ap = entry_u32(fw, guid_reset, &s.ap_eip);
	s.has_hashes = entry_u32(fw, guid_hashes, &s.hashes_at);
	*out = s;
	return COFFER_OK;
}

/* ---- TDVF ---- */

static enum coffer_rc tdvf_section(struct span fw, struct rd *r, size_t i, struct tdvf_section *s, struct err *e)
{
	uint32_t at = rd_le32(r), n = rd_le32(r), type;

	s->gpa = rd_le64(r);
	s->size = rd_le64(r);
	type = rd_le32(r);
	s->attributes = rd_le32(r);
	if (!rd_ok(r) || !pages(s->gpa, s->size) || n > s->size)
		return err_set(e, COFFER_E_INPUT, "firmware: TDVF section %zu is not of whole pages", i);
	if (type > TDVF_PAYLOAD_PARAM || s->attributes & ~(TDVF_EXTEND | TDVF_AUG))
		return err_set(e, COFFER_E_INPUT, "firmware: TDVF section %zu is of unknown type %u or attributes 0x%x", i, type,
		    s->attributes);
	if (at > fw.n || n > fw.n - at)
		return err_set(e, COFFER_E_INPUT, "firmware: TDVF section %zu lies outside the file", i);
	if (type == TDVF_PAYLOAD || type == TDVF_PAYLOAD_PARAM)
		return err_set(
		    e, COFFER_E_INPUT, "firmware: TDVF section %zu is a payload that the VMM fills; not measured here", i);
	s->type = (enum tdvf_type)type;
	if (n > 0)
		s->data = (struct span){ fw.p + at, n };
	return COFFER_OK;
}

enum coffer_rc tdvf_read(struct span fw, struct tdvf *out, struct err *e)
{
	struct tdvf t = { 0 };
	uint32_t back, magic, len, version, n;
	uint64_t total = 0;
	struct rd r;

	if (fw.n > FW_MAX)
		return err_set(e, COFFER_E_LIMIT, "firmware: larger than %u bytes", FW_MAX);
	if (!entry_u32(fw, guid_tdx, &back))
		return err_set(e, COFFER_E_NOTFOUND, "firmware: has no TDVF metadata; this is no firmware made for TDX");
	if (back > fw.n || fw.n - back < 16 || !same_guid(fw.p + fw.n - back - 16, guid_tdvf))
		return err_set(e, COFFER_E_INPUT, "firmware: TDVF metadata is not where the table says");
	r = rd_open(span_skip(fw, fw.n - back));
	magic = rd_le32(&r);
	len = rd_le32(&r);
	version = rd_le32(&r);
	n = rd_le32(&r);
	t.n = rd_count(&r, n, 32, FW_SECTIONS_MAX);
	if (!rd_ok(&r) || magic != 0x46564454 || version != 1 || t.n == 0 || len < 16 + 32 * (uint64_t)t.n)
		return err_set(e, COFFER_E_INPUT, "firmware: malformed TDVF metadata");
	for (size_t i = 0; i < t.n; i++) {
		TRY(tdvf_section(fw, &r, i, &t.section[i], e));
		total += t.section[i].size;
	}
	if (total > FW_PREPARED_MAX)
		return err_set(e, COFFER_E_LIMIT, "firmware: its sections ask for too much memory");
	*out = t;
	return COFFER_OK;
}
