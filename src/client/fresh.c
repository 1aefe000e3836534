#include "client/fresh.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"

static bool signed_by(struct span body, const struct pubkey *key)
{
	CLEANUP(wr_close) struct wr w = wr_open(FRESH_ANSWER_MAX + 64);

	fresh_answer_to_sign((struct span){ body.p, body.n - SIG_LEN }, &w);
	return wr_ok(&w) && key_verify(key, wr_span(&w), (struct span){ body.p + body.n - SIG_LEN, SIG_LEN });
}

enum coffer_rc fresh_check(struct span body, const struct fresh_expect *x, struct fresh_answer *out, struct err *e)
{
	struct fresh_answer a = { .n = 0 };
	uint8_t ask[32];

	sha256(x->ask_bytes, ask);
	if (body.n <= SIG_LEN || body.n > FRESH_ANSWER_MAX + SIG_LEN || !signed_by(body, x->reply))
		return err_deny(e, "lease", "a freshness answer that the service's reply key did not sign");
	TRY(fresh_answer_read((struct span){ body.p, body.n - SIG_LEN }, &a, e));
	if (!span_eq(SPAN(a.session_key), SPAN(x->session_key)))
		return err_deny(e, "lease", "a freshness answer for another session");
	if (!span_eq(SPAN(a.nonce), SPAN(x->ask->nonce)))
		return err_deny(e, "lease", "a freshness answer to another question: given before, or out of turn");
	if (!span_eq(SPAN(a.ask), SPAN(ask)) || a.n != x->ask->n)
		return err_deny(e, "lease", "a freshness answer to other bytes than were asked");
	if (a.size < x->seen->size)
		return err_deny(e, "ledger-rollback", "a freshness answer from a ledger of %llu entries, after one of %llu", (unsigned long long)a.size,
		    (unsigned long long)x->seen->size);
	if (a.size == x->seen->size && a.size > 0 && !span_eq(SPAN(a.root), SPAN(x->seen->root)))
		return err_deny(e, "ledger-fork", "a freshness answer from another ledger of the same length");
	*out = a;
	return COFFER_OK;
}
