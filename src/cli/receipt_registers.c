#include "cli/receipt_registers.h"

#include <stdio.h>
#include <string.h>

#include "fmt/enc.h"

#define ID_SHOWN 16

static const char *const by[] = { [REPLAY_BY_NOTHING] = "nothing", [REPLAY_BY_BOOT_IMAGE] = "boot-image", [REPLAY_BY_INITDATA] = "initdata" };

/* What is in it, in a word. */
static const struct { const char *name, *holds; } words[] = {
	{ "pcr00", "firmware" }, { "pcr02", "option ROMs, drivers" }, { "pcr03", "their settings" }, { "pcr04", "kernel" }, { "pcr08", "initdata" }, { "pcr09", "command line, ramdisk" }, { "pcr11", "unified kernel image" },
};

static const char *holds(const char *name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].name, name) == 0)
			return words[i].holds;
	return "";
}

/* Of names that an issuer wrote. */
static void print_text(const char *s)
{
	for (; *s; s++)
		(void)putchar(*s >= 0x20 && *s <= 0x7e ? *s : '?');
}

static void print_register(const struct replay_register *r)
{
	char quoted[2 * sizeof(r->quoted.v) + 1], told[2 * sizeof(r->told.v) + 1];

	hex_text((struct span){ r->quoted.v, r->quoted.n }, quoted);
	hex_text((struct span){ r->told.v, r->told.n }, told);
	(void)printf("  %-11s quoted    %s  %s\n", r->quoted.name, quoted, holds(r->quoted.name));
	if (r->by == REPLAY_BY_NOTHING)
		(void)printf("  %-11s predicted by nothing\n", "");
	else
		(void)printf("  %-11s predicted %s  by the %s: %s\n", "", told, r->by == REPLAY_BY_INITDATA ? "workload's manifest" : "boot image",
		    strcmp(quoted, told) == 0 ? "the same" : "ANOTHER");
}

void receipt_registers_print(const struct replay_out *o)
{
	char id[HEX32_LEN];

	if (!o->booted)
		return;
	hex32(o->boot_image, id);
	(void)printf("what was booted, by the quote in the evidence (%s), beside boot image ", o->platform);
	print_text(o->boot_name);
	(void)printf(" %.*s (", ID_SHOWN, id);
	print_text(o->boot_shape);
	(void)printf("):\n");
	for (size_t i = 0; i < o->n_regs; i++)
		print_register(&o->reg[i]);
}

void receipt_registers_json(const struct replay_out *o, struct json_wr *j)
{
	char id[HEX32_LEN];

	if (!o->booted)
		return;
	hex32(o->boot_image, id);
	jw_name(j, "boot-image");
	jw_obj(j);
	jw_m_text(j, "id", id);
	jw_m_text(j, "name", o->boot_name);
	jw_m_text(j, "shape", o->boot_shape);
	jw_obj_end(j);
	jw_name(j, "registers");
	jw_arr(j);
	for (size_t i = 0; i < o->n_regs; i++) {
		const struct replay_register *r = &o->reg[i];

		jw_obj(j);
		jw_m_text(j, "register", r->quoted.name);
		jw_m_hex(j, "quoted", (struct span){ r->quoted.v, r->quoted.n });
		if (r->by != REPLAY_BY_NOTHING)
			jw_m_hex(j, "predicted", (struct span){ r->told.v, r->told.n });
		jw_m_text(j, "by", by[r->by]);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}
