#include "cofferd/keep/admit.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/admit_co.h"
#include "cofferd/keep/admit_lent.h"
#include "cofferd/keep/admit_signed.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/noise.h"
#include "cofferd/keep/room.h"
#include "cofferd/keep/status.h"
#include "cofferd/keep/tags.h"
#include "cofferd/keep/witnessed.h"
#include "crypto/spki.h"
#include "fmt/enc.h"
#include "trust/machine.h"

/* ---- who signed ---- */

/* Before a byte of the payload is read: a key that some party signs or recovers by. Whoever sends it may be a stranger, who knows all names of keys: the first
 * signature that names one decides, so that there is one to verify. If that one is none the statement is refused whoever else signed (admit_signatures). */
static bool known_signer(const struct keep *k, const struct dsse *env)
{
	for (size_t i = 0; i < env->n_sigs; i++) {
		const uint8_t *id = env->sigs[i].keyid;
		const struct pubkey *key = NULL;

		if (registry_key(&k->registry, id, k->now, &key) || parties_recovery(&k->registry.parties, id, k->now, &key))
			return dsse_signed_by(env, key);
	}
	return false;
}

static enum coffer_rc check_keys(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	return parties_check(&k->registry.parties, &(struct parties_event){ env, s, k->now }, e);
}

static enum coffer_rc check_party(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	if (env->payload.n > PARTY_STATEMENT_MAX)
		return err_set(e, COFFER_E_LIMIT, "a party statement has at most %u bytes", PARTY_STATEMENT_MAX);
	return check_keys(k, env, s, e);
}

static enum coffer_rc check_issuer(struct keep *k, const struct dsse *env, const struct statement *s, unsigned persona,
				   struct err *e)
{
	const struct party *p = registry_party(&k->registry, span_of(s->issuer), k->now);
	char names[160];

	if (!p || !registry_signed(&k->registry, s->issuer, env, k->now))
		return err_deny(e, "signature", "%s did not sign this statement with a key it is known by", s->issuer);
	persona_names(persona, names, sizeof(names));
	if ((p->personas & persona) != persona)
		return err_deny(e, "persona", "%s is no %s, and nobody else issues %s statements%s", s->issuer, names, statement_kind_name(s->kind),
		    s->kind == ST_SERVICE ? ", but whom one lets: 'coffer delegate PARTY --role attestation-service'" : "");
	return COFFER_OK;
}

/* Who may have assets at all, and speak of their use: auditors, operators and end users have none; an image provider has those of its images. */
static enum coffer_rc check_has_assets(const struct keep *k, const struct statement *s, const char *type, struct err *e)
{
	const struct party *p = registry_party(&k->registry, span_of(s->issuer), k->now);
	unsigned may = PERSONA_OWNER | PERSONA_WORKLOAD;
	char names[160];

	if (!type || strcmp(type, "image-key") == 0 || strcmp(type, "registry-credential") == 0 || strcmp(type, "attestation") == 0)
		may |= PERSONA_IMAGE;
	if (p && (p->personas & may))
		return COFFER_OK;
	persona_names(may, names, sizeof(names));
	return err_deny(e, "persona", "%s is none of %s, who alone have %s%s", s->issuer, names, type ? "assets of type " : "assets whose use they approve",
	    type ? type : "");
}

/* ---- what each kind allows ---- */

/* Clients take the service's keys from this statement: it must name the keys this process holds, and come from a party
 * that the genesis itself names, where their trust starts, or from whom such a party lets designate it. */
static enum coffer_rc check_service(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	bool delegate = false, own = lent_has(k, s->issuer, ROLE_SERVICE);
	struct service v;

	TRY(service_read(s->body, &v, e));
	if (!own)
		TRY(lent_by_any(k, &(struct lent){ NULL, s->issuer, ROLE_SERVICE, span_of(v.id) }, &delegate, e));
	TRY(check_issuer(k, env, s, delegate ? 0 : PERSONA_WORKLOAD, e));
	if (!own && !delegate)
		return err_deny(e, "persona", "only a workload-provider that the genesis names designates the service %s, or whom such a one lets: "
		    "'coffer delegate %s --role attestation-service'", v.id, s->issuer);
	if (!pubkey_eq(&v.receive, privkey_public(k->keys.receive)) || !pubkey_eq(&v.reply, privkey_public(k->keys.reply)) ||
	    !pubkey_eq(&v.token, privkey_public(k->keys.token)) || !pubkey_eq(&v.ledger_key, privkey_public(k->keys.ledger)))
		return err_deny(e, "kind", "the keys in this statement are not this service's");
	if (k->id[0] && (strcmp(v.id, k->id) != 0 || !span_eq(SPAN(v.tls), SPAN(k->tls))))
		return err_deny(e, "kind", "this service is %s and has the TLS key that 'cofferd keygen' prints; clients would refuse it by this "
				"statement", k->id);
	return COFFER_OK;
}

/* A key of images that is revoked is known again by its bytes: it has one spelling. */
static enum coffer_rc check_spelling(const struct manifest *m, struct err *e)
{
	uint8_t id[32];

	for (size_t i = 0; i < m->n_containers; i++)
		if (!spki_pem_id(m->container[i].method_key, id))
			return err_deny(e, "kind", "container %.*s: the key that its image is verified by is not P-256, P-384, Ed25519 or RSA of 2048 to 8192 bits as PEM in the"
			    " usual form; 'openssl pkey -pubin -ec_conv_form uncompressed' writes it", (int)m->container[i].name.n,
			    (const char *)m->container[i].name.p);
	return COFFER_OK;
}

static enum coffer_rc check_workload(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(manifest_clear) struct manifest m = { 0 };

	TRY(check_issuer(k, env, s, PERSONA_WORKLOAD, e));
	TRY(manifest_read(s->body, &m, e));
	if (strcmp(m.provider, s->issuer) != 0)
		return err_deny(e, "kind", "the manifest names %s as its provider, not %s", m.provider, s->issuer);
	if (!span_eq(SPAN(m.genesis), SPAN(k->genesis)))
		return err_deny(e, "ledger", "the manifest names another genesis");
	if (!span_eq(s->subject[0].name, m.name) || !span_eq(SPAN(s->subject[0].sha256), SPAN(m.digest)))
		return err_deny(e, "kind", "the subject of a workload statement is the manifest's name and digest");
	return check_spelling(&m, e);
}

static enum coffer_rc check_asset(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct asset_body b;

	TRY(check_issuer(k, env, s, 0, e));
	TRY(asset_read(s, &b, e));
	if (strcmp(b.path.owner, s->issuer) != 0)
		return err_deny(e, "kind", "%s belongs to %s, not to %s", b.path.text, b.path.owner, s->issuer);
	TRY(check_has_assets(k, s, b.type, e));
	if (b.amended && !parties_genesis_by(&k->registry.parties, b.amendment))
		return err_deny(e, "kind", "it names an amendment of the genesis that is not logged here");
	return co_admit(k, env, s, &b, e);
}

static enum coffer_rc check_approval(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct approval *a = calloc(1, sizeof(*a));

	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "statement: out of memory");
	TRY(check_issuer(k, env, s, 0, e));
	TRY(approval_read(s, a, e));
	for (size_t i = 0; i < a->n_assets; i++) {
		const struct lent q = { a->asset[i].owner, s->issuer, ROLE_APPROVAL, span_of(a->asset[i].text) };
		bool speaks = strcmp(q.of, s->issuer) == 0;

		if (!speaks)
			TRY(co_owns(k, &a->asset[i], s->issuer, &speaks, e));
		if (speaks)
			TRY(check_has_assets(k, s, NULL, e));
		else
			TRY(lent_to(k, &q, NULL, &speaks, e));
		if (!speaks)
			return err_deny(e, "kind", "%s belongs to %s, not to %s, to whom it delegates no approval of its use",
			    a->asset[i].text, q.of, s->issuer);
	}
	return COFFER_OK;
}

/* Whether what it revokes is a revocation itself. */
static enum coffer_rc lifts(struct keep *k, const uint8_t revocation[static 32], bool *yes, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "SELECT 1 FROM revoked r JOIN statement t ON t.id=r.target WHERE r.statement=? AND t.kind=?");

	q_blob(&q, (struct span){ revocation, 32 });
	q_i64(&q, ST_REVOCATION);
	return q_row(&q, yes, e);
}

/* A revocation is final, but for one that a stolen key signed after it was: that the quorum lifts. */
static enum coffer_rc check_lift(struct keep *k, const struct dsse *env, const struct statement *s, const struct revocation *v,
    struct err *e)
{
	const struct party_life *l = parties_life(&k->registry.parties, span_of(s->issuer));
	struct brief b = { 0 };
	bool found, dead = false, final = false;

	TRY(registry_brief(&k->registry, v->statement, &found, &b, e));
	TRY(lifts(k, v->statement, &final, e));
	if (final)
		return err_deny(e, "kind", "what lifts a revocation is not lifted");
	if (strcmp(b.issuer, s->issuer) != 0)
		return err_deny(e, "kind", "only %s may revoke this %s statement", b.issuer, statement_kind_name(b.kind));
	TRY(registry_by_dead(&k->registry, &(struct voided_question){ v->statement, b.issuer, b.kind, b.logged }, &dead, e));
	if (!dead || !l || !life_quorum(l, env, k->now))
		return err_deny(e, "kind", "a revocation is not revoked, unless a key that was compromised by then signed it; then by the recovery "
				"quorum of %s", b.issuer);
	return check_keys(k, env, s, e);
}

/* The issuer revokes its own; anyone what another's releases rest on too, as far as its own assets (and code) go (decide_find.c); who decides of an asset its statement and
 * approvals of it; and whoever lent the power what was said with it. */
static enum coffer_rc check_target(struct keep *k, const struct statement *s, const struct revocation *v, const struct brief *b,
    struct err *e)
{
	bool own = strcmp(b->issuer, s->issuer) == 0;
	bool foreign = statement_stopped_by_owner(b->kind) && b->kind != ST_ASSET && b->kind != ST_APPROVAL; /* of these it is known here whose they are */

	if (!own && b->kind == ST_ASSET)
		TRY(co_named(k, v->statement, s->issuer, &foreign, e));
	else if (!own && !foreign)
		TRY(lent_said(k, v->statement, s->issuer, &foreign, e));
	if (b->kind == ST_GENESIS || b->kind == ST_PARTY || b->kind == ST_AMENDMENT)
		return err_deny(e, "kind", "a %s statement is not revoked; it is superseded", statement_kind_name(b->kind));
	if (s->kind == ST_PAUSE && (b->kind == ST_PAUSE || b->kind == ST_REVOCATION))
		return err_deny(e, "kind", "a %s is not paused", statement_kind_name(b->kind));
	if (!own && !foreign)
		return err_deny(e, "kind", "only %s may %s this %s statement", b->issuer, s->kind == ST_PAUSE ? "pause" : "revoke",
		    statement_kind_name(b->kind));
	return COFFER_OK;
}

/* The recovery quorum may, as a present key may. */
static enum coffer_rc check_revocation(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	const struct party_life *l = parties_life(&k->registry.parties, span_of(s->issuer));
	struct revocation v;
	struct brief b = { 0 };
	bool found;

	if (!l || !life_quorum(l, env, k->now)) {
		if (l && !registry_signed(&k->registry, s->issuer, env, k->now))
			TRY(life_too_few(l, env, k->now, "signature", e));
		TRY(check_issuer(k, env, s, 0, e));
	}
	TRY(revocation_read(s, &v, e));
	if (v.of_key)
		return check_keys(k, env, s, e);
	if (v.of_thing && v.from > k->now)
		return err_deny(e, "kind", "a key is compromised from a time that has come");
	if (v.of_thing) /* for its own assets and code, and an image provider of its images: whose word counts where it is decided (decide.c) */
		return COFFER_OK;
	TRY(registry_brief(&k->registry, v.statement, &found, &b, e));
	if (!found)
		return err_set(e, COFFER_E_NOTFOUND, "no statement of this id is logged, and there is nothing to %s", s->kind == ST_PAUSE ? "pause" : "revoke");
	if (b.kind == ST_REVOCATION && s->kind == ST_REVOCATION)
		return check_lift(k, env, s, &v, e);
	return check_target(k, s, &v, &b, e);
}

/* What opens an image, or comes with it, is its provider's to hand out: of another's asset whoever reads the release would take the name for a word of its owner. */
static enum coffer_rc released_own(const struct statement *s, struct span path, struct err *e)
{
	struct asset_path p;

	TRY(asset_path_parse(path, &p, e));
	if (strcmp(p.owner, s->issuer) != 0)
		return err_deny(e, "kind", "%s belongs to %s; a release by %s names assets of its own alone", p.text, p.owner, s->issuer);
	return COFFER_OK;
}

/* An image provider of whatever it likes: a release binds where a workload names its issuer, or whom its issuer speaks for. */
static enum coffer_rc check_release(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct image_release v;
	bool delegate = false;

	TRY(image_release_read(s, &v, e));
	if (v.version == 0)
		return err_set(e, COFFER_E_INPUT, "image-release: member \"version\" is 0; security versions count from 1");
	if (!lent_has(k, s->issuer, ROLE_VERIFICATION))
		TRY(lent_by_any(k, &(struct lent){ NULL, s->issuer, ROLE_VERIFICATION, v.repository }, &delegate, e));
	TRY(check_issuer(k, env, s, delegate ? 0 : PERSONA_IMAGE, e));
	for (size_t i = 0; i < json_len(v.keys); i++)
		TRY(released_own(s, json_str(json_at(v.keys, i)), e));
	for (size_t i = 0; i < json_len(v.attestations); i++) {
		const struct json *asset = json_get(json_at(v.attestations, i), "asset");

		if (asset)
			TRY(released_own(s, json_str(asset), e));
	}
	return COFFER_OK;
}

static enum coffer_rc check_boot_image(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(boot_image_clear) struct boot_image b = { 0 };
	bool delegate = false;

	if (!lent_has(k, s->issuer, ROLE_BOOT_IMAGE))
		TRY(lent_by_any(k, &(struct lent){ NULL, s->issuer, ROLE_BOOT_IMAGE, { 0 } }, &delegate, e));
	TRY(check_issuer(k, env, s, delegate ? 0 : PERSONA_WORKLOAD, e));
	return boot_image_read(s, &b, e);
}

/* It binds the issuer's own assets and workloads alone, so whoever has either may say it. */
static enum coffer_rc check_tcb(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct tcb_minimum *t = calloc(1, sizeof(*t));
	const struct party *p;

	if (!t)
		return err_set(e, COFFER_E_SYSTEM, "statement: out of memory");
	TRY(check_issuer(k, env, s, 0, e));
	p = registry_party(&k->registry, span_of(s->issuer), k->now);
	if (!p || !(p->personas & (PERSONA_OWNER | PERSONA_WORKLOAD)))
		return err_deny(e, "persona", "%s is neither a data-owner nor a workload-provider, who alone may issue a tcb statement",
		    s->issuer);
	return tcb_read(s, t, e);
}

static enum coffer_rc check_delegation(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct delegation *d = calloc(1, sizeof(*d));

	if (!d)
		return err_set(e, COFFER_E_SYSTEM, "statement: out of memory");
	TRY(check_issuer(k, env, s, 0, e));
	TRY(delegation_read(s, d, e));
	return lent_admit(k, s, d, e);
}

static enum coffer_rc check_assessment(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct assessment a;

	TRY(check_issuer(k, env, s, PERSONA_AUDITOR, e));
	return assessment_read(s, &a, e);
}

/* Each owner binds its own assets alone. */
static enum coffer_rc check_binding(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct binding b;

	TRY(check_issuer(k, env, s, 0, e));
	TRY(binding_read(s, &b, e));
	for (size_t i = 0; i < b.n_slots; i++) {
		const struct asset_path *p = &b.slot[i].asset;

		if (strcmp(p->owner, s->issuer) != 0)
			return err_deny(e, "kind", "%s belongs to %s, who alone binds it; %s binds its own assets", p->text, p->owner, s->issuer);
	}
	return check_has_assets(k, s, NULL, e);
}

static enum coffer_rc check_kind(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	switch (s->kind) {
	case ST_PARTY:         return check_party(k, env, s, e);
	case ST_SERVICE:       return check_service(k, env, s, e);
	case ST_IMAGE_RELEASE: return check_release(k, env, s, e);
	case ST_ASSET:         return check_asset(k, env, s, e);
	case ST_WORKLOAD:      return check_workload(k, env, s, e);
	case ST_APPROVAL:      return check_approval(k, env, s, e);
	case ST_PAUSE:
	case ST_REVOCATION:    return check_revocation(k, env, s, e);
	case ST_GENESIS:       return err_deny(e, "kind", "this service has its genesis");
	case ST_BOOT_IMAGE:    return check_boot_image(k, env, s, e);
	case ST_TCB:           return check_tcb(k, env, s, e);
	case ST_DELEGATION:    return check_delegation(k, env, s, e);
	case ST_ASSESSMENT:    return check_assessment(k, env, s, e);
	case ST_BINDING:       return check_binding(k, env, s, e);
	case ST_AMENDMENT:     return check_keys(k, env, s, e);
	}
	return err_set(e, COFFER_E_BUG, "statement: unknown kind");
}

/* ---- common part ---- */

static enum coffer_rc check_common(const struct keep *k, const struct statement *s, struct err *e)
{
	if (s->has_ledger ? !span_eq(SPAN(s->ledger), SPAN(k->genesis)) : !statement_travels(s->kind))
		return err_deny(e, "ledger", "the statement is for another genesis, or for none");
	if (s->expires <= k->now)
		return err_deny(e, "window", "the statement has expired");
	if (s->issued > k->now + LIFE_AHEAD)
		return err_deny(e, "window", "the statement is issued in the future; check the issuer's clock");
	return COFFER_OK;
}

static enum coffer_rc check_serial(struct keep *k, const struct statement *s, struct err *e)
{
	uint8_t last[32] = { 0 };
	char id[HEX32_LEN];
	uint64_t serial = 0;

	TRY(registry_last(&k->registry, s, &serial, last, e));
	hex32(last, id);
	if (s->serial != serial + 1)
		return err_deny(e, "serial", "serial %llu is logged for this issuer, kind and subject (%llu:%s); the next is %llu, not %llu",
		    (unsigned long long)serial, (unsigned long long)serial, id, (unsigned long long)serial + 1, (unsigned long long)s->serial);
	if (serial > 0 && !span_eq(SPAN(s->previous), SPAN(last)))
		return err_deny(e, "serial", "the statement does not name the previous one's id");
	return COFFER_OK;
}

/* A thief may have used the hour up, to keep its victim from taking the party back. */
static bool recovers(const struct keep *k, const struct dsse *env, const struct statement *s)
{
	const struct party_life *l = parties_life(&k->registry.parties, span_of(s->issuer));

	return s->kind == ST_PARTY && l && life_quorum(l, env, k->now);
}

/* Many at once, as an owner says under attack that revokes each chip of a maker; then at a pace. */
static enum coffer_rc check_pace(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	const struct party_life *l = parties_life(&k->registry.parties, span_of(s->issuer));
	bool quorum = l && life_quorum(l, env, k->now);
	int64_t wait = 0;

	if (noise_may_hold_back(k, s->issuer, quorum, &wait))
		return COFFER_OK;
	return err_set(e, COFFER_E_LIMIT, "%s revoked, paused and demanded %d things at once; the next is taken in %lld s%s", s->issuer, KEEP_BACK_AT_ONCE, (long long)wait,
	    quorum ? "" : ", and at once if its recovery quorum says it");
}

/* Nobody fills the ledger, and its disk, with what it may say. What holds back is counted apart, and a recovery quorum is kept from its
 * word by nobody. A newcomer counts as a statement of who introduces it. */
static enum coffer_rc check_quota(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e)
{
	const struct party *p = registry_party(&k->registry, span_of(s->issuer), k->now);

	TRY(room_for(k, env, s, e));
	if (s->kind == ST_REVOCATION || s->kind == ST_PAUSE || s->kind == ST_TCB)
		return check_pace(k, env, s, e);
	if (s->kind == ST_AMENDMENT || recovers(k, env, s))
		return COFFER_OK;
	if (!p)
		p = admit_signer(k, env);
	if (p && noise_may_log(k, p->id))
		return COFFER_OK;
	return err_set(e, COFFER_E_LIMIT, "%s stated %d things within this hour, which is all that one party may; revocations, pauses and minima are taken "
	    "still; wait for the next hour", p ? p->id : s->issuer, KEEP_STATEMENTS_PER_HOUR);
}

static enum coffer_rc judge(struct keep *k, const struct dsse *env, struct statement *out, bool *known, struct logged *was, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	uint8_t id[32];

	dsse_id(env, id);
	TRY(registry_find(&k->registry, id, known, was, e));
	TRY(statement_parse(wr_span(&env->payload), &s, e));
	if (!*known) {
		TRY(check_common(k, &s, e));
		TRY(check_kind(k, env, &s, e));
		TRY(admit_signatures(k, env, &s, e));
		TRY(check_serial(k, &s, e));
		TRY(room_stands(k, &s, known, was, e));
	}
	if (!*known)
		TRY(check_quota(k, env, &s, e));
	*out = s;
	s = (struct statement){ 0 };
	return COFFER_OK;
}

enum coffer_rc admit(struct keep *k, const struct dsse *env, struct statement *out, bool *known, struct logged *was,
		     struct err *e)
{
	enum coffer_rc rc;

	if (!known_signer(k, env))
		return err_deny(e, "signature", "no known party signed this statement");
	rc = judge(k, env, out, known, was, e);
	if (rc == COFFER_E_DENIED)
		admit_refused(k, env, e);
	return rc;
}

enum coffer_rc admit_log(struct keep *k, const struct statement *s, const struct dsse *env, struct logged *out, struct err *e)
{
	CLEANUP(wr_close) struct wr data = wr_open(4096);

	registry_entry(s->id, s->kind, s->issuer, &data);
	TRY(wr_done(&data, "journal entry", e));
	TRY(status_log(k, s, e));
	if (s->kind == ST_ASSET) {
		struct asset_path p;

		TRY(asset_path_parse(s->subject[0].name, &p, e));
		TRY(tags_next(k, &p, e));
	}
	TRY(journal_append(&k->journal, "statement", wr_span(&data), k->now, e));
	TRY(registry_insert(&k->registry, s, env, k->journal.seq, e));
	TRY(room_log(k, env, s, e));
	memcpy(out->id, s->id, sizeof(out->id));
	out->seq = k->journal.seq;
	memcpy(out->entry, k->journal.hash, sizeof(out->entry));
	return COFFER_OK;
}

static void answer_logged(const struct logged *l, struct answer *a)
{
	struct keep_logged_rep rep = { .seq = l->seq };

	memcpy(rep.id, l->id, sizeof(rep.id));
	memcpy(rep.entry, l->entry, sizeof(rep.entry));
	keep_logged_rep_write(a->out, &rep);
}

static enum coffer_rc log_statement(struct keep *k, const struct dsse *env, struct answer *a, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(tx_end) struct tx tx = { 0 };
	struct logged l = { 0 };
	bool known = false;

	TRY(admit(k, env, &s, &known, &l, e));
	if (s.kind == ST_ASSET && !known)
		return err_deny(e, "kind", "an asset statement comes with its sealed content: coffer asset put");
	if (!known) {
		TRY(tx_begin(&k->journal, &tx, e));
		TRY(admit_log(k, &s, env, &l, e));
		TRY(tx_commit(&tx, e));
		TRY(registry_learn(&k->registry, &s, env, k->journal.time, e));
		witnessed_drop(k, s.issuer); /* of every kind: whatever follows another may say less than that one did */
		if (s.kind == ST_AMENDMENT) {
			TRY(keep_roots(k, e));
			TRY(witnessed_amended(k, e));
		}
	}
	answer_logged(&l, a);
	return COFFER_OK;
}

enum coffer_rc on_statement(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct keep_statement_req m = { 0 };
	enum coffer_rc rc;

	TRY(keep_statement_req_read(body, &m, e));
	rc = log_statement(k, &m.statement, a, e);
	dsse_clear(&m.statement);
	return rc;
}
