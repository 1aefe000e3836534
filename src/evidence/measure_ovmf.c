#include "evidence/measure_ovmf.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/eventlog.h"
#include "evidence/measure_fw.h"
#include "fmt/lzma.h"

#define VOLUME_STEP   4096u
#define VOLUME_HEAD   56u /* up to the map of blocks */
#define FILE_HEAD     24u
#define FILES_MAX     65536u /* looked at in all, of a volume in another once more */
#define FILE_VOLUME   0x0b /* a file that holds volumes */
#define SECTION_GUID  0x02
#define SECTION_VOLUME 0x17
#define EV_PLATFORM_BLOB  0x80000008u
#define EV_PLATFORM_BLOB2 0x8000000au

/* 8c8ce578-8a3d-4f1c-9935-896185c32dd3: a volume of files; ee4e5898-3914-4259-9d6e-dc7bd79403cf: LZMA. */
static const uint8_t guid_files[16] = { 0x78, 0xe5, 0x8c, 0x8c, 0x3d, 0x8a, 0x1c, 0x4f, 0x99, 0x35, 0x89, 0x61, 0x85, 0xc3, 0x2d, 0xd3 };
static const uint8_t guid_lzma[16] = { 0x98, 0x58, 0x4e, 0xee, 0x14, 0x39, 0x59, 0x42, 0x9d, 0x6e, 0xdc, 0x7b, 0xd7, 0x94, 0x03, 0xcf };

void ovmf_clear(struct ovmf *o)
{
	wr_close(&o->plain);
	*o = (struct ovmf){ .plain = { 0 } };
}

static bool same(struct span s, const uint8_t *guid)
{
	return s.n == 16 && memcmp(s.p, guid, 16) == 0; /* public: names in a file */
}

static uint32_t u24(struct rd *r)
{
	struct span s = rd_span(r, 3);

	return s.n == 3 ? (uint32_t)s.p[0] | (uint32_t)s.p[1] << 8 | (uint32_t)s.p[2] << 16 : 0;
}

/* ---- sections ---- */

struct section { uint8_t type; struct span whole, body; };

/* The next section, each at a multiple of 4 from where the first is; false at the end, *at is then where, or where it is malformed. */
static bool next_section(struct span in, size_t *at, struct section *out)
{
	struct rd r = rd_open(span_skip(in, *at));
	size_t head = 4, n = u24(&r);

	out->type = rd_u8(&r);
	if (n == 0xffffff) {
		n = rd_le32(&r);
		head = 8;
	}
	if (!rd_ok(&r) || n < head || n > in.n - *at)
		return false;
	out->whole = (struct span){ in.p + *at, n };
	out->body = span_skip(out->whole, head);
	n = (*at + n + 3) & ~(size_t)3;
	*at = n < in.n ? n : in.n;
	return true;
}

/* What a GUID-defined section of LZMA holds. */
static bool packed(const struct section *s, struct span *out)
{
	struct rd r = rd_open(s->body);
	struct span guid = rd_span(&r, 16);
	uint16_t data = rd_le16(&r);

	if (!rd_ok(&r) || !same(guid, guid_lzma) || data > s->whole.n)
		return false;
	*out = span_skip(s->whole, data);
	return true;
}

/* ---- volumes ---- */

/* The files of a volume that begins here; empty: none does. */
static struct span files_of(struct span fw)
{
	struct rd r = rd_open(fw);
	struct span guid, mark;
	uint64_t n;
	uint16_t head;

	(void)rd_span(&r, 16);
	guid = rd_span(&r, 16);
	n = rd_le64(&r);
	mark = rd_span(&r, 4);
	(void)rd_span(&r, 4);
	head = rd_le16(&r);
	if (!rd_ok(&r) || !same(guid, guid_files) || memcmp(mark.p, "_FVH", 4) != 0 || n > fw.n || head < VOLUME_HEAD || head % 8 || head > n) /* public: a mark */
		return (struct span){ 0 };
	return (struct span){ fw.p + head, (size_t)n - head };
}

/* Files lie at multiples of 8 from the volume's beginning, and so from the first: its header is of a multiple of 8 bytes. *left: how many may be looked at;
 * volumes may lie in each other, so that the file's length is no bound. */
static bool find_packed(struct span files, unsigned *left, struct span *out)
{
	for (size_t at = 0; files.n - at >= FILE_HEAD && *left > 0; (*left)--) {
		struct rd r = rd_open(span_skip(files, at + 18));
		uint8_t type = rd_u8(&r);
		struct section s;
		size_t n, inner = 0;

		(void)rd_u8(&r);
		n = u24(&r);
		if (!rd_ok(&r) || n < FILE_HEAD || n > files.n - at)
			return false;
		if (type == FILE_VOLUME && next_section((struct span){ files.p + at + FILE_HEAD, n - FILE_HEAD }, &inner, &s) && s.type == SECTION_GUID && packed(&s, out))
			return true;
		n = (at + n + 7) & ~(size_t)7;
		at = n < files.n ? n : files.n;
	}
	return false;
}

static enum coffer_rc find(struct span fw, struct span *out, struct err *e)
{
	unsigned left = FILES_MAX;

	for (size_t at = 0; at < fw.n && left > 0; at += VOLUME_STEP) {
		struct span files = files_of(span_skip(fw, at));

		if (files.n > 0 && find_packed(files, &left, out))
			return COFFER_OK;
	}
	return left > 0 ? err_set(e, COFFER_E_INPUT, "firmware: no volume with others compressed in it; this is no OVMF")
			: err_set(e, COFFER_E_LIMIT, "firmware: more than %u files in its volumes", FILES_MAX);
}

/* Exactly two: the first phase's, then the drivers'. */
static bool split(struct ovmf *o)
{
	struct span in = wr_span(&o->plain);
	struct section s;
	size_t at = 0, n = 0;

	while (at < in.n) {
		if (!next_section(in, &at, &s))
			return false;
		if (s.type != SECTION_VOLUME)
			continue;
		if (files_of(s.body).n == 0 || n == 2)
			return false;
		*(n++ == 0 ? &o->pei : &o->dxe) = s.body;
	}
	return n == 2;
}

enum coffer_rc ovmf_open(struct span firmware, struct ovmf *out, struct err *e)
{
	CLEANUP(ovmf_clear) struct ovmf o = { .plain = { 0 } };
	struct span stream;

	if (firmware.n > FW_MAX)
		return err_set(e, COFFER_E_LIMIT, "firmware: larger than %u bytes", FW_MAX);
	TRY(find(firmware, &stream, e));
	if (lzma_alone(stream, OVMF_PLAIN_MAX, &o.plain, e) != COFFER_OK)
		return err_wrap(e, "firmware");
	if (!split(&o))
		return err_set(e, COFFER_E_INPUT, "firmware: what is compressed in it are not two volumes");
	*out = o;
	o = (struct ovmf){ .plain = { 0 } };
	return COFFER_OK;
}

/* ---- what the first phase leaves in its volume ---- */

/* EFI_HOB_PLATFORM_INFO of EDK2 stable202211, packed, from HostBridgeDevId on; the volume has zeros there. */
#define INFO_LEN 0x74
#define GIB	 (1ull << 30)
#define APERTURE (32 * GIB) /* of PCI, 64-bit, where the width gives no larger one: its size, and where it is */
#define WIDTH_MAX 47

static void put_le(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

unsigned ovmf_width(const struct ovmf_shape *s)
{
	unsigned bits = s->address_bits;

	if (bits > 40 || (bits == 40 && s->maker == OVMF_AMD) || (bits == 39 && s->maker == OVMF_INTEL))
		return bits < WIDTH_MAX ? bits : WIDTH_MAX;
	return OVMF_BITS_GUESSED;
}

static void info(const struct ovmf_shape *s, uint8_t out[static INFO_LEN])
{
	unsigned width = ovmf_width(s);
	uint64_t eighth = 1ull << (width - 3);
	bool wide = eighth > APERTURE; /* the window is then an eighth of what can be addressed, at its end */
	uint64_t tables = 0x80000 + 0x8000ull * s->cpus; /* kept for waking up: below the end of memory */

	memset(out, 0, INFO_LEN);
	put_le(out + 0x00, 0x29c0, 2);			      /* HostBridgeDevId: q35 */
	put_le(out + 0x0f, 1, 1);			      /* S3Supported */
	put_le(out + 0x14, 64 * GIB, 8);		      /* FirstNonAddress */
	put_le(out + 0x1c, width, 1);			      /* PhysMemAddressWidth */
	put_le(out + 0x1d, 2 * GIB, 4);			      /* Uc32Base */
	put_le(out + 0x2e, wide ? (1ull << width) - eighth : APERTURE, 8); /* PcdPciMmio64Base */
	put_le(out + 0x36, wide ? eighth : APERTURE, 8);      /* PcdPciMmio64Size */
	put_le(out + 0x3e, 0xc0000000, 4);		      /* PcdPciMmio32Base */
	put_le(out + 0x42, 0x3c000000, 4);		      /* PcdPciMmio32Size */
	put_le(out + 0x46, 0x6000, 8);			      /* PcdPciIoBase */
	put_le(out + 0x4e, 0xa000, 8);			      /* PcdPciIoSize */
	put_le(out + 0x5e, s->cpus, 4);			      /* PcdCpuBootLogicalProcessorNumber */
	put_le(out + 0x62, s->cpus, 4);			      /* PcdCpuMaxLogicalProcessorNumber */
	put_le(out + 0x66, 64, 4);			      /* DefaultMaxCpuNumber */
	put_le(out + 0x6a, ((uint64_t)s->memory << 20) - tables, 4); /* S3AcpiReservedMemoryBase */
	put_le(out + 0x6e, tables, 4);			      /* S3AcpiReservedMemorySize */
	put_le(out + 0x72, 0x0101, 2);
}

/* Builds by their first phase, as it lies in the file, and where that keeps the structure. A build is added by comparing the volume with the
 * memory of a machine that started with it: from 0x820000 on. */
static const struct { const char *name; uint8_t pei[32]; uint32_t at; } builds[] = {
	{ "Debian's OVMF.fd 2022.11-6+deb12u2",
	    { 0x18, 0xe2, 0xc1, 0xcc, 0x49, 0x60, 0xc2, 0x69, 0x4c, 0x16, 0x2e, 0x8e, 0x75, 0x6f, 0xbf, 0x46, 0x7a, 0xae, 0xce, 0xee, 0x7d, 0xbf, 0xe1, 0xe1,
		0xdd, 0x91, 0x9f, 0xfb, 0x2c, 0xd9, 0xa9, 0xd2 },
	    0xefd8 },
};

static bool place(struct span pei, size_t *at)
{
	uint8_t digest[32];

	sha256(pei, digest);
	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++)
		if (span_eq(SPAN(digest), SPAN(builds[i].pei)) && builds[i].at + INFO_LEN <= pei.n) {
			*at = builds[i].at;
			return true;
		}
	return false;
}

static void first_phase(struct span pei, size_t at, const struct ovmf_shape *s, enum hash_alg h, uint8_t out[static HASH_MAX])
{
	struct hash_stream *stream = hash_open(h);
	uint8_t left[INFO_LEN];

	info(s, left);
	hash_add(stream, (struct span){ pei.p, at });
	hash_add(stream, SPAN(left));
	hash_add(stream, span_skip(pei, at + INFO_LEN));
	hash_end(stream, out);
}

/* ---- the register ---- */

static void extend(enum hash_alg h, uint8_t reg[static HASH_MAX], const uint8_t *digest)
{
	size_t n = hash_len(h);
	uint8_t both[2 * HASH_MAX];

	memcpy(both, reg, n);
	memcpy(both + n, digest, n);
	hash_once(h, (struct span){ both, 2 * n }, reg);
}

void ovmf_drivers(const struct ovmf *o, enum hash_alg h, uint8_t out[static HASH_MAX])
{
	hash_once(h, o->dxe, out);
}

static bool known(const struct ovmf_shape *s)
{
	return s->memory >= 32 && s->memory <= 2047 && s->cpus >= 1 && s->cpus <= OVMF_CPUS_MAX && s->address_bits >= OVMF_BITS_MIN && s->address_bits <= OVMF_BITS_MAX;
}

enum coffer_rc ovmf_pcr0(const struct ovmf *o, const struct ovmf_shape *s, enum hash_alg h, uint8_t out[static HASH_MAX], struct err *e)
{
	static const uint8_t version[2] = { 0 }, separator[4] = { 0 };
	uint8_t reg[HASH_MAX] = { 0 }, digest[HASH_MAX];
	size_t at = 0;

	if (!known(s))
		return err_set(e, COFFER_E_INPUT, "firmware: PCR 0 is computed for 32 to 2047 MiB, 1 to 64 processors and addresses of 32 to 52 bits");
	if (!place(o->pei, &at))
		return err_set(e, COFFER_E_NOTFOUND, "firmware: PCR 0 of this build is not computed here (known: %s): it can be taken from the event log of a machine that booted it", builds[0].name);
	hash_once(h, SPAN(version), digest);
	extend(h, reg, digest);
	first_phase(o->pei, at, s, h, digest);
	extend(h, reg, digest);
	ovmf_drivers(o, h, digest);
	extend(h, reg, digest);
	hash_once(h, SPAN(separator), digest);
	extend(h, reg, digest);
	memcpy(out, reg, HASH_MAX);
	return COFFER_OK;
}

/* ---- a log ---- */

static struct span digest_of(const struct event *v, uint16_t alg)
{
	for (size_t i = 0; i < v->n_digests; i++)
		if (v->d[i].alg == alg)
			return v->d[i].digest;
	return (struct span){ 0 };
}

enum coffer_rc ovmf_logged(const struct ovmf *o, struct span log, enum hash_alg h, struct err *e)
{
	uint16_t alg = h == HASH_SHA384 ? TPM_ALG_SHA384 : h == HASH_SHA512 ? TPM_ALG_SHA512 : TPM_ALG_SHA256;
	uint8_t drivers[HASH_MAX];
	struct eventlog l;
	size_t blobs = 0;
	bool last = false, more = true;

	ovmf_drivers(o, h, drivers);
	TRY(eventlog_open(log, &l, e));
	for (;;) {
		struct event v;

		TRY(eventlog_next(&l, &v, &more, e));
		if (!more)
			break;
		if (v.reg != 0 || (v.type != EV_PLATFORM_BLOB && v.type != EV_PLATFORM_BLOB2))
			continue;
		blobs++;
		last = span_eq(digest_of(&v, alg), (struct span){ drivers, hash_len(h) });
	}
	if (blobs == 2 && last)
		return COFFER_OK;
	return err_deny(e, "firmware", "the event log is of other firmware than the file given: PCR 0 of it is not a first phase and then these drivers");
}
