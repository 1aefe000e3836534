/* The ledger as others read it: the signed checkpoint and the tiles, which are public; and openings, for who may know. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/partyauth.h"
#include "cofferd/keep/witnessed.h"
#include "fmt/enc.h"
#include "trust/ledger/checkpoint.h"
#include "trust/ledger/leaf.h"

#define OPENINGS_PAGE 256
#define OPENINGS_SCAN 4096 /* entries looked at for one answer */
#define OPENING_MAX (LEAF_RECORD_MAX + 64)

_Static_assert(KEEP_LEDGER_NAME_MAX == TILE_PATH_MAX, "the longest name of a file");

/* ---- LEDGER ---- */

/* Everything under it is on the disk: a request is answered after the commit of the one before. */
enum coffer_rc ledger_sign(struct keep *k, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(NOTE_MAX / 4);
	struct checkpoint cp = { .origin = span_of(k->registry.genesis->origin) };
	struct note_key key;
	struct note_signer signer = { &key, k->keys.ledger };

	tree_head(&k->journal.tree, &cp.head);
	TRY(note_key_new(cp.origin, NOTE_ED25519, privkey_public(k->keys.ledger), &key, e));
	TRY(checkpoint_write(&cp, &text, e));
	TRY(wr_done(&text, "checkpoint", e));
	TRY(note_begin(wr_span(&text), out, e));
	return note_sign(&signer, wr_span(&text), out, e);
}

enum coffer_rc on_ledger(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct tile t;

	if (span_eq_str(body, "checkpoint"))
		return witnessed_checkpoint(k, a->out, e);
	if (span_eq_str(body, "head"))
		return ledger_sign(k, a->out, e);
	if (!tile_path_read(body, &t))
		return err_set(e, COFFER_E_NOTFOUND, "the ledger has no such file");
	return tree_tile(&k->journal.tree, &t, a->out, e);
}

/* ---- OPENINGS ---- */

static enum coffer_rc write_opening(struct json_wr *j, struct q *q, struct err *e)
{
	CLEANUP(wr_close) struct wr record = wr_open(LEAF_RECORD_MAX), opening = wr_open(OPENING_MAX), text = wr_open((size_t)2 * OPENING_MAX);
	struct leaf_opening o = { 0 };
	char type[32];

	if (!q_col_name(q, 2, type, sizeof(type)) || !q_col_fixed(q, 4, o.salt, sizeof(o.salt)))
		return err_set(e, COFFER_E_BUG, "ledger: malformed row");
	journal_record(type, q_col(q, 3), q_col_i64(q, 1), &record);
	TRY(wr_done(&record, "record", e));
	o.record = wr_span(&record);
	leaf_opening_write(&o, &opening);
	TRY(wr_done(&opening, "opening", e));
	b64url_write(&text, wr_span(&opening));
	TRY(wr_done(&text, "opening", e));
	jw_obj(j);
	jw_m_u64(j, "index", (uint64_t)q_col_i64(q, 0));
	jw_m_str(j, "opening", wr_span(&text));
	jw_obj_end(j);
	return COFFER_OK;
}

/* What a party may know of: statements and that some were refused, which all parties may read; decisions about its assets and workloads; deletions of its
 * assets; losses. */
static enum coffer_rc write_openings(struct keep *k, const struct party *who, uint64_t from, struct json_wr *j, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    "SELECT e.seq, e.time, e.type, e.data, l.salt FROM entry e JOIN leaf l ON l.seq=e.seq WHERE e.seq>=?1 AND e.seq<?2"
	    " AND (e.type IN ('genesis', 'statement', 'refusal', 'restored', 'pruned')"
	    " OR EXISTS(SELECT 1 FROM decision d WHERE d.seq=e.seq AND " DECISION_CONCERNS("d", "?3") ")"
	    " OR (e.type='delete' AND substr(CAST(e.data AS TEXT), 1, length(?4))=?4)) ORDER BY e.seq LIMIT 256");
	CLEANUP(wr_close) struct wr deleted = wr_open(256);
	uint64_t size = journal_entries(&k->journal), end = size > from && size - from > OPENINGS_SCAN ? from + OPENINGS_SCAN : size;
	bool row = false;
	size_t n = 0;

	wr_fmt(&deleted, "{\"asset\":\"kbs:///%s/", who->id);
	TRY(wr_done(&deleted, "query", e));
	q_i64(&q, from > INT64_MAX ? INT64_MAX : (int64_t)from);
	q_i64(&q, (int64_t)end);
	q_text(&q, span_of(who->id));
	q_text(&q, wr_span(&deleted));
	jw_name(j, "openings");
	jw_arr(j);
	for (; n < OPENINGS_PAGE; n++) {
		TRY(q_row(&q, &row, e));
		if (!row)
			break;
		from = (uint64_t)q_col_i64(&q, 0) + 1;
		TRY(write_opening(j, &q, e));
	}
	jw_arr_end(j);
	jw_m_u64(j, "next", n == OPENINGS_PAGE ? from : end);
	jw_m_u64(j, "size", size);
	return COFFER_OK;
}

enum coffer_rc on_openings(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct json_wr j = jw_open(a->out, false);
	const struct party *who = NULL;
	struct keep_journal_req m;

	TRY(keep_journal_req_read(body, &m, e));
	TRY(party_auth(k, &m.auth, &who, e));
	jw_obj(&j);
	TRY(write_openings(k, who, m.from, &j, e));
	jw_obj_end(&j);
	return COFFER_OK;
}
