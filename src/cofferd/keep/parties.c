/* What anyone may read of parties: the statements that made them what they are, in the order of the ledger, each with its time. A
 * client that follows them (trust/parties.h) knows each party's keys as this process does. */
#include "base/clock.h"
#include "base/own.h"
#include "base/rd.h"
#include "base/str.h"
#include "cofferd/keep/handlers.h"

#define PAGE_MAX (8u << 20)
#define PAGE_ROWS 256

static const char about_keys[] = "SELECT a.id, a.seq, e.time FROM " ABOUT_KEYS("s.seq>=?1") " a JOIN entry e ON e.seq=a.seq ORDER BY a.seq LIMIT ?2";

static enum coffer_rc write_row(struct keep *k, struct q *q, struct json_wr *j, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	char time[CLOCK_TEXT_LEN];
	uint8_t id[32];

	if (!q_col_fixed(q, 0, id, sizeof(id)))
		return err_set(e, COFFER_E_BUG, "registry: malformed id");
	TRY(registry_envelope(&k->registry, id, &env, e));
	clock_text(q_col_i64(q, 2), time);
	jw_obj(j);
	jw_m_u64(j, "seq", (uint64_t)q_col_i64(q, 1));
	jw_name(j, "statement");
	dsse_write(&env, j);
	jw_m_text(j, "time", time);
	jw_obj_end(j);
	return COFFER_OK;
}

enum coffer_rc on_parties(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, about_keys);
	struct json_wr j = jw_open(a->out, false);
	struct rd r = rd_open(body);
	uint64_t next = (uint64_t)rd_be32(&r) << 32;
	bool row = true;

	next |= rd_be32(&r);
	if (!rd_done(&r) || next > INT64_MAX)
		return err_set(e, COFFER_E_INPUT, "parties: no number of an entry");
	q_i64(&q, (int64_t)next);
	q_i64(&q, PAGE_ROWS);
	jw_obj(&j);
	jw_name(&j, "statements");
	jw_arr(&j);
	for (size_t n = 0;; n++) {
		if (n == PAGE_ROWS || a->out->n + DSSE_ENVELOPE_MAX > PAGE_MAX)
			break;
		TRY(q_row(&q, &row, e));
		if (!row)
			break;
		TRY(write_row(k, &q, &j, e));
		next = (uint64_t)q_col_i64(&q, 1) + 1;
	}
	jw_arr_end(&j);
	jw_m_bool(&j, "more", row);
	jw_m_u64(&j, "next", next);
	jw_obj_end(&j);
	return COFFER_OK;
}

/* ---- LENT ---- */

static enum coffer_rc write_links(struct keep *k, const struct designation *d, struct json_wr *j, struct err *e)
{
	for (size_t i = 0; i < d->n; i++) {
		CLEANUP(q_close) struct q q = q_open(k->store, "SELECT s.id, s.seq, e.time FROM statement s JOIN entry e ON e.seq=s.seq WHERE s.id=?");
		bool row = false;

		q_blob(&q, SPAN(d->link[i].id));
		TRY(q_row(&q, &row, e));
		if (!row)
			return err_set(e, COFFER_E_BUG, "registry: a delegation is gone");
		TRY(write_row(k, &q, j, e));
	}
	return COFFER_OK;
}

enum coffer_rc on_lent(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct json_wr j = jw_open(a->out, false);
	struct rd r = rd_open(body);
	struct designation d;
	uint8_t id[32];

	rd_copy(&r, id, sizeof(id));
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "lent: no statement's id");
	TRY(registry_designation(&k->registry, id, k->now, &d, e));
	if (!d.yes)
		return err_set(e, COFFER_E_NOTFOUND, "this statement designates no service here now");
	jw_obj(&j);
	jw_name(&j, "statements");
	jw_arr(&j);
	TRY(write_links(k, &d, &j, e));
	jw_arr_end(&j);
	jw_obj_end(&j);
	return COFFER_OK;
}
