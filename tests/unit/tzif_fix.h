/* Time zone files that tests make. */
#pragma once
#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"

struct made_type { int32_t offset; uint8_t dst, name; };

struct made_zone {
	char           version; /* 0, '2', '3', '4' */
	const int64_t *time;
	const uint8_t *index;
	size_t         n;
	const struct made_type *type;
	size_t         n_types;
	const char    *names;   /* n_names bytes, each name ended by a NUL */
	size_t         n_names;
	const char    *footer;
	uint32_t       leap, std, ut;
};

static inline void made_block(struct wr *w, const struct made_zone *z, size_t width)
{
	wr_str(w, "TZif");
	wr_u8(w, (uint8_t)z->version);
	wr_put(w, (struct span){ (const uint8_t[15]){ 0 }, 15 });
	wr_be32(w, z->ut);
	wr_be32(w, z->std);
	wr_be32(w, z->leap);
	wr_be32(w, (uint32_t)z->n);
	wr_be32(w, (uint32_t)z->n_types);
	wr_be32(w, (uint32_t)z->n_names);
	for (size_t i = 0; i < z->n; i++) {
		if (width == 8)
			wr_be64(w, (uint64_t)z->time[i]);
		else
			wr_be32(w, (uint32_t)z->time[i]);
	}
	wr_put(w, (struct span){ z->index, z->n });
	for (size_t i = 0; i < z->n_types; i++) {
		wr_be32(w, (uint32_t)z->type[i].offset);
		wr_u8(w, z->type[i].dst);
		wr_u8(w, z->type[i].name);
	}
	wr_put(w, (struct span){ (const uint8_t *)z->names, z->n_names });
	for (size_t i = 0; i < z->std + z->ut + z->leap * (width + 4); i++)
		wr_u8(w, 0);
}

static inline struct wr made_file(const struct made_zone *z)
{
	struct wr w = wr_open(1 << 20);

	made_block(&w, z, 4);
	if (z->version) {
		made_block(&w, z, 8);
		wr_fmt(&w, "\n%s\n", z->footer);
	}
	return w;
}

/* A place in the north: local mean time until 1938, one summer by the table, then the rule for ever. */
static const int64_t made_time[] = { -1000000000, 100000000, 120618000 };
static const uint8_t made_index[] = { 1, 2, 1 };
static const struct made_type made_types[] = { { 3208, 0, 0 }, { 3600, 0, 4 }, { 7200, 1, 8 } };
#define MADE_NORTH                                                                                                               \
	((struct made_zone){ .version = '2', .time = made_time, .index = made_index, .n = 3, .type = made_types, .n_types = 3,   \
	    .names = "LMT\0NST\0NDT", .n_names = 12, .footer = "NST-1NDT,M3.5.0,M10.5.0/3" })

/* No table: the footer says it all. */
#define MADE_RULE(rule) \
	((struct made_zone){ .version = '3', .type = made_types, .n_types = 1, .names = "LMT", .n_names = 4, .footer = (rule) })
