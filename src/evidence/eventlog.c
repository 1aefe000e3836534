#include "evidence/eventlog.h"

#include <string.h>

#include "base/str.h"

#define EV_NO_ACTION 3
#define SPEC_ID "Spec ID Event03"
#define LOCALITY "StartupLocality"

static enum coffer_rc malformed(const struct eventlog *l, struct err *e)
{
	return err_set(e, COFFER_E_INPUT, "event log: malformed near byte %zu", l->r.off);
}

/* TCG_EfiSpecIdEvent: which banks, and how long their digests are. */
static bool read_spec_id(struct span data, struct eventlog *l)
{
	struct rd r = rd_open(data);
	struct span sig = rd_span(&r, 16);
	size_t n;

	if (sig.n != 16 || memcmp(sig.p, SPEC_ID, 16) != 0) /* public: a format's signature */
		return false;
	(void)rd_span(&r, 8); /* platform class, versions, errata, uintn size */
	n = rd_count(&r, rd_le32(&r), 4, EVENTLOG_ALGS_MAX);
	for (size_t i = 0; i < n; i++) {
		enum hash_alg h;

		l->alg[i].alg = rd_le16(&r);
		l->alg[i].len = rd_le16(&r);
		if (l->alg[i].len == 0 || l->alg[i].len > HASH_MAX ||
		    (tpm_hash(l->alg[i].alg, &h) && l->alg[i].len != hash_len(h)))
			return false;
	}
	(void)rd_span(&r, rd_u8(&r)); /* vendor's own */
	l->n_algs = n;
	return rd_done(&r) && n > 0;
}

enum coffer_rc eventlog_open(struct span log, struct eventlog *out, struct err *e)
{
	struct eventlog l = { .r = rd_open(log) };

	if (log.n > EVENTLOG_MAX)
		return err_set(e, COFFER_E_LIMIT, "event log: more than %u bytes", EVENTLOG_MAX);
	l.head.reg = rd_le32(&l.r);
	l.head.type = rd_le32(&l.r);
	(void)rd_span(&l.r, 20); /* an old SHA-1, not extended */
	l.head.data = rd_span(&l.r, rd_le32(&l.r));
	if (!rd_ok(&l.r) || l.head.type != EV_NO_ACTION || !read_spec_id(l.head.data, &l))
		return malformed(&l, e);
	l.seen = 1;
	*out = l;
	return COFFER_OK;
}

static bool all(struct rd r, uint8_t v)
{
	for (size_t i = 0; i < r.n; i++)
		if (r.p[i] != v)
			return false;
	return true;
}

static size_t digest_len(const struct eventlog *l, uint16_t alg)
{
	for (size_t i = 0; i < l->n_algs; i++)
		if (l->alg[i].alg == alg)
			return l->alg[i].len;
	return 0;
}

static void read_digests(struct eventlog *l, struct event *v)
{
	size_t n = rd_count(&l->r, rd_le32(&l->r), 2, EVENTLOG_ALGS_MAX);

	for (size_t i = 0; i < n; i++) {
		uint16_t alg = rd_le16(&l->r);
		size_t len = digest_len(l, alg);

		if (len == 0)
			l->r.bad = true;
		v->d[i].alg = alg;
		v->d[i].digest = rd_span(&l->r, len);
	}
	v->n_digests = n;
}

enum coffer_rc eventlog_next(struct eventlog *l, struct event *out, bool *more, struct err *e)
{
	struct event v = { .at = l->r.off };

	*more = false;
	if (l->r.n == 0 || all(l->r, 0xff) || all(l->r, 0))
		return COFFER_OK;
	if (l->seen == EVENTLOG_EVENTS_MAX)
		return err_set(e, COFFER_E_LIMIT, "event log: more than %d events", EVENTLOG_EVENTS_MAX);
	v.reg = rd_le32(&l->r);
	v.type = rd_le32(&l->r);
	read_digests(l, &v);
	v.data = rd_span(&l->r, rd_le32(&l->r));
	if (!rd_ok(&l->r))
		return malformed(l, e);
	l->seen++;
	*out = v;
	*more = true;
	return COFFER_OK;
}

/* ---- replay ---- */

/* The TPM's locality at startup is in PCR 0's first value. */
static void start_locality(const struct event *v, struct eventlog_replay *p)
{
	if (v->reg == 0 && v->data.n == sizeof(LOCALITY) + 1 && memcmp(v->data.p, LOCALITY, sizeof(LOCALITY)) == 0 && /* public */
	    !(p->extended & 1))
		p->reg[0][hash_len(p->hash) - 1] = v->data.p[sizeof(LOCALITY)];
}

static bool extend(struct eventlog_replay *p, const struct event *v, uint16_t alg)
{
	size_t n = hash_len(p->hash);
	uint8_t both[2 * HASH_MAX];

	if (v->reg >= EVENTLOG_REGS)
		return false;
	for (size_t i = 0; i < v->n_digests; i++) {
		if (v->d[i].alg != alg)
			continue;
		memcpy(both, p->reg[v->reg], n);
		memcpy(both + n, v->d[i].digest.p, n);
		hash_once(p->hash, (struct span){ both, 2 * n }, p->reg[v->reg]);
		p->extended |= 1u << v->reg;
		return true;
	}
	return false;
}

enum coffer_rc eventlog_replay(struct span log, uint16_t alg, struct eventlog_replay *out, struct err *e)
{
	struct eventlog_replay p = { 0 };
	struct eventlog l;

	TRY(eventlog_open(log, &l, e));
	if (!tpm_hash(alg, &p.hash) || digest_len(&l, alg) != hash_len(p.hash))
		return err_set(e, COFFER_E_INPUT, "event log: it has no bank of that algorithm");
	for (;;) {
		struct event v;
		bool more;

		TRY(eventlog_next(&l, &v, &more, e));
		if (!more)
			break;
		if (v.type == EV_NO_ACTION)
			start_locality(&v, &p);
		else if (!extend(&p, &v, alg))
			return err_set(e, COFFER_E_INPUT,
			    "event log: the event at byte %zu has no digest for the bank, or no register", v.at);
	}
	p.events = l.seen;
	*out = p;
	return COFFER_OK;
}
