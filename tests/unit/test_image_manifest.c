#include "image/manifest.h"

#include "tests/unit/image_help.h"

#define D "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GZ "application/vnd.oci.image.layer.v1.tar+gzip"
#define CONFIG "\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"" D "\",\"size\":10}"
#define LAYER "{\"mediaType\":\"" GZ "\",\"digest\":\"" D "\",\"size\":20,\"annotations\":{\"a\":\"b\"}}"
#define MANIFEST "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"," CONFIG ",\"layers\":[" LAYER "]}"
#define ENTRY(arch) "{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"" D "\",\"size\":7,\"platform\":{\"os\":\"linux\",\"architecture\":\"" arch "\"}}"
#define INDEX "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[" ENTRY("arm64") "," ENTRY("amd64") "]}"
#define IMAGE "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D "\"]}}"

static bool is_manifest(struct span s)
{
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	struct err e;
	enum coffer_rc rc = image_manifest_parse(s, &m, &e);

	if (rc != COFFER_OK && (m.doc || m.layers || m.n_layers))
		t_failed = 1; /* out untouched on failure */
	return rc == COFFER_OK;
}

static bool is_index(struct span s)
{
	CLEANUP(image_index_clear) struct image_index x = { 0 };
	struct err e;

	return image_index_parse(s, &x, &e) == COFFER_OK;
}

static bool is_config(struct span s)
{
	CLEANUP(image_config_clear) struct image_config c = { 0 };
	struct err e;

	return image_config_parse(s, &c, &e) == COFFER_OK;
}

static void manifest_parse_reads_the_parts(void)
{
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	struct err e;

	CHECK(image_manifest_parse(span_of(MANIFEST), &m, &e) == COFFER_OK);
	CHECK(m.n_layers == 1 && m.config.size == 10 && m.layers[0].size == 20 && m.layers[0].digest[1] == 0x23 && !m.docker);
	CHECK(span_eq_str(descriptor_note(&m.layers[0], "a"), "b") && descriptor_note(&m.layers[0], "x").n == 0);
}

static void parsers_refuse_every_prefix(void)
{
	CHECK(all_prefixes_refused(MANIFEST, is_manifest));
	CHECK(all_prefixes_refused(INDEX, is_index));
	CHECK(all_prefixes_refused(IMAGE, is_config));
}

static void manifest_parse_refuses_what_does_not_fit(void)
{
	static const char *const bad[] = {
		"{\"schemaVersion\":1," CONFIG ",\"layers\":[]}",
		"{\"schemaVersion\":2,\"mediaType\":\"text/plain\"," CONFIG ",\"layers\":[]}",
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\"," CONFIG ",\"layers\":[]}",
		"{\"schemaVersion\":2,\"mediaType\":1," CONFIG ",\"layers\":[]}",
		"{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}",
		"{\"schemaVersion\":2," CONFIG ",\"layers\":{}}",
		"{\"schemaVersion\":2," CONFIG "}",
		"{\"schemaVersion\":2,\"layers\":[]}",
		"{\"schemaVersion\":2," CONFIG ",\"layers\":[1]}",
		"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"sha256:00\",\"size\":1}]}",
		"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"" D "\",\"size\":-1}]}",
		"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"" D "\",\"size\":68719476737}]}",
		"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"" D "\",\"size\":1,\"annotations\":{\"a\":1}}]}",
		"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"" D "\",\"size\":1,\"annotations\":[]}]}",
	};

	CHECK(is_manifest(span_of("{\"schemaVersion\":2," CONFIG ",\"layers\":[]}")));
	CHECK(is_manifest(span_of("{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"" D "\",\"size\":68719476736,\"annotations\":null}]}")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (is_manifest(span_of(bad[i])))
			printf("# accepted %zu\n", i), t_failed = 1;
}

static void manifest_parse_bounds_the_layers(void)
{
	for (int over = 0; over < 2; over++) {
		CLEANUP(wr_close) struct wr w = wr_open(1 << 20);

		wr_str(&w, "{\"schemaVersion\":2," CONFIG ",\"layers\":[");
		for (int i = 0; i < MANIFEST_LAYERS_MAX + over; i++)
			wr_fmt(&w, "%s" LAYER, i ? "," : "");
		wr_str(&w, "]}");
		CHECK(is_manifest(wr_span(&w)) == !over);
	}
}

static void is_index_tells_or_refuses(void)
{
	struct err e;
	bool x;

	CHECK(manifest_is_index(span_of(MANIFEST), &x, &e) == COFFER_OK && !x);
	CHECK(manifest_is_index(span_of(INDEX), &x, &e) == COFFER_OK && x);
	CHECK(manifest_is_index(span_of("{\"schemaVersion\":2}"), &x, &e) == COFFER_E_INPUT);
	CHECK(manifest_is_index(span_of("{\"schemaVersion\":2,\"manifests\":[]," CONFIG ",\"layers\":[]}"), &x, &e) == COFFER_E_INPUT);
	CHECK(manifest_is_index(span_of("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\"," CONFIG ",\"layers\":[]}"), &x, &e) == COFFER_E_INPUT);
	CHECK(manifest_is_index(span_of("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"manifests\":[]}"), &x, &e) == COFFER_E_INPUT);
}

static void index_choose_takes_linux_amd64_alone(void)
{
	CLEANUP(image_index_clear) struct image_index x = { 0 };
	CLEANUP(image_index_clear) struct image_index none = { 0 };
	const struct descriptor *d = NULL;
	struct err e;

	CHECK(image_index_parse(span_of(INDEX), &x, &e) == COFFER_OK && x.n == 2);
	CHECK(image_index_choose(&x, &d, &e) == COFFER_OK && d == &x.entry[1].d);
	CHECK(image_index_parse(span_of("{\"schemaVersion\":2,\"manifests\":[" ENTRY("arm64") "," ENTRY("unknown") "]}"), &none, &e) == COFFER_OK);
	CHECK(image_index_choose(&none, &d, &e) == COFFER_E_NOTFOUND);
}

static void config_parse_refuses_other_machines_and_bad_ids(void)
{
	CHECK(is_config(span_of(IMAGE)));
	CHECK(!is_config(span_of("{\"os\":\"linux\",\"architecture\":\"arm64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}")));
	CHECK(!is_config(span_of("{\"os\":\"windows\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}")));
	CHECK(!is_config(span_of("{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"x\",\"diff_ids\":[]}}")));
	CHECK(!is_config(span_of("{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[1]}}")));
	CHECK(!is_config(span_of("{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"md5:0\"]}}")));
	CHECK(!is_config(span_of("{\"os\":\"linux\",\"architecture\":\"amd64\"}")));
}

static enum coffer_rc match(const char *manifest, const char *image)
{
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	CLEANUP(image_config_clear) struct image_config c = { 0 };
	struct err e;

	if (image_manifest_parse(span_of(manifest), &m, &e) != COFFER_OK || image_config_parse(span_of(image), &c, &e) != COFFER_OK)
		return COFFER_E_BUG;
	return manifest_match(&m, &c, &e);
}

static void match_counts_layers_and_knows_types(void)
{
	CHECK(match(MANIFEST, IMAGE) == COFFER_OK);
	CHECK(match("{\"schemaVersion\":2," CONFIG ",\"layers\":[]}", IMAGE) == COFFER_E_INPUT);
	CHECK(match("{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "," LAYER "]}", IMAGE) == COFFER_E_INPUT);
	CHECK(match("{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"" D "\",\"size\":1}]}", IMAGE) == COFFER_E_INPUT);
	CHECK(match("{\"schemaVersion\":2," CONFIG ",\"layers\":[]}",
		  "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}") == COFFER_E_INPUT);
}

static void layer_kind_knows_oci_and_docker_types(void)
{
	struct layer_kind k;
	struct err e;

	CHECK(layer_kind_of(span_of(GZ), &k, &e) == COFFER_OK && k.compression == INFLATE_GZIP && !k.encrypted);
	CHECK(layer_kind_of(span_of("application/vnd.oci.image.layer.v1.tar+zstd+encrypted"), &k, &e) == COFFER_OK &&
	    k.compression == INFLATE_ZSTD && k.encrypted);
	CHECK(layer_kind_of(span_of("application/vnd.docker.image.rootfs.diff.tar.gzip"), &k, &e) == COFFER_OK && k.compression == INFLATE_GZIP);
	CHECK(layer_kind_of(span_of("application/vnd.oci.image.layer.v1.tar"), &k, &e) == COFFER_OK && k.compression == INFLATE_NONE);
	CHECK(layer_kind_of(span_of("+encrypted"), &k, &e) == COFFER_E_INPUT);
	CHECK(layer_kind_of(span_of(""), &k, &e) == COFFER_E_INPUT);
	CHECK(layer_kind_of(span_of(GZ "+encrypted+encrypted"), &k, &e) == COFFER_E_INPUT);
	CHECK(layer_kind_of(span_of("application/vnd.dev.cosign.simplesigning.v1+json"), &k, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case cases[] = { T(manifest_parse_reads_the_parts), T(parsers_refuse_every_prefix),
		T(manifest_parse_refuses_what_does_not_fit), T(manifest_parse_bounds_the_layers), T(is_index_tells_or_refuses),
		T(index_choose_takes_linux_amd64_alone), T(config_parse_refuses_other_machines_and_bad_ids),
		T(match_counts_layers_and_knows_types), T(layer_kind_knows_oci_and_docker_types) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
