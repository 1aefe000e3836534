/* What says nothing here, but must be there for policies that name it. */
#include "policy/builtin/operand.h"

/* Nothing of the machine is shown to a policy. */
static struct val opa_runtime(struct call *c)
{
	return val_object(c->h, NULL, 0, NULL);
}

static struct val trace(struct call *c)
{
	return bi_is(c, 0, VT_STRING) ? val_bool(true) : VAL_UNDEF;
}

/* Asks nobody, whatever it is given: policies that use it load, and tests put a function of theirs in its place. */
static struct val http_send(struct call *c)
{
	struct val o = c->arg[0];

	if (!bi_is(c, 0, VT_OBJECT))
		return VAL_UNDEF;
	if (!val_defined(val_gets(o, "method")) || !val_defined(val_gets(o, "url")))
		return bi_operand(c, 0, "missing required request parameters(s)");
	return bi_fail(c, "a policy has no network here");
}

const struct builtin bi_misc[] = {
	{ .name = "opa.runtime", .args = 0, .fn = opa_runtime },
	{ .name = "http.send", .args = 1, .fn = http_send, .volatile_ = true },
	{ .name = "trace", .args = 1, .fn = trace },
	{ 0 },
};
