#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/keep.h"

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
	TRY(journal_append(&k->journal, "genesis", wr_span(&data), k->now, e));
	TRY(registry_insert(&k->registry, &s, &c->genesis, k->journal.seq, e));
	return tx_commit(&tx, e);
}

static enum coffer_rc open_store(const char *path, const struct keep_config *c, const struct genesis *g, struct keep *k,
				 struct err *e)
{
	uint8_t mac[32];

	TRY(secret_new(32, &k->rest, e));
	keys_derive(&k->keys, "coffer asset at rest v1", k->rest.p);
	TRY(store_open(path, &k->store, e));
	keys_derive(&k->keys, "coffer journal head v1", mac);
	TRY(journal_open(k->store, mac, &k->journal, e));
	TRY(registry_open(k->store, g, &k->registry, e));
	TRY(sessions_new(c->sessions_max, &k->sessions, e));
	k->now = k->now > k->journal.time ? k->now : k->journal.time;
	return check_genesis(k, c, e);
}

enum coffer_rc keep_open(const char *path, struct keep_keys *keys, const struct keep_config *c, int64_t now, struct keep *out,
			 struct err *e)
{
	CLEANUP(keep_close) struct keep k = { .keys = *keys, .now = now, .eval = -1 };
	CLEANUP(freep) struct genesis *g = calloc(1, sizeof(*g));

	*keys = (struct keep_keys){ 0 };
	if (!g)
		return err_set(e, COFFER_E_SYSTEM, "keep: out of memory");
	memcpy(k.genesis, c->genesis_id, sizeof(k.genesis));
	TRY(chain_genesis(&c->genesis, c->genesis_id, g, e));
	if (!pubkey_eq(&g->ledger_key, privkey_public(k.keys.ledger)))
		return err_deny(e, "genesis", "the genesis names another ledger key than keep.keys holds");
	TRY(open_store(path, c, g, &k, e));
	*out = k;
	out->registry.store = out->store;
	k = (struct keep){ 0 };
	return COFFER_OK;
}

void keep_close(struct keep *k)
{
	registry_clear(&k->registry);
	sessions_free(k->sessions);
	store_close(k->store);
	secret_free(&k->rest);
	keys_clear(&k->keys);
	*k = (struct keep){ 0 };
}
