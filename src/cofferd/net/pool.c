#include "cofferd/net/pool.h"

#include <stdlib.h>

#define STACK_BYTES (512u << 10)

struct line { struct pool_job *first, **end; };

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t  news[2]; /* [any]: for the threads that take anything, and for those that take nothing slow */
	struct line     line[2]; /* [slow] */
	size_t          idle[2]; /* [any]: threads that wait for news */
	size_t          n;
	pthread_t       thread[POOL_THREADS];
	bool            ended;
};

static struct pool_job *pop(struct line *l)
{
	struct pool_job *j = l->first;

	if (!j)
		return NULL;
	l->first = j->next;
	if (!l->first)
		l->end = &l->first;
	return j;
}

/* Who takes the slow ones takes them first: nobody else does. */
static struct pool_job *next_job(struct pool *p, bool any)
{
	struct pool_job *j = any ? pop(&p->line[true]) : NULL;

	return j ? j : pop(&p->line[false]);
}

/* Whoever is woken may find that another took it; so whoever takes one calls for the rest. */
static void call(struct pool *p)
{
	if (p->line[true].first)
		(void)pthread_cond_signal(&p->news[true]);
	if (p->line[false].first)
		(void)pthread_cond_signal(&p->news[p->idle[false] == 0]);
}

static void work(struct pool *p, bool any)
{
	(void)pthread_mutex_lock(&p->lock);
	for (;;) {
		struct pool_job *j = next_job(p, any);

		if (!j && p->ended)
			break;
		if (!j) {
			p->idle[any]++;
			(void)pthread_cond_wait(&p->news[any], &p->lock);
			p->idle[any]--;
			continue;
		}
		call(p);
		(void)pthread_mutex_unlock(&p->lock);
		j->run(j->arg);
		(void)pthread_mutex_lock(&p->lock);
	}
	(void)pthread_mutex_unlock(&p->lock);
}

static void *take_any(void *arg)
{
	work(arg, true);
	return NULL;
}

static void *take_quick(void *arg)
{
	work(arg, false);
	return NULL;
}

bool pool_add(struct pool *p, struct pool_job *job)
{
	struct line *l = &p->line[job->slow];
	bool ok;

	(void)pthread_mutex_lock(&p->lock);
	ok = !p->ended;
	if (ok) {
		job->next = NULL;
		*l->end = job;
		l->end = &job->next;
		call(p);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return ok;
}

enum coffer_rc pool_start(size_t threads, struct pool **out, struct err *e)
{
	struct pool *p = calloc(1, sizeof(*p));
	pthread_attr_t a;
	bool ok = p && pthread_attr_init(&a) == 0;

	*out = NULL;
	ok = ok && pthread_attr_setstacksize(&a, STACK_BYTES) == 0 && pthread_mutex_init(&p->lock, NULL) == 0 &&
	     pthread_cond_init(&p->news[0], NULL) == 0 && pthread_cond_init(&p->news[1], NULL) == 0;
	for (size_t i = 0; ok && i < 2; i++)
		p->line[i].end = &p->line[i].first;
	for (; ok && p->n < threads && p->n < POOL_THREADS; p->n += ok)
		ok = pthread_create(&p->thread[p->n], &a, p->n % 2 ? take_any : take_quick, p) == 0;
	if (!ok) {
		if (p && p->n > 0)
			pool_free(p);
		return err_set(e, COFFER_E_SYSTEM, "http: no threads");
	}
	*out = p;
	return COFFER_OK;
}

void pool_stop(struct pool *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->ended = true;
	(void)pthread_cond_broadcast(&p->news[0]);
	(void)pthread_cond_broadcast(&p->news[1]);
	(void)pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->n; i++)
		(void)pthread_join(p->thread[i], NULL);
	p->n = 0;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	if (p->n > 0)
		pool_stop(p);
	(void)pthread_cond_destroy(&p->news[0]);
	(void)pthread_cond_destroy(&p->news[1]);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}
