/* Bodies about images and about other statements: image-release, revocation. */
#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"
#include "trust/form.h"
#include "trust/statement.h"

#define METHODS_MAX 8
#define KEYS_MAX 16

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

enum coffer_rc image_release_read(const struct statement *s, struct image_release *out, struct err *e)
{
	static const char *const names[] = { "repository", "version", "methods", "keys", NULL };
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
	memcpy(r.digest, s->subject[0].sha256, sizeof(r.digest));
	*out = r;
	return COFFER_OK;
}

enum coffer_rc revocation_read(const struct statement *s, struct revocation *out, struct err *e)
{
	static const char *const names[] = { "statement", "reason", NULL };
	struct revocation r = { 0 };
	char id[HEX32_LEN];

	if (s->kind != ST_REVOCATION && s->kind != ST_PAUSE)
		return err_set(e, COFFER_E_INPUT, "revocation: the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, "revocation", e));
	TRY(form_digest(s->body, "statement", "revocation", r.statement, e));
	hex32(r.statement, id);
	if (!span_eq(SPAN(r.statement), SPAN(s->subject[0].sha256)) || !span_eq_str(s->subject[0].name, id))
		return err_set(e, COFFER_E_INPUT, "revocation: the revoked statement is not the subject");
	TRY(form_text(s->body, "reason", "revocation", &r.reason, e));
	if (s->kind == ST_PAUSE && s->expires - s->issued > PAUSE_SECONDS_MAX)
		return err_set(e, COFFER_E_INPUT, "pause: it lasts longer than 7 days");
	*out = r;
	return COFFER_OK;
}
