#include "fmt/inflate.h"

#include "fmt_help.h"
#include "tests/t.h"

/* "hello " by zlib, behind a header with a file name field (RFC 1952 section 2.3). */
static const uint8_t known_gz[] = {
	0x1f, 0x8b, 0x08, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x6e, 0x00, 0xcb, 0x48, 0xcd, 0xc9,
	0xc9, 0x57, 0x00, 0x00, 0xf6, 0xf9, 0x81, 0xed, 0x06, 0x00, 0x00, 0x00,
};

struct sink {
	struct wr w;
	size_t    pieces;
	bool      refuse;
};

static enum coffer_rc take(void *arg, struct span piece, struct err *e)
{
	struct sink *s = arg;

	s->pieces++;
	if (s->refuse)
		return err_set(e, COFFER_E_SYSTEM, "sink: disk full");
	wr_put(&s->w, piece);
	return COFFER_OK;
}

/* Decompresses in pieces of `step` bytes from exact-size copies. */
static enum coffer_rc run(enum inflate_kind k, struct span in, size_t step, uint64_t max, struct sink *s, struct err *e)
{
	CLEANUP(inflate_freep) struct inflate *z = NULL;

	TRY(inflate_open(k, max, take, s, &z, e));
	while (in.n) {
		size_t n = in.n < step ? in.n : step;
		CLEANUP(freep) uint8_t *p = malloc(n);
		enum coffer_rc rc;

		if (!p)
			abort();
		memcpy(p, in.p, n);
		rc = inflate_add(z, (struct span){ p, n }, e);
		if (rc != COFFER_OK) {
			struct err again = { 0 };

			CHECK(inflate_add(z, (struct span){ p, n }, &again) != COFFER_OK); /* failure sticks */
			CHECK(inflate_end(z, &again) != COFFER_OK);
			return rc;
		}
		in = span_skip(in, n);
	}
	return inflate_end(z, e);
}

/* What the text of the tests is: n bytes that neither repeat nor look random. */
static void content(struct wr *w, size_t n)
{
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		wr_u8(w, (uint8_t)(i % 7 ? 'a' + (x >> 28) : x >> 24));
	}
}

static void pack(enum inflate_kind k, struct span in, struct wr *out)
{
	struct err e = { 0 };

	CHECK((k == INFLATE_GZIP ? gzip(in, out, &e) : zstd_compress(in, out, &e)) == COFFER_OK);
}

static bool gives(enum inflate_kind k, struct span in, size_t step, struct span want)
{
	struct sink s = { .w = wr_open(1 << 24) };
	struct err e = { 0 };
	bool ok = run(k, in, step, want.n, &s, &e) == COFFER_OK && span_eq(wr_span(&s.w), want);

	if (!ok)
		printf("# kind %d, step %zu: \"%s\", %zu bytes\n", (int)k, step, e.msg, s.w.n);
	wr_close(&s.w);
	return ok;
}

static bool fails(enum inflate_kind k, struct span in, size_t step, uint64_t max, enum coffer_rc want)
{
	struct sink s = { .w = wr_open(1 << 24) };
	struct err e = { 0 };
	enum coffer_rc rc = run(k, in, step, max, &s, &e);

	if (rc != want)
		printf("# kind %d, step %zu: rc %d \"%s\"\n", (int)k, step, (int)rc, e.msg);
	CHECK(s.w.n <= max);
	wr_close(&s.w);
	return rc == want;
}

static void gunzip_known_member_with_name_field(void)
{
	for (size_t step = 1; step <= sizeof(known_gz); step++)
		CHECK(gives(INFLATE_GZIP, SPAN(known_gz), step, span_of("hello ")));
}

static void inflate_round_trips_at_every_split(void)
{
	static const size_t sizes[] = { 0, 1, 100, 5000 };

	for (size_t i = 0; i < 4; i++)
		for (int k = INFLATE_GZIP; k <= INFLATE_ZSTD; k++) {
			CLEANUP(wr_close) struct wr raw = wr_open(1 << 20), z = wr_open(1 << 20);

			content(&raw, sizes[i]);
			pack((enum inflate_kind)k, wr_span(&raw), &z);
			pack((enum inflate_kind)k, wr_span(&raw), &z); /* a second member or frame */
			content(&raw, sizes[i]);
			for (size_t step = 1; step <= z.n; step += step < 60 ? 1 : 97)
				CHECK(gives((enum inflate_kind)k, wr_span(&z), step, wr_span(&raw)));
		}
}

static void inflate_large_content_round_trips(void)
{
	for (int k = INFLATE_NONE; k <= INFLATE_ZSTD; k++) {
		CLEANUP(wr_close) struct wr raw = wr_open(1 << 24), z = wr_open(1 << 24);

		content(&raw, 3 << 20);
		if (k == INFLATE_NONE)
			wr_put(&z, wr_span(&raw));
		else
			pack((enum inflate_kind)k, wr_span(&raw), &z);
		CHECK(k == INFLATE_NONE || z.n < raw.n);
		CHECK(gives((enum inflate_kind)k, wr_span(&z), 65536, wr_span(&raw)));
		CHECK(gives((enum inflate_kind)k, wr_span(&z), 1 << 24, wr_span(&raw)));
	}
}

static void inflate_every_prefix_is_refused(void)
{
	for (int k = INFLATE_GZIP; k <= INFLATE_ZSTD; k++) {
		CLEANUP(wr_close) struct wr raw = wr_open(1 << 20), z = wr_open(1 << 20);

		content(&raw, 600);
		pack((enum inflate_kind)k, wr_span(&raw), &z);
		for (size_t n = 0; n < z.n; n++) {
			CHECK(fails((enum inflate_kind)k, (struct span){ z.p, n }, n + 1, 1 << 20, COFFER_E_INPUT));
			CHECK(fails((enum inflate_kind)k, (struct span){ z.p, n }, 7, 1 << 20, COFFER_E_INPUT));
		}
	}
}

static void gunzip_wrong_checksum_or_length_is_refused(void)
{
	CLEANUP(wr_close) struct wr raw = wr_open(1 << 20), z = wr_open(1 << 20);

	content(&raw, 600);
	pack(INFLATE_GZIP, wr_span(&raw), &z);
	for (size_t i = z.n - 8; i < z.n; i++) {
		z.p[i] ^= 1;
		CHECK(fails(INFLATE_GZIP, wr_span(&z), z.n, 1 << 20, COFFER_E_INPUT));
		CHECK(fails(INFLATE_GZIP, wr_span(&z), 3, 1 << 20, COFFER_E_INPUT));
		z.p[i] ^= 1;
	}
	CHECK(gives(INFLATE_GZIP, wr_span(&z), z.n, wr_span(&raw)));
}

static void zstd_wrong_checksum_is_refused(void)
{
	CLEANUP(wr_close) struct wr raw = wr_open(1 << 20), z = wr_open(1 << 20);

	content(&raw, 600);
	pack(INFLATE_ZSTD, wr_span(&raw), &z);
	z.p[z.n - 1] ^= 1;
	CHECK(fails(INFLATE_ZSTD, wr_span(&z), z.n, 1 << 20, COFFER_E_INPUT));
}

static void zstd_skippable_frame_is_skipped(void)
{
	static const uint8_t skip[] = { 0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z' };
	CLEANUP(wr_close) struct wr z = wr_open(1000);

	wr_put(&z, SPAN(skip));
	pack(INFLATE_ZSTD, span_of("abc"), &z);
	wr_put(&z, SPAN(skip));
	for (size_t step = 1; step <= z.n; step++)
		CHECK(gives(INFLATE_ZSTD, wr_span(&z), step, span_of("abc")));
}

/* Magic number of zstd 0.6, from before RFC 8878; many libzstd still read it. */
static void zstd_legacy_frames_are_refused(void)
{
	static const uint8_t old[] = { 0x26, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 0x09, 0x00 };
	CLEANUP(wr_close) struct wr z = wr_open(1000);

	pack(INFLATE_ZSTD, span_of("abc"), &z);
	wr_put(&z, SPAN(old));
	for (size_t step = 1; step <= z.n; step++) {
		CHECK(fails(INFLATE_ZSTD, SPAN(old), step, 1000, COFFER_E_INPUT));
		CHECK(fails(INFLATE_ZSTD, wr_span(&z), step, 1000, COFFER_E_INPUT));
	}
}

static void inflate_trailing_garbage_is_refused(void)
{
	for (int k = INFLATE_GZIP; k <= INFLATE_ZSTD; k++)
		for (size_t n = 1; n < 20; n++) {
			CLEANUP(wr_close) struct wr z = wr_open(1000);

			pack((enum inflate_kind)k, span_of("abc"), &z);
			for (size_t i = 0; i < n; i++)
				wr_u8(&z, 0);
			CHECK(fails((enum inflate_kind)k, wr_span(&z), z.n, 1000, COFFER_E_INPUT));
			CHECK(fails((enum inflate_kind)k, wr_span(&z), 1, 1000, COFFER_E_INPUT));
		}
	CHECK(fails(INFLATE_GZIP, span_of("plain text, no gzip at all"), 5, 1000, COFFER_E_INPUT));
	CHECK(fails(INFLATE_ZSTD, span_of("plain text, no zstd at all"), 5, 1000, COFFER_E_INPUT));
}

static void inflate_bomb_stops_at_the_limit(void)
{
	CLEANUP(wr_close) struct wr raw = wr_open(1 << 24);

	for (size_t i = 0; i < 3 << 20; i++)
		wr_u8(&raw, 0);
	for (int k = INFLATE_NONE; k <= INFLATE_ZSTD; k++) {
		CLEANUP(wr_close) struct wr z = wr_open(1 << 24);

		if (k == INFLATE_NONE)
			wr_put(&z, wr_span(&raw));
		else
			pack((enum inflate_kind)k, wr_span(&raw), &z);
		CHECK(fails((enum inflate_kind)k, wr_span(&z), z.n, raw.n - 1, COFFER_E_LIMIT));
		CHECK(fails((enum inflate_kind)k, wr_span(&z), z.n, 0, COFFER_E_LIMIT));
		CHECK(gives((enum inflate_kind)k, wr_span(&z), z.n, wr_span(&raw)));
	}
}

static void inflate_sink_failure_is_passed_on(void)
{
	for (int k = INFLATE_GZIP; k <= INFLATE_ZSTD; k++) {
		CLEANUP(wr_close) struct wr z = wr_open(1000);
		struct sink s = { .refuse = true };
		struct err e = { 0 };

		pack((enum inflate_kind)k, span_of("abc"), &z);
		CHECK(run((enum inflate_kind)k, wr_span(&z), z.n, 1000, &s, &e) == COFFER_E_SYSTEM && s.pieces == 1);
	}
}

static void compression_is_deterministic(void)
{
	CLEANUP(wr_close) struct wr raw = wr_open(1 << 20), a = wr_open(1 << 20), b = wr_open(1 << 20), c = wr_open(1 << 20),
		d = wr_open(1 << 20);
	static const uint8_t head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff };

	content(&raw, 300000);
	pack(INFLATE_GZIP, wr_span(&raw), &a);
	pack(INFLATE_GZIP, wr_span(&raw), &b);
	pack(INFLATE_ZSTD, wr_span(&raw), &c);
	pack(INFLATE_ZSTD, wr_span(&raw), &d);
	CHECK(span_eq(wr_span(&a), wr_span(&b)) && span_eq(wr_span(&c), wr_span(&d)));
	CHECK(a.n > 10 && span_eq((struct span){ a.p, 10 }, SPAN(head))); /* no name, time 0 */
}

static void compression_into_a_full_writer_fails(void)
{
	CLEANUP(wr_close) struct wr a = wr_open(4), b = wr_open(4), z = wr_open(100), out = wr_open(2);
	struct err e = { 0 };

	CHECK(gzip(span_of("abc"), &a, &e) == COFFER_E_LIMIT);
	CHECK(zstd_compress(span_of("abc"), &b, &e) == COFFER_E_LIMIT);
	pack(INFLATE_GZIP, span_of("abc"), &z);
	CHECK(gunzip(wr_span(&z), 100, &out, &e) == COFFER_E_LIMIT);
}

static void gunzip_limits_and_result(void)
{
	CLEANUP(wr_close) struct wr z = wr_open(100), a = wr_open(100), b = wr_open(100), c = wr_open(100);
	struct err e = { 0 };

	pack(INFLATE_GZIP, span_of("abc"), &z);
	CHECK(gunzip(wr_span(&z), 3, &a, &e) == COFFER_OK && span_eq_str(wr_span(&a), "abc"));
	CHECK(gunzip(wr_span(&z), 2, &b, &e) == COFFER_E_LIMIT);
	CHECK(gunzip((struct span){ 0 }, 2, &c, &e) == COFFER_E_INPUT);
}

/* A header with every optional part: extra field, name, comment, checksum; then the data of known_gz. */
static const uint8_t full_head[] = { 0x1f, 0x8b, 0x08, 0x1e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x03, 0x00, 0x00, 0x61, 0x62, 0x6e, 0x00, 0x63, 0x00, 0xaf, 0xb1 };

static enum coffer_rc with_head(const uint8_t *head, size_t step)
{
	CLEANUP(wr_close) struct wr in = wr_open(256);
	struct sink s = { .w = wr_open(64) };
	struct err e = { 0 };
	enum coffer_rc rc;

	wr_put(&in, (struct span){ head, sizeof(full_head) });
	wr_put(&in, (struct span){ known_gz + 12, sizeof(known_gz) - 12 });
	rc = run(INFLATE_GZIP, wr_span(&in), step, 64, &s, &e);
	CHECK(rc != COFFER_OK || span_eq_str(wr_span(&s.w), "hello "));
	wr_close(&s.w);
	return rc;
}

/* isa-l's own header reader gave other answers for a header that came in pieces. */
static void gzip_header_with_every_part_is_read_the_same_in_any_pieces(void)
{
	for (size_t step = 1; step <= sizeof(full_head) + 32; step++)
		CHECK(with_head(full_head, step) == COFFER_OK);
}

static void gzip_header_that_is_wrong_anywhere_is_refused_in_any_pieces(void)
{
	for (size_t i = 0; i < sizeof(full_head); i++) {
		uint8_t bad[sizeof(full_head)];

		memcpy(bad, full_head, sizeof(bad));
		bad[i] ^= 0x20; /* in the flags: a reserved bit; elsewhere the header's checksum tells */
		CHECK(with_head(bad, 1) == COFFER_E_INPUT && with_head(bad, 1000) == COFFER_E_INPUT);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(gzip_header_with_every_part_is_read_the_same_in_any_pieces), T(gzip_header_that_is_wrong_anywhere_is_refused_in_any_pieces),
		T(gunzip_known_member_with_name_field), T(inflate_round_trips_at_every_split),
			T(inflate_large_content_round_trips),
		T(inflate_every_prefix_is_refused), T(gunzip_wrong_checksum_or_length_is_refused),
			T(zstd_wrong_checksum_is_refused),
		T(zstd_skippable_frame_is_skipped), T(zstd_legacy_frames_are_refused),
		T(inflate_trailing_garbage_is_refused), T(inflate_bomb_stops_at_the_limit),
		T(inflate_sink_failure_is_passed_on), T(compression_is_deterministic), T(compression_into_a_full_writer_fails),
		T(gunzip_limits_and_result),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
