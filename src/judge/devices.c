#include "judge/devices.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

void devices_free(struct devices **p)
{
	for (size_t i = 0; *p && i < (*p)->n; i++) /* a child has no page yet of those it did not use */
		ev_out_clear(&(*p)->d[i].out);
	free(*p);
	*p = NULL;
}

static enum coffer_rc appraise_one(struct span platform, const struct json *evidence, size_t max, const struct ev_in *how, struct device *out,
    struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(max);
	struct json_wr j = jw_open(&text, false);
	struct ev_in in = *how;

	out->driver = tee_driver_find(platform);
	if (!out->driver || strcmp(out->driver->device_class, "cpu") == 0)
		return err_set(e, COFFER_E_INPUT, "additional evidence of a device that is not known");
	jw_value(&j, evidence);
	TRY(wr_done(&text, "device evidence", e));
	in.evidence = wr_span(&text);
	return out->driver->appraise(&in, &out->out, e);
}

enum coffer_rc devices_appraise(struct span additional, size_t max, const struct ev_in *how, struct devices *v, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *map;

	TRY(json_parse(additional, max, &doc, e));
	map = json_root(doc);
	if (json_type(map) != JSON_OBJECT || json_len(map) == 0 || json_len(map) > DEVICES_MAX - v->n)
		return err_set(e, COFFER_E_INPUT, "additional evidence is no object of 1 to %zu devices", DEVICES_MAX - v->n);
	for (size_t i = 0; i < json_len(map); i++)
		TRY(appraise_one(json_name(map, i), json_at(map, i), max, how, &v->d[v->n++], e));
	return COFFER_OK;
}
