/* Cases of test suites, and whether the engine does what they say.
 *
 * A case file is JSON with a list of cases or requests. Each suite has its own way to judge a case: one function, in
 * policy_judge_<x>.c. No case is known here by name: what fails, fails. */
#pragma once
#include "cli/policy_files.h"
#include "os/zones.h"

enum verdict { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };

struct judged {
	enum verdict verdict;
	bool         uncounted;  /* it was only there to prepare the next */
	int          text;       /* message of an error as wanted: 1 the same, -1 another, 0 none wanted. For information. */
	char         why[600];   /* unless passed */
};

struct case_file {
	const char         *path;
	const char         *policies; /* further folder to look for policies in, or NULL */
	const struct suite *suite;
	struct heap        *h;        /* holds doc and what lives as long */
	struct val          doc, list;
	/* for suites whose cases share a policy */
	struct rego_policy *policy;
	struct val          base;     /* base document, as the cases before left it */
	char                absent[300]; /* what case_find() did not find */
};

struct suite {
	const char *name;
	bool (*judge)(struct case_file *f, struct val c, struct judged *j); /* whether it passed; j->verdict says more */
};

/* By the file's own `suite`, else by its shape; NULL when it holds no cases. */
const struct suite *suite_of(struct val doc);

/* policy_judge.c: what several suites need. The judge_ functions answer false, so that a judge can return them. */
bool judge_fail(struct judged *j, const char *fmt, ...) PRINTF(2, 3);
bool judge_skip(struct judged *j, const char *fmt, ...) PRINTF(2, 3);
bool judge_differs(struct judged *j, const char *what, struct val got, struct val want); /* fails, showing both */
bool judge_error(struct judged *j, const struct rego_error *e);                          /* fails because of e */
bool case_flag(struct val c, const char *name);
struct span case_str(struct val c, const char *name);

/* A text of the case as a C string in the file's heap ("" without memory). */
const char *case_cstr(struct case_file *f, struct span s);
/* Finds a file that a case names; NULL (and f->absent says which) when it is nowhere. Beside the case file, below each parent
 * folder, below the folder of policies, there also below its folder `sub`. Caller frees. */
char *case_find(struct case_file *f, const char *name, const char *sub);
bool  case_read(struct case_file *f, const char *name, const char *sub, struct wr *out, struct judged *j);
bool  case_read_json(struct case_file *f, const char *name, struct val *out, struct judged *j);

/* An expected value: {"set!": [...]} and {"object!": [{"key", "value"}]} in it become what they stand for. */
struct val case_decode(struct heap *h, struct val v);

struct trial { /* one evaluation */
	struct rego_policy *own;
	struct rego_eval   *v;
	struct rego_error   e;
	enum rego_outcome   out;
	struct val          result;
	struct val          reference; /* for query_reference_value */
	struct zones        zones;
};
void trial_end(struct trial *t);
/* Compiles the case's modules, a list of texts. */
bool trial_compile(struct trial *t, struct case_file *f, struct val modules, const struct rego_options *o);
/* An evaluation over p with data and input set, where the case has them. */
bool trial_begin(struct trial *t, const struct rego_policy *p, struct val data, struct val input);

struct val as_json(struct heap *h, struct val v); /* sets as arrays, keys as strings: what JSON can say */

bool judge_opa(struct case_file *f, struct val c, struct judged *j);
bool judge_regorus(struct case_file *f, struct val c, struct judged *j);
bool judge_regorus_rvm(struct case_file *f, struct val c, struct judged *j);
bool judge_regorus_lexer(struct case_file *f, struct val c, struct judged *j);
bool judge_regorus_parser(struct case_file *f, struct val c, struct judged *j);
bool judge_trustee(struct case_file *f, struct val c, struct judged *j);
bool judge_aci(struct case_file *f, struct val c, struct judged *j);
bool judge_bench(struct case_file *f, struct val c, struct judged *j);
bool judge_kata_replay(struct case_file *f, struct val c, struct judged *j);
bool judge_genpolicy(struct case_file *f, struct val c, struct judged *j);
