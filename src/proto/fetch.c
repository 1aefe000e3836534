#include "proto/fetch.h"

#include <string.h>

#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"

#define MAGIC 0x43464331u /* "CFC1" */

static int64_t be64(struct rd *r)
{
	uint64_t high = rd_be32(r);

	return (int64_t)(high << 32 | rd_be32(r));
}

static void put_item(struct wr *w, const struct vendor_item *i)
{
	char key[VENDOR_KEY_MAX];

	vendor_item_key(i, key);
	wr_blob32(w, span_of(key));
}

void fetch_req_write(struct wr *w, const struct fetch_req *q)
{
	wr_be32(w, q->id);
	wr_be32(w, q->max_age);
	wr_be32(w, q->wait_ms);
	put_item(w, &q->item);
}

enum coffer_rc fetch_req_read(struct span b, struct fetch_req *q, struct err *e)
{
	struct rd r = rd_open(b);
	struct fetch_req m = { 0 };
	struct span key;

	m.id = rd_be32(&r);
	m.max_age = rd_be32(&r);
	m.wait_ms = rd_be32(&r);
	key = rd_blob32(&r, VENDOR_KEY_MAX);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "fetch: malformed request near byte %zu", r.off);
	TRY(vendor_item_parse(key, &m.item, e));
	*q = m;
	return COFFER_OK;
}

void fetch_reply_write(struct wr *w, const struct fetch_reply *r)
{
	wr_be32(w, r->id);
	wr_u8(w, (uint8_t)r->status);
	wr_be64(w, (uint64_t)r->fetched_at);
	wr_blob32(w, r->body);
	wr_blob32(w, r->issuers);
	wr_blob32(w, r->reason);
}

bool fetch_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

enum coffer_rc fetch_reply_read(struct span b, struct fetch_reply *r, struct err *e)
{
	struct rd in = rd_open(b);
	struct fetch_reply m = { 0 };
	uint8_t status;
	bool have;

	m.id = rd_be32(&in);
	status = rd_u8(&in);
	m.fetched_at = be64(&in);
	m.body = rd_blob32(&in, FETCH_BODY_MAX);
	m.issuers = rd_blob32(&in, FETCH_ISSUERS_MAX);
	m.reason = rd_blob32(&in, FETCH_REASON_MAX);
	have = status == FETCH_HAVE;
	if (!rd_done(&in) || status > FETCH_UNAVAILABLE || have != (m.body.n > 0) || have == (m.reason.n > 0) ||
	    !fetch_printable(m.reason) || (!have && (m.issuers.n > 0 || m.fetched_at != 0)))
		return err_set(e, COFFER_E_INPUT, "fetch: malformed reply");
	m.status = (enum fetch_status)status;
	*r = m;
	return COFFER_OK;
}

void fetch_post_write(struct wr *w, const struct fetch_post *q)
{
	wr_be32(w, q->id);
	wr_be32(w, q->wait_ms);
	wr_u8(w, q->witness);
	wr_blob32(w, q->body);
}

enum coffer_rc fetch_post_read(struct span b, struct fetch_post *q, struct err *e)
{
	struct rd r = rd_open(b);
	struct fetch_post m = { 0 };

	m.id = rd_be32(&r);
	m.wait_ms = rd_be32(&r);
	m.witness = rd_u8(&r);
	m.body = rd_blob32(&r, FETCH_POST_MAX);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "fetch: malformed request near byte %zu", r.off);
	*q = m;
	return COFFER_OK;
}

enum coffer_rc fetch_posted_read(struct span b, struct fetch_posted *out, struct err *e)
{
	unsigned status = b.n >= 2 ? (unsigned)b.p[0] << 8 | b.p[1] : 0;

	if (b.n > FETCH_POSTED_MAX || status < 100 || status > 999)
		return err_set(e, COFFER_E_INPUT, "fetch: malformed answer of a witness");
	*out = (struct fetch_posted){ (uint16_t)status, span_skip(b, 2) };
	return COFFER_OK;
}

enum coffer_rc fetch_witnesses_read(struct span b, struct fetch_witnesses *out, struct err *e)
{
	struct fetch_witnesses got = { 0 };

	while (b.n > 0) {
		size_t n = span_find(b, '\n');

		if (n == 0 || n == b.n || got.n == FETCH_WITNESSES_MAX)
			return err_set(e, COFFER_E_INPUT, "fetch: malformed addresses of witnesses");
		got.url[got.n++] = (struct span){ b.p, n };
		b = span_skip(b, n + 1);
	}
	*out = got;
	return COFFER_OK;
}

/* ---- the file of one item ---- */

void fetch_file_name(const struct vendor_item *i, char out[static FETCH_FILE_NAME_LEN])
{
	char key[VENDOR_KEY_MAX];
	uint8_t d[32];

	vendor_item_key(i, key);
	sha256(span_of(key), d);
	hex32(d, out);
}

void fetch_file_write(struct wr *w, const struct fetch_file *f)
{
	size_t from = w->n;
	uint8_t d[32];

	wr_be32(w, MAGIC);
	wr_be64(w, (uint64_t)f->fetched_at);
	put_item(w, &f->item);
	wr_blob32(w, f->body);
	wr_blob32(w, f->issuers);
	if (!wr_ok(w))
		return;
	sha256(span_skip(wr_span(w), from), d);
	wr_put(w, SPAN(d));
}

enum coffer_rc fetch_file_read(struct span b, struct fetch_file *f, struct err *e)
{
	struct fetch_file m = { 0 };
	uint8_t d[32], want[32];
	struct span key;
	struct rd r = rd_open(b);
	bool magic = rd_be32(&r) == MAGIC, issuers;

	m.fetched_at = be64(&r);
	key = rd_blob32(&r, VENDOR_KEY_MAX);
	m.body = rd_blob32(&r, FETCH_BODY_MAX);
	m.issuers = rd_blob32(&r, FETCH_ISSUERS_MAX);
	rd_copy(&r, want, sizeof(want));
	if (!rd_done(&r) || !magic || m.fetched_at < 0)
		return err_set(e, COFFER_E_INPUT, "cached item: malformed near byte %zu", r.off);
	sha256((struct span){ b.p, b.n - sizeof(want) }, d);
	if (!span_eq(SPAN(d), SPAN(want)))
		return err_set(e, COFFER_E_INPUT, "cached item: its digest is another");
	TRY(vendor_item_parse(key, &m.item, e));
	issuers = vendor_item_issuers(&m.item) != NULL;
	if (!vendor_shape_ok(&m.item, m.body) || (issuers ? !vendor_pem_ok(m.issuers) : m.issuers.n > 0))
		return err_set(e, COFFER_E_INPUT, "cached item: not of its item's form");
	*f = m;
	return COFFER_OK;
}
