/* What evidence may take of the disk: the bound refuses by name and leaves nothing, it is charged to whose releases made it necessary,
 * and only what an asset's owner has fetched is ever pruned, never in silence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/prune.h"
#include "fmt/enc.h"
#include "tests/keepkit.h"
#include "tests/receiptkit.h"
#include "tests/t.h"

struct world {
	struct kit k;
	char       dir[64];
};

static void world_free(struct world *w)
{
	CLEANUP(freep) char *cmd = str_fmt("rm -rf %s", w->dir);

	if (w->k.keep.store)
		close(w->k.keep.eval);
	w->k.keep.eval = -1;
	kit_free(&w->k);
	CHECK(cmd && system(cmd) == 0);
}

static void reopen(struct world *w)
{
	struct keep_config c = { .id = { (const uint8_t *)"trust", 5 }, .genesis = w->k.genesis };
	struct keep_keys again = { 0 };
	struct err e = { 0 };

	memcpy(c.genesis_id, w->k.genesis_id, 32);
	CHECK(keys_load(w->dir, &again, &e) == COFFER_OK);
	CHECK(keep_open(w->dir, &again, &c, w->k.now, &w->k.keep, &e) == COFFER_OK);
	w->k.keep.eval = kit_eval();
}

static void shut(struct world *w)
{
	close(w->k.keep.eval);
	keep_close(&w->k.keep);
}

static void world_open(struct world *w)
{
	struct keep_keys keys = { 0 };
	struct err e = { 0 };

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/coffer-test-kept.XXXXXX");
	CHECK(mkdtemp(w->dir) != NULL && keys_new(&keys, &e) == COFFER_OK && keep_found(&keys, w->dir, &e) == COFFER_OK);
	kit_new(&w->k, &keys);
	keys_clear(&keys);
	w->k.fd = -1;
	reopen(w);
	w->k.policy = KIT_POLICY;
	w->k.hw.file = span_of("{\"of\":\"a vendor\"}");
	kit_deploy(&w->k);
}

static enum coffer_rc attested_get(struct kit *k)
{
	CHECK(kit_begin(k) == COFFER_OK && kit_attest(k, (struct kit_evidence){ 0 }) == COFFER_OK);
	return kit_get(k, (struct kit_get){ 0 });
}

static uint64_t number(struct store *s, const char *sql)
{
	CLEANUP(q_close) struct q q = q_open(s, sql);
	struct err e = { 0 };
	bool row = false;

	CHECK(q_row(&q, &row, &e) == COFFER_OK && row);
	return (uint64_t)q_col_i64(&q, 0);
}

#define KEPT_NOW(k) number((k)->keep.store, "SELECT COALESCE(SUM(bytes),0) FROM kept_by")
#define SHOWN_NOW(k) number((k)->keep.store, "SELECT count(*) FROM shown")

static void bound_is_reached_refused_by_name_and_nothing_stays(void)
{
	CLEANUP(world_free) struct world w;
	uint64_t one, file, entries;

	world_open(&w);
	CHECK(w.k.keep.kept.all == KEPT_ALL && w.k.keep.kept.owner == KEPT_OWNER);
	CHECK(attested_get(&w.k) == COFFER_OK);
	one = KEPT_NOW(&w.k);
	file = w.k.hw.file.n;
	CHECK(one > file && number(w.k.keep.store, "SELECT bytes FROM kept_by WHERE owner='hospital'") == one);
	CHECK(one == number(w.k.keep.store, "SELECT (SELECT SUM(length(document)) FROM shown)+(SELECT SUM(length(bytes)) FROM shown_bytes)"));
	CHECK(kit_get(&w.k, (struct kit_get){ 0 }) == COFFER_OK && KEPT_NOW(&w.k) == one); /* of the same session */
	w.k.keep.kept.owner = 2 * one; /* its file is there already: room for one more session, not for two */
	CHECK(attested_get(&w.k) == COFFER_OK && KEPT_NOW(&w.k) == 2 * one - file && number(w.k.keep.store, "SELECT count(*) FROM shown_bytes") == 1);
	entries = journal_entries(&w.k.keep.journal);
	CHECK(attested_get(&w.k) == COFFER_E_DENIED && strcmp(w.k.no.check, "R12") == 0);
	CHECK(strstr(w.k.no.reason, "unavailable") && strstr(w.k.no.reason, "kept of one owner") && strstr(w.k.no.reason, "prune-evidence"));
	CHECK(KEPT_NOW(&w.k) == 2 * one - file && SHOWN_NOW(&w.k) == 2 && journal_entries(&w.k.keep.journal) == entries);
	w.k.keep.kept = (struct kept_limits){ 2 * one, KEPT_OWNER };
	CHECK(kit_get(&w.k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strstr(w.k.no.reason, "this service keeps"));
	w.k.keep.kept.all = KEPT_ALL;
	CHECK(kit_get(&w.k, (struct kit_get){ 0 }) == COFFER_OK && SHOWN_NOW(&w.k) == 3); /* no evidence was lost by the refusals */
}

/* The whole-store bound is not one owner's: another is served where one is full, and nobody pays for another. */
static void owners_are_charged_apart(void)
{
	CLEANUP(store_closep) struct store *s = NULL;
	const struct kept_limits l = { 300, 200 };
	const uint8_t a[32] = { 1 }, b[32] = { 2 }, c[32] = { 3 };
	struct err e = { 0 };

	CHECK(store_make(STORE_MEMORY, &s, &e) == COFFER_OK);
	CHECK(kept_charge(s, "lab", &(struct kept_item){ a, false, 200 }, &e) == COFFER_OK && kept_fits(s, &l, "lab", &e) == COFFER_OK);
	CHECK(kept_charge(s, "lab", &(struct kept_item){ a, true, 1 }, &e) == COFFER_OK && kept_fits(s, &l, "lab", &e) == COFFER_E_DENIED);
	CHECK(kept_charge(s, "bank", &(struct kept_item){ b, false, 99 }, &e) == COFFER_OK && kept_fits(s, &l, "bank", &e) == COFFER_OK);
	CHECK(kept_charge(s, "bank", &(struct kept_item){ c, false, 1 }, &e) == COFFER_OK && kept_fits(s, &l, "bank", &e) == COFFER_E_DENIED);
}

static void refused_requests_leave_no_evidence(void)
{
	CLEANUP(world_free) struct world w;

	world_open(&w);
	CHECK(kit_revoke(&w.k, KIT_HOSPITAL, w.k.approval_id) == COFFER_OK);
	CHECK(attested_get(&w.k) != COFFER_OK);
	CHECK(SHOWN_NOW(&w.k) == 0 && KEPT_NOW(&w.k) == 0);
}

/* Only what the owner said it has, and that long ago; a receipt that the provider has is no word of the owner's. */
static void only_fetched_evidence_is_pruned_and_that_is_said(void)
{
	CLEANUP(world_free) struct world w;
	struct prune_found f = { 0 };
	struct fsck_found all = { 0 };
	uint8_t first[16], second[16];
	struct err e = { 0 };
	int64_t fetched;
	uint64_t before;

	world_open(&w);
	CHECK(attested_get(&w.k) == COFFER_OK);
	receiptkit_newest(&w.k, first);
	CHECK(attested_get(&w.k) == COFFER_OK);
	receiptkit_newest(&w.k, second);
	CHECK(receiptkit_ask(&w.k, KIT_HOSPITAL, first) == COFFER_OK && receiptkit_ask(&w.k, KIT_HOSPITAL, second) == COFFER_OK);
	CHECK(number(w.k.keep.store, "SELECT count(*) FROM fetched") == 0); /* that it was answered says nothing of what arrived */
	CHECK(receiptkit_had(&w.k, KIT_ACME, second) == COFFER_OK && span_eq_str(wr_span(&w.k.answer), "{\"had\":false}"));
	CHECK(receiptkit_had(&w.k, KIT_STRANGER, second) != COFFER_OK);
	CHECK(number(w.k.keep.store, "SELECT count(*) FROM fetched") == 0);
	CHECK(receiptkit_had(&w.k, KIT_HOSPITAL, first) == COFFER_OK && span_eq_str(wr_span(&w.k.answer), "{\"had\":true}"));
	CHECK(number(w.k.keep.store, "SELECT count(*) FROM fetched") == 1);
	fetched = w.k.keep.now;
	before = journal_entries(&w.k.keep.journal);
	shut(&w);
	CHECK(keep_prune(w.dir, fetched - 1, fetched + 9, &f, &e) == COFFER_OK && f.pruned == 0); /* not that long ago */
	CHECK(keep_prune(w.dir, fetched, fetched + 9, &f, &e) == COFFER_OK && f.pruned == 1 && f.left == 1 && f.bytes > 0);
	CHECK(keep_prune(w.dir, fetched, fetched + 9, &f, &e) == COFFER_OK && f.pruned == 0); /* and no entry */
	CHECK(keep_fsck(w.dir, false, w.k.now, &all, &e) == COFFER_OK && all.entries == before + 1);
	w.k.now = fetched + 60;
	reopen(&w);
	CHECK(SHOWN_NOW(&w.k) == 1 && number(w.k.keep.store, "SELECT count(*) FROM shown_bytes") == 1); /* the other session's too */
	CHECK(KEPT_NOW(&w.k) == number(w.k.keep.store, "SELECT (SELECT SUM(length(document)) FROM shown)+(SELECT SUM(length(bytes)) FROM shown_bytes)"));
	CHECK(receiptkit_ask(&w.k, KIT_HOSPITAL, first) == COFFER_E_NOTFOUND && strcmp(w.k.no.check, "evidence-pruned") == 0);
	CHECK(strstr(w.k.no.reason, "evidence pruned on 2026-11-04T") && strstr(w.k.no.reason, ", digest "));
	CHECK(receiptkit_ask(&w.k, KIT_HOSPITAL, second) == COFFER_OK);
	CHECK(attested_get(&w.k) == COFFER_OK);
}

static void damage(const struct world *w, const char *sql)
{
	CLEANUP(freep) char *path = str_fmt("%s/keep.db", w->dir);
	CLEANUP(store_closep) struct store *s = NULL;
	struct err e = { 0 };

	CHECK(path && store_open(path, &s, &e) == COFFER_OK);
	{
		CLEANUP(q_close) struct q q = q_open(s, sql);

		CHECK(q_run(&q, &e) == COFFER_OK && q_changes(s) > 0);
	}
}

/* Nobody prunes by writing into the store, beside what was: the journal has not said it. */
static void pruned_without_an_entry_is_found(void)
{
	static const char *const bad[] = {
		"DELETE FROM pruned",
		"INSERT INTO pruned SELECT zeroblob(32), seq FROM pruned",
		"INSERT INTO pruned SELECT digest, 3 FROM shown",
		"UPDATE pruned SET seq=2",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(world_free) struct world w;
		struct prune_found f = { 0 };
		struct fsck_found all = { 0 };
		struct err e = { 0 };
		uint8_t id[16];

		world_open(&w);
		CHECK(attested_get(&w.k) == COFFER_OK);
		receiptkit_newest(&w.k, id);
		CHECK(receiptkit_had(&w.k, KIT_HOSPITAL, id) == COFFER_OK && attested_get(&w.k) == COFFER_OK);
		shut(&w);
		CHECK(keep_prune(w.dir, w.k.now, w.k.now, &f, &e) == COFFER_OK && f.pruned == 1);
		CHECK(keep_fsck(w.dir, false, w.k.now, &all, &e) == COFFER_OK);
		damage(&w, bad[i]);
		CHECK(keep_fsck(w.dir, false, w.k.now, &all, &e) == COFFER_E_DENIED && strcmp(e.check, "R12") == 0);
	}
}

/* A store of before there was a bound: what it has counts as part of the whole, and is nobody's. */
static void older_store_is_counted_at_its_start(void)
{
	CLEANUP(world_free) struct world w;
	uint64_t had;

	world_open(&w);
	CHECK(attested_get(&w.k) == COFFER_OK);
	had = KEPT_NOW(&w.k);
	shut(&w);
	damage(&w, "DELETE FROM kept");
	reopen(&w);
	CHECK(number(w.k.keep.store, "SELECT bytes FROM kept_by WHERE owner=''") == had && KEPT_NOW(&w.k) == had);
	w.k.keep.kept.all = had;
	CHECK(attested_get(&w.k) == COFFER_E_DENIED && strstr(w.k.no.reason, "this service keeps"));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(bound_is_reached_refused_by_name_and_nothing_stays),
		T(owners_are_charged_apart),
		T(refused_requests_leave_no_evidence),
		T(only_fetched_evidence_is_pruned_and_that_is_said),
		T(pruned_without_an_entry_is_found),
		T(older_store_is_counted_at_its_start),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
