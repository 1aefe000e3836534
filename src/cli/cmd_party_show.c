/* coffer party show, affected: whose keys are in effect, and what rests on one that was stolen. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/opened.h"
#include "cli/publish.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "trust/ledger/leaf.h"
#include "trust/party_life.h"

#define END { NULL, NULL, NULL, false, false }
const struct opt_spec opts_party_show[] = { OPT_PASSPHRASE, END };

/* ---- show ---- */

static void put_key(struct json_wr *j, const struct pubkey *k)
{
	CLEANUP(wr_close) struct wr w = wr_open(64);
	uint8_t thumb[32];

	pubkey_thumbprint(k, thumb);
	b64url_write(&w, SPAN(thumb));
	jw_str(j, wr_span(&w));
}

static void put_keys(struct json_wr *j, const char *name, const struct pubkey *k, size_t n)
{
	jw_name(j, name);
	jw_arr(j);
	for (size_t i = 0; i < n; i++)
		put_key(j, &k[i]);
	jw_arr_end(j);
}

static void put_dead(struct json_wr *j, const struct party_life *l)
{
	jw_name(j, "compromised");
	jw_arr(j);
	for (size_t i = 0; i < l->n_dead; i++) {
		CLEANUP(wr_close) struct wr w = wr_open(64);
		char from[CLOCK_TEXT_LEN], by[HEX32_LEN];

		b64url_write(&w, SPAN(l->dead[i].thumb));
		clock_text(l->dead[i].from, from);
		hex32(l->dead[i].by, by);
		jw_obj(j);
		jw_m_text(j, "from", from);
		jw_m_str(j, "key", wr_span(&w));
		jw_m_text(j, "statement", by);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static void put_life(struct json_wr *j, const struct party_life *l, int64_t now)
{
	const struct party *p = life_party(l, now);
	char names[256], when[CLOCK_TEXT_LEN];

	persona_names(p->personas, names, sizeof(names));
	jw_obj(j);
	jw_m_text(j, "party", p->id);
	jw_m_text(j, "personas", names);
	put_keys(j, "keys", p->keys, p->n_keys);
	put_keys(j, "recovery", p->recovery, p->n_recovery);
	jw_m_u64(j, "recovery-quorum", p->quorum);
	jw_m_u64(j, "hold-hours", p->hold_hours);
	if (l->waits && now < l->from) {
		clock_text(l->from, when);
		jw_m_text(j, "changes-at", when);
		put_keys(j, "then", l->next.keys, l->next.n_keys);
	}
	put_keys(j, "had", l->past, l->n_past);
	put_dead(j, l);
	jw_obj_end(j);
}

static void print_list(const char *what, const struct pubkey *k, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(wr_close) struct wr w = wr_open(64);
		uint8_t thumb[32];

		pubkey_thumbprint(&k[i], thumb);
		b64url_write(&w, SPAN(thumb));
		(void)printf("  %-12s %.*s\n", what, (int)w.n, (const char *)w.p);
	}
}

static void print_life(const struct party_life *l, int64_t now)
{
	const struct party *p = life_party(l, now);
	char names[256], when[CLOCK_TEXT_LEN];

	persona_names(p->personas, names, sizeof(names));
	(void)printf("party %s (%s)\n", p->id, names);
	print_list("key", p->keys, p->n_keys);
	if (l->waits && now < l->from) {
		clock_text(l->from, when);
		(void)printf("  changes at %s unless the recovery quorum ends it, to\n", when);
		print_list("next key", l->next.keys, l->next.n_keys);
	}
	print_list("recovery", p->recovery, p->n_recovery);
	if (p->n_recovery)
		(void)printf("  %llu of %zu recovery keys decide together\n", (unsigned long long)p->quorum, p->n_recovery);
	else
		(void)printf("  no recovery keys: who steals the key keeps it once the hold is over\n");
	(void)printf("  a change by the key alone waits %llu hours\n", (unsigned long long)p->hold_hours);
	for (size_t i = 0; i < l->n_dead; i++) {
		CLEANUP(wr_close) struct wr w = wr_open(64);

		b64url_write(&w, SPAN(l->dead[i].thumb));
		clock_text(l->dead[i].from, when);
		(void)printf("  compromised  %.*s from %s\n", (int)w.n, (const char *)w.p, when);
	}
}

static enum coffer_rc print_text(struct wr *w, struct err *e)
{
	TRY(wr_done(w, "answer", e));
	(void)printf("%.*s\n", (int)w->n, (const char *)w->p);
	return COFFER_OK;
}

enum coffer_rc cmd_party_show(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(64u << 10);
	const struct parties *all = NULL;
	const struct party_life *l;
	struct json_wr j = jw_open(&w, false);
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(home_connect(&h, &conn, e));
	TRY(service_parties(conn, &all, e));
	l = parties_life(all, span_of(c->n_pos ? c->pos[0] : h.party));
	if (!l)
		return err_set(e, COFFER_E_NOTFOUND, "the party %s is not known to this genesis; a newcomer joins by 'coffer party request', and a known party by 'coffer party admit'", c->n_pos ? c->pos[0] : h.party);
	if (!c->json) {
		print_life(l, clock_now());
		return COFFER_OK;
	}
	put_life(&j, l, clock_now());
	return print_text(&w, e);
}

/* ---- affected ---- */

#define VOID_MAX 1024
struct word { uint8_t id[32]; enum statement_kind kind; bool grants; };
struct affected {
	const struct cli        *c;
	const struct party_life *life;
	struct session          *s;
	struct word             *word; /* by dead keys */
	size_t                   n, releases;
	int64_t                  time;  /* of the statement that is looked at */
};

static enum coffer_rc take_word(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct affected *a = arg;

	if (a->n == VOID_MAX)
		return err_set(e, COFFER_E_LIMIT, "more than %d statements of compromised keys", VOID_MAX);
	memcpy(a->word[a->n].id, s->id, 32);
	a->word[a->n].kind = s->kind;
	a->word[a->n].grants = life_grants(s->kind);
	a->n += life_void(a->life, env, a->time);
	return COFFER_OK;
}

/* An own statement's entry: the ledger's time decides. */
static enum coffer_rc statement_entry(struct affected *a, const struct json *data, int64_t time, struct err *e)
{
	CLEANUP(freep) char *query = NULL;
	struct span id = json_str(json_get(data, "id"));
	bool touched = false;
	uint8_t raw[32];

	if (!span_eq_str(json_str(json_get(data, "issuer")), a->s->h.party) || !hex_fixed(id, raw, sizeof(raw)) ||
	    span_eq_str(json_str(json_get(data, "kind")), "party"))
		return COFFER_OK;
	for (size_t i = 0; i < a->life->n_dead; i++)
		touched = touched || a->life->dead[i].from <= time;
	if (!touched)
		return COFFER_OK;
	query = str_fmt("all=1&id=%.*s", (int)id.n, (const char *)id.p);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	a->time = time;
	return statements_query(a->c, &a->s->h, a->s->key, a->s->conn, query, take_word, a, e);
}

static bool is_void(const struct affected *a, const struct json *named)
{
	uint8_t id[32];

	for (size_t k = 0; k < a->n && hex_fixed(json_str(named), id, sizeof(id)); k++)
		if (a->word[k].grants && span_eq(SPAN(id), SPAN(a->word[k].id)))
			return true;
	return false;
}

/* What it rested on, the workload, and what else it looked at: a delegation by which another's word counted is named there alone. */
static bool went_by_void(const struct affected *a, const struct json *data)
{
	static const char *const lists[] = { "rests", "beside" };

	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < json_len(json_get(data, lists[l])); i++)
			if (is_void(a, json_at(json_get(data, lists[l]), i)))
				return true;
	return is_void(a, json_get(data, "workload"));
}

static enum coffer_rc release_json(const struct affected *a, uint64_t index, const struct json *data, struct span time, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(LEAF_RECORD_MAX);
	struct json_wr j = jw_open(&w, false);

	jw_obj(&j);
	jw_m_str(&j, "asset", json_str(json_get(data, "asset")));
	jw_m_str(&j, "decision", json_str(json_get(data, "decision")));
	jw_m_u64(&j, "seq", index);
	jw_m_str(&j, "time", time);
	jw_obj_end(&j);
	TRY(wr_done(&w, "release", e));
	(void)printf("%s%.*s", a->releases ? "," : "", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

/* The record is the service's text. */
static enum coffer_rc release_entry(struct affected *a, uint64_t index, const struct json *data, struct span time, struct err *e)
{
	char asset[ASSET_PATH_MAX], decision[64], when[CLOCK_TEXT_LEN];

	if (!went_by_void(a, data))
		return COFFER_OK;
	if (a->c->json) {
		TRY(release_json(a, index, data, time, e));
	} else {
		span_plain(json_str(json_get(data, "asset")), asset, sizeof(asset));
		span_plain(json_str(json_get(data, "decision")), decision, sizeof(decision));
		span_plain(time, when, sizeof(when));
		(void)printf("released %s at %s on a void statement: coffer why %s\n", asset, when, decision);
	}
	a->releases++;
	return COFFER_OK;
}

static enum coffer_rc each_entry(struct ledger *l, uint64_t index, struct span opening, void *arg, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct affected *a = arg;
	struct leaf_opening o;
	struct span type, text;
	const struct json *data = NULL;
	int64_t time;

	(void)l;
	if (!leaf_opening_read(opening, &o))
		return err_set(e, COFFER_E_BUG, "ledger: an opening changed");
	TRY(json_parse(o.record, LEAF_RECORD_MAX, &doc, e));
	TRY(json_need_obj(json_root(doc), "data", "record", &data, e));
	TRY(json_need_str(json_root(doc), "type", "record", &type, e));
	TRY(json_need_str(json_root(doc), "time", "record", &text, e));
	if (!clock_parse(text, &time))
		return err_set(e, COFFER_E_INPUT, "record: malformed time");
	if (span_eq_str(type, "statement"))
		return statement_entry(a, data, time, e);
	if (span_eq_str(type, "release"))
		return release_entry(a, index, data, text, e);
	return COFFER_OK;
}

static void print_words(const struct affected *a)
{
	for (size_t i = 0; i < a->n; i++) {
		char id[HEX32_LEN];

		hex32(a->word[i].id, id);
		if (a->c->json)
			(void)printf("%s{\"statement\":\"%s\",\"kind\":\"%s\",\"void\":%s}", i ? "," : "", id, statement_kind_name(a->word[i].kind),
			    a->word[i].grants ? "true" : "false");
		else
			(void)printf(a->word[i].grants ? "void     %s statement %s\n" : "stands   %s statement %s: lift it with 'coffer party lift'\n",
			    statement_kind_name(a->word[i].kind), id);
	}
}

enum coffer_rc cmd_party_affected(struct cli *c, struct err *e)
{
	CLEANUP(freep) struct word *room = calloc(VOID_MAX, sizeof(*room));
	CLEANUP(session_end) struct session s = { 0 };
	struct affected a = { .c = c, .s = &s, .word = room };
	const struct parties *all = NULL;

	if (!room)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(session_begin(c, &s, e));
	TRY(service_parties(s.conn, &all, e));
	a.life = parties_life(all, span_of(s.h.party));
	if (!a.life || a.life->n_dead == 0)
		return err_set(e, COFFER_E_NOTFOUND, "no key of %s was named compromised; 'coffer party compromise' names one", s.h.party);
	if (c->json)
		(void)printf("{\"releases\":[");
	TRY(ledger_each(c, each_entry, &a, e));
	if (c->json)
		(void)printf("],\"statements\":[");
	print_words(&a);
	if (c->json)
		(void)printf("]}\n");
	else if (a.n == 0)
		(void)printf("no statement rests on a compromised key alone\n");
	return COFFER_OK;
}
