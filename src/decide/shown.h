/* What a guest showed when it attested, with all that its appraisal looked at: kept with a release, and handed out in its receipt, so that
 * whoever has that appraises it again (docs/protocol/receipt.md, "Evidence").
 *
 * Here: what the evidence must be bound to, the request to whoever judges it, what whoever decides reads again by itself, and the
 * document. Pure: the service does it once, a verifier as often as it likes, by the same code. */
#pragma once
#include "decide/decide.h"
#include "decide/roots.h"
#include "decide/teekey.h"
#include "proto/eval.h"
#include "proto/keep.h"

#define SHOWN_DOC_MAX (4u << 20)
#define SHOWN_FORM "coffer-shown-v1"

struct shown {
	enum tee_kind tee;
	int64_t       time, expires;   /* of the attestation; of its session */
	uint8_t       session[KEEP_SESSION_LEN], nonce[32];
	uint8_t       hash;            /* enum hash_alg */
	const struct keep_member *member; /* of tee-pubkey */
	size_t        n_members;
	struct span   additional, evidence;
	struct span   initdata;        /* of a release it is the rendering of the workload, so that a document has its digest alone */
	struct span   ak;              /* that a credential was made for; empty: none */
	struct span   references;      /* JSON: what statements in force gave as reference values */
	struct span   file[KEEP_FILES_MAX];
	size_t        n_files;
	struct span   claims;          /* JSON: the EAR's submods that came of it */
	struct span   service, build;  /* who appraised: the service's id or "", its version */
};

/* Report data: rebuilt from nonce and members. device: what additional evidence is bound to. */
struct bound { uint8_t digest[HASH_MAX], device[HASH_MAX]; size_t n; };
/* COFFER_E_INPUT for an unknown hash or members that are no text. */
enum coffer_rc shown_bind(const struct shown *s, struct bound *out, struct err *e) NODISCARD;

/* A struct eval_evidence_req; frame is open. COFFER_E_LIMIT. */
enum coffer_rc shown_request(const struct shown *s, const struct bound *b, const struct vendor_roots *roots, struct wr *frame,
    struct err *e) NODISCARD;

/* ---- what is read of the answer ---- */

/* As evidence.h names verdicts; keep does not include it, for it speaks of X.509. */
enum { SAID_VALID, SAID_INVALID, SAID_MALFORMED, SAID_STALE, SAID_COLLATERAL };

/* An answer that is not SAID_VALID, as a refusal: COFFER_E_DENIED with check "R1", "R2" or "R6", or COFFER_E_INPUT. */
enum coffer_rc shown_refused(uint8_t tag, const struct eval_evidence_rep *r, struct err *e);

struct reread {
	bool            genuine;       /* never of sample and swtpm: nobody vouches for those */
	struct hw_facts facts;         /* but sample's, which has none */
	uint8_t         report_data[64];
	size_t          report_data_n;
	bool            has_register;
	uint8_t         init_register[32];
	uint8_t         root[32];      /* as in struct appraisal */
	char            why[80];
};
struct reread_in {
	const struct shown             *s;
	const struct eval_evidence_rep *r;
	const struct vendor_roots      *roots;
	bool                            vouched; /* tpm: the AK answered a credential challenge */
	const uint8_t                  *vouched_by; /* by the root with this key (32 bytes); NULL: it is not known by which */
};
/* Signature, bindings, measurements, debug bits and firmware from the hardware's own bytes (evidence/fixed.h); of platforms without a
 * fixed layout, and of sample, what was told. COFFER_E_DENIED with check "R1" or "R2". */
enum coffer_rc shown_reread(const struct reread_in *in, struct reread *out, struct err *e) NODISCARD;

/* What `why` is where that succeeded: a constant. */
const char *shown_why(enum tee_kind tee);

/* For the decision; genesis is not set, hw borrows v. */
void shown_appraisal(const struct shown *s, const struct bound *b, const struct reread *v, struct appraisal *a);

/* ---- the document ---- */

/* SHA-256 of what the document does not have itself. */
struct shown_digests {
	bool    has_initdata;
	uint8_t initdata[32], claims[32], file[KEEP_FILES_MAX][32];
};
/* JCS; files in order. Of s neither init-data, claims nor files are looked at, but for how many these are. */
enum coffer_rc shown_write(const struct shown *s, const struct shown_digests *d, struct wr *out, struct err *e) NODISCARD;
/* The document is sure to be no longer than SHOWN_DOC_MAX. */
bool           shown_fits(const struct shown *s) NODISCARD;

struct shown_doc {
	struct shown      s;         /* borrows what follows, and the json; init-data, claims and files are empty */
	struct keep_member member[KEEP_MEMBERS_MAX];
	uint8_t           file[KEEP_FILES_MAX][32], claims[32], initdata[32]; /* SHA-256 */
	bool              has_initdata;
	struct wr         additional, ak, evidence, references; /* owned */
};
void shown_clear(struct shown_doc *d); /* CLEANUP-ready */
/* Closed schema, form only. COFFER_E_INPUT. */
enum coffer_rc shown_read(const struct json *o, struct shown_doc *out, struct err *e) NODISCARD;
