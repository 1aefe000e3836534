/* The kit's deployment (keepkit.h) on an SEV-SNP machine of the test's own, whose root the genesis names. */
#pragma once
#include "tests/keepkit.h"
#include "tests/snpkit.h"

#define RIG_MEASURED "3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e"
#define RIG_REFERENCES ",\"reference-values\":{\"snp_launch_measurement\":\"" RIG_MEASURED "\",\"snp_bootloader\":4,\"snp_microcode\":219," \
	"\"snp_snp_svn\":24,\"snp_tee_svn\":0,\"snp_smt_enabled\":false,\"snp_tsme_enabled\":false,\"snp_guest_abi_major\":0," \
	"\"snp_guest_abi_minor\":31,\"snp_single_socket\":false,\"snp_smt_allowed\":true}"

struct rig { struct kit k; struct snpkit snp; };

void rig_make(void *arg, struct span report_data, const uint8_t *reg, struct wr *json); /* arg: a struct snpkit */
/* On snp; boot: the approval names the boot image, whose statement is id. references: members of its body. The strict policy that ships. */
void rig_deploy(struct rig *r, const char *references, bool boot, uint8_t id[static 32]);
/* The same with a certificate of the chip that departs from the good one. */
struct rig_how { const char *references; bool boot; const struct snpkit_vek *vek; struct span file; };
void rig_deploy_as(struct rig *r, const struct rig_how *how, uint8_t id[static 32]);
void rig_close(struct rig *r);
enum coffer_rc rig_boot_by(struct rig *r, enum kit_party who, const char *references, uint8_t id[static 32]);
enum coffer_rc rig_boot(struct rig *r, const char *references, uint8_t id[static 32]);
enum coffer_rc rig_tcb(struct rig *r, enum kit_party who, unsigned snp);
/* A new session, with evidence for the workload. */
enum coffer_rc rig_attest(struct rig *r);
