/* Memory for key material. A secret is never a char*, never in JSON, never
 * logged, never copied into `struct err`. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/rd.h"

struct secret {
	uint8_t *p;   /* n usable bytes, zeroed, ending at a guard page */
	size_t   n;
	uint8_t *map; /* private: whole mapping */
	size_t   map_n;
};

#define SECRET_MAX (4u << 20) /* bytes of one secret; half of the RLIMIT_MEMLOCK that systems hand out */

/* Fails closed: an allocation that cannot be locked is not handed out. COFFER_E_LIMIT for none or over SECRET_MAX bytes.
 * *out must be zero-initialised; release with secret_free. */
enum coffer_rc secret_new(size_t n, struct secret *out, struct err *e) NODISCARD;

/* Wipes, unlocks, unmaps, zeroes *s. OK on a zero struct; CLEANUP-ready. */
void secret_free(struct secret *s);

/* Compares without a data-dependent branch. Lengths are public. */
bool ct_eq(struct span a, struct span b) NODISCARD;
