/* The operator's check of a store: what is whole is said to be, damage is named, and only what the entries give again is mended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "tests/keepkit.h"
#include "tests/receiptkit.h"
#include "tests/t.h"

/* A kit whose keep has a folder, in which releases, a use, a denial, a receipt that was fetched, a revocation and a deletion were entered. */
struct world {
	struct kit k;
	char dir[64];
};

static void world_free(struct world *w)
{
	CLEANUP(freep) char *cmd = str_fmt("rm -rf %s", w->dir);

	kit_free(&w->k);
	CHECK(cmd && system(cmd) == 0);
}

/* The hospital's key revoked the approval and turns out to be stolen; the quorum lifts it. */
static void lift_one(struct kit *k)
{
	const struct privkey *quorum[] = { k->recovery[KIT_HOSPITAL], NULL };
	CLEANUP(freep) char *first = NULL, *second = NULL;
	uint8_t theirs[32], id[32];
	char hex[HEX32_LEN];
	struct kit_st s = { .kind = ST_REVOCATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = k->approval_id };

	hex32(k->approval_id, hex);
	s.body = first = str_fmt("{\"reason\":\"x\",\"statement\":\"%s\"}", hex);
	CHECK(kit_log(k, &s, theirs) == COFFER_OK);
	CHECK(kit_compromise(k, &(struct kit_stolen){ k->key[KIT_HOSPITAL], k->now, quorum, 0, NULL }, id) == COFFER_OK);
	hex32(theirs, hex);
	s.digest = theirs;
	s.body = second = str_fmt("{\"reason\":\"x\",\"statement\":\"%s\"}", hex);
	CHECK(kit_log_by(k, &s, quorum, id) == COFFER_OK);
}

static void world_open(struct world *w)
{
	struct keep_keys keys = { 0 }, again = { 0 };
	struct keep_config c = { .id = { (const uint8_t *)"trust", 5 } };
	uint8_t decision[16];
	struct err e = { 0 };

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/coffer-test-fsck.XXXXXX");
	CHECK(mkdtemp(w->dir) != NULL && keys_new(&keys, &e) == COFFER_OK && keep_found(&keys, w->dir, &e) == COFFER_OK);
	CHECK(keys_load(w->dir, &again, &e) == COFFER_OK);
	kit_new(&w->k, &keys);
	w->k.fd = -1;
	c.genesis = w->k.genesis;
	memcpy(c.genesis_id, w->k.genesis_id, 32);
	CHECK(keep_open(w->dir, &again, &c, w->k.now, &w->k.keep, &e) == COFFER_OK);
	w->k.policy = KIT_POLICY;
	w->k.keep.eval = kit_eval();
	keys_clear(&keys);
	w->k.hw.file = span_of("{\"of\":\"a vendor\"}");
	kit_deploy(&w->k);
	CHECK(kit_approve(&w->k, ",\"uses\":5", 2, w->k.approval_id) == COFFER_OK);
	CHECK(kit_begin(&w->k) == COFFER_OK && kit_attest(&w->k, (struct kit_evidence){ 0 }) == COFFER_OK);
	for (int i = 0; i < 3; i++)
		CHECK(kit_get(&w->k, (struct kit_get){ 0 }) == COFFER_OK);
	receiptkit_newest(&w->k, decision);
	CHECK(receiptkit_had(&w->k, KIT_HOSPITAL, decision) == COFFER_OK);
	CHECK(kit_revoke(&w->k, KIT_HOSPITAL, w->k.workload_id) == COFFER_OK &&
	      kit_revoke(&w->k, KIT_ACME, w->k.workload_id) == COFFER_OK);
	CHECK(kit_get(&w->k, (struct kit_get){ 0 }) == COFFER_E_DENIED);
	CHECK(kit_delete(&w->k, KIT_HOSPITAL) == COFFER_OK);
	lift_one(&w->k);
	close(w->k.keep.eval);
	w->k.keep.eval = -1;
	keep_close(&w->k.keep); /* the store is free for others */
}

static void damage(const struct world *w, const char *sql)
{
	CLEANUP(freep) char *path = str_fmt("%s/keep.db", w->dir);
	struct store *s = NULL;
	struct err e = { 0 };

	CHECK(path && store_open(path, &s, &e) == COFFER_OK);
	{
		CLEANUP(q_close) struct q q = q_open(s, sql);

		CHECK(q_run(&q, &e) == COFFER_OK && q_changes(s) > 0);
	}
	store_close(s);
}

static void read_text(const struct world *w, const char *sql, struct wr *out)
{
	CLEANUP(freep) char *path = str_fmt("%s/keep.db", w->dir);
	CLEANUP(store_closep) struct store *s = NULL;
	struct err e = { 0 };
	bool row = false;

	CHECK(path && store_open(path, &s, &e) == COFFER_OK);
	{
		CLEANUP(q_close) struct q q = q_open(s, sql);

		CHECK(q_row(&q, &row, &e) == COFFER_OK && row);
		wr_put(out, q_col(&q, 0));
	}
}

/* How many of keep's indexes there are; dropped then, if they are to be. */
static size_t indexes(const struct world *w, bool drop)
{
	static const char *const of[] = { "DROP INDEX statement_kind", "DROP INDEX statement_issuer", "DROP INDEX statement_digest", "DROP INDEX statement_lent",
		"DROP INDEX statement_lent_to", "DROP INDEX statement_least", "DROP INDEX statement_key", "DROP INDEX decision_owner",
		"DROP INDEX decision_provider" };
	CLEANUP(freep) char *path = str_fmt("%s/keep.db", w->dir);
	CLEANUP(store_closep) struct store *s = NULL;
	struct err e = { 0 };
	size_t n = 0;

	CHECK(path && store_open(path, &s, &e) == COFFER_OK);
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct q look = q_open(s, "SELECT 1 FROM sqlite_schema WHERE type='index' AND name=?"), drops = { 0 };
		bool row = false;

		q_text(&look, span_of(of[i] + strlen("DROP INDEX ")));
		CHECK(q_row(&look, &row, &e) == COFFER_OK);
		q_close(&look);
		n += row;
		if (!drop)
			continue;
		drops = q_open(s, of[i]);
		CHECK(q_run(&drops, &e) == COFFER_OK);
		q_close(&drops);
	}
	return n;
}

/* A store of before has none of these either. */
static void drop_tokens(const struct world *w)
{
	static const char *const gone[] = { "DROP TRIGGER jti_more", "DROP TRIGGER jti_less", "DROP TABLE jti_by" };
	CLEANUP(freep) char *path = str_fmt("%s/keep.db", w->dir);
	CLEANUP(store_closep) struct store *s = NULL;
	struct err e = { 0 };

	CHECK(path && store_open(path, &s, &e) == COFFER_OK);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		CLEANUP(q_close) struct q q = q_open(s, gone[i]);

		CHECK(q_run(&q, &e) == COFFER_OK);
	}
}

/* By which others' statements are passed over: a store of before has none of them. */
static void store_of_before_gets_what_its_queries_are_found_by(void)
{
	CLEANUP(world_free) struct world w;
	struct fsck_found f = { 0 };
	struct err e = { 0 };

	world_open(&w);
	CHECK(indexes(&w, true) == 9 && indexes(&w, false) == 9);
	drop_tokens(&w);
	CHECK(keep_fsck(w.dir, false, w.k.now, &f, &e) == COFFER_OK && !f.mended);
}

static void whole_store_is_said_to_be(void)
{
	CLEANUP(world_free) struct world w;
	struct fsck_found f = { 0 };
	struct err e = { 0 };

	world_open(&w);
	CHECK(keep_fsck(w.dir, false, w.k.now, &f, &e) == COFFER_OK && f.entries > 10 && !f.mended);
	CHECK(keep_fsck(w.dir, true, w.k.now, &f, &e) == COFFER_OK && !f.mended);
}

static void hashes_and_nodes_are_mended_only_when_asked(void)
{
	static const char *const bad[] = {
		"DELETE FROM node WHERE level=0 AND place=3",
		"UPDATE node SET hash=zeroblob(32) WHERE level=0 AND place=1",
		"INSERT INTO node(level, place, hash) VALUES(0, 999, zeroblob(32))",
		"DELETE FROM mapnode",
		"UPDATE mapnode SET record=zeroblob(65) WHERE hash=(SELECT max(hash) FROM mapnode)",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(world_free) struct world w;
		struct fsck_found f = { 0 };
		struct err e = { 0 };

		world_open(&w);
		damage(&w, bad[i]);
		CHECK(keep_fsck(w.dir, false, w.k.now, &f, &e) == COFFER_E_DENIED && strcmp(e.check, "R12") == 0);
		CHECK(keep_fsck(w.dir, false, w.k.now, &f, &e) == COFFER_E_DENIED); /* it was left as it is */
		CHECK(keep_fsck(w.dir, true, w.k.now, &f, &e) == COFFER_OK && f.mended && f.damage[0]);
		f = (struct fsck_found){ 0 };
		CHECK(keep_fsck(w.dir, false, w.k.now, &f, &e) == COFFER_OK && !f.mended);
	}
}

/* By what statements are found is made again from them. */
static void indices_are_mended_and_say_whose_they_are(void)
{
	static const struct {
		const char *sql, *says;
	} bad[] = {
		{ "DELETE FROM revoked WHERE target IN (SELECT statement FROM workload)", "" },
		{ "UPDATE revoked SET target=(SELECT statement FROM workload) WHERE target IN (SELECT statement FROM revoked)", "" },
		{ "UPDATE approval_use SET uses=uses-1", "how often an approval was used" },
		{ "DELETE FROM approval_use", "how often an approval was used" },
		{ "DELETE FROM workload", "the init-data of this workload is missing" },
		{ "DELETE FROM approval_asset", "an asset of this approval is missing" },
		{ "UPDATE approval_asset SET path=path||'x'", "an asset of this approval is missing" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(world_free) struct world w;
		struct fsck_found f = { 0 };
		struct err e = { 0 };

		world_open(&w);
		damage(&w, bad[i].sql);
		CHECK(keep_fsck(w.dir, false, w.k.now, &f, &e) == COFFER_E_DENIED && strcmp(e.check, "R12") == 0);
		if (!strstr(e.msg, bad[i].says))
			printf("# %s: %s\n", bad[i].sql, e.msg);
		CHECK(strstr(e.msg, bad[i].says) != NULL);
		CHECK(keep_fsck(w.dir, true, w.k.now, &f, &e) == COFFER_OK && f.mended);
		f = (struct fsck_found){ 0 };
		CHECK(keep_fsck(w.dir, false, w.k.now, &f, &e) == COFFER_OK && !f.mended);
	}
}

#define SOME_RELEASE "(SELECT min(seq) FROM entry WHERE type='release')"
#define SOME_DENIAL "(SELECT min(seq) FROM entry WHERE type='denial')"

/* What the entries give again, or what can mean nothing, of rows that no start looks at. */
static void rows_are_mended_and_named(void)
{
	static const struct {
		const char *sql, *says;
	} bad[] = {
		{ "DELETE FROM kept WHERE file=0", "how much is kept of evidence" },
		{ "DELETE FROM kept WHERE file=1", "how much is kept of collateral" },
		{ "UPDATE kept SET bytes=bytes-1 WHERE file=0", "how much is kept of evidence" },
		{ "UPDATE kept SET owner='acme' WHERE file=1", "how much is kept of collateral" },
		{ "INSERT INTO kept VALUES(zeroblob(32), 1, 'acme', 7)", "how much is kept of what is not kept" },
		{ "UPDATE kept_by SET bytes=0 WHERE owner='hospital'", "the sum of evidence that is kept for releases of hospital" },
		{ "DELETE FROM kept_by", "the sum of evidence" },
		{ "INSERT INTO kept_by VALUES('acme', 5)", "the sum of evidence that is kept for releases of acme" },
		{ "INSERT INTO fetched VALUES(" SOME_DENIAL ", (SELECT max(time) FROM entry))", "fetched is said to be the receipt of entry" },
		{ "UPDATE fetched SET time=1", "fetched is said to be the receipt of entry" },
		{ "INSERT INTO recovered VALUES(" SOME_DENIAL ", zeroblob(32))", "a recovery key is said to have signed entry" },
		{ "UPDATE recovered SET member=zeroblob(32)", "a recovery key is said to have signed entry" },
		{ "UPDATE jti_by SET n=n+1", "how many tokens are remembered" },
		{ "DELETE FROM jti_by WHERE key=(SELECT min(key) FROM jti_by)", "how many tokens are remembered" },
		{ "INSERT INTO jti_by VALUES(zeroblob(32), 1)", "how many tokens are remembered" },
		{ "INSERT INTO jti VALUES(zeroblob(48), (SELECT max(time) FROM entry))", "no key of a party signed" },
		{ "UPDATE jti SET expires=expires+1000000", "ends when none can" },
		{ "UPDATE jti SET expires=1", "ends when none can" },
		{ "UPDATE jti SET id=substr(id, 2)", "no key of a party signed" },
		{ "UPDATE asset_tag SET n=n-1", "have its owner's tags" },
		{ "UPDATE asset_tag SET n=n+1", "have its owner's tags" },
		{ "DELETE FROM asset_tag", "have its owner's tags" },
		{ "UPDATE asset_tag SET key=zeroblob(32)", "have its owner's tags" },
		{ "INSERT INTO asset_tag VALUES('kbs:///acme/no/such', zeroblob(32), 2)", "tags are counted of what no entry is about" },
		{ "UPDATE decision SET owner='acme'", "whose decision entry" },
		{ "UPDATE decision SET provider='hospital'", "whose decision entry" },
		{ "UPDATE decision SET seq=3 WHERE seq=" SOME_RELEASE, "whose decision entry" },
		{ "INSERT INTO decision SELECT zeroblob(16), seq, owner, owner_view, provider, provider_view FROM decision LIMIT 1", "a decision that no entry has" },
		{ "INSERT INTO decision_of SELECT 'acme', id FROM decision WHERE seq=" SOME_RELEASE, "who may read of entry" },
	};

	CLEANUP(world_free) struct world w;

	world_open(&w); /* it is whole again after each */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fsck_found f = { 0 };
		struct err e = { 0 };

		damage(&w, bad[i].sql);
		CHECK(keep_fsck(w.dir, false, w.k.now, &f, &e) == COFFER_E_DENIED && strcmp(e.check, "R12") == 0);
		if (!strstr(e.msg, bad[i].says))
			printf("# %s: %s\n", bad[i].sql, e.msg);
		CHECK(strstr(e.msg, bad[i].says) != NULL);
		CHECK(keep_fsck(w.dir, false, w.k.now, &f, &e) == COFFER_E_DENIED); /* it was left as it is */
		if (keep_fsck(w.dir, true, w.k.now, &f, &e) != COFFER_OK)
			printf("# %s, repair: %s\n", bad[i].sql, e.msg);
		CHECK(f.mended);
		f = (struct fsck_found){ 0 };
		CHECK(keep_fsck(w.dir, false, w.k.now, &f, &e) == COFFER_OK && !f.mended);
	}
}

/* Mended is what was there, not just anything that holds. */
static void mended_rows_are_what_they_were(void)
{
	static const struct {
		const char *sql, *sum;
	} bad[] = {
		{ "DELETE FROM kept", "SELECT group_concat(hex(digest)||file||owner||bytes) FROM kept" },
		{ "DELETE FROM kept_by", "SELECT group_concat(owner||bytes) FROM kept_by" },
		{ "DELETE FROM asset_tag", "SELECT group_concat(path||hex(key)||n) FROM asset_tag" },
		{ "UPDATE decision SET owner='', provider='', seq=2", "SELECT group_concat(hex(id)||seq||owner||provider) FROM decision" },
	};

	CLEANUP(world_free) struct world w;

	world_open(&w);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(wr_close) struct wr was = wr_open(8192), is = wr_open(8192);
		struct fsck_found f = { 0 };
		struct err e = { 0 };

		read_text(&w, bad[i].sum, &was);
		damage(&w, bad[i].sql);
		CHECK(keep_fsck(w.dir, true, w.k.now, &f, &e) == COFFER_OK && f.mended);
		read_text(&w, bad[i].sum, &is);
		CHECK(was.n > 0 && span_eq(wr_span(&was), wr_span(&is)));
	}
}

/* What the entries say is nobody's to mend, and nothing is written in the attempt. */
static void other_damage_is_named_and_stays(void)
{
	static const struct {
		const char *sql, *says;
	} bad[] = {
		{ "UPDATE entry SET time=time+1 WHERE seq=2", "entry 2 was changed" },
		{ "UPDATE leaf SET salt=zeroblob(32) WHERE seq=4", "entry 4" },
		{ "UPDATE asset SET version=version+1", "the version of an asset" },
		{ "DELETE FROM asset", "the content of this asset is missing" },
		{ "UPDATE asset SET path=path||'x'", "the version of an asset" },
		{ "UPDATE asset SET sealed=zeroblob(length(sealed))", "was altered in the store" },
		{ "UPDATE asset SET iv=zeroblob(12)", "was altered in the store" },
		{ "DELETE FROM meta", "do not belong together" },
		{ "UPDATE shown SET document=x'7b7d'", "evidence that receipts need was altered" },
		{ "UPDATE shown_bytes SET bytes=x'7b7d'", "collateral that receipts need was altered" },
		{ "DELETE FROM decision WHERE seq=" SOME_RELEASE, "was altered in the store, or is missing" },
		{ "DELETE FROM decision WHERE seq=" SOME_DENIAL, "was altered in the store, or is missing" },
		{ "UPDATE decision SET owner_view=x'7b7d'", "was altered in the store" },
		{ "UPDATE decision SET provider_view=CAST(replace(CAST(provider_view AS TEXT), '\"seq\":', '\"seq\":1') AS BLOB)", "was altered in the store" },
		{ "UPDATE decision SET owner_view=CAST(json_set(CAST(owner_view AS TEXT), '$.time', '2020-01-01T00:00:00Z') AS BLOB)", "was altered in the store" },
		{ "UPDATE decision SET owner_view=CAST(json_set(CAST(owner_view AS TEXT), '$.outcome', 'released') AS BLOB) WHERE seq=" SOME_DENIAL, "was altered in the store" },
		{ "UPDATE decision SET owner_view=CAST(json_set(CAST(owner_view AS TEXT), '$.reason', 'R9') AS BLOB) WHERE seq=" SOME_DENIAL, "was altered in the store" },
		{ "UPDATE decision SET owner_view=CAST(json_set(CAST(owner_view AS TEXT), '$.checks[0].found', 'x') AS BLOB) WHERE seq=" SOME_RELEASE, "was altered in the store" },
		{ "UPDATE decision SET owner_view=CAST(json_remove(CAST(owner_view AS TEXT), '$.checks[0]') AS BLOB) WHERE seq=" SOME_RELEASE, "was altered in the store" },
		{ "UPDATE decision SET provider_view=CAST(json_set(CAST(provider_view AS TEXT), '$.checks[0].expected', 'x') AS BLOB) WHERE seq=" SOME_RELEASE, "was altered in the store" },
		{ "UPDATE decision SET owner_view=CAST(json_set(CAST(owner_view AS TEXT), '$.checks', json('[]')) AS BLOB), provider_view=CAST(json_set(CAST(provider_view AS TEXT), '$.checks', json('[]')) AS BLOB) WHERE seq=" SOME_DENIAL, "was altered in the store" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(world_free) struct world w;
		struct fsck_found f = { 0 };
		struct err e = { 0 };

		world_open(&w);
		damage(&w, bad[i].sql);
		for (int repair = 0; repair < 2; repair++) {
			CHECK(keep_fsck(w.dir, repair, w.k.now, &f, &e) == COFFER_E_DENIED && strcmp(e.check, "R12") == 0);
			CHECK(strstr(e.msg, bad[i].says) != NULL);
			if (!strstr(e.msg, bad[i].says))
				printf("# %s: %s\n", bad[i].sql, e.msg);
		}
	}
}

/* A row whose digest is right but not the one that a release names. */
static void evidence_that_a_release_names_is_there(void)
{
	CLEANUP(world_free) struct world w;
	struct fsck_found f = { 0 };
	struct err e = { 0 };

	world_open(&w);
	damage(&w, "DELETE FROM shown_file");
	damage(&w, "DELETE FROM shown");
	CHECK(keep_fsck(w.dir, true, w.k.now, &f, &e) == COFFER_E_DENIED && strcmp(e.check, "R12") == 0 && strstr(e.msg, "names is missing"));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(store_of_before_gets_what_its_queries_are_found_by), T(whole_store_is_said_to_be),
		T(hashes_and_nodes_are_mended_only_when_asked), T(indices_are_mended_and_say_whose_they_are),
		T(rows_are_mended_and_named), T(mended_rows_are_what_they_were), T(other_damage_is_named_and_stays),
		T(evidence_that_a_release_names_is_there),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
