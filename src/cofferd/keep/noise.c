#include "cofferd/keep/noise.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "fmt/json.h"

static enum coffer_rc summary(struct keep *k, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(256);
	CLEANUP(tx_end) struct tx tx = { 0 };
	struct json_wr j = jw_open(&w, false);

	jw_obj(&j);
	jw_m_u64(&j, "unwritten", k->noise.unwritten);
	jw_obj_end(&j);
	TRY(wr_done(&w, "journal entry", e));
	TRY(tx_begin(&k->journal, &tx, e));
	TRY(journal_append(&k->journal, "denial", wr_span(&w), k->now, e));
	return tx_commit(&tx, e);
}

void noise_count(struct keep *k)
{
	struct err e = { 0 };

	k->noise.unwritten++;
	if (k->now - k->noise.summary < 60 || summary(k, &e) != COFFER_OK)
		return;
	k->noise.summary = k->now;
	k->noise.unwritten = 0;
}

bool noise_may_write(struct keep *k)
{
	if (k->noise.minute < k->now / 60) { /* what waited may run as of the minute before */
		k->noise.minute = k->now / 60;
		k->noise.denials = 0;
	}
	return k->noise.denials++ < KEEP_DENIALS_PER_MINUTE;
}

bool noise_may_refuse(struct keep *k, const char *party)
{
	const struct party_life *l = parties_life(&k->registry.parties, span_of(party));

	if (k->noise.refusals_minute < k->now / 60) {
		k->noise.refusals_minute = k->now / 60;
		memset(k->noise.refusals, 0, sizeof(k->noise.refusals));
	}
	return l && k->noise.refusals[l - k->registry.parties.life]++ < KEEP_REFUSALS_PER_MINUTE;
}

bool noise_may_log(struct keep *k, const char *party)
{
	const struct party_life *l = parties_life(&k->registry.parties, span_of(party));

	if (k->noise.hour < k->now / 3600) {
		k->noise.hour = k->now / 3600;
		memset(k->noise.statements, 0, sizeof(k->noise.statements));
	}
	return l && k->noise.statements[l - k->registry.parties.life]++ < KEEP_STATEMENTS_PER_HOUR;
}

bool noise_may_hold_back(struct keep *k, const char *party, bool quorum, int64_t *wait)
{
	const struct party_life *l = parties_life(&k->registry.parties, span_of(party));
	const int64_t now = k->now * 1000, ahead = (int64_t)KEEP_BACK_AT_ONCE * KEEP_BACK_MS;
	int64_t *until;

	*wait = 0;
	if (!l)
		return false;
	until = &k->noise.back[quorum][l - k->registry.parties.life];
	if (*until < now)
		*until = now;
	*wait = (*until + KEEP_BACK_MS - now - ahead + 999) / 1000;
	if (*wait > 0)
		return false;
	*until += KEEP_BACK_MS;
	return true;
}
