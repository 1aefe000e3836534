#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"
#include "trust/form.h"
#include "trust/machine.h"
#include "trust/reference.h"

#define WHERE "tcb"
#define CHIP_BYTES_MAX 64
#define AGE_HOURS_MAX 8760

/* Components as facts.h names them: a misspelt one would be in no evidence. "tcb": tcb00 to tcb15. */
static const struct tcb_rule { const char *platform; const char *svn[5]; bool tells_smt, tells_migration, dated; } rules[] = {
	/* dated: judged by documents with a date */
	{ "snp", { "bootloader", "tee", "snp", "microcode", "fmc" }, true, true, false },
	{ "az-snp-vtpm", { "bootloader", "tee", "snp", "microcode", "fmc" }, true, true, false },
	{ "tdx", { "tcb" }, false, true, true }, { "az-tdx-vtpm", { "tcb" }, false, true, true }, { "sgx", { "tcb" }, false, false, true },
	{ "tpm", { "firmware" }, false, false, false }, { "swtpm", { "firmware" }, false, false, false },
	{ "cca", { NULL }, false, false, false }, { "csv", { NULL }, false, true, false },
};

static const struct tcb_rule *rule_of(const char *platform)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].platform, platform) == 0)
			return &rules[i];
	return NULL;
}

bool tcb_tells_smt(const char *platform)
{
	const struct tcb_rule *rule = rule_of(platform);

	return rule && rule->tells_smt;
}

bool tcb_tells_migration(const char *platform)
{
	const struct tcb_rule *rule = rule_of(platform);

	return rule && rule->tells_migration;
}

static bool is_tcb_number(struct span s)
{
	bool low, high;

	if (s.n != 5 || !span_starts(s, "tcb"))
		return false;
	low = s.p[3] == '0' && s.p[4] >= '0' && s.p[4] <= '9';
	high = s.p[3] == '1' && s.p[4] >= '0' && s.p[4] <= '5';
	return low || high;
}

static bool svn_known(const struct tcb_rule *r, struct span name)
{
	for (size_t i = 0; i < sizeof(r->svn) / sizeof(r->svn[0]) && r->svn[i]; i++)
		if (strcmp(r->svn[i], "tcb") == 0 ? is_tcb_number(name) : span_eq_str(name, r->svn[i]))
			return true;
	return false;
}

bool tcb_component(const char *platform, struct span name)
{
	const struct tcb_rule *r = rule_of(platform);

	return r && svn_known(r, name);
}

static enum coffer_rc read_svns(const struct json *o, const struct tcb_rule *rule, struct tcb_least *l, struct err *e)
{
	const struct json *svns = NULL;

	TRY(json_need_obj(o, "svns", WHERE " minimum", &svns, e));
	for (size_t i = 0; i < json_len(svns); i++) {
		struct span name = json_name(svns, i);
		uint64_t v;

		if (l->n_svns == FACT_SVNS_MAX || !svn_known(rule, name))
			return err_set(e, COFFER_E_INPUT, WHERE " minimum: member \"svns\" names a component that %s does not have",
			    rule->platform);
		if (!json_u64(json_at(svns, i), &v) || v > FORM_NUMBER_MAX)
			return err_set(e, COFFER_E_INPUT, WHERE " minimum: member \"svns\" holds something that is no version number");
		memcpy(l->svn[l->n_svns].name, name.p, name.n);
		l->svn[l->n_svns++].least = v;
	}
	return COFFER_OK;
}

static enum coffer_rc read_least(const struct json *v, const struct tcb_rule *rule, struct tcb_least *out, struct err *e)
{
	static const char *const names[] = { "product", "svns", NULL };
	struct tcb_least l = { 0 };
	struct span product;

	TRY(json_closed(v, names, WHERE " minimum", e));
	TRY(json_need_str(v, "product", WHERE " minimum", &product, e));
	if (product.n >= sizeof(l.product) || (product.n > 0 && !party_ok(product)))
		return err_set(e, COFFER_E_INPUT, WHERE " minimum: member \"product\" is no product's name");
	if (product.n)
		memcpy(l.product, product.p, product.n);
	TRY(read_svns(v, rule, &l, e));
	*out = l;
	return COFFER_OK;
}

static enum coffer_rc read_minimum(const struct json *body, struct tcb_minimum *t, struct err *e)
{
	const struct tcb_rule *rule = rule_of(t->platform);
	const struct json *list = NULL;

	if (!rule)
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"platform\" is no platform with firmware of a version");
	TRY(form_list(body, "minimum", WHERE, (struct form_range){ 1, TCB_PRODUCTS_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(read_least(json_at(list, i), rule, &t->least[i], e));
		for (size_t k = 0; k < i; k++)
			if (strcmp(t->least[k].product, t->least[i].product) == 0)
				return err_set(e, COFFER_E_INPUT, WHERE ": the same product twice in \"minimum\"");
		t->n_least++;
	}
	return COFFER_OK;
}

/* true: the owner lets it be; false: refused, where evidence tells. Absent: nothing is said. */
static enum coffer_rc read_bit(const struct json *body, const char *name, bool tells, bool *refused, struct err *e)
{
	bool may = true;

	if (json_get(body, name) && !json_bool(json_get(body, name), &may))
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"%s\" is not a boolean", name);
	if (!may && !tells)
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"%s\": evidence of this platform does not tell", name);
	*refused = !may;
	return COFFER_OK;
}

static enum coffer_rc read_bits(const struct json *body, struct tcb_minimum *t, struct err *e)
{
	TRY(read_bit(body, "smt", tcb_tells_smt(t->platform), &t->smt_refused, e));
	return read_bit(body, "migration", tcb_tells_migration(t->platform), &t->migration_refused, e);
}

static bool chip_ok(struct span s)
{
	uint8_t v[CHIP_BYTES_MAX];

	if (s.n < 2 || s.n % 2 || s.n > sizeof(v) * 2)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'F')
			return false;
	return hex_fixed(s, v, s.n / 2);
}

static enum coffer_rc read_chips(const struct json *body, struct tcb_minimum *t, struct err *e)
{
	const struct json *list = NULL;

	if (!json_get(body, "chips"))
		return COFFER_OK;
	TRY(form_list(body, "chips", WHERE, (struct form_range){ 1, TCB_CHIPS_MAX }, &list, e));
	TRY(form_unique(list, "chips", WHERE, e));
	for (size_t i = 0; i < json_len(list); i++) {
		t->chip[i] = json_str(json_at(list, i));
		if (!chip_ok(t->chip[i]))
			return err_set(e, COFFER_E_INPUT, WHERE ": member \"chips\" holds something that is no chip's id in lower-case hex");
		t->n_chips++;
	}
	return COFFER_OK;
}

static enum coffer_rc read_age(const struct json *body, struct tcb_minimum *t, struct err *e)
{
	const struct tcb_rule *rule = rule_of(t->platform);
	uint64_t hours = 0;

	if (!json_get(body, "collateral-max-age"))
		return COFFER_OK;
	TRY(form_number(body, "collateral-max-age", WHERE, (struct form_range){ 1, AGE_HOURS_MAX }, &hours, e));
	if (!rule || !rule->dated)
		return err_set(e, COFFER_E_INPUT, WHERE ": \"collateral-max-age\" on %s, whose evidence is judged by no document with a date",
		    t->platform);
	t->max_age = (int64_t)hours * 3600;
	return COFFER_OK;
}

enum coffer_rc tcb_read(const struct statement *s, struct tcb_minimum *out, struct err *e)
{
	static const char *const names[] = { "platform", "minimum", "smt", "migration", "chips", "collateral-max-age", "reference-values", NULL };
	struct tcb_minimum t = { 0 };
	struct span platform;

	if (s->kind != ST_TCB)
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, WHERE, e));
	TRY(json_need_str(s->body, "platform", WHERE, &platform, e));
	if (platform.n >= sizeof(t.platform) || !party_ok(platform))
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"platform\" is no platform's name");
	memcpy(t.platform, platform.p, platform.n);
	TRY(read_minimum(s->body, &t, e));
	TRY(read_bits(s->body, &t, e));
	TRY(read_chips(s->body, &t, e));
	TRY(read_age(s->body, &t, e));
	TRY(reference_member(s->body, WHERE, &t.reference, e));
	*out = t;
	return COFFER_OK;
}
