#include "cofferd/net/shelf.h"

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

void shelf_put(struct shelf *s, enum shelf_place p, struct span text, uint64_t changes, int64_t now_ms)
{
	if (text.n > SHELF_TEXT_MAX)
		return;
	(void)pthread_mutex_lock(&s->lock);
	if (changes == s->changes) {
		wr_close(&s->at[p].text);
		s->at[p].text = wr_open(text.n);
		wr_put(&s->at[p].text, text);
		s->at[p].until = now_ms + SHELF_MS;
	}
	(void)pthread_mutex_unlock(&s->lock);
}

bool shelf_get(struct shelf *s, enum shelf_place p, int64_t now_ms, struct wr *out)
{
	bool has;

	(void)pthread_mutex_lock(&s->lock);
	has = s->at[p].text.n > 0 && wr_ok(&s->at[p].text) && now_ms < s->at[p].until;
	if (has) {
		*out = wr_open(s->at[p].text.n);
		wr_put(out, wr_span(&s->at[p].text));
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
