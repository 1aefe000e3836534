#include "fmt/cpio.h"

#include <sys/stat.h>

#include "base/str.h"
#include "fmt/enc.h"

#define TRAILER "TRAILER!!!"
#define MAGIC	"070701"

static void pad(struct wr *w)
{
	while (wr_ok(w) && w->n % 4 != 0)
		wr_u8(w, 0);
}

static void put(struct wr *w, uint32_t inode, const struct cpio_entry *c)
{
	bool folder = S_ISDIR(c->mode);

	wr_fmt(w, MAGIC "%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode, c->mode, 0u, 0u, folder ? 2u : 1u, 0u,
	    (uint32_t)c->data.n, 0u, 0u, c->major, c->minor, (uint32_t)c->path.n + 1, 0u);
	wr_put(w, c->path);
	wr_u8(w, 0);
	pad(w);
	wr_put(w, c->data);
	pad(w);
}

static bool path_good(struct span s)
{
	while (s.n > 0) {
		size_t n = span_find(s, '/');
		struct span part = { s.p, n };

		if (n == 0 || n + 1 == s.n || span_eq_str(part, ".") || span_eq_str(part, "..") || span_find(part, 0) < n)
			return false;
		s = span_skip(s, n + 1);
	}
	return true;
}

static int compare(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0; /* public: names */

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* Whether the folder of entry i is one of those before it. */
static bool has_folder(const struct cpio_entry *entry, size_t i)
{
	struct span dir = entry[i].path;
	size_t lo = 0, hi = i;

	while (dir.n > 0 && dir.p[dir.n - 1] != '/')
		dir.n--;
	if (dir.n == 0)
		return true;
	dir.n--;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = compare(entry[mid].path, dir);

		if (c == 0)
			return S_ISDIR(entry[mid].mode);
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static bool content_good(const struct cpio_entry *c)
{
	switch (c->mode & S_IFMT) {
	case S_IFREG:
		return c->major == 0 && c->minor == 0;
	case S_IFLNK:
		return c->data.n > 0 && c->data.n <= CPIO_NAME_MAX && c->major == 0 && c->minor == 0;
	case S_IFDIR:
		return c->data.n == 0 && c->major == 0 && c->minor == 0;
	case S_IFCHR:
		return c->data.n == 0;
	default:
		return false;
	}
}

enum coffer_rc cpio_write(const struct cpio_entry *entry, size_t n, struct wr *out, struct err *e)
{
	static const struct cpio_entry end = { .path = { (const uint8_t *)TRAILER, sizeof(TRAILER) - 1 } };

	for (size_t i = 0; i < n; i++) {
		const struct cpio_entry *c = &entry[i];
		const char *name = (const char *)c->path.p;
		int len = (int)(c->path.n < 200 ? c->path.n : 200);

		if (c->path.n == 0 || c->path.n > CPIO_NAME_MAX || !path_good(c->path) || span_eq(c->path, end.path))
			return err_set(e, COFFER_E_INPUT, "ramdisk: not a name: %.*s", len, name);
		if ((i > 0 && compare(entry[i - 1].path, c->path) >= 0) || !has_folder(entry, i))
			return err_set(e, COFFER_E_INPUT, "ramdisk: %.*s: not in order, twice, or without its folder", len, name);
		if (!content_good(c))
			return err_set(e, COFFER_E_INPUT, "ramdisk: %.*s: of a type, or with a content, that it may not have", len, name);
		if (c->data.n > UINT32_MAX)
			return err_set(e, COFFER_E_LIMIT, "ramdisk: %.*s: over 4 GiB", len, name);
		put(out, (uint32_t)i + 1, c);
	}
	put(out, 0, &end);
	return wr_done(out, "ramdisk", e);
}

/* ---- reading ---- */

static uint32_t number(struct rd *r)
{
	struct span hex = rd_span(r, 8);
	uint8_t v[4] = { 0 };

	r->bad = r->bad || !hex_fixed(hex, v, sizeof(v));
	return (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3];
}

static struct span padded(struct rd *r, size_t n)
{
	struct span s = rd_span(r, n);

	(void)rd_span(r, -r->off & 3);
	return s;
}

/* Of the header's numbers only how long content (the seventh) and name (the twelfth) are counts here. */
static bool next(struct rd *r, struct span *path, struct span *data)
{
	uint32_t v[13];

	if (!span_eq_str(rd_span(r, sizeof(MAGIC) - 1), MAGIC))
		return false;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		v[i] = number(r);
	if (!rd_ok(r) || v[11] < 2 || v[11] > CPIO_NAME_MAX + 1)
		return false;
	*path = padded(r, v[11]);
	*data = padded(r, v[6]);
	if (!rd_ok(r) || span_find(*path, 0) != path->n - 1)
		return false;
	path->n--;
	return true;
}

enum coffer_rc cpio_find(struct span archive, const char *path, struct span *out, struct err *e)
{
	struct rd r = rd_open(archive);
	struct span name, data;

	do {
		size_t at = r.off;

		if (!next(&r, &name, &data))
			return err_set(e, COFFER_E_INPUT, "ramdisk: malformed near 0x%zx", at);
		if (span_eq_str(name, path)) {
			*out = data;
			return COFFER_OK;
		}
	} while (!span_eq_str(name, TRAILER));
	return err_set(e, COFFER_E_NOTFOUND, "ramdisk: no %s in it", path);
}
