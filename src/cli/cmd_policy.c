/* coffer policy eval, coffer policy check: Rego policies at the command line. */
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/policy_files.h"
#include "cli/verbs.h"
#include "fmt/json.h"
#include "os/zones.h"
#include "policy/lang/ast.h"
#include "policy/value/valtext.h"

#define OUTPUT_MAX (64u << 20)
#define END                                                                                                                      \
	{                                                                                                                        \
		NULL, NULL, NULL, false, false                                                                                   \
	}
#define OPT_V0                                                                                                                   \
	{                                                                                                                        \
		"v0", NULL, "the policies are in Rego v0, as before OPA 1.0", false, false                                       \
	}
#define OPT_STRICT                                                                                                               \
	{                                                                                                                        \
		"strict", NULL, "an error of a built-in function is an error, not undefined", false, false                       \
	}

const struct opt_spec opts_policy_eval[] = { { "d", "FILE", "the base document (JSON)", false, false },
	{ "i", "FILE", "the input (JSON; - is standard input)", false, false },
	{ "p", "FILE", "a policy, or a folder of policies", true, false }, OPT_V0, OPT_STRICT,
	{ "explain", NULL, "say which statements failed, with what they found", false, false },
	{ "secret", "PATH", "leave what is below this path, as input.key, out of the explanation", true, false },
	{ "reference-values", "FILE", "JSON object that query_reference_value answers from (else null)", false, false }, END };
const struct opt_spec opts_policy_check[] = { OPT_V0, END };

static void error_json(struct json_wr *j, const struct rego_error *e)
{
	jw_obj(j);
	jw_m_text(j, "code", rego_code_name(e->code));
	jw_m_text(j, "file", e->file);
	jw_m_u64(j, "line", e->line);
	jw_m_u64(j, "column", e->col);
	jw_m_text(j, "text", e->text);
	jw_obj_end(j);
}

static void error_text(FILE *f, const struct rego_error *e)
{
	if (e->line)
		(void)fprintf(f, "%s:%u:%u: %s: %s\n", e->file, e->line, e->col, rego_code_name(e->code), e->text);
	else
		(void)fprintf(f, "%s%s%s: %s\n", e->file, e->file[0] ? ": " : "", rego_code_name(e->code), e->text);
}

struct eval {
	struct paths paths;
	struct sources src;
	struct rego_policy *policy;
	struct rego_eval *v;
	struct val reference;
	struct zones zones;  /* read as the policy asks for them */
	struct arena *arena; /* of the query's tree */
	const char *path;    /* the query, if it is but the path of a rule */
	struct val result;
	enum rego_outcome out;
	struct rego_error error;
};

static void eval_end(struct eval *x)
{
	rego_eval_free(x->v);
	rego_policy_free(x->policy);
	sources_clear(&x->src);
	paths_clear(&x->paths);
	arena_free(x->arena);
	zones_close(&x->zones);
}

/* A query that is nothing but "data.a.b": then it can be told whether there is such a rule. */
static bool is_path(const struct expr *x)
{
	const struct term *t = x->term;

	if (x->kind != EXPR_TERM || x->negated || x->n_with > 0 || t->kind != TERM_REF || t->paren)
		return false;
	if (t->item[0]->kind != TERM_VAR || !span_eq_str(t->item[0]->name, "data"))
		return false;
	for (size_t i = 1; i < t->n_items; i++)
		if (!term_ground(t->item[i]))
			return false;
	return true;
}

static bool rule_path(struct eval *x, const char *query, bool v0)
{
	struct heap h = { .arena = arena_new(4u << 20), .steps = 1u << 20, .string_max = 1u << 20 };
	struct source s = { "query", span_of(query) };
	struct rego_error e;
	struct body *b;
	char *path;

	x->arena = h.arena;
	if (!h.arena || !rego_parse_query(&h, &s, 0, v0, SOURCE_LIMITS_DEFAULT, &b, &e) || b->n != 1 || !is_path(&b->expr[0]))
		return false;
	path = heap_alloc(&h, b->expr[0].text.n + 1);
	if (!path)
		return false;
	memcpy(path, b->expr[0].text.p, b->expr[0].text.n);
	x->path = path;
	return true;
}

/* The rule's value as the one expression of one result. */
static struct val as_result(struct heap *h, struct val value)
{
	struct pair m[2] = { { val_text(h, "expressions"), val_array(h, &value, 1) },
		{ val_text(h, "bindings"), val_object(h, NULL, 0, NULL) } };
	struct val row = val_object(h, m, 2, NULL);

	return val_array(h, &row, 1);
}

static int64_t now_ns(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static enum coffer_rc set_documents(const struct cli *c, struct eval *x, struct err *e)
{
	struct heap *h = rego_eval_heap(x->v);
	struct val doc;

	if (cli_opt(c, "d")) {
		TRY(policy_json(h, cli_opt(c, "d"), &doc, e));
		rego_eval_data(x->v, doc);
	}
	if (cli_opt(c, "i")) {
		TRY(policy_json(h, cli_opt(c, "i"), &doc, e));
		rego_eval_input(x->v, doc);
	}
	if (cli_opt(c, "reference-values"))
		TRY(policy_json(h, cli_opt(c, "reference-values"), &x->reference, e));
	rego_eval_host(x->v, &x->reference);
	rego_eval_time(x->v, now_ns());
	x->zones = zones_open(ZONES_FOLDER);
	rego_eval_zones(x->v, zones_find, &x->zones);
	return COFFER_OK;
}

static enum coffer_rc evaluate(const struct cli *c, struct eval *x, struct err *e)
{
	CLEANUP(wr_close) struct wr prints = wr_open(REGO_LIMITS_DEFAULT.output_max + 4096);
	const char *secret[CLI_VALUES_MAX];
	size_t n_secret = 0;

	while (n_secret < CLI_VALUES_MAX && (secret[n_secret] = cli_opt_at(c, "secret", n_secret)) != NULL)
		n_secret++;
	x->v = rego_eval_new(x->policy, REGO_LIMITS_DEFAULT);
	if (!x->v)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(set_documents(c, x, e));
	rego_eval_prints(x->v, &prints);
	if (cli_flag(c, "explain"))
		rego_eval_explain(x->v, secret, n_secret);
	if (rule_path(x, c->pos[0], cli_flag(c, "v0"))) {
		x->out = rego_eval_rule(x->v, x->path, &x->result, &x->error);
		if (x->out == REGO_OUT_VALUE)
			x->result = as_result(rego_eval_heap(x->v), x->result);
	} else {
		x->out = rego_eval_query(x->v, span_of(c->pos[0]), &x->result, &x->error);
	}
	rego_eval_prints(x->v, NULL);
	(void)fwrite(prints.p, 1, prints.n, stderr);
	return COFFER_OK;
}

static void explain_json(struct json_wr *j, const struct rego_eval *v)
{
	jw_name(j, "explain");
	jw_arr(j);
	for (size_t i = 0; v && i < rego_explain_len(v); i++) {
		const struct rego_explain_line *l = rego_explain_at(v, i);

		jw_obj(j);
		jw_m_text(j, "file", l->file ? l->file : "");
		jw_m_u64(j, "line", l->at.line);
		jw_m_u64(j, "column", l->at.col);
		jw_m_str(j, "rule", l->rule);
		jw_m_str(j, "statement", l->statement);
		jw_m_str(j, "path", l->path);
		jw_m_str(j, "found", l->found);
		jw_m_str(j, "wanted", l->wanted);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static enum coffer_rc print_json(const struct cli *c, const struct eval *x, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(OUTPUT_MAX), rest = wr_open(OUTPUT_MAX);
	struct json_wr j = jw_open(&rest, false);

	wr_fmt(&w, "{\"outcome\":\"%s\",\"result\":", rego_outcome_name(x->out));
	if (x->out == REGO_OUT_VALUE)
		val_put_json(&w, x->result, NULL, NULL);
	else
		wr_str(&w, "[]");
	jw_obj(&j);
	jw_name(&j, "error");
	if (x->out == REGO_OUT_ERROR)
		error_json(&j, &x->error);
	else
		jw_null(&j);
	if (cli_flag(c, "explain"))
		explain_json(&j, x->v);
	jw_obj_end(&j);
	wr_u8(&w, ',');
	wr_put(&w, span_skip(wr_span(&rest), 1));
	if (!wr_ok(&rest))
		return err_set(e, COFFER_E_LIMIT, "the result is too large to print");
	TRY(wr_done(&w, "result", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

/* What a query's results are to people: its bindings, or the values of its expressions. */
static enum coffer_rc print_results(struct val rows, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(OUTPUT_MAX);

	for (size_t i = 0; i < val_len(rows); i++) {
		struct val bindings = val_gets(val_at(rows, i), "bindings"), values = val_gets(val_at(rows, i), "expressions");

		if (val_len(bindings) > 0) {
			val_put_json(&w, bindings, "", "  ");
			wr_u8(&w, '\n');
			continue;
		}
		for (size_t k = 0; k < val_len(values); k++) {
			val_put_json(&w, val_at(values, k), "", "  ");
			wr_u8(&w, '\n');
		}
	}
	TRY(wr_done(&w, "result", e));
	(void)fwrite(w.p, 1, w.n, stdout);
	return COFFER_OK;
}

static void print_explain(const struct rego_eval *v)
{
	for (size_t i = 0; v && i < rego_explain_len(v); i++) {
		const struct rego_explain_line *l = rego_explain_at(v, i);

		(void)printf("%s:%u:%u: %.*s: %.*s", l->file ? l->file : "", l->at.line, l->at.col, (int)l->rule.n,
		    (const char *)l->rule.p, (int)l->statement.n, (const char *)l->statement.p);
		if (l->path.n > 0)
			(void)printf(
			    "; %.*s is %.*s", (int)l->path.n, (const char *)l->path.p, (int)l->found.n, (const char *)l->found.p);
		if (l->wanted.n > 0)
			(void)printf(", wanted %.*s", (int)l->wanted.n, (const char *)l->wanted.p);
		(void)putchar('\n');
	}
}

static enum coffer_rc print_text(const struct cli *c, const struct eval *x, struct err *e)
{
	if (x->out == REGO_OUT_VALUE)
		TRY(print_results(x->result, e));
	else if (x->out == REGO_OUT_ERROR)
		error_text(stderr, &x->error);
	else
		(void)fprintf(stderr, "%s\n", rego_outcome_name(x->out));
	if (cli_flag(c, "explain"))
		print_explain(x->v);
	return COFFER_OK;
}

int cmd_policy_eval(struct cli *c, struct err *e)
{
	CLEANUP(eval_end) struct eval x = { .out = REGO_OUT_ERROR };
	struct rego_options o = policy_options(cli_flag(c, "v0"), cli_flag(c, "strict"));
	enum coffer_rc rc = COFFER_OK;
	const char *p;

	for (size_t i = 0; rc == COFFER_OK && (p = cli_opt_at(c, "p", i)) != NULL; i++)
		rc = paths_below(&x.paths, p, ".rego", e);
	if (rc == COFFER_OK)
		rc = sources_read(&x.paths, &x.src, e);
	if (rc == COFFER_OK && rego_compile(x.src.s, x.src.n, (struct span){ 0 }, &o, &x.policy, &x.error))
		rc = evaluate(c, &x, e);
	if (rc == COFFER_OK)
		rc = c->json ? print_json(c, &x, e) : print_text(c, &x, e);
	if (rc != COFFER_OK) {
		(void)cli_fail(c, e);
		return 3;
	}
	return x.out == REGO_OUT_VALUE ? 0 : x.out == REGO_OUT_UNDEFINED ? 1 : 3;
}

struct faults {
	struct rego_error *e;
	size_t n;
};

/* Each file on its own. */
static void check_each(const struct sources *src, const struct rego_options *o, struct faults *f)
{
	for (size_t i = 0; i < src->n; i++) {
		CLEANUP(rego_policy_freep) struct rego_policy *p = NULL;

		if (!rego_compile(&src->s[i], 1, (struct span){ 0 }, o, &p, &f->e[f->n]))
			f->n++;
	}
}

/* Files that only make sense together, as one that calls a function of another, may pass together. */
static bool check_all(const struct sources *src, const struct rego_options *o)
{
	CLEANUP(rego_policy_freep) struct rego_policy *p = NULL;
	struct rego_error e;

	return src->n > 1 && rego_compile(src->s, src->n, (struct span){ 0 }, o, &p, &e);
}

static enum coffer_rc print_faults(const struct cli *c, const struct faults *f, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(OUTPUT_MAX);
	struct json_wr j = jw_open(&w, false);

	for (size_t i = 0; !c->json && i < f->n; i++)
		error_text(stdout, &f->e[i]);
	if (!c->json)
		return COFFER_OK;
	jw_obj(&j);
	jw_name(&j, "ok");
	jw_bool(&j, f->n == 0);
	jw_name(&j, "errors");
	jw_arr(&j);
	for (size_t i = 0; i < f->n; i++)
		error_json(&j, &f->e[i]);
	jw_arr_end(&j);
	jw_obj_end(&j);
	TRY(wr_done(&w, "result", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

static enum coffer_rc check(struct cli *c, struct paths *paths, struct sources *src, struct faults *f, struct err *e)
{
	struct rego_options o = policy_options(cli_flag(c, "v0"), false);

	for (size_t i = 0; i < c->n_pos; i++)
		TRY(paths_below(paths, c->pos[i], ".rego", e));
	TRY(sources_read(paths, src, e));
	f->e = calloc(src->n + 1, sizeof(*f->e));
	if (!f->e)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	check_each(src, &o, f);
	if (f->n > 0 && check_all(src, &o))
		f->n = 0;
	return print_faults(c, f, e);
}

int cmd_policy_check(struct cli *c, struct err *e)
{
	struct sources src = { 0 };
	struct paths paths = { 0 };
	struct faults f = { 0 };
	enum coffer_rc rc = check(c, &paths, &src, &f, e);

	sources_clear(&src);
	paths_clear(&paths);
	free(f.e);
	if (rc != COFFER_OK)
		(void)cli_fail(c, e);
	return rc == COFFER_OK && f.n == 0 ? 0 : 3;
}
