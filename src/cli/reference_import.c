#include "cli/reference_import.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/corim.h"
#include "evidence/rim.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "trust/reference.h"

/* The payload is the object itself. */
static enum coffer_rc sample(const struct ref_trust *t, struct span payload, struct ref_values *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct json_wr j = jw_open(&out->object, false);

	(void)t;
	out->proof = "sample: nobody signed it; it is your word alone";
	TRY(json_parse(payload, REFERENCE_FILE_MAX, &doc, e));
	jw_value(&j, json_root(doc));
	return wr_done(&out->object, "reference values", e);
}

static enum coffer_rc swid(const struct ref_trust *t, struct span payload, struct ref_values *out, struct err *e)
{
	struct json_wr j = jw_open(&out->object, false);

	out->proof = "swid: its signature holds, on a path to NVIDIA's RIM root or to one of --roots";
	TRY(rim_reference_values(payload, t->col, t->now, &j, e));
	return wr_done(&out->object, "reference values", e);
}

static enum coffer_rc corim(const struct ref_trust *t, struct span payload, struct ref_values *out, struct err *e)
{
	CLEANUP(corim_clear) struct corim c = { 0 };
	struct json_wr j = jw_open(&out->object, false);

	TRY(corim_read(payload, t->key, &c, e));
	if (c.proof == CORIM_UNVERIFIED)
		return err_deny(e, "corim", "corim: it is signed, and no key to verify it by was given: --key FILE");
	out->proof = c.proof == CORIM_VERIFIED ? "corim: signed by the key of --key" : "corim: not signed; it is your word alone";
	return corim_reference_values(payload, &j, e);
}

static const struct ref_extractor extractors[] = { { "sample", sample }, { "swid", swid }, { "corim", corim } };

const struct ref_extractor *ref_extractor_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(extractors) / sizeof(extractors[0]); i++)
		if (strcmp(extractors[i].name, name) == 0)
			return &extractors[i];
	return NULL;
}

/* An object with just these three strings is a message; a sample payload of the same names has lists or is not base64. */
static bool is_message(const struct json *o)
{
	return json_len(o) == 3 && json_str(json_get(o, "version")).p &&
	    json_str(json_get(o, "type")).p && json_str(json_get(o, "payload")).p;
}

static enum coffer_rc unwrap(const struct ref_extractor *x, struct span text, struct wr *payload, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *o;

	if (json_parse(text, REFERENCE_FILE_MAX, &doc, e) != COFFER_OK || !is_message(json_root(doc))) {
		wr_put(payload, text); /* bare; CoRIM is not even JSON */
		return wr_done(payload, "reference values", e);
	}
	o = json_root(doc);
	if (!span_eq_str(json_str(json_get(o, "version")), "0.1.0"))
		return err_set(e, COFFER_E_INPUT, "RVPS message: its version is not 0.1.0");
	if (!span_eq_str(json_str(json_get(o, "type")), x->name))
		return err_set(e, COFFER_E_INPUT, "RVPS message: its type is not %s", x->name);
	if (!b64_read(json_str(json_get(o, "payload")), payload))
		return err_set(e, COFFER_E_INPUT, "RVPS message: its payload is not base64");
	return wr_done(payload, "reference values", e);
}

enum coffer_rc ref_extract(
    const struct ref_extractor *x, const struct ref_trust *t, struct span text, struct ref_values *out, struct err *e)
{
	CLEANUP(wr_close) struct wr payload = wr_open(REFERENCE_FILE_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	TRY(unwrap(x, text, &payload, e));
	TRY(x->fn(t, wr_span(&payload), out, e));
	TRY(json_parse(wr_span(&out->object), REFERENCE_FILE_MAX, &doc, e));
	return reference_check(json_root(doc), x->name, e);
}
