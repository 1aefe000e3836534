/* One NVIDIA device of the evidence: what it reported, its certificates, and its claims. */
#pragma once
#include "crypto/cert.h"
#include "evidence/spdm.h"
#include "fmt/json.h"

/* Types of opaque data in a report. */
enum nv_field {
	NV_DRIVER_VERSION = 3,
	NV_GPU_INFO = 4,
	NV_VBIOS_VERSION = 6,
	NV_NVDEC0_STATUS = 11,
	NV_MEASUREMENT_COUNT = 12,
	NV_CPR_INFO = 13,
	NV_BOARD_ID = 14,
	NV_CHIP_SKU = 15,
	NV_CHIP_SKU_MOD = 16,
	NV_PROJECT = 17,
	NV_PROJECT_SKU = 18,
	NV_PROJECT_SKU_MOD = 19,
	NV_FWID = 20,
	NV_PROTECTED_PCIE = 21,
	NV_SWITCH_PDI = 22,
	NV_POSITION_ID = 24,
	NV_LOCK_SWITCH_STATUS = 25
};

struct nv_device {
	bool ls10;	/* a switch; else a Hopper GPU */
	struct wr uuid; /* empty: not told */
	struct wr raw;
	struct spdm_report r;	/* borrows from raw */
	struct cert_list chain; /* leaf first */
};
void nv_device_clear(struct nv_device *d);
/* From the report's bytes, or their hex; takes neither. COFFER_E_INPUT. */
enum coffer_rc nv_device_read(struct span report, struct nv_device *d, struct err *e) NODISCARD;
/* What the report says it is: a switch tells its position, a GPU its driver. */
bool nv_device_is_ls10(const struct nv_device *d);
/* The firmware's digest in the leaf (OID 2.23.133.5.4.1, CompositeDeviceID: version, key, FWID), SHA-384;
 * false for another form. */
bool nv_leaf_fwid(const struct cert *leaf, struct span *fwid) NODISCARD;

/* What a manifest calls them; "" where the report has none, or no plain text. */
#define NV_VERSION_MAX 64
void nv_vbios(const struct nv_device *d, char out[static NV_VERSION_MAX]);
void nv_driver(const struct nv_device *d, char out[static NV_VERSION_MAX]);

/* Members arch, config, measurements, uuid with `devices` and the rest put between by the caller: see nvidia.c. */
void nv_config(const struct nv_device *d, struct json_wr *j);	    /* an object */
void nv_measurements(const struct nv_device *d, struct json_wr *j); /* an object */
const char *nv_arch(const struct nv_device *d);
struct span nv_uuid(const struct nv_device *d);
void nv_values(const struct nv_device *d, struct json_wr *j); /* members of an open object */
