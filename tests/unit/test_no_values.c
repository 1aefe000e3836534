/* What is asked for by who judges is what is asked for by who looks, but for the values: on every platform. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/bench/evidence_made.h"
#include "tests/t.h"

static bool judge(const struct made *m, const struct collateral *col, bool no_values, struct ev_out *o)
{
	struct ev_in in = { .evidence = m->evidence, .col = col, .now = m->now, .report_data = m->report_data, .no_values = no_values };
	struct err e = { 0 };

	return tee_driver_find(m->platform)->appraise(&in, o, &e) == COFFER_OK && o->verdict == VERDICT_VALID;
}

static bool same_checks(const struct ev_out *a, const struct ev_out *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->check[i].id, b->check[i].id) != 0 || strcmp(a->check[i].found, b->check[i].found) != 0)
			return false;
	return a->n == b->n && a->n > 0;
}

static bool row(size_t i)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 20);
	CLEANUP(collateral_clear) struct collateral col = { 0 };
	CLEANUP(ev_out_clear) struct ev_out with = { 0 }, without = { 0 };
	struct err e = { 0 };
	struct made m;

	made_write(i, &w);
	if (!wr_ok(&w) || !made_read(wr_span(&w), &m) || !made_pin(&m))
		return false;
	for (size_t k = 0; k < m.n_files; k++)
		if (collateral_add(m.file[k], false, &col, &e) != COFFER_OK)
			return false;
	return judge(&m, &col, false, &with) && judge(&m, &col, true, &without) && same_checks(&with, &without) &&
	       span_eq(wr_span(&with.claims), wr_span(&without.claims)) && with.claims.n > 2 && with.values.n > 2 && without.values.n == 0;
}

/* Each in a process of its own, which is pinned to the row's root. */
static void judged_without_values_is_judged_alike(void)
{
	for (size_t i = 0; made_row(i); i++) {
		pid_t pid = fork();
		int st = 1;

		if (pid == 0)
			_exit(row(i) ? 0 : 1);
		CHECK(pid > 0 && waitpid(pid, &st, 0) == pid && st == 0);
		if (st != 0)
			fprintf(stderr, "# %s\n", made_row(i));
	}
}

int main(void)
{
	static const struct t_case cases[] = { T(judged_without_values_is_judged_alike) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
