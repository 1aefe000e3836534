#include "proto/ttrpc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"

enum wire { WIRE_VARINT = 0, WIRE_BYTES = 2 };

static uint64_t rd_varint(struct rd *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t b = rd_u8(r);

		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

static struct span rd_bytes(struct rd *r)
{
	uint64_t n = rd_varint(r);

	if (n > r->n)
		r->bad = true;
	return r->bad ? (struct span){ NULL, 0 } : rd_span(r, (size_t)n);
}

/* Where field i of an envelope goes: exactly one of the two is set. */
struct slot { struct span *bytes; uint64_t *number; bool skip; };

/* Fields 1..n of an envelope; a field outside, of the wrong wire type or seen twice is malformed. */
static bool envelope(struct span in, const struct slot *slot, size_t n)
{
	struct rd r = rd_open(in);
	unsigned seen = 0;

	while (rd_ok(&r) && r.n > 0) {
		uint64_t tag = rd_varint(&r), field = tag >> 3, wire = tag & 7;
		const struct slot *s;

		if (!rd_ok(&r) || field < 1 || field > n)
			return false;
		s = &slot[field - 1];
		if (wire != (s->number ? WIRE_VARINT : WIRE_BYTES) || (!s->skip && (seen & 1u << field)))
			return false;
		seen |= 1u << field;
		if (s->number) {
			*s->number = rd_varint(&r);
		} else {
			struct span b = rd_bytes(&r);

			if (s->bytes)
				*s->bytes = b;
		}
	}
	return rd_done(&r);
}

enum coffer_rc ttrpc_head_read(struct span in, struct ttrpc_head *out, struct err *e)
{
	struct rd r = rd_open(in);
	struct ttrpc_head h;

	h.length = rd_be32(&r);
	h.stream = rd_be32(&r);
	h.type = rd_u8(&r);
	h.flags = rd_u8(&r);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "ttrpc: a header is %d bytes", TTRPC_HEADER);
	if (h.length > TTRPC_BODY_MAX)
		return err_set(e, COFFER_E_LIMIT, "ttrpc: a body of %u bytes", h.length);
	if (h.type != TTRPC_REQUEST && h.type != TTRPC_RESPONSE)
		return err_set(e, COFFER_E_INPUT, "ttrpc: frame type %u", h.type);
	if (h.flags > 1) /* 1 = the sender is done, which a unary call always is */
		return err_set(e, COFFER_E_INPUT, "ttrpc: flags %u: streams are not spoken here", h.flags);
	if (h.stream % 2 == 0)
		return err_set(e, COFFER_E_INPUT, "ttrpc: stream %u is even", h.stream);
	*out = h;
	return COFFER_OK;
}

enum coffer_rc ttrpc_request_read(struct span body, struct ttrpc_request *out, struct err *e)
{
	struct ttrpc_request q = { .timeout_ns = 0 };
	const struct slot slot[] = {
		{ .bytes = &q.service }, { .bytes = &q.method }, { .bytes = &q.payload },
		{ .number = &q.timeout_ns }, { .skip = true },
	};

	if (!envelope(body, slot, sizeof(slot) / sizeof(slot[0])))
		return err_set(e, COFFER_E_INPUT, "ttrpc: malformed request");
	if (q.service.n == 0 || q.service.n > TTRPC_NAME_MAX || q.method.n == 0 || q.method.n > TTRPC_NAME_MAX)
		return err_set(e, COFFER_E_INPUT, "ttrpc: a request without service and method");
	*out = q;
	return COFFER_OK;
}

enum coffer_rc ttrpc_response_read(struct span body, struct ttrpc_response *out, struct err *e)
{
	struct ttrpc_response v = { .code = 0 };
	struct span status = { NULL, 0 };
	uint64_t code = 0;
	const struct slot outer[] = { { .bytes = &status }, { .bytes = &v.payload } };
	const struct slot inner[] = { { .number = &code }, { .bytes = &v.message }, { .skip = true } };

	if (!envelope(body, outer, 2) || !envelope(status, inner, 3) || code > 16)
		return err_set(e, COFFER_E_INPUT, "ttrpc: malformed response");
	v.code = (uint32_t)code;
	*out = v;
	return COFFER_OK;
}

static void wr_varint(struct wr *w, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		wr_u8(w, (uint8_t)(v | 0x80));
	wr_u8(w, (uint8_t)v);
}

static void wr_field(struct wr *w, unsigned field, struct span s)
{
	if (s.n == 0)
		return;
	wr_varint(w, field << 3 | WIRE_BYTES);
	wr_varint(w, s.n);
	wr_put(w, s);
}

static void wr_number(struct wr *w, unsigned field, uint64_t v)
{
	if (v == 0)
		return;
	wr_varint(w, field << 3 | WIRE_VARINT);
	wr_varint(w, v);
}

static void frame(struct wr *w, uint32_t stream, enum ttrpc_type type, const struct wr *body)
{
	struct span b = wr_span(body);

	if (!wr_ok(body) || b.n > TTRPC_BODY_MAX) {
		w->bad = true;
		return;
	}
	wr_be32(w, (uint32_t)b.n);
	wr_be32(w, stream);
	wr_u8(w, (uint8_t)type);
	wr_u8(w, 0);
	wr_put(w, b);
}

void ttrpc_request_write(struct wr *w, uint32_t stream, const struct ttrpc_request *q)
{
	CLEANUP(wr_close) struct wr b = wr_open(TTRPC_BODY_MAX);

	wr_field(&b, 1, q->service);
	wr_field(&b, 2, q->method);
	wr_field(&b, 3, q->payload);
	wr_number(&b, 4, q->timeout_ns);
	frame(w, stream, TTRPC_REQUEST, &b);
}

void ttrpc_response_write(struct wr *w, uint32_t stream, const struct ttrpc_response *r)
{
	CLEANUP(wr_close) struct wr b = wr_open(TTRPC_BODY_MAX), s = wr_open(4096);

	wr_number(&s, 1, r->code);
	wr_field(&s, 2, r->message);
	wr_field(&b, 1, wr_span(&s));
	wr_field(&b, 2, r->payload);
	b.bad = b.bad || !wr_ok(&s);
	frame(w, stream, TTRPC_RESPONSE, &b);
}

static enum coffer_rc wait_for(int fd, short what, int64_t until, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = what };
	int64_t left = until - clock_monotonic_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n < 0 && errno != EINTR)
		return err_set(e, COFFER_E_SYSTEM, "ttrpc: poll: %s", strerror(errno));
	if (n == 0)
		return err_set(e, COFFER_E_UPSTREAM, "ttrpc: the peer is silent");
	return COFFER_OK;
}

/* Up to n bytes; *got < n only at the end of the stream. */
static enum coffer_rc read_full(int fd, int64_t until, uint8_t *p, size_t n, size_t *got, struct err *e)
{
	for (*got = 0; *got < n;) {
		ssize_t k;

		TRY(wait_for(fd, POLLIN, until, e));
		k = recv(fd, p + *got, n - *got, MSG_DONTWAIT);
		if (k == 0)
			return COFFER_OK;
		if (k < 0 && errno != EAGAIN && errno != EINTR)
			return err_set(e, COFFER_E_UPSTREAM, "ttrpc: %s", strerror(errno));
		if (k > 0)
			*got += (size_t)k;
	}
	return COFFER_OK;
}

enum coffer_rc ttrpc_recv(int fd, int64_t timeout_ms, struct ttrpc_head *head, struct wr *buf, struct err *e)
{
	int64_t until = clock_monotonic_ms() + timeout_ms;
	uint8_t raw[TTRPC_HEADER], piece[16384];
	struct ttrpc_head h;
	size_t got = 0;

	wr_close(buf);
	*buf = wr_open(TTRPC_BODY_MAX);
	TRY(read_full(fd, until, raw, sizeof(raw), &got, e));
	if (got == 0)
		return err_set(e, COFFER_E_UPSTREAM, "peer closed");
	if (got < sizeof(raw))
		return err_set(e, COFFER_E_UPSTREAM, "ttrpc: cut inside a header");
	TRY(ttrpc_head_read(SPAN(raw), &h, e));
	for (size_t left = h.length; left > 0; left -= got) {
		size_t want = left < sizeof(piece) ? left : sizeof(piece);

		TRY(read_full(fd, until, piece, want, &got, e));
		if (got < want)
			return err_set(e, COFFER_E_UPSTREAM, "ttrpc: cut inside a body");
		wr_put(buf, (struct span){ piece, got });
	}
	TRY(wr_done(buf, "ttrpc body", e));
	*head = h;
	return COFFER_OK;
}

/* What is still to come, as far as what is there says. */
static enum coffer_rc missing(const struct wr *in, struct ttrpc_head *head, size_t *n, struct err *e)
{
	struct ttrpc_head h;

	*n = TTRPC_HEADER - (in->n < TTRPC_HEADER ? in->n : 0);
	if (in->n < TTRPC_HEADER)
		return COFFER_OK;
	TRY(ttrpc_head_read((struct span){ in->p, TTRPC_HEADER }, &h, e));
	*n = TTRPC_HEADER + (size_t)h.length - in->n;
	*head = h;
	return COFFER_OK;
}

enum coffer_rc ttrpc_collect(int fd, struct wr *in, struct ttrpc_head *head, struct span *body, bool *whole, struct err *e)
{
	uint8_t piece[16384];
	size_t left;

	for (*whole = false;;) {
		ssize_t k;

		TRY(missing(in, head, &left, e));
		if (left == 0)
			break;
		k = recv(fd, piece, left < sizeof(piece) ? left : sizeof(piece), MSG_DONTWAIT);
		if (k == 0)
			return err_set(e, COFFER_E_UPSTREAM, in->n == 0 ? "peer closed" : "ttrpc: cut inside a frame");
		if (k < 0 && errno == EAGAIN)
			return COFFER_OK;
		if (k < 0 && errno != EINTR)
			return err_set(e, COFFER_E_UPSTREAM, "ttrpc: %s", strerror(errno));
		if (k > 0)
			wr_put(in, (struct span){ piece, (size_t)k });
		TRY(wr_done(in, "ttrpc frame", e));
	}
	*body = span_skip(wr_span(in), TTRPC_HEADER);
	*whole = true;
	return COFFER_OK;
}

enum coffer_rc ttrpc_send(int fd, int64_t timeout_ms, struct span f, struct err *e)
{
	int64_t until = clock_monotonic_ms() + timeout_ms;

	while (f.n > 0) {
		ssize_t k;

		TRY(wait_for(fd, POLLOUT, until, e));
		k = send(fd, f.p, f.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (k < 0 && errno != EAGAIN && errno != EINTR)
			return err_set(e, COFFER_E_UPSTREAM, "ttrpc: %s", strerror(errno));
		if (k > 0)
			f = span_skip(f, (size_t)k);
	}
	return COFFER_OK;
}

enum ttrpc_code ttrpc_code_of(enum coffer_rc rc)
{
	switch (rc) {
	case COFFER_OK:
		return TTRPC_OK;
	case COFFER_E_DENIED:
		return TTRPC_PERMISSION_DENIED;
	case COFFER_E_INPUT:
	case COFFER_E_LIMIT:
		return TTRPC_INVALID_ARGUMENT;
	case COFFER_E_NOTFOUND:
		return TTRPC_NOT_FOUND;
	case COFFER_E_UPSTREAM:
		return TTRPC_UNAVAILABLE;
	case COFFER_E_SYSTEM:
	case COFFER_E_BUG:
	default:
		return TTRPC_INTERNAL;
	}
}

enum coffer_rc ttrpc_rc_of(uint32_t code)
{
	switch (code) {
	case TTRPC_OK:
		return COFFER_OK;
	case TTRPC_PERMISSION_DENIED:
		return COFFER_E_DENIED;
	case TTRPC_INVALID_ARGUMENT:
		return COFFER_E_INPUT;
	case TTRPC_NOT_FOUND:
		return COFFER_E_NOTFOUND;
	case TTRPC_UNAVAILABLE:
		return COFFER_E_UPSTREAM;
	default:
		return COFFER_E_SYSTEM;
	}
}

enum coffer_rc ttrpc_failure(const struct ttrpc_response *r, struct err *e)
{
	struct span m = r->message;
	size_t colon = span_find(m, ':');
	char check[sizeof(e->check)], text[ERR_MSG_MAX];
	bool names = ttrpc_rc_of(r->code) == COFFER_E_DENIED && colon > 0 && colon < sizeof(check) && m.n >= colon + 2;

	m = names ? span_skip(m, colon + 2) : m;
	span_plain(m, text, sizeof(text));
	err_cut(text, sizeof(text), m.n);
	if (!names)
		return err_set(e, ttrpc_rc_of(r->code), "%s", text);
	span_plain((struct span){ r->message.p, colon }, check, sizeof(check));
	return err_deny(e, check, "%s", text);
}
