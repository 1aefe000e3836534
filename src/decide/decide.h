/* The release decision R0..R11 as one pure function: no store, no clock, no I/O. All it looks
 * at is in struct decide_in; all it says is in struct decision, and the trace is the explanation.
 * trust.md section 3. R12, the commit, is the caller's (release.c).
 *
 * A failed R1 or R2 ends it: nothing else is looked at, and no policy sees the evidence. R10's policy is judged by eval
 * (policy.h), and only where all else holds: until it is asked, R10 fails with "not asked", and comes last as a reason.
 */
#pragma once
#include "trust/links.h"
#include "trust/machine.h"
#include "trust/manifest.h"
#include "trust/statement.h"

struct fact_workload {
	struct fact s;
	uint8_t initdata[32]; /* of its rendering */
	struct manifest manifest;
	struct statement st;
};
/* within: bit i where in.workload[i] is at most as wide as the workload that an "or-narrower" approval names; wider: the statement
 * of that one's manifest. */
struct fact_approval {
	struct fact s;
	struct approval body;
	uint64_t used;
	uint32_t within;
	bool     has_wider;
	uint8_t  wider[32];
};
struct fact_asset      { struct fact s; struct asset_body body; }; /* body.policy lives as long as the facts */
struct fact_service    { struct fact s; char id[PARTY_MAX]; }; /* keys are this service's: checked when it was logged */
/* Only launches on the platform that is asked about; no rebuild, no reference. */
struct fact_boot       { struct fact s; struct boot_image body; };
struct fact_tcb        { struct fact s; struct tcb_minimum body; struct statement st; };
struct fact_release    { struct fact s; struct image_release body; struct statement st; };
struct fact_binding    { struct fact s; struct binding body; };
struct fact_assessment { struct fact s; enum assessed about; uint8_t digest[32]; bool passed; };

/* What the evidence of this session showed. */
struct appraisal {
	const char *platform;        /* "sample" */
	bool        attested;        /* evidence came, or a token of ours stands for it */
	int64_t     expires;         /* of session or token */
	uint8_t     expected[64], found[64]; /* report data: rebuilt by us, and as in the evidence */
	size_t      expected_n, found_n;
	bool        has_register, has_initdata, has_genesis;
	uint8_t     init_register[32];
	uint8_t     initdata[32];    /* SHA-256 of the bytes offered */
	uint8_t     genesis[32];     /* what the attested key set says, if it does */
	bool        genuine;         /* R2: verified to a vendor's root; sample and swtpm never are */
	bool        collateral;      /* false: R2 could not be judged for want of collateral */
	uint8_t     root[32];        /* the named root that vouches for it, by SHA-256 of its SubjectPublicKeyInfo; zeros: a vendor's pinned one, or none */
	char        why[80];         /* what R2 found, in words */
	const struct hw_facts *hw;   /* borrowed; NULL unless genuine, or a swtpm's quote that its own key signed */
	bool        unseen;          /* decide_stated: no evidence is there, and what it would have shown is taken to be as statements want it */
};

struct request {
	struct asset_path path;
	uint64_t          version;     /* 0 = newest */
	bool              scoped;      /* a signed request that names a container and a purpose */
	bool              signature_ok, counter_ok; /* looked at only when scoped */
	struct span       container;
	enum purpose      purpose;
};

/* R10's own part: what the evaluation of the owner's policy said. */
struct policy_answer {
	bool asked, allows, unavailable;
	char reason[320];            /* printable */
};

struct decide_in {
	int64_t                       now;
	const uint8_t                *genesis; /* 32 bytes: ours */
	const struct genesis         *view;    /* as the asset goes by it, amended or not: whose roots vouch for evidence, which policies ship */
	const struct shipped         *shipped; /* the policies that the deciding program has */
	struct appraisal              a;
	struct request                q;
	bool                          has_asset;
	struct fact_asset             asset;
	const struct fact_workload   *workload;
	size_t                        n_workloads;
	const struct fact_approval   *approval;
	size_t                        n_approvals;
	const struct fact_service    *service;
	size_t                        n_services;
	const struct fact_boot       *boot;
	size_t                        n_boots;
	const struct fact_tcb        *tcb;
	size_t                        n_tcbs;
	const struct fact_release    *release;
	size_t                        n_releases;
	const struct fact_delegation *delegation; /* of one party and role at most LINKS_MAX */
	size_t                        n_delegations;
	const struct fact_revocation *revocation;
	size_t                        n_revocations;
	const struct fact_revocation *thing; /* by their ids (thing.h): of its chip and measurements, of images, and of the keys that the manifest verifies them by */
	size_t                        n_things;
	const struct fact_assessment *assessment;
	size_t                        n_assessments;
	const struct fact_binding    *binding; /* those that the attested key set names, as far as they are logged */
	size_t                        n_bindings, n_bound; /* n_bound: how many it names */
	struct policy_answer          policy;
	bool                          held;    /* asked whether it may be kept: uses are counted already (freshness.c) */
};

/* How `found` begins of a check that another's failing left without a question: nobody can mend it. */
#define DECIDE_NOT_ASKED "not asked: "
#define DECIDE_NO_WORKLOAD DECIDE_NOT_ASKED "no workload, as R6 says"
enum sees { SEES_OWNER = 1, SEES_PROVIDER = 2 };
struct check {
	const char *id;              /* "R9" */
	bool        holds;
	bool         paused;         /* R11: what fails it ends by itself or may be lifted */
	unsigned    sees;            /* whose statements it is about */
	char        expected[400], found[400];
	char        who[128];         /* who can mend it: "hospital" */
	char        command[480];     /* with this; "" when no command does */
};
#define DECIDE_CHECKS_MAX 12
struct decision {
	struct check check[DECIDE_CHECKS_MAX];
	size_t       n;
	bool         allowed;
	size_t       reason;         /* index of the first check that fails (in the order of conclude() in decide.c); n when allowed */
	bool         stranger;       /* evidence matches no workload in force that names the asset: say nothing of the asset */
	bool         appraised;      /* R1 and R2 held; otherwise nothing else was looked at */
	bool         absent;         /* no such asset is kept */
	const struct fact_workload *workload; /* what the decision rests on; NULL where nothing was found */
	const struct fact_approval *approval[ASSET_OWNERS_MAX]; /* one of each of k parties; none for the provider's own assets */
	size_t n_approvals;
	const struct fact_service  *service;
	const struct fact_boot     *boot;     /* NULL on sample */
	const struct fact_release  *release[MAN_CONTAINERS_MAX]; /* of the workload's container i */
};

/* ---- slots (decide_slots.c) ---- */

/* The binding counts for this workload, whether or not it is revoked. */
bool decide_binds(const struct decide_in *in, const struct fact_workload *w, const struct fact_binding *b);

/* R1 and R2 alone: what /attest asks, and a token stands for. */
void decide_fresh(const struct decide_in *in, struct check *out);
void decide_genuine(const struct decide_in *in, struct check *out);

void decide(const struct decide_in *in, struct decision *out);

/* What statements decide where there is no evidence (in->a.unseen; platform, register and init-data are what somebody says they were): R0, R7, R8, R9 and R11,
 * and of R5 and R6 that boot image and workload have statements that count. allowed: these hold. Of the other checks nothing in out means anything. */
void decide_stated(const struct decide_in *in, struct decision *out);

/* Everything holds but R10, which nobody was asked about yet: ask, and decide again. */
bool decision_wants_policy(const struct decide_in *in, const struct decision *d);

/* ---- on record (decide_words.c) ---- */

/* What a decision came to, in 32 bytes: of each check its id, whether it holds, what it expected and what it found. Who mends what and
 * how is left out: that names what could be approved, not what was looked at. */
enum coffer_rc decision_digest(const struct decision *d, uint8_t out[static 32], struct err *e) NODISCARD;

/* Statements that an allowed decision looked at beside those it rests on: minima, links of delegation, assessments, and the wider
 * workloads that approvals name. Each once. more: there was no room for all. */
#define DECIDE_BESIDE_MAX 640 /* each of 16 images by another provider's delegate, whose links were all renewed: 416 */
struct beside { uint8_t id[DECIDE_BESIDE_MAX][32]; size_t n; bool more; };
void decision_beside(const struct decide_in *in, const struct decision *d, struct beside *out);

/* The persona that an issuer of such statements has; one of them suffices. 0: none is asked for. */
unsigned fact_persona(enum statement_kind k);
