/* What vendors publish about their platforms, each by one strict textual key: the closed set that `fetch` fetches.
 *
 *   amd/vcek/PRODUCT/HWID/TCB       a chip's certificate; PRODUCT milan|genoa|turin; HWID lower-case hex of 64 bytes (turin: 8);
 *                                   TCB bootloader-tee-snp-microcode in decimal (turin: fmc- before it)
 *   amd/vcek/PRODUCT/cert_chain     ASK and ARK       amd/vlek/PRODUCT/cert_chain
 *   amd/vcek/PRODUCT/crl            ARK's list        amd/vlek/PRODUCT/crl
 *   intel/tdx/tcb/FMSPC             TCB info; FMSPC lower-case hex of 6 bytes           intel/sgx/tcb/FMSPC
 *   intel/tdx/qe                    identity of the quoting enclave                     intel/sgx/qe
 *   intel/pckcrl/platform           list of the CA named                                intel/pckcrl/processor
 *   intel/rootcrl                   list of Intel's root
 *
 * Pure: text to struct and back; one key has one spelling. URLs: AMD 57230 "VCEK Certificate and KDS Interface"; Intel PCS API
 * version 4. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define VENDOR_KEY_MAX 192  /* bytes of a key, NUL included */
#define VENDOR_PATH_MAX 320 /* bytes of a URL's path and query, NUL included */

enum vendor_kind {
	VENDOR_VCEK, VENDOR_AMD_CHAIN, VENDOR_AMD_CRL, VENDOR_TCB_INFO, VENDOR_QE_IDENTITY, VENDOR_PCK_CRL, VENDOR_ROOT_CRL
};
enum vendor_product { VENDOR_MILAN, VENDOR_GENOA, VENDOR_TURIN };
enum vendor_origin { VENDOR_AMD, VENDOR_INTEL, VENDOR_INTEL_ROOT, VENDOR_ORIGINS };
enum vendor_shape { VENDOR_DER, VENDOR_PEM, VENDOR_JSON };

struct vendor_item {
	enum vendor_kind    kind;
	enum vendor_product product;  /* AMD */
	bool                vlek;     /* chain, list */
	uint8_t             hwid[64];
	size_t              hwid_n;   /* 64, or 8 */
	uint8_t             fmc, bootloader, tee, snp, microcode;
	bool                tdx;      /* TCB info, identity; else sgx */
	uint8_t             fmspc[6];
	bool                platform; /* PCK list; else processor */
};

/* COFFER_E_INPUT for anything but a key in its one spelling; *out is written on success alone. */
enum coffer_rc vendor_item_parse(struct span key, struct vendor_item *out, struct err *e) NODISCARD;
void vendor_item_key(const struct vendor_item *i, char out[static VENDOR_KEY_MAX]);

enum vendor_origin vendor_item_origin(const struct vendor_item *i);
/* Path and query at its origin, each value already free of what would need escaping. */
void vendor_item_path(const struct vendor_item *i, char out[static VENDOR_PATH_MAX]);
/* The reply header that holds the issuers' certificates (percent-encoded PEM); NULL: none is sent. */
const char *vendor_item_issuers(const struct vendor_item *i);
enum vendor_shape vendor_item_shape(const struct vendor_item *i);
/* True: what was published stays true (a chip's certificate for one firmware); its age says nothing. */
bool vendor_item_lasting(const struct vendor_item *i);
/* File names in upstream's store of VCEKs, relative: one for this firmware, and the old one for any. False: no VCEK. */
bool vendor_item_store_names(
    const struct vendor_item *i, char tcb[static VENDOR_PATH_MAX], char any[static VENDOR_PATH_MAX]) NODISCARD;

/* That b has the item's outer form: one whole DER SEQUENCE, PEM certificates, or a signed JSON document of that name. Says
 * nothing about what is inside, nor who signed it. */
bool vendor_shape_ok(const struct vendor_item *i, struct span b) NODISCARD;
bool vendor_pem_ok(struct span b) NODISCARD;
