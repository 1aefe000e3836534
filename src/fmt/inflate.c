#include "fmt/inflate.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/gzhead.h"

#define PIECE ((size_t)256 << 10) /* most bytes a sink gets at once */
#define FEED ((size_t)1 << 30)    /* isa-l counts in 32 bits */
#define WINDOW_LOG 27             /* zstd: 128 MiB of window; a frame that wants more memory is refused */

struct inflate {
	enum inflate_kind    kind;
	uint64_t             left; /* bytes that may still come out */
	uint64_t             max;
	inflate_sink         sink;
	void                *arg;
	bool                 between; /* at the end of a member or frame */
	bool                 failed;  /* sticky */
	struct gzhead        head;    /* of the member being read */
	struct inflate_state gz;
	ZSTD_DStream        *zs;
	unsigned             magic_n;   /* bytes of the current frame's magic number that were checked */
	bool                 skippable; /* by its first byte */
	uint8_t              out[PIECE];
};

/* The header is ours to read: isa-l's reader gives other answers when it comes in pieces. CRC and length behind the data are isa-l's. */
static void gz_restart(struct inflate *z)
{
	isal_inflate_init(&z->gz);
	z->gz.crc_flag = ISAL_GZIP_NO_HDR_VER;
	z->head = (struct gzhead){ 0 };
}

enum coffer_rc inflate_open(enum inflate_kind k, uint64_t max_out, inflate_sink sink, void *arg, struct inflate **out,
	struct err *e)
{
	CLEANUP(inflate_freep) struct inflate *z = calloc(1, sizeof(*z));

	if (!z)
		return err_set(e, COFFER_E_SYSTEM, "decompress: out of memory");
	z->kind = k;
	z->left = z->max = max_out;
	z->sink = sink;
	z->arg = arg;
	z->between = k == INFLATE_NONE;
	if (k == INFLATE_GZIP)
		gz_restart(z);
	if (k == INFLATE_ZSTD) {
		z->zs = ZSTD_createDStream();
		if (!z->zs || ZSTD_isError(ZSTD_DCtx_setParameter(z->zs, ZSTD_d_windowLogMax, WINDOW_LOG)))
			return err_set(e, COFFER_E_SYSTEM, "decompress: cannot set up zstd");
	}
	*out = MOVE(z);
	return COFFER_OK;
}

void inflate_free(struct inflate *z)
{
	if (!z)
		return;
	(void)ZSTD_freeDStream(z->zs);
	free(z);
}

static enum coffer_rc emit(struct inflate *z, struct span piece, struct err *e)
{
	if (piece.n > z->left)
		return err_set(e, COFFER_E_LIMIT, "decompress: more than %llu bytes", (unsigned long long)z->max);
	z->left -= piece.n;
	return piece.n ? z->sink(z->arg, piece, e) : COFFER_OK;
}

static const char *gz_why(int r)
{
	if (r == ISAL_INCORRECT_CHECKSUM)
		return "checksum or length does not match";
	return "malformed";
}

/* *in_data: the header has been read and data follow. */
static enum coffer_rc gz_header(struct inflate *z, bool *in_data, struct err *e)
{
	struct span in = { z->gz.next_in, z->gz.avail_in };
	enum gzhead_rc r;

	if (z->between)
		gz_restart(z); /* a further member (RFC 1952 section 2.2) */
	z->between = false;
	r = gzhead_take(&z->head, &in);
	if (r == GZHEAD_BAD)
		return err_set(e, COFFER_E_INPUT, "gzip: not a gzip header");
	z->gz.next_in = (uint8_t *)(uintptr_t)in.p;
	z->gz.avail_in = (uint32_t)in.n;
	*in_data = r == GZHEAD_DONE;
	return COFFER_OK;
}

/* One round of isa-l; sets *more when it must be called again. */
static enum coffer_rc gz_round(struct inflate *z, bool *more, struct err *e)
{
	bool in_data = false;
	int r;

	*more = false;
	TRY(gz_header(z, &in_data, e));
	if (!in_data)
		return COFFER_OK;
	z->gz.next_out = z->out;
	z->gz.avail_out = PIECE;
	r = isal_inflate(&z->gz);
	if (r != ISAL_DECOMP_OK && r != ISAL_END_INPUT && r != ISAL_OUT_OVERFLOW)
		return err_set(e, COFFER_E_INPUT, "gzip: %s", gz_why(r));
	TRY(emit(z, (struct span){ z->out, PIECE - z->gz.avail_out }, e));
	z->between = z->gz.block_state == ISAL_BLOCK_FINISH;
	*more = z->gz.avail_in > 0 || (!z->between && z->gz.avail_out == 0);
	return COFFER_OK;
}

static enum coffer_rc gz_add(struct inflate *z, struct span in, struct err *e)
{
	while (in.n) {
		size_t n = in.n < FEED ? in.n : FEED;
		bool more = true;

		z->gz.next_in = (uint8_t *)(uintptr_t)in.p; /* isa-l does not write there */
		z->gz.avail_in = (uint32_t)n;
		while (more)
			TRY(gz_round(z, &more, e));
		in = span_skip(in, n);
	}
	return COFFER_OK;
}

/* RFC 8878 frames only. libzstd may be built to read formats from before the RFC as
 * well, whose decoders nobody looks after; so the magic number is checked here. */
static bool zs_magic_ok(struct inflate *z, const uint8_t *p, size_t n)
{
	static const uint8_t magic[2][4] = { { 0x28, 0xB5, 0x2F, 0xFD }, { 0x50, 0x2A, 0x4D, 0x18 } };

	for (size_t i = 0; z->magic_n < 4 && i < n; i++) {
		uint8_t b = p[i];

		if (z->magic_n == 0) {
			z->skippable = (b & 0xF0) == 0x50;
			b = z->skippable ? 0x50 : b;
		}
		if (b != magic[z->skippable][z->magic_n++])
			return false;
	}
	return true;
}

static enum coffer_rc zs_add(struct inflate *z, struct span in, struct err *e)
{
	ZSTD_inBuffer zin = { in.p, in.n, 0 };

	for (;;) {
		ZSTD_outBuffer zout = { z->out, PIECE, 0 };
		size_t r;

		if (!zs_magic_ok(z, in.p + zin.pos, zin.size - zin.pos))
			return err_set(e, COFFER_E_INPUT, "zstd: not a frame");
		r = ZSTD_decompressStream(z->zs, &zout, &zin);
		if (ZSTD_isError(r))
			return err_set(e, COFFER_E_INPUT, "zstd: %s", ZSTD_getErrorName(r));
		TRY(emit(z, (struct span){ z->out, zout.pos }, e));
		z->between = r == 0;
		if (z->between)
			z->magic_n = 0;
		if (zin.pos == zin.size && (z->between || zout.pos < PIECE))
			return COFFER_OK;
	}
}

enum coffer_rc inflate_add(struct inflate *z, struct span in, struct err *e)
{
	enum coffer_rc rc = COFFER_E_BUG;

	if (z->failed)
		return err_set(e, COFFER_E_INPUT, "decompress: the stream has failed before");
	if (in.n == 0)
		return COFFER_OK;
	switch (z->kind) {
	case INFLATE_NONE:
		rc = emit(z, in, e);
		break;
	case INFLATE_GZIP:
		rc = gz_add(z, in, e);
		break;
	case INFLATE_ZSTD:
		rc = zs_add(z, in, e);
		break;
	}
	z->failed = rc != COFFER_OK;
	return rc;
}

enum coffer_rc inflate_end(struct inflate *z, struct err *e)
{
	if (z->failed)
		return err_set(e, COFFER_E_INPUT, "decompress: the stream has failed before");
	if (!z->between)
		return err_set(e, COFFER_E_INPUT, "decompress: the stream was cut");
	return COFFER_OK;
}

static enum coffer_rc to_writer(void *arg, struct span piece, struct err *e)
{
	struct wr *w = arg;

	wr_put(w, piece);
	return wr_done(w, "decompressed data", e);
}

enum coffer_rc gunzip(struct span in, size_t max_out, struct wr *out, struct err *e)
{
	CLEANUP(inflate_freep) struct inflate *z = NULL;

	TRY(inflate_open(INFLATE_GZIP, max_out, to_writer, out, &z, e));
	TRY(inflate_add(z, in, e));
	return inflate_end(z, e);
}

/* ---- compression ---- */

enum coffer_rc gzip(struct span in, struct wr *out, struct err *e)
{
	CLEANUP(freep) struct isal_zstream *s = calloc(1, sizeof(*s));
	CLEANUP(freep) uint8_t *level_buf = malloc(ISAL_DEF_LVL3_DEFAULT);
	CLEANUP(freep) uint8_t *buf = malloc(PIECE);

	if (!s || !level_buf || !buf)
		return err_set(e, COFFER_E_SYSTEM, "gzip: out of memory");
	isal_deflate_init(s); /* its gzip header has no name, time 0, system unknown */
	s->gzip_flag = IGZIP_GZIP;
	s->level = 3;
	s->level_buf = level_buf;
	s->level_buf_size = ISAL_DEF_LVL3_DEFAULT;
	do {
		size_t n = in.n < FEED ? in.n : FEED;

		s->next_in = (uint8_t *)(uintptr_t)in.p;
		s->avail_in = (uint32_t)n;
		s->end_of_stream = n == in.n;
		do {
			s->next_out = buf;
			s->avail_out = PIECE;
			if (isal_deflate(s) != COMP_OK)
				return err_set(e, COFFER_E_BUG, "gzip: isa-l refused to compress");
			wr_put(out, (struct span){ buf, PIECE - s->avail_out });
		} while (s->avail_out == 0 || s->avail_in > 0);
		in = span_skip(in, n);
	} while (in.n);
	if (s->internal_state.state != ZSTATE_END)
		return err_set(e, COFFER_E_BUG, "gzip: isa-l did not finish");
	return wr_done(out, "compressed data", e);
}

static void cctx_freep(ZSTD_CCtx **c)
{
	(void)ZSTD_freeCCtx(*c);
}

/* One frame with content size and checksum, one thread: the bytes depend only on
 * the input and on libzstd's version. */
enum coffer_rc zstd_compress_at(struct span in, int level, struct wr *out, struct err *e)
{
	CLEANUP(cctx_freep) ZSTD_CCtx *c = ZSTD_createCCtx();
	CLEANUP(freep) uint8_t *buf = malloc(PIECE);
	ZSTD_inBuffer zin = { in.p, in.n, 0 };
	size_t r;

	if (!c || !buf)
		return err_set(e, COFFER_E_SYSTEM, "zstd: out of memory");
	if (ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(c, in.n)))
		return err_set(e, COFFER_E_BUG, "zstd: parameter refused");
	do {
		ZSTD_outBuffer zout = { buf, PIECE, 0 };

		r = ZSTD_compressStream2(c, &zout, &zin, ZSTD_e_end);
		if (ZSTD_isError(r))
			return err_set(e, COFFER_E_SYSTEM, "zstd: %s", ZSTD_getErrorName(r));
		wr_put(out, (struct span){ buf, zout.pos });
	} while (r > 0);
	return wr_done(out, "compressed data", e);
}

enum coffer_rc zstd_compress(struct span in, struct wr *out, struct err *e)
{
	return zstd_compress_at(in, 3, out, e);
}
