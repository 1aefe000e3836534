/* The one database file of `keep`: SQLite in WAL mode, synchronous=FULL, opened
 * by this process alone (exclusive locking). This file is the only place that knows SQLite. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"

struct store; /* opaque */

#define STORE_MEMORY ":memory:" /* as a path to make: a store that nobody else sees */

/* Makes the file with empty tables; COFFER_E_DENIED (check "store") when it is there already. */
enum coffer_rc store_make(const char *path, struct store **out, struct err *e) NODISCARD;
/* Demands a file with our schema version and a clean integrity and foreign key check (COFFER_E_INPUT). */
enum coffer_rc store_open(const char *path, struct store **out, struct err *e) NODISCARD;
void           store_close(struct store *s);
static inline void store_closep(struct store **s) { store_close(*s); *s = NULL; }

/* One transaction at a time. Commit returns once the bytes are on the disk. */
enum coffer_rc store_begin(struct store *s, struct err *e) NODISCARD;
enum coffer_rc store_commit(struct store *s, struct err *e) NODISCARD;
void           store_rollback(struct store *s);
/* False once it was committed, or undone: some failures (a full disk) undo it as a whole before anybody asks for that. */
bool           store_in_transaction(const struct store *s);

/* Pages that wait in the write-ahead log: durable there, and in every answer, but not in the file yet. store_tidy moves them, and the log begins
 * anew: two syncs and some megabytes, for which nobody should have to wait. Where nobody calls it a commit does it when STORE_LOG_MAX pages wait. What
 * fails is tried again the next time; nothing is lost by it. */
#define STORE_LOG_MAX 8192 /* of 4 KiB */
size_t         store_waiting(const struct store *s);
enum coffer_rc store_tidy(struct store *s, struct err *e) NODISCARD;

/* A part of a transaction: what came after store_part_begin is kept as far as the transaction is, or undone alone. Parts do not nest. */
enum coffer_rc store_part_begin(struct store *s, struct err *e) NODISCARD;
enum coffer_rc store_part_keep(struct store *s, struct err *e) NODISCARD;
bool           store_part_undo(struct store *s) NODISCARD; /* false: nothing is known of the transaction any more */

/* A query: open, bind in order of the ?, step. Errors are sticky and shown by q_row and q_run. */
struct q {
	struct store *s;
	void         *st;
	void         *slot;  /* private: where the compiled statement is kept */
	int           i;
	bool          bad;
};
/* sql must be a literal: its address is the key under which the compiled statement is kept. */
struct q q_open(struct store *s, const char *sql);
void     q_close(struct q *q); /* CLEANUP-ready */
void     q_blob(struct q *q, struct span v); /* copied */
void     q_text(struct q *q, struct span v); /* copied */
void     q_i64(struct q *q, int64_t v);

/* SQL: decision d is about an asset of which this party decides with its owner; about an asset or a workload of this party, or that. */
#define DECISION_SHARED(d, party) "EXISTS(SELECT 1 FROM decision_of o WHERE o.party=" party " AND o.decision=" d ".id)"
#define DECISION_CONCERNS(d, party) "(" d ".owner=" party " OR " d ".provider=" party " OR " DECISION_SHARED(d, party) ")"

/* SQL, of the names of a statement's subjects (registry_names). Of a delegation: whose power and which, all that follows whom it is lent to; no party's name has a colon.
 * Of a revocation: it names a key and no statement; by its subject, of which there is one spelling, not by its text, of which there are many. Where there is one subject: it. */
#define STORE_POWER(names) "substr(" names ", instr(" names ", x'6f663a') - 4)"
#define STORE_KEY_NAMED(names) "length(" names ")=47"
#define STORE_ONE_NAME(names) "CAST(substr(" names ", 5) AS TEXT)"

/* SQL: delegated_until(payload), when what this delegation statement lends ends, read as everywhere (delegation_read); 0: it is none. Of statements no query reads JSON itself:
 * names of members that are spelt with escapes it would not find, and with several of one name take another. */

/* *row tells whether there is one. Columns are borrowed until the next step or q_close. */
enum coffer_rc q_row(struct q *q, bool *row, struct err *e) NODISCARD;
/* For statements that give no row. */
enum coffer_rc q_run(struct q *q, struct err *e) NODISCARD;
struct span    q_col(struct q *q, int i);            /* blob or text */
int64_t        q_col_i64(struct q *q, int i);
bool           q_col_fixed(struct q *q, int i, uint8_t *dst, size_t n) NODISCARD; /* a blob of exactly n bytes */
bool           q_col_name(struct q *q, int i, char *dst, size_t n) NODISCARD;     /* text, with room for its NUL */
uint64_t       q_changes(struct store *s);           /* rows the last q_run touched */

/* Rises whenever a row is added, changed or removed that a decision may rest on (statements and their indices, assets; not
 * how often an approval was used), also when a rollback then undoes it. */
uint64_t store_version(const struct store *s);
