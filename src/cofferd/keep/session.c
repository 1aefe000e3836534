#include "cofferd/keep/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "decide/shown.h"
#include "proto/rcar_json.h"

#define NONE UINT32_MAX
#define BUCKETS 16384u
#define SECRET 32 /* bytes in a credential */

/* Two queues, by age: without and with evidence. */
struct queue { uint32_t oldest, newest, n; };

struct sessions {
	struct session *s;
	uint32_t        max, n, free_top;
	uint32_t       *free_list;
	struct queue    queue[2]; /* [attested] */
	size_t          notes, showings; /* bytes */
	struct secret   secrets;  /* SECRET bytes a session, zero without a credential */
	uint32_t        bucket[BUCKETS];
};

_Static_assert(sizeof(struct session) + KEEP_MEMBERS_MAX * sizeof(struct keep_member) + MEMBER_BYTES_MAX + SESSION_AK_MAX <= SESSION_BYTES_MAX, "a session is larger than its bound");

_Static_assert(sizeof(struct session) <= 416, "a full table is most of what the service has resident (docs/performance.md)");

/* ---- bytes of its own ---- */

struct span session_span(const struct session_bytes *b)
{
	return (struct span){ b->p, b->n };
}

static void bytes_clear(struct session_bytes *b)
{
	if (b->p)
		explicit_bzero(b->p, b->n);
	free(b->p);
	*b = (struct session_bytes){ 0 };
}

/* Empty where the writer has failed. */
static struct session_bytes bytes_take(struct wr *w)
{
	struct session_bytes b = { 0 };

	wr_fit(w);
	b.p = (uint8_t *)wr_take(w, &b.n);
	return b;
}

/* ---- the table ---- */

enum coffer_rc sessions_new(uint32_t max, struct sessions **out, struct err *e)
{
	struct sessions *t = calloc(1, sizeof(*t));
	uint32_t n = max == 0 || max > SESSIONS_MAX ? SESSIONS_MAX : max;

	if (t) {
		t->s = calloc(n, sizeof(*t->s));
		t->free_list = calloc(n, sizeof(*t->free_list));
	}
	if (!t || !t->s || !t->free_list || secret_new((size_t)n * SECRET, &t->secrets, e) != COFFER_OK) {
		sessions_free(t);
		return err_set(e, COFFER_E_SYSTEM, "sessions: out of memory, or of memory that may be locked");
	}
	t->max = t->free_top = n;
	for (uint32_t i = 0; i < n; i++)
		t->free_list[i] = n - 1 - i;
	for (size_t i = 0; i < BUCKETS; i++)
		t->bucket[i] = NONE;
	t->queue[0] = t->queue[1] = (struct queue){ NONE, NONE, 0 };
	*out = t;
	return COFFER_OK;
}

void sessions_free(struct sessions *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; t->s && i < t->max; i++) {
		members_clear(&t->s[i].members);
		bytes_clear(&t->s[i].note);
		bytes_clear(&t->s[i].showing);
		bytes_clear(&t->s[i].ak);
	}
	secret_free(&t->secrets);
	free(t->s);
	free(t->free_list);
	free(t);
}

size_t sessions_count(const struct sessions *t)
{
	return t->n;
}

/* Ids are our own random bytes: nobody can make them collide. */
static uint32_t *bucket_of(struct sessions *t, const uint8_t *id)
{
	return &t->bucket[((uint32_t)id[0] << 8 | id[1]) % BUCKETS];
}

static void enqueue(struct sessions *t, uint32_t i)
{
	struct queue *q = &t->queue[t->s[i].a.attested];

	t->s[i].older = q->newest;
	t->s[i].newer = NONE;
	if (q->newest != NONE)
		t->s[q->newest].newer = i;
	else
		q->oldest = i;
	q->newest = i;
	q->n++;
}

static void dequeue(struct sessions *t, uint32_t i)
{
	struct queue *q = &t->queue[t->s[i].a.attested];
	struct session *s = &t->s[i];

	*(s->older != NONE ? &t->s[s->older].newer : &q->oldest) = s->newer;
	*(s->newer != NONE ? &t->s[s->newer].older : &q->newest) = s->older;
	q->n--;
}

static void forget(struct sessions *t, struct session *s)
{
	t->notes -= s->note.n;
	bytes_clear(&s->note);
}

static void drop_showing(struct sessions *t, struct session *s)
{
	t->showings -= s->showing.n;
	bytes_clear(&s->showing);
}

static uint8_t *slot(const struct sessions *t, const struct session *s)
{
	return t->secrets.p + (size_t)(s - t->s) * SECRET;
}

void session_drop(struct sessions *t, struct session *s)
{
	uint32_t i = (uint32_t)(s - t->s);
	uint32_t *link = bucket_of(t, s->id);

	while (*link != i)
		link = &t->s[*link].chain;
	*link = s->chain;
	dequeue(t, i);
	members_clear(&s->members);
	forget(t, s);
	drop_showing(t, s);
	bytes_clear(&s->ak);
	explicit_bzero(slot(t, s), SECRET);
	explicit_bzero(s, sizeof(*s));
	t->free_list[t->free_top++] = i;
	t->n--;
}

static void expire(struct sessions *t, int64_t now)
{
	for (size_t k = 0; k < 2; k++)
		while (t->queue[k].oldest != NONE && now >= t->s[t->queue[k].oldest].expires)
			session_drop(t, &t->s[t->queue[k].oldest]);
}

/* A flood of strangers takes a quarter of the table at most, and many guests that live on leave a quarter to those who come. */
static void make_room(struct sessions *t)
{
	const struct queue *waiting = &t->queue[0], *attested = &t->queue[1];
	bool first = attested->n == 0 || waiting->n > t->max / 4;

	session_drop(t, &t->s[first ? waiting->oldest : attested->oldest]);
}

struct session *session_add(struct sessions *t, uint8_t tee, int64_t now)
{
	struct session *s;
	uint32_t i, *bucket;

	expire(t, now);
	if (t->free_top == 0)
		make_room(t);
	i = t->free_list[--t->free_top];
	s = &t->s[i];
	*s = (struct session){ .tee = tee, .expires = now + SESSION_SECONDS };
	random_bytes(s->id, sizeof(s->id));
	random_bytes(s->nonce, sizeof(s->nonce));
	bucket = bucket_of(t, s->id);
	s->chain = *bucket;
	*bucket = i;
	t->n++;
	enqueue(t, i);
	return s;
}

struct session *session_get(struct sessions *t, const uint8_t id[static KEEP_SESSION_LEN], int64_t now)
{
	uint32_t i;

	expire(t, now);
	for (i = *bucket_of(t, id); i != NONE; i = t->s[i].chain)
		if (ct_eq(SPAN(t->s[i].id), (struct span){ id, KEEP_SESSION_LEN }))
			return now < t->s[i].expires ? &t->s[i] : NULL;
	return NULL;
}

/* The queue of the attested is by the time of evidence; whoever waits longest in it still expires by its own time,
 * which session_get and the decision look at. */
void session_attested(struct sessions *t, struct session *s)
{
	uint32_t i = (uint32_t)(s - t->s);

	dequeue(t, i);
	s->a.attested = true;
	enqueue(t, i);
}

void session_accept(struct session *s, const struct appraisal *a)
{
	s->a = (struct accepted){ .attested = s->a.attested, .genuine = a->genuine, .has_register = a->has_register,
		.has_initdata = a->has_initdata, .has_genesis = a->has_genesis, .expected_n = (uint8_t)a->expected_n,
		.found_n = (uint8_t)a->found_n };
	memcpy(s->a.found, a->found, sizeof(s->a.found));
	memcpy(s->a.init_register, a->init_register, sizeof(s->a.init_register));
	memcpy(s->a.initdata, a->initdata, sizeof(s->a.initdata));
	memcpy(s->a.genesis, a->genesis, sizeof(s->a.genesis));
	memcpy(s->a.root, a->root, sizeof(s->a.root));
}

void session_appraisal(const struct session *s, struct appraisal *a)
{
	enum tee_kind tee = (enum tee_kind)s->tee;

	*a = (struct appraisal){ .platform = tee_name(tee), .attested = s->a.attested, .expires = s->expires, .expected_n = s->a.expected_n,
		.found_n = s->a.found_n, .has_register = s->a.has_register, .has_initdata = s->a.has_initdata,
		.has_genesis = s->a.has_genesis, .genuine = s->a.genuine, .collateral = true };
	memcpy(a->expected, s->a.found, a->expected_n);
	memcpy(a->found, s->a.found, sizeof(a->found));
	memcpy(a->init_register, s->a.init_register, sizeof(a->init_register));
	memcpy(a->initdata, s->a.initdata, sizeof(a->initdata));
	memcpy(a->genesis, s->a.genesis, sizeof(a->genesis));
	memcpy(a->root, s->a.root, sizeof(a->root));
	(void)snprintf(a->why, sizeof(a->why), "%s", shown_why(tee));
}

enum coffer_rc session_note(struct sessions *t, struct session *s, struct span facts, struct span claims, struct err *e)
{
	size_t n = 4 + facts.n + claims.n;
	CLEANUP(wr_close) struct wr w = wr_open(n);

	forget(t, s);
	for (uint32_t i = t->queue[1].oldest; i != NONE && t->notes + n > NOTES_BYTES_MAX; i = t->s[i].newer)
		forget(t, &t->s[i]);
	wr_blob32(&w, facts);
	wr_put(&w, claims);
	TRY(wr_done(&w, "session", e));
	s->note = bytes_take(&w);
	t->notes += s->note.n;
	return COFFER_OK;
}

bool session_read_note(const struct session *s, struct span *facts, struct span *claims)
{
	struct rd r = rd_open(session_span(&s->note));

	*facts = rd_blob32(&r, FACTS_PACKED_MAX);
	*claims = rd_span(&r, r.n);
	return s->note.n > 0 && rd_done(&r);
}

/* The oldest, of sample or of all others, until there is room for n bytes. */
static void make_showing_room(struct sessions *t, size_t n, bool sample)
{
	for (uint32_t i = t->queue[1].oldest; i != NONE && t->showings + n > SHOWINGS_BYTES_MAX; i = t->s[i].newer) {
		struct session *s = &t->s[i];

		if ((s->tee == TEE_SAMPLE) != sample)
			continue;
		s->shown = s->shown && s->showing.n == 0; /* stored: still named */
		drop_showing(t, s);
	}
}

/* Of sample anybody makes up as much as he likes: it goes first, and takes no room from others. */
void session_show(struct sessions *t, struct session *s, struct wr *packed)
{
	drop_showing(t, s);
	make_showing_room(t, packed->n, true);
	if (s->tee != TEE_SAMPLE)
		make_showing_room(t, packed->n, false);
	s->shown = t->showings + packed->n <= SHOWINGS_BYTES_MAX;
	if (!s->shown)
		return;
	s->showing = bytes_take(packed);
	t->showings += s->showing.n;
}

void session_stored(struct sessions *t, struct session *s, const uint8_t id[static 32])
{
	memcpy(s->shown_id, id, sizeof(s->shown_id));
	drop_showing(t, s);
}

size_t sessions_showings(const struct sessions *t)
{
	return t->showings;
}

enum coffer_rc session_credential(struct sessions *t, struct session *s, struct span ak, struct span *secret, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(SESSION_AK_MAX);

	wr_put(&w, ak);
	TRY(wr_done(&w, "attestation key", e));
	bytes_clear(&s->ak);
	s->ak = bytes_take(&w);
	random_bytes(slot(t, s), SECRET);
	*secret = (struct span){ slot(t, s), SECRET };
	return COFFER_OK;
}

bool session_secret(const struct sessions *t, const struct session *s, struct span *secret)
{
	*secret = (struct span){ slot(t, s), SECRET };
	return s->ak.n > 0;
}

size_t sessions_notes(const struct sessions *t)
{
	return t->notes;
}
