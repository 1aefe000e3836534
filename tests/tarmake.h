/* Makes small archives for tests, right and wrong ones. */
#pragma once
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/wr.h"

struct tm_entry {
	char type;
	const char *name;
	const char *link;
	const char *data;
	unsigned mode; /* 0: 0644, folders 0755 */
	unsigned uid, gid, major, minor;
	long long mtime;
	unsigned long long size; /* 0: strlen(data) */
};

static inline void tm_pad(struct wr *w)
{
	static const uint8_t zero[512];

	wr_put(w, (struct span){ zero, -w->n & 511 });
}

static inline void tm_sum(uint8_t block[static 512])
{
	unsigned sum = 0;
	char text[8];

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += block[i];
	(void)snprintf(text, sizeof(text), "%06o", sum);
	memcpy(block + 148, text, 7);
}

static inline void tm_header(struct wr *w, const struct tm_entry *x)
{
	uint8_t b[512] = { 0 };
	char num[24];
	unsigned long long size = x->size ? x->size : x->data ? strlen(x->data) : 0;

	memcpy(b, x->name, strlen(x->name) < 100 ? strlen(x->name) : 100);
	if (x->link)
		memcpy(b + 157, x->link, strlen(x->link) < 100 ? strlen(x->link) : 100);
	(void)snprintf(num, sizeof(num), "%07o", x->mode ? x->mode : x->type == '5' ? 0755u : 0644u);
	memcpy(b + 100, num, 8);
	(void)snprintf(num, sizeof(num), "%07o", x->uid);
	memcpy(b + 108, num, 8);
	(void)snprintf(num, sizeof(num), "%07o", x->gid);
	memcpy(b + 116, num, 8);
	(void)snprintf(num, sizeof(num), "%011llo", size);
	memcpy(b + 124, num, 12);
	(void)snprintf(num, sizeof(num), "%011llo", (unsigned long long)x->mtime);
	memcpy(b + 136, num, 12);
	(void)snprintf(num, sizeof(num), "%07o", x->major);
	memcpy(b + 329, num, 8);
	(void)snprintf(num, sizeof(num), "%07o", x->minor);
	memcpy(b + 337, num, 8);
	b[156] = (uint8_t)x->type;
	memcpy(b + 257, "ustar\0" "00", 8);
	tm_sum(b);
	wr_put(w, SPAN(b));
}

static inline void tm_add(struct wr *w, const struct tm_entry *x)
{
	tm_header(w, x);
	if (x->data)
		wr_str(w, x->data);
	tm_pad(w);
}
#define TM(w, ...) tm_add(w, &(struct tm_entry){ __VA_ARGS__ })

/* One pax record as a header of its own; type 'x' or 'g'. */
static inline void tm_pax(struct wr *w, char type, const char *key, const char *value)
{
	char *rec = NULL;
	size_t n = 0, digits = 1;

	for (int i = 0; i < 4; i++) { /* the length counts its own digits */
		char num[24];

		n = digits + 3 + strlen(key) + strlen(value);
		digits = (size_t)snprintf(num, sizeof(num), "%zu", n);
	}
	rec = str_fmt("%zu %s=%s\n", n, key, value);
	TM(w, .type = type, .name = "pax", .data = rec);
	free(rec);
}

static inline void tm_end(struct wr *w)
{
	static const uint8_t zero[1024];

	wr_put(w, SPAN(zero));
}
