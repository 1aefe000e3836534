/* image_pull against a registry of this test's making. Runs as root, as unpacking does. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "image/pull.h"
#include "image/tree.h"
#include "tests/regserve.h"
#include "tests/t.h"
#include "tests/tarmake.h"

#define BLOBS 16
#define ANYTHING "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}"
#define MANIFEST "application/vnd.oci.image.manifest.v1+json"

struct site {
	struct rs rs;
	size_t n;
	struct wr blob[BLOBS];
	char hex[BLOBS][HEX32_LEN];
	struct json_doc *plain;
	char dir[64];
	int fd;
	struct err e;
};

static void serve(void *arg, struct rs_req *q)
{
	struct site *s = arg;
	const char *colon = strstr(q->path, "sha256:");

	for (size_t i = 0; colon && i < s->n; i++) {
		if (strcmp(colon + 7, s->hex[i]) == 0) {
			rs_reply(q, 200, "", wr_span(&s->blob[i]));
			return;
		}
	}
	rs_reply(q, 404, "", (struct span){ 0 });
}

static size_t put(struct site *s, struct span body)
{
	uint8_t d[32];

	s->blob[s->n] = wr_open(1 << 20);
	wr_put(&s->blob[s->n], body);
	sha256(body, d);
	hex32(d, s->hex[s->n]);
	return s->n++;
}

static void site_open(struct site *s)
{
	char list[64];

	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/coffer-pullu-XXXXXX");
	CHECK(mkdtemp(s->dir) != NULL);
	s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(rs_start(&s->rs, serve, s));
	(void)snprintf(list, sizeof(list), "[\"%s\"]", s->rs.host);
	CHECK(json_parse(span_of(list), 64, &s->plain, &s->e) == COFFER_OK);
}

static void site_clear(struct site *s)
{
	struct err e = { 0 };

	rs_stop(&s->rs);
	json_free(s->plain);
	for (size_t i = 0; i < s->n; i++)
		wr_close(&s->blob[i]);
	CHECK(tree_empty(s->fd, &e) == COFFER_OK);
	closep(&s->fd);
	(void)rmdir(s->dir);
}
#define SITE(s) CLEANUP(site_clear) struct site s = { .fd = -1 }; site_open(&s)

/* Two layers: one file each, the second optionally opaque at its root. */
static size_t image_of(struct site *s, const char *second, bool lie)
{
	CLEANUP(wr_close) struct wr a = wr_open(1 << 16), b = wr_open(1 << 16), w = wr_open(1 << 16);
	size_t la, lb, c;

	TM(&a, .type = '0', .name = "below", .data = "1");
	tm_end(&a);
	TM(&b, .type = '0', .name = second, .data = "");
	tm_end(&b);
	la = put(s, wr_span(&a));
	lb = put(s, wr_span(&b));
	wr_fmt(&w, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\",\"sha256:%s\"]}}",
	    s->hex[la], s->hex[lie ? la : lb]);
	c = put(s, wr_span(&w));
	w.n = 0;
	wr_fmt(&w, "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST "\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
	    "\"digest\":\"sha256:%s\",\"size\":%zu},\"layers\":[", s->hex[c], s->blob[c].n);
	wr_fmt(&w, "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:%s\",\"size\":%zu},", s->hex[la], s->blob[la].n);
	wr_fmt(&w, "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:%s\",\"size\":%zu}]}", s->hex[lb], s->blob[lb].n);
	return put(s, wr_span(&w));
}

static size_t index_of(struct site *s, size_t manifest, const char *arch, size_t extra)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 16);

	wr_fmt(&w, "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[{\"mediaType\":\"" MANIFEST
	    "\",\"digest\":\"sha256:%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}}]}",
	    s->hex[manifest], s->blob[manifest].n + extra, arch);
	return put(s, wr_span(&w));
}

struct far { unsigned n; struct image_progress first, last; bool falls; };

static void how_far(void *arg, const struct image_progress *p)
{
	struct far *f = arg;

	f->falls = f->falls || p->bytes < f->last.bytes || p->layer < f->last.layer || (f->n > 0 && p->total != f->last.total);
	if (f->n++ == 0)
		f->first = *p;
	f->last = *p;
}

static struct far far;

static enum coffer_rc pull(struct site *s, size_t what, const char *named, struct image_pulled *out)
{
	CLEANUP(freep) char *ref = str_fmt("%s/a/b:tag@sha256:%s", s->rs.host, named ? named : s->hex[what]);
	struct image_pull o = { .reference = ref, .policy = span_of(ANYTHING), .plain_http = json_root(s->plain), .dir = s->dir,
		.progress = how_far, .progress_arg = &far };

	far = (struct far){ .n = 0 };
	if (!hex_fixed(span_of(s->hex[what]), o.digest, 32))
		return COFFER_E_BUG;
	return image_pull(&o, out, &s->e);
}

static bool is_there(const struct site *s, const char *name)
{
	return faccessat(s->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool empty(const struct site *s)
{
	return rmdir(s->dir) == 0 && mkdir(s->dir, 0700) == 0;
}

static void pull_takes_layers_and_config(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s);

	CHECK(pull(&s, image_of(&s, "above", false), NULL, &got) == COFFER_OK && got.n_layers == 2);
	CHECK(is_there(&s, "0/below") && is_there(&s, "1/above") && !is_there(&s, ".0") && !is_there(&s, ".1"));
	CHECK(span_eq_str(json_str(json_get(json_root(got.config), "architecture")), "amd64") && got.bytes > 3584);
}

static void pull_says_how_far_it_is(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s);
	size_t m = image_of(&s, "above", false);
	uint64_t total = s.blob[0].n + s.blob[1].n;

	CHECK(pull(&s, m, NULL, &got) == COFFER_OK && far.n >= 3 && !far.falls);
	CHECK(far.first.layer == 1 && far.first.n_layers == 2 && far.first.bytes == 0 && far.first.total == total);
	CHECK(far.last.layer == 2 && far.last.bytes == total);
}

static void pull_says_nothing_of_what_is_refused_before_its_layers(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s);

	CHECK(pull(&s, index_of(&s, image_of(&s, "above", false), "arm64", 0), NULL, &got) == COFFER_E_NOTFOUND && far.n == 0);
}

static void pull_chooses_from_an_index(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s);
	size_t m = image_of(&s, "above", false);

	CHECK(pull(&s, index_of(&s, m, "arm64", 0), NULL, &got) == COFFER_E_NOTFOUND && empty(&s));
	CHECK(pull(&s, index_of(&s, m, "amd64", 1), NULL, &got) == COFFER_E_DENIED && strcmp(s.e.check, "digest") == 0);
}

static void pull_by_index_gives_its_image(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s);

	CHECK(pull(&s, index_of(&s, image_of(&s, "above", false), "amd64", 0), NULL, &got) == COFFER_OK && is_there(&s, "1/above"));
}

static void pull_opaque_root_hides_the_layers_below(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s);

	CHECK(pull(&s, image_of(&s, ".wh..wh..opq", false), NULL, &got) == COFFER_OK && got.n_layers == 2);
	CHECK(is_there(&s, "0") && is_there(&s, "1") && !is_there(&s, "0/below"));
}

static void pull_wrong_diff_id_leaves_no_layer_at_all(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s);

	/* the first layer is good, and goes with the second */
	CHECK(pull(&s, image_of(&s, "above", true), NULL, &got) == COFFER_E_DENIED && strcmp(s.e.check, "digest") == 0 && empty(&s));
	CHECK(got.config == NULL && got.n_layers == 0);
}

static void pull_forbidden_archive_is_denied_by_unpack(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s);

	CHECK(pull(&s, image_of(&s, "../above", false), NULL, &got) == COFFER_E_DENIED && strcmp(s.e.check, "unpack") == 0 && empty(&s));
}

static void pull_reference_of_another_digest_is_denied(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s);
	size_t m = image_of(&s, "above", false);

	CHECK(pull(&s, m, s.hex[0], &got) == COFFER_E_DENIED && strcmp(s.e.check, "digest") == 0 && empty(&s));
}

static void pull_into_a_used_folder_is_refused_and_spares_it(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s);

	CHECK(mkdirat(s.fd, "mine", 0700) == 0);
	CHECK(pull(&s, image_of(&s, "above", false), NULL, &got) == COFFER_E_INPUT && is_there(&s, "mine"));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(pull_takes_layers_and_config), T(pull_says_how_far_it_is), T(pull_says_nothing_of_what_is_refused_before_its_layers), T(pull_chooses_from_an_index), T(pull_by_index_gives_its_image), T(pull_opaque_root_hides_the_layers_below),
		T(pull_wrong_diff_id_leaves_no_layer_at_all), T(pull_forbidden_archive_is_denied_by_unpack), T(pull_reference_of_another_digest_is_denied),
		T(pull_into_a_used_folder_is_refused_and_spares_it),
	};

	if (geteuid() != 0) {
		printf("1..0 # SKIP unpacking needs root\n");
		return 0;
	}
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
