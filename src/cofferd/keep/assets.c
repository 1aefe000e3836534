#include "cofferd/keep/assets.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/partyauth.h"
#include "cofferd/keep/status.h"
#include "cofferd/keep/tags.h"
#include "cofferd/keep/witnessed.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "crypto/jwe.h"
#include "fmt/enc.h"

#define SEALED_MAX (KEEP_ASSET_MAX + SALT_LEN)

/* ---- at rest ---- */

static void rest_aad(const char *path, uint64_t version, struct wr *w)
{
	wr_str(w, "coffer asset at rest v1");
	wr_u8(w, 0);
	wr_blob32(w, span_of(path));
	wr_be64(w, version);
}

enum coffer_rc asset_store(struct keep *k, const struct asset_body *b, const uint8_t statement[static 32],
			   const struct secret *plain, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    "INSERT OR REPLACE INTO asset(path, statement, version, type, iv, sealed, tag) VALUES(?,?,?,?,?,?,?)");
	CLEANUP(wr_close) struct wr aad = wr_open(512);
	CLEANUP(freep) uint8_t *sealed = malloc(plain->n);
	uint8_t iv[GCM_IV], tag[GCM_TAG];

	if (!sealed)
		return err_set(e, COFFER_E_SYSTEM, "asset: out of memory");
	rest_aad(b->path.text, b->version, &aad);
	TRY(wr_done(&aad, "asset", e));
	random_bytes(iv, sizeof(iv));
	TRY(gcm_seal(k->rest.p, iv, wr_span(&aad), (struct span){ plain->p, plain->n }, sealed, tag, e));
	q_text(&q, span_of(b->path.text));
	q_blob(&q, (struct span){ statement, 32 });
	q_i64(&q, (int64_t)b->version);
	q_text(&q, span_of(b->type));
	q_blob(&q, SPAN(iv));
	q_blob(&q, (struct span){ sealed, plain->n });
	q_blob(&q, SPAN(tag));
	return q_run(&q, e);
}

enum coffer_rc asset_load(struct keep *k, const struct asset_path *p, uint64_t version, struct secret *plain, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT iv, sealed, tag FROM asset WHERE path=? AND version=?");
	CLEANUP(wr_close) struct wr aad = wr_open(512);
	CLEANUP(secret_free) struct secret out = { 0 };
	uint8_t iv[GCM_IV], tag[GCM_TAG];
	bool row = false;

	q_text(&q, span_of(p->text));
	q_i64(&q, (int64_t)version);
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_NOTFOUND, "no such asset is kept");
	if (!q_col_fixed(&q, 0, iv, sizeof(iv)) || !q_col_fixed(&q, 2, tag, sizeof(tag)))
		return err_set(e, COFFER_E_BUG, "asset: malformed row");
	rest_aad(p->text, version, &aad);
	TRY(wr_done(&aad, "asset", e));
	TRY(secret_new(q_col(&q, 1).n, &out, e));
	TRY(gcm_open(k->rest.p, iv, wr_span(&aad), q_col(&q, 1), tag, out.p, e));
	*plain = out;
	out = (struct secret){ 0 };
	return COFFER_OK;
}

/* ---- put ---- */

/* Opens what the owner sealed to our receive key, and holds it against the digest the owner signed. */
static enum coffer_rc open_sealed(struct keep *k, const struct keep_put_req *m, const struct statement *s, struct secret *out,
				  struct err *e)
{
	CLEANUP(secret_free) struct secret plain = { 0 };
	uint8_t digest[32];

	if (m->ciphertext.n <= SALT_LEN || m->ciphertext.n > SEALED_MAX)
		return err_set(e, COFFER_E_LIMIT, "an asset has 1 to %u bytes", KEEP_ASSET_MAX - SALT_LEN);
	TRY(jwe_open_raw(k->keys.receive, &m->epk, m->encrypted_key, m->iv, m->aad, m->ciphertext, m->tag, &plain, e));
	sha256((struct span){ plain.p, plain.n }, digest);
	if (plain.n <= SALT_LEN || !ct_eq(SPAN(digest), SPAN(s->subject[0].sha256)))
		return err_deny(e, "digest", "the sealed content is not the one whose digest is in the statement");
	*out = plain;
	plain = (struct secret){ 0 };
	return COFFER_OK;
}

/* What the owner's statement before this one said; version 0: there is none. */
struct before { uint64_t version; uint8_t digest[32]; };

static enum coffer_rc read_before(struct keep *k, const struct statement *s, struct before *out, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement last = { 0 };
	struct asset_body b;

	if (s->serial == 1)
		return COFFER_OK;
	TRY(registry_envelope(&k->registry, s->previous, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &last, e));
	TRY(asset_read(&last, &b, e));
	out->version = b.version;
	memcpy(out->digest, last.subject[0].sha256, sizeof(out->digest));
	return COFFER_OK;
}

static enum coffer_rc check_version(const struct keep_put_req *m, const struct asset_body *b, const struct before *last, struct err *e)
{
	if (b->version != last->version + (m->has_content ? 1 : 0))
		return err_deny(e, "version", "a new content is version %llu; a statement about the content that is kept has its version, %llu",
				(unsigned long long)last->version + 1, (unsigned long long)last->version);
	return COFFER_OK;
}

/* The owner says anew what is kept (another policy, a longer life): the content stays as it is, under its digest. */
static enum coffer_rc restate(struct keep *k, const struct asset_body *b, const struct statement *s, const struct before *last, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "UPDATE asset SET statement=?, type=? WHERE path=? AND version=?");

	if (!ct_eq(SPAN(last->digest), SPAN(s->subject[0].sha256)))
		return err_deny(e, "digest", "the content kept is not the one whose digest is in the statement");
	q_blob(&q, SPAN(s->id));
	q_text(&q, span_of(b->type));
	q_text(&q, span_of(b->path.text));
	q_i64(&q, (int64_t)b->version);
	TRY(q_run(&q, e));
	return q_changes(k->store) == 1 ? COFFER_OK : err_set(e, COFFER_E_NOTFOUND, "no such asset is kept");
}

/* The same statement again is an answer that got lost only while its content is the one kept. */
static enum coffer_rc still_kept(struct keep *k, const struct asset_path *p, const uint8_t statement[static 32], struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT 1 FROM asset WHERE path=? AND statement=?");
	bool row = false;

	q_text(&q, span_of(p->text));
	q_blob(&q, (struct span){ statement, 32 });
	TRY(q_row(&q, &row, e));
	return row ? COFFER_OK : err_deny(e, "serial", "this version was put before, and deleted or replaced since; put the next version");
}

static enum coffer_rc put(struct keep *k, const struct keep_put_req *m, const struct asset_path *p, struct logged *l,
			  struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(secret_free) struct secret plain = { 0 };
	CLEANUP(tx_end) struct tx tx = { 0 };
	struct before last = { 0 };
	struct asset_body b;
	bool known = false;

	TRY(admit(k, &m->statement, &s, &known, l, e));
	if (s.kind != ST_ASSET)
		return err_deny(e, "kind", "a %s statement came with the content of an asset", statement_kind_name(s.kind));
	TRY(asset_read(&s, &b, e));
	if (strcmp(b.path.text, p->text) != 0)
		return err_deny(e, "kind", "the statement is about %s", b.path.text);
	if (known)
		return still_kept(k, p, s.id, e);
	TRY(read_before(k, &s, &last, e));
	TRY(check_version(m, &b, &last, e));
	if (m->has_content)
		TRY(open_sealed(k, m, &s, &plain, e));
	TRY(tx_begin(&k->journal, &tx, e));
	TRY(admit_log(k, &s, &m->statement, l, e));
	TRY(m->has_content ? asset_store(k, &b, s.id, &plain, e) : restate(k, &b, &s, &last, e));
	TRY(tx_commit(&tx, e));
	witnessed_drop_asset(k, p);
	return COFFER_OK;
}

/* Who asks is a known party, and asks for this path by this method. Whether it may is the caller's question. */
static enum coffer_rc asked_path(struct keep *k, const struct keep_party_auth *auth, struct span path, const char *method,
    struct asset_path *out, const struct party **who, struct err *e)
{
	TRY(asset_path_parse(path, out, e));
	if (!span_eq_str(auth->method, method))
		return err_deny(e, "token", "the request is not a %s", method);
	TRY(party_auth(k, auth, who, e));
	/* net says which path was asked; the token must be for that one. */
	if (!span_ends(auth->path, asset_path_tail(out)) || !span_starts(auth->path, "/kbs/v0/resource/") ||
	    auth->path.n != strlen("/kbs/v0/resource/") + strlen(asset_path_tail(out)))
		return err_deny(e, "token", "the token is for another path");
	return COFFER_OK;
}

static void answer_logged(const struct logged *l, struct answer *a)
{
	struct keep_logged_rep rep = { .seq = l->seq };

	memcpy(rep.id, l->id, sizeof(rep.id));
	memcpy(rep.entry, l->entry, sizeof(rep.entry));
	keep_logged_rep_write(a->out, &rep);
}

/* Any known party may bring what the owner has signed: an owner whose key is on a machine without network cannot make a token that
 * is still fresh here. The statement is what counts: it is the owner's, new, and names the content. */
enum coffer_rc on_put(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	const struct party *who = NULL;
	struct keep_put_req m = { 0 };
	struct asset_path p;
	struct logged l = { 0 };
	enum coffer_rc rc;

	TRY(keep_put_req_read(body, &m, e));
	rc = asked_path(k, &m.auth, m.path, "POST", &p, &who, e);
	if (rc == COFFER_OK)
		rc = put(k, &m, &p, &l, e);
	if (rc == COFFER_OK)
		answer_logged(&l, a);
	dsse_clear(&m.statement);
	return rc;
}

/* ---- delete ---- */

static enum coffer_rc journal_delete(struct keep *k, const struct asset_path *p, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct json_wr j = jw_open(&w, false);
	char hex[HEX32_LEN];
	uint8_t salt[32];

	random_bytes(salt, sizeof(salt));
	hex32(salt, hex);
	jw_obj(&j);
	jw_m_text(&j, "asset", p->text);
	jw_m_text(&j, "salt", hex); /* all parties see the entry's hash, which is not salted: the path could be guessed */
	jw_obj_end(&j);
	TRY(wr_done(&w, "journal entry", e));
	TRY(status_deleted(k, p, e));
	TRY(tags_next(k, p, e));
	return journal_append(&k->journal, "delete", wr_span(&w), k->now, e);
}

/* The content goes; its statement stays logged, so that the next version still follows it. */
enum coffer_rc on_delete(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	const struct party *who = NULL;
	struct keep_delete_req m;
	struct asset_path p;
	struct logged l = { 0 };
	CLEANUP(tx_end) struct tx tx = { 0 };

	TRY(keep_delete_req_read(body, &m, e));
	TRY(asked_path(k, &m.auth, m.path, "DELETE", &p, &who, e));
	if (strcmp(who->id, p.owner) != 0)
		return err_deny(e, "owner", "%s belongs to %s", p.text, p.owner);
	CLEANUP(q_close) struct q q = q_open(k->store, "DELETE FROM asset WHERE path=?");
	TRY(tx_begin(&k->journal, &tx, e));
	q_text(&q, span_of(p.text));
	TRY(q_run(&q, e));
	if (q_changes(k->store) != 1)
		return err_set(e, COFFER_E_NOTFOUND, "no such asset is kept");
	TRY(journal_delete(k, &p, e));
	l.seq = k->journal.seq;
	memcpy(l.entry, k->journal.hash, sizeof(l.entry));
	TRY(tx_commit(&tx, e));
	witnessed_drop_asset(k, &p);
	answer_logged(&l, a);
	return COFFER_OK;
}
