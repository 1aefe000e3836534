#include <stdlib.h>

#include "policy/builtin/gotime.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The first line is a layout, the rest a text to read by it. A moment that is read is within the calendar, can be written by any
 * layout, and comes back from RFC3339Nano as it was. What is refused has a reason and leaves *out alone. Durations and amounts of
 * the same text end. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span s = { p, n }, layout = { p, span_find(s, '\n') }, text = span_skip(s, layout.n + 1);
	struct heap h = { .arena = arena_new(16 << 20), .steps = 1 << 18, .string_max = 1 << 16 };
	struct val arg = val_str(&h, text);
	struct call c = { .h = &h, .arg = &arg, .n = 1 };
	struct moment m = { .sec = 4711 }, again;
	struct text t = { .c = &c };
	const char *why = NULL, *const name[] = { "time.parse_duration_ns", "units.parse", "units.parse_bytes", "uuid.parse",
		"time.parse_rfc3339_ns" };
	int64_t ns;

	for (size_t i = 0; heap_ok(&h) && i < sizeof(name) / sizeof(name[0]); i++)
		if (val_defined(builtin_call(builtin_find(span_of(name[i])), &c)) && c.code != REGO_OK)
			abort();
	if (!go_parse(go_layout(layout), text, &m, &why)) {
		if (!why || m.sec != 4711)
			abort();
	} else if (m.nsec < 0 || m.nsec > 999999999) {
		abort();
	} else if (moment_ns(m, &ns)) {
		if (moment_of_ns(ns).sec != m.sec || moment_of_ns(ns).nsec != m.nsec)
			abort();
		go_format(&t, go_layout(span_of("RFC3339Nano")), moment_of_ns(ns));
		if (heap_ok(&h) && (!go_parse(go_layout(span_of("RFC3339Nano")), (struct span){ t.p, t.n }, &again, &why) ||
				       again.sec != m.sec || again.nsec != m.nsec))
			abort();
	}
	t = (struct text){ .c = &c };
	go_format(&t, layout, m);
	arena_free(h.arena);
	return 0;
}
