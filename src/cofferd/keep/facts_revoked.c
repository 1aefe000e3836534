/* What stands against a statement: revocations that nobody lifted, and pauses that run. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define HEARD_MAX 2048 /* JSON of their names */

static enum coffer_rc add(struct facts *out, const struct fact_revocation *v, struct err *e)
{
	if (out->n_revocations == FACT_REVOCATIONS_MAX)
		return err_set(e, COFFER_E_LIMIT, "registry: more than %d revocations bear on one request", FACT_REVOCATIONS_MAX);
	if (out->n_revocations == out->room_revocations) {
		struct fact_revocation *more = realloc(out->revocation, (out->room_revocations + 64) * sizeof(*more));

		if (!more)
			return err_set(e, COFFER_E_SYSTEM, "registry: out of memory");
		out->revocation = more;
		out->room_revocations += 64;
	}
	out->revocation[out->n_revocations++] = *v;
	return COFFER_OK;
}

/* Of the code that asks; "": none does. */
static const char *provider(const struct facts *f)
{
	return f->n_workloads > 0 ? f->workload[0].manifest.provider : "";
}

/* JSON: those whose word against f counts. One list, so that each is looked up, and what others said is not walked over. */
static enum coffer_rc put_heard(const struct fact *f, const struct facts *out, struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);

	jw_arr(&j);
	jw_text(&j, f->issuer);
	jw_text(&j, f->of);
	jw_text(&j, provider(out));
	fact_owners_put(out, &j);
	jw_arr_end(&j);
	return wr_done(w, "parties", e);
}

static enum coffer_rc read_revocations(const struct registry *r, const struct fact *f, struct span heard, struct facts *out, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(r->store, "SELECT DISTINCT v.issuer FROM revoked v WHERE v.target=? AND v.issuer IN (SELECT value FROM json_each(?))"
				      " AND NOT EXISTS(SELECT 1 FROM revoked l WHERE l.target=v.statement AND l.issuer=v.issuer)");
	struct fact_revocation v = { .from = 0 };

	memcpy(v.target, f->id, sizeof(v.target));
	q_blob(&q, SPAN(f->id));
	q_text(&q, heard);
	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (!q_col_name(&q, 0, v.issuer, sizeof(v.issuer)))
			return err_set(e, COFFER_E_BUG, "registry: malformed row");
		TRY(add(out, &v, e));
	}
}

/* ---- pauses ---- */

/* By its issuer: revoked, or followed by another. What only a compromised key says ends nothing, or a thief could resume what its owner paused. */
enum coffer_rc fact_pause_ended(const struct registry *r, const uint8_t pause[static 32], const char *issuer, bool *yes, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(r->store,
	    "SELECT t.id, t.kind, (SELECT time FROM entry l WHERE l.seq=t.seq) FROM statement s JOIN statement t ON t.kind=s.kind AND t.issuer=s.issuer"
	    " AND t.subject=s.subject AND t.serial>s.serial WHERE s.id=?1"
	    " UNION ALL SELECT t.id, t.kind, (SELECT time FROM entry l WHERE l.seq=t.seq) FROM statement s JOIN revoked v ON v.target=s.id AND v.issuer=s.issuer"
	    " JOIN statement t ON t.id=v.statement WHERE s.id=?1");

	q_blob(&q, (struct span){ pause, 32 });
	for (*yes = false; !*yes;) {
		struct voided_question v = { .issuer = issuer };
		uint8_t id[32];
		bool row = false, dead = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (!q_col_fixed(&q, 0, id, sizeof(id)))
			return err_set(e, COFFER_E_BUG, "registry: malformed row");
		v.id = id;
		v.kind = (enum statement_kind)q_col_i64(&q, 1);
		v.logged = q_col_i64(&q, 2);
		TRY(registry_by_dead(r, &v, &dead, e));
		*yes = !dead;
	}
	return COFFER_OK;
}

/* Those of the past are left out: they do not come again. A pause's subject is its names (registry_subject). */
static enum coffer_rc read_pauses(const struct registry *r, const struct fact *f, struct span heard, struct facts *out, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(r->store, "SELECT s.id, s.issuer, s.issued, s.expires FROM statement s WHERE s.kind=? AND s.issuer IN (SELECT value FROM json_each(?))"
				      " AND s.subject=? AND s.expires>?");
	CLEANUP(wr_close) struct wr name = wr_open(128);
	struct fact_revocation v = { .from = 0 };
	char hex[HEX32_LEN];

	memcpy(v.target, f->id, sizeof(v.target));
	hex32(f->id, hex);
	wr_blob32(&name, span_of(hex));
	TRY(wr_done(&name, "subject", e));
	q_i64(&q, ST_PAUSE);
	q_text(&q, heard);
	q_blob(&q, wr_span(&name));
	q_i64(&q, out->now);
	for (;;) {
		uint8_t id[32];
		bool row = false, over = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (!q_col_fixed(&q, 0, id, sizeof(id)) || !q_col_name(&q, 1, v.issuer, sizeof(v.issuer)))
			return err_set(e, COFFER_E_BUG, "registry: malformed row");
		v.from = q_col_i64(&q, 2);
		v.until = q_col_i64(&q, 3);
		TRY(fact_pause_ended(r, id, v.issuer, &over, e));
		if (!over)
			TRY(add(out, &v, e));
	}
}

enum coffer_rc fact_revocations(const struct registry *r, const struct fact *f, struct facts *out, struct err *e)
{
	CLEANUP(wr_close) struct wr parties = wr_open(HEARD_MAX);

	TRY(put_heard(f, out, &parties, e));
	TRY(read_revocations(r, f, wr_span(&parties), out, e));
	return read_pauses(r, f, wr_span(&parties), out, e);
}
