#include "cli/released.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/publish.h"

struct looking {
	const uint8_t   *digest;
	struct span      repository;
	struct released *out;
};

void released_clear(struct released *r)
{
	json_free(r->doc);
	*r = (struct released){ 0 };
}

const struct json *released_body(const struct released *r)
{
	return r->doc ? json_root(r->doc) : NULL;
}

/* The newest comes first. */
static enum coffer_rc take(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_PAYLOAD_MAX);
	const struct looking *l = arg;
	struct image_release body;

	(void)env;
	if (l->out->doc)
		return COFFER_OK;
	TRY(image_release_read(s, &body, e));
	if (!span_eq(SPAN(body.digest), (struct span){ l->digest, 32 }) || !span_eq(body.repository, l->repository))
		return COFFER_OK;
	json_canon(s->body, &text);
	TRY(wr_done(&text, "image-release", e));
	memcpy(l->out->id, s->id, 32);
	(void)snprintf(l->out->by, sizeof(l->out->by), "%s", s->issuer);
	return json_parse(wr_span(&text), DSSE_PAYLOAD_MAX, &l->out->doc, e);
}

static enum coffer_rc find(const struct asker *me, const char *begin, struct span issuer, const struct ref *ref, struct released *out, struct err *e)
{
	CLEANUP(wr_close) struct wr q = wr_open(4096);
	CLEANUP(freep) char *query = NULL;
	char name[REF_NAME_MAX + 1];
	struct looking l = { .digest = ref->digest, .out = out };

	ref_name(ref, name);
	l.repository = span_of(name);
	wr_str(&q, begin);
	query_encode(&q, issuer);
	wr_str(&q, "&subject=");
	query_encode(&q, l.repository);
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return statements_query(NULL, me->h, me->key, me->conn, query, take, &l, e);
}

enum coffer_rc released_find(const struct asker *me, struct span issuer, const struct ref *ref, struct released *out, struct err *e)
{
	return find(me, "kind=image-release&issuer=", issuer, ref, out, e);
}

enum coffer_rc released_ever(const struct asker *me, struct span issuer, const struct ref *ref, struct released *out, struct err *e)
{
	return find(me, "kind=image-release&all=1&issuer=", issuer, ref, out, e);
}
