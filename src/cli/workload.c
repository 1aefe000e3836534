#include "cli/workload.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

void workload_clear(struct workload *w)
{
	manifest_clear(&w->man);
}

bool workload_uses(const struct manifest *m, const struct asset_path *p)
{
	for (size_t i = 0; i < m->n_containers; i++)
		for (size_t k = 0; k < m->container[i].n_entitlements; k++)
			if (strcmp(m->container[i].entitlement[k].asset.text, p->text) == 0)
				return true;
	return false;
}

struct find {
	const uint8_t   *digest; /* NULL: any */
	struct span      issuer; /* empty: any */
	struct workload *out;
	bool             found;
};

static enum coffer_rc take(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_PAYLOAD_MAX);
	struct find *f = arg;

	(void)env;
	if (f->found || s->kind != ST_WORKLOAD)
		return COFFER_OK;
	if (f->digest && !span_eq((struct span){ f->digest, 32 }, SPAN(s->id)) &&
	    !span_eq((struct span){ f->digest, 32 }, SPAN(s->subject[0].sha256)))
		return COFFER_OK;
	if (f->issuer.n && !span_eq_str(f->issuer, s->issuer))
		return COFFER_OK;
	json_canon(s->body, &text);
	TRY(wr_done(&text, "manifest", e));
	TRY(manifest_parse(wr_span(&text), &f->out->man, e));
	if (!span_eq(SPAN(f->out->man.digest), SPAN(s->subject[0].sha256)) || strcmp(f->out->man.provider, s->issuer) != 0)
		return err_set(e, COFFER_E_INPUT, "the workload statement's subject or issuer does not fit its manifest");
	memcpy(f->out->id, s->id, 32);
	(void)snprintf(f->out->issuer, sizeof(f->out->issuer), "%s", s->issuer);
	f->found = true;
	return COFFER_OK;
}

enum coffer_rc workload_fetch(const struct home *h, const struct privkey *key, struct service_conn *conn, const char *which,
    struct workload *out, struct err *e)
{
	CLEANUP(wr_close) struct wr q = wr_open(4096);
	CLEANUP(freep) char *query = NULL;
	const char *slash = strchr(which, '/');
	struct find f = { .out = out };
	uint8_t digest[32];

	if (slash) {
		f.issuer = (struct span){ (const uint8_t *)which, (size_t)(slash - which) };
		wr_str(&q, "kind=workload&issuer=");
		query_encode(&q, f.issuer);
		wr_str(&q, "&subject=");
		query_encode(&q, span_of(slash + 1));
	} else if (hex_fixed(span_of(which), digest, 32)) {
		f.digest = digest;
		wr_str(&q, "kind=workload");
	} else {
		return cli_bad(e, "%s: neither a digest (64 hex digits) nor PROVIDER/NAME", which);
	}
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(statements_query(NULL, h, key, conn, query, take, &f, e));
	if (!f.found)
		return err_set(e, COFFER_E_NOTFOUND,
		    "no workload %s in force; its provider publishes it with 'coffer workload publish'", which);
	return COFFER_OK;
}
