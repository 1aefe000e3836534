/* Firmware made here: a volume at 4096, in it a file of padding and one with a compressed section that holds two volumes. */
#pragma once
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "tests/t.h"

#define OVMFIX_AT 4096u /* of the outer volume */
#define OVMFIX_HEAD 72u

struct ovmfix {
	struct wr fw, plain;
	size_t    volumes;   /* in the section; 2 */
	size_t    section;   /* where the compressed one is in fw */
};

static inline void ovmfix_close(struct ovmfix *f)
{
	wr_close(&f->fw);
	wr_close(&f->plain);
}

static inline void ovmfix_u24(struct wr *w, size_t n)
{
	wr_u8(w, (uint8_t)n);
	wr_u8(w, (uint8_t)(n >> 8));
	wr_u8(w, (uint8_t)(n >> 16));
}

static inline void ovmfix_fill(struct wr *w, size_t to, uint8_t with)
{
	while (w->n < to && wr_ok(w))
		wr_u8(w, with);
}

static inline void ovmfix_volume(struct wr *w, struct span files)
{
	static const uint8_t guid[16] = { 0x78, 0xe5, 0x8c, 0x8c, 0x3d, 0x8a, 0x1c, 0x4f, 0x99, 0x35, 0x89, 0x61, 0x85, 0xc3, 0x2d, 0xd3 };
	static const uint8_t zero[16] = { 0 };

	wr_put(w, SPAN(zero));
	wr_put(w, SPAN(guid));
	wr_le64(w, OVMFIX_HEAD + files.n);
	wr_str(w, "_FVH");
	wr_le32(w, 0x4feff);
	wr_le32(w, OVMFIX_HEAD); /* and a checksum of 0: nobody reads it */
	wr_le32(w, 0x02000000);
	wr_put(w, SPAN(zero));
	wr_put(w, files);
}

static inline void ovmfix_section(struct wr *w, uint8_t type, struct span body)
{
	ovmfix_u24(w, 4 + body.n);
	wr_u8(w, type);
	wr_put(w, body);
	ovmfix_fill(w, (w->n + 3) & ~(size_t)3, 0);
}

static inline void ovmfix_file(struct wr *w, uint8_t type, struct span body)
{
	static const uint8_t name[18] = { 1 };

	wr_put(w, SPAN(name));
	wr_u8(w, type);
	wr_u8(w, 0);
	ovmfix_u24(w, 24 + body.n);
	wr_u8(w, 0xf8);
	wr_put(w, body);
	ovmfix_fill(w, (w->n + 7) & ~(size_t)7, 0xff);
}

/* As EDK2's tools have it: a header that says the length. */
static inline void ovmfix_pack(struct span in, struct wr *out)
{
	lzma_options_lzma opt;
	lzma_stream z = LZMA_STREAM_INIT;
	size_t room = in.n + 4096, at = out->n + 5;
	uint8_t *to = wr_room(out, room);

	CHECK(to && !lzma_lzma_preset(&opt, 6) && lzma_alone_encoder(&z, &opt) == LZMA_OK);
	z.next_in = in.p;
	z.avail_in = in.n;
	z.next_out = to;
	z.avail_out = room;
	CHECK(lzma_code(&z, LZMA_FINISH) == LZMA_STREAM_END);
	out->n -= z.avail_out;
	lzma_end(&z);
	for (size_t i = 0; i < 8; i++)
		out->p[at + i] = (uint8_t)((uint64_t)in.n >> 8 * i);
}

static inline void ovmfix_make(struct ovmfix *f)
{
	static const uint8_t lzma_guid[16] = { 0x98, 0x58, 0x4e, 0xee, 0x14, 0x39, 0x59, 0x42, 0x9d, 0x6e, 0xdc, 0x7b, 0xd7, 0x94, 0x03, 0xcf };
	struct wr packed = wr_open(1u << 20), files = wr_open(1u << 20);

	ovmfix_close(f);
	f->plain = wr_open(1u << 20);
	f->fw = wr_open(1u << 20);
	for (size_t i = 0; i < f->volumes; i++) {
		struct wr v = wr_open(1u << 16);
		const char *text = i == 0 ? "the first phase" : "the drivers, of which there are more";

		ovmfix_section(&f->plain, 0x19, span_of("padding")); /* so that the next is aligned */
		ovmfix_volume(&v, span_of(text));
		ovmfix_section(&f->plain, 0x17, wr_span(&v));
		wr_close(&v);
	}
	ovmfix_u24(&packed, 0); /* below */
	wr_u8(&packed, 0x02);
	wr_put(&packed, SPAN(lzma_guid));
	wr_le32(&packed, 24 | 1u << 16);
	ovmfix_pack(wr_span(&f->plain), &packed);
	packed.p[0] = (uint8_t)packed.n;
	packed.p[1] = (uint8_t)(packed.n >> 8);
	ovmfix_file(&files, 0xf0, span_of("nothing of interest"));
	f->section = OVMFIX_AT + OVMFIX_HEAD + files.n + 24;
	ovmfix_file(&files, 0x0b, wr_span(&packed));
	ovmfix_fill(&f->fw, OVMFIX_AT, 0xff);
	ovmfix_volume(&f->fw, wr_span(&files));
	CHECK(wr_ok(&f->fw) && wr_ok(&f->plain));
	wr_close(&packed);
	wr_close(&files);
}
