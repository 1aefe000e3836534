#include "image/policy.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/pem.h"
#include "fmt/enc.h"
#include "image/identity.h"
#include "os/file.h"

#define KEY_MAX ((size_t)64 << 10) /* bytes of a PEM key */
#define SCOPES_MAX 1024

enum req_type { REQ_REJECT, REQ_ACCEPT, REQ_SIGSTORE, REQ_GPG };

struct req {
	enum req_type   type;
	char           *key;   /* PEM text; NULL with a path */
	char           *path;
	struct identity identity;
};
struct scope {
	char      *name;
	size_t     n;
	struct req *req;
};
struct policy {
	struct scope *scope; /* the first is the default */
	size_t        n;
};

static void scope_clear(struct scope *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->req[i].key);
		free(s->req[i].path);
	}
	free(s->req);
	free(s->name);
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		scope_clear(&p->scope[i]);
	free(p->scope);
	free(p);
}

static enum coffer_rc no_memory(struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "policy: out of memory");
}

/* keyData is base64 of the PEM by the format's own text; the plain PEM that some writers put there cannot be
 * mistaken for it ('-' is no base64). */
static enum coffer_rc read_key_data(struct span s, char **out, struct err *e)
{
	CLEANUP(wr_close) struct wr pem = wr_open(KEY_MAX);

	if (span_starts(s, "-----BEGIN "))
		wr_put(&pem, s);
	else if (!b64_read(s, &pem))
		return err_set(e, COFFER_E_INPUT, "policy: keyData is neither base64 nor PEM");
	TRY(wr_done(&pem, "policy: keyData", e));
	if (pem.n == 0)
		return err_set(e, COFFER_E_INPUT, "policy: keyData is empty");
	*out = span_dup(wr_span(&pem));
	return *out ? COFFER_OK : err_set(e, COFFER_E_INPUT, "policy: keyData holds a NUL byte");
}

static enum coffer_rc read_key(const struct json *v, struct req *r, struct err *e)
{
	const struct json *data = json_get(v, "keyData"), *path = json_get(v, "keyPath");
	struct span s;

	if (!data == !path)
		return err_set(e, COFFER_E_INPUT, "policy: exactly one of keyPath and keyData is needed");
	if (data) {
		TRY(json_need_str(v, "keyData", "policy", &s, e));
		return read_key_data(s, &r->key, e);
	}
	TRY(json_need_str(v, "keyPath", "policy", &s, e));
	if (!span_starts(s, "/"))
		return err_set(e, COFFER_E_INPUT, "policy: keyPath must be absolute");
	r->path = span_dup(s);
	return r->path ? COFFER_OK : no_memory(e);
}

static enum coffer_rc read_sigstore(const struct json *v, struct req *r, struct err *e)
{
	static const char *const members[] = { "type", "keyPath", "keyData", "signedIdentity", NULL };

	r->type = REQ_SIGSTORE;
	if (json_closed(v, members, "policy: sigstoreSigned", e) != COFFER_OK)
		return err_wrap(e, "not built, and not to be half obeyed");
	TRY(read_key(v, r, e));
	return identity_parse(json_get(v, "signedIdentity"), &r->identity, e);
}

static enum coffer_rc read_gpg(const struct json *v, struct req *r, struct err *e)
{
	static const char *const members[] = { "type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity", NULL };
	struct span type;
	int keys = !!json_get(v, "keyPath") + !!json_get(v, "keyPaths") + !!json_get(v, "keyData");

	r->type = REQ_GPG;
	TRY(json_closed(v, members, "policy: signedBy", e));
	TRY(json_need_str(v, "keyType", "policy: signedBy", &type, e));
	if (!span_eq_str(type, "GPGKeys"))
		return err_set(e, COFFER_E_INPUT, "policy: signedBy: unknown keyType");
	if (keys != 1)
		return err_set(e, COFFER_E_INPUT, "policy: signedBy: exactly one of keyPath, keyPaths and keyData is needed");
	return identity_parse(json_get(v, "signedIdentity"), &r->identity, e);
}

static enum coffer_rc read_req(const struct json *v, struct req *r, struct err *e)
{
	static const char *const members[] = { "type", NULL };
	struct span type;

	TRY(json_need_str(v, "type", "policy: requirement", &type, e));
	if (span_eq_str(type, "sigstoreSigned"))
		return read_sigstore(v, r, e);
	if (span_eq_str(type, "signedBy"))
		return read_gpg(v, r, e);
	if (span_eq_str(type, "insecureAcceptAnything"))
		r->type = REQ_ACCEPT;
	else if (span_eq_str(type, "reject"))
		r->type = REQ_REJECT;
	else
		return err_set(e, COFFER_E_INPUT, "policy: unknown requirement type");
	return json_closed(v, members, "policy: requirement", e);
}

static enum coffer_rc read_reqs(const struct json *arr, struct scope *s, struct err *e)
{
	if (json_type(arr) != JSON_ARRAY || json_len(arr) == 0)
		return err_set(e, COFFER_E_INPUT, "policy: %s: requirements must be a list, and not an empty one", s->name);
	if (json_len(arr) > POLICY_REQS_MAX)
		return err_set(e, COFFER_E_LIMIT, "policy: %s: more than %d requirements", s->name, POLICY_REQS_MAX);
	s->req = calloc(json_len(arr), sizeof(*s->req));
	if (!s->req)
		return no_memory(e);
	for (size_t i = 0; i < json_len(arr); i++) {
		s->n++; /* first, so that a half-read one is freed */
		if (read_req(json_at(arr, i), &s->req[i], e) != COFFER_OK)
			return err_wrap(e, "policy: %s", s->name);
	}
	return COFFER_OK;
}

/* A scope that no reference could ever match is a mistake its author would not notice. */
static bool scope_name_ok(struct span s)
{
	if (s.n == 0)
		return true;
	if (s.p[0] == '/' || s.p[s.n - 1] == '/')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || (s.p[i] == '/' && s.p[i + 1] == '/') || (s.p[i] == '*' && i > 0))
			return false;
	return s.p[0] != '*' || (s.n > 2 && s.p[1] == '.' && span_find(s, '/') == s.n);
}

static enum coffer_rc read_scope(struct span name, const struct json *arr, struct scope *s, struct err *e)
{
	*s = (struct scope){ .name = span_dup(name) };
	if (!s->name)
		return no_memory(e);
	return read_reqs(arr, s, e);
}

static enum coffer_rc read_docker(const struct json *o, struct policy *p, struct err *e)
{
	for (size_t i = 0; i < json_len(o); i++) {
		struct span name = json_name(o, i);

		if (!scope_name_ok(name))
			return err_set(e, COFFER_E_INPUT, "policy: a scope that no image can match");
		p->n++;
		TRY(read_scope(name, json_at(o, i), &p->scope[p->n - 1], e));
	}
	return COFFER_OK;
}

/* Scopes of other transports decide nothing here, but must be as well formed. */
static enum coffer_rc check_foreign(const struct json *o, struct err *e)
{
	for (size_t i = 0; i < json_len(o); i++) {
		struct scope s;
		enum coffer_rc rc = read_scope(json_name(o, i), json_at(o, i), &s, e);

		scope_clear(&s);
		TRY(rc);
	}
	return COFFER_OK;
}

static enum coffer_rc read_transports(const struct json *t, struct policy *p, struct err *e)
{
	if (!t)
		return COFFER_OK;
	if (json_type(t) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "policy: transports is not an object");
	for (size_t i = 0; i < json_len(t); i++) {
		const struct json *o = json_at(t, i);

		if (json_type(o) != JSON_OBJECT)
			return err_set(e, COFFER_E_INPUT, "policy: a transport is not an object");
		TRY(span_eq_str(json_name(t, i), "docker") ? read_docker(o, p, e) : check_foreign(o, e));
	}
	return COFFER_OK;
}

enum coffer_rc policy_parse(struct span text, struct policy **out, struct err *e)
{
	static const char *const members[] = { "default", "transports", NULL };
	CLEANUP(policy_freep) struct policy *p = NULL;
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *root, *def;
	size_t n;

	if (json_parse(text, POLICY_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "policy");
	root = json_root(doc);
	TRY(json_closed(root, members, "policy", e));
	TRY(json_need_arr(root, "default", "policy", &def, e));
	n = json_len(json_get(json_get(root, "transports"), "docker"));
	if (n > SCOPES_MAX)
		return err_set(e, COFFER_E_LIMIT, "policy: more than %d scopes", SCOPES_MAX);
	p = calloc(1, sizeof(*p));
	if (p)
		p->scope = calloc(n + 1, sizeof(*p->scope));
	if (!p || !p->scope)
		return no_memory(e);
	p->n = 1;
	TRY(read_scope(span_of("default"), def, &p->scope[0], e));
	TRY(read_transports(json_get(root, "transports"), p, e));
	*out = MOVE(p);
	return COFFER_OK;
}

static const struct scope *find_scope(const struct policy *p, const char *name)
{
	for (size_t i = 1; i < p->n; i++)
		if (strcmp(p->scope[i].name, name) == 0)
			return &p->scope[i];
	return NULL;
}

/* "a/b/c", "a/b", "a": cuts text as it goes. */
static const struct scope *find_parents(const struct policy *p, char *text)
{
	for (;;) {
		const struct scope *s = find_scope(p, text);
		char *slash;

		if (s)
			return s;
		slash = strrchr(text, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
	}
}

static const struct scope *find_wildcards(const struct policy *p, const char *host)
{
	for (const char *dot = strchr(host, '.'); dot; dot = strchr(dot + 1, '.')) {
		CLEANUP(freep) char *name = str_fmt("*%s", dot);
		const struct scope *s = name ? find_scope(p, name) : NULL;

		if (s)
			return s;
	}
	return NULL;
}

static const struct scope *scope_of(const struct policy *p, const struct ref *image)
{
	struct ref r = *image;
	char text[REF_TEXT_MAX], name[REF_NAME_MAX + 1];
	const struct scope *s;

	ref_default_tag(&r);
	if (r.has_digest)
		r.tag[0] = '\0';
	ref_text(&r, text);
	ref_name(&r, name);
	s = find_scope(p, text);
	if (!s)
		s = find_parents(p, name);
	if (!s)
		s = find_wildcards(p, r.host);
	if (!s)
		s = find_scope(p, "");
	return s ? s : &p->scope[0];
}

const char *policy_scope(const struct policy *p, const struct ref *image)
{
	return scope_of(p, image)->name;
}

bool policy_wants_signatures(const struct policy *p, const struct ref *image)
{
	const struct scope *s;

	if (!p)
		return false;
	s = scope_of(p, image);
	for (size_t i = 0; i < s->n; i++)
		if (s->req[i].type == REQ_SIGSTORE)
			return true;
	return false;
}

enum fit { FIT_KEY, FIT_FORM, FIT_DIGEST, FIT_IDENTITY, FIT_ALL }; /* how far a signature got */

struct question {
	const struct req *req;
	const struct ref *image;
	const uint8_t    *digest;
	struct span       key;
};

/* Nothing of the payload is read before its signature is right. */
static enum coffer_rc judge_one(const struct question *q, const struct sign_one *one, enum fit *fit, struct err *e)
{
	CLEANUP(sign_payload_clear) struct sign_payload p = { 0 };
	struct span text = { (const uint8_t *)one->payload, one->payload_n };
	struct err local;
	enum coffer_rc rc = pem_verify(q->key, text, (struct span){ (const uint8_t *)one->sig, one->sig_n }, e);

	*fit = FIT_KEY;
	if (rc == COFFER_E_DENIED)
		return COFFER_OK;
	TRY(rc);
	*fit = FIT_FORM;
	if (sign_payload_parse(text, &p, &local) != COFFER_OK)
		return COFFER_OK;
	*fit = FIT_DIGEST;
	if (memcmp(p.digest, q->digest, 32) != 0) /* public: digests */
		return COFFER_OK;
	*fit = identity_fits(&q->req->identity, q->image, p.reference) ? FIT_ALL : FIT_IDENTITY;
	return COFFER_OK;
}

static enum coffer_rc judge_signatures(const struct question *q, const struct sign_set *sigs, struct err *e)
{
	static const char *const miss[] = { "none is by the policy's key", "the one by the policy's key has a malformed payload",
		"the one by the policy's key is for another digest", "the one by the policy's key is for another image name" };
	enum fit best = FIT_KEY;

	if (!sigs || sigs->n == 0)
		return err_deny(e, "signature", "the image has no signature");
	for (size_t i = 0; i < sigs->n; i++) {
		enum fit fit;

		if (judge_one(q, &sigs->at[i], &fit, e) != COFFER_OK)
			return err_deny(e, "policy", "the policy's key cannot be used");
		if (fit == FIT_ALL)
			return COFFER_OK;
		if (fit > best)
			best = fit;
	}
	return err_deny(e, "signature", "of %zu signatures %s", sigs->n, miss[best]);
}

static enum coffer_rc judge_sigstore(const struct question *q, const struct sign_set *sigs, struct err *e)
{
	CLEANUP(wr_close) struct wr pem = { 0 };
	struct question with_key = *q;

	with_key.key = span_of(q->req->key);
	if (q->req->path) {
		if (file_read(q->req->path, KEY_MAX, &pem, e) != COFFER_OK)
			return err_deny(e, "policy", "the policy's key file cannot be read: %s", q->req->path);
		with_key.key = wr_span(&pem);
	}
	return judge_signatures(&with_key, sigs, e);
}

enum coffer_rc policy_judge(const struct policy *p, const struct ref *image, const uint8_t digest[static 32],
    const struct sign_set *sigs, struct err *e)
{
	const struct scope *s;

	if (!p)
		return err_deny(e, "policy", "no image policy is set");
	s = scope_of(p, image);
	for (size_t i = 0; i < s->n; i++) {
		const struct question q = { .req = &s->req[i], .image = image, .digest = digest };

		switch (s->req[i].type) {
		case REQ_ACCEPT:
			continue;
		case REQ_REJECT:
			return err_deny(e, "policy", "scope \"%s\" rejects every image", s->name);
		case REQ_GPG:
			return err_deny(e, "policy", "scope \"%s\" asks for signedBy, which is not built", s->name);
		case REQ_SIGSTORE:
			TRY(judge_sigstore(&q, sigs, e));
			continue;
		}
		return err_set(e, COFFER_E_BUG, "policy: requirement of unknown type");
	}
	return s->n > 0 ? COFFER_OK : err_deny(e, "policy", "scope \"%s\" has no requirement", s->name);
}
