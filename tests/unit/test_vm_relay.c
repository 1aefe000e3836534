/* What a guest says on its console, and what of it gets to the launcher and to whoever looks on. The relay is the real one, in a process as at the launcher's. */
#include "tests/t.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/vm.h"

static char said[1 << 16], shown[2 << 20];

static void read_all(FILE *f, char *out, size_t room)
{
	rewind(f);
	out[fread(out, 1, room - 1, f)] = 0;
	(void)fclose(f);
}

/* console: all that the guest says before its machine is gone. What the relay says is in files, which no reader holds up. */
static void relay(const char *console, size_t n)
{
	FILE *from = tmpfile(), *to = tmpfile(), *err = tmpfile();
	int port[2], status = -1;
	pid_t pid;

	CHECK(from && to && err && fwrite(console, 1, n, from) == n && fflush(from) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port) == 0);
	rewind(from);
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		const struct vm_relay r = { .port = port[0], .console = fileno(from), .agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .said = fileno(to) };

		(void)dup2(fileno(err), STDERR_FILENO);
		vm_relay(&r);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	read_all(to, said, sizeof(said));
	read_all(err, shown, sizeof(shown));
	(void)fclose(from);
	(void)close(port[0]);
	(void)close(port[1]);
}

static void says(const char *console)
{
	relay(console, strlen(console));
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

static void launcher_hears_registers_and_the_end_and_others_the_rest(void)
{
	says("SeaBIOS\r\ncoffer-agent: pcr04 ab\r\n[0.1] coffer-agent: a word\r\ncoffer-agent: ready\r\ncoffer-agent: pcr09 cd\r\ncoffer-agent: power off\r\n");
	CHECK(strcmp(said, "pcr04 ab\nready\n") == 0);
	CHECK(strcmp(shown, "coffer-agent: a word\ncoffer-agent: pcr09 cd\n") == 0);
}

static void nothing_but_printable_ascii_leaves_the_relay(void)
{
	says("coffer-agent: pcr00 \033[2J\xff\ncoffer-agent: \033]0;x\007\xc2\x9b\ncoffer-agent: failed 5 \x1b\xc3\xa4\r no\n");
	CHECK(strcmp(said, "pcr00 ?[2J?\nfailed 5 ???? no\n") == 0);
	CHECK(strcmp(shown, "coffer-agent: ?]0;x???\n") == 0);
}

static void long_lines_are_cut(void)
{
	static char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "coffer-agent: pcr", 17);
	text[sizeof(text) - 2] = '\n';
	says(text);
	CHECK(strlen(said) == ERR_MSG_MAX + 512 - 14 + 1 && strncmp(said, "pcrxx", 5) == 0);
}

static void a_guest_s_words_have_an_end(void)
{
	CLEANUP(freep) char *text = malloc(4u << 20);
	size_t n = 0;

	CHECK(text != NULL);
	while (text && n < 3u << 20)
		n += (size_t)sprintf(text + n, "coffer-agent: pcr00 ab\ncoffer-agent: %0900d\n", 0);
	if (text)
		n += (size_t)sprintf(text + n, "coffer-agent: ready\n");
	relay(text, n);
	CHECK(count(said, "pcr00") == 16 && strstr(said, "\nready\n")); /* what is waited for comes through */
	CHECK(strlen(shown) > 1000000 && strlen(shown) < (1u << 20) + 2048);
	CHECK(count(shown, "the console says more") == 1 && strstr(shown, "coffer-agent: the console says more\n")[sizeof("coffer-agent: the console says more\n") - 1] == 0);
}

int main(void)
{
	static const struct t_case cases[] = { T(launcher_hears_registers_and_the_end_and_others_the_rest), T(nothing_but_printable_ascii_leaves_the_relay), T(long_lines_are_cut),
		T(a_guest_s_words_have_an_end) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
