#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/room.h"
#include "fmt/json.h"

static const struct party_life *founder_of(const struct parties *p, const struct party_life *l)
{
	while (l && l->by[0])
		l = parties_life(p, span_of(l->by));
	return l;
}

/* Of those that it brought: what they said of themselves without their recovery quorums; and a JSON list of them, for what these said. */
static uint64_t said_by_brought(const struct parties *p, const char *founder, struct wr *names)
{
	struct json_wr j = jw_open(names, false);
	bool in[PARTIES_MAX];
	uint64_t n = 0;

	(void)parties_brought(p, founder, in);
	jw_arr(&j);
	for (size_t i = 0; i < p->n; i++) {
		if (!in[i])
			continue;
		n += p->life[i].serial - p->life[i].by_quorum;
		jw_text(&j, p->life[i].body.id);
	}
	jw_arr_end(&j);
	return n;
}

/* ---- by a recovery quorum ---- */

#define BY_QUORUM "s.kind=2 AND EXISTS(SELECT 1 FROM recovered r WHERE r.seq=s.seq"

/* *full: their quorums used up the number that they have together, with the entry *at. */
static enum coffer_rc quorums_full(struct keep *k, struct span names, bool *full, int64_t *at, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    "SELECT s.seq FROM json_each(?) j CROSS JOIN statement s INDEXED BY statement_issuer WHERE s.issuer=j.value AND " BY_QUORUM ") ORDER BY s.seq LIMIT 1 OFFSET ?");

	_Static_assert(ST_PARTY == 2, "in BY_QUORUM");
	q_text(&q, names);
	q_i64(&q, ROOM_BROUGHT - 1);
	TRY(q_row(&q, full, e));
	*at = *full ? q_col_i64(&q, 0) : 0;
	return COFFER_OK;
}

/* What one party's quorum said since; with `member`, that recovery key of it. */
struct since { const char *party; int64_t at; const uint8_t *member; };

static enum coffer_rc said_since(struct keep *k, const struct since *w, uint64_t *n, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    w->member ? "SELECT count(*) FROM statement s WHERE s.issuer=? AND s.seq>? AND " BY_QUORUM " AND r.member=?)"
		      : "SELECT count(*) FROM statement s WHERE s.issuer=? AND s.seq>? AND " BY_QUORUM ")");
	bool row = false;

	q_text(&q, span_of(w->party));
	q_i64(&q, w->at);
	if (w->member)
		q_blob(&q, (struct span){ w->member, 32 });
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_BUG, "registry: malformed row");
	*n = (uint64_t)q_col_i64(&q, 0);
	return COFFER_OK;
}

/* Of the few that it has then each recovery key has its part, by how many quorums without a common key there can be, and one in any case: who holds one quorum's keys leaves
 * another's theirs. *left: as many of those that signed as it takes have something of it. */
static enum coffer_rc few_left(struct keep *k, const struct dsse *env, const struct party *p, int64_t at, bool *left, struct err *e)
{
	const uint64_t even = ROOM_BROUGHT_QUORUM / (p->n_recovery / p->quorum), part = even > 0 ? even : 1;
	uint64_t all = 0, with_part = 0;

	TRY(said_since(k, &(struct since){ p->id, at, NULL }, &all, e));
	for (size_t i = 0; i < p->n_recovery; i++) {
		uint8_t thumb[32];
		uint64_t n = 0;

		if (!dsse_signed_by(env, &p->recovery[i]))
			continue;
		pubkey_thumbprint(&p->recovery[i], thumb);
		TRY(said_since(k, &(struct since){ p->id, at, thumb }, &n, e));
		with_part += n < part;
	}
	*left = all < ROOM_BROUGHT_QUORUM && with_part >= p->quorum;
	return COFFER_OK;
}

static enum coffer_rc quorum_has_room(struct keep *k, const struct dsse *env, const struct party_life *l, struct span names, bool *yes, struct err *e)
{
	bool full = false;
	int64_t at = 0;

	TRY(quorums_full(k, names, &full, &at, e));
	*yes = !full || k->now - l->said_by_quorum >= ROOM_BROUGHT_EVERY;
	return *yes ? COFFER_OK : few_left(k, env, life_party(l, k->now), at, yes, e);
}

/* ---- either ---- */

static enum coffer_rc refuse(const struct party_life *founder, const struct party_life *l, bool quorum, struct err *e)
{
	char when[CLOCK_TEXT_LEN];

	clock_text((quorum ? l->said_by_quorum : l->said) + ROOM_BROUGHT_EVERY, when);
	return err_set(e, COFFER_E_LIMIT, "those that %s brought here made %d party statements and more%s, which others' receipts may have to show; %s made %llu%s, and its next is taken "
	    "at %s, %s, and what names its keys compromised at any time", founder->body.id, ROOM_BROUGHT, quorum ? " by their recovery quorums" : "", l->body.id,
	    (unsigned long long)(quorum ? l->by_quorum : l->serial - l->by_quorum), quorum ? " so" : "", when,
	    quorum ? "by its key or other keys of its quorum perhaps sooner" : "by its recovery quorum perhaps sooner");
}

/* A newcomer's first has its place (parties_share), and a founder its own number alone. */
enum coffer_rc room_brought(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	const struct parties *p = &k->registry.parties;
	const struct party_life *l = parties_life(p, span_of(s->issuer)), *founder = founder_of(p, l);
	CLEANUP(wr_close) struct wr names = wr_open((size_t)PARTIES_MAX * (PARTY_MAX + 3) + 2);
	bool quorum = l && life_quorum(l, env, k->now), yes;
	uint64_t said;

	if (!l || !founder || l == founder)
		return COFFER_OK;
	said = said_by_brought(p, founder->body.id, &names);
	TRY(wr_done(&names, "parties", e));
	yes = said < ROOM_BROUGHT || l->serial - l->by_quorum < ROOM_BROUGHT_SELF || k->now - l->said >= ROOM_BROUGHT_EVERY;
	if (quorum)
		TRY(quorum_has_room(k, env, l, wr_span(&names), &yes, e));
	return yes ? COFFER_OK : refuse(founder, l, quorum, e);
}
