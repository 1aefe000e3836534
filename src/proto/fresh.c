#include "proto/fresh.h"

#include <string.h>

#include "base/str.h"
#include "proto/keep_wire.h"

void fresh_ask_write(const struct fresh_ask *a, struct wr *w)
{
	wr_str(w, "CFQ1");
	wr_put(w, SPAN(a->nonce));
	wr_be64(w, a->counter);
	wr_u8(w, (uint8_t)a->n);
	if (a->n == 0 || a->n > FRESH_ITEMS_MAX)
		w->bad = true;
	for (size_t i = 0; i < a->n && i < FRESH_ITEMS_MAX; i++) {
		const struct fresh_item *t = &a->item[i];

		wr_put(w, SPAN(t->statement));
		wr_blob32(w, t->path);
		wr_blob32(w, t->container);
		wr_blob32(w, span_of(purpose_name(t->purpose)));
	}
}

enum coffer_rc fresh_ask_read(struct span b, struct fresh_ask *out, struct err *e)
{
	struct rd r = rd_open(b);
	struct fresh_ask a = { .n = 0 };

	if (!span_eq_str(rd_span(&r, 4), "CFQ1"))
		keep_bad(&r);
	rd_copy(&r, a.nonce, sizeof(a.nonce));
	a.counter = keep_be64(&r);
	a.n = rd_count(&r, rd_u8(&r), 32, FRESH_ITEMS_MAX);
	if (a.n == 0)
		keep_bad(&r);
	for (size_t i = 0; i < a.n; i++) {
		struct fresh_item *t = &a.item[i];

		rd_copy(&r, t->statement, sizeof(t->statement));
		t->path = rd_blob32(&r, ASSET_PATH_MAX);
		t->container = rd_blob32(&r, 255);
		if (!purpose_by_name(rd_blob32(&r, 32), &t->purpose))
			keep_bad(&r);
	}
	TRY(keep_end(&r, "freshness", e));
	*out = a;
	return COFFER_OK;
}

void fresh_ask_to_sign(struct span ask, const uint8_t *session, struct wr *w)
{
	wr_str(w, "coffer freshness v1");
	wr_u8(w, 0);
	wr_blob32(w, ask);
	wr_put(w, (struct span){ session, KEEP_SESSION_LEN });
}

const char *fresh_word(enum fresh_status s)
{
	static const char *const word[] = { "unknown", "held", "revoked", "paused", "ended" };

	return word[s >= FRESH_HELD && s <= FRESH_ENDED ? s : 0];
}

void fresh_answer_write(const struct fresh_answer *a, struct wr *w)
{
	wr_str(w, "CFA1");
	wr_put(w, SPAN(a->session_key));
	wr_put(w, SPAN(a->nonce));
	wr_put(w, SPAN(a->ask));
	wr_be64(w, a->size);
	wr_put(w, SPAN(a->root));
	wr_be64(w, (uint64_t)a->time);
	wr_u8(w, (uint8_t)a->n);
	if (a->n == 0 || a->n > FRESH_ITEMS_MAX)
		w->bad = true;
	for (size_t i = 0; i < a->n && i < FRESH_ITEMS_MAX; i++) {
		wr_u8(w, (uint8_t)a->said[i].status);
		wr_blob32(w, span_of(a->said[i].check));
		wr_put(w, SPAN(a->said[i].decision));
	}
}

static void read_said(struct rd *r, struct fresh_said *s)
{
	uint8_t status = rd_u8(r);
	struct span check = rd_blob32(r, FRESH_CHECK_MAX - 1);

	if (status < FRESH_HELD || status > FRESH_ENDED || (status == FRESH_HELD) != (check.n == 0))
		keep_bad(r);
	for (size_t i = 0; i < check.n; i++)
		if (check.p[i] <= ' ' || check.p[i] > '~')
			keep_bad(r);
	s->status = (enum fresh_status)status;
	if (check.n > 0 && rd_ok(r))
		memcpy(s->check, check.p, check.n);
	rd_copy(r, s->decision, sizeof(s->decision));
}

enum coffer_rc fresh_answer_read(struct span b, struct fresh_answer *out, struct err *e)
{
	struct rd r = rd_open(b);
	struct fresh_answer a = { .n = 0 };

	if (!span_eq_str(rd_span(&r, 4), "CFA1"))
		keep_bad(&r);
	rd_copy(&r, a.session_key, sizeof(a.session_key));
	rd_copy(&r, a.nonce, sizeof(a.nonce));
	rd_copy(&r, a.ask, sizeof(a.ask));
	a.size = keep_be64(&r);
	rd_copy(&r, a.root, sizeof(a.root));
	a.time = (int64_t)keep_be64(&r);
	a.n = rd_count(&r, rd_u8(&r), 21, FRESH_ITEMS_MAX);
	if (a.n == 0 || a.time < 0)
		keep_bad(&r);
	for (size_t i = 0; i < a.n; i++)
		read_said(&r, &a.said[i]);
	TRY(keep_end(&r, "freshness answer", e));
	*out = a;
	return COFFER_OK;
}

void fresh_answer_to_sign(struct span answer, struct wr *w)
{
	wr_str(w, "coffer freshness answer v1");
	wr_u8(w, 0);
	wr_blob32(w, answer);
}
