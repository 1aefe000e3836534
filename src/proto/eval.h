/* Messages between `keep` and `eval`, which reads policies that strangers wrote.
 *
 * cofferd-eval            fd 3: stream socket to keep (frames of os/ipc.h), fd 4: stream socket to the parent: eval writes the byte
 *                         'R' once it is in its sandbox; the end of either ends eval (exit 0).
 *
 * One request, one reply. Each request is answered by a child of its own that ends afterwards. A reply can make keep refuse, and
 * nothing else: keep asks only when every other check of the decision holds.
 */
#pragma once
#include "base/wr.h"

#define EVAL_FD_KEEP 3
#define EVAL_FD_PARENT 4
#define EVAL_RELEASE 1            /* tag of the one request */
#define EVAL_POLICY_MAX (64u << 10)
#define EVAL_POLICY_MEMORY (16u << 20) /* bytes of a compiled policy; whoever writes one is told by the same limit */
#define EVAL_DOC_MAX (256u << 10)
#define EVAL_FRAME_MAX (EVAL_POLICY_MAX + 2 * EVAL_DOC_MAX + 64)
#define EVAL_REASON_MAX 320       /* bytes, printable */

struct eval_release_req {
	int64_t     now;    /* seconds: what time.now_ns answers */
	struct span policy; /* Rego text of the owner; empty: the strict policy that ships */
	struct span data;   /* JSON: {"plugin","resource-path","query"} */
	struct span input;  /* JSON: the claims */
};
void eval_release_req_write(struct wr *w, const struct eval_release_req *m);
enum coffer_rc eval_release_req_read(struct span b, struct eval_release_req *m, struct err *e) NODISCARD;

/* The tag of a reply; its body is the reason as text, for the owner. Everything but ALLOWS denies. */
enum eval_answer {
	EVAL_ALLOWS,
	EVAL_DENIES,    /* false, or no boolean */
	EVAL_UNDEFINED, /* no value, or no such rule */
	EVAL_ERROR,     /* does not compile, conflicts, malformed documents */
	EVAL_BUDGET,    /* a limit was reached, or the child did not end in time */
};
