#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/keep.h"
#include "decide/roots.h"
#include "cofferd/keep/status.h"
#include "cofferd/keep/tags.h"
#include "cofferd/keep/witnessed.h"
#include "trust/ledger/leaf.h"
#include "fmt/enc.h"

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

/* A store of before: from the entry that says so on its leaves are by the newest rule (leaf.h). */
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

/* The genesis as founded, or as one amendment left it, names it as it is here, or says nothing of it. */
static bool accepted(const struct parties *p, const struct shipped *here, size_t i)
{
	bool yes = shipped_same(&p->founded->policies, here, i);

	for (size_t n = 0; n < p->n_amended; n++)
		yes = yes || shipped_same(&p->amended[n].g.policies, here, i);
	return yes;
}

/* A policy that no asset could go by: nothing could be released, so nothing is begun. Which one an asset goes by R10 asks. */
static enum coffer_rc check_shipped(const struct keep *k, struct err *e)
{
	const struct parties *p = &k->registry.parties;
	char named[HEX32_LEN], here[HEX32_LEN];

	for (size_t i = 0; i < SHIPPED_N; i++) {
		if (accepted(p, k->shipped, i))
			continue;
		hex32(parties_genesis(p)->policies.sha256[i], named);
		hex32(k->shipped->sha256[i], here);
		return err_deny(e, "policies", "the policy \"%s\" that ships with this version has SHA-256 %s, the genesis names %s, and no amendment this one. Its operator runs a version "
		    "that ships the one named; or, under such a version, the founders name the new one: 'coffer genesis amend --policies %s=%s'", shipped_name(i), here, named,
		    shipped_name(i), here);
	}
	return COFFER_OK;
}

static enum coffer_rc open_store(const char *dir, const struct keep_config *c, const struct genesis *g, struct keep *k,
				 struct err *e)
{
	TRY(keys_rest(&k->keys, &k->rest, e));
	TRY(open_journal(dir, k, e));
	TRY(registry_open(k->store, g, &k->registry, e));
	TRY(check_shipped(k, e)); /* before anything is written */
	TRY(status_check(k, e));
	k->sessions_max = c->sessions_max;
	TRY(sessions_new(k->sessions_max, &k->sessions, e));
	k->now = k->now > k->journal.time ? k->now : k->journal.time;
	TRY(check_genesis(k, c, e));
	return begin_rule(k, e);
}

enum coffer_rc keep_roots(struct keep *k, struct err *e)
{
	CLEANUP(freep) struct genesis *g = calloc(1, sizeof(*g));
	struct vendor_roots *r = NULL;

	if (!g)
		return err_set(e, COFFER_E_SYSTEM, "keep: out of memory");
	TRY(parties_roots(&k->registry.parties, g, e));
	TRY(vendor_roots_open(g, &r, e));
	vendor_roots_close(k->roots);
	k->roots = r;
	return COFFER_OK;
}

enum coffer_rc keep_open(const char *dir, struct keep_keys *keys, const struct keep_config *c, int64_t now, struct keep *out,
			 struct err *e)
{
	CLEANUP(keep_close) struct keep k = { .keys = *keys, .now = now, .eval = -1, .shipped = &shipped_here };
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
	TRY(open_store(dir, c, g, &k, e));
	TRY(keep_roots(&k, e));
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
	TRY(keep_roots(k, e));
	return witnessed_amended(k, e);
}

void keep_close(struct keep *k)
{
	registry_clear(&k->registry);
	tags_clear(k);
	sessions_free(k->sessions);
	witnessed_free(k->witnessed);
	vendor_roots_close(k->roots);
	store_close(k->store);
	mark_close(k->mark);
	secret_free(&k->rest);
	keys_clear(&k->keys);
	*k = (struct keep){ 0 };
}
