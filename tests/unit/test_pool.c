/* Threads that answer: slow ones never take all of them, nothing that was added is lost, and the end waits for what is under way. */
#include <string.h>
#include <unistd.h>

#include "cofferd/net/pool.h"
#include "tests/t.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static unsigned running, ran, most;
static bool open_gate;

static void count(void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&lock);
	ran++;
	(void)pthread_cond_broadcast(&news);
	(void)pthread_mutex_unlock(&lock);
}

/* Until the gate is open. */
static void block(void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&lock);
	running++;
	most = running > most ? running : most;
	(void)pthread_cond_broadcast(&news);
	while (!open_gate)
		(void)pthread_cond_wait(&news, &lock);
	running--;
	(void)pthread_mutex_unlock(&lock);
}

static void wait_until(const unsigned *what, unsigned n)
{
	(void)pthread_mutex_lock(&lock);
	while (*what < n)
		(void)pthread_cond_wait(&news, &lock);
	(void)pthread_mutex_unlock(&lock);
}

static void let_go(void)
{
	(void)pthread_mutex_lock(&lock);
	open_gate = true;
	(void)pthread_cond_broadcast(&news);
	(void)pthread_mutex_unlock(&lock);
}

static struct pool *start(void)
{
	struct pool *p = NULL;
	struct err e = { 0 };

	running = ran = most = 0;
	open_gate = false;
	CHECK(pool_start(POOL_THREADS, &p, &e) == COFFER_OK);
	return p;
}

static void slow_ones_leave_half_of_the_threads(void)
{
	static struct pool_job slow[POOL_THREADS * 2], quick[1000];
	struct pool *p = start();

	for (size_t i = 0; i < POOL_THREADS * 2; i++) {
		slow[i] = (struct pool_job){ .run = block, .slow = true };
		CHECK(pool_add(p, &slow[i]));
	}
	wait_until(&running, POOL_THREADS / 2);
	for (size_t i = 0; i < 1000; i++) {
		quick[i] = (struct pool_job){ .run = count };
		CHECK(pool_add(p, &quick[i]));
	}
	wait_until(&ran, 1000);
	let_go();
	pool_free(p);
	CHECK(most == POOL_THREADS / 2 && running == 0);
}

/* One that blocks is never what a quick one waits for, whatever thread was called. */
static void quick_one_finds_a_thread_while_any_is_idle(void)
{
	static struct pool_job held[POOL_THREADS - 1], quick[200];
	struct pool *p = start();

	for (size_t i = 0; i < POOL_THREADS - 1; i++) {
		held[i] = (struct pool_job){ .run = block };
		CHECK(pool_add(p, &held[i]));
	}
	wait_until(&running, POOL_THREADS - 1);
	for (size_t i = 0; i < 200; i++) {
		quick[i] = (struct pool_job){ .run = count };
		CHECK(pool_add(p, &quick[i]));
	}
	wait_until(&ran, 200);
	let_go();
	pool_free(p);
}

static void end_runs_what_was_added_and_takes_no_more(void)
{
	static struct pool_job jobs[100], late;
	struct pool *p = start();

	for (size_t i = 0; i < 100; i++) {
		jobs[i] = (struct pool_job){ .run = count, .slow = i % 2 };
		CHECK(pool_add(p, &jobs[i]));
	}
	pool_stop(p);
	CHECK(ran == 100);
	late = (struct pool_job){ .run = count };
	CHECK(!pool_add(p, &late));
	pool_free(p);
	CHECK(ran == 100);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(slow_ones_leave_half_of_the_threads), T(quick_one_finds_a_thread_while_any_is_idle), T(end_runs_what_was_added_and_takes_no_more),
	};

	(void)setvbuf(stdout, NULL, _IOLBF, 4096); /* what waits for ever says where */
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
