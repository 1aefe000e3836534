/* Reading Intel's signed documents: the signature is over the very bytes of a JSON value inside the text, so those bytes are cut
 * out, not written anew. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "evidence/dcap_tcb.h"
#include "fmt/enc.h"

#define TEXT_MAX (1u << 20)

void signed_json_clear(struct signed_json *s)
{
	wr_close(&s->text);
	json_freep(&s->doc);
	*s = (struct signed_json){ 0 };
}

void dcap_collateral_clear(struct dcap_collateral *c)
{
	signed_json_clear(&c->tcb_info);
	signed_json_clear(&c->qe_identity);
	certs_clear(&c->certs);
	crls_clear(&c->crls);
}

static enum coffer_rc read_date(const struct json *o, const char *name, int64_t *out, struct err *e)
{
	struct span s;

	TRY(json_need_str(o, name, "collateral", &s, e));
	if (!clock_parse(s, out))
		return err_set(e, COFFER_E_INPUT, "dcap: collateral: %s is no time", name);
	return COFFER_OK;
}

static bool of_platform(const struct json *info, const struct pck *p)
{
	uint8_t fmspc[6], pce_id[2];

	return p && hex_fixed(json_str(json_get(info, "fmspc")), fmspc, 6) && span_eq(SPAN(fmspc), SPAN(p->fmspc)) &&
	       hex_fixed(json_str(json_get(info, "pceId")), pce_id, 2) && span_eq(SPAN(pce_id), SPAN(p->pce_id));
}

/* More is better; the TEE it is for weighs most. */
static unsigned fit(const struct signed_json *s, bool info, const struct dcap_wanted *w)
{
	const struct json *root = json_root(s->doc);
	const char *id = info ? (w->td ? "TDX" : "SGX") : (w->td ? "TD_QE" : "QE");

	return (span_eq_str(json_str(json_get(root, "id")), id) ? 4u : 0) + (!info || of_platform(root, w->pck) ? 2u : 0) +
	       (w->now < 0 || s->issued <= w->now ? 1u : 0);
}

static uint64_t evaluation(const struct signed_json *s)
{
	uint64_t n = 0;

	return json_u64(json_get(json_root(s->doc), "tcbEvaluationDataNumber"), &n) ? n : 0;
}

static bool better(const struct signed_json *n, const struct signed_json *old, bool info, const struct dcap_wanted *w)
{
	unsigned a = fit(n, info, w), b = fit(old, info, w);

	if (a != b)
		return a > b;
	return n->issued != old->issued ? n->issued > old->issued : evaluation(n) > evaluation(old);
}

static enum coffer_rc take(
    struct dcap_collateral *c, bool info, struct span text, struct span sig_hex, const struct dcap_wanted *w, struct err *e)
{
	CLEANUP(signed_json_clear) struct signed_json n = { .present = true };
	struct signed_json *s = info ? &c->tcb_info : &c->qe_identity, old = *s;

	n.text = wr_open(TEXT_MAX);
	wr_put(&n.text, text);
	TRY(wr_done(&n.text, "collateral", e));
	if (!hex_fixed(sig_hex, n.sig, sizeof(n.sig)))
		return err_set(e, COFFER_E_INPUT, "dcap: collateral: the signature is not 64 bytes in hex");
	TRY(json_parse(text, TEXT_MAX, &n.doc, e));
	TRY(read_date(json_root(n.doc), "issueDate", &n.issued, e));
	TRY(read_date(json_root(n.doc), "nextUpdate", &n.next_update, e));
	if (old.present && !better(&n, &old, info, w))
		return COFFER_OK;
	*s = n;
	n = old; /* cleared */
	return COFFER_OK;
}

static struct span trim(struct span s)
{
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' '))
		s.n--;
	return s;
}

/* {"<name>":<document>,"signature":"<128 hex>"}: just that text, as Intel's service writes it. */
static bool cut(struct span in, const char *head, struct span *body, struct span *sig)
{
	static const char tail[] = ",\"signature\":\"";
	struct span s = trim(in);
	size_t end = sizeof(tail) - 1 + 128 + 2;

	if (!span_starts(s, head) || s.n < strlen(head) + end || !span_ends(s, "\"}"))
		return false;
	*body = (struct span){ s.p + strlen(head), s.n - strlen(head) - end };
	*sig = (struct span){ s.p + s.n - 130, 128 };
	return span_starts((struct span){ body->p + body->n, end }, tail);
}

static enum coffer_rc add_crl(struct dcap_collateral *c, struct span text, struct err *e)
{
	CLEANUP(wr_close) struct wr der = wr_open(4u << 20);
	struct span in = text;

	if (text.n == 0)
		return COFFER_OK;
	if (hex_read(text, &der) && wr_ok(&der))
		in = wr_span(&der);
	if (c->crls.n == sizeof(c->crls.c) / sizeof(c->crls.c[0]))
		return err_set(e, COFFER_E_LIMIT, "dcap: too many revocation lists");
	TRY(crl_read(in, &c->crls.c[c->crls.n], e));
	c->crls.n++;
	return COFFER_OK;
}

/* Bundles of several platforms name the same issuers. */
static enum coffer_rc add_certs(struct dcap_collateral *c, struct span pem, struct err *e)
{
	CLEANUP(certs_clear) struct cert_list l = { 0 };

	TRY(certs_read(pem, &l, e));
	return certs_join(&l, &c->certs, e);
}

/* All in one object, as verification libraries store it. */
static enum coffer_rc add_bundle(struct dcap_collateral *c, const struct json *o, const struct dcap_wanted *w, struct err *e)
{
	static const char *const chains[] = { "tcb_info_issuer_chain", "qe_identity_issuer_chain", "pck_crl_issuer_chain" };

	TRY(take(c, true, json_str(json_get(o, "tcb_info")), json_str(json_get(o, "tcb_info_signature")), w, e));
	TRY(take(c, false, json_str(json_get(o, "qe_identity")), json_str(json_get(o, "qe_identity_signature")), w, e));
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		if (json_get(o, chains[i]))
			TRY(add_certs(c, json_str(json_get(o, chains[i])), e));
	TRY(add_crl(c, json_str(json_get(o, "root_ca_crl")), e));
	return add_crl(c, json_str(json_get(o, "pck_crl")), e);
}

enum coffer_rc dcap_collateral_add(struct dcap_collateral *c, struct span text, const struct dcap_wanted *w, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span body, sig;
	struct err ignore = { 0 };

	if (cut(text, "{\"tcbInfo\":", &body, &sig))
		return take(c, true, body, sig, w, e);
	if (cut(text, "{\"enclaveIdentity\":", &body, &sig))
		return take(c, false, body, sig, w, e);
	if (json_parse(text, TEXT_MAX, &doc, &ignore) != COFFER_OK || !json_get(json_root(doc), "tcb_info"))
		return COFFER_OK;
	return add_bundle(c, json_root(doc), w, e);
}
