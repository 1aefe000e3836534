#include "cofferd/net/web.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define KBS_ERROR "https://github.com/confidential-containers/kbs/errors/"
#define REPLY_MAX (16u << 20)

void reply_clear(struct reply *r)
{
	wr_close(&r->body);
}

bool web_method(const struct request *q, const char *method)
{
	return strcmp(q->method, method) == 0;
}

static struct span trim(struct span s)
{
	while (s.n > 0 && s.p[0] == ' ')
		s = span_skip(s, 1);
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

struct span web_cookie(const struct request *q, const char *name)
{
	struct span all = web_header(q, "Cookie");

	while (all.n > 0) {
		size_t end = span_find(all, ';');
		struct span one = trim((struct span){ all.p, end });
		size_t eq = span_find(one, '=');

		if (eq < one.n && span_eq_str((struct span){ one.p, eq }, name))
			return span_skip(one, eq + 1);
		all = span_skip(all, end + 1);
	}
	return (struct span){ 0 };
}

struct span web_bearer(const struct request *q)
{
	struct span h = web_header(q, "Authorization");

	if (h.n <= 7 || strncasecmp((const char *)h.p, "Bearer ", 7) != 0)
		return (struct span){ 0 };
	return trim(span_skip(h, 7));
}

bool web_unescape(struct span s, struct wr *w)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '%') {
			if (s.n - i < 3 || !hex_fixed((struct span){ s.p + i + 1, 2 }, &c, 1))
				return false;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		wr_u8(w, c);
	}
	return wr_ok(w);
}

void reply_json(struct reply *r, struct span json)
{
	r->status = 200;
	r->type = "application/json";
	wr_close(&r->body);
	r->body = wr_open(REPLY_MAX);
	wr_put(&r->body, json);
}

static unsigned status_of(const struct err *e)
{
	switch (e->rc) {
	case COFFER_OK:
		break;
	case COFFER_E_INPUT:
		return 400;
	case COFFER_E_DENIED:
		if (strcmp(e->check, "token") == 0)
			return 401;
		return strcmp(e->check, "serial") == 0 || strcmp(e->check, "version") == 0 ? 409 : 403;
	case COFFER_E_NOTFOUND:
		return 404;
	case COFFER_E_LIMIT:
		return 429;
	case COFFER_E_UPSTREAM:
	case COFFER_E_SYSTEM:
	case COFFER_E_BUG:
		return 503;
	}
	return 503;
}

static void write_error(struct reply *r, const char *check, const char *reason, const char *fix)
{
	struct json_wr j;

	wr_close(&r->body);
	r->type = "application/json";
	r->body = wr_open(REPLY_MAX);
	j = jw_open(&r->body, false);
	jw_obj(&j);
	jw_name(&j, "error");
	jw_obj(&j);
	jw_m_text(&j, "check", check);
	jw_m_text(&j, "reason", reason);
	jw_m_text(&j, "fix", fix ? fix : "");
	jw_obj_end(&j);
	jw_obj_end(&j);
}

void reply_error(struct reply *r, const struct err *e, const char *fix)
{
	bool ours = e->rc == COFFER_E_SYSTEM || e->rc == COFFER_E_BUG || e->rc == COFFER_E_UPSTREAM;

	r->status = status_of(e);
	write_error(r, e->check, ours ? "the service cannot answer now" : e->msg, fix); /* faults of ours are for the log */
	if (ours)
		(void)fprintf(stderr, "cofferd-net: fault: %s\n", e->msg);
}

void reply_plain(struct reply *r, unsigned status, const char *check, const char *reason)
{
	r->status = status;
	write_error(r, check, reason, NULL);
}

static void write_kbs(struct reply *r, const char *name, const char *detail)
{
	struct json_wr j;
	char type[128];

	(void)snprintf(type, sizeof(type), KBS_ERROR "%s", name);
	wr_close(&r->body);
	r->type = "application/json";
	r->body = wr_open(REPLY_MAX);
	j = jw_open(&r->body, false);
	jw_obj(&j);
	jw_m_text(&j, "type", type);
	jw_m_text(&j, "detail", detail);
	jw_obj_end(&j);
}

void reply_kbs(struct reply *r, unsigned status, const char *name, const char *fmt, ...)
{
	char detail[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	r->status = status;
	write_kbs(r, name, detail);
}

/* So that the decision's id reaches whoever reads it whole, with what a guest puts before it. */
#define REASON_MAX (ERR_MSG_MAX - 512)

void reply_kbs_err(struct reply *r, unsigned status, const char *name, const struct err *e, const struct answer *a)
{
	bool ours = e->rc == COFFER_E_SYSTEM || e->rc == COFFER_E_BUG || e->rc == COFFER_E_UPSTREAM;
	char id[2 * sizeof(a->refusal.decision) + 1] = "", cut[128] = "";
	const uint8_t *d = a->refusal.decision;

	if (ours) {
		(void)fprintf(stderr, "cofferd-net: fault: %s\n", e->msg);
		reply_kbs(r, status, name, "the service cannot answer now");
		return;
	}
	for (size_t i = 0; a->refusal.has_decision && i < sizeof(a->refusal.decision); i++)
		(void)snprintf(id + 2 * i, 3, "%02x", d[i]);
	if (strlen(e->msg) > REASON_MAX)
		(void)snprintf(cut, sizeof(cut), id[0] ? "... (cut; the whole: coffer why %s)" : ERR_CUT, id);
	reply_kbs(r, status, name, "%s%s%.*s%s%s%s", e->check, e->check[0] ? ": " : "", REASON_MAX, e->msg, cut, id[0] ? "; decision " : "", id);
}
