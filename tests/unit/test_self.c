/* The service's own evidence: what it is bound to, its messages, and how often a TPM is asked. tests/e2e/test_self.py asks one. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/net/attested.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/ipc.h"
#include "tests/t.h"

#define NONCE "ZmFrZSBub25jZSBvZiAzMiBieXRlcyBmb3IgdGVzdHM="
#define LOCKED "{\"nonce\":\"" NONCE "\",\"extra-params\":{\"tpm\":{\"credential\":\"AQI=\",\"secret\":\"AwQF\"}}}"
#define SHOWN "{\"tee\":\"tpm\",\"tpm\":{\"ek_cert\":\"AQI=\",\"ak_public\":\"AwQF\"}}"

/* ---- what it is bound to ---- */

static struct service a_service(void)
{
	struct service s = { .id = "trust" };
	struct pubkey *const key[] = { &s.receive, &s.reply, &s.token, &s.ledger_key };

	for (size_t i = 0; i < 4; i++) {
		key[i]->kind = KEY_P256;
		memset(key[i]->x, (int)i + 1, sizeof(key[i]->x));
		memset(key[i]->y, (int)i + 11, sizeof(key[i]->y));
	}
	memset(s.tls, 5, sizeof(s.tls));
	return s;
}

static bool another(const struct service *s, const uint8_t genesis[static 32], const uint8_t was[static 32])
{
	uint8_t is[32];

	self_binding(genesis, s, is);
	return !span_eq(SPAN(is), (struct span){ was, 32 });
}

static void binding_changes_with_each_of_its_parts(void)
{
	struct service s = a_service(), t;
	uint8_t genesis[32] = { 7 }, other[32] = { 8 }, was[32];

	self_binding(genesis, &s, was);
	CHECK(!another(&s, genesis, was) && another(&s, other, was));
#define PART(change)                             \
	t = s;                                   \
	change;                                  \
	CHECK(another(&t, genesis, was))
	PART(t.receive.x[0] ^= 1);
	PART(t.reply.x[31] ^= 1);
	PART(t.token.y[0] ^= 1);
	PART(t.ledger_key.x[0] ^= 1);
	PART(t.tls[31] ^= 1);
	PART(t.id[0] = 'T');
	PART(t.receive = s.reply; t.reply = s.receive); /* the same keys in other places */
	t = s;
	t.n_launches = 1; /* how it is launched is what the evidence itself says */
	CHECK(!another(&t, genesis, was));
}

/* The bytes of docs/protocol/service.md, put together by hand. */
static void report_data_is_a_hash_over_binding_and_nonce(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(256);
	uint8_t binding[32] = { 1 }, nonce[32] = { 2 }, got[32], want[32];

	wr_str(&w, "coffer service evidence v1");
	wr_u8(&w, 0);
	wr_put(&w, SPAN(binding));
	wr_put(&w, SPAN(nonce));
	sha256(wr_span(&w), want);
	self_report_data(binding, nonce, got);
	CHECK(span_eq(SPAN(got), SPAN(want)));
	nonce[31] ^= 1;
	self_report_data(binding, nonce, got);
	CHECK(!span_eq(SPAN(got), SPAN(want)));
}

/* ---- its messages ---- */

static enum coffer_rc read_question(const char *text)
{
	CLEANUP(self_question_clear) struct self_question q = { 0 };
	struct err e = { 0 };

	return self_question_read(span_of(text), &q, &e);
}

static void question_refuses_other_shapes(void)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"nonce\":7}", "{\"nonce\":\"\"}", "{\"nonce\":\"AA==\"}", "{\"nonce\":\"" NONCE "\",\"x\":1}",
		"{\"nonce\":\"" NONCE "\",\"extra-params\":\"\"}", "{\"nonce\":\"" NONCE "\",\"extra-params\":{}}", "{\"nonce\":\"" NONCE "\",\"report_data\":\"AA==\"}",
		"{\"nonce\":\"" NONCE "\",\"extra-params\":{\"tpm\":{\"credential\":\"AQI=\"}}}",
		"{\"nonce\":\"" NONCE "\",\"extra-params\":{\"tpm\":{\"credential\":\"AQI=\",\"secret\":\"\"}}}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(read_question(bad[i]) != COFFER_OK);
	CHECK(read_question("{\"nonce\":\"" NONCE "\"}") == COFFER_OK && read_question(LOCKED) == COFFER_OK);
}

static enum coffer_rc read_description(const char *text)
{
	CLEANUP(self_description_clear) struct self_description d = { 0 };
	struct err e = { 0 };

	return self_description_read(span_of(text), &d, &e);
}

static void description_refuses_other_shapes(void)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"tee\":7}", "{\"tee\":\"none\"}", "{\"tee\":\"tpm\",\"x\":1}", "{\"tee\":\"tpm\",\"tpm\":{}}",
		"{\"tee\":\"snp\",\"tpm\":{\"ek_cert\":\"AQI=\",\"ak_public\":\"AwQF\"}}", "{\"tee\":\"tpm\",\"tpm\":{\"ek_cert\":\"AQI=\"}}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(read_description(bad[i]) != COFFER_OK);
	CHECK(read_description(SHOWN) == COFFER_OK && read_description("{\"tee\":\"swtpm\"}") == COFFER_OK);
}

static enum coffer_rc read_answer(const char *text)
{
	CLEANUP(self_answer_clear) struct self_answer a = { 0 };
	struct err e = { 0 };

	return self_answer_read(span_of(text), &a, &e);
}

static void answer_refuses_other_shapes(void)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"tee\":\"tpm\"}", "{\"tee\":\"tpm\",\"evidence\":[]}", "{\"tee\":\"tpm\",\"evidence\":\"x\"}",
		"{\"tee\":\"none\",\"evidence\":{}}", "{\"tee\":\"tpm\",\"evidence\":{},\"x\":1}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(read_answer(bad[i]) != COFFER_OK);
	CHECK(read_answer("{\"tee\":\"tpm\",\"evidence\":{\"a\":1}}") == COFFER_OK);
}

static void what_is_written_is_read(void)
{
	CLEANUP(self_question_clear) struct self_question q = { 0 }, again = { 0 };
	CLEANUP(self_answer_clear) struct self_answer a = { 0 };
	CLEANUP(self_description_clear) struct self_description d = { 0 }, e2 = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(4096), v = wr_open(4096), x = wr_open(4096), y = wr_open(4096);
	uint8_t nonce[32] = { 9 };
	struct rcar_credential c = { span_of("locked"), span_of("for whom") };
	struct err e = { 0 };

	self_question_write(&w, nonce, &c);
	CHECK(self_question_read(wr_span(&w), &q, &e) == COFFER_OK && span_eq(SPAN(q.nonce), SPAN(nonce)));
	CHECK(span_eq_str(wr_span(&q.credential.credential), "locked") && span_eq_str(wr_span(&q.credential.secret), "for whom"));
	self_frame_write(&v, &q);
	CHECK(self_frame_read(wr_span(&v), &again, &e) == COFFER_OK && span_eq(SPAN(again.nonce), SPAN(nonce)) &&
	      span_eq_str(wr_span(&again.credential.secret), "for whom"));
	self_answer_write(&x, "tpm", span_of("{\"a\":1}"));
	CHECK(self_answer_read(wr_span(&x), &a, &e) == COFFER_OK && a.tee == TEE_TPM && span_eq_str(wr_span(&a.evidence), "{\"a\":1}"));
	CHECK(self_description_read(span_of(SHOWN), &d, &e) == COFFER_OK && d.tee == TEE_TPM && d.tpm.ek_cert.n == 2 && d.tpm.ak_public.n == 3);
	self_description_write(&y, "tpm", &d.tpm);
	CHECK(span_eq_str(wr_span(&y), SHOWN) && self_description_read(wr_span(&y), &e2, &e) == COFFER_OK);
}

/* Each message cut at every byte, in memory of exactly that size. */
static void every_truncation_is_refused(void)
{
	static const struct { const char *text; enum coffer_rc (*read)(const char *); } all[] = { { LOCKED, read_question }, { SHOWN, read_description },
		{ "{\"tee\":\"tpm\",\"evidence\":{\"a\":1}}", read_answer } };
	CLEANUP(self_question_clear) struct self_question q = { 0 }, got = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (size_t n = 0; n < strlen(all[i].text); n++) {
			CLEANUP(freep) char *cut = span_dup((struct span){ (const uint8_t *)all[i].text, n });

			CHECK(all[i].read(cut) != COFFER_OK);
		}
	CHECK(self_question_read(span_of(LOCKED), &q, &e) == COFFER_OK);
	self_frame_write(&w, &q);
	for (size_t n = 0; n < w.n; n++) {
		CLEANUP(freep) uint8_t *cut = malloc(n + 1);

		memcpy(cut, w.p, n);
		CHECK(self_frame_read((struct span){ cut, n }, &got, &e) == COFFER_E_INPUT && got.credential.secret.p == NULL);
	}
	wr_u8(&w, 0);
	CHECK(self_frame_read(wr_span(&w), &got, &e) == COFFER_E_INPUT);
}

/* A credential without its seed, and the other way round, which no client sends. */
static void frame_wants_both_parts_of_a_credential(void)
{
	CLEANUP(self_question_clear) struct self_question q = { 0 }, got = { 0 };
	CLEANUP(wr_close) struct wr none = wr_open(256), half = wr_open(256);
	struct err e = { 0 };

	self_frame_write(&none, &q);
	CHECK(self_frame_read(wr_span(&none), &got, &e) == COFFER_OK);
	wr_put(&half, SPAN(q.nonce));
	wr_blob32(&half, span_of("x"));
	wr_blob32(&half, (struct span){ 0 });
	CHECK(self_frame_read(wr_span(&half), &got, &e) == COFFER_E_INPUT);
}

/* ---- how often ---- */

static void a_burst_is_granted_and_then_one_a_second(void)
{
	struct attested_wire w = { .fd = -1 };
	int64_t now = 5000000;

	for (int i = 0; i < ATTESTED_BURST; i++)
		CHECK(attested_grant(&w, now));
	CHECK(!attested_grant(&w, now) && !attested_grant(&w, now + ATTESTED_EACH_MS - 1));
	CHECK(attested_grant(&w, now + ATTESTED_EACH_MS) && !attested_grant(&w, now + ATTESTED_EACH_MS));
	now += 1000LL * ATTESTED_EACH_MS; /* what was not used is not saved up */
	for (int i = 0; i < ATTESTED_BURST; i++)
		CHECK(attested_grant(&w, now));
	CHECK(!attested_grant(&w, now));
}

static void service_without_attest_says_so(void)
{
	CLEANUP(wr_close) struct wr out = { 0 };
	struct attested_wire w;
	struct err e = { 0 };

	CHECK(attested_init(&w, -1, &e) == COFFER_OK && attested_ask(&w, NULL, &out, &e) == COFFER_E_NOTFOUND);
}

/* An attest that answers is believed in its tag and sentence; one that hangs up is never asked again. */
static void attest_that_hangs_up_is_not_asked_again(void)
{
	CLEANUP(self_question_clear) struct self_question q = { 0 };
	CLEANUP(wr_close) struct wr out = { 0 };
	struct attested_wire w;
	struct err e = { 0 };
	int sv[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0 && attested_init(&w, sv[0], &e) == COFFER_OK);
	CHECK(ipc_send(sv[1], COFFER_OK, span_of("{}"), &e) == COFFER_OK); /* waits for the question */
	CHECK(attested_ask(&w, &q, &out, &e) == COFFER_OK && span_eq_str(wr_span(&out), "{}"));
	wr_close(&out);
	CHECK(ipc_send(sv[1], COFFER_E_DENIED, span_of("no"), &e) == COFFER_OK);
	CHECK(attested_ask(&w, &q, &out, &e) == COFFER_E_DENIED && strcmp(e.check, "attest") == 0 && strcmp(e.msg, "no") == 0);
	CHECK(ipc_send(sv[1], 200, span_of("?"), &e) == COFFER_OK && attested_ask(&w, &q, &out, &e) == COFFER_E_BUG);
	(void)close(sv[1]);
	CHECK(attested_ask(&w, &q, &out, &e) == COFFER_E_UPSTREAM && w.dead);
	CHECK(attested_ask(&w, NULL, &out, &e) == COFFER_E_UPSTREAM && w.waiting == 0);
	w.dead = false;
	w.waiting = ATTESTED_WAITING_MAX;
	CHECK(attested_ask(&w, NULL, &out, &e) == COFFER_E_LIMIT && w.waiting == ATTESTED_WAITING_MAX);
	(void)close(sv[0]);
}

/* A slow TPM's answer is to the question before, and is given to nobody. */
static void late_answer_is_read_away(void)
{
	CLEANUP(self_question_clear) struct self_question q = { 0 };
	CLEANUP(wr_close) struct wr out = { 0 };
	struct attested_wire w;
	struct err e = { 0 };
	int sv[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0 && attested_init(&w, sv[0], &e) == COFFER_OK);
	w.answer_ms = 1;
	CHECK(attested_ask(&w, &q, &out, &e) == COFFER_E_UPSTREAM && !w.dead && w.owed == 1 && w.waiting == 0);
	CHECK(attested_ask(&w, &q, &out, &e) == COFFER_E_UPSTREAM && !w.dead && w.owed == 1); /* still owed: not asked again meanwhile */
	w.answer_ms = ATTESTED_ANSWER_MS;
	CHECK(ipc_send(sv[1], COFFER_OK, span_of("late"), &e) == COFFER_OK && ipc_send(sv[1], COFFER_OK, span_of("new"), &e) == COFFER_OK);
	CHECK(attested_ask(&w, &q, &out, &e) == COFFER_OK && span_eq_str(wr_span(&out), "new") && w.owed == 0);
	(void)close(sv[0]);
	(void)close(sv[1]);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(late_answer_is_read_away),
		T(binding_changes_with_each_of_its_parts), T(report_data_is_a_hash_over_binding_and_nonce), T(question_refuses_other_shapes),
		T(description_refuses_other_shapes), T(answer_refuses_other_shapes), T(what_is_written_is_read), T(every_truncation_is_refused),
		T(frame_wants_both_parts_of_a_credential), T(a_burst_is_granted_and_then_one_a_second), T(service_without_attest_says_so),
		T(attest_that_hangs_up_is_not_asked_again),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
