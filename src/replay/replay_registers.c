/* The registers that were quoted, beside what foretold them: for people. The decision compared them already. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "crypto/hash.h"
#include "replay/replay_int.h"
#include "trust/machine_match.h"

#define INIT_PCR "pcr08"

/* What looks at a measured boot wants to see, whatever the launch names: firmware, what else it ran, what it started, init-data, command line and ramdisk, a
 * unified kernel image. */
static const char *const shown[] = { "pcr00", "pcr02", "pcr04", INIT_PCR, "pcr09", "pcr11" };

static const struct boot_launch *launch_of(const struct boot_image *b, const struct hw_facts *hw)
{
	struct machine_diff d;

	for (size_t i = 0; i < b->n_launches; i++)
		if (launches_match(&b->launch[i], 1, hw, &d))
			return &b->launch[i];
	return NULL;
}

static const struct fact_reg *named(const struct boot_launch *l, const char *name)
{
	for (size_t i = 0; i < l->n_regs; i++)
		if (strcmp(l->reg[i].name, name) == 0)
			return &l->reg[i];
	return NULL;
}

/* PCR 8 after the guest extended it once with the digest of the workload's rendering (R6). */
static void of_initdata(const uint8_t initdata[static 32], struct fact_reg *out)
{
	uint8_t both[64] = { 0 };

	memcpy(both + 32, initdata, 32);
	sha256(SPAN(both), out->v);
	out->n = 32;
	memcpy(out->name, INIT_PCR, sizeof(INIT_PCR));
}

/* In its place by name, once. */
static void add(const struct decide_in *in, const struct decision *d, const struct boot_launch *l, const char *name, struct replay_out *out)
{
	const struct fact_reg *quoted = facts_reg(in->a.hw, name), *told = named(l, name);
	struct replay_register r = { .by = REPLAY_BY_NOTHING };
	size_t at = 0;

	while (at < out->n_regs && strcmp(out->reg[at].quoted.name, name) < 0)
		at++;
	if (!quoted || out->n_regs == REPLAY_REGISTERS_MAX || (at < out->n_regs && strcmp(out->reg[at].quoted.name, name) == 0))
		return;
	r.quoted = *quoted;
	if (told) {
		r.by = REPLAY_BY_BOOT_IMAGE;
		r.told = *told;
	} else if (strcmp(name, INIT_PCR) == 0 && d->workload) {
		r.by = REPLAY_BY_INITDATA;
		of_initdata(d->workload->initdata, &r.told);
	}
	memmove(&out->reg[at + 1], &out->reg[at], (out->n_regs - at) * sizeof(r));
	out->reg[at] = r;
	out->n_regs++;
}

void replay_registers(const struct decide_in *in, const struct decision *d, struct replay_out *out)
{
	const struct boot_launch *l = d->boot && in->a.hw ? launch_of(&d->boot->body, in->a.hw) : NULL;

	if (!l)
		return;
	out->booted = true;
	memcpy(out->boot_image, d->boot->s.id, sizeof(out->boot_image));
	(void)snprintf(out->boot_name, sizeof(out->boot_name), "%s", d->boot->body.name);
	(void)snprintf(out->boot_shape, sizeof(out->boot_shape), "%s", l->shape);
	for (size_t i = 0; i < l->n_regs; i++)
		add(in, d, l, l->reg[i].name, out);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		add(in, d, l, shown[i], out);
}
