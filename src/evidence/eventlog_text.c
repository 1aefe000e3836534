#include "evidence/eventlog_text.h"

#include <inttypes.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "fmt/utf8.h"

#define NO_CHARACTER 0xfffdu

static void put_char(struct wr *w, uint32_t c)
{
	uint8_t b[4];
	size_t n = utf8_put(c == 0 ? NO_CHARACTER : c, b);

	wr_put(w, (struct span){ b, n });
}

void text_utf8(struct span s, struct wr *w)
{
	size_t len = 0;

	for (size_t i = 0; i < s.n; i += len)
		put_char(w, utf8_at(s, i, &len));
}

void text_utf8_joined(struct span s, struct wr *w)
{
	size_t len = 0;

	for (size_t i = 0; i < s.n; i += len) {
		uint32_t c = utf8_at(s, i, &len);

		if (c != 0)
			put_char(w, c);
	}
}

void text_utf8_plain(struct span s, struct wr *w)
{
	size_t len = 0;

	for (size_t i = 0; i < s.n; i += len) {
		uint32_t c = utf8_at(s, i, &len);

		if (c == 0x10)
			put_char(w, ' ');
		else if (c >= 0x20 && (c < 0x7f || c > 0x9f))
			put_char(w, c);
	}
}

static bool surrogate(uint32_t c)
{
	return c >= 0xd800 && c < 0xe000;
}

bool text_utf16(struct span s, struct wr *w)
{
	struct rd r = rd_open(s);
	bool whole = s.n % 2 == 0;

	while (r.n >= 2) {
		uint32_t c = rd_le16(&r);
		struct rd ahead = r;
		uint32_t low = rd_le16(&ahead);

		if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			r = ahead;
		}
		whole = whole && !surrogate(c);
		put_char(w, surrogate(c) ? NO_CHARACTER : c);
	}
	if (r.n > 0)
		put_char(w, NO_CHARACTER);
	return whole;
}

void text_guid(struct span s, struct wr *w)
{
	struct rd r = rd_open(s);
	uint32_t a = rd_le32(&r);
	uint16_t b = rd_le16(&r), c = rd_le16(&r), d = rd_be16(&r), e = rd_be16(&r);

	wr_fmt(w, "%08" PRIX32 "-%04X-%04X-%04X-%04X%08" PRIX32, a, b, c, d, e, rd_be32(&r));
}

/* ---- device paths: false where the bytes are none of that node; *w then holds anything ---- */

static bool pci(struct rd *r, struct wr *w)
{
	unsigned function = rd_u8(r), device = rd_u8(r);

	wr_fmt(w, "Pci(%u,%u)", function, device);
	return rd_ok(r);
}

static bool acpi(struct rd *r, struct wr *w)
{
	uint32_t id = rd_le32(r), uid = rd_le32(r);

	wr_fmt(w, "ACPI(%c%c%c%04X,%" PRIu32 ")", '@' + (int)(id >> 10 & 31), '@' + (int)(id >> 5 & 31), '@' + (int)(id & 31),
	    (unsigned)(id >> 16), uid);
	return rd_ok(r);
}

static bool usb(struct rd *r, struct wr *w)
{
	unsigned port = rd_u8(r), interface = rd_u8(r);

	wr_fmt(w, "USB(%u,%u)", port, interface);
	return rd_ok(r);
}

/* Digits of zero at the end count as padding. */
static bool mac(struct rd *r, struct wr *w)
{
	struct span address = rd_span(r, 31);
	size_t n = 2 * address.n;
	unsigned kind;

	(void)rd_u8(r);
	kind = rd_u8(r);
	if (!rd_done(r))
		return false;
	while (n > 0 && (address.p[(n - 1) / 2] >> (n % 2 ? 4 : 0) & 15) == 0)
		n--;
	wr_str(w, "Mac(");
	for (size_t i = 0; i < n; i++)
		wr_fmt(w, "%X", (unsigned)(address.p[i / 2] >> (i % 2 ? 0 : 4) & 15));
	wr_fmt(w, ",0x%02x)", kind);
	return true;
}

static void put_ipv4(uint32_t a, struct wr *w)
{
	wr_fmt(w, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

/* Addresses as little-endian numbers: upstream reads them so. */
static bool ipv4(struct rd *r, struct wr *w)
{
	uint32_t local = rd_le32(r), remote = rd_le32(r), gateway, mask;
	uint16_t protocol;
	uint8_t origin;

	(void)rd_span(r, 4); /* ports */
	protocol = rd_le16(r);
	origin = rd_u8(r);
	gateway = rd_le32(r);
	mask = rd_le32(r);
	wr_str(w, "IPv4(");
	put_ipv4(remote, w);
	wr_fmt(w, ",%s,%s,", protocol == 6 ? "TCP" : protocol == 17 ? "UDP" : "", origin == 0 ? "DHCP" : origin == 1 ? "Static" : "");
	put_ipv4(local, w);
	if (gateway != 0 || mask != 0)
		wr_fmt(w, ",%" PRIu32 ",%" PRIu32, gateway, mask);
	wr_str(w, ")");
	return rd_ok(r);
}

static bool fibre(struct rd *r, struct wr *w)
{
	wr_str(w, "FibreEx(0x");
	hex_write(w, rd_span(r, 8));
	wr_str(w, ",0x");
	hex_write(w, rd_span(r, 8));
	wr_str(w, ")");
	return rd_ok(r);
}

static bool hard_drive(struct rd *r, struct wr *w)
{
	uint32_t number = rd_le32(r);
	uint64_t start = rd_le64(r), size = rd_le64(r);
	struct span signature = rd_span(r, 16);
	struct rd s = rd_open(signature);
	uint8_t format = rd_u8(r);

	(void)rd_u8(r); /* which signature; the format says it */
	if (!rd_ok(r) || (format != 1 && format != 2))
		return false;
	wr_fmt(w, "HD(%" PRIu32 ",", number);
	wr_str(w, format == 1 ? "MBR," : "GPT,");
	if (format == 1)
		wr_fmt(w, "0x%08" PRIx32, rd_le32(&s));
	else
		text_guid(signature, w);
	if (number != 0)
		wr_fmt(w, ",0x%" PRIx64 ",0x%" PRIx64, start, size);
	wr_str(w, ")");
	return true;
}

static bool vendor_media(struct rd *r, struct wr *w)
{
	struct span guid = rd_span(r, 16);

	wr_str(w, "VenMedia(");
	text_guid(guid, w);
	wr_str(w, ",");
	hex_write(w, rd_span(r, r->n));
	wr_str(w, ")");
	return rd_ok(r);
}

static bool file(struct rd *r, struct wr *w)
{
	if (r->n < 2 || r->n % 2)
		return false;
	wr_str(w, "File(");
	(void)text_utf16(rd_span(r, r->n - 2), w); /* its end is U+0000 */
	wr_str(w, ")");
	return true;
}

static void put_boot_device(uint16_t kind, struct wr *w)
{
	static const struct { uint16_t kind; const char *name; } known[] = { { 1, "FLOPPY" }, { 2, "HARD_DRIVE" }, { 3, "CDROM" },
		{ 4, "PCMCIA" }, { 5, "USB" }, { 6, "EMBEDDED_NETWORK" }, { 0x80, "DEV" }, { 0xff, "UNKNOWN" } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].kind == kind) {
			wr_str(w, known[i].name);
			return;
		}
	wr_fmt(w, "%u", kind);
}

static bool bios_boot(struct rd *r, struct wr *w)
{
	uint16_t kind = rd_le16(r), status = rd_le16(r);
	struct span text = rd_span(r, r->n);

	text.n = span_find(text, '\0');
	if (!rd_ok(r) || !utf8_ok(text))
		return false;
	wr_str(w, "BBS(");
	put_boot_device(kind, w);
	wr_str(w, ",");
	wr_put(w, text);
	wr_fmt(w, ",%u)", status);
	return true;
}

static const struct { uint8_t type, sub; bool (*put)(struct rd *r, struct wr *w); } nodes[] = { { 1, 1, pci }, { 2, 1, acpi },
	{ 3, 0x05, usb }, { 3, 0x0b, mac }, { 3, 0x0c, ipv4 }, { 3, 0x15, fibre }, { 4, 1, hard_drive }, { 4, 3, vendor_media },
	{ 4, 4, file }, { 5, 1, bios_boot } };

static bool known_node(uint8_t type, uint8_t sub, struct span data, struct wr *w)
{
	struct rd r = rd_open(data);

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (nodes[i].type == type && nodes[i].sub == sub)
			return nodes[i].put(&r, w);
	return false;
}

void text_device_node(uint8_t type, uint8_t sub, struct span data, struct wr *w)
{
	CLEANUP(wr_close) struct wr node = wr_open(4 * data.n + 256);

	if (known_node(type, sub, data, &node) && wr_ok(&node)) {
		wr_put(w, wr_span(&node));
		return;
	}
	wr_fmt(w, "Path(%u,%u,", type, sub);
	hex_write(w, data);
	wr_str(w, ")");
}
