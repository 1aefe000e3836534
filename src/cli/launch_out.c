#include "cli/launch_out.h"

#include "fmt/enc.h"

void launch_json(struct json_wr *j, const struct hw_facts *f, const char *shape)
{
	jw_obj(j);
	jw_m_text(j, "platform", f->platform);
	jw_m_text(j, "shape", shape);
	jw_name(j, "registers");
	jw_obj(j);
	for (size_t i = 0; i < f->n_regs; i++) {
		char hex[2 * sizeof(f->reg[i].v) + 1];

		hex_text((struct span){ f->reg[i].v, f->reg[i].n }, hex);
		jw_m_text(j, f->reg[i].name, hex);
	}
	jw_obj_end(j);
	jw_obj_end(j);
}
