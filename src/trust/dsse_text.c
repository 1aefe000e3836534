/* The text of an envelope. Apart from dsse.c: `keep` is given envelopes in parts and links no reader of their text. */
#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/dsse.h"

static enum coffer_rc read_payload(const struct json *v, struct dsse *d, struct err *e)
{
	struct span type, text;

	TRY(json_need_str(v, "payloadType", "envelope", &type, e));
	if (!span_eq_str(type, DSSE_TYPE))
		return err_set(e, COFFER_E_INPUT, "envelope: payloadType is not " DSSE_TYPE);
	TRY(json_need_str(v, "payload", "envelope", &text, e));
	if (text.n > ((size_t)DSSE_PAYLOAD_MAX + 2) / 3 * 4)
		return err_set(e, COFFER_E_LIMIT, "envelope: payload over %u bytes", DSSE_PAYLOAD_MAX);
	d->payload = wr_open(DSSE_PAYLOAD_MAX);
	if (!b64_read(text, &d->payload) || d->payload.n == 0)
		return err_set(e, COFFER_E_INPUT, "envelope: payload is empty, too long or not standard base64");
	return COFFER_OK;
}

static enum coffer_rc read_sig(const struct json *v, struct dsse *d, struct err *e)
{
	static const char *const names[] = { "keyid", "sig", NULL };
	struct dsse_sig *s = &d->sigs[d->n_sigs];
	struct span keyid, sig;

	TRY(json_closed(v, names, "envelope signature", e));
	TRY(json_need_str(v, "keyid", "envelope signature", &keyid, e));
	TRY(json_need_str(v, "sig", "envelope signature", &sig, e));
	if (!b64url_fixed(keyid, s->keyid, sizeof(s->keyid)))
		return err_set(e, COFFER_E_INPUT, "envelope signature: keyid is not a key thumbprint (base64url of 32 bytes)");
	if (!b64_fixed(sig, s->sig, sizeof(s->sig)))
		return err_set(e, COFFER_E_INPUT, "envelope signature: sig is not standard base64 of 64 bytes");
	for (size_t i = 0; i < d->n_sigs; i++)
		if (span_eq(SPAN(d->sigs[i].keyid), SPAN(s->keyid)))
			return err_set(e, COFFER_E_INPUT, "envelope: two signatures with one keyid");
	d->n_sigs++;
	return COFFER_OK;
}

static enum coffer_rc read_all(const struct json *v, struct dsse *d, struct err *e)
{
	static const char *const names[] = { "payloadType", "payload", "signatures", NULL };
	const struct json *sigs = NULL;

	TRY(json_closed(v, names, "envelope", e));
	TRY(read_payload(v, d, e));
	TRY(json_need_arr(v, "signatures", "envelope", &sigs, e));
	if (json_len(sigs) > DSSE_SIGS_MAX)
		return err_set(e, COFFER_E_LIMIT, "envelope: over %d signatures", DSSE_SIGS_MAX);
	for (size_t i = 0; i < json_len(sigs); i++)
		TRY(read_sig(json_at(sigs, i), d, e));
	return COFFER_OK;
}

enum coffer_rc dsse_parse_json(const struct json *v, struct dsse *out, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse d = { 0 };

	TRY(read_all(v, &d, e));
	*out = d;
	d = (struct dsse){ 0 };
	return COFFER_OK;
}

enum coffer_rc dsse_parse(struct span text, struct dsse *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	TRY(json_parse(text, DSSE_ENVELOPE_MAX, &doc, e));
	return dsse_parse_json(json_root(doc), out, e);
}
