#include "trust/amend.h"
#include "trust/statement.h"
#include "trust/thing.h"
#include "trust/witnesses.h"

#include "tests/unit/trust_fix.h"

#define D1 "2222222222222222222222222222222222222222222222222222222222222222"
#define D2 "3333333333333333333333333333333333333333333333333333333333333333"
#define ASSET_BODY "{\"k\":1,\"least-action\":\"stop\",\"of\":[\"hospital\"],\"path\":\"kbs:///hospital/data-key/p\",\"type\":\"key\",\"version\":1}"
#define ASSET_SUBJECT "{\"digest\":{\"sha256\":\"" D1 "\"},\"name\":\"kbs:///hospital/data-key/p\"}"
#define REVOKE_BODY "{\"reason\":\"key lost\",\"statement\":\"" D1 "\"}"
#define REVOKE_SUBJECT "{\"digest\":{\"sha256\":\"" D1 "\"},\"name\":\"" D1 "\"}"
#define PEM "-----BEGIN PUBLIC KEY-----\\nMFkw\\n-----END PUBLIC KEY-----\\n"
#define RELEASE_BODY "{\"keys\":[\"kbs:///imaker/image-key/app\"],\"methods\":[{\"key\":\"" PEM "\",\"type\":\"sigstoreSigned\"}]," \
	"\"repository\":\"registry.example/app\",\"version\":3}"
#define RELEASE_SUBJECT "{\"digest\":{\"sha256\":\"" D1 "\"},\"name\":\"registry.example/app\"}"
#define APPROVAL_BODY "{\"assets\":[\"kbs:///hospital/data-key/p\",\"kbs:///hospital/note/n\"],\"platforms\":[\"sample\"],\"services\":[\"" D2 "\"]," \
	"\"shown\":\"" D1 "\",\"until\":\"2026-12-01T00:00:00Z\",\"uses\":5,\"workload\":\"" D2 "\"}"

static char *asset_text(void)
{
	return fix_payload("asset", ASSET_SUBJECT, FIX_HEAD("hospital"), ASSET_BODY);
}

static char *approval_text(void)
{
	CLEANUP(freep) char *a = fix_subject("kbs:///hospital/data-key/p"), *b = fix_subject("kbs:///hospital/note/n");
	CLEANUP(freep) char *w = fix_subject("workload:" D2), *all = str_fmt("%s,%s,%s", a, b, w);

	return fix_payload("approval", all, FIX_HEAD("hospital"), APPROVAL_BODY);
}

static char *revocation_text(void)
{
	return fix_payload("revocation", REVOKE_SUBJECT, FIX_HEAD("hospital"), REVOKE_BODY);
}

static char *release_text(void)
{
	return fix_payload("image-release", RELEASE_SUBJECT, "\"issuer\":\"imaker\"", RELEASE_BODY);
}

static char *party_body(const struct privkey *k, const struct privkey *enc)
{
	CLEANUP(freep) char *a = fix_jwk(privkey_public(k)), *b = fix_jwk(privkey_public(enc));

	return str_fmt("{\"encryption\":%s,\"hold-hours\":72,\"id\":\"hospital\",\"keys\":[%s],\"personas\":[\"data-owner\",\"auditor\"],\"recovery\":[%s],\"recovery-quorum\":1}", b, a, b);
}

static char *service_body(const struct privkey *k)
{
	CLEANUP(freep) char *a = fix_jwk(privkey_public(k));

	return str_fmt("{\"id\":\"trust\",\"ledger-key\":%s,\"receive\":%s,\"reply\":%s,\"tls\":\"" D1 "\",\"token\":%s}", a, a, a, a);
}

static char *genesis_text(const struct privkey *k, const struct privkey *enc)
{
	CLEANUP(freep) char *p = party_body(k, enc), *jwk = fix_jwk(privkey_public(k)), *subject = fix_subject("ledger.example/one");
	CLEANUP(freep) char *body = str_fmt("{\"cosignatures\":0,\"ledger-key\":%s,\"origin\":\"ledger.example/one\",\"parties\":[%s],"
	    "\"policies\":{},\"witnesses\":[]}", jwk, p);

	return fix_payload("genesis", subject, "\"issuer\":\"genesis\"", body);
}

/* What the amendment amends: one witness, of whom one signs. */
static struct genesis founded;

/* Parses and reads the body with whichever reader the kind has. */
static enum coffer_rc read_all(struct span text, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	static union {
	    struct genesis g; struct party p; struct service v; struct asset_body a; struct approval p2; struct image_release r; struct revocation k; struct delegation d; struct assessment as; struct binding b; } u;

	TRY(statement_parse(text, &s, e));
	switch (s.kind) {
	case ST_GENESIS: return genesis_read(&s, &u.g, e);
	case ST_PARTY: return party_read(s.body, &u.p, e);
	case ST_SERVICE: return service_read(s.body, &u.v, e);
	case ST_ASSET: return asset_read(&s, &u.a, e);
	case ST_APPROVAL: return approval_read(&s, &u.p2, e);
	case ST_IMAGE_RELEASE: return image_release_read(&s, &u.r, e);
	case ST_ASSESSMENT: return assessment_read(&s, &u.as, e);
	case ST_BINDING: return binding_read(&s, &u.b, e);
	case ST_AMENDMENT: return amendment_read(&s, &founded, &u.g, e);
	case ST_PAUSE:
	case ST_REVOCATION: return revocation_read(&s, &u.k, e);
	case ST_DELEGATION: return delegation_read(&s, &u.d, e);
	case ST_BOOT_IMAGE:
	case ST_TCB:
	case ST_WORKLOAD: return COFFER_OK;
	}
	return err_set(e, COFFER_E_BUG, "no kind");
}

static void check_edits(const char *good, const struct fix_edit *d, size_t n)
{
	struct err e;

	CHECK(good && read_all(span_of(good), &e) == COFFER_OK);
	for (size_t i = 0; i < n; i++) {
		CLEANUP(freep) char *text = fix_edit(good, d[i].from, d[i].to);

		CHECK(text != NULL);
		CHECK(text && fix_refused(read_all(span_of(text), &e), &e, &d[i]));
	}
}
#define EDITS(good, table) check_edits(good, table, sizeof(table) / sizeof(table[0]))

static void statement_parse_refuses_wrong_common_fields(void)
{
	static const struct fix_edit edits[] = {
		{ "Statement/v1", "Statement/v0", "_type" },
		{ "statement:asset:v1", "statement:asset:v2", "predicateType" },
		{ "statement:asset:v1", "statement:asset", "predicateType" },
		{ "urn:coffer:statement:asset:v1", ":v1", "predicateType" },
		{ "urn:coffer:statement:asset:v1", "urn:coffer:statement:v1", "predicateType" },
		{ "statement:asset:v1", "statement:assets:v1", "not known" },
		{ "{\"_type\"", "{\"x\":1,\"_type\"", "not known" },
		{ "\"issued\":", "\"note\":1,\"issued\":", "not known" },
		{ "\"issuer\":\"hospital\",", "", "issuer" },
		{ "\"issuer\":\"hospital\"", "\"issuer\":\"Hospital\"", "issuer" },
		{ "\"issuer\":\"hospital\"", "\"issuer\":\"genesis\"", "issuer" },
		{ ",\"ledger\":\"" FIX_LEDGER "\"", "", "ledger" },
		{ "\"ledger\":\"1111", "\"ledger\":\"111", "ledger" },
		{ "\"ledger\":\"1111", "\"ledger\":\"AAAA", "ledger" },
		{ "\"ledger\":\"" FIX_LEDGER "\"", "\"ledger\":null", "ledger" },
		{ "2026-01-01T00:00:00Z", "2026-01-01", "issued" },
		{ "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "expires" },
		{ "2027-01-01T00:00:00Z", "2027-01-01T00:00:00+00:00", "expires" },
		{ "\"serial\":1", "\"serial\":0", "serial" },
		{ "\"serial\":1", "\"serial\":1.0", "serial" },
		{ "\"serial\":1", "\"serial\":9007199254740992", "serial" },
		{ "\"serial\":1", "\"serial\":2", "previous" },
		{ "\"serial\":1", "\"serial\":1,\"previous\":\"" D1 "\"", "previous" },
		{ "\"serial\":1", "\"serial\":2,\"previous\":\"" D1 "0\"", "previous" },
		{ "\"serial\":1", "\"serial\":1,\"serial\":1", "" },
		{ "\"body\":" ASSET_BODY, "\"body\":[]", "body" },
		{ "\"body\":" ASSET_BODY ",", "", "body" },
		{ "\"subject\":[" ASSET_SUBJECT "]", "\"subject\":[]", "subject" },
		{ "\"subject\":[" ASSET_SUBJECT "]", "\"subject\":[" ASSET_SUBJECT "," ASSET_SUBJECT "]", "subject" },
		{ "\"subject\":[" ASSET_SUBJECT "]", "\"subject\":{}", "subject" },
		{ "{\"digest\":{\"sha256\"", "{\"uri\":\"\",\"digest\":{\"sha256\"", "not known" },
		{ "{\"sha256\":", "{\"sha512\":\"\",\"sha256\":", "not known" },
		{ "\"sha256\":\"2222", "\"sha256\":\"222", "sha256" },
		{ "\"name\":\"kbs:///hospital/data-key/p\"", "\"name\":\"\"", "name" },
		{ "\"name\":\"kbs:///hospital/data-key/p\"", "\"name\":\"a\\nb\"", "name" },
	};
	CLEANUP(freep) char *good = asset_text();

	EDITS(good, edits);
}

static void statement_parse_bounds_subject_names(void)
{
	CLEANUP(freep) char *name = str_fmt("%0512d", 0), *longer = str_fmt("%0513d", 0);
	CLEANUP(freep) char *s1 = fix_subject(name), *s2 = fix_subject(longer);
	CLEANUP(freep) char *ok = fix_payload("approval", s1, FIX_HEAD("a"), "{}"), *bad = fix_payload("approval", s2, FIX_HEAD("a"),
	    "{}");
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct err e;

	CHECK(statement_parse(span_of(bad), &s, &e) == COFFER_E_INPUT && s.doc == NULL);
	CHECK(statement_parse(span_of(ok), &s, &e) == COFFER_OK && s.subject[0].name.n == 512);
}

static char *many_subjects(int n)
{
	CLEANUP(wr_close) struct wr w = wr_open(64u << 10);

	for (int i = 0; i < n; i++) {
		CLEANUP(freep) char *name = str_fmt("s%d", i), *s = fix_subject(name);

		wr_fmt(&w, "%s%s", i ? "," : "", s);
	}
	return wr_take(&w, NULL);
}

static void statement_parse_bounds_the_number_of_subjects(void)
{
	CLEANUP(freep) char *most = many_subjects(ST_SUBJECTS_MAX), *more = many_subjects(ST_SUBJECTS_MAX + 1);
	CLEANUP(freep) char *ok = fix_payload("approval", most, FIX_HEAD("a"), "{}"), *bad = fix_payload("approval", more,
	    FIX_HEAD("a"), "{}");
	CLEANUP(freep) char *two = many_subjects(2), *one_kind = fix_payload("party", two, FIX_HEAD("a"), "{}");
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct err e;

	CHECK(statement_parse(span_of(bad), &s, &e) == COFFER_E_INPUT);
	CHECK(statement_parse(span_of(one_kind), &s, &e) == COFFER_E_INPUT);
	CHECK(statement_parse(span_of(ok), &s, &e) == COFFER_OK && s.n_subjects == ST_SUBJECTS_MAX);
}

static void statement_parse_wants_the_digest_of_the_name(void)
{
	static const char *const kinds[] = { "genesis", "party", "service", "approval" };
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct err e;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		CLEANUP(freep) char *text = fix_payload(kinds[i], "{\"digest\":{\"sha256\":\"" D1 "\"},\"name\":\"x\"}",
		    i ? FIX_HEAD("a") : "\"issuer\":\"genesis\"", "{\"id\":\"x\"}");
		CLEANUP(freep) char *subject = fix_subject("x");
		CLEANUP(freep) char *good = fix_payload(kinds[i], subject, i ? FIX_HEAD("a") : "\"issuer\":\"genesis\"", "{\"id\":\"x\"}");

		CHECK(statement_parse(span_of(text), &s, &e) == COFFER_E_INPUT && strstr(e.msg, "SHA-256 of the name"));
		CHECK(statement_parse(span_of(good), &s, &e) == COFFER_OK);
		statement_clear(&s);
	}
}

static void statement_parse_refuses_two_equal_subjects(void)
{
	CLEANUP(freep) char *one = fix_subject("x"), *both = str_fmt("%s,%s", one, one);
	CLEANUP(freep) char *text = fix_payload("approval", both, FIX_HEAD("a"), "{}");
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct err e;

	CHECK(statement_parse(span_of(text), &s, &e) == COFFER_E_INPUT && strstr(e.msg, "same subject"));
}

static void statement_parse_wants_the_ledger_where_the_table_does(void)
{
	CLEANUP(freep) char *subject = fix_subject("x");
	CLEANUP(freep) char *genesis = fix_payload("genesis", subject, "\"issuer\":\"genesis\",\"ledger\":\"" FIX_LEDGER "\"", "{}");
	CLEANUP(freep) char *other = fix_payload("genesis", subject, "\"issuer\":\"acme\"", "{}");
	CLEANUP(freep) char *with = fix_payload("image-release", RELEASE_SUBJECT, FIX_HEAD("imaker"), RELEASE_BODY), *without =
	    release_text();
	CLEANUP(statement_clear) struct statement a = { 0 }, b = { 0 };
	struct err e;

	CHECK(statement_parse(span_of(genesis), &a, &e) == COFFER_E_INPUT && strstr(e.msg, "no ledger"));
	CHECK(statement_parse(span_of(other), &a, &e) == COFFER_E_INPUT && strstr(e.msg, "issuer"));
	CHECK(statement_parse(span_of(with), &a, &e) == COFFER_OK && a.has_ledger);
	CHECK(statement_parse(span_of(without), &b, &e) == COFFER_OK && !b.has_ledger);
}

static void statement_parse_refuses_a_body_of_another_subject(void)
{
	CLEANUP(freep) char *subject = fix_subject("x"), *text = fix_payload("party", subject, FIX_HEAD("a"), "{\"id\":\"y\"}");
	CLEANUP(freep) char *svc = fix_payload("service", subject, FIX_HEAD("a"), "{\"id\":\"y\"}");
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct err e;

	CHECK(statement_parse(span_of(text), &s, &e) == COFFER_E_INPUT && strstr(e.msg, "subject"));
	CHECK(statement_parse(span_of(svc), &s, &e) == COFFER_E_INPUT && strstr(e.msg, "subject"));
}

static void statement_parse_refuses_every_prefix(void)
{
	CLEANUP(freep) char *good = approval_text();
	struct err e;

	for (size_t n = 0; n < strlen(good); n++) {
		CLEANUP(freep) uint8_t *p = fix_exact((struct span){ (const uint8_t *)good, n });

		CHECK(read_all((struct span){ p, n }, &e) != COFFER_OK);
	}
	CHECK(read_all(span_of(good), &e) == COFFER_OK);
}

static void statement_write_gives_the_canonical_bytes_back(void)
{
	CLEANUP(freep) char *good = asset_text(), *spaced = fix_edit(good, "{\"_type\"", "{ \"_type\"");
	CLEANUP(statement_clear) struct statement s = { 0 }, t = { 0 };
	CLEANUP(wr_close) struct wr a = wr_open(DSSE_PAYLOAD_MAX), b = wr_open(DSSE_PAYLOAD_MAX);
	uint8_t id[32];
	struct err e;

	CHECK(statement_parse(span_of(good), &s, &e) == COFFER_OK && statement_parse(span_of(spaced), &t, &e) == COFFER_OK);
	CHECK(statement_write(&s, &a, &e) == COFFER_OK && span_eq_str(wr_span(&a), good));
	CHECK(statement_write(&t, &b, &e) == COFFER_OK && span_eq(wr_span(&a), wr_span(&b)));
	CHECK(!span_eq(SPAN(s.id), SPAN(t.id))); /* the id is of the bytes as they came */
	sha256(wr_span(&a), id);
	CHECK(span_eq(SPAN(id), SPAN(s.id)));
}

static void statement_write_refuses_what_no_one_would_read(void)
{
	CLEANUP(freep) char *good = asset_text();
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(DSSE_PAYLOAD_MAX);
	struct err e;

	CHECK(statement_parse(span_of(good), &s, &e) == COFFER_OK);
	s.expires = s.issued;
	CHECK(statement_write(&s, &w, &e) == COFFER_E_INPUT && w.n == 0);
	s.expires = s.issued + 1;
	s.serial = 0;
	CHECK(statement_write(&s, &w, &e) == COFFER_E_INPUT);
	s.serial = 7;
	memset(s.previous, 7, sizeof(s.previous));
	CHECK(statement_write(&s, &w, &e) == COFFER_OK && strstr((const char *)w.p, "\"previous\":\"0707"));
}

static void statement_kinds_have_names_both_ways(void)
{
	enum statement_kind k;

	for (int i = ST_GENESIS; i <= ST_LAST; i++)
		CHECK(statement_kind_by_name(span_of(statement_kind_name((enum statement_kind)i)), &k) && (int)k == i);
	CHECK(!statement_kind_by_name(span_of("unknown"), &k) && !statement_kind_by_name(span_of(""), &k));
}

/* ---- bodies ---- */

static void party_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"hold-hours\":72,", "", "hold-hours" }, { "\"hold-hours\":72", "\"hold-hours\":8761", "hold-hours" },
		{ "\"hold-hours\":72", "\"hold-hours\":72,\"admin\":true", "not known" },
		{ "\"data-owner\",\"auditor\"", "", "personas" }, { "\"auditor\"", "\"data-owner\"", "twice" }, { "\"auditor\"", "\"root\"",
		    "persona" },
		{ "\"auditor\"", "1", "string" }, { "\"recovery\":[", "\"recover\":[", "not known" },
		{ "\"keys\":[", "\"keys\":[1,", "" }, { "\"crv\":\"Ed25519\"", "\"crv\":\"Ed448\"", "" },
		{ "\"crv\":\"Ed25519\"", "\"crv\":\"Ed25519\",\"d\":\"AA\"", "" },
	};
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_ED25519), *enc = fix_key(KEY_P256);
	CLEANUP(freep) char *body = party_body(k, enc), *subject = fix_subject("hospital"), *good = fix_payload("party", subject,
	    FIX_HEAD("hospital"), body);

	EDITS(good, edits);
}

static void party_read_wants_keys_and_a_p256_encryption_key(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_ED25519);
	CLEANUP(freep) char *ed = fix_jwk(privkey_public(k)), *none =
	    str_fmt("{\"hold-hours\":0,\"id\":\"a\",\"keys\":[],\"personas\":[\"auditor\"],\"recovery\":[]}");
	CLEANUP(freep) char *wrong =
	    str_fmt("{\"encryption\":%s,\"hold-hours\":0,\"id\":\"a\",\"keys\":[%s],\"personas\":[\"auditor\"],\"recovery\":[]}", ed,
	    ed);
	CLEANUP(freep) char *twice =
	    str_fmt("{\"hold-hours\":0,\"id\":\"a\",\"keys\":[%s,%s],\"personas\":[\"auditor\"],\"recovery\":[]}", ed, ed);
	CLEANUP(freep) char *named =
	    str_fmt("{\"hold-hours\":0,\"id\":\"genesis\",\"keys\":[%s],\"personas\":[\"auditor\"],\"recovery\":[]}", ed);
	const struct { const char *text, *says; } t[] = { { none, "keys" }, { wrong, "P-256" }, { twice, "twice" }, { named,
	    "genesis" } };
	struct party p;
	struct err e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CLEANUP(json_freep) struct json_doc *doc = NULL;

		CHECK(json_parse(span_of(t[i].text), 4096, &doc, &e) == COFFER_OK);
		CHECK(party_read(json_root(doc), &p, &e) == COFFER_E_INPUT && strstr(e.msg, t[i].says));
	}
}

static void party_write_round_trips(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_ED25519), *enc = fix_key(KEY_P256);
	CLEANUP(freep) char *body = party_body(k, enc);
	CLEANUP(json_freep) struct json_doc *doc = NULL, *again = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(8192), canon = wr_open(8192);
	struct json_wr j = jw_open(&w, false);
	struct party p;
	char names[128];
	struct err e;

	CHECK(json_parse(span_of(body), 8192, &doc, &e) == COFFER_OK && party_read(json_root(doc), &p, &e) == COFFER_OK);
	CHECK(p.personas == (PERSONA_OWNER | PERSONA_AUDITOR) && p.n_keys == 1 && p.has_encryption && p.n_recovery == 1 &&
	    p.hold_hours == 72);
	party_write(&p, &j);
	CHECK(wr_ok(&w) && json_parse(wr_span(&w), 8192, &again, &e) == COFFER_OK);
	json_canon(json_root(again), &canon);
	CHECK(span_eq_str(wr_span(&canon), body));
	persona_names(p.personas, names, sizeof(names));
	CHECK(strcmp(names, "data-owner, auditor") == 0);
	persona_names(p.personas, names, 8);
	CHECK(strlen(names) == 7);
	persona_names(0, names, sizeof(names));
	CHECK(names[0] == 0);
}

static char *witness_item(const char *name, enum note_alg alg, const struct privkey *k, const char *url)
{
	CLEANUP(wr_close) struct wr vkey = wr_open(512);
	struct note_key key;
	struct err e;

	if (note_key_new(span_of(name), alg, privkey_public(k), &key, &e) != COFFER_OK)
		abort();
	note_vkey_write(&key, &vkey);
	return str_fmt("{\"key\":\"%.*s\",\"url\":\"%s\"}", (int)vkey.n, (const char *)vkey.p, url);
}

/* What the genesis says with these witnesses, of whom k must sign. */
static enum coffer_rc with_witnesses(const char *good, const char *list, unsigned k, struct err *e)
{
	CLEANUP(freep) char *w = str_fmt("\"witnesses\":[%s]", list), *n = str_fmt("\"cosignatures\":%u", k);
	CLEANUP(freep) char *a = fix_edit(good, "\"witnesses\":[]", w), *b = a ? fix_edit(a, "\"cosignatures\":0", n) : NULL;

	*e = (struct err){ 0 };
	return b ? read_all(span_of(b), e) : COFFER_E_BUG;
}

static void genesis_names_witnesses(void)
{
	static const char *const bad_url[] = { "", "ftp://w.example", "https://", "https:///x", "https://w.example/", "http://w example",
		"http://w.example?x", "http://w.example#x" };
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_ED25519), *enc = fix_key(KEY_P256), *w1 = fix_key(KEY_ED25519),
	    *w2 = fix_key(KEY_ED25519);
	CLEANUP(freep) char *good = genesis_text(k, enc), *a = witness_item("w.example/a", NOTE_COSIGNATURE, w1, "https://w.example:8443/a"),
	    *b = witness_item("w.example/b", NOTE_COSIGNATURE, w2, "http://127.0.0.1:1");
	CLEANUP(freep) char *both = str_fmt("%s,%s", a, b), *twice = str_fmt("%s,%s", a, a), *log = witness_item("w.example/a", NOTE_ED25519, w1, "http://w"),
	    *itself = witness_item("w.example/a", NOTE_COSIGNATURE, k, "http://w"), *named = witness_item("ledger.example/one", NOTE_COSIGNATURE, w1, "http://w"),
	    *key2 = witness_item("w.example/c", NOTE_COSIGNATURE, w1, "http://w"), *twin = str_fmt("%s,%s", a, key2);
	struct err e;

	CHECK(with_witnesses(good, both, 1, &e) == COFFER_OK && with_witnesses(good, both, 2, &e) == COFFER_OK && with_witnesses(good, a, 1, &e) == COFFER_OK);
	CHECK(with_witnesses(good, both, 3, &e) == COFFER_E_INPUT && strstr(e.msg, "cosignatures"));
	CHECK(with_witnesses(good, both, 0, &e) == COFFER_E_INPUT && strstr(e.msg, "cosignatures"));
	CHECK(with_witnesses(good, twice, 1, &e) == COFFER_E_INPUT && strstr(e.msg, "twice"));
	CHECK(with_witnesses(good, twin, 1, &e) == COFFER_E_INPUT && strstr(e.msg, "twice"));
	CHECK(with_witnesses(good, log, 1, &e) == COFFER_E_INPUT && strstr(e.msg, "key of a log"));
	CHECK(with_witnesses(good, itself, 1, &e) == COFFER_E_INPUT && strstr(e.msg, "no witness of itself"));
	CHECK(with_witnesses(good, named, 1, &e) == COFFER_E_INPUT && strstr(e.msg, "no witness of itself"));
	for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++) {
		CLEANUP(freep) char *w = witness_item("w.example/a", NOTE_COSIGNATURE, w1, bad_url[i]);

		CHECK(with_witnesses(good, w, 1, &e) == COFFER_E_INPUT && strstr(e.msg, "address"));
	}
}

static void typed_witness_is_read(void)
{
	static const char *const bad[] = { "", "w", "w+1", "w+1+", "w+1+a", "w+1+a=", "=http://w", "w+00000000+AAAA=http://w" };
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_ED25519);
	CLEANUP(wr_close) struct wr vkey = wr_open(512);
	CLEANUP(freep) char *text = NULL;
	struct genesis_witness w;
	struct note_key key;
	struct err e;

	CHECK(note_key_new(span_of("w.example=1"), NOTE_COSIGNATURE, privkey_public(k), &key, &e) == COFFER_OK);
	note_vkey_write(&key, &vkey);
	text = str_fmt("%.*s=http://w.example/a=b", (int)vkey.n, (const char *)vkey.p);
	CHECK(text && witness_arg(text, &w, &e) == COFFER_OK && !strcmp(w.url, "http://w.example/a=b") && w.key.id == key.id);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(witness_arg(bad[i], &w, &e) == COFFER_E_INPUT);
	for (size_t n = 0; n < vkey.n + 9; n++) {
		CLEANUP(freep) char *cut = span_dup((struct span){ (const uint8_t *)text, n });

		CHECK(witness_arg(cut, &w, &e) == COFFER_E_INPUT);
	}
}

#define ROOT(vendor, name, cert) "{\"certificate\":\"" cert "\",\"name\":\"" name "\",\"vendor\":\"" vendor "\"}"

/* The key: the base point of P-256 (SEC 2, 2.4.2). */
#define ANCHOR_X "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY"
#define HEX16 "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"
#define ANCHOR                                                                                                                            \
	"{\"implementation-id\":\"" HEX16 HEX16 "\",\"instance-id\":\"01" HEX16 HEX16                                                      \
	"\",\"pkey\":{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" ANCHOR_X "\",\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\"}}"
#define ARM(anchors) "{\"anchors\":[" anchors "],\"name\":\"lab\",\"vendor\":\"arm\"}"

static void genesis_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"witnesses\":[]", "\"witnesses\":[\"w\"]", "witnesses" }, { "\"cosignatures\":0", "\"cosignatures\":1", "cosignatures" },
		{ "\"policies\":{}", "\"policies\":{\"a\":\"b\"}", "policies" }, { ",\"witnesses\":[]", "", "witnesses" },
		{ "\"policies\":{}", "\"policies\":{\"release\":\"" D1 "0\"}", "policies" }, { "\"policies\":{}", "\"policies\":{\"release\":1}", "policies" },
		{ "\"policies\":{}", "\"policies\":{\"attestation\":\"" D1 "\"}", "policies" }, { "\"policies\":{}", "\"policies\":[]", "policies" },
		{ "\"policies\":{}", "\"policies\":{},\"x\":0", "not known" },
		{ "\"origin\":\"ledger.example/one\"", "\"origin\":\"ledger.example/two\"", "subject" },
		{ "\"origin\":\"ledger.example/one\"", "\"origin\":\"ledger example\"", "origin" },
		{ "\"origin\":\"ledger.example/one\"", "\"origin\":\"ledger+example\"", "origin" },
		{ "\"hold-hours\":72", "\"hold-hours\":true", "hold-hours" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[]", "vendor-roots" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[" ROOT("amd", "n", "!") "]", "certificate" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[" ROOT("amd", "n", "") "]", "certificate" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[" ROOT("AMD", "n", "AAAA") "]", "vendor" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[" ROOT("amd", "", "AAAA") "]", "name" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[{\"vendor\":\"amd\",\"name\":\"n\"}]", "certificate" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[" ROOT("arm", "n", "AAAA") "]", "certificate" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[{\"vendor\":\"amd\",\"name\":\"n\",\"anchors\":[" ANCHOR "]}]", "anchors" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[" ARM("") "]", "anchors" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[" ARM("{}") "]", "implementation-id" },
		{ "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[" ARM(ANCHOR "," ANCHOR "," ANCHOR "," ANCHOR "," ANCHOR "," ANCHOR "," ANCHOR) "]", "anchors" },
	};
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_ED25519), *enc = fix_key(KEY_P256);
	static const struct fix_edit of_arm[] = {
		{ "\"kty\":\"EC\",\"x\":\"ax", "\"kty\":\"RSA\",\"x\":\"ax", "pkey" }, { "\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"ax", "\"crv\":\"P-384\",\"kty\":\"EC\",\"x\":\"ax", "pkey" },
		{ "\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"ax", "\"crv\":\"P-224\",\"kty\":\"EC\",\"x\":\"ax", "pkey" }, { ANCHOR_X, "AAAA" ANCHOR_X, "pkey" },
		{ "\"x\":\"ax", "\"x\":\"bx", "pkey" }, /* off the curve */
		{ "\"kty\":\"EC\",\"x\":\"ax", "\"d\":\"\",\"kty\":\"EC\",\"x\":\"ax", "pkey" },
		{ "\"implementation-id\":\"1a", "\"implementation-id\":\"", "implementation-id" },
		{ "\"instance-id\":\"01", "\"instance-id\":\"01aa", "instance-id" }, { "\"instance-id\":\"01", "\"x\":0,\"instance-id\":\"01", "not known" },
		{ "\"name\":\"lab\"", "\"name\":\"\"", "name" },
	};
	CLEANUP(freep) char *rooted = NULL, *arm = NULL;
	CLEANUP(freep) char *good = genesis_text(k, enc), *p = party_body(k, enc), *both = str_fmt("[%s,%s]", p, p), *one =
	    str_fmt("[%s]", p);
	CLEANUP(freep) char *twice = fix_edit(good, one, both), *none = fix_edit(good, one, "[]"), *ghost = NULL, *haunted = NULL, *shared = NULL;
	struct err e;

	EDITS(good, edits);
	arm = fix_edit(good, "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[" ARM(ANCHOR "," ANCHOR) "]");
	CHECK(arm && read_all(span_of(arm), &e) == COFFER_OK);
	EDITS(arm, of_arm);
	rooted = fix_edit(good, "\"policies\":{}", "\"policies\":{},\"vendor-roots\":[" ROOT("tpm", "a maker", "AAAA") "]");
	CHECK(rooted && read_all(span_of(rooted), &e) == COFFER_OK);
	CHECK(read_all(span_of(twice), &e) == COFFER_E_INPUT && strstr(e.msg, "twice"));
	CHECK(read_all(span_of(none), &e) == COFFER_E_INPUT && strstr(e.msg, "parties"));
	ghost = fix_edit(p, "\"id\":\"", "\"id\":\"ghost-");
	haunted = str_fmt("[%s,%s]", p, ghost);
	shared = fix_edit(good, one, haunted);
	CHECK(read_all(span_of(shared), &e) == COFFER_E_INPUT && strstr(e.msg, "one signing key"));
}

static void genesis_read_refuses_an_origin_that_notes_cannot_carry(void)
{
	static const char *const bad[] = { "a b", "a+b", "a\xc3\xa9" };
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_ED25519), *enc = fix_key(KEY_P256);
	CLEANUP(freep) char *good = genesis_text(k, enc), *subject = fix_subject("ledger.example/one");
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(freep) char *other = fix_subject(bad[i]), *origin = str_fmt("\"origin\":\"%s\"", bad[i]);
		CLEANUP(freep) char *one = fix_edit(good, subject, other);
		CLEANUP(freep) char *two = fix_edit(one, "\"origin\":\"ledger.example/one\"", origin);

		CHECK(two && read_all(span_of(two), &e) == COFFER_E_INPUT && strstr(e.msg, "the origin is not 1 to 255"));
	}
}

static void service_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"tls\":\"" D1 "\"", "\"tls\":\"\"", "tls" }, { "\"receive\":{", "\"receive\":1,\"x\":{", "" }, { "\"crv\":\"P-256\"",
		    "\"crv\":\"P-384\"", "" },
		{ "\"id\":\"trust\",", "\"id\":\"trust\",\"url\":\"\",", "not known" },
	};
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_P256), *ed = fix_key(KEY_ED25519);
	CLEANUP(freep) char *body = service_body(k), *bad_body = service_body(ed), *subject = fix_subject("trust");
	CLEANUP(freep) char *good = fix_payload("service", subject, FIX_HEAD("acme"), body), *bad = fix_payload("service", subject,
	    FIX_HEAD("acme"), bad_body);
	struct err e;

	EDITS(good, edits);
	CHECK(read_all(span_of(bad), &e) == COFFER_E_INPUT && strstr(e.msg, "P-256"));
}

static void service_write_round_trips(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_P256);
	CLEANUP(freep) char *body = service_body(k);
	CLEANUP(json_freep) struct json_doc *doc = NULL, *again = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(8192), canon = wr_open(8192);
	struct json_wr j = jw_open(&w, false);
	struct service s;
	struct err e;

	CHECK(json_parse(span_of(body), 8192, &doc, &e) == COFFER_OK && service_read(json_root(doc), &s, &e) == COFFER_OK);
	service_write(&s, &j);
	CHECK(wr_ok(&w) && json_parse(wr_span(&w), 8192, &again, &e) == COFFER_OK);
	json_canon(json_root(again), &canon);
	CHECK(span_eq_str(wr_span(&canon), body));
}

#define MEASURED "\"measurements\":[{\"platform\":\"snp\",\"registers\":{\"measurement\":\"" D1 "11111111111111111111111111111111\"},\"shape\":\"any\"}," \
	"{\"platform\":\"swtpm\",\"registers\":{\"pcr04\":\"" D1 "\",\"pcr09\":\"" D2 "\"},\"shape\":\"rehearsal\"}],"

/* How the service's machine is launched: the reader of boot images, so its refusals by name; one of each is enough here. */
static void service_measurements_are_read_as_those_of_boot_images(void)
{
	static const struct fix_edit edits[] = {
		{ "\"platform\":\"snp\"", "\"platform\":\"sample\"", "service launch: member \"platform\"" },
		{ "\"measurement\":", "\"measured\":", "service launch: a register that no platform has" },
		{ "\"pcr09\"", "\"pcr10\"", "pcr11" }, { "\"pcr04\":", "\"pcr05\":", "pcr04" },
		{ "\"shape\":\"any\"", "\"shape\":\"any\",\"x\":1", "not known" }, { MEASURED, "\"measurements\":[],", "measurements" },
		{ MEASURED, "\"measurements\":{},", "measurements" }, { MEASURED, "\"measurements\":null,", "measurements" },
		{ MEASURED, "\"measurements\":[1,2,3,4,5],", "5 items" }, { "\"platform\":\"swtpm\",\"registers\":{", "\"platform\":\"snp\",\"registers\":{", "measurement" },
	};
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_P256);
	CLEANUP(freep) char *plain = service_body(k), *body = fix_edit(plain, "\"receive\":", MEASURED "\"receive\":"), *subject = fix_subject("trust");
	CLEANUP(freep) char *good = fix_payload("service", subject, FIX_HEAD("acme"), body);
	CLEANUP(json_freep) struct json_doc *doc = NULL, *again = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(8192), canon = wr_open(8192);
	struct json_wr j = jw_open(&w, false);
	struct service s;
	struct err e;

	EDITS(good, edits);
	CHECK(json_parse(span_of(body), 8192, &doc, &e) == COFFER_OK && service_read(json_root(doc), &s, &e) == COFFER_OK);
	CHECK(s.n_launches == 2 && strcmp(s.launch[1].platform, "swtpm") == 0 && s.launch[1].n_regs == 2 && s.launch[0].reg[0].n == 48);
	service_write(&s, &j);
	CHECK(wr_ok(&w) && json_parse(wr_span(&w), 8192, &again, &e) == COFFER_OK);
	json_canon(json_root(again), &canon);
	CHECK(span_eq_str(wr_span(&canon), body));
}

#define NAMED "\"chip\":\"0123456789abcdef\",\"tpm\":\"" D2 "\","

/* Which machine it is: by ids of the sizes that there are, and not where no launch could show it. */
static void service_names_a_machine_that_its_launches_show(void)
{
	static const struct fix_edit edits[] = {
		{ "\"tpm\":\"3", "\"tpm\":\"", "tpm" }, { "\"tpm\":\"" D2 "\"", "\"tpm\":null", "tpm" }, { "\"chip\":\"0123456789abcdef\"", "\"chip\":\"0123456789ABCDEF\"", "chip" },
		{ "\"chip\":\"0123456789abcdef\"", "\"chip\":\"0123456789abcde\"", "chip" }, { "\"chip\":\"0123456789abcdef\"", "\"chip\":\"\"", "chip" },
		{ "\"chip\":\"0123456789abcdef\"", "\"chip\":7", "chip" }, { "\"chip\":\"0123456789abcdef\"", "\"chip\":\"" D1 "\"", "chip" },
		{ MEASURED, "", "goes with measurements" },
		{ "\"platform\":\"snp\",\"registers\":{\"measurement\":\"" D1 "11111111111111111111111111111111\"}", "\"platform\":\"tpm\",\"registers\":{\"pcr04\":\"" D1
		    "\",\"pcr09\":\"" D2 "\"}", "\"chip\" goes with" },
		{ "\"platform\":\"swtpm\",\"registers\":{\"pcr04\":\"" D1 "\",\"pcr09\":\"" D2 "\"}", "\"platform\":\"sgx\",\"registers\":{\"mr_enclave\":\"" D1 "\"}",
		    "\"tpm\" goes with" },
	};
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_P256);
	CLEANUP(freep) char *plain = service_body(k), *body = fix_edit(plain, "\"receive\":", MEASURED "\"receive\":"), *subject = fix_subject("trust");
	CLEANUP(freep) char *named = fix_edit(body, "\"receive\":", NAMED "\"receive\":"), *good = fix_payload("service", subject, FIX_HEAD("acme"), named ? named : "");
	CLEANUP(json_freep) struct json_doc *doc = NULL, *again = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(8192), canon = wr_open(8192), was = wr_open(8192);
	struct json_wr j = jw_open(&w, false);
	struct service s;
	struct err e;

	EDITS(good, edits);
	CHECK(json_parse(span_of(named ? named : ""), 8192, &doc, &e) == COFFER_OK && service_read(json_root(doc), &s, &e) == COFFER_OK);
	CHECK(s.has_tpm && s.tpm[0] == 0x33 && s.chip_n == 8 && s.chip[7] == 0xef);
	service_write(&s, &j);
	CHECK(wr_ok(&w) && json_parse(wr_span(&w), 8192, &again, &e) == COFFER_OK);
	json_canon(json_root(again), &canon);
	json_canon(json_root(doc), &was);
	CHECK(span_eq(wr_span(&canon), wr_span(&was)));
}

static void asset_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"path\":\"kbs:///hospital/data-key/p\"", "\"path\":\"kbs:///hospital/data-key/q\"", "subject" },
		{ "\"path\":\"kbs:///hospital/data-key/p\"", "\"path\":\"hospital/data-key/p\"", "written" },
		{ "\"path\":\"kbs:///hospital/data-key/p\"", "\"path\":\"kbs:///hospital/p\"", "path" },
		{ "\"type\":\"key\"", "\"type\":\"other\"", "type" }, { "\"type\":\"key\"", "\"type\":7", "type" },
		{ "\"version\":1", "\"version\":2", "serial" }, { "\"version\":1", "\"version\":0", "version" },
		{ "\"k\":1", "\"k\":0", "\"k\"" }, { "\"k\":1", "\"k\":2", "\"k\"" }, { "\"of\":[\"hospital\"]", "\"of\":[]", "of" },
		{ "\"of\":[\"hospital\"]", "\"of\":[\"hospital\",\"hospital\"]", "twice" }, { "\"of\":[\"hospital\"]", "\"of\":[\"H\"]", "of" },
		{ "\"of\":[\"hospital\"]", "\"of\":[\"acme\"]", "owner is not among" },
		{ "\"of\":[\"hospital\"]", "\"of\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]", "of" },
		{ "\"least-action\":\"stop\"", "\"least-action\":\"none\"", "least-action" }, { "\"least-action\":\"stop\",", "",
		    "least-action" },
		{ "{\"k\":1", "{\"leases\":1,\"k\":1", "not known" }, { "{\"k\":1", "{\"lease\":1,\"k\":1", "lease" },
		{ "{\"k\":1", "{\"lease\":{\"check\":0,\"grace\":1,\"lease\":1},\"k\":1", "check" },
		{ "{\"k\":1", "{\"lease\":{\"check\":1,\"grace\":86401,\"lease\":1},\"k\":1", "grace" },
		{ "{\"k\":1", "{\"lease\":{\"check\":1,\"grace\":1,\"lease\":0},\"k\":1", "lease" },
		{ "{\"k\":1", "{\"lease\":{\"check\":1,\"grace\":1},\"k\":1", "lease" },
	};
	CLEANUP(freep) char *good = asset_text();
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct asset_body a;
	struct err e;

	EDITS(good, edits);
	CHECK(statement_parse(span_of(good), &s, &e) == COFFER_OK && asset_read(&s, &a, &e) == COFFER_OK);
	CHECK(a.lease.check == 60 && a.lease.grace == 900 && a.lease.lease == 300 && a.lease.stop);
	CHECK(strcmp(a.type, "key") == 0 && a.version == 1 && a.k == 1 && a.n_of == 1 &&
	    strcmp(asset_path_tail(&a.path), "hospital/data-key/p") == 0);
}

static void approval_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"assets\":[\"kbs:///hospital/data-key/p\",\"kbs:///hospital/note/n\"]",
		    "\"assets\":[\"kbs:///hospital/note/n\",\"kbs:///hospital/data-key/p\"]", "subjects" },
		{ "\"assets\":[\"kbs:///hospital/data-key/p\",\"kbs:///hospital/note/n\"]", "\"assets\":[\"kbs:///hospital/data-key/p\"]",
		    "subjects" },
		{ "\"assets\":[\"kbs:///hospital/data-key/p\",\"kbs:///hospital/note/n\"]", "\"assets\":[]", "assets" },
		{ "\"assets\":[\"kbs:///hospital/data-key/p\"", "\"assets\":[\"kbs:///hospital/note/n\"", "twice" },
		{ "\"workload\":\"3", "\"workload\":\"4", "subjects" }, { "\"workload\":\"33", "\"workload\":\"", "workload" },
		{ "\"platforms\":[\"sample\"]", "\"platforms\":[]", "platforms" }, { "\"platforms\":[\"sample\"]", "\"platforms\":[\"Any\"]",
		    "platforms" },
		{ "\"platforms\":[\"sample\"]", "\"platforms\":[\"sample\",\"sample\"]", "twice" },
		{ "\"platforms\":[\"sample\"]", "\"platforms\":[\"012345678901234567890123456789ab\"]", "platforms" },
		{ "[\"sample\"]", "[\"+debug\"]", "platforms" }, { "[\"sample\"]", "[\"snp+debugs\"]", "platforms" },
		{ "[\"sample\"]", "[\"snp+debug+debug\"]", "platforms" }, { "[\"sample\"]", "[\"snp+smt\"]", "platforms" },
		{ "\"services\":[\"" D2 "\"]", "\"services\":[]", "services" },
		{ "\"services\":[\"" D2 "\"]", "\"services\":[\"" D2 "\",\"" D2 "\"]", "twice" }, { "\"services\":[\"" D2 "\"]",
		    "\"services\":[\"any\"]",
		    "services" },
		{ "\"until\":\"2026-12-01T00:00:00Z\"", "\"until\":\"never\"", "until" }, { "\"uses\":5", "\"uses\":0", "uses" }, {
		    "\"uses\":5", "\"uses\":null", "uses" },
		{ "\"services\":", "\"boot-images\":[],\"services\":", "boot-images" },
		{ "\"services\":", "\"boot-images\":\"" D1 "\",\"services\":", "boot-images" },
		{ "\"services\":", "\"boot-images\":[\"any\"],\"services\":", "boot-images" },
		{ "\"services\":", "\"boot-images\":[1],\"services\":", "boot-images" },
		{ "\"services\":", "\"boot-images\":[\"" D1 "\",\"" D1 "\"],\"services\":", "twice" },
		{ "\"services\":", "\"boot-images\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"],\"services\":", "9 items" },
		{ "\"shown\":\"" D1 "\",", "", "shown" }, { "\"uses\":5", "\"uses\":5,\"images-by\":\"p\"", "without" },
		{ "\"uses\":5", "\"uses\":5,\"assessed-by\":[]", "assessed-by" }, { "\"uses\":5", "\"uses\":5,\"assessed-by\":[{\"party\":\"p\"}]", "about" },
		{ "\"uses\":5", "\"uses\":5,\"assessed-by\":[{\"party\":\"P\",\"about\":\"image\"}]", "party" },
		{ "\"uses\":5", "\"uses\":5,\"assessed-by\":[{\"party\":\"p\",\"about\":\"pod\"}]", "about" },
		{ "\"uses\":5", "\"uses\":5,\"images\":\"p\"", "not known" }, { "\"uses\":5", "\"uses\":5,\"or-narrower\":false", "or-narrower" },
		{ "\"uses\":5", "\"uses\":5,\"or-narrower\":1", "or-narrower" },
		{ "\"uses\":5", "\"uses\":5,\"or-narrower\":true,\"images-by\":\"P\"", "images-by" },
	};
	CLEANUP(freep) char *good = approval_text();
	CLEANUP(freep) char *unlimited = fix_edit(good, "\"uses\":5,", "");
	CLEANUP(freep) char *debug = fix_edit(good, "[\"sample\"]", "[\"snp+debug\",\"snp\"]");
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct approval a;
	struct err e;

	EDITS(good, edits);
	CHECK(read_all(span_of(unlimited), &e) == COFFER_OK);
	CHECK(read_all(span_of(debug), &e) == COFFER_OK);
	CHECK(statement_parse(span_of(good), &s, &e) == COFFER_OK && approval_read(&s, &a, &e) == COFFER_OK);
	CHECK(a.n_assets == 2 && strcmp(asset_path_tail(&a.asset[1]), "hospital/note/n") == 0 &&
	    strcmp(a.platform[0], "sample") == 0 && a.has_uses && a.uses == 5 && a.n_boot_images == 0);
}

static void approval_read_gives_the_boot_images(void)
{
	CLEANUP(freep) char *good = approval_text();
	CLEANUP(freep) char *two = fix_edit(good, "\"services\":", "\"boot-images\":[\"" D1 "\",\"" D2 "\"],\"services\":");
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct approval a;
	struct err e;

	CHECK(two && statement_parse(span_of(two), &s, &e) == COFFER_OK && approval_read(&s, &a, &e) == COFFER_OK);
	CHECK(a.n_boot_images == 2 && a.boot_image[0][0] == 0x22 && a.boot_image[1][31] == 0x33);
}

static void image_release_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"repository\":\"registry.example/app\"", "\"repository\":\"registry.example/other\"", "subject" },
		{ "\"version\":3", "\"version\":3,\"sbom\":\"\"", "not known" }, { "\"version\":3", "\"version\":-1", "version" },
		{ "\"version\":3", "\"version\":9007199254740992", "version" },
		{ "[\"kbs:///imaker/image-key/app\"]", "[\"kbs:///imaker/image-key/app\",\"kbs:///imaker/image-key/app\"]", "twice" }, {
		    "sigstoreSigned", "insecureAcceptAnything", "method" }, { "KEY-----\\n", "KEY-----\\n\\u001b[2J", "method" },
		{ "-----BEGIN PUBLIC", "-----BEGIN PRIVATE", "method" }, { "\"keys\":[\"kbs:///imaker/image-key/app\"]",
		    "\"keys\":[\"imaker/image-key/app\"]", "written" },
		{ "\"keys\":[\"kbs:///imaker/image-key/app\"],", "", "keys" }, { "\"keys\":", "\"attestations\":[],\"keys\":", "attestations" },
		{ "\"keys\":", "\"attestations\":[{\"digest\":\"" D1 "\",\"type\":\"sbom\"}],\"keys\":", "predicate type" },
		{ "\"keys\":", "\"attestations\":[{\"digest\":\"x\",\"type\":\"a:b\"}],\"keys\":", "digest" },
		{ "\"keys\":", "\"attestations\":[{\"type\":\"a:b\"}],\"keys\":", "digest" },
		{ "\"keys\":", "\"attestations\":[{\"digest\":\"" D1 "\",\"type\":\"a:b\",\"x\":1}],\"keys\":", "not known" },
		{ "\"keys\":", "\"attestations\":[{\"asset\":\"imaker/attestation/x\",\"digest\":\"" D1 "\",\"type\":\"a:b\"}],\"keys\":", "written" },
		{ "\"keys\":", "\"attestations\":[{\"asset\":\"\",\"digest\":\"" D1 "\",\"type\":\"a:b\"}],\"keys\":", "attestation" },
		{ "\"keys\":", "\"attestations\":[{\"asset\":7,\"digest\":\"" D1 "\",\"type\":\"a:b\"}],\"keys\":", "asset" },
		{ "\"keys\":", "\"attestations\":[{\"asset\":\"kbs:///imaker/attestation/x\",\"type\":\"a:b\"}],\"keys\":", "digest" },
		{ "[{\"key\":\"" PEM "\",\"type\":\"sigstoreSigned\"}]", "[]", "methods" }, { "\"type\":\"sigstoreSigned\"",
		    "\"type\":\"sigstoreSigned\",\"x\":1", "not known" },
	};
	CLEANUP(freep) char *good = release_text();

	EDITS(good, edits);
}

static void image_release_read_lists_what_is_attested_wherever_it_is(void)
{
	CLEANUP(freep) char *good = release_text();
	CLEANUP(freep) char *text = fix_edit(good, "\"keys\":", "\"attestations\":[{\"asset\":\"kbs:///imaker/attestation/x\",\"digest\":\"" D1 "\",\"type\":\"a:asset\"},{\"digest\":\"" D1
	    "\",\"type\":\"a:beside\"}],\"keys\":");
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct image_release r;
	struct err e;

	CHECK(statement_parse(span_of(text), &s, &e) == COFFER_OK && image_release_read(&s, &r, &e) == COFFER_OK && r.version == 3);
	CHECK(image_release_attests(&r, span_of("a:asset")) && image_release_attests(&r, span_of("a:beside")) && !image_release_attests(&r, span_of("a:other")));
}

static void revocation_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"statement\":\"22", "\"statement\":\"32", "subject" }, { "\"name\":\"22", "\"name\":\"32", "subject" }, {
		    "\"sha256\":\"22", "\"sha256\":\"32", "subject" },
		{ "\"reason\":\"key lost\"", "\"reason\":\"\"", "reason" }, { "\"reason\":\"key lost\"", "\"reason\":\"a\\u001b[2J\"",
		    "reason" },
		{ "\"reason\":", "\"from\":0,\"reason\":", "not known" },
	};
	CLEANUP(freep) char *good = revocation_text();

	EDITS(good, edits);
}

/* One spelling of each. */
static void thing_that_is_revoked_has_one_name(void)
{
	static const struct { const char *text; enum thing_kind kind; } names[] = {
		{ "chip:snp:c1", THING_CHIP }, { "chip:tdx:0123456789abcdef", THING_CHIP }, { "image:" D1, THING_IMAGE }, { "measurement:tpm:pcr04:" D1, THING_MEASUREMENT },
		{ "measurement:sgx:mr_signer:" D1, THING_MEASUREMENT },
		{ "", THING_NONE }, { "chip", THING_NONE }, { "chip:", THING_NONE }, { "chip:snp", THING_NONE }, { "chip:snp:", THING_NONE }, { "chip:snp:c", THING_NONE },
		{ "chip:snp:C1", THING_NONE }, { "chip:snp:c1 ", THING_NONE }, { "chip:sample:c1", THING_NONE }, { "chip:SNP:c1", THING_NONE }, { "chip:snp:c1:d2", THING_NONE },
		{ "image:" D1 "00", THING_NONE }, { "image:c1", THING_NONE }, { "image:snp:" D1, THING_NONE }, { "measurement:tpm:" D1, THING_NONE },
		{ "measurement:tpm:pcr24:" D1, THING_NONE }, { "measurement:tpm:pcr04:c1", THING_NONE }, { "measurement:snp:measurement:" D1, THING_NONE },
		{ "key:" D1, THING_NONE }, { "thing:" D1, THING_NONE },
		{ "image-key:" D1, THING_IMAGE_KEY }, { "image-key:c1", THING_NONE }, { "image-key:" D1 "00", THING_NONE }, { "image-keys:" D1, THING_NONE },
	};
	struct thing t;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool ok = thing_read(span_of(names[i].text), &t);

		CHECK(ok == (names[i].kind != THING_NONE) && (!ok || (t.kind == names[i].kind && strcmp(t.text, names[i].text) == 0)));
		for (size_t n = 0; ok && n < strlen(names[i].text); n++) { /* cut anywhere it is another, or none */
			char *cut = malloc(n ? n : 1);

			if (!cut)
				abort();
			memcpy(cut, names[i].text, n);
			CHECK(!thing_read((struct span){ (const uint8_t *)cut, n }, &t) || t.kind == THING_CHIP);
			free(cut);
		}
	}
}

/* What the service may answer for another; whatever holds back more, longer, or something else, or is by another, is none that stands already. */
static void revocation_says_as_much_only_where_the_later_one_says_nothing_new(void)
{
	CLEANUP(freep) char *text = revocation_text(), *since = NULL, *wholly = NULL, *subjects = NULL;
	CLEANUP(statement_clear) struct statement was = { 0 }, is = { 0 }, from = { 0 }, all = { 0 };
	char id[HEX32_LEN];
	struct err e = { 0 };

	CHECK(statement_parse(span_of(text), &was, &e) == COFFER_OK && statement_parse(span_of(text), &is, &e) == COFFER_OK);
	CHECK(revocation_says_as_much(&was, &is));
	(void)snprintf(is.issuer, sizeof(is.issuer), "clinic");
	CHECK(!revocation_says_as_much(&was, &is));
	memcpy(is.issuer, was.issuer, sizeof(is.issuer));
	is.kind = was.kind = ST_PAUSE;
	is.expires = was.expires = was.issued + 86400;
	CHECK(revocation_says_as_much(&was, &is));
	is.kind = ST_REVOCATION; /* a pause is no revocation */
	CHECK(!revocation_says_as_much(&was, &is) && !revocation_says_as_much(&is, &was));
	is.kind = ST_PAUSE;
	is.expires++; /* for longer */
	CHECK(!revocation_says_as_much(&was, &is));
	is.expires--;
	is.issued--; /* from earlier on */
	CHECK(!revocation_says_as_much(&was, &is));
	is.kind = was.kind = ST_ASSET;
	is.issued = was.issued;
	CHECK(!revocation_says_as_much(&was, &is));
	fix_sha256_hex("image-key:" D1, id);
	subjects = str_fmt("{\"digest\":{\"sha256\":\"%s\"},\"name\":\"thing:%s\"}", id, id);
	since = fix_payload("revocation", subjects, FIX_HEAD("hospital"), "{\"from\":\"2026-01-01T00:00:00Z\",\"reason\":\"stolen\",\"thing\":\"image-key:" D1 "\"}");
	wholly = fix_payload("revocation", subjects, FIX_HEAD("hospital"), "{\"reason\":\"stolen\",\"thing\":\"image-key:" D1 "\"}");
	CHECK(statement_parse(span_of(since), &from, &e) == COFFER_OK && statement_parse(span_of(wholly), &all, &e) == COFFER_OK);
	CHECK(revocation_says_as_much(&all, &from) && revocation_says_as_much(&from, &from) && !revocation_says_as_much(&from, &all));
	was.kind = ST_REVOCATION;
	CHECK(!revocation_says_as_much(&was, &all) && !revocation_says_as_much(&all, &was));
}

static void revocation_of_a_thing_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"thing\":\"chip:snp:c1", "\"thing\":\"chip:snp:c2", "subject" }, { "\"name\":\"thing:", "\"name\":\"other:", "subject" },
		{ "\"thing\":\"chip:snp:c1", "\"thing\":\"chip:snp:C1", "none of" }, { "\"thing\":\"chip:snp:c1\"", "\"thing\":1", "thing" },
		{ "\"reason\":\"broken\"", "\"reason\":\"\"", "reason" }, { "\"reason\":", "\"from\":0,\"reason\":", "not known" },
		{ "\"reason\":", "\"statement\":\"" D1 "\",\"reason\":", "not known" },
		{ "statement:revocation:", "statement:pause:", "not known" }, /* no thing is paused */
	};
	struct thing t;
	char subject[THING_SUBJECT_MAX], hex[HEX32_LEN];
	CLEANUP(freep) char *subjects = NULL, *good = NULL;
	struct err e;

	CHECK(thing_read(span_of("chip:snp:c1"), &t));
	thing_subject(t.id, subject);
	hex32(t.id, hex);
	subjects = str_fmt("{\"digest\":{\"sha256\":\"%s\"},\"name\":\"%s\"}", hex, subject);
	good = fix_payload("revocation", subjects, FIX_HEAD("hospital"), "{\"reason\":\"broken\",\"thing\":\"chip:snp:c1\"}");
	CHECK(read_all(span_of(good), &e) == COFFER_OK);
	EDITS(good, edits);
}

/* From a time on, or wholly; of nothing else from a time on (above). */
static void revocation_of_a_key_of_images_may_name_a_time(void)
{
	static const struct fix_edit edits[] = {
		{ "\"2026-01-01T00:00:00Z\",\"reason\"", "\"2026-01-01\",\"reason\"", "from" }, { "\"from\":\"2026-01-01T00:00:00Z\"", "\"from\":1", "from" },
		{ "\"2026-01-01T00:00:00Z\",\"reason\"", "\"1970-01-01T00:00:00Z\",\"reason\"", "before 1970" }, { "\"reason\":", "\"key\":\"x\",\"reason\":", "" },
	};
	struct thing t;
	char subject[THING_SUBJECT_MAX], hex[HEX32_LEN];
	CLEANUP(freep) char *subjects = NULL, *good = NULL, *wholly = NULL;
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct revocation v = { 0 };
	struct err e;

	CHECK(thing_read(span_of("image-key:" D1), &t));
	thing_subject(t.id, subject);
	hex32(t.id, hex);
	subjects = str_fmt("{\"digest\":{\"sha256\":\"%s\"},\"name\":\"%s\"}", hex, subject);
	good = fix_payload("revocation", subjects, FIX_HEAD("hospital"), "{\"from\":\"2026-01-01T00:00:00Z\",\"reason\":\"stolen\",\"thing\":\"image-key:" D1 "\"}");
	CHECK(read_all(span_of(good), &e) == COFFER_OK && statement_parse(span_of(good), &s, &e) == COFFER_OK && revocation_read(&s, &v, &e) == COFFER_OK);
	CHECK(v.of_thing && !v.of_key && v.from == 1767225600);
	EDITS(good, edits);
	wholly = fix_edit(good, "\"from\":\"2026-01-01T00:00:00Z\",", "");
	statement_clear(&s);
	CHECK(statement_parse(span_of(wholly), &s, &e) == COFFER_OK && revocation_read(&s, &v, &e) == COFFER_OK && v.from == 0);
}

#define DELEGATION_BODY "{\"depth\":1,\"of\":\"hospital\",\"role\":\"approval\",\"scope\":[\"kbs:///hospital/note/\",\"kbs:///hospital/a/b\"]," \
	"\"to\":\"clinic\",\"until\":\"2026-12-01T00:00:00Z\"}"

static char *delegation_text(const char *body, const char *role)
{
	CLEANUP(freep) char *to = fix_subject("clinic");
	CLEANUP(freep) char *of = fix_subject("of:hospital");
	CLEANUP(freep) char *what = fix_subject(role);
	CLEANUP(freep) char *subjects = str_fmt("%s,%s,%s", to, of, what);

	return fix_payload("delegation", subjects, FIX_HEAD("hospital"), body);
}

static void delegation_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"to\":\"clinic\"", "\"to\":\"hospital\"", "already" }, { "\"to\":\"clinic\"", "\"to\":\"other\"", "subjects" },
		{ "\"to\":\"clinic\",", "", "to" }, { "\"of\":\"hospital\",", "", "of" }, { "\"of\":\"hospital\"", "\"of\":\"other\"", "scope" },
		{ "\"of\":\"hospital\"", "\"of\":\"clinic\"", "already" }, { "\"role\":\"approval\"", "\"role\":\"anything\"", "role" },
		{ "\"role\":\"approval\"", "\"role\":\"boot-image\"", "scope" }, { "\"depth\":1", "\"depth\":4", "depth" },
		{ "\"depth\":1,", "", "depth" }, { "\"depth\":1", "\"depth\":1,\"x\":1", "not known" },
		{ "\"until\":\"2026-12", "\"until\":\"2026-13", "until" }, { "hospital/note/", "hospital/note", "scope" },
		{ "kbs:///hospital/note/", "kbs:///hospitals/", "scope" }, { "kbs:///hospital/note/", "kbs:///hospital", "scope" },
		{ "kbs:///hospital/note/", "kbs:///hospital/../", "scope" }, { "kbs:///hospital/note/", "kbs:///hospital/a/b/", "scope" },
		{ "kbs:///hospital/note/", "hospital/note/", "scope" }, { "kbs:///hospital/note/", "kbs:///", "scope" },
		{ "kbs:///hospital/note/", "", "scope" }, { "kbs:///hospital/note/", "kbs:///hospital/a/b", "twice" },
		{ "\"scope\":[\"kbs:///hospital/note/\",\"kbs:///hospital/a/b\"],", "", "scope" },
	};
	CLEANUP(freep) char *good = delegation_text(DELEGATION_BODY, "role:approval");
	CLEANUP(freep) char *other = delegation_text(DELEGATION_BODY, "role:boot-image");
	struct err e;

	EDITS(good, edits);
	CHECK(read_all(span_of(other), &e) == COFFER_E_INPUT && strstr(e.msg, "subjects"));
	for (size_t n = 0; n < strlen(good); n++) {
		CLEANUP(freep) uint8_t *cut = fix_exact((struct span){ (const uint8_t *)good, n });

		CHECK(read_all((struct span){ cut, n }, &e) != COFFER_OK);
	}
}

static void delegation_covers_paths_of_its_scope_alone(void)
{
	CLEANUP(freep) char *good = delegation_text(DELEGATION_BODY, "role:approval");
	CLEANUP(freep) char *boot = delegation_text("{\"depth\":0,\"of\":\"hospital\",\"role\":\"boot-image\",\"to\":\"clinic\","
	    "\"until\":\"2026-12-01T00:00:00Z\"}", "role:boot-image");
	CLEANUP(statement_clear) struct statement s = { 0 }, b = { 0 };
	struct delegation d;
	struct err e;

	CHECK(statement_parse(span_of(good), &s, &e) == COFFER_OK && delegation_read(&s, &d, &e) == COFFER_OK);
	CHECK(d.depth == 1 && d.n_scopes == 2 && d.role == ROLE_APPROVAL && strcmp(d.to, "clinic") == 0);
	CHECK(delegation_covers(&d, span_of("kbs:///hospital/note/x")) && delegation_covers(&d, span_of("kbs:///hospital/note/")));
	CHECK(delegation_covers(&d, span_of("kbs:///hospital/a/b")) && !delegation_covers(&d, span_of("kbs:///hospital/a/bc")));
	CHECK(!delegation_covers(&d, span_of("kbs:///hospital/notes/x")) && !delegation_covers(&d, span_of("kbs:///hospital/")));
	CHECK(statement_parse(span_of(boot), &b, &e) == COFFER_OK && delegation_read(&b, &d, &e) == COFFER_OK && d.role == ROLE_BOOT_IMAGE);
}

#define LENT_BODY(role, scope) "{\"depth\":1,\"of\":\"hospital\",\"role\":\"" role "\"," scope "\"to\":\"clinic\",\"until\":\"2026-12-01T00:00:00Z\"}"
#define REPOSITORIES "\"scope\":[\"registry.example/hospital/\",\"registry.example/one\"],"

static bool lent_read(const char *text, struct delegation *d)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct err e;

	return statement_parse(span_of(text), &s, &e) == COFFER_OK && delegation_read(&s, d, &e) == COFFER_OK;
}

/* Of services and images there may be one, of what these are called by. */
static void delegation_of_services_and_images_has_their_scope(void)
{
	static const struct fix_edit services[] = {
		{ "\"trust\"", "\"Trust\"", "service's id" }, { "\"trust\"", "\"trust/\"", "service's id" }, { "\"trust\"", "\"\"", "service's id" },
		{ "\"trust\"", "1", "scope" }, { "[\"trust\"]", "[]", "scope" }, { "[\"trust\"]", "[\"trust\",\"trust\"]", "twice" },
	};
	static const struct fix_edit images[] = {
		{ "registry.example/one", "", "repository" }, { "registry.example/one", "/", "repository" }, { "registry.example/one", "registry.example/o ne", "repository" },
		{ "registry.example/one", "registry.example/hospital/", "twice" },
	};
	CLEANUP(freep) char *service = delegation_text(LENT_BODY("attestation-service", "\"scope\":[\"trust\"],"), "role:attestation-service");
	CLEANUP(freep) char *any = delegation_text(LENT_BODY("attestation-service", ""), "role:attestation-service");
	CLEANUP(freep) char *image = delegation_text(LENT_BODY("image-verification", REPOSITORIES), "role:image-verification");
	struct delegation d;

	EDITS(service, services);
	EDITS(image, images);
	CHECK(lent_read(service, &d) && d.role == ROLE_SERVICE && d.n_scopes == 1 && delegation_covers(&d, span_of("trust")));
	CHECK(!delegation_covers(&d, span_of("trust2")) && !delegation_covers(&d, span_of("trus")) && !delegation_covers(&d, (struct span){ 0 }));
	CHECK(lent_read(any, &d) && d.n_scopes == 0 && delegation_covers(&d, span_of("trust")) && delegation_covers(&d, (struct span){ 0 }));
	CHECK(lent_read(image, &d) && d.role == ROLE_VERIFICATION && delegation_covers(&d, span_of("registry.example/hospital/app")));
	CHECK(delegation_covers(&d, span_of("registry.example/one")) && !delegation_covers(&d, span_of("registry.example/one/more")));
	CHECK(!delegation_covers(&d, span_of("registry.example/hospitals/app")) && !delegation_covers(&d, (struct span){ 0 }));
}

#define ASSESSMENT_BODY "{\"about\":\"workload\",\"digest\":\"" D1 "\",\"finding\":\"passed\",\"method\":\"read it\",\"report\":\"" D2 "\"}"

static void assessment_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"about\":\"workload\"", "\"about\":\"image\"", "subject" }, { "\"about\":\"workload\"", "\"about\":\"pod\"", "about" },
		{ "\"digest\":\"2", "\"digest\":\"1", "subject" }, { "\"digest\":\"22", "\"digest\":\"", "digest" },
		{ "\"finding\":\"passed\"", "\"finding\":\"Passed\"", "finding" }, { "\"finding\":\"passed\",", "", "finding" },
		{ "\"method\":\"read it\"", "\"method\":\"\"", "method" }, { "\"method\":\"read it\",", "", "method" },
		{ "\"report\":\"3", "\"report\":\"x", "report" }, { "\"method\"", "\"x\":1,\"method\"", "not known" },
	};
	CLEANUP(freep) char *one = fix_subject("workload:" D1);
	CLEANUP(freep) char *good = fix_payload("assessment", one, FIX_HEAD("watcher"), ASSESSMENT_BODY);
	struct err e;

	EDITS(good, edits);
	for (size_t n = 0; n < strlen(good); n++) {
		CLEANUP(freep) uint8_t *cut = fix_exact((struct span){ (const uint8_t *)good, n });

		CHECK(read_all((struct span){ cut, n }, &e) != COFFER_OK);
	}
}

#define BINDING_BODY "{\"workload\":\"" D1 "\",\"name\":\"east\",\"slots\":[{\"slot\":\"scans\",\"asset\":\"kbs:///hospital/data/scans\"}," \
	"{\"slot\":\"key\",\"asset\":\"kbs:///hospital/key/scans\"}]}"

static void binding_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"workload\":\"2", "\"workload\":\"1", "subject" }, { "\"workload\":\"22", "\"workload\":\"", "workload" },
		{ "\"name\":\"east\"", "\"name\":\"west\"", "subject" }, { "\"name\":\"east\"", "\"name\":\"E\"", "name" }, { "\"name\":\"east\",", "", "name" },
		{ "\"slot\":\"key\"", "\"slot\":\"scans\"", "twice" }, { "\"slot\":\"key\"", "\"slot\":\"Key\"", "slot" },
		{ "\"slot\":\"key\"", "\"slot\":\"\"", "slot" }, { "\"slot\":\"key\",", "", "slot" },
		{ "kbs:///hospital/key/scans", "hospital/key/scans", "" }, { "kbs:///hospital/key/scans", "kbs:///hospital/../scans", "" },
		{ ",\"asset\":\"kbs:///hospital/key/scans\"", "", "asset" }, { "\"slot\":\"key\"", "\"slot\":\"key\",\"x\":1", "not known" },
		{ "\"slots\":[", "\"x\":1,\"slots\":[", "not known" }, { "\"slots\":[{", "\"slots\":[1,{", "" }, { "\"slots\":[", "\"slots\":[],\"y\":[", "" },
	};
	CLEANUP(freep) char *one = fix_subject("workload:" D1 "/east");
	CLEANUP(freep) char *good = fix_payload("binding", one, FIX_HEAD("hospital"), BINDING_BODY);
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct binding b;
	struct err e;

	EDITS(good, edits);
	for (size_t n = 0; n < strlen(good); n++) {
		CLEANUP(freep) uint8_t *cut = fix_exact((struct span){ (const uint8_t *)good, n });

		CHECK(read_all((struct span){ cut, n }, &e) != COFFER_OK);
	}
	CHECK(statement_parse(span_of(good), &s, &e) == COFFER_OK && binding_read(&s, &b, &e) == COFFER_OK);
	CHECK(b.n_slots == 2 && strcmp(b.slot[1].name, "key") == 0 && strcmp(b.slot[1].asset.text, "kbs:///hospital/key/scans") == 0);
}

#define VKEY "witness.example/w1+7e136b5c+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

static void amendment_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"cosignatures\":1", "\"cosignatures\":0", "cosignatures" }, { "\"cosignatures\":1", "\"cosignatures\":2", "cosignatures" },
		{ "\"cosignatures\":1,", "", "cosignatures" }, { "\"cosignatures\":1", "\"cosignatures\":1,\"origin\":\"x\"", "not known" },
		{ ",\"witnesses\":[{", ",\"parties\":[],\"witnesses\":[{", "not known" }, { "http://w", "ftp://w", "address" },
		{ "\"key\":", "\"x\":1,\"key\":", "not known" }, { "+7e136b5c+", "+7e136b50+", "" },
		{ "\"issuer\":\"genesis\"", "\"issuer\":\"acme\"", "issuer" }, { ",\"ledger\":\"" FIX_LEDGER "\"", "", "ledger" },
	};
	CLEANUP(freep) char *one = fix_subject("ledger.example/one");
	CLEANUP(freep) char *good = fix_payload("genesis-amendment", one, FIX_HEAD("genesis"), "{\"cosignatures\":1,\"witnesses\":[{\"key\":\"" VKEY "\",\"url\":\"http://w\"}]}");
	struct err e;

	founded = (struct genesis){ .origin = "ledger.example/one", .ledger_key = { .kind = KEY_ED25519 }, .n_witnesses = 1, .cosignatures = 1 };
	EDITS(good, edits);
	for (size_t n = 0; n < strlen(good); n++) {
		CLEANUP(freep) uint8_t *cut = fix_exact((struct span){ (const uint8_t *)good, n });

		CHECK(read_all((struct span){ cut, n }, &e) != COFFER_OK);
	}
	(void)snprintf(founded.origin, sizeof(founded.origin), "ledger.example/two");
	CHECK(read_all(span_of(good), &e) == COFFER_E_INPUT && strstr(e.msg, "subject"));
	founded.cosignatures = 2;
	(void)snprintf(founded.origin, sizeof(founded.origin), "ledger.example/one");
	CHECK(read_all(span_of(good), &e) == COFFER_E_DENIED && strcmp(e.check, "amendment") == 0);
}

/* Of a genesis and its amendments no more witnesses than can be told apart by number. */
static void witnesses_ever_are_bounded(void)
{
	static struct witnesses_ever all;
	static struct genesis g;

	g.n_witnesses = 1;
	g.witness[0].key.alg = NOTE_COSIGNATURE;
	for (uint8_t i = 0; i < WITNESSES_EVER_MAX; i++) {
		g.witness[0].key.pub[0] = i;
		CHECK(witnesses_ever_add(&all, &g) && all.n == i + 1u);
	}
	CHECK(witnesses_ever_add(&all, &g) && all.n == WITNESSES_EVER_MAX); /* the same one */
	g.witness[0].key.pub[0] = 200;
	CHECK(!witnesses_ever_add(&all, &g));
}

static void body_readers_refuse_other_kinds(void)
{
	CLEANUP(freep) char *asset = asset_text(), *revocation = revocation_text();
	CLEANUP(statement_clear) struct statement a = { 0 }, r = { 0 };
	static struct genesis g;
	struct asset_body ab;
	struct approval ap;
	struct image_release ir;
	struct revocation re;
	struct delegation dl;
	struct err e;

	CHECK(statement_parse(span_of(asset), &a, &e) == COFFER_OK && statement_parse(span_of(revocation), &r, &e) == COFFER_OK);
	CHECK(genesis_read(&a, &g, &e) == COFFER_E_INPUT && strstr(e.msg, "kind is asset") != NULL);
	CHECK(approval_read(&a, &ap, &e) == COFFER_E_INPUT && strstr(e.msg, "kind is asset") != NULL);
	CHECK(image_release_read(&a, &ir, &e) == COFFER_E_INPUT && strstr(e.msg, "kind is asset") != NULL);
	CHECK(revocation_read(&a, &re, &e) == COFFER_E_INPUT && strstr(e.msg, "kind is asset") != NULL);
	CHECK(delegation_read(&a, &dl, &e) == COFFER_E_INPUT && strstr(e.msg, "kind is asset") != NULL);
	CHECK(asset_read(&r, &ab, &e) == COFFER_E_INPUT && strstr(e.msg, "kind is revocation") != NULL);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(statement_parse_refuses_wrong_common_fields), T(statement_parse_bounds_subject_names),
		T(statement_parse_bounds_the_number_of_subjects), T(statement_parse_wants_the_digest_of_the_name),
		T(statement_parse_refuses_two_equal_subjects), T(statement_parse_wants_the_ledger_where_the_table_does),
		T(statement_parse_refuses_a_body_of_another_subject), T(statement_parse_refuses_every_prefix),
		T(statement_write_gives_the_canonical_bytes_back), T(statement_write_refuses_what_no_one_would_read),
		T(statement_kinds_have_names_both_ways), T(party_read_refuses_every_wrong_member),
		T(party_read_wants_keys_and_a_p256_encryption_key), T(party_write_round_trips), T(genesis_read_refuses_every_wrong_member), T(genesis_names_witnesses), T(typed_witness_is_read),
		T(genesis_read_refuses_an_origin_that_notes_cannot_carry),
		T(service_read_refuses_every_wrong_member), T(service_write_round_trips), T(service_measurements_are_read_as_those_of_boot_images), T(service_names_a_machine_that_its_launches_show), T(asset_read_refuses_every_wrong_member),
		T(approval_read_refuses_every_wrong_member), T(approval_read_gives_the_boot_images), T(image_release_read_refuses_every_wrong_member), T(image_release_read_lists_what_is_attested_wherever_it_is),
		T(revocation_read_refuses_every_wrong_member), T(thing_that_is_revoked_has_one_name), T(revocation_says_as_much_only_where_the_later_one_says_nothing_new), T(revocation_of_a_thing_refuses_every_wrong_member), T(revocation_of_a_key_of_images_may_name_a_time), T(delegation_read_refuses_every_wrong_member), T(assessment_read_refuses_every_wrong_member),
		T(binding_read_refuses_every_wrong_member), T(amendment_read_refuses_every_wrong_member), T(witnesses_ever_are_bounded),
		T(delegation_covers_paths_of_its_scope_alone), T(delegation_of_services_and_images_has_their_scope), T(body_readers_refuse_other_kinds),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
