/* Delegations among the kit's parties, and what is entered past admission: by parties of whom there are more than the kit has. */
#pragma once
#include "tests/keepkit.h"

/* Zero: hospital's approval of its notes, to the stranger, for long, by whose power it is. */
struct lend {
	enum kit_party by, of;
	const char *to, *role, *scope, *until;
	unsigned    depth;
	uint64_t    serial;
	const uint8_t *previous;
	const char *by_name; /* NULL: of the party */
	int64_t     expires; /* of the statement */
};
char          *lend_body(const struct lend *l); /* the caller frees */
enum coffer_rc lend(struct kit *k, struct lend l, uint8_t id[static 32]);

/* A chain whose first link was renewed after the second was lent by it: l to `via`, with depth 1; that one to `to`; and l anew, `renewals` times. id: of the
 * first, of what `via` lent, and of the newest. */
struct lend_renewed { struct lend l; enum kit_party via; const char *to; unsigned renewals; };
bool lend_renewed(struct kit *k, const struct lend_renewed *r, uint8_t id[static 3][32]);

/* As they are, past admission: by and to parties that are not known, too. */
bool enter(struct kit *k, const struct kit_st *s, uint8_t id[static 32]);
bool enter_lent(struct kit *k, struct lend l);
bool enter_lent_as(struct kit *k, struct lend l, uint8_t id[static 32]);
/* A release by that party of one of the kit's images, its first under that name; and its statement of the service. */
struct release_of { const char *by, *repository; uint8_t image; unsigned version; int64_t expires; };
bool enter_release(struct kit *k, struct release_of r);
bool enter_service(struct kit *k, const char *by);
/* A boot image of that party, its n-th, for the platform sgx. */
bool enter_boot(struct kit *k, const char *by, unsigned n, uint8_t id[static 32]);
bool enter_boot_until(struct kit *k, const char *by, unsigned n, int64_t expires);
