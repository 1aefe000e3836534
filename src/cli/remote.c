#include "cli/remote.h"

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"

void remote_end(struct remote *r)
{
	registry_free(r->reg);
	json_free(r->plain);
	wr_close(&r->ca);
}

enum coffer_rc remote_open(const struct cli *c, const char *text, struct remote *r, struct err *e)
{
	struct registry_opts o = { 0 };

	TRY(cli_arg(ref_parse(span_of(text), &r->ref, e), e));
	o.host = ref_registry_host(&r->ref);
	o.repo = r->ref.repo;
	if (cli_flag(c, "plain-http")) {
		CLEANUP(wr_close) struct wr w = wr_open(1024);
		struct json_wr j = jw_open(&w, false);

		jw_arr(&j);
		jw_text(&j, o.host);
		jw_arr_end(&j);
		TRY(json_parse(wr_span(&w), 1024, &r->plain, e));
		o.plain_http = json_root(r->plain);
	}
	if (cli_opt(c, "ca"))
		TRY(file_read(cli_opt(c, "ca"), 1u << 20, &r->ca, e));
	o.ca_pem = wr_span(&r->ca);
	return registry_new(&o, &r->reg, e);
}

enum coffer_rc remote_need_digest(const struct ref *r, const char *text, struct err *e)
{
	return r->has_digest ? COFFER_OK : cli_bad(e, "%s: name the image by digest (REPO@sha256:...); 'coffer image push' prints it", text);
}
