#include "image/referrers.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "image/manifest.h"
#include "image/ref.h"

#define EMPTY_MEDIA "application/vnd.oci.empty.v1+json"
#define EMPTY "{}"
#define TAG_LEN (7 + 64 + 1)

static void tag_of(const uint8_t subject[static 32], char out[static TAG_LEN])
{
	char hex[HEX32_LEN];

	hex32(subject, hex);
	(void)snprintf(out, TAG_LEN, "sha256-%s", hex);
}

static bool ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* ---- reading ---- */

static enum coffer_rc read_index(struct span text, struct referrers *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *list = NULL;

	TRY(json_parse(text, REGISTRY_MANIFEST_MAX, &doc, e));
	TRY(json_need_arr(json_root(doc), "manifests", "referrers", &list, e));
	for (size_t i = 0; i < json_len(list) && out->n < REFERRERS_MAX; i++) {
		struct referrer *to = &out->at[out->n];
		struct span type = json_str(json_get(json_at(list, i), "artifactType"));
		struct descriptor d;

		TRY(descriptor_parse(json_at(list, i), "referrers", MANIFEST_MAX, &d, e));
		*to = (struct referrer){ 0 };
		memcpy(to->digest, d.digest, sizeof(to->digest));
		if (type.n < sizeof(to->type) && ascii(type))
			memcpy(to->type, type.p ? type.p : (const uint8_t *)"", type.n);
		out->n++;
	}
	return COFFER_OK;
}

/* *api: the registry has the list itself. Nothing there: text stays empty. */
static enum coffer_rc fetch_index(struct registry *r, const uint8_t subject[static 32], bool *api, struct wr *text, struct err *e)
{
	uint8_t digest[32];
	char tag[TAG_LEN];

	*api = registry_get_referrers(r, subject, text, e) == COFFER_OK;
	if (*api)
		return COFFER_OK;
	if (e->rc != COFFER_E_NOTFOUND)
		return e->rc;
	tag_of(subject, tag);
	if (registry_get_manifest(r, tag, text, digest, e) != COFFER_OK && e->rc != COFFER_E_NOTFOUND)
		return e->rc;
	return COFFER_OK;
}

enum coffer_rc referrers_list(struct registry *r, const uint8_t subject[static 32], struct referrers *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(REGISTRY_MANIFEST_MAX);
	bool api;

	*out = (struct referrers){ 0 };
	TRY(fetch_index(r, subject, &api, &text, e));
	return text.n ? read_index(wr_span(&text), out, e) : COFFER_OK;
}

static enum coffer_rc check_subject(const struct image_manifest *m, const uint8_t subject[static 32], struct err *e)
{
	const struct json *s = json_get(json_root(m->doc), "subject");
	struct descriptor d;

	if (!s || descriptor_parse(s, "subject", MANIFEST_LAYER_BYTES_MAX, &d, e) != COFFER_OK ||
	    !span_eq(SPAN(d.digest), (struct span){ subject, 32 }))
		return err_deny(e, "digest", "the artefact is about another image");
	if (m->n_layers != 1)
		return err_set(e, COFFER_E_INPUT, "artefact: %zu blobs where one belongs", m->n_layers);
	return COFFER_OK;
}

enum coffer_rc referrer_read(struct registry *r, const uint8_t subject[static 32], const uint8_t digest[static 32], struct wr *out,
    struct err *e)
{
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open(REGISTRY_MANIFEST_MAX);
	char name[REF_DIGEST_TEXT];
	uint8_t got[32];

	ref_digest_text(digest, name);
	TRY(registry_get_manifest(r, name, &text, got, e));
	TRY(image_manifest_parse(wr_span(&text), &m, e));
	TRY(check_subject(&m, subject, e));
	return registry_read_blob(r, &(struct registry_blob){ m.layers[0].digest, m.layers[0].size }, REFERRER_BYTES_MAX, out, e);
}

/* ---- writing ---- */

static void put_descriptor(struct json_wr *j, const char *media, struct span body)
{
	char text[REF_DIGEST_TEXT];
	uint8_t digest[32];

	sha256(body, digest);
	ref_digest_text(digest, text);
	jw_obj(j);
	jw_m_text(j, "mediaType", media);
	jw_m_text(j, "digest", text);
	jw_m_u64(j, "size", body.n);
	jw_obj_end(j);
}

static enum coffer_rc write_manifest(const struct referrer_new *n, struct span subject, const char *subject_media, struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_name(&j, "schemaVersion");
	jw_u64(&j, 2);
	jw_m_text(&j, "mediaType", MEDIA_OCI_MANIFEST);
	jw_m_text(&j, "artifactType", n->type);
	jw_name(&j, "config");
	put_descriptor(&j, EMPTY_MEDIA, span_of(EMPTY));
	jw_name(&j, "layers");
	jw_arr(&j);
	put_descriptor(&j, n->media_type, n->body);
	jw_arr_end(&j);
	jw_name(&j, "subject");
	put_descriptor(&j, subject_media, subject);
	jw_obj_end(&j);
	return wr_done(w, "artefact", e);
}

/* The index under the tag, with one more: what was there stays as it is. */
static enum coffer_rc write_index(struct span old, const struct referrer_new *n, struct span manifest, const uint8_t digest[static 32],
    struct wr *w, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct json_wr j = jw_open(w, false);
	char text[REF_DIGEST_TEXT];
	const struct json *list = NULL;

	if (old.n) {
		TRY(json_parse(old, REGISTRY_MANIFEST_MAX, &doc, e));
		TRY(json_need_arr(json_root(doc), "manifests", "referrers", &list, e));
	}
	ref_digest_text(digest, text);
	jw_obj(&j);
	jw_name(&j, "schemaVersion");
	jw_u64(&j, 2);
	jw_m_text(&j, "mediaType", MEDIA_OCI_INDEX);
	jw_name(&j, "manifests");
	jw_arr(&j);
	for (size_t i = 0; i < json_len(list); i++)
		if (!span_eq_str(json_str(json_get(json_at(list, i), "digest")), text))
			jw_value(&j, json_at(list, i));
	jw_obj(&j);
	jw_m_text(&j, "mediaType", MEDIA_OCI_MANIFEST);
	jw_m_text(&j, "digest", text);
	jw_m_u64(&j, "size", manifest.n);
	jw_m_text(&j, "artifactType", n->type);
	jw_obj_end(&j);
	jw_arr_end(&j);
	jw_obj_end(&j);
	return wr_done(w, "referrers", e);
}

static enum coffer_rc list_it(struct registry *r, const struct referrer_new *n, struct span manifest, const uint8_t digest[static 32], struct err *e)
{
	CLEANUP(wr_close) struct wr old = wr_open(REGISTRY_MANIFEST_MAX), index = wr_open(REGISTRY_MANIFEST_MAX);
	char tag[TAG_LEN];
	bool api;

	TRY(fetch_index(r, n->subject, &api, &old, e));
	if (api)
		return COFFER_OK; /* it lists what names a subject */
	TRY(write_index(wr_span(&old), n, manifest, digest, &index, e));
	tag_of(n->subject, tag);
	return registry_put_manifest(r, tag, MEDIA_OCI_INDEX, wr_span(&index), e);
}

enum coffer_rc referrer_put(struct registry *r, const struct referrer_new *n, uint8_t digest[static 32], struct err *e)
{
	CLEANUP(wr_close) struct wr subject = wr_open(REGISTRY_MANIFEST_MAX), manifest = wr_open(64u << 10);
	char name[REF_DIGEST_TEXT];
	uint8_t got[32];
	bool index = false;

	if (n->body.n > REFERRER_BYTES_MAX || strlen(n->type) >= REFERRER_TYPE_MAX)
		return err_set(e, COFFER_E_LIMIT, "artefact: more than %zu bytes, or its type is too long", REFERRER_BYTES_MAX);
	ref_digest_text(n->subject, name);
	TRY(registry_get_manifest(r, name, &subject, got, e)); /* there, and what it is */
	TRY(manifest_is_index(wr_span(&subject), &index, e));
	TRY(write_manifest(n, wr_span(&subject), index ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST, &manifest, e));
	sha256(wr_span(&manifest), digest);
	ref_digest_text(digest, name);
	TRY(registry_put_blob(r, span_of(EMPTY), e));
	TRY(registry_put_blob(r, n->body, e));
	TRY(registry_put_manifest(r, name, MEDIA_OCI_MANIFEST, wr_span(&manifest), e));
	return list_it(r, n, wr_span(&manifest), digest, e);
}
