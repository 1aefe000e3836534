#include "client/release.h"

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "proto/rcar_json.h"

#define ASK_MAX 1024
#define SALT_LEN 32

static void put_path(struct wr *w, struct span path)
{
	wr_blob32(w, path);
}

enum coffer_rc release_ask_write(const struct release_ask *a, struct wr *request, struct wr *to_sign, struct err *e)
{
	struct span purpose = span_of(purpose_name(a->purpose));

	if (a->container.n > 255 || purpose.n == 0 || purpose.n > 255)
		return err_set(e, COFFER_E_INPUT, "request: container or purpose has no valid name");
	*request = wr_open(ASK_MAX);
	wr_str(request, "CRQ1");
	wr_be64(request, a->version);
	wr_be64(request, a->counter);
	wr_u8(request, (uint8_t)a->container.n);
	wr_put(request, a->container);
	wr_u8(request, (uint8_t)purpose.n);
	wr_put(request, purpose);
	TRY(wr_done(request, "asset request", e));
	*to_sign = wr_open((size_t)2 * ASK_MAX);
	wr_str(to_sign, "coffer request v1");
	wr_u8(to_sign, 0);
	put_path(to_sign, a->path);
	wr_put(to_sign, wr_span(request));
	wr_put(to_sign, (struct span){ a->session, RELEASE_SESSION_LEN });
	return wr_done(to_sign, "asset request", e);
}

enum coffer_rc release_entry_parse(struct span s, struct release_entry *out, struct err *e)
{
	size_t a = span_find(s, '.'), b = a + 1 + span_find(span_skip(s, a + 1), '.');
	struct release_entry r;

	if (a >= s.n || b >= s.n || !span_u64((struct span){ s.p, a }, &r.seq) || b - a - 1 != 64 ||
	    !hex_fixed((struct span){ s.p + a + 1, 64 }, r.entry, sizeof(r.entry)) || !span_u64(span_skip(s, b + 1), &r.version))
		return err_deny(e, "reply", "the reply names no journal entry");
	*out = r;
	return COFFER_OK;
}

enum coffer_rc release_reply_check(const struct release_reply *r, const struct pubkey *key, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(ASK_MAX);
	uint8_t digest[32], sig[SIG_LEN];

	sha256(r->body, digest);
	wr_str(&w, "coffer reply v1");
	wr_u8(&w, 0);
	wr_put(&w, SPAN(digest));
	wr_put(&w, SPAN(r->attested));
	put_path(&w, r->path);
	wr_be64(&w, r->entry.version);
	wr_be64(&w, r->entry.seq);
	wr_put(&w, SPAN(r->entry.entry));
	TRY(wr_done(&w, "reply", e));
	if (!b64url_fixed(r->signature, sig, sizeof(sig)) || !key_verify(key, wr_span(&w), SPAN(sig)))
		return err_deny(e, "reply", "the reply is not signed by the service's reply key for this request");
	return COFFER_OK;
}

enum coffer_rc release_content_parse(struct span plain, struct release_content *out, struct err *e)
{
	struct rd r = rd_open(plain);
	struct release_content c = { 0 };

	if (!span_eq_str(rd_span(&r, 4), "CRP1"))
		return err_deny(e, "reply", "the content is not a release");
	c.envelope = rd_blob32(&r, DSSE_ENVELOPE_MAX);
	if (!rd_ok(&r) || r.n < SALT_LEN)
		return err_deny(e, "reply", "the content of the release is cut");
	c.salted = rd_span(&r, r.n);
	c.content = span_skip(c.salted, SALT_LEN);
	*out = c;
	return COFFER_OK;
}

bool release_session(struct span set_cookie, uint8_t out[static RELEASE_SESSION_LEN])
{
	struct span v = span_skip(set_cookie, strlen(RCAR_COOKIE "="));
	size_t end = span_find(v, ';');

	return span_starts(set_cookie, RCAR_COOKIE "=") && end == (size_t)2 * RELEASE_SESSION_LEN &&
	       hex_fixed((struct span){ v.p, end }, out, RELEASE_SESSION_LEN);
}
