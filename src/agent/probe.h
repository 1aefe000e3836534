/* Evidence of every platform that this machine has, for `coffer selftest`: by the agent's own ways, but for no guest. Nothing is extended, launched or
 * sent to a trust service; for an Azure machine the cloud's metadata service is asked (agent/attest_az.h). */
#pragma once
#include "agent/platform.h"

#define PROBE_MAX (24u << 20)

struct probe {
	const struct tsm_link *tsm; /* where the kernel makes reports */
	int		       tpm; /* an open TPM, taken; -1: `no_tpm` says why there is none */
	struct err	       no_tpm;
	const char	      *ccel, *log; /* files of event logs: a TD's, the TPM's */
};
#define PROBE_TPM_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"

/* {"version":1,"evidence":[...],"absent":[...]} into json, a writer of at most PROBE_MAX bytes: an item is {"platform","report-data","evidence"} and where there
 * is one "event-log" (of a TPM whose evidence has no place for it), "ek-certificate"; an absent one {"platform","why"}. What is not there or fails is no
 * error. report_data: 1 to 48 bytes. */
enum coffer_rc probe_write(struct probe *p, struct span report_data, struct wr *json, struct err *e) NODISCARD;
