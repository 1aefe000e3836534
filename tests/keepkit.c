#include "tests/keepkit.h"

#include "trust/witnesses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "judge/ek.h"
#include "judge/evidence.h"
#include "judge/policy.h"
#include "evidence/sample.h"
#include "crypto/hash.h"
#include "crypto/jwe.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"
#include "fmt/enc.h"
#include "os/ipc.h"
#include "proto/rcar_json.h"
#include "cofferd/keep/status.h"
#include "trust/thing.h"

#define YEAR (365 * INT64_C(86400))

static const char *const party_id[KIT_PARTIES] = { "acme", "hospital", "stranger" };

static void must(bool ok, const char *what, const struct err *e)
{
	if (ok)
		return;
	(void)fprintf(stderr, "keepkit: %s: %s\n", what, e ? e->msg : "");
	abort();
}
#define MUST(call)                                                                                                               \
	do {                                                                                                                     \
		struct err must_e_ = {0};                                                                                        \
		struct err *e = &must_e_;                                                                                        \
		(void)e;                                                                                                         \
		must((call) == COFFER_OK, #call, e);                                                                             \
	} while (0)

/* ---- statements ---- */

static void add_subjects(struct statement *s, const struct kit_st *in)
{
	const char *p = in->subject;

	while (s->n_subjects < ST_SUBJECTS_MAX && *p) {
		size_t n = strcspn(p, ",");
		struct statement_subject *t = &s->subject[s->n_subjects++];

		t->name = (struct span){ (const uint8_t *)p, n };
		sha256(t->name, t->sha256);
		if (in->digest)
			memcpy(t->sha256, in->digest, 32);
		p += n + (p[n] == ',');
	}
}

/* As the kit's statements are bent to be spelt. */
static void spell(const struct kit *k, struct wr *payload)
{
	CLEANUP(freep) char *text = k->bend.text ? span_dup(wr_span(payload)) : NULL;
	char *at = text ? strstr(text, k->bend.text) : NULL;

	if (!text)
		return;
	must(at, k->bend.text, NULL);
	*at = 0;
	payload->n = 0;
	wr_str(payload, text);
	wr_str(payload, k->bend.spelt);
	wr_str(payload, at + strlen(k->bend.text));
}

void kit_statement(struct kit *k, const struct kit_st *in, struct dsse *out, uint8_t id[static 32])
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr payload = wr_open(DSSE_PAYLOAD_MAX);
	struct statement *s = calloc(1, sizeof(*s));

	must(s, "memory", NULL);
	MUST(json_parse(span_of(in->body), DSSE_PAYLOAD_MAX, &doc, e));
	s->kind = in->kind;
	(void)snprintf(s->issuer, sizeof(s->issuer), "%s", in->issuer_name ? in->issuer_name : party_id[in->issuer]);
	s->has_ledger = in->kind != ST_GENESIS;
	memcpy(s->ledger, k->genesis_id, 32);
	s->ledger[0] ^= in->other_ledger;
	s->issued = in->issued ? in->issued : k->now;
	s->expires = in->expires ? in->expires : k->now + YEAR;
	s->serial = in->serial ? in->serial : 1;
	if (in->previous)
		memcpy(s->previous, in->previous, 32);
	add_subjects(s, in);
	s->body = json_root(doc);
	MUST(statement_write(s, &payload, e));
	free(s);
	spell(k, &payload);
	MUST(dsse_new(wr_span(&payload), out, e));
	MUST(dsse_sign(out, k->key[in->issuer], e));
	if (in->also != in->issuer)
		MUST(dsse_sign(out, k->key[in->also], e));
	dsse_id(out, id);
}

enum coffer_rc kit_ask(struct kit *k, enum keep_type type, struct wr *body)
{
	struct ipc_head got = { 0 };
	struct err io = { 0 };
	uint8_t tag = COFFER_E_BUG;

	must(wr_ok(body), "request", NULL);
	if (k->fd < 0) {
		k->keep.now = k->now;
		tag = (uint8_t)keep_dispatch(&k->keep, (uint8_t)type, wr_span(body), &k->answer);
	} else if (k->ahead) {
		(void)!ipc_send_id(k->fd, (struct ipc_head){ (uint8_t)type, ++k->request }, wr_span(body), &io); /* the missing answer tells */
		wr_close(body);
		return COFFER_E_LIMIT;
	} else if (ipc_send_id(k->fd, (struct ipc_head){ (uint8_t)type, ++k->request }, wr_span(body), &io) != COFFER_OK ||
	           ipc_recv_id(k->fd, KEEP_FRAME_MAX, &got, &k->answer, &io) != COFFER_OK) {
		tag = COFFER_E_UPSTREAM; /* killed, in the crash tests */
	} else {
		must(got.id == k->request, "the answer's number", NULL);
		tag = got.tag;
	}
	wr_close(body);
	k->no = (struct keep_refusal){ 0 };
	if (tag != COFFER_OK && tag != COFFER_E_UPSTREAM)
		MUST(keep_refusal_read(wr_span(&k->answer), &k->no, e));
	return (enum coffer_rc)tag;
}

enum coffer_rc kit_log(struct kit *k, const struct kit_st *s, uint8_t id[static 32])
{
	struct wr w = wr_open(KEEP_FRAME_MAX);
	struct keep_statement_req m = { 0 };

	kit_statement(k, s, &m.statement, id);
	keep_statement_req_write(&w, &m);
	dsse_clear(&m.statement);
	return kit_ask(k, KEEP_STATEMENT, &w);
}

enum coffer_rc kit_log_by(struct kit *k, const struct kit_st *s, const struct privkey *const *by, uint8_t id[static 32])
{
	CLEANUP(dsse_clear) struct dsse draft = { 0 };
	struct keep_statement_req m = { 0 };
	struct wr w = wr_open(KEEP_FRAME_MAX);

	kit_statement(k, s, &draft, id);
	MUST(dsse_new(wr_span(&draft.payload), &m.statement, e));
	for (; *by; by++)
		MUST(dsse_sign(&m.statement, *by, e));
	keep_statement_req_write(&w, &m);
	dsse_clear(&m.statement);
	return kit_ask(k, KEEP_STATEMENT, &w);
}

enum coffer_rc kit_compromise(struct kit *k, const struct kit_stolen *x, uint8_t id[static 32])
{
	return kit_compromise_of(k, KIT_HOSPITAL, x, id);
}

enum coffer_rc kit_compromise_of(struct kit *k, enum kit_party who, const struct kit_stolen *x, uint8_t id[static 32])
{
	CLEANUP(wr_close) struct wr name = wr_open(64);
	CLEANUP(freep) char *subject = NULL, *body = NULL;
	struct kit_st s = { .kind = ST_REVOCATION, .issuer = who, .also = who, .serial = x->serial, .previous = x->previous };
	char when[CLOCK_TEXT_LEN];
	uint8_t thumb[32];

	pubkey_thumbprint(privkey_public(x->stolen), thumb);
	b64url_write(&name, SPAN(thumb));
	clock_text(x->from, when);
	s.subject = subject = wr_take(&name, NULL);
	s.digest = thumb;
	s.body = body = str_fmt("{\"from\":\"%s\",\"key\":\"%s\",\"reason\":\"stolen\"}", when, subject);
	return kit_log_by(k, &s, x->by, id);
}

/* ---- the deployment ---- */

static void party_json(struct json_wr *j, struct kit *k, enum kit_party p)
{
	static const unsigned personas[KIT_PARTIES] = {PERSONA_WORKLOAD | PERSONA_IMAGE, PERSONA_OWNER,
						       PERSONA_USER | PERSONA_WORKLOAD};
	struct party b = { .personas = personas[p] | (p == KIT_STRANGER && k->strangers_images ? PERSONA_IMAGE : 0), .n_keys = 1, .n_recovery = 1, .quorum = 1, .hold_hours = 72, .has_encryption = true };

	(void)snprintf(b.id, sizeof(b.id), "%s", party_id[p]);
	b.keys[0] = *privkey_public(k->key[p]);
	b.recovery[0] = *privkey_public(k->recovery[p]);
	b.encryption = k->receive;
	party_write(&b, j);
}

enum coffer_rc kit_rotate(struct kit *k, const struct privkey *to)
{
	const struct privkey *by[] = { k->recovery[KIT_HOSPITAL], to, NULL };
	struct party b = { .id = "hospital", .personas = PERSONA_OWNER, .n_keys = 1, .n_recovery = 1, .quorum = 1, .hold_hours = 72 };
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	CLEANUP(freep) char *body = NULL;
	struct json_wr j = jw_open(&w, false);
	uint8_t id[32];

	b.keys[0] = *privkey_public(to);
	b.recovery[0] = *privkey_public(k->recovery[KIT_HOSPITAL]);
	party_write(&b, &j);
	body = wr_take(&w, NULL);
	return kit_log_by(k, &(struct kit_st){ .kind = ST_PARTY, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "hospital", .body = body }, by, id);
}

static void root_json(struct json_wr *j, const struct kit_hw *hw)
{
	CLEANUP(wr_close) struct wr b64 = wr_open(1u << 16);

	b64_write(&b64, hw->root);
	jw_name(j, "vendor-roots");
	jw_arr(j);
	jw_obj(j);
	jw_m_text(j, "vendor", hw->vendor);
	jw_m_text(j, "name", hw->root_name);
	if (strcmp(hw->vendor, "arm") == 0) {
		CLEANUP(json_freep) struct json_doc *doc = NULL;
		struct err e = { 0 };

		must(json_parse(hw->root, 1u << 16, &doc, &e) == COFFER_OK, "anchors", &e);
		jw_name(j, "anchors");
		jw_value(j, json_root(doc));
	} else {
		jw_m_str(j, "certificate", wr_span(&b64));
	}
	jw_obj_end(j);
	jw_arr_end(j);
}

static void write_genesis(struct kit *k)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	CLEANUP(freep) char *body = NULL;
	struct json_wr j = jw_open(&w, false);

	jw_obj(&j);
	jw_m_text(&j, "origin", "kit.example/log");
	jw_name(&j, "ledger-key");
	jwk_write(&j, &k->ledger);
	jw_name(&j, "parties");
	jw_arr(&j);
	party_json(&j, k, KIT_ACME);
	party_json(&j, k, KIT_HOSPITAL);
	jw_arr_end(&j);
	jw_name(&j, "witnesses");
	jw_arr(&j);
	for (unsigned i = 0; i < k->n_witnesses; i++)
		witness_write(&(struct genesis_witness){ k->witness[i].name, "http://127.0.0.1:1" }, &j);
	jw_arr_end(&j);
	jw_m_u64(&j, "cosignatures", k->cosignatures);
	jw_name(&j, "policies");
	shipped_write(k->named ? k->named : &(struct shipped){ .has = { false } }, &j);
	if (k->hw.root.n > 0)
		root_json(&j, &k->hw);
	jw_obj_end(&j);
	body = wr_take(&w, NULL);
	must(body, "genesis", NULL);
	kit_statement(k, &(struct kit_st){ .kind = ST_GENESIS, .issuer = KIT_ACME, .also = KIT_HOSPITAL, .subject = "kit.example/log",
	    .body = body, .issuer_name = "genesis" }, &k->genesis, k->genesis_id);
}

static void make_witnesses(struct kit *k, const struct pubkey *ledger)
{
	char name[32];

	for (unsigned i = 0; i < KIT_WITNESSES_MAX; i++) {
		struct kit_witness *w = &k->witness[i];

		(void)snprintf(name, sizeof(name), "witness.example/%u", i);
		MUST(privkey_new(KEY_ED25519, &w->key, e));
		MUST(note_key_new(span_of(name), NOTE_COSIGNATURE, privkey_public(w->key), &w->name, e));
		MUST(note_key_new(span_of("kit.example/log"), NOTE_ED25519, ledger, &w->log.key, e));
		merkle_empty(&w->log.head.root);
	}
}

struct kit_wants { unsigned n, cosignatures; const struct shipped *named; };

static void new_with(struct kit *k, const struct keep_keys *keys, const struct kit_hw *hw, struct kit_wants w)
{
	*k = (struct kit){ .fd = -1, .now = KIT_NOW, .hw = *hw, .n_witnesses = w.n, .cosignatures = w.cosignatures, .named = w.named };
	for (int p = 0; p < KIT_PARTIES; p++)
		MUST(privkey_new(KEY_ED25519, &k->key[p], e));
	for (int p = 0; p < KIT_PARTIES; p++)
		MUST(privkey_new(KEY_P256, &k->recovery[p], e));
	MUST(privkey_new(KEY_P256, &k->tee, e));
	MUST(privkey_new(KEY_P256, &k->request_key, e));
	k->receive = *privkey_public(keys->receive);
	k->reply = *privkey_public(keys->reply);
	k->token = *privkey_public(keys->token);
	k->ledger = *privkey_public(keys->ledger);
	make_witnesses(k, &k->ledger);
	write_genesis(k);
}

void kit_new(struct kit *k, const struct keep_keys *keys)
{
	static const struct kit_hw sample;

	new_with(k, keys, &sample, (struct kit_wants){ 0, 0, NULL });
}

static uint8_t eval_answer(uint8_t tag, struct span frame, struct wr *body)
{
	struct eval_release_req q;
	struct eval_evidence_req v;
	struct eval_ek_req ek;
	struct judged j = { .answer = EVAL_ERROR };
	struct zones none = { 0 };
	struct err e = { 0 };

	if (tag == EVAL_EVIDENCE && eval_evidence_req_read(frame, &v, &e) == COFFER_OK)
		return judge_evidence(&v, body);
	if (tag == EVAL_EK && eval_ek_req_read(frame, &ek, &e) == COFFER_OK)
		return judge_ek(&ek, body);
	if (tag == EVAL_RELEASE && eval_release_req_read(frame, &q, &e) == COFFER_OK)
		judge_release(&q, &none, &j);
	*body = wr_open(EVAL_REASON_MAX);
	wr_str(body, j.reason);
	return (uint8_t)j.answer;
}

int kit_eval_lying(kit_liar *lie)
{
	int sv[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0)
		abort();
	pid = fork();
	if (pid < 0)
		abort();
	while (pid == 0) {
		CLEANUP(wr_close) struct wr frame = { 0 }, body = { 0 };
		struct ipc_head h = { 0 };
		struct err e = { 0 };

		closep(&sv[0]);
		sv[0] = -1;
		if (ipc_recv_id(sv[1], EVAL_FRAME_MAX, &h, &frame, &e) != COFFER_OK)
			_exit(0);
		h.tag = eval_answer(h.tag, wr_span(&frame), &body);
		if (lie)
			lie(&h.tag, &body);
		if (ipc_send_id(sv[1], h, wr_span(&body), &e) != COFFER_OK)
			_exit(0);
	}
	closep(&sv[1]);
	return sv[0];
}

int kit_eval(void)
{
	return kit_eval_lying(NULL);
}

void kit_open(struct kit *k)
{
	static const struct kit_hw sample;

	kit_open_hw(k, &sample);
}

static void open_with(struct kit *k, const struct kit_hw *hw, struct kit_wants w)
{
	struct keep_keys keys = { 0 };
	struct keep_config c = { 0 };

	MUST(keys_new(&keys, e));
	new_with(k, &keys, hw, w);
	c.genesis = k->genesis;
	c.id = span_of("trust"); /* tls: zero, as in kit_service */
	memcpy(c.genesis_id, k->genesis_id, 32);
	MUST(keep_open(NULL, &keys, &c, k->now, &k->keep, e));
	k->policy = KIT_POLICY;
	k->keep.eval = kit_eval();
}

void kit_open_hw(struct kit *k, const struct kit_hw *hw)
{
	open_with(k, hw, (struct kit_wants){ 0, 0, NULL });
}

void kit_open_witnessed(struct kit *k, unsigned n, unsigned cosignatures)
{
	static const struct kit_hw sample;

	open_with(k, &sample, (struct kit_wants){ n, cosignatures, NULL });
}

void kit_open_naming(struct kit *k, const struct shipped *named)
{
	static const struct kit_hw sample;

	open_with(k, &sample, (struct kit_wants){ 0, 0, named });
}

enum coffer_rc kit_starts(const struct shipped *named, struct err *why)
{
	static const struct kit_hw sample;
	CLEANUP(kit_free) struct kit k;
	struct keep_keys keys = { 0 };
	struct keep_config c = { 0 };

	MUST(keys_new(&keys, e));
	new_with(&k, &keys, &sample, (struct kit_wants){ 0, 0, named });
	c.genesis = k.genesis;
	memcpy(c.genesis_id, k.genesis_id, 32);
	return keep_open(NULL, &keys, &c, k.now, &k.keep, why);
}

void kit_free(struct kit *k)
{
	if (k->fd < 0) {
		closep(&k->keep.eval); /* its child ends */
		keep_close(&k->keep);
	}
	for (int p = 0; p < KIT_PARTIES; p++)
		privkey_free(k->key[p]);
	for (int p = 0; p < KIT_PARTIES; p++)
		privkey_free(k->recovery[p]);
	for (unsigned i = 0; i < KIT_WITNESSES_MAX; i++)
		privkey_free(k->witness[i].key);
	privkey_free(k->tee);
	privkey_free(k->request_key);
	dsse_clear(&k->genesis);
	wr_close(&k->answer);
	wr_close(&k->initdata);
	*k = (struct kit){ 0 };
}

char *kit_service_body(const struct kit *k)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct service s = { .id = "trust", .receive = k->receive, .reply = k->reply, .token = k->token, .ledger_key = k->ledger };
	struct json_wr j = jw_open(&w, false);

	service_write(&s, &j);
	return wr_take(&w, NULL);
}

enum coffer_rc kit_service_by(struct kit *k, enum kit_party who, uint64_t serial, const uint8_t *previous)
{
	CLEANUP(freep) char *body = kit_service_body(k);

	return kit_log(k, &(struct kit_st){ .kind = ST_SERVICE, .issuer = who, .also = who, .subject = "trust", .body = body, .serial = serial, .previous = previous },
	    k->service_id);
}

enum coffer_rc kit_service(struct kit *k)
{
	return kit_service_by(k, KIT_ACME, 1, NULL);
}

char *kit_party_body(struct kit *k, enum kit_party p)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct json_wr j = jw_open(&w, false);

	party_json(&j, k, p);
	return wr_take(&w, NULL);
}

enum coffer_rc kit_introduce(struct kit *k, enum kit_party who, enum kit_party by, enum kit_party introducer)
{
	CLEANUP(freep) char *body = kit_party_body(k, who);
	uint8_t id[32];

	return kit_log(k,
	               &(struct kit_st){ .kind = ST_PARTY, .issuer = by, .also = introducer, .subject = party_id[who], .body = body,
	                                 .issuer_name = party_id[who] },
	               id);
}

#define KIT_IMAGE "registry.example/app"
#define METHOD "{\"type\":\"sigstoreSigned\",\"key\":\"" KIT_PEM "\"}"
#define IMAGE "\"image\":{%s\"reference\":\"%s@sha256:%064d\",\"provider\":\"%s\",\"method\":" METHOD "}"
#define REST "\"args\":[\"/bin/a\"],\"cwd\":\"/\",\"env\":[],\"user\":{\"uid\":0,\"gid\":0,\"groups\":[]},\"capabilities\":[]," \
	"\"read-only-root\":true,\"mounts\":[],\"outputs\":[]"

static const char *platform_of(const struct kit *k)
{
	return k->hw.platform ? k->hw.platform : "sample";
}

char *kit_manifest_text(struct kit *k)
{
	char genesis[HEX32_LEN], least[128] = "";

	hex32(k->genesis_id, genesis);
	if (k->image_minimum)
		(void)snprintf(least, sizeof(least), "\"minimum-version\":%u,", k->image_minimum);
	if (k->image_asks)
		(void)snprintf(least + strlen(least), sizeof(least) - strlen(least), "%s", k->image_asks);
	return str_fmt("{\"version\":1,\"name\":\"risk\",\"provider\":\"acme\",\"genesis\":\"%s\",\"service\":{\"id\":\"trust\","
	               "\"url\":\"https://127.0.0.1:8443\"},\"platforms\":[\"%s\"],\"containers\":["
	               "{\"name\":\"analyse\",\"role\":\"business\"," IMAGE "," REST ",\"entitlements\":["
	               "{\"asset\":\"kbs:///hospital/note/greeting\",\"purpose\":\"api\"},"
	               "{\"asset\":\"kbs:///hospital/note/absent\",\"purpose\":\"api\"},"
	               "{\"asset\":\"kbs:///acme/note/own\",\"purpose\":\"api\"}]},"
	               "{\"name\":\"logger\",\"role\":\"utility\"," IMAGE "," REST ",\"entitlements\":["
	               "{\"asset\":\"kbs:///acme/note/own\",\"purpose\":\"api\"}]}],"
	               "\"volumes\":[],\"host\":{\"logs\":[],\"signals\":[]},\"registries\":{\"plain-http\":[]}}", genesis, platform_of(k),
	               least, KIT_IMAGE, 1, party_id[k->image_by[0]], least, k->image_name ? k->image_name : KIT_IMAGE, k->one_image ? 1 : 2, party_id[k->image_by[1]]);
}

char *kit_release_body(const char *repository, unsigned version)
{
	return str_fmt("{\"repository\":\"%s\",\"version\":%u,\"methods\":[" METHOD "],\"keys\":[]}", repository, version);
}

enum coffer_rc kit_release_by(struct kit *k, const struct kit_released *r, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = kit_release_body(r->repository, r->version);
	uint8_t digest[32] = { [31] = r->image };

	return kit_log(k, &(struct kit_st){ .kind = ST_IMAGE_RELEASE, .issuer = r->by, .also = r->by, .subject = r->repository, .digest = digest, .body = body,
	    .serial = r->serial, .previous = r->previous }, id);
}

enum coffer_rc kit_release(struct kit *k, uint8_t image, uint64_t serial, const uint8_t *previous)
{
	return kit_release_by(k, &(struct kit_released){ KIT_ACME, "registry.example/app", image, k->image_version ? k->image_version : 1, serial, previous },
	    k->release_id);
}

enum coffer_rc kit_workload(struct kit *k)
{
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(freep) char *text = kit_manifest_text(k);

	must(text, "manifest", NULL);
	MUST(manifest_parse(span_of(text), &m, e));
	wr_close(&k->initdata);
	k->initdata = wr_open(MAN_INITDATA_MAX);
	MUST(manifest_render(&m, &k->initdata, e));
	sha256(wr_span(&k->initdata), k->initdata_sha);
	memcpy(k->manifest, m.digest, 32);
	return kit_log(k, &(struct kit_st){ .kind = ST_WORKLOAD, .subject = "risk", .digest = m.digest, .body = text }, k->workload_id);
}

enum coffer_rc kit_approve(struct kit *k, const char *extra, uint64_t serial, const uint8_t *previous)
{
	char workload[HEX32_LEN], service[HEX32_LEN], until[CLOCK_TEXT_LEN];
	CLEANUP(freep) char *body = NULL, *subject = NULL;

	hex32(k->manifest, workload);
	subject = str_fmt(KIT_ASSET ",kbs:///hospital/note/absent,workload:%s", workload);
	hex32(k->service_id, service);
	clock_text(k->now + YEAR, until);
	body = str_fmt("{\"assets\":[\"" KIT_ASSET
		       "\",\"kbs:///hospital/note/absent\"],\"workload\":\"%s\",\"platforms\":[\"%s\"],\"services\":[\"%s\"],"
		       "\"until\":\"%s\",\"shown\":\"%s\"%s}",
		       workload, platform_of(k), service, until, workload, extra);
	return kit_log(k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL,
	    .subject = subject, .body = body, .serial = serial, .previous = previous }, k->approval_id);
}

enum coffer_rc kit_revoke(struct kit *k, enum kit_party who, const uint8_t id[static 32])
{
	char hex[HEX32_LEN];
	CLEANUP(freep) char *body = NULL;
	uint8_t mine[32];

	hex32(id, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"test\"}", hex);
	return kit_log(
	    k, &(struct kit_st){.kind = ST_REVOCATION, .issuer = who, .also = who, .subject = hex, .digest = id, .body = body},
	    mine);
}

/* ---- party tokens and put ---- */

void kit_auth(struct kit *k, enum kit_party who, const char *method, const char *path, struct keep_party_auth *out,
	      struct wr *own)
{
	CLEANUP(jws_parts_clear) struct jws_parts p = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open(8192);
	CLEANUP(freep) char *claims = NULL;
	uint8_t jti[16], zero[32] = { 0 };
	char hex[33], body[HEX32_LEN];

	random_bytes(jti, sizeof(jti));
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", jti[i]);
	hex32(zero, body);
	claims = str_fmt("{\"iss\":\"%s\",\"iat\":%lld,\"exp\":%lld,\"method\":\"%s\",\"path\":\"%s\",\"body\":\"%s\",\"jti\":\"%s\"%s%s%s}",
	    k->bend.iss ? k->bend.iss : party_id[who], (long long)(k->now + k->bend.iat),
	    (long long)(k->now + (k->bend.exp ? k->bend.exp : 300)), method, path, body, hex,
	    k->bend.tls ? ",\"tls\":\"" : "", k->bend.tls ? k->bend.tls : "", k->bend.tls ? "\"" : "");
	MUST(jws_sign(k->key[who], span_of("{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}"), span_of(claims), &text, e));
	MUST(jws_split(wr_span(&text), 8192, &p, e));
	*out = (struct keep_party_auth){ .method = span_of(method), .path = span_of(path) };
	*own = wr_open(16384);
	wr_put(own, p.signing_input);
	wr_put(own, p.payload);
	out->signing_input = (struct span){ own->p, p.signing_input.n };
	out->payload = (struct span){ own->p + p.signing_input.n, p.payload.n };
	memcpy(out->sig, p.sig, SIG_LEN);
	pubkey_thumbprint(privkey_public(k->key[who]), out->kid);
}

static char *asset_text(const struct kit *k, const char *path, uint64_t version, const char *owner)
{
	CLEANUP(wr_close) struct wr w = wr_open(128u << 10);
	struct json_wr j = jw_open(&w, false);

	jw_obj(&j);
	jw_m_text(&j, "path", path);
	jw_m_text(&j, "type", "data");
	jw_m_u64(&j, "version", version);
	jw_m_u64(&j, "k", 1);
	jw_name(&j, "of");
	jw_arr(&j);
	jw_text(&j, owner);
	jw_arr_end(&j);
	jw_m_text(&j, "least-action", "stop");
	if (k->amendment)
		jw_m_text(&j, "amendment", k->amendment);
	if (k->policy) {
		jw_name(&j, "policy");
		jw_obj(&j);
		jw_m_text(&j, "rego", k->policy);
		jw_obj_end(&j);
	}
	jw_obj_end(&j);
	return wr_take(&w, NULL);
}

enum coffer_rc kit_restate(struct kit *k, const uint8_t *digest)
{
	CLEANUP(wr_close) struct wr own = { 0 };
	CLEANUP(freep) char *body = asset_text(k, KIT_ASSET, k->asset_version, party_id[KIT_HOSPITAL]);
	struct wr w = wr_open(KEEP_FRAME_MAX);
	struct keep_put_req m = { .path = span_of(KIT_PATH) };
	uint8_t id[32];
	enum coffer_rc rc;

	kit_statement(k, &(struct kit_st){ .kind = ST_ASSET, .issuer = KIT_HOSPITAL,
	    .also = k->bend.cosigned ? KIT_ACME : k->bend.shared ? KIT_STRANGER : KIT_HOSPITAL, .subject = KIT_ASSET, .digest = digest ? digest : k->asset_digest,
	    .body = k->bend.body ? k->bend.body : body, .serial = k->asset_serial + 1, .previous = k->asset_id },
	    &m.statement, id);
	kit_auth(k, KIT_HOSPITAL, "POST", "/kbs/v0/resource/" KIT_PATH, &m.auth, &own);
	keep_put_req_write(&w, &m);
	dsse_clear(&m.statement);
	rc = kit_ask(k, KEEP_PUT, &w);
	if (rc == COFFER_OK || k->ahead) {
		k->asset_serial++;
		memcpy(k->asset_id, id, 32);
	}
	return rc;
}

enum coffer_rc kit_put(struct kit *k, enum kit_party who, const char *content)
{
	CLEANUP(jwe_parts_clear) struct jwe_parts parts = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr plain = wr_open(KEEP_ASSET_MAX), sealed = wr_open(KEEP_FRAME_MAX), own = { 0 };
	CLEANUP(freep) char *path = str_fmt("%s/note/%s", party_id[who], who == KIT_HOSPITAL ? "greeting" : "own");
	CLEANUP(freep) char *full = str_fmt("kbs:///%s", path), *url = str_fmt("/kbs/v0/resource/%s", path);
	uint64_t serial = who == KIT_HOSPITAL ? k->asset_serial + 1 : 1;
	uint64_t version = who == KIT_HOSPITAL ? k->asset_version + 1 : 1;
	CLEANUP(freep) char *body = asset_text(k, full, version, party_id[who]);
	struct wr w = wr_open(KEEP_FRAME_MAX);
	struct keep_put_req m = { .path = span_of(path), .has_content = true };
	uint8_t digest[32], salt[32], id[32];
	enum coffer_rc rc;

	random_bytes(salt, sizeof(salt));
	if (k->bend.same_salt)
		memset(salt, 7, sizeof(salt));
	wr_put(&plain, SPAN(salt));
	wr_str(&plain, content);
	sha256(wr_span(&plain), digest);
	digest[0] ^= k->bend.digest;
	MUST(jwe_seal(&k->receive, wr_span(&plain), NULL, &sealed, e));
	MUST(json_parse(wr_span(&sealed), KEEP_FRAME_MAX, &doc, e));
	MUST(jwe_parse(json_root(doc), &parts, e));
	kit_statement(k,
		      &(struct kit_st){.kind = ST_ASSET,
				       .issuer = k->bend.by_acme ? KIT_ACME : who,
				       .also = k->bend.by_acme || k->bend.cosigned ? KIT_ACME : k->bend.shared ? KIT_STRANGER : who,
				       .subject = k->bend.subject ? k->bend.subject : full,
				       .digest = digest,
				       .body = k->bend.body ? k->bend.body : body,
				       .serial = serial,
				       .previous = serial > 1 ? k->asset_id : NULL},
		      &m.statement, id);
	kit_auth(k, who, k->bend.method ? k->bend.method : "POST", k->bend.url ? k->bend.url : url, &m.auth, &own);
	m.path = k->bend.path ? span_of(k->bend.path) : m.path;
	m.epk = parts.epk;
	m.aad = parts.protected_b64;
	m.encrypted_key = parts.encrypted_key;
	m.ciphertext = parts.ciphertext;
	memcpy(m.iv, parts.iv, sizeof(m.iv));
	memcpy(m.tag, parts.tag, sizeof(m.tag));
	keep_put_req_write(&w, &m);
	dsse_clear(&m.statement);
	memcpy(k->asset_pending, id, 32);
	rc = kit_ask(k, KEEP_PUT, &w);
	if (rc == COFFER_OK && who == KIT_HOSPITAL) {
		k->asset_serial = serial;
		k->asset_version = version;
		memcpy(k->asset_id, id, 32);
		memcpy(k->asset_digest, digest, 32);
	}
	return rc;
}

void kit_deploy(struct kit *k)
{
	must(kit_service(k) == COFFER_OK && kit_release(k, 1, 1, NULL) == COFFER_OK && kit_release(k, 2, 1, NULL) == COFFER_OK &&
	     kit_workload(k) == COFFER_OK && kit_approve(k, "", 1, NULL) == COFFER_OK &&
	     kit_put(k, KIT_HOSPITAL, "good morning") == COFFER_OK && kit_put(k, KIT_ACME, "mine") == COFFER_OK, k->no.reason, NULL);
}

/* ---- the guest ---- */

enum coffer_rc kit_begin(struct kit *k)
{
	struct wr w = wr_open(1u << 16);
	struct keep_auth_rep rep;
	enum coffer_rc rc;

	keep_auth_req_write(&w, &(struct keep_auth_req){ .tee = (uint8_t)(k->hw.tee ? k->hw.tee : TEE_SAMPLE), .tpm = k->hw.tpm });
	rc = kit_ask(k, KEEP_AUTH, &w);
	if (rc != COFFER_OK)
		return rc;
	MUST(keep_auth_rep_read(wr_span(&k->answer), &rep, e));
	memcpy(k->session, rep.session, 16);
	memcpy(k->nonce, rep.nonce, 32);
	if (k->hw.challenged)
		k->hw.challenged(k->hw.arg, &rep);
	k->counter = 0;
	return rc;
}

/* Leaves the token, or the collateral wanted, as the answer. */
static enum coffer_rc token_answer(struct kit *k, enum coffer_rc rc)
{
	struct keep_attest_rep rep;
	struct wr text;

	if (rc != COFFER_OK)
		return rc;
	MUST(keep_attest_rep_read(wr_span(&k->answer), &rep, e));
	text = wr_open(k->answer.n);
	wr_put(&text, rep.token.n > 0 ? rep.token : rep.needs);
	wr_close(&k->answer);
	k->answer = text;
	return rc;
}

enum coffer_rc kit_attest(struct kit *k, struct kit_evidence bend)
{
	CLEANUP(wr_close) struct wr x = wr_open(64), y = wr_open(64), rk = wr_open(128), gen = wr_open(128), nonce = wr_open(64);
	const struct pubkey *tee = privkey_public(k->tee), *req = privkey_public(k->request_key);
	CLEANUP(wr_close) struct wr evidence = wr_open(KEEP_EVIDENCE_MAX);
	uint8_t other[32];
	const uint8_t *reg = bend.no_register ? NULL : bend.other_initdata ? other : k->initdata_sha;
	struct keep_attest_req m = { .hash = HASH_SHA384, .initdata = wr_span(&k->initdata) };
	struct rcar_binding b = { .member = m.member };
	struct wr w = wr_open(KEEP_FRAME_MAX);
	uint8_t report[HASH_MAX];
	struct err e = { 0 };

	b64url_write(&x, SPAN(tee->x));
	b64url_write(&y, SPAN(tee->y));
	wr_put(&gen, SPAN(req->x));
	wr_put(&gen, SPAN(req->y));
	b64url_write(&rk, wr_span(&gen));
	wr_close(&gen);
	hex_write(&gen, SPAN(k->genesis_id));
	b64_write(&nonce, SPAN(k->nonce));
	m.member[m.n_members++] = (struct keep_member){ span_of("alg"), span_of("ECDH-ES+A256KW") };
	if (k->bindings)
		m.member[m.n_members++] = (struct keep_member){ span_of("coffer-bindings"), span_of(k->bindings) };
	m.member[m.n_members++] = (struct keep_member){ span_of("coffer-genesis"), wr_span(&gen) };
	if (!bend.no_request_key)
		m.member[m.n_members++] = (struct keep_member){ span_of("coffer-request-key"), wr_span(&rk) };
	m.member[m.n_members++] = (struct keep_member){ span_of("crv"), span_of("P-256") };
	m.member[m.n_members++] = (struct keep_member){ span_of("kty"), span_of("EC") };
	m.member[m.n_members++] = (struct keep_member){ span_of("x"), bend.wrong_key ? wr_span(&y) : wr_span(&x) };
	m.member[m.n_members++] = (struct keep_member){ span_of("y"), bend.wrong_key ? wr_span(&x) : wr_span(&y) };
	if (bend.wrong_nonce)
		nonce.p[0] ^= 1;
	b.n_members = m.n_members;
	b.nonce = wr_span(&nonce);
	must(rcar_report_data(&b, HASH_SHA384, report, &e) == COFFER_OK, "report data", &e);
	if (bend.wrong_key) { /* made for another key than the one shown */
		m.member[m.n_members - 2].value = wr_span(&x);
		m.member[m.n_members - 1].value = wr_span(&y);
	}
	if (bend.other_initdata || bend.unbound_initdata)
		m.initdata = span_of("version = \"0.1.0\"\nalgorithm = \"sha256\"\n\n[data]\n");
	sha256(m.initdata, other);
	if (k->hw.make)
		k->hw.make(k->hw.arg, (struct span){ report, 48 }, reg, &evidence);
	else
		must(sample_write((struct span){ report, 48 }, reg, &evidence, &e) == COFFER_OK, "evidence", &e);
	if (k->hw.file.n > 0)
		m.file[m.n_files++] = k->hw.file;
	for (size_t i = 0; i < sizeof(k->hw.more) / sizeof(k->hw.more[0]); i++)
		if (k->hw.more[i].n > 0)
			m.file[m.n_files++] = k->hw.more[i];
	m.nonce = wr_span(&nonce);
	m.evidence = wr_span(&evidence);
	memcpy(m.session, k->session, 16);
	if (bend.no_initdata)
		m.initdata = (struct span){ 0 };
	keep_attest_req_write(&w, &m);
	return token_answer(k, kit_ask(k, KEEP_ATTEST, &w));
}

static void sign_request(struct kit *k, const struct kit_get *g, struct keep_resource_req *m, struct wr *req)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);

	wr_str(req, "CRQ1");
	wr_be64(req, g->version);
	wr_be64(req, g->same_counter ? k->counter : ++k->counter);
	wr_u8(req, (uint8_t)strlen(g->container));
	wr_str(req, g->container);
	wr_u8(req, (uint8_t)strlen(g->purpose));
	wr_str(req, g->purpose);
	wr_put(&w, (struct span){ (const uint8_t *)"coffer request v1", 18 });
	wr_blob32(&w, m->path);
	wr_put(&w, wr_span(req));
	wr_put(&w, SPAN(k->session));
	MUST(key_sign(k->request_key, wr_span(&w), m->request_sig, e));
	m->request_sig[3] ^= g->bad_signature;
	m->has_request = true;
	m->request = wr_span(req);
}

enum coffer_rc kit_get(struct kit *k, struct kit_get g)
{
	CLEANUP(jws_parts_clear) struct jws_parts p = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(1024);
	struct wr w = wr_open(KEEP_FRAME_MAX);
	struct keep_resource_req m = { .path = span_of(g.path ? g.path : KIT_PATH) };

	g.container = g.container ? g.container : "analyse";
	g.purpose = g.purpose ? g.purpose : "api";
	memcpy(m.session, k->session, 16);
	if (g.token.n) {
		MUST(jws_split(g.token, 1u << 18, &p, e));
		m.by_token = true;
		m.token_signing_input = p.signing_input;
		m.token_payload = g.payload.n ? g.payload : p.payload;
		memcpy(m.token_sig, p.sig, SIG_LEN);
	}
	if (!g.plain)
		sign_request(k, &g, &m, &req);
	keep_resource_req_write(&w, &m);
	return kit_ask(k, KEEP_RESOURCE, &w);
}

/* Checks the reply's signature, opens it, and compares the content. */
bool kit_opens_to(struct kit *k, bool plain, const char *content)
{
	CLEANUP(jwe_parts_clear) struct jwe_parts parts = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(secret_free) struct secret s = { 0 };
	struct keep_resource_rep rep;
	struct err e = { 0 };
	struct span c;

	if (keep_resource_rep_read(wr_span(&k->answer), &rep, &e) != COFFER_OK ||
	    json_parse(rep.body, KEEP_FRAME_MAX, &doc, &e) != COFFER_OK || jwe_parse(json_root(doc), &parts, &e) != COFFER_OK ||
	    jwe_open(k->tee, &parts, &s, &e) != COFFER_OK)
		return false;
	c = (struct span){ s.p, s.n };
	if (!plain) {
		struct rd r = rd_open(c);

		if (!span_eq_str(rd_span(&r, 4), "CRP1") || rd_blob32(&r, DSSE_ENVELOPE_MAX).n == 0 || rd_span(&r, 32).n != 32)
			return false;
		c = span_skip(c, r.off);
	}
	return span_eq_str(c, content);
}

enum coffer_rc kit_delete(struct kit *k, enum kit_party who)
{
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_delete_req m = { .path = span_of(KIT_PATH) };
	struct wr w = wr_open(1u << 16);

	kit_auth(k, who, "DELETE", "/kbs/v0/resource/" KIT_PATH, &m.auth, &own);
	keep_delete_req_write(&w, &m);
	return kit_ask(k, KEEP_DELETE, &w);
}

/* ---- witnesses ---- */

enum coffer_rc kit_round(struct kit *k, struct keep_round_rep *out)
{
	struct wr none = wr_open(1);
	enum coffer_rc rc = kit_ask(k, KEEP_ROUND, &none);

	if (rc == COFFER_OK)
		MUST(keep_round_rep_read(wr_span(&k->answer), out, e));
	return rc;
}

enum coffer_rc kit_witness(struct kit *k, uint8_t i)
{
	struct kit_witness *me = &k->witness[i];
	const struct note_signer s = { &me->name, me->key };
	struct keep_witness_req ask = { .witness = i };
	CLEANUP(wr_close) struct wr line = wr_open(1024);
	struct wr w = wr_open(64), c = wr_open(2048);
	struct witness_said said;
	struct err why = { 0 };
	enum coffer_rc rc;

	keep_witness_req_write(&w, &ask);
	rc = kit_ask(k, KEEP_WITNESS, &w);
	if (rc == COFFER_OK && witness_judge(&me->log, 1, wr_span(&k->answer), &said, &why) != COFFER_OK && said.status == 409) {
		w = wr_open(64);
		ask.told = true;
		ask.size = said.head.size;
		keep_witness_req_write(&w, &ask);
		rc = kit_ask(k, KEEP_WITNESS, &w);
	}
	if (rc == COFFER_OK && witness_judge(&me->log, 1, wr_span(&k->answer), &said, &why) == COFFER_OK) {
		MUST(checkpoint_cosign(&s, said.text, (uint64_t)k->now, &line, e));
		me->log.head = said.head;
		keep_cosign_req_write(&c, &(struct keep_cosign_req){ i, wr_span(&line) });
		return kit_ask(k, KEEP_COSIGN, &c);
	}
	wr_close(&c);
	return rc != COFFER_OK ? rc : COFFER_E_DENIED; /* keep's refusal, or the witness's */
}

bool kit_ticket(struct kit *k, uint8_t out[static KEEP_TICKET_LEN])
{
	struct keep_resource_rep rep;
	struct err e = { 0 };

	if (keep_resource_rep_read(wr_span(&k->answer), &rep, &e) != COFFER_OK || !rep.held)
		return false;
	memcpy(out, rep.ticket, KEEP_TICKET_LEN);
	return true;
}

enum coffer_rc kit_collect(struct kit *k, const uint8_t ticket[static KEEP_TICKET_LEN])
{
	struct wr w = wr_open(64);

	wr_put(&w, (struct span){ ticket, KEEP_TICKET_LEN });
	return kit_ask(k, KEEP_COLLECT, &w);
}

void kit_open_deployed(struct kit *k)
{
	kit_open(k);
	kit_deploy(k);
}

void kit_open_attested(struct kit *k)
{
	kit_open_deployed(k);
	if (kit_begin(k) != COFFER_OK || kit_attest(k, (struct kit_evidence){ 0 }) != COFFER_OK)
		abort();
}

/* ---- a store of before ---- */

static void wipe(struct store *s)
{
	static const char *const all[] = { "DELETE FROM said", "DELETE FROM statement", "DELETE FROM node", "DELETE FROM leaf", "DELETE FROM mapnode",
		"DELETE FROM entry", "DELETE FROM meta" };
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		CLEANUP(q_close) struct q q = q_open(s, all[i]);

		must(q_run(&q, &e) == COFFER_OK, all[i], &e);
	}
}

static enum coffer_rc begin_old(struct kit *k, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(wr_close) struct wr data = wr_open(4096);
	CLEANUP(tx_end) struct tx tx = { 0 };
	struct journal *j = &k->keep.journal, fresh = { .store = j->store, .mark = j->mark, .tree = { .store = j->store, .rule = 1, .map.store = j->store } };

	memcpy(fresh.mac_key, j->mac_key, sizeof(fresh.mac_key));
	*j = fresh;
	TRY(statement_parse(wr_span(&k->genesis.payload), &s, e));
	registry_entry(s.id, s.kind, s.issuer, &data);
	TRY(tx_begin(j, &tx, e));
	TRY(status_log(&k->keep, &s, e));
	TRY(journal_append(j, "genesis", wr_span(&data), k->now, e));
	TRY(registry_insert(&k->keep.registry, &s, &k->genesis, j->seq, e));
	return tx_commit(&tx, e);
}

void kit_age(struct kit *k)
{
	struct err e = { 0 };

	wipe(k->keep.store);
	must(begin_old(k, &e) == COFFER_OK, "kit_age", &e);
}

/* ---- against others' ---- */

enum coffer_rc kit_revoke_thing(struct kit *k, enum kit_party who, const char *text, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = str_fmt("{\"thing\":\"%s\",\"reason\":\"test\"}", text);
	char subject[THING_SUBJECT_MAX];
	uint8_t thing[32];

	sha256(span_of(text), thing);
	thing_subject(thing, subject);
	return kit_log(k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = who, .also = who, .subject = subject, .digest = thing, .body = body }, id);
}

enum coffer_rc kit_revoke_key(struct kit *k, const struct kit_key_revoked *r, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = NULL;
	char subject[THING_SUBJECT_MAX], when[CLOCK_TEXT_LEN];
	uint8_t thing[32];

	clock_text(r->from, when);
	body = r->from ? str_fmt("{\"from\":\"%s\",\"thing\":\"%s\",\"reason\":\"test\"}", when, KIT_IMAGE_KEY)
		       : str_fmt("{\"thing\":\"%s\",\"reason\":\"test\"}", KIT_IMAGE_KEY);
	sha256(span_of(KIT_IMAGE_KEY), thing);
	thing_subject(thing, subject);
	return kit_log(k, &(struct kit_st){ .kind = ST_REVOCATION, .issuer = r->who, .also = r->who, .subject = subject, .digest = thing, .body = body,
	    .serial = r->serial, .previous = r->previous }, id);
}

enum coffer_rc kit_pause(struct kit *k, enum kit_party who, const uint8_t target[static 32], uint8_t id[static 32])
{
	CLEANUP(freep) char *body = NULL;
	char hex[HEX32_LEN];

	hex32(target, hex);
	body = str_fmt("{\"statement\":\"%s\",\"reason\":\"test\"}", hex);
	return kit_log(k, &(struct kit_st){ .kind = ST_PAUSE, .issuer = who, .also = who, .subject = hex, .digest = target, .body = body,
	    .expires = k->now + 3600 }, id);
}
