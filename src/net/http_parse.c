#include "net/http_parse.h"

#include "base/str.h"

static enum coffer_rc bad(struct err *e, const char *what)
{
	return err_set(e, COFFER_E_UPSTREAM, "HTTP reply: %s", what);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool same_name(struct span a, const char *name)
{
	size_t i = 0;

	while (i < a.n && name[i] && lower(a.p[i]) == lower((uint8_t)name[i]))
		i++;
	return i == a.n && name[i] == 0;
}

/* RFC 9110, 5.6.2: token */
static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return s.n > 0;
}

/* Field values and reason phrases: no control character but tab. */
static bool is_text(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	}
	return true;
}

struct span http_trim(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_skip(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

size_t http_head_end(struct span buf)
{
	for (size_t i = 3; i < buf.n; i++) {
		if (buf.p[i] == '\n' && buf.p[i - 1] == '\r' && buf.p[i - 2] == '\n' && buf.p[i - 3] == '\r')
			return i + 1;
	}
	return 0;
}

/* One line without its CRLF; false when there is no CRLF. A bare CR or LF stays in the line,
 * where is_text refuses it. */
static bool next_line(struct span *block, struct span *line)
{
	for (size_t i = 1; i < block->n; i++) {
		if (block->p[i] == '\n' && block->p[i - 1] == '\r') {
			*line = (struct span){ block->p, i - 1 };
			*block = span_skip(*block, i + 1);
			return true;
		}
	}
	return false;
}

static bool split_field(struct span line, struct span *name, struct span *value)
{
	size_t colon = span_find(line, ':');

	if (colon == line.n)
		return false;
	*name = (struct span){ line.p, colon };
	*value = http_trim(span_skip(line, colon + 1));
	return is_token(*name) && is_text(*value); /* a folded line starts with a blank: no token */
}

/* "HTTP/1.1 200 OK"; 1.0 for simple servers, whose connection ends with the reply. */
static enum coffer_rc status_line(struct span line, struct http_head *h, struct err *e)
{
	if (span_starts(line, "HTTP/1.0 "))
		h->close = true;
	else if (!span_starts(line, "HTTP/1.1 "))
		return bad(e, "not HTTP/1.1");
	line = span_skip(line, 9);
	if (line.n < 3 || line.p[0] < '1' || line.p[0] > '5' || !is_text(line) || (line.n > 3 && line.p[3] != ' '))
		return bad(e, "malformed status line");
	for (size_t i = 0; i < 3; i++) {
		if (line.p[i] < '0' || line.p[i] > '9')
			return bad(e, "malformed status");
		h->status = h->status * 10 + (line.p[i] - '0');
	}
	return COFFER_OK;
}

static enum coffer_rc length_field(struct span v, struct http_head *h, struct err *e)
{
	uint64_t n;

	if (!span_u64(v, &n))
		return bad(e, "malformed Content-Length");
	if (h->has_length && h->length != n)
		return bad(e, "two different Content-Lengths");
	h->has_length = true;
	h->length = n;
	return COFFER_OK;
}

static void connection_field(struct span v, struct http_head *h)
{
	while (v.n > 0) {
		size_t comma = span_find(v, ',');

		if (same_name(http_trim((struct span){ v.p, comma }), "close"))
			h->close = true;
		v = span_skip(v, comma + 1);
	}
}

static enum coffer_rc field(struct span line, struct http_head *h, struct err *e)
{
	struct span name, value;

	if (!split_field(line, &name, &value))
		return bad(e, "malformed header line");
	if (same_name(name, "content-length"))
		return length_field(value, h, e);
	if (same_name(name, "transfer-encoding")) {
		if (h->chunked || !same_name(value, "chunked"))
			return bad(e, "a Transfer-Encoding other than chunked");
		h->chunked = true;
	} else if (same_name(name, "connection")) {
		connection_field(value, h);
	}
	return COFFER_OK;
}

enum coffer_rc http_head_parse(struct span block, struct http_head *out, struct err *e)
{
	struct http_head h = { 0 };
	struct span line = { 0 };
	bool old;

	if (!next_line(&block, &line))
		return bad(e, "no status line");
	TRY(status_line(line, &h, e));
	old = h.close;
	for (;;) {
		if (!next_line(&block, &line))
			return bad(e, "the header block has no end");
		if (line.n == 0)
			break;
		TRY(field(line, &h, e));
	}
	if (block.n != 0)
		return bad(e, "bytes after the header block");
	if (h.chunked && h.has_length)
		return bad(e, "both Content-Length and Transfer-Encoding");
	if (h.chunked && old) /* RFC 9112, 6.1: framing that 1.0 does not have */
		return bad(e, "chunked in HTTP/1.0");
	*out = h;
	return COFFER_OK;
}

enum coffer_rc http_head_body(const struct http_head *h, bool head_request, bool *body, struct err *e)
{
	bool none = head_request || h->status < 200 || h->status == 204 || h->status == 304;

	if (!none && !h->chunked && !h->has_length) /* until the connection closes: a cut could not be told from the end */
		return bad(e, "neither Content-Length nor chunked");
	*body = !none && (h->chunked || h->length > 0);
	return COFFER_OK;
}

struct span http_head_find(struct span block, const char *name)
{
	struct span line, n, v;

	if (!next_line(&block, &line))
		return (struct span){ 0 };
	while (next_line(&block, &line) && line.n > 0) {
		if (split_field(line, &n, &v) && same_name(n, name))
			return v;
	}
	return (struct span){ 0 };
}

/* ---- chunked ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The size line is whole: hex digits, no extension, no blank. */
static enum coffer_rc size_line(struct http_chunks *c, struct err *e)
{
	uint64_t n = 0;

	if (c->line_n == 0 || c->line_n > 15)
		return bad(e, "malformed chunk size");
	for (size_t i = 0; i < c->line_n; i++) {
		int d = hex_digit(c->line[i]);

		if (d < 0)
			return bad(e, "malformed chunk size");
		n = n << 4 | (unsigned)d;
	}
	c->left = n;
	c->at = n ? CHUNK_DATA : CHUNK_TRAILER;
	c->line_n = 0;
	return COFFER_OK;
}

/* One byte of a line; *whole when its CRLF has come. The CR must be followed by the LF. */
static bool line_byte(struct http_chunks *c, uint8_t b, bool *whole)
{
	bool cr = c->line_n > 0 && c->line[c->line_n - 1] == '\r';

	*whole = cr && b == '\n';
	if (*whole) {
		c->line_n--;
		return true;
	}
	if (cr || b == '\n' || c->line_n == sizeof(c->line))
		return false;
	c->line[c->line_n++] = (char)b;
	return true;
}

/* Trailers say nothing that we read: their lines are only bounded and checked for
 * control characters, and of a long line just the last byte is kept. */
static enum coffer_rc trailer_byte(struct http_chunks *c, uint8_t b, struct err *e)
{
	bool whole;

	if (++c->trailer > HTTP_HEAD_MAX)
		return bad(e, "trailers longer than the header limit");
	if ((b < ' ' && b != '\t' && b != '\r' && b != '\n') || b == 0x7f)
		return bad(e, "malformed trailer");
	if (c->line_n == sizeof(c->line) && c->line[c->line_n - 1] != '\r')
		c->line_n--;
	if (!line_byte(c, b, &whole))
		return bad(e, "malformed trailer");
	if (whole) {
		if (c->line_n == 0)
			c->at = CHUNK_DONE;
		c->line_n = 0;
	}
	return COFFER_OK;
}

static enum coffer_rc framing_byte(struct http_chunks *c, uint8_t b, struct err *e)
{
	bool whole = false;

	if (c->at == CHUNK_TRAILER)
		return trailer_byte(c, b, e);
	if (!line_byte(c, b, &whole))
		return bad(e, "malformed chunk framing");
	if (!whole)
		return COFFER_OK;
	if (c->at == CHUNK_SIZE)
		return size_line(c, e);
	if (c->line_n != 0)
		return bad(e, "a chunk is longer than its size");
	c->at = CHUNK_SIZE;
	return COFFER_OK;
}

enum coffer_rc http_chunks_next(struct http_chunks *c, struct span *in, struct span *piece, struct err *e)
{
	*piece = (struct span){ 0 };
	while (in->n > 0 && c->at != CHUNK_DONE) {
		if (c->at != CHUNK_DATA) {
			TRY(framing_byte(c, in->p[0], e));
			*in = span_skip(*in, 1);
			continue;
		}
		*piece = (struct span){ in->p, c->left < in->n ? (size_t)c->left : in->n };
		*in = span_skip(*in, piece->n);
		c->left -= piece->n;
		if (c->left == 0)
			c->at = CHUNK_DATA_END;
		return COFFER_OK;
	}
	return COFFER_OK;
}
