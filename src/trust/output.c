#include "trust/output.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/jwe.h"
#include "fmt/enc.h"
#include "trust/amend.h"
#include "trust/form.h"

#define CONTENT_TYPE "coffer-output+json"
#define CONTENT_MAX (2u << 20) /* the data in base64, the token, names: it must fit a struct secret */
#define LABEL "coffer output v1"

void output_clear(struct output *o)
{
	wr_close(&o->data);
	*o = (struct output){ 0 };
}

/* The signed message: the label with its NUL, then SHA-256 over what identifies the data and the data. */
static void message(const struct manifest *m, struct span container, struct span name, struct span data,
    uint8_t out[static sizeof(LABEL) + 32])
{
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t digest[HASH_MAX];
	char workload[HEX32_LEN];

	hex32(m->digest, workload);
	hash_add(h, span_of(workload));
	hash_add(h, span_of("\n"));
	hash_add(h, container);
	hash_add(h, span_of("\n"));
	hash_add(h, name);
	hash_add(h, span_of("\n"));
	hash_add(h, data);
	hash_end(h, digest);
	memcpy(out, LABEL, sizeof(LABEL));
	memcpy(out + sizeof(LABEL), digest, 32);
}

/* ---- sealing ---- */

static enum coffer_rc content_write(const struct output_in *in, const uint8_t sig[static SIG_LEN], struct wr *w, struct err *e)
{
	CLEANUP(wr_close) struct wr data = wr_open(CONTENT_MAX), sig_text = wr_open(128);
	struct json_wr j = jw_open(w, false);

	b64_write(&data, in->data);
	b64url_write(&sig_text, (struct span){ sig, SIG_LEN });
	TRY(wr_done(&data, "output", e));
	TRY(wr_done(&sig_text, "output", e));
	jw_obj(&j);
	jw_m_str(&j, "container", in->container->name);
	jw_m_str(&j, "data", wr_span(&data));
	form_put_hex32(&j, "genesis", in->manifest->genesis);
	jw_m_str(&j, "name", in->output->name);
	jw_m_str(&j, "signature", wr_span(&sig_text));
	jw_m_text(&j, "token", in->token);
	form_put_hex32(&j, "workload", in->manifest->digest);
	jw_obj_end(&j);
	return wr_done(w, "output", e);
}

enum coffer_rc output_seal(const struct output_in *in, struct wr *jwe, struct err *e)
{
	CLEANUP(wr_close) struct wr content = wr_open(CONTENT_MAX);
	uint8_t msg[sizeof(LABEL) + 32], sig[SIG_LEN];

	if (in->data.n > in->output->max_bytes)
		return err_deny(e, "output", "the output is longer than the manifest's %llu bytes",
		    (unsigned long long)in->output->max_bytes);
	if (in->data.n > OUTPUT_DATA_MAX)
		return err_deny(e, "output", "the output is longer than the %u bytes that one message carries", OUTPUT_DATA_MAX);
	if (privkey_public(in->request_key)->kind != KEY_P256)
		return err_set(e, COFFER_E_BUG, "output: the request key is not P-256");
	message(in->manifest, in->container->name, in->output->name, in->data, msg);
	TRY(key_sign(in->request_key, SPAN(msg), sig, e));
	TRY(content_write(in, sig, &content, e));
	return jwe_seal(&in->output->key, wr_span(&content), "\"cty\":\"" CONTENT_TYPE "\"", jwe, e);
}

/* ---- opening ---- */

/* A message of another kind to the same key must not pass for an output. */
static enum coffer_rc check_type(const struct jwe_parts *p, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(EAR_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span cty;

	if (!b64url_read(p->protected_b64, &text))
		return err_set(e, COFFER_E_INPUT, "output: malformed protected header");
	TRY(json_parse(wr_span(&text), EAR_MAX, &doc, e));
	TRY(json_need_str(json_root(doc), "cty", "output header", &cty, e));
	if (!span_eq_str(cty, CONTENT_TYPE))
		return err_set(e, COFFER_E_INPUT, "the sealed message is no named output");
	return COFFER_OK;
}

static enum coffer_rc unseal(struct span text, const struct privkey *k, struct json_doc **out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(secret_free) struct secret plain = { 0 };

	TRY(json_parse(text, OUTPUT_SEALED_MAX, &doc, e));
	TRY(jwe_parse(json_root(doc), &p, e));
	TRY(check_type(&p, e));
	TRY(jwe_open(k, &p, &plain, e));
	return json_parse((struct span){ plain.p, plain.n }, CONTENT_MAX, out, e);
}

static const struct man_output *find_output(const struct man_container *c, struct span name)
{
	for (size_t i = 0; c && i < c->n_outputs; i++)
		if (span_eq(c->output[i].name, name))
			return &c->output[i];
	return NULL;
}

static enum coffer_rc check_place(const struct json *v, const struct privkey *k, const struct manifest *m, struct output *o,
    struct err *e)
{
	struct span container, name;
	uint8_t d[32];

	TRY(form_digest(v, "workload", "output", d, e));
	if (!span_eq(SPAN(d), SPAN(m->digest)))
		return err_deny(e, "output", "the output is of another workload");
	TRY(form_digest(v, "genesis", "output", d, e));
	if (!span_eq(SPAN(d), SPAN(m->genesis)))
		return err_deny(e, "output", "the output is of another genesis");
	TRY(json_need_str(v, "container", "output", &container, e));
	TRY(json_need_str(v, "name", "output", &name, e));
	o->container = manifest_container(m, container);
	o->output = find_output(o->container, name);
	if (!o->output)
		return err_deny(e, "output", "the workload's manifest has no such output");
	if (!pubkey_eq(&o->output->key, privkey_public(k)))
		return err_deny(e, "output", "the manifest hands this output to another key");
	return COFFER_OK;
}

static enum coffer_rc read_data(const struct json *v, struct output *o, struct err *e)
{
	struct span text;

	TRY(json_need_str(v, "data", "output", &text, e));
	o->data = wr_open(CONTENT_MAX);
	if (!b64_read(text, &o->data))
		return err_set(e, COFFER_E_INPUT, "output: the data is not standard base64");
	if (o->data.n > o->output->max_bytes)
		return err_deny(e, "output", "the output is longer than its manifest allows");
	return COFFER_OK;
}

/* A service attests whoever leads to a root that founders ever named, since assets may go by the genesis of then. What is believed here goes by what they
 * say now: the key of a root that they dropped may be in anybody's hands. */
static enum coffer_rc check_root(const struct output_want *want, const struct ear *ear, struct err *e)
{
	static const uint8_t none[32];

	if (span_eq(SPAN(ear->root), SPAN(none)) || (want->genesis && genesis_names_root(want->genesis, ear->platform, ear->root)))
		return COFFER_OK;
	return err_deny(e, "token", "the guest's evidence led to a vendor root that the founders name no longer ('coffer genesis show'): whoever has its key can make such a result");
}

static enum coffer_rc check_token(const struct json *v, const struct output_want *want, struct output *o, struct err *e)
{
	CLEANUP(wr_close) struct wr initdata = wr_open(MAN_INITDATA_MAX);
	struct ear_want expect;
	struct span token;

	TRY(json_need_str(v, "token", "output", &token, e));
	TRY(manifest_render(want->manifest, &initdata, e));
	sha256(wr_span(&initdata), expect.init_data);
	memcpy(expect.genesis, want->manifest->genesis, sizeof(expect.genesis));
	TRY(ear_check(token, &want->token_key, &expect, &o->ear, e));
	if (!manifest_lists(want->manifest->platforms, span_of(o->ear.platform)))
		return err_deny(e, "token", "the workload ran on %s, which its manifest does not accept", o->ear.platform);
	return check_root(want, &o->ear, e);
}

static enum coffer_rc check_signature(const struct json *v, const struct output_want *want, const struct output *o, struct err *e)
{
	uint8_t msg[sizeof(LABEL) + 32], sig[SIG_LEN];
	struct span text;

	TRY(json_need_str(v, "signature", "output", &text, e));
	if (!b64url_fixed(text, sig, sizeof(sig)))
		return err_set(e, COFFER_E_INPUT, "output: the signature is not base64url of 64 bytes");
	message(want->manifest, o->container->name, o->output->name, wr_span(&o->data), msg);
	if (!key_verify(&o->ear.request_key, SPAN(msg), SPAN(sig)))
		return err_deny(e, "signature", "the output is not signed by the guest that the token is about");
	return COFFER_OK;
}

enum coffer_rc output_open(struct span jwe, const struct privkey *k, const struct output_want *want, struct output *out,
    struct err *e)
{
	static const char *const names[] = { "container", "data", "genesis", "name", "signature", "token", "workload", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(output_clear) struct output o = { 0 };

	TRY(unseal(jwe, k, &doc, e));
	TRY(json_closed(json_root(doc), names, "output", e));
	TRY(check_place(json_root(doc), k, want->manifest, &o, e));
	TRY(read_data(json_root(doc), &o, e));
	TRY(check_token(json_root(doc), want, &o, e));
	TRY(check_signature(json_root(doc), want, &o, e));
	*out = o;
	o = (struct output){ 0 };
	return COFFER_OK;
}
