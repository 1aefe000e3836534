/* Statements about machines: boot-image (what a measured guest launches as, and what its agent enforces) and tcb (the least
 * firmware a party wants under its assets or workloads). Closed schemas, form only; docs/protocol/statements.md. */
#pragma once
#include "evidence/facts.h"
#include "trust/statement.h"

/* ---- boot-image: subjects are its artefacts by digest ---- */

enum enforces { ENFORCES_MANIFEST = 1, ENFORCES_IMAGE_DIGESTS = 2, ENFORCES_SCOPING = 4, ENFORCES_EGRESS = 8, ENFORCES_LEASES = 16 };
bool enforces_by_name(struct span s, unsigned *out) NODISCARD; /* "manifest" "image-digests" "container-scoping" "egress" "leases" */
void enforces_names(unsigned set, char *out, size_t n);        /* comma-separated */

#define BOOT_LAUNCHES_MAX 32
#define BOOT_REGS_MAX 12
/* One way of launching it. Evidence matches when every register here is in it with this value. The reader demands those that say
 * what was launched: snp "measurement"; tdx "mr_td" "rtmr_1" "rtmr_2"; tpm, swtpm "pcr04" and one of "pcr09" "pcr11"; az-*-vtpm
 * these and the paravisor's "measurement" or "mr_td". */
struct boot_launch {
	char            platform[16];
	char            shape[64];   /* of the VM, in words: "4 vCPU EPYC-v4, OVMF 2022.11" */
	struct fact_reg reg[BOOT_REGS_MAX];
	size_t          n_regs;
};
struct boot_image {
	char                name[64];
	unsigned            enforces;
	struct span         rebuild; /* how to build it again, in words or as a URI; borrowed from the statement's document */
	struct boot_launch *launch;  /* owned */
	size_t              n_launches;
	const struct json  *reference; /* object: what query_reference_value answers, by name; borrowed; NULL: none */
};
enum coffer_rc boot_image_read(const struct statement *s, struct boot_image *out, struct err *e) NODISCARD;
void           boot_image_clear(struct boot_image *b);
bool           boot_register_ok(struct span name, size_t n) NODISCARD; /* some platform has that register, with a value of n bytes */

/* ---- tcb: subject is the platform ---- */

#define TCB_PRODUCTS_MAX 8
#define TCB_CHIPS_MAX 256
struct tcb_least { char product[16]; struct { char name[16]; uint64_t least; } svn[FACT_SVNS_MAX]; size_t n_svns; };
struct tcb_minimum {
	char               platform[16];
	struct tcb_least   least[TCB_PRODUCTS_MAX]; /* product "" is for every product without a row; evidence of a product without any row fails */
	size_t             n_least;
	bool               smt_refused, migration_refused; /* platform bits */
	struct span        chip[TCB_CHIPS_MAX]; /* none: any chip. Hex text, borrowed from the statement's document */
	size_t             n_chips;
	int64_t            max_age;   /* seconds: how old the vendor's documents may be that evidence was judged by; 0: nothing is said */
	const struct json *reference; /* as above */
};
enum coffer_rc tcb_read(const struct statement *s, struct tcb_minimum *out, struct err *e) NODISCARD;
/* Evidence of the platform says whether another thread may share the core, and whether the guest may be moved. */
bool tcb_tells_smt(const char *platform) NODISCARD;
bool tcb_tells_migration(const char *platform) NODISCARD;
/* The platform has firmware of versions, and this is the name of a component of it: "bootloader", "tcb03". */
bool tcb_component(const char *platform, struct span name) NODISCARD;
