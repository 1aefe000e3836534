#include "trust/amend.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/witnesses.h"

#define WHERE "genesis-amendment"
#define CHECK "amendment"

/* A fork needs as many witnesses for each of two histories: more than half of them cannot be found twice. */
static bool splits(const struct genesis *g)
{
	return 2 * g->cosignatures <= g->n_witnesses;
}

static enum coffer_rc check_no_weaker(const struct genesis *was, const struct genesis *is, struct err *e)
{
	if (is->cosignatures < was->cosignatures)
		return err_deny(e, CHECK, "it asks for %llu cosignatures where %llu are asked for: an amendment asks for no fewer",
		    (unsigned long long)is->cosignatures, (unsigned long long)was->cosignatures);
	if (was->n_witnesses > 0 && !splits(was) && splits(is))
		return err_deny(e, CHECK, "%llu of %zu witnesses: two histories could find that many each, which before they could not",
		    (unsigned long long)is->cosignatures, is->n_witnesses);
	return COFFER_OK;
}

enum coffer_rc amendment_read(const struct statement *s, const struct genesis *was, struct genesis *out, struct err *e)
{
	static const char *const names[] = { "witnesses", "cosignatures", NULL };
	CLEANUP(freep) struct genesis *room = calloc(1, sizeof(*room));

	if (!room)
		return err_set(e, COFFER_E_SYSTEM, WHERE ": out of memory");
	if (s->kind != ST_AMENDMENT)
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's kind is %s", statement_kind_name(s->kind));
	if (!span_eq_str(s->subject[0].name, was->origin))
		return err_set(e, COFFER_E_INPUT, WHERE ": the subject is not the genesis' origin");
	TRY(json_closed(s->body, names, WHERE, e));
	*room = *was;
	memset(room->witness, 0, sizeof(room->witness));
	room->n_witnesses = 0;
	if (witnesses_read(s->body, room, e) != COFFER_OK)
		return err_wrap(e, WHERE);
	TRY(check_no_weaker(was, room, e));
	*out = *room;
	return COFFER_OK;
}

static bool same_key(const struct note_key *a, const struct note_key *b)
{
	return a->alg == b->alg && strcmp(a->name, b->name) == 0 && span_eq(SPAN(a->pub), SPAN(b->pub));
}

bool witnesses_ever_add(struct witnesses_ever *all, const struct genesis *g)
{
	for (size_t i = 0; i < g->n_witnesses; i++) {
		size_t at = 0;

		while (at < all->n && !same_key(&all->w[at].key, &g->witness[i].key))
			at++;
		if (at == WITNESSES_EVER_MAX)
			return false;
		all->w[at] = g->witness[i];
		all->n += at == all->n;
	}
	return true;
}
