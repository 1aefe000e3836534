#include "evidence/nvidia_device.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"

void nv_device_clear(struct nv_device *d)
{
	wr_close(&d->uuid);
	wr_close(&d->raw);
	certs_clear(&d->chain);
	*d = (struct nv_device){ 0 };
}

enum coffer_rc nv_device_read(struct span report, struct nv_device *d, struct err *e)
{
	d->raw = wr_open(SPDM_REPORT_MAX);
	if (report.n > 0 && report.p[0] == 0x11)
		wr_put(&d->raw, report);
	else if (!hex_read(report, &d->raw))
		return err_set(e, COFFER_E_INPUT, "nvidia: a report is neither bytes of SPDM 1.1 nor their hex");
	if (!wr_ok(&d->raw))
		return err_set(e, COFFER_E_INPUT, "nvidia: a report is longer than %u bytes", SPDM_REPORT_MAX);
	return spdm_report_parse(wr_span(&d->raw), &d->r, e);
}

bool nv_device_is_ls10(const struct nv_device *d)
{
	return spdm_opaque_find(&d->r, NV_POSITION_ID).p && !spdm_opaque_find(&d->r, NV_DRIVER_VERSION).p;
}

const char *nv_arch(const struct nv_device *d)
{
	return d->ls10 ? "LS10" : "Hopper";
}

struct span nv_uuid(const struct nv_device *d)
{
	return d->uuid.n > 0 ? wr_span(&d->uuid) : span_of("unknown");
}

/* ---- the leaf's firmware digest ---- */

static struct span der(struct rd *r, uint8_t tag)
{
	size_t n;

	if (rd_u8(r) != tag)
		r->bad = true;
	n = rd_u8(r);
	if (n == 0x81) {
		n = rd_u8(r);
		r->bad = r->bad || n < 0x80;
	} else if (n > 0x7f) {
		r->bad = true; /* nothing here is that long */
	}
	return rd_span(r, r->bad ? 0 : n);
}

bool nv_leaf_fwid(const struct cert *leaf, struct span *fwid)
{
	static const uint8_t sha384[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02 }, one[] = { 1 };
	struct span value, version, alg, digest;
	struct rd outer, all, inner;

	if (!cert_ext(leaf, "2.23.133.5.4.1", &value))
		return false;
	outer = rd_open(value);
	all = rd_open(der(&outer, 0x30));
	version = der(&all, 0x02);
	(void)der(&all, 0x30); /* the device's own key */
	inner = rd_open(der(&all, 0x30));
	alg = der(&inner, 0x06);
	digest = der(&inner, 0x04);
	if (!rd_done(&outer) || !rd_done(&all) || !rd_done(&inner) || !span_eq(version, SPAN(one)) ||
	    !span_eq(alg, SPAN(sha384)) || digest.n != 48)
		return false;
	*fwid = digest;
	return true;
}

/* ---- versions ---- */

static void plain(struct span s, char out[static NV_VERSION_MAX])
{
	size_t n = span_find(s, 0);

	out[0] = '\0';
	if (n >= NV_VERSION_MAX)
		return;
	for (size_t i = 0; i < n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return;
	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

void nv_vbios(const struct nv_device *d, char out[static NV_VERSION_MAX])
{
	struct span s = spdm_opaque_find(&d->r, NV_VBIOS_VERSION);

	if (d->ls10 || s.n != 8)
		plain(s, out);
	else
		(void)snprintf(out, NV_VERSION_MAX, "%02x.%02x.%02x.%02x.%02x", s.p[3], s.p[2], s.p[1], s.p[0], s.p[4]);
}

void nv_driver(const struct nv_device *d, char out[static NV_VERSION_MAX])
{
	plain(spdm_opaque_find(&d->r, NV_DRIVER_VERSION), out);
}

/* ---- claims ---- */

/* Text up to its first NUL; what is no plain text is written in hex. */
static void text_m(struct json_wr *j, const char *name, struct span s)
{
	struct span t = { s.p, span_find(s, 0) };

	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] < 0x20 || t.p[i] > 0x7e) {
			jw_m_hex(j, name, s);
			return;
		}
	}
	jw_m_str(j, name, t);
}

/* A GPU's is a number in 8 bytes, shown as a.b.c.d.e; a switch's is text. */
static void vbios_m(struct json_wr *j, const struct nv_device *d)
{
	struct span s = spdm_opaque_find(&d->r, NV_VBIOS_VERSION);
	char t[NV_VERSION_MAX];

	if (d->ls10 || s.n != 8) {
		text_m(j, "vbios_version", s);
		return;
	}
	nv_vbios(d, t);
	jw_m_text(j, "vbios_version", t);
}

static void counts_m(struct json_wr *j, struct span s)
{
	struct rd r = rd_open(s);
	char name[16];

	jw_name(j, "measurement_count");
	jw_obj(j);
	for (size_t i = 1; r.n >= 4; i++) {
		(void)snprintf(name, sizeof(name), "%zu", i);
		jw_m_u64(j, name, rd_le32(&r));
	}
	jw_obj_end(j);
}

static const struct {
	const char *name;
	enum nv_field type;
	bool text;
} fields[] = {
	{ "board_id", NV_BOARD_ID, false },
	{ "chip_sku", NV_CHIP_SKU, true },
	{ "chip_sku_mod", NV_CHIP_SKU_MOD, true },
	{ "cpr_info", NV_CPR_INFO, false },
	{ "driver_version", NV_DRIVER_VERSION, true },
	{ "fwid", NV_FWID, false },
	{ "gpu_info", NV_GPU_INFO, false },
	{ "lock_switch_status", NV_LOCK_SWITCH_STATUS, false },
	{ "measurement_count", NV_MEASUREMENT_COUNT, false },
	{ "nvdec0_status", NV_NVDEC0_STATUS, true },
	{ "position_id", NV_POSITION_ID, false },
	{ "project", NV_PROJECT, true },
	{ "project_sku", NV_PROJECT_SKU, true },
	{ "project_sku_mod", NV_PROJECT_SKU_MOD, false },
	{ "protected_pcie_status", NV_PROTECTED_PCIE, true },
	{ "switch_pdi", NV_SWITCH_PDI, false },
	{ "vbios_version", NV_VBIOS_VERSION, true },
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

void nv_config(const struct nv_device *d, struct json_wr *j)
{
	jw_obj(j);
	for (size_t i = 0; i < N_FIELDS; i++) {
		struct span s = spdm_opaque_find(&d->r, (uint16_t)fields[i].type);

		if (!s.p)
			continue;
		if (fields[i].type == NV_MEASUREMENT_COUNT)
			counts_m(j, s);
		else if (fields[i].type == NV_VBIOS_VERSION)
			vbios_m(j, d);
		else if (fields[i].text)
			text_m(j, fields[i].name, s);
		else
			jw_m_hex(j, fields[i].name, s);
	}
	jw_obj_end(j);
}

void nv_measurements(const struct nv_device *d, struct json_wr *j)
{
	char name[8];

	jw_obj(j);
	for (size_t i = 0; i < d->r.n_blocks; i++) {
		(void)snprintf(name, sizeof(name), "%u", (unsigned)d->r.block[i].index);
		jw_m_hex(j, name, d->r.block[i].value);
	}
	jw_obj_end(j);
}

static void optional_m(struct json_wr *j, const char *name, struct span s, bool text)
{
	if (!s.p) {
		jw_name(j, name);
		jw_null(j);
	} else if (text) {
		text_m(j, name, s);
	} else {
		jw_m_hex(j, name, s);
	}
}

void nv_values(const struct nv_device *d, struct json_wr *j)
{
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t digest[HASH_MAX];

	jw_m_u64(j, "blocks", d->r.n_blocks);
	optional_m(j, "chip_sku", spdm_opaque_find(&d->r, NV_CHIP_SKU), true);
	optional_m(j, "driver_version", spdm_opaque_find(&d->r, NV_DRIVER_VERSION), true);
	optional_m(j, "fwid", spdm_opaque_find(&d->r, NV_FWID), false);
	optional_m(j, "lock_switch_status", spdm_opaque_find(&d->r, NV_LOCK_SWITCH_STATUS), false);
	for (size_t i = 0; i < d->r.n_blocks; i++) {
		hash_add(h, d->r.block[i].value);
		if (d->r.block[i].index == 1)
			jw_m_hex(j, "measurement_1", d->r.block[i].value);
	}
	hash_end(h, digest);
	jw_m_hex(j, "measurements_sha256", (struct span){ digest, 32 });
	jw_m_hex(j, "nonce", d->r.nonce);
	optional_m(j, "position_id", spdm_opaque_find(&d->r, NV_POSITION_ID), false);
	optional_m(j, "project", spdm_opaque_find(&d->r, NV_PROJECT), true);
	optional_m(j, "project_sku", spdm_opaque_find(&d->r, NV_PROJECT_SKU), true);
	optional_m(j, "protected_pcie_status", spdm_opaque_find(&d->r, NV_PROTECTED_PCIE), false);
	jw_m_bool(j, "stray_byte", d->r.stray);
	optional_m(j, "switch_pdi", spdm_opaque_find(&d->r, NV_SWITCH_PDI), false);
	optional_m(j, "vbios_raw", spdm_opaque_find(&d->r, NV_VBIOS_VERSION), false);
	vbios_m(j, d);
}
