#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/keep.h"
#include "decide/roots.h"
#include "cofferd/keep/status.h"
#include "cofferd/keep/witnessed.h"
#include "trust/ledger/leaf.h"

/* The genesis is entry 0: a store that was made for another is not ours. */
static enum coffer_rc check_genesis(struct keep *k, const struct keep_config *c, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(wr_close) struct wr data = wr_open(4096);
	CLEANUP(tx_end) struct tx tx = { 0 };
	struct logged l;
	bool found = false;

	TRY(registry_find(&k->registry, c->genesis_id, &found, &l, e));
	if (found && l.seq == 0)
		return COFFER_OK;
	if (found || k->journal.any)
		return err_deny(e, "genesis", "the store belongs to another genesis");
	TRY(statement_parse(wr_span(&c->genesis.payload), &s, e));
	registry_entry(s.id, s.kind, s.issuer, &data);
	TRY(wr_done(&data, "journal entry", e));
	TRY(tx_begin(&k->journal, &tx, e));
	TRY(status_log(k, &s, e));
	TRY(journal_append(&k->journal, "genesis", wr_span(&data), k->now, e));
	TRY(registry_insert(&k->registry, &s, &c->genesis, k->journal.seq, e));
	return tx_commit(&tx, e);
}

static enum coffer_rc open_journal(const char *dir, struct keep *k, struct err *e)
{
	CLEANUP(freep) char *db = str_fmt("%s/keep.db", dir ? dir : ""), *mark = str_fmt("%s/keep.mark", dir ? dir : "");
	uint8_t mac[32];

	if (!db || !mark)
		return err_set(e, COFFER_E_SYSTEM, "keep: out of memory");
	keys_derive(&k->keys, KEYS_USE_JOURNAL, mac);
	if (!dir) {
		TRY(store_make(STORE_MEMORY, &k->store, e));
		return journal_open(k->store, mac, &k->journal, e);
	}
	TRY(keep_look(dir, e));
	TRY(store_open(db, &k->store, e));
	TRY(journal_open(k->store, mac, &k->journal, e));
	TRY(mark_open(mark, mac, &k->mark, e));
	if (journal_entries(&k->journal) < mark_entries(k->mark))
		return err_deny(e, "R12", "%s has %llu entries, this service wrote %llu: it is an old copy, without the newest "
				"revocations. Its operator restores the newest copy, or runs 'cofferd accept-loss'",
				db, (unsigned long long)journal_entries(&k->journal), (unsigned long long)mark_entries(k->mark));
	k->journal.mark = k->mark;
	return COFFER_OK;
}

/* A store of before: from the entry that says so on its map holds what each party said (leaf.h). */
static enum coffer_rc begin_rule(struct keep *k, struct err *e)
{
	CLEANUP(wr_close) struct wr data = wr_open(64);
	CLEANUP(tx_end) struct tx tx = { 0 };

	if (k->journal.tree.rule == LEAF_RULE)
		return COFFER_OK;
	wr_fmt(&data, "{\"rule\":%d}", LEAF_RULE);
	TRY(wr_done(&data, "journal entry", e));
	TRY(tx_begin(&k->journal, &tx, e));
	TRY(status_adopt(k, e));
	TRY(journal_append(&k->journal, "map-rule", wr_span(&data), k->now, e));
	TRY(tx_commit(&tx, e));
	return status_check(k, e);
}

static enum coffer_rc open_store(const char *dir, const struct keep_config *c, const struct genesis *g, struct keep *k,
				 struct err *e)
{
	TRY(secret_new(32, &k->rest, e));
	keys_derive(&k->keys, "coffer asset at rest v1", k->rest.p);
	TRY(open_journal(dir, k, e));
	TRY(registry_open(k->store, g, &k->registry, e));
	TRY(status_check(k, e));
	k->sessions_max = c->sessions_max;
	TRY(sessions_new(k->sessions_max, &k->sessions, e));
	k->now = k->now > k->journal.time ? k->now : k->journal.time;
	TRY(check_genesis(k, c, e));
	return begin_rule(k, e);
}

enum coffer_rc keep_open(const char *dir, struct keep_keys *keys, const struct keep_config *c, int64_t now, struct keep *out,
			 struct err *e)
{
	CLEANUP(keep_close) struct keep k = { .keys = *keys, .now = now, .eval = -1 };
	CLEANUP(freep) struct genesis *g = calloc(1, sizeof(*g));

	*keys = (struct keep_keys){ 0 };
	if (!g)
		return err_set(e, COFFER_E_SYSTEM, "keep: out of memory");
	memcpy(k.genesis, c->genesis_id, sizeof(k.genesis));
	if (c->id.n > 0 && c->id.n < sizeof(k.id))
		memcpy(k.id, c->id.p, c->id.n);
	memcpy(k.tls, c->tls, sizeof(k.tls));
	k.kept = (struct kept_limits){ c->kept_all ? c->kept_all : KEPT_ALL, c->kept_owner ? c->kept_owner : KEPT_OWNER };
	TRY(chain_genesis(&c->genesis, c->genesis_id, g, e));
	if (!pubkey_eq(&g->ledger_key, privkey_public(k.keys.ledger)))
		return err_deny(e, "genesis", "the genesis names another ledger key than keep.keys holds");
	TRY(vendor_roots_open(g, &k.roots, e));
	TRY(open_store(dir, c, g, &k, e));
	TRY(witnessed_new(&k.registry.parties, &k.witnessed, e));
	TRY(witnessed_restore(&k, e));
	*out = k;
	out->registry.store = out->store;
	k = (struct keep){ 0 };
	return COFFER_OK;
}

enum coffer_rc keep_forget(struct keep *k, struct err *e)
{
	struct registry r;

	TRY(registry_open(k->store, k->registry.genesis, &r, e));
	registry_clear(&k->registry);
	k->registry = r;
	sessions_free(k->sessions);
	k->sessions = NULL;
	TRY(sessions_new(k->sessions_max, &k->sessions, e));
	TRY(witnessed_amended(k, e));
	return witnessed_restore(k, e);
}

void keep_close(struct keep *k)
{
	registry_clear(&k->registry);
	sessions_free(k->sessions);
	witnessed_free(k->witnessed);
	vendor_roots_close(k->roots);
	store_close(k->store);
	mark_close(k->mark);
	secret_free(&k->rest);
	keys_clear(&k->keys);
	*k = (struct keep){ 0 };
}
