#include "fmt/pe.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

#define DIR_SECURITY   4
#define SECTION_HEADER 40

struct head { /* offsets into the file */
	size_t optional, checksum, sections;
	size_t security; /* of its directory entry; 0: none */
	uint32_t headers, security_n;
	size_t n_sections;
};
struct place {
	uint32_t at, n;
};

static struct rd reader_at(struct span file, size_t at)
{
	return rd_open(span_skip(file, at));
}

static enum coffer_rc bad(struct err *e, const char *what)
{
	return err_set(e, COFFER_E_INPUT, "PE image: %s", what);
}

static enum coffer_rc optional_header(struct span file, struct head *h, size_t size, struct err *e)
{
	struct rd r = reader_at(file, h->optional);
	uint16_t magic = rd_le16(&r);
	size_t dirs = magic == 0x20b ? 112 : 96, after = h->optional + dirs;
	uint32_t n_dirs;

	if (magic != 0x20b && magic != 0x10b)
		return bad(e, "neither PE32 nor PE32+");
	h->checksum = h->optional + 64;
	r = reader_at(file, h->optional + 60);
	h->headers = rd_le32(&r);
	r = reader_at(file, after - 4);
	n_dirs = rd_le32(&r);
	if (!rd_ok(&r) || size < dirs || (size - dirs) / 8 < n_dirs)
		return bad(e, "optional header cut short");
	if (n_dirs <= DIR_SECURITY)
		return COFFER_OK;
	h->security = after + (size_t)DIR_SECURITY * 8;
	r = reader_at(file, h->security + 4);
	h->security_n = rd_le32(&r);
	return rd_ok(&r) ? COFFER_OK : bad(e, "directories cut short");
}

static enum coffer_rc read_head(struct span file, struct head *h, struct err *e)
{
	struct rd r = rd_open(file);
	uint16_t dos = rd_le16(&r), size;
	uint32_t sig;

	(void)rd_span(&r, 0x3c - 2);
	h->optional = (size_t)rd_le32(&r) + 24;
	if (!rd_ok(&r) || dos != 0x5a4d)
		return bad(e, "no MZ header");
	r = reader_at(file, h->optional - 24);
	sig = rd_le32(&r);
	(void)rd_le16(&r);
	h->n_sections = rd_le16(&r);
	(void)rd_span(&r, 12);
	size = rd_le16(&r);
	(void)rd_le16(&r);
	if (!rd_ok(&r) || sig != 0x4550)
		return bad(e, "no PE signature");
	if (h->n_sections > PE_SECTIONS_MAX)
		return err_set(e, COFFER_E_LIMIT, "PE image: %zu sections, at most %d", h->n_sections, PE_SECTIONS_MAX);
	h->sections = h->optional + size;
	TRY(optional_header(file, h, size, e));
	if (h->headers > file.n || h->headers < h->sections + h->n_sections * SECTION_HEADER)
		return bad(e, "size of headers");
	return COFFER_OK;
}

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static enum coffer_rc read_sections(
    struct span file, const struct head *h, struct pe *p, struct place *place, size_t *n, struct err *e)
{
	struct rd r = reader_at(file, h->sections);

	for (size_t i = 0; i < h->n_sections; i++) {
		struct pe_section *s = &p->section[i];
		struct place at;

		rd_copy(&r, s->name, 8);
		s->size = rd_le32(&r);
		(void)rd_le32(&r);
		at.n = rd_le32(&r);
		at.at = rd_le32(&r);
		(void)rd_span(&r, 16);
		if (!rd_ok(&r))
			return bad(e, "section headers cut short");
		if (at.n == 0)
			continue;
		if (at.at < h->headers || at.at > file.n || at.n > file.n - at.at)
			return bad(e, "a section lies outside the file or in the headers");
		s->raw = (struct span){ file.p + at.at, at.n };
		place[(*n)++] = at;
	}
	p->n = h->n_sections;
	return COFFER_OK;
}

static void add_part(struct span file, struct pe *p, size_t from, size_t to)
{
	p->part[p->n_parts++] = (struct span){ file.p + from, to - from };
}

/* The headers without checksum and certificate entry, the sections by their place, what comes behind but the certificates. As
 * EDK2, "behind" begins after as many bytes as were hashed, wherever the last section ends. */
static enum coffer_rc hashed(struct span file, const struct head *h, struct pe *p, struct place *place, size_t n, struct err *e)
{
	size_t done = h->headers;

	add_part(file, p, 0, h->checksum);
	if (h->security) {
		add_part(file, p, h->checksum + 4, h->security);
		add_part(file, p, h->security + 8, h->headers);
	} else {
		add_part(file, p, h->checksum + 4, h->headers);
	}
	qsort(place, n, sizeof(*place), by_place);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && place[i].at < place[i - 1].at + place[i - 1].n)
			return bad(e, "sections overlap");
		add_part(file, p, place[i].at, place[i].at + place[i].n);
		done += place[i].n;
	}
	if (file.n - done > h->security_n)
		add_part(file, p, done, file.n - h->security_n);
	return COFFER_OK;
}

enum coffer_rc pe_parse(struct span file, struct pe *out, struct err *e)
{
	CLEANUP(freep) struct pe *p = calloc(1, sizeof(*p));
	struct place place[PE_SECTIONS_MAX];
	struct head h = { 0 };
	size_t n = 0;

	if (!p)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(read_head(file, &h, e));
	TRY(read_sections(file, &h, p, place, &n, e));
	TRY(hashed(file, &h, p, place, n, e));
	*out = *p;
	return COFFER_OK;
}

const struct pe_section *pe_section(const struct pe *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->section[i].name, name) == 0)
			return &p->section[i];
	return NULL;
}

bool pe_content(const struct pe_section *s, struct span *out)
{
	if (s->size > s->raw.n)
		return false;
	*out = (struct span){ s->raw.p, s->size };
	return true;
}
