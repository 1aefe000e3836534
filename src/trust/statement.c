#include "trust/statement.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "trust/dsse.h"
#include "trust/form.h"

#define TYPE "https://in-toto.io/Statement/v1"
#define KIND_PREFIX "urn:coffer:statement:"
#define KIND_SUFFIX ":v1"
#define GENESIS_ISSUER "genesis"

static const struct kind_rule {
	enum statement_kind kind;
	const char *name;
	bool        of_name;  /* each subject's digest is SHA-256 of its name */
	bool        many;     /* more than one subject */
	const char *same;     /* body member that equals the subject's name, where the body's reader is not shown the subject */
} rules[] = {
	{ ST_GENESIS, "genesis", true, false, NULL },
	{ ST_PARTY, "party", true, false, "id" },
	{ ST_SERVICE, "service", true, false, "id" },
	{ ST_IMAGE_RELEASE, "image-release", false, false, NULL },
	{ ST_ASSET, "asset", false, false, NULL },
	{ ST_WORKLOAD, "workload", false, false, NULL },
	{ ST_APPROVAL, "approval", true, true, NULL },
	{ ST_REVOCATION, "revocation", false, false, NULL },
	{ ST_BOOT_IMAGE, "boot-image", false, true, NULL },
	{ ST_TCB, "tcb", true, false, "platform" },
	{ ST_DELEGATION, "delegation", true, true, NULL },
	{ ST_PAUSE, "pause", false, false, NULL },
	{ ST_ASSESSMENT, "assessment", true, false, NULL },
	{ ST_BINDING, "binding", true, false, NULL },
	{ ST_AMENDMENT, "genesis-amendment", true, false, NULL },
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

static const struct kind_rule *rule_of(enum statement_kind k)
{
	for (size_t i = 0; i < N_RULES; i++)
		if (rules[i].kind == k)
			return &rules[i];
	return NULL;
}

const char *statement_kind_name(enum statement_kind k)
{
	const struct kind_rule *r = rule_of(k);

	return r ? r->name : "unknown";
}

bool statement_kind_by_name(struct span s, enum statement_kind *out)
{
	for (size_t i = 0; i < N_RULES; i++) {
		if (!span_eq_str(s, rules[i].name))
			continue;
		*out = rules[i].kind;
		return true;
	}
	return false;
}

bool statement_travels(enum statement_kind k)
{
	return k == ST_IMAGE_RELEASE || k == ST_BOOT_IMAGE || k == ST_TCB;
}

bool statement_stopped_by_owner(enum statement_kind k)
{
	switch (k) {
	case ST_SERVICE:
	case ST_IMAGE_RELEASE:
	case ST_ASSET:
	case ST_WORKLOAD:
	case ST_APPROVAL:
	case ST_BOOT_IMAGE:
	case ST_ASSESSMENT:
	case ST_BINDING:    return true;
	case ST_GENESIS:
	case ST_PARTY:
	case ST_AMENDMENT:
	case ST_REVOCATION:
	case ST_PAUSE:
	case ST_TCB:
	case ST_DELEGATION: return false;
	}
	return false;
}

void statement_clear(struct statement *s)
{
	json_free(s->doc);
	*s = (struct statement){ 0 };
}

/* ---- reading ---- */

static enum coffer_rc read_kind(const struct json *root, struct statement *s, struct err *e)
{
	struct span type, uri, name;

	TRY(json_need_str(root, "_type", "statement", &type, e));
	if (!span_eq_str(type, TYPE))
		return err_set(e, COFFER_E_INPUT, "statement: _type is not " TYPE);
	TRY(json_need_str(root, "predicateType", "statement", &uri, e));
	name = span_skip(uri, sizeof(KIND_PREFIX) - 1);
	if (!span_starts(uri, KIND_PREFIX) || !span_ends(name, KIND_SUFFIX))
		return err_set(e, COFFER_E_INPUT, "statement: predicateType is not " KIND_PREFIX "<kind>" KIND_SUFFIX);
	name.n -= sizeof(KIND_SUFFIX) - 1;
	if (!statement_kind_by_name(name, &s->kind))
		return err_set(e, COFFER_E_INPUT, "statement: a kind that is not known here");
	return COFFER_OK;
}

static enum coffer_rc read_subject(const struct json *v, const struct kind_rule *rule, struct statement_subject *out,
    struct err *e)
{
	static const char *const names[] = { "name", "digest", NULL };
	static const char *const digests[] = { "sha256", NULL };
	const struct json *digest = NULL;
	uint8_t h[32];

	TRY(json_closed(v, names, "statement subject", e));
	TRY(json_need_str(v, "name", "statement subject", &out->name, e));
	if (!form_text_ok(out->name, ST_SUBJECT_NAME_MAX))
		return err_set(e, COFFER_E_INPUT,
		    "statement subject: the name is empty, over %d bytes, or holds control characters", ST_SUBJECT_NAME_MAX);
	TRY(json_need_obj(v, "digest", "statement subject", &digest, e));
	TRY(json_closed(digest, digests, "statement subject digest", e));
	TRY(form_digest(digest, "sha256", "statement subject digest", out->sha256, e));
	sha256(out->name, h);
	if (rule->of_name && !span_eq(SPAN(h), SPAN(out->sha256)))
		return err_set(e, COFFER_E_INPUT,
		    "statement subject: the digest is not SHA-256 of the name, as a %s statement wants", rule->name);
	return COFFER_OK;
}

static enum coffer_rc read_subjects(const struct json *root, const struct kind_rule *rule, struct statement *s, struct err *e)
{
	const struct form_range range = { 1, rule->many ? ST_SUBJECTS_MAX : 1 };
	const struct json *list = NULL;

	TRY(form_list(root, "subject", "statement", range, &list, e));
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(read_subject(json_at(list, i), rule, &s->subject[i], e));
		for (size_t k = 0; k < i; k++)
			if (span_eq(s->subject[k].name, s->subject[i].name))
				return err_set(e, COFFER_E_INPUT, "statement: the same subject twice");
		s->n_subjects++;
	}
	return COFFER_OK;
}

static enum coffer_rc read_issuer(const struct json *p, struct statement *s, struct err *e)
{
	bool genesis = s->kind == ST_GENESIS, founders = genesis || s->kind == ST_AMENDMENT;

	TRY(form_party(p, "issuer", "statement", s->issuer, e));
	if (founders != (strcmp(s->issuer, GENESIS_ISSUER) == 0))
		return err_set(
		    e, COFFER_E_INPUT, "statement: the issuer of a genesis and its amendments, and of nothing else, is \"" GENESIS_ISSUER "\"");
	s->has_ledger = json_get(p, "ledger") != NULL;
	if (genesis && s->has_ledger)
		return err_set(e, COFFER_E_INPUT, "statement: a genesis names no ledger");
	if (!s->has_ledger && !genesis && !statement_travels(s->kind))
		return err_set(e, COFFER_E_INPUT, "statement: member \"ledger\" is missing");
	if (s->has_ledger)
		TRY(form_digest(p, "ledger", "statement", s->ledger, e));
	return COFFER_OK;
}

static enum coffer_rc read_common(const struct json *p, struct statement *s, struct err *e)
{
	static const char *const names[] = { "issuer", "ledger", "issued", "expires", "serial", "previous", "body", NULL };

	TRY(json_closed(p, names, "statement predicate", e));
	TRY(read_issuer(p, s, e));
	TRY(form_time(p, "issued", "statement", &s->issued, e));
	TRY(form_time(p, "expires", "statement", &s->expires, e));
	if (s->issued >= s->expires)
		return err_set(e, COFFER_E_INPUT, "statement: it expires before it is issued");
	TRY(form_number(p, "serial", "statement", (struct form_range){ 1, FORM_NUMBER_MAX }, &s->serial, e));
	if (s->serial == 1 && json_get(p, "previous"))
		return err_set(e, COFFER_E_INPUT, "statement: serial 1 has no previous one");
	if (s->serial > 1)
		TRY(form_digest(p, "previous", "statement", s->previous, e));
	return json_need_obj(p, "body", "statement", &s->body, e);
}

/* A name that the envelope of the body says and one that the body says must not differ: somebody would look at the other. */
static enum coffer_rc check_same(const struct kind_rule *rule, const struct statement *s, struct err *e)
{
	if (rule->same && !span_eq(json_str(json_get(s->body, rule->same)), s->subject[0].name))
		return err_set(e, COFFER_E_INPUT, "%s: member \"%s\" is not the statement's subject", rule->name, rule->same);
	return COFFER_OK;
}

static enum coffer_rc read_root(const struct json *root, struct statement *s, struct err *e)
{
	static const char *const names[] = { "_type", "subject", "predicateType", "predicate", NULL };
	const struct kind_rule *rule;
	const struct json *p = NULL;

	TRY(json_closed(root, names, "statement", e));
	TRY(read_kind(root, s, e));
	rule = rule_of(s->kind);
	if (!rule)
		return err_set(e, COFFER_E_BUG, "statement: a kind without a rule");
	TRY(read_subjects(root, rule, s, e));
	TRY(json_need_obj(root, "predicate", "statement", &p, e));
	TRY(read_common(p, s, e));
	return check_same(rule, s, e);
}

enum coffer_rc statement_parse(struct span payload, struct statement *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };

	TRY(json_parse(payload, DSSE_PAYLOAD_MAX, &s.doc, e));
	TRY(read_root(json_root(s.doc), &s, e));
	sha256(payload, s.id);
	*out = s;
	s = (struct statement){ 0 };
	return COFFER_OK;
}

/* ---- writing ---- */

static void put_subjects(const struct statement *s, struct json_wr *j)
{
	jw_name(j, "subject");
	jw_arr(j);
	for (size_t i = 0; i < s->n_subjects && i < ST_SUBJECTS_MAX; i++) {
		jw_obj(j);
		jw_m_str(j, "name", s->subject[i].name);
		jw_name(j, "digest");
		jw_obj(j);
		form_put_hex32(j, "sha256", s->subject[i].sha256);
		jw_obj_end(j);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static void put_predicate(const struct statement *s, struct json_wr *j)
{
	char issued[CLOCK_TEXT_LEN], expires[CLOCK_TEXT_LEN];

	clock_text(s->issued, issued);
	clock_text(s->expires, expires);
	jw_name(j, "predicate");
	jw_obj(j);
	jw_m_text(j, "issuer", s->issuer);
	if (s->has_ledger)
		form_put_hex32(j, "ledger", s->ledger);
	jw_m_text(j, "issued", issued);
	jw_m_text(j, "expires", expires);
	jw_m_u64(j, "serial", s->serial);
	if (s->serial > 1)
		form_put_hex32(j, "previous", s->previous);
	jw_name(j, "body");
	jw_value(j, s->body);
	jw_obj_end(j);
}

enum coffer_rc statement_write(const struct statement *s, struct wr *payload, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_PAYLOAD_MAX), canon = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(statement_clear) struct statement check = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct json_wr j = jw_open(&text, false);
	char uri[96];

	(void)snprintf(uri, sizeof(uri), "%s%s%s", KIND_PREFIX, statement_kind_name(s->kind), KIND_SUFFIX);
	jw_obj(&j);
	jw_m_text(&j, "_type", TYPE);
	put_subjects(s, &j);
	jw_m_text(&j, "predicateType", uri);
	put_predicate(s, &j);
	jw_obj_end(&j);
	TRY(wr_done(&text, "statement", e));
	TRY(json_parse(wr_span(&text), DSSE_PAYLOAD_MAX, &doc, e));
	json_canon(json_root(doc), &canon);
	TRY(wr_done(&canon, "statement", e));
	TRY(statement_parse(wr_span(&canon), &check, e)); /* nothing is signed that readers would refuse */
	wr_put(payload, wr_span(&canon));
	return wr_done(payload, "statement", e);
}
