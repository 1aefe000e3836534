#include "image/crypt.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "image/cryptjwe.h"
#include "image/ref.h"

#define CIPHER_NAME "AES_256_CTR_HMAC_SHA256"
#define PUBOPTS_MAX 4096
#define PRIVATE_MAX 4096

void crypt_private_clear(struct crypt_private *p)
{
	secret_free(&p->key);
	*p = (struct crypt_private){ 0 };
}

void crypt_layer_clear(struct crypt_layer *l)
{
	crypt_private_clear(&l->priv);
	*l = (struct crypt_layer){ 0 };
}

/* A start of the counter in public would override the wrapped one; nothing there has a use, so nothing may be there. */
static enum coffer_rc no_public_options(const struct json *root, struct err *e)
{
	const struct json *o = json_get(root, "cipheroptions");

	if (json_type(o) == JSON_NULL)
		return COFFER_OK;
	if (json_type(o) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "pubopts: cipheroptions is not an object");
	if (json_get(o, "nonce"))
		return err_deny(e, "decrypt", "pubopts: a public nonce is not accepted, it would override the wrapped one");
	if (json_len(o) != 0)
		return err_set(e, COFFER_E_INPUT, "pubopts: unknown cipheroptions");
	return COFFER_OK;
}

enum coffer_rc crypt_pubopts_parse(struct span note, struct crypt_pubopts *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(PUBOPTS_MAX);
	struct span cipher, hmac;

	if (!b64_read(note, &text))
		return err_set(e, COFFER_E_INPUT, "pubopts: not base64 of at most %d bytes", PUBOPTS_MAX);
	if (json_parse(wr_span(&text), PUBOPTS_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "pubopts");
	TRY(json_need_str(json_root(doc), "cipher", "pubopts", &cipher, e));
	TRY(json_need_str(json_root(doc), "hmac", "pubopts", &hmac, e));
	if (!span_eq_str(cipher, CIPHER_NAME))
		return err_set(e, COFFER_E_INPUT, "pubopts: cipher is not " CIPHER_NAME);
	TRY(no_public_options(json_root(doc), e));
	if (!b64_fixed(hmac, out->hmac, sizeof(out->hmac)))
		return err_set(e, COFFER_E_INPUT, "pubopts: hmac is not 32 bytes of base64");
	return COFFER_OK;
}

enum coffer_rc crypt_pubopts_write(const struct crypt_pubopts *p, struct wr *note, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(PUBOPTS_MAX);

	wr_str(&text, "{\"cipher\":\"" CIPHER_NAME "\",\"hmac\":\"");
	b64_write(&text, SPAN(p->hmac));
	wr_str(&text, "\",\"cipheroptions\":{}}");
	TRY(wr_done(&text, "pubopts", e));
	b64_write(note, wr_span(&text));
	return wr_done(note, "pubopts", e);
}

enum coffer_rc crypt_private_new(const uint8_t digest[static 32], struct crypt_private *out, struct err *e)
{
	TRY(secret_new(32, &out->key, e));
	random_bytes(out->key.p, out->key.n);
	random_bytes(out->nonce, sizeof(out->nonce));
	memcpy(out->digest, digest, 32);
	return COFFER_OK;
}

enum coffer_rc crypt_private_parse(struct span json, struct crypt_private *out, struct err *e)
{
	CLEANUP(crypt_private_clear) struct crypt_private p = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *opts;
	struct span key, digest, nonce;

	if (json_parse(json, PRIVATE_MAX, &doc, e) != COFFER_OK)
		return err_set(e, COFFER_E_INPUT, "private options: not JSON"); /* the parser's words could quote the key */
	TRY(json_need_str(json_root(doc), "symkey", "private options", &key, e));
	TRY(json_need_str(json_root(doc), "digest", "private options", &digest, e));
	TRY(json_need_obj(json_root(doc), "cipheroptions", "private options", &opts, e));
	TRY(json_need_str(opts, "nonce", "private options: cipheroptions", &nonce, e));
	if (ref_digest_parse(digest, p.digest, e) != COFFER_OK)
		return err_wrap(e, "private options");
	if (!b64_fixed(nonce, p.nonce, sizeof(p.nonce)))
		return err_set(e, COFFER_E_INPUT, "private options: nonce is not 16 bytes of base64");
	TRY(secret_new(32, &p.key, e));
	if (!b64_fixed(key, p.key.p, p.key.n))
		return err_set(e, COFFER_E_INPUT, "private options: symkey is not 32 bytes of base64");
	*out = p;
	p = (struct crypt_private){ 0 };
	return COFFER_OK;
}

enum coffer_rc crypt_private_write(const struct crypt_private *p, struct wr *w, struct err *e)
{
	char digest[REF_DIGEST_TEXT];

	ref_digest_text(p->digest, digest);
	wr_str(w, "{\"symkey\":\"");
	b64_write(w, (struct span){ p->key.p, p->key.n });
	wr_fmt(w, "\",\"digest\":\"%s\",\"cipheroptions\":{\"nonce\":\"", digest);
	b64_write(w, SPAN(p->nonce));
	wr_str(w, "\"}}");
	return wr_done(w, "private options", e);
}

/* The caller sees the first packet's error: with one packet, the usual case, it is the only one. */
static enum coffer_rc unlock_packets(struct span note, const struct crypt_keys *k, struct crypt_private *out, struct err *e)
{
	CLEANUP(crypt_packets_clear) struct crypt_packets list = { 0 };
	struct err later = { 0 };

	TRY(crypt_packets_parse(note, &list, e));
	for (size_t i = 0; i < list.n; i++) {
		CLEANUP(secret_free) struct secret kek = { 0 };
		struct err *err = i == 0 ? e : &later;

		if (k->get_key(k->arg, list.at[i].kid, &kek, err) == COFFER_OK &&
		    crypt_packet_open(&list.at[i], &kek, out, err) == COFFER_OK)
			return COFFER_OK;
	}
	return e->rc;
}

static enum coffer_rc unlock_private(const struct descriptor *d, const struct crypt_keys *k, struct crypt_private *out,
    struct err *e)
{
	struct span packets = descriptor_note(d, CRYPT_NOTE_PACKETS), jwe = descriptor_note(d, CRYPT_NOTE_JWE);
	bool try_packets = packets.n > 0 && k->get_key, try_jwe = jwe.n > 0 && k->pem.n > 0;
	struct err first = { 0 };

	if (!try_packets && !try_jwe)
		return err_deny(e, "decrypt", "the layer's key is wrapped in no form that the keys at hand could open");
	if (try_packets && unlock_packets(packets, k, out, &first) == COFFER_OK)
		return COFFER_OK;
	if (try_jwe)
		return cryptjwe_open(jwe, k->pem, k->pass, out, e);
	*e = first;
	return first.rc;
}

enum coffer_rc crypt_unlock(const struct descriptor *d, const struct crypt_keys *k, struct crypt_layer *out, struct err *e)
{
	CLEANUP(crypt_layer_clear) struct crypt_layer l = { 0 };
	struct span note = descriptor_note(d, CRYPT_NOTE_PUBOPTS);

	if (note.n == 0)
		return err_set(e, COFFER_E_INPUT, "encrypted layer without the annotation " CRYPT_NOTE_PUBOPTS);
	TRY(crypt_pubopts_parse(note, &l.pub, e));
	TRY(unlock_private(d, k, &l.priv, e));
	*out = l;
	l = (struct crypt_layer){ 0 };
	return COFFER_OK;
}

struct crypt_stream {
	struct ctr_stream  *ctr;
	struct hash_stream *hmac;  /* over the ciphertext */
	struct hash_stream *plain; /* decryption only */
	uint8_t             want_hmac[32], want_plain[32];
};

void crypt_free(struct crypt_stream *s)
{
	if (!s)
		return;
	ctr_free(s->ctr);
	hash_free(s->hmac);
	hash_free(s->plain);
	free(s);
}

enum coffer_rc crypt_encrypt(const struct crypt_private *p, struct crypt_stream **out, struct err *e)
{
	CLEANUP(crypt_freep) struct crypt_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, COFFER_E_SYSTEM, "layer cipher: out of memory");
	if (p->key.n != 32)
		return err_set(e, COFFER_E_BUG, "layer cipher: a key of %zu bytes", p->key.n);
	TRY(ctr_open(p->key.p, p->nonce, &s->ctr, e));
	s->hmac = hmac_open((struct span){ p->key.p, p->key.n });
	*out = MOVE(s);
	return COFFER_OK;
}

enum coffer_rc crypt_decrypt(const struct crypt_layer *l, struct crypt_stream **out, struct err *e)
{
	CLEANUP(crypt_freep) struct crypt_stream *s = NULL;

	TRY(crypt_encrypt(&l->priv, &s, e)); /* counter mode: the same key stream both ways */
	s->plain = hash_open(HASH_SHA256);
	memcpy(s->want_hmac, l->pub.hmac, 32);
	memcpy(s->want_plain, l->priv.digest, 32);
	*out = MOVE(s);
	return COFFER_OK;
}

enum coffer_rc crypt_add(struct crypt_stream *s, struct span in, uint8_t *dst, struct err *e)
{
	if (in.n == 0)
		return COFFER_OK;
	if (!s->hmac)
		return err_set(e, COFFER_E_BUG, "layer cipher: used after its end");
	if (s->plain)
		hash_add(s->hmac, in); /* before dst, which may be the same bytes */
	TRY(ctr_run(s->ctr, in, dst, e));
	hash_add(s->plain ? s->plain : s->hmac, (struct span){ dst, in.n });
	return COFFER_OK;
}

enum coffer_rc crypt_verify(struct crypt_stream *s, struct err *e)
{
	uint8_t hmac[HASH_MAX], plain[HASH_MAX];

	if (!s->hmac || !s->plain)
		return err_set(e, COFFER_E_BUG, "layer cipher: nothing to verify");
	hash_end(MOVE(s->hmac), hmac);
	hash_end(MOVE(s->plain), plain);
	if (!ct_eq((struct span){ hmac, 32 }, SPAN(s->want_hmac)))
		return err_deny(e, "decrypt", "the encrypted layer was changed: its HMAC is wrong");
	if (!ct_eq((struct span){ plain, 32 }, SPAN(s->want_plain)))
		return err_deny(e, "decrypt", "the decrypted layer is not the one that was encrypted: its digest is wrong");
	return COFFER_OK;
}

void crypt_finish(struct crypt_stream *s, struct crypt_pubopts *out)
{
	uint8_t hmac[HASH_MAX];

	hash_end(MOVE(s->hmac), hmac);
	memcpy(out->hmac, hmac, sizeof(out->hmac));
}
