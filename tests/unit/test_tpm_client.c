/* Commands to a TPM and its answers, from a script of answers; a TPM that works is in tests/e2e/test_tpm_client.py. */
#include "evidence/tpm_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"

struct script { /* the answer to every command; what was asked last */
	struct wr answer, asked;
	size_t	  n;
	enum coffer_rc rc;
};

static enum coffer_rc transact(void *arg, struct span command, struct wr *response, struct err *e)
{
	struct script *s = arg;

	s->n++;
	wr_close(&s->asked);
	s->asked = wr_open(4096);
	wr_put(&s->asked, command);
	*response = wr_open(TPM_RESPONSE_MAX);
	wr_put(response, wr_span(&s->answer));
	return s->rc == COFFER_OK ? COFFER_OK : err_set(e, s->rc, "gone");
}

static void script_clear(struct script *s)
{
	wr_close(&s->answer);
	wr_close(&s->asked);
}

/* Header and body; sessions: with the length of the parameters and the TPM's empty part of a password session behind. */
static struct script answer(bool sessions, struct span body)
{
	struct script s = { .answer = wr_open(4096) };
	size_t n = 10 + body.n + (sessions ? 9 : 0);

	wr_be16(&s.answer, sessions ? 0x8002 : 0x8001);
	wr_be32(&s.answer, (uint32_t)n);
	wr_be32(&s.answer, 0);
	if (sessions)
		wr_be32(&s.answer, (uint32_t)body.n);
	wr_put(&s.answer, body);
	if (sessions)
		wr_put(&s.answer, (struct span){ (const uint8_t *)"\0\0\1\0\0", 5 });
	return s;
}

#define LINK(s) (&(struct tpm_link){ transact, &(s) })

/* PCR_Read's answer of these registers: register i is 32 times i. */
static struct script registers(uint32_t mask)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	uint32_t n = 0;

	for (size_t i = 0; i < TPM_PCRS; i++)
		n += mask >> i & 1;
	wr_be32(&w, 7);
	wr_be32(&w, 1);
	wr_be16(&w, 0x000b);
	wr_u8(&w, 3);
	for (size_t i = 0; i < 3; i++)
		wr_u8(&w, (uint8_t)(mask >> (8 * i)));
	wr_be32(&w, n);
	for (size_t i = 0; i < TPM_PCRS; i++) {
		wr_be16(&w, 32);
		for (size_t k = 0; k < 32; k++)
			wr_u8(&w, (uint8_t)i);
		if (!(mask >> i & 1))
			w.n -= 34;
	}
	return answer(false, wr_span(&w));
}

static void extending_names_register_bank_and_digest(void)
{
	static const uint8_t want[] = { 0x80, 2, 0, 0, 0, 65, 0, 0, 1, 0x82, 0, 0, 0, 8, 0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x0b };
	CLEANUP(script_clear) struct script s = answer(true, (struct span){ 0 });
	uint8_t digest[32] = { 0xaa };
	struct err e = { 0 };

	CHECK(tpm_extend(LINK(s), 8, digest, &e) == COFFER_OK);
	CHECK(s.asked.n == 65 && memcmp(s.asked.p, want, sizeof(want)) == 0 && memcmp(s.asked.p + 33, digest, 32) == 0);
}

static void an_error_of_the_tpm_is_its_number(void)
{
	CLEANUP(script_clear) struct script s = answer(true, (struct span){ 0 });
	uint8_t digest[32] = { 0 };
	struct err e = { 0 };

	memcpy(s.answer.p, "\x80\x01\0\0\0\x0a\0\0\x01\x8b", 10);
	s.answer.n = 10;
	CHECK(tpm_extend(LINK(s), 8, digest, &e) == COFFER_E_DENIED && strcmp(e.check, "tpm") == 0 && strstr(e.msg, "0x18b"));
}

/* "Again" is heard, but not for ever. */
struct tired { struct script again, well; size_t n, from; };

static enum coffer_rc tires(void *arg, struct span command, struct wr *response, struct err *e)
{
	struct tired *t = arg;

	return transact(t->n++ < t->from ? &t->again : &t->well, command, response, e);
}

static void a_tpm_that_says_again_is_asked_again(void)
{
	struct tired t = { .again = answer(true, (struct span){ 0 }), .well = answer(true, (struct span){ 0 }), .from = 3 };
	const struct tpm_link l = { tires, &t };
	uint8_t digest[32] = { 0 };
	struct err e = { 0 };

	memcpy(t.again.answer.p, "\x80\x01\0\0\0\x0a\0\0\x09\x22", 10);
	t.again.answer.n = 10;
	CHECK(tpm_extend(&l, 8, digest, &e) == COFFER_OK && t.n == 4);
	t.n = 0;
	t.from = 1000;
	CHECK(tpm_extend(&l, 8, digest, &e) == COFFER_E_DENIED && t.n == 8);
	script_clear(&t.again);
	script_clear(&t.well);
}

static void what_only_reads_is_asked_again_when_no_answer_came(void)
{
	struct tired t = { .again = { .answer = wr_open(4096) }, .well = registers(0xff), .from = 3 };
	const struct tpm_link l = { tires, &t };
	uint8_t digest[32] = { 0 }, pcr[TPM_PCRS][32];
	struct err e = { 0 };

	CHECK(tpm_read_pcrs(&l, pcr, &e) == COFFER_E_INPUT && t.n == 5); /* the fifth is the same eight once more */
	t.n = 0;
	t.from = 1000;
	CHECK(tpm_read_pcrs(&l, pcr, &e) == COFFER_E_UPSTREAM && strstr(e.msg, "PCR_Read") && t.n == 8);
	t.n = 0;
	CHECK(tpm_extend(&l, 8, digest, &e) == COFFER_E_UPSTREAM && strstr(e.msg, "PCR_Extend") && t.n == 1);
	script_clear(&t.again);
	script_clear(&t.well);
}

static void who_is_gone_is_told_as_such(void)
{
	CLEANUP(script_clear) struct script s = answer(true, (struct span){ 0 });
	uint8_t digest[32] = { 0 };
	struct err e = { 0 };

	s.rc = COFFER_E_UPSTREAM;
	CHECK(tpm_extend(LINK(s), 8, digest, &e) == COFFER_E_UPSTREAM);
}

/* A TPM answers eight registers at a time. */
struct turns { struct script s[3]; size_t n; };

static enum coffer_rc in_turn(void *arg, struct span command, struct wr *response, struct err *e)
{
	struct turns *t = arg;

	return transact(&t->s[t->n++ % 3], command, response, e);
}

static void registers_are_read_eight_at_a_time(void)
{
	struct turns t = { .s = { registers(0xff), registers(0xff00), registers(0xff0000) } };
	uint8_t out[TPM_PCRS][32];
	struct err e = { 0 };

	CHECK(tpm_read_pcrs(&(struct tpm_link){ in_turn, &t }, out, &e) == COFFER_OK && t.n == 3);
	for (size_t i = 0; i < TPM_PCRS; i++)
		CHECK(out[i][0] == i && out[i][31] == i);
	for (size_t i = 0; i < 3; i++)
		script_clear(&t.s[i]);
}

static enum coffer_rc read_with(struct script *s)
{
	uint8_t out[TPM_PCRS][32];
	struct err e = { 0 };
	enum coffer_rc rc = tpm_read_pcrs(LINK(*s), out, &e);

	script_clear(s);
	return rc;
}

static void registers_nobody_asked_for_or_that_are_missing_are_refused(void)
{
	struct script s = registers(0);

	CHECK(read_with(&s) == COFFER_E_DENIED); /* no bank */
	s = registers(0xff); /* the same again the second time, when they are no more wanted */
	CHECK(read_with(&s) == COFFER_E_INPUT);
	s = registers(0x1ff); /* nine */
	CHECK(read_with(&s) == COFFER_E_INPUT);
	s = registers(0xff);
	s.answer.p[10 + 9] = 0x0c; /* another bank */
	CHECK(read_with(&s) == COFFER_E_INPUT);
	s = registers(0xff);
	s.answer.p[10 + 14 + 4 + 1] = 31; /* a shorter value */
	CHECK(read_with(&s) == COFFER_E_INPUT);
}

static void a_maker_is_four_letters(void)
{
	CLEANUP(script_clear) struct script s = answer(false, (struct span){ (const uint8_t *)"\0\0\0\0\6\0\0\0\1\0\0\1\5IBM\0", 17 });
	char name[5];
	struct err e = { 0 };

	CHECK(tpm_maker(LINK(s), name, &e) == COFFER_OK && strcmp(name, "IBM ") == 0);
	s.answer.p[10 + 8] = 2;
	CHECK(tpm_maker(LINK(s), name, &e) == COFFER_E_INPUT);
}

static void a_handle_is_there_when_it_is_the_first_from_its_own_number_on(void)
{
	static const uint8_t there[] = "\1\0\0\0\1\0\0\0\1\x81\0\0\3", next[] = "\0\0\0\0\1\0\0\0\1\x81\0\0\4", none[] = "\0\0\0\0\1\0\0\0\0",
			     two[] = "\0\0\0\0\1\0\0\0\2\x81\0\0\3\x81\0\0\4", other[] = "\0\0\0\0\6\0\0\0\1\x81\0\0\3";
	const struct { struct span body; enum coffer_rc rc; bool is; } cases[] = {
		{ { there, 13 }, COFFER_OK, true }, { { next, 13 }, COFFER_OK, false }, { { none, 9 }, COFFER_OK, false },
		{ { two, 17 }, COFFER_E_INPUT, false }, { { other, 13 }, COFFER_E_INPUT, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(script_clear) struct script s = answer(false, cases[i].body);
		struct err e = { 0 };
		bool is = false;

		CHECK(tpm_has(LINK(s), 0x81000003, &is, &e) == cases[i].rc && is == cases[i].is);
	}
}

static void a_nonce_that_does_not_fit_is_refused(void)
{
	CLEANUP(script_clear) struct script s = answer(true, (struct span){ (const uint8_t *)"\0\1m\0\x18s", 6 });
	CLEANUP(tpm_quoted_clear) struct tpm_quoted q = { 0 };
	uint8_t nonce[TPM_NONCE_MAX + 1] = { 0 };
	struct err e = { 0 };

	CHECK(tpm_quote(LINK(s), 0x80000000, SPAN(nonce), &q, &e) == COFFER_E_LIMIT && s.n == 0);
	CHECK(tpm_quote(LINK(s), 0x80000000, (struct span){ nonce, TPM_NONCE_MAX }, &q, &e) == COFFER_OK);
	CHECK(span_eq_str(wr_span(&q.message), "m") && q.signature.n == 3);
}

/* ---- every answer cut, every length changed ---- */

static enum coffer_rc run_all(const struct tpm_link *l, int which, struct err *e)
{
	CLEANUP(tpm_quoted_clear) struct tpm_quoted q = { 0 };
	CLEANUP(wr_close) struct wr out = { 0 };
	uint8_t pcrs[TPM_PCRS][32], digest[32] = { 0 };
	const struct tpm_credential_of c = { 1, 2, span_of("c"), span_of("s") };
	struct tpm_key key;
	char name[5];
	bool has;

	switch (which) {
	case 0: return tpm_extend(l, 8, digest, e);
	case 1: return tpm_read_pcrs(l, pcrs, e);
	case 2: return tpm_maker(l, name, e);
	case 3: return tpm_nv_read(l, TPM_EK_CERT_RSA, 4096, &out, e);
	case 4: return tpm_make_key(l, TPM_MAKE_AK, &key, e);
	case 5: return tpm_quote(l, 1, span_of("n"), &q, e);
	case 6: return tpm_activate(l, &c, &out, e);
	case 8: return tpm_has(l, 0x81000003, &has, e);
	default: return tpm_flush(l, 1, e);
	}
}

static void every_truncation_of_every_answer_is_refused(void)
{
	static const uint8_t key[] = "\x80\0\0\1\0\0\0\6\0\4abcd";
	const struct { int which; struct script s; } cases[] = {
		{ 0, answer(true, (struct span){ 0 }) },
		{ 1, registers(0xff) },
		{ 2, answer(false, (struct span){ (const uint8_t *)"\0\0\0\0\6\0\0\0\1\0\0\1\5IBM\0", 17 }) },
		{ 3, answer(false, (struct span){ (const uint8_t *)"\0\x0e\1\xc0\0\2\0\x0b\0\0\0\0\0\0\0\4\0\0", 18 }) },
		{ 4, answer(false, (struct span){ key, sizeof(key) - 1 }) },
		{ 5, answer(true, (struct span){ (const uint8_t *)"\0\1m\0\x18s", 6 }) },
		{ 7, answer(false, (struct span){ 0 }) },
		{ 8, answer(false, (struct span){ (const uint8_t *)"\1\0\0\0\1\0\0\0\1\x81\0\0\3", 13 }) },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct script s = cases[i].s;
		size_t whole = s.answer.n;
		struct err e = { 0 };

		for (size_t n = 0; n < whole; n++) {
			s.answer.n = n; /* says it is longer than it is */
			CHECK(run_all(LINK(s), cases[i].which, &e) == (n == 0 ? COFFER_E_UPSTREAM : COFFER_E_INPUT)); /* nothing at all: none came */
			if (n >= 10) { /* says how long it is, and ends too early all the same */
				s.answer.p[5] = (uint8_t)n;
				CHECK(run_all(LINK(s), cases[i].which, &e) != COFFER_OK || n >= whole - 5);
				s.answer.p[5] = (uint8_t)whole;
			}
		}
		script_clear(&s);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(extending_names_register_bank_and_digest),
		T(an_error_of_the_tpm_is_its_number),
		T(a_tpm_that_says_again_is_asked_again),
		T(what_only_reads_is_asked_again_when_no_answer_came),
		T(who_is_gone_is_told_as_such),
		T(registers_are_read_eight_at_a_time),
		T(registers_nobody_asked_for_or_that_are_missing_are_refused),
		T(a_maker_is_four_letters),
		T(a_handle_is_there_when_it_is_the_first_from_its_own_number_on),
		T(a_nonce_that_does_not_fit_is_refused),
		T(every_truncation_of_every_answer_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
