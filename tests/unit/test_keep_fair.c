/* No party makes another's releases or receipts fail by what it says: of itself, of one thing, of many things, or by whom it brings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/noise.h"
#include "cofferd/keep/room.h"
#include "fmt/enc.h"
#include "tests/lendkit.h"
#include "tests/receiptkit.h"
#include "tests/t.h"

#define HOUR 3600
#define DAY (24 * HOUR)
#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)

static void released(struct kit *k)
{
	kit_open_attested(k);
	CHECK(kit_get(k, (struct kit_get){ 0 }) == COFFER_OK);
}

static enum coffer_rc ask(struct kit *k)
{
	if (kit_begin(k) != COFFER_OK || kit_attest(k, (struct kit_evidence){ 0 }) != COFFER_OK)
		abort();
	return kit_get(k, (struct kit_get){ 0 });
}

/* Statements in the newest release's receipt, which replays; 0: it does not. */
static size_t told(struct kit *k)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct err e = { 0 };

	if (!receiptkit_replays(k, KIT_HOSPITAL))
		return 0;
	receiptkit_make(k, KIT_HOSPITAL, &text);
	return receipt_read(wr_span(&text), &r, &e) == COFFER_OK ? r.n : 0;
}

/* A party's statements of itself, in turn. */
struct self { struct kit *k; enum kit_party who; const char *name; uint64_t serial; uint8_t last[32]; };

static enum coffer_rc say_self(struct self *s, const struct privkey *const *by)
{
	CLEANUP(freep) char *body = kit_party_body(s->k, s->who);
	uint8_t id[32];
	enum coffer_rc rc = kit_log_by(s->k, &(struct kit_st){ .kind = ST_PARTY, .issuer = s->who, .also = s->who, .subject = s->name, .body = body,
	    .serial = s->serial + 1, .previous = s->serial ? s->last : NULL, .issuer_name = s->name, .issued = s->k->now - (int64_t)s->serial % 50 }, by, id);

	if (rc == COFFER_OK) {
		s->serial++;
		memcpy(s->last, id, sizeof(id));
	}
	return rc;
}

/* Its one key compromised. */
static enum coffer_rc name_key(struct kit *k, enum kit_party who, uint8_t id[static 32])
{
	CLEANUP(wr_close) struct wr name = wr_open(64);
	CLEANUP(freep) char *subject = NULL, *body = NULL;
	uint8_t thumb[32];

	pubkey_thumbprint(privkey_public(k->key[who]), thumb);
	b64url_write(&name, SPAN(thumb));
	subject = wr_take(&name, NULL);
	body = str_fmt("{\"from\":\"2026-01-01T00:00:00Z\",\"key\":\"%s\",\"reason\":\"stolen\"}", subject);
	return kit_log_by(k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = who, .also = who, .subject = subject, .digest = thumb, .body = body },
	    (const struct privkey *[]){ k->key[who], NULL }, id);
}

/* ---- what one says of itself ---- */

static void who_has_nothing_to_do_with_a_release_is_in_no_receipt(void)
{
	CLEANUP(kit_free) struct kit k;
	struct self s = { .k = &k, .who = KIT_STRANGER, .name = "stranger" };
	const struct privkey *by[3] = { NULL };
	size_t before;

	released(&k);
	before = told(&k);
	by[0] = k.key[KIT_STRANGER];
	by[1] = k.key[KIT_ACME];
	for (unsigned i = 0; i < 30; i++)
		CHECK(say_self(&s, by) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && before > 0 && told(&k) == before);
}

/* By its own key, then no more for a time; its recovery quorum, when a thief said all that, still. */
static void party_states_itself_anew_so_often_and_its_quorum_more(void)
{
	CLEANUP(kit_free) struct kit k;
	struct self s = { .k = &k, .who = KIT_HOSPITAL, .name = "hospital" };
	const struct privkey *by[3] = { NULL }, *quorum[3] = { NULL };

	kit_open(&k);
	by[0] = k.key[KIT_HOSPITAL];
	by[1] = k.key[KIT_ACME];
	quorum[0] = k.recovery[KIT_HOSPITAL];
	for (unsigned i = 0; i < ROOM_SELF; i++)
		CHECK(say_self(&s, by) == COFFER_OK);
	CHECK(say_self(&s, by) == COFFER_E_LIMIT && strstr(k.no.reason, "of itself") && strstr(k.no.reason, "next is taken at 2026-11-07T"));
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK); /* nobody else waits for that */
	for (unsigned i = 0; i < ROOM_SELF; i++)
		CHECK(say_self(&s, quorum) == COFFER_OK);
	CHECK(say_self(&s, quorum) == COFFER_E_LIMIT);
	k.now += ROOM_EVERY;
	CHECK(say_self(&s, by) == COFFER_OK && say_self(&s, by) == COFFER_E_LIMIT);
}

/* Who has the key for months before that is named, and says one word whenever the next is taken, leaves the quorum all of its own room; and the quorum the party its. */
static void thief_uses_up_nothing_of_the_quorums_room(void)
{
	CLEANUP(kit_free) struct kit k;
	struct self s = { .k = &k, .who = KIT_HOSPITAL, .name = "hospital" };
	const struct privkey *by[3] = { NULL }, *quorum[2] = { NULL };

	kit_open(&k);
	by[0] = k.key[KIT_HOSPITAL];
	by[1] = k.key[KIT_ACME];
	quorum[0] = k.recovery[KIT_HOSPITAL];
	CHECK(say_self(&s, by) == COFFER_OK);
	for (unsigned i = 0; i < ROOM_SELF; i++)
		CHECK(say_self(&s, quorum) == COFFER_OK);
	CHECK(say_self(&s, quorum) == COFFER_E_LIMIT && strstr(k.no.reason, "the recovery quorum of hospital"));
	for (unsigned i = 1; i < ROOM_SELF; i++)
		CHECK(say_self(&s, by) == COFFER_OK);
	CHECK(say_self(&s, by) == COFFER_E_LIMIT);
	for (unsigned i = 0; i < ROOM_SELF; i++) { /* not the quorum's either, whose next is taken all the same */
		k.now += ROOM_EVERY;
		CHECK(say_self(&s, by) == COFFER_OK && say_self(&s, by) == COFFER_E_LIMIT);
		if (i == 0)
			CHECK(say_self(&s, quorum) == COFFER_OK && say_self(&s, quorum) == COFFER_E_LIMIT);
	}
}

struct duo { struct kit *k; struct party p; uint64_t serial; uint8_t last[32]; };

static enum coffer_rc say_duo(struct duo *d, const struct privkey *by, const struct privkey *also)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	CLEANUP(freep) char *text = NULL;
	struct json_wr j = jw_open(&w, false);
	uint8_t id[32];
	enum coffer_rc rc;

	party_write(&d->p, &j);
	text = wr_take(&w, NULL);
	rc = kit_log_by(d->k, &(struct kit_st){ .kind = ST_PARTY, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "hospital", .body = text, .issuer_name = "hospital",
	    .serial = d->serial + 1, .previous = d->serial ? d->last : NULL, .issued = d->k->now - (int64_t)d->serial % 50 }, (const struct privkey *[]){ by, also, NULL }, id);
	if (rc == COFFER_OK) {
		d->serial++;
		memcpy(d->last, id, sizeof(id));
	}
	return rc;
}

/* A founder, of whom others' number is not; with so many recovery keys, of which one suffices: the one that it had said so, its first word. */
static void duo_open(struct kit *k, size_t n, struct duo *d)
{
	kit_open(k);
	*d = (struct duo){ .k = k, .p = { .id = "hospital", .personas = PERSONA_OWNER, .n_keys = 1, .hold_hours = 72, .n_recovery = n, .quorum = 1 } };
	d->p.keys[0] = *privkey_public(k->key[KIT_HOSPITAL]);
	d->p.recovery[0] = *privkey_public(k->recovery[KIT_ACME]);
	d->p.recovery[1] = *privkey_public(k->recovery[KIT_HOSPITAL]);
	CHECK(say_duo(d, k->recovery[KIT_HOSPITAL], NULL) == COFFER_OK);
}

/* Who stole one of two has half of the room, and the other the other half. */
static void recovery_key_uses_up_its_part_alone(void)
{
	static const enum kit_party whose[] = { KIT_ACME, KIT_HOSPITAL };
	CLEANUP(kit_free) struct kit k;
	struct duo d;

	duo_open(&k, 2, &d);
	for (size_t w = 0; w < 2; w++) {
		for (size_t i = w; i < ROOM_SELF / 2; i++)
			CHECK(say_duo(&d, k.recovery[whose[w]], NULL) == COFFER_OK);
		CHECK(say_duo(&d, k.recovery[whose[w]], NULL) == COFFER_E_LIMIT && strstr(k.no.reason, "used up their part"));
	}
}

/* Or a party that fills receipts would take other ones whenever it has no more. */
static void recovery_keys_of_another_set_bring_no_room(void)
{
	CLEANUP(kit_free) struct kit k;
	struct duo d;

	duo_open(&k, 1, &d);
	for (unsigned i = 2; i < ROOM_SELF; i++)
		CHECK(say_duo(&d, k.recovery[KIT_ACME], NULL) == COFFER_OK);
	d.p.recovery[0] = d.p.recovery[1];
	CHECK(say_duo(&d, k.recovery[KIT_ACME], NULL) == COFFER_OK && say_duo(&d, k.recovery[KIT_HOSPITAL], NULL) == COFFER_E_LIMIT);
	k.now += ROOM_EVERY;
	CHECK(say_duo(&d, k.recovery[KIT_HOSPITAL], NULL) == COFFER_OK && say_duo(&d, k.recovery[KIT_HOSPITAL], NULL) == COFFER_E_LIMIT);
}

/* Who introduced one that counts is in the receipt, with the keys that it had by then; who introduced nobody of these is not. */
static void keys_of_introducers_are_told(void)
{
	static const char body[] = "{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":2,\"k\":1,\"of\":[\"hospital\",\"stranger\"],"
	                           "\"least-action\":\"stop\",\"policy\":{\"rego\":\"package policy\\nallow := true\"}}";
	CLEANUP(kit_free) struct kit k;
	struct self middle = { .k = &k, .who = KIT_STRANGER, .name = "middle" }, stranger = { .k = &k, .who = KIT_STRANGER, .name = "stranger" };
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	CLEANUP(freep) char *text = NULL;
	struct party p = { .id = "middle", .personas = PERSONA_AUDITOR, .n_keys = 1, .hold_hours = 0 };
	struct privkey *old = NULL, *new = NULL;
	struct json_wr j = jw_open(&w, false);
	struct err e = { 0 };
	uint8_t id[32];
	size_t before;

	released(&k);
	before = told(&k);
	CHECK(privkey_new(KEY_ED25519, &old, &e) == COFFER_OK && privkey_new(KEY_ED25519, &new, &e) == COFFER_OK);
	p.keys[0] = *privkey_public(old);
	party_write(&p, &j);
	text = wr_take(&w, NULL);
	struct kit_st st = { .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = "middle", .body = text, .issuer_name = "middle" };
	CHECK(kit_log_by(&k, &st, (const struct privkey *[]){ old, k.key[KIT_ACME], NULL }, middle.last) == COFFER_OK);
	free(text);
	w = wr_open(1u << 14);
	j = jw_open(&w, false);
	p.keys[0] = *privkey_public(new);
	party_write(&p, &j);
	st.body = text = wr_take(&w, NULL);
	st.serial = 2;
	st.previous = middle.last;
	CHECK(kit_log_by(&k, &st, (const struct privkey *[]){ old, new, NULL }, id) == COFFER_OK);
	CHECK(say_self(&stranger, (const struct privkey *[]){ k.key[KIT_STRANGER], new, NULL }) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && told(&k) == before);
	k.bend = (struct kit_bend){ .body = body, .shared = true };
	CHECK(kit_put(&k, KIT_HOSPITAL, "good morning") == COFFER_OK);
	k.bend = (struct kit_bend){ 0 };
	CHECK(ask(&k) == COFFER_OK && told(&k) == before + 4); /* stranger, both that middle said, and what was said of the asset before */
	privkey_free(old);
	privkey_free(new);
}

/* A store of before this was refused: the signature is there, and its party's life in nobody's receipt. */
static void add_signature(struct kit *k, const uint8_t id[static 32], const struct privkey *key)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "UPDATE statement SET sigs = CAST(sigs || ? || ? AS BLOB) WHERE id=?");
	struct err e = { 0 };

	CHECK(registry_envelope(&k->keep.registry, id, &env, &e) == COFFER_OK && dsse_sign(&env, key, &e) == COFFER_OK);
	q_blob(&q, SPAN(env.sigs[env.n_sigs - 1].keyid));
	q_blob(&q, SPAN(env.sigs[env.n_sigs - 1].sig));
	q_blob(&q, (struct span){ id, 32 });
	CHECK(q_run(&q, &e) == COFFER_OK);
}

static void signature_that_counted_for_nothing_is_in_no_receipt(void)
{
	CLEANUP(kit_free) struct kit k;
	struct self s = { .k = &k, .who = KIT_STRANGER, .name = "stranger" };
	struct registry again = { 0 };
	struct err e = { 0 };
	size_t before;

	released(&k);
	for (unsigned i = 0; i < 30; i++)
		CHECK(say_self(&s, (const struct privkey *[]){ k.key[KIT_STRANGER], k.key[KIT_ACME], NULL }) == COFFER_OK);
	before = told(&k);
	add_signature(&k, k.approval_id, k.key[KIT_STRANGER]);
	add_signature(&k, k.release_id, k.key[KIT_STRANGER]);
	add_signature(&k, k.workload_id, k.recovery[KIT_STRANGER]);
	add_signature(&k, k.asset_id, k.key[KIT_STRANGER]);
	CHECK(before > 0 && told(&k) == before);
	CHECK(registry_open(k.keep.store, k.keep.registry.genesis, &again, &e) == COFFER_OK); /* and the service starts */
	registry_clear(&again);
}

/* Of an introducer what made its keys what they were: which of these it named compromised since bears on nothing. */
static void introducers_words_on_their_keys_are_not_told(void)
{
	CLEANUP(kit_free) struct kit k;
	struct self hospital = { .k = &k, .who = KIT_HOSPITAL, .name = "hospital" }, stranger = { .k = &k, .who = KIT_STRANGER, .name = "stranger" };
	size_t before;
	uint8_t id[32];

	released(&k);
	before = told(&k);
	CHECK(say_self(&stranger, (const struct privkey *[]){ k.key[KIT_STRANGER], k.key[KIT_ACME], NULL }) == COFFER_OK);
	CHECK(say_self(&hospital, (const struct privkey *[]){ k.key[KIT_HOSPITAL], k.key[KIT_STRANGER], NULL }) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && told(&k) == before + 2);
	CHECK(name_key(&k, KIT_STRANGER, id) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && told(&k) == before + 2);
	CHECK(DENIED(say_self(&stranger, (const struct privkey *[]){ k.key[KIT_STRANGER], k.key[KIT_ACME], NULL }), k, "signature")); /* that key is dead */
}

/* ---- what one says of one thing ---- */

static enum coffer_rc lift(struct kit *k, const uint8_t pause[static 32], const struct privkey *by)
{
	CLEANUP(freep) char *body = NULL;
	char hex[HEX32_LEN];
	uint8_t id[32];

	hex32(pause, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"test\"}", hex);
	return kit_log_by(k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = pause, .body = body },
	    (const struct privkey *[]){ by, NULL }, id);
}

struct pauses { struct kit *k; uint64_t serial; uint8_t last[32]; };

static enum coffer_rc pause_by(struct pauses *p, const struct privkey *by, int64_t seconds)
{
	CLEANUP(freep) char *body = NULL;
	char hex[HEX32_LEN];
	uint8_t id[32];
	enum coffer_rc rc;

	hex32(p->k->workload_id, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"test\"}", hex);
	rc = kit_log_by(p->k, &(struct kit_st){ .kind = ST_PAUSE, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = p->k->workload_id,
	    .body = body, .serial = p->serial + 1, .previous = p->serial ? p->last : NULL, .expires = p->k->now + seconds }, (const struct privkey *[]){ by, NULL }, id);
	if (rc == COFFER_OK) {
		p->serial++;
		memcpy(p->last, id, sizeof(id));
	}
	return rc;
}

/* An owner, or a thief with its key, pauses and resumes a workload without end. */
static void pausing_and_resuming_ends_before_receipts_do(void)
{
	CLEANUP(kit_free) struct kit k;
	struct pauses p = { .k = &k };
	const struct privkey *key, *quorum;

	released(&k);
	key = k.key[KIT_HOSPITAL];
	quorum = k.recovery[KIT_HOSPITAL];
	for (unsigned i = 0; i < ROOM_PAUSES / 2; i++) {
		CHECK(pause_by(&p, key, HOUR) == COFFER_OK && lift(&k, p.last, key) == COFFER_OK);
		k.now++;
	}
	CHECK(pause_by(&p, key, HOUR) == COFFER_E_LIMIT && strstr(k.no.reason, "its revocation at any time"));
	CHECK(ask(&k) == COFFER_OK && told(&k) > ROOM_PAUSES);
	CHECK(pause_by(&p, quorum, 6 * DAY) == COFFER_OK && DENIED(ask(&k), k, "R11")); /* whoever used it up */
	CHECK(lift(&k, p.last, key) == COFFER_E_LIMIT && lift(&k, p.last, quorum) == COFFER_OK);
	k.now += ROOM_EVERY;
	CHECK(pause_by(&p, key, HOUR) == COFFER_OK && pause_by(&p, key, 2 * HOUR) == COFFER_E_LIMIT);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.workload_id) == COFFER_OK); /* for good, and never for want of room */
}

/* A workload that a thief pauses and resumes for weeks is paused by the quorum at once, as often as it has room. */
static void thief_of_weeks_keeps_no_quorum_from_its_pauses(void)
{
	CLEANUP(kit_free) struct kit k;
	struct pauses p = { .k = &k };
	const struct privkey *key, *quorum;

	kit_open_deployed(&k);
	key = k.key[KIT_HOSPITAL];
	quorum = k.recovery[KIT_HOSPITAL];
	for (unsigned i = 0; i < ROOM_PAUSES; i++)
		CHECK(pause_by(&p, key, HOUR + i) == COFFER_OK);
	for (unsigned i = 0; i < ROOM_PAUSES; i++) {
		k.now += ROOM_EVERY;
		CHECK(pause_by(&p, key, HOUR + i) == COFFER_OK && pause_by(&p, key, 2 * HOUR + i) == COFFER_E_LIMIT);
	}
	for (unsigned i = 0; i < ROOM_PAUSES; i++)
		CHECK(pause_by(&p, quorum, 3 * HOUR + i) == COFFER_OK);
	CHECK(pause_by(&p, quorum, 4 * HOUR) == COFFER_E_LIMIT && strstr(k.no.reason, "its revocation at any time"));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.workload_id) == COFFER_OK);
}

static void minima_of_one_platform_end_too(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32], last[32];

	released(&k);
	for (unsigned i = 0; i <= ROOM_MINIMA; i++) {
		CLEANUP(freep) char *body = str_fmt("{\"platform\":\"snp\",\"minimum\":[{\"product\":\"milan\",\"svns\":{\"snp\":%u}}]}", i);
		enum coffer_rc rc = kit_log(&k, &(struct kit_st){ .kind = ST_TCB, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "snp", .body = body,
		    .serial = i + 1, .previous = i ? last : NULL }, id);

		CHECK(rc == (i < ROOM_MINIMA ? COFFER_OK : COFFER_E_LIMIT));
		memcpy(last, id, sizeof(id));
	}
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_TCB, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "tdx",
	    .body = "{\"platform\":\"tdx\",\"minimum\":[{\"product\":\"\",\"svns\":{\"tcb00\":1}}]}" }, id) == COFFER_OK);
}

static uint64_t entries(struct kit *k)
{
	return journal_entries(&k->keep.journal);
}

/* The word that stands answers for the one that adds nothing to it. */
static void same_revocation_twice_is_one_entry(void)
{
	CLEANUP(kit_free) struct kit k;
	struct keep_logged_rep first, again;
	char hex[HEX32_LEN];
	CLEANUP(freep) char *body = NULL, *other = NULL;
	struct err e = { 0 };
	uint8_t id[32];
	uint64_t n;

	released(&k);
	hex32(k.workload_id, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"test\"}", hex);
	struct kit_st st = { .kind = ST_REVOCATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = k.workload_id, .body = body };
	CHECK(kit_log(&k, &st, id) == COFFER_OK && keep_logged_rep_read(wr_span(&k.answer), &first, &e) == COFFER_OK);
	n = entries(&k);
	st.serial = 2;
	st.previous = first.id;
	st.body = other = str_fmt("{\"statement\":\"%s\",\"reason\":\"and again\"}", hex);
	CHECK(kit_log(&k, &st, id) == COFFER_OK && keep_logged_rep_read(wr_span(&k.answer), &again, &e) == COFFER_OK);
	CHECK(entries(&k) == n && again.seq == first.seq && memcmp(again.id, first.id, 32) == 0 && memcmp(again.entry, first.entry, 32) == 0);
	st.issuer = st.also = KIT_ACME; /* its issuer's word is another, and its first */
	st.serial = 1;
	st.previous = NULL;
	CHECK(kit_log(&k, &st, id) == COFFER_OK && entries(&k) == n + 1);
}

/* Of a key of images: one from a later time on adds nothing, one from an earlier time does, so often; one wholly is taken at any time. */
static void revocation_of_a_key_of_images_is_taken_further_back(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32], last[32];
	int64_t from;
	uint64_t n;

	released(&k);
	k.now += HOUR;
	from = k.now - 60;
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, from, 0, NULL }, last) == COFFER_OK);
	n = entries(&k);
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, from + 1, 2, last }, id) == COFFER_OK && entries(&k) == n);
	for (unsigned i = 1; i < ROOM_PAUSES; i++) {
		CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, from - i, i + 1, last }, id) == COFFER_OK && entries(&k) == n + i);
		memcpy(last, id, sizeof(last));
	}
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, from - HOUR, ROOM_PAUSES + 1, last }, id) == COFFER_E_LIMIT);
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, 0, ROOM_PAUSES + 1, last }, id) == COFFER_OK && entries(&k) == n + ROOM_PAUSES);
	CHECK(DENIED(ask(&k), k, "R11"));
}

/* Of a pause, that ends when it does; one that was lifted answers for none. */
static void pause_that_was_lifted_answers_for_none(void)
{
	CLEANUP(kit_free) struct kit k;
	struct pauses p = { .k = &k };
	uint8_t first[32];
	uint64_t n;

	released(&k);
	CHECK(pause_by(&p, k.key[KIT_HOSPITAL], HOUR) == COFFER_OK);
	memcpy(first, p.last, sizeof(first));
	n = entries(&k);
	k.now++;
	CHECK(pause_by(&p, k.key[KIT_HOSPITAL], HOUR - 1) == COFFER_OK && entries(&k) == n);
	CHECK(lift(&k, first, k.key[KIT_HOSPITAL]) == COFFER_OK);
	p.serial = 1;
	memcpy(p.last, first, sizeof(first));
	k.now++;
	CHECK(pause_by(&p, k.key[KIT_HOSPITAL], HOUR - 2) == COFFER_OK && entries(&k) == n + 2);
	CHECK(DENIED(ask(&k), k, "R11"));
}

/* What a stolen key alone revoked may be lifted: the owner's own word for it is entered. */
static void revocation_by_a_stolen_key_answers_for_none(void)
{
	CLEANUP(kit_free) struct kit k;
	struct privkey *fresh = NULL, *was;
	const struct privkey *quorum[2] = { NULL };
	char hex[HEX32_LEN];
	CLEANUP(freep) char *body = NULL;
	struct err e = { 0 };
	uint8_t id[32], by_thief[32];
	uint64_t n;

	released(&k);
	CHECK(privkey_new(KEY_ED25519, &fresh, &e) == COFFER_OK);
	quorum[0] = k.recovery[KIT_HOSPITAL];
	hex32(k.workload_id, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"test\"}", hex);
	struct kit_st st = { .kind = ST_REVOCATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = k.workload_id, .body = body };
	CHECK(kit_log(&k, &st, by_thief) == COFFER_OK);
	k.now += HOUR;
	CHECK(kit_rotate(&k, fresh) == COFFER_OK);
	was = k.key[KIT_HOSPITAL];
	k.key[KIT_HOSPITAL] = fresh;
	CHECK(kit_compromise(&k, &(struct kit_stolen){ was, k.now - 2 * HOUR, quorum, 0, NULL }, id) == COFFER_OK);
	n = entries(&k);
	st.serial = 2;
	st.previous = by_thief;
	CHECK(kit_log(&k, &st, id) == COFFER_OK && entries(&k) == n + 1);
	privkey_free(was);
}

/* ---- what one says of many things ---- */

/* An owner under attack revokes ten thousand chips and its minima at once; nobody fills the disk that way for ever, nor uses up its victim's quorum. */
static void much_is_held_back_at_once_and_then_at_a_pace(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];
	int64_t wait = 0;
	unsigned n = 0;

	kit_open_deployed(&k);
	while (n <= KEEP_BACK_AT_ONCE && noise_may_hold_back(&k.keep, "hospital", false, &wait))
		n++;
	CHECK(n == KEEP_BACK_AT_ONCE && n >= 10000 && wait == 2);
	k.keep.now = k.now;
	CHECK(kit_revoke_thing(&k, KIT_HOSPITAL, "chip:snp:01", id) == COFFER_E_LIMIT && strstr(k.no.reason, "is taken in"));
	CHECK(kit_revoke_thing(&k, KIT_ACME, "chip:snp:01", id) == COFFER_OK);
	CHECK(noise_may_hold_back(&k.keep, "hospital", true, &wait));
	k.now += HOUR;
	CHECK(kit_revoke_thing(&k, KIT_HOSPITAL, "chip:snp:01", id) == COFFER_OK);
	for (n = 1; noise_may_hold_back(&k.keep, "hospital", false, &wait); n++)
		;
	CHECK(n == HOUR * 1000 / KEEP_BACK_MS);
}

static void long_revocation_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(dsse_clear) struct dsse good = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open(1u << 16);
	struct keep_statement_req m = { 0 };
	struct wr w = wr_open(KEEP_FRAME_MAX);
	char hex[HEX32_LEN];
	CLEANUP(freep) char *body = NULL;
	struct err e = { 0 };
	uint8_t id[32];

	kit_open_deployed(&k);
	hex32(k.asset_id, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"test\"}", hex);
	kit_statement(&k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = k.asset_id, .body = body }, &good, id);
	wr_put(&text, wr_span(&good.payload));
	while (text.n <= ROOM_BACK_MAX)
		wr_u8(&text, ' ');
	CHECK(dsse_new(wr_span(&text), &m.statement, &e) == COFFER_OK && dsse_sign(&m.statement, k.key[KIT_HOSPITAL], &e) == COFFER_OK);
	keep_statement_req_write(&w, &m);
	CHECK(kit_ask(&k, KEEP_STATEMENT, &w) == COFFER_E_LIMIT);
	dsse_clear(&m.statement);
}

/* What it recovers by may be what another signs with: its quorum's word is the same. */
static void recovery_key_that_is_anothers_signing_key_is_shown(void)
{
	CLEANUP(kit_free) struct kit k;
	struct party b = { .id = "hospital", .personas = PERSONA_OWNER, .n_keys = 1, .n_recovery = 1, .quorum = 1, .hold_hours = 72 };
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	CLEANUP(freep) char *body = NULL;
	struct pauses p = { .k = &k };
	struct json_wr j = jw_open(&w, false);
	size_t before;
	uint8_t id[32];

	released(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	before = told(&k);
	b.keys[0] = *privkey_public(k.key[KIT_HOSPITAL]);
	b.recovery[0] = *privkey_public(k.key[KIT_STRANGER]);
	party_write(&b, &j);
	body = wr_take(&w, NULL);
	CHECK(kit_log_by(&k, &(struct kit_st){ .kind = ST_PARTY, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "hospital", .body = body },
	    (const struct privkey *[]){ k.recovery[KIT_HOSPITAL], NULL }, id) == COFFER_OK);
	CHECK(pause_by(&p, k.key[KIT_STRANGER], HOUR) == COFFER_OK && lift(&k, p.last, k.key[KIT_STRANGER]) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && before > 0 && told(&k) == before + 3); /* and not what the stranger says of itself */
}

/* ---- whom one brings ---- */

static enum coffer_rc bring(struct kit *k, unsigned n, struct privkey *key, const struct privkey *introducer)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	CLEANUP(freep) char *body = NULL;
	struct party p = { .personas = PERSONA_AUDITOR, .n_keys = 1 };
	struct json_wr j = jw_open(&w, false);
	uint8_t id[32];

	(void)snprintf(p.id, sizeof(p.id), "made-up-%u", n);
	p.keys[0] = *privkey_public(key);
	party_write(&p, &j);
	body = wr_take(&w, NULL);
	return kit_log_by(k, &(struct kit_st){ .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = p.id, .body = body, .issuer_name = p.id },
	    (const struct privkey *[]){ key, introducer, NULL }, id);
}

/* Itself, and by those that it made up, each by the one before. */
static void made_up_parties_leave_room_for_others(void)
{
	CLEANUP(kit_free) struct kit k;
	struct privkey *key[PARTIES_MAX] = { NULL };
	struct err e = { 0 };
	size_t n = 0, share;

	kit_open(&k);
	for (size_t i = 0; i < PARTIES_MAX; i++)
		CHECK(privkey_new(KEY_ED25519, &key[i], &e) == COFFER_OK);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	while (n < PARTIES_MAX && bring(&k, (unsigned)n, key[n], n % 2 ? key[n - 1] : k.key[KIT_STRANGER]) == COFFER_OK)
		n++;
	CHECK(n == PARTIES_BROUGHT_MAX && strstr(k.no.reason, "stranger") && strstr(k.no.reason, "share"));
	CHECK(bring(&k, (unsigned)n, key[n], key[0]) == COFFER_E_LIMIT && strstr(k.no.reason, "stranger")); /* who brought one alone */
	share = parties_share(&k.keep.registry.parties, true);
	CHECK(share == (PARTIES_MAX - 2) / 2);
	while (n < PARTIES_MAX && bring(&k, (unsigned)n, key[n], k.key[KIT_ACME]) == COFFER_OK)
		n++;
	CHECK(n + 1 == share && k.keep.registry.parties.n == share + 2); /* stranger is of acme's too */
	CHECK(bring(&k, (unsigned)n, key[n], k.key[KIT_HOSPITAL]) == COFFER_OK);
	for (size_t i = 0; i < PARTIES_MAX; i++)
		privkey_free(key[i]);
}

/* A party that another made up; either of its recovery keys recovers it, where it has two. */
struct made_up { struct kit *k; struct privkey *key, *recovery, *other; char name[16]; uint64_t serial; uint8_t last[32]; };

static enum coffer_rc says(struct made_up *m, const struct privkey *by, const struct privkey *introducer)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	CLEANUP(freep) char *body = NULL;
	struct party p = { .personas = PERSONA_AUDITOR, .n_keys = 1, .n_recovery = 1, .quorum = 1 };
	struct json_wr j = jw_open(&w, false);
	enum coffer_rc rc;
	uint8_t id[32];

	(void)snprintf(p.id, sizeof(p.id), "%s", m->name);
	p.keys[0] = *privkey_public(m->key);
	p.recovery[0] = *privkey_public(m->recovery);
	if (m->other)
		p.recovery[p.n_recovery++] = *privkey_public(m->other);
	party_write(&p, &j);
	body = wr_take(&w, NULL);
	rc = kit_log_by(m->k, &(struct kit_st){ .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = m->name, .body = body, .issuer_name = m->name,
	    .serial = m->serial + 1, .previous = m->serial ? m->last : NULL, .issued = m->k->now - (int64_t)m->serial }, (const struct privkey *[]){ by, introducer, NULL }, id);
	if (rc == COFFER_OK) {
		m->serial++;
		memcpy(m->last, id, sizeof(id));
	}
	return rc;
}

/* So often as it is taken, each time countersigned by another of them. */
static size_t say_all(struct made_up *m, size_t n, bool quorum)
{
	size_t said = 0;

	for (size_t i = 0; i < n; i++)
		while (says(&m[i], quorum ? m[i].recovery : m[i].key, quorum ? NULL : m[(i + 1) % n].key) == COFFER_OK)
			said++;
	return said;
}

#define MADE_UP 20
static void made_up_parties_fill_no_receipt(void)
{
	CLEANUP(kit_free) struct kit k;
	struct made_up m[MADE_UP] = { { .k = NULL } };
	struct self acme = { .k = &k, .who = KIT_ACME, .name = "acme" }, stranger = { .k = &k, .who = KIT_STRANGER, .name = "stranger" }, hospital = { .k = &k, .who = KIT_HOSPITAL, .name = "hospital" };
	struct err e = { 0 };
	size_t before, others;
	uint8_t id[32];

	released(&k);
	before = told(&k);
	for (size_t i = 0; i < MADE_UP; i++) {
		m[i].k = &k;
		(void)snprintf(m[i].name, sizeof(m[i].name), "made-up-%zu", i);
		CHECK(privkey_new(KEY_ED25519, &m[i].key, &e) == COFFER_OK && privkey_new(KEY_ED25519, &m[i].recovery, &e) == COFFER_OK);
		CHECK(says(&m[i], m[i].key, k.key[KIT_ACME]) == COFFER_OK);
	}
	CHECK(say_self(&stranger, (const struct privkey *[]){ k.key[KIT_STRANGER], k.key[KIT_ACME], NULL }) == COFFER_OK);
	CHECK(say_all(m, MADE_UP, false) < ROOM_BROUGHT + MADE_UP * ROOM_BROUGHT_SELF && strstr(k.no.reason, "acme brought") && strstr(k.no.reason, "2026-12-04T"));
	CHECK(say_all(m, MADE_UP, true) == ROOM_BROUGHT + (MADE_UP - 1) * ROOM_BROUGHT_QUORUM && say_all(m, MADE_UP, false) == 0); /* the first has no more than it would alone */
	for (unsigned i = 1; i < ROOM_BROUGHT_SELF; i++) /* whoever else came by acme has its own */
		CHECK(say_self(&stranger, (const struct privkey *[]){ k.key[KIT_STRANGER], k.key[KIT_HOSPITAL], NULL }) == COFFER_OK);
	CHECK(say_self(&stranger, (const struct privkey *[]){ k.key[KIT_STRANGER], k.key[KIT_HOSPITAL], NULL }) == COFFER_E_LIMIT);
	CHECK(say_self(&stranger, (const struct privkey *[]){ k.recovery[KIT_STRANGER], NULL }) == COFFER_OK);
	CHECK(name_key(&k, KIT_STRANGER, id) == COFFER_OK);
	CHECK(say_self(&hospital, (const struct privkey *[]){ k.key[KIT_HOSPITAL], k.key[KIT_ACME], NULL }) == COFFER_OK); /* the other founder has not come by it */
	others = told(&k);
	for (size_t i = 0; i < MADE_UP; i++) /* all of them in acme's own life, and so in each receipt of its workloads */
		CHECK(say_self(&acme, (const struct privkey *[]){ k.key[KIT_ACME], m[i].key, NULL }) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && before > 0 && others == before && told(&k) > before + MADE_UP && told(&k) < RECEIPT_STATEMENTS_MAX / 4);
	k.now += 30 * DAY;
	CHECK(say_all(m, MADE_UP, false) == MADE_UP && say_all(m, MADE_UP, true) == MADE_UP);
	for (size_t i = 0; i < MADE_UP; i++) {
		privkey_free(m[i].key);
		privkey_free(m[i].recovery);
	}
}

static void made_up_open(struct made_up *m, struct kit *k, const char *name)
{
	struct err e = { 0 };

	*m = (struct made_up){ .k = k };
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	CHECK(privkey_new(KEY_ED25519, &m->key, &e) == COFFER_OK && privkey_new(KEY_ED25519, &m->recovery, &e) == COFFER_OK && privkey_new(KEY_ED25519, &m->other, &e) == COFFER_OK);
	CHECK(says(m, m->key, k->key[KIT_ACME]) == COFFER_OK);
}

static void made_up_close(struct made_up *m)
{
	privkey_free(m->key);
	privkey_free(m->recovery);
	privkey_free(m->other);
}

/* Of those whom a founder brought, one uses up all that they may say together with their keys, then all that their quorums may: the quorum of another has a number of its own
 * for that long, and then each of its keys its part, whatever the other key said before or after. */
static void recovery_key_of_a_newcomer_uses_up_its_part_alone(void)
{
	CLEANUP(kit_free) struct kit k;
	struct made_up loud, one, two;
	struct privkey *spare;
	struct err e = { 0 };

	kit_open(&k);
	made_up_open(&loud, &k, "loud");
	made_up_open(&one, &k, "one");
	made_up_open(&two, &k, "two");
	for (unsigned i = 0; i < 10; i++) /* a thief, of one of two */
		CHECK(says(&one, one.recovery, NULL) == COFFER_OK);
	while (says(&loud, loud.key, k.key[KIT_HOSPITAL]) == COFFER_OK)
		;
	CHECK(loud.serial == ROOM_BROUGHT - 2 && strstr(k.no.reason, "acme brought here made 64 party statements and more,"));
	while (says(&loud, loud.recovery, NULL) == COFFER_OK || says(&loud, loud.other, NULL) == COFFER_OK)
		;
	CHECK(strstr(k.no.reason, "by their recovery quorums") && strstr(k.no.reason, "2026-12-04T"));
	CHECK(says(&one, one.recovery, NULL) == COFFER_OK && says(&one, one.recovery, NULL) == COFFER_E_LIMIT);
	CHECK(says(&one, one.other, NULL) == COFFER_OK && says(&one, one.other, NULL) == COFFER_E_LIMIT);
	CHECK(says(&two, two.recovery, NULL) == COFFER_OK && says(&two, two.recovery, NULL) == COFFER_E_LIMIT);
	spare = two.other;
	CHECK(privkey_new(KEY_ED25519, &two.other, &e) == COFFER_OK && says(&two, spare, NULL) == COFFER_OK);
	CHECK(says(&two, two.other, NULL) == COFFER_E_LIMIT); /* others bring no room */
	k.now += 30 * DAY;
	CHECK(says(&one, one.recovery, NULL) == COFFER_OK && says(&one, one.recovery, NULL) == COFFER_E_LIMIT);
	made_up_close(&loud);
	made_up_close(&one);
	made_up_close(&two);
	privkey_free(spare);
}

/* Who decided once, and does no longer: what was said of the asset then is left out, with all that it said of itself, where both do not fit. */
static void who_was_dropped_fills_no_receipt(void)
{
	static const char both[] = "{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":2,\"k\":1,\"of\":[\"hospital\",\"stranger\"],"
	                           "\"least-action\":\"stop\",\"policy\":{\"rego\":\"package policy\\nallow := true\"}}";
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL;
	struct self stranger = { .k = &k, .who = KIT_STRANGER, .name = "stranger" };
	uint8_t id[32];
	size_t before;

	released(&k);
	CHECK(say_self(&stranger, (const struct privkey *[]){ k.key[KIT_STRANGER], k.key[KIT_ACME], NULL }) == COFFER_OK);
	memcpy(id, stranger.last, sizeof(id));
	before = told(&k);
	body = kit_party_body(&k, KIT_STRANGER);
	k.bend = (struct kit_bend){ .body = both, .shared = true };
	CHECK(kit_put(&k, KIT_HOSPITAL, "good morning") == COFFER_OK);
	k.bend = (struct kit_bend){ 0 };
	CHECK(kit_put(&k, KIT_HOSPITAL, "good evening") == COFFER_OK && ask(&k) == COFFER_OK && told(&k) > before + 2);
	for (uint64_t i = 2; i < RECEIPT_STATEMENTS_MAX + 2; i++) {
		uint8_t was[32];

		memcpy(was, id, sizeof(was));
		CHECK(enter(&k, &(struct kit_st){ .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = "stranger", .body = body, .serial = i, .previous = was }, id));
	}
	CHECK(ask(&k) == COFFER_OK && told(&k) == before);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(who_has_nothing_to_do_with_a_release_is_in_no_receipt), T(party_states_itself_anew_so_often_and_its_quorum_more), T(thief_uses_up_nothing_of_the_quorums_room),
		T(thief_of_weeks_keeps_no_quorum_from_its_pauses), T(recovery_key_uses_up_its_part_alone), T(recovery_keys_of_another_set_bring_no_room), T(keys_of_introducers_are_told),
		T(pausing_and_resuming_ends_before_receipts_do), T(minima_of_one_platform_end_too), T(same_revocation_twice_is_one_entry), T(revocation_of_a_key_of_images_is_taken_further_back), T(pause_that_was_lifted_answers_for_none),
		T(signature_that_counted_for_nothing_is_in_no_receipt), T(introducers_words_on_their_keys_are_not_told), T(recovery_key_that_is_anothers_signing_key_is_shown),
		T(revocation_by_a_stolen_key_answers_for_none), T(much_is_held_back_at_once_and_then_at_a_pace), T(long_revocation_is_refused),
		T(who_was_dropped_fills_no_receipt), T(made_up_parties_leave_room_for_others), T(made_up_parties_fill_no_receipt), T(recovery_key_of_a_newcomer_uses_up_its_part_alone),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
