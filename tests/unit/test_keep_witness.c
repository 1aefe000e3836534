/* With witnesses in the genesis, no reply leaves before enough of them have signed a head that covers its entry. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/witnessed.h"
#include "tests/keepkit.h"
#include "tests/t.h"

static void deployed(struct kit *k, unsigned n, unsigned cosignatures)
{
	kit_open_witnessed(k, n, cosignatures);
	kit_deploy(k);
	CHECK(kit_begin(k) == COFFER_OK && kit_attest(k, (struct kit_evidence){ 0 }) == COFFER_OK);
}

static bool asked(struct kit *k, uint8_t ticket[static KEEP_TICKET_LEN])
{
	return kit_get(k, (struct kit_get){ 0 }) == COFFER_OK && kit_ticket(k, ticket);
}

/* How a reader finds the head. */
static enum coffer_rc head(struct kit *k, struct ledger_seen *out, struct err *e)
{
	struct genesis_policy policy;
	struct wr w = wr_open(64);

	wr_str(&w, "checkpoint");
	CHECK(kit_ask(k, KEEP_LEDGER, &w) == COFFER_OK && genesis_policy(k->keep.registry.genesis, &policy, e) == COFFER_OK);
	*e = (struct err){ 0 };
	return checkpoint_open(wr_span(&k->answer), &policy.p, out, e);
}

static uint64_t releases(struct kit *k)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "SELECT count(*) FROM entry WHERE type='release'");
	struct err e = { 0 };
	bool row = false;

	CHECK(q_row(&q, &row, &e) == COFFER_OK && row);
	return (uint64_t)q_col_i64(&q, 0);
}

static void reply_waits_for_enough_witnesses(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN], other[KEEP_TICKET_LEN] = { 1 };
	struct keep_round_rep round;
	struct ledger_seen seen;
	struct err e;

	deployed(&k, 3, 2);
	CHECK(asked(&k, ticket) && !kit_opens_to(&k, false, "good morning"));
	CHECK(kit_collect(&k, ticket) == COFFER_E_LIMIT && strstr(k.no.reason, "2 of the ledger's witnesses"));
	CHECK(head(&k, &seen, &e) == COFFER_E_DENIED && !strcmp(e.check, "ledger-witness"));
	CHECK(kit_round(&k, &round) == COFFER_OK && round.n == 3 && round.size == k.keep.journal.seq + 1 && round.missing == 7);
	CHECK(kit_witness(&k, 1) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_E_LIMIT && head(&k, &seen, &e) == COFFER_E_DENIED);
	CHECK(kit_witness(&k, 1) == COFFER_OK && kit_collect(&k, ticket) == COFFER_E_LIMIT); /* the same one does not count twice */
	CHECK(kit_witness(&k, 0) == COFFER_OK);
	CHECK(head(&k, &seen, &e) == COFFER_OK && seen.count == 2 && seen.by == 3 && seen.cp.head.size == k.keep.journal.seq + 1);
	CHECK(kit_collect(&k, other) == COFFER_E_NOTFOUND);
	CHECK(kit_collect(&k, ticket) == COFFER_OK && kit_opens_to(&k, false, "good morning"));
	CHECK(kit_collect(&k, ticket) == COFFER_E_NOTFOUND); /* once */
	CHECK(kit_round(&k, &round) == COFFER_OK && round.size == 0 && round.missing == 0);
}

/* The head before the entry is signed by all, and that helps nothing. */
static void only_a_head_that_covers_the_entry_counts(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN];
	struct keep_round_rep round;
	struct ledger_seen seen;
	struct err e;

	deployed(&k, 1, 1);
	CHECK(kit_round(&k, &round) == COFFER_OK && round.missing == 1 && kit_witness(&k, 0) == COFFER_OK);
	CHECK(asked(&k, ticket) && kit_collect(&k, ticket) == COFFER_E_LIMIT);
	CHECK(kit_witness(&k, 0) == COFFER_OK); /* of the round that is open still: the old head */
	CHECK(kit_collect(&k, ticket) == COFFER_E_LIMIT);
	CHECK(head(&k, &seen, &e) == COFFER_OK && seen.cp.head.size == k.keep.journal.seq); /* an older one, but with its witness */
	CHECK(kit_round(&k, &round) == COFFER_OK && round.size == k.keep.journal.seq + 1 && kit_collect(&k, ticket) == COFFER_E_LIMIT);
	CHECK(kit_witness(&k, 0) == COFFER_OK && kit_collect(&k, ticket) == COFFER_OK && kit_opens_to(&k, false, "good morning"));
}

static enum coffer_rc cosign(struct kit *k, uint8_t i, struct span lines)
{
	struct wr w = wr_open(KEEP_COSIGN_MAX + 64);

	keep_cosign_req_write(&w, &(struct keep_cosign_req){ i, lines });
	return kit_ask(k, KEEP_COSIGN, &w);
}

/* What a net that was broken into would hand to keep. */
static void nothing_but_the_witness_signature_counts(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(privkey_freep) struct privkey *own = NULL;
	CLEANUP(wr_close) struct wr forged = wr_open(1024), older = wr_open(1024), text = wr_open(1024), stranger = wr_open(4096), log = wr_open(1024);
	uint8_t ticket[KEEP_TICKET_LEN];
	struct keep_round_rep round;
	struct note_key named;
	struct checkpoint cp = { .origin = span_of("kit.example/log") };
	struct err e;

	deployed(&k, 2, 1);
	CHECK(cosign(&k, 0, span_of("x")) == COFFER_E_NOTFOUND); /* no round yet */
	CHECK(asked(&k, ticket) && kit_round(&k, &round) == COFFER_OK);
	tree_head(&k.keep.journal.tree, &cp.head);
	CHECK(checkpoint_write(&cp, &text, &e) == COFFER_OK && privkey_new(KEY_ED25519, &own, &e) == COFFER_OK);
	CHECK(note_key_new(span_of(k.witness[0].name.name), NOTE_COSIGNATURE, privkey_public(own), &named, &e) == COFFER_OK);
	CHECK(checkpoint_cosign(&(struct note_signer){ &named, own }, wr_span(&text), 1, &forged, &e) == COFFER_OK);
	CHECK(cosign(&k, 0, wr_span(&forged)) == COFFER_E_DENIED && !strcmp(k.no.check, "ledger-cosignature"));
	CHECK(cosign(&k, 0, span_of("")) == COFFER_E_DENIED && cosign(&k, 0, span_of("x\n")) == COFFER_E_INPUT && cosign(&k, 2, wr_span(&forged)) == COFFER_E_NOTFOUND);
	/* a witness's signature under another head, or in another's place */
	cp.head.size--;
	text.n = 0;
	CHECK(checkpoint_write(&cp, &text, &e) == COFFER_OK);
	CHECK(checkpoint_cosign(&(struct note_signer){ &k.witness[0].name, k.witness[0].key }, wr_span(&text), 1, &older, &e) == COFFER_OK);
	CHECK(cosign(&k, 0, wr_span(&older)) == COFFER_E_DENIED);
	cp.head.size++;
	text.n = 0;
	older.n = 0;
	CHECK(checkpoint_write(&cp, &text, &e) == COFFER_OK);
	CHECK(checkpoint_cosign(&(struct note_signer){ &k.witness[0].name, k.witness[0].key }, wr_span(&text), 1, &older, &e) == COFFER_OK);
	CHECK(cosign(&k, 1, wr_span(&older)) == COFFER_E_DENIED);
	CHECK(kit_collect(&k, ticket) == COFFER_E_LIMIT);
	/* strangers' lines beside it are passed over and not kept */
	wr_put(&stranger, wr_span(&forged));
	wr_put(&stranger, wr_span(&older));
	CHECK(cosign(&k, 0, wr_span(&stranger)) == COFFER_OK && kit_collect(&k, ticket) == COFFER_OK);
	wr_str(&log, "checkpoint");
	CHECK(kit_ask(&k, KEEP_LEDGER, &log) == COFFER_OK);
	log = (struct wr){ 0 };
	{
		struct note n;

		CHECK(note_parse(wr_span(&k.answer), &n, &e) == COFFER_OK && n.n_sigs == 2);
	}
}

static void witness_that_knows_better_is_asked_from_there(void)
{
	CLEANUP(kit_free) struct kit k;
	struct keep_round_rep round;
	struct wr w = wr_open(64);

	deployed(&k, 1, 1);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
	witnessed_free(k.keep.witnessed); /* as after a start: what witnesses have is forgotten */
	{
		struct err e = { 0 };

		CHECK(witnessed_new(&k.keep.registry.parties, &k.keep.witnessed, &e) == COFFER_OK);
	}
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_round(&k, &round) == COFFER_OK && round.size == 0);
	/* one that has more than we do: our store is old */
	keep_witness_req_write(&w, &(struct keep_witness_req){ 0, true, k.keep.journal.seq + 2 });
	CHECK(kit_ask(&k, KEEP_WITNESS, &w) == COFFER_E_DENIED && !strcmp(k.no.check, "ledger-rollback"));
}

/* The same witness, and a store that was put back and went on: what is asked of it does not continue what it signed. */
static void fork_gets_no_signature(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN];
	struct keep_round_rep round;

	deployed(&k, 1, 1);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	k.witness[0].log.head.root.b[0] ^= 1; /* it saw another history of this size */
	CHECK(asked(&k, ticket) && kit_round(&k, &round) == COFFER_OK);
	CHECK(kit_witness(&k, 0) == COFFER_E_DENIED && kit_collect(&k, ticket) == COFFER_E_LIMIT);
	k.witness[0].log.head.root.b[0] ^= 1;
	CHECK(kit_witness(&k, 0) == COFFER_OK && kit_collect(&k, ticket) == COFFER_OK);
}

static void asking_again_writes_nothing_anew(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t first[KEEP_TICKET_LEN], again[KEEP_TICKET_LEN];
	struct keep_round_rep round;

	kit_open_witnessed(&k, 1, 1);
	kit_deploy(&k);
	CHECK(kit_approve(&k, ",\"uses\":1", 2, k.approval_id) == COFFER_OK);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(asked(&k, first) && asked(&k, again) && !memcmp(first, again, sizeof(first)) && releases(&k) == 1); /* public: a test's */
	CHECK(kit_get(&k, (struct kit_get){ .bad_signature = true }) == COFFER_E_DENIED); /* judged, not waved through */
	CHECK(kit_get(&k, (struct kit_get){ .container = "logger" }) == COFFER_E_DENIED);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_collect(&k, first) == COFFER_OK && kit_opens_to(&k, false, "good morning") && releases(&k) == 1);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED && !strcmp(k.no.check, "R9")); /* its one use is used */
}

static void revocation_stops_what_waits(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN];
	struct keep_round_rep round;

	deployed(&k, 1, 1);
	CHECK(asked(&k, ticket));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_E_NOTFOUND);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED);
}

/* It may revoke the workload, which counts for its own assets alone: what waits of others leaves, and their use is not lost. */
static void stranger_stops_nothing_that_waits(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN], again[KEEP_TICKET_LEN];
	struct keep_round_rep round;

	kit_open_witnessed(&k, 1, 1);
	kit_deploy(&k);
	CHECK(kit_approve(&k, ",\"uses\":1", 2, k.approval_id) == COFFER_OK);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK && asked(&k, ticket));
	CHECK(kit_revoke(&k, KIT_STRANGER, k.workload_id) == COFFER_OK && kit_revoke(&k, KIT_STRANGER, k.release_id) == COFFER_OK);
	CHECK(asked(&k, again) && !memcmp(ticket, again, sizeof(ticket)) && releases(&k) == 1); /* public: a test's */
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_OK && kit_opens_to(&k, false, "good morning"));
}

/* Each of those whose word counts stops it: the owner (above), the provider of the code. */
static void provider_stops_what_waits_for_its_code(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN];
	struct keep_round_rep round;

	deployed(&k, 1, 1);
	CHECK(asked(&k, ticket) && kit_revoke(&k, KIT_ACME, k.release_id) == COFFER_OK);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_E_NOTFOUND);
}

/* Not only what takes back stops it: a word of any kind may follow another that allowed more; which it is is not looked into. */
static void statement_of_any_kind_stops_what_waits(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN];
	struct keep_round_rep round;

	deployed(&k, 1, 1);
	CHECK(asked(&k, ticket) && kit_release(&k, 3, 1, NULL) == COFFER_OK);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_E_NOTFOUND);
}

static void new_version_stops_what_waits_of_that_asset(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN], other[KEEP_TICKET_LEN];
	struct keep_round_rep round;

	deployed(&k, 1, 1);
	CHECK(asked(&k, ticket));
	CHECK(kit_get(&k, (struct kit_get){ .path = "acme/note/own" }) == COFFER_OK && kit_ticket(&k, other));
	CHECK(kit_put(&k, KIT_HOSPITAL, "good evening") == COFFER_OK);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_E_NOTFOUND && kit_collect(&k, other) == COFFER_OK);
	CHECK(asked(&k, ticket) && kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_OK && kit_opens_to(&k, false, "good evening"));
	CHECK(asked(&k, ticket) && kit_delete(&k, KIT_HOSPITAL) == COFFER_OK);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_E_NOTFOUND);
}

static void status_says_how_far_witnesses_have_come(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *want = NULL, *got = NULL;
	struct keep_round_rep round;
	struct wr w = wr_open(1);

	deployed(&k, 3, 2);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK && kit_witness(&k, 1) == COFFER_OK);
	CHECK(kit_ask(&k, KEEP_STATUS, &w) == COFFER_OK);
	want = str_fmt("\"witnessed\":{\"cosignatures\":2,\"signed\":%llu,\"witnesses\":3}", (unsigned long long)k.keep.journal.seq + 1);
	got = span_dup(wr_span(&k.answer));
	CHECK(want && got && strstr(got, want));
}

static void reply_does_not_wait_for_ever(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN];
	struct keep_round_rep round;

	deployed(&k, 1, 1);
	CHECK(asked(&k, ticket));
	k.now += HELD_S + 1;
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_E_NOTFOUND);
}

static void no_more_are_held_than_there_is_room_for(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t thumb[32] = { 0 }, statement[32] = { 0 }, ticket[KEEP_TICKET_LEN];
	struct asset_path path;
	struct err e = { 0 };

	deployed(&k, 1, 1);
	CHECK(asset_path_parse(span_of(KIT_PATH), &path, &e) == COFFER_OK);
	CHECK(witnessed_room(&k.keep, HELD_BYTES_MAX + 1, &e) == COFFER_E_LIMIT && witnessed_room(&k.keep, HELD_BYTES_MAX, &e) == COFFER_OK);
	for (unsigned i = 0; i < HELD_MAX; i++) {
		static const struct decide_in in = { .q.path.owner = "hospital" };
		const struct held_for f = { .thumb = thumb, .statement = statement, .path = &path, .in = &in };

		thumb[0] = (uint8_t)i;
		CHECK(witnessed_room(&k.keep, 1, &e) == COFFER_OK);
		witnessed_hold(&k.keep, &f, span_of("x"), ticket);
	}
	CHECK(witnessed_room(&k.keep, 1, &e) == COFFER_E_LIMIT);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && releases(&k) == 0); /* refused before anything is written */
	witnessed_drop(&k.keep, "acme");
	CHECK(witnessed_room(&k.keep, 1, &e) == COFFER_E_LIMIT);
	witnessed_drop(&k.keep, "hospital");
	CHECK(asked(&k, ticket) && releases(&k) == 1);
}

static void restarted(struct kit *k)
{
	struct err e = { 0 };

	witnessed_free(k->keep.witnessed);
	k->keep.witnessed = NULL;
	CHECK(witnessed_new(&k->keep.registry.parties, &k->keep.witnessed, &e) == COFFER_OK && witnessed_restore(&k->keep, &e) == COFFER_OK);
}

static void keep_note(struct kit *k, const char *sql)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, sql);
	struct err e = { 0 };

	CHECK(q_run(&q, &e) == COFFER_OK);
}

static void cosigned_head_is_there_after_a_restart(void)
{
	CLEANUP(kit_free) struct kit k;
	struct journal young;
	struct keep_round_rep round;
	struct ledger_seen seen;
	uint64_t size;
	struct err e;

	deployed(&k, 3, 2);
	young = k.keep.journal;
	restarted(&k);
	CHECK(head(&k, &seen, &e) == COFFER_E_DENIED); /* nothing was kept yet */
	CHECK(kit_revoke(&k, KIT_STRANGER, k.approval_id) != COFFER_OK && kit_restate(&k, NULL) == COFFER_OK);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK && kit_witness(&k, 2) == COFFER_OK);
	size = k.keep.journal.seq + 1;
	CHECK(head(&k, &seen, &e) == COFFER_OK && seen.cp.head.size == size);
	restarted(&k);
	CHECK(head(&k, &seen, &e) == COFFER_OK && seen.cp.head.size == size && seen.count == 2);
	CHECK(kit_round(&k, &round) == COFFER_OK && round.size == 0); /* and nobody need be asked */
	CHECK(kit_restate(&k, NULL) == COFFER_OK);
	restarted(&k);
	CHECK(head(&k, &seen, &e) == COFFER_OK && seen.cp.head.size == size); /* entries came since */
	CHECK(kit_round(&k, &round) == COFFER_OK && round.size == size + 1);
	k.keep.journal = young; /* a head of more entries than there are */
	restarted(&k);
	CHECK(head(&k, &seen, &e) == COFFER_E_DENIED);
}

static void kept_head_that_is_none_of_this_ledger_is_not_shown(void)
{
	CLEANUP(kit_free) struct kit k;
	struct keep_round_rep round;
	struct ledger_seen seen;
	struct err e;

	deployed(&k, 2, 2);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK && kit_witness(&k, 1) == COFFER_OK);
	keep_note(&k, "UPDATE node SET hash=zeroblob(32) WHERE level=0 AND place=1"); /* as many entries, one of them another */
	restarted(&k);
	CHECK(head(&k, &seen, &e) == COFFER_E_DENIED);
	kit_free(&k);
	deployed(&k, 2, 2);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK && kit_witness(&k, 1) == COFFER_OK);
	restarted(&k);
	CHECK(head(&k, &seen, &e) == COFFER_OK);
	keep_note(&k, "UPDATE meta SET value=substr(value, 1, length(value) - 20) WHERE name='cosigned.0'");
	restarted(&k);
	CHECK(head(&k, &seen, &e) == COFFER_E_DENIED && strcmp(e.check, "ledger-witness") == 0);
	keep_note(&k, "UPDATE meta SET value=zeroblob(20000) WHERE name='cosigned.0'");
	restarted(&k);
	CHECK(head(&k, &seen, &e) == COFFER_E_DENIED);
}

static void without_witnesses_nothing_waits(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN] = { 0 };
	struct keep_round_rep round;

	deployed(&k, 0, 0);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && !kit_ticket(&k, ticket) && kit_opens_to(&k, false, "good morning"));
	CHECK(kit_round(&k, &round) == COFFER_OK && round.n == 0 && round.size == 0);
	CHECK(kit_collect(&k, ticket) == COFFER_E_NOTFOUND);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(reply_waits_for_enough_witnesses), T(only_a_head_that_covers_the_entry_counts), T(nothing_but_the_witness_signature_counts),
		T(witness_that_knows_better_is_asked_from_there), T(fork_gets_no_signature), T(asking_again_writes_nothing_anew),
		T(revocation_stops_what_waits), T(stranger_stops_nothing_that_waits), T(provider_stops_what_waits_for_its_code), T(statement_of_any_kind_stops_what_waits), T(new_version_stops_what_waits_of_that_asset), T(status_says_how_far_witnesses_have_come), T(reply_does_not_wait_for_ever), T(no_more_are_held_than_there_is_room_for),
		T(cosigned_head_is_there_after_a_restart), T(kept_head_that_is_none_of_this_ledger_is_not_shown), T(without_witnesses_nothing_waits),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
