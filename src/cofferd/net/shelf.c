#include "cofferd/net/shelf.h"

#include "base/str.h"

enum coffer_rc shelf_init(struct shelf *s, struct err *e)
{
	*s = (struct shelf){ 0 };
	return pthread_mutex_init(&s->lock, NULL) == 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "shelf: no mutex");
}

uint64_t shelf_changes(struct shelf *s)
{
	uint64_t n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->changes;
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

static void copy(struct wr *to, struct span s)
{
	wr_close(to);
	*to = wr_open(s.n);
	wr_put(to, s);
}

void shelf_put(struct shelf *s, struct shelf_page p, struct span text, uint64_t changes, int64_t now_ms)
{
	if (text.n > SHELF_TEXT_MAX || p.of.n > SHELF_OF_MAX)
		return;
	(void)pthread_mutex_lock(&s->lock);
	if (changes == s->changes) {
		copy(&s->at[p.place].text, text);
		copy(&s->at[p.place].of, p.of);
		s->at[p.place].until = now_ms + SHELF_MS;
	}
	(void)pthread_mutex_unlock(&s->lock);
}

bool shelf_get(struct shelf *s, struct shelf_page p, int64_t now_ms, struct wr *out)
{
	const struct wr *text = &s->at[p.place].text, *of = &s->at[p.place].of;
	bool has;

	(void)pthread_mutex_lock(&s->lock);
	has = text->n > 0 && wr_ok(text) && now_ms < s->at[p.place].until && wr_ok(of) && span_eq(wr_span(of), p.of);
	if (has) {
		*out = wr_open(text->n);
		wr_put(out, wr_span(text));
	}
	(void)pthread_mutex_unlock(&s->lock);
	return has;
}

void shelf_empty(struct shelf *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->changes++;
	for (size_t i = 0; i < SHELF_PLACES; i++)
		s->at[i].until = 0;
	(void)pthread_mutex_unlock(&s->lock);
}
