#include "trust/ledger/checkpoint.h"

#include "tests/unit/ledger_fix.h"

/* The example of tlog-cosignature: its keys are not published, its form is. */
#define SOFA "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
#define SOFA_NOTE SOFA "\n\xe2\x80\x94 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1" \
	"Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n" \
	"\xe2\x80\x94 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWX" \
	"EhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
#define EMPTY "log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
#define ONE "log.example\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

static void parse_reads_the_published_example(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct checkpoint c;
	struct note n;
	struct err e;

	CHECK(note_parse(span_of(SOFA_NOTE), &n, &e) == COFFER_OK && n.n_sigs == 2 && n.sigs[0].n == 64 && n.sigs[1].n == 72);
	CHECK(n.sigs[1].id == 0x8d66cf3f && n.sigs[1].b[4] == 0x64 && n.sigs[1].b[7] == 0xcb); /* time 1679315147 */
	CHECK(checkpoint_parse(n.text, &c, &e) == COFFER_OK && span_eq_str(c.origin, "example.com/behind-the-sofa"));
	CHECK(c.head.size == 20852163 && c.head.root.b[0] == 0x0a && c.head.root.b[31] == 0x62 && c.extensions.n == 0);
	CHECK(checkpoint_write(&c, &w, &e) == COFFER_OK && span_eq_str(wr_span(&w), SOFA));
	CHECK(checkpoint_parse(span_of(SOFA "one\ntwo\n"), &c, &e) == COFFER_OK && span_eq_str(c.extensions, "one\ntwo\n"));
	CHECK(checkpoint_parse(span_of(EMPTY), &c, &e) == COFFER_OK && c.head.size == 0);
}

static void parse_refuses_other_forms(void)
{
	static const char *const bad[] = { "", "\n", "a\n", "a\n1\n", "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		"a b\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		"a\n+1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "a\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		"a\n 1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "a\n0x1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		"a\n\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		    "a\n9223372036854775808\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		"a\n18446744073709551617\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		"a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n", "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
		"a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= \n", "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n",
		"a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2IA\n", ONE "\n", ONE "x\n\n", ONE "\nx\n", ONE "x",
		"a\n0\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" /* an empty tree with another root */ };
	struct checkpoint c = { .head.size = 77 };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bool refused = checkpoint_parse(span_of(bad[i]), &c, &e) == COFFER_E_INPUT;

		if (!refused)
			printf("# taken: %s\n", bad[i]);
		CHECK(refused && c.head.size == 77);
	}
	for (size_t n = 0; n < strlen(ONE); n++) {
		CLEANUP(freep) uint8_t *cut = lfix_exact((struct span){ (const uint8_t *)ONE, n });

		CHECK(checkpoint_parse((struct span){ cut, n }, &c, &e) == COFFER_E_INPUT && c.head.size == 77);
	}
}

static void write_refuses_what_parse_would(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct checkpoint c = { .origin = span_of("a b"), .head.size = 1 };
	struct err e;

	CHECK(checkpoint_write(&c, &w, &e) == COFFER_E_INPUT);
	c.origin = span_of("a");
	c.head.size = 0; /* root of zeros */
	CHECK(checkpoint_write(&c, &w, &e) == COFFER_E_INPUT);
	c.head.size = UINT64_MAX;
	CHECK(checkpoint_write(&c, &w, &e) == COFFER_E_INPUT);
	c.head.size = 1;
	c.extensions = span_of("no newline");
	CHECK(checkpoint_write(&c, &w, &e) == COFFER_E_INPUT);
	c.extensions = span_of("x\n\n");
	CHECK(checkpoint_write(&c, &w, &e) == COFFER_E_INPUT && w.n == 0);
	c.extensions = span_of("x\n");
	CHECK(checkpoint_write(&c, &w, &e) == COFFER_OK && checkpoint_parse(wr_span(&w), &c, &e) == COFFER_OK);
}

/* ---- a log and three witnesses ---- */

struct world {
	struct privkey *log, *w[3];
	struct note_key log_key, wit[3];
	struct ledger_policy policy;
};

static void world_open(struct world *x, size_t k)
{
	static const char *const names[3] = { "w1.example", "w2.example", "w3.example" };

	x->log = lfix_key();
	x->log_key = lfix_named("log.example", NOTE_ED25519, x->log);
	for (size_t i = 0; i < 3; i++) {
		x->w[i] = lfix_key();
		x->wit[i] = lfix_named(names[i], NOTE_COSIGNATURE, x->w[i]);
	}
	x->policy = (struct ledger_policy){ &x->log_key, x->wit, 3, k };
}

static void world_close(struct world *x)
{
	privkey_free(x->log);
	for (size_t i = 0; i < 3; i++)
		privkey_free(x->w[i]);
}

static void signed_note(const struct world *x, const char *text, struct wr *w)
{
	struct err e;

	CHECK(note_begin(span_of(text), w, &e) == COFFER_OK && note_sign(&(struct note_signer){ &x->log_key, x->log },
	    span_of(text), w, &e) == COFFER_OK);
}

static bool cosign(const struct world *x, size_t i, const char *text, uint64_t time, struct wr *w)
{
	struct err e;

	return checkpoint_cosign(&(struct note_signer){ &x->wit[i], x->w[i] }, span_of(text), time, w, &e) == COFFER_OK;
}

static bool opens(const struct world *x, const struct wr *w, struct ledger_seen *seen)
{
	struct err e;

	return checkpoint_open(wr_span(w), &x->policy, seen, &e) == COFFER_OK && seen->cp.head.size == 1;
}

/* The check that refused; "" when nothing did or it was no denial. */
static const char *refusal(const struct world *x, const struct wr *w)
{
	static struct err e;
	struct ledger_seen seen = { .newest = 77 };
	enum coffer_rc rc = checkpoint_open(wr_span(w), &x->policy, &seen, &e);

	return rc == COFFER_E_DENIED && seen.newest == 77 ? e.check : "";
}

static void open_counts_distinct_witnesses(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(NOTE_MAX);
	CLEANUP(world_close) struct world x;
	struct ledger_seen seen;

	world_open(&x, 2);
	signed_note(&x, ONE, &w);
	CHECK(!strcmp(refusal(&x, &w), "ledger-witness"));
	CHECK(cosign(&x, 0, ONE, 1000, &w) && cosign(&x, 0, ONE, 3000, &w)); /* twice by one is one */
	CHECK(!strcmp(refusal(&x, &w), "ledger-witness"));
	CHECK(cosign(&x, 2, ONE, 2000, &w));
	CHECK(opens(&x, &w, &seen) && seen.count == 2 && seen.by == 5 && seen.newest == 3000);
	x.policy.k = 3;
	CHECK(!strcmp(refusal(&x, &w), "ledger-witness"));
	x.policy.k = 0;
	CHECK(opens(&x, &w, &seen) && seen.count == 2);
}

static void open_refuses_another_log_and_a_missing_signature(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(NOTE_MAX), other = wr_open(NOTE_MAX), unsigned_ = wr_open(NOTE_MAX),
	    bad = wr_open(NOTE_MAX);
	CLEANUP(world_close) struct world x;
	struct err e;

	world_open(&x, 1);
	signed_note(&x, SOFA, &other);
	CHECK(cosign(&x, 0, SOFA, 1, &other) && !strcmp(refusal(&x, &other), "ledger-origin"));
	CHECK(note_begin(span_of(ONE), &unsigned_, &e) == COFFER_OK && cosign(&x, 0, ONE, 1, &unsigned_));
	CHECK(!strcmp(refusal(&x, &unsigned_), "ledger-signature"));
	signed_note(&x, ONE, &w);
	CHECK(note_begin(span_of(ONE "more\n"), &bad, &e) == COFFER_OK); /* the log's signature under another text */
	wr_put(&bad, span_skip(wr_span(&w), strlen(ONE) + 1));
	CHECK(!strcmp(refusal(&x, &bad), "ledger-signature"));
}

static void open_refuses_a_cosignature_that_does_not_verify(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(NOTE_MAX), moved = wr_open(NOTE_MAX), plain = wr_open(NOTE_MAX),
	    line = wr_open(NOTE_MAX);
	CLEANUP(world_close) struct world x;
	struct note n;
	struct err e;
	uint64_t t;

	world_open(&x, 1);
	signed_note(&x, ONE, &moved);
	CHECK(cosign(&x, 0, ONE, 1, &moved) && cosign(&x, 1, SOFA, 1, &moved)); /* enough, but one is for another tree */
	CHECK(!strcmp(refusal(&x, &moved), "ledger-cosignature"));

	signed_note(&x, ONE, &w);
	size_t before = w.n;
	CHECK(cosign(&x, 0, ONE, 1000, &w) && note_parse(wr_span(&w), &n, &e) == COFFER_OK);
	CHECK(checkpoint_cosigned_by(&n, &x.wit[0], &t) == NOTE_GOOD && t == 1000);
	for (size_t i = 0; i < 72; i++) { /* each byte of time and signature */
		n.sigs[1].b[i] ^= 1;
		CHECK(checkpoint_cosigned_by(&n, &x.wit[0], &t) == NOTE_BAD);
		n.sigs[1].b[i] ^= 1;
	}
	n.sigs[1].n = 71;
	CHECK(checkpoint_cosigned_by(&n, &x.wit[0], &t) == NOTE_BAD && checkpoint_cosigned_by(&n, &x.log_key, &t) == NOTE_BAD);
	CHECK(before < w.n);

	signed_note(&x, ONE, &plain); /* a bare signature over the text is no cosignature */
	uint8_t sig[72] = { 0 };
	CHECK(key_sign(x.w[0], span_of(ONE), sig + 8, &e) == COFFER_OK);
	note_sig_line(&x.wit[0], SPAN(sig), &plain);
	CHECK(!strcmp(refusal(&x, &plain), "ledger-cosignature"));

	signed_note(&x, ONE, &line); /* a time over 2^63 - 1, rightly signed */
	CLEANUP(wr_close) struct wr m = wr_open(4096);
	wr_str(&m, "cosignature/v1\ntime 9223372036854775808\n" ONE);
	CHECK(key_sign(x.w[0], wr_span(&m), sig + 8, &e) == COFFER_OK);
	sig[0] = 0x80;
	note_sig_line(&x.wit[0], SPAN(sig), &line);
	CHECK(!strcmp(refusal(&x, &line), "ledger-cosignature"));
}

static void cosign_refuses_what_a_witness_must_not_sign(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(NOTE_MAX);
	CLEANUP(world_close) struct world x;
	struct err e;

	world_open(&x, 1);
	CHECK(!cosign(&x, 0, "not a checkpoint\n", 1, &w) && !cosign(&x, 0, ONE, (uint64_t)INT64_MAX + 1, &w));
	CHECK(checkpoint_cosign(&(struct note_signer){ &x.wit[0], x.w[1] }, span_of(ONE), 1, &w, &e) == COFFER_E_INPUT);
	CHECK(checkpoint_cosign(&(struct note_signer){ &x.log_key, x.log }, span_of(ONE), 1, &w, &e) == COFFER_E_INPUT && w.n ==
	    0);
	CHECK(cosign(&x, 0, ONE, INT64_MAX, &w));
}

static void policy_refuses_what_would_count_one_party_twice(void)
{
	CLEANUP(world_close) struct world x;
	struct err e;

	CLEANUP(wr_close) struct wr w = wr_open(NOTE_MAX);
	struct ledger_seen seen;

	world_open(&x, 2);
	CHECK(ledger_policy_ok(&x.policy, &e) == COFFER_OK);
	signed_note(&x, ONE, &w);
	x.policy.k = 0;
	CHECK(opens(&x, &w, &seen));
	x.policy.k = 2;
	x.policy.k = 4;
	CHECK(ledger_policy_ok(&x.policy, &e) == COFFER_E_INPUT);
	x.policy.k = 2;
	x.policy.n = WITNESSES_MAX + 1;
	CHECK(ledger_policy_ok(&x.policy, &e) == COFFER_E_INPUT);
	x.policy.n = 3;
	struct note_key keep = x.wit[1];
	x.wit[1] = lfix_named("w1.example", NOTE_COSIGNATURE, x.w[1]); /* a name twice */
	CHECK(ledger_policy_ok(&x.policy, &e) == COFFER_E_INPUT);
	x.wit[1] = lfix_named("w2.example", NOTE_COSIGNATURE, x.w[0]); /* a key twice */
	CHECK(ledger_policy_ok(&x.policy, &e) == COFFER_E_INPUT);
	x.wit[1] = lfix_named("w2.example", NOTE_COSIGNATURE, x.log); /* the log's own */
	CHECK(ledger_policy_ok(&x.policy, &e) == COFFER_E_INPUT);
	x.policy.k = 0;
	CHECK(checkpoint_open(wr_span(&w), &x.policy, &seen, &e) == COFFER_E_INPUT); /* also where nobody is counted */
	x.policy.k = 2;
	x.wit[1] = lfix_named("w2.example", NOTE_ED25519, x.w[1]);
	CHECK(ledger_policy_ok(&x.policy, &e) == COFFER_E_INPUT);
	x.wit[1] = keep;
	x.log_key = lfix_named("log.example", NOTE_COSIGNATURE, x.log);
	CHECK(ledger_policy_ok(&x.policy, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case cases[] = { T(parse_reads_the_published_example), T(parse_refuses_other_forms),
		T(write_refuses_what_parse_would), T(open_counts_distinct_witnesses),
		    T(open_refuses_another_log_and_a_missing_signature),
		T(open_refuses_a_cosignature_that_does_not_verify), T(cosign_refuses_what_a_witness_must_not_sign),
		T(policy_refuses_what_would_count_one_party_twice) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
