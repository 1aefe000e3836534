/* UUIDs (RFC 4122), made from the evaluation's seed and taken apart. */
#include <stdio.h>

#include "policy/builtin/text.h"

#define UUID_EPOCH INT64_C(122192928000000000) /* from 1582-10-15 to 1970-01-01, in units of 100 ns */

static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* 64 bits that a seed and a text give. Not random for anybody who knows both. */
static uint64_t stream(struct span s, uint64_t seed)
{
	uint64_t x = mixed(seed);

	for (size_t i = 0; i < s.n; i++)
		x = (x ^ s.p[i]) * UINT64_C(0x100000001b3);
	return mixed(x);
}

/* Version 4: the same text gives the same one throughout an evaluation. */
static struct val uuid_rfc4122(struct call *c)
{
	uint64_t seed = c->host ? c->host->seed : 0, hi, lo;
	char text[40];
	struct span s;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	hi = stream(s, seed ^ UINT64_C(0x9e3779b97f4a7c15));
	lo = stream(s, seed ^ UINT64_C(0xcbf29ce484222325));
	(void)snprintf(text, sizeof(text), "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(hi >> 32), (unsigned)(hi >> 16 & 0xffff),
	    (unsigned)(hi & 0xfff), (unsigned)(lo >> 48 & 0x3fff) | 0x8000U, (unsigned long long)(lo & UINT64_C(0xffffffffffff)));
	return val_text(c->h, text);
}

static int hex_digit(uint8_t d)
{
	if (d >= '0' && d <= '9')
		return d - '0';
	d |= 0x20;
	return d >= 'a' && d <= 'f' ? d - 'a' + 10 : -1;
}

/* 32 digits, plain or in the groups 8-4-4-4-12. */
static bool uuid_digits(struct span s, uint8_t out[static 16])
{
	bool dashes = s.n == 36;
	size_t n = 0;

	if (s.n != 32 && !dashes)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int d = hex_digit(s.p[i]);

		if (dashes && (i == 8 || i == 13 || i == 18 || i == 23)) {
			if (s.p[i] != '-')
				return false;
			continue;
		}
		if (d < 0)
			return false;
		out[n / 2] = (uint8_t)(n % 2 ? out[n / 2] | d : d << 4);
		n++;
	}
	return true;
}

static bool uuid_bytes(struct span s, uint8_t out[static 16])
{
	if (s.n == 45 && (span_starts(s, "urn:uuid:") || span_starts(s, "URN:UUID:")))
		s = span_skip(s, 9);
	else if (s.n == 38 && s.p[0] == '{' && s.p[37] == '}')
		s = (struct span){ s.p + 1, 36 };
	return uuid_digits(s, out);
}

static const char *variant(uint8_t b)
{
	if ((b & 0xc0) == 0x80)
		return "RFC4122";
	if ((b & 0xe0) == 0xc0)
		return "Microsoft";
	return (b & 0xe0) == 0xe0 ? "Future" : "Reserved";
}

/* Versions 1 and 2 tell when and where they were made. */
static void origin(struct plist *l, const uint8_t u[static 16])
{
	struct heap *h = l->h;
	struct rd r = rd_open((struct span){ u, 16 });
	uint64_t low = rd_be32(&r), mid = rd_be16(&r), high = rd_be16(&r) & 0xfff;
	int64_t t = (int64_t)(low | mid << 32 | high << 48) - UUID_EPOCH;
	char node[24];

	(void)snprintf(node, sizeof(node), "%02x-%02x-%02x-%02x-%02x-%02x", u[10], u[11], u[12], u[13], u[14], u[15]);
	plist_add(l, val_text(h, "nodeid"), val_text(h, node));
	(void)snprintf(node, sizeof(node), "%s:%s", u[10] & 2 ? "local" : "global", u[10] & 1 ? "multicast" : "unicast");
	plist_add(l, val_text(h, "macvariables"), val_text(h, node));
	plist_add(l, val_text(h, "clocksequence"), val_int(h, (u[8] & 0x3f) << 8 | u[9]));
	plist_add(l, val_text(h, "time"), val_int(h, (int64_t)((uint64_t)t * 100))); /* wraps past the year 2262, as in OPA */
	if (u[6] >> 4 != 2)
		return;
	(void)snprintf(node, sizeof(node), "Domain%u", u[9]);
	plist_add(l, val_text(h, "id"), val_int(h, (int64_t)low));
	plist_add(l, val_text(h, "domain"), val_text(h, u[9] == 0 ? "Person" : u[9] == 1 ? "Group" : u[9] == 2 ? "Org" : node));
}

/* Undefined, without an error, for what is none. */
static struct val uuid_parse(struct call *c)
{
	struct plist l = { .h = c->h };
	uint8_t u[16] = { 0 };
	struct span s;

	if (!bi_str(c, 0, &s) || !uuid_bytes(s, u))
		return VAL_UNDEF;
	plist_add(&l, val_text(c->h, "version"), val_int(c->h, u[6] >> 4));
	plist_add(&l, val_text(c->h, "variant"), val_text(c->h, variant(u[8])));
	if (u[6] >> 4 == 1 || u[6] >> 4 == 2)
		origin(&l, u);
	return val_object(c->h, l.p, l.n, NULL);
}

const struct builtin bi_uuid[] = {
	{ .name = "uuid.rfc4122", .args = 1, .fn = uuid_rfc4122, .volatile_ = true },
	{ .name = "uuid.parse", .args = 1, .fn = uuid_parse },
	{ 0 },
};
