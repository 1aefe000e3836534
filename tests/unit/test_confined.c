/* What a command lets read hostile bytes can compute and speak, and nothing else; and what it says is cleaned. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "cli/confined.h"
#include "tests/t.h"

static enum coffer_rc says(void *arg, struct err *e)
{
	(void)e;
	(void)printf("%s", (const char *)arg);
	return COFFER_OK;
}

static enum coffer_rc says_and_denies(void *arg, struct err *e)
{
	(void)printf("%s", (const char *)arg);
	return err_deny(e, "R9", "no\033[2J approval");
}

static enum coffer_rc opens(void *arg, struct err *e)
{
	(void)e;
	(void)printf("opened %d", open(arg, O_RDONLY | O_CLOEXEC));
	return COFFER_OK;
}

static enum coffer_rc writes_a_file(void *arg, struct err *e)
{
	(void)e;
	(void)printf("opened %d", open(arg, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	return COFFER_OK;
}

static enum coffer_rc connects(void *arg, struct err *e)
{
	(void)arg, (void)e;
	(void)printf("socket %d", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	return COFFER_OK;
}

static enum coffer_rc forks(void *arg, struct err *e)
{
	(void)arg, (void)e;
	(void)printf("child %d", (int)fork());
	return COFFER_OK;
}

static int by_number(const void *a, const void *b)
{
	const int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* More than the C library sorts on its stack. */
static enum coffer_rc sorts(void *arg, struct err *e)
{
	static int many[5000];

	(void)arg, (void)e;
	for (int i = 0; i < 5000; i++)
		many[i] = (i * 7919) % 5000;
	qsort(many, 5000, sizeof(many[0]), by_number);
	(void)printf("%d %d", many[0], many[4999]);
	return COFFER_OK;
}

static enum coffer_rc dies(void *arg, struct err *e)
{
	(void)e;
	(void)printf("%s", (const char *)arg);
	(void)fflush(stdout);
	abort();
}

static enum coffer_rc ends_well_too_early(void *arg, struct err *e)
{
	(void)e;
	(void)printf("%s", (const char *)arg);
	(void)fflush(stdout);
	_exit(0);
}

/* The last words of one that read all and found it good, said by one that did not come so far. */
static void forge_last_words(void)
{
	static const uint8_t good[1 + sizeof(((struct err *)0)->check) + sizeof(((struct err *)0)->msg)];

	(void)fwrite(good, 1, sizeof(good), stdout);
	(void)fflush(stdout);
}

static enum coffer_rc says_it_is_good_and_fails(void *arg, struct err *e)
{
	(void)e;
	(void)printf("%s", (const char *)arg);
	forge_last_words();
	_exit(3);
}

static enum coffer_rc says_it_is_good_and_dies(void *arg, struct err *e)
{
	(void)e;
	(void)printf("%s", (const char *)arg);
	forge_last_words();
	abort();
}

static enum coffer_rc never_stops_talking(void *arg, struct err *e)
{
	for (size_t i = 0; i < 4u * CONFINED_TEXT_MAX; i++)
		if (printf("%s", (const char *)arg) < 0)
			return err_set(e, COFFER_E_SYSTEM, "nobody listens");
	return COFFER_OK;
}

static enum coffer_rc wants_all_memory(void *arg, struct err *e)
{
	static char *volatile kept[1024]; /* seen by others, as far as a compiler knows: none of it is left out */

	(void)arg;
	for (size_t i = 0; i < 1024; i++) {
		kept[i] = malloc(1u << 20);
		if (!kept[i])
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		memset(kept[i], 1, 1u << 20);
	}
	return COFFER_OK;
}

/* What was printed on this process' stdout meanwhile. */
static enum coffer_rc run(confined_job *job, const char *arg, char out[static 256], struct err *e)
{
	FILE *f = tmpfile();
	int kept = dup(STDOUT_FILENO);
	char word[256];
	enum coffer_rc rc;
	ssize_t n;

	(void)fflush(stdout);
	(void)snprintf(word, sizeof(word), "%s", arg);
	if (!f || kept < 0 || dup2(fileno(f), STDOUT_FILENO) < 0)
		abort();
	*e = (struct err){ 0 };
	rc = confined(job, word, e);
	(void)fflush(stdout);
	(void)dup2(kept, STDOUT_FILENO);
	(void)close(kept);
	n = pread(fileno(f), out, 255, 0);
	out[n > 0 ? n : 0] = '\0';
	(void)fclose(f);
	return rc;
}

static void words_and_refusals_come_through_and_nothing_that_moves_a_terminal(void)
{
	char out[256];
	struct err e;

	CHECK(run(says, "one\n\ttwo \xc3\xa9\n", out, &e) == COFFER_OK && strcmp(out, "one\n\ttwo \xc3\xa9\n") == 0);
	CHECK(run(says, "", out, &e) == COFFER_OK && out[0] == '\0');
	CHECK(run(says, "a\033[2J\177\rb", out, &e) == COFFER_OK && strcmp(out, "a?[2J??b") == 0);
	CHECK(run(says, "a\xc2\x9b" "2Jb\x9b\xe2\x82\xac\xe2\x82", out, &e) == COFFER_OK && strcmp(out, "a??2Jb?\xe2\x82\xac??") == 0);
	CHECK(run(says_and_denies, "seen\n", out, &e) == COFFER_E_DENIED && strcmp(out, "seen\n") == 0);
	CHECK(e.rc == COFFER_E_DENIED && strcmp(e.check, "R9") == 0 && strcmp(e.msg, "no?[2J approval") == 0);
}

static void what_does_more_than_compute_is_ended_and_shows_nothing(void)
{
	static const struct { confined_job *job; const char *arg; } bad[] = { { opens, "/etc/passwd" }, { writes_a_file, "/tmp/coffer-test-confined" },
		{ connects, "" }, { forks, "" }, { dies, "holds\n" }, { ends_well_too_early, "holds\n" },
		{ says_it_is_good_and_fails, "holds\n" }, { says_it_is_good_and_dies, "holds\n" } };
	char out[256];
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(run(bad[i].job, bad[i].arg, out, &e) == COFFER_E_INPUT && out[0] == '\0');
		CHECK(strstr(e.msg, "made to break its reader"));
	}
	CHECK(access("/tmp/coffer-test-confined", F_OK) != 0);
}

static void what_it_says_and_what_memory_it_takes_are_bounded(void)
{
	char out[256];
	struct err e;

	CHECK(run(never_stops_talking, "and so on ", out, &e) == COFFER_E_INPUT && out[0] == '\0' && strstr(e.msg, "more than"));
	CHECK(run(wants_all_memory, "", out, &e) == COFFER_E_SYSTEM && strstr(e.msg, "out of memory"));
}

/* Bytes for who reads on: as they are, and none of a child that fails. */
static void what_is_said_comes_back_as_it_is(void)
{
	CLEANUP(wr_close) struct wr out = { 0 };
	struct err e = { 0 };

	CHECK(confined_text(says, (void *)(uintptr_t)"a\001\033b", &out, &e) == COFFER_OK && out.n == 4 && out.p[1] == 1 && out.p[2] == 27);
	wr_close(&out);
	CHECK(confined_text(says_and_denies, (void *)(uintptr_t)"x", &out, &e) == COFFER_E_DENIED && strcmp(e.check, "R9") == 0 && out.p == NULL);
	CHECK(confined_text(dies, (void *)(uintptr_t)"x", &out, &e) == COFFER_E_INPUT && out.p == NULL);
	CHECK(confined_text(opens, (void *)(uintptr_t)"/etc/passwd", &out, &e) == COFFER_E_INPUT && out.p == NULL);
}

static void sorting_much_is_computing(void)
{
	CLEANUP(wr_close) struct wr out = { 0 };
	struct err e = { 0 };

	CHECK(confined_text(sorts, NULL, &out, &e) == COFFER_OK && span_eq_str(wr_span(&out), "0 4999"));
}

int main(void)
{
	static const struct t_case cases[] = { T(what_is_said_comes_back_as_it_is), T(words_and_refusals_come_through_and_nothing_that_moves_a_terminal),
		T(what_does_more_than_compute_is_ended_and_shows_nothing), T(what_it_says_and_what_memory_it_takes_are_bounded), T(sorting_much_is_computing) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
