#include "cofferd/keep/status.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/said.h"
#include "crypto/hash.h"
#include "trust/ledger/leaf.h"

static void derive(const struct keep *k, const char *use, struct span of, uint64_t n, uint8_t out[static 32])
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	uint8_t key[32];

	keys_derive(&k->keys, KEYS_USE_MAP, key);
	wr_str(&w, use);
	wr_u8(&w, 0);
	wr_put(&w, of);
	wr_be64(&w, n);
	hmac_sha256(SPAN(key), wr_span(&w), out);
	explicit_bzero(key, sizeof(key));
}

void status_blind(const struct keep *k, const struct asset_path *p, uint8_t out[static 32])
{
	uint8_t tag_key[32];

	derive(k, "coffer tag key v1", span_of(p->text), 0, tag_key);
	map_asset_blind(tag_key, span_of(p->text), out);
}

/* ---- what the map is to say ---- */

static enum coffer_rc set_status(struct keep *k, const uint8_t id[static 32], struct status s, struct err *e)
{
	struct mhash key, value;

	map_status_key(id, &key);
	map_status_value(s.status, s.index, &value);
	return map_set(&k->journal.tree.map, &key, &value, e);
}

static void asset_pair(const struct keep *k, const struct asset_path *p, uint64_t version, const uint8_t content[static 32],
    struct mhash pair[static 2])
{
	uint8_t blind[32];

	status_blind(k, p, blind);
	map_asset_key(blind, &pair[0]);
	map_asset_value(version, content, &pair[1]);
}

void status_uses_salt(const struct keep *k, const uint8_t approval[static 32], uint64_t count, uint8_t out[static 32])
{
	derive(k, "coffer uses salt v1", (struct span){ approval, 32 }, count, out);
}

static void uses_pair(const struct keep *k, const uint8_t approval[static 32], uint64_t count, struct mhash pair[static 2])
{
	uint8_t salt[32];

	status_uses_salt(k, approval, count, salt);
	map_uses_key(approval, &pair[0]);
	map_uses_value(salt, count, &pair[1]);
}

/* SQL: the newest entry by ?2 that revokes s, by such an issuer, and was not lifted by then; ?3 is lifted too. */
#define REVOKED(by) "(SELECT max(t.seq) FROM revoked r JOIN statement t ON t.id=r.statement WHERE r.target=s.id AND r.issuer" by "s.issuer" \
	" AND t.seq<=?2 AND r.statement<>?3 AND NOT EXISTS(SELECT 1 FROM revoked l JOIN statement m ON m.id=l.statement" \
	" WHERE l.target=r.statement AND l.issuer=r.issuer AND m.seq<=?2))"

/* lifted: a revocation that an entry about to be written lifts. */
struct moment { struct status_when when; struct span lifted; };

static enum coffer_rc status_then(struct keep *k, const uint8_t id[static 32], const struct moment *m, struct status *out, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(k->store, "SELECT s.seq, " REVOKED("=") ", (SELECT t.seq FROM statement t WHERE t.kind=s.kind AND t.issuer=s.issuer"
	    " AND t.subject=s.subject AND t.serial=s.serial+1 AND t.seq<=?2), CASE WHEN s.kind=4 THEN NULL ELSE " REVOKED("<>") " END FROM statement s WHERE s.id=?1 AND s.seq<=?2");
	_Static_assert(ST_IMAGE_RELEASE == 4, "the number above");
	static const enum map_status of[] = { MAP_IN_FORCE, MAP_REVOKED, MAP_SUPERSEDED, MAP_REVOKED_BY_OTHER };
	bool row = false;

	q_blob(&q, (struct span){ id, 32 });
	q_i64(&q, m->when.last > INT64_MAX ? INT64_MAX : (int64_t)m->when.last);
	q_blob(&q, m->lifted);
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_NOTFOUND, "no such statement was logged by then");
	*out = (struct status){ MAP_IN_FORCE, (uint64_t)q_col_i64(&q, 0) };
	for (int i = m->when.rule < 2 ? 3 : 2; i > 0; i--) /* a column without an entry is 0, which is the genesis' and revokes nothing */
		if (q_col_i64(&q, i) > 0)
			*out = (struct status){ of[i], (uint64_t)q_col_i64(&q, i) };
	return COFFER_OK;
}

enum coffer_rc status_at(struct keep *k, const uint8_t id[static 32], struct status_when when, struct status *out, struct err *e)
{
	return status_then(k, id, &(struct moment){ .when = when }, out, e);
}

static struct status_when before_entry(const struct keep *k, uint64_t entry)
{
	return (struct status_when){ entry - 1, k->journal.tree.rule };
}

/* ---- entries ---- */

static enum coffer_rc superseded(struct keep *k, const struct statement *s, uint64_t now, struct err *e)
{
	struct status was;

	if (s->serial == 1)
		return COFFER_OK;
	TRY(status_at(k, s->previous, before_entry(k, now), &was, e));
	return was.status == MAP_REVOKED ? COFFER_OK : set_status(k, s->previous, (struct status){ MAP_SUPERSEDED, now }, e);
}

/* What a revocation that is lifted had revoked is what it would be without it. */
static enum coffer_rc lifted(struct keep *k, const uint8_t revocation[static 32], uint64_t now, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT target FROM revoked WHERE statement=?");
	struct status is;
	uint8_t target[32];
	bool row = false;

	q_blob(&q, (struct span){ revocation, 32 });
	TRY(q_row(&q, &row, e));
	if (!row)
		return COFFER_OK; /* of a key */
	if (!q_col_fixed(&q, 0, target, sizeof(target)))
		return err_set(e, COFFER_E_BUG, "registry: malformed row");
	TRY(status_then(k, target, &(struct moment){ before_entry(k, now), { revocation, 32 } }, &is, e));
	return set_status(k, target, is, e);
}

static enum coffer_rc revoked(struct keep *k, const struct statement *s, uint64_t now, struct err *e)
{
	struct status was, is = { MAP_REVOKED, now };
	struct revocation v;
	struct brief target;
	bool found = false;

	TRY(revocation_read(s, &v, e));
	if (v.of_key || v.of_thing) /* no statement's status; parties' lives say what the former voids */
		return COFFER_OK;
	TRY(registry_brief(&k->registry, v.statement, &found, &target, e));
	TRY(status_at(k, v.statement, before_entry(k, now), &was, e));
	if (strcmp(target.issuer, s->issuer) != 0) {
		if (target.kind == ST_IMAGE_RELEASE || k->journal.tree.rule >= 2) /* for its own assets and code: nobody spoils the receipts of others (said.h) */
			return COFFER_OK;
		if (was.status == MAP_REVOKED || was.status == MAP_SUPERSEDED)
			return COFFER_OK;
		is.status = MAP_REVOKED_BY_OTHER;
	}
	TRY(set_status(k, v.statement, is, e));
	return target.kind == ST_REVOCATION ? lifted(k, v.statement, now, e) : COFFER_OK;
}

static enum coffer_rc asset_version(struct keep *k, const struct statement *s, struct err *e)
{
	struct asset_body b;
	struct mhash pair[2];

	TRY(asset_read(s, &b, e));
	asset_pair(k, &b.path, b.version, s->subject[0].sha256, pair);
	return map_set(&k->journal.tree.map, &pair[0], &pair[1], e);
}

enum coffer_rc status_log(struct keep *k, const struct statement *s, struct err *e)
{
	uint64_t now = journal_entries(&k->journal);

	TRY(said_log(k, s, e));
	TRY(set_status(k, s->id, (struct status){ MAP_IN_FORCE, now }, e));
	TRY(superseded(k, s, now, e));
	if (s->kind == ST_REVOCATION)
		TRY(revoked(k, s, now, e));
	return s->kind == ST_ASSET ? asset_version(k, s, e) : COFFER_OK;
}

enum coffer_rc status_deleted(struct keep *k, const struct asset_path *p, struct err *e)
{
	static const uint8_t none[32];
	struct mhash pair[2];

	asset_pair(k, p, 0, none, pair);
	return map_set(&k->journal.tree.map, &pair[0], &pair[1], e);
}

enum coffer_rc status_used(struct keep *k, const uint8_t approval[static 32], uint64_t count, struct err *e)
{
	struct mhash pair[2];

	uses_pair(k, approval, count, pair);
	return map_set(&k->journal.tree.map, &pair[0], &pair[1], e);
}

/* ---- another rule ---- */

/* What was another's word against a statement is no status of it any more. */
static enum coffer_rc adopt_statuses(struct keep *k, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT DISTINCT r.target FROM revoked r JOIN statement s ON s.id=r.statement WHERE s.seq<?");
	uint64_t now = journal_entries(&k->journal);

	q_i64(&q, (int64_t)now);
	for (;;) {
		struct status is;
		uint8_t id[32];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (!q_col_fixed(&q, 0, id, sizeof(id)))
			return err_set(e, COFFER_E_BUG, "registry: malformed row");
		TRY(status_at(k, id, before_entry(k, now), &is, e));
		TRY(set_status(k, id, is, e));
	}
}

enum coffer_rc status_adopt(struct keep *k, struct err *e)
{
	unsigned was = k->journal.tree.rule;

	k->journal.tree.rule = LEAF_RULE;
	if (!k->journal.any || was >= 2) /* rules 3 and 4 only ask the map for more */
		return COFFER_OK;
	TRY(adopt_statuses(k, e));
	return said_adopt(k, e);
}

/* ---- the store against the map ---- */

static enum coffer_rc check_statements(struct keep *k, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT id FROM statement ORDER BY seq");

	for (;;) {
		struct mhash key, value;
		struct status s;
		uint8_t id[32];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (!q_col_fixed(&q, 0, id, sizeof(id)))
			return err_set(e, COFFER_E_BUG, "registry: malformed id");
		TRY(status_at(k, id, (struct status_when){ UINT64_MAX, k->journal.tree.rule }, &s, e));
		map_status_key(id, &key);
		map_status_value(s.status, s.index, &value);
		TRY(map_demand(&k->journal.tree.map, &key, &value, "the status of a statement", e));
	}
}

static enum coffer_rc check_asset_row(struct keep *k, struct q *q, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct asset_path path;
	struct mhash pair[2];
	uint8_t id[32];

	if (!q_col_fixed(q, 1, id, sizeof(id)))
		return err_set(e, COFFER_E_BUG, "asset: malformed row");
	TRY(asset_path_parse(q_col(q, 0), &path, e));
	TRY(registry_envelope(&k->registry, id, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	asset_pair(k, &path, (uint64_t)q_col_i64(q, 2), s.subject[0].sha256, pair);
	return map_demand(&k->journal.tree.map, &pair[0], &pair[1], "the version of an asset", e);
}

static enum coffer_rc check_assets(struct keep *k, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT path, statement, version FROM asset");

	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(check_asset_row(k, &q, e));
	}
}

/* No row: the approval was never used, and the map has nothing of it either. */
static enum coffer_rc check_uses(struct keep *k, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(k->store, "SELECT s.id, u.uses FROM statement s LEFT JOIN approval_use u ON u.statement=s.id"
				      " WHERE s.kind=?");

	q_i64(&q, ST_APPROVAL);
	for (;;) {
		struct mhash pair[2];
		struct smt_proof p;
		uint8_t id[32];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (!q_col_fixed(&q, 0, id, sizeof(id)))
			return err_set(e, COFFER_E_BUG, "registry: malformed id");
		uses_pair(k, id, (uint64_t)q_col_i64(&q, 1), pair);
		TRY(map_prove(&k->journal.tree.map, &k->journal.tree.map.root, &pair[0], &p, e));
		if (q_col_i64(&q, 1) != 0 || p.end == SMT_LEAF)
			TRY(map_demand(&k->journal.tree.map, &pair[0], &pair[1], "how often an approval was used", e));
	}
}

enum coffer_rc status_check(struct keep *k, struct err *e)
{
	TRY(check_statements(k, e));
	TRY(check_assets(k, e));
	TRY(check_uses(k, e));
	return said_check(k, e);
}
