/* A small deployment around `keep`, for its tests and its fuzz target: acme provides the workload "risk", hospital owns an asset,
 * and stranger knows nobody. Requests go through keep_dispatch or, with fd >= 0, to a cofferd-keep process. */
#pragma once
#include "cofferd/keep/keep.h"
#include "trust/ledger/witness.h"

#define KIT_NOW INT64_C(1793750400) /* 2026-11-04T00:00:00Z */
#define KIT_PATH "hospital/note/greeting"
#define KIT_ASSET "kbs:///" KIT_PATH

/* Judges what keep asks as cofferd-eval does, in a child of this process without its sandbox; returns keep's end. */
int kit_eval(void);
/* The same with something in between that may change every answer: an eval that was broken into. Called in the child. */
typedef void kit_liar(uint8_t *tag, struct wr *body);
int kit_eval_lying(kit_liar *lie);

/* Evidence of another platform than sample: what `auth` names, and who makes it. Vendor, name and root go into the genesis. */
struct kit_hw {
	enum tee_kind tee;
	const char   *platform;      /* what manifest and approval name; NULL: "sample" */
	const char   *vendor, *root_name;
	struct span   root;          /* DER; of vendor "arm": a JSON list of anchors */
	struct span   file, more[6]; /* of collateral, as net would have fetched it; empty: none */
	void        (*make)(void *arg, struct span report_data, const uint8_t *init_register, struct wr *json);
	void         *arg;
	struct keep_tpm tpm;         /* what `auth` asks a credential for; empty: for none */
	void        (*challenged)(void *arg, const struct keep_auth_rep *rep); /* NULL: nobody looks */
};

/* What the kit's owner lets its asset go by: it names the platform sample. */
#define KIT_POLICY "package policy\nallow if { input.submods.cpu0[\"ear.veraison.annotated-evidence\"].sample }\n"

/* The key that its images are verified by, as JSON has it; and as it is revoked. */
#define KIT_PEM "-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERyYjaqnB3N77ZC7oxG+pRvx7fnW3\\n" \
	"BBuF9hDF9HXZmvsdNvJXeHFzJIHBfstf9RwPxmPStEBXo4GlYFTGnQrfXA==\\n-----END PUBLIC KEY-----\\n"
#define KIT_IMAGE_KEY "image-key:a742f9e7c3db6b459716fb10c547fbcb061efc4a03a7c7be38b9ead928dd7825"
#define KIT_IMAGE_KEY_ID "442b2e60c6d8c1213e157e46c3126fb94742369e6a7508712dd6b3cdb1053f7d" /* SHA-256 of that text */

enum kit_party { KIT_ACME, KIT_HOSPITAL, KIT_STRANGER, KIT_PARTIES };

/* What kit_put, kit_restate and kit_auth do differently next; zero is nothing. */
struct kit_bend {
	const char *body, *url, *method, *path, *subject, *iss;
	bool        digest, same_salt, by_acme, cosigned, shared; /* by_acme: the statement is, the token is not; cosigned: acme signs it too; shared: stranger does */
	int64_t     iat, exp;
	const char *tls;            /* of tokens, hex */
	const char *text, *spelt;   /* a piece of the statements' JSON, and what stands in its place */
};

#define KIT_WITNESSES_MAX 3
struct kit_witness { struct privkey *key; struct witness_log log; struct note_key name; };

struct kit {
	struct kit_witness witness[KIT_WITNESSES_MAX];
	unsigned         n_witnesses, cosignatures;
	struct kit_bend  bend;
	const char      *policy;    /* of the assets put from now on; NULL: none */
	const char      *amendment; /* hex, by which they go; NULL: the genesis as founded */
	struct kit_hw    hw;        /* tee 0: sample */
	struct keep      keep;      /* used when fd < 0 */
	int              fd;        /* else: where keep listens */
	uint32_t         request;   /* number of the last sent there */
	bool             ahead;     /* nothing waits for its answer, which the test reads from fd: what is asked is COFFER_E_LIMIT */
	int64_t          now;
	struct privkey  *key[KIT_PARTIES], *recovery[KIT_PARTIES];
	struct pubkey    receive, reply, token, ledger; /* of keep */
	const struct shipped *named; /* shipped policies in the genesis; NULL: none */
	struct dsse      genesis;
	uint8_t          genesis_id[32];
	uint8_t          service_id[32], workload_id[32], manifest[32], approval_id[32];
	uint8_t          release_id[32]; /* newest */
	unsigned         image_minimum;  /* that the manifest asks of both images; 0: none */
	unsigned         image_version;  /* that releases state; 0: 1 */
	enum kit_party   image_by[2];    /* whom the manifest names as their providers; zero: acme. The stranger is one where strangers_images is set */
	const char      *image_asks;       /* members that the manifest's images have besides, each with a comma behind; NULL: none */
	bool             one_image;        /* both containers have image 1 */
	const char      *image_name;       /* the second has its image by this name; NULL: by that of the first */
	bool             strangers_images; /* set before it is introduced */
	struct wr        initdata;
	uint8_t          initdata_sha[32];
	struct wr        answer;    /* body of the last reply */
	struct keep_refusal no;     /* of the last failure */
	/* the guest */
	struct privkey  *tee, *request_key;
	const char      *bindings;  /* member coffer-bindings; NULL: none */
	uint8_t          session[16], nonce[32];
	uint64_t         counter;
	uint64_t         asset_serial, asset_version;
	uint8_t          asset_digest[32];
	uint8_t          asset_id[32], asset_pending[32]; /* newest acknowledged; newest sent */
};

/* Keys and genesis; abort on any failure, as everything here. */
void kit_new(struct kit *k, const struct keep_keys *keys);
void kit_open(struct kit *k);  /* in this process, in memory */
void kit_open_naming(struct kit *k, const struct shipped *named); /* as kit_open, with these policies in the genesis */
enum coffer_rc kit_starts(const struct shipped *named, struct err *why); /* whether a service would by such a genesis */
/* Its store as though all so far were of before the ledger's map held what each party said; the genesis alone may be logged. */
void kit_age(struct kit *k);
void kit_open_deployed(struct kit *k); /* and kit_deploy */
void kit_open_attested(struct kit *k); /* and a guest whose evidence was taken */
void kit_open_hw(struct kit *k, const struct kit_hw *hw);
/* With n witnesses in the genesis, of whom k must sign; the others of KIT_WITNESSES_MAX are there for an amendment. */
void kit_open_witnessed(struct kit *k, unsigned n, unsigned cosignatures);
void kit_free(struct kit *k);

enum coffer_rc kit_ask(struct kit *k, enum keep_type type, struct wr *body); /* frees body's memory */

struct kit_st {
	enum statement_kind kind;
	enum kit_party      issuer, also; /* also: second signature when it differs */
	const char         *subject;      /* "," between several */
	const uint8_t      *digest;       /* NULL: of the name */
	const char         *body;
	uint64_t            serial;       /* 0 = 1 */
	const uint8_t      *previous;
	int64_t             issued, expires; /* 0: now, now + a year */
	const char         *issuer_name;  /* NULL: of the party */
	bool                other_ledger;
};
void           kit_statement(struct kit *k, const struct kit_st *s, struct dsse *out, uint8_t id[static 32]);
enum coffer_rc kit_log(struct kit *k, const struct kit_st *s, uint8_t id[static 32]);
/* Signed by these keys alone; the list ends with NULL. */
#define KIT_SIGNERS_MAX 4
enum coffer_rc kit_log_by(struct kit *k, const struct kit_st *s, const struct privkey *const *by, uint8_t id[static 32]);
/* The hospital names a key of its own compromised: `stolen` from `from` on, by these keys; the list ends with NULL. serial 0: its first word on that key. */
struct kit_stolen { const struct privkey *stolen; int64_t from; const struct privkey *const *by; uint64_t serial; const uint8_t *previous; };
enum coffer_rc kit_compromise(struct kit *k, const struct kit_stolen *s, uint8_t id[static 32]);
enum coffer_rc kit_compromise_of(struct kit *k, enum kit_party who, const struct kit_stolen *s, uint8_t id[static 32]); /* the same of another */
/* And states another one, its first party statement. */
enum coffer_rc kit_rotate(struct kit *k, const struct privkey *to);

/* Bodies to bend; the caller frees. */
char *kit_party_body(struct kit *k, enum kit_party p);
char *kit_manifest_text(struct kit *k);

/* Logs service, image releases, workload and approval; puts the asset. After this a guest is served. */
void           kit_deploy(struct kit *k);
enum coffer_rc kit_service(struct kit *k); /* by acme, the first */
enum coffer_rc kit_service_by(struct kit *k, enum kit_party who, uint64_t serial, const uint8_t *previous);
/* Of image 1 or 2 by any party, under any name. */
struct kit_released { enum kit_party by; const char *repository; uint8_t image; unsigned version; uint64_t serial; const uint8_t *previous; };
enum coffer_rc kit_release_by(struct kit *k, const struct kit_released *r, uint8_t id[static 32]);
/* A party statement of `who` with its own key, signed by it (or by `by`) and by `introducer`. */
enum coffer_rc kit_introduce(struct kit *k, enum kit_party who, enum kit_party by, enum kit_party introducer);
/* Bodies; the caller frees. */
char          *kit_release_body(const char *repository, unsigned version);
char          *kit_service_body(const struct kit *k);
/* acme's of image 1 (container analyse) or 2 (logger). */
enum coffer_rc kit_release(struct kit *k, uint8_t image, uint64_t serial, const uint8_t *previous);
enum coffer_rc kit_workload(struct kit *k);
enum coffer_rc kit_approve(struct kit *k, const char *extra_members, uint64_t serial, const uint8_t *previous);
enum coffer_rc kit_put(struct kit *k, enum kit_party who, const char *content);
/* A statement alone about the hospital's asset, with k->policy; `digest` NULL: of what was put last. */
enum coffer_rc kit_restate(struct kit *k, const uint8_t *digest);
enum coffer_rc kit_revoke(struct kit *k, enum kit_party who, const uint8_t id[static 32]);
/* text: as thing.h has it. id: of the statement. The pause lasts an hour. */
enum coffer_rc kit_revoke_thing(struct kit *k, enum kit_party who, const char *text, uint8_t id[static 32]);
/* From that time on; 0: wholly. serial as in kit_st. */
struct kit_key_revoked { enum kit_party who; int64_t from; uint64_t serial; const uint8_t *previous; };
enum coffer_rc kit_revoke_key(struct kit *k, const struct kit_key_revoked *r, uint8_t id[static 32]); /* KIT_IMAGE_KEY */
enum coffer_rc kit_pause(struct kit *k, enum kit_party who, const uint8_t target[static 32], uint8_t id[static 32]);

void kit_auth(struct kit *k, enum kit_party who, const char *method, const char *path, struct keep_party_auth *out,
	      struct wr *own);

/* Deletes the asset, or tries. */
enum coffer_rc kit_delete(struct kit *k, enum kit_party who);

/* The guest: a new session with evidence for the workload; what to bend in between is the test's. */
enum coffer_rc kit_begin(struct kit *k);
struct kit_evidence { bool wrong_nonce, wrong_key, no_register, no_initdata, other_initdata, unbound_initdata, no_request_key; };
/* other_initdata: an honest guest of another workload; unbound_initdata: bytes that the register does not hold */
enum coffer_rc kit_attest(struct kit *k, struct kit_evidence bend);
struct kit_get {
	const char *path, *container, *purpose;
	bool plain, bad_signature, same_counter;
	struct span token, payload; /* payload: other than the token has */
	uint64_t version;
};
enum coffer_rc kit_get(struct kit *k, struct kit_get g);
/* What net does for the ledger. kit_round: the head put before the witnesses; its reply. kit_witness: asks witness i, which judges by
 * the rules of one and signs; hands its line to keep. kit_collect: the reply that waits under the ticket of the last kit_get. */
enum coffer_rc kit_round(struct kit *k, struct keep_round_rep *out);
enum coffer_rc kit_witness(struct kit *k, uint8_t i);
bool           kit_ticket(struct kit *k, uint8_t out[static KEEP_TICKET_LEN]); /* of the last kit_get; false: it was not held */
enum coffer_rc kit_collect(struct kit *k, const uint8_t ticket[static KEEP_TICKET_LEN]);
/* Opens the last reply; the content of an agent's form or the plain one. */
bool           kit_opens_to(struct kit *k, bool plain, const char *content);
