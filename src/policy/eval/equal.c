/* Comparing costs steps where it costs time (val_toll): values that are not the same node, may be equal, and are large. */
#include "policy/eval/eval.h"

bool key_toll(struct rego_eval *v, struct val key)
{
	return heap_steps(&v->h, val_toll(key));
}

bool equal(struct rego_eval *v, struct val a, struct val b)
{
	return val_same(&v->h, a, b);
}

int compare(struct rego_eval *v, struct val a, struct val b)
{
	return val_order(&v->h, a, b);
}
