#include "policy/value/heap.h"

const char *rego_code_name(enum rego_code c)
{
	switch (c) {
	case REGO_OK:
		return "ok";
	case REGO_PARSE:
		return "rego_parse_error";
	case REGO_COMPILE:
		return "rego_compile_error";
	case REGO_UNSAFE:
		return "rego_unsafe_var_error";
	case REGO_RECURSION:
		return "rego_recursion_error";
	case REGO_TYPE:
		return "rego_type_error";
	case REGO_CONFLICT:
		return "eval_conflict_error";
	case REGO_EVAL_TYPE:
		return "eval_type_error";
	case REGO_BUILTIN:
		return "eval_builtin_error";
	case REGO_WITH_MERGE:
		return "eval_with_merge_error";
	case REGO_INTERNAL:
		return "eval_internal_error";
	case REGO_CANCELLED:
		return "eval_cancel_error";
	case REGO_LIMIT_SOURCE:
		return "limit_source";
	case REGO_LIMIT_NESTING:
		return "limit_nesting";
	case REGO_LIMIT_STEPS:
		return "limit_steps";
	case REGO_LIMIT_MEMORY:
		return "limit_memory";
	case REGO_LIMIT_CALLS:
		return "limit_calls";
	case REGO_LIMIT_OUTPUT:
		return "limit_output";
	case REGO_LIMIT_REGEX:
		return "limit_regex";
	case REGO_SYSTEM:
		return "system";
	}
	return "eval_internal_error";
}

void heap_over(struct heap *h, enum rego_code c)
{
	if (h->over == REGO_OK)
		h->over = c;
}

bool heap_steps(struct heap *h, uint64_t n)
{
	if (h->over != REGO_OK)
		return false;
	if (n > h->steps) {
		h->steps = 0;
		heap_over(h, REGO_LIMIT_STEPS);
		return false;
	}
	h->steps -= n;
	return true;
}

void *heap_alloc(struct heap *h, size_t n)
{
	return heap_array(h, n, 1);
}

void *heap_array(struct heap *h, size_t n, size_t each)
{
	void *p = h->over == REGO_OK ? arena_array(h->arena, n, each) : NULL;

	if (!p)
		heap_over(h, REGO_LIMIT_MEMORY);
	return p;
}
