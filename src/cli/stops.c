#include "cli/stops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/publish.h"
#include "fmt/enc.h"

void stops_clear(struct stops *s)
{
	free(s->at);
	*s = (struct stops){ 0 };
}

static enum coffer_rc put(struct stops *to, const struct statement *s, struct err *e)
{
	struct stop *more;

	if (s->kind != ST_REVOCATION && s->kind != ST_PAUSE)
		return COFFER_OK;
	more = realloc(to->at, (to->n + 1) * sizeof(*more));
	if (!more)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	to->at = more;
	more[to->n] = (struct stop){ .pause = s->kind == ST_PAUSE, .until = s->expires };
	(void)snprintf(more[to->n].by, sizeof(more[to->n].by), "%s", s->issuer);
	to->n++;
	return COFFER_OK;
}

static enum coffer_rc take(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	(void)env;
	return put(arg, s, e);
}

enum coffer_rc stops_of(const struct asker *me, const uint8_t id[static 32], struct stops *out, struct err *e)
{
	CLEANUP(stops_clear) struct stops s = { 0 };
	CLEANUP(freep) char *query = NULL;
	char hex[HEX32_LEN];

	hex32(id, hex);
	query = str_fmt("subject=%s", hex);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(statements_query(NULL, me->h, me->key, me->conn, query, take, &s, e));
	*out = s;
	s = (struct stops){ 0 };
	return COFFER_OK;
}
