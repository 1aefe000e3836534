#include "trust/data_file.h"

#include <string.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "trust/form.h"

#define MAGIC "COFFERD1"
#define MAGIC_LEN 8
#define PREFIX (MAGIC_LEN + 4)
#define INFO "coffer data v1"

/* ---- header ---- */

static enum coffer_rc check_header(const struct data_header *h, struct err *e)
{
	if (h->version < 1 || h->version > FORM_NUMBER_MAX)
		return err_set(e, COFFER_E_INPUT, "data file: the version is out of range");
	if (h->size > DATA_SIZE_MAX)
		return err_set(e, COFFER_E_LIMIT, "data file: over 1 TiB");
	if (!form_text_ok(span_of(h->name), DATA_NAME_MAX))
		return err_set(
		    e, COFFER_E_INPUT, "data file: the name is empty, over %d bytes, or holds control characters", DATA_NAME_MAX);
	return COFFER_OK;
}

/* All bytes before the chunks. */
static enum coffer_rc header_write(const struct data_header *h, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(DATA_HEADER_MAX), salt = wr_open(64);
	struct json_wr j = jw_open(&text, false);

	TRY(check_header(h, e));
	b64url_write(&salt, SPAN(h->salt));
	TRY(wr_done(&salt, "data file", e));
	jw_obj(&j); /* in JCS order */
	jw_m_text(&j, "asset", h->asset.text);
	jw_m_u64(&j, "chunk", DATA_CHUNK);
	jw_m_text(&j, "name", h->name);
	jw_m_str(&j, "salt", wr_span(&salt));
	jw_m_u64(&j, "size", h->size);
	jw_m_u64(&j, "version", h->version);
	jw_obj_end(&j);
	TRY(wr_done(&text, "data file header", e));
	wr_str(out, MAGIC);
	wr_blob32(out, wr_span(&text));
	return wr_done(out, "data file header", e);
}

static enum coffer_rc read_members(const struct json *v, struct data_header *h, struct err *e)
{
	static const char *const names[] = { "asset", "chunk", "name", "salt", "size", "version", NULL };
	struct span asset, name, salt;
	uint64_t chunk;

	TRY(json_closed(v, names, "data file header", e));
	TRY(json_need_str(v, "asset", "data file header", &asset, e));
	TRY(form_asset(asset, "data file header", &h->asset, e));
	TRY(form_number(v, "chunk", "data file header", (struct form_range){ DATA_CHUNK, DATA_CHUNK }, &chunk, e));
	TRY(json_need_str(v, "name", "data file header", &name, e));
	if (!form_text_ok(name, DATA_NAME_MAX))
		return err_set(e, COFFER_E_INPUT, "data file header: bad name");
	memcpy(h->name, name.p, name.n);
	TRY(json_need_str(v, "salt", "data file header", &salt, e));
	if (!b64url_fixed(salt, h->salt, sizeof(h->salt)))
		return err_set(e, COFFER_E_INPUT, "data file header: the salt is not base64url of 32 bytes");
	TRY(form_number(v, "size", "data file header", (struct form_range){ 0, DATA_SIZE_MAX }, &h->size, e));
	return form_number(v, "version", "data file header", (struct form_range){ 1, FORM_NUMBER_MAX }, &h->version, e);
}

enum coffer_rc data_header_parse(struct span file, struct data_header *out, size_t *used, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr again = wr_open(DATA_HEADER_MAX + PREFIX);
	struct rd r = rd_open(file);
	struct span magic = rd_span(&r, MAGIC_LEN), text = rd_blob32(&r, DATA_HEADER_MAX);
	struct data_header h = { 0 };

	if (!rd_ok(&r) || !span_eq_str(magic, MAGIC))
		return err_set(e, COFFER_E_INPUT, "not a sealed data file");
	TRY(json_parse(text, DATA_HEADER_MAX, &doc, e));
	TRY(read_members(json_root(doc), &h, e));
	TRY(header_write(&h, &again, e));
	if (!span_eq(wr_span(&again), (struct span){ file.p, r.off }))
		return err_set(e, COFFER_E_INPUT, "data file header: not in its one spelling (JCS)");
	*out = h;
	*used = r.off;
	return COFFER_OK;
}

/* ---- chunks ---- */

/* Number of chunks: an empty file has one, empty. */
static uint64_t chunks(uint64_t size)
{
	return size ? (size + DATA_CHUNK - 1) / DATA_CHUNK : 1;
}

static size_t chunk_len(uint64_t size, uint64_t i)
{
	uint64_t left = size - i * DATA_CHUNK;

	return left < DATA_CHUNK ? (size_t)left : DATA_CHUNK;
}

enum coffer_rc data_file_size(const struct data_header *h, uint64_t *out, struct err *e)
{
	CLEANUP(wr_close) struct wr head = wr_open(DATA_HEADER_MAX + PREFIX);

	TRY(header_write(h, &head, e));
	*out = head.n + h->size + chunks(h->size) * DATA_TAG;
	return COFFER_OK;
}

struct chunk_state {
	struct secret key;   /* of this file */
	struct secret plain; /* one chunk */
	uint8_t       aad[32];
	uint8_t       cipher[DATA_CHUNK + DATA_TAG];
};

static void state_free(struct chunk_state *s)
{
	if (!s)
		return;
	secret_free(&s->key);
	secret_free(&s->plain);
	free(s);
}
DEFINE_CLEANUP(struct chunk_state *, state_free)

static enum coffer_rc state_new(const uint8_t key[static DATA_KEY_LEN], const uint8_t salt[static 32], struct span head,
    struct chunk_state **out, struct err *e)
{
	CLEANUP(state_freep) struct chunk_state *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, COFFER_E_SYSTEM, "data file: out of memory");
	TRY(secret_new(DATA_KEY_LEN, &s->key, e));
	TRY(secret_new(DATA_CHUNK, &s->plain, e));
	hkdf_sha256((struct span){ key, DATA_KEY_LEN }, (struct span){ salt, 32 }, span_of(INFO), s->key.p, s->key.n);
	sha256(head, s->aad);
	*out = MOVE(s);
	return COFFER_OK;
}

static void chunk_iv(uint64_t i, bool last, uint8_t iv[static GCM_IV])
{
	for (size_t k = 0; k < 8; k++)
		iv[k] = (uint8_t)(i >> (56 - 8 * k));
	memset(iv + 8, 0, 3);
	iv[11] = last;
}

/* Exactly n bytes, or fewer only at the end of the input. */
static enum coffer_rc read_full(const struct data_io *io, uint8_t *p, size_t n, size_t *got, struct err *e)
{
	size_t piece = 1;

	for (*got = 0; *got < n && piece; *got += piece) {
		piece = 0;
		TRY(io->read(io->read_arg, p + *got, n - *got, &piece, e));
		if (piece > n - *got)
			return err_set(e, COFFER_E_BUG, "data file: a reader gave more than it was asked for");
	}
	return COFFER_OK;
}

/* The input must end here. */
static enum coffer_rc read_end(const struct data_io *io, bool *ended, struct err *e)
{
	uint8_t one;
	size_t n = 0;

	TRY(io->read(io->read_arg, &one, 1, &n, e));
	explicit_bzero(&one, 1);
	*ended = n == 0;
	return COFFER_OK;
}

static enum coffer_rc seal_chunk(struct chunk_state *s, const struct data_header *h, uint64_t i, const struct data_io *io,
    struct err *e)
{
	size_t want = chunk_len(h->size, i), n = 0;
	bool last = i + 1 == chunks(h->size);
	uint8_t iv[GCM_IV];

	TRY(read_full(io, s->plain.p, want, &n, e));
	if (n != want)
		return err_set(e, COFFER_E_INPUT, "data file: the input is shorter than it was said to be");
	chunk_iv(i, last, iv);
	TRY(gcm_seal(s->key.p, iv, SPAN(s->aad), (struct span){ s->plain.p, n }, s->cipher, s->cipher + n, e));
	return io->write(io->write_arg, (struct span){ s->cipher, n + DATA_TAG }, e);
}

enum coffer_rc data_file_seal(struct data_header *h, const uint8_t key[static DATA_KEY_LEN], const struct data_io *io,
    struct err *e)
{
	CLEANUP(wr_close) struct wr head = wr_open(DATA_HEADER_MAX + PREFIX);
	CLEANUP(state_freep) struct chunk_state *s = NULL;
	bool ended = false;

	random_bytes(h->salt, sizeof(h->salt));
	TRY(header_write(h, &head, e));
	TRY(state_new(key, h->salt, wr_span(&head), &s, e));
	TRY(io->write(io->write_arg, wr_span(&head), e));
	for (uint64_t i = 0; i < chunks(h->size); i++)
		TRY(seal_chunk(s, h, i, io, e));
	TRY(read_end(io, &ended, e));
	if (!ended)
		return err_set(e, COFFER_E_INPUT, "data file: the input is longer than it was said to be");
	return COFFER_OK;
}

/* ---- opening ---- */

static enum coffer_rc read_head(const struct data_io *io, struct wr *head, struct data_header *h, struct err *e)
{
	uint8_t prefix[PREFIX], text[DATA_HEADER_MAX];
	struct rd r = rd_open(SPAN(prefix));
	size_t n = 0, used = 0;
	uint32_t len;

	TRY(read_full(io, prefix, sizeof(prefix), &n, e));
	(void)rd_span(&r, MAGIC_LEN);
	len = rd_be32(&r);
	if (n != sizeof(prefix) || len > sizeof(text))
		return err_set(e, COFFER_E_INPUT, "not a sealed data file");
	TRY(read_full(io, text, len, &n, e));
	wr_put(head, SPAN(prefix));
	wr_put(head, (struct span){ text, n });
	TRY(wr_done(head, "data file header", e));
	return data_header_parse(wr_span(head), h, &used, e);
}

static enum coffer_rc open_chunk(struct chunk_state *s, const struct data_header *h, uint64_t i, const struct data_io *io,
    struct err *e)
{
	size_t want = chunk_len(h->size, i), n = 0;
	bool last = i + 1 == chunks(h->size);
	uint8_t iv[GCM_IV];

	TRY(read_full(io, s->cipher, want + DATA_TAG, &n, e));
	if (n != want + DATA_TAG)
		return err_deny(e, "seal", "the data file was cut short");
	chunk_iv(i, last, iv);
	TRY(gcm_open(s->key.p, iv, SPAN(s->aad), (struct span){ s->cipher, want }, s->cipher + want, s->plain.p, e));
	return want ? io->write(io->write_arg, (struct span){ s->plain.p, want }, e) : COFFER_OK;
}

static enum coffer_rc check_want(const struct data_want *want, const struct data_header *h, struct err *e)
{
	if (!asset_path_eq(&want->asset, &h->asset))
		return err_deny(e, "seal", "the data file is sealed under %s, wanted is %s", h->asset.text, want->asset.text);
	if (want->version != h->version)
		return err_deny(e, "seal",
		    "the data file is of version %llu of its key, wanted is version %llu; its owner seals it anew ('coffer data seal', then 'coffer asset put' of the key it made) or the "
		    "host brings the newer file", (unsigned long long)h->version, (unsigned long long)want->version);
	return COFFER_OK;
}

enum coffer_rc data_file_open(const struct data_want *want, const uint8_t key[static DATA_KEY_LEN], const struct data_io *io,
    struct data_header *out, struct err *e)
{
	CLEANUP(wr_close) struct wr head = wr_open(DATA_HEADER_MAX + PREFIX);
	CLEANUP(state_freep) struct chunk_state *s = NULL;
	struct data_header h = { 0 };
	bool ended = false;

	TRY(read_head(io, &head, &h, e));
	TRY(check_want(want, &h, e));
	TRY(state_new(key, h.salt, wr_span(&head), &s, e));
	for (uint64_t i = 0; i < chunks(h.size); i++)
		TRY(open_chunk(s, &h, i, io, e));
	TRY(read_end(io, &ended, e));
	if (!ended)
		return err_deny(e, "seal", "the data file was extended");
	*out = h;
	return COFFER_OK;
}

/* ---- ends in memory ---- */

enum coffer_rc data_read_span(void *arg, uint8_t *p, size_t cap, size_t *n, struct err *e)
{
	struct span *s = arg;

	(void)e;
	*n = s->n < cap ? s->n : cap;
	if (*n)
		memcpy(p, s->p, *n);
	*s = span_skip(*s, *n);
	return COFFER_OK;
}

enum coffer_rc data_write_wr(void *arg, struct span s, struct err *e)
{
	struct wr *w = arg;

	wr_put(w, s);
	return wr_done(w, "data file", e);
}
