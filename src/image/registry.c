#include "image/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "net/http.h"

#define TIMEOUT_MS 60000
#define SLOW_FACTOR 30
#define N_CONNS 4
#define PATH_MAX_LEN 8192 /* presigned storage addresses are long */
#define SMALL_BODY ((size_t)64 << 10)

#define ACCEPT_MANIFESTS                                                                             \
	"Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "  \
	"application/vnd.docker.distribution.manifest.v2+json, "                                         \
	"application/vnd.docker.distribution.manifest.list.v2+json\r\n"

struct origin {
	char host[256];
	uint16_t port;
	bool tls;
};
struct conn {
	struct origin to;
	bool slow;
	struct http *http;
	uint64_t used; /* for picking the one to drop */
};
struct registry {
	struct origin home;
	char *repo;
	const struct json *plain_http;
	struct span ca_pem;
	int64_t timeout_ms;
	struct conn conns[N_CONNS];
	uint64_t clock;
	bool final; /* the present request failed in a way that asking again will not mend */
};

void registry_free(struct registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < N_CONNS; i++)
		http_free(r->conns[i].http);
	free(r->repo);
	free(r);
}

/* ---- names and origins ---- */

static bool in_set(struct span s, const char *more)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!plain && (c == 0 || !strchr(more, c)))
			return false;
	}
	return s.n > 0;
}

static bool repo_ok(const char *repo)
{
	struct span s = span_of(repo);

	return s.n <= 255 && in_set(s, "._-/") && s.p[0] != '/' && !span_ends(s, "/") && !strstr(repo, "..") &&
	       !strstr(repo, "//");
}

static bool reference_ok(struct span s)
{
	uint8_t d[32];

	if (span_starts(s, "sha256:"))
		return hex_fixed(span_skip(s, 7), d, sizeof(d));
	return s.p && s.n <= 128 && in_set(s, "._-") && s.p[0] != '.' && s.p[0] != '-';
}

static bool parse_origin(const char *scheme, struct span authority, struct origin *out)
{
	CLEANUP(freep) char *url = str_fmt("%s%.*s", scheme, (int)(authority.n < 300 ? authority.n : 300),
	    (const char *)authority.p);
	struct http_url u;
	struct err e;

	if (!url || authority.n == 0 || authority.n >= 300 || span_find(authority, '/') != authority.n ||
	    http_url_parse(span_of(url), &u, &e) != COFFER_OK)
		return false;
	memcpy(out->host, u.host, sizeof(out->host));
	out->port = u.port;
	out->tls = u.tls;
	return true;
}

static bool same_place(const struct origin *a, const struct origin *b)
{
	return strcasecmp(a->host, b->host) == 0 && a->port == b->port;
}

static bool may_be_plain(const struct registry *r, const struct origin *o)
{
	for (size_t i = 0; i < json_len(r->plain_http); i++) {
		struct origin listed;

		if (parse_origin("http://", json_str(json_at(r->plain_http, i)), &listed) && same_place(&listed, o))
			return true;
	}
	return false;
}

enum coffer_rc registry_new(const struct registry_opts *o, struct registry **out, struct err *e)
{
	CLEANUP(registry_freep) struct registry *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	r->plain_http = o->plain_http;
	r->ca_pem = o->ca_pem;
	r->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : TIMEOUT_MS;
	if (!repo_ok(o->repo))
		return err_set(e, COFFER_E_INPUT, "registry: \"%.128s\" is no repository name", o->repo);
	if (!parse_origin("http://", span_of(o->host), &r->home))
		return err_set(e, COFFER_E_INPUT, "registry: \"%.128s\" is no host", o->host);
	if (!may_be_plain(r, &r->home) && !parse_origin("https://", span_of(o->host), &r->home))
		return err_set(e, COFFER_E_INPUT, "registry: \"%.128s\" is no host", o->host);
	r->repo = span_dup(span_of(o->repo));
	if (!r->repo)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	*out = MOVE(r);
	return COFFER_OK;
}

/* Blobs have connections of their own: a client has one time limit for all its requests. */
static enum coffer_rc connect_to(struct registry *r, const struct origin *to, bool slow, struct http **out, struct err *e)
{
	struct http_opts o = {
		.host = to->host, .port = to->port, .tls = to->tls, .verify_ca = true, .allow_12 = true,
		.ca_pem = r->ca_pem, .timeout_ms = r->timeout_ms * (slow ? SLOW_FACTOR : 1),
	};
	struct conn *c = &r->conns[0];

	r->clock++;
	for (size_t i = 0; i < N_CONNS; i++) {
		struct conn *x = &r->conns[i];

		if (x->http && x->slow == slow && x->to.tls == to->tls && same_place(&x->to, to)) {
			x->used = r->clock;
			*out = x->http;
			return COFFER_OK;
		}
		if (x->used < c->used)
			c = x;
	}
	http_freep(&c->http);
	TRY(http_new(&o, &c->http, e));
	c->to = *to;
	c->slow = slow;
	c->used = r->clock;
	*out = c->http;
	return COFFER_OK;
}

/* ---- one request, redirects followed ---- */

struct call {
	const char *method;
	const char *path;
	const char *headers;
	const char *content_type;
	struct span body;
	size_t max_body;
	http_sink sink; /* NULL: the body is kept */
	void *sink_arg;
	bool once; /* not to be repeated */
};

/* Where a Location header leads. The path goes to *path, which the caller frees. */
static enum coffer_rc follow(const struct registry *r, struct span location, struct origin *at, char **path, struct err *e)
{
	struct span rest = location;
	size_t end;

	if (location.n > PATH_MAX_LEN)
		return err_set(e, COFFER_E_UPSTREAM, "registry %s: sends an address that is too long", r->home.host);
	if (span_starts(location, "https://") || span_starts(location, "http://")) {
		const char *scheme = span_starts(location, "https://") ? "https://" : "http://";
		struct span authority = span_skip(location, strlen(scheme));

		for (end = 0; end < authority.n && authority.p[end] != '/' && authority.p[end] != '?' && authority.p[end] != '#';)
			end++;
		rest = span_skip(authority, end);
		authority.n = end;
		if (!parse_origin(scheme, authority, at))
			return err_set(e, COFFER_E_UPSTREAM, "registry %s: sends a malformed address", r->home.host);
	} else if (!span_starts(location, "/") || span_starts(location, "//")) {
		return err_set(e, COFFER_E_UPSTREAM, "registry %s: sends a malformed address", r->home.host);
	}
	if (!at->tls && !may_be_plain(r, at))
		return err_set(e, COFFER_E_UPSTREAM, "registry %s: redirects to plain HTTP at %s, which is not listed for that",
		    r->home.host, at->host);

	rest.n = span_find(rest, '#');
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] <= ' ' || rest.p[i] >= 0x7f)
			return err_set(e, COFFER_E_UPSTREAM, "registry %s: sends a malformed address", r->home.host);
	free(*path);
	*path = str_fmt("%s%.*s", rest.n > 0 && rest.p[0] == '/' ? "" : "/", (int)rest.n, rest.n > 0 ? (const char *)rest.p : "");
	return *path ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* OpenSSL's words for an answer that is no TLS. */
static enum coffer_rc hinted(const struct origin *at, enum coffer_rc rc, struct err *e)
{
	if (rc == COFFER_E_UPSTREAM && at->tls && strstr(e->msg, "TLS: ") && strstr(e->msg, "wrong version number"))
		return err_set(e, COFFER_E_UPSTREAM, "registry %s: no TLS is spoken there; if it is HTTP: --plain-http (in a workload's terms: registries, plain-http)", at->host);
	return rc;
}

static enum coffer_rc send_one(struct registry *r, const struct call *c, const struct origin *at, const char *path,
    struct http_res *res, struct err *e)
{
	struct http_req q = {
		.method = c->method, .path = path, .headers = c->headers, .content_type = c->content_type, .body = c->body
	};
	struct http *http;

	TRY(connect_to(r, at, c->sink || c->body.n > SMALL_BODY, &http, e));
	if (c->sink)
		return hinted(at, http_stream(http, &q, c->sink, c->sink_arg, UINT64_MAX, res, e), e);
	return hinted(at, http_do(http, &q, c->max_body, res, e), e);
}

static enum coffer_rc call_once(struct registry *r, const struct call *c, struct http_res *res, struct err *e)
{
	CLEANUP(freep) char *path = span_dup(span_of(c->path));
	struct origin at = r->home;
	bool reads = strcmp(c->method, "GET") == 0 || strcmp(c->method, "HEAD") == 0;

	for (int hop = 0; path; hop++) {
		struct span location;

		r->final = false;
		http_res_clear(res);
		TRY(send_one(r, c, &at, path, res, e));
		if (!reads || !is_redirect(res->status))
			return COFFER_OK;
		r->final = true;
		if (hop == REGISTRY_REDIRECTS)
			return err_set(
			    e, COFFER_E_UPSTREAM, "registry %s: more than %d redirects", r->home.host, REGISTRY_REDIRECTS);
		location = http_header(res, "Location");
		TRY(follow(r, location, &at, &path, e));
	}
	return err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static enum coffer_rc judge(const struct registry *r, const struct call *c, int status, struct err *e)
{
	if (status >= 200 && status <= 299)
		return COFFER_OK;
	if (status == 401)
		return err_set(e, COFFER_E_UPSTREAM,
		    "registry %s: wants a login (401), and logging in to a registry is not supported yet; "
		    "serve %s where no login is needed",
		    r->home.host, r->repo);
	if (status == 404)
		return err_set(e, COFFER_E_NOTFOUND, "registry %s: has no %.200s", r->home.host, c->path);
	return err_set(
	    e, COFFER_E_UPSTREAM, "registry %s: answered HTTP status %d to %s %.200s", r->home.host, status, c->method, c->path);
}

static void pause_before(int attempt)
{
	long ms = attempt == 1 ? 300 : 1200;
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* A sink that fails says so in *dead, since its error must not look like the network's. */
static enum coffer_rc call_registry(
    struct registry *r, const struct call *c, const bool *dead, struct http_res *res, struct err *e)
{
	for (int attempt = 1;; attempt++) {
		enum coffer_rc rc = call_once(r, c, res, e);
		bool busy = rc == COFFER_OK && (res->status >= 500 || res->status == 429);
		bool again =
		    (rc == COFFER_E_UPSTREAM || busy) && !(dead && *dead) && !r->final && !c->once && attempt < REGISTRY_TRIES;

		if (again) {
			pause_before(attempt);
			continue;
		}
		if (rc == COFFER_E_UPSTREAM && !(dead && *dead))
			return err_wrap(e, "registry");
		return rc == COFFER_OK ? judge(r, c, res->status, e) : rc;
	}
}

/* ---- manifests ---- */

static enum coffer_rc manifest_path(const struct registry *r, const char *reference, char **out, struct err *e)
{
	if (!reference_ok(span_of(reference)))
		return err_set(e, COFFER_E_INPUT, "registry: \"%.128s\" is neither a tag nor a sha256 digest", reference);
	*out = str_fmt("/v2/%s/manifests/%s", r->repo, reference);
	return *out ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static enum coffer_rc blob_path(const struct registry *r, const uint8_t digest[static 32], char **out, struct err *e)
{
	char hex[HEX32_LEN];

	hex32(digest, hex);
	*out = str_fmt("/v2/%s/blobs/sha256:%s", r->repo, hex);
	return *out ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

enum coffer_rc registry_get_manifest(struct registry *r, const char *reference, struct wr *out, uint8_t digest[static 32],
    struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(freep) char *path = NULL;
	struct call c = { .method = "GET", .headers = ACCEPT_MANIFESTS, .max_body = REGISTRY_MANIFEST_MAX };
	uint8_t got[32], want[32];
	struct span named = span_of(reference);

	TRY(manifest_path(r, reference, &path, e));
	c.path = path;
	TRY(call_registry(r, &c, NULL, &res, e));
	sha256(wr_span(&res.body), got);
	if (span_starts(named, "sha256:") && hex_fixed(span_skip(named, 7), want, 32) &&
	    memcmp(got, want, 32) != 0) /* public: digests */
		return err_deny(e, "digest", "registry %s: the manifest it sent is not %s", r->home.host, reference);
	wr_put(out, wr_span(&res.body));
	TRY(wr_done(out, "a manifest", e));
	memcpy(digest, got, 32);
	return COFFER_OK;
}

enum coffer_rc registry_get_referrers(struct registry *r, const uint8_t digest[static 32], struct wr *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(freep) char *path = NULL;
	struct call c = { .method = "GET", .headers = ACCEPT_MANIFESTS, .max_body = REGISTRY_MANIFEST_MAX };
	char hex[HEX32_LEN];

	hex32(digest, hex);
	path = str_fmt("/v2/%s/referrers/sha256:%s", r->repo, hex);
	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	c.path = path;
	TRY(call_registry(r, &c, NULL, &res, e));
	wr_put(out, wr_span(&res.body));
	return wr_done(out, "referrers", e);
}

static enum coffer_rc head(struct registry *r, const char *path, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	struct call c = { .method = "HEAD", .path = path, .headers = ACCEPT_MANIFESTS, .max_body = SMALL_BODY };

	return call_registry(r, &c, NULL, &res, e);
}

enum coffer_rc registry_head_manifest(struct registry *r, const char *reference, struct err *e)
{
	CLEANUP(freep) char *path = NULL;

	TRY(manifest_path(r, reference, &path, e));
	return head(r, path, e);
}

enum coffer_rc registry_head_blob(struct registry *r, const uint8_t digest[static 32], struct err *e)
{
	CLEANUP(freep) char *path = NULL;

	TRY(blob_path(r, digest, &path, e));
	return head(r, path, e);
}

enum coffer_rc registry_put_manifest(
    struct registry *r, const char *reference, const char *media_type, struct span body, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(freep) char *path = NULL;
	struct call c = { .method = "PUT", .content_type = media_type, .body = body, .max_body = SMALL_BODY };

	TRY(manifest_path(r, reference, &path, e));
	c.path = path;
	return call_registry(r, &c, NULL, &res, e);
}

/* ---- blobs ---- */

struct stream {
	const struct registry_blob *blob;
	registry_sink sink;
	void *arg;
	struct hash_stream *hash;
	uint64_t seen; /* of the present try */
	uint64_t given; /* to the sink, over all tries */
	bool dead;
};

static enum coffer_rc on_piece(void *arg, struct span piece, struct err *e)
{
	struct stream *s = arg;
	uint64_t skip = s->seen < s->given ? s->given - s->seen : 0;
	enum coffer_rc rc;

	s->seen += piece.n;
	if (s->seen > s->blob->size) {
		s->dead = true;
		return err_deny(e, "digest", "a blob is larger than the manifest says");
	}
	piece = span_skip(piece, skip < piece.n ? (size_t)skip : piece.n);
	if (piece.n == 0)
		return COFFER_OK;
	s->given += piece.n;
	hash_add(s->hash, piece);
	rc = s->sink(s->arg, piece, e);
	s->dead = rc != COFFER_OK;
	return rc;
}

/* One try of a stream starts at its first byte. */
static enum coffer_rc stream_blob(struct registry *r, struct call *c, struct stream *s, struct err *e)
{
	c->once = true;
	for (int attempt = 1;; attempt++) {
		CLEANUP(http_res_clear) struct http_res res = { 0 };
		enum coffer_rc rc;

		s->seen = 0;
		rc = call_registry(r, c, &s->dead, &res, e);
		if (rc != COFFER_E_UPSTREAM || s->dead || r->final || attempt == REGISTRY_TRIES)
			return rc;
		if (res.status >= 400 && res.status < 500 && res.status != 429)
			return rc;
		pause_before(attempt);
	}
}

enum coffer_rc registry_get_blob(struct registry *r, const struct registry_blob *b, registry_sink sink, void *arg, struct err *e)
{
	CLEANUP(hash_freep) struct hash_stream *hash = hash_open(HASH_SHA256);
	CLEANUP(freep) char *path = NULL;
	struct stream s = { .blob = b, .sink = sink, .arg = arg, .hash = hash };
	struct call c = { .method = "GET", .sink = on_piece, .sink_arg = &s };
	uint8_t got[HASH_MAX];

	TRY(blob_path(r, b->digest, &path, e));
	c.path = path;
	TRY(stream_blob(r, &c, &s, e));
	hash_end(MOVE(hash), got);
	if (s.given != b->size || memcmp(got, b->digest, 32) != 0) /* public: digests */
		return err_deny(e, "digest", "registry %s: the bytes it sent for %.200s are not that blob", r->home.host, c.path);
	return COFFER_OK;
}

static enum coffer_rc keep(void *arg, struct span piece, struct err *e)
{
	wr_put(arg, piece);
	return wr_done(arg, "a blob", e);
}

enum coffer_rc registry_read_blob(struct registry *r, const struct registry_blob *b, size_t max, struct wr *out, struct err *e)
{
	if (b->size > max)
		return err_set(
		    e, COFFER_E_LIMIT, "a blob of %llu bytes where at most %zu are read", (unsigned long long)b->size, max);
	return registry_get_blob(r, b, keep, out, e);
}

/* ---- upload (OCI distribution specification, "POST then PUT") ---- */

static enum coffer_rc begin_upload(struct registry *r, const char *hex, struct origin *at, char **path, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(freep) char *post = str_fmt("/v2/%s/blobs/uploads/", r->repo);
	CLEANUP(freep) char *where = NULL;
	struct call c = { .method = "POST", .path = post, .max_body = SMALL_BODY };

	if (!post)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(call_registry(r, &c, NULL, &res, e));
	*at = r->home;
	TRY(follow(r, http_header(&res, "Location"), at, &where, e));
	*path = str_fmt("%s%cdigest=sha256:%s", where, strchr(where, '?') ? '&' : '?', hex);
	return *path ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

enum coffer_rc registry_put_blob(struct registry *r, struct span body, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(freep) char *path = NULL;
	struct call c = { .method = "PUT", .content_type = "application/octet-stream", .body = body, .max_body = SMALL_BODY };
	char hex[HEX32_LEN];
	uint8_t digest[32];
	struct origin at;
	enum coffer_rc rc;

	sha256(body, digest);
	hex32(digest, hex);
	rc = registry_head_blob(r, digest, e);
	if (rc != COFFER_E_NOTFOUND)
		return rc;
	TRY(begin_upload(r, hex, &at, &path, e));
	c.path = path;
	TRY(send_one(r, &c, &at, path, &res, e));
	return judge(r, &c, res.status, e);
}
