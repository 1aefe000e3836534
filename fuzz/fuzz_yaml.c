#include <stdlib.h>

#include "fmt/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct json_doc *d = NULL, *again = NULL;
	struct wr w = wr_open(1 << 24);
	struct json_wr j = jw_open(&w, false);
	struct err e = { 0 };

	if (yaml_parse((struct span){ p, n }, 1 << 20, &d, &e) != COFFER_OK) {
		if (d || e.rc == COFFER_OK || !e.msg[0])
			abort(); /* output untouched on failure */
		return 0;
	}
	jw_value(&j, json_root(d)); /* the result obeys every rule of JSON */
	if (!wr_ok(&w) || json_parse(wr_span(&w), 1 << 24, &again, &e) != COFFER_OK)
		abort();
	json_free(again);
	wr_close(&w);
	json_free(d);
	return 0;
}
