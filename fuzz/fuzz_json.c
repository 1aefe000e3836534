#include <stdlib.h>

#include "base/str.h"
#include "fmt/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void written(const struct json *v, struct wr *w, int form)
{
	struct json_wr j = jw_open(w, form == 1);

	if (form == 2)
		json_canon(v, w);
	else
		jw_value(&j, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct json_doc *d = NULL, *again = NULL;
	struct err e = { 0 };

	if (json_parse((struct span){ p, n }, 1 << 20, &d, &e) != COFFER_OK) {
		if (d || e.rc == COFFER_OK || !e.msg[0])
			abort(); /* output untouched on failure */
		return 0;
	}
	for (int form = 0; form < 3; form++) { /* what was read can be written, and reads the same */
		struct wr a = wr_open(1 << 24), b = wr_open(1 << 24);

		written(json_root(d), &a, form);
		if (!wr_ok(&a) && form != 2)
			abort();
		if (wr_ok(&a) && json_parse(wr_span(&a), 1 << 24, &again, &e) != COFFER_OK)
			abort();
		written(json_root(again), &b, form);
		if (wr_ok(&a) && !span_eq(wr_span(&a), wr_span(&b)))
			abort();
		wr_close(&a);
		wr_close(&b);
		json_freep(&again);
	}
	for (size_t i = 0; i < json_len(json_root(d)); i++)
		if (json_type(json_root(d)) == JSON_OBJECT && json_getn(json_root(d), json_name(json_root(d),
			i)) != json_at(json_root(d), i))
			abort();
	json_free(d);
	return 0;
}
