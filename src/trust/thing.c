#include "trust/thing.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/spki.h"
#include "fmt/enc.h"
#include "trust/form.h"
#include "trust/machine.h"

#define CHIP_BYTES_MAX 64

static const char *const platforms[] = { "snp", "tdx", "sgx", "tpm", "swtpm", "cca", "csv", "az-snp-vtpm", "az-tdx-vtpm" };

static void name_it(struct thing *t)
{
	sha256(span_of(t->text), t->id);
}

static bool platform_ok(struct span s)
{
	bool found = false;

	for (size_t i = 0; i < sizeof(platforms) / sizeof(platforms[0]); i++)
		found = found || span_eq_str(s, platforms[i]);
	return found;
}

/* Bytes in the only spelling; 0: it is none. */
static size_t hex_bytes(struct span s, size_t max)
{
	uint8_t v[CHIP_BYTES_MAX];

	if (s.n < 2 || s.n % 2 || s.n / 2 > max || !hex_fixed(s, v, s.n / 2))
		return 0;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'F')
			return 0;
	return s.n / 2;
}

/* What stands before the next colon, which goes too; nothing where there is none. */
static struct span part(struct span *s)
{
	const uint8_t *end = s->n ? memchr(s->p, ':', s->n) : NULL;
	struct span head = { s->p, end ? (size_t)(end - s->p) : 0 };

	*s = end ? span_skip(*s, head.n + 1) : (struct span){ 0 };
	return head;
}

static enum thing_kind kind_of(struct span rest)
{
	struct span what = part(&rest), platform, reg;
	uint8_t digest[32];

	if (span_eq_str(what, "image"))
		return form_hex32(rest, digest) ? THING_IMAGE : THING_NONE;
	if (span_eq_str(what, "image-key"))
		return form_hex32(rest, digest) ? THING_IMAGE_KEY : THING_NONE;
	platform = part(&rest);
	if (!platform_ok(platform))
		return THING_NONE;
	if (span_eq_str(what, "chip"))
		return hex_bytes(rest, CHIP_BYTES_MAX) ? THING_CHIP : THING_NONE;
	reg = part(&rest);
	return span_eq_str(what, "measurement") && launch_register_ok(reg, hex_bytes(rest, sizeof(((struct fact_reg *)NULL)->v))) ? THING_MEASUREMENT
																     : THING_NONE;
}

bool thing_read(struct span text, struct thing *out)
{
	struct thing t = { .kind = kind_of(text) };

	if (t.kind == THING_NONE || text.n >= sizeof(t.text))
		return false;
	memcpy(t.text, text.p, text.n);
	name_it(&t);
	*out = t;
	return true;
}

static void by_digest(enum thing_kind kind, const char *what, const uint8_t digest[static 32], struct thing *out)
{
	char hex[HEX32_LEN];

	hex32(digest, hex);
	*out = (struct thing){ .kind = kind };
	(void)snprintf(out->text, sizeof(out->text), "%s:%s", what, hex);
	name_it(out);
}

void thing_image(const uint8_t digest[static 32], struct thing *out)
{
	by_digest(THING_IMAGE, "image", digest, out);
}

void thing_image_key(struct span pem, struct thing *out)
{
	uint8_t id[32];

	if (!spki_pem_id(pem, id))
		sha256(pem, id);
	by_digest(THING_IMAGE_KEY, "image-key", id, out);
}

static void put(struct thing *t, enum thing_kind kind, const char *before, struct span value)
{
	CLEANUP(wr_close) struct wr w = wr_open(sizeof(t->text) - 1);

	wr_str(&w, before);
	hex_write(&w, value);
	*t = (struct thing){ .kind = kind };
	if (wr_ok(&w))
		memcpy(t->text, w.p, w.n);
	name_it(t);
}

size_t things_of(const struct hw_facts *hw, struct thing out[static THINGS_MAX])
{
	char before[64];
	size_t n = 0;

	if (!hw)
		return 0;
	(void)snprintf(before, sizeof(before), "chip:%s:", hw->platform);
	if (hw->chip_n > 0)
		put(&out[n++], THING_CHIP, before, (struct span){ hw->chip, hw->chip_n });
	for (size_t i = 0; i < hw->n_regs; i++) {
		(void)snprintf(before, sizeof(before), "measurement:%s:%s:", hw->platform, hw->reg[i].name);
		put(&out[n++], THING_MEASUREMENT, before, (struct span){ hw->reg[i].v, hw->reg[i].n });
	}
	return n;
}

void thing_subject(const uint8_t id[static 32], char out[static THING_SUBJECT_MAX])
{
	char hex[HEX32_LEN];

	hex32(id, hex);
	(void)snprintf(out, THING_SUBJECT_MAX, "thing:%s", hex);
}
