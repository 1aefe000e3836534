#include "fmt/pe_append.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

#define SECTION_HEADER 40u
#define READ_DATA      0x40000040u /* initialised data, readable */
#define DIR_SECURITY   4u
#define PAGE           4096u /* what is copied out of them later begins on one, as the usual tools have it */

struct image { /* all offsets into the file; pe_parse has seen to it that they are inside */
	size_t	 pe, optional, sections, dirs;
	uint16_t n, n_dirs;
	uint32_t align, file_align, size, headers;
};

static uint64_t up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

static void put(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get(struct span file, size_t at)
{
	struct rd r = rd_open(span_skip(file, at));

	return rd_le32(&r);
}

static bool power(uint32_t v)
{
	return v > 0 && (v & (v - 1)) == 0;
}

static enum coffer_rc read_image(struct span file, struct image *m, struct err *e)
{
	bool plus;

	m->pe = get(file, 0x3c);
	m->optional = m->pe + 24;
	m->n = (uint16_t)(get(file, m->pe + 6) & 0xffff);
	m->sections = m->optional + (get(file, m->pe + 20) & 0xffff);
	plus = (get(file, m->optional) & 0xffff) == 0x20b;
	m->align = get(file, m->optional + 32);
	m->file_align = get(file, m->optional + 36);
	m->size = get(file, m->optional + 56);
	m->headers = get(file, m->optional + 60);
	m->dirs = m->optional + (plus ? 112 : 96);
	m->n_dirs = (uint16_t)get(file, m->dirs - 4);
	if (!power(m->align) || !power(m->file_align))
		return err_set(e, COFFER_E_INPUT, "PE image: alignments that are no powers of two");
	return COFFER_OK;
}

/* Where the file ends without certificates, which stand at its end. */
static size_t end_of(struct span file, const struct image *m)
{
	uint32_t at = m->n_dirs > DIR_SECURITY ? get(file, m->dirs + (size_t)DIR_SECURITY * 8) : 0;

	return at > 0 && at < file.n ? at : file.n;
}

static enum coffer_rc add(struct image *m, const struct pe_new *s, struct wr *out, struct err *e)
{
	uint8_t head[SECTION_HEADER] = { 0 };
	uint64_t at = up(m->size, m->align < PAGE ? PAGE : m->align), raw;

	while (wr_ok(out) && out->n % m->file_align != 0)
		wr_u8(out, 0);
	raw = up(s->data.n, m->file_align);
	if (at + s->data.n > UINT32_MAX || out->n + raw > UINT32_MAX)
		return err_set(e, COFFER_E_LIMIT, "PE image: section %s reaches beyond 4 GiB", s->name);
	memcpy(head, s->name, strlen(s->name));
	put(head + 8, s->data.n, 4);
	put(head + 12, at, 4);
	put(head + 16, raw, 4);
	put(head + 20, out->n, 4);
	put(head + 36, READ_DATA, 4);
	wr_put(out, s->data);
	while (wr_ok(out) && out->n % m->file_align != 0)
		wr_u8(out, 0);
	TRY(wr_done(out, "PE image", e));
	memcpy(out->p + m->sections + (size_t)m->n * SECTION_HEADER, head, sizeof(head));
	m->n++;
	m->size = (uint32_t)up(at + s->data.n, m->align);
	return COFFER_OK;
}

enum coffer_rc pe_append(struct span image, const struct pe_new *s, size_t n, struct wr *out, struct err *e)
{
	CLEANUP(freep) struct pe *parsed = calloc(1, sizeof(*parsed));
	struct image m = { 0 };

	if (!parsed)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(pe_parse(image, parsed, e));
	TRY(read_image(image, &m, e));
	if (n > PE_SECTIONS_MAX || m.n + n > PE_SECTIONS_MAX || m.headers < m.sections + (m.n + n) * SECTION_HEADER)
		return err_set(e, COFFER_E_INPUT, "PE image: no room for %zu section headers more", n);
	wr_put(out, (struct span){ image.p, end_of(image, &m) });
	for (size_t i = 0; i < n; i++) {
		if (strlen(s[i].name) > 8 || s[i].data.n == 0)
			return err_set(e, COFFER_E_INPUT, "PE image: section %s: empty, or a longer name than 8", s[i].name);
		TRY(add(&m, &s[i], out, e));
	}
	put(out->p + m.pe + 6, m.n, 2);
	put(out->p + m.optional + 56, m.size, 4);
	put(out->p + m.optional + 64, 0, 4);
	if (m.n_dirs > DIR_SECURITY)
		put(out->p + m.dirs + (size_t)DIR_SECURITY * 8, 0, 8);
	return COFFER_OK;
}
