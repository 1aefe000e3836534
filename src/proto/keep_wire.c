#include "proto/keep_wire.h"

#include <string.h>

#include "base/str.h"

#define METHOD_MAX 16
#define CHECK_MAX (sizeof(((struct keep_refusal *)0)->check) - 1)
#define REASON_MAX (sizeof(((struct keep_refusal *)0)->reason) - 1)

void keep_bad(struct rd *r)
{
	r->bad = true;
	r->n = 0;
}

uint64_t keep_be64(struct rd *r)
{
	uint64_t high = rd_be32(r);

	return high << 32 | rd_be32(r);
}

bool keep_bool(struct rd *r)
{
	uint8_t v = rd_u8(r);

	if (v > 1)
		keep_bad(r);
	return v == 1;
}

void keep_put_bool(struct wr *w, bool v)
{
	wr_u8(w, v ? 1 : 0);
}

enum coffer_rc keep_end(const struct rd *r, const char *what, struct err *e)
{
	if (!rd_done(r))
		return err_set(e, COFFER_E_INPUT, "keep: %s: malformed near byte %zu", what, r->off);
	return COFFER_OK;
}

void keep_party_auth_put(struct wr *w, const struct keep_party_auth *a)
{
	wr_blob32(w, a->signing_input);
	wr_blob32(w, a->payload);
	wr_put(w, SPAN(a->sig));
	wr_put(w, SPAN(a->kid));
	wr_blob32(w, a->method);
	wr_blob32(w, a->path);
	wr_put(w, SPAN(a->body_sha256));
}

void keep_party_auth_get(struct rd *r, struct keep_party_auth *a)
{
	a->signing_input = rd_blob32(r, KEEP_TOKEN_MAX);
	a->payload = rd_blob32(r, KEEP_TOKEN_MAX);
	rd_copy(r, a->sig, sizeof(a->sig));
	rd_copy(r, a->kid, sizeof(a->kid));
	a->method = rd_blob32(r, METHOD_MAX);
	a->path = rd_blob32(r, KEEP_PATH_MAX);
	rd_copy(r, a->body_sha256, sizeof(a->body_sha256));
}

/* ---- refusals ---- */

static bool text_in(struct rd *r, char *out, size_t max)
{
	struct span s = rd_blob32(r, max);

	if (!rd_ok(r))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == 0)
			return false;
	if (s.n)
		memcpy(out, s.p, s.n);
	out[s.n] = 0;
	return true;
}

void keep_refusal_write(struct wr *w, const struct keep_refusal *m)
{
	wr_blob32(w, (struct span){ (const uint8_t *)m->check, strnlen(m->check, CHECK_MAX) });
	wr_blob32(w, (struct span){ (const uint8_t *)m->reason, strnlen(m->reason, REASON_MAX) });
	keep_put_bool(w, m->has_decision);
	if (m->has_decision)
		wr_put(w, SPAN(m->decision));
}

enum coffer_rc keep_refusal_read(struct span b, struct keep_refusal *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_refusal got = { 0 };

	if (!text_in(&r, got.check, CHECK_MAX) || !text_in(&r, got.reason, REASON_MAX))
		keep_bad(&r);
	got.has_decision = keep_bool(&r);
	if (got.has_decision)
		rd_copy(&r, got.decision, sizeof(got.decision));
	TRY(keep_end(&r, "refusal", e));
	*m = got;
	return COFFER_OK;
}
