/* What NVIDIA's devices measured against the signed manifests of their firmware and driver. */
#pragma once
#include "evidence/evidence.h"
#include "evidence/nvidia_device.h"

struct nv_manifests { struct ev_manifest m[EV_FILES_MAX]; size_t n; };
void nv_manifests_clear(struct nv_manifests *m);
/* Those among the collateral that hold; the others are noted in out (check "manifests") and count for nothing. Without a
 * reader, or without any, there are none. COFFER_E_SYSTEM. */
enum coffer_rc nv_manifests_read(const struct ev_in *in, struct nv_manifests *m, struct ev_out *out, struct err *e) NODISCARD;
/* Member rim_match {driver, mismatches, vbios} of an open object, where a manifest is of the device's VBIOS or driver by its
 * version: each is true when every active measurement of a manifest of that version has among its digests what the device
 * measured (index i is block i + 1). mismatches: the indices that have not. A switch has no driver. */
void nv_rim_match(const struct nv_manifests *m, const struct nv_device *d, struct json_wr *j);
