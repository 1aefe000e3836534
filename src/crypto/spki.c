#include "crypto/spki.h"

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "crypto/der.h"
#include "crypto/hash.h"
#include "crypto/vkey_priv.h"
#include "fmt/enc.h"

#define DER_MAX 2048
#define LINE 64
#define RSA_BYTES_MIN 256
#define RSA_BYTES_MAX 1024

static const uint8_t ed25519[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

/* Written again from its last bytes it is the same. */
static bool point(struct span der, enum vkey_kind kind, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(DER_MAX);

	return der.n > n && vkey_write_ec(kind, span_skip(der, der.n - n), &w) && span_eq(wr_span(&w), der);
}

static struct span without_sign(struct span v)
{
	return v.n > 1 && v.p[0] == 0 ? span_skip(v, 1) : v;
}

static bool rsa(struct span der)
{
	CLEANUP(wr_close) struct wr w = wr_open(DER_MAX);
	struct span in = der, key, algorithm, bits, pair, n, exponent;

	if (!der_next(&in, 0x30, &key) || !der_next_whole(&key, 0x30, &algorithm) || !der_next(&key, 0x03, &bits) || bits.n < 1)
		return false;
	bits = span_skip(bits, 1);
	if (!der_next(&bits, 0x30, &pair) || !der_next(&pair, 0x02, &n) || !der_next(&pair, 0x02, &exponent))
		return false;
	n = without_sign(n);
	exponent = without_sign(exponent);
	return n.n >= RSA_BYTES_MIN && n.n <= RSA_BYTES_MAX && vkey_write_rsa(n, exponent, &w) && span_eq(wr_span(&w), der);
}

bool spki_plain(struct span der)
{
	bool edwards = der.n == sizeof(ed25519) + 32 && span_eq((struct span){ der.p, sizeof(ed25519) }, SPAN(ed25519));

	return der.n <= DER_MAX && (edwards || point(der, VKEY_P256, 64) || point(der, VKEY_P384, 96) || rsa(der));
}

/* The base64 without its lines' ends; false where a line is not as long as it has to be. */
static bool join(struct span lines, struct wr *w)
{
	while (lines.n > 0) {
		size_t n = span_find(lines, '\n');
		bool last = n + 1 == lines.n;

		if (n == lines.n || n == 0 || n > LINE || (!last && n != LINE))
			return false;
		wr_put(w, (struct span){ lines.p, n });
		lines = span_skip(lines, n + 1);
	}
	return wr_ok(w);
}

bool spki_pem_id(struct span pem, uint8_t id[static 32])
{
	static const char begin[] = "-----BEGIN PUBLIC KEY-----\n", end[] = "-----END PUBLIC KEY-----";
	CLEANUP(wr_close) struct wr text = wr_open(SPKI_PEM_MAX), der = wr_open(DER_MAX);
	struct span rest = pem;

	if (pem.n > SPKI_PEM_MAX || !span_starts(pem, begin))
		return false;
	if (rest.p[rest.n - 1] == '\n')
		rest.n--;
	if (!span_ends(rest, end))
		return false;
	rest.n -= sizeof(end) - 1;
	if (rest.n < sizeof(begin) - 1)
		return false;
	if (!join(span_skip(rest, sizeof(begin) - 1), &text) || !b64_read(wr_span(&text), &der) || !wr_ok(&der) || !spki_plain(wr_span(&der)))
		return false;
	sha256(wr_span(&der), id);
	return true;
}
