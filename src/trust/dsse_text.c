/* Apart from dsse.c so that `keep`, which is given envelopes in parts, links no reader of their text. */
#include "trust/dsse.h"

#include "base/own.h"

enum coffer_rc dsse_parse(struct span text, struct dsse *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	TRY(json_parse(text, DSSE_ENVELOPE_MAX, &doc, e));
	return dsse_parse_json(json_root(doc), out, e);
}
