/* Messages between `net` (hostile once broken into) and `keep`.
 *
 * Frame: u32 big-endian length of what follows, u8 type, u32 number, body. Replies: u32 length, u8 coffer_rc, u32 number of the
 * request, body; the body of a failure is a struct keep_refusal. Several requests may wait for their answers, each with a number of
 * its own: `net` chooses it, and a number that is given twice, or answers nothing, ends whoever reads it. `keep` decides requests in the order in
 * which it reads them, each on what those before it left; one that waits for `eval` (proto/eval.h) is decided, as a whole, when that
 * has answered, and others go before it. So what a client sends after it has read an answer is decided after that, and nothing is promised of the
 * order of what is sent at once. No answer leaves before everything that was decided before it is on the disk.
 * `keep` accepts a request only if it is decoded to its last byte; spans borrow the frame. Nothing here is JSON but the payloads of
 * statements and party tokens, which `keep` reads only after it has verified their signature.
 */
#pragma once
#include "crypto/key.h"
#include "trust/dsse.h"
#include "trust/statement.h"

#define KEEP_FRAME_MAX (12u << 20)
#define KEEP_ASSET_MAX (1u << 20)   /* bytes of one asset's content with its salt */
#define KEEP_SESSION_LEN 16
#define KEEP_LEDGER_NAME_MAX 64  /* bytes of a file's name, one more than the longest */
#define KEEP_MEMBERS_MAX 16
#define KEEP_MEMBER_NAME_MAX 64
#define KEEP_MEMBER_VALUE_MAX 2048

enum keep_type {
	KEEP_AUTH = 1, KEEP_ATTEST, KEEP_RESOURCE, KEEP_PUT, KEEP_DELETE, KEEP_STATEMENT,
	KEEP_QUERY, KEEP_ASSETS, KEEP_DECISION, KEEP_JOURNAL, KEEP_STATUS, KEEP_JWKS, KEEP_LEDGER, KEEP_OPENINGS, KEEP_PARTIES, KEEP_FRESH,
	KEEP_RECEIPT, KEEP_ROUND, KEEP_WITNESS, KEEP_COSIGN, KEEP_COLLECT, KEEP_HAD, KEEP_LENT,
};
#define KEEP_LAST KEEP_LENT

/* Platforms whose evidence the service takes as primary; names are rcar_json.h's. Numbers stay: tokens carry them. */
enum tee_kind { TEE_SAMPLE = 1, TEE_SNP, TEE_TDX, TEE_SGX, TEE_TPM, TEE_SWTPM, TEE_AZ_SNP, TEE_AZ_TDX, TEE_CCA, TEE_CSV };
#define TEE_LAST TEE_CSV
#define KEEP_FILES_MAX 24              /* of collateral */
#define KEEP_FILE_MAX (256u << 10)
#define KEEP_EVIDENCE_MAX (2u << 20)

struct keep_refusal {
	char    check[24];
	char    reason[ERR_MSG_MAX];
	bool    has_decision;
	uint8_t decision[16]; /* id for `coffer why` */
};

/* A party token, split by net: keep verifies `sig` over signing_input with the known key kid,
 * then reads payload. */
struct keep_party_auth {
	struct span signing_input, payload;
	uint8_t     sig[SIG_LEN], kid[32];
	struct span method, path;      /* of the HTTP request; must equal the token's */
	uint8_t     body_sha256[32];   /* of the HTTP body, computed by net; PUT's parts are checked by their own signature */
};

#define KEEP_EK_MAX 8192               /* bytes of one certificate */
#define KEEP_EK_CHAIN_MAX 4            /* certificates between it and a root */
#define KEEP_AK_MAX 1024               /* bytes of a TPMT_PUBLIC */
/* Who asks that its TPM vouches for its attestation key (tpm and swtpm alone): both, or neither. Hostile, as it came. */
struct keep_tpm {
	struct span ek_cert;               /* DER */
	struct span ak_public;             /* TPMT_PUBLIC */
	struct span chain[KEEP_EK_CHAIN_MAX]; /* DER */
	size_t      n_chain;
};
struct keep_auth_req { uint8_t tee; struct keep_tpm tpm; };
struct keep_auth_rep {
	uint8_t     session[KEEP_SESSION_LEN], nonce[32];
	struct span credential, secret;    /* TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET; empty: none was asked for */
};

struct keep_member { struct span name, value; }; /* of tee-pubkey: string members, sorted by name, unique, ASCII names */
struct keep_attest_req {
	uint8_t            session[KEEP_SESSION_LEN];
	uint8_t            hash;              /* enum hash_alg; what report_data was made with */
	struct keep_member member[KEEP_MEMBERS_MAX];
	size_t             n_members;
	struct span        nonce;             /* text, as the client repeats it */
	struct span        additional;        /* the additional-evidence string */
	struct span        evidence;          /* JSON of the platform, as it came: hostile, for eval alone */
	struct span        initdata;          /* the bytes offered; may be empty */
	struct span        file[KEEP_FILES_MAX]; /* collateral that net fetched: hostile too, its signatures count */
	size_t             n_files;
};
/* One of them: a token; or items of collateral (lines) without which the evidence cannot be judged: ask once more with them. */
struct keep_attest_rep { struct span token, needs; uint32_t max_age; /* with needs: seconds since they were fetched that some owner allows; 0: none says */ };

struct keep_resource_req {
	bool        by_token;                 /* else by session */
	uint8_t     session[KEEP_SESSION_LEN];
	struct span token_signing_input, token_payload; /* our own EAR token, verified by keep with its token key */
	uint8_t     token_sig[SIG_LEN];
	struct span path;                     /* "party/type/tag" */
	bool        has_request;
	struct span request;                  /* "CRQ1"... */
	uint8_t     request_sig[SIG_LEN];
};
#define KEEP_TICKET_LEN 16
/* held: the reply waits in keep for the ledger's witnesses; KEEP_COLLECT (a ticket) answers with it, not held, once enough have signed
 * (COFFER_E_LIMIT before, COFFER_E_NOTFOUND when it is gone). The other members are then zero. */
struct keep_resource_rep {
	bool        held;
	uint8_t     ticket[KEEP_TICKET_LEN];  /* when held */
	struct span body;                     /* JWE text */
	uint8_t     reply_sig[SIG_LEN];
	uint64_t    seq, version;
	uint8_t     entry[32];
};

/* What net is to do for the ledger (docs/protocol/ledger.md, Witnesses). KEEP_ROUND, empty: puts the newest head before the witnesses,
 * unless enough have signed it. Reply, of KEEP_COSIGN too: */
#define KEEP_WITNESSES_MAX 24
#define KEEP_COSIGN_MAX (8u << 10)
struct keep_round_rep {
	uint8_t  n;                           /* witnesses of the genesis whose signatures are wanted; 0: none is */
	uint64_t size;                        /* of the head before them; 0: enough have signed the newest */
	uint64_t missing;                     /* bit i: witness i has not signed it */
};
/* KEEP_WITNESS: what to POST to this witness's /add-checkpoint; told: it answered that this is the size it has. Refused
 * (COFFER_E_DENIED, "ledger-rollback") when that is more than this ledger has. Reply: bytes.
 * KEEP_COSIGN: what it answered. COFFER_E_DENIED "ledger-cosignature". */
struct keep_witness_req { uint8_t witness; bool told; uint64_t size; };
struct keep_cosign_req { uint8_t witness; struct span lines; };

/* KEEP_FRESH: bytes of proto/fresh.h, each side's signed */
struct keep_fresh_req { uint8_t session[KEEP_SESSION_LEN]; struct span ask; uint8_t sig[SIG_LEN]; };
struct keep_fresh_rep { struct span answer; uint8_t sig[SIG_LEN]; };

struct keep_put_req {
	struct keep_party_auth auth;
	struct span   path;
	struct dsse   statement;              /* decoded into owned memory */
	bool          has_content;            /* else the statement says anew what is kept: same digest, next version */
	struct pubkey epk;                    /* of the content, as all that follows */
	struct span   aad, encrypted_key, ciphertext;
	uint8_t       iv[12], tag[16];
};
struct keep_delete_req { struct keep_party_auth auth; struct span path; };
struct keep_statement_req { struct dsse statement; };
struct keep_logged_rep { uint8_t id[32]; uint64_t seq; uint8_t entry[32]; };

struct keep_query_req {
	bool                   has_auth;
	struct keep_party_auth auth;
	uint8_t                kind;          /* enum statement_kind, 0 = any */
	struct span            issuer, subject; /* empty = any */
	bool                   has_id;
	uint8_t                id[32];
	bool                   all;           /* also superseded, expired, revoked */
	uint64_t               before;        /* those of entries before this one; 0: all */
};
#define KEEP_QUERY_MAX 256
/* reply: u32 count, then per statement u32 length and the envelope JSON text (keep writes JSON, it parses none); then u64: `before` of the
 * next question, 0 when there is no more */

struct keep_assets_req { struct keep_party_auth auth; struct span after; };   /* after: a path, those behind it; empty: the first; reply: JSON text */
/* list: the newest, of entries below `before` where that is not 0; id is zero. Reply: JSON text */
struct keep_decision_req { struct keep_party_auth auth; bool list; uint8_t id[16]; uint64_t before; };
struct keep_journal_req { struct keep_party_auth auth; uint64_t from; };   /* reply: JSON text */
/* KEEP_OPENINGS: a struct keep_journal_req; reply: JSON text.
 * KEEP_RECEIPT: a struct keep_decision_req that names a release; reply: JSON text (docs/protocol/receipt.md)
 * KEEP_HAD: a struct keep_decision_req as before, of the asset's owner, who has that receipt now: its evidence may be pruned; reply: JSON text
 * KEEP_PARTIES: u64 entry to begin with, anyone may ask; reply: JSON text
 * KEEP_LENT: 32 bytes, a service statement's id, anyone may ask; reply: JSON text, the delegations by which its issuer designates the service
 * KEEP_LEDGER: the name of a file of the public ledger ("checkpoint", "tile/..."), or "head": the newest checkpoint, signed by the log
 * alone; anyone may ask; reply: its bytes */
/* KEEP_STATUS, KEEP_JWKS (RFC 7517: the key that signs tokens): empty request; reply: JSON text */

/* Encoders fill a body; decoders demand the last byte. */
void keep_auth_req_write(struct wr *w, const struct keep_auth_req *m);
enum coffer_rc keep_auth_req_read(struct span b, struct keep_auth_req *m, struct err *e) NODISCARD;
void keep_auth_rep_write(struct wr *w, const struct keep_auth_rep *m);
enum coffer_rc keep_auth_rep_read(struct span b, struct keep_auth_rep *m, struct err *e) NODISCARD;
void keep_attest_req_write(struct wr *w, const struct keep_attest_req *m);
enum coffer_rc keep_attest_req_read(struct span b, struct keep_attest_req *m, struct err *e) NODISCARD;
void keep_attest_rep_write(struct wr *w, const struct keep_attest_rep *m);
enum coffer_rc keep_attest_rep_read(struct span b, struct keep_attest_rep *m, struct err *e) NODISCARD;
void keep_resource_req_write(struct wr *w, const struct keep_resource_req *m);
enum coffer_rc keep_resource_req_read(struct span b, struct keep_resource_req *m, struct err *e) NODISCARD;
void keep_resource_rep_write(struct wr *w, const struct keep_resource_rep *m);
enum coffer_rc keep_resource_rep_read(struct span b, struct keep_resource_rep *m, struct err *e) NODISCARD;
void keep_round_rep_write(struct wr *w, const struct keep_round_rep *m);
enum coffer_rc keep_round_rep_read(struct span b, struct keep_round_rep *m, struct err *e) NODISCARD;
void keep_witness_req_write(struct wr *w, const struct keep_witness_req *m);
enum coffer_rc keep_witness_req_read(struct span b, struct keep_witness_req *m, struct err *e) NODISCARD;
void keep_cosign_req_write(struct wr *w, const struct keep_cosign_req *m);
enum coffer_rc keep_cosign_req_read(struct span b, struct keep_cosign_req *m, struct err *e) NODISCARD;
void keep_fresh_req_write(struct wr *w, const struct keep_fresh_req *m);
enum coffer_rc keep_fresh_req_read(struct span b, struct keep_fresh_req *m, struct err *e) NODISCARD;
void keep_fresh_rep_write(struct wr *w, const struct keep_fresh_rep *m);
enum coffer_rc keep_fresh_rep_read(struct span b, struct keep_fresh_rep *m, struct err *e) NODISCARD;
void keep_put_req_write(struct wr *w, const struct keep_put_req *m);
enum coffer_rc keep_put_req_read(struct span b, struct keep_put_req *m, struct err *e) NODISCARD; /* clear m->statement after */
void keep_delete_req_write(struct wr *w, const struct keep_delete_req *m);
enum coffer_rc keep_delete_req_read(struct span b, struct keep_delete_req *m, struct err *e) NODISCARD;
void keep_statement_req_write(struct wr *w, const struct keep_statement_req *m);
enum coffer_rc keep_statement_req_read(struct span b, struct keep_statement_req *m, struct err *e) NODISCARD;
void keep_logged_rep_write(struct wr *w, const struct keep_logged_rep *m);
enum coffer_rc keep_logged_rep_read(struct span b, struct keep_logged_rep *m, struct err *e) NODISCARD;
void keep_query_req_write(struct wr *w, const struct keep_query_req *m);
enum coffer_rc keep_query_req_read(struct span b, struct keep_query_req *m, struct err *e) NODISCARD;
void keep_assets_req_write(struct wr *w, const struct keep_assets_req *m);
enum coffer_rc keep_assets_req_read(struct span b, struct keep_assets_req *m, struct err *e) NODISCARD;
void keep_decision_req_write(struct wr *w, const struct keep_decision_req *m);
enum coffer_rc keep_decision_req_read(struct span b, struct keep_decision_req *m, struct err *e) NODISCARD;
void keep_journal_req_write(struct wr *w, const struct keep_journal_req *m);
enum coffer_rc keep_journal_req_read(struct span b, struct keep_journal_req *m, struct err *e) NODISCARD;
void keep_refusal_write(struct wr *w, const struct keep_refusal *m);
enum coffer_rc keep_refusal_read(struct span b, struct keep_refusal *m, struct err *e) NODISCARD;
