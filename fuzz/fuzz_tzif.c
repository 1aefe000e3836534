#include <stdlib.h>

#include "fmt/tzif.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A zone that is taken has at every time a clock within the format's bounds, with a name; what is refused leaves *out alone. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const int64_t at[] = { INT64_MIN, -INT64_C(9223372037), -1000000000, 0, 1774746000, 1792890000, INT64_C(9223372036), INT64_MAX };
	struct tzif z = { .n = 4711 };
	struct err e = { 0 };

	if (tzif_name_ok((struct span){ p, n }) && (n > TZIF_NAME_MAX || p[0] == '/'))
		abort();
	if (tzif_parse((struct span){ p, n }, &z, &e) != COFFER_OK) {
		if (z.n != 4711 || !e.msg[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct tzif_local t = tzif_at(&z, at[i]);
		int32_t o = tzif_offset_of(&z, at[i]);

		if (t.offset <= -26 * 3600 || t.offset >= 26 * 3600 || o <= -26 * 3600 || o >= 26 * 3600 || t.name.n == 0 || t.name.n > 15)
			abort();
	}
	return 0;
}
