/* The header of a gzip member, byte by byte: RFC 1952 section 2.3. Nothing of it is kept but whether it is well formed. */
#pragma once
#include "base/rd.h"

struct gzhead { /* all zero at the start of a member */
	unsigned state; /* private */
	unsigned flags, left;
	uint32_t crc;   /* of the header's bytes so far */
	uint16_t want;
};

enum gzhead_rc { GZHEAD_MORE, GZHEAD_DONE, GZHEAD_BAD };

/* Takes bytes off the front of *in: all of them (MORE), up to the header's end (DONE), or up to what is wrong (BAD): magic, method, reserved
 * flags, header checksum. */
enum gzhead_rc gzhead_take(struct gzhead *g, struct span *in);
