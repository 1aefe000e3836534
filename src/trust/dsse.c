#include "trust/dsse.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"

#define PAE_EXTRA 128 /* "DSSEv1", the type and two lengths */

void dsse_clear(struct dsse *d)
{
	wr_close(&d->payload);
	*d = (struct dsse){ 0 };
}

void dsse_write(const struct dsse *d, struct json_wr *j)
{
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_ENVELOPE_MAX);

	b64_write(&text, wr_span(&d->payload));
	jw_obj(j);
	jw_m_text(j, "payloadType", DSSE_TYPE);
	jw_m_str(j, "payload", wr_span(&text));
	jw_name(j, "signatures");
	jw_arr(j);
	for (size_t i = 0; i < d->n_sigs; i++) {
		CLEANUP(wr_close) struct wr keyid = wr_open(64), sig = wr_open(128);

		b64url_write(&keyid, SPAN(d->sigs[i].keyid));
		b64_write(&sig, SPAN(d->sigs[i].sig));
		if (!wr_ok(&keyid) || !wr_ok(&sig))
			j->w->bad = true;
		jw_obj(j);
		jw_m_str(j, "keyid", wr_span(&keyid));
		jw_m_str(j, "sig", wr_span(&sig));
		jw_obj_end(j);
	}
	jw_arr_end(j);
	jw_obj_end(j);
	if (!wr_ok(&text)) /* a payload that did not fit must not become an empty one */
		j->w->bad = true;
}

/* ---- signatures ---- */

void dsse_id(const struct dsse *d, uint8_t out[static 32])
{
	sha256(wr_span(&d->payload), out);
}

void dsse_pae(const char *type, struct span payload, struct wr *out)
{
	wr_fmt(out, "DSSEv1 %zu %s %zu ", strlen(type), type, payload.n);
	wr_put(out, payload);
}

/* Without the name a stranger's envelope would cost its number of signatures times that of our keys. */
static const struct dsse_sig *named(const struct dsse *d, const struct pubkey *k)
{
	uint8_t thumb[32];

	pubkey_thumbprint(k, thumb);
	for (size_t i = 0; i < d->n_sigs; i++)
		if (span_eq(SPAN(d->sigs[i].keyid), SPAN(thumb)))
			return &d->sigs[i];
	return NULL;
}

bool dsse_signed_by(const struct dsse *d, const struct pubkey *k)
{
	CLEANUP(wr_close) struct wr pae = wr_open(DSSE_PAYLOAD_MAX + PAE_EXTRA);
	const struct dsse_sig *s = d->payload.n > 0 ? named(d, k) : NULL;

	if (!s)
		return false;
	dsse_pae(DSSE_TYPE, wr_span(&d->payload), &pae);
	return wr_ok(&pae) && key_verify(k, wr_span(&pae), SPAN(s->sig));
}

enum coffer_rc dsse_add(struct dsse *d, const struct dsse_sig *sig, struct err *e)
{
	size_t at = 0;

	while (at < d->n_sigs && !span_eq(SPAN(d->sigs[at].keyid), SPAN(sig->keyid)))
		at++;
	if (at == DSSE_SIGS_MAX)
		return err_set(e, COFFER_E_LIMIT, "envelope: over %d signatures", DSSE_SIGS_MAX);
	d->sigs[at] = *sig;
	d->n_sigs += at == d->n_sigs;
	return COFFER_OK;
}

enum coffer_rc dsse_sign(struct dsse *d, const struct privkey *k, struct err *e)
{
	CLEANUP(wr_close) struct wr pae = wr_open(DSSE_PAYLOAD_MAX + PAE_EXTRA);
	struct dsse_sig s;

	dsse_pae(DSSE_TYPE, wr_span(&d->payload), &pae);
	TRY(wr_done(&pae, "envelope", e));
	pubkey_thumbprint(privkey_public(k), s.keyid);
	TRY(key_sign(k, wr_span(&pae), s.sig, e));
	return dsse_add(d, &s, e);
}

enum coffer_rc dsse_new(struct span payload, struct dsse *out, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse d = { 0 };

	if (payload.n == 0)
		return err_set(e, COFFER_E_INPUT, "envelope: empty payload");
	if (payload.n > DSSE_PAYLOAD_MAX)
		return err_set(e, COFFER_E_LIMIT, "envelope: payload over %u bytes", DSSE_PAYLOAD_MAX);
	d.payload = wr_open(DSSE_PAYLOAD_MAX);
	wr_put(&d.payload, payload);
	TRY(wr_done(&d.payload, "envelope", e));
	*out = d;
	d = (struct dsse){ 0 };
	return COFFER_OK;
}
