/* Hygon CSV attestation report and the certificates above it: bytes -> struct. No I/O, no crypto, no log.
 * Layouts as Hygon's own library csv-rs has them (its sizes: 336, 832, 2084). Numbers are little endian, SM2 alone.
 *
 * Reports of the first form only: the extended one (firmware API 1.4, magic "ATTESTATION_EXT", flag 1) is not read. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "fmt/json.h"

#define CSV_REPORT_LEN 336 /* bytes read of the report; its page goes on with what nothing here needs */
#define CSV_SIGNED_LEN 180 /* from offset 0, as they are: still masked with the anonce */
#define CSV_CA_LEN 832     /* HRK, HSK */
#define CSV_CERT_LEN 2084  /* CEK, PEK */

enum csv_usage { CSV_HRK = 0, CSV_HSK = 0x13, CSV_PEK = 0x1002, CSV_CEK = 0x1004 };
#define CSV_ALGO_SM2 4

struct csv_report { /* unmasked: each field XOR the anonce over and over. The anonce itself is not signed (docs/evidence.md) */
	struct span body; /* what is signed, borrowed */
	uint8_t     user_pubkey_digest[32], vm_id[16], vm_version[16], report_data[64], mnonce[16];
	uint8_t     measure[32]; /* SM3 launch digest */
	uint32_t    policy; /* bits 0 no debug, 1 no key sharing, 2 ES, 3 no send, 4 domain, 5 CSV, 6 CSV3, 7 ASID reuse, 8-31 versions */
	uint32_t    sig_usage, sig_algo;
	uint8_t     anonce[4];
	uint8_t     rs[64]; /* big endian */
};
/* At least CSV_REPORT_LEN bytes. COFFER_E_INPUT. */
enum coffer_rc csv_report_parse(struct span in, struct csv_report *out, struct err *e) NODISCARD;

struct csv_cert {
	struct span body;    /* what is signed, borrowed */
	uint32_t    usage;   /* of its key: enum csv_usage and others */
	struct span id;      /* of its key's holder, for SM2; borrowed, 1 to 254 bytes */
	uint8_t     xy[64];  /* big endian */
	struct { uint32_t usage; uint8_t rs[64]; } sig[2]; /* by keys of that usage; n_sigs of them are SM2's */
	size_t      n_sigs;
};
/* Exactly CSV_CA_LEN or CSV_CERT_LEN bytes. COFFER_E_INPUT also for a curve or algorithm that is not SM2's. */
enum coffer_rc csv_cert_parse(struct span in, struct csv_cert *out, struct err *e) NODISCARD;

/* Upstream's JSON of a certificate as its bytes, appended to w. Members beside the layout's have no effect. COFFER_E_INPUT. */
enum coffer_rc csv_ca_pack(const struct json *v, struct wr *w, struct err *e) NODISCARD;
enum coffer_rc csv_cert_pack(const struct json *v, struct wr *w, struct err *e) NODISCARD;
