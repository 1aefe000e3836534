/* What a receipt needs that the public ledger has not: the openings, and proofs of the map as the release left it. The rest of it,
 * checkpoint and paths, whoever asks takes from the public files (docs/protocol/receipt.md). */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/partyauth.h"
#include "cofferd/keep/said.h"
#include "cofferd/keep/showing.h"
#include "cofferd/keep/status.h"
#include "cofferd/keep/told.h"
#include "cofferd/keep/witnessed.h"
#include "fmt/enc.h"
#include "trust/ledger/leaf.h"

#define STATEMENTS_MAX (6u << 20) /* bytes of an answer, with the statements */

static enum coffer_rc bytes(struct json_wr *j, const char *name, struct span s, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open((size_t)2 * LEAF_RECORD_MAX);

	b64url_write(&w, s);
	TRY(wr_done(&w, name, e));
	jw_m_str(j, name, wr_span(&w));
	return COFFER_OK;
}

/* Members leaf and opening. *l: what the leaf says. */
static enum coffer_rc put_entry(struct keep *k, uint64_t seq, struct json_wr *j, struct leaf *l, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(k->store, "SELECT e.time, e.type, e.data, l.salt, l.entry FROM entry e JOIN leaf l ON l.seq=e.seq"
				      " WHERE e.seq=?");
	CLEANUP(wr_close) struct wr record = wr_open(LEAF_RECORD_MAX), opening = wr_open(LEAF_RECORD_MAX + 64);
	struct leaf_opening o = { 0 };
	char type[32];
	bool row = false;

	q_i64(&q, (int64_t)seq);
	TRY(q_row(&q, &row, e));
	if (!row || !q_col_name(&q, 1, type, sizeof(type)) || !q_col_fixed(&q, 3, o.salt, sizeof(o.salt)) ||
	    !leaf_read(q_col(&q, 4), l))
		return err_set(e, COFFER_E_BUG, "ledger: malformed row");
	journal_record(type, q_col(&q, 2), q_col_i64(&q, 0), &record);
	TRY(wr_done(&record, "record", e));
	o.record = wr_span(&record);
	leaf_opening_write(&o, &opening);
	TRY(wr_done(&opening, "opening", e));
	TRY(bytes(j, "leaf", q_col(&q, 4), e));
	return bytes(j, "opening", wr_span(&opening), e);
}

static enum coffer_rc put_proof_as(
    struct keep *k, const char *name, const struct mhash *root, const struct mhash *key, struct json_wr *j, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(SMT_PROOF_MAX);
	struct smt_proof p;

	TRY(map_prove(&k->journal.tree.map, root, key, &p, e));
	smt_proof_write(&p, &w);
	TRY(wr_done(&w, name, e));
	return bytes(j, name, wr_span(&w), e);
}

static enum coffer_rc put_proof(
    struct keep *k, const struct mhash *root, const struct mhash *key, struct json_wr *j, struct err *e)
{
	return put_proof_as(k, "proof", root, key, j, e);
}

static enum coffer_rc put_asset(
    struct keep *k, const struct asset_path *path, const struct mhash *root, struct json_wr *j, struct err *e)
{
	struct mhash key;
	uint8_t blind[32];

	status_blind(k, path, blind);
	map_asset_key(blind, &key);
	jw_name(j, "asset");
	jw_obj(j);
	TRY(bytes(j, "blind", SPAN(blind), e));
	TRY(put_proof(k, root, &key, j, e));
	jw_obj_end(j);
	return COFFER_OK;
}

/* What shows the count that the release's record has of it: that it is the map's after the release, and one less before. */
static enum coffer_rc put_count(struct keep *k, const uint8_t id[static 32], uint64_t count, const struct leaf *l, struct json_wr *j, struct err *e)
{
	struct mhash key;
	uint8_t salt[32];

	map_uses_key(id, &key);
	jw_name(j, "uses");
	jw_obj(j);
	TRY(put_proof_as(k, "before", &l->map_before, &key, j, e));
	if (count > 1) {
		status_uses_salt(k, id, count - 1, salt);
		TRY(bytes(j, "before-salt", SPAN(salt), e));
	}
	TRY(put_proof(k, &l->map, &key, j, e));
	status_uses_salt(k, id, count, salt);
	TRY(bytes(j, "salt", SPAN(salt), e));
	jw_obj_end(j);
	return COFFER_OK;
}

static enum coffer_rc put_uses(struct keep *k, const uint8_t id[static 32], uint64_t at, const struct leaf *l, struct json_wr *j, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(
	    k->store, "SELECT u.value FROM entry en, json_each(CAST(en.data AS TEXT), '$.uses') u WHERE en.seq=? AND u.key=?");
	char hex[HEX32_LEN];
	bool row = false;

	hex32(id, hex);
	q_i64(&q, (int64_t)at);
	q_text(&q, span_of(hex));
	TRY(q_row(&q, &row, e));
	return row ? put_count(k, id, (uint64_t)q_col_i64(&q, 0), l, j, e) : COFFER_OK;
}

static void show_only(struct dsse *env, uint32_t which)
{
	size_t n = 0;

	for (size_t i = 0; i < env->n_sigs; i++)
		if (which >> i & 1)
			env->sigs[n++] = env->sigs[i];
	env->n_sigs = n;
}

/* As things stood after the release's entry. */
static enum coffer_rc put_statement(struct keep *k, const uint8_t id[static 32], const struct told_one *one, const struct leaf *release,
    struct json_wr *j, struct err *e)
{
	const uint64_t at = release->index;
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct status s;
	struct mhash key;
	struct leaf l;

	TRY(registry_envelope(&k->registry, id, &env, e));
	show_only(&env, one->sigs);
	TRY(status_at(k, id, (struct status_when){ at, release->rule }, &s, e));
	map_status_key(id, &key);
	jw_obj(j);
	jw_name(j, "envelope");
	dsse_write(&env, j);
	TRY(put_entry(k, one->seq, j, &l, e));
	TRY(put_proof(k, &release->map, &key, j, e));
	jw_m_u64(j, "set", s.index);
	jw_m_u64(j, "status", s.status);
	TRY(put_uses(k, id, at, release, j, e));
	jw_obj_end(j);
	return COFFER_OK;
}

static enum coffer_rc put_told(struct keep *k, const struct leaf *release, const struct told_one *one, struct json_wr *j, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT id FROM statement WHERE seq=?");
	uint8_t id[32];
	bool row = false;

	q_i64(&q, (int64_t)one->seq);
	TRY(q_row(&q, &row, e));
	if (!row || !q_col_fixed(&q, 0, id, sizeof(id)))
		return err_set(e, COFFER_E_BUG, "registry: malformed id");
	if (j->w->n > STATEMENTS_MAX)
		return err_set(e, COFFER_E_LIMIT, "receipt: more statements than one answer holds");
	return put_statement(k, id, one, release, j, e);
}

/* Members said and statements. */
static enum coffer_rc put_statements(struct keep *k, const struct leaf *release, struct json_wr *j, struct err *e)
{
	CLEANUP(told_clear) struct told t = { 0 };

	TRY(told_named(k, release, &t, e));
	TRY(said_put(k, release, &t, j, e));
	TRY(told_lives(k, release, &t, e));
	jw_name(j, "statements");
	jw_arr(j);
	for (size_t i = 0; i < t.n; i++)
		TRY(put_told(k, release, &t.st[i], j, e));
	jw_arr_end(j);
	return COFFER_OK;
}

/* One that the release rests on: the asset's, or another, of which *yes stays false. */
static enum coffer_rc take_asset(struct keep *k, struct span hex, bool *yes, struct asset_body *out, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct brief b = { 0 };
	uint8_t id[32];

	if (!hex_fixed(hex, id, sizeof(id)))
		return err_set(e, COFFER_E_BUG, "ledger: the record of a release is malformed");
	TRY(registry_brief(&k->registry, id, yes, &b, e));
	*yes = *yes && b.kind == ST_ASSET;
	if (!*yes)
		return COFFER_OK;
	TRY(registry_envelope(&k->registry, id, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	return asset_read(&s, out, e);
}

/* The statement of the asset by which it was released. */
static enum coffer_rc asset_released(struct keep *k, uint64_t seq, struct asset_body *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT r.value FROM entry en, json_each(CAST(en.data AS TEXT), '$.rests') r WHERE en.seq=?");
	bool found = false;

	q_i64(&q, (int64_t)seq);
	while (!found) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return err_set(e, COFFER_E_BUG, "receipt: a release that rests on no asset");
		TRY(take_asset(k, q_col(&q, 0), &found, out, e));
	}
	return COFFER_OK;
}

/* A head with the signatures of those by whose word it left, be they gone since. Where none is kept whoever asks takes the public one. */
static enum coffer_rc put_checkpoint(struct keep *k, uint64_t seq, struct json_wr *j, struct err *e)
{
	CLEANUP(wr_close) struct wr note = wr_open(NOTE_MAX);
	struct asset_body b;

	TRY(asset_released(k, seq, &b, e));
	TRY(witnessed_covering(k, &b, seq, &note, e));
	if (note.n > 0)
		jw_m_str(j, "checkpoint", wr_span(&note));
	return COFFER_OK;
}

/* Of a release that concerns the party. */
static enum coffer_rc find_release(struct keep *k, const struct keep_decision_req *m, const struct party *who, uint64_t *seq,
    struct asset_path *path, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(k->store,
	    "SELECT d.seq, json_extract(CAST(en.data AS TEXT), '$.asset') FROM decision d"
	    " JOIN entry en ON en.seq=d.seq WHERE d.id=?1 AND " DECISION_CONCERNS("d", "?2") " AND en.type='release'");
	bool row = false;

	q_blob(&q, SPAN(m->id));
	q_text(&q, span_of(who->id));
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_NOTFOUND, "no such release that concerns %s", who->id);
	*seq = (uint64_t)q_col_i64(&q, 0);
	return asset_path_parse(q_col(&q, 1), path, e);
}

static enum coffer_rc note_had(struct keep *k, uint64_t seq, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "INSERT OR IGNORE INTO fetched(seq, time) VALUES(?,?)");

	q_i64(&q, (int64_t)seq);
	q_i64(&q, k->now);
	return q_run(&q, e);
}

/* That an owner has a receipt lets evidence go: no token for another request says so. */
static enum coffer_rc asked_for(const struct keep_decision_req *m, const char *method, struct err *e)
{
	CLEANUP(wr_close) struct wr path = wr_open(128);

	wr_str(&path, "/coffer/v0/receipts/");
	hex_write(&path, SPAN(m->id));
	TRY(wr_done(&path, "receipt", e));
	if (!span_eq_str(m->auth.method, method) || !span_eq(m->auth.path, wr_span(&path)))
		return err_deny(e, "token", "the token is for another request");
	return COFFER_OK;
}

enum coffer_rc on_receipt(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct json_wr j = jw_open(a->out, false);
	const struct party *who = NULL;
	struct keep_decision_req m;
	struct asset_path path;
	struct leaf l;
	uint64_t seq = 0;

	TRY(keep_decision_req_read(body, &m, e));
	TRY(party_auth(k, &m.auth, &who, e));
	TRY(asked_for(&m, "GET", e));
	TRY(find_release(k, &m, who, &seq, &path, e));
	jw_obj(&j);
	jw_name(&j, "release");
	jw_obj(&j);
	TRY(put_entry(k, seq, &j, &l, e));
	jw_obj_end(&j);
	TRY(put_asset(k, &path, &l.map, &j, e));
	TRY(put_checkpoint(k, seq, &j, e));
	TRY(put_statements(k, &l, &j, e));
	TRY(showing_put(k, seq, &j, e));
	jw_obj_end(&j);
	return wr_done(a->out, "receipt", e);
}

/* The owner put it together, and it holds: from now on the operator may prune what it was made of (prune.h). What others have counts for nothing. */
enum coffer_rc on_had(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct json_wr j = jw_open(a->out, false);
	const struct party *who = NULL;
	struct keep_decision_req m;
	struct asset_path path;
	uint64_t seq = 0;

	TRY(keep_decision_req_read(body, &m, e));
	TRY(party_auth(k, &m.auth, &who, e));
	TRY(asked_for(&m, "POST", e));
	TRY(find_release(k, &m, who, &seq, &path, e));
	if (strcmp(who->id, path.owner) == 0)
		TRY(note_had(k, seq, e));
	jw_obj(&j);
	jw_m_bool(&j, "had", strcmp(who->id, path.owner) == 0);
	jw_obj_end(&j);
	return COFFER_OK;
}
