#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "tests/t.h"

static char dir[] = "/tmp/coffer-test-file.XXXXXX";

static char *in_dir(const char *name)
{
	char *p = str_fmt("%s/%s", dir, name);

	if (!p)
		abort();
	return p;
}

static void write_then_read_gives_the_same_bytes_and_mode(void)
{
	CLEANUP(freep) char *path = in_dir("a");
	CLEANUP(wr_close) struct wr w = { 0 };
	struct err e = { 0 };
	struct stat st;

	CHECK(file_write(path, span_of("hello"), 0640, &e) == COFFER_OK);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640);
	CHECK(file_read(path, 5, &w, &e) == COFFER_OK && span_eq_str(wr_span(&w), "hello"));
	CHECK(file_write(path, span_of("x"), 0600, &e) == COFFER_OK);
	CHECK(file_read(path, 5, &w, &e) == COFFER_OK && span_eq_str(wr_span(&w), "x"));
	CHECK(file_exists(path));
}

static void read_beyond_max_is_a_limit_and_leaves_nothing(void)
{
	CLEANUP(freep) char *path = in_dir("b");
	CLEANUP(wr_close) struct wr w = { 0 };
	struct err e = { 0 };

	CHECK(file_write(path, span_of("hello"), 0600, &e) == COFFER_OK);
	CHECK(file_read(path, 4, &w, &e) == COFFER_E_LIMIT);
	CHECK(w.p == NULL && w.n == 0);
}

static void read_absent_is_not_found_and_folder_is_refused(void)
{
	CLEANUP(freep) char *path = in_dir("absent");
	CLEANUP(freep) char *under = in_dir("b/under");
	CLEANUP(wr_close) struct wr w = { 0 };
	struct err e = { 0 };

	CHECK(!file_exists(path));
	CHECK(file_read(path, 4, &w, &e) == COFFER_E_NOTFOUND);
	CHECK(file_read(under, 4, &w, &e) == COFFER_E_NOTFOUND);
	CHECK(file_read(dir, 4, &w, &e) == COFFER_E_INPUT);
	CHECK(file_read("/dev/zero", 4, &w, &e) == COFFER_E_INPUT);
}

static void secret_is_read_whole_and_bounded(void)
{
	CLEANUP(freep) char *path = in_dir("key");
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e = { 0 };

	CHECK(file_write(path, span_of("0123456789"), 0600, &e) == COFFER_OK);
	CHECK(file_read_secret(path, 9, &s, &e) == COFFER_E_LIMIT && s.p == NULL);
	CHECK(file_read_secret(path, 10, &s, &e) == COFFER_OK);
	CHECK(s.n == 10 && ct_eq((struct span){ s.p, s.n }, span_of("0123456789")));
}

static void secret_empty_or_absent_is_refused(void)
{
	CLEANUP(freep) char *path = in_dir("empty");
	CLEANUP(freep) char *absent = in_dir("absent");
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e = { 0 };

	CHECK(file_write(path, span_of(""), 0600, &e) == COFFER_OK);
	CHECK(file_read_secret(path, 9, &s, &e) == COFFER_E_INPUT);
	CHECK(file_read_secret(absent, 9, &s, &e) == COFFER_E_NOTFOUND);
}

static void write_into_no_folder_fails_and_leaves_nothing(void)
{
	CLEANUP(freep) char *path = in_dir("no/such/file");
	struct err e = { 0 };

	CHECK(file_write(path, span_of("x"), 0600, &e) == COFFER_E_NOTFOUND);
	CHECK(file_write(dir, span_of("x"), 0600, &e) == COFFER_E_INPUT); /* a folder is in the way */
}

static void mkdirs_makes_all_and_accepts_what_is_there(void)
{
	CLEANUP(freep) char *path = in_dir("x/y/z");
	CLEANUP(freep) char *file = in_dir("x/file");
	CLEANUP(freep) char *below = in_dir("x/file/z");
	struct err e = { 0 };

	CHECK(file_mkdirs(path, 0700, &e) == COFFER_OK);
	CHECK(file_mkdirs(path, 0700, &e) == COFFER_OK);
	CHECK(file_write(file, span_of("x"), 0600, &e) == COFFER_OK);
	CHECK(file_mkdirs(file, 0700, &e) == COFFER_E_INPUT && strstr(e.msg, file));
	CHECK(file_mkdirs(below, 0700, &e) == COFFER_E_NOTFOUND);
}

/* What the user can mend has a code of its own, and the message the file's name. */
static void write_without_right_or_room_says_so(void)
{
	CLEANUP(freep) char *path = in_dir("limited");
	CLEANUP(freep) char *deep = in_dir("none/of/these");
	struct rlimit l, small;
	uint8_t bytes[100] = { 1 };
	struct err e = { 0 };

	CHECK(getrlimit(RLIMIT_FSIZE, &l) == 0 && signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	small = (struct rlimit){ 10, l.rlim_max };
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CHECK(file_write(path, SPAN(bytes), 0600, &e) == COFFER_E_LIMIT && strstr(e.msg, path) && !file_exists(path));
	CHECK(setrlimit(RLIMIT_FSIZE, &l) == 0);
	CHECK(file_write(dir, SPAN(bytes), 0600, &e) == COFFER_E_INPUT && strstr(e.msg, dir)); /* a folder of this name */
	CHECK(file_mkdirs("/proc/x/y", 0700, &e) == COFFER_E_NOTFOUND);
	CHECK(chmod(dir, 0500) == 0);
	if (geteuid() != 0 || seteuid(65534) == 0) {
		CHECK(file_write(path, SPAN(bytes), 0600, &e) == COFFER_E_DENIED && strcmp(e.check, "file") == 0 && strstr(e.msg, path));
		CHECK(file_mkdirs(deep, 0700, &e) == COFFER_E_DENIED);
		(void)!seteuid(0);
	}
	CHECK(chmod(dir, 0700) == 0);
}

/* A disk of one page. */
static int on_a_full_disk(const char *at)
{
	CLEANUP(freep) char *path = str_fmt("%s/file", at);
	CLEANUP(file_later_drop) struct file_later f = { .fd = -1 };
	static uint8_t bytes[65536];
	struct err e = { 0 };

	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("tmpfs", at, "tmpfs", 0, "size=4096") != 0)
		return 77;
	if (file_write(path, SPAN(bytes), 0600, &e) != COFFER_E_SYSTEM || !strstr(e.msg, "make room") || file_exists(path))
		return 1;
	if (file_later_open(path, sizeof(bytes), &f, &e) != COFFER_E_SYSTEM || !strstr(e.msg, "make room") || f.beside || f.fd != -1)
		return 2;
	return file_later_open(path, 4096, &f, &e) == COFFER_OK && file_later_write(&f, path, (struct span){ bytes, 3000 }, 0644, &e) == COFFER_OK ? 0 : 3;
}

static void full_disk_is_our_fault_and_found_before(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(on_a_full_disk(dir));
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		printf("# no full disk: making one takes root\n");
	else
		CHECK(WEXITSTATUS(status) == 0);
}

/* How many files there begin with that name. */
static size_t named(const char *name)
{
	DIR *d = opendir(dir);
	const struct dirent *one;
	size_t n = 0;

	CHECK(d != NULL);
	while (d && (one = readdir(d)) != NULL)
		n += strncmp(one->d_name, name, strlen(name)) == 0;
	if (d)
		(void)closedir(d);
	return n;
}

static bool has_nameless(void)
{
	int fd = open(dir, O_RDWR | O_TMPFILE, 0600);

	if (fd < 0)
		printf("# %s: no files without a name\n", dir);
	else
		(void)close(fd);
	return fd >= 0;
}

static void later_file_of_who_was_killed_leaves_nothing(void)
{
	CLEANUP(freep) char *path = in_dir("killed");
	CLEANUP(file_later_drop) struct file_later f = { .fd = -1 };
	struct err e = { 0 };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(file_later_open(path, 4096, &f, &e) == COFFER_OK ? kill(getpid(), SIGKILL) : 1);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	if (has_nameless())
		CHECK(named("killed") == 0);
}

static void later_file_replaces_the_one_that_is_there(void)
{
	CLEANUP(freep) char *path = in_dir("again");
	CLEANUP(wr_close) struct wr back = { 0 };
	CLEANUP(file_later_drop) struct file_later f = { .fd = -1 };
	struct err e = { 0 };
	struct stat st;

	CHECK(file_write(path, span_of("before"), 0600, &e) == COFFER_OK);
	CHECK(file_later_open(path, 10, &f, &e) == COFFER_OK && file_later_write(&f, path, span_of("abc"), 0640, &e) == COFFER_OK);
	CHECK(file_read(path, 100, &back, &e) == COFFER_OK && span_eq_str(wr_span(&back), "abc"));
	CHECK(named("again") == 1 && stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
}

static void later_file_is_whole_or_not_there(void)
{
	CLEANUP(freep) char *path = in_dir("later");
	CLEANUP(wr_close) struct wr back = { 0 };
	struct file_later f = { .fd = -1 };
	struct err e = { 0 };

	CHECK(file_later_open(dir, 10, &f, &e) == COFFER_E_INPUT && f.fd == -1);
	CHECK(file_later_open(path, 5000, &f, &e) == COFFER_OK && !file_exists(path) && f.fd >= 0 && (f.beside ? file_exists(f.beside) : named("later") == 0));
	CHECK(file_later_write(&f, path, span_of("abc"), 0644, &e) == COFFER_OK && !f.beside);
	CHECK(file_read(path, 100, &back, &e) == COFFER_OK && span_eq_str(wr_span(&back), "abc"));
	file_later_drop(&f);
	CHECK(unlink(path) == 0 && file_later_open(path, 10, &f, &e) == COFFER_OK && mkdir(path, 0700) == 0);
	CHECK(file_later_write(&f, path, span_of("abc"), 0644, &e) == COFFER_E_INPUT && strstr(e.msg, "is whole in") && !f.beside);
	file_later_drop(&f);
	CHECK(rmdir(path) == 0);
}

static void remove_dir(void)
{
	CLEANUP(freep) char *cmd = str_fmt("%s", dir);
	char *const argv[] = { (char *)(uintptr_t)"rm", (char *)(uintptr_t)"-r", cmd, NULL };

	(void)execv("/bin/rm", argv);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(write_then_read_gives_the_same_bytes_and_mode), T(read_beyond_max_is_a_limit_and_leaves_nothing),
		T(read_absent_is_not_found_and_folder_is_refused), T(secret_is_read_whole_and_bounded),
		T(secret_empty_or_absent_is_refused), T(write_into_no_folder_fails_and_leaves_nothing),
		T(mkdirs_makes_all_and_accepts_what_is_there), T(write_without_right_or_room_says_so),
		T(full_disk_is_our_fault_and_found_before), T(later_file_is_whole_or_not_there),
		T(later_file_of_who_was_killed_leaves_nothing), T(later_file_replaces_the_one_that_is_there),
	};
	int bad;

	if (!mkdtemp(dir))
		return 99;
	bad = t_main(cases, sizeof(cases) / sizeof(cases[0]));
	(void)fflush(stdout);
	if (fork() == 0)
		remove_dir();
	return bad;
}
