#include "evidence/spdm.h"

#include "base/str.h"

#define SPDM_1_1	 0x11
#define GET_MEASUREMENTS 0xe0
#define MEASUREMENTS	 0x60
#define DMTF		 1

static void need_u8(struct rd *r, uint8_t want)
{
	if (rd_u8(r) != want)
		r->bad = true;
}

static uint8_t request(struct rd *r, struct spdm_report *out)
{
	need_u8(r, SPDM_1_1);
	need_u8(r, GET_MEASUREMENTS);
	need_u8(r, 1);	  /* with a signature */
	need_u8(r, 0xff); /* all of them */
	out->nonce = rd_span(r, 32);
	return rd_u8(r); /* slot of the certificate chain */
}

static void blocks(struct span record, uint8_t count, struct rd *outer, struct spdm_report *out)
{
	struct rd r = rd_open(record);
	unsigned last = 0;

	for (uint8_t i = 0; i < count && rd_ok(&r) && out->n_blocks < SPDM_BLOCKS_MAX; i++) {
		struct spdm_block *b = &out->block[out->n_blocks++];
		uint16_t size, inner;

		b->index = rd_u8(&r);
		need_u8(&r, DMTF);
		size = rd_le16(&r);
		b->kind = rd_u8(&r);
		inner = rd_le16(&r);
		b->value = rd_span(&r, inner);
		if (size != inner + 3u || inner == 0 || b->index <= last)
			r.bad = true;
		last = b->index;
	}
	if (!rd_done(&r) || out->n_blocks != count)
		outer->bad = true;
}

static void opaque(struct span data, struct rd *outer, struct spdm_report *out)
{
	struct rd r = rd_open(data);

	while (rd_ok(&r) && r.n > 0 && out->n_opaque < SPDM_OPAQUE_MAX) {
		uint16_t type = rd_le16(&r);
		uint16_t size = rd_le16(&r);
		struct span value = rd_span(&r, size);

		if (spdm_opaque_find(out, type).p)
			r.bad = true;
		out->opaque[out->n_opaque++] = (struct spdm_opaque){ type, value };
	}
	if (!rd_done(&r))
		outer->bad = true;
}

static void response(struct rd *r, uint8_t slot, struct spdm_report *out)
{
	uint32_t len;
	uint8_t count;

	need_u8(r, SPDM_1_1);
	need_u8(r, MEASUREMENTS);
	need_u8(r, 0); /* the number of indices is told only when it is asked for */
	need_u8(r, slot);
	count = rd_u8(r);
	len = rd_le16(r);
	len |= (uint32_t)rd_u8(r) << 16;
	blocks(rd_span(r, len), count, r, out);
	out->rsp_nonce = rd_span(r, 32);
	opaque(rd_span(r, rd_le16(r)), r, out);
}

enum coffer_rc spdm_report_parse(struct span in, struct spdm_report *out, struct err *e)
{
	struct rd r = rd_open(in);
	struct spdm_report v = { 0 };
	uint8_t slot;

	if (in.n > SPDM_REPORT_MAX)
		return err_set(e, COFFER_E_INPUT, "spdm: a report of more than %u bytes", SPDM_REPORT_MAX);
	slot = request(&r, &v);
	response(&r, slot, &v);
	v.signed_part = (struct span){ in.p, r.off };
	v.signature = rd_span(&r, SPDM_SIG_LEN);
	if (rd_ok(&r) && r.n == 1) {
		v.stray = true;
		rd_mbz(&r, 1);
	}
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "spdm: no measurements of SPDM 1.1 with their request");
	*out = v;
	return COFFER_OK;
}

struct span spdm_opaque_find(const struct spdm_report *r, uint16_t type)
{
	for (size_t i = 0; i < r->n_opaque; i++)
		if (r->opaque[i].type == type)
			return r->opaque[i].value;
	return (struct span){ 0 };
}
