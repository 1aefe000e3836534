/* Opening, showing and sending images. */
#include "image/toolpriv.h"

#include "base/own.h"
#include "base/str.h"
#include "image/ref.h"

void tool_image_clear(struct tool_image *t)
{
	image_manifest_clear(&t->m);
	wr_close(&t->text);
	layout_free(t->l);
	*t = (struct tool_image){ 0 };
}

enum coffer_rc tool_image_open(const struct image_at *at, struct tool_image *t, struct err *e)
{
	CLEANUP(image_index_clear) struct image_index x = { 0 };
	const struct descriptor *d = NULL;

	TRY(layout_open(at->dir, &t->l, e));
	TRY(layout_find(t->l, at->tag, &d, e));
	memcpy(t->top, d->digest, 32);
	TRY(layout_read(t->l, d, MANIFEST_MAX, &t->text, e));
	TRY(manifest_is_index(wr_span(&t->text), &t->indexed, e));
	if (t->indexed) {
		TRY(image_index_parse(wr_span(&t->text), &x, e));
		TRY(image_index_choose(&x, &d, e));
		TRY(layout_read(t->l, d, MANIFEST_MAX, &t->text, e));
	}
	memcpy(t->digest, d->digest, 32);
	return image_manifest_parse(wr_span(&t->text), &t->m, e);
}

/* ---- show ---- */

/* Key names of an encrypted layer; a JWE shows as "jwe", since it names nobody. */
static enum coffer_rc show_keys(const struct descriptor *d, struct json_wr *j, struct err *e)
{
	struct span packets = descriptor_note(d, CRYPT_NOTE_PACKETS);
	CLEANUP(crypt_packets_clear) struct crypt_packets list = { 0 };

	if (packets.n > 0)
		TRY(crypt_packets_parse(packets, &list, e));
	jw_name(j, "keys");
	jw_arr(j);
	for (size_t i = 0; i < list.n; i++)
		jw_text(j, list.at[i].kid);
	if (descriptor_note(d, CRYPT_NOTE_JWE).n > 0)
		jw_text(j, "jwe");
	jw_arr_end(j);
	return COFFER_OK;
}

static void show_digest(struct json_wr *j, const char *name, const uint8_t digest[static 32])
{
	char text[REF_DIGEST_TEXT];

	ref_digest_text(digest, text);
	jw_m_text(j, name, text);
}

static enum coffer_rc show_layers(const struct tool_image *t, struct json_wr *j, struct err *e)
{
	jw_name(j, "layers");
	jw_arr(j);
	for (size_t i = 0; i < t->m.n_layers; i++) {
		const struct descriptor *d = &t->m.layers[i];
		struct layer_kind k;

		TRY(layer_kind_of(d->media_type, &k, e));
		jw_obj(j);
		show_digest(j, "digest", d->digest);
		jw_m_bool(j, "encrypted", k.encrypted);
		if (k.encrypted)
			TRY(show_keys(d, j, e));
		jw_m_str(j, "mediaType", d->media_type);
		jw_m_u64(j, "size", d->size);
		jw_obj_end(j);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

static enum coffer_rc show_json(const struct tool_image *t, const struct image_config *c, size_t signatures, struct wr *out,
    struct err *e)
{
	static const char *const process[] = { "Entrypoint", "Cmd", "Env", "WorkingDir", "User" };
	const struct json *cfg = json_get(json_root(c->doc), "config"), *v;
	struct json_wr j = jw_open(out, true);

	jw_obj(&j);
	show_digest(&j, "digest", t->top);
	if (t->indexed)
		show_digest(&j, "manifest", t->digest);
	jw_m_str(&j, "os", json_str(json_get(json_root(c->doc), "os")));
	jw_m_str(&j, "architecture", json_str(json_get(json_root(c->doc), "architecture")));
	for (size_t i = 0; i < sizeof(process) / sizeof(process[0]); i++) {
		v = json_get(cfg, process[i]);
		if (!v)
			continue;
		jw_name(&j, process[i]);
		jw_value(&j, v);
	}
	show_digest(&j, "config", t->m.config.digest);
	TRY(show_layers(t, &j, e));
	jw_m_u64(&j, "signatures", signatures);
	jw_obj_end(&j);
	wr_str(out, "\n");
	return wr_done(out, "image description", e);
}

/* Text for a terminal: what an image says about itself must not move the cursor. */
static void put_printable(struct wr *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		wr_u8(out, s.p[i] >= ' ' && s.p[i] < 0x7f ? s.p[i] : '?');
}

static enum coffer_rc text_layers(const struct tool_image *t, struct wr *out, struct err *e)
{
	for (size_t i = 0; i < t->m.n_layers; i++) {
		const struct descriptor *d = &t->m.layers[i];
		CLEANUP(crypt_packets_clear) struct crypt_packets list = { 0 };
		char digest[REF_DIGEST_TEXT];
		struct layer_kind k;

		TRY(layer_kind_of(d->media_type, &k, e));
		ref_digest_text(d->digest, digest);
		wr_fmt(out, "layer %zu     %s %llu bytes%s\n", i, digest, (unsigned long long)d->size,
		    k.encrypted ? ", encrypted" : "");
		if (!k.encrypted)
			continue;
		if (descriptor_note(d, CRYPT_NOTE_PACKETS).n > 0)
			TRY(crypt_packets_parse(descriptor_note(d, CRYPT_NOTE_PACKETS), &list, e));
		for (size_t n = 0; n < list.n; n++) {
			wr_str(out, "  key       ");
			put_printable(out, span_of(list.at[n].kid));
			wr_str(out, "\n");
		}
		if (descriptor_note(d, CRYPT_NOTE_JWE).n > 0)
			wr_str(out, "  key       sealed to a public key (JWE)\n");
	}
	return COFFER_OK;
}

static enum coffer_rc show_text(const struct tool_image *t, size_t signatures, struct wr *out, struct err *e)
{
	char digest[REF_DIGEST_TEXT];

	ref_digest_text(t->top, digest);
	wr_fmt(out, "digest      %s\n", digest);
	ref_digest_text(t->digest, digest);
	if (t->indexed)
		wr_fmt(out, "manifest    %s (linux/amd64)\n", digest);
	ref_digest_text(t->m.config.digest, digest);
	wr_fmt(out, "config      %s\n", digest);
	TRY(text_layers(t, out, e));
	wr_fmt(out, "signatures  %zu\n", signatures);
	return wr_done(out, "image description", e);
}

enum coffer_rc image_inspect(const struct image_at *in, bool json, struct wr *out, struct err *e)
{
	CLEANUP(tool_image_clear) struct tool_image t = { 0 };
	CLEANUP(image_config_clear) struct image_config c = { 0 };
	CLEANUP(sign_set_clear) struct sign_set sigs = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };

	TRY(tool_image_open(in, &t, e));
	TRY(layout_read(t.l, &t.m.config, IMAGE_CONFIG_MAX, &text, e));
	TRY(image_config_parse(wr_span(&text), &c, e));
	TRY(manifest_match(&t.m, &c, e));
	TRY(sign_load(t.l, t.top, &sigs, e));
	return json ? show_json(&t, &c, sigs.n, out, e) : show_text(&t, sigs.n, out, e);
}

/* ---- push ---- */

static enum coffer_rc push_blob(const struct layout *l, struct registry *r, const struct descriptor *d, struct err *e)
{
	CLEANUP(layout_unmap) struct span body = { NULL, 0 };

	TRY(layout_map(l, d, &body, e));
	return registry_put_blob(r, body, e);
}

static const char *type_or(struct span own, const char *usual)
{
	static const char *const types[] = { MEDIA_OCI_MANIFEST, MEDIA_OCI_INDEX, MEDIA_DOCKER_MANIFEST, MEDIA_DOCKER_LIST };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_eq_str(own, types[i]))
			return types[i];
	return usual;
}

/* Blobs first: a registry takes no manifest whose parts it has not. */
static enum coffer_rc push_manifest(const struct layout *l, struct registry *r, const struct descriptor *d, const char *tag,
    struct err *e)
{
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };
	char digest[REF_DIGEST_TEXT];

	TRY(layout_read(l, d, MANIFEST_MAX, &text, e));
	TRY(image_manifest_parse(wr_span(&text), &m, e));
	TRY(push_blob(l, r, &m.config, e));
	for (size_t i = 0; i < m.n_layers; i++)
		TRY(push_blob(l, r, &m.layers[i], e));
	ref_digest_text(d->digest, digest);
	return registry_put_manifest(
	    r, tag ? tag : digest, m.docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST, wr_span(&text), e);
}

static enum coffer_rc push_index(const struct layout *l, struct registry *r, const struct descriptor *d, const char *tag,
    struct err *e)
{
	CLEANUP(image_index_clear) struct image_index x = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };
	char digest[REF_DIGEST_TEXT];

	TRY(layout_read(l, d, MANIFEST_MAX, &text, e));
	TRY(image_index_parse(wr_span(&text), &x, e));
	for (size_t i = 0; i < x.n; i++)
		TRY(push_manifest(l, r, &x.entry[i].d, NULL, e));
	ref_digest_text(d->digest, digest);
	return registry_put_manifest(r, tag ? tag : digest,
	    type_or(json_str(json_get(json_root(x.doc), "mediaType")), MEDIA_OCI_INDEX), wr_span(&text), e);
}

static enum coffer_rc push_signatures(const struct layout *l, struct registry *r, const uint8_t digest[static 32], struct err *e)
{
	const struct descriptor *d = NULL;
	char tag[SIGN_TAG_LEN];

	sign_tag(digest, tag);
	if (layout_find(l, tag, &d, e) != COFFER_OK)
		return e->rc == COFFER_E_NOTFOUND ? COFFER_OK : e->rc;
	return push_manifest(l, r, d, tag, e);
}

enum coffer_rc image_push(const struct image_at *in, struct registry *r, const char *tag, uint8_t digest[static 32],
    struct err *e)
{
	CLEANUP(layout_freep) struct layout *l = NULL;
	CLEANUP(wr_close) struct wr text = { 0 };
	const struct descriptor *d = NULL;
	bool indexed;

	TRY(layout_open(in->dir, &l, e));
	TRY(layout_find(l, in->tag, &d, e));
	TRY(layout_read(l, d, MANIFEST_MAX, &text, e));
	TRY(manifest_is_index(wr_span(&text), &indexed, e));
	TRY(indexed ? push_index(l, r, d, tag, e) : push_manifest(l, r, d, tag, e));
	memcpy(digest, d->digest, 32);
	return push_signatures(l, r, d->digest, e);
}
