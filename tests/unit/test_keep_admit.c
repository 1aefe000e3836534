/* What keep does not log: each rule of docs/protocol/statements.md, broken once. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/noise.h"
#include "fmt/enc.h"
#include "tests/keepkit.h"
#include "tests/t.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)

static uint64_t entries_of(struct kit *k, const char *type)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "SELECT count(*) FROM entry WHERE type=?");
	struct err e = { 0 };
	bool row = false;

	q_text(&q, span_of(type));
	if (q_row(&q, &row, &e) != COFFER_OK || !row)
		abort();
	return (uint64_t)q_col_i64(&q, 0);
}

/* text with its first `from` replaced by `to`, which is no longer. */
static char *with(char *text, const char *from, const char *to)
{
	char *at = text ? strstr(text, from) : NULL;

	if (!at || strlen(from) != strlen(to))
		abort();
	memcpy(at, to, strlen(to));
	return text;
}

static void party_statement_is_about_its_issuer_alone(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL;
	uint8_t id[32];
	struct kit_st s = { .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_ACME, .issuer_name = "stranger" };

	kit_open(&k);
	s.body = body = kit_party_body(&k, KIT_STRANGER);
	s.subject = "stranger";
	s.issuer_name = "somebody";
	CHECK(DENIED(kit_log(&k, &s, id), k, "kind"));
	CHECK(k.keep.registry.parties.n == 2);
}

/* A body of the right form, made long by blanks, is no party statement: all of them must fit into one answer. */
static void party_statement_over_its_bound_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(dsse_clear) struct dsse good = { 0 };
	CLEANUP(freep) char *body = NULL;
	CLEANUP(wr_close) struct wr long_one = wr_open(1u << 16);
	struct keep_statement_req m = { 0 };
	struct wr w = wr_open(KEEP_FRAME_MAX);
	struct err e = { 0 };
	uint8_t id[32];

	kit_open(&k);
	body = kit_party_body(&k, KIT_STRANGER);
	kit_statement(&k, &(struct kit_st){ .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_ACME, .subject = "stranger", .body = body }, &good, id);
	wr_put(&long_one, wr_span(&good.payload));
	while (long_one.n <= 12u << 10)
		wr_u8(&long_one, ' ');
	CHECK(dsse_new(wr_span(&long_one), &m.statement, &e) == COFFER_OK);
	CHECK(dsse_sign(&m.statement, k.key[KIT_STRANGER], &e) == COFFER_OK && dsse_sign(&m.statement, k.key[KIT_ACME], &e) == COFFER_OK);
	keep_statement_req_write(&w, &m);
	CHECK(kit_ask(&k, KEEP_STATEMENT, &w) == COFFER_E_LIMIT);
	dsse_clear(&m.statement);
}

static void known_party_renews_itself(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL;
	uint8_t id[32];
	struct kit_st s = { .kind = ST_PARTY, .issuer = KIT_ACME, .also = KIT_HOSPITAL, .subject = "acme" };

	kit_open(&k);
	s.body = body = kit_party_body(&k, KIT_ACME);
	CHECK(kit_log(&k, &s, id) == COFFER_OK); /* the same again only lasts longer */
	s.serial = 2;
	s.previous = id;
	(void)with(body, "\"hold-hours\":72", "\"hold-hours\":73");
	CHECK(DENIED(kit_log(&k, &s, id), k, "recovery"));
}

static void party_with_anothers_key_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL;
	uint8_t id[32];
	struct kit_st s = { .kind = ST_PARTY, .issuer = KIT_ACME, .also = KIT_HOSPITAL, .subject = "abba", .issuer_name = "abba" };

	kit_open(&k);
	body = kit_party_body(&k, KIT_ACME);
	s.body = with(body, "\"id\":\"acme\"", "\"id\":\"abba\"");
	CHECK(DENIED(kit_log(&k, &s, id), k, "signature"));
	CHECK(k.keep.registry.parties.n == 2);
}

static void party_with_a_key_that_did_not_sign_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL;
	CLEANUP(freep) char *more = NULL;
	uint8_t id[32];
	char *keys;
	struct kit_st s = { .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_ACME, .subject = "stranger" };

	kit_open(&k);
	body = kit_party_body(&k, KIT_STRANGER);
	keys = body ? strstr(body, "\"keys\":[") : NULL;
	if (!keys)
		abort();
	more = str_fmt("%.*s\"keys\":[{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"},%s",
	    (int)(keys - body), body, keys + strlen("\"keys\":["));
	s.body = more;
	CHECK(DENIED(kit_log(&k, &s, id), k, "signature"));
	CHECK(k.keep.registry.parties.n == 2);
}

static void statement_signed_by_another_known_party_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	kit_open(&k);
	CHECK(DENIED(
	    kit_log(
		&k,
		&(struct kit_st){
		    .kind = ST_REVOCATION,
		    .issuer_name = "hospital",
		    .subject = "0000000000000000000000000000000000000000000000000000000000000000",
		    .digest = (const uint8_t[32]){0},
		    .body =
			"{\"statement\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"reason\":\"x\"}"},
		id),
	    k, "signature"));
}

static void service_statement_with_any_foreign_key_is_refused(void)
{
	for (int i = 0; i < 4; i++) {
		CLEANUP(kit_free) struct kit k;
		struct pubkey *key[4] = { &k.receive, &k.reply, &k.token, &k.ledger };

		kit_open(&k);
		*key[i] = *privkey_public(k.tee);
		CHECK(DENIED(kit_service(&k), k, "kind"));
	}
}

static void service_statement_with_another_id_or_tls_key_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open(&k);
	for (int i = 0; i < 3; i++) {
		CLEANUP(freep) char *body = NULL;
		CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
		struct service s = { .id = "trust", .receive = k.receive, .reply = k.reply, .token = k.token, .ledger_key = k.ledger };
		struct json_wr j = jw_open(&w, false);
		uint8_t id[32];

		if (i == 0)
			s.tls[31] = 1;
		else if (i == 1)
			(void)snprintf(s.id, sizeof(s.id), "trus");
		service_write(&s, &j);
		body = wr_take(&w, NULL);
		const struct kit_st st = { .kind = ST_SERVICE, .subject = s.id, .body = body };

		CHECK(i == 2 ? kit_log(&k, &st, id) == COFFER_OK : DENIED(kit_log(&k, &st, id), k, "kind"));
	}
}

static void service_statement_by_a_provider_the_genesis_does_not_name_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open(&k);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CLEANUP(freep) char *body = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct service s = { .id = "trust", .receive = k.receive, .reply = k.reply, .token = k.token, .ledger_key = k.ledger };
	struct json_wr j = jw_open(&w, false);
	uint8_t id[32];

	service_write(&s, &j);
	body = wr_take(&w, NULL);
	CHECK(DENIED(kit_log(&k, &(struct kit_st){ .kind = ST_SERVICE, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = "trust",
	    .body = body }, id), k, "persona"));
}

static enum coffer_rc log_manifest(struct kit *k, const char *text, const char *subject, const uint8_t *digest)
{
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	struct err e = { 0 };
	uint8_t id[32];

	if (manifest_parse(span_of(text), &m, &e) != COFFER_OK)
		abort();
	return kit_log(
	    k, &(struct kit_st){.kind = ST_WORKLOAD, .subject = subject, .digest = digest ? digest : m.digest, .body = text}, id);
}

static void workload_of_another_provider_genesis_name_or_digest_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *good = NULL, *provider = NULL, *genesis = NULL;
	uint8_t other[32] = { 1 };
	char *at;

	kit_open(&k);
	good = kit_manifest_text(&k);
	provider = with(kit_manifest_text(&k), "\"provider\":\"acme\"", "\"provider\":\"evil\"");
	genesis = kit_manifest_text(&k);
	at = strstr(genesis, "\"genesis\":\"") + strlen("\"genesis\":\"");
	*at = *at == '0' ? '1' : '0';
	CHECK(DENIED(log_manifest(&k, provider, "risk", NULL), k, "kind"));
	CHECK(DENIED(log_manifest(&k, genesis, "risk", NULL), k, "ledger"));
	CHECK(DENIED(log_manifest(&k, good, "other", NULL), k, "kind"));
	CHECK(DENIED(log_manifest(&k, good, "risk", other), k, "kind"));
	CHECK(log_manifest(&k, good, "risk", NULL) == COFFER_OK);
}

/* Who revoked a key is not got around by writing it another way. */
static void workload_with_a_key_in_another_spelling_is_refused(void)
{
	static const char *const edits[][2] = { { "fnW3\\nBBuF", "fn\\nW3BBuF" }, { "MFkw", "MFow" }, { "fXA==\\n", "fXA=\\n=" } };
	CLEANUP(kit_free) struct kit k;

	kit_open(&k);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		CLEANUP(freep) char *text = with(kit_manifest_text(&k), edits[i][0], edits[i][1]);

		CHECK(DENIED(log_manifest(&k, text, "risk", NULL), k, "kind") && strstr(k.no.reason, "usual form"));
	}
}

/* As a party's own key. */
static void key_of_images_is_not_compromised_in_the_future(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	kit_open(&k);
	CHECK(DENIED(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_ACME, k.now + 1, 0, NULL }, id), k, "kind") && strstr(k.no.reason, "has come"));
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_ACME, k.now, 0, NULL }, id) == COFFER_OK);
}

static void approval_of_anothers_asset_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open(&k);
	CHECK(kit_service(&k) == COFFER_OK && kit_workload(&k) == COFFER_OK);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	char workload[65], service[65];
	CLEANUP(freep) char *body = NULL, *subject = NULL;
	uint8_t id[32];

	for (size_t i = 0; i < 32; i++) {
		(void)snprintf(workload + 2 * i, 3, "%02x", k.manifest[i]);
		(void)snprintf(service + 2 * i, 3, "%02x", k.service_id[i]);
	}
	body = str_fmt("{\"assets\":[\"" KIT_ASSET "\"],\"workload\":\"%s\",\"platforms\":[\"sample\"],\"services\":[\"%s\"],"
	               "\"until\":\"2027-01-01T00:00:00Z\",\"shown\":\"%s\"}", workload, service, workload);
	subject = str_fmt(KIT_ASSET ",workload:%s", workload);
	CHECK(DENIED(kit_log(&k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = subject,
	    .body = body }, id), k, "kind"));
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = subject,
	    .body = body }, id) == COFFER_OK);
}

static const char body_k2[] = "{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":1,\"k\":2,\"of\":[\"hospital\",\"acme\"],\"least-action\":\"stop\"}";
static const char body_n2[] = "{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":1,\"k\":1,\"of\":[\"hospital\",\"acme\"],\"least-action\":\"stop\"}";
static const char body_acme[] = "{\"path\":\"" KIT_ASSET "\",\"type\":\"data\",\"version\":1,\"k\":1,\"of\":[\"acme\"],\"least-action\":\"stop\"}";
static const char body_foreign[] = "{\"path\":\"kbs:///acme/note/own\",\"type\":\"data\",\"version\":1,\"k\":1,\"of\":[\"acme\"],\"least-action\":\"stop\"}";
static const char body_other[] = "{\"path\":\"kbs:///hospital/note/x\",\"type\":\"data\",\"version\":1,\"k\":1,\"of\":[\"hospital\"],\"least-action\":\"stop\"}";

static void put_is_refused_unless_statement_token_path_and_content_agree(void)
{
	static const struct { struct kit_bend bend; const char *check; } c[] = {
		{ { .body = body_k2 }, "signature" },
		{ { .body = body_n2 }, "signature" },
		{ { .body = body_foreign, .subject = "kbs:///acme/note/own" }, "kind" },
		{ { .body = body_other, .subject = "kbs:///hospital/note/x" }, "kind" },
		{ { .digest = true }, "digest" },
		{ { .url = "/kbs/v0/resource/hospital/note/x" }, "token" },
		{ { .url = "/kbs/v1/resource/" KIT_PATH }, "token" },
		{ { .url = "/kbs/v0/resource//" KIT_PATH }, "token" },
		{ { .method = "DELETE" }, "token" },
		{ { .iss = "acme" }, "token" },
		{ { .exp = 301 }, "token" },
		{ { .iat = 10, .exp = 10 }, "token" },
		{ { .iat = 100 }, "token" },
		{ { .iat = -299, .exp = -1 }, "token" },
		{ { .path = "acme/note/own", .url = "/kbs/v0/resource/acme/note/own" }, "kind" },
	};
	CLEANUP(kit_free) struct kit k;
	uint64_t seq;

	kit_open(&k);
	seq = k.keep.journal.seq;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		k.bend = c[i].bend;
		CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "x"), k, c[i].check));
		if (strcmp(k.no.check, c[i].check) != 0)
			printf("# case %zu: %s: %s\n", i, k.no.check, k.no.reason);
	}
	CHECK(k.keep.journal.seq == seq + entries_of(&k, "refusal")); /* what a known party signed and nobody logged */
	k.bend = (struct kit_bend){ .body = body_acme }; /* not its owner's */
	CHECK(kit_put(&k, KIT_HOSPITAL, "x") == COFFER_E_INPUT);
	k.bend = (struct kit_bend){ 0 };
	CHECK(kit_put(&k, KIT_HOSPITAL, "") != COFFER_OK); /* no content */
	CHECK(kit_put(&k, KIT_HOSPITAL, "x") == COFFER_OK);
}

/* The token says who brings it, the statement whose it is. */
/* Signed on another machine, and carried: for this service, to read or delete. */
static void token_bound_to_this_service_holds_an_hour(void)
{
	CLEANUP(kit_free) struct kit k;
	char ours[HEX32_LEN];

	kit_open_deployed(&k);
	hex32(k.keep.tls, ours);
	for (int i = 0; i < 5; i++) {
		k.bend = (struct kit_bend){ .exp = i == 1 ? 3601 : 3600, .tls = ours };
		if (i == 0)
			k.bend.tls = "1111111111111111111111111111111111111111111111111111111111111111";
		if (i == 2)
			k.bend.tls = NULL;
		if (i == 3)
			k.bend.tls = "11";
		if (i < 3)
			CHECK(DENIED(kit_delete(&k, KIT_HOSPITAL), k, "token"));
		else if (i == 3)
			CHECK(kit_delete(&k, KIT_HOSPITAL) == COFFER_E_INPUT);
		else
			CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "more"), k, "token"));
	}
	k.bend = (struct kit_bend){ .exp = 300, .tls = "1111111111111111111111111111111111111111111111111111111111111111" };
	CHECK(DENIED(kit_delete(&k, KIT_HOSPITAL), k, "token"));
	k.bend = (struct kit_bend){ .exp = 3600, .tls = ours };
	CHECK(kit_delete(&k, KIT_HOSPITAL) == COFFER_OK);
}

static void put_of_anothers_statement_is_taken_from_any_known_party_and_nothing_else(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open(&k);
	k.bend = (struct kit_bend){ .path = "acme/note/own", .url = "/kbs/v0/resource/acme/note/own", .subject = "kbs:///acme/note/own",
		.body = body_foreign };
	CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "x"), k, "kind")); /* the bringer's own, about another's path */
	k.bend.by_acme = true;
	k.bend.digest = true;
	CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "x"), k, "digest")); /* content that acme did not sign */
	k.bend.digest = false;
	CHECK(kit_put(&k, KIT_HOSPITAL, "x") == COFFER_OK);
}

static void persona_is_demanded_of_workloads(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(freep) char *text = NULL, *own = NULL;
	struct err e = { 0 };
	uint8_t id[32];
	char *at;

	kit_open(&k);
	text = kit_manifest_text(&k);
	at = strstr(text, "\"provider\":\"acme\"");
	own = str_fmt("%.*s\"provider\":\"hospital\"%s", (int)(at - text), text, at + strlen("\"provider\":\"acme\""));
	CHECK(manifest_parse(span_of(own), &m, &e) == COFFER_OK);
	CHECK(DENIED(kit_log(&k, &(struct kit_st){ .kind = ST_WORKLOAD, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "risk",
	    .digest = m.digest, .body = own }, id), k, "persona"));
}

/* Not even by its own issuer: it would leave two readings of what is in force. */
static void revocation_and_party_statement_are_not_revoked(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *body = NULL;
	struct keep_logged_rep rep = { 0 };
	struct err e = { 0 };
	uint8_t id[32];

	kit_open(&k);
	kit_deploy(&k);
	body = kit_party_body(&k, KIT_ACME);
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_PARTY, .also = KIT_HOSPITAL, .subject = "acme", .body = body }, id) == COFFER_OK);
	CHECK(DENIED(kit_revoke(&k, KIT_ACME, id), k, "kind"));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_OK);
	CHECK(keep_logged_rep_read(wr_span(&k.answer), &rep, &e) == COFFER_OK);
	CHECK(DENIED(kit_revoke(&k, KIT_HOSPITAL, rep.id), k, "kind"));
}

/* JSON of strangers is not parsed: who signed comes first, also when what is signed is nonsense. */
static void nonsense_of_a_stranger_is_refused_for_its_signature(void)
{
	CLEANUP(kit_free) struct kit k;
	struct keep_statement_req m = { 0 };
	struct wr w = wr_open(KEEP_FRAME_MAX), again = wr_open(KEEP_FRAME_MAX);
	struct err e = { 0 };

	kit_open(&k);
	CHECK(dsse_new(span_of("{nonsense"), &m.statement, &e) == COFFER_OK && dsse_sign(&m.statement, k.key[KIT_STRANGER], &e) == COFFER_OK);
	keep_statement_req_write(&w, &m);
	CHECK(DENIED(kit_ask(&k, KEEP_STATEMENT, &w), k, "signature"));
	CHECK(dsse_sign(&m.statement, k.key[KIT_ACME], &e) == COFFER_OK);
	keep_statement_req_write(&again, &m);
	CHECK(kit_ask(&k, KEEP_STATEMENT, &again) == COFFER_E_INPUT);
	dsse_clear(&m.statement);
}

/* What somebody on its way adds to an envelope would be in the ledger for good; without it the same statement is taken. */
static void stray_signature_is_refused_whoever_else_signed(void)
{
	CLEANUP(kit_free) struct kit k;
	struct keep_statement_req m = { 0 };
	struct wr w = wr_open(KEEP_FRAME_MAX), forged = wr_open(KEEP_FRAME_MAX);
	struct kit_st st = { .kind = ST_TCB, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "tdx",
		.body = "{\"platform\":\"tdx\",\"minimum\":[{\"product\":\"\",\"svns\":{\"tcb00\":1}}]}" };
	struct privkey *stray = NULL;
	struct err e = { 0 };
	uint8_t id[32];

	kit_open(&k);
	kit_deploy(&k);
	CHECK(privkey_new(KEY_ED25519, &stray, &e) == COFFER_OK);
	CHECK(DENIED(kit_log_by(&k, &st, (const struct privkey *[]){ k.key[KIT_HOSPITAL], stray, NULL }, id), k, "signature"));
	privkey_free(stray);
	kit_statement(&k, &st, &m.statement, id);
	CHECK(dsse_sign(&m.statement, k.recovery[KIT_HOSPITAL], &e) == COFFER_OK);
	m.statement.sigs[1].sig[5] ^= 1; /* its issuer's key by name, and not its signature */
	keep_statement_req_write(&forged, &m);
	CHECK(DENIED(kit_ask(&k, KEEP_STATEMENT, &forged), k, "signature"));
	m.statement.sigs[1].sig[5] ^= 1;
	keep_statement_req_write(&w, &m);
	CHECK(kit_ask(&k, KEEP_STATEMENT, &w) == COFFER_OK);
	dsse_clear(&m.statement);
}

/* Nobody is in the receipts of what it did not have to sign: who else signs, known here or not, is refused, and the statement taken without. */
static bool only_without(struct kit *k, const struct kit_st *st, const struct privkey *other)
{
	uint8_t id[32];
	bool no = DENIED(kit_log_by(k, st, (const struct privkey *[]){ k->key[st->issuer], other, NULL }, id), *k, "signature") && strstr(k->no.reason, "counts for nothing");

	return no && kit_log_by(k, st, (const struct privkey *[]){ k->key[st->issuer], NULL }, id) == COFFER_OK;
}

static void signature_that_the_kind_does_not_ask_for_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	char hex[HEX32_LEN], workload[HEX32_LEN], service[HEX32_LEN];

	kit_open(&k);
	kit_deploy(&k);
	hex32(k.service_id, service);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	hex32(k.manifest, workload);
	hex32(k.workload_id, hex);
	CLEANUP(freep) char *subject = str_fmt(KIT_ASSET ",workload:%s", workload);
	CLEANUP(freep) char *approval = str_fmt("{\"assets\":[\"" KIT_ASSET "\"],\"workload\":\"%s\",\"platforms\":[\"sample\"],\"services\":[\"%s\"],\"until\":\"2027-06-01T00:00:00Z\","
	                                        "\"shown\":\"%s\"}", workload, service, workload);
	CLEANUP(freep) char *pause = str_fmt("{\"statement\":\"%s\",\"reason\":\"a look at it\"}", hex);
	CLEANUP(freep) char *release = kit_release_body("registry.example/app", 1);
	CLEANUP(freep) char *lent = str_fmt("{\"of\":\"hospital\",\"to\":\"stranger\",\"role\":\"approval\",\"depth\":0,\"until\":\"2027-01-01T00:00:00Z\",\"scope\":[\"" KIT_ASSET "\"]}");
	const struct kit_st all[] = {
		{ .kind = ST_APPROVAL, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = subject, .body = approval },
		{ .kind = ST_TCB, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "snp", .body = "{\"platform\":\"snp\",\"minimum\":[{\"product\":\"\",\"svns\":{\"snp\":22}}]}" },
		{ .kind = ST_PAUSE, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = k.workload_id, .body = pause, .expires = k.now + 3600 },
		{ .kind = ST_REVOCATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = hex, .digest = k.workload_id, .body = pause },
		{ .kind = ST_IMAGE_RELEASE, .issuer = KIT_ACME, .also = KIT_ACME, .subject = "registry.example/app", .digest = k.workload_id, .body = release },
		{ .kind = ST_DELEGATION, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "stranger,of:hospital,role:approval", .body = lent },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		bool yes = only_without(&k, &all[i], k.key[KIT_STRANGER]);

		if (!yes)
			printf("# case %zu: %s\n", i, k.no.reason);
		CHECK(yes);
	}
	k.bend.shared = true; /* the stranger signs the asset's statement, which does not name it */
	CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "x"), k, "signature") && strstr(k.no.reason, "counts for nothing"));
	k.bend.shared = false;
	CHECK(kit_put(&k, KIT_HOSPITAL, "x") == COFFER_OK);
}

/* One introducer, where it takes one. */
static void introducer_signs_alone_and_where_it_is_wanted(void)
{
	CLEANUP(kit_free) struct kit k;
	struct kit_st st = { .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_ACME, .subject = "stranger" };
	CLEANUP(freep) char *body = NULL;
	uint8_t id[32];

	kit_open(&k);
	body = kit_party_body(&k, KIT_STRANGER);
	st.body = body;
	CHECK(DENIED(kit_log_by(&k, &st, (const struct privkey *[]){ k.key[KIT_STRANGER], k.key[KIT_ACME], k.key[KIT_HOSPITAL], NULL }, id), k, "signature"));
	CHECK(kit_log_by(&k, &st, (const struct privkey *[]){ k.key[KIT_STRANGER], k.recovery[KIT_STRANGER], k.key[KIT_ACME], NULL }, id) == COFFER_OK);
	st.serial = 2;
	st.previous = id;
	st.issued = k.now - 1;
	CHECK(DENIED(kit_log_by(&k, &st, (const struct privkey *[]){ k.key[KIT_STRANGER], NULL }, (uint8_t[32]){ 0 }), k, "signature"));
	CHECK(DENIED(kit_log_by(&k, &st, (const struct privkey *[]){ k.recovery[KIT_STRANGER], k.key[KIT_HOSPITAL], NULL }, (uint8_t[32]){ 0 }), k, "signature")); /* its quorum needs nobody */
	CHECK(kit_log_by(&k, &st, (const struct privkey *[]){ k.key[KIT_STRANGER], k.key[KIT_HOSPITAL], NULL }, (uint8_t[32]){ 0 }) == COFFER_OK);
}

static void put_again_is_an_answer_only_while_the_content_is_kept(void)
{
	CLEANUP(kit_free) struct kit k;
	uint64_t seq;

	kit_open(&k);
	k.bend.same_salt = true;
	CHECK(kit_put(&k, KIT_HOSPITAL, "x") == COFFER_OK);
	seq = k.keep.journal.seq;
	k.asset_serial = k.asset_version = 0;
	CHECK(kit_put(&k, KIT_HOSPITAL, "x") == COFFER_OK && k.keep.journal.seq == seq);
	CHECK(kit_delete(&k, KIT_HOSPITAL) == COFFER_OK);
	CHECK(kit_delete(&k, KIT_HOSPITAL) == COFFER_E_NOTFOUND);
	k.asset_serial = k.asset_version = 0;
	CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "x"), k, "serial"));
	k.asset_serial = k.asset_version = 1;
	CHECK(kit_put(&k, KIT_HOSPITAL, "y") == COFFER_OK);
	k.asset_serial = k.asset_version = 0;
	CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "x"), k, "serial")); /* replaced */
}

static void asset_statement_without_content_is_refused(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	kit_open(&k);
	CHECK(DENIED(kit_log(&k, &(struct kit_st){ .kind = ST_ASSET, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL,
	    .subject = "kbs:///hospital/note/x", .body = body_other }, id), k, "kind"));
}

#define MEASURED "\"measurement\":\"222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222\""
static const char body_boot[] = "{\"name\":\"guest\",\"enforces\":[\"manifest\"],\"launches\":[{\"platform\":\"snp\",\"shape\":\"1 vCPU\","
                                "\"registers\":{" MEASURED "}}],\"rebuild\":\"make\"}";
static const char body_tcb[] = "{\"platform\":\"snp\",\"minimum\":[{\"product\":\"milan\",\"svns\":{\"snp\":22}}],\"smt\":false}";

static void boot_image_is_a_workload_providers_and_each_content_counts_alone(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *bad = NULL;
	uint8_t first[32], second[32], id[32];
	struct kit_st s = { .kind = ST_BOOT_IMAGE, .subject = "kernel", .digest = (const uint8_t[32]){ 1 }, .body = body_boot };

	kit_open(&k);
	s.issuer = s.also = KIT_HOSPITAL;
	CHECK(DENIED(kit_log(&k, &s, id), k, "persona"));
	s.issuer = s.also = KIT_ACME;
	s.body = bad = str_fmt("%s", body_boot);
	(void)with(bad, "\"measurement\"", "\"meazurement\"");
	CHECK(kit_log(&k, &s, id) == COFFER_E_INPUT);
	s.body = body_boot;
	s.other_ledger = true;
	CHECK(DENIED(kit_log(&k, &s, id), k, "ledger"));
	s.other_ledger = false;
	CHECK(kit_log(&k, &s, first) == COFFER_OK);
	s.digest = (const uint8_t[32]){ 2 }; /* another kernel supersedes nothing */
	CHECK(kit_log(&k, &s, second) == COFFER_OK);
	s.expires = KIT_NOW + 86400;
	CHECK(DENIED(kit_log(&k, &s, id), k, "serial"));
	s.serial = 2;
	s.previous = second;
	CHECK(kit_log(&k, &s, id) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, first) == COFFER_OK); /* for its own assets; acme's are its own business */
	CHECK(kit_revoke(&k, KIT_ACME, first) == COFFER_OK);
}

static void tcb_is_an_owners_or_a_workload_providers(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *auditor = NULL;
	uint8_t first[32], id[32];
	struct kit_st s = { .kind = ST_TCB, .subject = "snp", .body = body_tcb };
	struct kit_st p = { .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_ACME, .subject = "stranger" };

	kit_open(&k);
	p.body = auditor = kit_party_body(&k, KIT_STRANGER);
	(void)with(auditor, "\"workload-provider\"", "\"auditor\"          ");
	CHECK(kit_log(&k, &p, id) == COFFER_OK);
	s.issuer = s.also = KIT_STRANGER;
	CHECK(DENIED(kit_log(&k, &s, id), k, "persona"));
	s.issuer = s.also = KIT_ACME;
	CHECK(kit_log(&k, &s, id) == COFFER_OK);
	s.issuer_name = "hospital";
	CHECK(DENIED(kit_log(&k, &s, id), k, "signature"));
	s.issuer_name = NULL;
	s.issuer = s.also = KIT_HOSPITAL;
	CHECK(kit_log(&k, &s, first) == COFFER_OK);
	s.serial = 2;
	s.previous = first;
	s.body = "{\"platform\":\"snp\",\"minimum\":[{\"product\":\"milan\",\"svns\":{\"snq\":22}}]}";
	CHECK(kit_log(&k, &s, id) == COFFER_E_INPUT);
	s.body = "{\"platform\":\"snp\",\"minimum\":[{\"product\":\"milan\",\"svns\":{\"snp\":23}}]}";
	CHECK(kit_log(&k, &s, id) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, id) == COFFER_OK);
}

static void binding_of_anothers_asset_is_refused(void)
{
#define HEX "2222222222222222222222222222222222222222222222222222222222222222"
#define BINDING(asset) "{\"workload\":\"" HEX "\",\"name\":\"east\",\"slots\":[{\"slot\":\"scans\",\"asset\":\"kbs:///hospital/data/scans\"}," \
	"{\"slot\":\"key\",\"asset\":\"" asset "\"}]}"
	CLEANUP(kit_free) struct kit k;
	CLEANUP(freep) char *auditor = NULL;
	uint8_t id[32];
	struct kit_st s = { .kind = ST_BINDING, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "workload:" HEX "/east",
		.body = BINDING("kbs:///acme/key/scans") };
	struct kit_st p = { .kind = ST_PARTY, .issuer = KIT_STRANGER, .also = KIT_ACME, .subject = "stranger" };

	kit_open(&k);
	CHECK(DENIED(kit_log(&k, &s, id), k, "kind"));
	s.body = BINDING("kbs:///hospital/key/scans");
	s.issuer_name = "acme"; /* whose signature this is not */
	CHECK(DENIED(kit_log(&k, &s, id), k, "signature"));
	s.issuer_name = NULL;
	CHECK(kit_log(&k, &s, id) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, id) == COFFER_OK);
	p.body = auditor = kit_party_body(&k, KIT_STRANGER);
	(void)with(auditor, "\"workload-provider\"", "\"auditor\"          ");
	CHECK(kit_log(&k, &p, id) == COFFER_OK);
	s.issuer = s.also = KIT_STRANGER;
	s.body = "{\"workload\":\"" HEX "\",\"name\":\"east\",\"slots\":[{\"slot\":\"scans\",\"asset\":\"kbs:///stranger/data/scans\"}]}";
	CHECK(DENIED(kit_log(&k, &s, id), k, "persona"));
#undef BINDING
#undef HEX
}

/* A party that tries without end fills no journal: beyond the bound it is counted. */
static void refused_statement_of_a_known_party_is_journaled_and_bounded(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];
	struct kit_st s = { .kind = ST_TCB, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = "snp",
		.body = "{\"platform\":\"snp\",\"minimum\":[{\"product\":\"milan\",\"svns\":{\"snp\":22}}]}" };

	kit_open(&k);
	CHECK(DENIED(kit_log(&k, &s, id), k, "signature"));
	CHECK(entries_of(&k, "refusal") == 0); /* nobody known signed it */
	s.issuer = s.also = KIT_ACME;
	s.other_ledger = true;
	CHECK(DENIED(kit_log(&k, &s, id), k, "ledger"));
	CHECK(entries_of(&k, "refusal") == 1);
	for (int i = 0; i < KEEP_REFUSALS_PER_MINUTE + 10; i++)
		CHECK(kit_log(&k, &s, id) == COFFER_E_DENIED);
	CHECK(entries_of(&k, "refusal") == KEEP_REFUSALS_PER_MINUTE);
	k.now += 60;
	CHECK(DENIED(kit_log(&k, &s, id), k, "ledger"));
	CHECK(entries_of(&k, "refusal") == KEEP_REFUSALS_PER_MINUTE + 1);
}

#define SOME "2222222222222222222222222222222222222222222222222222222222222222"
/* Who reads a release takes what it names for its provider's to hand out. */
static void release_names_assets_of_its_own_alone(void)
{
	static const struct { const char *keys, *more; bool taken; } cases[] = {
		{ "\"kbs:///acme/image-key/app\"", "", true },
		{ "\"kbs:///hospital/note/greeting\"", "", false },
		{ "\"kbs:///acme/image-key/app\",\"kbs:///hospital/image-key/app\"", "", false },
		{ "", ",\"attestations\":[{\"type\":\"a:b\",\"digest\":\"" SOME "\"},{\"type\":\"a:c\",\"digest\":\"" SOME "\",\"asset\":\"kbs:///acme/attestation/x\"}]", true },
		{ "", ",\"attestations\":[{\"type\":\"a:b\",\"digest\":\"" SOME "\"},{\"type\":\"a:c\",\"digest\":\"" SOME "\",\"asset\":\"kbs:///hospital/attestation/x\"}]", false },
	};
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	kit_open(&k);
	for (uint8_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t digest[32] = { [31] = i };
		CLEANUP(freep) char *body = str_fmt("{\"repository\":\"r/app\",\"version\":1,\"methods\":[{\"type\":\"sigstoreSigned\",\"key\":\"" KIT_PEM
		    "\"}],\"keys\":[%s]%s}", cases[i].keys, cases[i].more);
		enum coffer_rc rc = kit_log(&k, &(struct kit_st){ .kind = ST_IMAGE_RELEASE, .subject = "r/app", .digest = digest, .body = body }, id);

		CHECK(cases[i].taken ? rc == COFFER_OK : DENIED(rc, k, "kind") && strstr(k.no.reason, "kbs:///hospital/") && strstr(k.no.reason, "assets of its own"));
	}
}

/* An auditor's things are nobody's data; an image provider has the keys of its images. */
static void assets_are_their_personas(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t before[32];
	unsigned *may;

	kit_open(&k);
	kit_deploy(&k);
	memcpy(before, k.approval_id, sizeof(before));
	may = &k.keep.registry.parties.life[1].body.personas;
	*may = PERSONA_AUDITOR | PERSONA_USER | PERSONA_INFRA | PERSONA_ORCH;
	CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "x"), k, "persona"));
	CHECK(DENIED(kit_approve(&k, "", 2, before), k, "persona"));
	*may = PERSONA_IMAGE;
	CHECK(DENIED(kit_put(&k, KIT_HOSPITAL, "x"), k, "persona")); /* type data */
	CHECK(kit_approve(&k, "", 2, before) == COFFER_OK);
	*may = PERSONA_OWNER;
	CHECK(kit_put(&k, KIT_HOSPITAL, "x") == COFFER_OK);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	*may = PERSONA_AUDITOR; /* what it was when it spoke does not suffice */
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_DENIED);
}

/* What one may say in an hour ends, not for another, not for what holds back, and not for ever. */
static void party_fills_the_ledger_with_no_more_than_its_share(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t last[32];
	unsigned n = 1;

	kit_open_deployed(&k);
	memcpy(last, k.approval_id, 32);
	while (n < KEEP_STATEMENTS_PER_HOUR + 5 && kit_approve(&k, "", n + 1, last) == COFFER_OK) {
		memcpy(last, k.approval_id, 32);
		n++;
	}
	CHECK(n > KEEP_STATEMENTS_PER_HOUR - 5 && n < KEEP_STATEMENTS_PER_HOUR && kit_approve(&k, "", n + 1, last) == COFFER_E_LIMIT && strstr(k.no.reason, "hour"));
	CHECK(kit_put(&k, KIT_HOSPITAL, "more") == COFFER_E_LIMIT); /* an asset's statement is one too */
	CHECK(kit_release(&k, 1, 2, k.release_id) != COFFER_E_LIMIT);
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_TCB, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "snp",
	    .body = "{\"platform\":\"snp\",\"minimum\":[{\"product\":\"milan\",\"svns\":{\"snp\":22}}]}" }, last) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.asset_id) == COFFER_OK);
	k.now += 3600;
	CHECK(kit_put(&k, KIT_HOSPITAL, "more") == COFFER_OK);
}

/* Newcomers count as what their introducer says. */
static void newcomer_counts_for_who_introduces_it(void)
{
	CLEANUP(kit_free) struct kit k;

	kit_open(&k);
	for (unsigned i = 0; i < KEEP_STATEMENTS_PER_HOUR; i++)
		CHECK(noise_may_log(&k.keep, "acme"));
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_E_LIMIT);
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_HOSPITAL) == COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(party_statement_over_its_bound_is_refused), T(known_party_renews_itself), T(party_with_anothers_key_is_refused), T(party_with_a_key_that_did_not_sign_is_refused),
		T(party_statement_is_about_its_issuer_alone), T(statement_signed_by_another_known_party_is_refused),
		T(service_statement_with_any_foreign_key_is_refused),
		T(service_statement_with_another_id_or_tls_key_is_refused),
		T(service_statement_by_a_provider_the_genesis_does_not_name_is_refused),
		T(workload_of_another_provider_genesis_name_or_digest_is_refused), T(approval_of_anothers_asset_is_refused),
		T(put_is_refused_unless_statement_token_path_and_content_agree), T(put_of_anothers_statement_is_taken_from_any_known_party_and_nothing_else), T(token_bound_to_this_service_holds_an_hour), T(persona_is_demanded_of_workloads), T(workload_with_a_key_in_another_spelling_is_refused), T(key_of_images_is_not_compromised_in_the_future), T(revocation_and_party_statement_are_not_revoked),
		T(nonsense_of_a_stranger_is_refused_for_its_signature), T(stray_signature_is_refused_whoever_else_signed), T(signature_that_the_kind_does_not_ask_for_is_refused), T(introducer_signs_alone_and_where_it_is_wanted), T(put_again_is_an_answer_only_while_the_content_is_kept),
		T(asset_statement_without_content_is_refused), T(boot_image_is_a_workload_providers_and_each_content_counts_alone),
		T(tcb_is_an_owners_or_a_workload_providers), T(binding_of_anothers_asset_is_refused),
		T(refused_statement_of_a_known_party_is_journaled_and_bounded),
		T(release_names_assets_of_its_own_alone), T(assets_are_their_personas), T(party_fills_the_ledger_with_no_more_than_its_share), T(newcomer_counts_for_who_introduces_it),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
