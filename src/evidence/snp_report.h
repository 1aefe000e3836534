/* AMD SEV-SNP attestation report: bytes -> struct. No I/O, no crypto, no log.
 * Spec: AMD 56860 "SEV-SNP Firmware ABI", ATTESTATION_REPORT; versions 2, 3, 4 and 5. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "fmt/json.h"

#define SNP_REPORT_LEN 0x4A0u /* bytes */
#define SNP_SIGNED_LEN 0x2A0u /* bytes covered by the signature, from offset 0 */
#define SNP_SIG_HALF 72       /* r, then s: little endian */

enum snp_gen { SNP_GEN_UNKNOWN, SNP_MILAN, SNP_GENOA, SNP_TURIN };
const char *snp_gen_name(enum snp_gen g); /* "milan" ... */

/* Component versions of firmware. Which bytes of the packed form they are depends on the generation. */
struct snp_tcb { uint8_t fmc, bootloader, tee, snp, microcode; };
struct snp_tcb snp_tcb_unpack(enum snp_gen g, const uint8_t raw[static 8]);
/* Each component of a at least b's. */
bool snp_tcb_covers(struct snp_tcb a, struct snp_tcb b);

struct snp_report {
	uint32_t version;       /* 2..5 */
	uint32_t guest_svn;
	uint64_t policy;        /* bits 0-7 ABI minor, 8-15 ABI major, 16 SMT, 17 reserved 1, 18 migration agent, 19 debug, 20 single socket */
	uint8_t  family_id[16], image_id[16];
	uint32_t vmpl;          /* 0..3 */
	uint32_t sig_algo;      /* 1: ECDSA P-384 with SHA-384 */
	uint8_t  current_tcb[8];
	uint64_t plat_info;     /* bit 0 SMT, 1 TSME, 2 ECC, 3 RAPL off, 4 ciphertext hiding */
	uint32_t key_info;      /* bit 0 author key, 1 chip key masked, 2-4 signing key: 0 VCEK, 1 VLEK, 7 none */
	uint8_t  report_data[64];
	uint8_t  measurement[48]; /* SHA-384 launch digest */
	uint8_t  host_data[32];
	uint8_t  id_key_digest[48], author_key_digest[48];
	uint8_t  report_id[32], report_id_ma[32];
	uint8_t  reported_tcb[8]; /* what the signing key is derived from */
	bool     has_cpuid;       /* version 3 and later */
	uint8_t  cpuid_fam, cpuid_mod, cpuid_step;
	uint8_t  chip_id[64];     /* all zero when the host masks it */
	uint8_t  committed_tcb[8];
	uint8_t  current_build, current_minor, current_major;
	uint8_t  committed_build, committed_minor, committed_major;
	uint8_t  launch_tcb[8];
	uint64_t launch_mit, current_mit; /* version 5: mitigation vectors */
	struct span signed_part;  /* borrowed from `in`: SNP_SIGNED_LEN bytes */
	struct span r, s;         /* borrowed: SNP_SIG_HALF bytes each */
};

/* Parses `in`, which must be exactly SNP_REPORT_LEN bytes. Form only: length, version, reserved bytes, VMPL. *out is written
 * only on COFFER_OK; its spans borrow `in`. COFFER_E_INPUT. */
enum coffer_rc snp_report_parse(struct span in, struct snp_report *out, struct err *e) NODISCARD;

/* Upstream's decoded form: the object `attestation_report` of its evidence, back into the bytes that were signed. Members are
 * those of reference attesters (integers and integer arrays); an unknown or missing one refuses. */
enum coffer_rc snp_report_from_json(const struct json *v, uint8_t out[static SNP_REPORT_LEN], struct err *e) NODISCARD;

/* A report and the host's table of certificates (evidence/ghcb_certs.h) as upstream's evidence: what the reader above and the driver take. That the
 * decoded form gives back every byte is seen here; no signature is. COFFER_E_INPUT: no report, no table, a processor that nobody here knows (how its
 * versions are packed depends on it); COFFER_E_LIMIT. json: a writer of at most SNP_EVIDENCE_MAX bytes. */
#define SNP_EVIDENCE_MAX (1u << 20)
enum coffer_rc snp_evidence_write(struct span report, struct span table, struct wr *json, struct err *e) NODISCARD;

/* By CPUID family and model; unknown for version 2 and for processors that nobody here knows. */
enum snp_gen snp_report_gen(const struct snp_report *r);
