/* What stands against a statement: revocations that nobody lifted, and pauses that run. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/facts_int.h"
#include "fmt/enc.h"

#define OWNERS_MAX 1024 /* JSON of their names */

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

static enum coffer_rc read_revocations(const struct registry *r, const struct fact *f, struct facts *out, struct err *e)
{
	CLEANUP(q_close)
	struct q q =
	    q_open(r->store, "SELECT DISTINCT v.issuer FROM revoked v WHERE v.target=?1 AND (v.issuer IN (?2, ?4, ?5) OR v.issuer IN (SELECT value FROM json_each(?3)))"
			     " AND NOT EXISTS(SELECT 1 FROM revoked l WHERE l.target=v.statement AND l.issuer=v.issuer)");
	CLEANUP(wr_close) struct wr owners = wr_open(OWNERS_MAX);
	struct fact_revocation v = { .from = 0 };

	fact_owners(out, &owners);
	TRY(wr_done(&owners, "owners", e));
	memcpy(v.target, f->id, sizeof(v.target));
	q_blob(&q, SPAN(f->id));
	q_text(&q, span_of(f->issuer));
	q_text(&q, wr_span(&owners));
	q_text(&q, span_of(f->of));
	q_text(&q, span_of(provider(out)));
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
static enum coffer_rc ended(
    const struct registry *r, const uint8_t pause[static 32], const char *issuer, bool *yes, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(r->store,
	    "SELECT t.id, t.kind, (SELECT time FROM entry l WHERE l.seq=t.seq) FROM statement s JOIN statement t ON t.issuer=s.issuer"
	    " AND ((t.kind=s.kind AND t.subject=s.subject AND t.serial>s.serial)"
	    " OR t.id IN (SELECT v.statement FROM revoked v WHERE v.target=s.id AND v.issuer=s.issuer)) WHERE s.id=?");

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

/* Those of the past are left out: they do not come again. */
static enum coffer_rc read_pauses(const struct registry *r, const struct fact *f, struct facts *out, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(r->store, "SELECT s.id, s.issuer, s.issued, s.expires FROM statement s WHERE s.kind=?1 AND s.names=?2"
				      " AND (s.issuer IN (?3, ?5, ?7) OR s.issuer IN (SELECT value FROM json_each(?4))) AND s.expires>?6");
	CLEANUP(wr_close) struct wr name = wr_open(128), owners = wr_open(OWNERS_MAX);
	struct fact_revocation v = { .from = 0 };
	char hex[HEX32_LEN];

	memcpy(v.target, f->id, sizeof(v.target));
	hex32(f->id, hex);
	wr_blob32(&name, span_of(hex));
	TRY(wr_done(&name, "subject", e));
	fact_owners(out, &owners);
	TRY(wr_done(&owners, "owners", e));
	q_i64(&q, ST_PAUSE);
	q_blob(&q, wr_span(&name));
	q_text(&q, span_of(f->issuer));
	q_text(&q, wr_span(&owners));
	q_text(&q, span_of(f->of));
	q_i64(&q, out->now);
	q_text(&q, span_of(provider(out)));
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
		TRY(ended(r, id, v.issuer, &over, e));
		if (!over)
			TRY(add(out, &v, e));
	}
}

enum coffer_rc fact_revocations(const struct registry *r, const struct fact *f, struct facts *out, struct err *e)
{
	TRY(read_revocations(r, f, out, e));
	return read_pauses(r, f, out, e);
}
