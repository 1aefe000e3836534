/* Bodies about images and about other statements: image-release, revocation. */
#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"
#include "trust/form.h"
#include "trust/statement.h"
#include "trust/thing.h"

#define METHODS_MAX 8
#define KEYS_MAX 16
#define ATTESTATIONS_MAX 32

static enum coffer_rc read_methods(const struct json *list, struct err *e)
{
	static const char *const names[] = { "type", "key", NULL };
	struct span type, key;

	for (size_t i = 0; i < json_len(list); i++) {
		TRY(json_closed(json_at(list, i), names, "image-release method", e));
		TRY(json_need_str(json_at(list, i), "type", "image-release method", &type, e));
		TRY(json_need_str(json_at(list, i), "key", "image-release method", &key, e));
		if (!form_method_ok(type, key))
			return err_set(e, COFFER_E_INPUT, "image-release: a method is not sigstoreSigned with a PEM public key");
	}
	return COFFER_OK;
}

static enum coffer_rc read_keys(const struct json *list, struct err *e)
{
	struct asset_path p;

	TRY(form_unique(list, "keys", "image-release", e));
	for (size_t i = 0; i < json_len(list); i++)
		TRY(form_asset(json_str(json_at(list, i)), "image-release", &p, e));
	return COFFER_OK;
}

/* Which of the releaser's assets it is; that it is its own is admit.c's question. */
static enum coffer_rc read_asset(const struct json *v, struct err *e)
{
	struct asset_path p;
	struct span path;

	if (!json_get(v, "asset"))
		return COFFER_OK;
	TRY(json_need_str(v, "asset", "image-release attestation", &path, e));
	return form_asset(path, "image-release attestation", &p, e);
}

/* What was found of the image besides: an artefact beside it by the digest of its manifest, or an asset by the digest of its content. */
static enum coffer_rc read_attestations(const struct json *b, struct image_release *r, struct err *e)
{
	static const char *const names[] = { "type", "digest", "asset", NULL };
	struct span type;
	uint8_t digest[32];

	if (!json_get(b, "attestations"))
		return COFFER_OK;
	TRY(form_list(b, "attestations", "image-release", (struct form_range){ 1, ATTESTATIONS_MAX }, &r->attestations, e));
	for (size_t i = 0; i < json_len(r->attestations); i++) {
		TRY(json_closed(json_at(r->attestations, i), names, "image-release attestation", e));
		TRY(json_need_str(json_at(r->attestations, i), "type", "image-release attestation", &type, e));
		if (!form_predicate_ok(type))
			return err_set(e, COFFER_E_INPUT, "image-release: an attestation's type is no predicate type");
		TRY(form_digest(json_at(r->attestations, i), "digest", "image-release attestation", digest, e));
		TRY(read_asset(json_at(r->attestations, i), e));
	}
	return COFFER_OK;
}

bool image_release_offers(const struct image_release *r, struct span type, struct span key)
{
	for (size_t i = 0; i < json_len(r->methods); i++) {
		const struct json *m = json_at(r->methods, i);

		if (span_eq(json_str(json_get(m, "type")), type) && span_eq(json_str(json_get(m, "key")), key))
			return true;
	}
	return false;
}

bool image_release_attests(const struct image_release *r, struct span type)
{
	for (size_t i = 0; i < json_len(r->attestations); i++)
		if (span_eq(json_str(json_get(json_at(r->attestations, i), "type")), type))
			return true;
	return false;
}

enum coffer_rc image_release_read(const struct statement *s, struct image_release *out, struct err *e)
{
	static const char *const names[] = { "repository", "version", "methods", "keys", "attestations", NULL };
	struct image_release r = { 0 };

	if (s->kind != ST_IMAGE_RELEASE)
		return err_set(e, COFFER_E_INPUT, "image-release: the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, "image-release", e));
	TRY(form_text(s->body, "repository", "image-release", &r.repository, e));
	if (!span_eq(r.repository, s->subject[0].name))
		return err_set(e, COFFER_E_INPUT, "image-release: the repository is not the statement's subject");
	TRY(form_number(s->body, "version", "image-release", (struct form_range){ 0, FORM_NUMBER_MAX }, &r.version, e));
	TRY(form_list(s->body, "methods", "image-release", (struct form_range){ 1, METHODS_MAX }, &r.methods, e));
	TRY(read_methods(r.methods, e));
	TRY(form_list(s->body, "keys", "image-release", (struct form_range){ 0, KEYS_MAX }, &r.keys, e));
	TRY(read_keys(r.keys, e));
	TRY(read_attestations(s->body, &r, e));
	memcpy(r.digest, s->subject[0].sha256, sizeof(r.digest));
	*out = r;
	return COFFER_OK;
}

static enum coffer_rc read_key(const struct statement *s, struct revocation *r, struct err *e)
{
	static const char *const names[] = { "key", "from", "reason", NULL };
	struct span key;

	TRY(json_closed(s->body, names, "revocation", e));
	TRY(json_need_str(s->body, "key", "revocation", &key, e));
	if (!b64url_fixed(key, r->key, sizeof(r->key)))
		return err_set(e, COFFER_E_INPUT, "revocation: member \"key\" is no thumbprint (RFC 7638, SHA-256, base64url)");
	if (!span_eq(SPAN(r->key), SPAN(s->subject[0].sha256)) || !span_eq(s->subject[0].name, key))
		return err_set(e, COFFER_E_INPUT, "revocation: the key is not the subject");
	r->of_key = true;
	return form_time(s->body, "from", "revocation", &r->from, e);
}

static enum coffer_rc read_thing(const struct statement *s, struct revocation *r, struct err *e)
{
	static const char *const names[] = { "thing", "reason", NULL }, *const of_key[] = { "thing", "from", "reason", NULL };
	char subject[THING_SUBJECT_MAX];
	struct span text;

	TRY(json_need_str(s->body, "thing", "revocation", &text, e));
	if (!thing_read(text, &r->thing))
		return err_set(e, COFFER_E_INPUT, "revocation: member \"thing\" is none of chip:PLATFORM:HEX, image:DIGEST, image-key:DIGEST and measurement:PLATFORM:REGISTER:HEX");
	TRY(json_closed(s->body, r->thing.kind == THING_IMAGE_KEY ? of_key : names, "revocation", e));
	if (json_get(s->body, "from")) {
		TRY(form_time(s->body, "from", "revocation", &r->from, e));
		if (r->from <= 0)
			return err_set(e, COFFER_E_INPUT, "revocation: member \"from\" is before 1970");
	}
	thing_subject(r->thing.id, subject);
	if (!span_eq(SPAN(r->thing.id), SPAN(s->subject[0].sha256)) || !span_eq_str(s->subject[0].name, subject))
		return err_set(e, COFFER_E_INPUT, "revocation: the thing is not the subject");
	r->of_thing = true;
	return COFFER_OK;
}

static enum coffer_rc read_target(const struct statement *s, struct revocation *r, struct err *e)
{
	static const char *const names[] = { "statement", "reason", NULL };
	char id[HEX32_LEN];

	TRY(json_closed(s->body, names, "revocation", e));
	TRY(form_digest(s->body, "statement", "revocation", r->statement, e));
	hex32(r->statement, id);
	if (!span_eq(SPAN(r->statement), SPAN(s->subject[0].sha256)) || !span_eq_str(s->subject[0].name, id))
		return err_set(e, COFFER_E_INPUT, "revocation: the revoked statement is not the subject");
	return COFFER_OK;
}

enum coffer_rc revocation_read(const struct statement *s, struct revocation *out, struct err *e)
{
	struct revocation r = { 0 };

	if (s->kind != ST_REVOCATION && s->kind != ST_PAUSE)
		return err_set(e, COFFER_E_INPUT, "revocation: the statement's kind is %s", statement_kind_name(s->kind));
	if (s->kind == ST_REVOCATION && json_get(s->body, "key"))
		TRY(read_key(s, &r, e));
	else if (s->kind == ST_REVOCATION && json_get(s->body, "thing"))
		TRY(read_thing(s, &r, e));
	else
		TRY(read_target(s, &r, e));
	TRY(form_text(s->body, "reason", "revocation", &r.reason, e));
	if (s->kind == ST_PAUSE && s->expires - s->issued > PAUSE_SECONDS_MAX)
		return err_set(e, COFFER_E_INPUT, "pause: it lasts longer than 7 days");
	*out = r;
	return COFFER_OK;
}

bool revocation_says_as_much(const struct statement *before, const struct statement *s)
{
	struct revocation was, is;
	struct err e;
	bool same = before->kind == s->kind && strcmp(before->issuer, s->issuer) == 0 && (s->kind == ST_REVOCATION || s->kind == ST_PAUSE);

	if (!same || revocation_read(before, &was, &e) != COFFER_OK || revocation_read(s, &is, &e) != COFFER_OK || was.of_key || is.of_key || was.of_thing != is.of_thing)
		return false;
	if (s->kind == ST_PAUSE && (before->issued > s->issued || before->expires != s->expires))
		return false;
	return is.of_thing ? span_eq(SPAN(was.thing.id), SPAN(is.thing.id)) && was.from <= is.from : span_eq(SPAN(was.statement), SPAN(is.statement));
}
