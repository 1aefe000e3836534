/* The common part of every statement: payload bytes -> struct, and back.
 * docs/protocol/statements.md. Checks form only; who signed, whether it is logged or
 * in force is decided elsewhere (trust/registry.h). */
#pragma once
#include "crypto/key.h"
#include "fmt/json.h"
#include "trust/launch.h"
#include "trust/ledger/checkpoint.h"
#include "trust/lease.h"
#include "trust/name.h"
#include "trust/shipped.h"

enum statement_kind {
	ST_GENESIS = 1, ST_PARTY, ST_SERVICE, ST_IMAGE_RELEASE, ST_ASSET, ST_WORKLOAD, ST_APPROVAL, ST_REVOCATION,
	ST_BOOT_IMAGE, ST_TCB, ST_DELEGATION, ST_PAUSE, ST_ASSESSMENT, ST_BINDING,
	ST_AMENDMENT,
};
#define ST_LAST ST_AMENDMENT
#define ST_SUBJECTS_MAX 32
#define ST_SUBJECT_NAME_MAX 512

struct statement_subject { struct span name; uint8_t sha256[32]; };

struct statement {
	enum statement_kind kind;
	char                issuer[PARTY_MAX];
	bool                has_ledger;
	uint8_t             ledger[32];   /* genesis id */
	int64_t             issued, expires;
	uint64_t            serial;
	uint8_t             previous[32]; /* zero when serial is 1 */
	struct statement_subject subject[ST_SUBJECTS_MAX];
	size_t              n_subjects;
	const struct json  *body;         /* borrowed from doc */
	struct json_doc    *doc;          /* owned */
	uint8_t             id[32];       /* SHA-256 of the payload */
};
void statement_clear(struct statement *s); /* CLEANUP-ready */

const char *statement_kind_name(enum statement_kind k);
bool        statement_travels(enum statement_kind k); /* may name no ledger: it is about things, and holds under any genesis */
/* Who decides of an asset stops another's statement of this kind for that asset, by revocation or pause: what its releases rest on and what grants. Not what says who a
 * party is, what only holds back, and not delegations: what was said by them is stopped (docs/protocol/statements.md). */
bool        statement_stopped_by_owner(enum statement_kind k);
bool        statement_kind_by_name(struct span s, enum statement_kind *out) NODISCARD;

/* Refused besides malformed text: an unknown member or kind; a number of subjects, or a subject digest, other than the kind
 * wants; issued >= expires; "previous" at serial 1 or none at a higher one; "ledger" where there must be none, or none where
 * there must be one; the id in a party's or service's body that is not the subject. The rest of the body is for its reader. */
enum coffer_rc statement_parse(struct span payload, struct statement *out, struct err *e) NODISCARD;

/* Writes the payload as JCS. s->body is used as it stands (canonicalised); s->doc and s->id are ignored.
 * What statement_parse would refuse is refused here too. */
enum coffer_rc statement_write(const struct statement *s, struct wr *payload, struct err *e) NODISCARD;

/* ---- bodies: closed schemas, form only ---- */
#define PARTY_KEYS_MAX 8
enum persona { PERSONA_INFRA = 1, PERSONA_ORCH = 2, PERSONA_WORKLOAD = 4, PERSONA_IMAGE = 8, PERSONA_OWNER = 16, PERSONA_USER =
    32, PERSONA_AUDITOR = 64 };
bool        persona_by_name(struct span s, unsigned *out) NODISCARD; /* "data-owner" ... */
void        persona_names(unsigned set, char *out, size_t n);        /* comma-separated */

struct party {
	char          id[PARTY_MAX];
	unsigned      personas;
	struct pubkey keys[PARTY_KEYS_MAX];
	size_t        n_keys;
	bool          has_encryption;
	struct pubkey encryption; /* P-256 */
	struct pubkey recovery[PARTY_KEYS_MAX];
	size_t        n_recovery;
	uint64_t      quorum;     /* how many of the recovery keys decide together; 0 where there are none */
	uint64_t      hold_hours;
};
enum coffer_rc party_read(const struct json *body, struct party *out, struct err *e) NODISCARD;
void           party_write(const struct party *p, struct json_wr *j);

#define GENESIS_PARTIES_MAX 16
#define GENESIS_ROOTS_MAX 8
#define GENESIS_ROOT_DER_MAX 2048
/* Whom else the founders believe about hardware, beside the vendors' pinned keys: a certificate of the vendor "amd", "intel" or "tpm"
 * ("tpm" for swtpm's maker too), and the name by which its keys are told apart ("SEV-Milan"). Its DER is read where it is used. Arm certifies nothing: of the vendor "arm" der holds a JSON list of
 * the keys of CCA platforms, each {"implementation-id","instance-id","pkey"}, read whole. */
#define GENESIS_ANCHORS_MAX 6
struct genesis_root { char vendor[16], name[64]; bool anchors; uint8_t der[GENESIS_ROOT_DER_MAX]; size_t der_n; };
#define GENESIS_WITNESSES_MAX 16
#define GENESIS_URL_MAX 256
struct genesis_witness { struct note_key key; char url[GENESIS_URL_MAX]; };
struct genesis {
	uint8_t       id[32];
	char          origin[256];
	struct pubkey ledger_key;
	struct party  party[GENESIS_PARTIES_MAX];
	size_t        n_parties;
	struct genesis_root root[GENESIS_ROOTS_MAX];
	size_t        n_roots;
	struct genesis_witness witness[GENESIS_WITNESSES_MAX];
	size_t        n_witnesses;
	uint64_t      cosignatures; /* how many of them every head must carry; witnesses.h makes the policy of both */
	struct shipped policies;    /* which of the shipped ones are named, and their digests; of the others the founders say nothing */
};
enum coffer_rc genesis_read(const struct statement *s, struct genesis *out, struct err *e) NODISCARD;

#define SERVICE_LAUNCHES_MAX 4
struct service {
	char               id[PARTY_MAX];
	struct pubkey      receive, reply, token, ledger_key;
	uint8_t            tls[32];
	struct boot_launch launch[SERVICE_LAUNCHES_MAX]; /* "measurements": how its machine is launched; none: it does not attest itself */
	size_t             n_launches;
	bool               has_tpm;
	uint8_t            tpm[32];  /* SHA-256 of the SubjectPublicKeyInfo of the endorsement key of the one TPM that may attest it */
	uint8_t            chip[64]; /* the one processor that may, as its evidence names it (evidence/facts.h) */
	size_t             chip_n;   /* 0: none is named */
};
/* tpm goes with a launch of tpm or swtpm, chip with one of snp or tdx. */
enum coffer_rc service_read(const struct json *body, struct service *out, struct err *e) NODISCARD;
void           service_write(const struct service *s, struct json_wr *j);

#define ASSET_OWNERS_MAX 8
#define ASSET_POLICY_MAX (64u << 10)
struct asset_body {
	struct asset_path path;
	char     type[32];
	uint64_t version;
	uint64_t k;
	char     of[ASSET_OWNERS_MAX][PARTY_MAX];
	size_t   n_of;
	bool     lease_said;  /* "lease" or an act other than stop is there: then a guest's agent must enforce leases */
	struct lease_terms lease; /* "lease" and "least-action"; lease_default() where nothing is said */
	bool     amended;     /* "amendment": the genesis as this amendment left it counts for the asset; else as it was founded (amend.h) */
	uint8_t  amendment[32];
	struct span policy; /* the owner's release policy, Rego text; {NULL,0}: none. Borrowed from the statement's document */
};
/* also: version <= serial, subject is the path, whose owner is among "of". The version counts contents; a statement that says anew what is kept (another policy, a
 * longer life) has the same version under the next serial. */
enum coffer_rc asset_read(const struct statement *s, struct asset_body *out, struct err *e) NODISCARD;

/* The party is one of those whose approvals count. */
bool asset_names(const struct asset_body *a, const char *party);

/* An auditor's finding. digest: of the manifest, of the image, or the boot-image statement's id. */
enum assessed { ASSESSED_WORKLOAD = 1, ASSESSED_IMAGE, ASSESSED_BOOT_IMAGE };
#define ASSESSMENT_SUBJECT_MAX 96
struct assessment { enum assessed about; uint8_t digest[32]; bool passed; struct span method; uint8_t report[32]; /* zeros: none */ };
enum coffer_rc assessment_read(const struct statement *s, struct assessment *out, struct err *e) NODISCARD;
const char    *assessed_name(enum assessed a);
bool           assessed_by_name(struct span s, enum assessed *out) NODISCARD;
void           assessment_subject(enum assessed about, const uint8_t digest[static 32], char out[static ASSESSMENT_SUBJECT_MAX]);

/* Which assets fill a workload's slots. Of bindings by one party of one workload, those of one name follow each other. Form only:
 * that the assets are the issuer's is admit.c's question. */
#define BINDING_SLOTS_MAX 16
#define BINDINGS_MAX 4 /* of one instance */
#define BINDING_SUBJECT_MAX (sizeof("workload:/") + 64 + PARTY_MAX)
struct bound_slot { char name[PARTY_MAX]; struct asset_path asset; }; /* names are unique */
struct binding { uint8_t workload[32]; char name[PARTY_MAX]; struct bound_slot slot[BINDING_SLOTS_MAX]; size_t n_slots; };
void           binding_subject(const uint8_t workload[static 32], const char *name, char out[static BINDING_SUBJECT_MAX]);
enum coffer_rc binding_read(const struct statement *s, struct binding *out, struct err *e) NODISCARD;

#define APPROVAL_ASSETS_MAX 32
#define APPROVAL_ASSESSED_MAX 8
#define APPROVAL_SLOTS_MAX 16
struct wants_assessed { char by[PARTY_MAX]; enum assessed about; }; /* of images: of each */
struct approval {
	struct asset_path asset[APPROVAL_ASSETS_MAX];
	size_t   n_assets;
	uint8_t  workload[32];
	char     platform[8][32]; /* "snp"; "snp+debug" accepts it with its memory open to debugging too */
	size_t   n_platforms;
	uint8_t  service[8][32];
	size_t   n_services;
	uint8_t  boot_image[8][32]; /* boot-image statements; without any it covers nothing on platforms other than sample */
	size_t   n_boot_images;
	int64_t  until;
	bool     has_uses;
	uint64_t uses;
	uint8_t  shown[32];
	struct wants_assessed assessed[APPROVAL_ASSESSED_MAX]; /* all of them, passed and in force */
	size_t   n_assessed;
	bool     or_narrower;          /* also what is at most as wide as that workload (manifest_diff.h) */
	char     slot[APPROVAL_SLOTS_MAX][PARTY_MAX]; /* by which the assets may reach the workload; named in the manifest, they need none */
	size_t   n_slots;
	struct asset_path beside[APPROVAL_SLOTS_MAX]; /* of other owners, which may fill other slots of the same instance */
	size_t   n_beside;
	char     images_by[PARTY_MAX]; /* "": none; a party any of whose images may take an image's place: it may run any code on the data */
};
enum coffer_rc approval_read(const struct statement *s, struct approval *out, struct err *e) NODISCARD;

struct image_release { struct span repository; uint8_t digest[32]; uint64_t version; const struct json *methods, *keys;
	const struct json *attestations; /* [{"type","digest","asset"?}...], or NULL */ };
bool image_release_offers(const struct image_release *r, struct span type, struct span key); /* that method of verification, with that key */
bool image_release_attests(const struct image_release *r, struct span type); /* lists an artefact of that predicate type */
enum coffer_rc image_release_read(const struct statement *s, struct image_release *out, struct err *e) NODISCARD;

/* A pause too, which lasts at most PAUSE_SECONDS_MAX from issued to expires and is lifted by revoking it. */
#define PAUSE_SECONDS_MAX (INT64_C(7) * 86400)
/* What is no statement and is revoked all the same (thing.h): text and the id that it has. */
enum thing_kind { THING_NONE, THING_CHIP, THING_IMAGE, THING_MEASUREMENT, THING_IMAGE_KEY };
struct thing { enum thing_kind kind; char text[224]; uint8_t id[32]; };
/* Of a statement; or (of_key) of a key of the issuer's own from a time on: then the subject is the key's thumbprint; or (of_thing) of a thing, and of the key of images perhaps from a time on (from; 0: wholly). */
struct revocation { bool of_key, of_thing; uint8_t statement[32], key[32]; struct thing thing; int64_t from; struct span reason; };
enum coffer_rc revocation_read(const struct statement *s, struct revocation *out, struct err *e) NODISCARD;
/* Of two revocations, or pauses, by one issuer of one thing: the one before holds back all that s would, as long, so that s says nothing new. Not of keys of parties. */
bool           revocation_says_as_much(const struct statement *before, const struct statement *s);

/* Power that a party lends another, and that may be lent on: role, and over what: assets of "of" (approval), which services, which repositories. */
#define DELEGATION_SCOPES_MAX 8
#define DELEGATION_DEPTH_MAX 3 /* links that may follow one, so that a chain has at most 4 */
enum delegated_role { ROLE_BOOT_IMAGE = 1, ROLE_SERVICE, ROLE_VERIFICATION, ROLE_APPROVAL };
const char *role_name(enum delegated_role r);
bool        role_by_name(struct span s, enum delegated_role *out) NODISCARD;

struct delegation {
	char     of[PARTY_MAX], to[PARTY_MAX]; /* of: whose power it is, at the chain's beginning */
	enum delegated_role role;
	/* Role approval: paths; image-verification: repositories; of both also beginnings that end with "/". Role attestation-service: ids of services. */
	char     scope[DELEGATION_SCOPES_MAX][ASSET_PATH_MAX];
	size_t   n_scopes; /* 0, of services and images: over all of them */
	uint64_t depth;
	int64_t  until;
};
/* Form only: whether the issuer has the power is admit.c's question. */
enum coffer_rc delegation_read(const struct statement *s, struct delegation *out, struct err *e) NODISCARD;
/* The path, service's id or repository, or the beginning of such, lies in its scope; {NULL,0}: all of them do. Role boot-image has no scope: true. */
bool delegation_covers(const struct delegation *d, struct span what);
