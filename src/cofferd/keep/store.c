#include "cofferd/keep/store.h"

#include <sqlite3.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "trust/statement.h"

#define SCHEMA_VERSION 4

/* Every query text is a literal, so its address names it: a compiled statement is used again, which saves a
 * fifth of a release. */
#define COMPILED_MAX 160
struct compiled { const char *sql; sqlite3_stmt *st; bool busy; };

struct store {
	sqlite3        *db;
	uint64_t        version;
	size_t          waiting; /* pages in the write-ahead log */
	bool            opened;  /* for good: nobody else has it */
	struct compiled compiled[COMPILED_MAX];
};

/* Who decides of an asset with its owner may read of its decisions: later than the other tables, so that a store without it gets it. */
#define DECISION_OF \
	"CREATE TABLE IF NOT EXISTS decision_of(party TEXT NOT NULL, decision BLOB NOT NULL REFERENCES decision(id)," \
	" PRIMARY KEY(party, decision)) STRICT, WITHOUT ROWID;"

/* What the ledger's map holds of it from rule 2 on, what of that recovery quorums said (room.h), and revocations of what is no statement: later in the same way. */
#define SAID \
	"CREATE TABLE IF NOT EXISTS said(key BLOB NOT NULL, seq INTEGER NOT NULL UNIQUE REFERENCES entry(seq) DEFERRABLE INITIALLY DEFERRED, PRIMARY KEY(key, seq)) STRICT, WITHOUT ROWID;" \
	"CREATE TABLE IF NOT EXISTS recovered(seq INTEGER NOT NULL REFERENCES entry(seq), member BLOB NOT NULL, PRIMARY KEY(seq, member)) STRICT, WITHOUT ROWID;" \
	"CREATE TABLE IF NOT EXISTS revoked_thing(thing BLOB NOT NULL, issuer TEXT NOT NULL, statement BLOB NOT NULL UNIQUE REFERENCES statement(id)," \
	" PRIMARY KEY(thing, issuer, statement)) STRICT, WITHOUT ROWID;"

/* What evidence is kept takes of the disk, by who is charged for it (kept.h); which receipts their owners had; what was pruned (prune.c).
 * Later too: what a store had before is charged to nobody, and counts as part of the whole. */
#define KEPT \
	"CREATE TABLE IF NOT EXISTS kept(digest BLOB NOT NULL, file INTEGER NOT NULL, owner TEXT NOT NULL, bytes INTEGER NOT NULL," \
	" PRIMARY KEY(digest, file)) STRICT, WITHOUT ROWID;" \
	"CREATE TABLE IF NOT EXISTS kept_by(owner TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;" \
	"CREATE TRIGGER IF NOT EXISTS kept_more AFTER INSERT ON kept BEGIN INSERT INTO kept_by(owner, bytes) VALUES(NEW.owner, NEW.bytes)" \
	" ON CONFLICT(owner) DO UPDATE SET bytes=bytes+excluded.bytes; END;" \
	"CREATE TRIGGER IF NOT EXISTS kept_less AFTER DELETE ON kept BEGIN UPDATE kept_by SET bytes=bytes-OLD.bytes WHERE owner=OLD.owner; END;" \
	"CREATE TABLE IF NOT EXISTS fetched(seq INTEGER PRIMARY KEY REFERENCES entry(seq), time INTEGER NOT NULL) STRICT;" \
	"CREATE TABLE IF NOT EXISTS pruned(digest BLOB PRIMARY KEY, seq INTEGER NOT NULL REFERENCES entry(seq)) STRICT;" \
	"INSERT INTO kept SELECT digest, 0, '', length(document) FROM shown s WHERE NOT EXISTS" \
	" (SELECT 1 FROM kept k WHERE k.digest=s.digest AND k.file=0);" \
	"INSERT INTO kept SELECT digest, 1, '', length(bytes) FROM shown_bytes b WHERE NOT EXISTS" \
	" (SELECT 1 FROM kept k WHERE k.digest=b.digest AND k.file=1);"

/* How many tokens of each key are remembered (room_tokens.c). Later too. */
#define TOKENS \
	"CREATE TABLE IF NOT EXISTS jti_by(key BLOB PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;" \
	"CREATE TRIGGER IF NOT EXISTS jti_more AFTER INSERT ON jti BEGIN INSERT INTO jti_by(key, n) VALUES(substr(NEW.id, 1, 32), 1)" \
	" ON CONFLICT(key) DO UPDATE SET n=n+1; END;" \
	"CREATE TRIGGER IF NOT EXISTS jti_less AFTER DELETE ON jti BEGIN UPDATE jti_by SET n=n-1 WHERE key=substr(OLD.id, 1, 32);" \
	" DELETE FROM jti_by WHERE key=substr(OLD.id, 1, 32) AND n<=0; END;" \
	"INSERT INTO jti_by SELECT substr(id, 1, 32), count(*) FROM jti WHERE NOT EXISTS(SELECT 1 FROM jti_by) GROUP BY 1;"

/* By these nothing that a request waits for reads more of what others said than its own question is about (tests/unit/test_keep_plans.py). A store of before gets
 * them when it is opened. An index of some kinds only is found by queries that have that condition word for word; CROSS JOIN and INDEXED BY are where SQLite, which does
 * not know how many of each there are, would go another way. */
#define FINDING \
	"CREATE INDEX IF NOT EXISTS statement_kind ON statement(kind, seq);" \
	"CREATE INDEX IF NOT EXISTS statement_issuer ON statement(kind, issuer, seq);" \
	"CREATE INDEX IF NOT EXISTS statement_digest ON statement(issuer, substr(subject, -32)) WHERE kind=4 OR kind=6;" \
	"CREATE INDEX IF NOT EXISTS statement_lent ON statement(" STORE_POWER("names") ", issuer, subject, serial DESC) WHERE kind=11;" \
	"CREATE INDEX IF NOT EXISTS statement_lent_to ON statement(names) WHERE kind=11;" \
	"CREATE INDEX IF NOT EXISTS statement_least ON statement(names, expires) WHERE kind=10;" \
	"CREATE INDEX IF NOT EXISTS statement_key ON statement(seq) WHERE kind=8 AND " STORE_KEY_NAMED("names") ";" \
	"CREATE INDEX IF NOT EXISTS decision_owner ON decision(owner, seq);" \
	"CREATE INDEX IF NOT EXISTS decision_provider ON decision(provider, seq);"

/* Digests and ids are 32-byte blobs, times seconds since 1970. */
static const char schema[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"
	"CREATE TABLE entry(seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, time INTEGER NOT NULL, type TEXT NOT NULL,"
	" data BLOB NOT NULL) STRICT;"
	"CREATE TABLE leaf(seq INTEGER PRIMARY KEY REFERENCES entry(seq), salt BLOB NOT NULL, entry BLOB NOT NULL) STRICT;"
	"CREATE TABLE node(level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY(level, place))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE mapnode(hash BLOB PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE statement(id BLOB PRIMARY KEY, seq INTEGER NOT NULL UNIQUE REFERENCES entry(seq), kind INTEGER NOT NULL,"
	" issuer TEXT NOT NULL, subject BLOB NOT NULL, names BLOB NOT NULL,"
	" serial INTEGER NOT NULL, issued INTEGER NOT NULL, expires INTEGER NOT NULL,"
	" payload BLOB NOT NULL, sigs BLOB NOT NULL, UNIQUE(kind, issuer, subject, serial)) STRICT;"
	"CREATE TABLE workload(statement BLOB PRIMARY KEY REFERENCES statement(id), initdata BLOB NOT NULL) STRICT;"
	"CREATE INDEX workload_initdata ON workload(initdata);"
	"CREATE TABLE approval_asset(path TEXT NOT NULL, statement BLOB NOT NULL REFERENCES statement(id),"
	" PRIMARY KEY(path, statement)) STRICT;"
	"CREATE TABLE approval_use(statement BLOB PRIMARY KEY REFERENCES statement(id), uses INTEGER NOT NULL) STRICT;"
	"CREATE TABLE revoked(target BLOB NOT NULL REFERENCES statement(id), issuer TEXT NOT NULL,"
	" statement BLOB NOT NULL UNIQUE REFERENCES statement(id), PRIMARY KEY(target, issuer, statement)) STRICT;"
	"CREATE TABLE asset(path TEXT PRIMARY KEY, statement BLOB NOT NULL REFERENCES statement(id), version INTEGER NOT NULL,"
	" type TEXT NOT NULL, iv BLOB NOT NULL, sealed BLOB NOT NULL, tag BLOB NOT NULL) STRICT;"
	"CREATE TABLE asset_tag(path TEXT NOT NULL, key BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(path, key)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE decision(id BLOB PRIMARY KEY, seq INTEGER NOT NULL REFERENCES entry(seq), owner TEXT NOT NULL,"
	" owner_view BLOB NOT NULL, provider TEXT NOT NULL, provider_view BLOB NOT NULL) STRICT;"
	"CREATE INDEX decision_seq ON decision(seq);"
	DECISION_OF
	"CREATE TABLE shown(digest BLOB PRIMARY KEY, session BLOB NOT NULL UNIQUE, document BLOB NOT NULL) STRICT;"
	"CREATE TABLE shown_bytes(digest BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
	"CREATE TABLE shown_file(shown BLOB NOT NULL REFERENCES shown(digest), place INTEGER NOT NULL,"
	" file BLOB NOT NULL REFERENCES shown_bytes(digest), PRIMARY KEY(shown, place)) STRICT, WITHOUT ROWID;"
	KEPT
	"CREATE TABLE jti(id BLOB PRIMARY KEY, expires INTEGER NOT NULL) STRICT;"
	"CREATE INDEX jti_expires ON jti(expires);"
	"PRAGMA user_version=4;";

static enum coffer_rc fail(struct store *s, const char *what, struct err *e)
{
	int why = sqlite3_errcode(s->db) & 0xff;

	if (!s->opened && (why == SQLITE_BUSY || why == SQLITE_LOCKED)) /* later nobody else has it */
		return err_deny(e, "store", "%s is in use: another cofferd has it open, and one at a time may; end that one first", sqlite3_db_filename(s->db, "main"));
	if (why == SQLITE_READONLY || why == SQLITE_PERM)
		return err_set(e, COFFER_E_SYSTEM, "store: %s cannot be written: its operator looks at who may write it and its folder, and at what they lie on", sqlite3_db_filename(s->db, "main"));
	return err_set(e, COFFER_E_SYSTEM, "store: %s: %s", what, sqlite3_errmsg(s->db));
}

static enum coffer_rc run(struct store *s, const char *sql, struct err *e)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? COFFER_OK : fail(s, sql, e);
}

/* First column of the first row. */
static enum coffer_rc ask_i64(struct store *s, const char *sql, int64_t *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, sql);
	bool row = false;

	TRY(q_row(&q, &row, e));
	*out = row ? q_col_i64(&q, 0) : 0;
	return COFFER_OK;
}

static enum coffer_rc demand(struct store *s, const char *sql, const char *answer, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, sql);
	bool row = false;

	TRY(q_row(&q, &row, e));
	if ((row ? !span_eq_str(q_col(&q, 0), answer) : *answer != 0))
		return err_set(e, COFFER_E_INPUT,
			       "store: %s does not answer \"%s\": the database is damaged; restore it from a copy", sql, answer);
	return COFFER_OK;
}

/* The tables that only record what happened: what they hold alters no fact. Any other raises the version. */
static void on_change(void *ctx, int op, const char *db, const char *table, sqlite3_int64 row)
{
	static const char *const records[] = { "entry", "leaf", "node", "mapnode", "meta", "decision", "decision_of", "jti", "jti_by", "approval_use", "shown",
		"shown_bytes", "shown_file", "fetched", "pruned" };
	struct store *s = ctx;

	(void)op;
	(void)db;
	(void)row;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		if (strcmp(table, records[i]) == 0)
			return;
	s->version++;
}

uint64_t store_version(const struct store *s)
{
	return s->version;
}

/* After each commit. With a hook of ours SQLite takes nothing over by itself, which it would do every thousand pages, before the commit returns. */
static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct store *s = ctx;

	(void)db;
	(void)name;
	s->waiting = pages > 0 ? (size_t)pages : 0;
	return SQLITE_OK;
}

size_t store_waiting(const struct store *s)
{
	return s->waiting;
}

enum coffer_rc store_tidy(struct store *s, struct err *e)
{
	int all = 0, moved = 0;

	if (sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &all, &moved) != SQLITE_OK)
		return fail(s, "the write-ahead log is not taken over", e);
	s->waiting = all > moved ? (size_t)(all - moved) : 0;
	return COFFER_OK;
}

static int64_t delegated_until(struct span payload)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct delegation d = { 0 };
	struct err ignore = { 0 };

	return statement_parse(payload, &s, &ignore) == COFFER_OK && delegation_read(&s, &d, &ignore) == COFFER_OK ? d.until : 0;
}

static void on_delegated_until(sqlite3_context *c, int n, sqlite3_value **v)
{
	const void *p = sqlite3_value_blob(v[0]); /* before its length is asked for */

	(void)n;
	sqlite3_result_int64(c, p ? delegated_until((struct span){ p, (size_t)sqlite3_value_bytes(v[0]) }) : 0);
}

static enum coffer_rc set_up(struct store *s, bool memory, struct err *e)
{
	(void)sqlite3_update_hook(s->db, on_change, s);
	(void)sqlite3_wal_hook(s->db, on_commit, s);
	/* Exclusive first: the WAL index then lives in our memory, not in a file others can map. */
	TRY(run(s, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
	           "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;", e));
	if (sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK)
		return fail(s, "defensive mode", e);
	/* Else, for the sake of indexes of one kind, a query with a bound kind is planned anew each time. */
	if (sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL) != SQLITE_OK)
		return fail(s, "stable plans", e);
	if (sqlite3_create_function(s->db, "delegated_until", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, on_delegated_until, NULL, NULL) != SQLITE_OK)
		return fail(s, "delegated_until", e);
	if (!memory)
		TRY(demand(s, "PRAGMA journal_mode=WAL", "wal", e));
	TRY(run(s, "PRAGMA synchronous=FULL", e));
	TRY(demand(s, "PRAGMA foreign_keys", "1", e));
	return demand(s, "PRAGMA synchronous", "2", e);
}

static enum coffer_rc make_tables(struct store *s, struct err *e)
{
	TRY(store_begin(s, e));
	TRY(run(s, schema, e));
	TRY(run(s, SAID, e));
	TRY(run(s, TOKENS, e));
	TRY(run(s, FINDING, e));
	return store_commit(s, e);
}

static enum coffer_rc check_tables(struct store *s, struct err *e)
{
	int64_t version = 0;

	TRY(ask_i64(s, "PRAGMA user_version", &version, e));
	if (version != SCHEMA_VERSION)
		return err_set(e, COFFER_E_INPUT, "store: schema version %lld, this program knows %d", (long long)version, SCHEMA_VERSION);
	TRY(run(s, DECISION_OF, e));
	TRY(run(s, SAID, e));
	TRY(demand(s, "PRAGMA integrity_check(1)", "ok", e));
	TRY(run(s, KEPT, e));
	TRY(run(s, TOKENS, e));
	TRY(run(s, FINDING, e));
	return demand(s, "PRAGMA foreign_key_check", "", e);
}

static enum coffer_rc open_file(const char *path, int create, struct store **out, struct err *e)
{
	CLEANUP(store_closep) struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, COFFER_E_SYSTEM, "store: out of memory");
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | create | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
	        NULL) != SQLITE_OK)
		return err_set(e, COFFER_E_SYSTEM, "store: %s: %s", path, s->db ? sqlite3_errmsg(s->db) : "out of memory");
	(void)sqlite3_extended_result_codes(s->db, 1);
	TRY(set_up(s, strcmp(path, STORE_MEMORY) == 0, e));
	*out = MOVE(s);
	return COFFER_OK;
}

enum coffer_rc store_make(const char *path, struct store **out, struct err *e)
{
	CLEANUP(store_closep) struct store *s = NULL;

	if (file_exists(path))
		return err_deny(e, "store", "%s exists; it is never replaced", path);
	TRY(open_file(path, SQLITE_OPEN_CREATE, &s, e));
	TRY(make_tables(s, e));
	s->opened = true;
	*out = MOVE(s);
	return COFFER_OK;
}

enum coffer_rc store_open(const char *path, struct store **out, struct err *e)
{
	CLEANUP(store_closep) struct store *s = NULL;

	TRY(open_file(path, 0, &s, e));
	TRY(check_tables(s, e));
	s->opened = true;
	*out = MOVE(s);
	return COFFER_OK;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < COMPILED_MAX; i++)
		(void)sqlite3_finalize(s->compiled[i].st);
	(void)sqlite3_close_v2(s->db);
	free(s);
}

/* By a compiled statement: one of these a request. */
static enum coffer_rc step(struct store *s, const char *sql, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, sql);

	return q_run(&q, e);
}

enum coffer_rc store_begin(struct store *s, struct err *e)
{
	return step(s, "BEGIN IMMEDIATE", e);
}

enum coffer_rc store_commit(struct store *s, struct err *e)
{
	struct err ignore = { 0 };

	TRY(step(s, "COMMIT", e));
	if (s->waiting >= STORE_LOG_MAX)
		(void)!store_tidy(s, &ignore); /* what was committed is durable all the same */
	return COFFER_OK;
}

void store_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

bool store_in_transaction(const struct store *s)
{
	return !sqlite3_get_autocommit(s->db);
}

enum coffer_rc store_part_begin(struct store *s, struct err *e)
{
	return step(s, "SAVEPOINT part", e);
}

enum coffer_rc store_part_keep(struct store *s, struct err *e)
{
	return step(s, "RELEASE part", e);
}

bool store_part_undo(struct store *s)
{
	return sqlite3_exec(s->db, "ROLLBACK TO part; RELEASE part", NULL, NULL, NULL) == SQLITE_OK;
}

static struct compiled *slot_for(struct store *s, const char *sql)
{
	for (size_t i = 0; i < COMPILED_MAX; i++)
		if (s->compiled[i].sql == sql || !s->compiled[i].sql)
			return s->compiled[i].busy ? NULL : &s->compiled[i];
	return NULL;
}

struct q q_open(struct store *s, const char *sql)
{
	struct compiled *slot = slot_for(s, sql);
	struct q q = { .s = s, .slot = slot };
	sqlite3_stmt *st = slot ? slot->st : NULL;

	if (!st)
		q.bad = sqlite3_prepare_v3(s->db, sql, -1, slot ? SQLITE_PREPARE_PERSISTENT : 0, &st, NULL) != SQLITE_OK;
	q.st = st;
	if (slot)
		*slot = (struct compiled){ sql, st, true };
	return q;
}

void q_close(struct q *q)
{
	struct compiled *slot = q->slot;

	if (slot) {
		(void)sqlite3_reset(slot->st); /* its error was answered by the step that made it */
		if (slot->st)
			(void)sqlite3_clear_bindings(slot->st);
		slot->busy = false;
	} else {
		(void)sqlite3_finalize(q->st);
	}
	q->st = NULL;
	q->slot = NULL;
}

void q_blob(struct q *q, struct span v)
{
	const void *p = v.n ? (const void *)v.p : "";

	q->bad = q->bad || sqlite3_bind_blob64(q->st, ++q->i, p, v.n, SQLITE_TRANSIENT) != SQLITE_OK;
}

void q_text(struct q *q, struct span v)
{
	const char *p = v.n ? (const char *)v.p : "";

	q->bad = q->bad || sqlite3_bind_text64(q->st, ++q->i, p, v.n, SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK;
}

void q_i64(struct q *q, int64_t v)
{
	q->bad = q->bad || sqlite3_bind_int64(q->st, ++q->i, v) != SQLITE_OK;
}

enum coffer_rc q_row(struct q *q, bool *row, struct err *e)
{
	int rc;

	if (q->bad)
		return fail(q->s, "query", e);
	rc = sqlite3_step(q->st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return fail(q->s, "query", e);
	*row = rc == SQLITE_ROW;
	return COFFER_OK;
}

enum coffer_rc q_run(struct q *q, struct err *e)
{
	bool row = false;

	TRY(q_row(q, &row, e));
	return row ? err_set(e, COFFER_E_BUG, "store: an unexpected row") : COFFER_OK;
}

struct span q_col(struct q *q, int i)
{
	const void *p = sqlite3_column_blob(q->st, i);
	int n = sqlite3_column_bytes(q->st, i);

	return p && n > 0 ? (struct span){ p, (size_t)n } : (struct span){ 0 };
}

int64_t q_col_i64(struct q *q, int i)
{
	return sqlite3_column_int64(q->st, i);
}

bool q_col_fixed(struct q *q, int i, uint8_t *dst, size_t n)
{
	struct span v = q_col(q, i);

	if (!v.p || v.n != n)
		return false;
	memcpy(dst, v.p, n);
	return true;
}

bool q_col_name(struct q *q, int i, char *dst, size_t n)
{
	struct span v = q_col(q, i);

	if (v.n >= n)
		return false;
	if (v.n)
		memcpy(dst, v.p, v.n);
	dst[v.n] = 0;
	return true;
}

uint64_t q_changes(struct store *s)
{
	return (uint64_t)sqlite3_changes64(s->db);
}
