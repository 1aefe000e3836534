/* What Go's fmt makes of one argument and one verb. */
#pragma once
#include "base/wr.h"
#include "policy/value/num.h"

enum go_kind { GO_INT, GO_BIG, GO_FLOAT, GO_STRING };

struct go_arg {
	enum go_kind   kind;
	struct val  v;
	int64_t     i;    /* GO_INT */
	double      f;    /* GO_FLOAT */
	struct span text; /* GO_STRING */
};

struct go_spec {
	bool minus, plus, sharp, space, zero;
	bool has_width, has_prec;
	int  width, prec;
	uint32_t verb; /* code point; its bytes are in verb_text */
	struct span verb_text;
};

const char *go_kind_name(enum go_kind k); /* as Go names the type in its complaints: "int" "big.Int" "float64" "string" */

/* Writes the argument; false when the verb is none for its kind, and then nothing is written. */
bool go_put(struct wr *w, const struct go_spec *s, const struct go_arg *a);
