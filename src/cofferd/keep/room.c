#include "cofferd/keep/room.h"

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/said.h"
#include "trust/ledger/mapkey.h"

/* ---- what was said ---- */

struct words { uint64_t n, bytes; int64_t newest; };

#define COUNTED \
	"SELECT count(*), coalesce(sum(length(s.payload) + length(s.sigs)), 0), coalesce(max(e.time), 0) FROM said a" \
	" JOIN statement s ON s.seq=a.seq JOIN entry e ON e.seq=a.seq WHERE a.key=?1 AND "
#define BY_QUORUM "EXISTS(SELECT 1 FROM recovered r WHERE r.seq=a.seq)"

/* Of those; with `member`, bound second, of one recovery key. */
static enum coffer_rc count(struct keep *k, const char *sql, const struct mhash *key, const uint8_t *member, struct words *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, sql);
	bool row = false;

	q_blob(&q, SPAN(key->b));
	if (member)
		q_blob(&q, (struct span){ member, 32 });
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_BUG, "registry: malformed row");
	*out = (struct words){ (uint64_t)q_col_i64(&q, 0), (uint64_t)q_col_i64(&q, 1), q_col_i64(&q, 2) };
	return COFFER_OK;
}

/* ---- how much there may be ---- */

struct bound { uint64_t n, bytes; const char *what, *still; };

/* What a revocation revokes. of: 0 where it is a key or a thing; from: of a key of images, 0: wholly. */
struct target { enum statement_kind of; bool key; int64_t from; };

static enum coffer_rc target_of(struct keep *k, const struct statement *s, struct target *out, struct err *e)
{
	struct revocation v;
	struct brief b = { 0 };
	bool found = false;

	TRY(revocation_read(s, &v, e));
	*out = (struct target){ 0, v.of_key, v.of_thing ? v.from : 0 };
	if (v.of_key || v.of_thing)
		return COFFER_OK;
	TRY(registry_brief(&k->registry, v.statement, &found, &b, e));
	out->of = found ? b.kind : 0;
	return COFFER_OK;
}

static bool of_itself(const struct statement *s, const struct mhash *key)
{
	static const uint8_t none[32];
	struct mhash self;

	map_said_key(SAID_SELF, span_of(s->issuer), none, &self);
	return mhash_eq(&self, key);
}

/* *has false: it has no number. Of keys that are named compromised there is one elsewhere (party_life.h). */
static enum coffer_rc bound_of(struct keep *k, const struct statement *s, const struct mhash *under, bool *has, struct bound *out, struct err *e)
{
	struct target t = { 0 };

	if (s->kind == ST_REVOCATION)
		TRY(target_of(k, s, &t, e));
	*has = s->kind != ST_REVOCATION || t.of == ST_PAUSE || t.of == ST_REVOCATION /* which it lifts */ || t.from != 0;
	if (of_itself(s, under))
		*out = (struct bound){ ROOM_SELF, ROOM_SELF_BYTES, "of itself", "what names its keys compromised" };
	else if (s->kind == ST_TCB)
		*out = (struct bound){ ROOM_MINIMA, ROOM_BYTES, "of the least it asks of this platform", "revocations and pauses" };
	else if (t.from != 0)
		*out = (struct bound){ ROOM_PAUSES, ROOM_BYTES, "of this one key of images, from one time on and from another", "its revocation wholly, without a time," };
	else
		*out = (struct bound){ ROOM_PAUSES, ROOM_BYTES, "of this one thing, to pause and to resume it", "its revocation" };
	return COFFER_OK;
}

/* The issuer as it is, where its recovery quorum signed. */
static const struct party *by_quorum(const struct keep *k, const struct dsse *env, const struct statement *s)
{
	const struct party_life *l = parties_life(&k->registry.parties, span_of(s->issuer));

	return l && life_quorum(l, env, k->now) ? life_party(l, k->now) : NULL;
}

/* The one at hand included. A newcomer's first has said nothing yet. */
static bool due(const struct keep *k, const struct words *w)
{
	return w->n == 0 || k->now - w->newest >= ROOM_EVERY;
}

static enum coffer_rc fits(const struct keep *k, const struct statement *s, const struct words *w, const struct bound *b, struct err *e)
{
	char when[CLOCK_TEXT_LEN];

	if ((w->n < b->n && w->bytes < b->bytes) || due(k, w))
		return COFFER_OK;
	clock_text(w->newest + ROOM_EVERY, when);
	return err_set(e, COFFER_E_LIMIT, "%s spoke %llu times %s, which others' receipts have to show; the next is taken at %s, by its recovery quorum perhaps sooner, "
	    "and %s at any time", s->issuer, (unsigned long long)w->n, b->what, when, b->still);
}

/* How many of the recovery keys that signed have something left of their part: the room by how many quorums without a common key there can be. So who holds one quorum's
 * keys leaves another its part. */
static enum coffer_rc have_part(struct keep *k, const struct dsse *env, const struct party *p, const struct mhash *key, const struct bound *b, uint64_t *n, struct err *e)
{
	uint64_t parts = p->n_recovery / p->quorum;

	*n = 0;
	for (size_t i = 0; i < p->n_recovery; i++) {
		struct words w = { 0 };
		uint8_t thumb[32];

		if (!dsse_signed_by(env, &p->recovery[i]))
			continue;
		pubkey_thumbprint(&p->recovery[i], thumb);
		TRY(count(k, COUNTED "EXISTS(SELECT 1 FROM recovered r WHERE r.seq=a.seq AND r.member=?2)", key, thumb, &w, e));
		*n += w.n < b->n / parts && w.bytes < b->bytes / parts;
	}
	return COFFER_OK;
}

static enum coffer_rc quorum_fits(struct keep *k, const struct dsse *env, const struct statement *s, const struct party *p, const struct mhash *key, const struct bound *b,
    struct err *e)
{
	struct words w = { 0 };
	char when[CLOCK_TEXT_LEN];
	uint64_t with_part = 0;

	TRY(count(k, COUNTED BY_QUORUM, key, NULL, &w, e));
	TRY(have_part(k, env, p, key, b, &with_part, e));
	if ((with_part >= p->quorum && w.n < b->n && w.bytes < b->bytes) || due(k, &w))
		return COFFER_OK;
	clock_text(w.newest + ROOM_EVERY, when);
	return err_set(e, COFFER_E_LIMIT, "the recovery quorum of %s spoke %llu times %s, which others' receipts have to show, or these keys of it used up their part of that; "
	    "the next is taken at %s, by other keys of it perhaps sooner, and %s at any time", s->issuer, (unsigned long long)w.n, b->what, when, b->still);
}

enum coffer_rc room_for(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	const struct party *recovered = by_quorum(k, env, s);
	struct words w = { 0 };
	struct bound b = { 0 };
	struct mhash key;
	bool has = false;

	if ((s->kind == ST_REVOCATION || s->kind == ST_PAUSE) && env->payload.n > ROOM_BACK_MAX)
		return err_set(e, COFFER_E_LIMIT, "a %s has at most %u bytes", statement_kind_name(s->kind), ROOM_BACK_MAX);
	if (s->kind == ST_PARTY)
		TRY(room_brought(k, env, s, e));
	TRY(said_under(k, s, &has, &key, e));
	if (has)
		TRY(bound_of(k, s, &key, &has, &b, e));
	if (!has)
		return COFFER_OK;
	if (recovered)
		return quorum_fits(k, env, s, recovered, &key, &b, e);
	TRY(count(k, COUNTED "NOT " BY_QUORUM, &key, NULL, &w, e));
	return fits(k, s, &w, &b, e);
}

static enum coffer_rc add_member(struct keep *k, const uint8_t thumb[static 32], struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "INSERT OR IGNORE INTO recovered(seq, member) VALUES(?,?)");

	q_i64(&q, (int64_t)k->journal.seq);
	q_blob(&q, (struct span){ thumb, 32 });
	return q_run(&q, e);
}

enum coffer_rc room_log(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	const struct party *p = by_quorum(k, env, s);
	struct mhash key;
	bool has = false;

	if (p)
		TRY(said_under(k, s, &has, &key, e));
	for (size_t i = 0; has && i < p->n_recovery; i++) {
		uint8_t thumb[32];

		pubkey_thumbprint(&p->recovery[i], thumb);
		if (dsse_signed_by(env, &p->recovery[i]))
			TRY(add_member(k, thumb, e));
	}
	return COFFER_OK;
}

/* ---- said twice ---- */

static enum coffer_rc is_lifted(struct keep *k, const uint8_t id[static 32], const char *issuer, bool *yes, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT 1 FROM revoked WHERE target=? AND issuer=?");

	q_blob(&q, (struct span){ id, 32 });
	q_text(&q, span_of(issuer));
	return q_row(&q, yes, e);
}

/* What a pause before this one says of when: a shorter one ends it. */
static enum coffer_rc lasts(struct keep *k, const struct statement *s, bool *yes, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT issued, expires FROM statement WHERE id=?");
	bool row = false;

	q_blob(&q, SPAN(s->previous));
	TRY(q_row(&q, &row, e));
	*yes = row && q_col_i64(&q, 0) <= s->issued && q_col_i64(&q, 1) == s->expires;
	return COFFER_OK;
}

/* Whether the revocation before this one reaches as far back: of a key of images, from an earlier time on. */
static enum coffer_rc reaches(struct keep *k, const struct statement *s, int64_t from, bool *yes, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement was = { 0 };
	struct revocation v;

	TRY(registry_envelope(&k->registry, s->previous, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &was, e));
	TRY(revocation_read(&was, &v, e));
	*yes = v.from <= from;
	return COFFER_OK;
}

enum coffer_rc room_stands(struct keep *k, const struct statement *s, bool *stands, struct logged *was, struct err *e)
{
	struct brief b = { 0 };
	struct target t = { 0 };
	bool ended = true, dead = true;

	*stands = false;
	if (s->serial == 1 || (s->kind != ST_REVOCATION && s->kind != ST_PAUSE))
		return COFFER_OK;
	TRY(target_of(k, s, &t, e));
	if (t.key) /* from another time on */
		return COFFER_OK;
	TRY(registry_brief(&k->registry, s->previous, stands, &b, e));
	TRY(is_lifted(k, s->previous, s->issuer, &ended, e));
	TRY(registry_by_dead(&k->registry, &(struct voided_question){ s->previous, b.issuer, b.kind, b.logged }, &dead, e));
	if (*stands && s->kind == ST_PAUSE)
		TRY(lasts(k, s, stands, e));
	else if (*stands)
		TRY(reaches(k, s, t.from, stands, e));
	*stands = *stands && !ended && !dead;
	return *stands ? registry_find(&k->registry, s->previous, stands, was, e) : COFFER_OK;
}
