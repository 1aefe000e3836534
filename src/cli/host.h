/* coffer host check: a machine as it is or will be, against the statements of those whose workloads run on it. */
#pragma once
#include "cli/cli.h"
#include "trust/machine_match.h"
#include "trust/manifest.h"

/* ---- the machine (host_facts.c) ---- */

struct host {
	struct hw_facts f;
	bool            evident;                 /* from evidence that is valid; else as stated */
	bool            smt_known, migration_known; /* else the worst is taken: on */
	bool            boot;                    /* what was launched is known and meant, so that R5 compares it */
};
/* From --platform, --evidence and what is stated beside it. COFFER_E_DENIED where the evidence would not pass R2. */
enum coffer_rc host_read(const struct cli *c, int64_t at, struct host *out, struct err *e) NODISCARD;

/* ---- statements (host_set.c, host_load.c) ---- */

#define HOST_STATEMENTS_MAX 8192
struct host_statement {
	struct statement    s;          /* a draft has no id, and expires with the question */
	bool                given;      /* by a file, as though it were logged by its time of issue */
	const char         *draft;      /* name of the file that it is a draft in; NULL: signed */
	struct manifest     workload;   /* the body, by kind */
	struct approval    *approval;
	struct boot_image   boot;
	struct tcb_minimum *tcb;
	uint8_t             revokes[32]; /* a statement's id, or a thing's */
	int64_t             since;       /* of a key of images, from then on; 0: wholly */
	struct image_release release;
	struct json_doc    *body;       /* of a draft: owned */
	/* by host_settle */
	bool                stands;     /* in its window at set->at, and no higher serial of it there */
	bool                revoked;    /* by its issuer */
	bool                in_force;   /* stands and is not revoked */
};
struct host_set {
	struct host_statement **st; /* owned */
	size_t   n, room;
	int64_t  at;
	size_t   n_later;    /* given, and issued after `at`: left out */
	size_t   n_unsigned; /* given, signatures not checked */
	bool     offline;
};
void host_set_clear(struct host_set *s); /* CLEANUP-ready */
/* Reads the body too. Other kinds, and one that is there already, are passed over. COFFER_E_LIMIT. */
enum coffer_rc host_set_add(struct host_set *s, struct span payload, bool given, struct err *e) NODISCARD;
/* A tcb statement that party might issue. */
enum coffer_rc host_set_draft(struct host_set *s, const char *party, const char *file, struct err *e) NODISCARD;
/* When all are there: which of them count. */
void host_settle(struct host_set *s);
int64_t host_until(const struct host_statement *x); /* end of its force, as far as it says so itself */

/* From the service unless --offline, from --statements and --minimum; settled. COFFER_E_LIMIT: the service shows not all. */
enum coffer_rc host_load(const struct cli *c, struct host_set *out, struct err *e) NODISCARD;

/* ---- judging (host_judge.c) ---- */

#define HOST_REFUSALS_MAX 64
struct host_refusal {
	const char                  *check; /* "R3" */
	const struct host_statement *by;    /* NULL: for want of one */
	char                         party[PARTY_MAX];
	struct machine_diff          d;
	char                         asset[ASSET_PATH_MAX]; /* the first that this keeps back */
	size_t                       n_assets;
	char                         who[160], command[480]; /* "" where no command does */
};
/* RUNS: nothing of the machine is in the way. ELSEWHERE: nobody names this platform for it. UNAPPROVED: refused by R9 whatever
 * the machine, for want of an approval. */
enum host_verdict { HOST_RUNS, HOST_REFUSED, HOST_ELSEWHERE, HOST_UNAPPROVED };
struct host_result {
	const struct host_statement *w;
	enum host_verdict            verdict;
	char                         asset[ASSET_PATH_MAX]; /* UNAPPROVED: the first */
	struct host_refusal          r[HOST_REFUSALS_MAX];
	size_t                       n;
	bool                         more; /* refusals past the limit */
};
void host_judge(const struct host_set *set, const struct host *h, const struct host_statement *workload,
    struct host_result *out);
