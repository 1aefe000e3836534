#include "cofferd/net/kbs_attest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "proto/rcar_json.h"

#define SESSION_S 300 /* seconds a client keeps the cookie; keep decides how long a session lives */
#define REQ_MAX KEEP_FRAME_MAX
#define BODY_MAX (4u << 20)
#define COLLATERAL_MS 8000 /* for all items together; a client waits for its answer */
#define ITEMS_MAX 8

bool kbs_session_cookie(const struct request *q, uint8_t id[static KEEP_SESSION_LEN])
{
	struct span c = web_cookie(q, RCAR_COOKIE);

	return c.n == (size_t)2 * KEEP_SESSION_LEN && hex_fixed(c, id, KEEP_SESSION_LEN);
}

void kbs_session_write(struct reply *r, const uint8_t id[static KEEP_SESSION_LEN])
{
	char hex[2 * KEEP_SESSION_LEN + 1];

	for (size_t i = 0; i < KEEP_SESSION_LEN; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", id[i]);
	(void)snprintf(r->cookie, sizeof(r->cookie),
		       RCAR_COOKIE "=%s; Max-Age=%d; Path=/kbs/v0; Secure; HttpOnly; SameSite=Strict", hex, SESSION_S);
}

/* ---- collateral ---- */

struct gathered { struct collateral_doc doc[ITEMS_MAX]; size_t n; };

static void gathered_clear(struct gathered *g)
{
	for (size_t i = 0; i < g->n; i++)
		collateral_doc_clear(&g->doc[i]);
}

/* Whatever can be had in time, no older than the service or an owner wants it; what is missing keep will name. */
static void gather(struct net *net, const struct keep_attest_rep *rep, struct gathered *g)
{
	struct span needs = rep->needs;
	struct collateral_want want = { .max_age = rep->max_age > 0 && rep->max_age < net->max_age ? rep->max_age : net->max_age, .deadline_ms = clock_monotonic_ms() + COLLATERAL_MS };

	while (needs.n > 0 && g->n < ITEMS_MAX) {
		size_t n = span_find(needs, '\n');
		struct err ignore = { 0 };

		if (vendor_item_parse((struct span){ needs.p, n }, &want.item, &ignore) == COFFER_OK &&
		    collateral_get(&net->fetch, &want, &g->doc[g->n], &ignore) == COFFER_OK)
			g->n++;
		needs = span_skip(needs, n < needs.n ? n + 1 : n);
	}
}

static void add_files(const struct gathered *g, struct keep_attest_req *m)
{
	m->n_files = 0;
	for (size_t i = 0; i < g->n; i++) {
		const struct span part[] = { g->doc[i].r.body, g->doc[i].r.issuers };

		for (size_t k = 0; k < 2; k++)
			if (part[k].n > 0 && part[k].n <= KEEP_FILE_MAX && m->n_files < KEEP_FILES_MAX)
				m->file[m->n_files++] = part[k];
	}
}

/* ---- attest ---- */

static void fill(const struct rcar_attestation *in, struct span evidence, struct keep_attest_req *m)
{
	m->hash = HASH_SHA384; /* the challenge selected none, which means this one */
	m->n_members = in->n_members;
	for (size_t i = 0; i < in->n_members; i++)
		m->member[i] = in->member[i];
	m->nonce = in->nonce;
	m->additional = in->additional;
	m->evidence = evidence;
	m->initdata = in->initdata;
}

static enum coffer_rc ask(struct net *net, const struct keep_attest_req *m, struct answer *a, struct keep_attest_rep *rep, struct err *e)
{
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX);

	answer_clear(a);
	keep_attest_req_write(&req, m);
	TRY(keeper_ask(&net->keep, KEEP_ATTEST, &req, a, e));
	return keep_attest_rep_read(wr_span(&a->body), rep, e);
}

/* A second time with what was wanting, where some of it could be had. */
static enum coffer_rc ask_with_collateral(struct net *net, struct keep_attest_req *m, struct answer *a, struct keep_attest_rep *rep,
					  struct err *e)
{
	CLEANUP(gathered_clear) struct gathered g = { 0 };

	TRY(ask(net, m, a, rep, e));
	if (rep->needs.n == 0)
		return COFFER_OK;
	gather(net, rep, &g);
	add_files(&g, m);
	TRY(ask(net, m, a, rep, e));
	return rep->token.n > 0 ? COFFER_OK : err_deny(e, "R2", "collateral unavailable");
}

static enum coffer_rc reply_token(struct span token, struct reply *r, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(BODY_MAX);
	struct json_wr j = jw_open(&body, false);

	jw_obj(&j);
	jw_m_str(&j, "token", token);
	jw_obj_end(&j);
	TRY(wr_done(&body, "token reply", e));
	reply_json(r, wr_span(&body));
	return COFFER_OK;
}

enum coffer_rc kbs_attest(struct request *q, struct reply *r, struct answer *a, struct err *e)
{
	CLEANUP(rcar_attestation_clear) struct rcar_attestation in = { 0 };
	CLEANUP(wr_close) struct wr evidence = wr_open(KEEP_EVIDENCE_MAX);
	CLEANUP(freep) struct keep_attest_req *m = calloc(1, sizeof(*m));
	struct keep_attest_rep rep;
	struct json_wr j;

	if (!m)
		return err_set(e, COFFER_E_SYSTEM, "attest: out of memory");
	if (!kbs_session_cookie(q, m->session))
		return err_deny(e, "session", "no " RCAR_COOKIE " cookie; POST /kbs/v0/auth first");
	TRY(rcar_attestation_parse(wr_span(&q->body), &in, e));
	j = jw_open(&evidence, false);
	jw_value(&j, in.primary);
	TRY(wr_done(&evidence, "evidence", e));
	fill(&in, wr_span(&evidence), m);
	TRY(ask_with_collateral(q->net, m, a, &rep, e));
	TRY(reply_token(rep.token, r, e));
	kbs_session_write(r, m->session);
	return COFFER_OK;
}
