#include "trust/parties_index.h"

#include <stdlib.h>
#include <string.h>

static int order(const struct key_of *a, const struct key_of *b)
{
	int c = memcmp(a->thumb, b->thumb, sizeof(a->thumb)); /* public: thumbprints */

	return c != 0 ? c : (a->party > b->party) - (a->party < b->party);
}

/* The first that is not before it. */
static size_t place(const struct parties *p, const struct key_of *k)
{
	size_t from = 0, to = p->n_keys;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (order(&p->key[mid], k) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static enum coffer_rc make_room(struct parties *p, struct err *e)
{
	size_t room = p->room_keys ? 2 * p->room_keys : 64;
	struct key_of *more;

	if (p->n_keys < p->room_keys)
		return COFFER_OK;
	more = realloc(p->key, room * sizeof(*more));
	if (!more)
		return err_set(e, COFFER_E_SYSTEM, "parties: out of memory");
	p->key = more;
	p->room_keys = room;
	return COFFER_OK;
}

static enum coffer_rc add(struct parties *p, size_t party, const struct pubkey *key, struct err *e)
{
	struct key_of k = { .party = party };
	size_t at;

	pubkey_thumbprint(key, k.thumb);
	at = place(p, &k);
	if (at < p->n_keys && order(&p->key[at], &k) == 0)
		return COFFER_OK;
	TRY(make_room(p, e));
	memmove(&p->key[at + 1], &p->key[at], (p->n_keys - at) * sizeof(*p->key));
	p->key[at] = k;
	p->n_keys++;
	return COFFER_OK;
}

enum coffer_rc parties_index(struct parties *p, size_t party, const struct party *is, struct err *e)
{
	for (size_t i = 0; i < is->n_keys; i++)
		TRY(add(p, party, &is->keys[i], e));
	for (size_t i = 0; i < is->n_recovery; i++)
		TRY(add(p, party, &is->recovery[i], e));
	return COFFER_OK;
}

const struct key_of *parties_stated(const struct parties *p, const uint8_t thumb[static 32], size_t *n)
{
	struct key_of k = { .party = 0 };
	size_t at;

	memcpy(k.thumb, thumb, sizeof(k.thumb));
	at = place(p, &k);
	for (*n = 0; at + *n < p->n_keys && memcmp(p->key[at + *n].thumb, thumb, sizeof(k.thumb)) == 0;) /* public: thumbprints */
		++*n;
	return p->key ? &p->key[at] : NULL;
}
