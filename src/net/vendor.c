#include "net/vendor.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

static const char *const vendors_own[] = { VENDOR_AMD_URL, VENDOR_INTEL_URL, VENDOR_INTEL_ROOT_URL };

enum coffer_rc vendor_source(struct vendor_sources *s, enum vendor_origin o, const char *url, struct err *e)
{
	struct http_url u = { 0 };
	size_t n;

	url = url && url[0] ? url : vendors_own[o];
	TRY(http_url_parse(span_of(url), &u, e));
	if (!u.tls)
		return err_set(e, COFFER_E_INPUT, "%s: not an https URL", url);
	n = strlen(u.path);
	if (n > 0 && u.path[n - 1] == '/')
		u.path[n - 1] = '\0';
	if (strchr(u.path, '?'))
		return err_set(e, COFFER_E_INPUT, "%s: a query has no place here", url);
	s->origin[o] = u;
	return COFFER_OK;
}

void vendor_doc_clear(struct vendor_doc *d)
{
	wr_close(&d->body);
	wr_close(&d->issuers);
	*d = (struct vendor_doc){ 0 };
}

/* RFC 3986, 2.1; everything else stands for itself. */
static bool unescape(struct span s, struct wr *w)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '%') {
			if (s.n - i < 3 || !hex_fixed((struct span){ s.p + i + 1, 2 }, &c, 1))
				return false;
			i += 2;
		}
		wr_u8(w, c);
	}
	return wr_ok(w);
}

static enum coffer_rc take_issuers(const struct http_res *r, const struct vendor_item *i, struct vendor_doc *d, struct err *e)
{
	const char *name = vendor_item_issuers(i);

	if (!name)
		return COFFER_OK;
	d->issuers = wr_open(VENDOR_ISSUERS_MAX);
	if (!unescape(http_header(r, name), &d->issuers) || !vendor_pem_ok(wr_span(&d->issuers)))
		return err_deny(e, "collateral", "the reply's header %s holds no certificates", name);
	return COFFER_OK;
}

static uint32_t retry_after(const struct http_res *r)
{
	uint64_t v;

	return span_u64(http_header(r, "Retry-After"), &v) && v <= 86400 ? (uint32_t)v : 0;
}

static enum coffer_rc judge(struct http_res *r, const struct vendor_item *i, struct vendor_doc *d, struct err *e)
{
	d->status = r->status;
	d->retry_s = retry_after(r);
	if (r->status == 404)
		return err_set(e, COFFER_E_NOTFOUND, "the vendor has none (404)");
	if (r->status == 429 || r->status >= 500)
		return err_set(e, COFFER_E_UPSTREAM, "the vendor asks to wait or has failed (%d)", r->status);
	if (r->status != 200)
		return err_deny(e, "collateral", "the vendor answered %d", r->status);
	if (!vendor_shape_ok(i, wr_span(&r->body)))
		return err_deny(e, "collateral", "the answer has not the form of what was asked for");
	TRY(take_issuers(r, i, d, e));
	d->body = r->body;
	r->body = (struct wr){ 0 };
	return COFFER_OK;
}

enum coffer_rc vendor_get(const struct vendor_sources *s, const struct vendor_item *i, struct vendor_doc *out, struct err *e)
{
	const struct http_url *u = &s->origin[vendor_item_origin(i)];
	const struct http_opts o = { .host = u->host,
		.port = u->port,
		.tls = true,
		.verify_ca = true,
		.allow_12 = true,
		.ca_pem = s->ca_pem,
		.timeout_ms = s->timeout_ms };
	CLEANUP(http_freep) struct http *h = NULL;
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	char own[VENDOR_PATH_MAX], path[sizeof(u->path) + VENDOR_PATH_MAX];

	vendor_item_path(i, own);
	(void)snprintf(path, sizeof(path), "%s%s", u->path, own);
	TRY(http_new(&o, &h, e));
	TRY(http_do(h, &(struct http_req){ .method = "GET", .path = path }, VENDOR_BODY_MAX, &r, e));
	return judge(&r, i, out, e);
}
