#include "proto/bindings_disk.h"

#include "base/str.h"

#define MAGIC "bindings"
#define BLOCK 512u

enum coffer_rc bindings_disk_read(struct span disk, struct bindings_disk *out, struct err *e)
{
	struct rd r = rd_open(disk);
	struct bindings_disk b = { .n = 0 };

	if (!span_eq_str(rd_span(&r, sizeof(MAGIC) - 1), MAGIC))
		return err_set(e, COFFER_E_INPUT, "bindings: this is no disk of bindings");
	for (uint32_t n = rd_le32(&r); n != 0; n = rd_le32(&r)) {
		if (b.n == BINDINGS_MAX || n > DSSE_ENVELOPE_MAX)
			return err_set(e, COFFER_E_INPUT, "bindings: more than %d, or one of %u bytes", BINDINGS_MAX, n);
		b.envelope[b.n++] = rd_span(&r, n);
	}
	if (r.n >= BLOCK || disk.n % BLOCK != 0)
		return err_set(e, COFFER_E_INPUT, "bindings: %zu bytes behind the last", r.n);
	rd_mbz(&r, r.n);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "bindings: malformed near byte %zu", r.off);
	*out = b;
	return COFFER_OK;
}

enum coffer_rc bindings_disk_write(const struct bindings_disk *b, struct wr *out, struct err *e)
{
	wr_str(out, MAGIC);
	for (size_t i = 0; i < b->n; i++) {
		if (b->envelope[i].n == 0 || b->envelope[i].n > DSSE_ENVELOPE_MAX)
			return err_set(e, COFFER_E_LIMIT, "a binding of %zu bytes", b->envelope[i].n);
		wr_le32(out, (uint32_t)b->envelope[i].n);
		wr_put(out, b->envelope[i]);
	}
	wr_le32(out, 0);
	while (wr_ok(out) && out->n % BLOCK != 0)
		wr_u8(out, 0);
	return wr_done(out, "bindings", e);
}
