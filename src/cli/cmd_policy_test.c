/* coffer policy test: case files, judged one after the other. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/policy_judge.h"
#include "cli/verbs.h"
#include "fmt/json.h"

#define CASES_MEMORY (512u << 20) /* of one file, with what its judging makes */
#define REPORT_MAX   (64u << 20)
#define GROUPS_MAX   1024

const struct opt_spec opts_policy_test[] = { { "suite", "NAME", "judge the cases of this suite only", false, false },
	{ "tier", "N", "leave out cases of a tier above N", false, false },
	{ "policies", "DIR", "look here too for policies that cases name", false, false }, { NULL, NULL, NULL, false, false } };

struct counts {
	size_t passed, failed, skipped;
};

struct group {
	char *name;
	struct counts n;
};

struct run {
	const struct cli *c;
	uint64_t tier;
	struct group group[GROUPS_MAX];
	size_t n_groups;
	struct counts all;
	size_t n_files; /* of cases that were to be judged */
	size_t texts, texts_same; /* error messages wanted, and those that were as wanted */
	struct wr report;
	struct json_wr json;
};

static void run_end(struct run *r)
{
	for (size_t i = 0; i < r->n_groups; i++)
		free(r->group[i].name);
	wr_close(&r->report);
	free(r);
}

static void run_endp(struct run **r)
{
	if (*r)
		run_end(*r);
}

static void count(struct counts *n, enum verdict v)
{
	n->passed += v == CASE_PASSED;
	n->failed += v == CASE_FAILED;
	n->skipped += v == CASE_SKIPPED;
}

/* The group's counts; the last place takes all groups that are too many. */
static struct counts *group_of(struct run *r, const char *name)
{
	for (size_t i = r->n_groups; i-- > 0;)
		if (strcmp(r->group[i].name, name) == 0)
			return &r->group[i].n;
	if (r->n_groups == GROUPS_MAX)
		return &r->group[GROUPS_MAX - 1].n;
	r->group[r->n_groups].name = strdup(name);
	return r->group[r->n_groups].name ? &r->group[r->n_groups++].n : &r->all;
}

/* Why a case is passed over: it says so itself, or its group is optional. */
static const char *passed_over(struct val doc, struct val c)
{
	static const char *const marks[] = { "skip", "x_illdefined", "x_opa_differs", "x_time_dependent", "x_needs" };
	struct span group = case_str(doc, "group");

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct val own = val_gets(c, marks[i]), want = val_gets(val_gets(c, "want"), marks[i]);

		if ((val_defined(own) && val_truthy(own)) || (val_defined(want) && val_truthy(want)))
			return marks[i];
	}
	return span_eq_str(group, "limits") || span_eq_str(group, "want_prints") ? "optional group" : NULL;
}

static void report(struct run *r, const char *id, const char *group, const struct judged *j)
{
	static const char *const name[] = { [CASE_PASSED] = "passed", [CASE_FAILED] = "failed", [CASE_SKIPPED] = "skipped" };

	if (r->c->json) {
		jw_obj(&r->json);
		jw_m_text(&r->json, "id", id);
		jw_m_text(&r->json, "group", group);
		jw_m_text(&r->json, "outcome", name[j->verdict]);
		if (j->verdict != CASE_PASSED)
			jw_m_text(&r->json, "why", j->why);
		jw_obj_end(&r->json);
	} else if (j->verdict != CASE_PASSED) {
		(void)printf("%s %s: %s\n", name[j->verdict], id, j->why);
	}
}

/* Reasons are cut at a byte and may quote anything: made printable here. */
static void printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			*s = *s == '\n' ? ' ' : '?';
}

/* "x_id", or the file below the PATH and the place in it. */
static const char *case_id(struct case_file *f, const char *shown, struct val c, size_t i)
{
	struct span id = case_str(c, "x_id"), note = case_str(c, "note");
	char buf[512];

	if (id.p)
		return case_cstr(f, id);
	(void)snprintf(buf, sizeof(buf), "%s#%zu%s%.*s", shown, i, note.n ? " " : "", (int)(note.n > 200 ? 200 : note.n),
	    (const char *)note.p);
	return case_cstr(f, span_of(buf));
}

static void judge_case(struct run *r, struct case_file *f, const char *shown, const char *group, size_t i)
{
	struct val c = val_at(f->list, i);
	struct judged j = { .verdict = CASE_PASSED };
	const char *why = passed_over(f->doc, c);
	uint64_t tier = 0;
	int64_t t;

	if (val_int64(val_gets(c, "x_tier"), &t) && t > 0)
		tier = (uint64_t)t;
	if (tier > r->tier)
		return;
	if (why)
		judge_skip(&j, "%s", why);
	else
		(void)f->suite->judge(f, c, &j);
	if (j.uncounted && j.verdict == CASE_PASSED)
		return;
	printable(j.why);
	count(&r->all, j.verdict);
	count(group_of(r, group), j.verdict);
	r->texts += j.text != 0;
	r->texts_same += j.text > 0;
	report(r, case_id(f, shown, c, i), group, &j);
}

/* The file's own group below its suite; else the folder it lies in. */
static const char *group_name(struct case_file *f, const char *shown)
{
	struct span own = case_str(f->doc, "group");
	const char *slash = strrchr(shown, '/'), *suite = f->suite->name;
	size_t n = slash ? (size_t)(slash - shown) : 0;
	char buf[256];

	if (own.n > 0)
		(void)snprintf(buf, sizeof(buf), "%s/%.*s", suite, (int)own.n, (const char *)own.p);
	else if (n > 0 && strncmp(shown, suite, strlen(suite)) != 0)
		(void)snprintf(buf, sizeof(buf), "%s/%.*s", suite, (int)n, shown);
	else
		(void)snprintf(buf, sizeof(buf), "%.*s", (int)(n > 0 ? n : strlen(suite)), n > 0 ? shown : suite);
	return case_cstr(f, span_of(buf));
}

static enum coffer_rc judge_file(struct run *r, const char *path, const char *shown, struct err *e)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(CASES_MEMORY);
	struct heap h = { .arena = a, .steps = UINT64_MAX, .string_max = CASES_MEMORY };
	struct case_file f = { .path = path, .policies = cli_opt(r->c, "policies"), .h = &h };
	const char *only = cli_opt(r->c, "suite"), *group;

	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(policy_json(&h, path, &f.doc, e));
	f.suite = suite_of(f.doc);
	if (!f.suite || (only && strcmp(only, f.suite->name) != 0))
		return COFFER_OK;
	r->n_files++;
	f.list = val_defined(val_gets(f.doc, "cases")) ? val_gets(f.doc, "cases") : val_gets(f.doc, "requests");
	group = group_name(&f, shown);
	for (size_t i = 0; i < val_len(f.list); i++)
		judge_case(r, &f, shown, group, i);
	rego_policy_free(f.policy);
	return heap_ok(&h) ? COFFER_OK : err_set(e, COFFER_E_LIMIT, "%s: the cases need more memory than there is", path);
}

static enum coffer_rc judge_path(struct run *r, const char *path, struct err *e)
{
	CLEANUP(paths_clear) struct paths files = { 0 };
	size_t n = strlen(path);

	TRY(paths_below(&files, path, ".json", e));
	for (size_t i = 0; i < files.n; i++) {
		const char *shown = files.p[i] + n, *slash = strrchr(path, '/');

		if (!*shown)
			shown = slash ? slash + 1 : path;
		TRY(judge_file(r, files.p[i], shown + (*shown == '/'), e));
	}
	return COFFER_OK;
}

static void counts_json(struct json_wr *j, const struct counts *n)
{
	jw_m_u64(j, "passed", n->passed);
	jw_m_u64(j, "failed", n->failed);
	jw_m_u64(j, "skipped", n->skipped);
}

static enum coffer_rc summary_json(struct run *r, struct err *e)
{
	jw_arr_end(&r->json);
	jw_name(&r->json, "groups");
	jw_obj(&r->json);
	for (size_t i = 0; i < r->n_groups; i++) {
		jw_name(&r->json, r->group[i].name);
		jw_obj(&r->json);
		counts_json(&r->json, &r->group[i].n);
		jw_obj_end(&r->json);
	}
	jw_obj_end(&r->json);
	counts_json(&r->json, &r->all);
	jw_obj_end(&r->json);
	TRY(wr_done(&r->report, "report", e));
	(void)printf("%.*s\n", (int)r->report.n, (const char *)r->report.p);
	return COFFER_OK;
}

static void summary(const struct run *r)
{
	for (size_t i = 0; i < r->n_groups; i++)
		(void)printf("%-40s %zu passed, %zu failed, %zu skipped\n", r->group[i].name, r->group[i].n.passed,
		    r->group[i].n.failed, r->group[i].n.skipped);
	if (r->texts)
		(void)printf("error messages as upstream words them (not judged): %zu of %zu\n", r->texts_same, r->texts);
	(void)printf("%zu passed, %zu failed, %zu skipped\n", r->all.passed, r->all.failed, r->all.skipped);
}

static enum coffer_rc run(struct run *r, struct err *e)
{
	r->report = wr_open(REPORT_MAX);
	r->json = jw_open(&r->report, false);
	if (r->c->json) {
		jw_obj(&r->json);
		jw_name(&r->json, "cases");
		jw_arr(&r->json);
	}
	for (size_t i = 0; i < r->c->n_pos; i++)
		TRY(judge_path(r, r->c->pos[i], e));
	if (r->n_files == 0)
		return err_set(e, COFFER_E_INPUT, "%s%s: no file of cases of %s", r->c->pos[0], r->c->n_pos > 1 ? " and the others" : "",
		    cli_opt(r->c, "suite") ? cli_opt(r->c, "suite") : "a known suite");
	if (r->c->json)
		return summary_json(r, e);
	summary(r);
	return COFFER_OK;
}

int cmd_policy_test(struct cli *c, struct err *e)
{
	CLEANUP(run_endp) struct run *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory"), cli_fail(c, e);
	r->c = c;
	r->tier = UINT64_MAX;
	if (cli_opt(c, "tier") && !span_u64(span_of(cli_opt(c, "tier")), &r->tier)) {
		(void)fprintf(stderr, "coffer policy test: --tier %s: not a number\n", cli_opt(c, "tier"));
		return 2;
	}
	if (run(r, e) != COFFER_OK) {
		(void)cli_fail(c, e);
		return 3;
	}
	return r->all.failed ? 1 : 0;
}
