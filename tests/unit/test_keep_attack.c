/* Attacks upon what parties say: by a co-owner, by a thief, by a known party with a pen of its own. Each shows the proper act too. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/status.h"
#include "fmt/enc.h"
#include "tests/keepkit.h"
#include "tests/lendkit.h"
#include "tests/t.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)
#define HOUR		    3600
#define BODY(version, n, of)                                                                                                     \
	"{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":" version ",\"k\":" n ",\"of\":[" of "],"                     \
	"\"least-action\":\"stop\",\"policy\":{\"rego\":\"package policy\\nallow := true\"}}"

/* Whether the last answer, which no zero ends, has the word. */
static bool said(const struct kit *k, const char *word)
{
	return memmem(k->answer.p, k->answer.n, word, strlen(word)) != NULL;
}

static enum coffer_rc ask(struct kit *k)
{
	if (kit_begin(k) != COFFER_OK || kit_attest(k, (struct kit_evidence){ 0 }) != COFFER_OK)
		abort();
	return kit_get(k, (struct kit_get){ 0 });
}

/* What a restart makes of the store is what runs, and the map agrees. */
static bool restarts_the_same(struct kit *k)
{
	CLEANUP(registry_clear) struct registry again = { 0 };
	const struct parties *a = &k->keep.registry.parties;
	struct err e = { 0 };

	return registry_open(k->keep.store, k->keep.registry.genesis, &again, &e) == COFFER_OK && again.parties.n == a->n &&
	       memcmp(again.parties.life, a->life, a->n * sizeof(*a->life)) == 0 && status_check(&k->keep, &e) == COFFER_OK;
}

/* The hospital's key from now on; the old one is the caller's. */
static struct privkey *take_key(struct kit *k, struct privkey *to)
{
	struct privkey *was = k->key[KIT_HOSPITAL];

	k->key[KIT_HOSPITAL] = to;
	return was;
}

static struct privkey *new_key(void)
{
	struct privkey *p = NULL;
	struct err e = { 0 };

	if (privkey_new(KEY_P256, &p, &e) != COFFER_OK)
		abort();
	return p;
}

/* ---- spelling ---- */

/* The same text but for one word, spelled with an escape: for a reader of JSON it says the same. */
static enum coffer_rc log_spelled(struct kit *k, const struct kit_st *s, const char *word, const char *spelled)
{
	CLEANUP(dsse_clear) struct dsse draft = { 0 };
	CLEANUP(freep) char *text = NULL, *payload = NULL;
	struct keep_statement_req m = { 0 };
	struct wr w = wr_open(KEEP_FRAME_MAX);
	struct err e = { 0 };
	uint8_t id[32];
	char *at;

	kit_statement(k, s, &draft, id);
	text = str_fmt("%.*s", (int)draft.payload.n, (const char *)draft.payload.p);
	at = strstr(text, word);
	if (!at)
		abort();
	*at = 0;
	payload = str_fmt("%s%s%s", text, spelled, at + strlen(word));
	if (dsse_new(span_of(payload), &m.statement, &e) != COFFER_OK ||
	    dsse_sign(&m.statement, k->key[s->issuer], &e) != COFFER_OK)
		abort();
	keep_statement_req_write(&w, &m);
	dsse_clear(&m.statement);
	return kit_ask(k, KEEP_STATEMENT, &w);
}

static void spelling_of_a_revocation_hides_it_from_nobody(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr name = wr_open(64);
	CLEANUP(freep) char *thumb = NULL, *body = NULL;
	struct wr w = wr_open(16);
	uint8_t of[32];

	kit_open(&k);
	kit_deploy(&k);
	pubkey_thumbprint(privkey_public(k.key[KIT_HOSPITAL]), of);
	b64url_write(&name, SPAN(of));
	thumb = wr_take(&name, NULL);
	body = str_fmt("{\"from\":\"2026-11-04T00:00:00Z\",\"key\":\"%s\",\"reason\":\"stolen\"}", thumb);
	CHECK(log_spelled(&k,
		  &(struct kit_st){ .kind = ST_REVOCATION,
		      .issuer = KIT_HOSPITAL,
		      .also = KIT_HOSPITAL,
		      .subject = thumb,
		      .digest = of,
		      .body = body },
		  "\"key\":", "\"k\\u0065y\":") == COFFER_OK);
	CHECK(restarts_the_same(&k));
	wr_be64(&w, 0);
	CHECK(kit_ask(&k, KEEP_PARTIES, &w) == COFFER_OK && said(&k, "\"payload\""));
}

/* ---- k of n ---- */

/* Who owns the path says that its key was stolen before the others came to decide too. Their word about what is kept stays. */
static void owner_escapes_no_co_owner_by_naming_its_own_key(void)
{
	CLEANUP(kit_free) struct kit k;
	struct privkey *fresh = new_key(), *was;
	int64_t before;
	uint8_t id[32];

	kit_open(&k);
	kit_deploy(&k);
	before = k.now += HOUR;
	k.bend = (struct kit_bend){ .cosigned = true, .body = BODY("2", "2", "\"hospital\",\"acme\"") };
	CHECK(kit_put(&k, KIT_HOSPITAL, "of both") == COFFER_OK);
	k.bend = (struct kit_bend){ 0 };
	CHECK(DENIED(kit_restate(&k, NULL), k, "signature") && DENIED(ask(&k), k, "R9"));
	CHECK(kit_rotate(&k, fresh) == COFFER_OK);
	CHECK(kit_compromise(&k,
		  &(struct kit_stolen){ k.key[KIT_HOSPITAL], before, (const struct privkey *[]){ fresh, NULL }, 0, NULL },
		  id) == COFFER_OK);
	was = take_key(&k, fresh);
	CHECK(DENIED(kit_restate(&k, NULL), k, "signature"));
	CHECK(ask(&k) == COFFER_E_DENIED);
	CHECK(kit_put(&k, KIT_HOSPITAL, "its own") == COFFER_OK && ask(&k) == COFFER_OK && kit_opens_to(&k, false, "its own"));
	CHECK(kit_restate(&k, NULL) == COFFER_OK);
	CHECK(restarts_the_same(&k));
	privkey_free(take_key(&k, was));
}

/* ---- a thief against the quorum ---- */

/* The hospital with these keys, as its statement number `serial`; by `by` and all that are new. */
static enum coffer_rc become(
    struct kit *k, struct privkey *const *keys, size_t n, const struct privkey *by, uint64_t serial, uint8_t id[static 32])
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	CLEANUP(freep) char *body = NULL;
	struct party p = {
		.id = "hospital", .personas = PERSONA_OWNER, .n_keys = n, .n_recovery = 1, .quorum = 1, .hold_hours = 72
	};
	const struct privkey *signers[PARTY_KEYS_MAX + 2] = { by };
	struct json_wr j = jw_open(&w, false);
	uint8_t previous[32];

	memcpy(previous, id, 32);
	for (size_t i = 0; i < n; i++) {
		p.keys[i] = *privkey_public(keys[i]);
		signers[i + 1] = keys[i];
	}
	p.recovery[0] = *privkey_public(k->recovery[KIT_HOSPITAL]);
	party_write(&p, &j);
	body = wr_take(&w, NULL);
	return kit_log_by(k,
	    &(struct kit_st){ .kind = ST_PARTY,
		.issuer = KIT_HOSPITAL,
		.also = KIT_HOSPITAL,
		.subject = "hospital",
		.body = body,
		.serial = serial,
		.previous = previous },
	    signers, id);
}

/* The thief names the key that it brings itself, again and again, so that nobody names the stolen one. */
static void thief_leaves_the_quorum_room_to_name_its_key(void)
{
	CLEANUP(kit_free) struct kit k;
	struct privkey *bait = new_key();
	const struct privkey *quorum[2] = { NULL }, *thief[2] = { NULL };
	uint8_t party[32] = { 0 }, id[32] = { 0 }, first[32];
	uint64_t n = 0;

	kit_open(&k);
	kit_deploy(&k);
	k.now += HOUR;
	quorum[0] = k.recovery[KIT_HOSPITAL];
	thief[0] = k.key[KIT_HOSPITAL];
	CHECK(become(&k, &bait, 1, thief[0], 1, party) == COFFER_OK);
	for (; n < LIFE_DEAD_MAX; n++) {
		memcpy(first, id, 32);
		if (kit_compromise(&k, &(struct kit_stolen){ bait, k.now, thief, n + 1, first }, id) != COFFER_OK)
			break;
	}
	CHECK(n == LIFE_DEAD_MAX - LIFE_FOR_QUORUM && strcmp(k.no.check, "limit") == 0);
	CHECK(kit_compromise(&k, &(struct kit_stolen){ thief[0], k.now, quorum, 0, NULL }, id) == COFFER_OK);
	CHECK(k.keep.registry.parties.life[1].n_dead == n + 1 && restarts_the_same(&k));
	privkey_free(bait);
}

/* It rotates until the party has had all the keys that there is room for; the quorum still has the last word. */
static void thief_uses_up_no_party(void)
{
	CLEANUP(kit_free) struct kit k;
	struct privkey *key[4][PARTY_KEYS_MAX], *last = new_key();
	const struct privkey *by;
	uint8_t id[32] = { 0 }, tried[32];

	kit_open(&k);
	by = k.key[KIT_HOSPITAL];
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < PARTY_KEYS_MAX; j++)
			key[i][j] = new_key();
		memcpy(tried, id, sizeof(id));
		CHECK(become(&k, key[i], PARTY_KEYS_MAX, by, i + 1, tried) == (i < 3 ? COFFER_OK : COFFER_E_LIMIT));
		if (i < 3)
			memcpy(id, tried, sizeof(id));
		k.now += 72 * HOUR;
		by = key[i][0];
	}
	CHECK(become(&k, &last, 1, k.recovery[KIT_HOSPITAL], 4, id) == COFFER_OK && restarts_the_same(&k));
	for (size_t i = 0; i < 4 * PARTY_KEYS_MAX; i++)
		privkey_free(key[i / PARTY_KEYS_MAX][i % PARTY_KEYS_MAX]);
	privkey_free(last);
}

/* ---- what is lifted ---- */

static enum coffer_rc revoke_by(struct kit *k, const uint8_t target[static 32], const struct privkey *by, uint8_t id[static 32])
{
	CLEANUP(freep) char *text = NULL;
	const struct privkey *signers[] = { by, NULL };
	char hex[HEX32_LEN];
	struct kit_st s = {
		.kind = ST_REVOCATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = target
	};

	hex32(target, hex);
	s.body = text = str_fmt("{\"reason\":\"x\",\"statement\":\"%s\"}", hex);
	return kit_log_by(k, &s, signers, id);
}

static enum map_status status_of(struct kit *k, const uint8_t id[static 32])
{
	struct status s = { 0 };
	struct err e = { 0 };

	return status_at(&k->keep, id, (struct status_when){ UINT64_MAX, k->keep.journal.tree.rule }, &s, &e) == COFFER_OK ? s.status : 0;
}

static void map_follows_what_the_quorum_lifts(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t theirs[32], named[32], lift[32], id[32];
	const struct privkey *quorum;

	kit_open(&k);
	kit_deploy(&k);
	quorum = k.recovery[KIT_HOSPITAL];
	CHECK(revoke_by(&k, k.approval_id, k.key[KIT_HOSPITAL], theirs) == COFFER_OK);
	CHECK(status_of(&k, k.approval_id) == MAP_REVOKED && restarts_the_same(&k));
	k.now += HOUR;
	CHECK(kit_compromise(&k,
		  &(struct kit_stolen){ k.key[KIT_HOSPITAL], k.now - HOUR, (const struct privkey *[]){ quorum, NULL }, 0, NULL },
		  named) == COFFER_OK);
	CHECK(revoke_by(&k, theirs, quorum, lift) == COFFER_OK);
	CHECK(status_of(&k, k.approval_id) == MAP_IN_FORCE && status_of(&k, theirs) == MAP_REVOKED && restarts_the_same(&k));
	CHECK(DENIED(revoke_by(&k, lift, quorum, id), k, "kind") && strstr(k.no.reason, "not lifted"));
	CHECK(restarts_the_same(&k));
}

/* Lifted twice and superseded in between: it is what it would be without what was lifted. */
static void map_falls_back_to_what_else_ended_a_statement(void)
{
	CLEANUP(kit_free) struct kit k;
	struct privkey *fresh = new_key(), *was;
	uint8_t first[32], theirs[32], other[32], id[32];
	const struct privkey *quorum[2] = { NULL };

	kit_open(&k);
	kit_deploy(&k);
	quorum[0] = k.recovery[KIT_HOSPITAL];
	memcpy(first, k.approval_id, 32);
	CHECK(revoke_by(&k, first, k.key[KIT_HOSPITAL], theirs) == COFFER_OK);
	CHECK(revoke_by(&k, k.workload_id, k.key[KIT_HOSPITAL], other) == COFFER_OK);
	CHECK(status_of(&k, k.workload_id) == MAP_IN_FORCE); /* another's word is no status of it */
	k.now += HOUR;
	CHECK(kit_rotate(&k, fresh) == COFFER_OK);
	was = take_key(&k, fresh);
	CHECK(kit_approve(&k, "", 2, first) == COFFER_OK && status_of(&k, first) == MAP_REVOKED);
	CHECK(kit_compromise(&k, &(struct kit_stolen){ was, k.now - HOUR, quorum, 0, NULL }, id) == COFFER_OK);
	CHECK(revoke_by(&k, theirs, quorum[0], id) == COFFER_OK && status_of(&k, first) == MAP_SUPERSEDED);
	CHECK(revoke_by(&k, other, quorum[0], id) == COFFER_OK && status_of(&k, k.workload_id) == MAP_IN_FORCE);
	CHECK(restarts_the_same(&k));
	privkey_free(take_key(&k, was));
}

/* ---- pauses ---- */

static enum coffer_rc pause_by(
    struct kit *k, const uint8_t target[static 32], int64_t seconds, const struct kit_st *at, uint8_t id[static 32])
{
	CLEANUP(freep) char *text = NULL;
	char hex[HEX32_LEN];
	struct kit_st s = { .kind = ST_PAUSE,
		.issuer = KIT_HOSPITAL,
		.also = KIT_HOSPITAL,
		.subject = hex,
		.digest = target,
		.serial = at->serial,
		.previous = at->previous,
		.expires = k->now + seconds };

	hex32(target, hex);
	s.body = text = str_fmt("{\"reason\":\"x\",\"statement\":\"%s\"}", hex);
	return kit_log(k, &s, id);
}

/* By a key that turns out to be stolen the pause is revoked, or followed by one of a second. Once that is said it stands again. */
static void thief_resumes_nothing_that_is_paused(void)
{
	for (int way = 0; way < 2; way++) {
		CLEANUP(kit_free) struct kit k;
		struct privkey *fresh = new_key(), *was;
		const struct privkey *quorum[2] = { NULL };
		uint8_t pause[32], id[32];

		kit_open(&k);
		kit_deploy(&k);
		quorum[0] = k.recovery[KIT_HOSPITAL];
		CHECK(pause_by(&k, k.approval_id, 6 * 24 * HOUR, &(struct kit_st){ .serial = 1 }, pause) == COFFER_OK &&
		      DENIED(ask(&k), k, "R11"));
		k.now += HOUR;
		if (way == 0)
			CHECK(revoke_by(&k, pause, k.key[KIT_HOSPITAL], id) == COFFER_OK);
		else
			CHECK(
			    pause_by(&k, k.approval_id, 1, &(struct kit_st){ .serial = 2, .previous = pause }, id) == COFFER_OK);
		k.now += HOUR;
		CHECK(ask(&k) == COFFER_OK);
		CHECK(kit_rotate(&k, fresh) == COFFER_OK);
		was = take_key(&k, fresh);
		CHECK(kit_compromise(&k, &(struct kit_stolen){ was, k.now - HOUR, quorum, 0, NULL }, id) == COFFER_OK);
		CHECK(DENIED(ask(&k), k, "R11"));
		CHECK(
		    revoke_by(&k, pause, fresh, id) == (way == 0 ? COFFER_E_DENIED : COFFER_OK)); /* the serial is taken: below */
		k.now += 6 * 24 * HOUR;
		CHECK(ask(&k) == COFFER_OK);
		privkey_free(take_key(&k, was));
	}
}

/* The quorum's own word is no thief's, whatever else was stolen. */
static void quorums_revocation_is_final(void)
{
	CLEANUP(kit_free) struct kit k;
	const struct privkey *quorum[2] = { NULL };
	uint8_t theirs[32], id[32];

	kit_open(&k);
	kit_deploy(&k);
	quorum[0] = k.recovery[KIT_HOSPITAL];
	CHECK(revoke_by(&k, k.approval_id, quorum[0], theirs) == COFFER_OK);
	k.now += HOUR;
	CHECK(
	    kit_compromise(&k, &(struct kit_stolen){ k.key[KIT_HOSPITAL], k.now - 2 * HOUR, quorum, 0, NULL }, id) == COFFER_OK);
	CHECK(DENIED(revoke_by(&k, theirs, quorum[0], id), k, "kind"));
}

/* ---- a party that says much ---- */

/* How many statements a question brings, page by page; *pages. */
static size_t all_of(struct kit *k, enum statement_kind kind, unsigned *pages)
{
	struct keep_query_req m = { .kind = (uint8_t)kind };
	size_t sum = 0;

	*pages = 0;
	do {
		struct wr w = wr_open(1024);
		struct rd r;
		size_t n;

		keep_query_req_write(&w, &m);
		if (kit_ask(k, KEEP_QUERY, &w) != COFFER_OK)
			return 0;
		r = rd_open(wr_span(&k->answer));
		n = rd_count(&r, rd_be32(&r), 4, KEEP_QUERY_MAX);
		for (size_t i = 0; i < n; i++)
			(void)rd_blob32(&r, DSSE_ENVELOPE_MAX);
		m.before = (uint64_t)rd_be32(&r) << 32;
		m.before |= rd_be32(&r);
		sum += rd_done(&r) ? n : 0;
		(*pages)++;
	} while (m.before != 0 && *pages < 100);
	return sum;
}

static void many_statements_hide_none(void)
{
	CLEANUP(kit_free) struct kit k;
	unsigned pages;

	kit_open(&k);
	for (unsigned i = 0; i < KEEP_QUERY_MAX + 44; i++) {
		const uint8_t digest[32] = { [30] = (uint8_t)(i >> 8), [31] = (uint8_t)i };
		uint8_t id[32];

		CHECK(
		    kit_log(&k,
			&(struct kit_st){ .kind = ST_IMAGE_RELEASE,
			    .subject = "registry.example/app",
			    .digest = digest,
			    .body =
				"{\"repository\":\"registry.example/app\",\"version\":1,\"methods\":[{\"type\":\"sigstoreSigned\",\"key\":\"-----BEGIN PUBLIC KEY-----"
				"\\nAAAA\\n-----END PUBLIC KEY-----\\n\"}],\"keys\":[]}" },
			id) == COFFER_OK);
		if (i == KEEP_QUERY_MAX - 1)
			CHECK(all_of(&k, ST_IMAGE_RELEASE, &pages) == KEEP_QUERY_MAX && pages == 1);
	}
	CHECK(all_of(&k, ST_IMAGE_RELEASE, &pages) == KEEP_QUERY_MAX + 44 && pages == 2);
}

#define LOOKED 1024 /* at by one answer (query.c) */

static void many_pauses(struct kit *k, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const uint8_t target[32] = { 9, (uint8_t)(i >> 8), (uint8_t)i };
		CLEANUP(freep) char *body = NULL;
		char hex[HEX32_LEN];
		uint8_t id[32];

		hex32(target, hex);
		body = str_fmt("{\"statement\":\"%s\",\"reason\":\"looking\"}", hex);
		CHECK(enter(k, &(struct kit_st){ .kind = ST_PAUSE, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = hex, .digest = target, .body = body, .issued = k->now, .expires = k->now + 3600 }, id));
	}
}

/* Statements in the answer; m->before: of the next question. */
static size_t answer_to(struct kit *k, struct keep_query_req *m)
{
	CLEANUP(wr_close) struct wr own = { 0 };
	struct wr w = wr_open(2048);
	struct rd r;
	size_t n;

	m->has_auth = true;
	kit_auth(k, KIT_HOSPITAL, "GET", "/x", &m->auth, &own);
	keep_query_req_write(&w, m);
	if (kit_ask(k, KEEP_QUERY, &w) != COFFER_OK)
		return SIZE_MAX;
	r = rd_open(wr_span(&k->answer));
	n = rd_count(&r, rd_be32(&r), 4, KEEP_QUERY_MAX);
	for (size_t i = 0; i < n; i++)
		(void)rd_blob32(&r, DSSE_ENVELOPE_MAX);
	m->before = (uint64_t)rd_be32(&r) << 32;
	m->before |= rd_be32(&r);
	return rd_done(&r) ? n : SIZE_MAX;
}

/* Whoever asks for what is rare asks again; nobody's question is a walk over all that others stated. */
static void one_answer_looks_at_so_many_and_the_next_goes_on(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL;
	char hex[HEX32_LEN];
	uint8_t id[32];

	kit_open_deployed(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	hex32(k.approval_id, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"looking\"}", hex);
	CHECK(enter(&k, &(struct kit_st){ .kind = ST_PAUSE, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = hex, .digest = k.approval_id, .body = body, .issued = k.now, .expires = k.now + 3600 }, id));
	many_pauses(&k, LOOKED);
	for (int way = 0; way < 6; way++) {
		struct keep_query_req m = { .kind = way < 4 ? ST_PAUSE : 0, .issuer = way % 4 < 2 ? span_of("stranger") : (struct span){ 0 }, .subject = span_of(hex), .all = way % 2 == 0 };

		CHECK(answer_to(&k, &m) == 0 && m.before > 0);
		CHECK(answer_to(&k, &m) == 1 && m.before == 0);
		m.has_id = true;
		memcpy(m.id, id, sizeof(m.id));
		CHECK(answer_to(&k, &m) == 1 && m.before == 0);
	}
	CHECK(all_of(&k, ST_SERVICE, &(unsigned){ 0 }) == 1 && all_of(&k, ST_GENESIS, &(unsigned){ 0 }) == 1);
}

/* It is final: nobody who asks what is in force gets back what it took, because its own statement has an end. A pause ends with that. */
static void revocation_is_in_force_past_its_own_end(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL;
	struct keep_query_req m;
	char hex[HEX32_LEN];
	uint8_t id[32];

	kit_open_deployed(&k);
	hex32(k.approval_id, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"test\"}", hex);
	struct kit_st st = { .kind = ST_PAUSE, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = k.approval_id, .body = body, .expires = k.now + 60 };
	CHECK(kit_log(&k, &st, id) == COFFER_OK);
	st.kind = ST_REVOCATION;
	CHECK(kit_log(&k, &st, id) == COFFER_OK);
	for (int past = 0; past < 2; past++) {
		for (int way = 0; way < 4; way++) {
			m = (struct keep_query_req){ .kind = way % 2 ? ST_REVOCATION : 0, .issuer = way / 2 ? span_of("hospital") : (struct span){ 0 }, .subject = span_of(hex) };
			CHECK(answer_to(&k, &m) == (past || m.kind ? 1 : 2));
		}
		m = (struct keep_query_req){ .kind = ST_PAUSE, .subject = span_of(hex) };
		CHECK(answer_to(&k, &m) == (past ? 0 : 1));
		m = (struct keep_query_req){ .has_id = true };
		memcpy(m.id, id, sizeof(m.id));
		CHECK(answer_to(&k, &m) == 1);
		k.now += 60;
	}
}

/* What clients begin from is in one answer, however much was stated of that kind since. */
static void service_is_found_behind_all_that_a_delegate_stated(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t last[32];

	kit_open_deployed(&k);
	for (unsigned i = 1; i <= LOOKED + 1; i++) {
		CLEANUP(freep) char *body = kit_service_body(&k);

		CHECK(enter(&k, &(struct kit_st){ .kind = ST_SERVICE, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "trust", .body = body, .serial = i,
		    .previous = i > 1 ? last : NULL, .issued = k.now - 20, .expires = k.now - 10 }, last));
	}
	CHECK(answer_to(&k, &(struct keep_query_req){ .kind = ST_SERVICE }) == 1);
}

static void hashes_that_others_see_tell_nothing_to_guess(void)
{
	CLEANUP(kit_free) struct kit k;
	struct wr w = wr_open(16);
	char hex[HEX32_LEN];

	kit_open(&k);
	kit_deploy(&k);
	CHECK(kit_delete(&k, KIT_HOSPITAL) == COFFER_OK);
	hex32(k.keep.journal.hash, hex);
	CHECK(kit_ask(&k, KEEP_STATUS, &w) == COFFER_OK);
	CHECK(said(&k, "\"root\"") && !said(&k, hex));
	{
		CLEANUP(q_close) struct q q = q_open(k.keep.store, "SELECT data FROM entry WHERE type='delete'");
		struct err e = { 0 };
		bool row = false;

		CHECK(q_row(&q, &row, &e) == COFFER_OK && row);
		CHECK(q_col(&q, 0).n == strlen("{\"asset\":\"" KIT_ASSET "\",\"salt\":\"\"}") + 64);
	}
}

/* Approvals of ever other workloads: an owner that has many, or a thief before it is named. */
static void many_approvals_hide_none_of_the_workload_that_asks(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t real[32], id[32];

	kit_open(&k);
	kit_deploy(&k);
	memcpy(real, k.manifest, 32);
	memcpy(id, k.approval_id, 32);
	for (unsigned i = 0; i < FACT_APPROVALS_MAX + 6; i++) {
		k.manifest[0] = (uint8_t)i;
		k.manifest[1] = 0xAA;
		CHECK(kit_approve(&k, "", 1, NULL) == COFFER_OK);
	}
	memcpy(k.manifest, real, 32);
	CHECK(ask(&k) == COFFER_OK);
	CHECK(revoke_by(&k, id, k.key[KIT_HOSPITAL], real) == COFFER_OK && DENIED(ask(&k), k, "R11"));
}

/* The hospital is acme's delegate for boot images. A stranger lends it what it does not want, again and again. */
static void unwanted_delegations_hide_none(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32] = { 0 }, was[32];
	static const char boot[] =
	    "{\"name\":\"guest\",\"enforces\":[],\"launches\":[{\"platform\":\"tpm\",\"shape\":\"any\",\"registers\":{"
	    "\"pcr04\":\"1111111111111111111111111111111111111111111111111111111111111111\","
	    "\"pcr11\":\"1111111111111111111111111111111111111111111111111111111111111111\"}}],\"rebuild\":\"x\"}";
	static const uint8_t digest[32] = { 1 };
	const struct kit_st image = { .kind = ST_BOOT_IMAGE,
		.issuer = KIT_HOSPITAL,
		.also = KIT_HOSPITAL,
		.subject = "kernel",
		.digest = digest,
		.body = boot };

	kit_open(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(DENIED(kit_log(&k, &image, was), k, "persona"));
	CHECK(
	    kit_log(&k,
		&(struct kit_st){ .kind = ST_DELEGATION,
		    .issuer = KIT_ACME,
		    .also = KIT_ACME,
		    .subject = "hospital,of:acme,role:boot-image",
		    .body =
			"{\"of\":\"acme\",\"to\":\"hospital\",\"role\":\"boot-image\",\"depth\":0,\"until\":\"2027-06-01T00:00:00Z\"}" },
		id) == COFFER_OK);
	for (unsigned i = 0; i < FACT_LINKS_MAX + 1; i++) {
		memcpy(was, id, 32);
		CHECK(
		    kit_log(&k,
			&(struct kit_st){ .kind = ST_DELEGATION,
			    .issuer = KIT_STRANGER,
			    .also = KIT_STRANGER,
			    .subject = "hospital,of:stranger,role:approval",
			    .serial = i + 1,
			    .previous = was,
			    .body =
				"{\"of\":\"stranger\",\"to\":\"hospital\",\"role\":\"approval\",\"scope\":[\"kbs:///stranger/\"],"
				"\"depth\":0,\"until\":\"2027-06-01T00:00:00Z\"}" },
			id) == COFFER_OK);
	}
	CHECK(kit_log(&k, &image, was) == COFFER_OK);
}

/* Who makes tokens without end shuts out itself. */
static void tokens_of_one_party_leave_room_for_others(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t kid[32];
	struct err e = { 0 };

	kit_open(&k);
	kit_deploy(&k);
	pubkey_thumbprint(privkey_public(k.key[KIT_ACME]), kid);
	{
		CLEANUP(q_close)
		struct q q =
		    q_open(k.keep.store, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<10000)"
					 " INSERT INTO jti(id, expires) SELECT CAST(?||randomblob(16) AS BLOB), ? FROM n");

		q_blob(&q, SPAN(kid));
		q_i64(&q, k.now + 100);
		CHECK(q_run(&q, &e) == COFFER_OK);
	}
	CHECK(kit_put(&k, KIT_ACME, "x") == COFFER_E_LIMIT);
	CHECK(kit_put(&k, KIT_HOSPITAL, "y") == COFFER_OK);
}

static unsigned refusals(struct kit *k, const char *by)
{
	CLEANUP(q_close)
	struct q q = q_open(k->keep.store, "SELECT count(*) FROM entry WHERE type='refusal' AND instr(CAST(data AS TEXT), ?)>0");
	struct err e = { 0 };
	bool row = false;

	q_text(&q, span_of(by));
	return q_row(&q, &row, &e) == COFFER_OK && row ? (unsigned)q_col_i64(&q, 0) : 0;
}

/* One makes noise so that another's attempts are not entered. */
static void noise_of_one_party_hides_no_other(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open(&k);
	kit_deploy(&k);
	for (unsigned i = 0; i < KEEP_DENIALS_PER_MINUTE + 5; i++)
		CHECK(kit_revoke(&k, KIT_ACME, k.approval_id) == COFFER_E_DENIED);
	CHECK(refusals(&k, "\"by\":\"acme\"") == KEEP_REFUSALS_PER_MINUTE);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.genesis_id) == COFFER_E_DENIED && refusals(&k, "\"by\":\"hospital\"") == 1);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(spelling_of_a_revocation_hides_it_from_nobody),
		T(owner_escapes_no_co_owner_by_naming_its_own_key),
		T(thief_leaves_the_quorum_room_to_name_its_key),
		T(thief_uses_up_no_party),
		T(map_follows_what_the_quorum_lifts),
		T(map_falls_back_to_what_else_ended_a_statement),
		T(thief_resumes_nothing_that_is_paused),
		T(quorums_revocation_is_final),
		T(many_statements_hide_none), T(one_answer_looks_at_so_many_and_the_next_goes_on), T(revocation_is_in_force_past_its_own_end),
		T(service_is_found_behind_all_that_a_delegate_stated),
		T(hashes_that_others_see_tell_nothing_to_guess),
		T(many_approvals_hide_none_of_the_workload_that_asks),
		T(unwanted_delegations_hide_none),
		T(noise_of_one_party_hides_no_other),
		T(tokens_of_one_party_leave_room_for_others),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
