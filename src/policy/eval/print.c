/* print: never fails a body; what is undefined is shown as such; an argument with several values prints a line for each. */
#include "policy/eval/eval.h"

#define ARGS_MAX 64 /* with several values each; more print only their first */

static size_t choices(const struct node *n, struct val x)
{
	return n->kind == N_COMP && n->many && val_len(x) ? val_len(x) : 1;
}

static void put_arg(struct rego_eval *v, const struct node *n, struct val x, size_t i)
{
	if (n->kind == N_COMP && n->many)
		x = val_at(x, i);
	if (!val_defined(x))
		wr_str(v->prints, "<undefined>");
	else
		val_put_rego(v->prints, x, false);
}

static void put_line(struct rego_eval *v, const struct node *args, const struct val *x, const size_t *at)
{
	size_t before = v->prints->n;

	for (size_t i = 0; i < args->n; i++) {
		if (i)
			wr_u8(v->prints, ' ');
		put_arg(v, args->item[i], x[i], i < ARGS_MAX ? at[i] : 0);
	}
	wr_u8(v->prints, '\n');
	v->printed += v->prints->n - before;
	if (!wr_ok(v->prints) || v->printed > v->lim.output_max)
		heap_over(&v->h, REGO_LIMIT_OUTPUT);
}

void print(struct rego_eval *v, const struct node *args, struct val *f)
{
	size_t at[ARGS_MAX] = { 0 }, i;
	struct val *x = frame_push(v, args->n);

	if (!x)
		return;
	for (i = 0; i < args->n; i++)
		x[i] = value_of(v, args->item[i], f);
	do {
		if (!heap_steps(&v->h, 1 + args->n))
			break;
		put_line(v, args, x, at);
		for (i = args->n < ARGS_MAX ? args->n : ARGS_MAX; i; i--) { /* as an odometer: the last argument turns fastest */
			if (++at[i - 1] < choices(args->item[i - 1], x[i - 1]))
				break;
			at[i - 1] = 0;
		}
	} while (i && heap_ok(&v->h));
	frame_pop(v, x);
}
