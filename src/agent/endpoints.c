#include "agent/endpoints.h"

#include "base/own.h"
#include "base/str.h"
#include "image/ref.h"
#include "net/http.h"

static enum coffer_rc add(struct endpoints *l, struct span host, uint16_t port, struct err *e)
{
	struct endpoint p;

	if (!endpoint_of(host, port, &p))
		return COFFER_OK;
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].ip == p.ip && l->at[i].port == p.port)
			return COFFER_OK;
	if (l->n == MUX_LISTEN_MAX)
		return err_set(e, COFFER_E_LIMIT, "the manifest names more than %d endpoints", MUX_LISTEN_MAX);
	l->at[l->n++] = p;
	return COFFER_OK;
}

static enum coffer_rc add_url(struct endpoints *l, const char *url, struct err *e)
{
	struct http_url u;

	TRY(http_url_parse(span_of(url), &u, e));
	return add(l, span_of(u.host), u.port, e);
}

static enum coffer_rc add_registry(struct endpoints *l, const struct manifest *man, struct span reference, struct err *e)
{
	CLEANUP(freep) char *url = NULL;
	struct ref ref;

	TRY(ref_parse(reference, &ref, e));
	url = str_fmt("%s://%s/", manifest_lists(man->plain_http, span_of(ref.host)) ? "http" : "https", ref_registry_host(&ref));
	return url ? add_url(l, url, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

enum coffer_rc endpoints_of(const struct manifest *man, struct endpoints *out, struct err *e)
{
	CLEANUP(freep) char *service = span_dup(man->service_url);
	struct endpoints l = { .n = 0 };

	if (!service)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(add_url(&l, service, e));
	for (size_t i = 0; i < man->n_containers; i++)
		TRY(add_registry(&l, man, man->container[i].image_reference, e));
	*out = l;
	return COFFER_OK;
}
