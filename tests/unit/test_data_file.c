#include "trust/data_file.h"

#include <stdio.h>

#include "crypto/cipher.h"
#include "tests/unit/trust_fix.h"

#define FILE_MAX (1u << 20)

static const uint8_t key[DATA_KEY_LEN] = { 1, 2, 3 };

static struct data_header header_of(uint64_t size)
{
	struct data_header h = { .version = 3, .size = size, .name = "patients.csv" };
	struct err e;

	if (asset_path_parse(span_of("kbs:///hospital/data-key/patients"), &h.asset, &e) != COFFER_OK)
		abort();
	return h;
}

static struct data_want want_of(void)
{
	struct data_want w = { .version = 3 };
	struct err e;

	if (asset_path_parse(span_of("hospital/data-key/patients"), &w.asset, &e) != COFFER_OK)
		abort();
	return w;
}

/* Bytes in which no two chunks are alike. */
static struct wr plain_of(size_t n)
{
	struct wr w = wr_open(FILE_MAX);

	for (size_t i = 0; i < n; i++)
		wr_u8(&w, (uint8_t)(i ^ i >> 8 ^ i >> 16));
	return w;
}

static struct wr sealed_of(struct span plain)
{
	struct data_header h = header_of(plain.n);
	struct wr out = wr_open(FILE_MAX);
	const struct data_io io = { data_read_span, &plain, data_write_wr, &out };
	struct err e;

	if (data_file_seal(&h, key, &io, &e) != COFFER_OK)
		abort();
	return out;
}

static enum coffer_rc open_with(struct span file, const struct data_want *want, const uint8_t k[static DATA_KEY_LEN],
    struct wr *out, struct err *e)
{
	const struct data_io io = { data_read_span, &file, data_write_wr, out };
	struct data_header h = { .version = 99 };
	enum coffer_rc rc = data_file_open(want, k, &io, &h, e);

	CHECK((rc == COFFER_OK) == (h.version == 3));
	return rc;
}

static enum coffer_rc open_plain(struct span file, struct wr *out, struct err *e)
{
	const struct data_want want = want_of();

	return open_with(file, &want, key, out, e);
}

static void data_file_round_trips_at_every_boundary(void)
{
	static const size_t sizes[] = { 0, 1, DATA_CHUNK - 1, DATA_CHUNK, DATA_CHUNK + 1, 2 * DATA_CHUNK, 2 * DATA_CHUNK + 77 };
	struct err e;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CLEANUP(wr_close) struct wr plain = plain_of(sizes[i]), file = sealed_of(wr_span(&plain)), back = wr_open(FILE_MAX);
		struct data_header h = header_of(sizes[i]);
		uint64_t size = 0;

		CHECK(open_plain(wr_span(&file), &back, &e) == COFFER_OK && span_eq(wr_span(&plain), wr_span(&back)));
		CHECK(data_file_size(&h, &size, &e) == COFFER_OK && size == file.n);
	}
}

/* The format of guest.md, taken apart by hand. */
static void data_file_seal_writes_the_documented_bytes(void)
{
	CLEANUP(wr_close) struct wr file = sealed_of(span_of("hello")), want = wr_open(4096), salt = wr_open(64);
	const uint8_t iv[GCM_IV] = { [11] = 1 };
	struct data_header h;
	uint8_t k[32], aad[32], plain[5];
	size_t used = 0;
	struct err e;

	CHECK(data_header_parse(wr_span(&file), &h, &used, &e) == COFFER_OK && used + 5 + DATA_TAG == file.n && h.size == 5);
	b64url_write(&salt, SPAN(h.salt));
	wr_str(&want, "COFFERD1");
	wr_be32(&want, (uint32_t)(used - 12));
	wr_fmt(&want,
	    "{\"asset\":\"kbs:///hospital/data-key/patients\",\"chunk\":65536,\"name\":\"patients.csv\",\"salt\":\"%.*s\",\"size\":5,\"version\":3}",
	    (int)salt.n, (const char *)salt.p);
	CHECK(span_eq(wr_span(&want), (struct span){ file.p, used }));
	hkdf_sha256(SPAN(key), SPAN(h.salt), span_of("coffer data v1"), k, sizeof(k));
	sha256((struct span){ file.p, used }, aad);
	CHECK(gcm_open(k, iv, SPAN(aad), (struct span){ file.p + used, 5 }, file.p + used + 5, plain, &e) == COFFER_OK);
	CHECK(span_eq_str(SPAN(plain), "hello"));
}

static void data_file_seal_draws_a_new_salt_each_time(void)
{
	CLEANUP(wr_close) struct wr a = sealed_of(span_of("same")), b = sealed_of(span_of("same"));

	CHECK(a.n == b.n && !span_eq(wr_span(&a), wr_span(&b)));
}

static void data_file_open_refuses_another_asset_version_or_key(void)
{
	CLEANUP(wr_close) struct wr file = sealed_of(span_of("hello")), out = wr_open(64);
	struct data_want asset = want_of(), version = want_of();
	const struct data_want right = want_of();
	const uint8_t other[DATA_KEY_LEN] = { 1, 2, 4 };
	struct err e;

	CHECK(asset_path_parse(span_of("hospital/data-key/others"), &asset.asset, &e) == COFFER_OK);
	version.version = 4;
	CHECK(open_with(wr_span(&file), &asset, key, &out, &e) == COFFER_E_DENIED && strcmp(e.check, "seal") == 0);
	CHECK(open_with(wr_span(&file), &version, key, &out, &e) == COFFER_E_DENIED && strcmp(e.check, "seal") == 0);
	CHECK(open_with(wr_span(&file), &right, other, &out, &e) == COFFER_E_DENIED && strcmp(e.check, "seal") == 0);
	CHECK(out.n == 0);
}

static void data_file_open_refuses_every_flipped_byte(void)
{
	CLEANUP(wr_close) struct wr file = sealed_of(span_of("hello"));
	struct err e;

	for (size_t i = 0; i < file.n; i++) {
		CLEANUP(wr_close) struct wr out = wr_open(64);

		file.p[i] ^= 1;
		CHECK(open_plain(wr_span(&file), &out, &e) != COFFER_OK);
		CHECK(out.n == 0);
		file.p[i] ^= 1;
	}
}

static void data_file_open_refuses_every_prefix(void)
{
	CLEANUP(wr_close) struct wr file = sealed_of(span_of("hello"));
	struct err e;

	for (size_t n = 0; n < file.n; n++) {
		CLEANUP(freep) uint8_t *p = fix_exact((struct span){ file.p, n });
		CLEANUP(wr_close) struct wr out = wr_open(64);

		CHECK(open_plain((struct span){ p, n }, &out, &e) != COFFER_OK && out.n == 0);
	}
}

static void data_file_open_refuses_files_cut_or_extended_by_chunks(void)
{
	CLEANUP(wr_close) struct wr plain = plain_of(3 * DATA_CHUNK), file = sealed_of(wr_span(&plain)), longer = wr_open(FILE_MAX);
	struct err e;

	for (size_t cut = 1; cut <= 3; cut++) {
		CLEANUP(wr_close) struct wr out = wr_open(FILE_MAX);

		CHECK(open_plain((struct span){ file.p, file.n - cut * (DATA_CHUNK + DATA_TAG) }, &out, &e) == COFFER_E_DENIED &&
		    strcmp(e.check, "seal") == 0);
		CHECK(strstr(e.msg, "cut short") != NULL);
	}
	wr_put(&longer, wr_span(&file));
	wr_u8(&longer, 0);
	CLEANUP(wr_close) struct wr out = wr_open(FILE_MAX);
	CHECK(open_plain(wr_span(&longer), &out, &e) == COFFER_E_DENIED && strstr(e.msg, "extended"));
}

static void data_file_open_refuses_reordered_or_foreign_chunks(void)
{
	CLEANUP(wr_close) struct wr plain = plain_of(3 * DATA_CHUNK), a = sealed_of(wr_span(&plain)), b = sealed_of(wr_span(&plain));
	const size_t each = DATA_CHUNK + DATA_TAG, head = a.n - 3 * each;
	CLEANUP(freep) uint8_t *swap = malloc(each);
	CLEANUP(wr_close) struct wr out = wr_open(FILE_MAX), out2 = wr_open(FILE_MAX);
	struct err e;

	memcpy(swap, a.p + head, each);
	memcpy(a.p + head, a.p + head + each, each);
	memcpy(a.p + head + each, swap, each);
	CHECK(open_plain(wr_span(&a), &out, &e) == COFFER_E_DENIED && out.n == 0);
	memcpy(a.p + head + each, a.p + head, each);
	memcpy(a.p + head, swap, each);
	memcpy(a.p + head + each, b.p + head + each, each); /* the same chunk of another sealing */
	CHECK(open_plain(wr_span(&a), &out2, &e) == COFFER_E_DENIED && out2.n == DATA_CHUNK);
}

static void data_file_open_refuses_a_header_beyond_the_limit(void)
{
	CLEANUP(wr_close) struct wr file = wr_open(FILE_MAX), out = wr_open(64);
	struct err e;

	wr_str(&file, "COFFERD1");
	wr_be32(&file, 3 * DATA_HEADER_MAX);
	for (size_t i = 0; i < 3 * DATA_HEADER_MAX; i++)
		wr_u8(&file, ' ');
	CHECK(open_plain(wr_span(&file), &out, &e) == COFFER_E_INPUT && strstr(e.msg, "not a sealed data file"));
	file.p[0] = 'c';
	CHECK(open_plain(wr_span(&file), &out, &e) == COFFER_E_INPUT);
}

/* A header that says less: then the last chunk is not marked as the last. */
static void data_file_open_refuses_a_shortened_size(void)
{
	CLEANUP(wr_close) struct wr plain = plain_of(2 * DATA_CHUNK), file = sealed_of(wr_span(&plain)), out = wr_open(FILE_MAX);
	CLEANUP(freep) char *text = str_fmt("%.*s", (int)(file.n - 12), (const char *)file.p + 12);
	char *at = text ? strstr(text, "\"size\":131072") : NULL;
	struct err e;

	CHECK(at != NULL);
	if (at)
		memcpy(file.p + 12 + (at - text) + 7, "065536", 6);
	CHECK(open_plain(wr_span(&file), &out, &e) != COFFER_OK && out.n == 0);
}

static void data_file_seal_refuses_a_wrong_size_or_header(void)
{
	struct data_header shorter = header_of(5), longer = header_of(7), huge = header_of(DATA_SIZE_MAX + 1), name = header_of(6),
	    version = header_of(6);
	struct data_header *bad[] = { &shorter, &longer, &huge, &name, &version };
	uint64_t size;
	struct err e;

	name.name[0] = '\n';
	version.version = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(wr_close) struct wr out = wr_open(4096);
		struct span in = span_of("sixsix");
		const struct data_io io = { data_read_span, &in, data_write_wr, &out };

		CHECK(data_file_seal(bad[i], key, &io, &e) != COFFER_OK);
		CHECK(i < 2 || (out.n == 0 && data_file_size(bad[i], &size, &e) != COFFER_OK));
	}
}

static enum coffer_rc slow_read(void *arg, uint8_t *p, size_t cap, size_t *n, struct err *e)
{
	return data_read_span(arg, p, cap > 7 ? 7 : cap, n, e);
}

static enum coffer_rc broken_read(void *arg, uint8_t *p, size_t cap, size_t *n, struct err *e)
{
	(void)p;
	*n = cap + 1;
	return arg ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "disk");
}

static enum coffer_rc broken_write(void *arg, struct span s, struct err *e)
{
	(void)arg;
	(void)s;
	return err_set(e, COFFER_E_SYSTEM, "full");
}

static void data_file_works_in_pieces_and_passes_on_failures(void)
{
	CLEANUP(wr_close) struct wr plain = plain_of(DATA_CHUNK + 100), file = sealed_of(wr_span(&plain)), out = wr_open(FILE_MAX);
	const struct data_want want = want_of();
	struct span in = wr_span(&file), in2 = in, in3 = in;
	struct data_header h;
	struct err e;

	CHECK(data_file_open(&want, key, &(struct data_io){ slow_read, &in, data_write_wr, &out }, &h, &e) == COFFER_OK);
	CHECK(span_eq(wr_span(&plain), wr_span(&out)));
	CHECK(data_file_open(&want, key, &(struct data_io){ broken_read, NULL, data_write_wr, &out }, &h, &e) == COFFER_E_SYSTEM);
	CHECK(data_file_open(&want, key, &(struct data_io){ broken_read, &in2, data_write_wr, &out }, &h, &e) == COFFER_E_BUG);
	CHECK(data_file_open(&want, key, &(struct data_io){ data_read_span, &in3, broken_write, NULL }, &h, &e) == COFFER_E_SYSTEM &&
	    strstr(e.msg, "full"));
}

static void data_header_parse_refuses_every_wrong_header(void)
{
	static const struct fix_edit edits[] = {
		{ "\"asset\":\"kbs:///", "\"asset\":\"", "" }, { "\"chunk\":65536", "\"chunk\":4096", "chunk" }, { "patients.csv", "",
		    "name" }, { "patients.csv", "a\\u0007", "name" },
		{ "\"size\":5", "\"size\":-1", "size" }, { "\"size\":5", "\"size\":1099511627777", "size" }, { "\"version\":3",
		    "\"version\":0", "version" },
		{ "\"version\":3", "\"version\":3,\"x\":1", "not known" }, { "\"size\":5,", "", "size" }, { "\"size\":5", "\"size\": 5",
		    "spelling" },
		{ "patients.csv", "p\\u0061tients.csv", "spelling" }, { "\"salt\":\"", "\"salt\":\"A", "salt" },
	};
	CLEANUP(wr_close) struct wr file = sealed_of(span_of("hello"));
	CLEANUP(freep) char *text = NULL;
	struct data_header h;
	size_t used = 0;
	struct err e;

	CHECK(data_header_parse(wr_span(&file), &h, &used, &e) == COFFER_OK);
	text = str_fmt("%.*s", (int)(used - 12), (const char *)file.p + 12);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		CLEANUP(freep) char *bad = fix_edit(text, edits[i].from, edits[i].to);
		CLEANUP(wr_close) struct wr w = wr_open(8192);

		CHECK(bad != NULL);
		wr_str(&w, "COFFERD1");
		wr_blob32(&w, span_of(bad));
		CHECK(fix_refused(data_header_parse(wr_span(&w), &h, &used, &e), &e, &edits[i]));
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(data_file_round_trips_at_every_boundary), T(data_file_seal_writes_the_documented_bytes),
		T(data_file_seal_draws_a_new_salt_each_time), T(data_file_open_refuses_another_asset_version_or_key),
		T(data_file_open_refuses_every_flipped_byte), T(data_file_open_refuses_every_prefix),
		T(data_file_open_refuses_files_cut_or_extended_by_chunks), T(data_file_open_refuses_reordered_or_foreign_chunks),
		T(data_file_open_refuses_a_shortened_size), T(data_file_open_refuses_a_header_beyond_the_limit),
		    T(data_file_seal_refuses_a_wrong_size_or_header),
		T(data_file_works_in_pieces_and_passes_on_failures), T(data_header_parse_refuses_every_wrong_header),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
