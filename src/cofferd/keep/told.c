#include "cofferd/keep/told.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/ledger/mapkey.h"
#include "trust/receipt.h" /* RECEIPT_STATEMENTS_MAX */

#define SIG_BYTES (32 + SIG_LEN)

void told_clear(struct told *t)
{
	free(t->seq);
	*t = (struct told){ 0 };
}

enum coffer_rc told_add(struct told *t, uint64_t seq, struct err *e)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->seq[i] == seq)
			return COFFER_OK;
	if (!t->seq)
		t->seq = calloc(RECEIPT_STATEMENTS_MAX, sizeof(*t->seq));
	if (!t->seq)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	if (t->n == RECEIPT_STATEMENTS_MAX)
		return err_set(e, COFFER_E_LIMIT, "receipt: more statements than one answer holds");
	t->seq[t->n++] = seq;
	return COFFER_OK;
}

static enum coffer_rc add_rows(struct q *q, struct told *t, struct err *e)
{
	for (;;) {
		bool row = false;

		TRY(q_row(q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(told_add(t, (uint64_t)q_col_i64(q, 0), e));
	}
}

/* By its id in hex, if it was logged before. */
static enum coffer_rc add_one(struct keep *k, uint64_t before, struct span hex, struct told *t, struct err *e)
{
	struct logged l;
	uint8_t id[32];
	bool found = false;

	if (hex_fixed(hex, id, sizeof(id)))
		TRY(registry_find(&k->registry, id, &found, &l, e));
	return found && l.seq < before ? told_add(t, l.seq, e) : COFFER_OK;
}

enum coffer_rc told_named(struct keep *k, const struct leaf *release, struct told *t, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(k->store, "SELECT r.value FROM entry en, json_each(CAST(en.data AS TEXT), '$.rests') r WHERE en.seq=?1"
	    " UNION SELECT b.value FROM entry en, json_each(CAST(en.data AS TEXT), '$.beside') b WHERE en.seq=?1"
	    " UNION SELECT json_extract(CAST(en.data AS TEXT), '$.workload') FROM entry en WHERE en.seq=?1");

	q_i64(&q, (int64_t)release->index);
	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(add_one(k, release->index, q_col(&q, 0), t, e));
	}
}

/* ---- whose keys in time ---- */

/* A key that some party ever signed with. */
struct holder { uint8_t thumb[32]; size_t party; };
struct work {
	struct keep       *k;
	const struct leaf *release;
	struct told       *t;
	struct holder     *holder; /* owned; ascending */
	size_t             n;
	bool               in[PARTIES_MAX];
};

static void work_clear(struct work *w)
{
	free(w->holder);
}

static int by_thumb(const void *a, const void *b)
{
	return memcmp(a, b, 32); /* public: thumbprints, which a holder begins with */
}

static enum coffer_rc find_holders(struct work *w, struct err *e)
{
	const struct parties *p = &w->k->registry.parties;
	size_t room = 0;

	for (size_t i = 0; i < p->n; i++)
		room += p->life[i].n_past + p->life[i].next.n_keys;
	w->holder = calloc(room + 1, sizeof(*w->holder));
	if (!w->holder)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	for (size_t i = 0; i < p->n; i++) {
		const struct party_life *l = &p->life[i];

		for (size_t j = 0; j < l->n_past + (l->waits ? l->next.n_keys : 0); j++) {
			pubkey_thumbprint(j < l->n_past ? &l->past[j] : &l->next.keys[j - l->n_past], w->holder[w->n].thumb);
			w->holder[w->n++].party = i;
		}
	}
	qsort(w->holder, w->n, sizeof(*w->holder), by_thumb);
	return COFFER_OK;
}

static enum coffer_rc add_life(struct work *w, size_t party, struct err *e)
{
	static const uint8_t none[32];
	CLEANUP(q_close) struct q q = q_open(w->k->store, "SELECT seq FROM said WHERE key=? AND seq<?");
	struct mhash key;

	if (w->in[party])
		return COFFER_OK;
	w->in[party] = true;
	map_said_key(SAID_SELF, span_of(w->k->registry.parties.life[party].body.id), none, &key);
	q_blob(&q, SPAN(key.b));
	q_i64(&q, (int64_t)w->release->index);
	return add_rows(&q, w->t, e);
}

static enum coffer_rc add_signers(struct work *w, struct span sigs, struct err *e)
{
	for (; sigs.n >= SIG_BYTES; sigs = span_skip(sigs, SIG_BYTES)) {
		const struct holder *h = bsearch(sigs.p, w->holder, w->n, sizeof(*w->holder), by_thumb);

		if (h) /* else a recovery key, which its party's life has, or one that its party brought and never had */
			TRY(add_life(w, h->party, e));
	}
	return COFFER_OK;
}

static enum coffer_rc add_amendments(struct work *w, const uint8_t last[static 32], struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(w->k->store, "SELECT seq FROM statement WHERE kind=? AND seq<=(SELECT seq FROM statement WHERE id=?)");
	const struct parties *p = &w->k->registry.parties;

	q_i64(&q, ST_AMENDMENT);
	q_blob(&q, (struct span){ last, 32 });
	TRY(add_rows(&q, w->t, e));
	for (size_t i = 0; i < p->founded->n_parties; i++) /* parties_open: the founders come first */
		TRY(add_life(w, i, e));
	return COFFER_OK;
}

static enum coffer_rc add_asset(struct work *w, struct span payload, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct asset_body b;

	TRY(statement_parse(payload, &s, e));
	TRY(asset_read(&s, &b, e));
	return b.amended ? add_amendments(w, b.amendment, e) : COFFER_OK;
}

static enum coffer_rc follow(struct work *w, uint64_t seq, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(w->k->store, "SELECT kind, sigs, payload FROM statement WHERE seq=?");
	bool row = false;

	q_i64(&q, (int64_t)seq);
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_BUG, "registry: malformed row");
	TRY(add_signers(w, q_col(&q, 1), e));
	return q_col_i64(&q, 0) == ST_ASSET ? add_asset(w, q_col(&q, 2), e) : COFFER_OK;
}

/* What is added has signers too. */
static enum coffer_rc of_signers(struct keep *k, const struct leaf *release, struct told *t, struct err *e)
{
	CLEANUP(work_clear) struct work w = { .k = k, .release = release, .t = t };

	TRY(find_holders(&w, e));
	for (size_t i = 0; i < t->n; i++)
		TRY(follow(&w, t->seq[i], e));
	return COFFER_OK;
}

static enum coffer_rc of_all(struct keep *k, const struct leaf *release, struct told *t, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(k->store, "SELECT seq FROM " ABOUT_KEYS("s.seq<?1"));

	q_i64(&q, (int64_t)release->index);
	return add_rows(&q, t, e);
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

enum coffer_rc told_lives(struct keep *k, const struct leaf *release, struct told *t, struct err *e)
{
	TRY(release->rule < 2 ? of_all(k, release, t, e) : of_signers(k, release, t, e));
	if (t->n > 0)
		qsort(t->seq, t->n, sizeof(*t->seq), by_seq);
	return COFFER_OK;
}
