#include "tests/corimkit.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"

#define MAX (1u << 20)

const struct corimkit corimkit_plain = { "V", NULL, NULL, 32, 1, 1, 1, false, false, false };

static const uint8_t uuid[16] = { 0x31, 0xfb, 0x5a, 0xbf, 2, 0x3e, 0x49, 0x92, 0xaa, 0x4e, 0x95, 0xf9, 0xc1, 0x50, 0x3b, 0xfa };

static void put_values(struct wr *w, const struct corimkit *h)
{
	uint8_t v[65];

	cb_map(w, 1u + h->raw + (h->name != NULL));
	if (h->name) {
		cb_int(w, 11);
		cb_text(w, h->name);
	}
	cb_int(w, 2);
	cb_arr(w, h->digests);
	for (size_t i = 0; i < h->digests; i++) {
		memset(v, (int)(0xa0 + i), sizeof(v));
		cb_arr(w, 2);
		cb_int(w, h->alg);
		cb_bytes(w, (struct span){ v, h->digest });
	}
	if (h->raw) {
		cb_int(w, 4);
		cb_tag(w, 560);
		cb_bytes(w, span_of("raw"));
	}
}

static void put_measurement(struct wr *w, const struct corimkit *h)
{
	cb_map(w, h->no_values ? 1 : 2);
	cb_int(w, 0);
	if (h->element) {
		cb_text(w, h->element);
	} else if (h->number) {
		cb_int(w, 7);
	} else {
		cb_tag(w, 37);
		cb_bytes(w, SPAN(uuid));
	}
	if (h->no_values)
		return;
	cb_int(w, 1);
	put_values(w, h);
}

static void put_comid(struct wr *w, const struct corimkit *h)
{
	cb_map(w, 2);
	cb_int(w, 1);
	cb_map(w, 1);
	cb_int(w, 0);
	cb_text(w, "id");
	cb_int(w, 4);
	cb_map(w, 1);
	cb_int(w, 0);
	cb_arr(w, 1);
	cb_arr(w, 2);
	cb_map(w, 1);
	cb_int(w, 0);
	cb_map(w, 2);
	cb_int(w, 1);
	cb_text(w, h->vendor);
	cb_int(w, 2);
	cb_text(w, "M");
	cb_arr(w, h->measurements);
	for (size_t i = 0; i < h->measurements; i++)
		put_measurement(w, h);
}

void corimkit_write(struct wr *w, const struct corimkit *h)
{
	CLEANUP(wr_close) struct wr comid = wr_open(MAX);

	put_comid(&comid, h);
	cb_tag(w, 501);
	cb_map(w, 2);
	cb_int(w, 0);
	cb_text(w, "corim");
	cb_int(w, 1);
	cb_arr(w, 2);
	cb_tag(w, 505); /* a CoSWID: passed over */
	cb_bytes(w, span_of("?"));
	cb_tag(w, 506);
	cb_bytes(w, wr_span(&comid));
}
