/* Encrypting and decrypting whole images: layer by layer, then a manifest that fits. */
#include "image/toolpriv.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "image/cryptjwe.h"
#include "image/ref.h"

#define PIECE ((size_t)64 << 10)
#define TYPE_MAX 256

static const char suffix[] = "+encrypted";

struct fresh_layer { /* a layer as the new manifest describes it */
	bool      changed;
	char      type[TYPE_MAX];
	uint8_t   digest[32];
	uint64_t  size;
	struct wr pubopts, packets, jwe; /* annotations; empty when decrypted */
};
struct job {
	struct tool_image                src;
	struct layout                   *dst;
	const struct image_encrypt_opts *enc; /* one of the two */
	const struct crypt_keys         *dec;
	char                            *kid;
	struct fresh_layer              *layer; /* one for each of src.m.layers */
	size_t                           changed;
};

static void job_clear(struct job *j)
{
	for (size_t i = 0; j->layer && i < j->src.m.n_layers; i++) {
		wr_close(&j->layer[i].pubopts);
		wr_close(&j->layer[i].packets);
		wr_close(&j->layer[i].jwe);
	}
	free(j->layer);
	free(j->kid);
	layout_free(j->dst);
	tool_image_clear(&j->src);
}

struct pump { /* layer bytes through the cipher (if any) into a new blob */
	struct crypt_stream *cipher;
	struct layout_blob  *blob;
	uint8_t             *buf;
};

static void pump_clear(struct pump *p)
{
	crypt_free(p->cipher);
	layout_blob_free(p->blob);
	free(p->buf);
}

static enum coffer_rc pump_piece(void *arg, struct span piece, struct err *e)
{
	struct pump *p = arg;

	if (!p->cipher)
		return layout_blob_add(p->blob, piece, e);
	while (piece.n > 0) {
		struct span in = { piece.p, piece.n < PIECE ? piece.n : PIECE };

		TRY(crypt_add(p->cipher, in, p->buf, e));
		TRY(layout_blob_add(p->blob, (struct span){ p->buf, in.n }, e));
		piece = span_skip(piece, in.n);
	}
	return COFFER_OK;
}

static enum coffer_rc pump_open(struct job *j, struct pump *p, struct err *e)
{
	p->buf = malloc(PIECE);
	if (!p->buf)
		return err_set(e, COFFER_E_SYSTEM, "image: out of memory");
	return layout_blob_new(j->dst, &p->blob, e);
}

static enum coffer_rc copy_blob(struct job *j, const struct descriptor *d, struct err *e)
{
	CLEANUP(pump_clear) struct pump p = { 0 };
	uint8_t digest[32];
	uint64_t size;

	if (layout_has(j->dst, d->digest))
		return COFFER_OK;
	TRY(pump_open(j, &p, e));
	TRY(layout_stream(j->src.l, d, pump_piece, &p, e));
	return layout_blob_end(MOVE(p.blob), digest, &size, e);
}

static enum coffer_rc keep_layer(struct job *j, const struct descriptor *d, struct fresh_layer *out, struct err *e)
{
	memcpy(out->digest, d->digest, 32);
	out->size = d->size;
	return copy_blob(j, d, e);
}

/* OCI's name of the type; docker's types have no encrypted form that others read. */
static enum coffer_rc oci_type(const struct descriptor *d, const struct layer_kind *k, char out[static TYPE_MAX], struct err *e)
{
	static const char *const form[] = { [INFLATE_NONE] = "", [INFLATE_GZIP] = "+gzip", [INFLATE_ZSTD] = "+zstd" };
	CLEANUP(freep) char *name = NULL;

	if (span_starts(d->media_type, "application/vnd.docker."))
		name = str_fmt("application/vnd.oci.image.layer.v1.tar%s%s", form[k->compression], suffix);
	else
		name = str_fmt("%.*s%s", (int)d->media_type.n, (const char *)d->media_type.p, suffix);
	if (!name || strlen(name) >= TYPE_MAX)
		return err_set(e, COFFER_E_SYSTEM, "image: out of memory");
	memcpy(out, name, strlen(name) + 1);
	return COFFER_OK;
}

static enum coffer_rc wrap_key(const struct job *j, const struct crypt_private *priv, struct fresh_layer *out, struct err *e)
{
	out->packets = wr_open(CRYPT_NOTE_MAX);
	out->jwe = wr_open(CRYPT_NOTE_MAX);
	if (j->kid)
		TRY(crypt_packet_seal(j->kid, j->enc->kek, priv, &out->packets, e));
	if (j->enc->jwe_pem.n > 0)
		TRY(cryptjwe_seal(j->enc->jwe_pem, priv, &out->jwe, e));
	return COFFER_OK;
}

static enum coffer_rc encrypt_layer(struct job *j, const struct descriptor *d, struct fresh_layer *out, struct err *e)
{
	CLEANUP(crypt_private_clear) struct crypt_private priv = { 0 };
	CLEANUP(pump_clear) struct pump p = { 0 };
	struct crypt_pubopts pub;
	struct layer_kind k;

	TRY(layer_kind_of(d->media_type, &k, e));
	if (k.encrypted)
		return keep_layer(j, d, out, e);
	TRY(oci_type(d, &k, out->type, e));
	TRY(crypt_private_new(d->digest, &priv, e));
	TRY(wrap_key(j, &priv, out, e));
	TRY(pump_open(j, &p, e));
	TRY(crypt_encrypt(&priv, &p.cipher, e));
	TRY(layout_stream(j->src.l, d, pump_piece, &p, e));
	crypt_finish(p.cipher, &pub);
	out->pubopts = wr_open(CRYPT_NOTE_MAX);
	TRY(crypt_pubopts_write(&pub, &out->pubopts, e));
	out->changed = true;
	j->changed++;
	return layout_blob_end(MOVE(p.blob), out->digest, &out->size, e);
}

static enum coffer_rc decrypt_layer(struct job *j, const struct descriptor *d, struct fresh_layer *out, struct err *e)
{
	CLEANUP(crypt_layer_clear) struct crypt_layer key = { 0 };
	CLEANUP(pump_clear) struct pump p = { 0 };
	struct layer_kind k;
	size_t n = d->media_type.n;

	TRY(layer_kind_of(d->media_type, &k, e));
	if (!k.encrypted)
		return keep_layer(j, d, out, e);
	n -= sizeof(suffix) - 1; /* layer_kind_of has seen the suffix and knows the rest: short */
	memcpy(out->type, d->media_type.p, n < TYPE_MAX ? n : TYPE_MAX - 1);
	TRY(crypt_unlock(d, j->dec, &key, e));
	TRY(pump_open(j, &p, e));
	TRY(crypt_decrypt(&key, &p.cipher, e));
	TRY(layout_stream(j->src.l, d, pump_piece, &p, e));
	TRY(crypt_verify(p.cipher, e)); /* before the blob gets its name */
	out->changed = true;
	j->changed++;
	return layout_blob_end(MOVE(p.blob), out->digest, &out->size, e);
}

static void write_notes(struct json_wr *w, const struct descriptor *d, const struct fresh_layer *f)
{
	const struct {
		const char      *name;
		const struct wr *value;
	} own[] = { { CRYPT_NOTE_PUBOPTS, &f->pubopts }, { CRYPT_NOTE_PACKETS, &f->packets }, { CRYPT_NOTE_JWE, &f->jwe } };
	bool any = f->pubopts.n > 0;

	for (size_t i = 0; i < json_len(d->annotations); i++)
		any = any || !span_starts(json_name(d->annotations, i), CRYPT_NOTE_PREFIX);
	if (!any)
		return;
	jw_name(w, "annotations");
	jw_obj(w);
	for (size_t i = 0; i < json_len(d->annotations); i++) {
		if (span_starts(json_name(d->annotations, i), CRYPT_NOTE_PREFIX))
			continue;
		jw_namen(w, json_name(d->annotations, i));
		jw_value(w, json_at(d->annotations, i));
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i].value->n > 0)
			jw_m_str(w, own[i].name, wr_span(own[i].value));
	jw_obj_end(w);
}

/* Members of a descriptor that this program has no opinion on stay as they are. */
static void write_layer(struct json_wr *w, const struct descriptor *d, const struct fresh_layer *f)
{
	static const char *const own[] = { "mediaType", "digest", "size", "annotations" };
	char text[REF_DIGEST_TEXT];

	ref_digest_text(f->digest, text);
	jw_obj(w);
	jw_m_text(w, "mediaType", f->type);
	jw_m_text(w, "digest", text);
	jw_m_u64(w, "size", f->size);
	for (size_t i = 0; i < json_len(d->value); i++) {
		struct span name = json_name(d->value, i);
		bool ours = false;

		for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
			ours = ours || span_eq_str(name, own[k]);
		if (ours)
			continue;
		jw_namen(w, name);
		jw_value(w, json_at(d->value, i));
	}
	write_notes(w, d, f);
	jw_obj_end(w);
}

static void write_config(struct json_wr *w, const struct descriptor *d)
{
	char text[REF_DIGEST_TEXT];

	ref_digest_text(d->digest, text);
	jw_obj(w);
	if (span_eq_str(d->media_type, MEDIA_DOCKER_CONFIG))
		jw_m_text(w, "mediaType", MEDIA_OCI_CONFIG);
	else
		jw_m_str(w, "mediaType", d->media_type);
	jw_m_text(w, "digest", text);
	jw_m_u64(w, "size", d->size);
	jw_obj_end(w);
}

static enum coffer_rc write_manifest(const struct job *j, struct wr *out, struct err *e)
{
	static const char *const own[] = { "schemaVersion", "mediaType", "config", "layers" };
	const struct json *root = json_root(j->src.m.doc);
	struct json_wr w = jw_open(out, false);

	jw_obj(&w);
	jw_m_u64(&w, "schemaVersion", 2);
	jw_m_text(&w, "mediaType", MEDIA_OCI_MANIFEST);
	jw_name(&w, "config");
	write_config(&w, &j->src.m.config);
	jw_name(&w, "layers");
	jw_arr(&w);
	for (size_t i = 0; i < j->src.m.n_layers; i++) {
		if (j->layer[i].changed)
			write_layer(&w, &j->src.m.layers[i], &j->layer[i]);
		else
			jw_value(&w, j->src.m.layers[i].value);
	}
	jw_arr_end(&w);
	for (size_t i = 0; i < json_len(root); i++) {
		bool ours = false;

		for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
			ours = ours || span_eq_str(json_name(root, i), own[k]);
		if (ours)
			continue;
		jw_namen(&w, json_name(root, i));
		jw_value(&w, json_at(root, i));
	}
	jw_obj_end(&w);
	return wr_done(out, "manifest", e);
}

/* A config that does not fit would show only in the guest; here its author can still mend it. */
static enum coffer_rc check_config(const struct job *j, struct err *e)
{
	CLEANUP(image_config_clear) struct image_config c = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };

	TRY(layout_read(j->src.l, &j->src.m.config, IMAGE_CONFIG_MAX, &text, e));
	TRY(image_config_parse(wr_span(&text), &c, e));
	return manifest_match(&j->src.m, &c, e);
}

static enum coffer_rc run_job(struct job *j, const struct image_at *in, const struct image_at *out,
    uint8_t digest[static 32], struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(MANIFEST_MAX);

	TRY(tool_image_open(in, &j->src, e));
	TRY(check_config(j, e));
	j->layer = calloc(j->src.m.n_layers, sizeof(*j->layer));
	if (!j->layer)
		return err_set(e, COFFER_E_SYSTEM, "image: out of memory");
	TRY(layout_create(out->dir, &j->dst, e));
	for (size_t i = 0; i < j->src.m.n_layers; i++) {
		enum coffer_rc rc = j->enc ? encrypt_layer(j, &j->src.m.layers[i], &j->layer[i], e) :
		    decrypt_layer(j, &j->src.m.layers[i], &j->layer[i], e);

		if (rc != COFFER_OK)
			return err_wrap(e, "layer %zu", i);
	}
	if (j->changed == 0)
		return err_set(e, COFFER_E_INPUT, "%s: no layer to %s", in->dir,
		    j->enc ? "encrypt, all are encrypted" : "decrypt, none is encrypted");
	TRY(copy_blob(j, &j->src.m.config, e));
	TRY(write_manifest(j, &text, e));
	return layout_tag(j->dst, out->tag, MEDIA_OCI_MANIFEST, wr_span(&text), digest, e);
}

enum coffer_rc image_encrypt(const struct image_at *in, const struct image_at *out, const struct image_encrypt_opts *o,
    uint8_t digest[static 32], struct err *e)
{
	CLEANUP(job_clear) struct job j = { .enc = o };

	if (!o->kid && o->jwe_pem.n == 0)
		return err_set(e, COFFER_E_INPUT, "image encrypt: no recipient");
	if (o->kid) {
		if (!o->kek || o->kek->n != 32)
			return err_set(e, COFFER_E_INPUT, "image key: must be 32 bytes");
		TRY(crypt_kid_normal(span_of(o->kid), &j.kid, e));
	}
	return run_job(&j, in, out, digest, e);
}

enum coffer_rc image_decrypt(const struct image_at *in, const struct image_at *out, const struct crypt_keys *k,
    uint8_t digest[static 32], struct err *e)
{
	CLEANUP(job_clear) struct job j = { .dec = k };

	return run_job(&j, in, out, digest, e);
}
