/* Comparing costs steps where it costs time: two composites, not the same node, that may be equal or have a long common part. */
#include "policy/eval/eval.h"

#define BYTES_A_STEP 64

/* Values nest to VAL_DEPTH_MAX at most. */
static bool toll(struct rego_eval *v, struct val x)
{
	size_t n = val_len(x);

	if (!heap_steps(&v->h, n + val_span(x).n / BYTES_A_STEP))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct val k = val_key(x, i), item = val_at(x, i);

		if (val_len(k) && !toll(v, k))
			return false;
		if ((val_len(item) || val_span(item).n >= BYTES_A_STEP) && !toll(v, item))
			return false;
	}
	return true;
}

bool equal(struct rego_eval *v, struct val a, struct val b)
{
	if (a.w == b.w)
		return true;
	if (val_len(a) && val_len(a) == val_len(b)) {
		if (val_hash(a) != val_hash(b) || !toll(v, a))
			return false;
	}
	return val_eq(a, b);
}

int compare(struct rego_eval *v, struct val a, struct val b)
{
	if (a.w != b.w && val_len(a) && val_len(b) && !toll(v, val_len(a) < val_len(b) ? a : b))
		return 0;
	return val_cmp(a, b);
}
