/* Whether the trust service's machine is what its statement says (R0, docs/protocol/service.md, The service's own evidence): asked before
 * anything is sealed to the service's receive key. */
#pragma once
#include "cli/home.h"
#include "evidence/facts.h"

#define OPT_SELF \
	{ "attested", NULL, "refuse a service whose statement says nothing of how its machine is launched", false, false }, \
	{ "unattested", NULL, "take a service that says nothing of its machine, though one did before", false, false }, \
	{ "any-machine", NULL, "take a statement that no longer says which machine it is, though one did before", false, false }, \
	{ "accept-service", "PLATFORM", "swtpm: take a service whose TPM is emulated too, which its host could forge", false, false }, \
	{ "roots", "DIR", "further root certificates of the makers of TPMs and processors, beside the pinned ones and those of the genesis", false, false }, \
	{ "collateral", "DIR", "what vendors publish about the service's processor, as 'coffer collateral get --into' writes it", false, false }, \
	{ "tcb", "FILE", "the least firmware that you want under the service, a draft as 'coffer tcb publish' takes; on snp and tdx it is demanded", true, false }

struct self_seen {
	bool attested; /* false: the service statement says nothing of its machine, and whoever is root there can read what is kept */
	bool emulated;
	char platform[16];
	uint8_t statement[32];
	char machine[5 + 2 * 64 + 1]; /* "tpm <digest>", "chip <id>", as a statement can name it; "": the evidence does not tell */
};

/* What the owner's --tcb want of a machine: chip, threads, migration, firmware, age of the vendor's documents. Of a platform with firmware that its vendor
 * numbers (snp, tdx) one is demanded. COFFER_E_DENIED, check service-firmware. */
enum coffer_rc self_firmware(const struct cli *c, const struct hw_facts *f, int64_t now, struct err *e) NODISCARD;

/* A service whose statement has measurements is asked with a nonce of ours and judged; its quote has to be over the keys of that statement and
 * this genesis, by a genuine TPM or processor, of a machine launched in one of those ways. That it was is kept in the party's folder (service-attested; service-named, where
 * a TPM or processor was named). Of others
 * *out says attested = false; that is refused where `demanded` or --attested is given, and where a service attested itself before, for whoever
 * runs it can show a statement of earlier, unless --unattested is. COFFER_E_DENIED, check:
 *   service-unattested   nothing is stated, or there is no evidence where something is
 *   service-platform     of another platform than stated; swtpm without --accept-service swtpm
 *   service-evidence     invalid, stale, or by a TPM or processor that nobody vouches for
 *   service-binding      genuine, but over other keys, another genesis or another nonce
 *   service-machine      by another TPM or processor than the one that the statement names; none of its kind is named, or none at all and one was before (--any-machine)
 *   service-measurement  of a machine that was launched otherwise
 *   service-firmware     on firmware below the owner's least, or none is stated
 * COFFER_E_INPUT, COFFER_E_UPSTREAM, COFFER_E_LIMIT: the service's answer is none, it cannot answer, is asked too often, or documents of the vendor are wanting. Nothing is sealed
 * then either. */
enum coffer_rc self_check(const struct home *h, bool demanded, struct service_conn *conn, struct self_seen *out, struct err *e) NODISCARD;

/* One sentence on who can read what the service keeps. */
const char *self_words(const struct self_seen *s);
