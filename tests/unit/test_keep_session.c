/* keep as its guests see it: attestation, sessions, tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/showing.h"
#include "crypto/hash.h"
#include "crypto/jws.h"
#include "fmt/enc.h"
#include "tests/keepkit.h"
#include "tests/t.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)

/* ---- attestation and tokens ---- */

static void attest_with_another_nonce_or_key_is_stale_and_ends_the_session(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_deployed(&k);
	CHECK(kit_begin(&k) == COFFER_OK);
	CHECK(DENIED(kit_attest(&k, (struct kit_evidence){ .wrong_nonce = true }), k, "R1"));
	CHECK(DENIED(kit_attest(&k, (struct kit_evidence){ 0 }), k, "session"));
	CHECK(kit_begin(&k) == COFFER_OK);
	CHECK(DENIED(kit_attest(&k, (struct kit_evidence){ .wrong_key = true }), k, "R1"));
}

static void attest_twice_or_late_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open_attested(&k);
	CHECK(DENIED(kit_attest(&k, (struct kit_evidence){ 0 }), k, "session"));
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK); /* the first evidence still counts */
	CHECK(kit_begin(&k) == COFFER_OK);
	k.now += SESSION_SECONDS;
	CHECK(DENIED(kit_attest(&k, (struct kit_evidence){ 0 }), k, "session"));
}

static void token_stands_for_the_evidence_until_it_expires(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *t = NULL;
	struct kit_get own = { .path = "acme/note/own", .plain = true };

	kit_open_deployed(&k);
	CHECK(kit_begin(&k) == COFFER_OK);
	k.now += 100;
	CHECK(kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	t = span_dup(wr_span(&k.answer));
	own.token = span_of(t);
	k.now += 299; /* the session is gone, the token is not */
	CHECK(kit_get(&k, own) == COFFER_OK && kit_opens_to(&k, true, "mine"));
	CHECK(DENIED(kit_get(&k, (struct kit_get){ .token = own.token }), k, "R1")); /* signed requests need the session's counter */
	k.now += 1;
	CHECK(DENIED(kit_get(&k, own), k, "token"));
}

static void token_changed_in_any_part_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *t = NULL;
	struct kit_get own = { .path = "acme/note/own", .plain = true };
	size_t n, bad = 0, tried = 0;

	kit_open_attested(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	t = span_dup(wr_span(&k.answer));
	n = t ? strlen(t) : 0;
	for (size_t i = 0; i < n; i += 7) {
		char was = t[i];

		if (was == '.' || i + 3 > n || t[i + 1] == '.' || i + 2 == n) /* last characters of a part carry spare bits */
			continue;
		t[i] = was == 'A' ? 'B' : 'A';
		own.token = span_of(t);
		tried++;
		bad += kit_get(&k, own) == COFFER_OK;
		t[i] = was;
	}
	CHECK(tried > 50 && bad == 0);
}

/* What `net` says the payload is must be what was signed: else it could pair one token with the evidence of another. */
static void token_with_the_payload_of_another_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *t = NULL, *other = NULL;
	CLEANUP(jws_parts_clear) struct jws_parts p = { 0 };
	struct kit_get own = { .path = "acme/note/own", .plain = true };
	struct err e = { 0 };

	kit_open_attested(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	t = span_dup(wr_span(&k.answer));
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	other = span_dup(wr_span(&k.answer));
	CHECK(t && other && jws_split(span_of(other), 1u << 16, &p, &e) == COFFER_OK);
	own.token = span_of(t);
	own.payload = p.payload;
	CHECK(DENIED(kit_get(&k, own), k, "token"));
	own.token = span_of(other);
	CHECK(kit_get(&k, own) == COFFER_OK);
}

static void token_of_another_service_is_refused(void)
{
	CLEANUP(kit_free) struct kit a;
	CLEANUP(kit_free) struct kit b;
	CLEANUP(freep) char *t = NULL;

	kit_open_attested(&a);
	CHECK(kit_begin(&a) == COFFER_OK && kit_attest(&a, (struct kit_evidence){ 0 }) == COFFER_OK);
	t = span_dup(wr_span(&a.answer));
	kit_open_deployed(&b);
	CHECK(DENIED(kit_get(&b, (struct kit_get){ .path = "acme/note/own", .plain = true, .token = span_of(t) }), b, "token"));
}

static void sessions_are_bounded_and_those_without_evidence_go_first(void)
{
	struct sessions *t = NULL;
	struct err e = { 0 };
	uint8_t id[4][16];

	CHECK(sessions_new(3, &t, &e) == COFFER_OK);
	for (int i = 0; i < 3; i++)
		memcpy(id[i], session_add(t, TEE_SAMPLE, 100 + i)->id, 16);
	session_attested(t, session_get(t, id[0], 103));
	memcpy(id[3], session_add(t, TEE_SAMPLE, 103)->id, 16);
	CHECK(sessions_count(t) == 3);
	CHECK(session_get(t, id[0], 104) && !session_get(t, id[1], 104) && session_get(t, id[2], 104) && session_get(t, id[3], 104));
	session_attested(t, session_get(t, id[2], 104));
	session_attested(t, session_get(t, id[3], 104));
	CHECK(session_add(t, TEE_SAMPLE, 105) && !session_get(t, id[0], 105) && session_get(t, id[2], 105));
	CHECK(!session_get(t, id[2], 102 + SESSION_SECONDS) && session_get(t, id[3], 102 + SESSION_SECONDS));
	CHECK(!session_get(t, id[3], 103 + SESSION_SECONDS));
	sessions_free(t);
}

/* As with more than a full table of guests in five minutes: two that come at once must not end each other. */
static void full_table_of_attested_sessions_leaves_a_quarter_to_those_who_come(void)
{
	struct sessions *t = NULL;
	struct err e = { 0 };
	uint8_t id[16][16];

	CHECK(sessions_new(8, &t, &e) == COFFER_OK);
	for (int i = 0; i < 8; i++) {
		memcpy(id[i], session_add(t, TEE_SAMPLE, 100)->id, 16);
		session_attested(t, session_get(t, id[i], 100));
	}
	for (int i = 8; i < 16; i++)
		memcpy(id[i], session_add(t, TEE_SAMPLE, 101)->id, 16);
	CHECK(sessions_count(t) == 8);
	for (int i = 0; i < 16; i++) /* three make room, then the strangers one another */
		CHECK((session_get(t, id[i], 102) != NULL) == ((i >= 3 && i < 8) || i >= 13));
	sessions_free(t);
}

/* What sessions showed is bounded in all: the oldest that is not stored goes, and what is stored stays named. */
static void what_was_shown_is_bounded_and_the_oldest_is_forgotten(void)
{
	static const size_t size = 1u << 20;
	struct sessions *t = NULL;
	struct session *first, *second = NULL, *s = NULL;
	uint8_t id[32] = { 1 };
	struct err e = { 0 };

	CHECK(sessions_new(1000, &t, &e) == COFFER_OK);
	first = session_add(t, TEE_SNP, 100);
	for (size_t i = 0; i < SHOWINGS_BYTES_MAX / size + 3; i++) {
		struct wr packed = wr_open(size);

		s = i == 0 ? first : session_add(t, TEE_SNP, 100);
		second = i == 1 ? s : second;
		session_attested(t, s);
		for (size_t n = 0; n < size; n += sizeof(id))
			wr_put(&packed, SPAN(id));
		session_show(t, s, &packed);
		CHECK(s->shown && !packed.p && s->showing.n == size && sessions_showings(t) <= SHOWINGS_BYTES_MAX);
		if (i == 0)
			session_stored(t, s, id);
	}
	CHECK(first->shown && first->showing.n == 0 && memcmp(first->shown_id, id, 32) == 0); /* public: made here */
	CHECK(second && !second->shown && second->showing.n == 0);
	session_drop(t, s);
	CHECK(sessions_showings(t) <= SHOWINGS_BYTES_MAX - size);
	sessions_free(t);
}

static struct session *shown(struct sessions *t, enum tee_kind tee, size_t size)
{
	struct session *s = session_add(t, (uint8_t)tee, 100);
	struct wr packed = wr_open(size);
	uint8_t part[32] = { 1 };

	session_attested(t, s);
	for (size_t n = 0; n < size; n += sizeof(part))
		wr_put(&packed, SPAN(part));
	session_show(t, s, &packed);
	wr_close(&packed);
	return s;
}

/* Anybody can make up evidence of sample, as much as he likes. */
static void flood_of_sample_evidence_makes_no_other_forgotten(void)
{
	static const size_t size = 4u << 20;
	struct sessions *t = NULL;
	struct session *real[SHOWINGS_BYTES_MAX / (4u << 20)], *old;
	struct err e = { 0 };

	CHECK(sessions_new(1000, &t, &e) == COFFER_OK);
	real[0] = shown(t, TEE_SNP, size);
	old = shown(t, TEE_SAMPLE, size);
	for (size_t i = 0; i < SHOWINGS_BYTES_MAX / size; i++)
		CHECK(shown(t, TEE_SAMPLE, size)->shown);
	CHECK(real[0]->shown && real[0]->showing.n == size && !old->shown);
	for (size_t i = 1; i < sizeof(real) / sizeof(real[0]); i++) {
		real[i] = shown(t, TEE_SNP, size);
		CHECK(real[0]->shown && real[i]->shown);
	}
	CHECK(!shown(t, TEE_SAMPLE, size)->shown); /* all the room is others' */
	CHECK(real[0]->shown && shown(t, TEE_SNP, size)->shown && !real[0]->shown && sessions_showings(t) <= SHOWINGS_BYTES_MAX);
	sessions_free(t);
}

/* ---- what is kept of it ---- */

static void fill(uint8_t *p, size_t n, uint8_t with)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(with + i);
}

/* R1 held of it. flags: a bit for each. */
static void accepted(const struct session *s, unsigned flags, size_t expected_n, size_t found_n, struct appraisal *a)
{
	*a = (struct appraisal){ .platform = "tdx", .attested = true, .expires = s->expires, .genuine = flags & 1, .has_register = flags & 2,
		.has_initdata = flags & 4, .has_genesis = flags & 8, .expected_n = expected_n, .found_n = found_n, .collateral = true,
		.why = "read twice, up to a trusted root" };
	fill(a->expected, expected_n, 1);
	memcpy(a->found, a->expected, expected_n);
	fill(a->init_register, sizeof(a->init_register), 2);
	fill(a->initdata, sizeof(a->initdata), 3);
	fill(a->genesis, sizeof(a->genesis), 4);
	fill(a->root, sizeof(a->root), 5);
}

static bool words_alike(const struct appraisal *a, const struct appraisal *b)
{
	return strcmp(a->platform, b->platform) == 0 && strcmp(a->why, b->why) == 0 && a->attested == b->attested && a->expires == b->expires &&
	       a->has_register == b->has_register && a->has_initdata == b->has_initdata && a->has_genesis == b->has_genesis &&
	       a->genuine == b->genuine && a->collateral == b->collateral && a->hw == b->hw && a->unseen == b->unseen;
}

static bool bytes_alike(const struct appraisal *a, const struct appraisal *b)
{
	return a->expected_n == b->expected_n && a->found_n == b->found_n && span_eq(SPAN(a->expected), SPAN(b->expected)) &&
	       span_eq(SPAN(a->found), SPAN(b->found)) && span_eq(SPAN(a->init_register), SPAN(b->init_register)) &&
	       span_eq(SPAN(a->initdata), SPAN(b->initdata)) && span_eq(SPAN(a->genesis), SPAN(b->genesis)) && span_eq(SPAN(a->root), SPAN(b->root));
}

static void appraisal_is_told_again_as_it_was(void)
{
	static const struct { size_t expected_n, found_n; } sizes[] = { { 32, 32 }, { 32, 64 }, { 48, 64 }, { 64, 64 } };
	struct sessions *t = NULL;
	struct err e = { 0 };
	struct session *s;

	CHECK(sessions_new(3, &t, &e) == COFFER_OK);
	s = session_add(t, TEE_TDX, 100);
	session_attested(t, s);
	for (unsigned i = 0; i < 16 * 4; i++) {
		struct appraisal a, again;

		accepted(s, i % 16, sizes[i / 16].expected_n, sizes[i / 16].found_n, &a);
		session_accept(s, &a);
		session_appraisal(s, &again);
		CHECK(words_alike(&a, &again) && bytes_alike(&a, &again));
	}
	sessions_free(t);
}

/* The evidence, and a few numbers: all that a document has were 1,082 bytes. */
static void what_was_shown_is_kept_without_what_the_session_has(void)
{
	CLEANUP(kit_free) struct kit k;
	const struct session *s;

	kit_open_attested(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	s = session_get(k.keep.sessions, k.session, k.now);
	CHECK(s && s->shown && s->showing.n > 0 && s->showing.n < 400);
}

/* With everything that evidence may have. */
static void shows_all(struct kit *k, struct session *s, struct shown *was, struct shown_digests *d)
{
	static const struct keep_member m[] = { { { (const uint8_t *)"alg", 3 }, { (const uint8_t *)"x\n", 2 } }, { { (const uint8_t *)"kty", 3 }, { 0 } } };
	static const uint8_t initdata[] = "initdata", claims[] = "claims", ak[] = "attestation key";
	struct appraisal a = { .has_initdata = true };
	struct span secret;
	struct err e = { 0 };

	*was = (struct shown){ .tee = TEE_SAMPLE, .time = 7, .expires = s->expires, .hash = 2, .member = m, .n_members = 2, .additional = span_of("more"),
		.evidence = span_of("evidence"), .initdata = SPAN(initdata), .ak = SPAN(ak), .references = span_of("{}"), .claims = SPAN(claims),
		.file = { span_of("first"), span_of("second") }, .n_files = 2, .service = span_of(k->keep.id), .build = span_of(COFFER_VERSION) };
	memcpy(was->session, s->id, sizeof(was->session));
	memcpy(was->nonce, s->nonce, sizeof(was->nonce));
	sha256(was->initdata, a.initdata);
	d->has_initdata = true;
	sha256(was->initdata, d->initdata);
	sha256(was->claims, d->claims);
	for (size_t i = 0; i < 2; i++)
		sha256(was->file[i], d->file[i]);
	CHECK(members_copy(m, 2, &s->members, &e) == COFFER_OK && session_credential(k->keep.sessions, s, was->ak, &secret, &e) == COFFER_OK);
	session_attested(k->keep.sessions, s);
	session_accept(s, &a);
	CHECK(showing_hold(&k->keep, s, was, &e) == COFFER_OK && s->shown && s->showing.n > 0);
}

static void document_is_that_of_when_the_session_attested(void)
{
	CLEANUP(wr_close) struct wr want = wr_open(SHOWN_DOC_MAX);
	CLEANUP(freep) struct asking *q = calloc(1, sizeof(*q));
	CLEANUP(kit_free) struct kit k;
	uint8_t digest[32], again[32];
	struct shown_digests d = { 0 };
	struct err e = { 0 };
	struct shown was;
	struct session *s;
	bool has = false;

	kit_open_deployed(&k);
	s = session_add(k.keep.sessions, TEE_SAMPLE, k.now);
	shows_all(&k, s, &was, &d);
	k.keep.now += 100;
	CHECK(q && snprintf(q->in.q.path.owner, sizeof(q->in.q.path.owner), "hospital") > 0);
	q->session = s;
	CHECK(showing_store(&k.keep, q, &has, digest, &e) == COFFER_OK && has && s->showing.n > 0);
	CHECK(shown_write(&was, &d, &want, &e) == COFFER_OK);
	sha256(wr_span(&want), again);
	CHECK(span_eq(SPAN(digest), SPAN(again)));
	showing_stored(&k.keep, q, digest);
	CHECK(s->showing.n == 0 && s->shown);
	memset(again, 0, sizeof(again));
	CHECK(showing_store(&k.keep, q, &has, again, &e) == COFFER_OK && has && span_eq(SPAN(digest), SPAN(again)));
	CHECK(showing_check(k.keep.store, &e) == COFFER_OK);
}

/* Every byte of its text becomes six. */
static void document_that_is_said_to_fit_does(void)
{
	static uint8_t value[(MEMBER_BYTES_MAX - KEEP_MEMBERS_MAX) / KEEP_MEMBERS_MAX], evidence[SHOWN_DOC_MAX];
	CLEANUP(wr_close) struct wr doc = wr_open(SHOWN_DOC_MAX);
	struct keep_member m[KEEP_MEMBERS_MAX];
	struct shown s = { .tee = TEE_AZ_TDX, .time = INT64_MAX, .expires = INT64_MAX, .hash = UINT8_MAX, .member = m, .n_members = KEEP_MEMBERS_MAX,
		.n_files = KEEP_FILES_MAX, .service = span_of("trust"), .build = span_of("0.1.0"), .evidence = SPAN(evidence) };
	const struct shown_digests d = { .has_initdata = true };
	struct err e = { 0 };

	memset(value, 1, sizeof(value));
	for (size_t i = 0; i < KEEP_MEMBERS_MAX; i++)
		m[i] = (struct keep_member){ { (const uint8_t *)"abcdefghijklmnop" + i, 1 }, SPAN(value) };
	CHECK(!shown_fits(&s));
	while (s.evidence.n > 0 && !shown_fits(&s))
		s.evidence.n--;
	CHECK(s.evidence.n > (3u << 20) - (32u << 10));
	CHECK(shown_write(&s, &d, &doc, &e) == COFFER_OK);
}

static void evidence_with_too_long_a_document_is_refused_when_it_comes(void)
{
	CLEANUP(freep) uint8_t *much = calloc(1, KEEP_EVIDENCE_MAX);
	CLEANUP(kit_free) struct kit k;
	struct shown big = { .additional = { much, KEEP_EVIDENCE_MAX }, .evidence = { much, KEEP_EVIDENCE_MAX } };
	struct err e = { 0 };
	struct session *s;

	kit_open_attested(&k);
	CHECK(much && kit_begin(&k) == COFFER_OK);
	s = session_get(k.keep.sessions, k.session, k.now);
	CHECK(s && showing_hold(&k.keep, s, &big, &e) == COFFER_E_LIMIT && !s->shown && s->showing.n == 0);
	big.additional.n = 4;
	CHECK(showing_hold(&k.keep, s, &big, &e) == COFFER_OK && s->shown);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(attest_with_another_nonce_or_key_is_stale_and_ends_the_session), T(attest_twice_or_late_is_refused),
		T(token_stands_for_the_evidence_until_it_expires), T(token_changed_in_any_part_is_refused),
		T(token_with_the_payload_of_another_is_refused), T(token_of_another_service_is_refused),
		T(sessions_are_bounded_and_those_without_evidence_go_first),
		T(what_was_shown_is_bounded_and_the_oldest_is_forgotten), T(flood_of_sample_evidence_makes_no_other_forgotten),
		T(full_table_of_attested_sessions_leaves_a_quarter_to_those_who_come),
		T(appraisal_is_told_again_as_it_was), T(what_was_shown_is_kept_without_what_the_session_has),
		T(document_is_that_of_when_the_session_attested), T(document_that_is_said_to_fit_does), T(evidence_with_too_long_a_document_is_refused_when_it_comes),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
