#include "crypto/cert_pem.h"

#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"

#define LINE 64

struct label { const char *head, *tail; };
static const struct label certificate = { "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----" };
static const struct label public_key = { "-----BEGIN PUBLIC KEY-----\n", "-----END PUBLIC KEY-----" };

/* Only the last line may be shorter or have padding. */
static bool line(struct span s, bool last, struct wr *der)
{
	if (s.n == 0 || s.n > LINE || (!last && (s.n != LINE || s.p[s.n - 1] == '=')))
		return false;
	return b64_read(s, der) && wr_ok(der);
}

static bool body(struct span *s, const char *tail, struct wr *der)
{
	do {
		size_t n = span_find(*s, '\n');
		struct span this = { s->p, n };

		*s = span_skip(*s, n + 1);
		if (!line(this, span_starts(*s, tail), der))
			return false;
	} while (!span_starts(*s, tail));
	*s = span_skip(*s, strlen(tail));
	return true;
}

static bool block(const struct label *l, struct span *in, struct wr *der)
{
	struct span s = *in;

	if (!span_starts(s, l->head))
		return false;
	s = span_skip(s, strlen(l->head));
	if (!body(&s, l->tail, der) || (s.n > 0 && s.p[0] != '\n' && !(s.n == 1 && s.p[0] == 0)))
		return false;
	while (s.n > 0 && s.p[0] == '\n')
		s = span_skip(s, 1);
	*in = s.n == 1 && s.p[0] == 0 ? (struct span){ 0 } : s;
	return true;
}

bool cert_pem_next(struct span *in, struct wr *der)
{
	return block(&certificate, in, der);
}

bool pem_public_only(struct span text, struct wr *der)
{
	return block(&public_key, &text, der) && text.n == 0;
}
