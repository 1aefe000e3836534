#include "base/clock.h"
#include "base/str.h"
#include "cofferd/keep/room.h"

static const struct party_life *founder_of(const struct parties *p, const struct party_life *l)
{
	while (l && l->by[0])
		l = parties_life(p, span_of(l->by));
	return l;
}

/* Their party statements. */
static uint64_t said_by_brought(const struct parties *p, const char *founder)
{
	bool in[PARTIES_MAX];
	uint64_t n = 0;

	(void)parties_brought(p, founder, in);
	for (size_t i = 0; i < p->n; i++)
		n += in[i] ? p->life[i].serial : 0;
	return n;
}

/* A newcomer's first has its place (parties_share), and a founder its own number alone. */
enum coffer_rc room_brought(const struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	const struct parties *p = &k->registry.parties;
	const struct party_life *l = parties_life(p, span_of(s->issuer)), *founder = founder_of(p, l);
	bool quorum = l && life_quorum(l, env, k->now);
	char when[CLOCK_TEXT_LEN];
	int64_t last;
	uint64_t n;

	if (!l || !founder || l == founder)
		return COFFER_OK;
	n = quorum ? l->by_quorum : l->serial - l->by_quorum;
	last = quorum ? l->said_by_quorum : l->said;
	if (n < (quorum ? ROOM_BROUGHT_QUORUM : ROOM_BROUGHT_SELF) || k->now - last >= ROOM_BROUGHT_EVERY || said_by_brought(p, founder->body.id) < ROOM_BROUGHT)
		return COFFER_OK;
	clock_text(last + ROOM_BROUGHT_EVERY, when);
	return err_set(e, COFFER_E_LIMIT, "those that %s brought here made %d party statements and more, which others' receipts may have to show; %s made %llu%s, and its next is taken at %s, %s, and "
	    "what names its keys compromised at any time", founder->body.id, ROOM_BROUGHT, s->issuer, (unsigned long long)n, quorum ? " by its recovery quorum" : "", when,
	    quorum ? "or by its key" : "by its recovery quorum perhaps sooner");
}
