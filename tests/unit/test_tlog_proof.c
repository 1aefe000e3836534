#include "trust/ledger/proof.h"

#include "tests/unit/ledger_fix.h"

#define LEAVES 11
#define NOTE "log.example\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\xe2\x80\x94 log.example AAAAAAA=\n"
#define HASH "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
#define HEAD "c2sp.org/tlog-proof@v1\n"

static struct mhash leaves[LEAVES];

static enum coffer_rc subtree(void *ctx, unsigned level, uint64_t index, struct mhash *out, struct err *e)
{
	(void)ctx;
	(void)e;
	merkle_root(leaves + (index << level), (size_t)1 << level, out);
	return COFFER_OK;
}

struct world {
	struct privkey *log, *wit;
	struct note_key log_key, wit_key;
	struct ledger_policy policy;
	struct wr note;
};

static void world_close(struct world *x)
{
	privkey_free(x->log);
	privkey_free(x->wit);
	wr_close(&x->note);
}

static void world_open(struct world *x)
{
	CLEANUP(wr_close) struct wr text = wr_open(4096);
	struct checkpoint c = { .origin = span_of("log.example"), .head.size = LEAVES };
	struct err e;

	x->log = lfix_key();
	x->wit = lfix_key();
	x->log_key = lfix_named("log.example", NOTE_ED25519, x->log);
	x->wit_key = lfix_named("w.example", NOTE_COSIGNATURE, x->wit);
	x->policy = (struct ledger_policy){ &x->log_key, &x->wit_key, 1, 1 };
	x->note = wr_open(NOTE_MAX);
	for (uint8_t i = 0; i < LEAVES; i++)
		merkle_leaf((struct span){ &i, 1 }, &leaves[i]);
	merkle_root(leaves, LEAVES, &c.head.root);
	CHECK(checkpoint_write(&c, &text, &e) == COFFER_OK && note_begin(wr_span(&text), &x->note, &e) == COFFER_OK);
	CHECK(note_sign(&(struct note_signer){ &x->log_key, x->log }, wr_span(&text), &x->note, &e) == COFFER_OK);
	CHECK(checkpoint_cosign(&(struct note_signer){ &x->wit_key, x->wit }, wr_span(&text), 5, &x->note, &e) == COFFER_OK);
}

/* The text of a proof for that leaf. */
static void prove(const struct world *x, uint64_t index, const char *extra, struct wr *w)
{
	CLEANUP(tlog_proof_clear) struct tlog_proof p = { .extra = wr_open(4096), .index = index };
	struct merkle_source s = { subtree, NULL };
	struct err e;

	p.note = wr_span(&x->note);
	wr_str(&p.extra, extra);
	CHECK(merkle_prove(&s, index, LEAVES, &p.path, &e) == COFFER_OK && tlog_proof_write(&p, w, &e) == COFFER_OK);
}

static void proof_travels_and_verifies_to_the_leaf(void)
{
	CLEANUP(world_close) struct world x;

	world_open(&x);
	for (uint64_t i = 0; i < LEAVES; i++) {
		CLEANUP(wr_close) struct wr w = wr_open(TLOG_PROOF_MAX), again = wr_open(TLOG_PROOF_MAX);
		CLEANUP(tlog_proof_clear) struct tlog_proof p = { 0 };
		struct ledger_seen seen;
		struct err e;

		prove(&x, i, i % 2 ? "context" : "", &w);
		CHECK(tlog_proof_parse(wr_span(&w), &p, &e) == COFFER_OK && p.index == i);
		CHECK(span_eq_str(wr_span(&p.extra), i % 2 ? "context" : ""));
		CHECK(tlog_proof_verify(&p, &leaves[i], &x.policy, &seen, &e) == COFFER_OK && seen.cp.head.size == LEAVES &&
		    seen.newest == 5);
		CHECK(tlog_proof_verify(&p, &leaves[(i + 1) % LEAVES], &x.policy, &seen, &e) == COFFER_E_DENIED);
		CHECK(!strcmp(e.check, "ledger-inclusion"));
		CHECK(tlog_proof_write(&p, &again, &e) == COFFER_OK && span_eq(wr_span(&again), wr_span(&w)));
	}
}

static void verify_refuses_a_changed_proof(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(TLOG_PROOF_MAX);
	CLEANUP(world_close) struct world x;
	CLEANUP(tlog_proof_clear) struct tlog_proof p = { 0 };
	struct ledger_seen seen = { .newest = 77 };
	size_t taken = 0;
	struct err e;

	world_open(&x);
	prove(&x, 6, "", &w);
	CHECK(tlog_proof_parse(wr_span(&w), &p, &e) == COFFER_OK);
	p.index ^= 1;
	CHECK(tlog_proof_verify(&p, &leaves[6], &x.policy, &seen, &e) == COFFER_E_DENIED);
	p.index = UINT64_MAX;
	CHECK(tlog_proof_verify(&p, &leaves[6], &x.policy, &seen, &e) == COFFER_E_DENIED);
	p.index = 6;
	p.path.n--;
	CHECK(tlog_proof_verify(&p, &leaves[6], &x.policy, &seen, &e) == COFFER_E_DENIED);
	p.path.n++;
	x.policy.k = 1;
	x.wit_key.name[0] = 'v'; /* the only witness is another */
	CHECK(tlog_proof_verify(&p, &leaves[6], &x.policy, &seen, &e) == COFFER_E_DENIED && !strcmp(e.check, "ledger-witness"));
	x.wit_key.name[0] = 'w';
	CHECK(seen.newest == 77);
	for (size_t i = 0; i < w.n; i++) { /* any byte of the text */
		CLEANUP(tlog_proof_clear) struct tlog_proof q = { 0 };

		w.p[i] ^= 1;
		if (tlog_proof_parse(wr_span(&w), &q, &e) == COFFER_OK &&
		    tlog_proof_verify(&q, &leaves[6], &x.policy, &seen, &e) == COFFER_OK)
			taken++;
		w.p[i] ^= 1;
	}
	CHECK(taken == 0);
}

static void parse_refuses_other_forms(void)
{
	static const char *const bad[] = { "", HEAD, HEAD "\n", HEAD "index 0\n", HEAD "index 0\n\n", HEAD "index 0\n" NOTE,
		"c2sp.org/tlog-proof@v2\nindex 0\n\n" NOTE, " " HEAD "index 0\n\n" NOTE, HEAD "index 00\n\n" NOTE,
		    HEAD "index -1\n\n" NOTE,
		HEAD "index  0\n\n" NOTE, HEAD "Index 0\n\n" NOTE, HEAD "index 18446744073709551616\n\n" NOTE,
		    HEAD "index\n\n" NOTE,
		HEAD "extra \nindex 0\n\n" NOTE, HEAD "extra AA\nindex 0\n\n" NOTE, HEAD "extra AB==\nindex 0\n\n" NOTE,
		HEAD "extra AA==\nextra AA==\nindex 0\n\n" NOTE, HEAD "index 0\nextra AA==\n\n" NOTE,
		    HEAD "extra AA==\n\n" NOTE, HEAD "extra AA==\n",
		HEAD "index 0\nAA==\n\n" NOTE, HEAD "index 0\n" HASH "x\n\n" NOTE, HEAD "index 0\n\n\n" NOTE,
		    HEAD "index 0\r\n\n" NOTE,
		HEAD "index 0\n\nnot a checkpoint\n\n\xe2\x80\x94 log.example AAAAAAA=\n", HEAD "index 0\n\n" NOTE "\n" };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(tlog_proof_clear) struct tlog_proof p = { 0 };
		bool refused = tlog_proof_parse(span_of(bad[i]), &p, &e) == COFFER_E_INPUT;

		if (!refused)
			printf("# taken: %s\n", bad[i]);
		CHECK(refused && !p.note.p && !p.extra.p);
	}
	CLEANUP(tlog_proof_clear) struct tlog_proof p = { 0 };
	CHECK(tlog_proof_parse(span_of(HEAD "extra AA==\nindex 0\n" HASH "\n" NOTE), &p, &e) == COFFER_OK && p.extra.n == 1 &&
	    p.path.n == 1);
}

static void parse_refuses_every_truncation(void)
{
	static const char whole[] = HEAD "extra AA==\nindex 0\n" HASH "\n" NOTE;
	struct err e;

	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		CLEANUP(freep) uint8_t *cut = lfix_exact((struct span){ (const uint8_t *)whole, n });
		CLEANUP(tlog_proof_clear) struct tlog_proof p = { 0 };

		CHECK(tlog_proof_parse((struct span){ cut, n }, &p, &e) != COFFER_OK && !p.extra.p);
	}
}

static void parse_keeps_its_limits(void)
{
	CLEANUP(freep) uint8_t *zeros = calloc(1, TLOG_PROOF_MAX + 1);
	struct err e;

	for (size_t more = 0; more < 2; more++) {
		CLEANUP(wr_close) struct wr path = wr_open(TLOG_PROOF_MAX), extra = wr_open(TLOG_PROOF_MAX);
		CLEANUP(tlog_proof_clear) struct tlog_proof p = { 0 }, q = { 0 };

		wr_str(&path, HEAD "index 0\n");
		for (size_t i = 0; i < MERKLE_PROOF_MAX + more; i++)
			wr_str(&path, HASH);
		wr_str(&path, "\n" NOTE);
		CHECK(tlog_proof_parse(wr_span(&path), &p, &e) == (more ? COFFER_E_LIMIT : COFFER_OK));
		wr_str(&extra, HEAD "extra ");
		b64_write(&extra, (struct span){ zeros, TLOG_PROOF_EXTRA_MAX + 8 * more });
		wr_str(&extra, "\nindex 0\n\n" NOTE);
		CHECK(tlog_proof_parse(wr_span(&extra), &q, &e) == (more ? COFFER_E_LIMIT : COFFER_OK));
	}
	CLEANUP(tlog_proof_clear) struct tlog_proof p = { 0 };
	CHECK(tlog_proof_parse((struct span){ zeros, TLOG_PROOF_MAX + 1 }, &p, &e) == COFFER_E_LIMIT);
}

static void write_refuses_a_note_that_is_no_checkpoint(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(TLOG_PROOF_MAX);
	CLEANUP(tlog_proof_clear) struct tlog_proof p = { .note = span_of("text\n\n\xe2\x80\x94 log.example AAAAAAA=\n") };
	struct err e;

	CHECK(tlog_proof_write(&p, &w, &e) == COFFER_E_INPUT && w.n == 0);
	p.note = span_of(NOTE);
	p.path.n = MERKLE_PROOF_MAX + 1;
	CHECK(tlog_proof_write(&p, &w, &e) == COFFER_E_LIMIT && w.n == 0);
}

int main(void)
{
	static const struct t_case cases[] = { T(proof_travels_and_verifies_to_the_leaf), T(verify_refuses_a_changed_proof),
		T(parse_refuses_other_forms), T(parse_refuses_every_truncation), T(parse_keeps_its_limits),
		T(write_refuses_a_note_that_is_no_checkpoint) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
