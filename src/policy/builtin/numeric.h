/* Operands of the builtins about numbers. */
#pragma once
#include "policy/builtin/builtin.h"
#include "policy/value/num.h"

/* Operand i is a number; otherwise false and the fault is recorded. */
bool bi_number_arg(struct call *c, size_t i) NODISCARD;
/* ... with an integral value ("must be integer number but got floating-point number"). */
bool bi_integer_arg(struct call *c, size_t i) NODISCARD;
/* A fault of type in words of its own: "operand <i + 1> must be <what>". */
struct val bi_operand_is(struct call *c, size_t i, const char *what);
/* Steps for num_put_base, whose work grows with the square of the number's length. */
bool bi_base_steps(struct heap *h, struct val v) NODISCARD;
