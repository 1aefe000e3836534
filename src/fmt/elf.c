#include "fmt/elf.h"

#include "base/str.h"

#define HEADER	       64
#define SECTION_HEADER 64
#define SHT_NOBITS     8
#define DT_NULL	       0
#define DT_NEEDED      1

struct section {
	uint32_t    name; /* offset into the names */
	struct span data;
};
struct table {
	struct span file, names;
	uint64_t    at; /* of the section headers */
	size_t	    n;
};

static enum coffer_rc bad(struct err *e, const char *what)
{
	return err_set(e, COFFER_E_INPUT, "ELF file: %s", what);
}

static bool place(struct span file, uint64_t at, uint64_t n, struct span *out)
{
	if (at > file.n || n > file.n - at)
		return false;
	*out = (struct span){ file.p + at, (size_t)n };
	return true;
}

static bool read_section(const struct table *t, size_t i, struct section *s)
{
	struct rd r = rd_open(span_skip(t->file, t->at + i * SECTION_HEADER));
	uint64_t at, n;
	uint32_t type;

	s->name = rd_le32(&r);
	type = rd_le32(&r);
	(void)rd_span(&r, 16); /* flags, address */
	at = rd_le64(&r);
	n = rd_le64(&r);
	s->data = (struct span){ 0 };
	return rd_ok(&r) && (type == SHT_NOBITS || place(t->file, at, n, &s->data));
}

static enum coffer_rc open_table(struct span file, struct table *t, struct err *e)
{
	struct rd r = rd_open(file);
	struct span ident = rd_span(&r, 16);
	uint16_t each, n, names;
	struct section s;

	(void)rd_span(&r, 24); /* type, machine, version, entry, program headers */
	t->at = rd_le64(&r);
	(void)rd_span(&r, 10); /* flags, sizes of headers and program headers, their number */
	each = rd_le16(&r);
	n = rd_le16(&r);
	names = rd_le16(&r);
	if (!rd_ok(&r) || !span_starts(ident, "\177ELF\2\1\1"))
		return bad(e, "not one of 64 bits, little-endian");
	if (n > ELF_SECTIONS_MAX)
		return err_set(e, COFFER_E_LIMIT, "ELF file: %u sections, at most %d", n, ELF_SECTIONS_MAX);
	if (n == 0 || each != SECTION_HEADER || t->at < HEADER || t->at > file.n || (file.n - t->at) / SECTION_HEADER < n)
		return bad(e, "no section table, or one outside the file");
	t->file = file;
	t->n = n;
	if (names >= n || !read_section(t, names, &s))
		return bad(e, "section names");
	t->names = s.data;
	return COFFER_OK;
}

/* The NUL-terminated text at an offset of a string table. */
static bool text_at(struct span table, uint64_t at, struct span *out)
{
	struct span s = at < table.n ? span_skip(table, (size_t)at) : (struct span){ 0 };
	size_t n = span_find(s, 0);

	*out = (struct span){ s.p, n };
	return n < s.n;
}

enum coffer_rc elf_section(struct span file, const char *name, struct span *out, struct err *e)
{
	struct table t = { 0 };
	struct section s;
	struct span text;

	TRY(open_table(file, &t, e));
	for (size_t i = 0; i < t.n; i++) {
		if (!read_section(&t, i, &s) || !text_at(t.names, s.name, &text))
			return bad(e, "a section or its name lies outside the file");
		if (!span_eq_str(text, name))
			continue;
		*out = s.data;
		return COFFER_OK;
	}
	*out = (struct span){ 0 };
	return COFFER_OK;
}

enum coffer_rc elf_needed(struct span file, struct elf_needed *out, struct err *e)
{
	struct elf_needed found = { 0 };
	struct span dynamic, names;
	uint64_t tag = 1;
	struct rd r;

	TRY(elf_section(file, ".dynamic", &dynamic, e));
	TRY(elf_section(file, ".dynstr", &names, e));
	r = rd_open(dynamic);
	while (r.n > 0 && tag != DT_NULL) {
		uint64_t value;

		tag = rd_le64(&r);
		value = rd_le64(&r);
		if (!rd_ok(&r))
			return bad(e, "dynamic section cut short");
		if (tag != DT_NEEDED)
			continue;
		if (found.n == ELF_NEEDED_MAX)
			return err_set(e, COFFER_E_LIMIT, "ELF file: needs more than %d libraries", ELF_NEEDED_MAX);
		if (!text_at(names, value, &found.name[found.n++]))
			return bad(e, "a needed library's name lies outside its table");
	}
	*out = found;
	return COFFER_OK;
}

enum coffer_rc elf_modinfo(struct span file, const char *key, struct span *out, struct err *e)
{
	size_t n = strlen(key);
	struct span s;

	TRY(elf_section(file, ".modinfo", &s, e));
	*out = (struct span){ 0 };
	while (s.n > 0) {
		struct span item = { s.p, span_find(s, 0) };

		if (item.n == s.n)
			return bad(e, "module information cut short");
		s = span_skip(s, item.n + 1);
		if (item.n <= n || !span_starts(item, key) || item.p[n] != '=')
			continue;
		*out = span_skip(item, n + 1);
		break;
	}
	return COFFER_OK;
}
