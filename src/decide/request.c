#include "decide/request.h"

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"

static uint64_t be64(struct rd *r)
{
	uint64_t high = rd_be32(r);

	return high << 32 | rd_be32(r);
}

enum coffer_rc request_read(struct span b, struct request *q, uint64_t *counter, struct err *e)
{
	struct rd r = rd_open(b);
	struct span magic = rd_span(&r, 4), purpose;

	q->version = be64(&r);
	*counter = be64(&r);
	q->container = rd_span(&r, rd_u8(&r));
	purpose = rd_span(&r, rd_u8(&r));
	if (!rd_done(&r) || !span_eq_str(magic, "CRQ1") || !purpose_by_name(purpose, &q->purpose))
		return err_set(e, COFFER_E_INPUT, "request: malformed Coffer-Request");
	return COFFER_OK;
}

enum coffer_rc request_verify(const struct request *q, const struct request_signed *s, const struct member_set *members, bool *good,
    struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct pubkey key = { 0 };
	struct key_seen none = { 0 };
	bool has = false;

	TRY(request_key_read(members, &has, &key, e));
	wr_str(&w, "coffer request v1");
	wr_u8(&w, 0);
	wr_blob32(&w, span_of(asset_path_tail(&q->path)));
	wr_put(&w, s->bytes);
	wr_put(&w, (struct span){ s->session, KEEP_SESSION_LEN });
	TRY(wr_done(&w, "request", e));
	*good = has && key_verify_seen(&key, wr_span(&w), (struct span){ s->sig, SIG_LEN }, s->seen ? s->seen : &none);
	return COFFER_OK;
}
