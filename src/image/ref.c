#include "image/ref.h"

#include <stdio.h>

#include "base/str.h"
#include "fmt/enc.h"

static bool lower_or_digit(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool alnum(uint8_t c)
{
	return lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

/* Length of one separator of a path component at s: "." "_" "__" or dashes; 0 for anything else. */
static size_t separator(struct span s)
{
	size_t n = 0;

	if (s.n > 0 && s.p[0] == '.')
		return 1;
	if (s.n > 0 && s.p[0] == '_')
		return s.n > 1 && s.p[1] == '_' ? 2 : 1;
	while (n < s.n && s.p[n] == '-')
		n++;
	return n;
}

static bool path_component(struct span s)
{
	size_t i = 0;

	if (s.n == 0)
		return false;
	for (;;) {
		size_t start = i, sep;

		while (i < s.n && lower_or_digit(s.p[i]))
			i++;
		if (i == start)
			return false;
		if (i == s.n)
			return true;
		sep = separator(span_skip(s, i));
		if (sep == 0)
			return false;
		i += sep;
	}
}

static bool path_ok(struct span s)
{
	for (;;) {
		size_t n = span_find(s, '/');

		if (!path_component((struct span){ s.p, n }))
			return false;
		if (n == s.n)
			return true;
		s = span_skip(s, n + 1);
	}
}

static bool host_label(struct span s)
{
	if (s.n == 0 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

static bool host_name(struct span s)
{
	for (;;) {
		size_t n = span_find(s, '.');

		if (!host_label((struct span){ s.p, n }))
			return false;
		if (n == s.n)
			return true;
		s = span_skip(s, n + 1);
	}
}

static bool port_ok(struct span s)
{
	uint64_t v;

	return span_u64(s, &v) && v > 0 && v <= 65535;
}

/* "[::1]" with an optional port: hex digits and colons only between the brackets. */
static bool host_v6(struct span s)
{
	size_t end = span_find(s, ']');
	struct span rest;

	if (end == s.n || end < 3)
		return false;
	for (size_t i = 1; i < end; i++) {
		uint8_t c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':'))
			return false;
	}
	rest = span_skip(s, end + 1);
	return rest.n == 0 || (rest.p[0] == ':' && port_ok(span_skip(rest, 1)));
}

static bool host_ok(struct span s)
{
	size_t n;

	if (s.n > 0 && s.p[0] == '[')
		return host_v6(s);
	n = span_find(s, ':');
	return host_name((struct span){ s.p, n }) && (n == s.n || port_ok(span_skip(s, n + 1)));
}

static bool tag_ok(struct span s)
{
	if (s.n == 0 || s.n > REF_TAG_MAX || !(alnum(s.p[0]) || s.p[0] == '_'))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '.' && s.p[i] != '-')
			return false;
	return true;
}

/* Docker's test for "is the first component a host?". */
static bool looks_like_host(struct span s)
{
	if (span_eq_str(s, "localhost"))
		return true;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '.' || s.p[i] == ':' || (s.p[i] >= 'A' && s.p[i] <= 'Z'))
			return true;
	return false;
}

static void copy_text(char *dst, const char *prefix, struct span s)
{
	size_t n = strlen(prefix);

	memcpy(dst, prefix, n);
	if (s.n > 0)
		memcpy(dst + n, s.p, s.n);
	dst[n + s.n] = '\0';
}

/* `name` has neither tag nor digest. Lengths are checked before anything is copied. */
static enum coffer_rc read_name(struct span name, struct ref *r, struct err *e)
{
	size_t slash = span_find(name, '/');
	struct span host = span_of("docker.io"), repo = name;
	const char *prefix = "";

	if (slash < name.n && looks_like_host((struct span){ name.p, slash })) {
		host = (struct span){ name.p, slash };
		repo = span_skip(name, slash + 1);
	}
	if (span_eq_str(host, "index.docker.io"))
		host = span_of("docker.io");
	if (span_eq_str(host, "docker.io") && span_find(repo, '/') == repo.n)
		prefix = "library/";
	if (!host_ok(host))
		return err_set(e, COFFER_E_INPUT, "image reference: the host is malformed");
	if (!path_ok(repo))
		return err_set(e, COFFER_E_INPUT, "image reference: the repository must be lower-case components joined by '/'");
	if (host.n + 1 + strlen(prefix) + repo.n > REF_NAME_MAX)
		return err_set(e, COFFER_E_INPUT, "image reference: name longer than %d bytes", REF_NAME_MAX);
	copy_text(r->host, "", host);
	copy_text(r->repo, prefix, repo);
	return COFFER_OK;
}

enum coffer_rc ref_digest_parse(struct span text, uint8_t out[static 32], struct err *e)
{
	if (!span_starts(text, "sha256:"))
		return err_set(e, COFFER_E_INPUT, "digest: only sha256:<hex> is read");
	text = span_skip(text, 7);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] >= 'A' && text.p[i] <= 'F')
			return err_set(e, COFFER_E_INPUT, "digest: capitals in the hex digits");
	if (text.n != 64 || !hex_fixed(text, out, 32))
		return err_set(e, COFFER_E_INPUT, "digest: not 64 hex digits");
	return COFFER_OK;
}

void ref_digest_text(const uint8_t digest[static 32], char out[static REF_DIGEST_TEXT])
{
	memcpy(out, "sha256:", sizeof("sha256:"));
	hex32(digest, out + 7);
}

/* The tag begins at the first ':' behind the last '/': a host's port is always before a '/'. */
static struct span cut_tag(struct span *name, bool *has)
{
	struct span tag = { NULL, 0 };

	*has = false;
	for (size_t i = name->n; i > 0; i--) {
		if (name->p[i - 1] == '/')
			break;
		if (name->p[i - 1] == ':') {
			*has = true;
			tag = span_skip(*name, i);
			name->n = i - 1;
			break;
		}
	}
	return tag;
}

enum coffer_rc ref_parse(struct span text, struct ref *out, struct err *e)
{
	struct ref r = { 0 };
	struct span tag;
	bool has_tag;
	size_t at;

	if (text.n == 0)
		return err_set(e, COFFER_E_INPUT, "image reference: empty");
	if (text.n >= REF_TEXT_MAX)
		return err_set(e, COFFER_E_INPUT, "image reference: longer than %d bytes", REF_TEXT_MAX - 1);
	at = span_find(text, '@');
	if (at < text.n) {
		TRY(ref_digest_parse(span_skip(text, at + 1), r.digest, e));
		r.has_digest = true;
		text.n = at;
	}
	tag = cut_tag(&text, &has_tag);
	if (has_tag && !tag_ok(tag))
		return err_set(e, COFFER_E_INPUT, "image reference: the tag is malformed");
	copy_text(r.tag, "", tag);
	TRY(read_name(text, &r, e));
	*out = r;
	return COFFER_OK;
}

void ref_default_tag(struct ref *r)
{
	if (r->tag[0] == '\0' && !r->has_digest)
		memcpy(r->tag, "latest", sizeof("latest"));
}

void ref_name(const struct ref *r, char out[static REF_NAME_MAX + 1])
{
	size_t n = strnlen(r->host, REF_NAME_MAX - 1);
	size_t m = strnlen(r->repo, REF_NAME_MAX - 1 - n);

	memcpy(out, r->host, n);
	out[n] = '/';
	memcpy(out + n + 1, r->repo, m);
	out[n + 1 + m] = '\0';
}

void ref_text(const struct ref *r, char out[static REF_TEXT_MAX])
{
	char name[REF_NAME_MAX + 1], digest[REF_DIGEST_TEXT] = "";

	ref_name(r, name);
	if (r->has_digest)
		ref_digest_text(r->digest, digest);
	(void)snprintf(out, REF_TEXT_MAX, "%s%s%s%s%s", name, r->tag[0] ? ":" : "", r->tag, r->has_digest ? "@" : "", digest);
}

const char *ref_registry_host(const struct ref *r)
{
	return strcmp(r->host, "docker.io") == 0 ? "registry-1.docker.io" : r->host;
}
