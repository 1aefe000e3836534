#include "evidence/ghcb_certs.h"

#include <string.h>

#include "base/str.h"

#define ENTRY 24

static const struct { uint8_t guid[16]; const char *type; } kinds[] = {
	{ { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd }, "VCEK" },
	{ { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1 }, "VLEK" },
	{ { 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82 }, "ASK" },
	{ { 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae }, "ARK" },
	{ { 0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea }, "CRL" },
};

static const char *kind(struct span guid)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_eq(guid, SPAN(kinds[i].guid)))
			return kinds[i].type;
	return NULL;
}

struct entry { struct span guid; uint32_t at, n; };

/* False: the end. */
static bool next(struct rd *r, struct entry *en)
{
	static const uint8_t zero[16];

	en->guid = rd_span(r, 16);
	en->at = rd_le32(r);
	en->n = rd_le32(r);
	return rd_ok(r) && !span_eq(en->guid, SPAN(zero));
}

enum coffer_rc ghcb_certs_parse(struct span in, struct ghcb_certs *out, struct err *e)
{
	struct ghcb_certs c = { 0 };
	uint32_t first = UINT32_MAX;
	struct rd r = rd_open(in);
	struct entry en;

	if (in.n > GHCB_CERTS_LEN_MAX)
		return err_set(e, COFFER_E_LIMIT, "snp: certificates of %zu bytes", in.n);
	while (in.n > 0 && next(&r, &en)) {
		if (en.at > in.n || en.n > in.n - en.at || en.n == 0)
			return err_set(e, COFFER_E_INPUT, "snp: a certificate of the host's table lies outside");
		if (c.n == GHCB_CERTS_MAX)
			return err_set(e, COFFER_E_LIMIT, "snp: more than %d certificates in the host's table", GHCB_CERTS_MAX);
		first = en.at < first ? en.at : first;
		if (kind(en.guid))
			c.of[c.n++] = (struct ghcb_cert){ kind(en.guid), { in.p + en.at, en.n } };
	}
	if (in.n > 0 && (!rd_ok(&r) || en.at != 0 || en.n != 0 || first < r.off))
		return err_set(e, COFFER_E_INPUT, "snp: the host's table of certificates does not end");
	*out = c;
	return COFFER_OK;
}
