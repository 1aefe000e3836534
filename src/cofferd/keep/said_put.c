/* What parties said, as a receipt shows it. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/said.h"
#include "fmt/enc.h"
#include "trust/said.h"

#define NAMED_MAX 1024

/* The statements that the record of the release names. */
struct named {
	struct json_doc *doc;  /* owned: the record's data */
	struct statement *st;  /* owned */
	const struct statement **list; /* owned */
	size_t n;
};

static void named_clear(struct named *d)
{
	for (size_t i = 0; i < d->n; i++)
		statement_clear(&d->st[i]);
	free(d->st);
	free((void *)d->list);
	json_free(d->doc);
}

static enum coffer_rc add_named(struct keep *k, struct span hex, struct named *d, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	uint8_t id[32];

	if (d->n == NAMED_MAX)
		return err_set(e, COFFER_E_LIMIT, "receipt: more than %d statements", NAMED_MAX);
	if (hex.n != 64 || !hex_fixed(hex, id, sizeof(id)))
		return err_set(e, COFFER_E_BUG, "ledger: the record of a release is malformed");
	TRY(registry_envelope(&k->registry, id, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &d->st[d->n], e));
	d->list[d->n] = &d->st[d->n];
	d->n++;
	return COFFER_OK;
}

static enum coffer_rc read_named(struct keep *k, uint64_t seq, struct named *d, struct err *e)
{
	static const char *const lists[] = { "rests", "beside" };
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT data FROM entry WHERE seq=?");
	bool row = false;

	q_i64(&q, (int64_t)seq);
	TRY(q_row(&q, &row, e));
	TRY(json_parse(q_col(&q, 0), LEAF_RECORD_MAX, &d->doc, e));
	d->st = calloc(NAMED_MAX, sizeof(*d->st));
	d->list = calloc(NAMED_MAX, sizeof(const struct statement *));
	if (!d->st || !d->list)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	TRY(add_named(k, json_str(json_get(json_root(d->doc), "workload")), d, e));
	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
		const struct json *list = json_get(json_root(d->doc), lists[l]);

		for (size_t i = 0; i < json_len(list); i++)
			TRY(add_named(k, json_str(json_at(list, i)), d, e));
	}
	return COFFER_OK;
}

/* A party that never named a key of its own compromised by then has stated no minimum that counts for nothing. */
static enum coffer_rc keys_stand(struct keep *k, const struct leaf *release, const char *by, bool *yes, struct err *e)
{
	static const uint8_t none[32];
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT 1 FROM said a CROSS JOIN statement s ON s.seq=a.seq WHERE a.key=? AND a.seq<? AND s.kind=?");
	struct mhash self;
	bool row = false;

	map_said_key(SAID_SELF, span_of(by), none, &self);
	q_blob(&q, SPAN(self.b));
	q_i64(&q, (int64_t)release->index);
	q_i64(&q, ST_REVOCATION);
	TRY(q_row(&q, &row, e));
	*yes = !row;
	return COFFER_OK;
}

/* To t all that it said before the release; of minima only the last, where that replaces the others: *before is then the map's value for these, and
 * zeros otherwise. */
static enum coffer_rc tell(struct keep *k, const struct leaf *release, const struct said_ask *a, struct told *t, struct mhash *before, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT a.seq, s.id FROM said a JOIN statement s ON s.seq=a.seq WHERE a.key=? AND a.seq<? ORDER BY a.seq");
	struct mhash value = { { 0 } };
	bool hides = a->kind == SAID_MINIMUM;
	uint64_t last = 0;

	*before = value;
	if (hides)
		TRY(keys_stand(k, release, a->by, &hides, e));
	q_blob(&q, SPAN(a->key.b));
	q_i64(&q, (int64_t)release->index);
	for (;;) {
		uint8_t id[32];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return hides && last ? told_add(t, last, e) : COFFER_OK;
		last = (uint64_t)q_col_i64(&q, 0);
		if (!hides)
			TRY(told_add(t, last, e));
		if (!q_col_fixed(&q, 1, id, sizeof(id)))
			return err_set(e, COFFER_E_BUG, "registry: malformed id");
		if (hides)
			*before = value;
		map_said_next(&value, id, last);
	}
}

static enum coffer_rc put_item(struct keep *k, const struct leaf *release, const struct said_ask *a, struct told *t, struct json_wr *j, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(SMT_PROOF_MAX), text = wr_open((size_t)2 * SMT_PROOF_MAX);
	static const struct mhash none;
	struct mhash before;
	struct smt_proof p;
	char subject[HEX32_LEN], hex[HEX32_LEN];

	TRY(tell(k, release, a, t, &before, e));
	TRY(map_prove(&k->journal.tree.map, &release->map, &a->key, &p, e));
	smt_proof_write(&p, &w);
	b64url_write(&text, wr_span(&w));
	TRY(wr_done(&w, "proof", e));
	TRY(wr_done(&text, "proof", e));
	hex32(a->subject, subject);
	hex32(before.b, hex);
	jw_obj(j);
	if (!mhash_eq(&before, &none))
		jw_m_text(j, "before", hex);
	jw_m_text(j, "by", a->by);
	jw_m_text(j, "kind", said_name(a->kind));
	jw_m_str(j, "proof", wr_span(&text));
	jw_m_text(j, "subject", subject);
	jw_obj_end(j);
	return COFFER_OK;
}

enum coffer_rc said_put(struct keep *k, const struct leaf *release, struct told *t, struct json_wr *j, struct err *e)
{
	CLEANUP(named_clear) struct named d = { 0 };
	CLEANUP(said_list_clear) struct said_list l = { 0 };

	if (release->rule < 2)
		return COFFER_OK;
	TRY(read_named(k, release->index, &d, e));
	TRY(said_wanted(&(struct said_in){ d.list, d.n, json_root(d.doc), release->rule }, &l, e));
	jw_name(j, "said");
	jw_arr(j);
	for (size_t i = 0; i < l.n; i++)
		TRY(put_item(k, release, &l.ask[i], t, j, e));
	jw_arr_end(j);
	return COFFER_OK;
}
