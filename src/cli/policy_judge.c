#include "cli/policy_judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "policy/value/valtext.h"

static const struct suite suites[] = {
	{ "opa", judge_opa },
	{ "rego-cpp", judge_opa },
	{ "regorus", judge_regorus },
	{ "regorus-rvm", judge_regorus_rvm },
	{ "regorus-lexer", judge_regorus_lexer },
	{ "regorus-parser", judge_regorus_parser },
	{ "trustee", judge_trustee },
	{ "aci", judge_aci },
	{ "bench", judge_bench },
	{ "kata-replay", judge_kata_replay },
	{ "genpolicy", judge_genpolicy },
};

static const struct suite *suite_named(struct span name)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (span_eq_str(name, suites[i].name))
			return &suites[i];
	return NULL;
}

static const char *by_shape(struct val doc)
{
	struct val first = val_at(val_gets(doc, "cases"), 0), module = val_at(val_gets(first, "modules"), 0);

	if (val_defined(val_gets(doc, "requests")))
		return "kata-replay";
	if (val_defined(val_gets(doc, "policy")))
		return "genpolicy";
	if (val_type(val_gets(first, "policy")) == VT_STRING)
		return val_defined(val_gets(first, "rule")) ? "bench" : "trustee";
	if (val_defined(val_gets(first, "tokens")))
		return "regorus-lexer";
	if (val_defined(val_gets(first, "rego")))
		return "regorus-parser";
	return span_ends(val_span(module), ".rego") && span_find(val_span(module), '\n') == val_span(module).n ? "aci" : "opa";
}

const struct suite *suite_of(struct val doc)
{
	struct span name = val_span(val_gets(doc, "suite"));
	const struct suite *s = name.p ? suite_named(name) : NULL;

	if (val_type(val_gets(doc, "cases")) != VT_ARRAY && val_type(val_gets(doc, "requests")) != VT_ARRAY)
		return NULL;
	return s ? s : suite_named(span_of(by_shape(doc)));
}

static void PRINTF(3, 0) verdict(struct judged *j, enum verdict v, const char *fmt, va_list ap)
{
	j->verdict = v;
	(void)vsnprintf(j->why, sizeof(j->why), fmt, ap);
}

bool judge_fail(struct judged *j, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verdict(j, CASE_FAILED, fmt, ap);
	va_end(ap);
	return false;
}

bool judge_skip(struct judged *j, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verdict(j, CASE_SKIPPED, fmt, ap);
	va_end(ap);
	return false;
}

bool judge_differs(struct judged *j, const char *what, struct val got, struct val want)
{
	CLEANUP(wr_close) struct wr a = wr_open(32u << 20), b = wr_open(32u << 20);

	if (val_defined(got))
		val_put_rego(&a, got, true);
	else
		wr_str(&a, "undefined");
	if (val_defined(want))
		val_put_rego(&b, want, true);
	else
		wr_str(&b, "undefined");
	return judge_fail(j, "%s is %.*s, wanted %.*s", what, (int)(a.n > 200 ? 200 : a.n), (const char *)a.p,
	    (int)(b.n > 200 ? 200 : b.n), (const char *)b.p);
}

bool judge_error(struct judged *j, const struct rego_error *e)
{
	return judge_fail(j, "%s:%u:%u: %s: %s", e->file, e->line, e->col, rego_code_name(e->code), e->text);
}

bool case_flag(struct val c, const char *name)
{
	return val_true(val_gets(c, name));
}

struct span case_str(struct val c, const char *name)
{
	return val_span(val_gets(c, name));
}

const char *case_cstr(struct case_file *f, struct span s)
{
	char *p = heap_alloc(f->h, s.n + 1);

	if (!p)
		return "";
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

/* dir/sub/name if it is a file there */
static char *at(const char *dir, size_t n, const char *sub, const char *name)
{
	char *p = str_fmt("%.*s%s%s/%s", (int)n, dir, sub ? "/" : "", sub ? sub : "", name);

	if (p && file_exists(p))
		return p;
	free(p);
	return NULL;
}

char *case_find(struct case_file *f, const char *name, const char *sub)
{
	CLEANUP(freep) char *full = realpath(f->path, NULL);
	char *hit = NULL;

	for (const char *slash = full ? strrchr(full, '/') : NULL; slash && !hit;) {
		size_t n = (size_t)(slash - full);

		hit = at(full, n, NULL, name);
		for (slash = n > 0 ? full + n - 1 : NULL; slash && *slash != '/';)
			slash--;
	}
	if (!hit && f->policies)
		hit = at(f->policies, strlen(f->policies), NULL, name);
	if (!hit && f->policies && sub)
		hit = at(f->policies, strlen(f->policies), sub, name);
	if (!hit)
		(void)snprintf(f->absent, sizeof(f->absent), "%s is not there (see --policies)", name);
	return hit;
}

bool case_read(struct case_file *f, const char *name, const char *sub, struct wr *out, struct judged *j)
{
	CLEANUP(freep) char *path = case_find(f, name, sub);
	struct err e;

	if (!path)
		return judge_skip(j, "%s", f->absent);
	if (file_read(path, POLICY_FILE_MAX, out, &e) != COFFER_OK)
		return judge_fail(j, "%s", e.msg);
	return true;
}

bool case_read_json(struct case_file *f, const char *name, struct val *out, struct judged *j)
{
	CLEANUP(freep) char *path = case_find(f, name, NULL);
	struct err e;

	if (!path)
		return judge_skip(j, "%s", f->absent);
	if (policy_json(f->h, path, out, &e) != COFFER_OK)
		return judge_fail(j, "%s", e.msg);
	return true;
}

void trial_end(struct trial *t)
{
	rego_eval_free(t->v);
	rego_policy_free(t->own);
	zones_close(&t->zones);
}

bool trial_compile(struct trial *t, struct case_file *f, struct val modules, const struct rego_options *o)
{
	size_t n = val_len(modules);
	CLEANUP(freep) struct source *s = calloc(n + 1, sizeof(*s));

	for (size_t i = 0; s && i < n; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "module-%zu", i);
		s[i] = (struct source){ case_cstr(f, span_of(name)), val_span(val_at(modules, i)) };
	}
	return s && rego_compile(s, n, (struct span){ 0 }, o, &t->own, &t->e);
}

bool trial_begin(struct trial *t, const struct rego_policy *p, struct val data, struct val input)
{
	struct timespec now = { 0 };

	rego_eval_free(t->v);
	t->v = rego_eval_new(p, REGO_LIMITS_DEFAULT);
	if (!t->v)
		return false;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	rego_eval_time(t->v, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
	if (!t->zones.folder)
		t->zones = zones_open(ZONES_FOLDER);
	rego_eval_zones(t->v, zones_find, &t->zones);
	rego_eval_host(t->v, &t->reference);
	if (val_defined(data))
		rego_eval_data(t->v, data);
	if (val_defined(input))
		rego_eval_input(t->v, input);
	return true;
}

struct val as_json(struct heap *h, struct val v)
{
	CLEANUP(wr_close) struct wr w = wr_open(64u << 20);
	const char *why;
	size_t bad;

	if (!val_defined(v))
		return VAL_UNDEF;
	val_put_json(&w, v, NULL, NULL);
	return wr_ok(&w) ? val_from_json(h, wr_span(&w), (struct json_limits){ 64u << 20, VAL_DEPTH_MAX }, &bad, &why)
			 : VAL_UNDEF;
}

#define DEPTH_MAX 64

/* {"set!": [...]}, {"object!": [{"key", "value"}]} stand for what JSON has not. */
static struct val decode(struct heap *h, struct val v, unsigned depth)
{
	struct val set = val_gets(v, "set!"), obj = val_gets(v, "object!"), from = val_defined(set) ? set : obj;
	bool object = val_type(v) == VT_OBJECT && !val_defined(set);
	struct vlist l = { .h = h };
	struct plist m = { .h = h };

	if ((val_type(v) != VT_OBJECT && val_type(v) != VT_ARRAY) || depth == 0)
		return v;
	if (!val_defined(from))
		from = v;
	for (size_t i = 0; i < val_len(from); i++) {
		struct val x = val_at(from, i),
			   key = val_defined(obj) ? decode(h, val_gets(x, "key"), depth - 1) : val_key(from, i);

		x = decode(h, val_defined(obj) ? val_gets(x, "value") : x, depth - 1);
		if (object)
			plist_add(&m, key, x);
		else
			vlist_add(&l, x);
	}
	if (object)
		return val_object(h, m.p, m.n, NULL);
	return val_defined(set) ? val_set(h, l.p, l.n) : val_array(h, l.p, l.n);
}

struct val case_decode(struct heap *h, struct val v)
{
	return decode(h, v, DEPTH_MAX);
}
