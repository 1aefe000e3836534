#include "agent/rest.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define JSON_TYPE "application/json"
#define BYTES_TYPE "application/octet-stream"
#define CONTENT_MAX (2u << 20)

/* One request on its way: what the routes need. */
struct call { const struct http_in *q; unsigned features; const struct rest_backend *b; struct http_out *out; };

static void say(struct http_out *out, int status, const char *text)
{
	wr_close(&out->body);
	out->body = wr_open(CONTENT_MAX);
	out->status = status;
	out->type = NULL;
	wr_str(&out->body, text);
}

static void failed(struct http_out *out, const struct err *e)
{
	char text[sizeof(e->check) + sizeof(e->msg) + 4];
	CLEANUP(wr_close) struct wr w = wr_open(sizeof(text));

	if (e->rc == COFFER_E_DENIED)
		wr_fmt(&w, "%s: %s", e->check, e->msg);
	else
		wr_str(&w, e->msg);
	say(out, e->rc == COFFER_E_DENIED ? 403 : e->rc == COFFER_E_INPUT ? 400 : 500, "");
	wr_put(&out->body, wr_span(&w));
}

static void bytes_or_error(struct http_out *out, enum coffer_rc rc, const struct err *e)
{
	if (rc == COFFER_OK && wr_ok(&out->body)) {
		out->status = 200;
		out->type = BYTES_TYPE;
	} else if (rc == COFFER_OK) {
		say(out, 500, "the answer is too long");
	} else {
		failed(out, e);
	}
}

static void info(struct call *c)
{
	static const char *const names[] = { "", "resource", "attestation", "all" };
	struct json_wr j;

	if (!span_eq_str(c->q->method, "GET")) {
		say(c->out, 405, "Method Not Allowed");
		return;
	}
	say(c->out, 200, "");
	c->out->type = JSON_TYPE;
	j = jw_open(&c->out->body, false);
	jw_obj(&j);
	jw_m_text(&j, "version", COFFER_VERSION);
	jw_m_text(&j, "feature", names[c->features & 3]);
	jw_obj_end(&j);
}

static void resource(struct call *c)
{
	struct span tail = span_skip(c->q->path, sizeof("/cdh/resource") - 1);
	CLEANUP(freep) char *rest = span_dup(tail);
	CLEANUP(freep) char *path = rest ? str_fmt("kbs://%s", rest) : NULL;
	struct err e = { 0 };

	if (!(c->features & REST_RESOURCE) || !c->b->resource) {
		say(c->out, 404, "Resource Feature Not Enabled");
		return;
	}
	if (!path) {
		say(c->out, 500, "out of memory");
		return;
	}
	bytes_or_error(c->out, c->b->resource(c->b->arg, path, &c->out->body, &e), &e);
}

static void slot(struct call *c)
{
	struct span name = span_skip(c->q->path, sizeof("/coffer/slot/") - 1);
	struct err e = { 0 };

	if (!(c->features & REST_RESOURCE) || !c->b->slot || name.n == 0)
		say(c->out, 404, "Resource Feature Not Enabled");
	else if (!span_eq_str(c->q->method, "GET"))
		say(c->out, 405, "Method Not Allowed");
	else
		bytes_or_error(c->out, c->b->slot(c->b->arg, name, &c->out->body, &e), &e);
}

static void token(struct call *c)
{
	CLEANUP(wr_close) struct wr type = wr_open(256);
	struct err e = { 0 };

	if (!rest_query(c->q->query, "token_type", &type)) {
		say(c->out, 400, "BAD REQUEST");
		return;
	}
	bytes_or_error(c->out, c->b->token(c->b->arg, wr_span(&type), &c->out->body, &e), &e);
}

/* runtime_data as sent, or URL-safe base64 when encoding=base64; other encodings are refused. */
static bool runtime_data(struct span query, struct wr *out)
{
	CLEANUP(wr_close) struct wr raw = wr_open(HTTP_IN_HEAD_MAX), encoding = wr_open(64);

	if (!rest_query(query, "runtime_data", &raw))
		return false;
	if (!rest_query(query, "encoding", &encoding)) {
		wr_put(out, wr_span(&raw));
		return wr_span(&encoding).n == 0 && wr_ok(out);
	}
	return span_eq_str(wr_span(&encoding), "base64") && b64url_read(wr_span(&raw), out);
}

static void evidence(struct call *c, bool additional)
{
	CLEANUP(wr_close) struct wr data = wr_open(HTTP_IN_HEAD_MAX);
	struct err e = { 0 };

	if (!runtime_data(c->q->query, &data)) {
		say(c->out, 400, "BAD REQUEST");
		return;
	}
	bytes_or_error(c->out, c->b->evidence(c->b->arg, additional, wr_span(&data), &c->out->body, &e), &e);
}

static enum coffer_rc extend_event(struct call *c, enum rest_extend *result, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span domain, operation, content;
	const struct json *o;

	TRY(json_parse(c->q->body, HTTP_IN_BODY_MAX, &doc, e));
	o = json_root(doc);
	TRY(json_need_str(o, "domain", "event", &domain, e));
	TRY(json_need_str(o, "operation", "event", &operation, e));
	TRY(json_need_str(o, "content", "event", &content, e));
	return c->b->extend(c->b->arg, domain, operation, content, result, e);
}

static void extend(struct call *c)
{
	enum rest_extend result = REST_NOT_SUPPORTED;
	struct err e = { 0 };

	if (extend_event(c, &result, &e) != COFFER_OK) {
		say(c->out, 500, e.msg);
		return;
	}
	say(c->out, 200, result == REST_EXTENDED ? "{\"success\":\"true\"}" :
	    "{\"success\":\"false\",\"message\": \"The platform does not support runtime measurement\"}");
	c->out->type = JSON_TYPE;
}

static bool attests(const struct rest_backend *b)
{
	return b->token && b->evidence && b->extend;
}

static void attestation(struct call *c)
{
	bool get = span_eq_str(c->q->method, "GET"), post = span_eq_str(c->q->method, "POST");

	if (!(c->features & REST_ATTESTATION) || !attests(c->b))
		say(c->out, 404, "Attestation Feature Not Enabled");
	else if (get && span_eq_str(c->q->path, "/aa/token"))
		token(c);
	else if (get && span_eq_str(c->q->path, "/aa/evidence"))
		evidence(c, false);
	else if (get && span_eq_str(c->q->path, "/aa/additional-evidence"))
		evidence(c, true);
	else if (post && span_eq_str(c->q->path, "/aa/aael"))
		extend(c);
	else
		say(c->out, 404, "URL NOT FOUND");
}

void rest_route(const struct http_in *q, unsigned features, bool local, const struct rest_backend *b, struct http_out *out)
{
	struct call c = { q, features, b, out };

	*out = (struct http_out){ .body = wr_open(CONTENT_MAX) };
	if (!local)
		say(out, 403, "Forbidden");
	else if (span_eq_str(q->path, "/info"))
		info(&c);
	else if (span_starts(q->path, "/cdh/resource/"))
		resource(&c);
	else if (span_starts(q->path, "/coffer/slot/"))
		slot(&c);
	else if (span_starts(q->path, "/aa/"))
		attestation(&c);
	else
		say(out, 404, "URL NOT FOUND");
}
