/* ELF files made here: a header, sections one behind another, their names, the table at the end. */
#pragma once
#include <string.h>

#include "base/str.h"
#include "base/wr.h"

#define ELFF_MAX 8

struct elff_section { const char *name; struct span data; };

static inline void elff_le(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* A last section of names is added. */
static inline void elff_make(struct wr *w, const struct elff_section *s, size_t n)
{
	uint8_t head[64] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, row[64];
	struct wr names = wr_open(4096), table = wr_open(4096);
	size_t at = sizeof(head);

	wr_u8(&names, 0);
	for (size_t i = 0; i <= n; i++) {
		struct span data = i < n ? s[i].data : (struct span){ 0 };
		size_t name = names.n;

		wr_put(&names, (struct span){ (const uint8_t *)(i < n ? s[i].name : ".shstrtab"), strlen(i < n ? s[i].name : ".shstrtab") + 1 });
		if (i == n)
			data = wr_span(&names);
		memset(row, 0, sizeof(row));
		elff_le(row, name, 4);
		elff_le(row + 4, 1, 4);
		elff_le(row + 24, at, 8);
		elff_le(row + 32, data.n, 8);
		wr_put(&table, (struct span){ row, sizeof(row) });
		at += data.n;
	}
	elff_le(head + 40, at, 8);
	elff_le(head + 58, 64, 2);
	elff_le(head + 60, n + 1, 2);
	elff_le(head + 62, n, 2);
	wr_put(w, (struct span){ head, sizeof(head) });
	for (size_t i = 0; i < n; i++)
		wr_put(w, s[i].data);
	wr_put(w, wr_span(&names));
	wr_put(w, wr_span(&table));
	wr_close(&names);
	wr_close(&table);
}

/* A program that needs these libraries (at most 7 names). */
static inline void elff_program(struct wr *w, const char *const *needed)
{
	struct wr names = wr_open(4096), dynamic = wr_open(4096);
	const char none = 0;

	wr_put(&names, (struct span){ (const uint8_t *)&none, 1 });
	for (; *needed; needed++) {
		wr_le64(&dynamic, 1);
		wr_le64(&dynamic, names.n);
		wr_put(&names, (struct span){ (const uint8_t *)*needed, strlen(*needed) + 1 });
	}
	wr_le64(&dynamic, 0);
	wr_le64(&dynamic, 0);
	elff_make(w, (struct elff_section[]){ { ".dynstr", wr_span(&names) }, { ".dynamic", wr_span(&dynamic) } }, 2);
	wr_close(&names);
	wr_close(&dynamic);
}
