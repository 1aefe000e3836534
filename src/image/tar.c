#include "image/tar.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "image/tarpax.h"

#define BLOCK 512u

enum state { AT_HEADER, IN_EXT, IN_DATA, IN_PAD, AT_TAIL, DEAD };
enum ext_kind { EXT_PAX, EXT_GLOBAL, EXT_NAME, EXT_LINK };

struct tar {
	struct tar_sink sink;
	enum state state;
	uint8_t block[BLOCK];
	size_t have;       /* bytes of block */
	uint64_t left;     /* bytes of data, extension or padding to come */
	size_t pad;        /* padding behind the present data */
	enum ext_kind ext_kind;
	struct wr ext;     /* extension being read */
	size_t n_ext;      /* extensions before the entry to come */
	bool seen_zero;
	struct wr pax;     /* records for the entry to come; its spans point here */
	bool have_pax;
	struct wr gnu_name, gnu_link;
	bool have_name, have_link;
	struct wr joined;  /* prefix + "/" + name */
	struct tar_entry entry;
};

enum coffer_rc tar_open(const struct tar_sink *s, struct tar **out, struct err *e)
{
	struct tar *t = calloc(1, sizeof(*t));

	if (!t)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	t->sink = *s;
	t->ext = wr_open(TAR_EXT_MAX);
	t->pax = wr_open(TAR_EXT_MAX);
	t->gnu_name = wr_open(TAR_EXT_MAX);
	t->gnu_link = wr_open(TAR_EXT_MAX);
	t->joined = wr_open(TAR_NAME_MAX);
	*out = t;
	return COFFER_OK;
}

void tar_free(struct tar *t)
{
	if (!t)
		return;
	wr_close(&t->ext);
	wr_close(&t->pax);
	wr_close(&t->gnu_name);
	wr_close(&t->gnu_link);
	wr_close(&t->joined);
	free(t);
}

/* ---- fields of a header block (POSIX.1-2017 pax, "ustar Interchange Format") ---- */

static struct span field(const struct tar *t, size_t off, size_t n)
{
	return (struct span){ t->block + off, n };
}

/* Text ends at the first NUL or at the end of its field. */
static struct span text_field(const struct tar *t, size_t off, size_t n)
{
	struct span f = field(t, off, n);

	f.n = span_find(f, 0);
	return f;
}

/* Octal, or GNU base-256 when the top bit is set. Signed results only where the caller allows them. */
static bool base256(struct span f, int64_t *out)
{
	bool negative = (f.p[0] & 0x40) != 0;
	uint64_t v = negative ? ~(uint64_t)0 : 0;

	for (size_t i = 0; i < f.n; i++) {
		uint8_t b = i == 0 ? (uint8_t)((f.p[0] & 0x7f) | (negative ? 0x80 : 0)) : f.p[i];

		/* what is shifted out must be sign only */
		if (i >= 1 && (v >> 55) != (negative ? 0x1ff : 0))
			return false;
		v = v << 8 | b;
	}
	*out = (int64_t)v;
	return true;
}

static bool number(struct span f, int64_t *out)
{
	size_t i = 0;
	int64_t v = 0;

	if ((f.p[0] & 0x80) != 0)
		return base256(f, out);
	while (i < f.n && f.p[i] == ' ')
		i++;
	for (; i < f.n && f.p[i] >= '0' && f.p[i] <= '7'; i++)
		v = v << 3 | (f.p[i] - '0'); /* at most 12 digits: 36 bits */
	for (; i < f.n; i++)
		if (f.p[i] != ' ' && f.p[i] != 0)
			return false;
	*out = v;
	return true;
}

static bool number_u32(struct span f, uint32_t *out)
{
	int64_t v;

	if (!number(f, &v) || v < 0 || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool checksum_ok(const struct tar *t)
{
	uint32_t want, sum = 8u * ' ';

	for (size_t i = 0; i < BLOCK; i++)
		if (i < 148 || i >= 156)
			sum += t->block[i];
	return number_u32(field(t, 148, 8), &want) && want == sum;
}

static enum coffer_rc read_type(uint8_t flag, enum tar_type *out, struct err *e)
{
	static const struct { uint8_t flag; enum tar_type type; } types[] = {
		{ 0, TAR_FILE }, { '0', TAR_FILE }, { '7', TAR_FILE }, { '1', TAR_HARDLINK }, { '2', TAR_SYMLINK },
		{ '3', TAR_CHAR }, { '4', TAR_BLOCK }, { '5', TAR_DIR }, { '6', TAR_FIFO },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].flag == flag) {
			*out = types[i].type;
			return COFFER_OK;
		}
	}
	if (flag == 'S')
		return err_set(e, COFFER_E_INPUT, "the archive holds a sparse file, which is not read");
	return err_set(e, COFFER_E_INPUT, "the archive holds an entry of unknown type 0x%02x", flag);
}

/* ---- one entry ---- */

static enum coffer_rc set_path(struct tar *t, struct err *e)
{
	struct span name = text_field(t, 0, 100);
	struct span prefix = text_field(t, 345, 155);
	/* GNU's own magic ("ustar  ") keeps other things where POSIX keeps the prefix */
	bool posix = span_eq(field(t, 257, 6), (struct span){ (const uint8_t *)"ustar\0", 6 });

	if (t->have_name) {
		t->entry.path = wr_span(&t->gnu_name);
	} else if (posix && prefix.n > 0) {
		t->joined.n = 0;
		wr_put(&t->joined, prefix);
		wr_u8(&t->joined, '/');
		wr_put(&t->joined, name);
		TRY(wr_done(&t->joined, "a name of the archive", e));
		t->entry.path = wr_span(&t->joined);
	} else {
		t->entry.path = name;
	}
	t->entry.link = t->have_link ? wr_span(&t->gnu_link) : text_field(t, 157, 100);
	return COFFER_OK;
}

static enum coffer_rc read_numbers(struct tar *t, struct err *e)
{
	struct tar_entry *x = &t->entry;
	int64_t size, mtime;
	bool dev = x->type == TAR_CHAR || x->type == TAR_BLOCK;

	if (!number_u32(field(t, 100, 8), &x->mode) || !number_u32(field(t, 108, 8), &x->uid) ||
	    !number_u32(field(t, 116, 8), &x->gid) || !number(field(t, 124, 12), &size) || size < 0 ||
	    !number(field(t, 136, 12), &mtime))
		return err_set(e, COFFER_E_INPUT, "a header of the archive has a malformed number");
	if (dev && (!number_u32(field(t, 329, 8), &x->major) || !number_u32(field(t, 337, 8), &x->minor)))
		return err_set(e, COFFER_E_INPUT, "a header of the archive has a malformed device number");
	x->mode &= 07777;
	x->size = (uint64_t)size;
	x->mtime = mtime;
	return COFFER_OK;
}

static enum coffer_rc check_names(struct tar_entry *x, struct err *e)
{
	bool is_link = x->type == TAR_HARDLINK || x->type == TAR_SYMLINK;

	if (!is_link)
		x->link = (struct span){ 0 };
	if (x->path.n > TAR_NAME_MAX || x->link.n > TAR_NAME_MAX)
		return err_set(e, COFFER_E_LIMIT, "a name in the archive is over %d bytes", TAR_NAME_MAX);
	if (x->path.n == 0 || (is_link && x->link.n == 0))
		return err_set(e, COFFER_E_INPUT, "the archive holds an entry without a name");
	if (span_find(x->path, 0) != x->path.n || span_find(x->link, 0) != x->link.n)
		return err_set(e, COFFER_E_INPUT, "a name in the archive holds a NUL byte");
	return COFFER_OK;
}

/* Before POSIX a folder was a plain entry whose name ends in a slash. */
static enum coffer_rc settle_type(struct tar_entry *x, struct err *e)
{
	if (x->type == TAR_FILE && span_ends(x->path, "/")) {
		if (x->size != 0)
			return err_set(e, COFFER_E_INPUT, "the archive holds a folder with contents of a file");
		x->type = TAR_DIR;
	}
	if (x->type != TAR_FILE)
		x->size = 0;
	if (x->uid == UINT32_MAX || x->gid == UINT32_MAX)
		return err_set(e, COFFER_E_INPUT, "the archive names owner 2^32-1, which is no user");
	return COFFER_OK;
}

static enum coffer_rc finish_file(struct tar *t, struct err *e)
{
	t->state = t->pad > 0 ? IN_PAD : AT_HEADER;
	t->left = t->pad;
	return t->sink.close(t->sink.arg, e);
}

static enum coffer_rc begin_entry(struct tar *t, uint8_t flag, struct err *e)
{
	struct tar_entry *x = &t->entry;

	x->n_xattrs = 0;
	x->mtime_ns = 0;
	x->major = x->minor = 0;
	TRY(read_type(flag, &x->type, e));
	TRY(set_path(t, e));
	TRY(read_numbers(t, e));
	if (t->have_pax)
		TRY(tarpax_apply(wr_span(&t->pax), x, e));
	TRY(check_names(x, e));
	TRY(settle_type(x, e));
	TRY(t->sink.entry(t->sink.arg, x, e));

	t->have_pax = t->have_name = t->have_link = false;
	t->n_ext = 0;
	if (x->type != TAR_FILE)
		return COFFER_OK;
	t->left = x->size;
	t->pad = (size_t)(-x->size & (BLOCK - 1));
	if (t->left == 0)
		return finish_file(t, e);
	t->state = IN_DATA;
	return COFFER_OK;
}

/* ---- extension headers ---- */

static bool ext_of(uint8_t flag, enum ext_kind *out)
{
	switch (flag) {
	case 'x': *out = EXT_PAX; return true;
	case 'g': *out = EXT_GLOBAL; return true;
	case 'L': *out = EXT_NAME; return true;
	case 'K': *out = EXT_LINK; return true;
	default: return false;
	}
}

static void take_bytes(struct wr *dst, struct span s)
{
	dst->n = 0;
	wr_put(dst, s);
}

static enum coffer_rc finish_ext(struct tar *t, struct err *e)
{
	struct span s = wr_span(&t->ext);
	struct span text = { s.p, span_find(s, 0) }; /* GNU ends its names with a NUL */

	t->state = t->pad > 0 ? IN_PAD : AT_HEADER;
	t->left = t->pad;
	switch (t->ext_kind) {
	case EXT_PAX:
		t->have_pax = true;
		take_bytes(&t->pax, s);
		return wr_done(&t->pax, "a pax header", e);
	case EXT_GLOBAL:
		return tarpax_check_global(s, e);
	case EXT_NAME:
		t->have_name = true;
		take_bytes(&t->gnu_name, text);
		return wr_done(&t->gnu_name, "a long name", e);
	case EXT_LINK:
		t->have_link = true;
		take_bytes(&t->gnu_link, text);
		return wr_done(&t->gnu_link, "a long link name", e);
	}
	return err_set(e, COFFER_E_BUG, "tar: unknown extension");
}

static enum coffer_rc begin_ext(struct tar *t, struct err *e)
{
	int64_t size;

	if (!number(field(t, 124, 12), &size) || size < 0)
		return err_set(e, COFFER_E_INPUT, "an extension header of the archive has a malformed size");
	if ((uint64_t)size > TAR_EXT_MAX)
		return err_set(e, COFFER_E_LIMIT, "an extension header of the archive is over %zu bytes", TAR_EXT_MAX);
	if (++t->n_ext > TAR_EXT_RUN)
		return err_set(e, COFFER_E_LIMIT, "more than %d extension headers before one entry", TAR_EXT_RUN);
	t->left = (uint64_t)size;
	t->pad = (size_t)(-(uint64_t)size & (BLOCK - 1));
	t->ext.n = 0;
	if (t->left == 0)
		return finish_ext(t, e);
	t->state = IN_EXT;
	return COFFER_OK;
}

/* ---- the stream ---- */

static bool all_zero(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 0)
			return false;
	return true;
}

static enum coffer_rc on_block(struct tar *t, struct err *e)
{
	uint8_t flag = t->block[156];

	t->have = 0;
	if (all_zero(SPAN(t->block))) {
		if (t->n_ext > 0)
			return err_set(e, COFFER_E_INPUT, "the archive ends behind an extension header");
		t->state = AT_TAIL;
		return COFFER_OK;
	}
	if (!checksum_ok(t))
		return err_set(e, COFFER_E_INPUT, "a header of the archive has a wrong checksum");
	if (ext_of(flag, &t->ext_kind))
		return begin_ext(t, e);
	return begin_entry(t, flag, e);
}

static enum coffer_rc step_header(struct tar *t, struct span in, size_t *used, struct err *e)
{
	*used = BLOCK - t->have < in.n ? BLOCK - t->have : in.n;
	memcpy(t->block + t->have, in.p, *used);
	t->have += *used;
	return t->have == BLOCK ? on_block(t, e) : COFFER_OK;
}

static enum coffer_rc step_body(struct tar *t, struct span in, size_t *used, struct err *e)
{
	*used = t->left < in.n ? (size_t)t->left : in.n;
	in.n = *used;
	t->left -= *used;
	if (t->state == IN_EXT) {
		wr_put(&t->ext, in);
		TRY(wr_done(&t->ext, "an extension header", e));
		return t->left == 0 ? finish_ext(t, e) : COFFER_OK;
	}
	TRY(t->sink.data(t->sink.arg, in, e));
	return t->left == 0 ? finish_file(t, e) : COFFER_OK;
}

static enum coffer_rc step(struct tar *t, struct span in, size_t *used, struct err *e)
{
	switch (t->state) {
	case AT_HEADER:
		return step_header(t, in, used, e);
	case IN_EXT:
	case IN_DATA:
		return step_body(t, in, used, e);
	case IN_PAD:
		*used = t->left < in.n ? (size_t)t->left : in.n;
		t->left -= *used;
		if (t->left == 0)
			t->state = AT_HEADER;
		return COFFER_OK;
	case AT_TAIL:
		/* Readers disagree on what follows the end marker, so only zeros may. */
		*used = in.n;
		if (!all_zero(in))
			return err_set(e, COFFER_E_INPUT, "the archive goes on behind its end marker");
		return COFFER_OK;
	case DEAD:
		break;
	}
	return err_set(e, COFFER_E_INPUT, "the archive was refused before");
}

enum coffer_rc tar_add(struct tar *t, struct span in, struct err *e)
{
	while (in.n > 0) {
		size_t used = 0;
		enum coffer_rc rc = step(t, in, &used, e);

		if (rc != COFFER_OK) {
			t->state = DEAD;
			return rc;
		}
		in = span_skip(in, used);
	}
	return COFFER_OK;
}

enum coffer_rc tar_end(struct tar *t, struct err *e)
{
	bool between = t->state == AT_HEADER && t->have == 0 && t->n_ext == 0;

	if (t->state == IN_PAD && t->n_ext == 0)
		between = true; /* only padding is missing */
	if (!between && t->state != AT_TAIL)
		return err_set(e, COFFER_E_INPUT, "the archive is cut off");
	t->state = DEAD;
	return COFFER_OK;
}
