/* Event logs made here: what they replay to, and every way to be malformed. */
#include "evidence/eventlog.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/evkit.h"
#include "tests/t.h"

static const uint16_t both[] = { TPM_ALG_SHA256, TPM_ALG_SHA384 };

static void extend_text(enum hash_alg h, uint8_t *reg, const char *text)
{
	uint8_t d[HASH_MAX];

	hash_once(h, span_of(text), d);
	evkit_extend(h, reg, (struct span){ d, hash_len(h) });
}

static void log_of_three(struct wr *w)
{
	evkit_log_head(w, both, 2);
	evkit_log_event(w, 1, 8, both, 2, span_of("firmware"));
	evkit_log_event(w, 4, 5, both, 2, span_of("loader"));
	evkit_log_event(w, 1, 4, both, 2, span_of("separator"));
}

static enum coffer_rc replay(const struct wr *w, uint16_t alg, struct eventlog_replay *out)
{
	struct err e = { 0 };

	return eventlog_replay(wr_span(w), alg, out, &e);
}

static void each_bank_replays_to_what_the_registers_hold(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	uint8_t a[HASH_MAX] = { 0 }, b[HASH_MAX] = { 0 }, c[HASH_MAX] = { 0 };
	struct eventlog_replay p;

	log_of_three(&w);
	extend_text(HASH_SHA256, a, "firmware");
	extend_text(HASH_SHA256, a, "separator");
	extend_text(HASH_SHA384, b, "loader");
	CHECK(replay(&w, TPM_ALG_SHA256, &p) == COFFER_OK && p.events == 4 && p.extended == 0x12);
	CHECK(memcmp(p.reg[1], a, 32) == 0 && memcmp(p.reg[0], c, 32) == 0);
	CHECK(replay(&w, TPM_ALG_SHA384, &p) == COFFER_OK && memcmp(p.reg[4], b, 48) == 0);
	CHECK(replay(&w, TPM_ALG_SHA512, &p) == COFFER_E_INPUT && replay(&w, 0x1234, &p) == COFFER_E_INPUT);
}

static void locality_at_startup_is_the_first_value_of_pcr_0_only(void)
{
	static const uint8_t said[] = "StartupLocality\0\3";
	uint8_t a[HASH_MAX] = { 0 };
	struct eventlog_replay p;

	for (size_t when = 0; when < 3; when++) { /* before the first event; after it; of another register */
		CLEANUP(wr_close) struct wr w = wr_open(1u << 16);

		evkit_log_head(&w, both, 2);
		if (when != 1)
			evkit_log_event(&w, when == 2, 3, both, 2, (struct span){ said, 17 });
		evkit_log_event(&w, 0, 8, both, 2, span_of("firmware"));
		if (when == 1)
			evkit_log_event(&w, 0, 3, both, 2, (struct span){ said, 17 });
		memset(a, 0, sizeof(a));
		a[31] = when == 0 ? 3 : 0;
		extend_text(HASH_SHA256, a, "firmware");
		CHECK(replay(&w, TPM_ALG_SHA256, &p) == COFFER_OK && memcmp(p.reg[0], a, 32) == 0 && p.reg[1][31] == 0);
	}
}

static void no_action_events_are_not_extended(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct eventlog_replay p;

	evkit_log_head(&w, both, 2);
	evkit_log_event(&w, 5, 3, both, 2, span_of("a remark"));
	CHECK(replay(&w, TPM_ALG_SHA256, &p) == COFFER_OK && p.extended == 0 && p.events == 2);
}

static void filling_ends_the_log_and_nothing_else_does(void)
{
	for (size_t kind = 0; kind < 3; kind++) {
		CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
		struct eventlog_replay p;

		log_of_three(&w);
		for (size_t i = 0; i < 100; i++)
			wr_u8(&w, kind == 1 ? 0 : 0xff);
		if (kind == 2)
			wr_u8(&w, 7);
		CHECK(replay(&w, TPM_ALG_SHA256, &p) == (kind == 2 ? COFFER_E_INPUT : COFFER_OK));
	}
}

/* A cut between two events is a shorter log; any other is malformed. */
static void truncation_is_a_shorter_log_or_malformed(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	size_t shorter = 0;

	log_of_three(&w);
	for (size_t n = 0; n < w.n; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		struct eventlog_replay p = { .events = 77 };
		struct err e = { 0 };
		enum coffer_rc rc;

		memcpy(exact, w.p, n);
		rc = eventlog_replay((struct span){ exact, n }, TPM_ALG_SHA256, &p, &e);
		CHECK(rc == COFFER_OK ? p.events < 4 : rc == COFFER_E_INPUT && p.events == 77);
		shorter += rc == COFFER_OK;
	}
	CHECK(shorter == 3);
}

static void patched(size_t at, uint8_t v, uint16_t alg)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct eventlog_replay p;

	log_of_three(&w);
	w.p[at] = v;
	CHECK(replay(&w, alg, &p) == COFFER_E_INPUT);
}

static void sizes_banks_and_registers_that_cannot_be_are_refused(void)
{
	const size_t head = 32, spec_end = head + 16 + 8 + 4 + 8 + 1;

	patched(4, 4, TPM_ALG_SHA256);                /* the first event is no Spec ID event */
	patched(head, 'X', TPM_ALG_SHA256);           /* nor is this */
	patched(head + 24, 0, TPM_ALG_SHA256);        /* no banks */
	patched(head + 24, 6, TPM_ALG_SHA256);        /* too many */
	patched(head + 30, 20, TPM_ALG_SHA256);       /* SHA-256 of 20 bytes */
	patched(head + 34, 0, TPM_ALG_SHA256);        /* digests of no bytes */
	patched(head + 36, 1, TPM_ALG_SHA256);        /* vendor's bytes that are not there */
	patched(spec_end, 25, TPM_ALG_SHA256);        /* a register that no TPM has */
	patched(spec_end + 8, 6, TPM_ALG_SHA256);     /* digests of more banks than there are */
	patched(spec_end + 12, 0x04, TPM_ALG_SHA256); /* a bank that the log does not declare */
}

static void event_without_the_banks_digest_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct eventlog_replay p;

	evkit_log_head(&w, both, 2);
	evkit_log_event(&w, 1, 8, both, 1, span_of("in one bank only"));
	CHECK(replay(&w, TPM_ALG_SHA256, &p) == COFFER_OK && replay(&w, TPM_ALG_SHA384, &p) == COFFER_E_INPUT);
}

static void log_of_too_many_events_or_bytes_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(2 * EVENTLOG_MAX);
	struct eventlog_replay p;

	evkit_log_head(&w, both, 1);
	for (size_t i = 0; i < EVENTLOG_EVENTS_MAX; i++)
		evkit_log_event(&w, 1, 8, both, 1, span_of(""));
	CHECK(replay(&w, TPM_ALG_SHA256, &p) == COFFER_E_LIMIT);
	while (w.n <= EVENTLOG_MAX)
		evkit_log_event(&w, 1, 8, both, 1, SPAN(p.reg));
	CHECK(replay(&w, TPM_ALG_SHA256, &p) == COFFER_E_LIMIT);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(each_bank_replays_to_what_the_registers_hold),
		T(locality_at_startup_is_the_first_value_of_pcr_0_only),
		T(no_action_events_are_not_extended),
		T(filling_ends_the_log_and_nothing_else_does),
		T(truncation_is_a_shorter_log_or_malformed),
		T(sizes_banks_and_registers_that_cannot_be_are_refused),
		T(event_without_the_banks_digest_is_refused),
		T(log_of_too_many_events_or_bytes_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
