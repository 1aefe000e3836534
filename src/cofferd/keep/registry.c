#include "cofferd/keep/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/asset_void.h"
#include "crypto/hash.h"
#include "fmt/enc.h"

#define SUBJECT_KEY_MAX ((size_t)(ST_SUBJECT_NAME_MAX + 4u + 36u) * ST_SUBJECTS_MAX)

/* ---- parties ---- */

const struct party *registry_party(const struct registry *r, struct span id, int64_t now)
{
	return parties_party(&r->parties, id, now);
}

const struct party *registry_key(const struct registry *r, const uint8_t thumb[static 32], int64_t now, const struct pubkey **key)
{
	return parties_key(&r->parties, thumb, now, key);
}

bool registry_signed(const struct registry *r, const char *id, const struct dsse *env, int64_t t)
{
	const struct party_life *l = parties_life(&r->parties, span_of(id));

	return l && t < life_expires(l, t) && life_signed(l, env, t, NULL);
}

enum coffer_rc registry_learn(struct registry *r, const struct statement *s, const struct dsse *env, int64_t logged, struct err *e)
{
	return parties_learn(&r->parties, &(struct parties_event){ env, s, logged }, e);
}

static bool by_dead(const struct registry *r, const char *id, const struct dsse *env, int64_t logged)
{
	const struct party_life *l = parties_life(&r->parties, span_of(id));

	return !l || life_void(l, env, logged);
}

enum coffer_rc registry_by_dead(const struct registry *r, const struct voided_question *q, bool *yes, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };

	*yes = false;
	if (!parties_any_dead(&r->parties) || q->kind == ST_GENESIS)
		return COFFER_OK;
	TRY(registry_envelope(r, q->id, &env, e));
	*yes = by_dead(r, q->issuer, &env, q->logged);
	return q->kind == ST_ASSET && !*yes ? asset_void(r, q->id, yes, e) : COFFER_OK;
}

/* ---- one statement ---- */

void registry_names(const struct statement *s, struct wr *w)
{
	for (size_t i = 0; i < s->n_subjects; i++)
		wr_blob32(w, s->subject[i].name);
}

void registry_subject(const struct statement *s, struct wr *w)
{
	registry_names(s, w);
	if (s->kind == ST_WORKLOAD || s->kind == ST_IMAGE_RELEASE)
		wr_blob32(w, SPAN(s->subject[0].sha256));
	for (size_t i = 0; s->kind == ST_BOOT_IMAGE && i < s->n_subjects; i++)
		wr_blob32(w, SPAN(s->subject[i].sha256));
}

void registry_entry(const uint8_t id[static 32], enum statement_kind kind, const char *issuer, struct wr *w)
{
	struct json_wr j = jw_open(w, false);
	char hex[HEX32_LEN];

	hex32(id, hex);
	jw_obj(&j);
	jw_m_text(&j, "id", hex);
	jw_m_text(&j, "issuer", issuer);
	jw_m_text(&j, "kind", statement_kind_name(kind));
	jw_obj_end(&j);
}

enum coffer_rc registry_last(struct registry *r, const struct statement *s, uint64_t *serial, uint8_t id[static 32],
			     struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store,
	    "SELECT serial, id FROM statement WHERE kind=? AND issuer=? AND subject=? ORDER BY serial DESC LIMIT 1");
	CLEANUP(wr_close) struct wr subject = wr_open(SUBJECT_KEY_MAX);
	bool row = false;

	registry_subject(s, &subject);
	TRY(wr_done(&subject, "subject", e));
	q_i64(&q, (int64_t)s->kind);
	q_text(&q, span_of(s->issuer));
	q_blob(&q, wr_span(&subject));
	TRY(q_row(&q, &row, e));
	*serial = row ? (uint64_t)q_col_i64(&q, 0) : 0;
	if (row && !q_col_fixed(&q, 1, id, 32))
		return err_set(e, COFFER_E_BUG, "registry: malformed id");
	return COFFER_OK;
}

enum coffer_rc registry_find(struct registry *r, const uint8_t id[static 32], bool *found, struct logged *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store,
	    "SELECT s.seq, e.hash FROM statement s JOIN entry e ON e.seq=s.seq WHERE s.id=?");

	q_blob(&q, (struct span){ id, 32 });
	*found = false;
	TRY(q_row(&q, found, e));
	if (!*found)
		return COFFER_OK;
	memcpy(out->id, id, 32);
	out->seq = (uint64_t)q_col_i64(&q, 0);
	if (!q_col_fixed(&q, 1, out->entry, sizeof(out->entry)))
		return err_set(e, COFFER_E_BUG, "registry: malformed entry hash");
	return COFFER_OK;
}

enum coffer_rc registry_brief(const struct registry *r, const uint8_t id[static 32], bool *found, struct brief *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT s.kind, s.issuer, e.time FROM statement s"
	                                               " JOIN entry e ON e.seq=s.seq WHERE s.id=?");

	q_blob(&q, (struct span){ id, 32 });
	*found = false;
	TRY(q_row(&q, found, e));
	if (!*found)
		return COFFER_OK;
	out->kind = (enum statement_kind)q_col_i64(&q, 0);
	out->logged = q_col_i64(&q, 2);
	if (!q_col_name(&q, 1, out->issuer, sizeof(out->issuer)))
		return err_set(e, COFFER_E_BUG, "registry: malformed issuer");
	return COFFER_OK;
}

static enum coffer_rc stored_envelope(struct span payload, struct span sigs, struct dsse *out, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse d = { 0 };

	TRY(dsse_new(payload, &d, e));
	if (sigs.n % REGISTRY_SIG_LEN != 0 || sigs.n / REGISTRY_SIG_LEN > DSSE_SIGS_MAX)
		return err_set(e, COFFER_E_BUG, "registry: malformed signatures");
	for (d.n_sigs = 0; d.n_sigs < sigs.n / REGISTRY_SIG_LEN; d.n_sigs++) {
		const uint8_t *at = sigs.p + d.n_sigs * REGISTRY_SIG_LEN;

		memcpy(d.sigs[d.n_sigs].keyid, at, 32);
		memcpy(d.sigs[d.n_sigs].sig, at + 32, SIG_LEN);
	}
	*out = d;
	d = (struct dsse){ 0 };
	return COFFER_OK;
}

enum coffer_rc registry_envelope(const struct registry *r, const uint8_t id[static 32], struct dsse *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT payload, sigs FROM statement WHERE id=?");
	bool row = false;

	q_blob(&q, (struct span){ id, 32 });
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_NOTFOUND, "no such statement is logged");
	return stored_envelope(q_col(&q, 0), q_col(&q, 1), out, e);
}

/* ---- logging ---- */

static enum coffer_rc insert_row(struct registry *r, const struct statement *s, const struct dsse *env, uint64_t seq,
				 struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "INSERT INTO statement(id, seq, kind, issuer, subject, names, serial, issued,"
	                                               " expires, payload, sigs) VALUES(?,?,?,?,?,?,?,?,?,?,?)");
	CLEANUP(wr_close) struct wr subject = wr_open(SUBJECT_KEY_MAX), names = wr_open(SUBJECT_KEY_MAX);
	CLEANUP(wr_close) struct wr sigs = wr_open((size_t)REGISTRY_SIG_LEN * DSSE_SIGS_MAX);

	registry_subject(s, &subject);
	registry_names(s, &names);
	for (size_t i = 0; i < env->n_sigs; i++) {
		wr_put(&sigs, SPAN(env->sigs[i].keyid));
		wr_put(&sigs, SPAN(env->sigs[i].sig));
	}
	TRY(wr_done(&subject, "subject", e));
	TRY(wr_done(&names, "subject", e));
	TRY(wr_done(&sigs, "signatures", e));
	q_blob(&q, SPAN(s->id));
	q_i64(&q, (int64_t)seq);
	q_i64(&q, (int64_t)s->kind);
	q_text(&q, span_of(s->issuer));
	q_blob(&q, wr_span(&subject));
	q_blob(&q, wr_span(&names));
	q_i64(&q, (int64_t)s->serial);
	q_i64(&q, s->issued);
	q_i64(&q, s->expires);
	q_blob(&q, wr_span(&env->payload));
	q_blob(&q, wr_span(&sigs));
	return q_run(&q, e);
}

/* The digest that the platform's register will hold, so that a request need not render anything. */
static enum coffer_rc insert_workload(struct registry *r, const struct statement *s, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "INSERT INTO workload(statement, initdata) VALUES(?,?)");
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open(MAN_INITDATA_MAX);
	uint8_t digest[32];

	TRY(manifest_read(s->body, &m, e));
	TRY(manifest_render(&m, &text, e));
	TRY(wr_done(&text, "init-data", e));
	sha256(wr_span(&text), digest);
	q_blob(&q, SPAN(s->id));
	q_blob(&q, SPAN(digest));
	return q_run(&q, e);
}

static enum coffer_rc insert_approval(struct registry *r, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct approval *a = calloc(1, sizeof(*a));

	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	TRY(approval_read(s, a, e));
	for (size_t i = 0; i < a->n_assets; i++) {
		CLEANUP(q_close) struct q q = q_open(r->store, "INSERT OR IGNORE INTO approval_asset(path, statement) VALUES(?,?)");

		q_text(&q, span_of(a->asset[i].text));
		q_blob(&q, SPAN(s->id));
		TRY(q_run(&q, e));
	}
	return COFFER_OK;
}

static enum coffer_rc insert_thing(struct registry *r, const struct statement *s, const struct revocation *v, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "INSERT INTO revoked_thing(thing, issuer, statement) VALUES(?,?,?)");

	q_blob(&q, SPAN(v->thing.id));
	q_text(&q, span_of(s->issuer));
	q_blob(&q, SPAN(s->id));
	return q_run(&q, e);
}

static enum coffer_rc insert_revocation(struct registry *r, const struct statement *s, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "INSERT INTO revoked(target, issuer, statement) VALUES(?,?,?)");
	struct revocation v;

	TRY(revocation_read(s, &v, e));
	if (v.of_thing)
		return insert_thing(r, s, &v, e);
	if (v.of_key)
		return COFFER_OK; /* the parties' lives hold it */
	q_blob(&q, SPAN(v.statement));
	q_text(&q, span_of(s->issuer));
	q_blob(&q, SPAN(s->id));
	return q_run(&q, e);
}

/* What is found by it beside the statement itself. */
static enum coffer_rc insert_index(struct registry *r, const struct statement *s, struct err *e)
{
	switch (s->kind) {
	case ST_WORKLOAD:      return insert_workload(r, s, e);
	case ST_APPROVAL:      return insert_approval(r, s, e);
	case ST_REVOCATION:    return insert_revocation(r, s, e);
	case ST_GENESIS:
	case ST_PARTY:
	case ST_SERVICE:
	case ST_IMAGE_RELEASE:
	case ST_ASSET:
	case ST_BOOT_IMAGE:
	case ST_TCB:
	case ST_PAUSE:
	case ST_ASSESSMENT:
	case ST_BINDING:
	case ST_AMENDMENT:
	case ST_DELEGATION:    return COFFER_OK;
	}
	return err_set(e, COFFER_E_BUG, "registry: unknown kind");
}

enum coffer_rc registry_insert(struct registry *r, const struct statement *s, const struct dsse *env, uint64_t seq, struct err *e)
{
	TRY(insert_row(r, s, env, seq, e));
	return insert_index(r, s, e);
}

enum coffer_rc registry_reindex(struct registry *r, struct err *e)
{
	static const char *const empty[] = { "DELETE FROM workload", "DELETE FROM approval_asset", "DELETE FROM revoked", "DELETE FROM revoked_thing" };
	CLEANUP(q_close) struct q q = { 0 };

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		CLEANUP(q_close) struct q drop = q_open(r->store, empty[i]);

		TRY(q_run(&drop, e));
	}
	q = q_open(r->store, "SELECT id, payload FROM statement ORDER BY seq");
	for (;;) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(statement_parse(q_col(&q, 1), &s, e));
		if (!span_eq(q_col(&q, 0), SPAN(s.id)))
			return err_deny(e, "R12", "registry: a stored statement is not the one that was logged");
		TRY(insert_index(r, &s, e));
	}
}

/* ---- opening ---- */

/* A row of statement against the entry that logged it: nobody may have exchanged one under us. */
static enum coffer_rc check_row(struct q *q, struct statement *s, struct err *e)
{
	CLEANUP(wr_close) struct wr data = wr_open(4096);
	char type[32];

	TRY(statement_parse(q_col(q, 1), s, e));
	registry_entry(s->id, s->kind, s->issuer, &data);
	TRY(wr_done(&data, "entry", e));
	if (!span_eq(q_col(q, 0), SPAN(s->id)) || !q_col_name(q, 3, type, sizeof(type)) ||
	    strcmp(type, s->kind == ST_GENESIS ? "genesis" : "statement") != 0 || !span_eq(q_col(q, 2), wr_span(&data)))
		return err_deny(e, "R12", "registry: a stored statement is not the one that was logged");
	return COFFER_OK;
}

#define MENDS "'cofferd fsck --repair' mends that"

/* Every statement entry has its row (a removed revocation would otherwise go unnoticed), and each what it is found by; every asset in force
 * its content. By columns alone: SQLite reads other names in a statement's JSON than we do, where they are spelt with escapes. */
static enum coffer_rc check_counts(struct store *s, struct err *e)
{
	static const struct { const char *none, *says; } check[] = {
		{ "SELECT printf('entry %lld', e.seq) FROM entry e WHERE e.type IN ('statement','genesis')"
		  " AND NOT EXISTS(SELECT 1 FROM statement s WHERE s.seq=e.seq) LIMIT 1", "its statement is missing from the store; it can only come from a copy" },
		{ "SELECT lower(hex(s.id)) FROM statement s WHERE s.kind=8"
		  " AND NOT " REVOKES_KEY " AND NOT EXISTS(SELECT 1 FROM revoked r WHERE r.statement=s.id AND r.issuer=s.issuer)"
		  " AND NOT EXISTS(SELECT 1 FROM revoked_thing r WHERE r.statement=s.id AND r.issuer=s.issuer AND substr(s.names, 5)=CAST('thing:' || lower(hex(r.thing)) AS BLOB)) LIMIT 1",
		  "what this revocation revokes is missing from the store; " MENDS },
		{ "SELECT lower(hex(s.id)) FROM statement s WHERE s.kind=6"
		  " AND NOT EXISTS(SELECT 1 FROM workload w WHERE w.statement=s.id) LIMIT 1", "the init-data of this workload is missing from the store; " MENDS },
		{ "WITH gone AS MATERIALIZED (SELECT json_extract(CAST(data AS TEXT), '$.asset') path, max(seq) seq FROM entry WHERE type='delete' GROUP BY 1)"
		  " SELECT " STORE_ONE_NAME("s.names") " FROM statement s LEFT JOIN gone ON gone.path=" STORE_ONE_NAME("s.names") " WHERE s.kind=5 AND (gone.seq IS NULL OR gone.seq<s.seq)"
		  " AND NOT EXISTS(SELECT 1 FROM statement n WHERE n.kind=s.kind AND n.issuer=s.issuer AND n.subject=s.subject AND n.serial>s.serial)"
		  " AND NOT EXISTS(SELECT 1 FROM asset a WHERE a.path=" STORE_ONE_NAME("s.names") " AND a.statement=s.id) LIMIT 1",
		  "the content of this asset is missing from the store; it comes from a copy, or its owner deletes the asset and puts it again" },
	};

	_Static_assert(ST_ASSET == 5 && ST_REVOCATION == 8 && ST_WORKLOAD == 6, "the numbers in the queries above");
	for (size_t i = 0; i < sizeof(check) / sizeof(check[0]); i++) {
		CLEANUP(q_close) struct q q = q_open(s, check[i].none);
		char which[512];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (row)
			return err_deny(e, "R12", "registry: %s: %s", q_col_name(&q, 0, which, sizeof(which)) ? which : "a statement", check[i].says);
	}
	return COFFER_OK;
}

static enum coffer_rc check_approval(const struct registry *r, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct approval *a = calloc(1, sizeof(*a));
	char hex[HEX32_LEN];

	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	TRY(approval_read(s, a, e));
	for (size_t i = 0; i < a->n_assets; i++) {
		CLEANUP(q_close) struct q q = q_open(r->store, "SELECT 1 FROM approval_asset WHERE path=? AND statement=?");
		bool row = false;

		q_text(&q, span_of(a->asset[i].text));
		q_blob(&q, SPAN(s->id));
		TRY(q_row(&q, &row, e));
		hex32(s->id, hex);
		if (!row)
			return err_deny(e, "R12", "registry: %s: an asset of this approval is missing from the store; " MENDS, hex);
	}
	return COFFER_OK;
}

/* What was admitted once is admitted again: from the same signatures, in the same order, at the same time. */
static enum coffer_rc learn_row(struct registry *r, struct q *q, const struct statement *s, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };

	if (s->kind != ST_PARTY && s->kind != ST_REVOCATION && s->kind != ST_AMENDMENT)
		return COFFER_OK;
	TRY(stored_envelope(q_col(q, 1), q_col(q, 4), &env, e));
	if (registry_learn(r, s, &env, q_col_i64(q, 5), e) != COFFER_OK)
		return err_wrap(e, "registry: a stored statement about a party's keys");
	return COFFER_OK;
}

static enum coffer_rc load(struct registry *r, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store,
	    "SELECT s.id, s.payload, e.data, e.type, s.sigs, e.time FROM statement s JOIN entry e ON e.seq=s.seq ORDER BY s.seq");

	for (;;) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return check_counts(r->store, e);
		TRY(check_row(&q, &s, e));
		if (s.kind == ST_GENESIS && !span_eq(SPAN(s.id), SPAN(r->genesis->id)))
			return err_deny(e, "genesis", "this store was begun under another genesis than the one configured");
		TRY(learn_row(r, &q, &s, e));
		if (s.kind == ST_APPROVAL)
			TRY(check_approval(r, &s, e));
	}
}

void registry_clear(struct registry *r)
{
	free(r->genesis);
	parties_clear(&r->parties);
	for (size_t i = 0; i < FACTS_KEPT_MAX; i++)
		facts_free(r->kept[i]);
	for (size_t i = 0; i < REFERENCES_KEPT_MAX; i++)
		wr_close(&r->references[i].json);
	*r = (struct registry){ 0 };
}

enum coffer_rc registry_open(struct store *s, const struct genesis *g, struct registry *out, struct err *e)
{
	CLEANUP(registry_clear) struct registry r = { .store = s };

	r.genesis = calloc(1, sizeof(*r.genesis));
	if (!r.genesis)
		return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
	*r.genesis = *g;
	TRY(parties_open(g, &r.parties, e));
	TRY(load(&r, e));
	*out = r;
	r = (struct registry){ 0 };
	return COFFER_OK;
}
