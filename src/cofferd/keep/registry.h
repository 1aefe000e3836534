/* The logged statements: storing them, and asking which are in force.
 *
 * A statement is in force at t when a key of its issuer signed it (checked when it was logged, admit.h), issued <= t <
 * expires, no higher serial of the same issuer, kind and subject is logged, its issuer still holds the persona, and
 * nothing revokes it.
 */
#pragma once
#include "decide/decide.h"
#include "cofferd/keep/store.h"
#include "trust/chain.h"
#include "trust/parties.h"

/* Questions whose facts are kept between requests; most are below 900 KB, 128 boot images of 32 launches take 6 MB. */
#define FACTS_KEPT_MAX 16

/* Reference values for a second (references.h). */
#define REFERENCES_KEPT_MAX 8
#define REFERENCES_KEPT_BYTES 8192 /* of each; longer ones are read anew */
struct references { bool any; uint64_t version; int64_t now; uint8_t initdata[32]; struct wr json; };

struct registry {
	struct store     *store;  /* borrowed */
	struct genesis   *genesis; /* owned */
	struct parties    parties; /* owned */
	struct facts     *kept[FACTS_KEPT_MAX]; /* owned; private to facts.c */
	uint64_t          tick;
	struct references references[REFERENCES_KEPT_MAX]; /* private to references.c */
	size_t            references_next; /* whose place goes next */
};

/* Of column sigs: a thumbprint and a signature each. */
#define REGISTRY_SIG_LEN (32 + SIG_LEN)

/* Reads the parties and checks that each stored statement is the one its journal entry names. */
enum coffer_rc registry_open(struct store *s, const struct genesis *g, struct registry *out, struct err *e) NODISCARD;
void           registry_clear(struct registry *r);

/* NULL when unknown or its statement has expired. */
const struct party *registry_party(const struct registry *r, struct span id, int64_t now);
/* The known party that holds the key with this thumbprint; NULL if none. */
const struct party *registry_key(const struct registry *r, const uint8_t thumb[static 32], int64_t now,
				 const struct pubkey **key);
/* The party is known at t, and a key by which it signs then signed this. */
bool registry_signed(const struct registry *r, const char *id, const struct dsse *env, int64_t t);
/* What it says about parties and their keys counts from here on; only after the commit, or that of its part of a group (a group that fails is forgotten as a whole: keep_forget). */
enum coffer_rc registry_learn(struct registry *r, const struct statement *s, const struct dsse *env, int64_t logged,
    struct err *e) NODISCARD;

/* A logged statement: only keys that had been named compromised by then signed it; about an asset: asset_void.h. Its kind grants; or not: see life_grants. */
struct voided_question { const uint8_t *id; const char *issuer; enum statement_kind kind; int64_t logged; };
enum coffer_rc registry_by_dead(const struct registry *r, const struct voided_question *q, bool *yes, struct err *e) NODISCARD;

/* All subject names, each with its length, in order. */
void registry_names(const struct statement *s, struct wr *w);
/* What serials count in, with issuer and kind: the names, and for image-release and workload the digest of the first
 * subject too, for boot-image all their digests, since those are about one content and a new version supersedes nothing. */
void registry_subject(const struct statement *s, struct wr *w);

/* SQL, of a revocation s. */
#define KEY_NAMED(names) STORE_KEY_NAMED(names)
#define REVOKES_KEY KEY_NAMED("s.names")
/* SQL, a table of id and seq: what is said of parties' keys where the condition on s holds: party statements, amendments of the genesis (kinds 2 and 15), revocations
 * of keys and revocations of these (8). */
#define ABOUT_KEYS(where) \
	"(SELECT s.id, s.seq FROM statement s WHERE s.kind=2 AND " where " UNION ALL SELECT s.id, s.seq FROM statement s WHERE s.kind=15 AND " where \
	" UNION ALL SELECT s.id, s.seq FROM statement s INDEXED BY statement_key WHERE s.kind=8 AND " REVOKES_KEY " AND " where \
	" UNION ALL SELECT s.id, s.seq FROM statement t INDEXED BY statement_key CROSS JOIN revoked r ON r.target=t.id CROSS JOIN statement s ON s.id=r.statement" \
	" WHERE t.kind=8 AND " KEY_NAMED("t.names") " AND s.kind=8 AND " where ")"
_Static_assert(ST_PARTY == 2 && ST_REVOCATION == 8 && ST_AMENDMENT == 15, "the numbers above, by which their indexes are found");

struct logged { uint8_t id[32]; uint64_t seq; uint8_t entry[32]; };
/* Newest statement of this issuer, kind and subject. *serial = 0 when none. */
enum coffer_rc registry_last(struct registry *r, const struct statement *s, uint64_t *serial, uint8_t id[static 32],
			     struct err *e) NODISCARD;
enum coffer_rc registry_find(struct registry *r, const uint8_t id[static 32], bool *found, struct logged *out,
			     struct err *e) NODISCARD;

/* Kind and issuer of a logged statement, and when it was logged. */
struct brief { enum statement_kind kind; char issuer[PARTY_MAX]; int64_t logged; };
enum coffer_rc registry_brief(const struct registry *r, const uint8_t id[static 32], bool *found, struct brief *out,
			      struct err *e) NODISCARD;

/* Seconds: the least that a tcb statement in force of any party allows the vendor's documents of a platform; 0: none does. Anybody may so
 * have them fetched anew every hour, and no oftener (tcb.c). */
enum coffer_rc registry_collateral_age(const struct registry *r, const char *platform, int64_t now, uint32_t *out, struct err *e) NODISCARD;
/* Makes anew, from the stored statements, all by which they are found: for fsck, in its transaction. */
enum coffer_rc registry_reindex(struct registry *r, struct err *e) NODISCARD;
/* Inside the transaction that journals it. */
enum coffer_rc registry_insert(struct registry *r, const struct statement *s, const struct dsse *env, uint64_t seq,
			       struct err *e) NODISCARD;
/* The journal's data for a statement. */
void registry_entry(const uint8_t id[static 32], enum statement_kind kind, const char *issuer, struct wr *w);

/* The envelope as logged. */
enum coffer_rc registry_envelope(const struct registry *r, const uint8_t id[static 32], struct dsse *out, struct err *e) NODISCARD;

/* ---- what decide() looks at ---- */
#define FACT_WORKLOADS_MAX 8
#define FACT_APPROVALS_MAX 64
#define FACT_SERVICES_OF_MAX 8 /* of one founder */
#define FACT_SERVICES_LENT_MAX 32 /* of delegates of one, the newest of each: no more of them stand (admit_lent.c) */
#define FACT_SERVICES_MAX ((size_t)GENESIS_PARTIES_MAX * (FACT_SERVICES_OF_MAX + FACT_SERVICES_LENT_MAX))
#define FACT_BOOTS_MAX 64   /* in force, of one provider */
#define FACT_BOOTS_LENT_MAX 64 /* and of its delegates; */
#define FACT_DELEGATED_MAX 8 /* of one of them */
#define FACT_TCBS_MAX 16    /* one of each who decides and one of the provider for a platform; more where a stolen key stated some */
#define FACT_RELEASES_MAX 64
#define FACT_LINKS_MAX 64   /* of one party and role (links.h, LINKS_MAX): those that stand, at most 32 (admit_lent.c), then those of before (facts_links.c) */
#define FACT_ASSESSMENTS_MAX 64
#define FACT_REVOCATIONS_MAX 16384 /* three of each, and pauses of the above, though many delegate */
struct facts {
	struct fact_asset      asset;
	bool                   has_asset;
	uint8_t               *policy; /* owned: what asset.body.policy shows */
	struct fact_workload   workload[FACT_WORKLOADS_MAX];
	struct fact_approval  *approval; /* owned */
	struct fact_service    service[FACT_SERVICES_MAX];
	struct fact_boot       boot[FACT_BOOTS_MAX + FACT_BOOTS_LENT_MAX];
	struct fact_tcb        tcb[FACT_TCBS_MAX];
	struct fact_release   *release;  /* owned */
	struct fact_delegation *delegation; /* owned */
	struct fact_revocation *revocation; /* owned */
	struct fact_assessment assessment[FACT_ASSESSMENTS_MAX];
	struct fact_binding    binding[BINDINGS_MAX];
	size_t                 n_workloads, n_approvals, n_services, n_boots, n_tcbs, n_releases, n_delegations, n_revocations, n_assessments, n_bindings;
	size_t                 room_delegations, room_revocations;
	/* private: the question, and what the answer was read from */
	struct asset_path      path;
	uint8_t                init_register[32];
	char                   platform[16];
	bool                   held;
	uint8_t                bound[BINDINGS_MAX][32]; /* as the question named them */
	size_t                 n_bound;
	uint64_t               version, tick;
	int64_t                now;
};
void facts_free(struct facts *f);
static inline void facts_freep(struct facts **f) { facts_free(*f); *f = NULL; }

/* Delegations of that party's power in that role, whoever issued them, and their revocations; nothing else. The caller frees. */
struct links_question { const char *of; enum delegated_role role; int64_t now; };
enum coffer_rc registry_links(const struct registry *r, const struct links_question *q, struct facts **out,
    struct err *e) NODISCARD;
/* How many of them that party issued at any time, and when the newest was logged; 0: none. */
enum coffer_rc registry_lent(const struct registry *r, const struct links_question *q, const char *issuer, uint64_t *n, int64_t *newest, struct err *e) NODISCARD;

/* A logged service statement of which *yes: it is a founder's, or its issuer spoke for a founder when it was logged and does now, and that one has
 * not revoked it. link: the delegations that say so, in the order of the ledger, each once; none of a founder's own. Pauses hide nothing here: who
 * lifts one has to find the service. COFFER_E_NOTFOUND: no such service statement. */
struct designation { bool yes; struct { uint8_t id[32]; uint64_t seq; } link[DESIGNATION_MAX]; size_t n; };
enum coffer_rc registry_designation(const struct registry *r, const uint8_t id[static 32], int64_t now, struct designation *out, struct err *e) NODISCARD;

/* init_register: 32 bytes */
struct facts_question { const struct asset_path *path; const uint8_t *init_register; const char *platform;
	bool held; /* the newest asset statement, whether or not the asset is still kept */
	uint8_t (*bound)[32]; size_t n_bound; /* ids of binding statements */ };
/* All that is logged about this asset, this init-data register and this service, and of the machines and images that bear on
 * these; the newest first where there are too many, but for minima, and boot images and releases by whose power it is: of those too many are refused
 * (COFFER_E_LIMIT), while of its delegates each has a place for a boot image, and of their releases go first those of whom it lets itself. Borrowed: good until the next call. What was read before is used again while no statement and no asset has
 * changed; who may issue and how often an approval was used are looked up each time. Call outside transactions: a fact that a
 * rollback undoes must not be kept. */
enum coffer_rc registry_facts(struct registry *r, const struct facts_question *question, int64_t now, const struct facts **out,
    struct err *e) NODISCARD;
