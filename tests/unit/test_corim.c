/* CoRIM texts made here: what is read of them, under which names, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/corim.h"
#include "tests/corimkit.h"
#include "tests/cosekit.h"
#include "tests/evkit.h"
#include "tests/t.h"

#define MAX (1u << 20)

static enum coffer_rc read_how(const struct corimkit *h, struct corim *c)
{
	static struct wr kept; /* c borrows it */
	struct err e = { 0 };

	wr_close(&kept);
	kept = wr_open(MAX);
	corimkit_write(&kept, h);
	return corim_read(wr_span(&kept), NULL, c, &e);
}

static void names_are_vendor_model_element_and_kind(void)
{
	struct corimkit h = corimkit_plain;
	struct corim c = { 0 };

	CHECK(read_how(&h, &c) == COFFER_OK && c.proof == CORIM_UNSIGNED && c.n == 1);
	CHECK(strcmp(c.v[0].name, "V/M/" CORIMKIT_UUID "/digests") == 0 && c.v[0].n == 1 && c.v[0].bytes[0].n == 32);
	corim_clear(&c);
	h.element = "boot";
	h.name = "loader";
	h.raw = true;
	CHECK(read_how(&h, &c) == COFFER_OK && c.n == 2 && strcmp(c.v[0].name, "V/M/boot/loader/digests") == 0);
	CHECK(strcmp(c.v[1].name, "V/M/boot/loader/raw_bytes") == 0 && span_eq_str(c.v[1].bytes[0], "raw"));
	corim_clear(&c);
	h = corimkit_plain;
	h.number = true;
	CHECK(read_how(&h, &c) == COFFER_OK && strcmp(c.v[0].name, "V/M/claim7/digests") == 0);
	corim_clear(&c);
}

static void names_that_could_be_anothers_are_refused(void)
{
	struct corimkit h = corimkit_plain;
	struct corim c = { .n = 77 };
	char longer[CORIM_NAME_MAX];

	h.element = "a/b";
	CHECK(read_how(&h, &c) == COFFER_E_INPUT && c.n == 77);
	h.element = "a\nb";
	CHECK(read_how(&h, &c) == COFFER_E_INPUT);
	h.element = "";
	CHECK(read_how(&h, &c) == COFFER_E_INPUT);
	h = corimkit_plain;
	h.vendor = "V/M";
	CHECK(read_how(&h, &c) == COFFER_E_INPUT);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	h.vendor = longer;
	CHECK(read_how(&h, &c) == COFFER_E_INPUT);
	longer[CORIM_NAME_MAX - 1 - strlen("/M/" CORIMKIT_UUID "/digests")] = '\0'; /* exactly as long as there is place */
	h.element = CORIMKIT_UUID "x"; /* one more */
	CHECK(read_how(&h, &c) == COFFER_E_INPUT);
	h.element = NULL;
	c = (struct corim){ 0 };
	CHECK(read_how(&h, &c) == COFFER_OK && strlen(c.v[0].name) == CORIM_NAME_MAX - 1);
	corim_clear(&c);
}

static void digests_have_their_algorithms_length_and_a_bound(void)
{
	static const struct {
		int64_t alg;
		size_t len, n;
		bool ok;
	} cases[] = { { 1, 32, 1, true }, { 1, 31, 1, false }, { 7, 48, 1, true }, { 7, 32, 1, false }, { 8, 64, 1, true },
		{ 8, 48, 1, false }, { 99, 20, 1, true }, { 99, 65, 1, false }, { -1, 32, 1, false }, { 99, 0, 1, false },
		{ 1, 32, 0, false }, { 1, 32, CORIM_DIGESTS_MAX, true }, { 1, 32, CORIM_DIGESTS_MAX + 1, false } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct corimkit h = corimkit_plain;
		struct corim c = { 0 };

		h.alg = cases[i].alg;
		h.digest = cases[i].len;
		h.digests = cases[i].n;
		CHECK(read_how(&h, &c) == (cases[i].ok ? COFFER_OK : COFFER_E_INPUT));
		CHECK(!cases[i].ok || c.v[0].n == cases[i].n);
		corim_clear(&c);
	}
}

static void values_are_bounded_and_measurements_have_some(void)
{
	struct corimkit h = corimkit_plain;
	struct corim c = { 0 };

	h.no_values = true;
	CHECK(read_how(&h, &c) == COFFER_E_INPUT);
	h.no_values = false;
	h.measurements = CORIM_VALUES_MAX;
	CHECK(read_how(&h, &c) == COFFER_OK && c.n == CORIM_VALUES_MAX);
	corim_clear(&c);
	h.measurements++;
	CHECK(read_how(&h, &c) == COFFER_E_LIMIT && !c.v);
}

static void one_name_is_one_list_in_json(void)
{
	CLEANUP(wr_close) struct wr in = wr_open(MAX), out = wr_open(MAX);
	struct json_wr j = jw_open(&out, false);
	struct json_doc *d = NULL;
	struct corimkit h = corimkit_plain;
	struct err e = { 0 };
	const struct json *list;

	h.measurements = 2;
	corimkit_write(&in, &h);
	CHECK(corim_reference_values(wr_span(&in), &j, &e) == COFFER_OK);
	CHECK(json_parse(wr_span(&out), MAX, &d, &e) == COFFER_OK && json_len(json_root(d)) == 1);
	list = json_get(json_root(d), "V/M/" CORIMKIT_UUID "/digests");
	CHECK(json_len(list) == 2 && span_starts(json_str(json_at(list, 1)), "a0a0"));
	json_free(d);
}

/* ---- signatures ---- */

static struct vkey *public_of(EVP_PKEY *k)
{
	CLEANUP(wr_close) struct wr der = wr_open(MAX);
	struct vkey *v = NULL;
	struct err e = { 0 };

	evkit_spki(k, &der);
	CHECK(vkey_spki(wr_span(&der), &v, &e) == COFFER_OK);
	return v;
}

static void signature_is_demanded_where_a_key_is_given(void)
{
	CLEANUP(wr_close) struct wr in = wr_open(MAX), p = wr_open(MAX), msg = wr_open(MAX);
	EVP_PKEY *k = evkit_ec("P-256"), *o = evkit_ec("P-256");
	struct vkey *key = public_of(k), *other = public_of(o);
	struct corim c = { .n = 77 };
	struct err e = { 0 };

	corimkit_write(&in, &corimkit_plain);
	CHECK(corim_read(wr_span(&in), key, &c, &e) == COFFER_E_DENIED && strcmp(e.check, "corim") == 0 && c.n == 77);
	cosekit_protected(-7, &p);
	cb_tag(&msg, 500);
	cb_tag(&msg, 502);
	cosekit_sign(k, &(struct cosekit){ .protected = wr_span(&p), .alg = -7 }, wr_span(&in), &msg);
	CHECK(corim_read(wr_span(&msg), other, &c, &e) == COFFER_E_DENIED && c.n == 77);
	CHECK(corim_read(wr_span(&msg), NULL, &c, &e) == COFFER_OK && c.proof == CORIM_UNVERIFIED && c.n == 1);
	corim_clear(&c);
	CHECK(corim_read(wr_span(&msg), key, &c, &e) == COFFER_OK && c.proof == CORIM_VERIFIED && c.n == 1);
	corim_clear(&c);
	msg.p[msg.n - 1] ^= 1;
	CHECK(corim_read(wr_span(&msg), key, &c, &e) == COFFER_E_DENIED);
	vkey_free(key);
	vkey_free(other);
	EVP_PKEY_free(k);
	EVP_PKEY_free(o);
}

static void every_cut_and_other_text_is_refused(void)
{
	static const char *const other[] = { "\xa0", "\x80", "\xd9\x01\xf5\xa0", "\xd9\x01\xf5\xa1\x01\xa0", "\xd9\x01\xf6\xa0" };
	static const size_t len[] = { 1, 1, 4, 6, 4 };
	CLEANUP(wr_close) struct wr in = wr_open(MAX);
	struct corim c = { .n = 77 };
	struct err e = { 0 };

	corimkit_write(&in, &corimkit_plain);
	for (size_t n = 0; n < in.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, in.p, n);
		CHECK(corim_read((struct span){ exact, n }, NULL, &c, &e) == COFFER_E_INPUT && c.n == 77);
		free(exact);
	}
	for (size_t i = 0; i < 5; i++)
		CHECK(
		    corim_read((struct span){ (const uint8_t *)other[i], len[i] }, NULL, &c, &e) == COFFER_E_INPUT && c.n == 77);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(names_are_vendor_model_element_and_kind),
		T(names_that_could_be_anothers_are_refused),
		T(digests_have_their_algorithms_length_and_a_bound),
		T(values_are_bounded_and_measurements_have_some),
		T(one_name_is_one_list_in_json),
		T(signature_is_demanded_where_a_key_is_given),
		T(every_cut_and_other_text_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
