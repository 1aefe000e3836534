/* Messages between `keep` and `eval`, which reads policies that strangers wrote.
 *
 * cofferd-eval            fd 3: stream socket to keep (frames of os/ipc.h), fd 4: stream socket to the parent: eval writes the byte
 *                         'R' once it is in its sandbox; the end of either ends eval (exit 0).
 *
 * One request, one reply, which repeats the request's number (os/ipc.h); several may be under way, and replies come as they are ready.
 * Each request is answered by a child of its own that ends afterwards. A reply can make keep refuse, and
 * nothing else: a policy is asked about only when every other check of the decision holds; and what an appraisal says is read again
 * by keep from the hardware's own bytes (evidence/fixed.h), or told alike by two children where a platform has no fixed layout.
 */
#pragma once
#include "base/wr.h"

#define EVAL_FD_KEEP 3
#define EVAL_FD_PARENT 4
#define EVAL_RELEASE 1            /* tags of requests */
#define EVAL_EVIDENCE 2
#define EVAL_EK 3
#define EVAL_JOBS_MAX 6           /* under way at one time; keep asks no more */
#define EVAL_KIND_MAX 4           /* of one tag: what strangers send keeps no owner's policy waiting, nor the other way */
#define EVAL_POLICY_MAX (64u << 10)
#define EVAL_POLICY_MEMORY (16u << 20) /* bytes of a compiled policy; whoever writes one is told by the same limit */
#define EVAL_DOC_MAX (256u << 10)
#define EVAL_FRAME_MAX (8u << 20)
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

/* ---- evidence ---- */
#define EVAL_EVIDENCE_MAX (2u << 20)
#define EVAL_COLLATERAL_MAX (256u << 10) /* bytes of one file */
#define EVAL_FILES_MAX 24
#define EVAL_ROOTS_MAX 8
#define EVAL_PATH_MAX 6
#define EVAL_REPORT_MAX (64u << 10)
#define EVAL_SUBMODS_MAX (96u << 10)
#define EVAL_REPLY_MAX (256u << 10)

struct eval_evidence_req {
	int64_t     now;
	struct span platform;      /* "snp" */
	struct span report_data;   /* what the evidence must be bound to */
	struct span device_data;   /* the same for additional evidence */
	struct span init_digest;   /* of the init-data offered; empty: none was */
	struct span evidence;      /* JSON */
	struct span additional;    /* the additional-evidence text; empty: none */
	struct span initdata;      /* TOML */
	struct span runtime;       /* JSON: nonce and key, as claims */
	struct span references;    /* JSON: reference values by name */
	struct span ak;            /* tpm: SubjectPublicKeyInfo that a credential of this session was made for; empty: none was */
	struct span root[EVAL_ROOTS_MAX]; /* certificates that the genesis trusts for this platform, beside the pinned keys */
	size_t      n_roots;
	struct span file[EVAL_FILES_MAX]; /* collateral, recognised by content */
	size_t      n_files;
};
void eval_evidence_req_write(struct wr *w, const struct eval_evidence_req *m);
enum coffer_rc eval_evidence_req_read(struct span b, struct eval_evidence_req *m, struct err *e) NODISCARD;

/* The tag of a reply is an enum verdict (evidence.h), or EVAL_FAILED with a sentence as its body. */
#define EVAL_FAILED 0xff
struct eval_evidence_rep {
	struct span check, expected, found; /* of the check that decided; printable */
	struct span facts, report_data, init_register; /* evidence/facts.h; platforms without fixed layout */
	struct span report, signature, key, registers, quote, path[EVAL_PATH_MAX]; /* evidence/fixed.h; those with */
	struct span activated; /* tpm: what the guest showed as its credential's secret */
	size_t      n_path;
	struct span submods;  /* JSON: the EAR's submods */
	struct span needs;    /* lines: items of collateral that would help */
};
void eval_evidence_rep_write(struct wr *w, const struct eval_evidence_rep *m);
enum coffer_rc eval_evidence_rep_read(struct span b, struct eval_evidence_rep *m, struct err *e) NODISCARD;

/* ---- certificates of a TPM's endorsement key ---- */
#define EVAL_EK_MAX 8192     /* bytes of one certificate */
#define EVAL_EK_CHAIN_MAX 4

/* Before keep makes a credential. The answer's tag is VERDICT_VALID with a path that keep follows itself, up to its own roots
 * (fixed_ek); VERDICT_INVALID with check and reason; or EVAL_FAILED. eval is never told what is in the credential, neither here nor
 * with the evidence: what it says was `activated` it can have from the guest alone. */
struct eval_ek_req {
	int64_t     now;
	struct span ek_cert;                  /* DER, hostile */
	struct span chain[EVAL_EK_CHAIN_MAX]; /* the same: what may be between it and a root */
	size_t      n_chain;
	struct span root[EVAL_ROOTS_MAX];     /* as in struct eval_evidence_req */
	size_t      n_roots;
};
void eval_ek_req_write(struct wr *w, const struct eval_ek_req *m);
enum coffer_rc eval_ek_req_read(struct span b, struct eval_ek_req *m, struct err *e) NODISCARD;
struct eval_ek_rep {
	struct span check, reason;       /* printable; of a refusal */
	struct span path[EVAL_PATH_MAX]; /* DER, the EK's certificate first */
	size_t      n_path;
};
void eval_ek_rep_write(struct wr *w, const struct eval_ek_rep *m);
enum coffer_rc eval_ek_rep_read(struct span b, struct eval_ek_rep *m, struct err *e) NODISCARD;

/* What eval says may be shown, but only so: printable ASCII, cut to n with its NUL. */
void eval_printable(struct span s, char *out, size_t n);
