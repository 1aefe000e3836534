/* Shared by the two halves of the TOML reader: structure (toml.c), scalars (toml_scalar.c). */
#pragma once
#include "fmt/json_build.h"

struct toml {
	struct span        in;
	size_t             pos;       /* next byte */
	size_t             line, bol; /* line number from 1; where that line begins */
	unsigned           depth;     /* of arrays and inline tables around pos */
	struct json_build *b;
	struct json       *root;
	struct json       *here;      /* the table that the last header opened */
	enum coffer_rc     rc;        /* what to answer after a failure, */
	const char        *why;       /* and why; the place is pos */
};

bool toml_fail(struct toml *t, const char *why); /* always false */
bool toml_fail_memory(struct toml *t);           /* always false */

uint8_t toml_peek(const struct toml *t); /* 0 at the end; no rule accepts a NUL */
bool    toml_end(const struct toml *t);
bool    toml_newline(struct toml *t);    /* LF or CRLF, when there is one */
void    toml_blank(struct toml *t);      /* spaces and tabs */
bool    toml_control(uint8_t c);         /* must not stand in comments and strings */

/* One part of a dotted key: bare, "basic" or 'literal'. */
bool toml_key(struct toml *t, struct wr *w) NODISCARD;

/* A string of any of the four forms; NULL on failure. */
struct json *toml_string(struct toml *t);

/* true, false or an integer; NULL on failure. */
struct json *toml_plain(struct toml *t);
