/* Policies: warm, cold, and the boundary policy of Kata's shape. Rows as system.md section 8 says. With POLICIES=DIR (a folder as `coffer policy
 * test --policies` takes it) upstream's policies are measured too. Runs from the source root. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "os/spawn.h"
#include "policy/policy.h"
#include "policy/value/valtext.h"

#define ROUNDS 5

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_policy: %s\n", what);
	exit(1);
}

static struct wr slurp(const char *dir, const char *name)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	struct wr w = { 0 };
	struct err e = { 0 };

	if (file_read(path, 32u << 20, &w, &e) != COFFER_OK) {
		fprintf(stderr, "bench_policy: %s\n", e.msg);
		exit(1);
	}
	return w;
}

/* ---- one policy, one question ---- */

struct job {
	const char *row, *rule, *limit;
	double      limit_us;
	struct wr   policy, input, data;
	bool        kata;
	const struct rego_host_fn *fn;
	size_t      n_fns;
};

static struct val reference(void *state, struct heap *h, const struct val *arg, size_t n, enum rego_code *code, const char **why)
{
	struct val list[2] = { val_int(h, 1), val_text(h, "x") };

	(void)state, (void)arg, (void)n, (void)code, (void)why;
	return val_array(h, list, 2);
}
static const struct rego_host_fn reference_fn = { "query_reference_value", 1, reference };

static struct rego_policy *compile(const struct job *j)
{
	struct source s = { j->row, wr_span(&j->policy) };
	struct rego_options o = rego_options_default();
	struct rego_policy *p = NULL;
	struct rego_error e = { 0 };

	if (j->kata)
		o.source = SOURCE_LIMITS_KATA;
	o.host_fn = j->fn;
	o.n_host_fns = j->n_fns;
	if (!rego_compile(&s, 1, (struct span){ 0 }, &o, &p, &e)) {
		fprintf(stderr, "bench_policy: %s:%u:%u: %s\n", e.file, e.line, e.col, e.text);
		exit(1);
	}
	return p;
}

static struct val parse(struct rego_eval *v, const struct wr *text)
{
	size_t at;
	const char *why;

	return text->n > 0 ? val_from_json(rego_eval_heap(v), wr_span(text), (struct json_limits){ 32u << 20, 64 }, &at, &why) : VAL_UNDEF;
}

static void ask(const struct job *j, struct rego_eval *v, const struct rego_rule *r, bool want_value)
{
	struct rego_error e = { 0 };
	struct val got = VAL_UNDEF;

	rego_eval_begin(v);
	rego_eval_data(v, parse(v, &j->data));
	rego_eval_input(v, parse(v, &j->input));
	if (rego_eval_at(v, r, &got, &e) != REGO_OUT_VALUE && want_value) {
		fprintf(stderr, "bench_policy: %s: %s %s\n", j->row, rego_code_name(e.code), e.text);
		exit(1);
	}
}

static void row(const char *name, const char *what, double us, const char *limit, double limit_us)
{
	printf("policy-%s-%s\t%.2f\tus\t%s\t", name, what, us, limit);
	if (limit_us > 0)
		printf("%.2f\n", us / limit_us);
	else
		printf("-\n");
}

/* Best of a few runs: what the machine does besides only ever adds. */
static double best_us(const struct job *j, bool cold, size_t times)
{
	double best = 1e9;

	for (int k = 0; k < ROUNDS; k++) {
		struct rego_policy *p = compile(j);
		struct rego_eval *v = rego_eval_new(p, REGO_LIMITS_DEFAULT);
		const struct rego_rule *r = rego_rule_find(p, j->rule);
		double t0, t;

		must(v && r, j->rule);
		ask(j, v, r, true);
		t0 = now();
		for (size_t i = 0; i < times; i++) {
			if (cold) {
				rego_eval_free(v);
				rego_policy_free(p);
				p = compile(j);
				v = rego_eval_new(p, REGO_LIMITS_DEFAULT);
				r = rego_rule_find(p, j->rule);
			}
			ask(j, v, r, true);
		}
		t = (now() - t0) / (double)times * 1e6;
		best = t < best ? t : best;
		if (k == 0 && !cold)
			printf("policy-%s-steps\t%llu\tsteps\t-\t-\n", j->row, (unsigned long long)rego_eval_steps(v));
		if (k == 0 && !cold)
			printf("policy-%s-memory\t%zu\tbytes\t-\t-\n", j->row, rego_eval_memory(v));
		rego_eval_free(v);
		rego_policy_free(p);
	}
	return best;
}

/* For counting instructions from outside (policy_instructions.py): this row alone, so many times. */
static const char *count_row;
static size_t count_times;

static void run_counted(const struct job *j)
{
	struct rego_policy *p = compile(j);
	struct rego_eval *v = rego_eval_new(p, REGO_LIMITS_DEFAULT);
	const struct rego_rule *r = rego_rule_find(p, j->rule);

	must(v && r, j->rule);
	for (size_t i = 0; i < count_times; i++)
		ask(j, v, r, true);
	rego_eval_free(v);
	rego_policy_free(p);
}

static void measure(const struct job *j, const char *cold_limit, double cold_us)
{
	if (count_row) {
		if (strcmp(count_row, j->row) == 0)
			run_counted(j);
		return;
	}
	row(j->row, "warm", best_us(j, false, 2000), j->limit, j->limit_us);
	row(j->row, "cold", best_us(j, true, j->kata ? 20 : 500), cold_limit, cold_us);
}

static void clear(struct job *j)
{
	wr_close(&j->policy);
	wr_close(&j->input);
	wr_close(&j->data);
}

/* ---- ours ---- */

static const char claims[] =
    "{\"ear.verifier-id\":{\"build\":\"b\",\"developer\":\"d\"},\"iat\":1,\"exp\":2,\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\",\"ear.trustworthiness-vector\":"
    "{\"configuration\":2,\"executables\":3,\"hardware\":2},\"ear.veraison.annotated-evidence\":{\"snp\":{\"measurement\":\"00\",\"report_data\":\"11\"},"
    "\"init_data\":\"22\",\"runtime_data_claims\":{\"nonce\":\"n\"}}},\"gpu0\":{\"ear.status\":\"affirming\"}}}";
static const char snp_claims[] =
    "{\"snp\":{\"measurement\":\"x\",\"reported_tcb_bootloader\":1,\"reported_tcb_microcode\":1,\"reported_tcb_snp\":1,\"reported_tcb_tee\":1,"
    "\"policy_debug_allowed\":false,\"policy_migrate_ma\":false,\"platform_smt_enabled\":1,\"platform_tsme_enabled\":1,\"policy_abi_major\":1,\"policy_abi_minor\":1}}";

static struct wr text(const char *s)
{
	struct wr w = wr_open(1u << 20);

	wr_str(&w, s);
	return w;
}

static void ours(const char *dir, const char *shipped)
{
	struct job release = { .row = "release", .rule = "data.policy.allow", .limit = "<=3 us; regorus 2.36", .limit_us = 3, .policy = slurp(shipped, "release/default.rego"),
		.input = text(claims), .data = text("{\"plugin\":\"resource\",\"query\":{},\"resource-path\":[\"a\",\"b\",\"c\"]}") };
	struct job ear = { .row = "appraisal", .rule = "data.policy.trust_claims", .limit = "<=15 us", .limit_us = 15, .policy = slurp(dir, "appraisal.rego"),
		.input = text(snp_claims), .fn = &reference_fn, .n_fns = 1 };

	measure(&release, "<=40 us; regorus 17.9", 40);
	measure(&ear, "-", 0);
	clear(&release);
	clear(&ear);
}

static void boundary(const char *dir, const char *made)
{
	CLEANUP(freep) char *program = str_fmt("%s/boundary_data.py", dir);
	const char *const argv[] = { "/usr/bin/python3", program, made, NULL };
	const int fds[] = { -1, 1, 2 };
	const struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3 };
	struct err e = { 0 };
	pid_t pid;
	int st = 1;

	must(spawn_start(&s, &pid, &e) == COFFER_OK && spawn_wait(pid, &st, &e) == COFFER_OK && st == 0, "boundary_data.py");
	struct job create = { .row = "boundary-create", .rule = "data.agent_policy.CreateContainerRequest", .limit = "<=1000 us", .limit_us = 1000, .kata = true,
		.policy = slurp(made, "policy.rego"), .input = slurp(made, "create.json"), .data = slurp(made, "data.json") };
	struct job exec = { .row = "boundary-exec", .rule = "data.agent_policy.ExecProcessRequest", .limit = "<=50 us", .limit_us = 50, .kata = true,
		.policy = slurp(made, "policy.rego"), .input = slurp(made, "exec.json"), .data = slurp(made, "data-running.json") };
	double t0 = now();

	for (int i = 0; !count_row && i < 20; i++)
		rego_policy_free(compile(&create));
	if (!count_row)
		row("boundary", "compile", (now() - t0) / 20 * 1e6, "<=4000 us", 4000);
	measure(&create, "-", 0);
	measure(&exec, "-", 0);
	clear(&create);
	clear(&exec);
}

/* ---- upstream's, where they are at hand ---- */

static void upstream(const char *dir)
{
	struct job kbs = { .row = "upstream-affirming", .rule = "data.policy.allow", .limit = "regorus 2.36 us", .limit_us = 2.36,
		.policy = slurp(dir, "rego/trustee/kbs/sample_policies/affirming.rego"), .input = text(claims), .data = text("{\"plugin\":\"resource\",\"resource-path\":[\"a\",\"b\",\"c\"]}") };
	struct job ear = { .row = "upstream-ear", .rule = "data.policy.trust_claims", .limit = "<=15 us", .limit_us = 15,
		.policy = slurp(dir, "rego/trustee/attestation-service/src/ear_token/ear_default_policy_cpu.rego"), .input = text(snp_claims), .fn = &reference_fn, .n_fns = 1 };

	measure(&kbs, "regorus 17.9 us", 17.9);
	measure(&ear, "-", 0);
	clear(&kbs);
	clear(&ear);
}

/* bench_policy                   all rows
 * bench_policy --count ROW N     only ROW's evaluation, N times, no output */
int main(int argc, char **argv)
{
	char made[] = "/tmp/coffer-bench-policy.XXXXXX";
	const char *more = getenv("POLICIES"), *dir = "tests/bench/policy";

	if (argc == 4 && strcmp(argv[1], "--count") == 0) {
		count_row = argv[2];
		count_times = strtoul(argv[3], NULL, 10);
	}
	must(mkdtemp(made) != NULL, "mkdtemp");
	ours(dir, "policies");
	boundary(dir, made);
	if (more)
		upstream(more);
	for (size_t i = 0; i < 5; i++) {
		static const char *const names[] = { "policy.rego", "create.json", "exec.json", "data.json", "data-running.json" };
		CLEANUP(freep) char *path = str_fmt("%s/%s", made, names[i]);

		(void)remove(path);
	}
	(void)remove(made);
	return 0;
}
