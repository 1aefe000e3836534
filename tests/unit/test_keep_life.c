/* The life of a party's keys as keep admits and heeds it: rotation, hold, recovery, compromise. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/noise.h"
#include "crypto/jwk.h"
#include "fmt/enc.h"
#include "tests/keepkit.h"
#include "tests/t.h"
#include "trust/parties.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)
#define HOUR 3600

struct life {
	struct kit      k;
	struct privkey *spare, *thief; /* keys that nobody knows yet */
	uint64_t        serial;        /* of the hospital's party statements */
	uint8_t         last[32];
	uint64_t        named;         /* of its statements about the key that was named last */
	uint8_t         named_id[32];
};

static void life_open(struct life *l)
{
	struct err e = { 0 };

	*l = (struct life){ 0 };
	kit_open(&l->k);
	kit_deploy(&l->k);
	if (privkey_new(KEY_P256, &l->spare, &e) != COFFER_OK || privkey_new(KEY_ED25519, &l->thief, &e) != COFFER_OK)
		abort();
}

static void life_close(struct life *l)
{
	kit_free(&l->k);
	privkey_free(l->spare);
	privkey_free(l->thief);
}

struct keys { const struct privkey *k[KIT_SIGNERS_MAX + 1]; };

/* What `s` says, signed by these keys and no others. */
static enum coffer_rc say(struct life *l, const struct kit_st *s, struct keys by, uint8_t id[static 32])
{
	return kit_log_by(&l->k, s, by.k, id);
}

struct body { const struct privkey *key, *recovery; unsigned hold; };

static char *party_body(const struct body *b)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	struct party p = { .id = "hospital", .personas = PERSONA_OWNER, .n_keys = 1, .n_recovery = 1, .quorum = 1, .hold_hours = b->hold };
	struct json_wr j = jw_open(&w, false);

	p.keys[0] = *privkey_public(b->key);
	p.recovery[0] = *privkey_public(b->recovery);
	party_write(&p, &j);
	return wr_take(&w, NULL);
}

/* The hospital's next party statement. */
static enum coffer_rc become(struct life *l, const struct body *b, struct keys by)
{
	CLEANUP(freep) char *text = party_body(b);
	struct kit_st s = { .kind = ST_PARTY, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "hospital", .body = text,
		.serial = l->serial + 1, .previous = l->last };
	uint8_t id[32];
	enum coffer_rc rc = say(l, &s, by, id);

	if (rc == COFFER_OK) {
		l->serial++;
		memcpy(l->last, id, sizeof(id));
	}
	return rc;
}

#define HOSPITAL(l) ((l)->k.key[KIT_HOSPITAL])
#define RECOVERY(l) ((l)->k.recovery[KIT_HOSPITAL])

static enum coffer_rc rotate(struct life *l, const struct privkey *to, struct keys by)
{
	return become(l, &(struct body){ to, RECOVERY(l), 72 }, by);
}

/* A harmless statement: does the key speak for the hospital? */
static bool speaks(struct life *l, const struct privkey *key)
{
	static unsigned n;
	struct kit_st s = { .kind = ST_TCB, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "snp",
		.body = "{\"platform\":\"snp\",\"minimum\":[{\"product\":\"milan\",\"svns\":{\"snp\":22}}]}", .serial = 1 };
	uint8_t id[32];
	enum coffer_rc rc;

	s.issued = l->k.now - 1 - n++; /* another one each time; the serial is wrong for all but the first, which is seen later */
	rc = say(l, &s, (struct keys){ { key } }, id);
	return rc == COFFER_OK || strcmp(l->k.no.check, "serial") == 0;
}

/* The registry that a restart would make of what is stored is the one that runs. */
static bool restarts_the_same(struct life *l)
{
	CLEANUP(registry_clear) struct registry again = { 0 };
	const struct parties *a = &l->k.keep.registry.parties;
	struct err e = { 0 };

	if (registry_open(l->k.keep.store, l->k.keep.registry.genesis, &again, &e) != COFFER_OK || again.parties.n != a->n)
		return false;
	return memcmp(again.parties.life, a->life, a->n * sizeof(*a->life)) == 0;
}

static void rotation_by_the_old_key_waits_its_hold(void)
{
	struct life l;

	life_open(&l);
	CHECK(DENIED(rotate(&l, l.spare, (struct keys){ { HOSPITAL(&l) } }), l.k, "signature")); /* the new key did not sign */
	CHECK(DENIED(rotate(&l, l.spare, (struct keys){ { l.spare } }), l.k, "signature"));
	CHECK(rotate(&l, l.spare, (struct keys){ { HOSPITAL(&l), l.spare } }) == COFFER_OK);
	CHECK(speaks(&l, HOSPITAL(&l)) && !speaks(&l, l.spare));
	CHECK(restarts_the_same(&l));
	l.k.now += 72 * HOUR - 1;
	CHECK(speaks(&l, HOSPITAL(&l)) && !speaks(&l, l.spare));
	l.k.now += 1;
	CHECK(!speaks(&l, HOSPITAL(&l)) && speaks(&l, l.spare));
	CHECK(restarts_the_same(&l));
	life_close(&l);
}

static void what_waits_is_ended_by_the_quorum_alone(void)
{
	struct life l;

	life_open(&l);
	CHECK(rotate(&l, l.thief, (struct keys){ { HOSPITAL(&l), l.thief } }) == COFFER_OK); /* the thief is first */
	CHECK(DENIED(rotate(&l, l.spare, (struct keys){ { HOSPITAL(&l), l.spare } }), l.k, "hold"));
	CHECK(DENIED(rotate(&l, HOSPITAL(&l), (struct keys){ { HOSPITAL(&l) } }), l.k, "hold"));
	CHECK(rotate(&l, HOSPITAL(&l), (struct keys){ { RECOVERY(&l) } }) == COFFER_OK);
	l.k.now += 100 * HOUR;
	CHECK(speaks(&l, HOSPITAL(&l)) && !speaks(&l, l.thief));
	CHECK(restarts_the_same(&l));
	life_close(&l);
}

static void quorum_takes_back_what_a_thief_has_taken_over(void)
{
	struct life l;

	life_open(&l);
	CHECK(rotate(&l, l.thief, (struct keys){ { HOSPITAL(&l), l.thief } }) == COFFER_OK);
	l.k.now += 72 * HOUR;
	CHECK(speaks(&l, l.thief) && !speaks(&l, HOSPITAL(&l)));
	CHECK(DENIED(become(&l, &(struct body){ l.thief, l.thief, 72 }, (struct keys){ { l.thief } }), l.k, "malformed") ||
	      l.k.no.check[0]); /* its own key as recovery key: no form */
	CHECK(rotate(&l, l.spare, (struct keys){ { RECOVERY(&l), l.spare } }) == COFFER_OK); /* at once, with the old key lost */
	CHECK(speaks(&l, l.spare) && !speaks(&l, l.thief) && !speaks(&l, HOSPITAL(&l)));
	CHECK(restarts_the_same(&l));
	life_close(&l);
}

static void thief_does_not_use_up_the_hour_of_the_recovery(void)
{
	struct life l;

	life_open(&l);
	while (noise_may_log(&l.k.keep, "hospital"))
		continue;
	CHECK(rotate(&l, l.thief, (struct keys){ { HOSPITAL(&l), l.thief } }) == COFFER_E_LIMIT);
	CHECK(rotate(&l, l.spare, (struct keys){ { RECOVERY(&l), l.spare } }) == COFFER_OK);
	CHECK(speaks(&l, l.spare) && !speaks(&l, HOSPITAL(&l)));
	life_close(&l);
}

static void recovery_keys_and_hold_change_by_the_quorum_alone(void)
{
	struct life l;

	life_open(&l);
	CHECK(DENIED(become(&l, &(struct body){ HOSPITAL(&l), l.thief, 72 }, (struct keys){ { HOSPITAL(&l), l.k.key[KIT_ACME] } }), l.k, "recovery"));
	CHECK(DENIED(become(&l, &(struct body){ HOSPITAL(&l), RECOVERY(&l), 0 }, (struct keys){ { HOSPITAL(&l), l.k.key[KIT_ACME] } }), l.k, "recovery"));
	CHECK(become(&l, &(struct body){ HOSPITAL(&l), l.spare, 1 }, (struct keys){ { RECOVERY(&l) } }) == COFFER_OK);
	CHECK(DENIED(become(&l, &(struct body){ HOSPITAL(&l), RECOVERY(&l), 1 }, (struct keys){ { RECOVERY(&l) } }), l.k, "signature"));
	CHECK(become(&l, &(struct body){ HOSPITAL(&l), RECOVERY(&l), 1 }, (struct keys){ { l.spare } }) == COFFER_OK);
	CHECK(restarts_the_same(&l));
	life_close(&l);
}

static void key_of_another_party_is_not_brought(void)
{
	struct life l;

	life_open(&l);
	CHECK(DENIED(rotate(&l, l.k.key[KIT_ACME], (struct keys){ { HOSPITAL(&l), l.k.key[KIT_ACME] } }), l.k, "signature"));
	CHECK(strstr(l.k.no.reason, "another party's"));
	life_close(&l);
}

/* ---- compromise ---- */

static enum coffer_rc compromise(struct life *l, const struct privkey *stolen, int64_t from, struct keys by, uint8_t id[static 32])
{
	const struct kit_stolen s = { stolen, from, by.k, l->named + 1, l->named_id };
	enum coffer_rc rc = kit_compromise(&l->k, &s, id);

	if (rc == COFFER_OK) {
		l->named++;
		memcpy(l->named_id, id, 32);
	}
	return rc;
}

static enum coffer_rc revoke_by(struct life *l, const uint8_t target[static 32], struct keys by, uint8_t id[static 32])
{
	CLEANUP(freep) char *text = NULL;
	char hex[HEX32_LEN];
	struct kit_st s = { .kind = ST_REVOCATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = target };

	hex32(target, hex);
	s.body = text = str_fmt("{\"reason\":\"x\",\"statement\":\"%s\"}", hex);
	return say(l, &s, by, id);
}

static enum coffer_rc ask(struct life *l)
{
	if (kit_begin(&l->k) != COFFER_OK || kit_attest(&l->k, (struct kit_evidence){ 0 }) != COFFER_OK)
		return COFFER_E_BUG;
	return kit_get(&l->k, (struct kit_get){ 0 });
}

static void grants_before_the_compromise_stand_and_later_ones_are_void(void)
{
	struct life l;
	uint8_t id[32];

	life_open(&l);
	CHECK(ask(&l) == COFFER_OK);
	l.k.now += HOUR;
	CHECK(DENIED(compromise(&l, l.spare, l.k.now, (struct keys){ { RECOVERY(&l) } }, id), l.k, "kind"));           /* never its key */
	CHECK(DENIED(compromise(&l, l.k.key[KIT_ACME], l.k.now, (struct keys){ { RECOVERY(&l) } }, id), l.k, "kind")); /* nor this */
	CHECK(DENIED(compromise(&l, HOSPITAL(&l), l.k.now + 1, (struct keys){ { RECOVERY(&l) } }, id), l.k, "kind"));
	CHECK(DENIED(compromise(&l, HOSPITAL(&l), l.k.now, (struct keys){ { l.k.key[KIT_ACME] } }, id), l.k, "signature"));
	CHECK(compromise(&l, HOSPITAL(&l), l.k.now, (struct keys){ { RECOVERY(&l) } }, id) == COFFER_OK);
	CHECK(ask(&l) == COFFER_OK); /* approval and asset are older */
	CHECK(!speaks(&l, HOSPITAL(&l)));
	CHECK(DENIED(kit_put(&l.k, KIT_HOSPITAL, "x"), l.k, "token") && strstr(l.k.no.reason, "not in effect"));
	CHECK(DENIED(rotate(&l, HOSPITAL(&l), (struct keys){ { RECOVERY(&l), HOSPITAL(&l) } }), l.k, "kind")); /* it does not come back */
	CHECK(compromise(&l, HOSPITAL(&l), l.k.now - 2 * HOUR, (struct keys){ { RECOVERY(&l) } }, id) == COFFER_OK); /* from before it spoke */
	CHECK(DENIED(ask(&l), l.k, "R11"));
	CHECK(restarts_the_same(&l));
	life_close(&l);
}

/* The thief lets a friend decide of the asset too; once that is void the owner decides alone again. */
static void thief_locks_nobody_out_of_an_asset(void)
{
	struct life l;
	struct privkey *was;
	uint8_t id[32];
	int64_t stolen;

	life_open(&l);
	stolen = l.k.now += HOUR;
	l.k.bend = (struct kit_bend){ .cosigned = true,
		.body = "{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":2,\"k\":2,\"of\":[\"hospital\",\"acme\"],\"least-action\":\"stop\"}" };
	CHECK(kit_put(&l.k, KIT_HOSPITAL, "x") == COFFER_OK);
	l.k.bend = (struct kit_bend){ 0 };
	CHECK(DENIED(kit_put(&l.k, KIT_HOSPITAL, "y"), l.k, "signature"));
	CHECK(rotate(&l, l.spare, (struct keys){ { RECOVERY(&l), l.spare } }) == COFFER_OK);
	CHECK(compromise(&l, HOSPITAL(&l), stolen, (struct keys){ { RECOVERY(&l) } }, id) == COFFER_OK);
	CHECK(ask(&l) == COFFER_E_DENIED);
	was = HOSPITAL(&l);
	HOSPITAL(&l) = l.spare;
	CHECK(kit_put(&l.k, KIT_HOSPITAL, "y") == COFFER_OK);
	CHECK(ask(&l) == COFFER_OK);
	HOSPITAL(&l) = was;
	life_close(&l);
}

/* Two keys: a statement that the good one signed too is not the thief's. */
static void word_of_another_key_too_is_not_void(void)
{
	struct life l;
	uint8_t id[32];
	struct party_life *one;
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct err e = { 0 };

	life_open(&l);
	CHECK(rotate(&l, l.spare, (struct keys){ { HOSPITAL(&l), l.spare, RECOVERY(&l) } }) == COFFER_OK);
	CHECK(compromise(&l, l.spare, l.k.now, (struct keys){ { RECOVERY(&l) } }, id) == COFFER_OK);
	one = &l.k.keep.registry.parties.life[1];
	CHECK(strcmp(one->body.id, "hospital") == 0 && one->n_dead == 1 && one->n_past == 2);
	CHECK(dsse_new(span_of("{}"), &env, &e) == COFFER_OK && dsse_sign(&env, l.spare, &e) == COFFER_OK);
	CHECK(life_void(one, &env, l.k.now) && !life_void(one, &env, l.k.now - 1));
	/* Readers go by when it says that it was issued, which may be a little after it was logged. */
	CHECK(!life_vouches(one, &env, l.k.now + LIFE_AHEAD, l.k.now) && life_vouches(one, &env, l.k.now + LIFE_AHEAD - 1, l.k.now));
	CHECK(dsse_sign(&env, HOSPITAL(&l), &e) == COFFER_OK);
	CHECK(!life_void(one, &env, l.k.now) && life_vouches(one, &env, l.k.now, l.k.now));
	life_close(&l);
}

/* Dated ahead as far as is taken, and the key named compromised in between: what is in force here no reader takes for forged. */
static void word_dated_ahead_of_the_compromise_is_no_forgery(void)
{
	struct life l;
	const struct party_life *one;
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct kit_st s = { .kind = ST_TCB, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "snp",
		.body = "{\"platform\":\"snp\",\"minimum\":[{\"product\":\"milan\",\"svns\":{\"snp\":22}}]}", .serial = 1 };
	uint8_t id[32];

	life_open(&l);
	s.issued = l.k.now + LIFE_AHEAD + 1;
	CHECK(DENIED(kit_log(&l.k, &s, id), l.k, "window"));
	s.issued = l.k.now + LIFE_AHEAD;
	CHECK(kit_log(&l.k, &s, id) == COFFER_OK);
	kit_statement(&l.k, &s, &env, id);
	l.k.now += 120;
	CHECK(compromise(&l, HOSPITAL(&l), l.k.now, (struct keys){ { RECOVERY(&l) } }, id) == COFFER_OK);
	one = &l.k.keep.registry.parties.life[1];
	CHECK(!life_void(one, &env, l.k.now - 120) && life_vouches(one, &env, s.issued, l.k.now));
	life_close(&l);
}

static void tightening_by_a_stolen_key_stands_until_the_quorum_lifts_it(void)
{
	struct life l;
	uint8_t first[32], theirs[32], id[32];

	life_open(&l);
	CHECK(rotate(&l, l.spare, (struct keys){ { HOSPITAL(&l), l.spare, RECOVERY(&l) } }) == COFFER_OK);
	l.k.now += HOUR;
	CHECK(revoke_by(&l, l.k.approval_id, (struct keys){ { l.spare } }, theirs) == COFFER_OK);
	CHECK(DENIED(ask(&l), l.k, "R11"));
	CHECK(DENIED(revoke_by(&l, theirs, (struct keys){ { RECOVERY(&l) } }, id), l.k, "kind")); /* no key is compromised: it is final */
	CHECK(compromise(&l, l.spare, l.k.now, (struct keys){ { RECOVERY(&l) } }, first) == COFFER_OK);
	CHECK(DENIED(ask(&l), l.k, "R11")); /* it stands */
	CHECK(DENIED(revoke_by(&l, theirs, (struct keys){ { l.spare } }, id), l.k, "signature"));
	CHECK(revoke_by(&l, theirs, (struct keys){ { RECOVERY(&l) } }, id) == COFFER_OK);
	CHECK(ask(&l) == COFFER_OK);
	CHECK(restarts_the_same(&l));
	life_close(&l);
}

/* ---- k of its recovery keys ---- */

struct three { struct life l; struct privkey *more[2]; const struct privkey *r[3]; };

/* What the hospital says of itself: that key signs, and two of three recover. */
static enum coffer_rc become_of_three(struct three *t, const struct privkey *key, struct keys by)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	CLEANUP(freep) char *text = NULL;
	struct party p = { .id = "hospital", .personas = PERSONA_OWNER, .n_keys = 1, .n_recovery = 3, .quorum = 2, .hold_hours = 72 };
	struct kit_st s = { .kind = ST_PARTY, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "hospital", .serial = t->l.serial + 1, .previous = t->l.last };
	struct json_wr j = jw_open(&w, false);
	uint8_t id[32];
	enum coffer_rc rc;

	p.keys[0] = *privkey_public(key);
	for (size_t i = 0; i < 3; i++)
		p.recovery[i] = *privkey_public(t->r[i]);
	party_write(&p, &j);
	s.body = text = wr_take(&w, NULL);
	rc = say(&t->l, &s, by, id);
	if (rc == COFFER_OK) {
		t->l.serial++;
		memcpy(t->l.last, id, sizeof(id));
	}
	return rc;
}

static void three_open(struct three *t)
{
	struct err e = { 0 };

	life_open(&t->l);
	t->r[0] = RECOVERY(&t->l);
	for (size_t i = 0; i < 2; i++) {
		if (privkey_new(KEY_P256, &t->more[i], &e) != COFFER_OK)
			abort();
		t->r[i + 1] = t->more[i];
	}
	CHECK(become_of_three(t, HOSPITAL(&t->l), (struct keys){ { t->r[0] } }) == COFFER_OK); /* who recovered alone until now */
}

static void three_close(struct three *t)
{
	privkey_free(t->more[0]);
	privkey_free(t->more[1]);
	life_close(&t->l);
}

/* Any two of the three, for whatever a quorum says; never one, nor one beside a key that signs. */
static void two_of_three_recovery_keys_are_the_quorum_and_one_is_none(void)
{
	struct three t = { 0 };
	uint8_t named[32], theirs[32], id[32];

	three_open(&t);
	for (size_t i = 0; i < 3; i++) /* a rotation with the old key lost */
		CHECK(DENIED(become_of_three(&t, t.l.spare, (struct keys){ { t.r[i], t.l.spare } }), t.l.k, "signature"));
	CHECK(become_of_three(&t, t.l.spare, (struct keys){ { t.r[1], t.r[2], t.l.spare } }) == COFFER_OK && speaks(&t.l, t.l.spare));
	CHECK(become_of_three(&t, t.l.thief, (struct keys){ { t.l.spare, t.l.thief } }) == COFFER_OK); /* a thief's waits; it is cancelled */
	CHECK(DENIED(become_of_three(&t, t.l.spare, (struct keys){ { t.l.spare, t.r[0] } }), t.l.k, "hold"));
	CHECK(become_of_three(&t, t.l.spare, (struct keys){ { t.r[0], t.r[2] } }) == COFFER_OK);
	CHECK(DENIED(rotate(&t.l, t.l.spare, (struct keys){ { t.l.spare, t.r[0] } }), t.l.k, "recovery")); /* other recovery keys, and fewer to decide */
	t.l.k.now += 73 * HOUR;
	CHECK(speaks(&t.l, t.l.spare) && !speaks(&t.l, t.l.thief));
	CHECK(revoke_by(&t.l, t.l.k.approval_id, (struct keys){ { t.l.spare } }, theirs) == COFFER_OK);
	CHECK(DENIED(compromise(&t.l, t.l.spare, t.l.k.now, (struct keys){ { t.r[1] } }, named), t.l.k, "signature"));
	CHECK(compromise(&t.l, t.l.spare, t.l.k.now, (struct keys){ { t.r[0], t.r[1] } }, named) == COFFER_OK);
	CHECK(DENIED(revoke_by(&t.l, theirs, (struct keys){ { t.r[2] } }, id), t.l.k, "signature")); /* what the thief revoked is lifted */
	CHECK(revoke_by(&t.l, theirs, (struct keys){ { t.r[1], t.r[2] } }, id) == COFFER_OK);
	CHECK(restarts_the_same(&t.l));
	three_close(&t);
}

static void thief_that_names_the_good_key_is_undone_by_the_quorum(void)
{
	struct life l;
	uint8_t theirs[32], id[32];

	life_open(&l);
	l.k.now += HOUR;
	/* the thief has the hospital's key and names it: a tightening like any other */
	CHECK(compromise(&l, HOSPITAL(&l), l.k.now - 2 * HOUR, (struct keys){ { HOSPITAL(&l) } }, theirs) == COFFER_OK);
	CHECK(DENIED(ask(&l), l.k, "R11") && !speaks(&l, HOSPITAL(&l)));
	CHECK(DENIED(revoke_by(&l, theirs, (struct keys){ { HOSPITAL(&l) } }, id), l.k, "signature"));
	CHECK(revoke_by(&l, theirs, (struct keys){ { RECOVERY(&l) } }, id) == COFFER_OK); /* it was dead by its own word */
	CHECK(ask(&l) == COFFER_OK && speaks(&l, HOSPITAL(&l)));
	CHECK(compromise(&l, HOSPITAL(&l), l.k.now, (struct keys){ { RECOVERY(&l) } }, theirs) == COFFER_OK);
	CHECK(DENIED(revoke_by(&l, theirs, (struct keys){ { RECOVERY(&l) } }, id), l.k, "kind")); /* the quorum's own word is final */
	CHECK(restarts_the_same(&l));
	life_close(&l);
}

/* ---- as a client reads it ---- */

static char *page_of(struct life *l)
{
	struct wr w = wr_open(16);

	wr_be64(&w, 0);
	if (kit_ask(&l->k, KEEP_PARTIES, &w) != COFFER_OK)
		abort();
	return str_fmt("%.*s", (int)l->k.answer.n, (const char *)l->k.answer.p);
}

static enum coffer_rc read_page(struct life *l, struct span text, struct parties *out, struct err *e)
{
	struct parties_page at = { 0 };

	parties_clear(out);
	if (parties_open(l->k.keep.registry.genesis, out, e) != COFFER_OK)
		abort();
	return parties_read(out, l->k.genesis_id, text, &at, e);
}

/* Rotated, compromised, lifted: the page has it all. */
static void live(struct life *l)
{
	uint8_t theirs[32], id[32];

	life_open(l);
	CHECK(rotate(l, l->spare, (struct keys){ { HOSPITAL(l), l->spare } }) == COFFER_OK);
	l->k.now += 73 * HOUR;
	CHECK(compromise(l, HOSPITAL(l), l->k.now, (struct keys){ { l->spare } }, theirs) == COFFER_OK);
	l->named = 0;
	CHECK(compromise(l, l->spare, l->k.now, (struct keys){ { l->spare } }, theirs) == COFFER_OK);
	CHECK(revoke_by(l, theirs, (struct keys){ { RECOVERY(l) } }, id) == COFFER_OK);
	CHECK(kit_introduce(&l->k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
}

static void client_comes_to_the_same_parties(void)
{
	struct life l;
	CLEANUP(parties_clear) struct parties p = { 0 };
	CLEANUP(freep) char *text = NULL;
	struct err e = { 0 };

	live(&l);
	text = page_of(&l);
	CHECK(read_page(&l, span_of(text), &p, &e) == COFFER_OK);
	CHECK(p.n == 3 && memcmp(p.life, l.k.keep.registry.parties.life, p.n * sizeof(*p.life)) == 0);
	CHECK(p.life[1].n_dead == 1 && pubkey_eq(&life_party(&p.life[1], l.k.now)->keys[0], privkey_public(l.spare)));
	life_close(&l);
}

/* Page after page of one statement each, the hospital's, told so often. */
struct pages { const char *statement; uint64_t n, asked; };

static enum coffer_rc one_page(void *arg, uint64_t from, struct wr *out, struct err *e)
{
	struct pages *g = arg;

	(void)e;
	CHECK(from == (g->asked ? 7 + g->asked : 0));
	g->asked++;
	*out = wr_open(1u << 16);
	wr_fmt(out, "{\"statements\":[{\"seq\":%llu,%s],\"more\":%s,\"next\":%llu}", (unsigned long long)(7 + g->asked - 1), g->statement, g->asked < g->n ? "true" : "false",
	    (unsigned long long)(7 + g->asked));
	return COFFER_OK;
}

static void client_reads_as_many_pages_as_there_are(void)
{
	CLEANUP(parties_clear) struct parties p = { 0 };
	CLEANUP(freep) char *text = NULL;
	struct life l;
	struct err e = { 0 };
	struct pages g = { .n = 300 };
	struct parties_source s = { one_page, &g, 300 };
	char *end;

	life_open(&l);
	CHECK(kit_introduce(&l.k, KIT_HOSPITAL, KIT_HOSPITAL, KIT_ACME) == COFFER_OK);
	text = page_of(&l);
	g.statement = strstr(text, "\"statement\"");
	end = strstr(text, "],\"more\"");
	if (!g.statement || !end)
		abort();
	*end = 0;
	CHECK(parties_open(l.k.keep.registry.genesis, &p, &e) == COFFER_OK);
	CHECK(parties_follow(&p, l.k.genesis_id, &s, &e) == COFFER_OK && g.asked == 300 && p.n == 2);
	g.asked = 0;
	s.most = 299; /* and no more than it takes: another would never end */
	CHECK(parties_follow(&p, l.k.genesis_id, &s, &e) == COFFER_E_LIMIT && g.asked == 299);
	life_close(&l);
}

static void page_cut_or_changed_is_refused(void)
{
	struct life l;
	CLEANUP(parties_clear) struct parties p = { 0 };
	CLEANUP(freep) char *text = NULL;
	struct err e = { 0 };
	size_t n, refused = 0, tried = 0;
	char *at;

	live(&l);
	text = page_of(&l);
	n = strlen(text);
	for (size_t i = 0; i < n; i += i < n - 64 ? 37 : 1) {
		tried++;
		refused += read_page(&l, (struct span){ (const uint8_t *)text, i }, &p, &e) != COFFER_OK;
	}
	CHECK(refused == tried);
	at = strstr(text, "\"sig\":\"");
	if (!at)
		abort();
	at[9] = at[9] == 'A' ? 'B' : 'A';
	CHECK(read_page(&l, span_of(text), &p, &e) == COFFER_E_DENIED && strcmp(e.check, "parties") == 0);
	life_close(&l);
}

/* A service that leaves a statement out, or shows them in another order, shows what does not follow. */
static void page_without_its_middle_is_refused(void)
{
	struct life l;
	CLEANUP(parties_clear) struct parties p = { 0 };
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *less = NULL;
	struct err e = { 0 };
	char *first, *second;

	live(&l);
	text = page_of(&l);
	first = strstr(text, "{\"seq\"");
	second = first ? strstr(first + 1, "{\"seq\"") : NULL;
	if (!second)
		abort();
	less = str_fmt("%.*s%s", (int)(first - text), text, second); /* the rotation is gone: the spare key is nobody's */
	CHECK(read_page(&l, span_of(less), &p, &e) == COFFER_E_DENIED && strcmp(e.check, "parties") == 0);
	life_close(&l);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(rotation_by_the_old_key_waits_its_hold), T(what_waits_is_ended_by_the_quorum_alone),
		T(quorum_takes_back_what_a_thief_has_taken_over), T(thief_does_not_use_up_the_hour_of_the_recovery), T(recovery_keys_and_hold_change_by_the_quorum_alone),
		T(key_of_another_party_is_not_brought), T(grants_before_the_compromise_stand_and_later_ones_are_void),
		T(word_of_another_key_too_is_not_void), T(word_dated_ahead_of_the_compromise_is_no_forgery), T(thief_locks_nobody_out_of_an_asset), T(tightening_by_a_stolen_key_stands_until_the_quorum_lifts_it), T(two_of_three_recovery_keys_are_the_quorum_and_one_is_none),
		T(thief_that_names_the_good_key_is_undone_by_the_quorum), T(client_comes_to_the_same_parties), T(client_reads_as_many_pages_as_there_are),
		T(page_cut_or_changed_is_refused), T(page_without_its_middle_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
