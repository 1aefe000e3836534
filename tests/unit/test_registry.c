#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "image/registry.h"
#include "tests/regserve.h"
#include "tests/t.h"

/* What the server does with the next requests. */
enum mood { GOOD, FAIL_TWICE, FAIL_ALWAYS, LOGIN, MISSING, CUT_ONCE, CUT_ALWAYS, WRONG_BYTES, LONGER, HOP, LOOP, TO_PLAIN, TO_OTHER, ODD_LOCATION };

struct site {
	struct rs rs;
	enum mood mood;
	int asked;
	struct wr blob;
	uint8_t digest[32];
	char hex[HEX32_LEN];
	char last_path[2048];
	char last_head[8192];
	struct wr got;       /* last upload */
	char put_type[128];
	bool has; /* answers HEAD with 200 */
	struct json_doc *plain;
	struct err e;
};

static void reply_blob(struct site *s, struct rs_req *q)
{
	struct span whole = wr_span(&s->blob);
	char head[256];

	switch (s->mood) {
	case CUT_ONCE:
	case CUT_ALWAYS:
		if (s->mood == CUT_ALWAYS || s->asked == 1) {
			int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", whole.n);

			rs_send(q->fd, head, (size_t)n);
			rs_send(q->fd, whole.p, whole.n / 2);
			return;
		}
		break;
	case WRONG_BYTES:
		s->blob.p[7] ^= 1;
		rs_reply(q, 200, "", whole);
		s->blob.p[7] ^= 1;
		return;
	case LONGER:
		wr_u8(&s->blob, 0);
		rs_reply(q, 200, "", wr_span(&s->blob));
		s->blob.n--;
		return;
	case GOOD: case FAIL_TWICE: case FAIL_ALWAYS: case LOGIN: case MISSING: case HOP: case LOOP: case TO_PLAIN: case TO_OTHER: case ODD_LOCATION:
		break;
	}
	rs_reply(q, 200, "", whole);
}

static void upload(struct site *s, struct rs_req *q)
{
	char head[256];

	if (strcmp(q->method, "POST") == 0) {
		(void)snprintf(head, sizeof(head), "Location: http://%s/upload/1?state=x\r\n", s->rs.host);
		rs_reply(q, 202, head, (struct span){ 0 });
		return;
	}
	s->got.n = 0;
	wr_put(&s->got, wr_span(&q->body));
	rs_reply(q, 201, "", (struct span){ 0 });
}

static void serve(void *arg, struct rs_req *q)
{
	struct site *s = arg;
	char head[512];

	s->asked++;
	(void)snprintf(s->last_path, sizeof(s->last_path), "%s", q->path);
	memcpy(s->last_head, q->head, sizeof(s->last_head));
	if (strcmp(q->method, "POST") == 0 || strcmp(q->method, "PUT") == 0) {
		upload(s, q);
		return;
	}
	if (strcmp(q->method, "HEAD") == 0) {
		rs_reply(q, s->has ? 200 : 404, "", (struct span){ 0 });
		return;
	}
	if (s->mood == LOGIN || s->mood == MISSING || s->mood == FAIL_ALWAYS || (s->mood == FAIL_TWICE && s->asked <= 2)) {
		rs_reply(q, s->mood == LOGIN ? 401 : s->mood == MISSING ? 404 : 503, "", span_of("{}"));
		return;
	}
	if ((s->mood == HOP && s->asked <= REGISTRY_REDIRECTS) || s->mood == LOOP || s->mood == TO_PLAIN || s->mood == TO_OTHER || s->mood == ODD_LOCATION) {
		(void)snprintf(head, sizeof(head), "Location: %s/away?n=%d#frag\r\n",
		    s->mood == TO_PLAIN ? "http://127.0.0.2:1" : s->mood == TO_OTHER ? "https://127.0.0.1:1" : s->mood == ODD_LOCATION ? "ftp://x" : "", s->asked);
		rs_reply(q, 307, head, (struct span){ 0 });
		return;
	}
	reply_blob(s, q);
}

static void site_clear(struct site *s)
{
	rs_stop(&s->rs);
	wr_close(&s->blob);
	wr_close(&s->got);
	json_free(s->plain);
}

static void site_open(struct site *s, enum mood mood)
{
	char list[64];

	s->blob = wr_open(1 << 20);
	s->got = wr_open(1 << 20);
	for (size_t i = 0; i < 200000; i++)
		wr_u8(&s->blob, (uint8_t)(i * 7 >> 3));
	sha256(wr_span(&s->blob), s->digest);
	hex32(s->digest, s->hex);
	s->mood = mood;
	CHECK(rs_start(&s->rs, serve, s));
	(void)snprintf(list, sizeof(list), "[\"%s\"]", s->rs.host);
	CHECK(json_parse(span_of(list), 64, &s->plain, &s->e) == COFFER_OK);
}
#define SITE(s, mood) CLEANUP(site_clear) struct site s = { 0 }; site_open(&s, mood)

static enum coffer_rc client(struct site *s, struct registry **r)
{
	struct registry_opts o = { .host = s->rs.host, .repo = "lib/app", .plain_http = json_root(s->plain), .timeout_ms = 5000 };

	return registry_new(&o, r, &s->e);
}

static enum coffer_rc keep(void *arg, struct span piece, struct err *e)
{
	wr_put(arg, piece);
	return wr_done(arg, "test", e);
}

static enum coffer_rc get(struct site *s, struct wr *out)
{
	CLEANUP(registry_freep) struct registry *r = NULL;
	struct registry_blob b = { s->digest, s->blob.n };

	out->n = 0;
	TRY(client(s, &r));
	return registry_get_blob(r, &b, keep, out, &s->e);
}

static void registry_blob_is_fetched_and_checked(void)
{
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, GOOD);

	CHECK(get(&s, &out) == COFFER_OK && span_eq(wr_span(&out), wr_span(&s.blob)));
	CHECK(strstr(s.last_path, "/v2/lib/app/blobs/sha256:") == s.last_path && strcasestr(s.last_head, "authorization") == NULL);
}

static void registry_wrong_bytes_are_denied_and_not_asked_again(void)
{
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, WRONG_BYTES);

	CHECK(get(&s, &out) == COFFER_E_DENIED && strcmp(s.e.check, "digest") == 0 && s.asked == 1);
	s.mood = LONGER;
	s.asked = 0;
	CHECK(get(&s, &out) == COFFER_E_DENIED && strcmp(s.e.check, "digest") == 0 && s.asked == 1);
}

static void registry_cut_stream_goes_on_where_it_ended(void)
{
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, CUT_ONCE);

	CHECK(get(&s, &out) == COFFER_OK && s.asked == 2 && span_eq(wr_span(&out), wr_span(&s.blob)));
	s.mood = CUT_ALWAYS;
	s.asked = 0;
	CHECK(get(&s, &out) == COFFER_E_UPSTREAM && s.asked == REGISTRY_TRIES);
}

static void registry_server_errors_are_tried_three_times(void)
{
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, FAIL_TWICE);

	CHECK(get(&s, &out) == COFFER_OK && s.asked == 3);
	s.mood = FAIL_ALWAYS;
	s.asked = 0;
	CHECK(get(&s, &out) == COFFER_E_UPSTREAM && s.asked == REGISTRY_TRIES && strstr(s.e.msg, "503"));
}

static void registry_login_is_refused_clearly_and_once(void)
{
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, LOGIN);

	CHECK(get(&s, &out) == COFFER_E_UPSTREAM && s.asked == 1 && strstr(s.e.msg, "login") && strstr(s.e.msg, "not supported"));
}

static void registry_missing_is_not_found(void)
{
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, MISSING);

	CHECK(get(&s, &out) == COFFER_E_NOTFOUND && s.asked == 1);
}

static void registry_redirects_are_followed_five_times(void)
{
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, HOP);

	CHECK(get(&s, &out) == COFFER_OK && s.asked == REGISTRY_REDIRECTS + 1 && strcmp(s.last_path, "/away?n=5") == 0);
	s.mood = LOOP;
	s.asked = 0;
	CHECK(get(&s, &out) == COFFER_E_UPSTREAM && s.asked == REGISTRY_REDIRECTS + 1);
}

static void registry_redirect_to_unlisted_plain_http_is_refused(void)
{
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, TO_PLAIN);

	CHECK(get(&s, &out) == COFFER_E_UPSTREAM && strstr(s.e.msg, "plain HTTP"));
	s.mood = ODD_LOCATION;
	CHECK(get(&s, &out) == COFFER_E_UPSTREAM && strstr(s.e.msg, "malformed"));
}

static void registry_unlisted_host_is_spoken_to_by_tls_only(void)
{
	CLEANUP(registry_freep) struct registry *r = NULL;
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, GOOD);
	struct registry_opts o = { .host = s.rs.host, .repo = "lib/app", .timeout_ms = 300 };
	uint8_t digest[32];

	CHECK(registry_new(&o, &r, &s.e) == COFFER_OK);
	CHECK(registry_get_manifest(r, "v1", &out, digest, &s.e) != COFFER_OK && s.asked == 0 && out.n == 0);
}

static void registry_manifest_by_digest_must_match_by_tag_is_told(void)
{
	CLEANUP(registry_freep) struct registry *r = NULL;
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, GOOD);
	char name[80];
	uint8_t digest[32];

	CHECK(client(&s, &r) == COFFER_OK);
	CHECK(registry_get_manifest(r, "v1", &out, digest, &s.e) == COFFER_OK && memcmp(digest, s.digest, 32) == 0); /* public: test */
	CHECK(strcasestr(s.last_head, "accept: application/vnd.oci.image.manifest.v1+json") != NULL);
	out.n = 0;
	(void)snprintf(name, sizeof(name), "sha256:%s", s.hex);
	CHECK(registry_get_manifest(r, name, &out, digest, &s.e) == COFFER_OK);
	out.n = 0;
	s.mood = WRONG_BYTES;
	CHECK(registry_get_manifest(r, name, &out, digest, &s.e) == COFFER_E_DENIED && strcmp(s.e.check, "digest") == 0 && out.n == 0);
}

static void registry_names_are_checked(void)
{
	static const char *const repos[] = { "", "/a", "a/", "a//b", "../a", "a?b", "a b", "a%2f", "a\r\nb" };
	static const char *const refs[] = { "", "a/b", "..", "sha256:12", "a b", "a?x", "-x", "x\r\ny" };
	static const char *const hosts[] = { "", "a b", "a/b", "user@host", "host:99999", "host:" };
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, GOOD);
	uint8_t digest[32];

	for (size_t i = 0; i < sizeof(repos) / sizeof(repos[0]); i++) {
		CLEANUP(registry_freep) struct registry *r = NULL;
		struct registry_opts o = { .host = "h:1", .repo = repos[i] };

		CHECK(registry_new(&o, &r, &s.e) == COFFER_E_INPUT);
	}
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		CLEANUP(registry_freep) struct registry *r = NULL;
		struct registry_opts o = { .host = hosts[i], .repo = "a" };

		if (registry_new(&o, &r, &s.e) != COFFER_E_INPUT) {
			printf("# host \"%s\"\n", hosts[i]);
			CHECK(0);
		}
	}
	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		CLEANUP(registry_freep) struct registry *r = NULL;

		CHECK(client(&s, &r) == COFFER_OK);
		CHECK(registry_get_manifest(r, refs[i], &out, digest, &s.e) == COFFER_E_INPUT && s.asked == 0);
	}
}

static void registry_small_blob_over_its_bound_is_refused(void)
{
	CLEANUP(registry_freep) struct registry *r = NULL;
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	SITE(s, GOOD);
	struct registry_blob b = { s.digest, s.blob.n };

	CHECK(client(&s, &r) == COFFER_OK);
	CHECK(registry_read_blob(r, &b, s.blob.n - 1, &out, &s.e) == COFFER_E_LIMIT && s.asked == 0);
	CHECK(registry_read_blob(r, &b, s.blob.n, &out, &s.e) == COFFER_OK && out.n == s.blob.n);
}

static enum coffer_rc refuse(void *arg, struct span piece, struct err *e)
{
	(void)piece;
	*(int *)arg += 1;
	return err_set(e, COFFER_E_UPSTREAM, "sink says no");
}

static void registry_sink_error_ends_it_at_once(void)
{
	CLEANUP(registry_freep) struct registry *r = NULL;
	SITE(s, GOOD);
	struct registry_blob b = { s.digest, s.blob.n };
	int calls = 0;

	CHECK(client(&s, &r) == COFFER_OK);
	CHECK(registry_get_blob(r, &b, refuse, &calls, &s.e) == COFFER_E_UPSTREAM && calls == 1 && s.asked == 1 && strstr(s.e.msg, "sink says no") != NULL);
}

static void registry_upload_sends_the_blob_once(void)
{
	CLEANUP(registry_freep) struct registry *r = NULL;
	SITE(s, GOOD);
	char want[128];

	CHECK(client(&s, &r) == COFFER_OK);
	CHECK(registry_put_blob(r, wr_span(&s.blob), &s.e) == COFFER_OK && span_eq(wr_span(&s.got), wr_span(&s.blob)));
	(void)snprintf(want, sizeof(want), "/upload/1?state=x&digest=sha256:%s", s.hex);
	CHECK(strcmp(s.last_path, want) == 0 && s.asked == 3);
	s.has = true;
	s.asked = 0;
	CHECK(registry_put_blob(r, wr_span(&s.blob), &s.e) == COFFER_OK && s.asked == 1);
	CHECK(registry_head_blob(r, s.digest, &s.e) == COFFER_OK && registry_head_manifest(r, "v1", &s.e) == COFFER_OK);
	s.has = false;
	CHECK(registry_head_manifest(r, "v1", &s.e) == COFFER_E_NOTFOUND);
}

static void registry_manifest_upload_names_its_type(void)
{
	CLEANUP(registry_freep) struct registry *r = NULL;
	SITE(s, GOOD);

	CHECK(client(&s, &r) == COFFER_OK);
	CHECK(registry_put_manifest(r, "v1", "application/vnd.oci.image.manifest.v1+json", span_of("{}"), &s.e) == COFFER_OK);
	CHECK(strcmp(s.last_path, "/v2/lib/app/manifests/v1") == 0 && s.got.n == 2);
	CHECK(strcasestr(s.last_head, "content-type: application/vnd.oci.image.manifest.v1+json\r\n") != NULL);
}

static void registry_nobody_there_is_upstream(void)
{
	CLEANUP(registry_freep) struct registry *r = NULL;
	CLEANUP(json_freep) struct json_doc *list = NULL;
	CLEANUP(wr_close) struct wr out = wr_open(1 << 20);
	struct err e = { 0 };
	struct registry_opts o = { .host = "127.0.0.1:1", .repo = "a", .timeout_ms = 2000 };
	uint8_t digest[32];

	CHECK(json_parse(span_of("[\"127.0.0.1:1\"]"), 64, &list, &e) == COFFER_OK);
	o.plain_http = json_root(list);
	CHECK(registry_new(&o, &r, &e) == COFFER_OK);
	CHECK(registry_get_manifest(r, "v1", &out, digest, &e) == COFFER_E_UPSTREAM);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(registry_blob_is_fetched_and_checked), T(registry_wrong_bytes_are_denied_and_not_asked_again),
		T(registry_cut_stream_goes_on_where_it_ended), T(registry_server_errors_are_tried_three_times),
		T(registry_login_is_refused_clearly_and_once), T(registry_missing_is_not_found), T(registry_redirects_are_followed_five_times),
		T(registry_redirect_to_unlisted_plain_http_is_refused), T(registry_unlisted_host_is_spoken_to_by_tls_only),
		T(registry_manifest_by_digest_must_match_by_tag_is_told), T(registry_names_are_checked), T(registry_small_blob_over_its_bound_is_refused),
		T(registry_sink_error_ends_it_at_once), T(registry_upload_sends_the_blob_once), T(registry_manifest_upload_names_its_type),
		T(registry_nobody_there_is_upstream),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
