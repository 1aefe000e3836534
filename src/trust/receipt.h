/* Receipts (docs/protocol/receipt.md): one file about one release, with which anyone who has the genesis' digest checks offline
 * that the release is in the service's ledger, which statements it rested on, that each was signed by keys its issuer had when it was
 * logged, logged before, and in force at the release by the ledger's own map; and which version of which asset left.
 *
 * Not checked here: the evidence, and what the decision's checks need of it (R1 to R6, R10); nor what else the decision asks of statements: personas, platforms, boot
 * images, assessments, how many uses an approval has, one service for all approvals, pauses of delegations. replay/replay.h does, the latter without evidence too. */
#pragma once
#include "trust/dsse.h"
#include "trust/ledger/checkpoint.h"
#include "trust/ledger/leaf.h"
#include "trust/ledger/mapkey.h"
#include "trust/ledger/smt.h"
#include "trust/ledger/tile.h"
#include "trust/parties.h"
#include "trust/statement.h"

#define RECEIPT_MAX (16u << 20)
#define RECEIPT_STATEMENTS_MAX 1024
#define RECEIPT_ASSETS_MAX 65         /* about the asset: that by which it was released, and those before it */
#define RECEIPT_FILES_MAX 24          /* of collateral */
#define RECEIPT_FILE_MAX (8u << 20)   /* bytes of one */

/* A logged entry: its leaf, what the leaf commits to, and where it stands in the tree. */
struct receipt_entry {
	struct wr           leaf, opening; /* owned */
	struct merkle_proof path;
};
struct receipt_statement {
	struct dsse          env;          /* owned */
	struct receipt_entry entry;
	enum map_status      status;       /* at the release */
	uint64_t             set;          /* entry that set it */
	struct wr            proof;        /* owned; of the map, as smt_proof_write writes it */
	bool                 counted;      /* an approval of which the release counted a use: what follows shows it, after and before */
	bool                 used_before;  /* then there is a salt of then */
	uint8_t              salt[32], salt_before[32];
	struct wr            uses, uses_before; /* owned; as proof */
};
/* What the guest showed, as the release names it: JCS, and the files that it names by digest, or some of them. */
struct receipt_evidence {
	bool               has;
	const struct json *document; /* borrows doc */
	struct wr          text;     /* owned: its bytes */
	struct wr          file[RECEIPT_FILES_MAX]; /* owned */
	size_t             n_files;
};
/* What the map has of a party's word (mapkey.h): all such statements are among the receipt's, or there is none; of minima perhaps only those from one on that replaces all
 * before it, whose value of the map stands for them. */
struct receipt_item {
	enum map_said kind;
	char          by[PARTY_MAX];
	uint8_t       subject[32];
	bool          has_before;
	struct mhash  before;      /* zeros without */
	struct wr     proof;       /* owned */
};
struct receipt {
	struct json_doc          *doc;     /* owned */
	struct dsse               genesis; /* owned */
	struct span               checkpoint; /* borrows doc */
	struct receipt_entry      release;
	uint8_t                   blind[32]; /* the asset in the map */
	struct wr                 asset;     /* owned; proof of the map */
	struct receipt_statement *statement; /* owned; in the order of the ledger */
	size_t                    n;
	struct receipt_evidence   evidence;
	bool                      has_said;
	struct receipt_item      *said;      /* owned; ascending by key of the map */
	size_t                    n_said;
};
void receipt_clear(struct receipt *r); /* CLEANUP-ready */

/* Form only: JCS to the last byte, and a newline. COFFER_E_INPUT or COFFER_E_LIMIT; *out must be zero and stays so on failure. */
enum coffer_rc receipt_read(struct span text, struct receipt *out, struct err *e) NODISCARD;

#define RECEIPT_FORM "coffer-receipt-v1"
/* What it is made of: the service's answer (GET /coffer/v0/receipts/ID), the genesis' envelope, and of the public ledger the
 * checkpoint and its tiles. Nothing is judged: receipt_read and receipt_verify follow. COFFER_E_UPSTREAM for a checkpoint that has not the
 * release yet. */
struct receipt_parts {
	const struct json     *reply;
	struct span            genesis, note;
	const struct ledger_policy *policy; /* the genesis': whose signature lines are carried */
	struct tile_source    *tiles; /* of the note's tree */
};
enum coffer_rc receipt_make(const struct receipt_parts *p, struct wr *out, struct err *e) NODISCARD;

/* What a receipt that holds shows. Borrows the receipt. */
struct receipt_view {
	uint64_t    index, size;   /* of the release; of the tree */
	int64_t     time;          /* of its entry, s since 1970 */
	struct span record;        /* JCS: {"data":{...},"time":...,"type":"release"} */
	char        asset[ASSET_PATH_MAX];
	uint64_t    version;
	uint8_t     decision[16], key[32], reply[32]; /* key: thumbprint it was wrapped to; reply: SHA-256 of what was sent */
	size_t      rests;         /* statements it rested on or looked at, its workload included */
	bool        evidence;      /* what the guest showed is in it, to be appraised again */
	uint64_t    decided_from;  /* serial of the first of the asset's statements in it: that those who decided before that one agreed to what came then is not shown. 1: all are */
	bool        said;          /* it shows that no revocation, pause or minimum of a party whose word counts was left out; false: the ledger's
	                            * map did not hold these yet */
};
/* Revocations and pauses that bear, of those whose word counts: target is a statement's id or a thing's; until 0: for good; since: of a key of
 * images, where releases of before stand (0: none). */
struct receipt_against { uint8_t target[32]; char by[PARTY_MAX]; int64_t from, until, since; };
struct receipt_said {
	bool                    has;     /* false: of a map that did not hold these; what follows is then empty */
	struct receipt_against *against; /* owned */
	size_t                  n;
	bool                   *minimum; /* owned; of statement i: a minimum that its issuer has */
};
/* For whoever goes on from there, while all of it is known to be genuine: r's statements are in the ledger's order, signed, and were what
 * the map says. parties: as of the release. record's data: of the release. */
struct receipt_known { const struct receipt *r; const struct receipt_view *v; const struct genesis *g; const struct parties *parties;
	const struct json *data; const struct receipt_said *said; };
typedef enum coffer_rc receipt_goes_on(void *arg, const struct receipt_known *k, struct err *e);
/* genesis: 32 bytes, the verifier's own. COFFER_E_DENIED names the check:
 *   genesis              another genesis, or not signed by its founders
 *   ledger-...           checkpoint_open's, ledger-inclusion, ledger-opening
 *   receipt-release      the entry is not a release
 *   receipt-signature    a statement is not signed by its issuer, or has a signature that no party's key made
 *   receipt-map          the ledger's map says otherwise of a statement or of the asset
 *   receipt-rests        a statement that the release rested on is missing, was not logged before it, or is not one of them; or what a
 *                        party said of itself or of a key is there, but not what by the map replaced it
 *   receipt-rights       they do not allow it: no entitlement, too few approvals of this asset, workload and service by parties that it
 *                        names or a delegate of its owner, or an image that neither its provider nor a delegate of its released as the manifest asks
 *   receipt-force        such a statement was superseded, revoked, expired or void by then
 *   receipt-said         of a party whose word counts it does not show all that it revoked, paused or demanded (said.h)
 *   receipt-evidence     it has other evidence than the release names, or files that the evidence does not
 * What is said of evidence in it is not judged: on goes there (NULL: nobody does), and its refusal is the receipt's. */
enum coffer_rc receipt_verify(const struct receipt *r, const uint8_t genesis[static 32], struct receipt_view *out, struct err *e) NODISCARD;
struct receipt_on { receipt_goes_on *on; void *arg; };
enum coffer_rc receipt_verify_on(const struct receipt *r, const uint8_t genesis[static 32], const struct receipt_on *on, struct receipt_view *out,
    struct err *e) NODISCARD;
