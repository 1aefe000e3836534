/* How something was launched, as registers of its evidence: what a boot-image statement says of guests, and a service statement of the
 * trust service's own machine. Closed schema, form only; docs/protocol/statements.md, Boot images. */
#pragma once
#include "evidence/facts.h"
#include "fmt/json.h"

#define BOOT_REGS_MAX 12
/* One way of launching it. Evidence matches when every register here is in it with this value (machine_match.h). The reader demands those
 * that say what was launched: snp "measurement"; tdx "mr_td" "rtmr_1" "rtmr_2"; tpm, swtpm "pcr04" and one of "pcr09" "pcr11"; az-*-vtpm
 * these and the paravisor's "measurement" or "mr_td". */
struct boot_launch {
	char            platform[16];
	char            shape[64];   /* of the machine, in words: "4 vCPU EPYC-v4, OVMF 2022.11" */
	struct fact_reg reg[BOOT_REGS_MAX];
	size_t          n_regs;
};

/* Some platform has that register, with a value of n bytes. */
bool launch_register_ok(struct span name, size_t n) NODISCARD;

/* An array with room for json_len(list) in out, which is zeroed before; *n counts those that were read, whatever comes of the rest. Where:
 * "boot-image", at the beginning of what is wrong (COFFER_E_INPUT). Not the same platform and shape twice. */
enum coffer_rc launches_read(const struct json *list, const char *where, struct boot_launch *out, size_t *n, struct err *e) NODISCARD;
void           launches_write(const struct boot_launch *l, size_t n, struct json_wr *j);
