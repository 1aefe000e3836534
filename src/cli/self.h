/* Whether the trust service's machine is what its statement says (R0, docs/protocol/service.md, The service's own evidence): asked before
 * anything is sealed to the service's receive key. */
#pragma once
#include "cli/home.h"

#define OPT_SELF \
	{ "attested", NULL, "refuse a service whose statement says nothing of how its machine is launched", false, false }, \
	{ "unattested", NULL, "take a service that says nothing of its machine, though one attested itself to you before", false, false }, \
	{ "accept-service", "PLATFORM", "swtpm: take a service whose TPM is emulated too, which its host could forge", false, false }, \
	{ "roots", "DIR", "further root certificates of TPM makers, beside the pinned ones and those of the genesis", false, false }

struct self_seen {
	bool attested; /* false: the service statement says nothing of its machine, and whoever is root there can read what is kept */
	bool emulated;
	char platform[16];
	uint8_t statement[32];
};

/* A service whose statement has measurements is asked with a nonce of ours and judged; its quote has to be over the keys of that statement and
 * this genesis, by a genuine TPM, of a machine launched in one of those ways. That it was is kept in the party's folder (service-attested). Of others
 * *out says attested = false; that is refused where `demanded` or --attested is given, and where a service attested itself before, for whoever
 * runs it can show a statement of earlier, unless --unattested is. COFFER_E_DENIED, check:
 *   service-unattested   nothing is stated, or there is no evidence where something is
 *   service-platform     of another platform than stated; swtpm without --accept-service swtpm
 *   service-evidence     invalid, stale, or by a TPM that nobody vouches for
 *   service-binding      genuine, but over other keys, another genesis or another nonce
 *   service-measurement  of a machine that was launched otherwise
 * COFFER_E_INPUT, COFFER_E_UPSTREAM, COFFER_E_LIMIT: the service's answer is none, it cannot answer, or is asked too often. Nothing is sealed
 * then either. */
enum coffer_rc self_check(const struct home *h, bool demanded, struct service_conn *conn, struct self_seen *out, struct err *e) NODISCARD;

/* One sentence on who can read what the service keeps. */
const char *self_words(const struct self_seen *s);
