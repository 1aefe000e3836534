/* The signature checks that one appraisal makes, taken down while it runs, and what they cost alone: the same keys, messages and
 * signatures through OpenSSL's EVP, keys parsed already. Linked with --wrap, so that every check of the library passes here. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

void   checks_begin(void);  /* forget what was, take down from now on */
void   checks_end(void);
size_t checks_made(void);   /* of all kinds, failed ones too */
size_t checks_distinct(void); /* that held, each once */
/* Every distinct one once; false when one of them does not hold. */
bool   checks_replay(void);
