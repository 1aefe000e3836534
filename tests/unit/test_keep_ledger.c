/* The ledger that keep hands out, read by the formats' own readers: head, tiles, entries, and openings for those who may know. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/tags.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "tests/keepkit.h"
#include "tests/t.h"
#include "trust/ledger/checkpoint.h"
#include "trust/ledger/leaf.h"
#include "trust/ledger/tag.h"
#include "trust/ledger/tile.h"

static enum coffer_rc file(struct kit *k, const char *name)
{
	struct wr w = wr_open(4096);

	wr_str(&w, name);
	return kit_ask(k, KEEP_LEDGER, &w);
}

/* The head, opened under the genesis' name and key. */
static struct merkle_head head_of(struct kit *k)
{
	struct note_key key = { 0 };
	struct ledger_policy policy = { .log = &key };
	struct ledger_seen seen = { 0 };
	struct err e = { 0 };

	CHECK(note_key_new(span_of(k->keep.registry.genesis->origin), NOTE_ED25519, &k->ledger, &key, &e) == COFFER_OK);
	CHECK(file(k, "checkpoint") == COFFER_OK);
	CHECK(checkpoint_open(wr_span(&k->answer), &policy, &seen, &e) == COFFER_OK);
	return seen.cp.head;
}

static enum coffer_rc fetch(void *ctx, const struct tile *t, struct wr *out, struct err *e)
{
	char name[TILE_PATH_MAX];
	struct kit *k = ctx;

	tile_path(t, name);
	if (file(k, name) != COFFER_OK)
		return err_set(e, COFFER_E_NOTFOUND, "%s", name);
	wr_put(out, wr_span(&k->answer));
	return COFFER_OK;
}

static void many_entries(struct kit *k, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct tx tx = { 0 };
		struct err e = { 0 };

		CHECK(tx_begin(&k->keep.journal, &tx, &e) == COFFER_OK);
		for (unsigned last = i + 100; i < n && i < last; i++)
			CHECK(journal_append(&k->keep.journal, "denial", span_of("{\"denied\":1}"), k->now, &e) == COFFER_OK);
		i--;
		CHECK(tx_commit(&tx, &e) == COFFER_OK);
	}
}

/* 600 entries: two full tiles and a part of one, a level above, and entries whose leaves give the signed root. */
static void tiles_and_entries_give_the_root_that_is_signed(void)
{
	CLEANUP(kit_free) struct kit k;
	struct tile_source src = { fetch, &k, 0, NULL };
	struct merkle_source s = { tile_read, &src };
	struct merkle_frontier f = { 0 };
	struct mhash root, done[MERKLE_LEVELS];
	struct merkle_head head;
	struct err e = { 0 };

	kit_open(&k);
	kit_deploy(&k);
	many_entries(&k, 600);
	head = head_of(&k);
	src.size = head.size;
	CHECK(head.size == k.keep.journal.seq + 1 && head.size > 600);
	CHECK(merkle_source_root(&s, head.size, &root, &e) == COFFER_OK && mhash_eq(&root, &head.root));
	for (uint64_t n = 0; n * TILE_WIDTH < head.size; n++) {
		struct tile t = { .entries = true, .n = n, .width = TILE_WIDTH };
		struct span entry[TILE_WIDTH];
		struct wr w = wr_open(TILE_WIDTH * (LEAF_MAX + 2));

		if ((n + 1) * TILE_WIDTH > head.size)
			t.width = (unsigned)(head.size % TILE_WIDTH);
		CHECK(fetch(&k, &t, &w, &e) == COFFER_OK && tile_entries_read(wr_span(&w), t.width, entry));
		for (unsigned i = 0; i < t.width && !t_failed; i++) {
			struct mhash leaf;
			struct leaf l;

			CHECK(leaf_read(entry[i], &l) && l.index == n * TILE_WIDTH + i);
			merkle_leaf(entry[i], &leaf);
			CHECK(merkle_append(&f, &leaf, done) > 0);
		}
		wr_close(&w);
	}
	merkle_frontier_root(&f, &root);
	CHECK(mhash_eq(&root, &head.root));
}

static void head_grows_and_stays_consistent(void)
{
	CLEANUP(kit_free) struct kit k;
	struct tile_source src = { fetch, &k, 0, NULL };
	struct merkle_source s = { tile_read, &src };
	struct merkle_head a, b;
	struct merkle_proof p;
	struct err e = { 0 };

	kit_open(&k);
	a = head_of(&k);
	CHECK(a.size == 1); /* the genesis */
	kit_deploy(&k);
	many_entries(&k, 300);
	b = head_of(&k);
	src.size = b.size;
	CHECK(merkle_prove_consistent(&s, a.size, b.size, &p, &e) == COFFER_OK && merkle_consistent(&a, &b, &p));
	a.root.b[0] ^= 1;
	CHECK(!merkle_consistent(&a, &b, &p));
}

static void salts_differ_where_records_do_not(void)
{
	CLEANUP(kit_free) struct kit k;
	struct span entry[TILE_WIDTH];
	struct wr w = wr_open(4096);
	struct leaf a, b;
	struct err e = { 0 };

	kit_open(&k);
	many_entries(&k, 2);
	CHECK(fetch(&k, &(struct tile){ .entries = true, .width = 3 }, &w, &e) == COFFER_OK && tile_entries_read(wr_span(&w), 3, entry));
	CHECK(leaf_read(entry[1], &a) && leaf_read(entry[2], &b) && a.time == b.time && !span_eq(SPAN(a.commitment), SPAN(b.commitment)));
	wr_close(&w);
}

static void files_that_are_not_there_are_refused(void)
{
	static const char *const no[] = {
		"", "Checkpoint", "checkpoint/", "tile/0/000", "tile/0/000.p/0", "tile/0/000.p/99", "tile/0/001.p/1", "tile/1/000.p/1",
		"tile/8/000.p/1", "tile/63/000.p/1", "tile/entries/000", "tile/entries/001.p/1", "tile/entries/000.p/256", "../keep.db",
		"tile/0/x035/x999/x999/x999/x999/999", "tile/0/000.p/1\n",
	};
	CLEANUP(kit_free) struct kit k;
	char longest[KEEP_LEDGER_NAME_MAX + 2];

	kit_open(&k);
	kit_deploy(&k);
	CHECK(file(&k, "tile/0/000.p/3") == COFFER_OK && k.answer.n == 3 * 32);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CHECK(file(&k, no[i]) == COFFER_E_NOTFOUND);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	CHECK(file(&k, longest) == COFFER_E_LIMIT);
}

/* ---- openings ---- */

/* Bit i: the party was shown entry i; each opening is what the public leaf commits to. */
static uint64_t shown(struct kit *k, enum kit_party who, uint64_t from)
{
	CLEANUP(wr_close) struct wr own = { 0 }, bundle = wr_open(8192), text = wr_open(1u << 20);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct tile t = { .entries = true, .width = (unsigned)k->keep.journal.seq + 1 };
	struct keep_journal_req m = { .from = from };
	struct wr w = wr_open(1u << 16);
	struct span entry[TILE_WIDTH];
	const struct json *list;
	struct err e = { 0 };
	uint64_t seen = 0;

	CHECK(fetch(k, &t, &bundle, &e) == COFFER_OK && tile_entries_read(wr_span(&bundle), t.width, entry));
	kit_auth(k, who, "GET", "/coffer/v0/ledger", &m.auth, &own);
	keep_journal_req_write(&w, &m);
	CHECK(kit_ask(k, KEEP_OPENINGS, &w) == COFFER_OK);
	wr_put(&text, wr_span(&k->answer));
	CHECK(json_parse(wr_span(&text), 1u << 20, &doc, &e) == COFFER_OK);
	list = json_get(json_root(doc), "openings");
	for (size_t i = 0; i < json_len(list); i++) {
		CLEANUP(wr_close) struct wr raw = wr_open(8192);
		uint8_t commitment[32];
		struct leaf_opening o;
		uint64_t index = 64;
		struct leaf l;

		CHECK(json_need_u64(json_at(list, i), "index", "opening", &index, &e) == COFFER_OK && index < t.width && index < 64);
		CHECK(b64url_read(json_str(json_get(json_at(list, i), "opening")), &raw));
		if (t_failed)
			return 0;
		CHECK(leaf_opening_read(wr_span(&raw), &o) && leaf_read(entry[index], &l));
		leaf_commit(o.salt, o.record, commitment);
		CHECK(span_eq(SPAN(commitment), SPAN(l.commitment)));
		seen |= UINT64_C(1) << index;
	}
	return seen;
}

static void openings_go_to_those_who_may_know(void)
{
	CLEANUP(kit_free) struct kit k;
	uint64_t before, all;

	kit_open(&k);
	kit_deploy(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	before = k.keep.journal.seq + 1;
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	all = (UINT64_C(1) << (before + 1)) - 1;
	CHECK(shown(&k, KIT_HOSPITAL, 0) == all); /* its asset */
	CHECK(shown(&k, KIT_ACME, 0) == all);     /* its workload */
	CHECK(shown(&k, KIT_ACME, before) == (UINT64_C(1) << before));
	CHECK(shown(&k, KIT_ACME, before + 1) == 0 && shown(&k, KIT_ACME, UINT64_MAX) == 0);
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK);
	CHECK(shown(&k, KIT_HOSPITAL, before) == (UINT64_C(1) << before)); /* not the release of acme's */
	many_entries(&k, 1);
	CHECK(shown(&k, KIT_ACME, before + 2) == 0); /* a stranger's denial concerns nobody */
}

static void openings_need_a_partys_token(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_journal_req m = { 0 };
	struct wr w = wr_open(1u << 16);

	kit_open(&k);
	kit_auth(&k, KIT_ACME, "GET", "/coffer/v0/ledger", &m.auth, &own);
	m.auth.sig[3] ^= 1;
	keep_journal_req_write(&w, &m);
	CHECK(kit_ask(&k, KEEP_OPENINGS, &w) == COFFER_E_DENIED && strcmp(k.no.check, "token") == 0);
}

/* More owners than keep remembers, in turn, and the last twice. */
static void each_owner_has_its_own_key_to_tags(void)
{
	struct privkey *owner[KEEP_TAG_KEYS + 2];
	struct err e = { 0 };
	struct kit k;

	kit_open(&k);
	for (size_t i = 0; i < KEEP_TAG_KEYS + 2; i++)
		CHECK(privkey_new(KEY_P256, &owner[i], &e) == COFFER_OK);
	for (size_t i = 0; i < 2 * (KEEP_TAG_KEYS + 2); i++) {
		CLEANUP(secret_free) struct secret want = { 0 };
		const struct pubkey *theirs = privkey_public(owner[i / 2]);
		const struct secret *got = NULL;

		CHECK(tag_owner_key(k.keep.keys.receive, theirs, k.keep.genesis, &want, &e) == COFFER_OK);
		CHECK(tags_owner_key(&k.keep, theirs, &got, &e) == COFFER_OK && got->n == TAG_LEN && memcmp(got->p, want.p, TAG_LEN) == 0);
	}
	for (size_t i = 0; i < KEEP_TAG_KEYS + 2; i++)
		privkey_free(owner[i]);
	kit_free(&k);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(tiles_and_entries_give_the_root_that_is_signed), T(head_grows_and_stays_consistent), T(salts_differ_where_records_do_not),
		T(files_that_are_not_there_are_refused), T(openings_go_to_those_who_may_know), T(openings_need_a_partys_token), T(each_owner_has_its_own_key_to_tags),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
