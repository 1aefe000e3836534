#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/wr.h"
#include "fmt/json.h"

const char *cli_opt_at(const struct cli *c, const char *name, size_t i)
{
	for (size_t k = 0; k < c->n_values; k++)
		if (strcmp(c->name[k], name) == 0 && i-- == 0)
			return c->value[k];
	return NULL;
}

const char *cli_opt(const struct cli *c, const char *name)
{
	const char *last = NULL;

	for (size_t k = 0; k < c->n_values; k++)
		if (strcmp(c->name[k], name) == 0)
			last = c->value[k];
	return last;
}

bool cli_flag(const struct cli *c, const char *name)
{
	return cli_opt(c, name) != NULL;
}

static const struct opt_spec common[] = {
	{ "home", "DIR", "keys and configuration of this party (default $COFFER_HOME, else ~/.config/coffer)", false, false },
	{ "json", NULL, "print JSON", false, false },
	{ NULL, NULL, NULL, false, false },
};

static const struct opt_spec *find_in(const struct opt_spec *o, const char *name, size_t n)
{
	for (; o && o->name; o++)
		if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
			return o;
	return NULL;
}

static int usage_error(const struct verb *v, const char *what, const char *which)
{
	(void)fprintf(stderr, "coffer %s: %s%s%s\nTry 'coffer %s --help'.\n", v->path, what, *which ? " " : "", which, v->path);
	return 2;
}

static int missing_option(const struct verb *v, const char *name)
{
	char option[64];

	(void)snprintf(option, sizeof(option), "%s%s", name[1] ? "--" : "-", name);
	return usage_error(v, "missing option:", option);
}

/* "--name" or "-x": the dashes of an option, 0 when the word is none. */
static size_t dashes(const char *word)
{
	if (strncmp(word, "--", 2) == 0)
		return 2;
	return word[0] == '-' && ((word[1] | 0x20) >= 'a' && (word[1] | 0x20) <= 'z') && !word[2] ? 1 : 0;
}

/* One "--name[=value]" or "-x value"; returns how many words it took, 0 on a usage error already printed. */
static int take_option(const struct verb *v, int left, char **argv, struct cli *c)
{
	const char *word = argv[0] + dashes(argv[0]), *eq = strchr(word, '=');
	size_t n = eq ? (size_t)(eq - word) : strlen(word);
	const struct opt_spec *o = find_in(v->opts, word, n);
	const char *value = eq ? eq + 1 : NULL;
	int took = 1;

	if (!o)
		o = find_in(common, word, n);
	if (!o || (strlen(o->name) == 1) != (dashes(argv[0]) == 1))
		return (void)usage_error(v, "unknown option", argv[0]), 0;
	if (!o->arg && value)
		return (void)usage_error(v, "this option takes no value:", argv[0]), 0;
	if (o->arg && !value) {
		if (left < 2)
			return (void)usage_error(v, "this option needs a value:", argv[0]), 0;
		if (dashes(argv[1]) == 2 && find_in(v->opts, argv[1] + 2, strlen(argv[1] + 2)))
			return (void)usage_error(v, "this option needs a value, and the next word is another option:", argv[0]), 0;
		value = argv[1];
		took = 2;
	}
	if (!o->many && cli_opt(c, o->name))
		return (void)usage_error(v, "given twice:", argv[0]), 0;
	if (c->n_values == CLI_VALUES_MAX)
		return (void)usage_error(v, "too many options at", argv[0]), 0;
	c->name[c->n_values] = o->name;
	c->value[c->n_values++] = value ? value : "";
	return took;
}

static int check_complete(const struct verb *v, const struct cli *c)
{
	if (c->n_pos < v->min_pos)
		return usage_error(v, "missing argument:", v->args);
	if (c->n_pos > v->max_pos)
		return usage_error(v, "unexpected argument:", c->pos[v->max_pos]);
	for (const struct opt_spec *o = v->opts; o && o->name; o++)
		if (o->required && !cli_opt(c, o->name))
			return missing_option(v, o->name);
	return -1;
}

int cli_parse(const struct verb *v, int argc, char **argv, struct cli *out)
{
	struct cli c = { .verb = v };
	bool only_words = false;

	for (int i = 0; i < argc;) {
		if (!only_words && strcmp(argv[i], "--help") == 0) {
			cli_help_verb(stdout, v);
			return 0;
		}
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
			i++;
		} else if (!only_words && dashes(argv[i])) {
			int took = take_option(v, argc - i, argv + i, &c);

			if (took == 0)
				return 2;
			i += took;
		} else if (c.n_pos == CLI_POS_MAX) {
			return usage_error(v, "too many arguments at", argv[i]);
		} else {
			c.pos[c.n_pos++] = argv[i++];
		}
	}
	c.json = cli_flag(&c, "json");
	c.home = cli_opt(&c, "home");
	*out = c;
	return check_complete(v, &c);
}

#define USAGE "usage" /* in place of a check's name, with COFFER_E_INPUT */

enum coffer_rc cli_bad(struct err *e, const char *fmt, ...)
{
	char msg[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	(void)err_set(e, COFFER_E_INPUT, "%s", msg);
	(void)snprintf(e->check, sizeof(e->check), USAGE);
	return COFFER_E_INPUT;
}

enum coffer_rc cli_arg(enum coffer_rc rc, struct err *e)
{
	if (rc != COFFER_E_INPUT && rc != COFFER_E_LIMIT)
		return rc;
	e->rc = COFFER_E_INPUT;
	(void)snprintf(e->check, sizeof(e->check), USAGE);
	return COFFER_E_INPUT;
}

int cli_exit_code(const struct err *e)
{
	if (e->rc == COFFER_E_INPUT && strcmp(e->check, USAGE) == 0)
		return 2;
	switch (e->rc) {
	case COFFER_OK: return 0;
	case COFFER_E_DENIED: return 1;
	case COFFER_E_INPUT:
	case COFFER_E_LIMIT: return 3;
	case COFFER_E_NOTFOUND:
	case COFFER_E_UPSTREAM: return 4;
	case COFFER_E_SYSTEM:
	case COFFER_E_BUG: return 5;
	}
	return 5;
}

static void fail_json(const struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(64u << 10);
	struct json_wr j = jw_open(&w, true);

	jw_obj(&j);
	jw_name(&j, "error");
	jw_obj(&j);
	jw_m_text(&j, "check", e->check);
	jw_m_text(&j, "reason", e->msg);
	jw_obj_end(&j);
	jw_obj_end(&j);
	if (wr_ok(&w))
		(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
}

int cli_fail(const struct cli *c, const struct err *e)
{
	if (c->json)
		fail_json(e);
	if (e->rc == COFFER_E_DENIED && e->check[0])
		(void)fprintf(stderr, "refused: %s: %s\n", e->check, e->msg);
	else
		(void)fprintf(stderr, "coffer %s: %s\n", c->verb->path, e->msg);
	return cli_exit_code(e);
}
