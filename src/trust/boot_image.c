#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/form.h"
#include "trust/machine.h"
#include "trust/reference.h"

#define WHERE "boot-image"

static const struct { unsigned bit; const char *name; } enforced[] = {
	{ ENFORCES_MANIFEST, "manifest" }, { ENFORCES_IMAGE_DIGESTS, "image-digests" }, { ENFORCES_SCOPING, "container-scoping" },
	{ ENFORCES_EGRESS, "egress" }, { ENFORCES_LEASES, "leases" },
};
#define N_ENFORCED (sizeof(enforced) / sizeof(enforced[0]))

bool enforces_by_name(struct span s, unsigned *out)
{
	for (size_t i = 0; i < N_ENFORCED; i++) {
		if (!span_eq_str(s, enforced[i].name))
			continue;
		*out = enforced[i].bit;
		return true;
	}
	return false;
}

void enforces_names(unsigned set, char *out, size_t n)
{
	size_t at = 0;

	if (n == 0)
		return;
	out[0] = '\0';
	for (size_t i = 0; i < N_ENFORCED; i++) {
		size_t len = strlen(enforced[i].name), sep = at ? 2 : 0;

		if (!(set & enforced[i].bit) || at + sep + len >= n)
			continue;
		memcpy(out + at, ", ", sep);
		memcpy(out + at + sep, enforced[i].name, len + 1);
		at += sep + len;
	}
}

/* What says which code was launched: all of `all`, and one of `any` where there are any. PCRs that a paravisor keeps are its word:
 * anyone with such a processor could launch one of his own that says what he likes, so its own measurement belongs to it. */
static const struct launch_rule { const char *platform; const char *all[3], *any[2]; } launch_rules[] = {
	{ "snp", { "measurement" }, { NULL } },
	{ "tdx", { "mr_td", "rtmr_1", "rtmr_2" }, { NULL } },
	{ "tpm", { "pcr04" }, { "pcr09", "pcr11" } },
	{ "swtpm", { "pcr04" }, { "pcr09", "pcr11" } },
	{ "az-snp-vtpm", { "measurement", "pcr04" }, { "pcr09", "pcr11" } },
	{ "az-tdx-vtpm", { "mr_td", "pcr04" }, { "pcr09", "pcr11" } },
	{ "sgx", { "mr_enclave" }, { NULL } },
	{ "cca", { "initial_measurement" }, { NULL } },
	{ "csv", { "measure" }, { NULL } },
};

/* Names besides pcr00..pcr23, and how many bytes each has; 0: the platform lets several be. */
static const struct { const char *name; size_t n; } registers[] = {
	{ "measurement", 48 }, { "mr_td", 48 }, { "mr_seam", 48 }, { "rtmr_0", 48 }, { "rtmr_1", 48 },
	{ "rtmr_2", 48 }, { "rtmr_3", 48 },
	{ "mr_enclave", 32 }, { "mr_signer", 32 }, { "initial_measurement", 0 }, { "measure", 32 },
};

static bool is_pcr(struct span s)
{
	static const char digits[] = "0123456789";
	unsigned v;

	if (s.n != 5 || !span_starts(s, "pcr") || !memchr(digits, s.p[3], 10) || !memchr(digits, s.p[4], 10))
		return false;
	v = (unsigned)(s.p[3] - '0') * 10 + (unsigned)(s.p[4] - '0');
	return v < 24;
}

bool boot_register_ok(struct span name, size_t n)
{
	if (is_pcr(name))
		return n == 32;
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		if (span_eq_str(name, registers[i].name))
			return registers[i].n ? n == registers[i].n : n == 32 || n == 48 || n == 64;
	return false;
}

static enum coffer_rc read_register(struct span name, const struct json *v, struct fact_reg *out, struct err *e)
{
	struct span hex = json_str(v);
	struct fact_reg r = { .n = hex.n / 2 };

	if (!boot_register_ok(name, r.n) || hex.n % 2)
		return err_set(e, COFFER_E_INPUT, WHERE " launch: a register that no platform has, or a value that is not of its size");
	for (size_t i = 0; i < hex.n; i++)
		if (hex.p[i] >= 'A' && hex.p[i] <= 'F')
			return err_set(e, COFFER_E_INPUT, WHERE " launch: a register's value is not lower-case hex");
	if (!hex_fixed(hex, r.v, r.n))
		return err_set(e, COFFER_E_INPUT, WHERE " launch: a register's value is not lower-case hex");
	memcpy(r.name, name.p, name.n);
	*out = r;
	return COFFER_OK;
}

static bool has_register(const struct boot_launch *l, const char *name)
{
	for (size_t i = 0; i < l->n_regs; i++)
		if (strcmp(l->reg[i].name, name) == 0)
			return true;
	return false;
}

static enum coffer_rc check_launch(const struct boot_launch *l, struct err *e)
{
	const struct launch_rule *r = NULL;

	for (size_t i = 0; i < sizeof(launch_rules) / sizeof(launch_rules[0]); i++)
		if (strcmp(l->platform, launch_rules[i].platform) == 0)
			r = &launch_rules[i];
	if (!r)
		return err_set(e, COFFER_E_INPUT, WHERE " launch: member \"platform\" is no platform that measures what it launches");
	for (size_t i = 0; i < sizeof(r->all) / sizeof(r->all[0]); i++)
		if (r->all[i] && !has_register(l, r->all[i]))
			return err_set(e, COFFER_E_INPUT, WHERE " launch: on %s register \"%s\" is missing", r->platform, r->all[i]);
	if (r->any[0] && !has_register(l, r->any[0]) && !has_register(l, r->any[1]))
		return err_set(e, COFFER_E_INPUT, WHERE " launch: on %s one of the registers \"%s\" and \"%s\" is missing", r->platform,
		    r->any[0], r->any[1]);
	return COFFER_OK;
}

/* Into a zeroed field. */
static enum coffer_rc read_word(const struct json *o, const char *name, char *out, size_t room, struct err *e)
{
	struct span s;

	TRY(form_text(o, name, WHERE, &s, e));
	if (s.n >= room)
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"%s\" is longer than %zu bytes", name, room - 1);
	memcpy(out, s.p, s.n);
	return COFFER_OK;
}

static enum coffer_rc read_launch(const struct json *v, struct boot_launch *out, struct err *e)
{
	static const char *const names[] = { "platform", "shape", "registers", NULL };
	const struct json *regs = NULL;
	struct boot_launch l = { 0 };

	TRY(json_closed(v, names, WHERE " launch", e));
	TRY(read_word(v, "platform", l.platform, sizeof(l.platform), e));
	TRY(read_word(v, "shape", l.shape, sizeof(l.shape), e));
	TRY(json_need_obj(v, "registers", WHERE " launch", &regs, e));
	if (json_len(regs) > BOOT_REGS_MAX)
		return err_set(e, COFFER_E_INPUT, WHERE " launch: more than %d registers", BOOT_REGS_MAX);
	for (size_t i = 0; i < json_len(regs); i++)
		TRY(read_register(json_name(regs, i), json_at(regs, i), &l.reg[l.n_regs++], e));
	TRY(check_launch(&l, e));
	*out = l;
	return COFFER_OK;
}

static enum coffer_rc read_launches(const struct json *body, struct boot_image *b, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(body, "launches", WHERE, (struct form_range){ 1, BOOT_LAUNCHES_MAX }, &list, e));
	b->launch = calloc(json_len(list), sizeof(*b->launch));
	if (!b->launch)
		return err_set(e, COFFER_E_SYSTEM, WHERE ": out of memory");
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(read_launch(json_at(list, i), &b->launch[i], e));
		for (size_t k = 0; k < i; k++)
			if (strcmp(b->launch[k].platform, b->launch[i].platform) == 0 && strcmp(b->launch[k].shape, b->launch[i].shape) == 0)
				return err_set(e, COFFER_E_INPUT, WHERE ": the same platform and shape twice among the launches");
		b->n_launches++;
	}
	return COFFER_OK;
}

static enum coffer_rc read_enforces(const struct json *body, unsigned *out, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(body, "enforces", WHERE, (struct form_range){ 0, N_ENFORCED }, &list, e));
	TRY(form_unique(list, "enforces", WHERE, e));
	for (size_t i = 0; i < json_len(list); i++) {
		unsigned bit;

		if (!enforces_by_name(json_str(json_at(list, i)), &bit))
			return err_set(e, COFFER_E_INPUT, WHERE ": member \"enforces\" holds something that no agent enforces");
		*out |= bit;
	}
	return COFFER_OK;
}

void boot_image_clear(struct boot_image *b)
{
	free(b->launch);
	*b = (struct boot_image){ 0 };
}

enum coffer_rc boot_image_read(const struct statement *s, struct boot_image *out, struct err *e)
{
	static const char *const names[] = { "name", "enforces", "launches", "rebuild", "reference-values", NULL };
	CLEANUP(boot_image_clear) struct boot_image b = { 0 };

	if (s->kind != ST_BOOT_IMAGE)
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, WHERE, e));
	TRY(read_word(s->body, "name", b.name, sizeof(b.name), e));
	TRY(read_enforces(s->body, &b.enforces, e));
	TRY(read_launches(s->body, &b, e));
	TRY(form_text(s->body, "rebuild", WHERE, &b.rebuild, e));
	TRY(reference_member(s->body, WHERE, &b.reference, e));
	*out = b;
	b = (struct boot_image){ 0 };
	return COFFER_OK;
}
