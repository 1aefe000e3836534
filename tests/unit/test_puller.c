/* The agent's end of a pull, against pullers that lie: this program, started anew, is what is asked for by the reference. */
#include "agent/puller.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/puller_int.h"
#include "base/own.h"
#include "base/str.h"
#include "os/ipc.h"
#include "tests/t.h"

#define KID "kbs:///imaker/image-key/app"

/* ---- the puller ---- */

static void say(uint8_t tag, struct span body)
{
	struct err e;

	if (ipc_send(PULLER_FD, tag, body, &e) != COFFER_OK)
		_exit(1);
}

static void say_failed(uint8_t rc, const char *check, const char *msg)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);

	wr_u8(&w, rc);
	wr_blob32(&w, span_of(check));
	wr_blob32(&w, span_of(msg));
	say(PULLER_FAILED, wr_span(&w));
}

static void say_pulled(uint32_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(8);

	wr_be32(&w, n);
	say(PULLER_PULLED, wr_span(&w));
}

/* The key, and whether it is the one that the agent's end hands out. */
static bool key_is_given(uint8_t tag, const char *kid)
{
	CLEANUP(wr_close) struct wr body = wr_open(8192);
	uint8_t answer = 0;
	struct err e;

	say(tag, span_of(kid));
	return ipc_recv(PULLER_FD, 8192, &answer, &body, &e) == COFFER_OK && answer == PULLER_SECRET && span_eq_str(wr_span(&body), "the key");
}

static int play(void)
{
	CLEANUP(wr_close) struct wr body = wr_open(PULLER_REQUEST_MAX);
	uint8_t tag = 0;
	struct err e;
	struct rd r;
	struct span how;

	if (ipc_recv(PULLER_FD, PULLER_REQUEST_MAX, &tag, &body, &e) != COFFER_OK || tag != PULLER_PULL)
		return 1;
	r = rd_open(wr_span(&body));
	how = rd_blob32(&r, 64);
	if (span_eq_str(how, "pulled"))
		say_pulled(3);
	else if (span_eq_str(how, "key"))
		say_pulled(key_is_given(PULLER_KEY, KID) && key_is_given(PULLER_PEM, "") ? 7 : 0);
	else if (span_eq_str(how, "no key")) {
		(void)key_is_given(PULLER_KEY, "else");
		say_failed(COFFER_E_DENIED, "R9", "what it makes of it");
	} else if (span_eq_str(how, "odd key")) {
		say(PULLER_KEY, (struct span){ (const uint8_t *)"a\0b", 3 });
		say_failed(COFFER_E_SYSTEM, "", "x");
	} else if (span_eq_str(how, "denied"))
		say_failed(COFFER_E_DENIED, "digest", "a layer is\nanother\033[2J");
	else if (span_eq_str(how, "none"))
		say_failed(COFFER_OK, "", "fine");
	else if (span_eq_str(how, "what"))
		say_failed(99, "", "fine");
	else if (span_eq_str(how, "no check"))
		say_failed(COFFER_E_DENIED, "", "fine");
	else if (span_eq_str(how, "long"))
		say(PULLER_PULLED, span_of("12345"));
	else if (span_eq_str(how, "odd progress"))
		say(PULLER_PROGRESS, span_of("12345"));
	else if (span_eq_str(how, "kind"))
		say(77, span_of(""));
	else if (span_eq_str(how, "huge"))
		say(PULLER_KEY, (struct span){ body.p, 5000 });
	else if (span_eq_str(how, "stays")) {
		say_pulled(1);
		(void)pause();
	} else if (span_eq_str(how, "leaves")) {
		rd_span(&r, 32);
		(void)rd_blob32(&r, PULLER_REQUEST_MAX);
		(void)rd_blob32(&r, PULLER_REQUEST_MAX);
		how = rd_blob32(&r, 4096);
		if (chdir(strndupa((const char *)how.p, how.n)) != 0 || mkdir("0", 0700) != 0 || mkdir("0/deep", 0700) != 0)
			return 1;
		(void)raise(SIGKILL);
	}
	return 0;
}

/* ---- the agent ---- */

static char dir[] = "/tmp/coffer-test-puller.XXXXXX";
static unsigned asked;

static enum coffer_rc get_key(void *arg, const char *kid, struct secret *out, struct err *e)
{
	(void)arg;
	asked++;
	if (strcmp(kid, KID) != 0)
		return err_deny(e, "decrypt", "the manifest does not entitle it to %s", kid);
	TRY(secret_new(7, out, e));
	memcpy(out->p, "the key", 7);
	return COFFER_OK;
}

static enum coffer_rc get_pem(void *arg, struct secret *out, struct err *e)
{
	return get_key(arg, KID, out, e);
}

static size_t layers;
static struct err why;

static enum coffer_rc pull(const char *how, bool pem)
{
	struct image_pull o = { .reference = how, .policy = span_of("{}"), .get_key = get_key, .get_pem = pem ? get_pem : NULL, .dir = dir };
	enum coffer_rc rc;

	layers = 99;
	asked = 0;
	why = (struct err){ 0 };
	rc = puller_run(&o, &layers, &why);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0); /* nothing of it lives */
	return rc;
}

static bool is_empty(void)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		(void)closedir(d);
	return n == 2;
}

static void puller_that_ends_well_gives_its_layers(void)
{
	CHECK(pull("pulled", false) == COFFER_OK && layers == 3);
	CHECK(pull("key", true) == COFFER_OK && layers == 7 && asked == 2);
	CHECK(pull("stays", false) == COFFER_OK && layers == 1); /* and is ended */
}

/* Why there was no key is the agent's to say, whatever the puller makes of it. */
static void puller_is_refused_a_key_in_the_agents_words(void)
{
	CHECK(pull("no key", true) == COFFER_E_DENIED && strcmp(why.check, "decrypt") == 0 && strstr(why.msg, "does not entitle it to else") && asked == 1);
	CHECK(pull("odd key", true) == COFFER_E_DENIED && strcmp(why.check, "decrypt") == 0 && asked == 0);
	CHECK(pull("key", false) == COFFER_E_UPSTREAM && asked == 1); /* of a kind that nobody offered */
}

static void puller_says_why_it_failed_in_printable_text(void)
{
	CHECK(pull("denied", false) == COFFER_E_DENIED && strcmp(why.check, "digest") == 0 && strcmp(why.msg, "a layer is?another?[2J") == 0);
}

static void puller_that_lies_or_ends_is_a_failure(void)
{
	static const char *const lies[] = { "none", "what", "no check", "long", "odd progress", "kind" };

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		CHECK(pull(lies[i], true) == COFFER_E_UPSTREAM && asked == 0 && why.msg[0]);
	CHECK(pull("huge", true) == COFFER_E_SYSTEM && asked == 0);
	CHECK(pull("ends", false) == COFFER_E_SYSTEM && strstr(why.msg, "ended before it was done"));
	CHECK(pull("leaves", false) == COFFER_E_SYSTEM && is_empty());
}

static void failure_cut_anywhere_is_none(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(256);
	const struct err said = { .rc = COFFER_E_DENIED, .check = "digest", .msg = "a layer" };
	struct err e;

	puller_put_failed(&w, said.rc, &said);
	CHECK(puller_read_failed(wr_span(&w), &e) == COFFER_E_DENIED && strcmp(e.check, "digest") == 0 && strcmp(e.msg, "a layer") == 0);
	for (size_t n = 0; n < w.n; n++)
		CHECK(puller_read_failed((struct span){ w.p, n }, &e) == COFFER_E_UPSTREAM);
	wr_u8(&w, 0);
	CHECK(puller_read_failed(wr_span(&w), &e) == COFFER_E_UPSTREAM);
}

int main(int argc, char **argv)
{
	static const struct t_case c[] = { T(puller_that_ends_well_gives_its_layers), T(puller_is_refused_a_key_in_the_agents_words), T(puller_says_why_it_failed_in_printable_text),
		T(puller_that_lies_or_ends_is_a_failure), T(failure_cut_anywhere_is_none) };
	int failed;

	if (argc == 2 && strcmp(argv[1], PULLER_ARG) == 0)
		return play();
	if (!mkdtemp(dir))
		return 1;
	failed = t_main(c, sizeof(c) / sizeof(c[0]));
	(void)rmdir(dir);
	return failed;
}
