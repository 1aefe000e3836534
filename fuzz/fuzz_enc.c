#include <stdlib.h>

#include "base/str.h"
#include "fmt/enc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

typedef bool (*read_fn)(struct span s, struct wr *w);
typedef void (*write_fn)(struct wr *w, struct span s);

/* There is one text for one value, but for the case of hex digits. */
static void check(struct span in, read_fn rfn, write_fn wfn, bool exact)
{
	struct wr v = wr_open(1 << 22), t = wr_open(1 << 22), u = wr_open(1 << 22);

	if (rfn(in, &v)) {
		wfn(&t, wr_span(&v));
		if (exact ? !span_eq(wr_span(&t), in) : t.n != in.n)
			abort();
	}
	wr_close(&v);
	wr_close(&t);
	t = wr_open(1 << 22);
	wfn(&t, in);
	if (!rfn(wr_span(&t), &u) || !span_eq(wr_span(&u), in))
		abort();
	wr_close(&t);
	wr_close(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = { p, n };

	check(in, b64_read, b64_write, true);
	check(in, b64url_read, b64url_write, true);
	check(in, hex_read, hex_write, false);
	return 0;
}
