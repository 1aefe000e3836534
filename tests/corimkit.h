/* A maker of CoRIM texts for tests. */
#pragma once
#include "tests/cborkit.h"

/* How a text departs from a plain one: {vendor "V", model "M"}, one measurement with a UUID and one SHA-256. */
struct corimkit {
	const char *vendor, *element, *name;
	size_t digest, digests, measurements; /* bytes; how many */
	int64_t alg;
	bool number, raw, no_values;
};
extern const struct corimkit corimkit_plain;
#define CORIMKIT_UUID "31fb5abf-023e-4992-aa4e-95f9c1503bfa"
void corimkit_write(struct wr *w, const struct corimkit *h); /* unsigned, appended */
