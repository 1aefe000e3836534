#include "base/wr.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOMY (32u << 10)

struct wr wr_open(size_t max)
{
	return (struct wr){ .max = max };
}

void wr_close(struct wr *w)
{
	if (w->p) {
		explicit_bzero(w->p, w->cap);
		free(w->p);
	}
	*w = (struct wr){ .max = w->max };
}

/* One byte more than asked for stays free, so that wr_take can add its NUL.
 * Not realloc: the old block must be wiped, not handed back with its content. */
static bool reserve(struct wr *w, size_t n)
{
	size_t cap = w->cap ? w->cap : w->max < ROOMY ? 256 : 2048; /* who may write much does: not to be copied again and again */
	uint8_t *p;

	if (w->bad || n > w->max - w->n) {
		w->bad = true;
		return false;
	}
	if (w->p && w->cap - w->n > n)
		return true;
	while (cap - w->n <= n)
		cap *= 2;
	p = malloc(cap);
	if (!p) {
		w->bad = true;
		return false;
	}
	if (w->p) {
		memcpy(p, w->p, w->n);
		explicit_bzero(w->p, w->cap);
		free(w->p);
	}
	w->p = p;
	w->cap = cap;
	return true;
}

void wr_expect(struct wr *w, size_t n)
{
	if (!w->bad && n <= w->max - w->n)
		(void)reserve(w, n);
}

uint8_t *wr_room(struct wr *w, size_t n)
{
	uint8_t *p;

	if (!reserve(w, n))
		return NULL;
	p = w->p + w->n;
	w->n += n;
	return p;
}

void wr_put(struct wr *w, struct span s)
{
	if (!reserve(w, s.n) || s.n == 0)
		return;
	memcpy(w->p + w->n, s.p, s.n);
	w->n += s.n;
}

static void be(struct wr *w, uint64_t v, unsigned n)
{
	uint8_t b[8];

	for (unsigned i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	wr_put(w, (struct span){ b, n });
}

static void le(struct wr *w, uint64_t v, unsigned n)
{
	uint8_t b[8];

	for (unsigned i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	wr_put(w, (struct span){ b, n });
}

void wr_u8(struct wr *w, uint8_t v)
{
	if (reserve(w, 1))
		w->p[w->n++] = v;
}


void wr_be16(struct wr *w, uint16_t v) { be(w, v, 2); }
void wr_be32(struct wr *w, uint32_t v) { be(w, v, 4); }
void wr_be64(struct wr *w, uint64_t v) { be(w, v, 8); }
void wr_le32(struct wr *w, uint32_t v) { le(w, v, 4); }
void wr_le64(struct wr *w, uint64_t v) { le(w, v, 8); }

void wr_str(struct wr *w, const char *s)
{
	wr_put(w, (struct span){ (const uint8_t *)s, strlen(s) });
}

void wr_fmt(struct wr *w, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		w->bad = true;
	else if (reserve(w, (size_t)n))
		w->n += (size_t)vsnprintf((char *)w->p + w->n, (size_t)n + 1, fmt, again);
	va_end(again);
}

void wr_blob32(struct wr *w, struct span s)
{
	if (s.n > UINT32_MAX) {
		w->bad = true;
		return;
	}
	wr_be32(w, (uint32_t)s.n);
	wr_put(w, s);
}

bool wr_ok(const struct wr *w)
{
	return !w->bad;
}

struct span wr_span(const struct wr *w)
{
	return w->bad ? (struct span){ 0 } : (struct span){ w->p, w->n };
}

enum coffer_rc wr_done(const struct wr *w, const char *what, struct err *e)
{
	if (w->bad)
		return err_set(e, COFFER_E_LIMIT, "%s: longer than %zu bytes, or out of memory", what, w->max);
	return COFFER_OK;
}

char *wr_take(struct wr *w, size_t *n)
{
	char *out;

	if (!reserve(w, 0))
		return NULL;
	w->p[w->n] = 0;
	out = (char *)w->p;
	if (n)
		*n = w->n;
	*w = (struct wr){ .max = w->max };
	return out;
}

void wr_fit(struct wr *w)
{
	uint8_t *p = w->bad || w->n == 0 || w->cap == w->n + 1 ? NULL : malloc(w->n + 1);

	if (!p)
		return;
	memcpy(p, w->p, w->n);
	explicit_bzero(w->p, w->cap);
	free(w->p);
	w->p = p;
	w->cap = w->n + 1;
}

struct span rd_blob32(struct rd *r, size_t max)
{
	uint32_t n = rd_be32(r);

	return rd_span(r, rd_count(r, n, 1, max));
}
