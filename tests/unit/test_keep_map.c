/* The ledger's map in keep: what each entry sets, that old roots can be asked, and that a store which says otherwise does not open. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/status.h"
#include "tests/keepkit.h"
#include "tests/t.h"
#include "trust/ledger/leaf.h"

/* Of the root that is named; false: the map says something else. */
static bool says(struct kit *k, const struct mhash *root, const uint8_t id[static 32], enum map_status status, uint64_t index)
{
	struct smt_answer got = { 0 };
	struct mhash key, value;
	struct smt_proof p;
	struct err e = { 0 };

	map_status_key(id, &key);
	map_status_value(status, index, &value);
	CHECK(map_prove(&k->keep.journal.tree.map, root, &key, &p, &e) == COFFER_OK && smt_verify(root, &key, &p, &got));
	return status ? got.present && mhash_eq(&got.value, &value) : !got.present;
}

/* The map has that party's first word against it, by that entry. */
static bool said(struct kit *k, enum kit_party who, const uint8_t subject[static 32], uint64_t index)
{
	static const char *const names[] = { "acme", "hospital", "stranger" };
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "SELECT id FROM statement WHERE seq=?");
	const struct map *m = &k->keep.journal.tree.map;
	struct mhash key, value = { { 0 } };
	struct smt_proof p;
	struct err e = { 0 };
	uint8_t id[32];
	bool row = false;

	q_i64(&q, (int64_t)index);
	CHECK(q_row(&q, &row, &e) == COFFER_OK && row && q_col_fixed(&q, 0, id, sizeof(id)));
	map_said_key(SAID_AGAINST, span_of(names[who]), subject, &key);
	map_said_next(&value, id, index);
	CHECK(map_prove(m, &m->root, &key, &p, &e) == COFFER_OK);
	return p.end == SMT_LEAF && mhash_eq(&p.value, &value);
}

static struct mhash root_of(const struct kit *k)
{
	return k->keep.journal.tree.map.root;
}

static void statement_is_in_force_then_superseded_then_revoked(void)
{
	CLEANUP(kit_free) struct kit k;
	struct mhash first, second, third;
	uint8_t old[32], next[32];
	uint64_t n1, n2, n3;

	kit_open(&k);
	kit_deploy(&k);
	memcpy(old, k.approval_id, 32);
	n1 = k.keep.journal.seq;
	first = root_of(&k);
	CHECK(kit_approve(&k, "", 2, old) == COFFER_OK);
	memcpy(next, k.approval_id, 32);
	n2 = k.keep.journal.seq;
	second = root_of(&k);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, old) == COFFER_OK && kit_revoke(&k, KIT_HOSPITAL, next) == COFFER_OK);
	n3 = k.keep.journal.seq;
	third = root_of(&k);
	CHECK(says(&k, &first, next, 0, 0)); /* not logged yet */
	CHECK(says(&k, &second, old, MAP_SUPERSEDED, n2) && says(&k, &second, next, MAP_IN_FORCE, n2));
	CHECK(says(&k, &third, old, MAP_REVOKED, n3 - 1) && says(&k, &third, next, MAP_REVOKED, n3));
	CHECK(n1 < n2 && says(&k, &third, k.keep.genesis, MAP_IN_FORCE, 0));
}

/* Another's revocation binds that other's assets alone, and the map says which of both it is. */
static void revocation_by_another_is_under_a_key_of_its_own(void)
{
	CLEANUP(kit_free) struct kit k;
	struct mhash now;
	uint64_t n;

	kit_open(&k);
	kit_deploy(&k);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.workload_id) == COFFER_OK);
	n = k.keep.journal.seq;
	now = root_of(&k);
	CHECK(n > 1 && !says(&k, &now, k.workload_id, MAP_REVOKED_BY_OTHER, n));
	CHECK(said(&k, KIT_HOSPITAL, k.workload_id, n) && !said(&k, KIT_ACME, k.workload_id, n));
	CHECK(kit_revoke(&k, KIT_ACME, k.workload_id) == COFFER_OK);
	now = root_of(&k);
	CHECK(says(&k, &now, k.workload_id, MAP_REVOKED, n + 1));
}

static void release_counts_a_use_in_its_own_entry(void)
{
	CLEANUP(kit_free) struct kit k;
	struct mhash before, after;
	struct err e = { 0 };

	kit_open(&k);
	kit_deploy(&k);
	CHECK(kit_approve(&k, ",\"uses\":2", 2, k.approval_id) == COFFER_OK);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	before = root_of(&k);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	after = root_of(&k);
	CHECK(!mhash_eq(&before, &after) && mhash_eq(&after, &k.keep.journal.tree.map_before));
	CHECK(status_check(&k.keep, &e) == COFFER_OK);
}

static void run_sql(struct kit *k, const char *sql)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, sql);
	struct err e = { 0 };

	CHECK(q_run(&q, &e) == COFFER_OK && q_changes(k->keep.store) > 0);
}

static bool refused(struct kit *k, const char *what)
{
	struct err e = { 0 };
	struct map m = k->keep.journal.tree.map;
	enum coffer_rc rc = map_check(&m, &e);

	if (rc == COFFER_OK)
		rc = status_check(&k->keep, &e);
	return rc == COFFER_E_DENIED && strcmp(e.check, "R12") == 0 && strstr(e.msg, what);
}

/* Each by itself, in a store that is right but for it. */
static void store_that_the_map_contradicts_is_refused(void)
{
	static const struct { const char *sql, *what; } bad[] = {
		{ "DELETE FROM revoked", "the status of a statement" },
		{ "DELETE FROM said", "what a party revoked" },
		{ "UPDATE said SET key=zeroblob(32)", "what a party revoked" },
		{ "UPDATE asset SET version=version+1", "the version of an asset" },
		{ "UPDATE approval_use SET uses=uses-1", "how often an approval was used" },
		{ "DELETE FROM approval_use", "how often an approval was used" },
		{ "UPDATE mapnode SET record=zeroblob(65) WHERE hash=(SELECT max(hash) FROM mapnode)", "was changed" },
		{ "DELETE FROM mapnode WHERE substr(record, 1, 1)=x'00'", "is missing" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(kit_free) struct kit k;
		struct err e = { 0 };

		kit_open(&k);
		kit_deploy(&k);
		CHECK(kit_approve(&k, ",\"uses\":2", 2, k.approval_id) == COFFER_OK);
		CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
		CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
		CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
		CHECK(map_check(&k.keep.journal.tree.map, &e) == COFFER_OK && status_check(&k.keep, &e) == COFFER_OK);
		run_sql(&k, bad[i].sql);
		CHECK(refused(&k, bad[i].what));
	}
}

/* What the map holds grows: no service goes back to where it held less. */
static void leaf_by_an_older_rule_than_the_one_before_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	struct journal again = { 0 };
	struct err e = { 0 };

	kit_open(&k);
	kit_deploy(&k);
	CHECK(journal_open(k.keep.store, k.keep.journal.mac_key, &again, &e) == COFFER_OK && again.tree.rule == LEAF_RULE);
	k.keep.journal.tree.rule = 1;
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
	CHECK(journal_open(k.keep.store, k.keep.journal.mac_key, &again, &e) == COFFER_E_DENIED && strstr(e.msg, "the leaf of entry"));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(statement_is_in_force_then_superseded_then_revoked), T(revocation_by_another_is_under_a_key_of_its_own),
		T(release_counts_a_use_in_its_own_entry), T(store_that_the_map_contradicts_is_refused), T(leaf_by_an_older_rule_than_the_one_before_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
