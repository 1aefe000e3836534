/* A maker of NVIDIA devices' reports for tests: a root, an issuer below it, a middle one, a leaf that names its firmware, and a
 * report signed by it, by keys made on the spot. */
#pragma once
#include "evidence/nvidia_device.h"
#include "tests/evkit.h"

#define NVKIT_NOW INT64_C(1800000000)

/* How a device departs from a good one. */
struct nvkit_how {
	bool ls10, late, other_fwid, no_fwid, swapped, no_middle, extra, other_signer, other_root, protected_pcie;
	uint8_t id; /* of a switch, and of what a GPU lists: 1 .. n_switches */
	uint8_t n_switches;
};
struct nvkit {
	EVP_PKEY *root, *ca, *mid;
	struct wr root_der;
	struct collateral col;
};
void nvkit_open(struct nvkit *k);
void nvkit_close(struct nvkit *k);
/* Appends report and PEM chain. Blocks are 1 and 2, 48 bytes 0xa1 and 0xa2; VBIOS and driver (of a GPU) of these versions: */
#define NVKIT_VBIOS "96.00.9f.00.01"
#define NVKIT_DRIVER "550.1"
void nvkit_device(struct nvkit *k, const struct nvkit_how *how, struct span nonce, struct wr *report, struct wr *pem);
/* One item of device_evidence_list. */
void nvkit_item(struct json_wr *j, const char *arch, struct span report, struct span pem);
