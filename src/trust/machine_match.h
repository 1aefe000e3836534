/* What a machine is against what parties demand of one: the comparisons behind R3 (chip and bits), R4 (firmware) and R5
 * (boot), for the release decision and for whoever asks beforehand (coffer host check). Pure. Which statements count is the
 * caller's: nothing here looks at who signed, at time or at revocation. hw NULL: nothing is known of the machine, so what is
 * wanted is not there. */
#pragma once
#include "trust/machine.h"

struct machine_diff {
	char field[24];   /* "chip" "smt" "migration"; a component, "product"; a register, "platform", "enforces" */
	char wanted[160]; /* both in words or hex */
	char found[160];
	char text[160];   /* what is found, as the decision says it */
};

/* ---- R3 ---- */

/* An entry of an approval or a manifest accepts the platform: "snp"; or "snp+debug", which alone accepts one whose memory is open
 * to debugging. */
bool platform_accepts(struct span entry, const char *platform, bool debug) NODISCARD;
/* True, and *out says how, for the next demand on chip, threads or migration that the machine does not meet; *at is then where
 * to go on from. Start at 0. *out is written only on true. */
bool tcb_platform_fault(const struct tcb_minimum *t, const struct hw_facts *hw, size_t *at, struct machine_diff *out) NODISCARD;

/* ---- R4 ---- */

/* In the same way: components below the least wanted, or missing, of the rows for this product; of those for "" where it has
 * none; "product" where there is neither. */
bool tcb_firmware_fault(const struct tcb_minimum *t, const struct hw_facts *hw, size_t *at, struct machine_diff *out) NODISCARD;

/* ---- R5 ---- */

/* What a decision takes for granted of the guest's agent. R7 asks for scoping where a request is scoped. Leases are
 * relied on where owner or provider say something of them, which decide_machine.c adds; a manifest has no member that limits egress. */
#define ENFORCES_RELIED_ON (ENFORCES_MANIFEST | ENFORCES_IMAGE_DIGESTS)

/* Every register of some launch is in the evidence with that value; a launch without registers matches nothing. Otherwise false,
 * and *out has the first difference of the launch for this platform that has fewest, field "platform" where there is none. */
bool launches_match(const struct boot_launch *l, size_t n_launches, const struct hw_facts *hw, struct machine_diff *out) NODISCARD;
bool boot_launched(const struct boot_image *b, const struct hw_facts *hw, struct machine_diff *out) NODISCARD;
/* Its agent enforces what is relied on; else *out says what is missing first. */
bool boot_relied_on(const struct boot_image *b, struct machine_diff *out) NODISCARD;
