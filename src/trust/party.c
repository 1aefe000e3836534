#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/jwk.h"
#include "fmt/enc.h"
#include "trust/form.h"
#include "trust/genesis_root.h"
#include "trust/witnesses.h"

#define HOLD_HOURS_MAX 8760

static const struct { unsigned bit; const char *name; } personas[] = {
	{ PERSONA_INFRA, "infrastructure-operator" },
	{ PERSONA_ORCH, "orchestration-operator" },
	{ PERSONA_WORKLOAD, "workload-provider" },
	{ PERSONA_IMAGE, "image-provider" },
	{ PERSONA_OWNER, "data-owner" },
	{ PERSONA_USER, "end-user" },
	{ PERSONA_AUDITOR, "auditor" },
};
#define N_PERSONAS (sizeof(personas) / sizeof(personas[0]))

bool persona_by_name(struct span s, unsigned *out)
{
	for (size_t i = 0; i < N_PERSONAS; i++) {
		if (!span_eq_str(s, personas[i].name))
			continue;
		*out = personas[i].bit;
		return true;
	}
	return false;
}

void persona_names(unsigned set, char *out, size_t n)
{
	size_t at = 0;

	if (n)
		out[0] = 0;
	for (size_t i = 0; i < N_PERSONAS && at < n; i++) {
		int k;

		if (!(set & personas[i].bit))
			continue;
		k = snprintf(out + at, n - at, "%s%s", at ? ", " : "", personas[i].name);
		at = k < 0 ? n : at + (size_t)k;
	}
}

static enum coffer_rc read_personas(const struct json *body, struct party *p, struct err *e)
{
	const struct json *list = NULL;
	unsigned bit;

	TRY(form_list(body, "personas", "party", (struct form_range){ 1, N_PERSONAS }, &list, e));
	TRY(form_unique(list, "personas", "party", e));
	for (size_t i = 0; i < json_len(list); i++) {
		if (!persona_by_name(json_str(json_at(list, i)), &bit))
			return err_set(e, COFFER_E_INPUT, "party: a persona that is not known here");
		p->personas |= bit;
	}
	return COFFER_OK;
}

static enum coffer_rc read_keys(const struct json *list, struct pubkey *out, size_t *n, struct err *e)
{
	for (size_t i = 0; i < json_len(list) && i < PARTY_KEYS_MAX; i++) {
		TRY(jwk_read(json_at(list, i), "party key", &out[i], e));
		for (size_t k = 0; k < i; k++)
			if (pubkey_eq(&out[k], &out[i]))
				return err_set(e, COFFER_E_INPUT, "party: the same key twice");
		(*n)++;
	}
	return COFFER_OK;
}

/* Recovery keys without a number that suffices would be believed to help. */
static enum coffer_rc read_quorum(const struct json *body, struct party *p, struct err *e)
{
	for (size_t i = 0; i < p->n_recovery; i++)
		for (size_t k = 0; k < p->n_keys; k++)
			if (pubkey_eq(&p->recovery[i], &p->keys[k]))
				return err_set(e, COFFER_E_INPUT, "party: a recovery key that signs every day recovers from nothing");
	if (p->n_recovery > 0)
		return form_number(body, "recovery-quorum", "party", (struct form_range){ 1, p->n_recovery }, &p->quorum, e);
	if (json_get(body, "recovery-quorum"))
		return err_set(e, COFFER_E_INPUT, "party: a recovery quorum of no keys");
	return COFFER_OK;
}

enum coffer_rc party_read(const struct json *body, struct party *out, struct err *e)
{
	static const char *const names[] = { "id", "personas", "keys", "encryption", "recovery", "recovery-quorum", "hold-hours", NULL };
	const struct json *keys = NULL, *recovery = NULL;
	struct party p = { 0 };

	TRY(json_closed(body, names, "party", e));
	TRY(form_party(body, "id", "party", p.id, e));
	if (strcmp(p.id, "genesis") == 0)
		return err_set(e, COFFER_E_INPUT, "party: no party is called \"genesis\"");
	TRY(read_personas(body, &p, e));
	TRY(form_list(body, "keys", "party", (struct form_range){ 1, PARTY_KEYS_MAX }, &keys, e));
	TRY(read_keys(keys, p.keys, &p.n_keys, e));
	TRY(form_list(body, "recovery", "party", (struct form_range){ 0, PARTY_KEYS_MAX }, &recovery, e));
	TRY(read_keys(recovery, p.recovery, &p.n_recovery, e));
	TRY(read_quorum(body, &p, e));
	p.has_encryption = json_get(body, "encryption") != NULL;
	if (p.has_encryption)
		TRY(form_p256(body, "encryption", "party", &p.encryption, e));
	TRY(form_number(body, "hold-hours", "party", (struct form_range){ 0, HOLD_HOURS_MAX }, &p.hold_hours, e));
	*out = p;
	return COFFER_OK;
}

static void put_keys(struct json_wr *j, const char *name, const struct pubkey *k, size_t n)
{
	jw_name(j, name);
	jw_arr(j);
	for (size_t i = 0; i < n; i++)
		jwk_write(j, &k[i]);
	jw_arr_end(j);
}

void party_write(const struct party *p, struct json_wr *j)
{
	jw_obj(j);
	jw_m_text(j, "id", p->id);
	jw_name(j, "personas");
	jw_arr(j);
	for (size_t i = 0; i < N_PERSONAS; i++)
		if (p->personas & personas[i].bit)
			jw_text(j, personas[i].name);
	jw_arr_end(j);
	put_keys(j, "keys", p->keys, p->n_keys);
	if (p->has_encryption) {
		jw_name(j, "encryption");
		jwk_write(j, &p->encryption);
	}
	put_keys(j, "recovery", p->recovery, p->n_recovery);
	if (p->n_recovery > 0)
		jw_m_u64(j, "recovery-quorum", p->quorum);
	jw_m_u64(j, "hold-hours", p->hold_hours);
	jw_obj_end(j);
}

/* ---- genesis ---- */

/* One could speak as the other, and would count twice where two are asked. */
static bool share_key(const struct party *a, const struct party *b)
{
	for (size_t i = 0; i < a->n_keys; i++)
		for (size_t k = 0; k < b->n_keys; k++)
			if (pubkey_eq(&a->keys[i], &b->keys[k]))
				return true;
	return false;
}

static enum coffer_rc read_parties(const struct json *b, struct genesis *g, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(b, "parties", "genesis", (struct form_range){ 1, GENESIS_PARTIES_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(party_read(json_at(list, i), &g->party[i], e));
		for (size_t k = 0; k < i; k++)
			if (strcmp(g->party[k].id, g->party[i].id) == 0)
				return err_set(e, COFFER_E_INPUT, "genesis: party %s is there twice", g->party[i].id);
			else if (share_key(&g->party[k], &g->party[i]))
				return err_set(e, COFFER_E_INPUT, "genesis: parties %s and %s have one signing key", g->party[k].id, g->party[i].id);
		g->n_parties++;
	}
	return COFFER_OK;
}

static enum coffer_rc read_roots(const struct json *b, struct genesis *g, struct err *e)
{
	return json_get(b, "vendor-roots") ? genesis_roots_read(b, (struct form_range){ 1, GENESIS_ROOTS_MAX }, g, e) : COFFER_OK;
}

enum coffer_rc genesis_read(const struct statement *s, struct genesis *out, struct err *e)
{
	static const char *const names[] = { "origin", "ledger-key", "parties", "witnesses", "cosignatures", "policies", "vendor-roots", NULL };
	CLEANUP(freep) struct genesis *room = calloc(1, sizeof(*room));
	struct span origin;

	if (!room)
		return err_set(e, COFFER_E_SYSTEM, "genesis: out of memory");
	if (s->kind != ST_GENESIS)
		return err_set(e, COFFER_E_INPUT, "genesis: the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, "genesis", e));
	TRY(json_need_str(s->body, "origin", "genesis", &origin, e));
	/* C2SP signed-note key names: no blanks, no plus sign */
	if (!form_ascii_ok(origin, sizeof(room->origin) - 1) || span_find(origin, '+') != origin.n)
		return err_set(
		    e, COFFER_E_INPUT, "genesis: the origin is not 1 to 255 printable characters without blank and plus sign");
	if (!span_eq(origin, s->subject[0].name))
		return err_set(e, COFFER_E_INPUT, "genesis: the origin is not the statement's subject");
	memcpy(room->origin, origin.p, origin.n);
	TRY(form_key(s->body, "ledger-key", "genesis", &room->ledger_key, e));
	TRY(read_parties(s->body, room, e));
	TRY(read_roots(s->body, room, e));
	TRY(witnesses_read(s->body, room, e));
	TRY(shipped_read(s->body, "genesis", &room->policies, e));
	memcpy(room->id, s->id, sizeof(room->id));
	*out = *room;
	return COFFER_OK;
}
