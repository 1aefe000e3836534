/* Making and logging statements: the part that every publishing verb shares. */
#pragma once
#include "cli/home.h"
#include "fmt/json.h"
#include "trust/dsse.h"
#include "trust/statement.h"

/* What a verb wants to say. Subject names are borrowed. */
struct draft {
	enum statement_kind kind;
	struct statement_subject subject[ST_SUBJECTS_MAX];
	size_t      n_subjects;
	struct span body;     /* JSON text */
	int64_t     expires;  /* 0 = one year from now */
};

void draft_subject_name(struct draft *d, struct span name);                               /* digest of the name */
void draft_subject_digest(struct draft *d, struct span name, const uint8_t sha256[static 32]);

/* stood: the service says that another said the same before, which stands and is this; checked: that was held against both and the ledger (stood.h). */
struct logged { uint8_t id[32]; uint64_t seq, serial; bool stood, checked; };

/* Builds: serial and previous from what the service has logged, or from --after. Not signed yet. */
enum coffer_rc draft_make(const struct home *h, const struct privkey *key, struct service_conn *conn, const struct draft *d,
    struct dsse *out, uint64_t *serial, struct err *e) NODISCARD;
/* draft_make, and signs. */
enum coffer_rc draft_sign(const struct home *h, const struct privkey *key, struct service_conn *conn, const struct draft *d,
    struct dsse *out, uint64_t *serial, struct err *e) NODISCARD;

/* Writes an envelope to a file, for people to hand on. */
enum coffer_rc envelope_write(const char *path, const struct dsse *env, struct err *e) NODISCARD;

/* Adds env's signatures to the statement in the file, which may be what 'coffer asset seal' wrote, and says so. COFFER_E_DENIED (check
 * "statement"): another statement is there (cmd_together.c). */
enum coffer_rc envelope_merge(const struct cli *c, const char *path, const struct dsse *env, struct err *e) NODISCARD;

/* Posts an envelope; *out from the reply: of this statement, or of a revocation or pause that this one would have followed and that stands, as the
 * service says and nothing here checks. */
enum coffer_rc envelope_post(struct service_conn *conn, const struct dsse *env, struct logged *out, struct err *e) NODISCARD;

/* draft_sign and envelope_post; what is said to stand already is checked. */
enum coffer_rc draft_publish(const struct home *h, const struct privkey *key, struct service_conn *conn, const struct draft *d,
    struct logged *out, struct err *e) NODISCARD;

/* How a verb ends that publishes: draft_publish and the line about it; with --to-sign what is to be signed goes to that file. */
enum coffer_rc draft_out(const struct home *h, const struct privkey *key, struct service_conn *conn, const struct draft *d,
    struct err *e) NODISCARD;
#define OPT_TO_SIGN \
	{ "to-sign", "FILE", "sign nothing here: write what is to be signed on another machine with 'coffer sign'", false, false }
#define OPT_AFTER \
	{ "after", "ENVELOPE", "with --to-sign: the statement that this one supersedes, where the service cannot be asked for it", false, false }

/* The first service statement of all, or one that names another TLS key than the one in force, posted to the service whose TLS key it names (cmd_service.c). */
enum coffer_rc service_statement_post(const struct home *h, const struct dsse *env, struct logged *l, struct err *e) NODISCARD;

/* Posts a signed asset statement; `sealed` names the file with its content, and need not be there (cmd_asset.c). */
enum coffer_rc asset_submit(struct cli *c, const struct dsse *env, const struct statement *st, const char *sealed, struct err *e) NODISCARD;

/* Statements by query ("kind=workload&id=..."), in force only unless all; each envelope's payload is parsed and its
 * signature checked against its issuer's party statement. cb is called newest first. */
typedef enum coffer_rc (*statement_cb)(void *arg, const struct dsse *env, const struct statement *s, struct err *e);
enum coffer_rc statements_query(const struct cli *c, const struct home *h, const struct privkey *key, struct service_conn *conn,
    const char *query, statement_cb cb, void *arg, struct err *e) NODISCARD;

/* Its issuer has signed it, by the party statement that the service shows. COFFER_E_DENIED, check "statement". */
enum coffer_rc statement_check_issuer(struct service_conn *conn, const struct dsse *env, const struct statement *s, struct err *e) NODISCARD;

/* What the owner's newest statement about an asset says; version 0: there is none. */
struct asset_newest { uint64_t serial, version; uint8_t digest[32]; char type[32];
	struct wr policy; /* empty: none */ char of[ASSET_OWNERS_MAX][PARTY_MAX]; size_t n_of; uint64_t k;
	struct lease_terms lease; bool amended; uint8_t amendment[32]; };
void asset_newest_clear(struct asset_newest *a); /* CLEANUP-ready */
enum coffer_rc asset_newest(const struct home *h, const struct privkey *key, struct service_conn *conn,
    const struct asset_path *p, struct asset_newest *out, struct err *e) NODISCARD;

/* Options shared by verbs that publish: "--expires TIME" (not one that is past); *out stays 0 when absent. */
enum coffer_rc expires_opt(const struct cli *c, const char *name, int64_t *out, struct err *e) NODISCARD;
#define OPT_EXPIRES { "expires", "TIME", "end of validity, as 2027-01-31T00:00:00Z (default: one year from now)", false, false }

/* Percent-encodes a query value. */
void query_encode(struct wr *w, struct span s);

/* Prints {"id","seq","serial"} or one line. */
void logged_print(const struct cli *c, const char *what, const struct logged *l);
