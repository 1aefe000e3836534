/* The real, sandboxed cofferd-keep, killed at any moment while it logs, stores and releases: it comes up again, its
 * chain is whole, and nothing that it acknowledged is lost. argv[1] is the program. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/ipc.h"
#include "os/spawn.h"
#include "tests/keepkit.h"
#include "tests/stepkill.h"
#include "tests/t.h"

#define ROUNDS 25
#define ACKED_MAX 100000

static const char *program, *judge; /* cofferd-keep, cofferd-eval */
static char dir[] = "/tmp/coffer-test-crash.XXXXXX";

struct acked { uint64_t seq; uint8_t entry[32]; };

struct run {
	struct kit    k;
	pid_t         pid;
	int           ctl, eval_ctl;
	pid_t         eval;
	struct acked *acked;
	size_t        n;
	uint64_t      serial;   /* of the approval; its id is in k.approval_id */
	uint8_t       previous[32];
};

static char said[600]; /* by keep, when it last started or did not */

/* *keep_end: what keep gets as its socket to eval. */
static bool start_eval(struct run *r, int *keep_end)
{
	const char *const argv[] = { judge, NULL };
	struct err e = { 0 };
	int sv[2], ctl[2];
	char ready = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ctl) != 0)
		return false;
	const int fds[] = { -1, -1, 2, sv[1], ctl[1] };
	const struct spawn s = { .argv = argv, .fds = fds, .n_fds = 5, .die_with_parent = true };
	bool ok = spawn_start(&s, &r->eval, &e) == COFFER_OK;

	(void)close(sv[1]), (void)close(ctl[1]);
	*keep_end = sv[0];
	r->eval_ctl = ctl[0];
	return ok && read(ctl[0], &ready, 1) == 1 && ready == 'R';
}

static bool start(struct run *r)
{
	const char *const argv[] = { program, "--run", NULL };
	CLEANUP(wr_close) struct wr w = wr_open(KEEP_CONFIG_MAX), answer = { 0 };
	struct keep_config c = { .state_dir = span_of(dir), .genesis = r->k.genesis, .id = span_of("trust") };
	struct err e = { 0 };
	int net[2], ctl[2], ev = -1;
	uint8_t tag = 0xff;

	if (!start_eval(r, &ev) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, net) != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ctl) != 0)
		return false;
	const int fds[] = { -1, -1, 2, net[1], ctl[1], ev };
	const struct spawn s = { .argv = argv, .fds = fds, .n_fds = 6, .die_with_parent = true };
	bool ok = spawn_start(&s, &r->pid, &e) == COFFER_OK;

	(void)close(net[1]), (void)close(ctl[1]), (void)close(ev);
	r->k.fd = net[0];
	r->ctl = ctl[0];
	memcpy(c.genesis_id, r->k.genesis_id, 32);
	keep_config_write(&w, &c);
	ok = ok && ipc_send(r->ctl, KEEP_CONFIG, wr_span(&w), &e) == COFFER_OK &&
	     ipc_recv(r->ctl, 4096, &tag, &answer, &e) == COFFER_OK && tag == COFFER_OK;
	(void)snprintf(said, sizeof(said), "%.*s", (int)answer.n, (const char *)answer.p);
	if (!ok)
		printf("# keep did not start: %s %.*s\n", e.msg, (int)answer.n, (const char *)answer.p);
	return ok;
}

static int stop(struct run *r)
{
	struct err e = { 0 };
	int st = -1;

	(void)close(r->k.fd), (void)close(r->ctl);
	r->k.fd = -1;
	(void)!spawn_wait(r->pid, &st, &e);
	(void)close(r->eval_ctl);
	(void)!spawn_wait(r->eval, &(int){ 0 }, &e);
	return st;
}

static pid_t kill_later(pid_t victim, useconds_t after)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)usleep(after);
		(void)kill(victim, SIGKILL);
		_exit(0);
	}
	return pid;
}

static void ack(struct run *r, uint64_t seq, const uint8_t entry[static 32])
{
	if (r->n < ACKED_MAX) {
		r->acked[r->n].seq = seq;
		memcpy(r->acked[r->n++].entry, entry, 32);
	}
}

static void ack_logged(struct run *r)
{
	struct keep_logged_rep rep;
	struct err e = { 0 };

	if (keep_logged_rep_read(wr_span(&r->k.answer), &rep, &e) == COFFER_OK)
		ack(r, rep.seq, rep.entry);
}

static void ack_release(struct run *r)
{
	struct keep_resource_rep rep;
	struct err e = { 0 };

	if (keep_resource_rep_read(wr_span(&r->k.answer), &rep, &e) == COFFER_OK)
		ack(r, rep.seq, rep.entry);
}

/* The store answers with the hash it acknowledged, for every acknowledged entry from the first-th on. */
static bool there_from(struct run *r, size_t first)
{
	for (size_t i = first; i < r->n; i++) {
		CLEANUP(wr_close) struct wr own = { 0 };
		CLEANUP(freep) char *text = NULL, *want = NULL;
		struct keep_journal_req m = { .from = r->acked[i].seq };
		struct wr w = wr_open(1u << 16);
		char hex[HEX32_LEN];

		if (i + 40 < r->n && i % 17 != 0) /* all of the newest, a sample of the older: the chain vouches for the rest */
			continue;
		kit_auth(&r->k, KIT_ACME, "GET", "/x", &m.auth, &own);
		keep_journal_req_write(&w, &m);
		if (kit_ask(&r->k, KEEP_JOURNAL, &w) != COFFER_OK)
			return false;
		hex32(r->acked[i].entry, hex);
		want = str_fmt("{\"entries\":[{\"hash\":\"%s\",\"seq\":%llu}", hex, (unsigned long long)r->acked[i].seq);
		text = span_dup(wr_span(&r->k.answer));
		if (!text || !want || !span_starts(span_of(text), want))
			return false;
	}
	return true;
}

static bool all_there(struct run *r)
{
	return there_from(r, 0);
}

static bool is_logged(struct run *r, const uint8_t id[static 32])
{
	CLEANUP(wr_close) struct wr own = { 0 };
	struct keep_query_req m = { .has_auth = true, .has_id = true, .all = true };
	struct wr w = wr_open(1u << 16);
	struct rd in;

	memcpy(m.id, id, 32);
	kit_auth(&r->k, KIT_ACME, "GET", "/x", &m.auth, &own);
	keep_query_req_write(&w, &m);
	if (kit_ask(&r->k, KEEP_QUERY, &w) != COFFER_OK)
		return false;
	in = rd_open(wr_span(&r->k.answer));
	return rd_be32(&in) == 1;
}

/* What was sent and not answered before the kill may have happened or not: ask. */
static void resolve(struct run *r)
{
	if (memcmp(r->k.asset_id, r->k.asset_pending, 32) != 0 /* public: test */ &&
	    is_logged(r, r->k.asset_pending)) {
		r->k.asset_serial++;
		r->k.asset_version++;
		memcpy(r->k.asset_id, r->k.asset_pending, 32);
	}
	if (memcmp(r->previous, r->k.approval_id, 32) != 0 /* public: test */ && is_logged(r, r->k.approval_id)) {
		r->serial++;
		memcpy(r->previous, r->k.approval_id, 32);
	}
}

/* An approval, an asset and a release of it. */
static enum coffer_rc work_once(struct run *r)
{
	enum coffer_rc rc;

	r->k.now = clock_now();
	rc = kit_approve(&r->k, "", r->serial + 1, r->serial ? r->previous : NULL);
	if (rc != COFFER_OK)
		return rc;
	ack_logged(r);
	r->serial++;
	memcpy(r->previous, r->k.approval_id, 32);
	rc = kit_put(&r->k, KIT_HOSPITAL, "content");
	if (rc != COFFER_OK)
		return rc;
	ack_logged(r);
	rc = kit_get(&r->k, (struct kit_get){ 0 });
	if (rc == COFFER_OK)
		ack_release(r);
	return rc;
}

static enum coffer_rc work_begin(struct run *r)
{
	enum coffer_rc rc = kit_begin(&r->k);

	return rc == COFFER_OK ? kit_attest(&r->k, (struct kit_evidence){ 0 }) : rc;
}

/* Whether keep is gone; false when it refused what it must not refuse. */
static bool is_gone(struct run *r, enum coffer_rc rc)
{
	if (rc != COFFER_E_UPSTREAM)
		printf("# refused: %s: %s\n", r->k.no.check, r->k.no.reason);
	return rc == COFFER_E_UPSTREAM;
}

/* Works until keep is gone. */
static bool work(struct run *r)
{
	enum coffer_rc rc = work_begin(r);

	while (rc == COFFER_OK)
		rc = work_once(r);
	return is_gone(r, rc);
}

static struct run run;

static void shell(const char *what);

/* A session, an approval, an asset and a release of it, cut off at one step: 1, or 0 if they had not that many. */
static int cut_off_at(struct run *r, unsigned step)
{
	enum coffer_rc rc;
	pid_t tracer;
	bool killed;

	CHECK(start(r));
	tracer = stepkill_start(r->pid, step);
	CHECK(tracer > 0);
	r->k.now = clock_now();
	r->n = 0;
	rc = work_begin(r);
	if (rc == COFFER_OK)
		rc = work_once(r);
	CHECK(rc == COFFER_OK || is_gone(r, rc));
	(void)stop(r);
	killed = stepkill_end(tracer);
	CHECK(start(r) && all_there(r) && stop(r) == 0);
	return killed && rc != COFFER_OK; /* what it writes as it ends is not this test's */
}

/* The same in a process and on a folder that are what they were before each round. */
static bool was_cut_off_at(unsigned step)
{
	int st = -1;
	pid_t pid;

	shell("rm -rf ../$(basename $PWD).copy && cp -a . ../$(basename $PWD).copy");
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int killed = cut_off_at(&run, step);

		(void)fflush(stdout);
		_exit(t_failed ? 2 : killed);
	}
	CHECK(waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) < 2);
	shell("rm keep.* && cp -a ../$(basename $PWD).copy/keep.* . && rm -rf ../$(basename $PWD).copy");
	return !t_failed && WEXITSTATUS(st) == 1;
}

static void killed_at_every_single_write_keep_loses_nothing_it_acknowledged(void)
{
	unsigned step = 0;

	CHECK(start(&run));
	run.k.now = clock_now();
	CHECK(kit_service(&run.k) == COFFER_OK && kit_workload(&run.k) == COFFER_OK);
	CHECK(kit_release(&run.k, 1, 1, NULL) == COFFER_OK && kit_release(&run.k, 2, 1, NULL) == COFFER_OK);
	CHECK(stop(&run) == 0);
	while (was_cut_off_at(step))
		step++;
	printf("# killed before each of %u writes, syncs and answers\n", step);
	CHECK(step > 40);
}

static void killed_at_any_moment_keep_loses_nothing_it_acknowledged(void)
{
	struct run *r = &run;
	size_t killed = 0;

	for (unsigned i = 0; i < ROUNDS && !t_failed; i++) {
		uint8_t random[2];
		pid_t killer;

		CHECK(start(r)); /* also: the chain is whole, or keep would not start */
		r->k.now = clock_now();
		CHECK(all_there(r));
		resolve(r);
		random_bytes(random, sizeof(random));
		killer = kill_later(r->pid, 3000u + (unsigned)(random[0] << 8 | random[1]) * 2);
		CHECK(work(r));
		killed += stop(r) == 128 + SIGKILL;
		(void)waitpid(killer, NULL, 0);
	}
	CHECK(killed == ROUNDS && r->n > 2 * ROUNDS);
	printf("# %zu entries acknowledged over %d kills\n", r->n, ROUNDS);
	CHECK(start(r) && all_there(r));
	CHECK(stop(r) == 0); /* and ends well when its parent goes */
}

/* Returns whether keep starts after a shell command in a copy of its folder; puts the folder back. */
static bool starts_after_command(struct run *r, const char *what)
{
	CLEANUP(freep) char *cmd = str_fmt("cp -a %s %s.copy && cd %s && %s", dir, dir, dir, what);
	CLEANUP(freep) char *back = str_fmt("rm -rf %s && mv %s.copy %s", dir, dir, dir);
	const char *const change[] = { "/bin/sh", "-c", cmd, NULL }, *const undo[] = { "/bin/sh", "-c", back, NULL };
	const int fds[] = { -1, -1, 2 };
	struct spawn s = { .argv = change, .fds = fds, .n_fds = 3 };
	CLEANUP(freep) char *out = NULL, *out2 = NULL;
	struct err e = { 0 };
	int st = 1;
	bool ok;

	CHECK(spawn_run(&s, 4096, &out, &st, &e) == COFFER_OK && st == 0);
	ok = start(r);
	(void)stop(r);
	s.argv = undo;
	CHECK(spawn_run(&s, 4096, &out2, &st, &e) == COFFER_OK && st == 0);
	return ok;
}

static bool starts_after(struct run *r, const char *sql)
{
	CLEANUP(freep) char *cmd = str_fmt("/usr/bin/sqlite3 keep.db \"%s\"", sql);

	return starts_after_command(r, cmd);
}

static void nothing_that_is_missing_is_made_anew(void)
{
	static const struct { const char *command, *words; } is[] = {
		{ "rm keep.db", "keep.db is missing" },
		{ "rm keep.db keep.mark", "keep.db is missing" },
		{ "rm keep.keys", "keep.keys is missing" },
		{ "rm keep.mark", "keep.mark is missing" },
		{ "rm keep.*", "keygen" },
		{ ": >keep.db", "schema version" },
		{ "sqlite3 keep.db 'PRAGMA user_version=1'", "schema version 1, this program knows 4" },
		{ "truncate -s 47 keep.mark", "keep.mark was not written" },
		{ "echo >>keep.mark", "keep.mark was not written" },
		{ "printf X | dd of=keep.mark bs=1 seek=9 conv=notrunc status=none", "keep.mark was not written" },
	};

	for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		CHECK(!starts_after_command(&run, is[i].command));
		CHECK(strstr(said, is[i].words));
	}
}

static void shell(const char *what)
{
	CLEANUP(freep) char *cmd = str_fmt("cd %s && %s", dir, what), *out = NULL;
	const char *const argv[] = { "/bin/sh", "-c", cmd, NULL };
	const int fds[] = { -1, -1, 2 };
	const struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3 };
	struct err e = { 0 };
	int st = 1;

	CHECK(spawn_run(&s, 4096, &out, &st, &e) == COFFER_OK && st == 0);
}

static void old_copy_of_the_store_needs_the_operator_and_is_logged(void)
{
	struct err e = { 0 };
	uint64_t from = 0, to = 0;

	CHECK(start(&run) && stop(&run) == 0);
	shell("cp keep.db old.db");
	CHECK(start(&run));
	run.k.now = clock_now();
	resolve(&run); /* the last kill may have come between log and answer */
	CHECK(kit_approve(&run.k, "", run.serial + 1, run.serial ? run.previous : NULL) == COFFER_OK);
	CHECK(stop(&run) == 0);
	CHECK(keep_accept(dir, run.k.now, &from, &to, &e) == COFFER_E_INPUT);
	CHECK(start(&run) && stop(&run) == 0);
	shell("cp old.db keep.db");
	CHECK(!start(&run) && strstr(said, "old copy"));
	(void)stop(&run);
	CHECK(keep_accept(dir, run.k.now, &from, &to, &e) == COFFER_OK && to == from + 1);
	CHECK(start(&run) && stop(&run) == 0);
	shell("test \"$(sqlite3 keep.db \"SELECT type||CAST(data AS TEXT) FROM entry ORDER BY seq DESC LIMIT 1\")\" = 'restored{\"lost\":1}'");
}

/* Another service's files are its own: neither store nor mark goes with our keys. */
static void store_and_mark_of_other_keys_are_refused(void)
{
	CLEANUP(keys_clear) struct keep_keys other = { 0 };
	CLEANUP(freep) char *there = str_fmt("%s/other", dir);
	struct err e = { 0 };

	CHECK(keys_new(&other, &e) == COFFER_OK && mkdir(there, 0700) == 0 && keep_found(&other, there, &e) == COFFER_OK);
	CHECK(keep_found(&other, there, &e) == COFFER_E_DENIED);
	CHECK(!starts_after_command(&run, "cp other/keep.mark ."));
	CHECK(strstr(said, "keep.mark was not written"));
	CHECK(!starts_after_command(&run, "cp other/keep.db ."));
	CHECK(strstr(said, "old copy"));
	CHECK(!starts_after_command(&run, "cp keep.db other/ && cp other/keep.keys ."));
	shell("rm other/keep.keys other/keep.mark");
	CHECK(keep_found(&other, there, &e) == COFFER_E_DENIED && strcmp(e.check, "store") == 0);
	shell("rm -r other");
}

static void tampered_store_is_not_opened(void)
{
	static const char *const sql[] = {
		"DELETE FROM decision WHERE seq=(SELECT max(seq) FROM entry); PRAGMA foreign_keys=OFF;"
		" DELETE FROM entry WHERE seq=(SELECT max(seq) FROM entry)",
		"UPDATE entry SET data=CAST(replace(CAST(data AS TEXT), 'greeting', 'greetins') AS BLOB)"
		" WHERE seq=(SELECT max(seq) FROM entry WHERE type='release')",
		"UPDATE entry SET time=time+1 WHERE seq=1",
		"UPDATE entry SET hash=zeroblob(32) WHERE seq=2",
		"UPDATE statement SET payload=(SELECT payload FROM statement WHERE seq=1) WHERE seq=2",
		"DELETE FROM workload",
		"PRAGMA foreign_keys=OFF; DELETE FROM statement WHERE seq=(SELECT max(seq) FROM statement)",
		"UPDATE meta SET value=zeroblob(32) WHERE name='head'",
		"DELETE FROM meta",
		"PRAGMA user_version=1",
		"UPDATE leaf SET salt=zeroblob(32) WHERE seq=1",
		"UPDATE leaf SET salt=zeroblob(31) WHERE seq=1",
		"UPDATE leaf SET entry=zeroblob(52) WHERE seq=3",
		"UPDATE leaf SET entry=(SELECT entry FROM leaf WHERE seq=1), salt=(SELECT salt FROM leaf WHERE seq=1) WHERE seq=2",
		"DELETE FROM leaf WHERE seq=(SELECT max(seq) FROM leaf)",
		"UPDATE node SET hash=zeroblob(32) WHERE level=0 AND place=1",
		"UPDATE node SET hash=zeroblob(31) WHERE level=0 AND place=1",
		"DELETE FROM node WHERE level=0 AND place=2",
		"UPDATE mapnode SET record=zeroblob(65) WHERE hash=(SELECT max(hash) FROM mapnode)",
		"DELETE FROM mapnode WHERE substr(record, 1, 1)=x'00'", "PRAGMA user_version=2",
		"INSERT INTO node VALUES(0, 1000000, zeroblob(32))",
		"INSERT INTO node VALUES(16, 0, zeroblob(32))",
	};

	CHECK(starts_after(&run, "SELECT 1"));
	for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
		bool started = starts_after(&run, sql[i]);

		CHECK(!started);
		if (started)
			printf("# started after: %s\n", sql[i]);
	}
}

static void second_keep_on_the_same_store_is_refused(void)
{
	struct run second = { .k = run.k };

	CHECK(start(&run));
	CHECK(!start(&second));
	(void)stop(&second);
	CHECK(stop(&run) == 0);
}

static void keys_readable_by_others_are_refused(void)
{
	CLEANUP(freep) char *path = str_fmt("%s/keep.keys", dir);
	struct keep_keys k = { 0 };
	struct err e = { 0 };

	CHECK(chmod(path, 0640) == 0 && keys_load(dir, &k, &e) == COFFER_E_DENIED && strcmp(e.check, "keys") == 0);
	CHECK(chmod(path, 0600) == 0 && keys_save(&k, dir, &e) == COFFER_E_DENIED);
	CHECK(truncate(path, 167) == 0 && keys_load(dir, &k, &e) == COFFER_E_INPUT && !k.receive);
}

int main(int argc, char **argv)
{
	static const struct t_case cases[] = {
		T(killed_at_every_single_write_keep_loses_nothing_it_acknowledged), /* first: it deploys */
		T(killed_at_any_moment_keep_loses_nothing_it_acknowledged), T(tampered_store_is_not_opened),
		T(nothing_that_is_missing_is_made_anew), T(old_copy_of_the_store_needs_the_operator_and_is_logged),
		T(store_and_mark_of_other_keys_are_refused),
		T(second_keep_on_the_same_store_is_refused), T(keys_readable_by_others_are_refused),
	};
	struct keep_keys keys = { 0 };
	struct err e = { 0 };
	int bad;

	program = argc > 2 ? argv[1] : "cofferd-keep";
	judge = argc > 2 ? argv[2] : "cofferd-eval";
	run.acked = calloc(ACKED_MAX, sizeof(*run.acked));
	if (!mkdtemp(dir) || !run.acked || keys_new(&keys, &e) != COFFER_OK || keep_found(&keys, dir, &e) != COFFER_OK)
		return 99;
	kit_new(&run.k, &keys);
	run.k.policy = KIT_POLICY;
	keys_clear(&keys);
	bad = t_main(cases, sizeof(cases) / sizeof(cases[0]));
	free(run.acked);
	(void)fflush(stdout);
	if (fork() == 0)
		(void)execl("/bin/rm", "rm", "-rf", dir, (char *)NULL);
	return bad;
}
