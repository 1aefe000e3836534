#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "proto/self.h"

static const char keys_domain[] = "coffer service keys v1", evidence_domain[] = "coffer service evidence v1"; /* each with its NUL */

static void put_key(struct wr *w, const struct pubkey *k)
{
	uint8_t t[32];

	pubkey_thumbprint(k, t);
	wr_put(w, SPAN(t));
}

void self_binding(const uint8_t genesis[static 32], const struct service *s, uint8_t out[static 32])
{
	CLEANUP(wr_close) struct wr w = wr_open(sizeof(keys_domain) + 32 + 4 + PARTY_MAX + (size_t)5 * 32);

	wr_put(&w, SPAN(keys_domain));
	wr_put(&w, (struct span){ genesis, 32 });
	wr_blob32(&w, span_of(s->id));
	put_key(&w, &s->receive);
	put_key(&w, &s->reply);
	put_key(&w, &s->token);
	put_key(&w, &s->ledger_key);
	wr_put(&w, SPAN(s->tls));
	sha256(wr_span(&w), out);
}

void self_report_data(const uint8_t binding[static 32], const uint8_t nonce[static SELF_NONCE], uint8_t out[static 32])
{
	uint8_t b[sizeof(evidence_domain) + 32 + SELF_NONCE];

	memcpy(b, evidence_domain, sizeof(evidence_domain));
	memcpy(b + sizeof(evidence_domain), binding, 32);
	memcpy(b + sizeof(evidence_domain) + 32, nonce, SELF_NONCE);
	sha256(SPAN(b), out);
}
