/* The loop of keep over a socket and a store on the disk: what is there together shares a sync, nothing leaves before it, and all of it is refused
 * when it fails; what waits for eval holds up nobody, and is decided on what is in force when eval has answered. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/askeval.h"
#include "cofferd/keep/serve.h"
#include "cofferd/keep/turn.h"
#include "os/ipc.h"
#include "proto/fresh.h"
#include "tests/keepkit.h"
#include "tests/t.h"

static char dir[64];
static struct kit k;
static struct serve s;
static int server, parent[2], client;
static unsigned syncs, early; /* early: answers that had left when a sync began */
static bool sync_fails;
static int kill_at = -1;
static unsigned answered;
static int honest;            /* the kit's eval, where the test stands between */

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* The process ends by SIGKILL at the n-th of the moments that the two below are. */
static void moment(void)
{
	if (kill_at >= 0 && kill_at-- == 0)
		(void)kill(getpid(), SIGKILL);
}

/* In place of the C library's, for SQLite. */
int fdatasync(int fd)
{
	int rc;

	syncs++;
	early += client > 0 && readable(client);
	if (sync_fails) {
		errno = EIO;
		return -1;
	}
	moment();
	rc = (int)syscall(SYS_fdatasync, fd);
	moment();
	return rc;
}

/* And for answers. */
ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	if (fd == server) {
		moment();
		answered++;
	}
	return syscall(SYS_sendmsg, fd, m, flags);
}

/* ---- the stage ---- */

static void open_stage(void)
{
	struct keep_keys keys = { 0 }, loaded = { 0 };
	struct keep_config c = { .id = span_of("trust") };
	struct err e = { 0 };
	int sv[2];

	(void)snprintf(dir, sizeof(dir), "/tmp/coffer-test-serve.XXXXXX");
	CHECK(mkdtemp(dir) && keys_new(&keys, &e) == COFFER_OK && keep_found(&keys, dir, &e) == COFFER_OK);
	k = (struct kit){ 0 };
	kit_new(&k, &keys);
	keys_clear(&keys);
	k.policy = KIT_POLICY;
	k.now = clock_now();
	c.genesis = k.genesis;
	memcpy(c.genesis_id, k.genesis_id, 32);
	CHECK(keys_load(dir, &loaded, &e) == COFFER_OK && keep_open(dir, &loaded, &c, k.now, &k.keep, &e) == COFFER_OK);
	k.fd = -1;
	k.keep.eval = kit_eval();
	kit_deploy(&k);
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, parent) == 0);
	client = sv[0];
	server = sv[1];
	k.ahead = true;
	k.request = 0;
	k.fd = client;
	serve_open(&s, &k.keep, server, parent[1]);
	syncs = early = 0;
}

static void close_stage(void)
{
	CLEANUP(freep) char *rm = str_fmt("rm -rf %s", dir);

	sync_fails = false;
	serve_close(&s);
	k.fd = -1;
	kit_free(&k);
	(void)close(client), (void)close(server), (void)close(parent[0]), (void)close(parent[1]);
	client = 0;
	CHECK(system(rm) == 0); /* NOLINT: the test's own folder */
}

static bool round_of(void)
{
	struct err e = { 0 };
	bool go = false;

	if (serve_round(&s, &go, &e) == COFFER_OK)
		return go;
	printf("# %s\n", e.msg);
	return false;
}

/* One answer: to this request, with this tag; leaves its body in k.answer, and a refusal in k.no. */
static bool answers(uint32_t id, enum coffer_rc rc)
{
	struct ipc_head h = { 0 };
	struct err e = { 0 };

	k.no = (struct keep_refusal){ 0 };
	while (!readable(client))
		if (!round_of())
			return false;
	if (ipc_recv_id(client, KEEP_FRAME_MAX, &h, &k.answer, &e) != COFFER_OK)
		return false;
	if (h.tag != COFFER_OK && keep_refusal_read(wr_span(&k.answer), &k.no, &e) != COFFER_OK)
		return false;
	if (h.id != id || h.tag != (uint8_t)rc)
		printf("# answer %u is %u: %s %s\n", (unsigned)h.id, (unsigned)h.tag, k.no.check, k.no.reason);
	return h.id == id && h.tag == (uint8_t)rc;
}

static bool silent(void)
{
	return !readable(client);
}

static void ask_status(void)
{
	struct wr none = wr_open(1);

	CHECK(kit_ask(&k, KEEP_STATUS, &none) == COFFER_E_LIMIT);
}

/* The n-th approval of a chain that is not answered in between. */
static void send_approval(uint64_t serial)
{
	uint8_t before[32];

	memcpy(before, k.approval_id, sizeof(before));
	CHECK(kit_approve(&k, "", serial, before) == COFFER_E_LIMIT);
}

/* ---- one sync ---- */

static void what_is_there_together_shares_a_sync_and_leaves_after_it(void)
{
	uint64_t before;

	open_stage();
	before = journal_entries(&k.keep.journal);
	for (uint64_t i = 2; i < 10; i++)
		send_approval(i); /* each sees the one before, or its serial would be refused */
	CHECK(silent() && round_of());
	CHECK(syncs == 1 && early == 0);
	for (uint32_t i = 1; i < 9; i++) {
		struct keep_logged_rep rep;
		struct err e = { 0 };

		CHECK(answers(i, COFFER_OK) && keep_logged_rep_read(wr_span(&k.answer), &rep, &e) == COFFER_OK && rep.seq == before + i - 1);
	}
	CHECK(journal_entries(&k.keep.journal) == before + 8 && mark_entries(k.keep.mark) == before + 8);
	close_stage();
}

static void reads_alone_cost_no_sync_and_with_writes_wait_for_it(void)
{
	open_stage();
	ask_status();
	CHECK(answers(1, COFFER_OK) && syncs == 0);
	send_approval(2);
	ask_status();
	CHECK(answers(2, COFFER_OK) && answers(3, COFFER_OK) && syncs > 0 && early == 0);
	close_stage();
}

static void refused_part_undoes_no_other(void)
{
	uint64_t before;

	open_stage();
	before = journal_entries(&k.keep.journal);
	send_approval(2);
	CHECK(kit_delete(&k, KIT_STRANGER) == COFFER_E_LIMIT);
	send_approval(3);
	CHECK(answers(1, COFFER_OK) && answers(2, COFFER_E_DENIED) && answers(3, COFFER_OK));
	CHECK(journal_entries(&k.keep.journal) == before + 2);
	close_stage();
}

static bool opens_again(uint64_t entries)
{
	struct keep_config c = { .id = span_of("trust"), .genesis = k.genesis };
	struct keep_keys keys = { 0 };
	struct keep again = { 0 };
	struct err e = { 0 };
	bool ok;

	serve_close(&s);
	closep(&k.keep.eval);
	keep_close(&k.keep);
	k.keep.eval = -1;
	memcpy(c.genesis_id, k.genesis_id, 32);
	ok = keys_load(dir, &keys, &e) == COFFER_OK && keep_open(dir, &keys, &c, clock_now(), &again, &e) == COFFER_OK;
	ok = ok && journal_entries(&again.journal) == entries;
	if (!ok)
		printf("# %s\n", e.msg);
	keep_close(&again);
	return ok;
}

static void failed_sync_refuses_all_of_it_and_keep_goes_back(void)
{
	uint8_t head[32], id[32];
	uint64_t before;

	open_stage();
	before = journal_entries(&k.keep.journal);
	memcpy(head, k.keep.journal.hash, sizeof(head));
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_HOSPITAL) == COFFER_E_LIMIT);
	ask_status();
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_E_LIMIT);
	sync_fails = true;
	for (uint32_t i = 1; i < 4; i++)
		CHECK(answers(i, COFFER_E_SYSTEM) && strcmp(k.no.check, "unavailable") == 0 && !strstr(k.no.reason, "sync"));
	sync_fails = false;
	CHECK(journal_entries(&k.keep.journal) == before && span_eq(SPAN(head), SPAN(k.keep.journal.hash)) && mark_entries(k.keep.mark) == before);
	CHECK(!registry_party(&k.keep.registry, span_of("stranger"), k.now)); /* learned, and forgotten */
	CHECK(sessions_count(k.keep.sessions) == 0);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && answers(4, COFFER_E_DENIED) && strcmp(k.no.check, "session") == 0);
	/* and goes on */
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_HOSPITAL) == COFFER_E_LIMIT && answers(5, COFFER_OK));
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_PAUSE, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = "x", .body = "{}" }, id) == COFFER_E_LIMIT);
	CHECK(answers(6, COFFER_E_INPUT) || strcmp(k.no.check, "signature") != 0); /* known again */
	CHECK(opens_again(before + 1));
	close_stage();
}

static void transaction_that_is_undone_under_us_is_refused_as_a_whole(void)
{
	uint64_t before;

	open_stage();
	before = journal_entries(&k.keep.journal);
	send_approval(2);
	send_approval(3);
	s.group.broken = true; /* as after a part that could not be undone */
	CHECK(answers(1, COFFER_E_SYSTEM) && answers(2, COFFER_E_SYSTEM) && journal_entries(&k.keep.journal) == before && syncs == 0);
	ask_status();
	CHECK(answers(3, COFFER_OK) && opens_again(before));
	close_stage();
}

static void a_part_after_the_store_undid_everything_writes_nothing(void)
{
	CLEANUP(tx_end) struct tx tx = { 0 };
	struct journal *j = &k.keep.journal;
	struct err e = { 0 };
	uint64_t before;

	open_stage();
	before = journal_entries(j);
	CHECK(tx_begin(j, &tx, &e) == COFFER_OK && journal_append(j, "denial", span_of("{}"), k.now, &e) == COFFER_OK && tx_commit(&tx, &e) == COFFER_OK);
	store_rollback(k.keep.store); /* as SQLite does on a full disk */
	CHECK(tx_begin(j, &tx, &e) == COFFER_E_SYSTEM);
	CHECK(group_commit(j, &e) == COFFER_E_SYSTEM && journal_entries(j) == before);
	CHECK(tx_begin(j, &tx, &e) == COFFER_OK);
	tx_end(&tx);
	CHECK(group_commit(j, &e) == COFFER_OK && journal_entries(j) == before);
	CHECK(tx_begin(j, &tx, &e) == COFFER_OK && journal_append(j, "denial", span_of("{}"), k.now, &e) == COFFER_OK && tx_commit(&tx, &e) == COFFER_OK);
	s.group.broken = true;
	CHECK(group_commit(j, &e) == COFFER_E_SYSTEM && journal_entries(j) == before && opens_again(before));
	close_stage();
}

/* ---- the log ---- */

/* Approvals one after another, each in a round of its own, until that many pages wait or no longer do. */
static uint64_t approve_until(uint64_t serial, size_t pages, bool more)
{
	while (!t_failed && (store_waiting(k.keep.store) < pages) == more && serial < 2000) {
		send_approval(serial);
		CHECK(answers((uint32_t)(serial - 1), COFFER_OK));
		serial++;
	}
	return serial;
}

static void log_is_taken_over_while_nothing_happens(void)
{
	uint64_t before, serial;

	open_stage();
	before = journal_entries(&k.keep.journal);
	serial = approve_until(2, SERVE_TIDY_IDLE, true);
	syncs = 0;
	CHECK(round_of() && store_waiting(k.keep.store) == 0 && syncs == 2 && silent());
	send_approval(serial);
	CHECK(answers((uint32_t)(serial - 1), COFFER_OK) && store_waiting(k.keep.store) > 0 && store_waiting(k.keep.store) < SERVE_TIDY_IDLE);
	CHECK(opens_again(before + serial - 1));
	close_stage();
}

/* What waits in it is durable without that, and nobody is refused for it. */
static void log_that_cannot_be_taken_over_stays(void)
{
	uint64_t before, serial;

	open_stage();
	before = journal_entries(&k.keep.journal);
	serial = approve_until(2, SERVE_TIDY_IDLE, true);
	sync_fails = true;
	CHECK(round_of() && s.untidy && store_waiting(k.keep.store) >= SERVE_TIDY_IDLE);
	sync_fails = false;
	send_approval(serial);
	CHECK(answers((uint32_t)(serial - 1), COFFER_OK) && store_waiting(k.keep.store) > SERVE_TIDY_IDLE);
	CHECK(opens_again(before + serial - 1));
	close_stage();
}

/* And then nobody of the round waits for it: the answer had left when it began. */
static void log_is_taken_over_in_time_where_something_always_happens(void)
{
	uint64_t before, serial;

	open_stage();
	before = journal_entries(&k.keep.journal);
	serial = approve_until(2, SERVE_TIDY_MAX - 100, true);
	CHECK(early == 0 && syncs == serial - 2); /* one a round, and no more */
	serial = approve_until(serial, SERVE_TIDY_IDLE, false);
	CHECK(early == 2 && syncs == serial && store_waiting(k.keep.store) == 0);
	CHECK(opens_again(before + serial - 2));
	close_stage();
}

static bool fill(int64_t from, int64_t rows)
{
	CLEANUP(q_close) struct q q = q_open(k.keep.store,
	    "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i+1 FROM n WHERE i<?2) INSERT INTO meta(name, value) SELECT 'filler ' || i, zeroblob(4000) FROM n");
	struct err e = { 0 };

	q_i64(&q, from);
	q_i64(&q, from + rows - 1);
	return store_begin(k.keep.store, &e) == COFFER_OK && q_run(&q, &e) == COFFER_OK;
}

static bool commit(void)
{
	struct err e = { 0 };

	return store_commit(k.keep.store, &e) == COFFER_OK;
}

/* cofferd fsck and its like: the log has an end there too. */
static void commit_takes_over_a_long_log_where_nobody_tidies(void)
{
	open_stage();
	CHECK(fill(0, STORE_LOG_MAX / 2) && commit() && store_waiting(k.keep.store) > STORE_LOG_MAX / 2 && syncs == 1);
	CHECK(fill(STORE_LOG_MAX, STORE_LOG_MAX / 2) && commit() && store_waiting(k.keep.store) == 0 && syncs == 4);
	close_stage();
}

/* ---- killed ---- */

#define SENT 5 /* four statements and a release */

static void open_keep(struct keep *out)
{
	struct keep_config c = { .id = span_of("trust"), .genesis = k.genesis };
	struct keep_keys keys = { 0 };
	struct err e = { 0 };

	memcpy(c.genesis_id, k.genesis_id, 32);
	CHECK(keys_load(dir, &keys, &e) == COFFER_OK && keep_open(dir, &keys, &c, clock_now(), out, &e) == COFFER_OK);
}

/* With its guest: keys do not outlive a fork. */
static void serve_and_be_killed(int at)
{
	struct err e = { 0 };
	bool go = true;

	open_keep(&k.keep);
	k.keep.eval = kit_eval();
	k.fd = -1;
	k.ahead = false;
	CHECK(kit_begin(&k) == COFFER_OK && kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_OK);
	k.fd = client;
	k.ahead = true;
	for (uint64_t i = 2; i < 1 + SENT; i++)
		send_approval(i);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT);
	serve_open(&s, &k.keep, server, parent[1]);
	kill_at = at;
	answered = 0;
	while (!t_failed && go && answered < SENT && serve_round(&s, &go, &e) == COFFER_OK)
		;
	_exit(t_failed);
}

/* In a process of its own. */
static bool served_until_killed(int at)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		serve_and_be_killed(at);
	CHECK(waitpid(pid, &status, 0) == pid && (WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool has_entry(struct keep *there, uint64_t seq, const uint8_t entry[static 32])
{
	CLEANUP(q_close) struct q q = q_open(there->store, "SELECT hash FROM entry WHERE seq=?");
	struct err e = { 0 };
	uint8_t hash[32];
	bool row = false;

	q_i64(&q, (int64_t)seq);
	return q_row(&q, &row, &e) == COFFER_OK && row && q_col_fixed(&q, 0, hash, sizeof(hash)) && span_eq(SPAN(hash), (struct span){ entry, 32 });
}

/* Every answer that left stands for an entry that is there. Returns their number. */
static unsigned all_answers_are_kept(struct keep *there)
{
	unsigned n = 0;

	for (; readable(client); n++) {
		struct ipc_head h = { 0 };
		struct keep_logged_rep l = { .seq = 0 };
		struct keep_resource_rep r = { .seq = 0 };
		struct err e = { 0 };

		CHECK(ipc_recv_id(client, KEEP_FRAME_MAX, &h, &k.answer, &e) == COFFER_OK && h.tag == COFFER_OK);
		if (h.tag != COFFER_OK && keep_refusal_read(wr_span(&k.answer), &k.no, &e) == COFFER_OK)
			printf("# answer %u: %s %s\n", (unsigned)h.id, k.no.check, k.no.reason);
		if (h.id == SENT)
			CHECK(keep_resource_rep_read(wr_span(&k.answer), &r, &e) == COFFER_OK && has_entry(there, r.seq, r.entry));
		else
			CHECK(keep_logged_rep_read(wr_span(&k.answer), &l, &e) == COFFER_OK && has_entry(there, l.seq, l.entry));
	}
	return n;
}

static void killed_at_each_moment_nothing_left_without_its_entry(void)
{
	bool killed = true;
	unsigned n = 0, some = 0;

	for (int at = 0; killed && at < 40; at++) {
		uint64_t before;

		open_stage();
		before = journal_entries(&k.keep.journal);
		serve_close(&s);
		closep(&k.keep.eval);
		keep_close(&k.keep);
		killed = served_until_killed(at);
		open_keep(&k.keep);
		k.keep.eval = -1;
		n = all_answers_are_kept(&k.keep);
		some += n > 0 && n < SENT;
		CHECK(journal_entries(&k.keep.journal) >= before + n);
		CHECK(at != 0 || (n == 0 && killed)); /* before the sync */
		close_stage();
	}
	CHECK(!killed && n == SENT && some >= SENT - 1); /* each moment came */
}

/* ---- numbers ---- */

static void number_that_waits_already_ends_keep(void)
{
	struct err e = { 0 };
	bool go = true;

	open_stage();
	ask_status();
	k.request--;
	ask_status();
	CHECK(serve_round(&s, &go, &e) == COFFER_E_INPUT && silent());
	close_stage();
}

static void frame_without_number_ends_keep(void)
{
	struct err e = { 0 };
	bool go = true;

	open_stage();
	CHECK(ipc_send(client, KEEP_STATUS, span_of("abc"), &e) == COFFER_OK && ipc_send(client, KEEP_STATUS, span_of("abc"), &e) == COFFER_OK);
	CHECK(serve_round(&s, &go, &e) == COFFER_E_INPUT && silent());
	close_stage();
}

static void either_peer_ends_keep(void)
{
	struct err e = { 0 };
	bool go = true;

	open_stage();
	(void)shutdown(parent[0], SHUT_RDWR);
	CHECK(serve_round(&s, &go, &e) == COFFER_OK && !go);
	close_stage();
	open_stage();
	send_approval(2);
	(void)shutdown(client, SHUT_RDWR);
	while (go)
		CHECK(serve_round(&s, &go, &e) == COFFER_OK);
	close_stage();
}

/* ---- who waits for eval ---- */

struct question { struct ipc_head h; struct wr body; };

/* The test is eval from now on. */
static int be_eval(void)
{
	int sv[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0);
	honest = k.keep.eval;
	k.keep.eval = sv[0];
	return sv[1];
}

static bool is_asked(int fd, struct question *q)
{
	struct err e = { 0 };

	while (!readable(fd))
		if (!round_of())
			return false;
	return ipc_recv_id(fd, EVAL_FRAME_MAX, &q->h, &q->body, &e) == COFFER_OK;
}

/* What the kit's eval says to it. */
static void let_it_answer(int fd, struct question *q)
{
	CLEANUP(wr_close) struct wr said = { 0 };
	struct ipc_head h = { 0 };
	struct err e = { 0 };

	CHECK(ipc_send_id(honest, q->h, wr_span(&q->body), &e) == COFFER_OK && ipc_recv_id(honest, EVAL_REPLY_MAX, &h, &said, &e) == COFFER_OK);
	CHECK(ipc_send_id(fd, h, wr_span(&said), &e) == COFFER_OK);
	wr_close(&q->body);
}

static void end_eval(int fd)
{
	(void)close(fd);
	(void)close(honest);
}

/* answers(), with the kit's eval behind. */
static bool settles(int fd, uint32_t id, enum coffer_rc rc)
{
	while (!readable(client)) {
		struct question q = { .body = { 0 } };

		if (!readable(fd) && !round_of())
			return false;
		if (readable(fd) && is_asked(fd, &q))
			let_it_answer(fd, &q);
	}
	return answers(id, rc);
}

/* A new session; the old one's id goes to old. */
static void begin_another(uint8_t old[static 16])
{
	struct keep_auth_rep rep = { .session = { 0 } };
	struct err e = { 0 };

	memcpy(old, k.session, 16);
	CHECK(kit_begin(&k) == COFFER_E_LIMIT && answers(k.request, COFFER_OK) && keep_auth_rep_read(wr_span(&k.answer), &rep, &e) == COFFER_OK);
	memcpy(k.session, rep.session, 16);
	memcpy(k.nonce, rep.nonce, 32);
}

static void slow_appraisal_holds_up_nobody(void)
{
	struct question evidence = { .body = { 0 } };
	uint8_t old[16];
	int fd;

	open_stage();
	fd = be_eval();
	begin_another(old);
	CHECK(kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_E_LIMIT && is_asked(fd, &evidence) && evidence.h.tag == EVAL_EVIDENCE);
	memcpy(k.session, old, 16);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && settles(fd, 3, COFFER_OK));
	ask_status();
	CHECK(answers(4, COFFER_OK) && s.n_aside == 1);
	let_it_answer(fd, &evidence);
	CHECK(answers(2, COFFER_OK) && s.n_aside == 0);
	end_eval(fd);
	close_stage();
}

/* N and M: the policy said yes at N, and before M the owner took its word back. */
static void what_changed_while_eval_worked_counts(void)
{
	struct question q = { .body = { 0 } };
	uint64_t before;
	int fd;

	open_stage();
	fd = be_eval();
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && is_asked(fd, &q));
	before = journal_entries(&k.keep.journal);
	CHECK(kit_revoke(&k, KIT_HOSPITAL, k.approval_id) == COFFER_E_LIMIT && answers(2, COFFER_OK));
	let_it_answer(fd, &q);
	CHECK(settles(fd, 1, COFFER_E_DENIED) && strcmp(k.no.check, "R11") == 0 && k.no.has_decision);
	CHECK(journal_entries(&k.keep.journal) == before + 2); /* revocation, denial */
	end_eval(fd);
	close_stage();
}

static void answer_counts_for_its_own_question_alone(void)
{
	struct question q = { .body = { 0 } }, again = { .body = { 0 } };
	struct eval_release_req r;
	struct err e = { 0 };
	int fd;

	open_stage();
	fd = be_eval();
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && is_asked(fd, &q));
	k.policy = "package policy\nallow := false\n";
	CHECK(kit_restate(&k, NULL) == COFFER_E_LIMIT && answers(2, COFFER_OK));
	let_it_answer(fd, &q); /* the old policy allows */
	CHECK(is_asked(fd, &again) && eval_release_req_read(wr_span(&again.body), &r, &e) == COFFER_OK && span_eq_str(r.policy, k.policy));
	let_it_answer(fd, &again);
	CHECK(settles(fd, 1, COFFER_E_DENIED) && strcmp(k.no.check, "R10") == 0);
	end_eval(fd);
	close_stage();
}

static void who_is_overtaken_each_time_is_refused(void)
{
	static const char *const policy[] = { KIT_POLICY "\n", KIT_POLICY };
	uint64_t before;
	unsigned n = 0;
	int fd;

	open_stage();
	fd = be_eval();
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT);
	for (; n < 100; n++) {
		struct question q = { .body = { 0 } };

		while (!readable(fd) && !readable(client))
			CHECK(round_of());
		if (!readable(fd) || !is_asked(fd, &q))
			break;
		k.policy = policy[n % 2];
		CHECK(kit_restate(&k, NULL) == COFFER_E_LIMIT && answers(n + 2, COFFER_OK));
		let_it_answer(fd, &q);
	}
	before = journal_entries(&k.keep.journal);
	CHECK(answers(1, COFFER_E_LIMIT) && strstr(k.no.reason, "changed each time") && n == TURN_CHANGES_MAX + 1 && journal_entries(&k.keep.journal) == before);
	end_eval(fd);
	close_stage();
}

static void who_waited_too_long_is_refused(void)
{
	struct question q = { .body = { 0 } };
	uint64_t before;
	int fd;

	open_stage();
	fd = be_eval();
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && is_asked(fd, &q) && s.n_aside == 1);
	before = journal_entries(&k.keep.journal);
	s.aside[0]->until_ms -= TURN_MS + 1;
	let_it_answer(fd, &q);
	CHECK(answers(1, COFFER_E_LIMIT) && strstr(k.no.reason, "in time") && journal_entries(&k.keep.journal) == before);
	end_eval(fd);
	close_stage();
}

static void signed_request_counts_once_while_it_waits(void)
{
	struct question q = { .body = { 0 } };
	int fd;

	open_stage();
	fd = be_eval();
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && is_asked(fd, &q));
	CHECK(kit_get(&k, (struct kit_get){ .same_counter = true }) == COFFER_E_LIMIT && answers(2, COFFER_E_DENIED) && strcmp(k.no.check, "R1") == 0);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && settles(fd, 3, COFFER_OK)); /* a later one, and the first still counts */
	let_it_answer(fd, &q);
	CHECK(settles(fd, 1, COFFER_OK) && kit_opens_to(&k, false, "good morning"));
	end_eval(fd);
	close_stage();
}

static void session_has_one_evidence_at_a_time(void)
{
	struct question q = { .body = { 0 } };
	uint8_t old[16];
	int fd;

	open_stage();
	fd = be_eval();
	begin_another(old);
	CHECK(kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_E_LIMIT && is_asked(fd, &q));
	CHECK(kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_E_LIMIT && answers(3, COFFER_E_DENIED) && strstr(k.no.reason, "being appraised"));
	let_it_answer(fd, &q);
	CHECK(settles(fd, 2, COFFER_OK));
	end_eval(fd);
	close_stage();
}

static void ask_fresh(const char *const *container, size_t n)
{
	CLEANUP(wr_close) struct wr ask = wr_open(FRESH_REQUEST_MAX), w = wr_open(FRESH_REQUEST_MAX + 64);
	struct wr body = wr_open(FRESH_REQUEST_MAX);
	struct fresh_ask q = { .n = n, .counter = ++k.counter };
	struct keep_fresh_req m = { .sig = { 0 } };
	struct err e = { 0 };

	for (size_t i = 0; i < n; i++) {
		q.item[i] = (struct fresh_item){ .path = span_of(KIT_PATH), .container = span_of(container[i]), .purpose = PURPOSE_API };
		memcpy(q.item[i].statement, k.asset_id, 32);
	}
	fresh_ask_write(&q, &ask);
	memcpy(m.session, k.session, sizeof(m.session));
	fresh_ask_to_sign(wr_span(&ask), k.session, &w);
	CHECK(key_sign(k.request_key, wr_span(&w), m.sig, &e) == COFFER_OK);
	m.ask = wr_span(&ask);
	keep_fresh_req_write(&body, &m);
	CHECK(kit_ask(&k, KEEP_FRESH, &body) == COFFER_E_LIMIT);
}

/* Two that are denied and written down, two whose policy is asked: whoever waits has written nothing, and what is written is written once. */
static void freshness_writes_once_whatever_it_waits_for(void)
{
	static const char *const container[] = { "logger", "analyse", "logger", "analyse" };
	struct question q[2] = { { .body = { 0 } }, { .body = { 0 } } };
	uint64_t before;
	int fd;

	open_stage();
	fd = be_eval();
	before = journal_entries(&k.keep.journal);
	ask_fresh(container, 4);
	CHECK(is_asked(fd, &q[0]) && is_asked(fd, &q[1]) && journal_entries(&k.keep.journal) == before);
	let_it_answer(fd, &q[1]);
	CHECK(round_of() && silent() && journal_entries(&k.keep.journal) == before);
	let_it_answer(fd, &q[0]);
	CHECK(settles(fd, 1, COFFER_OK) && journal_entries(&k.keep.journal) == before + 2);
	end_eval(fd);
	close_stage();
}

static void strangers_evidence_leaves_room_for_others(void)
{
	uint32_t first;
	uint8_t old[16], mine[16];
	unsigned n = SERVE_ASIDE_MAX / 4 * 3;
	int fd;

	open_stage();
	fd = be_eval();
	memcpy(mine, k.session, 16);
	for (unsigned i = 0; i < n; i++) {
		begin_another(old);
		CHECK(kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_E_LIMIT && round_of() && silent());
	}
	CHECK(s.n_aside == n);
	first = 2;
	begin_another(old);
	CHECK(kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_E_LIMIT && answers(k.request, COFFER_E_LIMIT) && strstr(k.no.reason, "as many"));
	memcpy(k.session, mine, 16);
	k.counter = 0;
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && round_of() && silent() && s.n_aside == n + 1);
	for (unsigned i = 0; i < EVAL_KIND_MAX; i++) {
		struct question q = { .body = { 0 } };

		CHECK(is_asked(fd, &q) && q.h.tag == EVAL_EVIDENCE); /* no more at a time */
		if (i == 0)
			let_it_answer(fd, &q);
		wr_close(&q.body);
	}
	{
		struct question q = { .body = { 0 } };

		CHECK(is_asked(fd, &q) && q.h.tag == EVAL_RELEASE);
		let_it_answer(fd, &q);
	}
	CHECK(answers(first, COFFER_OK) && answers(k.request, COFFER_OK));
	end_eval(fd);
	close_stage();
}

/* ---- one owner's policies and another's ---- */

static void get_of(const char *path)
{
	CHECK(kit_get(&k, (struct kit_get){ .path = path }) == COFFER_E_LIMIT && round_of() && silent());
}

/* Three of four places are the most that one has; and what is free goes to whoever has fewest, however long others' wait. */
static void owner_whose_policies_take_long_leaves_a_place_to_others(void)
{
	struct question q[EVAL_KIND_MAX] = { 0 }, next = { .body = { 0 } };
	uint32_t own;
	int fd;

	open_stage();
	fd = be_eval();
	for (unsigned i = 0; i < EVAL_KIND_MAX + 2; i++)
		get_of(KIT_PATH);
	for (unsigned i = 0; i < EVAL_KIND_MAX - 1; i++)
		CHECK(is_asked(fd, &q[i]) && q[i].h.tag == EVAL_RELEASE);
	CHECK(!readable(fd));
	get_of("acme/note/own");
	own = k.request;
	get_of("acme/note/own");
	CHECK(is_asked(fd, &q[EVAL_KIND_MAX - 1]) && !readable(fd));
	let_it_answer(fd, &q[0]); /* hospital's first: two of its own are under way then, and one of acme's */
	CHECK(is_asked(fd, &next) && answers(k.request - EVAL_KIND_MAX - 3, COFFER_OK));
	let_it_answer(fd, &q[EVAL_KIND_MAX - 1]);
	CHECK(answers(own, COFFER_OK));
	let_it_answer(fd, &next);
	CHECK(settles(fd, own + 1, COFFER_OK));
	for (unsigned i = 1; i < EVAL_KIND_MAX - 1; i++)
		let_it_answer(fd, &q[i]);
	end_eval(fd);
	close_stage();
}

/* Net has threads for so many: what waits for one owner's slow policy is refused beyond a number, and others' is not. */
static void of_one_owners_requests_few_wait_long(void)
{
	struct question q[EVAL_KIND_MAX] = { 0 };
	uint32_t first;
	int fd;

	open_stage();
	fd = be_eval();
	first = k.request + 1;
	for (unsigned i = 0; i < EVAL_OWNER_WAITS + 4; i++)
		get_of(KIT_PATH);
	CHECK(s.n_aside == EVAL_OWNER_WAITS + 4); /* many at once may, as long as they are answered soon */
	for (unsigned i = 0; i < s.n_aside; i++)
		s.aside[i]->until_ms -= TURN_CROWD_MS;
	CHECK(round_of());
	for (unsigned i = 0; i < 4; i++)
		CHECK(answers(first + EVAL_OWNER_WAITS + i, COFFER_E_LIMIT) && strstr(k.no.reason, "policy of hospital"));
	CHECK(s.n_aside == EVAL_OWNER_WAITS && silent());
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && answers(k.request, COFFER_E_LIMIT));
	get_of("acme/note/own");
	for (unsigned i = 0; i < EVAL_KIND_MAX; i++)
		CHECK(is_asked(fd, &q[i]));
	let_it_answer(fd, &q[EVAL_KIND_MAX - 1]);
	CHECK(answers(k.request, COFFER_OK));
	for (unsigned i = 0; i < EVAL_KIND_MAX - 1; i++)
		wr_close(&q[i].body);
	end_eval(fd);
	close_stage();
}

static void eval_that_is_gone_ends_keep_after_all_were_told(void)
{
	struct question q = { .body = { 0 } };
	struct err e = { 0 };
	enum coffer_rc rc = COFFER_OK;
	uint8_t old[16];
	bool go = true;
	int fd;

	open_stage();
	fd = be_eval();
	begin_another(old);
	CHECK(kit_attest(&k, (struct kit_evidence){ 0 }) == COFFER_E_LIMIT && is_asked(fd, &q));
	wr_close(&q.body);
	memcpy(k.session, old, 16);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && is_asked(fd, &q));
	wr_close(&q.body);
	end_eval(fd);
	while (go && rc == COFFER_OK)
		rc = serve_round(&s, &go, &e);
	CHECK(rc == COFFER_E_UPSTREAM && answers(2, COFFER_E_UPSTREAM) && answers(3, COFFER_E_DENIED) && strcmp(k.no.check, "R10") == 0 && k.no.has_decision);
	close_stage();
}

/* An answer to nothing, one twice, one without a number, and a policy's reason of any length. */
static void eval_that_lies_about_numbers_is_gone(void)
{
	for (unsigned how = 0; how < 4; how++) {
		struct question q = { .body = { 0 } };
		char reason[EVAL_REASON_MAX + 1] = { 0 };
		struct err e = { 0 };
		bool go = true;
		int fd;

		open_stage();
		fd = be_eval();
		CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_E_LIMIT && is_asked(fd, &q));
		if (how == 0)
			CHECK(ipc_send_id(fd, (struct ipc_head){ EVAL_ALLOWS, q.h.id + 1 }, (struct span){ 0 }, &e) == COFFER_OK);
		for (unsigned i = 0; how == 1 && i < 2; i++)
			CHECK(ipc_send_id(fd, (struct ipc_head){ EVAL_ALLOWS, q.h.id }, (struct span){ 0 }, &e) == COFFER_OK);
		for (unsigned i = 0; how == 2 && i < 9; i++)
			CHECK(ipc_send(fd, EVAL_ALLOWS, (struct span){ 0 }, &e) == COFFER_OK);
		if (how == 3)
			CHECK(ipc_send_id(fd, (struct ipc_head){ EVAL_ALLOWS, q.h.id }, SPAN(reason), &e) == COFFER_OK);
		while (serve_round(&s, &go, &e) == COFFER_OK && go)
			;
		CHECK(k.keep.eval == -1 && strstr(e.msg, "eval"));
		CHECK(how == 1 || (answers(1, COFFER_E_DENIED) && strcmp(k.no.check, "R10") == 0));
		wr_close(&q.body);
		end_eval(fd);
		close_stage();
	}
}

int main(void)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 4096); /* what waits for ever says where */

	static const struct t_case cases[] = {
		T(what_is_there_together_shares_a_sync_and_leaves_after_it), T(reads_alone_cost_no_sync_and_with_writes_wait_for_it),
		T(refused_part_undoes_no_other), T(failed_sync_refuses_all_of_it_and_keep_goes_back),
		T(transaction_that_is_undone_under_us_is_refused_as_a_whole), T(a_part_after_the_store_undid_everything_writes_nothing),
		T(log_is_taken_over_while_nothing_happens), T(log_that_cannot_be_taken_over_stays), T(log_is_taken_over_in_time_where_something_always_happens),
		T(commit_takes_over_a_long_log_where_nobody_tidies), T(killed_at_each_moment_nothing_left_without_its_entry), T(number_that_waits_already_ends_keep), T(frame_without_number_ends_keep), T(either_peer_ends_keep),
		T(slow_appraisal_holds_up_nobody), T(what_changed_while_eval_worked_counts), T(answer_counts_for_its_own_question_alone),
		T(who_is_overtaken_each_time_is_refused), T(who_waited_too_long_is_refused), T(signed_request_counts_once_while_it_waits), T(session_has_one_evidence_at_a_time),
		T(freshness_writes_once_whatever_it_waits_for), T(strangers_evidence_leaves_room_for_others), T(owner_whose_policies_take_long_leaves_a_place_to_others), T(of_one_owners_requests_few_wait_long),
		T(eval_that_is_gone_ends_keep_after_all_were_told), T(eval_that_lies_about_numbers_is_gone),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
