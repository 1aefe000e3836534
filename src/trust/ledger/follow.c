#include "trust/ledger/follow.h"

enum coffer_rc follow_add(struct ledger_follow *l, struct span entry, struct err *e)
{
	struct mhash leaf, done[MERKLE_LEVELS];
	struct leaf got;

	if (!leaf_read(entry, &got) || got.index != l->f.size || got.time < l->last.time || got.rule < l->last.rule)
		return err_deny(e, "ledger-entry",
		    "entry %llu is no leaf, is at another place, or is older than the one before it, in time or form",
		    (unsigned long long)l->f.size);
	if (!mhash_eq(&got.map_before, &l->last.map))
		return err_deny(e, "ledger-map",
		    "entry %llu does not continue the map of the entry before it: what is in force was changed without "
		    "an entry",
		    (unsigned long long)l->f.size);
	merkle_leaf(entry, &leaf);
	if (merkle_append(&l->f, &leaf, done) == 0)
		return err_set(e, COFFER_E_LIMIT, "the ledger is full");
	l->last = got;
	return COFFER_OK;
}

enum coffer_rc follow_head(const struct merkle_source *s, const struct seen_head *old, const struct merkle_head *now, struct err *e)
{
	unsigned long long was = old->head.size, is = now->size;
	struct merkle_proof p = { 0 };

	if (is < was)
		return err_deny(e, "ledger-rollback", "the ledger has %llu entries, %s %llu: the service was put back to an older state, or hides "
		    "what came since", is, old->what, was);
	if (was > 0 && was < is)
		TRY(merkle_prove_consistent(s, was, is, &p, e));
	if (!merkle_consistent(&old->head, now, &p))
		return err_deny(e, "ledger-fork", "the ledger of %llu entries does not continue the one of %llu that %s: two histories, both signed "
		    "by the service", is, was, old->what);
	return COFFER_OK;
}
