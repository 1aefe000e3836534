/* The timer that needs nobody, with files in memory and a child of the test's own. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/guard.h"
#include "base/clock.h"
#include "tests/t.h"

#define SIZE 150000
#define PAGE 4096
#define EVER (INT64_C(1) << 40)

static int file_of(size_t n)
{
	static uint8_t x[SIZE];
	int fd = memfd_create("plain", MFD_CLOEXEC);

	memset(x, 'x', sizeof(x));
	CHECK(fd >= 0 && write(fd, x, n) == (ssize_t)n);
	return fd;
}

static off_t size_of(int fd)
{
	struct stat st = { 0 };

	CHECK(fstat(fd, &st) == 0);
	return st.st_size;
}

static void wait_for_wipe(size_t v)
{
	while (!guard_wiped(v))
		(void)usleep(1000);
}

static void file_is_wiped_at_its_time_and_the_others_are_not(void)
{
	int fd = file_of(SIZE), other = file_of(SIZE);

	guard_file(0, other, clock_boot_ms() + EVER);
	guard_file(3, fd, clock_boot_ms() + 20);
	wait_for_wipe(3);
	CHECK(size_of(fd) == 0 && size_of(other) == SIZE && !guard_wiped(0));
	guard_file(3, fd, clock_boot_ms() + EVER); /* what was done is not undone */
	CHECK(guard_wiped(3));
	guard_file_clear(3);
	guard_file_clear(0);
	CHECK(!guard_wiped(3));
	(void)close(fd);
	(void)close(other);
}

static void time_that_has_passed_is_now(void)
{
	int fd = file_of(10);

	guard_file(1, fd, 0);
	wait_for_wipe(1);
	CHECK(size_of(fd) == 0);
	guard_file_clear(1);
	(void)close(fd);
}

static void file_that_is_let_go_of_or_put_off_stays(void)
{
	int fd = file_of(10), off = file_of(10), last = file_of(10);

	guard_hold();
	guard_file(1, fd, 1);
	guard_file(2, off, 1);
	guard_file(4, last, 1);
	CHECK(size_of(fd) == 10); /* held */
	guard_file_clear(1);
	guard_file(2, off, clock_boot_ms() + EVER);
	guard_release();
	wait_for_wipe(4);
	CHECK(size_of(fd) == 10 && size_of(off) == 10 && size_of(last) == 0 && !guard_wiped(1) && !guard_wiped(2));
	guard_file_clear(2);
	guard_file_clear(4);
	(void)close(fd);
	(void)close(off);
	(void)close(last);
}

static void process_dies_whose_time_has_come(void)
{
	pid_t pid = fork();
	int status = 0, fd;

	if (pid == 0)
		for (;;)
			(void)pause();
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	CHECK(pid > 0 && fd >= 0);
	guard_set(0, fd, clock_boot_ms() + 20);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	guard_clear(0);
	(void)close(fd);
}

/* The pages themselves: who has one in a pipe finds it overwritten. */
static void wipe_overwrites_the_bytes_that_were_there(void)
{
	int fd = file_of(SIZE), p[2];
	uint8_t got[PAGE], zero[PAGE] = { 0 };
	loff_t at = SIZE / PAGE * PAGE - PAGE;

	CHECK(pipe2(p, O_CLOEXEC) == 0 && splice(fd, &at, p[1], NULL, PAGE, 0) == PAGE);
	CHECK(guard_wipe(fd) && size_of(fd) == 0);
	CHECK(read(p[0], got, PAGE) == PAGE && memcmp(got, zero, PAGE) == 0); /* public: what the test wrote */
	CHECK(guard_wipe(fd)); /* of nothing */
	(void)close(fd);
	(void)close(p[0]);
	(void)close(p[1]);
}

static void wipe_of_what_is_not_to_be_written_says_so(void)
{
	int reads = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	CHECK(reads >= 0 && !guard_wipe(reads) && !guard_wipe(-1));
	(void)close(reads);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(file_is_wiped_at_its_time_and_the_others_are_not), T(time_that_has_passed_is_now), T(file_that_is_let_go_of_or_put_off_stays),
		T(process_dies_whose_time_has_come), T(wipe_overwrites_the_bytes_that_were_there), T(wipe_of_what_is_not_to_be_written_says_so),
	};
	struct err e = { 0 };

	if (guard_open(&e) != COFFER_OK) {
		printf("Bail out! %s\n", e.msg);
		return 1;
	}
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
