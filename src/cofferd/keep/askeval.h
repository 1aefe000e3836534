/* Questions to the process that reads hostile text. Several are under way at a time, EVAL_KIND_MAX of one type: what is asked is
 * answered in a later run of the request's turn (turn.h). */
#pragma once
#include "cofferd/keep/keep.h"

struct turn;

/* Asks, in k's turn, and answers from what eval said: the answer replaces *said. The n-th question of a run is the n-th of the run before. When
 * there is no answer yet: eval_waits, and an error that the handler hands on, having changed nothing. COFFER_E_UPSTREAM when eval is not there.
 * COFFER_E_LIMIT when no more may wait, of its owner's or of all, or when what the question rests on changed each time. */
struct eval_question { uint8_t type; const char *by; struct span request; }; /* by: whose policy it is; NULL: strangers' evidence */
enum coffer_rc eval_ask(struct keep *k, const struct eval_question *x, uint8_t *tag, struct wr *said, struct err *e) NODISCARD;
bool           eval_waits(const struct keep *k); /* the turn does */

/* No owner's policies keep others' waiting: of the places for policies one is never its own, whoever has fewest under way is next (serve.h), and where its questions
 * are not answered in TURN_CROWD_MS no more than this many of them wait. */
#define EVAL_OWNER_WAITS 8

/* Whether one more of this type may be asked now, of this owner's policy ("": strangers' evidence). */
bool           eval_has_place(const struct keep *k, uint8_t type, const char *by);
/* Questions under way of this owner's policies. */
size_t         eval_under_way(const struct keep *k, const char *by);
/* It waits for a place, in vain: with too many of its owner's. */
bool           eval_crowds(const struct keep *k, const struct turn *t);
/* Reads one answer. One that nobody waits for, a torn one, or the end of its stream: eval is gone. */
void           eval_take(struct keep *k);
/* After k->eval has become readable or time has passed: milliseconds until an answer is overdue, -1 for never. One that is: eval is gone. */
int            eval_time_left(struct keep *k);
/* Nothing is asked any more, and whoever waits finds that eval is not there. keep ends after that. */
void           eval_gone(struct keep *k);
