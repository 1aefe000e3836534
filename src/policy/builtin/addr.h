/* Internet addresses and blocks of them as text and bits. An IPv6 address that stands for an IPv4 one is that one, as in Go. */
#pragma once
#include "base/str.h"

struct addr { uint8_t b[16]; bool v4; }; /* IPv4 in the last four bytes, the others as in ::ffff:a.b.c.d */
struct cidr { struct addr base; unsigned bits; }; /* base with the bits behind the prefix zero; bits of 32 or 128 */

/* Whole span; no zone. Decimal parts of IPv4 without leading zeros. */
bool addr_parse(struct span s, struct addr *out) NODISCARD;
bool cidr_parse(struct span s, struct cidr *out) NODISCARD; /* address, slash, length of the prefix */

/* The block of `bits` bits that a is in; for an IPv4 address at most 32. */
struct cidr cidr_of(struct addr a, unsigned bits);
bool        addr_in(struct addr a, const struct cidr *c); /* false for the other kind of address */
struct addr cidr_last(const struct cidr *c);
bool        addr_next(struct addr *a); /* one more; false from the last there is */

#define ADDR_TEXT 46
size_t addr_text(struct addr a, char out[static ADDR_TEXT]); /* RFC 5952; with a NUL that is not counted */
