/* The JSON of the KBS protocol 0.4.0, and the runtime data that evidence is bound to. Shared by the service's `net`
 * and by clients; `keep` uses rcar_report_data alone, over members that reached it as plain bytes.
 * docs/protocol/service.md; JCS is RFC 8785. All parsers check form only: no signature, no freshness.
 */
#pragma once
#include "crypto/hash.h"
#include "fmt/json.h"
#include "proto/keep.h"

#define RCAR_VERSION "0.4.0"
#define RCAR_BODY_MAX (2u << 20)       /* bytes of an attestation */
#define RCAR_INITDATA_MAX (1u << 20)   /* bytes of the init-data text */
#define RCAR_NONCE_TEXT 44             /* characters: base64 of 32 bytes */
#define RCAR_ERROR_MAX (64u << 10)     /* bytes of an error body that are read */
#define RCAR_COOKIE "kbs-session-id"

/* "snp" -> TEE_SNP; false for every platform this build cannot appraise. */
bool tee_by_name(struct span s, enum tee_kind *out) NODISCARD;
const char *tee_name(enum tee_kind t);

/* ---- what evidence is bound to ---- */
struct rcar_binding {
	const struct keep_member *member; /* of tee-pubkey, sorted by name, ASCII names */
	size_t      n_members;
	struct span nonce;                /* text of the challenge */
	struct span additional;           /* the additional-evidence string, "" if none */
	bool        device;               /* device evidence: without the additional-evidence member */
};
/* The canonical JSON. Invalid UTF-8 makes the writer fail. */
void rcar_runtime_data(const struct rcar_binding *b, struct wr *w);
/* tee-pubkey alone, as an object. */
void rcar_pubkey_write(struct json_wr *j, const struct rcar_binding *b);
/* Digest of the runtime data under `alg`; the first hash_len(alg) bytes of out. */
enum coffer_rc rcar_report_data(const struct rcar_binding *b, enum hash_alg alg, uint8_t out[static HASH_MAX],
				struct err *e) NODISCARD;

/* ---- POST /auth ---- */
struct rcar_request { struct span tee; const struct json *extra; struct json_doc *doc; }; /* extra: extra-params; NULL: absent */
void rcar_request_clear(struct rcar_request *r);
/* COFFER_E_DENIED (check "version") for any version but 0.4.0; extra-params may be anything (rcar_tpm.h reads ours). */
enum coffer_rc rcar_request_parse(struct span body, struct rcar_request *out, struct err *e) NODISCARD;
/* extra: written into extra-params, NULL: nothing. */
void rcar_request_write(struct wr *w, const char *tee, void (*extra)(struct json_wr *j, const void *arg), const void *arg);

struct rcar_challenge { char nonce[RCAR_NONCE_TEXT + 1]; enum hash_alg hash; };
void rcar_challenge_write(struct wr *w, const uint8_t nonce[static 32]);
/* For our own client: the nonce must be base64 of 32 bytes. */
enum coffer_rc rcar_challenge_parse(struct span body, struct rcar_challenge *out, struct err *e) NODISCARD;
/* `extra-params` of a challenge -> hash; absent, "", null or without selected-hash-algorithm: SHA-384. Any letter case.
 * COFFER_E_INPUT for another type or an unknown name. */
enum coffer_rc rcar_hash_alg(const struct json *extra_params, enum hash_alg *out, struct err *e) NODISCARD;

/* ---- POST /attest ---- */
struct rcar_attestation {
	struct span        nonce;                     /* text, as the client repeats it */
	struct keep_member member[KEEP_MEMBERS_MAX];  /* sorted by name */
	size_t             n_members;
	struct span        additional;
	struct span        initdata;                  /* empty when null */
	const struct json *primary;                   /* evidence of the platform */
	struct json_doc   *doc;                       /* owned; all of the above borrows it */
};
void rcar_attestation_clear(struct rcar_attestation *a); /* CLEANUP-ready */
/* Closed schema; tee-pubkey: 1 to 16 string members with printable ASCII names, kty among them; init-data of format toml. */
enum coffer_rc rcar_attestation_parse(struct span body, struct rcar_attestation *out, struct err *e) NODISCARD;
/* primary_json is evidence as JSON text. */
void rcar_attestation_write(struct wr *w, const struct rcar_binding *b, struct span initdata, struct span primary_json);

/* ---- errors, both shapes ---- */
struct rcar_error {
	char type[48];    /* last segment of the KBS error's type; "" in Coffer's own shape */
	char check[24];   /* "" when none is named */
	char reason[ERR_MSG_MAX]; /* printable text; never empty */
	char fix[400];    /* "" when none */
};
/* {"type","detail"} or {"error":{"check","reason","fix"}}. A detail "<check>: <reason>" is taken apart when <check> looks
 * like one of ours (at most 23 of [A-Za-z0-9-]). false: neither shape; *out is then untouched. Control characters become '?'; what is cut ends with ERR_CUT. */
bool rcar_error_parse(struct span body, struct rcar_error *out) NODISCARD;
