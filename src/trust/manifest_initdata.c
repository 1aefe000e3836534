/* Apart from manifest_render.c: `keep` only ever renders. */
#include "base/own.h"
#include "base/str.h"
#include "fmt/toml.h"
#include "trust/manifest.h"

enum coffer_rc manifest_from_initdata(struct span initdata, struct manifest *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(wr_close) struct wr again = wr_open(MAN_INITDATA_MAX);
	const struct json *data = NULL;
	struct span text;

	TRY(toml_parse(initdata, MAN_INITDATA_MAX, &doc, e));
	TRY(json_need_obj(json_root(doc), "data", "initdata", &data, e));
	TRY(json_need_str(data, "coffer.json", "initdata", &text, e));
	TRY(manifest_parse(text, &m, e));
	TRY(manifest_render(&m, &again, e));
	if (!span_eq(initdata, wr_span(&again)))
		return err_deny(e, "initdata", "the initdata is not the rendering of the manifest in it");
	manifest_move(&m, out);
	return COFFER_OK;
}
