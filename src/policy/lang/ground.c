/* Terms that are values already. */
#include "policy/lang/ast.h"

bool term_ground(const struct term *t)
{
	if (t->kind == TERM_CONST)
		return true;
	if (t->kind != TERM_ARRAY && t->kind != TERM_SET && t->kind != TERM_OBJECT)
		return false;
	for (size_t i = 0; i < t->n_items; i++)
		if (!term_ground(t->item[i]))
			return false;
	return true;
}

static struct val composite(struct heap *h, const struct term *t)
{
	size_t n = t->n_items;
	struct val *v = heap_array(h, n, sizeof(*v));

	for (size_t i = 0; v && i < n; i++)
		v[i] = term_value(h, t->item[i]);
	if (!v)
		return VAL_UNDEF;
	return t->kind == TERM_SET ? val_set(h, v, n) : val_array(h, v, n);
}

static struct val object(struct heap *h, const struct term *t)
{
	size_t n = t->n_items / 2;
	struct pair *m = heap_array(h, n, sizeof(*m));
	bool conflict = false;
	struct val v;

	for (size_t i = 0; m && i < n; i++)
		m[i] = (struct pair){ term_value(h, t->item[2 * i]), term_value(h, t->item[2 * i + 1]) };
	v = m ? val_object(h, m, n, &conflict) : VAL_UNDEF;
	return conflict ? VAL_UNDEF : v;
}

struct val term_value(struct heap *h, const struct term *t)
{
	switch (t->kind) {
	case TERM_CONST:
		return t->value;
	case TERM_ARRAY:
	case TERM_SET:
		return composite(h, t);
	case TERM_OBJECT:
		return object(h, t);
	case TERM_VAR:
	case TERM_REF:
	case TERM_ARRAY_COMP:
	case TERM_SET_COMP:
	case TERM_OBJECT_COMP:
	case TERM_CALL:
	case TERM_TEMPLATE:
		break;
	}
	return VAL_UNDEF;
}
