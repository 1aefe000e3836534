#include "image/tarpax.h"

#include "base/str.h"

#define XATTR_PREFIX "SCHILY.xattr."

struct record {
	struct span key;
	struct span value;
};

/* Takes one record off the front of *s. */
static bool next_record(struct span *s, struct record *out)
{
	size_t digits = span_find(*s, ' ');
	uint64_t len;
	struct span body;
	size_t eq;

	if (digits == s->n || digits > 7 || !span_u64((struct span){ s->p, digits }, &len))
		return false;
	if (len > s->n || len < digits + 3 || s->p[len - 1] != '\n')
		return false;
	body = (struct span){ s->p + digits + 1, (size_t)len - digits - 2 };
	eq = span_find(body, '=');
	if (eq == body.n || eq == 0)
		return false;
	*out = (struct record){ { body.p, eq }, span_skip(body, eq + 1) };
	*s = span_skip(*s, (size_t)len);
	return true;
}

/* "[-]SECONDS[.FRACTION]"; only the first nine digits of the fraction count. */
static bool read_time(struct span v, int64_t *sec, uint32_t *ns)
{
	bool negative = v.n > 0 && v.p[0] == '-';
	struct span s = negative ? span_skip(v, 1) : v;
	size_t dot = span_find(s, '.');
	struct span frac = span_skip(s, dot + 1);
	uint64_t whole;
	uint32_t f = 0;

	if (!span_u64((struct span){ s.p, dot }, &whole) || whole > INT64_MAX / 2)
		return false;
	for (size_t i = 0; i < frac.n; i++)
		if (frac.p[i] < '0' || frac.p[i] > '9')
			return false;
	for (size_t i = 0; i < 9; i++)
		f = f * 10 + (i < frac.n ? (uint32_t)(frac.p[i] - '0') : 0);

	*sec = negative ? -(int64_t)whole : (int64_t)whole;
	*ns = f;
	if (negative && f > 0) { /* -1.25 s is -2 s + 0.75 s */
		*sec -= 1;
		*ns = 1000000000u - f;
	}
	return true;
}

static bool read_id(struct span v, uint32_t *out)
{
	uint64_t id;

	if (!span_u64(v, &id) || id >= UINT32_MAX)
		return false;
	*out = (uint32_t)id;
	return true;
}

static bool read_size(struct span v, uint64_t *out)
{
	uint64_t n;

	if (!span_u64(v, &n) || n > INT64_MAX)
		return false;
	*out = n;
	return true;
}

static enum coffer_rc add_xattr(struct span name, struct span value, struct tar_entry *x, struct err *e)
{
	if (name.n == 0 || span_find(name, 0) != name.n)
		return err_set(e, COFFER_E_INPUT, "the archive holds an extended attribute without a proper name");
	if (name.n > TAR_XATTR_NAME_MAX || value.n > TAR_XATTR_VALUE_MAX)
		return err_set(e, COFFER_E_LIMIT, "the archive holds an extended attribute that is too large");
	for (size_t i = 0; i < x->n_xattrs; i++) {
		if (span_eq(x->xattrs[i].name, name)) {
			x->xattrs[i].value = value; /* the last one counts */
			return COFFER_OK;
		}
	}
	if (x->n_xattrs == TAR_XATTRS)
		return err_set(e, COFFER_E_LIMIT, "an entry has more than %d extended attributes", TAR_XATTRS);
	x->xattrs[x->n_xattrs++] = (struct tar_xattr){ name, value };
	return COFFER_OK;
}

enum key { KEY_PATH, KEY_LINK, KEY_SIZE, KEY_UID, KEY_GID, KEY_MTIME, KEY_XATTR, KEY_SPARSE, KEY_OTHER };

static enum key key_of(struct span k)
{
	static const struct { const char *name; enum key key; } keys[] = {
		{ "path", KEY_PATH }, { "linkpath", KEY_LINK }, { "size", KEY_SIZE },
		{ "uid", KEY_UID }, { "gid", KEY_GID }, { "mtime", KEY_MTIME },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (span_eq_str(k, keys[i].name))
			return keys[i].key;
	if (span_starts(k, XATTR_PREFIX))
		return KEY_XATTR;
	return span_starts(k, "GNU.sparse.") ? KEY_SPARSE : KEY_OTHER;
}

static enum coffer_rc apply(const struct record *r, struct tar_entry *x, struct err *e)
{
	bool ok = true;

	switch (key_of(r->key)) {
	case KEY_PATH: x->path = r->value; break;
	case KEY_LINK: x->link = r->value; break;
	case KEY_SIZE: ok = read_size(r->value, &x->size); break;
	case KEY_UID: ok = read_id(r->value, &x->uid); break;
	case KEY_GID: ok = read_id(r->value, &x->gid); break;
	case KEY_MTIME: ok = read_time(r->value, &x->mtime, &x->mtime_ns); break;
	case KEY_XATTR: return add_xattr(span_skip(r->key, sizeof(XATTR_PREFIX) - 1), r->value, x, e);
	case KEY_SPARSE: return err_set(e, COFFER_E_INPUT, "the archive holds a sparse file, which is not read");
	case KEY_OTHER: break;
	}
	if (!ok)
		return err_set(e, COFFER_E_INPUT, "a pax record \"%.*s\" is malformed", (int)r->key.n, (const char *)r->key.p);
	return COFFER_OK;
}

enum coffer_rc tarpax_apply(struct span records, struct tar_entry *x, struct err *e)
{
	while (records.n > 0) {
		struct record r;

		if (!next_record(&records, &r))
			return err_set(e, COFFER_E_INPUT, "a pax header of the archive is malformed");
		/* an empty value takes the record back: the header field counts (POSIX.1-2017 pax, extended header) */
		if (r.value.n > 0 || key_of(r.key) == KEY_XATTR)
			TRY(apply(&r, x, e));
	}
	return COFFER_OK;
}

enum coffer_rc tarpax_check_global(struct span records, struct err *e)
{
	while (records.n > 0) {
		struct record r;

		if (!next_record(&records, &r))
			return err_set(e, COFFER_E_INPUT, "a global pax header of the archive is malformed");
		if (key_of(r.key) != KEY_OTHER)
			return err_set(e, COFFER_E_INPUT, "a global pax header sets a field of every entry, which is refused");
	}
	return COFFER_OK;
}
