#include "base/own.h"
#include "base/str.h"
#include "client/service.h"
#include "crypto/hash.h"
#include "crypto/jws.h"
#include "fmt/enc.h"
#include "trust/reqtoken.h"

#define TOKEN_LIFE 240 /* seconds; the service takes at most 300 */
#define TOKEN_PART_MAX 4096

static void write_header(struct wr *w, const struct pubkey *k)
{
	uint8_t kid[32];

	pubkey_thumbprint(k, kid);
	wr_fmt(w, "{\"alg\":\"%s\",\"kid\":\"", jws_alg(k->kind));
	b64url_write(w, SPAN(kid));
	wr_str(w, "\",\"typ\":\"JWT\"}");
}

static void m_hex(struct json_wr *j, const char *name, struct span bytes)
{
	CLEANUP(wr_close) struct wr hex = wr_open(64);

	hex_write(&hex, bytes);
	jw_m_str(j, name, wr_span(&hex));
}

static void write_payload(const struct token_for *f, struct span body, int64_t now, struct wr *w)
{
	struct json_wr j = jw_open(w, false);
	uint8_t digest[32], jti[16];

	sha256(body, digest);
	random_bytes(jti, sizeof(jti));
	jw_obj(&j);
	m_hex(&j, "body", SPAN(digest));
	jw_name(&j, "exp");
	jw_i64(&j, now + (f->tls ? REQTOKEN_SECONDS : TOKEN_LIFE));
	jw_name(&j, "iat");
	jw_i64(&j, now);
	jw_m_text(&j, "iss", f->party);
	m_hex(&j, "jti", SPAN(jti));
	jw_m_text(&j, "method", f->method);
	jw_m_text(&j, "path", f->path);
	if (f->tls)
		m_hex(&j, "tls", (struct span){ f->tls, 32 });
	jw_obj_end(&j);
}

enum coffer_rc party_token_input(const struct token_for *f, int64_t now, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr header = wr_open(TOKEN_PART_MAX), payload = wr_open(TOKEN_PART_MAX);

	write_header(&header, f->key);
	write_payload(f, (struct span){ 0 }, now, &payload);
	TRY(wr_done(&header, "party token", e));
	TRY(wr_done(&payload, "party token", e));
	b64url_write(out, wr_span(&header));
	wr_u8(out, '.');
	b64url_write(out, wr_span(&payload));
	return wr_done(out, "party token", e);
}

enum coffer_rc party_token(const struct privkey *k, const char *party, const char *method, const char *path,
    struct span body, int64_t now, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr header = wr_open(TOKEN_PART_MAX), payload = wr_open(TOKEN_PART_MAX);

	write_header(&header, privkey_public(k));
	write_payload(&(struct token_for){ .party = party, .method = method, .path = path }, body, now, &payload);
	TRY(wr_done(&header, "party token", e));
	TRY(wr_done(&payload, "party token", e));
	return jws_sign(k, wr_span(&header), wr_span(&payload), out, e);
}
