#include "cofferd/keep/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "crypto/hash.h"

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
		wr_close(&t->s[i].note);
		wr_close(&t->s[i].showing);
		wr_close(&t->s[i].ak);
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
	wr_close(&s->note);
	s->note = (struct wr){ 0 };
}

static void drop_showing(struct sessions *t, struct session *s)
{
	t->showings -= s->showing.n;
	wr_close(&s->showing);
	s->showing = (struct wr){ 0 };
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
	wr_close(&s->ak);
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

enum coffer_rc session_note(struct sessions *t, struct session *s, struct span facts, struct span claims, struct err *e)
{
	size_t n = 4 + facts.n + claims.n;

	forget(t, s);
	for (uint32_t i = t->queue[1].oldest; i != NONE && t->notes + n > NOTES_BYTES_MAX; i = t->s[i].newer)
		forget(t, &t->s[i]);
	s->note = wr_open(n);
	wr_blob32(&s->note, facts);
	wr_put(&s->note, claims);
	TRY(wr_done(&s->note, "session", e));
	wr_fit(&s->note);
	t->notes += s->note.n;
	return COFFER_OK;
}

bool session_read_note(const struct session *s, struct span *facts, struct span *claims)
{
	struct rd r = rd_open(wr_span(&s->note));

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
	wr_fit(packed);
	s->showing = *packed;
	*packed = (struct wr){ 0 };
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
	wr_close(&s->ak);
	s->ak = wr_open(SESSION_AK_MAX);
	wr_put(&s->ak, ak);
	TRY(wr_done(&s->ak, "attestation key", e));
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
