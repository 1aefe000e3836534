#include "fmt/gzhead.h"

#include <isa-l/crc.h>

#include "base/str.h"

enum { FIXED, EXTRA_LEN = 10, EXTRA = 12, NAME, COMMENT, CHECK, DONE = CHECK + 2 }; /* FIXED counts its ten bytes, EXTRA_LEN and CHECK their two */
enum { F_CHECK = 2, F_EXTRA = 4, F_NAME = 8, F_COMMENT = 16, F_RESERVED = 0xe0 };

/* Parts that the flags leave out are passed over. */
static void skip_absent(struct gzhead *g)
{
	if (g->state == EXTRA_LEN && !(g->flags & F_EXTRA))
		g->state = NAME;
	if (g->state == EXTRA && g->left == 0)
		g->state = NAME;
	if (g->state == NAME && !(g->flags & F_NAME))
		g->state = COMMENT;
	if (g->state == COMMENT && !(g->flags & F_COMMENT))
		g->state = CHECK;
	if (g->state == CHECK && !(g->flags & F_CHECK))
		g->state = DONE;
}

static bool fixed(struct gzhead *g, uint8_t b)
{
	static const uint8_t magic[] = { 0x1f, 0x8b, 8 };

	if (g->state < 3 && b != magic[g->state])
		return false;
	if (g->state == 3) {
		g->flags = b;
		if (b & F_RESERVED)
			return false;
	}
	g->state++;
	return true;
}

/* False when the byte cannot stand there. */
static bool step(struct gzhead *g, uint8_t b)
{
	switch (g->state) {
	case EXTRA_LEN:
	case EXTRA_LEN + 1:
		g->left |= (unsigned)b << (8 * (g->state - EXTRA_LEN));
		g->state++;
		return true;
	case EXTRA:
		g->left--;
		return true;
	case NAME:
	case COMMENT:
		g->state += b == 0; /* up to and with its zero */
		return true;
	case CHECK:
		g->want = b;
		g->state++;
		return true;
	case CHECK + 1:
		g->want = (uint16_t)(g->want | b << 8);
		g->state++;
		return g->want == (uint16_t)g->crc;
	default:
		return fixed(g, b);
	}
}

enum gzhead_rc gzhead_take(struct gzhead *g, struct span *in)
{
	while (g->state != DONE) {
		uint8_t b;

		if (in->n == 0)
			return GZHEAD_MORE;
		b = in->p[0];
		if (g->state < CHECK)
			g->crc = crc32_gzip_refl(g->crc, &b, 1);
		if (!step(g, b))
			return GZHEAD_BAD;
		*in = span_skip(*in, 1);
		skip_absent(g);
	}
	return GZHEAD_DONE;
}
