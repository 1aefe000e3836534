/* What kind of value is it. OPA answers false where the type differs, so these are never undefined. */
#include "policy/builtin/builtin.h"

static struct val is(const struct call *c, enum val_type t)
{
	return val_bool(val_type(c->arg[0]) == t);
}

static struct val is_null(struct call *c)
{
	return is(c, VT_NULL);
}

static struct val is_boolean(struct call *c)
{
	return is(c, VT_BOOL);
}

static struct val is_number(struct call *c)
{
	return is(c, VT_NUMBER);
}

static struct val is_string(struct call *c)
{
	return is(c, VT_STRING);
}

static struct val is_array(struct call *c)
{
	return is(c, VT_ARRAY);
}

static struct val is_object(struct call *c)
{
	return is(c, VT_OBJECT);
}

static struct val is_set(struct call *c)
{
	return is(c, VT_SET);
}

static struct val type_name(struct call *c)
{
	return val_text(c->h, val_type_name(c->arg[0]));
}

const struct builtin bi_types[] = {
	{ .name = "is_null", .args = 1, .fn = is_null },
	{ .name = "is_boolean", .args = 1, .fn = is_boolean },
	{ .name = "is_number", .args = 1, .fn = is_number },
	{ .name = "is_string", .args = 1, .fn = is_string },
	{ .name = "is_array", .args = 1, .fn = is_array },
	{ .name = "is_object", .args = 1, .fn = is_object },
	{ .name = "is_set", .args = 1, .fn = is_set },
	{ .name = "type_name", .args = 1, .fn = type_name },
	{ 0 },
};
