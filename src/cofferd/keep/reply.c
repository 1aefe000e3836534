#include "cofferd/keep/reply.h"

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/assets.h"
#include "crypto/hash.h"
#include "crypto/jwe.h"

static void content(const struct reply_in *in, struct wr *w)
{
	CLEANUP(wr_close) struct wr envelope = wr_open(DSSE_ENVELOPE_MAX);
	struct json_wr j = jw_open(&envelope, false);

	if (!in->statement) {
		wr_put(w, span_skip(in->plain, SALT_LEN));
		return;
	}
	dsse_write(in->statement, &j);
	w->bad = w->bad || !wr_ok(&envelope);
	wr_str(w, "CRP1");
	wr_blob32(w, wr_span(&envelope));
	wr_put(w, in->plain);
}

enum coffer_rc reply_seal(const struct reply_in *in, struct wr *body, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(KEEP_ASSET_MAX + DSSE_ENVELOPE_MAX + 64);

	content(in, &w);
	TRY(wr_done(&w, "reply", e));
	if (in->key->rsa)
		return jwe_seal_rsa((struct span){in->key->n, in->key->n_len}, (struct span){in->key->e, in->key->e_len},
				    wr_span(&w), body, e);
	return jwe_seal(&in->key->ec, wr_span(&w), NULL, body, e);
}

enum coffer_rc reply_sign(const struct keep *k, const struct reply_in *in, struct span body, uint8_t sig[static SIG_LEN],
			  struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	uint8_t digest[32];

	sha256(body, digest);
	wr_str(&w, "coffer reply v1");
	wr_u8(&w, 0);
	wr_put(&w, SPAN(digest));
	wr_put(&w, SPAN(in->key->thumb));
	wr_blob32(&w, span_of(asset_path_tail(in->path)));
	wr_be64(&w, in->version);
	wr_be64(&w, k->journal.seq);
	wr_put(&w, SPAN(k->journal.hash));
	TRY(wr_done(&w, "reply signature", e));
	return key_sign(k->keys.reply, wr_span(&w), sig, e);
}
