#include "image/sign.h"

#include "crypto/pem.h"
#include "fmt/enc.h"
#include "tests/unit/image_help.h"

#define D "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TYPE "\"type\":\"cosign container image signature\""
#define CRITICAL(type, image, identity) "{\"critical\":{\"identity\":" identity ",\"image\":" image "," type "},\"optional\":null}"
#define IMAGE "{\"docker-manifest-digest\":\"" D "\"}"
#define IDENTITY "{\"docker-reference\":\"r.io/a\"}"

static bool reads(struct span s)
{
	CLEANUP(sign_payload_clear) struct sign_payload p = { 0 };
	struct err e;
	bool ok = sign_payload_parse(s, &p, &e) == COFFER_OK;

	if (!ok && p.doc)
		t_failed = 1;
	return ok;
}

static void payload_parse_is_closed_where_it_is_critical(void)
{
	static const char good[] = CRITICAL(TYPE, IMAGE, IDENTITY);
	static const char *const bad[] = {
		CRITICAL("\"type\":\"atomic container signature\"", IMAGE, IDENTITY), CRITICAL(TYPE ",\"x\":1", IMAGE, IDENTITY),
		CRITICAL(TYPE, "{\"docker-manifest-digest\":\"sha256:00\"}", IDENTITY), CRITICAL(TYPE, "{\"docker-manifest-digest\":\"" D "\",\"x\":1}", IDENTITY),
		CRITICAL(TYPE, IMAGE, "{\"docker-reference\":\"\"}"), CRITICAL(TYPE, IMAGE, "{\"docker-reference\":1}"), CRITICAL(TYPE, IMAGE, "{}"),
		CRITICAL(TYPE, IMAGE, "{\"docker-reference\":\"r.io/a\",\"x\":1}"), "{\"critical\":{},\"optional\":null}", "{}", "[]",
		"{\"critical\":{\"identity\":" IDENTITY ",\"image\":" IMAGE "," TYPE "},\"more\":1}",
	};

	CHECK(reads(span_of(good)) && all_prefixes_refused(good, reads));
	CHECK(reads(span_of("{\"critical\":{\"identity\":" IDENTITY ",\"image\":" IMAGE "," TYPE "},\"optional\":{\"creator\":\"x\"}}")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (reads(span_of(bad[i])))
			printf("# accepted %s\n", bad[i]), t_failed = 1;
}

static void payload_write_is_read_back(void)
{
	CLEANUP(sign_payload_clear) struct sign_payload p = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	uint8_t d[32];
	struct err e;

	CHECK(ref_digest_parse(span_of(D), d, &e) == COFFER_OK);
	CHECK(sign_payload_write("r.io/a", d, &w, &e) == COFFER_OK && span_eq_str(wr_span(&w), CRITICAL(TYPE, IMAGE, IDENTITY)));
	CHECK(sign_payload_parse(wr_span(&w), &p, &e) == COFFER_OK && span_eq_str(p.reference, "r.io/a") && span_eq(SPAN(p.digest), SPAN(d)));
}

static void set_bounds_and_refuses_bad_base64(void)
{
	CLEANUP(sign_set_clear) struct sign_set s = { 0 };
	struct err e;

	CHECK(sign_set_add(&s, span_of("p"), span_of("*"), &e) == COFFER_E_INPUT && s.n == 0);
	CHECK(sign_set_add(&s, span_of("p"), span_of(""), &e) == COFFER_E_INPUT && s.n == 0);
	CHECK(sign_set_add(&s, span_of(""), span_of("AAAA"), &e) == COFFER_E_INPUT && s.n == 0);
	CHECK(sign_set_add(&s, span_of("p"), span_of("AA\nAA\n"), &e) == COFFER_OK && s.n == 1 && s.at[0].sig_n == 3);
	while (s.n < SIGN_SET_MAX)
		if (sign_set_add(&s, span_of("p"), span_of("AAAA"), &e) != COFFER_OK)
			break;
	CHECK(s.n == SIGN_SET_MAX && sign_set_add(&s, span_of("p"), span_of("AAAA"), &e) == COFFER_E_LIMIT);
}

static void tag_is_that_of_cosign(void)
{
	uint8_t d[32];
	char tag[SIGN_TAG_LEN];
	struct err e;

	CHECK(ref_digest_parse(span_of(D), d, &e) == COFFER_OK);
	sign_tag(d, tag);
	CHECK(strcmp(tag, "sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.sig") == 0);
}

static void manifest_keeps_the_earlier_signatures(void)
{
	CLEANUP(image_manifest_clear) struct image_manifest a = { 0 };
	CLEANUP(image_manifest_clear) struct image_manifest b = { 0 };
	CLEANUP(wr_close) struct wr first = wr_open(1 << 16);
	CLEANUP(wr_close) struct wr second = wr_open(1 << 16);
	CLEANUP(wr_close) struct wr config = wr_open(1 << 16);
	struct err e;

	CHECK(sign_manifest_write(NULL, span_of("one"), span_of("AAAA"), span_of("{}"), &first, &e) == COFFER_OK);
	CHECK(image_manifest_parse(wr_span(&first), &a, &e) == COFFER_OK && a.n_layers == 1);
	CHECK(sign_manifest_write(&a, span_of("two"), span_of("BBBB"), span_of("{}"), &second, &e) == COFFER_OK);
	CHECK(image_manifest_parse(wr_span(&second), &b, &e) == COFFER_OK && b.n_layers == 2);
	CHECK(span_eq_str(descriptor_note(&b.layers[0], SIGN_NOTE), "AAAA") && span_eq_str(descriptor_note(&b.layers[1], SIGN_NOTE), "BBBB"));
	CHECK(b.layers[1].size == 3 && span_eq_str(b.layers[1].media_type, SIGN_MEDIA));
	CHECK(sign_config_write(&a, span_of("two"), &config, &e) == COFFER_OK && config.n > 0);
}

int main(void)
{
	static const struct t_case cases[] = { T(payload_parse_is_closed_where_it_is_critical), T(payload_write_is_read_back),
		T(set_bounds_and_refuses_bad_base64), T(tag_is_that_of_cosign), T(manifest_keeps_the_earlier_signatures) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
