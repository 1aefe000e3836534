#include "fmt/enc.h"
#include "fmt/utf8.h"

#include "fmt_help.h"
#include "tests/t.h"

typedef void (*write_fn)(struct wr *w, struct span s);
typedef bool (*read_fn)(struct span s, struct wr *w);
typedef bool (*fixed_fn)(struct span s, uint8_t *dst, size_t n);

static bool encodes(write_fn fn, const char *in, const char *want)
{
	CLEANUP(wr_close) struct wr w = wr_open(1000);

	fn(&w, span_of(in));
	return wr_ok(&w) && span_eq_str(wr_span(&w), want);
}

static bool decodes(read_fn fn, const char *in, const char *want)
{
	CLEANUP(wr_close) struct wr w = wr_open(1000);

	return fn(span_of(in), &w) && span_eq_str(wr_span(&w), want);
}

/* Refused by the reader, and by the fixed form for every length it could mean. */
static bool no(read_fn fn, fixed_fn fixed, const char *in)
{
	CLEANUP(wr_close) struct wr w = wr_open(1000);
	uint8_t dst[64];
	bool ok = !fn(span_of(in), &w);

	memset(dst, 0x5A, sizeof(dst));
	for (size_t n = 0; n < sizeof(dst); n++)
		ok = ok && !fixed(span_of(in), dst, n) && dst[0] == 0x5A;
	return ok;
}

/* RFC 4648 section 10. */
static void enc_rfc4648_vectors(void)
{
	static const char *const t[][4] = {
		{ "", "", "", "" }, { "f", "Zg==", "Zg", "66" }, { "fo", "Zm8=", "Zm8", "666f" }, { "foo", "Zm9v", "Zm9v",
			"666f6f" },
		{ "foob", "Zm9vYg==", "Zm9vYg", "666f6f62" }, { "fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172" }, { "\xfb\xff\xfe", "+//+", "-__-", "fbfffe" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CHECK(encodes(b64_write, t[i][0], t[i][1]) && decodes(b64_read, t[i][1], t[i][0]));
		CHECK(encodes(b64url_write, t[i][0], t[i][2]) && decodes(b64url_read, t[i][2], t[i][0]));
		CHECK(encodes(hex_write, t[i][0], t[i][3]) && decodes(hex_read, t[i][3], t[i][0]));
	}
	CHECK(decodes(hex_read, "666F6f", "foo"));
}

static void enc_other_forms_are_refused(void)
{
	static const char *const b64[] = { "Zg", "Zg=", "Zg===", "Z", "Z===", "====", "=", "Zg==\n", " Zg==", "Zm 9", "Zm9v=",
		"Zg==Zg==",
					   "Zh==", "Zm9=", "Zm-_", "Zm9v====", "Zm\xc3\xa9", "Zg=a", "Z=g=" };
	static const char *const url[] = { "Zg==", "Zm8=", "Z", "Zm9vZ", "Zm+/", "Zh", "Zm9", "Zm9v\n", "Zm 9v", "Zm9v=" };
	static const char *const hex[] = { "6", "666", "6g", "0x66", " 66", "66 ", "6\xff", "/0", ":0", "@a", "G0", "`0" };

	for (size_t i = 0; i < sizeof(b64) / sizeof(b64[0]); i++)
		CHECK(no(b64_read, b64_fixed, b64[i]));
	for (size_t i = 0; i < sizeof(url) / sizeof(url[0]); i++)
		CHECK(no(b64url_read, b64url_fixed, url[i]));
	for (size_t i = 0; i < sizeof(hex) / sizeof(hex[0]); i++)
		CHECK(no(hex_read, hex_fixed, hex[i]));
}

/* A text of that character and good ones behind it. */
static bool takes(read_fn fn, fixed_fn fixed, uint8_t c, const char *rest, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(8);
	uint8_t text[4] = { c }, dst[3];
	struct span s = { text, 1 + strlen(rest) };
	bool ok;

	memcpy(text + 1, rest, strlen(rest));
	ok = fn(s, &w);
	CHECK(ok == fixed(s, dst, n));
	return ok;
}

static void enc_alphabets_have_no_other_character(void)
{
	static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", hex[] = "0123456789abcdefABCDEF";

	for (unsigned c = 0; c < 256; c++) {
		bool in_both = memchr(common, (int)c, sizeof(common) - 1) != NULL;

		CHECK(takes(b64_read, b64_fixed, (uint8_t)c, "AAA", 3) == (in_both || c == '+' || c == '/'));
		CHECK(takes(b64url_read, b64url_fixed, (uint8_t)c, "AAA", 3) == (in_both || c == '-' || c == '_'));
		CHECK(takes(hex_read, hex_fixed, (uint8_t)c, "0", 1) == (memchr(hex, (int)c, sizeof(hex) - 1) != NULL));
	}
}

static bool round_trip(write_fn wfn, read_fn rfn, fixed_fn ffn, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(8000), back = wr_open(8000);
	CLEANUP(freep) uint8_t *p = malloc(s.n + 1), *in = NULL;

	wfn(&w, s);
	in = malloc(w.n + 1);
	if (!p || !in || !wr_ok(&w))
		return false;
	if (w.n)
		memcpy(in, w.p, w.n);
	return rfn((struct span){ in, w.n }, &back) && span_eq(wr_span(&back), s) && ffn((struct span){ in, w.n }, p, s.n) &&
	       span_eq((struct span){ p, s.n }, s) && !ffn((struct span){ in, w.n }, p, s.n + 1) &&
	       (s.n == 0 || !ffn((struct span){ in, w.n }, p, s.n - 1));
}

static void enc_every_length_round_trips(void)
{
	uint8_t b[1300];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 167 + (i >> 8) * 13);
	for (size_t n = 0; n < sizeof(b); n++) {
		CHECK(round_trip(b64_write, b64_read, b64_fixed, (struct span){ b, n }));
		CHECK(round_trip(b64url_write, b64url_read, b64url_fixed, (struct span){ b, n }));
		CHECK(round_trip(hex_write, hex_read, hex_fixed, (struct span){ b, n }));
	}
}

static void enc_full_writer_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(2), v = wr_open(2);

	CHECK(!b64_read(span_of("Zm9v"), &w));
	CHECK(!hex_read(span_of("666f6f"), &v));
}

static void hex32_writes_64_digits_and_nul(void)
{
	uint8_t d[32];
	char out[HEX32_LEN];

	for (size_t i = 0; i < 32; i++)
		d[i] = (uint8_t)(i * 8 + 7);
	hex32(d, out);
	CHECK(strcmp(out, "070f171f272f373f474f575f676f777f878f979fa7afb7bfc7cfd7dfe7eff7ff") == 0);
}

/* Every scalar value survives, every other 4-byte string is refused or shorter. */
static void utf8_all_scalar_values_round_trip(void)
{
	uint8_t b[4];
	size_t bad = 0;

	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		size_t n = utf8_put(c, b);
		bool surrogate = c >= 0xD800 && c <= 0xDFFF;

		bad += utf8_seq((struct span){ b, n }) != (surrogate ? 0 : n);
		for (size_t k = 1; k < n; k++)
			bad += utf8_seq((struct span){ b, k }) != 0;
	}
	CHECK(bad == 0);
	CHECK(utf8_seq((struct span){ 0 }) == 0);
}

static void utf8_ok_finds_the_fault_at_every_place(void)
{
	char t[] = "0123456789abcdef\xc3\xa9ghijklmnopqrstuv\xf0\x9f\x98\x80wx";

	CHECK(utf8_ok(span_of(t)) && utf8_ok((struct span){ 0 }));
	for (size_t i = 0; t[i]; i++) {
		char was = t[i];

		t[i] = (char)0xFF;
		CHECK(!utf8_ok(span_of(t)));
		t[i] = was;
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(enc_rfc4648_vectors), T(enc_other_forms_are_refused), T(enc_alphabets_have_no_other_character), T(enc_every_length_round_trips),
			T(enc_full_writer_is_refused),
		T(hex32_writes_64_digits_and_nul), T(utf8_all_scalar_values_round_trip),
			T(utf8_ok_finds_the_fault_at_every_place),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
