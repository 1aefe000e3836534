/* What the guest holds and until when: pure, time is passed in.
 *
 * Times are milliseconds of CLOCK_BOOTTIME: it runs while the guest does, nobody sets it, and it also counts what the guest slept,
 * so that a suspended guest does not wake with a lease it slept through. A VM that its host pauses, or whose clock it slows, sees no
 * time pass: that is not undone (SECURITY.md).
 *
 * A lease is good until check + grace after the last question to which the answer was that it is held: after the question, because
 * the answer may be held up on its way. Silence is a lapse then; any other answer is one at once. Nothing un-lapses.
 */
#pragma once
#include "proto/fresh.h"
#include "trust/lease.h"
#include "trust/manifest.h"

#define LEASES_MAX ((size_t)MAN_CONTAINERS_MAX * MAN_ENTITLEMENTS_MAX)

enum lease_state { LEASE_HELD = 1, LEASE_ENDING, LEASE_LAPSED };

struct lease {
	size_t             container;      /* of the manifest */
	struct asset_path  asset;
	enum purpose       purpose;
	uint8_t            statement[32];  /* that came with it */
	struct lease_terms terms;          /* of owner and manifest together */
	enum lease_state   state;
	int64_t            good;           /* when the last question was put whose answer was good: the release, at first */
	int64_t            asked;          /* the last one put, answered or not */
	int64_t            end;            /* state ending: when SIGTERM becomes SIGKILL */
	enum fresh_status  why;            /* what was said; FRESH_HELD: silence */
	char               check[FRESH_CHECK_MAX];
	uint8_t            decision[16];
};

struct leases {
	struct lease l[LEASES_MAX];
	size_t       n;
	int64_t      attested;             /* when this session began */
};

/* What came with a release. */
struct lease_grant { size_t container; const struct asset_path *asset; enum purpose purpose; const uint8_t *statement; struct lease_terms terms; };

/* A release asked for at `now` and given. The same again renews; one that has lapsed stays so. COFFER_E_LIMIT. */
enum coffer_rc lease_take(struct leases *t, const struct lease_grant *g, int64_t now, struct err *e) NODISCARD;
/* NULL: none. */
const struct lease *lease_find(const struct leases *t, size_t container, const struct asset_path *asset, enum purpose purpose);

/* The answer to what was asked at `asked`. One that comes after the end says nothing more: by then the guard has done what a lapse does. */
void lease_said(struct lease *l, const struct fresh_said *s, int64_t asked, int64_t now);
/* It is over by our own doing: its container has ended, or was removed. Nothing more is asked about it. */
void lease_drop(struct leases *t, size_t container);

enum lease_act {
	LEASE_REST,  /* nothing to do before lease_wake */
	LEASE_ASK,
	LEASE_END,   /* tell the container (SIGTERM); asked once */
	LEASE_LAPSE, /* stop and wipe; asked once */
};
/* What is due now; END and LAPSE change the state as they are told. */
enum lease_act lease_due(struct lease *l, int64_t now);
/* When lease_due has something else to say. INT64_MAX: never. */
int64_t lease_wake(const struct lease *l);
/* When it is over, as far as is known. */
int64_t lease_end(const struct lease *l);
/* When the first of them must have ended; INT64_MAX: none is held. */
int64_t leases_deadline(const struct leases *t);
/* When container i must have ended at the latest as far as leases that stop it say. */
int64_t leases_stop_at(const struct leases *t, size_t container);
/* The shortest lease of those held has passed since the attestation: attest anew before the next question. */
bool leases_renew(const struct leases *t, int64_t now);
