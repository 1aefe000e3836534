/* The command line: a table of verbs, one parser, one way to end.
 *
 * A verb is data (struct verb) and one function. Help, completion and the man page come
 * from the same table, so that none of them can lag behind.
 */
#pragma once
#include <stdio.h>

#include "base/err.h"
#include "base/rd.h"

#define CLI_VALUES_MAX 256
#define CLI_POS_MAX 1024

struct opt_spec {
	const char *name; /* without the dashes: two, or one before a single letter */
	const char *arg;  /* NULL = a flag */
	const char *help;
	bool        many; /* may be given several times */
	bool        required;
};

struct cli {
	const struct verb *verb;
	const char *name[CLI_VALUES_MAX]; /* options in the order given; spec names */
	const char *value[CLI_VALUES_MAX];
	size_t      n_values;
	const char *pos[CLI_POS_MAX];
	size_t      n_pos;
	bool        json;
	const char *home; /* folder of this party's keys and configuration */
};

struct verb {
	const char *path;    /* "asset put" */
	const char *args;    /* "PATH" */
	const char *persona; /* who uses it, for the help */
	const char *summary; /* one line */
	const char *help;    /* further text, or NULL */
	const struct opt_spec *opts; /* ends with a NULL name; NULL = none */
	size_t      min_pos, max_pos;
	enum coffer_rc (*run)(struct cli *c, struct err *e);
	int       (*exits)(struct cli *c, struct err *e); /* instead of run: has exit codes of its own */
	int       (*raw)(int argc, char **argv); /* instead of run: parses for itself */
};

extern const struct verb cli_verbs[];

const char *cli_opt(const struct cli *c, const char *name);             /* last value or NULL */
const char *cli_opt_at(const struct cli *c, const char *name, size_t i); /* i-th value or NULL */
bool        cli_flag(const struct cli *c, const char *name);

/* An option or argument with a value that cannot be right: exit code 2, as other mistakes of usage. */
enum coffer_rc cli_bad(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* What the reader of an option or argument said of it: malformed or too long is a mistake of usage there, too. */
enum coffer_rc cli_arg(enum coffer_rc rc, struct err *e);

/* Parses argv for the verb; exit code to end with, or -1 to go on. */
int cli_parse(const struct verb *v, int argc, char **argv, struct cli *out);

void cli_help_top(FILE *f);
void cli_help_group(FILE *f, const char *group);
void cli_help_verb(FILE *f, const struct verb *v);
void cli_man(FILE *f);        /* coffer(1) in roff, from the table */
void cli_completion(FILE *f); /* bash */

int  cli_exit_code(const struct err *e);
/* Prints "refused: <check>: <reason>" or "coffer <verb>: <reason>" on stderr (with --json an object on stdout). */
int  cli_fail(const struct cli *c, const struct err *e);
