/* What a witness signs, and each thing it does not. */
#include "trust/ledger/witness.h"

#include "tests/unit/ledger_fix.h"

#define LEAVES 9

struct fixture {
	struct privkey    *key;
	struct witness_log log;
	struct mhash       leaf[LEAVES];
};

static void fixture_end(struct fixture *f)
{
	privkey_free(f->key);
}

static struct fixture fixture(void)
{
	struct fixture f = { .key = lfix_key() };

	f.log.key = lfix_named("log.example", NOTE_ED25519, f.key);
	merkle_empty(&f.log.head.root);
	for (size_t i = 0; i < LEAVES; i++)
		merkle_leaf((struct span){ (const uint8_t *)&i, sizeof(i) }, &f.leaf[i]);
	return f;
}

static enum coffer_rc read_leaf(void *ctx, unsigned level, uint64_t index, struct mhash *out, struct err *e)
{
	struct fixture *f = ctx;

	(void)e;
	merkle_root(f->leaf + (index << level), (size_t)1 << level, out);
	return COFFER_OK;
}

/* The head of the first n leaves as the log signs it, or as another key does. */
static void note_of(const struct fixture *f, size_t n, const struct note_signer *s, struct wr *w)
{
	CLEANUP(wr_close) struct wr text = wr_open(4096);
	struct checkpoint c = { .origin = span_of("log.example"), .head.size = n };
	struct err e;

	merkle_root(f->leaf, n, &c.head.root);
	if (checkpoint_write(&c, &text, &e) != COFFER_OK || note_begin(wr_span(&text), w, &e) != COFFER_OK ||
	    note_sign(s, wr_span(&text), w, &e) != COFFER_OK)
		abort();
}

static void request(struct fixture *f, size_t old, size_t n, struct wr *w)
{
	CLEANUP(wr_close) struct wr note = wr_open(4096);
	const struct note_signer s = { &f->log.key, f->key };
	const struct merkle_source src = { read_leaf, f };
	struct add_checkpoint q = { .old = old };
	struct err e;

	note_of(f, n, &s, &note);
	q.note = wr_span(&note);
	if (old > 0 && old < n && merkle_prove_consistent(&src, old, n, &q.path, &e) != COFFER_OK)
		abort();
	add_checkpoint_write(&q, w);
}

static int judged(const struct fixture *f, struct span body, struct witness_said *said, struct err *e)
{
	enum coffer_rc rc;

	*e = (struct err){ 0 };
	rc = witness_judge(&f->log, 1, body, said, e);
	CHECK((rc == COFFER_OK) == (said->status == 200));
	return said->status;
}

static int asked(struct fixture *f, size_t old, size_t n, struct witness_said *said, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	int status;

	request(f, old, n, &w);
	status = judged(f, wr_span(&w), said, e);
	said->note = said->text = (struct span){ 0 };
	return status;
}

static void witness_signs_what_continues(void)
{
	CLEANUP(fixture_end) struct fixture f = fixture();
	struct witness_said said;
	struct err e;

	for (size_t n = 1; n <= LEAVES; n++)
		for (size_t old = 0; old <= n; old++) {
			f.log.head.size = old;
			merkle_root(f.leaf, old, &f.log.head.root);
			CHECK(asked(&f, old, n, &said, &e) == 200 && said.head.size == n && !said.fork && said.log == 0);
		}
}

static void witness_names_its_size(void)
{
	CLEANUP(fixture_end) struct fixture f = fixture();
	struct witness_said said;
	uint64_t n = 0;
	struct err e;

	f.log.head.size = 4;
	merkle_root(f.leaf, 4, &f.log.head.root);
	CHECK(asked(&f, 0, 6, &said, &e) == 409 && said.head.size == 4 && !strcmp(e.check, "witness-size") && !said.fork);
	CHECK(asked(&f, 5, 6, &said, &e) == 409 && said.head.size == 4);
	CHECK(asked(&f, 2, 3, &said, &e) == 409 && said.head.size == 4); /* an older head than the one signed */
	CHECK(asked(&f, 7, 6, &said, &e) == 400);
	CHECK(witness_size_read(span_of("4\n"), &n) && n == 4 && witness_size_read(span_of("12"), &n) && n == 12);
	CHECK(!witness_size_read(span_of("4\n\n"), &n) && !witness_size_read(span_of("\n"), &n) && !witness_size_read(span_of("04\n"), &n) &&
	      !witness_size_read(span_of(""), &n) && !witness_size_read(span_of("-1\n"), &n));
}

static void witness_does_not_sign_a_fork(void)
{
	CLEANUP(fixture_end) struct fixture f = fixture();
	struct witness_said said;
	struct err e;

	f.log.head.size = 4;
	merkle_root(f.leaf, 4, &f.log.head.root);
	f.leaf[1].b[0] ^= 1; /* the log goes on from another history */
	CHECK(asked(&f, 4, 4, &said, &e) == 409 && said.fork && !strcmp(e.check, "ledger-fork"));
	CHECK(asked(&f, 0, 4, &said, &e) == 409 && said.fork); /* whatever it says that it had */
	CHECK(asked(&f, 4, 6, &said, &e) == 422 && !said.fork && !strcmp(e.check, "witness-proof"));
	CHECK(asked(&f, 4, 9, &said, &e) == 422);
}

static void witness_knows_whose_signature_it_is(void)
{
	CLEANUP(fixture_end) struct fixture f = fixture();
	CLEANUP(privkey_freep) struct privkey *other = lfix_key();
	struct note_key named = lfix_named("log.example", NOTE_ED25519, other);
	CLEANUP(wr_close) struct wr note = wr_open(4096), w = wr_open(8192);
	struct add_checkpoint q = { 0 };
	struct witness_said said;
	struct err e;

	note_of(&f, 2, &(struct note_signer){ &named, other }, &note);
	q.note = wr_span(&note);
	add_checkpoint_write(&q, &w);
	CHECK(judged(&f, wr_span(&w), &said, &e) == 403 && !strcmp(e.check, "ledger-signature"));
	f.log.key = lfix_named("other.example", NOTE_ED25519, f.key);
	CHECK(judged(&f, wr_span(&w), &said, &e) == 404);
}

static void proof_is_needed_and_nothing_more(void)
{
	CLEANUP(fixture_end) struct fixture f = fixture();
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16), again = wr_open(1u << 16);
	struct add_checkpoint q;
	struct witness_said said;
	struct err e;

	f.log.head.size = 3;
	merkle_root(f.leaf, 3, &f.log.head.root);
	request(&f, 3, 9, &w);
	CHECK(judged(&f, wr_span(&w), &said, &e) == 200);
	CHECK(add_checkpoint_read(wr_span(&w), &q, &e) == COFFER_OK && q.old == 3 && q.path.n > 1);
	q.path.n--;
	add_checkpoint_write(&q, &again);
	CHECK(judged(&f, wr_span(&again), &said, &e) == 422);
	q.path.n += 2;
	q.path.h[q.path.n - 1] = q.path.h[0];
	again.n = 0;
	add_checkpoint_write(&q, &again);
	CHECK(judged(&f, wr_span(&again), &said, &e) == 422);
	q.path.n = MERKLE_PROOF_MAX;
	again.n = 0;
	add_checkpoint_write(&q, &again);
	CHECK(judged(&f, wr_span(&again), &said, &e) == 400);
}

static void every_prefix_and_altered_byte_is_refused(void)
{
	CLEANUP(fixture_end) struct fixture f = fixture();
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct witness_said said;
	struct err e;

	f.log.head.size = 3;
	merkle_root(f.leaf, 3, &f.log.head.root);
	request(&f, 3, 9, &w);
	for (size_t n = 0; n < w.n; n++) {
		CLEANUP(freep) uint8_t *cut = lfix_exact((struct span){ w.p, n });

		CHECK(judged(&f, (struct span){ cut, n }, &said, &e) != 200);
	}
	for (size_t i = 0; i < w.n; i++) {
		w.p[i] ^= 1;
		CHECK(judged(&f, wr_span(&w), &said, &e) != 200);
		w.p[i] ^= 1;
	}
	CHECK(judged(&f, wr_span(&w), &said, &e) == 200);
}

static void other_forms_are_refused(void)
{
	static const char *const bad[] = { "", "\n", "old\n\nx\n", "old \n\nx\n", "old 01\n\nx\n", "old -1\n\nx\n", "OLD 1\n\nx\n", "old 1\nx\n\nx\n",
		"old 1\n\n", "old 1", "old 1\n", "old 18446744073709551616\n\nx\n", "old 1 \n\nx\n" };
	struct add_checkpoint q = { .old = 77 };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(add_checkpoint_read(span_of(bad[i]), &q, &e) == COFFER_E_INPUT && q.old == 77);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(witness_signs_what_continues), T(witness_names_its_size), T(witness_does_not_sign_a_fork), T(witness_knows_whose_signature_it_is),
		T(proof_is_needed_and_nothing_more), T(every_prefix_and_altered_byte_is_refused), T(other_forms_are_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
