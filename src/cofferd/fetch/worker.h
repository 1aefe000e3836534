/* One fetch in a process of its own: it alone touches what the network sends, and hands back one message. */
#pragma once
#include <sys/types.h>

#include "net/vendor.h"
#include "proto/fetch.h"

enum outcome { OUTCOME_GOT, OUTCOME_ABSENT, OUTCOME_BUSY, OUTCOME_UNREACHED, OUTCOME_REFUSED, OUTCOME_BROKEN };

struct worker { pid_t pid; int fd; struct wr said; }; /* fd: what it says, until its end; -1: none */

/* Runs in the child, inside the fetcher's sandbox, and says one thing. */
typedef void (*worker_job)(const void *arg, struct wr *said);
enum coffer_rc worker_run(struct worker *w, worker_job job, const void *arg, struct err *e) NODISCARD;
void           worker_put_reason(struct wr *w, const char *msg); /* u32 length, at most FETCH_REASON_MAX printable bytes */

enum coffer_rc worker_start(
    struct worker *w, const struct vendor_sources *s, const struct vendor_item *i, struct err *e) NODISCARD;
/* Takes in what there is to read. True once it has ended its message. */
bool worker_read(struct worker *w) NODISCARD;
/* Ends it, however far it is, and frees. */
void worker_end(struct worker *w);

struct worker_word { enum outcome outcome; uint32_t retry_s; struct span body, issuers, reason; };
/* Borrows w. A worker that died, or said what no worker says, is OUTCOME_BROKEN. */
void worker_word(const struct worker *w, const struct vendor_item *i, struct worker_word *out);
