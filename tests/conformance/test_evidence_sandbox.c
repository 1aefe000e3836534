/* Every piece of shared evidence appraised as cofferd-eval's child does it, behind the same door: a call that the sandbox does not
 * know would kill it, and a genuine guest would be refused for it. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge/evidence.h"
#include "os/sandbox.h"
#include "tests/conformance/evidence_cases.h"

/* With the pinned roots; the case's other files are its collateral. */
static int child(const struct case_run *r, struct case_files *f)
{
	const struct tee_driver *d = tee_driver_find(json_str(json_get(r->c, "tee")));
	struct collateral col = { 0 };
	struct ev_in in = { .evidence = wr_span(case_main(r, f)), .col = &col, .now = -1 };
	struct ev_out out = { 0 };
	struct err e = { 0 };

	if (sandbox_enter_compute(&e) != COFFER_OK)
		return 100;
	for (size_t i = 0; i < f->n; i++)
		if (&f->f[i].bytes != case_main(r, f) && collateral_add(wr_span(&f->f[i].bytes), false, &col, &e) != COFFER_OK)
			return 103;
	return d->appraise(&in, &out, &e) == COFFER_OK ? (int)out.verdict : 101;
}

/* -1: no evidence of a platform. */
static int appraise_behind_the_door(struct case_run *r)
{
	struct case_files f = { 0 };
	struct err e = { 0 };
	int status = 0;
	pid_t pid;

	if (!tee_driver_find(json_str(json_get(r->c, "tee"))) || case_files_read(r, &f, &e) != COFFER_OK || !case_main(r, &f)) {
		case_files_clear(&f);
		return -1;
	}
	pid = fork();
	if (pid == 0)
		_exit(child(r, &f));
	case_files_clear(&f);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 102;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 200 + WTERMSIG(status);
}

int main(void)
{
	CLEANUP(evidence_cases_close) struct evidence_cases all;
	size_t n = 0;
	int bad = 0;

	if (!evidence_cases_open(&all)) {
		printf("1..1\nok 1 evidence in the sandbox # SKIP no shared vectors\n");
		return 0;
	}
	evidence_warm();
	for (size_t i = 0; i < json_len(json_root(all.doc)); i++) {
		struct case_run r = { .dir = all.dir, .c = json_at(json_root(all.doc), i) };
		struct span id = json_str(json_get(r.c, "id"));
		int got = appraise_behind_the_door(&r);

		if (got < 0)
			continue;
		if (got > VERDICT_COLLATERAL)
			printf("# ended with %d\n", got);
		bad |= got > VERDICT_COLLATERAL;
		printf("%sok %zu %.*s\n", got > VERDICT_COLLATERAL ? "not " : "", ++n, (int)id.n, (const char *)id.p);
	}
	printf("1..%zu\n", n);
	return bad;
}
