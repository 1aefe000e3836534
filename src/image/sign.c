#include "image/sign.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "fmt/enc.h"

#define PAYLOAD_TYPE "cosign container image signature"
#define NOTE_MAX 4096

void sign_tag(const uint8_t digest[static 32], char out[static SIGN_TAG_LEN])
{
	memcpy(out, "sha256-", sizeof("sha256-"));
	hex32(digest, out + 7);
	memcpy(out + 7 + 64, ".sig", 5);
}

void sign_payload_clear(struct sign_payload *p)
{
	json_free(p->doc);
	*p = (struct sign_payload){ 0 };
}

enum coffer_rc sign_payload_parse(struct span text, struct sign_payload *out, struct err *e)
{
	static const char *const top[] = { "critical", "optional", NULL };
	static const char *const inner[] = { "identity", "image", "type", NULL };
	static const char *const identity[] = { "docker-reference", NULL };
	static const char *const image[] = { "docker-manifest-digest", NULL };
	CLEANUP(sign_payload_clear) struct sign_payload p = { 0 };
	const struct json *root, *critical, *o;
	struct span type, digest;

	TRY(json_parse(text, SIGN_PAYLOAD_MAX, &p.doc, e));
	root = json_root(p.doc);
	TRY(json_closed(root, top, "signature payload", e));
	TRY(json_need_obj(root, "critical", "signature payload", &critical, e));
	TRY(json_closed(critical, inner, "signature payload: critical", e));
	TRY(json_need_str(critical, "type", "signature payload: critical", &type, e));
	if (!span_eq_str(type, PAYLOAD_TYPE))
		return err_set(e, COFFER_E_INPUT, "signature payload: type is not \"" PAYLOAD_TYPE "\"");
	TRY(json_need_obj(critical, "identity", "signature payload: critical", &o, e));
	TRY(json_closed(o, identity, "signature payload: identity", e));
	TRY(json_need_str(o, "docker-reference", "signature payload: identity", &p.reference, e));
	if (p.reference.n == 0)
		return err_set(e, COFFER_E_INPUT, "signature payload: names no image");
	TRY(json_need_obj(critical, "image", "signature payload: critical", &o, e));
	TRY(json_closed(o, image, "signature payload: image", e));
	TRY(json_need_str(o, "docker-manifest-digest", "signature payload: image", &digest, e));
	TRY(ref_digest_parse(digest, p.digest, e));
	*out = p;
	p = (struct sign_payload){ 0 };
	return COFFER_OK;
}

enum coffer_rc sign_payload_write(const char *reference, const uint8_t digest[static 32], struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);
	char text[REF_DIGEST_TEXT];

	ref_digest_text(digest, text);
	jw_obj(&j);
	jw_name(&j, "critical");
	jw_obj(&j);
	jw_name(&j, "identity");
	jw_obj(&j);
	jw_m_text(&j, "docker-reference", reference);
	jw_obj_end(&j);
	jw_name(&j, "image");
	jw_obj(&j);
	jw_m_text(&j, "docker-manifest-digest", text);
	jw_obj_end(&j);
	jw_m_text(&j, "type", PAYLOAD_TYPE);
	jw_obj_end(&j);
	jw_name(&j, "optional");
	jw_null(&j);
	jw_obj_end(&j);
	return wr_done(w, "signature payload", e);
}

void sign_set_clear(struct sign_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->at[i].payload);
		free(s->at[i].sig);
	}
	*s = (struct sign_set){ 0 };
}

/* Some writers break the base64 into lines. */
static void without_line_ends(struct span s, struct wr *w)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\n' && s.p[i] != '\r')
			wr_u8(w, s.p[i]);
}

enum coffer_rc sign_set_add(struct sign_set *s, struct span payload, struct span note, struct err *e)
{
	CLEANUP(wr_close) struct wr b64 = wr_open(NOTE_MAX);
	CLEANUP(wr_close) struct wr sig = wr_open(SIGN_BYTES_MAX);
	CLEANUP(wr_close) struct wr copy = wr_open(SIGN_PAYLOAD_MAX);
	struct sign_one *one;

	if (s->n == SIGN_SET_MAX)
		return err_set(e, COFFER_E_LIMIT, "more than %d signatures on one image", SIGN_SET_MAX);
	without_line_ends(note, &b64);
	if (!wr_ok(&b64) || !b64_read(wr_span(&b64), &sig) || sig.n == 0)
		return err_set(e, COFFER_E_INPUT, "signature: not base64 of 1 to %d bytes", SIGN_BYTES_MAX);
	wr_put(&copy, payload);
	if (!wr_ok(&copy) || payload.n == 0)
		return err_set(e, COFFER_E_INPUT, "signature payload: empty or over %zu bytes", SIGN_PAYLOAD_MAX);
	one = &s->at[s->n];
	one->payload = wr_take(&copy, &one->payload_n);
	one->sig = wr_take(&sig, &one->sig_n);
	if (!one->payload || !one->sig) {
		free(one->payload);
		free(one->sig);
		*one = (struct sign_one){ 0 };
		return err_set(e, COFFER_E_SYSTEM, "signature: out of memory");
	}
	s->n++;
	return COFFER_OK;
}

typedef enum coffer_rc (*read_payload)(const void *from, const struct descriptor *d, struct wr *out, struct err *e);

/* A layer that is no readable signature is left out: strangers may attach what they like. */
static enum coffer_rc collect(struct span text, read_payload read, const void *from, struct sign_set *out, struct err *e)
{
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	CLEANUP(sign_set_clear) struct sign_set set = { 0 };
	struct err skipped;

	if (image_manifest_parse(text, &m, e) != COFFER_OK)
		return err_wrap(e, "signature manifest");
	for (size_t i = 0; i < m.n_layers; i++) {
		CLEANUP(wr_close) struct wr payload = { 0 };
		struct span note = descriptor_note(&m.layers[i], SIGN_NOTE);
		enum coffer_rc rc;

		if (!span_eq_str(m.layers[i].media_type, SIGN_MEDIA) || note.n == 0 || m.layers[i].size > SIGN_PAYLOAD_MAX)
			continue;
		TRY(read(from, &m.layers[i], &payload, e));
		rc = sign_set_add(&set, wr_span(&payload), note, &skipped);
		if (rc != COFFER_OK && rc != COFFER_E_INPUT) {
			*e = skipped;
			return rc;
		}
	}
	*out = set;
	set.n = 0;
	return COFFER_OK;
}

static enum coffer_rc from_registry(const void *from, const struct descriptor *d, struct wr *out, struct err *e)
{
	struct registry *const *r = from;
	const struct registry_blob b = { .digest = d->digest, .size = d->size };

	*out = wr_open(SIGN_PAYLOAD_MAX);
	return registry_read_blob(*r, &b, SIGN_PAYLOAD_MAX, out, e);
}

enum coffer_rc sign_fetch(struct registry *r, const uint8_t digest[static 32], struct sign_set *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(MANIFEST_MAX);
	char tag[SIGN_TAG_LEN];
	uint8_t own[32];

	sign_tag(digest, tag);
	if (registry_get_manifest(r, tag, &text, own, e) != COFFER_OK) {
		if (e->rc != COFFER_E_NOTFOUND)
			return err_wrap(e, "signatures");
		*out = (struct sign_set){ 0 };
		return COFFER_OK;
	}
	return collect(wr_span(&text), from_registry, &r, out, e);
}

static enum coffer_rc from_layout(const void *from, const struct descriptor *d, struct wr *out, struct err *e)
{
	return layout_read(from, d, SIGN_PAYLOAD_MAX, out, e);
}

enum coffer_rc sign_load(const struct layout *l, const uint8_t digest[static 32], struct sign_set *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	const struct descriptor *d;
	char tag[SIGN_TAG_LEN];

	sign_tag(digest, tag);
	if (layout_find(l, tag, &d, e) != COFFER_OK) {
		if (e->rc != COFFER_E_NOTFOUND)
			return e->rc;
		*out = (struct sign_set){ 0 };
		return COFFER_OK;
	}
	TRY(layout_read(l, d, MANIFEST_MAX, &text, e));
	return collect(wr_span(&text), from_layout, l, out, e);
}

enum coffer_rc sign_make(const struct privkey *k, const char *reference, const uint8_t digest[static 32], struct wr *payload,
    struct wr *note, struct err *e)
{
	CLEANUP(wr_close) struct wr sig = wr_open(SIGN_BYTES_MAX);

	TRY(sign_payload_write(reference, digest, payload, e));
	TRY(pem_style_sign(k, wr_span(payload), &sig, e));
	b64_write(note, wr_span(&sig));
	return wr_done(note, "signature", e);
}

static void write_descriptor(struct json_wr *j, const char *media_type, struct span body)
{
	uint8_t digest[32];
	char text[REF_DIGEST_TEXT];

	sha256(body, digest);
	ref_digest_text(digest, text);
	jw_m_text(j, "mediaType", media_type);
	jw_m_u64(j, "size", body.n);
	jw_m_text(j, "digest", text);
}

enum coffer_rc sign_manifest_write(const struct image_manifest *old, struct span payload, struct span note, struct span config,
    struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);

	if (old && old->n_layers >= SIGN_SET_MAX)
		return err_set(e, COFFER_E_LIMIT, "the image has %zu signatures already", old->n_layers);
	jw_obj(&j);
	jw_m_u64(&j, "schemaVersion", 2);
	jw_m_text(&j, "mediaType", MEDIA_OCI_MANIFEST);
	jw_name(&j, "config");
	jw_obj(&j);
	write_descriptor(&j, MEDIA_OCI_CONFIG, config);
	jw_obj_end(&j);
	jw_name(&j, "layers");
	jw_arr(&j);
	for (size_t i = 0; old && i < old->n_layers; i++)
		jw_value(&j, old->layers[i].value);
	jw_obj(&j);
	write_descriptor(&j, SIGN_MEDIA, payload);
	jw_name(&j, "annotations");
	jw_obj(&j);
	jw_m_str(&j, SIGN_NOTE, note);
	jw_obj_end(&j);
	jw_obj_end(&j);
	jw_arr_end(&j);
	jw_obj_end(&j);
	return wr_done(w, "signature manifest", e);
}

static void write_times(struct json_wr *j, size_t n)
{
	jw_name(j, "history");
	jw_arr(j);
	for (size_t i = 0; i < n; i++) {
		jw_obj(j);
		jw_m_text(j, "created", "0001-01-01T00:00:00Z");
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static void write_digest(struct json_wr *j, const uint8_t digest[static 32])
{
	char text[REF_DIGEST_TEXT];

	ref_digest_text(digest, text);
	jw_text(j, text);
}

enum coffer_rc sign_config_write(const struct image_manifest *old, struct span payload, struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);
	size_t n = old ? old->n_layers : 0;
	uint8_t digest[32];

	sha256(payload, digest);
	jw_obj(&j);
	jw_m_text(&j, "architecture", "");
	jw_m_text(&j, "created", "0001-01-01T00:00:00Z");
	write_times(&j, n + 1);
	jw_m_text(&j, "os", "");
	jw_name(&j, "rootfs");
	jw_obj(&j);
	jw_m_text(&j, "type", "layers");
	jw_name(&j, "diff_ids");
	jw_arr(&j);
	for (size_t i = 0; i < n; i++)
		write_digest(&j, old->layers[i].digest);
	write_digest(&j, digest);
	jw_arr_end(&j);
	jw_obj_end(&j);
	jw_name(&j, "config");
	jw_obj(&j);
	jw_obj_end(&j);
	jw_obj_end(&j);
	return wr_done(w, "signature config", e);
}
