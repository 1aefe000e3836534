/* Annotation packets: a layer's private options under a key of the trust service. */
#include "image/crypt.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "fmt/enc.h"

#define PACKET_MAX ((size_t)16 << 10)
#define WRAPPED_MAX 4096
#define SEGMENT_MAX 64

void crypt_packet_clear(struct crypt_packet *p)
{
	free(p->kid);
	wr_close(&p->wrapped);
	*p = (struct crypt_packet){ 0 };
}

void crypt_packets_clear(struct crypt_packets *l)
{
	for (size_t i = 0; i < l->n; i++)
		crypt_packet_clear(&l->at[i]);
	l->n = 0;
}

/* Absent members of a v1 packet mean version 0.1.0 and provider kbs. */
static enum coffer_rc check_version(const struct json *root, struct err *e)
{
	struct span s;

	if (json_get(root, "version")) {
		TRY(json_need_str(root, "version", "key packet", &s, e));
		if (!span_eq_str(s, "0.1.0"))
			return err_set(e, COFFER_E_INPUT, "key packet: version is not 0.1.0");
	}
	if (json_get(root, "provider")) {
		TRY(json_need_str(root, "provider", "key packet", &s, e));
		if (!span_eq_str(s, "kbs"))
			return err_set(e, COFFER_E_INPUT, "key packet: only provider \"kbs\" is built");
	}
	return COFFER_OK;
}

static enum coffer_rc read_wrap(const struct json *root, struct crypt_packet *p, struct err *e)
{
	struct span type, iv;
	size_t iv_n = GCM_IV;

	TRY(json_need_str(root, "wrap_type", "key packet", &type, e));
	TRY(json_need_str(root, "iv", "key packet", &iv, e));
	if (span_eq_str(type, "A256GCM")) {
		p->wrap = CRYPT_A256GCM;
	} else if (span_eq_str(type, "A256CTR")) {
		p->wrap = CRYPT_A256CTR;
		iv_n = 16;
	} else {
		return err_set(e, COFFER_E_INPUT, "key packet: unknown wrap_type");
	}
	if (!b64_fixed(iv, p->iv, iv_n))
		return err_set(e, COFFER_E_INPUT, "key packet: iv is not %zu bytes of base64", iv_n);
	return COFFER_OK;
}

enum coffer_rc crypt_packet_parse(struct span json, struct crypt_packet *out, struct err *e)
{
	CLEANUP(crypt_packet_clear) struct crypt_packet p = { .wrapped = wr_open(WRAPPED_MAX) };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *root;
	struct span kid, wrapped;

	if (json_parse(json, PACKET_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "key packet");
	root = json_root(doc);
	TRY(json_need_str(root, "kid", "key packet", &kid, e));
	TRY(json_need_str(root, "wrapped_data", "key packet", &wrapped, e));
	TRY(check_version(root, e));
	TRY(read_wrap(root, &p, e));
	if (kid.n == 0 || kid.n > CRYPT_KID_MAX)
		return err_set(e, COFFER_E_INPUT, "key packet: kid of %zu bytes", kid.n);
	if (!b64_read(wrapped, &p.wrapped) || p.wrapped.n <= GCM_TAG)
		return err_set(
		    e, COFFER_E_INPUT, "key packet: wrapped_data is not base64 of %d to %d bytes", GCM_TAG + 1, WRAPPED_MAX);
	p.kid = span_dup(kid);
	if (!p.kid)
		return err_set(e, COFFER_E_SYSTEM, "key packet: out of memory");
	*out = p;
	p = (struct crypt_packet){ 0 };
	return COFFER_OK;
}

enum coffer_rc crypt_packets_parse(struct span note, struct crypt_packets *out, struct err *e)
{
	CLEANUP(crypt_packets_clear) struct crypt_packets l = { 0 };

	if (note.n > CRYPT_NOTE_MAX)
		return err_set(e, COFFER_E_LIMIT, "key packets: more than %zu bytes", CRYPT_NOTE_MAX);
	for (;;) {
		CLEANUP(wr_close) struct wr text = wr_open(PACKET_MAX);
		size_t n = span_find(note, ',');

		if (l.n == CRYPT_PACKETS_MAX)
			return err_set(e, COFFER_E_LIMIT, "key packets: more than %d", CRYPT_PACKETS_MAX);
		if (n == 0 || !b64_read((struct span){ note.p, n }, &text))
			return err_set(e, COFFER_E_INPUT, "key packet: not base64 of at most %zu bytes", PACKET_MAX);
		TRY(crypt_packet_parse(wr_span(&text), &l.at[l.n], e));
		l.n++;
		if (n == note.n)
			break;
		note = span_skip(note, n + 1);
	}
	*out = l;
	l.n = 0;
	return COFFER_OK;
}

static enum coffer_rc unwrap(const struct crypt_packet *p, const struct secret *kek, struct secret *plain, struct err *e)
{
	struct span w = wr_span(&p->wrapped);

	if (p->wrap == CRYPT_A256CTR) {
		CLEANUP(ctr_freep) struct ctr_stream *ctr = NULL;

		TRY(secret_new(w.n, plain, e));
		TRY(ctr_open(kek->p, p->iv, &ctr, e));
		return ctr_run(ctr, w, plain->p, e);
	}
	w.n -= GCM_TAG;
	TRY(secret_new(w.n, plain, e));
	if (gcm_open(kek->p, p->iv, (struct span){ NULL, 0 }, w, w.p + w.n, plain->p, e) != COFFER_OK)
		return e->rc != COFFER_E_DENIED ? e->rc : err_deny(e, "decrypt", "key packet: %s does not open it", p->kid);
	return COFFER_OK;
}

enum coffer_rc crypt_packet_open(const struct crypt_packet *p, const struct secret *kek, struct crypt_private *out, struct err *e)
{
	CLEANUP(secret_free) struct secret plain = { 0 };

	if (kek->n != 32)
		return err_deny(e, "decrypt", "key packet: %s holds %zu bytes, not a 32-byte key", p->kid, kek->n);
	TRY(unwrap(p, kek, &plain, e));
	if (crypt_private_parse((struct span){ plain.p, plain.n }, out, e) == COFFER_OK)
		return COFFER_OK;
	if (e->rc == COFFER_E_INPUT)
		return err_deny(e, "decrypt", "key packet: what %s opens are no private options", p->kid);
	return e->rc;
}

static enum coffer_rc write_packet(const char *kid, struct span wrapped, struct span iv, struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);
	CLEANUP(wr_close) struct wr text = wr_open((size_t)2 * WRAPPED_MAX);
	size_t n;

	b64_write(&text, wrapped);
	n = text.n;
	b64_write(&text, iv);
	TRY(wr_done(&text, "key packet", e));
	jw_obj(&j);
	jw_m_text(&j, "version", "0.1.0");
	jw_m_text(&j, "kid", kid);
	jw_m_str(&j, "wrapped_data", (struct span){ text.p, n });
	jw_m_text(&j, "provider", "kbs");
	jw_m_str(&j, "iv", span_skip(wr_span(&text), n));
	jw_m_text(&j, "wrap_type", "A256GCM");
	jw_name(&j, "provider_settings");
	jw_obj(&j);
	jw_obj_end(&j);
	jw_name(&j, "annotations");
	jw_obj(&j);
	jw_obj_end(&j);
	jw_obj_end(&j);
	return wr_done(w, "key packet", e);
}

enum coffer_rc crypt_packet_seal(const char *kid, const struct secret *kek, const struct crypt_private *p, struct wr *note,
    struct err *e)
{
	CLEANUP(wr_close) struct wr plain = wr_open(WRAPPED_MAX - GCM_TAG);
	CLEANUP(wr_close) struct wr packet = wr_open(PACKET_MAX);
	uint8_t iv[GCM_IV], tag[GCM_TAG], ct[WRAPPED_MAX];

	if (kek->n != 32)
		return err_set(e, COFFER_E_INPUT, "image key: %zu bytes, must be 32", kek->n);
	TRY(crypt_private_write(p, &plain, e));
	random_bytes(iv, sizeof(iv)); /* a KEK wraps one short text a layer: far from GCM's bound for random IVs */
	TRY(gcm_seal(kek->p, iv, (struct span){ NULL, 0 }, wr_span(&plain), ct, tag, e));
	memcpy(ct + plain.n, tag, GCM_TAG);
	TRY(write_packet(kid, (struct span){ ct, plain.n + GCM_TAG }, SPAN(iv), &packet, e));
	b64_write(note, wr_span(&packet));
	return wr_done(note, "key packet", e);
}

static bool segment_ok(struct span s)
{
	bool dots = true;

	if (s.n == 0 || s.n > SEGMENT_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
			c == '.'))
			return false;
		dots = dots && c == '.';
	}
	return !dots;
}

/* Host of a key name: what a URI's authority may hold without user or escape. */
static bool authority_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
			c == ':'))
			return false;
	}
	return s.n <= 255;
}

enum coffer_rc crypt_kid_normal(struct span text, char **out, struct err *e)
{
	struct span rest = span_starts(text, "kbs://") ? span_skip(text, 6) : text, host, path;
	size_t n = span_find(rest, '/');

	host = (struct span){ rest.p, n };
	path = span_skip(rest, n + 1);
	rest = path;
	for (int i = 0; i < 3; i++) {
		n = span_find(rest, '/');
		if (!segment_ok((struct span){ rest.p, n }) || (n == rest.n) != (i == 2))
			return err_set(e, COFFER_E_INPUT, "key name: must be kbs:///<repository>/<type>/<tag>");
		rest = span_skip(rest, n + 1);
	}
	if (!authority_ok(host))
		return err_set(e, COFFER_E_INPUT, "key name: the host is malformed");
	*out = str_fmt("kbs://%.*s/%.*s", (int)host.n, host.n ? (const char *)host.p : "", (int)path.n, (const char *)path.p);
	return *out ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "key name: out of memory");
}
