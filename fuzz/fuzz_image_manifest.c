#include <stdlib.h>

#include "image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct image_manifest m = { 0 };
	struct image_index x = { 0 };
	struct image_config c = { 0 };
	const struct descriptor *d = NULL;
	struct span s = { p, n };
	struct err e;
	bool index;
	bool is_m = image_manifest_parse(s, &m, &e) == COFFER_OK, is_x = image_index_parse(s, &x, &e) == COFFER_OK;

	if (is_m && is_x) /* never both */
		abort();
	if (manifest_is_index(s, &index, &e) == COFFER_OK && (index ? is_m : is_x))
		abort();
	if ((!is_m && m.doc) || (!is_x && x.doc) || m.n_layers > MANIFEST_LAYERS_MAX || x.n > MANIFEST_ENTRIES_MAX)
		abort();
	for (size_t i = 0; i < m.n_layers; i++)
		if (m.layers[i].size > MANIFEST_LAYER_BYTES_MAX)
			abort();
	if (is_x && image_index_choose(&x, &d, &e) == COFFER_OK && !d)
		abort();
	if (image_config_parse(s, &c, &e) == COFFER_OK && is_m && manifest_match(&m, &c, &e) == COFFER_OK && m.n_layers != c.n_diff_ids)
		abort();
	image_manifest_clear(&m);
	image_index_clear(&x);
	image_config_clear(&c);
	return 0;
}
