/* The clerk between a keep and witnesses that the test plays: who is woken, when, and what is said of those that do not sign. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/net/clerk.h"
#include "os/ipc.h"
#include "tests/t.h"

/* What each witness does with a question. */
enum does { SIGNS, IS_DOWN, IS_SILENT, HAS_MORE, FORKED };

struct stage {
	struct keeper          keep;
	struct collateral_wire wire;
	struct clerk          *clerk;
	int                    keep_end, fetch_end;
	pthread_t              keep_thread, fetch_thread;
	pthread_mutex_t        lock;
	pthread_cond_t         news;
	enum does              does[3];
	unsigned               n, k; /* witnesses; how many are enough */
	uint64_t               signed_by, size;
	unsigned               rounds, asked, told;
};

/* ---- keep ---- */

static void round_reply(const struct stage *s, struct wr *w)
{
	bool enough = (unsigned)__builtin_popcountll(s->signed_by) >= s->k;
	struct keep_round_rep rep = { .n = (uint8_t)s->n, .size = enough ? 0 : s->size,
		.missing = enough ? 0 : ((UINT64_C(1) << s->n) - 1) & ~s->signed_by };

	keep_round_rep_write(w, &rep);
}

static uint8_t keep_answers(struct stage *s, uint8_t type, struct span body, struct wr *w)
{
	struct keep_witness_req ask;
	struct keep_cosign_req cosign;
	struct err e = { 0 };

	if (type == KEEP_ROUND) {
		s->rounds++;
		round_reply(s, w);
	} else if (type == KEEP_WITNESS && keep_witness_req_read(body, &ask, &e) == COFFER_OK) {
		s->told += ask.told;
		if (ask.told && ask.size > s->size) {
			keep_refusal_write(w, &(struct keep_refusal){ .check = "ledger-rollback", .reason = "the store is an old copy" });
			return COFFER_E_DENIED;
		}
		wr_fmt(w, "old %llu\n", (unsigned long long)ask.size);
	} else if (type == KEEP_COSIGN && keep_cosign_req_read(body, &cosign, &e) == COFFER_OK) {
		s->signed_by |= UINT64_C(1) << cosign.witness;
		round_reply(s, w);
	} else {
		return COFFER_E_BUG;
	}
	return COFFER_OK;
}

static void *play_keep(void *arg)
{
	struct stage *s = arg;
	struct err e = { 0 };
	struct ipc_head h;

	for (;;) {
		CLEANUP(wr_close) struct wr in = { 0 }, out = wr_open(4096);

		if (ipc_recv_id(s->keep_end, KEEP_FRAME_MAX, &h, &in, &e) != COFFER_OK)
			return NULL;
		(void)pthread_mutex_lock(&s->lock);
		h.tag = keep_answers(s, h.tag, wr_span(&in), &out);
		(void)pthread_cond_broadcast(&s->news);
		(void)pthread_mutex_unlock(&s->lock);
		if (ipc_send_id(s->keep_end, h, wr_span(&out), &e) != COFFER_OK)
			return NULL;
	}
}

/* ---- fetch ---- */

static bool witness_answers(struct stage *s, const struct fetch_post *q, struct fetch_reply *r)
{
	static const uint8_t ok[] = "\x00\xc8line\n", more[] = "\x01\x99" "9\n", much_more[] = "\x01\x99" "99\n";

	s->asked++;
	*r = (struct fetch_reply){ .id = q->id, .status = FETCH_HAVE };
	switch (s->does[q->witness]) {
	case SIGNS:
		r->body = (struct span){ ok, sizeof(ok) - 1 };
		return true;
	case IS_DOWN:
		r->status = FETCH_UNAVAILABLE;
		r->reason = span_of("it is down");
		return true;
	case HAS_MORE:
		r->body = (struct span){ much_more, sizeof(much_more) - 1 };
		return true;
	case FORKED:
		r->body = (struct span){ more, sizeof(more) - 1 };
		return true;
	case IS_SILENT:
		break;
	}
	return false;
}

static void *play_fetch(void *arg)
{
	struct stage *s = arg;
	struct fetch_reply r;
	struct fetch_post q;
	struct err e = { 0 };
	uint8_t type;
	bool says;

	for (;;) {
		CLEANUP(wr_close) struct wr in = { 0 }, out = wr_open(4096);

		if (ipc_recv(s->fetch_end, FETCH_POST_MAX + 64, &type, &in, &e) != COFFER_OK || fetch_post_read(wr_span(&in), &q, &e) != COFFER_OK)
			return NULL;
		(void)pthread_mutex_lock(&s->lock);
		says = witness_answers(s, &q, &r);
		(void)pthread_cond_broadcast(&s->news);
		(void)pthread_mutex_unlock(&s->lock);
		if (!says)
			continue;
		fetch_reply_write(&out, &r);
		if (ipc_send(s->fetch_end, FETCH_REPLY, wr_span(&out), &e) != COFFER_OK)
			return NULL;
	}
}

/* ---- the stage ---- */

static void open_stage(struct stage *s)
{
	struct err e = { 0 };
	int a[2], b[2];

	s->size = 9;
	CHECK(pthread_mutex_init(&s->lock, NULL) == 0 && pthread_cond_init(&s->news, NULL) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b) == 0);
	s->keep_end = a[1];
	s->fetch_end = b[1];
	CHECK(keeper_init(&s->keep, a[0], &e) == COFFER_OK && collateral_init(&s->wire, b[0], &e) == COFFER_OK);
	CHECK(pthread_create(&s->keep_thread, NULL, play_keep, s) == 0 && pthread_create(&s->fetch_thread, NULL, play_fetch, s) == 0);
	CHECK(clerk_start(&s->keep, &s->wire, &s->clerk, &e) == COFFER_OK);
}

static void close_stage(struct stage *s)
{
	clerk_stop(s->clerk);
	collateral_end(&s->wire);
	clerk_free(s->clerk);
	(void)shutdown(s->keep.fd, SHUT_RDWR);
	CHECK(pthread_join(s->keep_thread, NULL) == 0 && pthread_join(s->fetch_thread, NULL) == 0);
	(void)close(s->keep.fd);
	(void)close(s->keep_end);
	(void)close(s->wire.fd);
	(void)close(s->fetch_end);
}

/* One that waits, as a connection does. */
struct one { struct clerk_waiter w; pthread_mutex_t lock; pthread_cond_t news; unsigned woken; };

static void woke(void *arg)
{
	struct one *o = arg;

	(void)pthread_mutex_lock(&o->lock);
	o->woken++;
	(void)pthread_cond_broadcast(&o->news);
	(void)pthread_mutex_unlock(&o->lock);
}

static bool waits(struct stage *s, struct one *o, bool once)
{
	*o = (struct one){ .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER };
	o->w = (struct clerk_waiter){ .wake = woke, .arg = o, .once = once };
	return clerk_wait(s->clerk, &o->w);
}

static void until_woken(struct one *o)
{
	(void)pthread_mutex_lock(&o->lock);
	while (o->woken == 0)
		(void)pthread_cond_wait(&o->news, &o->lock);
	CHECK(o->woken == 1);
	(void)pthread_mutex_unlock(&o->lock);
}

static unsigned woken(struct one *o)
{
	unsigned n;

	(void)pthread_mutex_lock(&o->lock);
	n = o->woken;
	(void)pthread_mutex_unlock(&o->lock);
	return n;
}

static void until_asked(struct stage *s, unsigned n)
{
	(void)pthread_mutex_lock(&s->lock);
	while (s->asked < n)
		(void)pthread_cond_wait(&s->news, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
}

static void nobody_is_kept_where_no_witness_is_wanted(void)
{
	struct stage s = { .n = 0 };
	struct one o[2];

	open_stage(&s);
	CHECK(waits(&s, &o[0], true) && waits(&s, &o[1], false));
	until_woken(&o[0]);
	until_woken(&o[1]);
	CHECK(s.asked == 0);
	close_stage(&s);
}

/* The founders amended the genesis while the service ran. */
static void witness_that_is_named_later_is_asked_from_the_next_round_on(void)
{
	struct stage s = { .n = 0, .k = 0, .does = { SIGNS, IS_DOWN, SIGNS } };
	struct one o;

	open_stage(&s);
	for (unsigned n = 0; n <= 3; n++) {
		(void)pthread_mutex_lock(&s.lock);
		s.n = n;
		s.k = n == 3 ? 2 : n;
		(void)pthread_mutex_unlock(&s.lock);
		CHECK(waits(&s, &o, true));
		until_woken(&o);
		CHECK(s.signed_by == (n == 0 ? 0u : n == 3 ? 5u : 1u));
	}
	close_stage(&s);
}

static void who_waits_is_woken_when_enough_have_signed(void)
{
	struct stage s = { .n = 3, .k = 2, .does = { SIGNS, IS_SILENT, SIGNS } };
	struct one o[20];

	open_stage(&s);
	for (size_t i = 0; i < 20; i++)
		CHECK(waits(&s, &o[i], i % 2));
	for (size_t i = 0; i < 20; i++)
		until_woken(&o[i]);
	CHECK(s.signed_by == 5); /* and the silent one held up nobody */
	close_stage(&s);
}

static void one_round_is_enough_for_who_wants_no_more(void)
{
	struct stage s = { .n = 2, .k = 2, .does = { SIGNS, IS_DOWN } };
	struct one once, stays;
	char why[200];

	open_stage(&s);
	CHECK(waits(&s, &stays, false) && waits(&s, &once, true));
	until_woken(&once);
	CHECK(woken(&stays) == 0);
	clerk_reason(s.clerk, why, sizeof(why));
	CHECK(!strcmp(why, "witness 2: it is down"));
	(void)pthread_mutex_lock(&s.lock);
	s.does[1] = SIGNS; /* it comes back: the next round finds it */
	(void)pthread_mutex_unlock(&s.lock);
	until_woken(&stays);
	clerk_reason(s.clerk, why, sizeof(why));
	CHECK(why[0] == 0 && s.signed_by == 3);
	close_stage(&s);
}

static void witness_that_does_not_sign_is_a_reason(void)
{
	static const struct { enum does does; const char *why; } all[] = { { FORKED, "another ledger of this size" },
		{ HAS_MORE, "the store is an old copy" }, { IS_DOWN, "it is down" } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct stage s = { .n = 1, .k = 1, .does = { all[i].does } };
		struct one once;
		char why[200];

		open_stage(&s);
		CHECK(waits(&s, &once, true));
		until_woken(&once);
		clerk_reason(s.clerk, why, sizeof(why));
		CHECK(strstr(why, "witness 1: ") && strstr(why, all[i].why));
		CHECK(s.told == (all[i].does != IS_DOWN) && s.signed_by == 0);
		close_stage(&s);
	}
}

static void end_wakes_all_and_takes_no_more(void)
{
	struct stage s = { .n = 2, .k = 2, .does = { IS_SILENT, IS_SILENT } };
	struct one o[5], late;
	char why[200];

	open_stage(&s);
	for (size_t i = 0; i < 5; i++)
		CHECK(waits(&s, &o[i], false));
	until_asked(&s, 2);
	clerk_reason(s.clerk, why, sizeof(why));
	CHECK(strstr(why, "witness 1: it has not answered yet") && strstr(why, "; witness 2: "));
	clerk_reason(s.clerk, why, 12);
	CHECK(strlen(why) == 11);
	clerk_stop(s.clerk);
	for (size_t i = 0; i < 5; i++)
		CHECK(woken(&o[i]) == 1);
	CHECK(!waits(&s, &late, false) && woken(&late) == 0);
	close_stage(&s);
}

static void keep_that_is_gone_lets_nobody_wait(void)
{
	struct stage s = { .n = 1, .k = 1, .does = { SIGNS } };
	struct one o;

	open_stage(&s);
	(void)shutdown(s.keep.fd, SHUT_RDWR);
	CHECK(waits(&s, &o, false));
	until_woken(&o);
	CHECK(keeper_dead(&s.keep));
	close_stage(&s);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(nobody_is_kept_where_no_witness_is_wanted), T(witness_that_is_named_later_is_asked_from_the_next_round_on), T(who_waits_is_woken_when_enough_have_signed), T(one_round_is_enough_for_who_wants_no_more),
		T(witness_that_does_not_sign_is_a_reason), T(end_wakes_all_and_takes_no_more), T(keep_that_is_gone_lets_nobody_wait),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
