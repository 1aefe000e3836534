/* PE32+ images made here. */
#pragma once
#include <string.h>

#include "base/wr.h"

#define PEF_HEAD 0x400u /* size of headers */
#define PEF_PE 0x80u
#define PEF_OPT (PEF_PE + 24)
#define PEF_DIRS (PEF_OPT + 112)
#define PEF_SECTIONS (PEF_OPT + 240)

struct pef_section { const char *name; struct span data; uint32_t size; }; /* size in memory; 0: of data */

static inline void pef_le(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* Sections one behind another; in the headers the last is first. setup: bytes at 0x1f1 of a Linux kernel, or none. */
static inline void pef_make(struct wr *w, const struct pef_section *s, size_t n)
{
	uint8_t head[PEF_HEAD] = { 'M', 'Z' };
	uint32_t at = PEF_HEAD;

	pef_le(head + 0x3c, PEF_PE, 4);
	memcpy(head + PEF_PE, "PE\0\0\x64\x86", 6);
	pef_le(head + PEF_PE + 6, n, 2);
	pef_le(head + PEF_PE + 20, 240, 2);
	pef_le(head + PEF_OPT, 0x20b, 2);
	pef_le(head + PEF_OPT + 60, PEF_HEAD, 4);
	pef_le(head + PEF_OPT + 64, 0xc0ffee11, 4); /* checksum */
	pef_le(head + PEF_DIRS - 4, 16, 4);
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = head + PEF_SECTIONS + 40 * (n - 1 - i);

		memcpy(p, s[i].name, strlen(s[i].name));
		pef_le(p + 8, s[i].size ? s[i].size : s[i].data.n, 4);
		pef_le(p + 16, s[i].data.n, 4);
		pef_le(p + 20, s[i].data.n ? at : 0, 4);
		at += (uint32_t)s[i].data.n;
	}
	wr_put(w, (struct span){ head, sizeof(head) });
	for (size_t i = 0; i < n; i++)
		wr_put(w, s[i].data);
}
