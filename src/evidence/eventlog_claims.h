/* Events of a log as claims: upstream's (Trustee's) `uefi_event_logs`, by its names.
 *
 * Only what replay stands behind is listed: events that extend one of the registers asked for, each with the one digest that it was
 * extended by. EV_NO_ACTION, other registers, other banks and a second digest of the same bank are left out, since whoever hands a log
 * over can write anything there. Kind and data of an event are not measured by themselves: `digest_matches_event` says whether the
 * digest is the data's own; where it is false they are words about a digest.
 *
 * Not checked: that the log replays (eventlog_replay, and the registers are quoted). */
#pragma once
#include "base/wr.h"
#include "evidence/eventlog.h"

/* Appends a JSON array [{details, digest_matches_event, digests, event, index, type_name}]. alg: the bank that was replayed; regs: bit
 * i: register i. Data that is not of its kind's form has empty details. w's own limit bounds it: COFFER_E_LIMIT. COFFER_E_INPUT:
 * no such log. After a failure w holds anything. */
enum coffer_rc eventlog_claims(struct span log, uint16_t alg, uint32_t regs, struct wr *w, struct err *e) NODISCARD;
