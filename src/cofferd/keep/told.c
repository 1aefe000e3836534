#include "cofferd/keep/told.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit_co.h"
#include "fmt/enc.h"
#include "trust/ledger/mapkey.h"
#include "trust/receipt.h" /* RECEIPT_STATEMENTS_MAX */

#define SIG_BYTES (32 + SIG_LEN)
_Static_assert(DSSE_SIGS_MAX <= 32, "a bit for each");

void told_clear(struct told *t)
{
	free(t->st);
	*t = (struct told){ 0 };
}

enum coffer_rc told_add(struct told *t, uint64_t seq, struct err *e)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->st[i].seq == seq)
			return COFFER_OK;
	if (!t->st)
		t->st = calloc(RECEIPT_STATEMENTS_MAX, sizeof(*t->st));
	if (!t->st)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	if (t->n == RECEIPT_STATEMENTS_MAX)
		return err_set(e, COFFER_E_LIMIT, "receipt: more statements than one answer holds");
	t->st[t->n++] = (struct told_one){ seq, UINT32_MAX };
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
/* What of a party is in it, and by which keys it ever recovered. */
struct about { bool statements, whole, read; uint8_t (*recovery)[32]; size_t n; }; /* recovery: owned */
struct work {
	struct keep       *k;
	const struct leaf *release;
	struct told       *t;
	struct holder     *holder; /* owned; ascending */
	size_t             n;
	struct about       about[PARTIES_MAX];
};

static void work_clear(struct work *w)
{
	for (size_t i = 0; i < PARTIES_MAX; i++)
		free(w->about[i].recovery);
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

/* All that it said of itself; or what makes its keys what they were when it introduced somebody, whose word did not turn on it. */
static enum coffer_rc add_life(struct work *w, size_t party, bool whole, struct err *e)
{
	static const uint8_t none[32];
	CLEANUP(q_close)
	struct q q = q_open(w->k->store, "SELECT a.seq FROM said a JOIN statement s ON s.seq=a.seq WHERE a.key=?1 AND a.seq<?2 AND (?3 OR s.kind=?4)");
	struct about *a = &w->about[party];
	struct mhash key;

	if (a->whole || (a->statements && !whole))
		return COFFER_OK;
	a->statements = true;
	a->whole = whole;
	map_said_key(SAID_SELF, span_of(w->k->registry.parties.life[party].body.id), none, &key);
	q_blob(&q, SPAN(key.b));
	q_i64(&q, (int64_t)w->release->index);
	q_i64(&q, whole);
	q_i64(&q, ST_PARTY);
	return add_rows(&q, w->t, e);
}

/* ---- its own keys ---- */

static enum coffer_rc add_recovery(struct about *a, const struct party *p, struct err *e)
{
	uint8_t (*more)[32] = realloc(a->recovery, (a->n + p->n_recovery + 1) * sizeof(*more));

	if (!more)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	a->recovery = more;
	for (size_t i = 0; i < p->n_recovery; i++)
		pubkey_thumbprint(&p->recovery[i], a->recovery[a->n++]);
	return COFFER_OK;
}

static enum coffer_rc read_recovery(struct work *w, size_t party, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(w->k->store, "SELECT payload FROM statement WHERE kind=? AND issuer=?");
	const struct parties *p = &w->k->registry.parties;
	struct about *a = &w->about[party];

	a->read = true;
	if (party < p->founded->n_parties) /* parties_open: the founders come first */
		TRY(add_recovery(a, &p->founded->party[party], e));
	q_i64(&q, ST_PARTY);
	q_text(&q, span_of(p->life[party].body.id));
	for (;;) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		struct party is;
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(statement_parse(q_col(&q, 0), &s, e));
		TRY(party_read(s.body, &is, e));
		TRY(add_recovery(a, &is, e));
	}
}

static bool among(const struct pubkey *keys, size_t n, const uint8_t thumb[static 32])
{
	for (size_t i = 0; i < n; i++) {
		uint8_t t[32];

		pubkey_thumbprint(&keys[i], t);
		if (span_eq(SPAN(t), (struct span){ thumb, 32 }))
			return true;
	}
	return false;
}

/* A key that the statement brings, be it that its party never had it, or one that its issuer ever recovered by, whose else it may be. */
static enum coffer_rc is_own(struct work *w, const struct statement *s, size_t issuer, const uint8_t thumb[static 32], bool *yes, struct err *e)
{
	struct about *a = &w->about[issuer];
	struct party is = { 0 };

	if (s->kind == ST_PARTY)
		TRY(party_read(s->body, &is, e));
	*yes = among(is.keys, is.n_keys, thumb);
	if (!a->read)
		TRY(read_recovery(w, issuer, e));
	for (size_t i = 0; i < a->n && !*yes; i++)
		*yes = span_eq(SPAN(a->recovery[i]), (struct span){ thumb, 32 });
	return COFFER_OK;
}

/* ---- whose signatures counted (admit_signed.h) ---- */

/* One statement. issuer: PARTIES_MAX for the genesis'. */
struct signing { const struct statement *s; size_t issuer; struct co_names names; };

static bool counts(const struct work *w, const struct signing *x, size_t party)
{
	const struct parties *p = &w->k->registry.parties;
	bool named = false;

	if (x->s->kind == ST_AMENDMENT)
		return party < p->founded->n_parties;
	if (x->s->kind == ST_PARTY) /* who introduced it again is written down nowhere: that a second one did is refused now */
		return x->s->serial > 1 || x->issuer < p->founded->n_parties || strcmp(p->life[party].body.id, p->life[x->issuer].by) == 0;
	for (size_t i = 0; i < x->names.n && !named; i++)
		named = strcmp(x->names.id[i], p->life[party].body.id) == 0;
	return named;
}

static enum coffer_rc add_signer(struct work *w, const struct signing *x, const uint8_t thumb[static 32], bool *shown, struct err *e)
{
	const struct holder *h = w->n > 0 ? bsearch(thumb, w->holder, w->n, sizeof(*w->holder), by_thumb) : NULL;

	*shown = h && (h->party == x->issuer || counts(w, x, h->party));
	if (*shown && h->party != x->issuer)
		return add_life(w, h->party, x->s->kind != ST_PARTY, e);
	return *shown || x->issuer == PARTIES_MAX ? COFFER_OK : is_own(w, x->s, x->issuer, thumb, shown, e);
}

static enum coffer_rc add_signers(struct work *w, const struct statement *s, struct span sigs, uint32_t *shown, struct err *e)
{
	const struct parties *p = &w->k->registry.parties;
	const struct party_life *l = parties_life(p, span_of(s->issuer));
	struct signing x = { .s = s, .issuer = l ? (size_t)(l - p->life) : PARTIES_MAX };

	if (l && s->kind != ST_PARTY) /* of these it is there already what was wanted of it */
		TRY(add_life(w, x.issuer, true, e));
	if (s->kind == ST_ASSET)
		TRY(co_names(w->k, s, &x.names, e));
	*shown = 0;
	for (unsigned i = 0; sigs.n >= SIG_BYTES; i++, sigs = span_skip(sigs, SIG_BYTES)) {
		bool yes = false;

		TRY(add_signer(w, &x, sigs.p, &yes, e));
		*shown |= (uint32_t)yes << i;
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
	for (size_t i = 0; i < p->founded->n_parties; i++)
		TRY(add_life(w, i, true, e));
	return COFFER_OK;
}

static enum coffer_rc add_asset(struct work *w, const struct statement *s, struct err *e)
{
	struct asset_body b;

	TRY(asset_read(s, &b, e));
	return b.amended ? add_amendments(w, b.amendment, e) : COFFER_OK;
}

static enum coffer_rc follow(struct work *w, struct told_one *one, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(w->k->store, "SELECT sigs, payload FROM statement WHERE seq=?");
	CLEANUP(statement_clear) struct statement s = { 0 };
	bool row = false;

	q_i64(&q, (int64_t)one->seq);
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_BUG, "registry: malformed row");
	TRY(statement_parse(q_col(&q, 1), &s, e));
	TRY(add_signers(w, &s, q_col(&q, 0), &one->sigs, e));
	return s.kind == ST_ASSET ? add_asset(w, &s, e) : COFFER_OK;
}

/* What is added has signers too. */
static enum coffer_rc of_signers(struct keep *k, const struct leaf *release, struct told *t, struct err *e)
{
	CLEANUP(work_clear) struct work w = { .k = k, .release = release, .t = t };

	TRY(find_holders(&w, e));
	for (size_t i = 0; i < t->n; i++)
		TRY(follow(&w, &t->st[i], e));
	return COFFER_OK;
}

static enum coffer_rc of_all(struct keep *k, const struct leaf *release, struct told *t, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(k->store, "SELECT seq FROM " ABOUT_KEYS("s.seq<?1"));

	q_i64(&q, (int64_t)release->index);
	return add_rows(&q, t, e);
}

/* Those before the asset's, so that who decided is seen to have agreed to who came after: the newest, without a gap. */
static enum coffer_rc add_before(struct keep *k, uint64_t seq, struct told *t, struct err *e)
{
	CLEANUP(q_close)
	struct q q = q_open(k->store, "SELECT p.seq, length(p.payload) FROM statement s CROSS JOIN statement p ON p.kind=s.kind AND p.issuer=s.issuer AND p.subject=s.subject"
	    " AND p.serial<s.serial WHERE s.seq=? AND s.kind=? ORDER BY p.serial DESC LIMIT ?");
	int64_t bytes = 0;

	q_i64(&q, (int64_t)seq);
	q_i64(&q, ST_ASSET);
	q_i64(&q, RECEIPT_ASSETS_MAX - 1);
	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		bytes += row ? q_col_i64(&q, 1) : 0;
		if (!row || bytes > TOLD_ASSETS_BYTES)
			return COFFER_OK;
		TRY(told_add(t, (uint64_t)q_col_i64(&q, 0), e));
	}
}

static enum coffer_rc add_assets(struct keep *k, struct told *t, struct err *e)
{
	for (size_t i = 0, n = t->n; i < n; i++)
		TRY(add_before(k, t->st[i].seq, t, e));
	return COFFER_OK;
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = ((const struct told_one *)a)->seq, y = ((const struct told_one *)b)->seq;

	return (x > y) - (x < y);
}

static enum coffer_rc lives(struct keep *k, const struct leaf *release, struct told *t, struct err *e)
{
	return release->rule < 2 ? of_all(k, release, t, e) : of_signers(k, release, t, e);
}

/* Those that decided once and said much of themselves keep nobody from the receipt. */
enum coffer_rc told_lives(struct keep *k, const struct leaf *release, struct told *t, struct err *e)
{
	size_t n = t->n;
	enum coffer_rc rc = add_assets(k, t, e);

	if (rc == COFFER_OK)
		rc = lives(k, release, t, e);
	if (rc == COFFER_E_LIMIT) {
		t->n = n;
		rc = lives(k, release, t, e);
	}
	if (rc == COFFER_OK && t->n > 0)
		qsort(t->st, t->n, sizeof(*t->st), by_seq);
	return rc;
}
