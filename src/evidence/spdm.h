/* SPDM 1.1 (DMTF DSP0274) GET_MEASUREMENTS: a request and the response to it, one behind the other, as NVIDIA's devices report.
 *
 * Pure: borrows from `in`, allocates nothing. The forms are exact: all measurements are asked for with a signature, blocks are
 * DMTF blocks with rising indices, opaque data is NVIDIA's list of (type, length, value) with no type twice, the signature is
 * ECDSA P-384. NOT checked: the signature, the nonce, what a measurement is. All fields are little endian. */
#pragma once
#include "base/rd.h"

#define SPDM_BLOCKS_MAX 128
#define SPDM_OPAQUE_MAX 64
#define SPDM_SIG_LEN	96
#define SPDM_REPORT_MAX (64u << 10)

struct spdm_block {
	uint8_t index, kind;
	struct span value;
};
struct spdm_opaque {
	uint16_t type;
	struct span value;
};
struct spdm_report {
	struct span nonce;     /* 32 bytes, the requester's */
	struct span rsp_nonce; /* 32 bytes, the device's */
	struct spdm_block block[SPDM_BLOCKS_MAX];
	size_t n_blocks;
	struct spdm_opaque opaque[SPDM_OPAQUE_MAX];
	size_t n_opaque;
	struct span signed_part; /* request and response up to the signature */
	struct span signature;	 /* r || s */
	bool stray;		 /* one zero byte behind: some guests' transport pads; it is neither signed nor read */
};

/* COFFER_E_INPUT; *out is untouched then. */
enum coffer_rc spdm_report_parse(struct span in, struct spdm_report *out, struct err *e) NODISCARD;
struct span spdm_opaque_find(const struct spdm_report *r, uint16_t type); /* {NULL,0}: absent */
