/* What parties may read: statements, their assets, decisions about them, the journal, the state. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/partyauth.h"
#include "cofferd/keep/witnessed.h"
#include "fmt/enc.h"

#define ANSWER_MAX (8u << 20) /* leaves room for the frame around it */
#define JOURNAL_PAGE 256
#define DECISION_PAGE 100
#define ASSET_PAGE 256
#define KEY_NAME_LEN 43 /* a thumbprint, base64url; the names of statements are 64 hex digits */

static void hex_member(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(256);

	hex_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

/* ---- QUERY ---- */

/* Public: what a client needs before it trusts anything (genesis, service), and what guests check images and outputs by. */
static enum coffer_rc may_query(struct keep *k, const struct keep_query_req *m, struct err *e)
{
	const struct party *who = NULL;

	const bool of_key = m->kind == ST_REVOCATION && m->subject.n == KEY_NAME_LEN; /* as GET /coffer/v0/parties shows it */

	if (of_key || m->kind == ST_GENESIS || m->kind == ST_SERVICE || m->kind == ST_PARTY || m->kind == ST_AMENDMENT ||
	    m->kind == ST_IMAGE_RELEASE)
		return COFFER_OK;
	if (!m->has_auth)
		return err_deny(e, "token", "statements of this kind are shown to known parties only");
	return party_auth(k, &m->auth, &who, e);
}

/* In force but for the issuer's persona, which the caller of a single statement judges by its own rules. A revocation is final: what it says of its own end ends nothing. */
#define IN_FORCE \
	" AND s.issued<=?6 AND (s.expires>?6 OR s.kind=8) AND NOT EXISTS(SELECT 1 FROM statement n WHERE n.kind=s.kind AND n.issuer=s.issuer" \
	" AND n.subject=s.subject AND n.serial>s.serial)" \
	" AND NOT EXISTS(SELECT 1 FROM revoked r WHERE r.target=s.id AND (r.issuer=s.issuer OR s.kind=5)" \
	" AND NOT EXISTS(SELECT 1 FROM revoked l WHERE l.target=r.statement AND l.issuer=r.issuer))"

static int64_t before_of(const struct keep_query_req *m)
{
	return m->before == 0 || m->before > INT64_MAX ? INT64_MAX : (int64_t)m->before;
}

static void bind_query(struct q *q, const struct keep *k, const struct keep_query_req *m, struct span subject)
{
	q_i64(q, m->kind);
	q_text(q, m->issuer);
	q_blob(q, subject);
	q_i64(q, m->has_id);
	q_blob(q, SPAN(m->id));
	q_i64(q, k->now);
	q_i64(q, before_of(m));
}

static enum coffer_rc write_envelope(struct keep *k, const uint8_t id[static 32], struct wr *w, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse d = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_ENVELOPE_MAX);
	struct json_wr j = jw_open(&text, false);

	TRY(registry_envelope(&k->registry, id, &d, e));
	dsse_write(&d, &j);
	TRY(wr_done(&text, "envelope", e));
	wr_blob32(w, wr_span(&text));
	return COFFER_OK;
}

#define QUERY_COLUMNS "s.id, s.kind, s.issuer, (SELECT time FROM entry l WHERE l.seq=s.seq), s.seq"

/* It grants, and only keys that were compromised by then signed it: not in force. */
static enum coffer_rc is_void(struct keep *k, struct q *q, const uint8_t id[static 32], bool *dead, struct err *e)
{
	struct voided_question v = { .id = id, .kind = (enum statement_kind)q_col_i64(q, 1), .logged = q_col_i64(q, 3) };
	char issuer[PARTY_MAX];

	if (!q_col_name(q, 2, issuer, sizeof(issuer)))
		return err_set(e, COFFER_E_BUG, "registry: malformed issuer");
	v.issuer = issuer;
	return life_grants(v.kind) ? registry_by_dead(&k->registry, &v, dead, e) : COFFER_OK;
}

/* A service that its founder's delegate designated, and may no more: whoever starts from it would be refused by it. */
static enum coffer_rc is_undesignated(struct keep *k, struct q *q, const uint8_t id[static 32], bool *gone, struct err *e)
{
	struct designation d;

	if (*gone || q_col_i64(q, 1) != ST_SERVICE)
		return COFFER_OK;
	TRY(registry_designation(&k->registry, id, k->now, &d, e));
	*gone = !d.yes;
	return COFFER_OK;
}

/* One answer looks at so many: whoever asks for what is rare asks again, and others are answered in between. */
#define LOOKED "1024"

/* A text for each index that there is for what the question names. edge: the first seq that is left for the next answer. */
#define WHERE(by, more) \
	"SELECT " QUERY_COLUMNS " FROM statement s WHERE " by " AND s.seq<?7 AND s.seq>?8 AND (?3=x'' OR instr(s.names, ?3)>0)" more " ORDER BY s.seq DESC LIMIT 257"
#define EDGE(by) "SELECT seq FROM statement WHERE " by " seq<?3 ORDER BY seq DESC LIMIT 1 OFFSET " LOOKED
#define BY_ID "s.id=?5 AND (?1=0 OR s.kind=?1) AND (?2='' OR s.issuer=?2)"
#define BY_ISSUER "s.kind=?1 AND s.issuer=?2"
#define BY_KIND "s.kind=?1"
#define BY_SEQ "(?2='' OR s.issuer=?2)"
struct way { const char *edge, *all, *in_force; };
static const struct way by_id = { NULL, WHERE(BY_ID, ""), WHERE(BY_ID, IN_FORCE) };
static const struct way by_issuer = { EDGE("kind=?1 AND issuer=?2 AND"), WHERE(BY_ISSUER, ""), WHERE(BY_ISSUER, IN_FORCE) };
static const struct way by_kind = { EDGE("kind=?1 AND"), WHERE(BY_KIND, ""), WHERE(BY_KIND, IN_FORCE) };
static const struct way by_seq = { EDGE(""), WHERE(BY_SEQ, ""), WHERE(BY_SEQ, IN_FORCE) };
_Static_assert(KEEP_QUERY_MAX == 256, "one more than that in the queries above, to know whether there is more");
_Static_assert(ST_REVOCATION == 8, "in IN_FORCE");
_Static_assert(ST_ASSET == 5, "in IN_FORCE: whoever revoked an asset statement decides of the asset (admit.c)");

static const struct way *way_of(const struct keep_query_req *m)
{
	if (m->has_id)
		return &by_id;
	if (m->kind == 0)
		return &by_seq;
	return m->issuer.n > 0 ? &by_issuer : &by_kind;
}

/* Genesis and service are what clients begin from, in one answer; founders alone state them, and whom these let. */
static bool begins(const struct keep_query_req *m)
{
	return m->kind == ST_GENESIS || m->kind == ST_SERVICE;
}

/* *edge: -1 where all is looked at. */
static enum coffer_rc find_edge(struct keep *k, const char *sql, const struct keep_query_req *m, int64_t *edge, struct err *e)
{
	CLEANUP(q_close) struct q q = { 0 };
	bool row = false;

	*edge = -1;
	if (!sql || begins(m))
		return COFFER_OK;
	q = q_open(k->store, sql);
	q_i64(&q, m->kind);
	q_text(&q, m->issuer);
	q_i64(&q, before_of(m));
	TRY(q_row(&q, &row, e));
	*edge = row ? q_col_i64(&q, 0) : -1;
	return COFFER_OK;
}

static enum coffer_rc stands(struct keep *k, struct q *q, const uint8_t id[static 32], bool *yes, struct err *e)
{
	bool dead = false;

	TRY(is_void(k, q, id, &dead, e));
	TRY(is_undesignated(k, q, id, &dead, e));
	*yes = !dead;
	return COFFER_OK;
}

/* *next: after which one goes on; as it was: it found the last. */
static enum coffer_rc put_found(struct keep *k, struct q *q, bool all, struct wr *list, uint32_t *n, uint64_t *next, struct err *e)
{
	uint64_t at = 0;

	for (uint32_t looked = 0;; looked++) {
		bool row = false, yes = all;
		uint8_t id[32];

		TRY(q_row(q, &row, e));
		if (!row)
			return COFFER_OK;
		if (looked == KEEP_QUERY_MAX || list->n + DSSE_ENVELOPE_MAX + 4 > ANSWER_MAX)
			break;
		if (!q_col_fixed(q, 0, id, sizeof(id)))
			return err_set(e, COFFER_E_BUG, "registry: malformed id");
		at = (uint64_t)q_col_i64(q, 4);
		if (!all)
			TRY(stands(k, q, id, &yes, e));
		if (!yes)
			continue;
		TRY(write_envelope(k, id, list, e));
		++*n;
	}
	*next = at;
	return COFFER_OK;
}

static enum coffer_rc query(struct keep *k, const struct keep_query_req *m, struct answer *a, struct err *e)
{
	const struct way *way = way_of(m);
	CLEANUP(q_close) struct q q = q_open(k->store, m->all ? way->all : way->in_force);
	CLEANUP(wr_close) struct wr subject = wr_open(4096), list = wr_open(ANSWER_MAX);
	int64_t edge = -1;
	uint64_t next;
	uint32_t n = 0;

	if (m->subject.n)
		wr_blob32(&subject, m->subject); /* with its length: a name, not a part of one */
	TRY(wr_done(&subject, "subject", e));
	TRY(find_edge(k, way->edge, m, &edge, e));
	bind_query(&q, k, m, wr_span(&subject));
	q_i64(&q, edge);
	next = (uint64_t)(edge + 1);
	TRY(put_found(k, &q, m->all, &list, &n, &next, e));
	TRY(wr_done(&list, "statements", e));
	wr_be32(a->out, n);
	wr_put(a->out, wr_span(&list));
	wr_be64(a->out, next);
	return COFFER_OK;
}

enum coffer_rc on_query(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct keep_query_req m;

	TRY(keep_query_req_read(body, &m, e));
	TRY(may_query(k, &m, e));
	return query(k, &m, a, e);
}

/* ---- ASSETS ---- */

enum coffer_rc on_assets(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT a.path, a.version, a.type, s.issued FROM asset a JOIN statement s"
	                                               " ON s.id=a.statement WHERE a.path>max(?1, ?2) AND a.path<?3 ORDER BY a.path LIMIT ?4");
	CLEANUP(wr_close) struct wr from = wr_open(ASSET_PATH_MAX), to = wr_open(ASSET_PATH_MAX); /* around all paths of the party's */
	struct json_wr j = jw_open(a->out, false);
	CLEANUP(wr_close) struct wr next = wr_open(ASSET_PATH_MAX);
	const struct party *who = NULL;
	struct keep_assets_req m;

	TRY(keep_assets_req_read(body, &m, e));
	TRY(party_auth(k, &m.auth, &who, e));
	wr_fmt(&from, "kbs:///%s/", who->id);
	wr_fmt(&to, "kbs:///%s0", who->id); /* '0' follows '/' */
	TRY(wr_done(&from, "query", e));
	TRY(wr_done(&to, "query", e));
	q_text(&q, m.after);
	q_text(&q, wr_span(&from));
	q_text(&q, wr_span(&to));
	q_i64(&q, ASSET_PAGE + 1);
	jw_obj(&j);
	jw_name(&j, "assets");
	jw_arr(&j);
	for (size_t n = 0;; n++) {
		char issued[CLOCK_TEXT_LEN];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			next.n = 0;
		if (!row || n == ASSET_PAGE)
			break;
		next.n = 0;
		wr_put(&next, q_col(&q, 0));
		clock_text(q_col_i64(&q, 3), issued);
		jw_obj(&j);
		jw_m_text(&j, "issued", issued);
		jw_m_str(&j, "path", q_col(&q, 0));
		jw_m_str(&j, "type", q_col(&q, 2));
		jw_m_u64(&j, "version", (uint64_t)q_col_i64(&q, 1));
		jw_obj_end(&j);
	}
	jw_arr_end(&j);
	jw_m_str(&j, "next", wr_span(&next));
	jw_obj_end(&j);
	return wr_done(&next, "next", e);
}

/* ---- DECISION ---- */

/* Of both parts that a party may see, newest first. The asset is read out of the view, which is our own JSON. */
static enum coffer_rc list_decisions(struct keep *k, const struct party *who, uint64_t before, struct wr *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    "SELECT d.id, en.type, en.time, json_extract(CAST(d.owner_view AS TEXT), '$.asset'), d.seq FROM"
	    " (SELECT * FROM (SELECT id FROM decision WHERE owner=?1 AND seq<?3 ORDER BY seq DESC LIMIT ?2)"
	    " UNION SELECT * FROM (SELECT id FROM decision WHERE provider=?1 AND seq<?3 ORDER BY seq DESC LIMIT ?2)"
	    " UNION SELECT * FROM (SELECT d.id FROM decision_of o JOIN decision d ON d.id=o.decision WHERE o.party=?1 AND d.seq<?3 ORDER BY d.seq DESC LIMIT ?2)) c"
	    " JOIN decision d ON d.id=c.id JOIN entry en ON en.seq=d.seq ORDER BY d.seq DESC LIMIT ?2");
	struct json_wr j = jw_open(out, false);
	uint64_t next = 0;

	q_text(&q, span_of(who->id));
	q_i64(&q, DECISION_PAGE + 1);
	q_i64(&q, before == 0 || before > INT64_MAX ? INT64_MAX : (int64_t)before);
	jw_obj(&j);
	jw_name(&j, "decisions");
	jw_arr(&j);
	for (size_t n = 0;; n++) {
		char time[CLOCK_TEXT_LEN];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			next = 0;
		if (!row || n == DECISION_PAGE)
			break;
		next = (uint64_t)q_col_i64(&q, 4);
		clock_text(q_col_i64(&q, 2), time);
		jw_obj(&j);
		jw_m_str(&j, "asset", q_col(&q, 3));
		hex_member(&j, "decision", q_col(&q, 0));
		jw_m_text(&j, "outcome", span_eq_str(q_col(&q, 1), "release") ? "released" : "denied");
		jw_m_text(&j, "time", time);
		jw_obj_end(&j);
	}
	jw_arr_end(&j);
	jw_m_u64(&j, "next", next);
	jw_obj_end(&j);
	return COFFER_OK;
}

enum coffer_rc on_decision(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT d.owner=?2 OR " DECISION_SHARED("d", "?2") ", d.owner_view, d.provider_view FROM decision d"
	                                               " WHERE d.id=?1 AND " DECISION_CONCERNS("d", "?2"));
	const struct party *who = NULL;
	struct keep_decision_req m;
	bool row = false;

	TRY(keep_decision_req_read(body, &m, e));
	TRY(party_auth(k, &m.auth, &who, e));
	if (m.list)
		return list_decisions(k, who, m.before, a->out, e);
	q_blob(&q, SPAN(m.id));
	q_text(&q, span_of(who->id));
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_NOTFOUND, "no such decision that concerns %s", who->id);
	wr_put(a->out, q_col(&q, q_col_i64(&q, 0) ? 1 : 2));
	return COFFER_OK;
}

/* ---- JOURNAL and STATUS ---- */

/* The newest entry under the ledger key, so that what a party saw cannot be denied later. */
static enum coffer_rc write_head(const struct keep *k, struct json_wr *j, struct err *e)
{
	CLEANUP(wr_close) struct wr msg = wr_open(128), text = wr_open(128);
	char time[CLOCK_TEXT_LEN];
	uint8_t sig[SIG_LEN];

	wr_str(&msg, "coffer journal head v1");
	wr_u8(&msg, 0);
	wr_be64(&msg, k->journal.seq);
	wr_put(&msg, SPAN(k->journal.hash));
	TRY(wr_done(&msg, "journal head", e));
	TRY(key_sign(k->keys.ledger, wr_span(&msg), sig, e));
	b64url_write(&text, SPAN(sig));
	clock_text(k->journal.time, time);
	jw_obj(j);
	hex_member(j, "hash", SPAN(k->journal.hash));
	jw_m_u64(j, "seq", k->journal.seq);
	jw_m_str(j, "signature", wr_span(&text));
	jw_m_text(j, "time", time);
	jw_obj_end(j);
	return COFFER_OK;
}

static enum coffer_rc write_entries(const struct keep *k, uint64_t from, struct json_wr *j, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT seq, hash FROM entry WHERE seq>=? ORDER BY seq LIMIT ?");

	q_i64(&q, from > INT64_MAX ? INT64_MAX : (int64_t)from);
	q_i64(&q, JOURNAL_PAGE);
	jw_arr(j);
	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			break;
		jw_obj(j);
		hex_member(j, "hash", q_col(&q, 1));
		jw_m_u64(j, "seq", (uint64_t)q_col_i64(&q, 0));
		jw_obj_end(j);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

enum coffer_rc on_journal(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct json_wr j = jw_open(a->out, false);
	const struct party *who = NULL;
	struct keep_journal_req m;

	TRY(keep_journal_req_read(body, &m, e));
	TRY(party_auth(k, &m.auth, &who, e));
	jw_obj(&j);
	jw_name(&j, "entries");
	TRY(write_entries(k, m.from, &j, e));
	jw_name(&j, "head");
	TRY(write_head(k, &j, e));
	jw_obj_end(&j);
	return COFFER_OK;
}

enum coffer_rc on_status(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct json_wr j = jw_open(a->out, false);
	struct merkle_head head;

	if (body.n != 0)
		return err_set(e, COFFER_E_INPUT, "status: a body where none belongs");
	tree_head(&k->journal.tree, &head);
	jw_obj(&j);
	jw_name(&j, "journal");
	jw_obj(&j);
	hex_member(&j, "root", SPAN(head.root.b)); /* of leaves, which are salted: the chain of entries tells strangers what they guess */
	jw_m_u64(&j, "seq", k->journal.seq);
	jw_obj_end(&j);
	jw_m_text(&j, "protocol", "0.4.0");
	jw_m_text(&j, "version", COFFER_VERSION);
	witnessed_status(k, &j);
	jw_obj_end(&j);
	return COFFER_OK;
}
