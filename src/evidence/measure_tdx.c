#include "evidence/measure_tdx.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "evidence/measure_fw.h"

#define CHUNK 256u

/* 128 bytes: the operation's name in 16, the address in 8, zeros. */
static void add_head(struct hash_stream *h, const char *op, uint64_t gpa)
{
	uint8_t head[128] = { 0 };

	for (size_t i = 0; op[i]; i++)
		head[i] = (uint8_t)op[i];
	for (size_t i = 0; i < 8; i++)
		head[16 + i] = (uint8_t)(gpa >> (8 * i));
	hash_add(h, SPAN(head));
}

static void extend_page(struct hash_stream *h, uint64_t gpa, const uint8_t *page)
{
	for (size_t at = 0; at < FW_PAGE; at += CHUNK) {
		add_head(h, "MR.EXTEND", gpa + at);
		hash_add(h, (struct span){ page + at, CHUNK });
	}
}

static void add_section(struct hash_stream *h, const struct tdvf_section *s)
{
	uint8_t page[FW_PAGE];

	for (uint64_t at = 0; at < s->size; at += FW_PAGE) {
		struct span rest = span_skip(s->data, (size_t)at);

		add_head(h, "MEM.PAGE.ADD", s->gpa + at);
		if (!(s->attributes & TDVF_EXTEND))
			continue;
		memset(page, 0, sizeof(page));
		if (rest.n > 0)
			memcpy(page, rest.p, rest.n < FW_PAGE ? rest.n : FW_PAGE);
		extend_page(h, s->gpa + at, page);
	}
}

enum coffer_rc tdx_measure(struct span firmware, uint8_t mr_td[static TDX_MEASUREMENT], struct err *e)
{
	CLEANUP(hash_freep) struct hash_stream *h = NULL;
	uint8_t digest[HASH_MAX];
	struct tdvf t;

	TRY(tdvf_read(firmware, &t, e));
	h = hash_open(HASH_SHA384);
	for (size_t i = 0; i < t.n; i++)
		if (!(t.section[i].attributes & TDVF_AUG))
			add_section(h, &t.section[i]);
	hash_end(MOVE(h), digest);
	memcpy(mr_td, digest, TDX_MEASUREMENT);
	return COFFER_OK;
}

/* ---- runtime registers ---- */

static void extend(uint8_t reg[static TDX_MEASUREMENT], const uint8_t *digest)
{
	uint8_t both[2 * TDX_MEASUREMENT], out[HASH_MAX];

	memcpy(both, reg, TDX_MEASUREMENT);
	memcpy(both + TDX_MEASUREMENT, digest, TDX_MEASUREMENT);
	hash_once(HASH_SHA384, SPAN(both), out);
	memcpy(reg, out, TDX_MEASUREMENT);
}

static void extend_text(uint8_t reg[static TDX_MEASUREMENT], const char *action)
{
	uint8_t digest[HASH_MAX];

	hash_once(HASH_SHA384, span_of(action), digest);
	extend(reg, digest);
}

void tdx_measure_direct(const struct boot_digests *d, uint8_t rtmr_1[static TDX_MEASUREMENT], uint8_t rtmr_2[static TDX_MEASUREMENT])
{
	memset(rtmr_1, 0, TDX_MEASUREMENT);
	extend(rtmr_1, d->image);
	extend_text(rtmr_1, "Calling EFI Application from Boot Option");
	extend_text(rtmr_1, "Exit Boot Services Invocation");
	extend_text(rtmr_1, "Exit Boot Services Returned with Success");
	memset(rtmr_2, 0, TDX_MEASUREMENT);
	extend(rtmr_2, d->options);
	if (d->has_initrd)
		extend(rtmr_2, d->initrd);
}
