/* Amendments of the genesis: who makes them, what they cannot ask for, and which assets go by them. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/registry.h"
#include "cofferd/keep/witnessed.h"
#include "fmt/enc.h"
#include "replay/replay.h"
#include "tests/receiptkit.h"
#include "tests/t.h"
#include "trust/parties.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)
#define ORIGIN "kit.example/log"

/* "0 2": these of the kit's witnesses. */
static char *body_of(struct kit *k, const char *which, unsigned cosignatures)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	struct json_wr j = jw_open(&w, false);

	jw_obj(&j);
	jw_m_u64(&j, "cosignatures", cosignatures);
	jw_name(&j, "witnesses");
	jw_arr(&j);
	for (; *which; which++)
		if (*which != ' ')
			witness_write(&(struct genesis_witness){ k->witness[*which - '0'].name, "http://127.0.0.1:2" }, &j);
	jw_arr_end(&j);
	jw_obj_end(&j);
	return wr_take(&w, NULL);
}

struct by { const struct privkey *k[KIT_SIGNERS_MAX]; };
#define FOUNDERS(k) ((struct by){ { (k).key[KIT_ACME], (k).key[KIT_HOSPITAL] } })

static enum coffer_rc amend_as(struct kit *k, const struct kit_st *more, const struct by *by, uint8_t id[static 32])
{
	struct kit_st s = *more;

	s.kind = ST_AMENDMENT;
	s.issuer = KIT_ACME;
	s.also = KIT_HOSPITAL;
	s.issuer_name = "genesis";
	s.subject = s.subject ? s.subject : ORIGIN;
	return kit_log_by(k, &s, by->k, id);
}

/* The first, by both founders. */
static enum coffer_rc amend(struct kit *k, const char *which, unsigned cosignatures, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = body_of(k, which, cosignatures);
	const struct by by = FOUNDERS(*k);

	return amend_as(k, &(struct kit_st){ .body = body }, &by, id);
}

static void deployed(struct kit *k, unsigned n, unsigned cosignatures)
{
	kit_open_witnessed(k, n, cosignatures);
	kit_deploy(k);
}

static void every_founder_signs(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL;
	uint8_t id[32];

	deployed(&k, 2, 2);
	body = body_of(&k, "0 2", 2);
	CHECK(DENIED(amend_as(&k, &(struct kit_st){ .body = body }, &(struct by){ { k.key[KIT_ACME] } }, id), k, "signature"));
	CHECK(DENIED(amend_as(&k, &(struct kit_st){ .body = body }, &(struct by){ { k.key[KIT_HOSPITAL], k.key[KIT_STRANGER] } }, id), k, "signature"));
	CHECK(DENIED(amend_as(&k, &(struct kit_st){ .body = body }, &(struct by){ { k.key[KIT_ACME], k.recovery[KIT_HOSPITAL] } }, id), k, "signature"));
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK); /* and nobody else */
	CHECK(DENIED(amend_as(&k, &(struct kit_st){ .body = body }, &(struct by){ { k.key[KIT_ACME], k.key[KIT_HOSPITAL], k.key[KIT_STRANGER] } }, id), k, "signature"));
	CHECK(k.keep.registry.parties.n_amended == 0);
	CHECK(amend(&k, "0 2", 2, id) == COFFER_OK && k.keep.registry.parties.n_amended == 1);
	CHECK(parties_genesis(&k.keep.registry.parties)->n_witnesses == 2 && k.keep.registry.genesis->n_witnesses == 2);
	CHECK(!strcmp(parties_genesis(&k.keep.registry.parties)->witness[1].key.name, "witness.example/2"));
}

/* The key in the genesis is not the founder's any more. */
static void founder_signs_with_the_key_it_has_now(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(privkey_freep) struct privkey *spare = NULL;
	CLEANUP(freep) char *body = NULL;
	struct err e = { 0 };
	uint8_t id[32];

	deployed(&k, 2, 2);
	body = body_of(&k, "0 2", 2);
	CHECK(privkey_new(KEY_ED25519, &spare, &e) == COFFER_OK && kit_rotate(&k, spare) == COFFER_OK);
	CHECK(DENIED(amend(&k, "0 2", 2, id), k, "signature"));
	CHECK(amend_as(&k, &(struct kit_st){ .body = body }, &(struct by){ { k.key[KIT_ACME], spare } }, id) == COFFER_OK);
}

static void chain_has_one_order(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL, *other = NULL;
	uint8_t first[32], id[32], wrong[32] = { 1 };
	struct by by;

	deployed(&k, 2, 2);
	by = FOUNDERS(k);
	body = body_of(&k, "0 2", 2);
	other = body_of(&k, "1 2", 2);
	CHECK(DENIED(amend_as(&k, &(struct kit_st){ .body = body, .serial = 2, .previous = wrong }, &by, id), k, "serial"));
	CHECK(DENIED(amend_as(&k, &(struct kit_st){ .body = body, .other_ledger = true }, &by, id), k, "ledger"));
	CHECK(DENIED(amend_as(&k, &(struct kit_st){ .body = body, .issued = k.now - 20, .expires = k.now - 10 }, &by, id), k, "window"));
	CHECK(amend_as(&k, &(struct kit_st){ .body = body, .subject = "other.example/log" }, &by, id) == COFFER_E_INPUT);
	CHECK(amend_as(&k, &(struct kit_st){ .body = body }, &by, first) == COFFER_OK);
	CHECK(amend_as(&k, &(struct kit_st){ .body = body }, &by, id) == COFFER_OK && k.keep.registry.parties.n_amended == 1); /* the same one: known */
	CHECK(DENIED(amend_as(&k, &(struct kit_st){ .body = other }, &by, id), k, "serial"));	/* a fork, by all founders */
	CHECK(DENIED(amend_as(&k, &(struct kit_st){ .body = other, .serial = 2, .previous = wrong }, &by, id), k, "serial"));
	CHECK(amend_as(&k, &(struct kit_st){ .body = other, .serial = 2, .previous = first }, &by, id) == COFFER_OK);
	CHECK(k.keep.registry.parties.n_amended == 2 && kit_revoke(&k, KIT_ACME, first) == COFFER_E_DENIED);
}

static void it_never_asks_for_less(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *none = NULL, *no_sig = NULL, *twice = NULL;
	uint8_t id[32];
	struct by by;

	deployed(&k, 2, 2);
	by = FOUNDERS(k);
	none = body_of(&k, "", 0);
	no_sig = body_of(&k, "0 1 2", 0);
	twice = body_of(&k, "0 0 2", 2);
	CHECK(DENIED(amend(&k, "0", 1, id), k, "amendment")); /* one of one cannot be split, and is fewer */
	CHECK(DENIED(amend_as(&k, &(struct kit_st){ .body = none }, &by, id), k, "amendment"));
	CHECK(amend_as(&k, &(struct kit_st){ .body = no_sig }, &by, id) == COFFER_E_INPUT);
	CHECK(amend_as(&k, &(struct kit_st){ .body = twice }, &by, id) == COFFER_E_INPUT); /* one witness, twice */
	CHECK(amend_as(&k, &(struct kit_st){ .body = "{\"cosignatures\":2,\"witnesses\":[],\"vendor-roots\":[]}" }, &by, id) == COFFER_E_INPUT);
	CHECK(amend(&k, "0 1 2", 2, id) == COFFER_OK); /* two of three, where it was two of two */
}

static void it_does_not_open_a_way_for_two_histories(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	deployed(&k, 1, 1);
	CHECK(DENIED(amend(&k, "0 1", 1, id), k, "amendment")); /* one of two: each history finds one */
	CHECK(amend(&k, "1 2", 2, id) == COFFER_OK);
}

static bool asked(struct kit *k, uint8_t ticket[static KEEP_TICKET_LEN])
{
	if (kit_begin(k) != COFFER_OK || kit_attest(k, (struct kit_evidence){ 0 }) != COFFER_OK)
		abort();
	return kit_get(k, (struct kit_get){ 0 }) == COFFER_OK && kit_ticket(k, ticket);
}

/* Without the statements of that kind. */
static void without(const struct wr *text, enum statement_kind kind, struct wr *out)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err e = { 0 };
	struct json_wr j;

	*out = wr_open(RECEIPT_MAX);
	j = jw_open(out, false);
	CHECK(json_parse((struct span){ text->p, text->n - 1 }, RECEIPT_MAX, &doc, &e) == COFFER_OK);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		const struct json *v = json_at(json_root(doc), i);

		jw_namen(&j, json_name(json_root(doc), i));
		if (!span_eq_str(json_name(json_root(doc), i), "statements")) {
			jw_value(&j, v);
			continue;
		}
		jw_arr(&j);
		for (size_t n = 0; n < json_len(v); n++) {
			CLEANUP(dsse_clear) struct dsse env = { 0 };
			CLEANUP(statement_clear) struct statement s = { 0 };

			CHECK(dsse_parse_json(json_get(json_at(v, n), "envelope"), &env, &e) == COFFER_OK && statement_parse(wr_span(&env.payload), &s, &e) == COFFER_OK);
			if (s.kind != kind)
				jw_value(&j, json_at(v, n));
		}
		jw_arr_end(&j);
	}
	jw_obj_end(&j);
	wr_u8(out, '\n');
}

/* Whose witnesses count is what the amendment says that the asset's statement names. */
static void receipt_without_the_amendment_that_its_asset_names_is_refused(struct kit *k)
{
	CLEANUP(wr_close) struct wr text = { 0 }, bent = { 0 };
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	struct err e = { 0 };

	receiptkit_make(k, KIT_HOSPITAL, &text);
	without(&text, ST_AMENDMENT, &bent);
	CHECK(out && bent.n < text.n && receiptkit_replay(k, wr_span(&bent), (struct span){ 0 }, out, &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-rests") == 0 &&
	      strstr(e.msg, "an amendment of the genesis that is not in the receipt"));
}

/* What is there waits for the witnesses of before; what its owner states anew, naming the amendment, for the new ones. */
static void assets_go_by_it_when_their_owners_say_so(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN], id[32];
	struct keep_round_rep round;
	char hex[HEX32_LEN];

	deployed(&k, 2, 2);
	k.amendment = "1111111111111111111111111111111111111111111111111111111111111111";
	CHECK(DENIED(kit_restate(&k, NULL), k, "kind")); /* no such amendment */
	k.amendment = NULL;
	CHECK(amend(&k, "1 2", 2, id) == COFFER_OK);
	hex32(id, hex);
	CHECK(asked(&k, ticket) && kit_round(&k, &round) == COFFER_OK && round.n == 3 && round.missing == 7);
	CHECK(kit_witness(&k, 1) == COFFER_OK && kit_witness(&k, 2) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_E_LIMIT);		 /* the amendment's two are not the asset's */
	CHECK(kit_round(&k, &round) == COFFER_OK && round.missing == 1); /* still wanted, since a reply waits */
	CHECK(kit_witness(&k, 0) == COFFER_OK && kit_collect(&k, ticket) == COFFER_OK && kit_opens_to(&k, false, "good morning"));
	CHECK(receiptkit_replays(&k, KIT_HOSPITAL)); /* with the signatures of 0 and 1 */
	k.amendment = hex;
	CHECK(kit_restate(&k, NULL) == COFFER_OK);
	CHECK(asked(&k, ticket) && kit_round(&k, &round) == COFFER_OK);
	CHECK(kit_witness(&k, 0) == COFFER_OK && kit_witness(&k, 1) == COFFER_OK && kit_collect(&k, ticket) == COFFER_E_LIMIT);
	CHECK(kit_witness(&k, 2) == COFFER_OK && kit_collect(&k, ticket) == COFFER_OK && kit_opens_to(&k, false, "good morning"));
	CHECK(receiptkit_replays(&k, KIT_HOSPITAL)); /* with those of 1 and 2, and the amendment in it */
	receipt_without_the_amendment_that_its_asset_names_is_refused(&k);
}

/* The last release by the first witnesses has a receipt for good: one of these signs no more, the public head is by others, and the service was started again. */
static void receipts_outlive_their_witnesses(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr uncovered = { 0 };
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	uint8_t ticket[KEEP_TICKET_LEN], id[32], decision[16];
	struct keep_round_rep round;
	struct err e = { 0 };

	deployed(&k, 2, 2);
	CHECK(asked(&k, ticket) && kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK && kit_witness(&k, 1) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_OK);
	receiptkit_newest(&k, decision);
	CHECK(amend(&k, "1 2", 2, id) == COFFER_OK);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 1) == COFFER_OK && kit_witness(&k, 2) == COFFER_OK);
	for (int again = 0; again < 2; again++) {
		CLEANUP(wr_close) struct wr text = { 0 };

		receiptkit_of(&k, KIT_HOSPITAL, decision, &text);
		CHECK(out && receiptkit_replay(&k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK && out->words);
		witnessed_free(k.keep.witnessed);
		k.keep.witnessed = NULL;
		CHECK(witnessed_new(&k.keep.registry.parties, &k.keep.witnessed, &e) == COFFER_OK && witnessed_restore(&k.keep, &e) == COFFER_OK);
	}
	/* one that is not covered by what they signed is not shown with it */
	CHECK(asked(&k, ticket) && kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 1) == COFFER_OK && kit_witness(&k, 2) == COFFER_OK);
	receiptkit_make(&k, KIT_HOSPITAL, &uncovered);
	CHECK(receiptkit_replay(&k, wr_span(&uncovered), (struct span){ 0 }, out, &e) == COFFER_E_DENIED && !strcmp(e.check, "ledger-witness"));
}

/* The founders amended it again, and the asset's owners did not say so yet. */
static void receipt_by_the_amendment_before_the_last_holds(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL;
	uint8_t id[32], next[32];
	struct by by;
	char hex[HEX32_LEN];

	deployed(&k, 0, 0);
	by = FOUNDERS(k);
	CHECK(amend(&k, "", 0, id) == COFFER_OK);
	hex32(id, hex);
	k.amendment = hex;
	CHECK(kit_restate(&k, NULL) == COFFER_OK && kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	body = body_of(&k, "", 0);
	CHECK(amend_as(&k, &(struct kit_st){ .body = body, .serial = 2, .previous = id }, &by, next) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* A genesis without witnesses gets some; what is there goes on without. */
static void witnesses_come_where_there_were_none(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN], id[32];
	struct keep_round_rep round;
	char hex[HEX32_LEN];

	deployed(&k, 0, 0);
	CHECK(amend(&k, "0", 1, id) == COFFER_OK);
	hex32(id, hex);
	CHECK(!asked(&k, ticket) && kit_opens_to(&k, false, "good morning"));
	k.amendment = hex;
	CHECK(kit_put(&k, KIT_HOSPITAL, "good evening") == COFFER_OK);
	CHECK(asked(&k, ticket) && kit_collect(&k, ticket) == COFFER_E_LIMIT);
	CHECK(kit_round(&k, &round) == COFFER_OK && kit_witness(&k, 0) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_OK && kit_opens_to(&k, false, "good evening"));
}

static void it_stops_what_waits(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t ticket[KEEP_TICKET_LEN], id[32];

	deployed(&k, 1, 1);
	CHECK(asked(&k, ticket) && kit_collect(&k, ticket) == COFFER_E_LIMIT);
	CHECK(amend(&k, "1", 1, id) == COFFER_OK);
	CHECK(kit_collect(&k, ticket) == COFFER_E_NOTFOUND);
}

/* ---- as clients read it ---- */

static char *page_of(struct kit *k)
{
	struct wr w = wr_open(16);

	wr_be64(&w, 0);
	if (kit_ask(k, KEEP_PARTIES, &w) != COFFER_OK)
		abort();
	return span_dup(wr_span(&k->answer));
}

static enum coffer_rc read_page(struct kit *k, struct span text, struct parties *out, struct err *e)
{
	struct parties_page at = { 0 };

	parties_clear(out);
	if (parties_open(k->keep.registry.genesis, out, e) != COFFER_OK)
		abort();
	return parties_read(out, k->genesis_id, text, &at, e);
}

static void clients_follow_the_chain_from_the_genesis_alone(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(parties_clear) struct parties p = { 0 };
	CLEANUP(freep) char *text = NULL;
	struct err e = { 0 };
	uint8_t id[32];
	size_t n;
	char *at;

	deployed(&k, 2, 2);
	CHECK(amend(&k, "0 2", 2, id) == COFFER_OK);
	text = page_of(&k);
	CHECK(read_page(&k, span_of(text), &p, &e) == COFFER_OK && p.n_amended == 1);
	CHECK(parties_genesis_by(&p, id) == parties_genesis(&p) && parties_genesis_by(&p, NULL) == p.founded && !parties_genesis_by(&p, k.genesis_id));
	n = strlen(text);
	for (size_t i = 0; i < n; i += i < n - 64 ? 29 : 1)
		CHECK(read_page(&k, (struct span){ (const uint8_t *)text, i }, &p, &e) != COFFER_OK);
	at = strstr(text, "\"sig\":\"");
	if (!at)
		abort();
	at[9] = at[9] == 'A' ? 'B' : 'A';
	CHECK(read_page(&k, span_of(text), &p, &e) == COFFER_E_DENIED && strcmp(e.check, "parties") == 0 && p.n_amended == 0);
}

/* What a service that lies would show: each step is the client's own to check. */
static enum coffer_rc shown(struct kit *k, struct parties *p, const struct kit_st *more, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct kit_st st = *more;
	uint8_t id[32];

	st.kind = ST_AMENDMENT;
	st.issuer_name = "genesis";
	st.subject = ORIGIN;
	kit_statement(k, &st, &env, id);
	if (statement_parse(wr_span(&env.payload), &s, e) != COFFER_OK)
		abort();
	return parties_learn(p, &(struct parties_event){ &env, &s, k->now }, e);
}

static void clients_check_each_step_themselves(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(parties_clear) struct parties p = { 0 };
	CLEANUP(freep) char *body = NULL;
	struct kit_st good = { .issuer = KIT_ACME, .also = KIT_HOSPITAL }, s;
	uint8_t wrong[32] = { 1 }, none[32] = { 0 };
	struct err e = { 0 };

	kit_open_witnessed(&k, 2, 2);
	good.body = body = body_of(&k, "0 2", 2);
	CHECK(parties_open(k.keep.registry.genesis, &p, &e) == COFFER_OK);
	s = good, s.also = KIT_ACME;
	CHECK(shown(&k, &p, &s, &e) == COFFER_E_DENIED && !strcmp(e.check, "signature"));
	s = good, s.other_ledger = true;
	CHECK(shown(&k, &p, &s, &e) == COFFER_E_DENIED && !strcmp(e.check, "ledger"));
	s = good, s.serial = 2, s.previous = wrong;
	CHECK(shown(&k, &p, &s, &e) == COFFER_E_DENIED && !strcmp(e.check, "serial"));
	s.previous = none;
	CHECK(shown(&k, &p, &s, &e) == COFFER_E_DENIED && !strcmp(e.check, "serial")); /* the second is not the first */
	CHECK(p.n_amended == 0 && shown(&k, &p, &good, &e) == COFFER_OK && p.n_amended == 1);
	CHECK(shown(&k, &p, &good, &e) == COFFER_E_DENIED && !strcmp(e.check, "serial")); /* once more */
	s = good, s.serial = 2, s.previous = wrong;
	CHECK(shown(&k, &p, &s, &e) == COFFER_E_DENIED && !strcmp(e.check, "serial") && p.n_amended == 1);
	for (size_t i = 2; i <= AMENDMENTS_MAX; i++) {
		s = good, s.serial = i, s.previous = p.amended[p.n_amended - 1].id;
		CHECK(shown(&k, &p, &s, &e) == COFFER_OK);
	}
	s = good, s.serial = AMENDMENTS_MAX + 1, s.previous = p.amended[p.n_amended - 1].id;
	CHECK(shown(&k, &p, &s, &e) == COFFER_E_LIMIT && p.n_amended == AMENDMENTS_MAX);
}

/* ---- shipped policies ---- */

/* Of this program, but for the one. */
static struct shipped other_than(size_t i)
{
	struct shipped s = shipped_here;

	s.sha256[i][0] ^= 1;
	return s;
}

static void service_that_ships_another_policy_does_not_start(void)
{
	struct shipped none = { .has = { false } };
	struct err e = { 0 };

	CHECK(kit_starts(&none, &e) == COFFER_OK && kit_starts(&shipped_here, &e) == COFFER_OK);
	for (size_t i = 0; i < SHIPPED_N; i++) {
		struct shipped other = other_than(i);

		CHECK(kit_starts(&other, &e) == COFFER_E_DENIED && strcmp(e.check, "policies") == 0 && strstr(e.msg, shipped_name(i)));
		other.has[i] = false;
		CHECK(kit_starts(&other, &e) == COFFER_OK);
	}
}

static enum coffer_rc name_policies(struct kit *k, const struct shipped *s, uint8_t id[static 32])
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	CLEANUP(freep) char *body = NULL;
	const struct by by = FOUNDERS(*k);
	struct json_wr j = jw_open(&w, false);

	jw_obj(&j);
	jw_m_u64(&j, "cosignatures", 0);
	jw_name(&j, "witnesses");
	jw_arr(&j);
	jw_arr_end(&j);
	jw_name(&j, "policies");
	shipped_write(s, &j);
	jw_obj_end(&j);
	body = wr_take(&w, NULL);
	return amend_as(k, &(struct kit_st){ .body = body }, &by, id);
}

static enum coffer_rc get(struct kit *k)
{
	if (kit_begin(k) != COFFER_OK || kit_attest(k, (struct kit_evidence){ 0 }) != COFFER_OK)
		abort();
	return kit_get(k, (struct kit_get){ 0 });
}

/* The program changes a policy for attestation: what is there goes by the old one until the founders name the new one and its owner says so. */
static void asset_goes_by_the_policies_that_its_genesis_names(void)
{
	struct shipped next = other_than(SHIPPED_CPU), strict = other_than(SHIPPED_RELEASE);
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];
	char hex[HEX32_LEN];

	kit_open_naming(&k, &shipped_here);
	kit_deploy(&k);
	CHECK(get(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	k.keep.shipped = &strict; /* the asset has a release policy of its own */
	CHECK(get(&k) == COFFER_OK);
	k.keep.shipped = &next;
	CHECK(DENIED(get(&k), k, "R10") && strstr(k.no.reason, "ships with this version"));
	CHECK(name_policies(&k, &next, id) == COFFER_OK);
	CHECK(DENIED(get(&k), k, "R10")); /* it touches no asset that is there */
	hex32(id, hex);
	k.amendment = hex;
	CHECK(kit_restate(&k, NULL) == COFFER_OK && get(&k) == COFFER_OK);
	k.keep.shipped = &shipped_here;
	CHECK(DENIED(get(&k), k, "R10")); /* and now by no other */
}

/* Decided again by a program with another policy than the genesis names as the asset goes by it, it is refused. */
static void receipt_by_another_default_policy_is_refused(void)
{
	struct shipped next = other_than(SHIPPED_CPU);
	CLEANUP(kit_free) struct kit k;
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	struct err e = { 0 };
	uint8_t id[32];
	char hex[HEX32_LEN];

	kit_open_naming(&k, &shipped_here);
	kit_deploy(&k);
	CHECK(name_policies(&k, &next, id) == COFFER_OK);
	hex32(id, hex);
	k.amendment = hex;
	k.keep.shipped = &next;
	CHECK(kit_restate(&k, NULL) == COFFER_OK && get(&k) == COFFER_OK);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(receiptkit_replay(&k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_E_DENIED && strcmp(e.check, "R10") == 0);
}

static void a_restart_comes_to_the_same(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(registry_clear) struct registry again = { 0 };
	struct err e = { 0 };
	uint8_t id[32];

	deployed(&k, 2, 2);
	CHECK(amend(&k, "0 2", 2, id) == COFFER_OK);
	CHECK(registry_open(k.keep.store, k.keep.registry.genesis, &again, &e) == COFFER_OK && again.parties.n_amended == 1);
	CHECK(memcmp(again.parties.amended, k.keep.registry.parties.amended, sizeof(*again.parties.amended)) == 0);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(every_founder_signs), T(founder_signs_with_the_key_it_has_now), T(chain_has_one_order), T(it_never_asks_for_less),
		T(it_does_not_open_a_way_for_two_histories), T(assets_go_by_it_when_their_owners_say_so), T(receipts_outlive_their_witnesses), T(receipt_by_the_amendment_before_the_last_holds), T(witnesses_come_where_there_were_none),
		T(it_stops_what_waits), T(clients_follow_the_chain_from_the_genesis_alone), T(clients_check_each_step_themselves), T(a_restart_comes_to_the_same),
		T(service_that_ships_another_policy_does_not_start), T(asset_goes_by_the_policies_that_its_genesis_names), T(receipt_by_another_default_policy_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
