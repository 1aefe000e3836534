/* What evidence says of the machine and of what was launched on it, in one shape for all platforms: what the release decision
 * (R3 platform, R4 firmware, R5 boot) compares with statements. Filled either from a report's own signed bytes at fixed offsets
 * (fixed.h: snp, tdx, tpm, az-*-vtpm) or from two appraisals that agree; nothing here has been compared with any wish. */
#pragma once
#include "base/rd.h"
#include "base/wr.h"

#define FACT_REGS_MAX 32
#define FACT_SVNS_MAX 24

/* "measurement" (snp) · "mr_td" "mr_seam" "rtmr_0".."rtmr_3" (tdx) · "pcr00".."pcr23" (tpm, swtpm; az-*-vtpm beside their own) ·
 * "mr_enclave" "mr_signer" (sgx) · "initial_measurement" "rem_0".."rem_3" (cca) · "measure" (csv) */
struct fact_reg { char name[24]; uint8_t v[64]; size_t n; };

/* A component of firmware. Components of one product only compare with the same product's.
 * snp: "bootloader" "tee" "snp" "microcode" ("fmc" on turin), committed and launch as reported ·
 * tdx, sgx: "tcb00".."tcb15", both the same number (quotes carry the launch-time value alone) · tpm: "firmware" */
struct fact_svn { char name[16]; uint64_t committed, launch; };

struct hw_facts {
	char            platform[16]; /* "snp" */
	char            product[16];  /* "milan" "genoa" "turin", FMSPC in hex, ...; "" where the evidence does not tell */
	uint8_t         chip[64];     /* chip id, PPID, instance id (cca): chip_n 0 where masked or unknown */
	size_t          chip_n;
	bool            debug;        /* its memory may be read by debugging it */
	bool            migratable;   /* a migration agent may move it */
	bool            smt;          /* another thread may share its core; cca and csv: true, for they do not tell */
	struct fact_reg reg[FACT_REGS_MAX];
	size_t          n_regs;
	struct fact_svn svn[FACT_SVNS_MAX];
	size_t          n_svns;
	int64_t         collateral;   /* seconds since 1970: when the oldest of the vendor's documents used was issued; 0: none was */
};

/* NULL: the platform reports no such thing. */
const struct fact_reg *facts_reg(const struct hw_facts *f, const char *name);
const struct fact_svn *facts_svn(const struct hw_facts *f, const char *name);
/* False when there is no place left, or v is longer than 64 bytes or name than its field. */
bool facts_add_reg(struct hw_facts *f, const char *name, struct span v) NODISCARD;
bool facts_add_svn(struct hw_facts *f, const char *name, uint64_t committed, uint64_t launch) NODISCARD;

#define FACTS_PACKED_MAX 4096
/* As bytes, for messages and for the service's own tokens. Lengths first; docs/protocol/service.md. */
void facts_write(struct wr *w, const struct hw_facts *f);
/* Demands the last byte and printable names. COFFER_E_INPUT. */
enum coffer_rc facts_read(struct span in, struct hw_facts *out, struct err *e) NODISCARD;
