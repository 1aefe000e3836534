#include "net/http_serve.h"

#include <string.h>

#include "base/str.h"
#include "net/http_parse.h"

static bool token_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool all(struct span s, bool (*ok)(uint8_t c))
{
	for (size_t i = 0; i < s.n; i++)
		if (!ok(s.p[i]))
			return false;
	return true;
}

static bool target_char(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '#';
}

static bool value_char(uint8_t c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* Up to CRLF; the rest of *s begins behind it. false without one or with a bare CR or LF in the line. */
static bool take_line(struct span *s, struct span *line)
{
	size_t n = span_find(*s, '\n');

	if (n == s->n || n == 0 || s->p[n - 1] != '\r')
		return false;
	*line = (struct span){ s->p, n - 1 };
	*s = span_skip(*s, n + 1);
	return span_find(*line, '\r') == line->n;
}

static bool request_line(struct span line, struct http_in *q)
{
	size_t n = span_find(line, ' ');
	struct span target;

	q->method = (struct span){ line.p, n };
	line = span_skip(line, n + 1);
	target = (struct span){ line.p, span_find(line, ' ') };
	line = span_skip(line, target.n + 1);
	if (q->method.n == 0 || q->method.n > 16 || !all(q->method, token_char) || target.n == 0 || target.p[0] != '/' ||
	    !all(target, target_char) || !(span_eq_str(line, "HTTP/1.1") || span_eq_str(line, "HTTP/1.0")))
		return false;
	n = span_find(target, '?');
	q->path = (struct span){ target.p, n };
	q->query = span_skip(target, n + 1);
	return true;
}

static bool name_is(struct span s, const char *name)
{
	if (s.n != strlen(name))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != name[i])
			return false;
	}
	return true;
}

struct lengths { uint64_t length; bool has_length, has_host; };

static bool header_line(struct span line, struct lengths *l)
{
	size_t n = span_find(line, ':');
	struct span name = { line.p, n }, value = http_trim(span_skip(line, n + 1));

	if (n == line.n || n == 0 || !all(name, token_char) || !all(value, value_char))
		return false;
	if (name_is(name, "transfer-encoding"))
		return false;
	if (name_is(name, "host")) {
		if (l->has_host)
			return false;
		l->has_host = true;
	}
	if (name_is(name, "content-length")) {
		if (l->has_length || !span_u64(value, &l->length))
			return false;
		l->has_length = true;
	}
	return true;
}

/* Length of the head with its empty line, 0 while it has not all come. */
static size_t head_length(struct span in)
{
	for (size_t i = 0; i + 4 <= in.n; i++)
		if (in.p[i] == '\r' && in.p[i + 1] == '\n' && in.p[i + 2] == '\r' && in.p[i + 3] == '\n')
			return i + 4;
	return 0;
}

enum coffer_rc http_in_read(struct span in, bool *complete, struct http_in *out, struct err *e)
{
	size_t head = head_length((struct span){ in.p, in.n < HTTP_IN_HEAD_MAX ? in.n : HTTP_IN_HEAD_MAX });
	struct http_in q = { .body = { NULL, 0 } };
	struct lengths l = { 0 };
	struct span rest = { in.p, head }, line;

	*complete = false;
	if (head == 0 && in.n >= HTTP_IN_HEAD_MAX)
		return err_set(e, COFFER_E_LIMIT, "http: a head of more than %d bytes", HTTP_IN_HEAD_MAX);
	if (head == 0)
		return COFFER_OK;
	if (!take_line(&rest, &line) || !request_line(line, &q))
		return err_set(e, COFFER_E_INPUT, "http: malformed request line");
	for (;;) {
		if (!take_line(&rest, &line))
			return err_set(e, COFFER_E_INPUT, "http: malformed head");
		if (line.n == 0)
			break;
		if (!header_line(line, &l))
			return err_set(e, COFFER_E_INPUT, "http: malformed or unsupported header");
	}
	if (l.length > HTTP_IN_BODY_MAX)
		return err_set(e, COFFER_E_LIMIT, "http: a body of %llu bytes", (unsigned long long)l.length);
	if (in.n - head > l.length)
		return err_set(e, COFFER_E_INPUT, "http: bytes behind the request");
	if (in.n - head < l.length)
		return COFFER_OK;
	q.body = span_skip(in, head);
	*out = q;
	*complete = true;
	return COFFER_OK;
}

static const char *reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 409: return "Conflict";
	case 413: return "Content Too Large";
	case 422: return "Unprocessable Content";
	default: return "Internal Server Error";
	}
}

void http_out_write(const struct http_out *r, struct wr *out)
{
	struct span b = wr_span(&r->body);

	wr_fmt(out, "HTTP/1.1 %d %s\r\n", r->status, reason(r->status));
	if (r->type)
		wr_fmt(out, "content-type: %s\r\n", r->type);
	wr_fmt(out, "content-length: %zu\r\nconnection: close\r\n\r\n", b.n);
	wr_put(out, b);
}
