#include "trust/ledger/note.h"

#include "tests/unit/ledger_fix.h"

/* The example of signed-note, "Verifier keys". */
#define FOO_VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define FOO_TEXT "This is an example message.\n"
#define FOO_LINE "\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ON" \
	"ncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
#define FOO_NOTE FOO_TEXT "\n" FOO_LINE

/* The example of the Go checksum database's notes: another maker's key, private too. */
#define PETER_VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PETER_SEED "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define PETER_TEXT "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define PETER_LINE "\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZIn" \
	"NIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

static void published_examples_verify(void)
{
	struct note_key k[2];
	struct note n;
	uint64_t by = 0;
	struct err e;

	CHECK(note_vkey_read(span_of(PETER_VKEY), &k[0], &e) == COFFER_OK && note_vkey_read(span_of(FOO_VKEY), &k[1], &e) ==
	    COFFER_OK);
	CHECK(k[1].id == 0x530d903a && !strcmp(k[1].name, "example.com/foo") && k[1].alg == NOTE_ED25519);
	CHECK(note_parse(span_of(FOO_NOTE), &n, &e) == COFFER_OK && span_eq_str(n.text, FOO_TEXT) && n.n_sigs == 1);
	CHECK(note_verify(&n, k, 2, &by, &e) == COFFER_OK && by == 2);
	CHECK(note_parse(span_of(PETER_TEXT "\n" PETER_LINE), &n, &e) == COFFER_OK && note_verify(&n, k, 2, &by, &e) ==
	    COFFER_OK && by == 1);
	/* the poem of the specification: a blank line within the text, no key published */
	CHECK(note_parse(span_of("Ognuno sta solo sul cuor della terra\ntrafitto da un rag"
	    "gio di sole:\n\ned \xc3\xa8 subito sera.\n\n"
	    "\xe2\x80\x94 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLl"
	    "C+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"),
	    &n, &e) == COFFER_OK && n.n_sigs == 1 && n.sigs[0].id == 0x367ba04b && n.sigs[0].n == 64);
	CHECK(span_ends(n.text, "sera.\n") && note_verify(&n, k, 2, &by, &e) == COFFER_E_DENIED);
}

static void sign_makes_the_published_bytes(void)
{
	CLEANUP(privkey_freep) struct privkey *p = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(NOTE_MAX), v = wr_open(256);
	struct note_key k, made;
	uint8_t raw[33];
	struct err e;

	CHECK(b64_fixed(span_of(PETER_SEED), raw, 33) && privkey_from_raw(KEY_ED25519, (struct span){ raw + 1, 32 }, &p, &e) ==
	    COFFER_OK);
	CHECK(note_vkey_read(span_of(PETER_VKEY), &k, &e) == COFFER_OK);
	CHECK(note_begin(span_of(PETER_TEXT), &w, &e) == COFFER_OK && note_sign(&(struct note_signer){ &k, p },
	    span_of(PETER_TEXT), &w, &e) == COFFER_OK);
	CHECK(span_eq_str(wr_span(&w), PETER_TEXT "\n" PETER_LINE));
	CHECK(note_key_new(span_of("PeterNeumann"), NOTE_ED25519, privkey_public(p), &made, &e) == COFFER_OK);
	note_vkey_write(&made, &v);
	CHECK(span_eq_str(wr_span(&v), PETER_VKEY));
}

static void sign_refuses_a_wrong_key_and_a_wrong_text(void)
{
	CLEANUP(privkey_freep) struct privkey *a = lfix_key(), *b = lfix_key(), *p256 = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(NOTE_MAX), small = wr_open(20);
	struct note_key k = lfix_named("a.example", NOTE_ED25519, a), c = lfix_named("a.example", NOTE_COSIGNATURE, a), out;
	struct err e;

	CHECK(privkey_new(KEY_P256, &p256, &e) == COFFER_OK);
	CHECK(note_sign(&(struct note_signer){ &k, b }, span_of("x\n"), &w, &e) == COFFER_E_INPUT &&
	    note_sign(&(struct note_signer){ &k, p256 }, span_of("x\n"), &w, &e) == COFFER_E_INPUT);
	CHECK(note_sign(&(struct note_signer){ &c, a }, span_of("x\n"), &w, &e) == COFFER_E_INPUT);
	CHECK(note_sign(&(struct note_signer){ &k, a }, span_of("x"), &w, &e) == COFFER_E_INPUT && note_begin(span_of("x"), &w,
	    &e) == COFFER_E_INPUT);
	CHECK(note_begin(span_of("tab\t\n"), &w, &e) == COFFER_E_INPUT && note_begin(span_of("\xff\n"), &w, &e) ==
	    COFFER_E_INPUT && w.n == 0);
	CHECK(note_sign(&(struct note_signer){ &k, a }, span_of("x\n"), &small, &e) == COFFER_E_LIMIT);
	CHECK(note_key_new(span_of("a b"), NOTE_ED25519, privkey_public(a), &out, &e) == COFFER_E_INPUT);
	CHECK(note_key_new(span_of("a"), NOTE_ED25519, privkey_public(p256), &out, &e) == COFFER_E_INPUT);
	CHECK(note_key_new(span_of("a"), (enum note_alg)2, privkey_public(a), &out, &e) == COFFER_E_INPUT);
}

static void vkey_read_refuses_other_text(void)
{
	static const char *const bad[] = { "", "example.com/foo", "example.com/foo+530d903a",
	    "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", /* another id */
		"example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", /* another name */
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l", /* another key */
		"example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", /* upper case */
		"example.com/foo+30d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U==",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k ",
		    "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"exam ple+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k" };
	struct note_key k = { .alg = 99 };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(note_vkey_read(span_of(bad[i]), &k, &e) == COFFER_E_INPUT && k.alg == 99);
	for (size_t n = 0; n < strlen(FOO_VKEY); n++) {
		CLEANUP(freep) uint8_t *cut = lfix_exact((struct span){ (const uint8_t *)FOO_VKEY, n });

		CHECK(note_vkey_read((struct span){ cut, n }, &k, &e) == COFFER_E_INPUT && k.alg == 99);
	}
}

static void parse_refuses_other_forms(void)
{
	static const char *const bad[] = { "", "\n", "\n\n", "text\n", "text\n\n", FOO_TEXT FOO_LINE, "\n" FOO_LINE,
	    /* no text; the line alone */
		FOO_TEXT "\n\xe2\x80\x94 a", FOO_TEXT "\n" FOO_LINE "\n", FOO_TEXT "\n" FOO_LINE "x\n",
		    FOO_TEXT "\n- example.com/foo Uw2QOkk=\n",
		FOO_TEXT "\n\xe2\x80\x94 a+b AAAAAAA=\n", FOO_TEXT "\n\xe2\x80\x94  AAAAAAA=\n",
		    FOO_TEXT "\n\xe2\x80\x94 a\xc2\xa0" "b AAAAAAA=\n",
		FOO_TEXT "\n\xe2\x80\x94 a AAAAAA==\n", /* four bytes: an id and no signature */
		FOO_TEXT "\n\xe2\x80\x94 a AAAAAAA\n", FOO_TEXT "\n\xe2\x80\x94 a AAAAAAB=\n",
		    FOO_TEXT "\n\xe2\x80\x94 a AAAA AAA=\n",
		FOO_TEXT "\n\xe2\x80\x94 a AAAAAAA= \n", "a\tb\n\n" FOO_LINE, "a\x01\n\n" FOO_LINE, "a\r\n\n" FOO_LINE,
		    "a\xff\n\n" FOO_LINE,
		"a\xc0\x80\n\n" FOO_LINE, "a\xed\xa0\x80\n\n" FOO_LINE };
	struct note n = { .n_sigs = 77 };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bool refused = note_parse(span_of(bad[i]), &n, &e) == COFFER_E_INPUT;

		if (!refused)
			printf("# taken: %s\n", bad[i]);
		CHECK(refused && n.n_sigs == 77);
	}
	CHECK(note_parse((struct span){ (const uint8_t *)"a\0b\n\n" FOO_LINE, 5 + strlen(FOO_LINE) }, &n, &e) == COFFER_E_INPUT);
	CHECK(note_parse(span_of(FOO_TEXT "\n\xe2\x80\x94 a AAAAAAA=\n"), &n, &e) == COFFER_OK && n.sigs[0].n == 1);
}

static void parse_refuses_every_truncation(void)
{
	struct note n = { .n_sigs = 77 };
	struct err e;

	for (size_t len = 0; len < strlen(FOO_NOTE); len++) {
		CLEANUP(freep) uint8_t *cut = lfix_exact((struct span){ (const uint8_t *)FOO_NOTE, len });

		CHECK(note_parse((struct span){ cut, len }, &n, &e) != COFFER_OK && n.n_sigs == 77);
	}
}

static void parse_keeps_its_limits(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(4 * NOTE_MAX), big = wr_open(4 * NOTE_MAX), sig = wr_open(4 * NOTE_MAX);
	CLEANUP(freep) uint8_t *zeros = calloc(1, NOTE_MAX);
	struct note n = { 0 };
	struct err e;

	wr_str(&w, FOO_TEXT "\n");
	for (size_t i = 0; i < NOTE_SIGS_MAX; i++)
		wr_str(&w, "\xe2\x80\x94 a AAAAAAA=\n");
	CHECK(note_parse(wr_span(&w), &n, &e) == COFFER_OK && n.n_sigs == NOTE_SIGS_MAX);
	wr_str(&w, "\xe2\x80\x94 a AAAAAAA=\n");
	CHECK(note_parse(wr_span(&w), &n, &e) == COFFER_E_LIMIT);

	for (size_t i = 0; i < NOTE_MAX - strlen("\n\n" FOO_LINE); i++)
		wr_u8(&big, 'x');
	wr_str(&big, "\n\n" FOO_LINE);
	CHECK(note_parse(wr_span(&big), &n, &e) == COFFER_OK);
	CHECK(note_parse((struct span){ big.p, NOTE_MAX - 1 }, &n, &e) == COFFER_E_INPUT);
	wr_str(&big, FOO_LINE);
	CHECK(note_parse(wr_span(&big), &n, &e) == COFFER_E_LIMIT);

	wr_str(&sig, FOO_TEXT "\n\xe2\x80\x94 pq ");
	b64_write(&sig, (struct span){ zeros, 5000 }); /* as long as post-quantum ones */
	wr_str(&sig, "\n");
	CHECK(note_parse(wr_span(&sig), &n, &e) == COFFER_OK && n.sigs[0].n == 4996);
	wr_close(&sig);
	sig = wr_open(4 * NOTE_MAX);
	wr_str(&sig, FOO_TEXT "\n\xe2\x80\x94 pq ");
	b64_write(&sig, (struct span){ zeros, 9000 });
	wr_str(&sig, "\n");
	CHECK(note_parse(wr_span(&sig), &n, &e) == COFFER_E_LIMIT);
}

static void verify_refuses_changed_text_and_signature(void)
{
	CLEANUP(freep) uint8_t *b = lfix_exact(span_of(FOO_NOTE));
	struct note_key k;
	struct note n;
	uint64_t by = 55;
	size_t taken = 0;
	struct err e;

	CHECK(note_vkey_read(span_of(FOO_VKEY), &k, &e) == COFFER_OK);
	for (size_t i = 0; i < strlen(FOO_NOTE) * 8; i++) {
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		if (note_parse((struct span){ b, strlen(FOO_NOTE) }, &n, &e) == COFFER_OK && note_verify(&n, &k, 1, &by,
		    &e) != COFFER_E_DENIED)
			taken++;
		b[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	CHECK(taken == 0 && by == 55);
}

static void verify_passes_over_strangers_and_stops_at_a_bad_known_one(void)
{
	CLEANUP(privkey_freep) struct privkey *a = lfix_key(), *b = lfix_key();
	CLEANUP(wr_close) struct wr w = wr_open(NOTE_MAX);
	struct note_key ka = lfix_named("a.example", NOTE_ED25519, a), kb = lfix_named("b.example", NOTE_ED25519, b), impostor,
		both[2];
	uint8_t junk[64] = { 1 };
	uint64_t by = 0;
	struct note n;
	struct err e;

	both[0] = ka;
	both[1] = kb;
	CHECK(note_begin(span_of("t\n"), &w, &e) == COFFER_OK);
	impostor = ka;
	impostor.id ^= 1; /* the name, not the id */
	note_sig_line(&impostor, SPAN(junk), &w);
	impostor = ka;
	impostor.name[0] = 'c'; /* the id, not the name */
	note_sig_line(&impostor, SPAN(junk), &w);
	CHECK(note_parse(wr_span(&w), &n, &e) == COFFER_OK && note_verify(&n, both, 2, &by, &e) == COFFER_E_DENIED && by == 0);
	CHECK(note_signed_by(&n, &ka) == NOTE_ABSENT);
	CHECK(note_sign(&(struct note_signer){ &ka, a }, span_of("t\n"), &w, &e) == COFFER_OK && note_parse(wr_span(&w), &n,
	    &e) == COFFER_OK);
	CHECK(note_verify(&n, both, 2, &by, &e) == COFFER_OK && by == 1);
	CHECK(note_sign(&(struct note_signer){ &kb, b }, span_of("u\n"), &w, &e) == COFFER_OK && note_parse(wr_span(&w), &n,
	    &e) == COFFER_OK);
	CHECK(note_verify(&n, both, 2, &by, &e) == COFFER_E_DENIED && !strcmp(e.check,
	    "note")); /* another text's signature by b */
	CHECK(note_verify(&n, both, 1, &by, &e) == COFFER_OK); /* who does not know b does not care */
	CHECK(note_verify(&n, both, 65, &by, &e) == COFFER_E_BUG && note_verify(&n, both, 0, &by, &e) == COFFER_E_DENIED);
	struct note_key cosigner = lfix_named("a.example", NOTE_COSIGNATURE, a); /* the same key, for another type of signature */
	CHECK(key_sign(a, span_of("t\n"), junk, &e) == COFFER_OK);
	note_sig_line(&cosigner, SPAN(junk), &w);
	CHECK(note_parse(wr_span(&w), &n, &e) == COFFER_OK && note_signed_by(&n, &cosigner) == NOTE_BAD);
	note_sig_line(&ka, (struct span){ junk, 63 }, &w); /* a second line of a's, too short */
	CHECK(note_parse(wr_span(&w), &n, &e) == COFFER_OK && note_signed_by(&n, &ka) == NOTE_BAD);
}

int main(void)
{
	static const struct t_case cases[] = { T(published_examples_verify), T(sign_makes_the_published_bytes),
		T(sign_refuses_a_wrong_key_and_a_wrong_text), T(vkey_read_refuses_other_text), T(parse_refuses_other_forms),
		T(parse_refuses_every_truncation), T(parse_keeps_its_limits), T(verify_refuses_changed_text_and_signature),
		T(verify_passes_over_strangers_and_stops_at_a_bad_known_one) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
