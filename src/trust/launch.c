#include "trust/launch.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/form.h"

#define LAUNCH_WHERE_MAX 64

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

bool launch_register_ok(struct span name, size_t n)
{
	if (is_pcr(name))
		return n == 32;
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		if (span_eq_str(name, registers[i].name))
			return registers[i].n ? n == registers[i].n : n == 32 || n == 48 || n == 64;
	return false;
}

static enum coffer_rc read_register(struct span name, const struct json *v, const char *where, struct fact_reg *out, struct err *e)
{
	struct span hex = json_str(v);
	struct fact_reg r = { .n = hex.n / 2 };

	if (!launch_register_ok(name, r.n) || hex.n % 2)
		return err_set(e, COFFER_E_INPUT, "%s: a register that no platform has, or a value that is not of its size", where);
	for (size_t i = 0; i < hex.n; i++)
		if (hex.p[i] >= 'A' && hex.p[i] <= 'F')
			return err_set(e, COFFER_E_INPUT, "%s: a register's value is not lower-case hex", where);
	if (!hex_fixed(hex, r.v, r.n))
		return err_set(e, COFFER_E_INPUT, "%s: a register's value is not lower-case hex", where);
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

static enum coffer_rc check_launch(const struct boot_launch *l, const char *where, struct err *e)
{
	const struct launch_rule *r = NULL;

	for (size_t i = 0; i < sizeof(launch_rules) / sizeof(launch_rules[0]); i++)
		if (strcmp(l->platform, launch_rules[i].platform) == 0)
			r = &launch_rules[i];
	if (!r)
		return err_set(e, COFFER_E_INPUT, "%s: member \"platform\" is no platform that measures what it launches", where);
	for (size_t i = 0; i < sizeof(r->all) / sizeof(r->all[0]); i++)
		if (r->all[i] && !has_register(l, r->all[i]))
			return err_set(e, COFFER_E_INPUT, "%s: on %s register \"%s\" is missing", where, r->platform, r->all[i]);
	if (r->any[0] && !has_register(l, r->any[0]) && !has_register(l, r->any[1]))
		return err_set(e, COFFER_E_INPUT, "%s: on %s one of the registers \"%s\" and \"%s\" is missing", where, r->platform,
		    r->any[0], r->any[1]);
	return COFFER_OK;
}

/* Into a zeroed field. */
static enum coffer_rc read_word(const struct json *o, const char *name, const char *where, char *out, size_t room, struct err *e)
{
	struct span s;

	TRY(form_text(o, name, where, &s, e));
	if (s.n >= room)
		return err_set(e, COFFER_E_INPUT, "%s: member \"%s\" is longer than %zu bytes", where, name, room - 1);
	memcpy(out, s.p, s.n);
	return COFFER_OK;
}

static enum coffer_rc read_launch(const struct json *v, const char *where, struct boot_launch *out, struct err *e)
{
	static const char *const names[] = { "platform", "shape", "registers", NULL };
	const struct json *regs = NULL;
	struct boot_launch l = { 0 };

	TRY(json_closed(v, names, where, e));
	TRY(read_word(v, "platform", where, l.platform, sizeof(l.platform), e));
	TRY(read_word(v, "shape", where, l.shape, sizeof(l.shape), e));
	TRY(json_need_obj(v, "registers", where, &regs, e));
	if (json_len(regs) > BOOT_REGS_MAX)
		return err_set(e, COFFER_E_INPUT, "%s: more than %d registers", where, BOOT_REGS_MAX);
	for (size_t i = 0; i < json_len(regs); i++)
		TRY(read_register(json_name(regs, i), json_at(regs, i), where, &l.reg[l.n_regs++], e));
	TRY(check_launch(&l, where, e));
	*out = l;
	return COFFER_OK;
}

enum coffer_rc launches_read(const struct json *list, const char *where, struct boot_launch *out, size_t *n, struct err *e)
{
	char one[LAUNCH_WHERE_MAX];

	*n = 0;
	(void)snprintf(one, sizeof(one), "%s launch", where);
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(read_launch(json_at(list, i), one, &out[i], e));
		for (size_t k = 0; k < i; k++)
			if (strcmp(out[k].platform, out[i].platform) == 0 && strcmp(out[k].shape, out[i].shape) == 0)
				return err_set(e, COFFER_E_INPUT, "%s: the same platform and shape twice among the launches", where);
		++*n;
	}
	return COFFER_OK;
}

static void write_one(const struct boot_launch *l, struct json_wr *j)
{
	jw_obj(j);
	jw_m_text(j, "platform", l->platform);
	jw_name(j, "registers");
	jw_obj(j);
	for (size_t i = 0; i < l->n_regs; i++)
		jw_m_hex(j, l->reg[i].name, (struct span){ l->reg[i].v, l->reg[i].n });
	jw_obj_end(j);
	jw_m_text(j, "shape", l->shape);
	jw_obj_end(j);
}

void launches_write(const struct boot_launch *l, size_t n, struct json_wr *j)
{
	jw_arr(j);
	for (size_t i = 0; i < n; i++)
		write_one(&l[i], j);
	jw_arr_end(j);
}
