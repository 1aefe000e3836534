#include "agent/slots.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/dsse.h"

static enum coffer_rc read_binding(struct span envelope, struct binding *out, uint8_t id[static 32], struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };

	TRY(dsse_parse(envelope, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	dsse_id(&env, id);
	return binding_read(&s, out, e);
}

static enum coffer_rc name_it(struct agent *a, const uint8_t id[static 32], struct err *e)
{
	size_t at = strlen(a->bindings);
	char hex[HEX32_LEN];

	hex32(id, hex);
	if (strstr(a->bindings, hex))
		return err_deny(e, "binding", "binding %.16s is given twice", hex);
	if (sizeof(a->bindings) - at < HEX32_LEN + 1)
		return err_set(e, COFFER_E_LIMIT, "more than %d bindings", BINDINGS_MAX);
	(void)snprintf(a->bindings + at, sizeof(a->bindings) - at, "%s%s", at ? "," : "", hex);
	return COFFER_OK;
}

enum coffer_rc slots_fill(struct agent *a, struct span envelope, struct err *e)
{
	struct binding b;
	uint8_t id[32];

	TRY(read_binding(envelope, &b, id, e));
	if (!span_eq(SPAN(b.workload), SPAN(a->man.digest)))
		return err_deny(e, "binding", "binding %s is of another workload", b.name);
	for (size_t i = 0; i < b.n_slots; i++) {
		struct span name = span_of(b.slot[i].name);

		if (!manifest_slot(&a->man, name))
			return err_deny(e, "binding", "binding %s fills slot %s, which the manifest does not have", b.name, b.slot[i].name);
		if (!manifest_fill(&a->man, name, &b.slot[i].asset))
			return err_deny(e, "binding", "two bindings fill slot %s", b.slot[i].name);
	}
	return name_it(a, id, e);
}
