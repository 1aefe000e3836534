#include "agent/initdata.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/inflate.h"
#include "trust/manifest.h"

#define BLOCK 512

enum coffer_rc initdata_device_read(struct span device, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr plain = wr_open(MAN_INITDATA_MAX);
	struct rd r = rd_open(device);
	struct span magic = rd_span(&r, 8), packed;
	uint64_t n = rd_le64(&r);

	if (device.n > INITDATA_DEVICE_MAX)
		return err_set(e, COFFER_E_LIMIT, "initdata: a device of %zu bytes", device.n);
	if (!rd_ok(&r) || !span_eq_str(magic, "initdata") || n > r.n)
		return err_set(e, COFFER_E_INPUT, "initdata: this is no initdata device");
	packed = rd_span(&r, (size_t)n);
	if (r.n >= BLOCK || (16 + n + r.n) % BLOCK != 0)
		return err_set(e, COFFER_E_INPUT, "initdata: %zu bytes behind the document", r.n);
	rd_mbz(&r, r.n);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "initdata: the padding is not zero");
	TRY(gunzip(packed, MAN_INITDATA_MAX, &plain, e));
	wr_put(out, wr_span(&plain));
	return wr_done(out, "initdata", e);
}
