/* net's wire to a keep that the test plays: who gets which answer, and what ends it for all. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/net/keeper.h"
#include "os/ipc.h"
#include "tests/t.h"

#define ASKERS_MAX (KEEPER_ASKED_MAX + 1)
#define LARGE (6u << 20)

static struct keeper keeper;
static int keep_end;

struct asker {
	pthread_t      thread;
	uint8_t        type;   /* what it asks, so that the answer can be told */
	size_t         bytes;
	enum coffer_rc rc;
	struct answer  got;
	struct err     e;
};

static struct asker asker[ASKERS_MAX];

static void open_wire(void)
{
	struct err e = { 0 };
	int sv[2];

	memset(asker, 0, sizeof(asker));
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0 && keeper_init(&keeper, sv[0], &e) == COFFER_OK);
	keep_end = sv[1];
}

static void close_wire(void)
{
	(void)close(keeper.fd);
	(void)close(keep_end);
}

static void *ask(void *arg)
{
	CLEANUP(wr_close) struct wr w = wr_open(LARGE);
	struct asker *a = arg;

	for (size_t i = 0; i < a->bytes; i++)
		wr_u8(&w, a->type);
	a->rc = keeper_ask(&keeper, (enum keep_type)a->type, &w, &a->got, &a->e);
	return NULL;
}

static void start(size_t i, size_t bytes)
{
	asker[i].type = (uint8_t)(i + 1);
	asker[i].bytes = bytes;
	CHECK(pthread_create(&asker[i].thread, NULL, ask, &asker[i]) == 0);
}

static bool join(size_t i)
{
	return pthread_join(asker[i].thread, NULL) == 0;
}

/* Frames that came, by their type less one. */
static void receive(uint32_t *id, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(wr_close) struct wr body = { 0 };
		struct ipc_head h = { 0 };
		struct err e = { 0 };

		CHECK(ipc_recv_id(keep_end, KEEP_FRAME_MAX, &h, &body, &e) == COFFER_OK && h.tag > 0 && h.tag <= ASKERS_MAX);
		id[h.tag - 1] = h.id;
		CHECK(body.n == asker[h.tag - 1].bytes);
	}
}

static void reply(uint32_t id, size_t i)
{
	const uint8_t text[] = { 'a', (uint8_t)(i + 1) };
	struct err e = { 0 };

	CHECK(ipc_send_id(keep_end, (struct ipc_head){ COFFER_OK, id }, SPAN(text), &e) == COFFER_OK);
}

static bool has_its_own(size_t i)
{
	const uint8_t text[] = { 'a', (uint8_t)(i + 1) };
	bool ok = asker[i].rc == COFFER_OK && span_eq(wr_span(&asker[i].got.body), SPAN(text));

	answer_clear(&asker[i].got);
	return ok;
}

static bool is_told_that_it_is_gone(size_t i)
{
	return asker[i].rc == COFFER_E_UPSTREAM && strcmp(asker[i].e.msg, "the keeper of keys does not answer") == 0 && asker[i].got.body.n == 0;
}

static void each_gets_its_own_answer_in_whatever_order_they_come(void)
{
	uint32_t id[8];

	open_wire();
	for (unsigned round = 0; round < 50; round++) {
		for (size_t i = 0; i < 8; i++)
			start(i, 100);
		receive(id, 8);
		for (size_t i = 8; i-- > 0;)
			reply(id[i], i);
		for (size_t i = 0; i < 8; i++)
			CHECK(join(i) && has_its_own(i));
	}
	CHECK(!keeper_dead(&keeper));
	close_wire();
}

static void refusal_is_its_askers_alone(void)
{
	CLEANUP(wr_close) struct wr no = wr_open(256);
	struct err e = { 0 };
	uint32_t id[2];

	open_wire();
	start(0, 1);
	start(1, 1);
	receive(id, 2);
	keep_refusal_write(&no, &(struct keep_refusal){ .check = "R9", .reason = "no" });
	CHECK(ipc_send_id(keep_end, (struct ipc_head){ COFFER_E_DENIED, id[1] }, wr_span(&no), &e) == COFFER_OK);
	reply(id[0], 0);
	CHECK(join(0) && join(1));
	CHECK(has_its_own(0) && asker[1].rc == COFFER_E_DENIED && strcmp(asker[1].e.check, "R9") == 0 && !keeper_dead(&keeper));
	close_wire();
}

/* Both directions are full at once, and neither waits for the other. */
static void large_questions_and_answers_pass_each_other(void)
{
	CLEANUP(wr_close) struct wr large = wr_open(LARGE);
	struct err e = { 0 };
	uint32_t id[3];

	open_wire();
	for (size_t i = 0; i < LARGE; i++)
		wr_u8(&large, 0);
	start(0, 10);
	receive(id, 1);
	start(1, LARGE);
	start(2, LARGE);
	CHECK(ipc_send_id(keep_end, (struct ipc_head){ COFFER_OK, id[0] }, wr_span(&large), &e) == COFFER_OK); /* keep reads nothing meanwhile */
	receive(id, 2);
	reply(id[1], 1);
	reply(id[2], 2);
	CHECK(join(0) && join(1) && join(2));
	CHECK(asker[0].rc == COFFER_OK && asker[0].got.body.n == LARGE && has_its_own(1) && has_its_own(2));
	answer_clear(&asker[0].got);
	close_wire();
}

static void end_of_keep_is_told_to_all_that_wait(void)
{
	uint32_t id[3];

	open_wire();
	for (size_t i = 0; i < 3; i++)
		start(i, 10);
	receive(id, 3);
	(void)shutdown(keep_end, SHUT_RDWR);
	for (size_t i = 0; i < 3; i++)
		CHECK(join(i) && is_told_that_it_is_gone(i));
	start(0, 10);
	CHECK(join(0));
	CHECK(asker[0].rc == COFFER_E_UPSTREAM && keeper_dead(&keeper));
	close_wire();
}

static void wrong_number_ends_it_for_all(void)
{
	for (unsigned how = 0; how < 3; how++) {
		struct err e = { 0 };
		uint32_t id[2];

		open_wire();
		start(0, 10);
		start(1, 10);
		receive(id, 2);
		if (how == 0)
			reply(id[0] + id[1] + 100, 0); /* nobody's */
		if (how == 1)
			reply(id[0], 0), reply(id[0], 0); /* the same twice */
		if (how == 2)
			CHECK(ipc_send(keep_end, COFFER_OK, span_of("abc"), &e) == COFFER_OK && ipc_send(keep_end, COFFER_OK, span_of("abc"), &e) == COFFER_OK);
		CHECK(join(0) && join(1));
		CHECK((how == 1 ? has_its_own(0) : is_told_that_it_is_gone(0)) && is_told_that_it_is_gone(1) && keeper_dead(&keeper));
		close_wire();
	}
}

static void more_than_may_wait_are_refused_and_the_rest_go_on(void)
{
	uint32_t id[KEEPER_ASKED_MAX];

	open_wire();
	for (size_t i = 0; i < KEEPER_ASKED_MAX; i++)
		start(i, 1);
	receive(id, KEEPER_ASKED_MAX);
	start(KEEPER_ASKED_MAX, 1);
	CHECK(join(KEEPER_ASKED_MAX));
	CHECK(asker[KEEPER_ASKED_MAX].rc == COFFER_E_LIMIT);
	for (size_t i = 0; i < KEEPER_ASKED_MAX; i++)
		reply(id[i], i);
	for (size_t i = 0; i < KEEPER_ASKED_MAX; i++)
		CHECK(join(i) && has_its_own(i));
	close_wire();
}

/* Numbers begin anew one day: one that still waits keeps its own. */
static void number_that_waits_is_not_given_again(void)
{
	uint32_t id[2];

	open_wire();
	start(0, 1);
	receive(id, 1);
	(void)pthread_mutex_lock(&keeper.lock);
	keeper.next_id = id[0];
	(void)pthread_mutex_unlock(&keeper.lock);
	start(1, 1);
	receive(id, 1);
	CHECK(id[0] != id[1]);
	reply(id[1], 1);
	reply(id[0], 0);
	CHECK(join(0) && join(1));
	CHECK(has_its_own(0) && has_its_own(1));
	close_wire();
}

int main(void)
{
	static const struct t_case cases[] = {
		T(each_gets_its_own_answer_in_whatever_order_they_come), T(refusal_is_its_askers_alone), T(large_questions_and_answers_pass_each_other),
		T(end_of_keep_is_told_to_all_that_wait), T(wrong_number_ends_it_for_all), T(more_than_may_wait_are_refused_and_the_rest_go_on),
		T(number_that_waits_is_not_given_again),
	};

	(void)setvbuf(stdout, NULL, _IOLBF, 4096); /* what waits for ever says where */
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
