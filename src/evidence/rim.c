#include "evidence/rim.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <xmlsec/xmlsec.h> /* first: the others lack its types */
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/evidence.h"
#include "fmt/enc.h"

#define DEPTH_MAX  16
#define DSIG	   "http://www.w3.org/2000/09/xmldsig#"
#define SWID	   "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
#define TCG	   "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/"
#define SHA384_NS  "http://www.w3.org/2001/04/xmlenc#sha384"
#define HASHES_MAX 64
#define HASH_HEX   96

DEFINE_CLEANUP(xmlDocPtr, xmlFreeDoc)
DEFINE_CLEANUP(xmlSecDSigCtxPtr, xmlSecDSigCtxDestroy)

void rim_clear(struct rim *r)
{
	wr_close(&r->active);
	wr_close(&r->values);
	*r = (struct rim){ 0 };
}

static enum coffer_rc refuse(struct err *e, const char *why)
{
	return err_set(e, COFFER_E_INPUT, "rim: %s", why);
}

/* ---- the tree ---- */

static bool is(const xmlNode *n, const char *ns, const char *name)
{
	return n && n->type == XML_ELEMENT_NODE && n->ns && strcmp((const char *)n->ns->href, ns) == 0 &&
	       strcmp((const char *)n->name, name) == 0;
}

static xmlNode *element(xmlNode *n)
{
	while (n && n->type != XML_ELEMENT_NODE)
		n = n->next;
	return n;
}

static xmlNode *first(const xmlNode *n)
{
	return n ? element(n->children) : NULL;
}

static xmlNode *next(const xmlNode *n)
{
	return n ? element(n->next) : NULL;
}

/* An attribute that is one piece of text, borrowed; empty when absent or made of anything else. */
static struct span attr(const xmlNode *n, const char *ns, const char *name)
{
	for (const xmlAttr *a = n ? n->properties : NULL; a; a = a->next) {
		bool here = ns ? a->ns && strcmp((const char *)a->ns->href, ns) == 0 : !a->ns;

		if (here && strcmp((const char *)a->name, name) == 0 && a->children && !a->children->next &&
		    a->children->type == XML_TEXT_NODE)
			return span_of((const char *)a->children->content);
	}
	return (struct span){ 0 };
}

/* Signatures anywhere, and the depth; the walk itself needs no stack. */
static bool shape(const xmlNode *root, size_t *signatures)
{
	const xmlNode *n = root;
	size_t depth = 1;

	for (;;) {
		if (n->type == XML_ENTITY_REF_NODE || n->type == XML_PI_NODE || depth > DEPTH_MAX)
			return false;
		*signatures += is(n, DSIG, "Signature");
		if (n->type == XML_ELEMENT_NODE && n->children) {
			n = n->children;
			depth++;
			continue;
		}
		while (n != root && !n->next) {
			n = n->parent;
			depth--;
		}
		if (n == root)
			return true;
		n = n->next;
	}
}

static enum coffer_rc read_tree(struct span s, xmlDocPtr *out, struct err *e)
{
	CLEANUP(xmlFreeDocp) xmlDocPtr doc = NULL;
	size_t signatures = 0;

	if (s.n == 0 || s.n > RIM_MAX || s.p[0] != '<' || span_find(s, 0) != s.n)
		return refuse(e, "no XML of a bearable size");
	for (size_t i = 0; i + 2 < s.n; i++)
		if (s.p[i] == '<' && s.p[i + 1] == '!' && s.p[i + 2] != '-')
			return refuse(e, "a document type or a CDATA section"); /* before any reader of XML sees it */
	doc = xmlReadMemory((const char *)s.p, (int)s.n, "", "UTF-8", XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!doc || !xmlDocGetRootElement(doc))
		return refuse(e, "no well-formed XML");
	if (doc->intSubset || doc->extSubset)
		return refuse(e, "a document type");
	if (!is(xmlDocGetRootElement(doc), SWID, "SoftwareIdentity"))
		return refuse(e, "no SWID tag");
	if (!shape(xmlDocGetRootElement(doc), &signatures))
		return refuse(e, "an entity, an instruction, or nesting too deep");
	if (signatures != 1)
		return refuse(e, "not exactly one signature");
	*out = MOVE(doc);
	return COFFER_OK;
}

/* ---- the signature's form ---- */

static bool algorithm(const xmlNode *n, const char *name, const char *const *allowed)
{
	struct span a = attr(n, NULL, "Algorithm");

	if (!is(n, DSIG, name) || first(n))
		return false;
	for (; *allowed; allowed++)
		if (span_eq_str(a, *allowed))
			return true;
	return false;
}

static const char *const c14n[] = { "http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
	NULL };
static const char *const enveloped[] = { DSIG "enveloped-signature", NULL };
static const char *const digest[] = { "http://www.w3.org/2001/04/xmldsig-more#sha384", NULL };
static const char *const ecdsa[] = { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", NULL };

static bool empty(const xmlAttr *a)
{
	const xmlNode *t = a->children;

	return !t || (!t->next && t->type == XML_TEXT_NODE && t->content && !*t->content);
}

/* One reference, to the whole document: an empty URI, which is not the same as none. */
static bool whole_document(const xmlNode *ref)
{
	const xmlAttr *uri = ref ? ref->properties : NULL;
	const xmlNode *transforms = first(ref), *t = first(transforms);

	return is(ref, DSIG, "Reference") && uri && !uri->next && strcmp((const char *)uri->name, "URI") == 0 && empty(uri) &&
	       is(transforms, DSIG, "Transforms") && algorithm(t, "Transform", enveloped) &&
	       algorithm(next(t), "Transform", c14n) && !next(next(t)) && algorithm(next(transforms), "DigestMethod", digest) &&
	       is(next(next(transforms)), DSIG, "DigestValue") && !next(next(next(transforms)));
}

static enum coffer_rc find_signature(xmlDocPtr doc, xmlNode **sig, xmlNode **certs, struct err *e)
{
	xmlNode *n = first(xmlDocGetRootElement(doc)), *info, *method;

	while (n && !is(n, DSIG, "Signature"))
		n = next(n);
	info = first(n);
	method = first(info);
	if (!is(info, DSIG, "SignedInfo") || !algorithm(method, "CanonicalizationMethod", c14n) ||
	    !algorithm(next(method), "SignatureMethod", ecdsa))
		return refuse(e, "not signed with ECDSA-P384-SHA384 over canonical XML");
	if (!whole_document(next(next(method))) || next(next(next(method))))
		return refuse(e, "the signature is not over the whole document alone");
	*sig = n;
	*certs = first(next(next(info)));
	if (!is(next(info), DSIG, "SignatureValue") || !is(next(next(info)), DSIG, "KeyInfo") || next(next(next(info))) ||
	    !is(*certs, DSIG, "X509Data") || next(*certs))
		return refuse(e, "a signature without certificates, or with more than that");
	return COFFER_OK;
}

/* ---- who signed ---- */

static enum coffer_rc read_cert(const xmlNode *n, struct cert_list *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(32u << 10), der = wr_open(16u << 10);
	const xmlNode *t = n->children;

	if (!is(n, DSIG, "X509Certificate") || !t || t->next || t->type != XML_TEXT_NODE)
		return refuse(e, "something that is no certificate among the signer's");
	for (const xmlChar *c = t->content; *c; c++)
		if (*c != '\n' && *c != '\r' && *c != ' ' && *c != '\t')
			wr_u8(&text, *c);
	if (!wr_ok(&text) || !b64_read(wr_span(&text), &der) || !wr_ok(&der))
		return refuse(e, "a certificate is no base64");
	return certs_read(wr_span(&der), out, e);
}

static enum coffer_rc signer(
    const xmlNode *data, const struct anchors *roots, int64_t now, struct cert_list *certs, struct err *e)
{
	struct cert_rules rules = { .now = now };

	for (const xmlNode *n = first(data); n; n = next(n))
		TRY(read_cert(n, certs, e));
	if (certs->n == 0 || !cert_key(certs->c[0]) || vkey_kind(cert_key(certs->c[0])) != VKEY_P384)
		return refuse(e, "the signer has no P-384 key");
	return cert_chain(certs->c[0], certs, roots, &rules, NULL, e);
}

static void silent(
    const char *file, int line, const char *func, const char *object, const char *subject, int reason, const char *msg)
{
	(void)file, (void)line, (void)func, (void)object, (void)subject, (void)reason, (void)msg;
}

bool rim_set_up(void)
{
	static bool done;

	if (!done) {
		done = xmlSecInit() == 0 && xmlSecOpenSSLAppInit(NULL) == 0 && xmlSecOpenSSLInit() == 0;
		xmlSecErrorsSetCallback(silent); /* last: each of them sets its own */
	}
	return done;
}

static enum coffer_rc verify(xmlNode *sig, const struct vkey *key, struct err *e)
{
	CLEANUP(xmlSecDSigCtxDestroyp) xmlSecDSigCtxPtr ctx = rim_set_up() ? xmlSecDSigCtxCreate(NULL) : NULL;
	struct span der = vkey_der(key);

	if (!ctx)
		return err_set(e, COFFER_E_SYSTEM, "rim: libxmlsec1 cannot be set up");
	ctx->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
	ctx->signKey = xmlSecOpenSSLAppKeyLoadMemory(der.p, (xmlSecSize)der.n, xmlSecKeyDataFormatDer, NULL, NULL, NULL);
	if (!ctx->signKey)
		return err_set(e, COFFER_E_SYSTEM, "rim: libxmlsec1 does not take the signer's key");
	if (xmlSecDSigCtxVerify(ctx, sig) != 0 || ctx->status != xmlSecDSigStatusSucceeded)
		return err_deny(e, "rim", "rim: the signature is not the document's");
	return COFFER_OK;
}

/* ---- values ---- */

static void name_part(struct wr *w, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		wr_u8(w, s.p[i] == ' ' || s.p[i] == '-' ? '_' : s.p[i]);
}

static bool all_zero(struct span hex)
{
	for (size_t i = 0; i < hex.n; i++)
		if (hex.p[i] != '0')
			return false;
	return true;
}

/* Hash0, Hash1, ... until one is missing. */
static enum coffer_rc hashes(const xmlNode *n, struct span name, struct json_wr *j, struct err *e)
{
	bool open = false;

	for (unsigned i = 0; i < HASHES_MAX; i++) {
		char which[16];
		uint8_t raw[HASH_HEX / 2];
		struct span hex;

		(void)snprintf(which, sizeof(which), "Hash%u", i);
		hex = attr(n, SHA384_NS, which);
		if (!hex.p)
			break;
		if (!hex_fixed(hex, raw, sizeof(raw)))
			return refuse(e, "a hash that is no SHA-384 in hex");
		if (all_zero(hex))
			continue;
		if (!open) {
			jw_namen(j, name);
			jw_arr(j);
			open = true;
		}
		jw_str(j, hex);
	}
	if (open)
		jw_arr_end(j);
	return COFFER_OK;
}

/* Index, count, digests: hashes has seen that they are some. */
static void active(const xmlNode *n, uint8_t index, struct wr *w)
{
	uint8_t raw[HASHES_MAX][HASH_HEX / 2], count = 0;

	if (span_eq_str(attr(n, NULL, "active"), "False"))
		return;
	for (char which[16]; count < HASHES_MAX; count++) {
		(void)snprintf(which, sizeof(which), "Hash%u", (unsigned)count);
		if (!hex_fixed(attr(n, SHA384_NS, which), raw[count], sizeof(raw[count])))
			break;
	}
	wr_u8(w, index);
	wr_u8(w, count);
	for (uint8_t i = 0; i < count; i++)
		wr_put(w, SPAN(raw[i]));
}

static enum coffer_rc resources(const xmlNode *payload, struct span prefix, struct wr *actives, struct json_wr *j, struct err *e)
{
	uint64_t index = 0, last = 0;
	bool any = false;

	for (const xmlNode *n = first(payload); n; n = next(n)) {
		CLEANUP(wr_close) struct wr name = wr_open(512);

		if (!is(n, SWID, "Resource") || !span_eq_str(attr(n, NULL, "type"), "Measurement"))
			continue;
		if (!span_u64(attr(n, NULL, "index"), &index) || index > 255 || (any && index <= last))
			return refuse(e, "indices of measurements that do not rise");
		any = true;
		last = index;
		wr_put(&name, prefix);
		wr_fmt(&name, ".measurement_%u", (unsigned)index);
		TRY(wr_done(&name, "rim: a name", e));
		TRY(hashes(n, wr_span(&name), j, e));
		active(n, (uint8_t)index, actives);
	}
	return COFFER_OK;
}

static enum coffer_rc contents(const xmlNode *root, struct rim *out, struct err *e)
{
	CLEANUP(wr_close) struct wr prefix = wr_open(256);
	const xmlNode *meta = NULL, *payload = NULL;
	struct span maker, edition, version;
	struct json_wr j;

	for (const xmlNode *n = first(root); n; n = next(n)) {
		if ((is(n, SWID, "Meta") && meta) || (is(n, SWID, "Payload") && payload))
			return refuse(e, "two Meta or two Payload");
		meta = is(n, SWID, "Meta") ? n : meta;
		payload = is(n, SWID, "Payload") ? n : payload;
	}
	maker = attr(meta, TCG, "PlatformManufacturerStr");
	edition = attr(meta, NULL, "edition");
	version = attr(meta, NULL, "colloquialVersion");
	if (!payload || maker.n == 0 || edition.n == 0 || version.n >= sizeof(out->version))
		return refuse(e, "no Payload, manufacturer or edition");
	(void)snprintf(out->version, sizeof(out->version), "%.*s", (int)version.n, version.p ? (const char *)version.p : "");
	name_part(&prefix, maker);
	wr_u8(&prefix, '.');
	name_part(&prefix, edition);
	TRY(wr_done(&prefix, "rim: a name", e));
	out->active = wr_open(1u << 20);
	out->values = wr_open(1u << 20);
	j = jw_open(&out->values, false);
	jw_obj(&j);
	TRY(resources(payload, wr_span(&prefix), &out->active, &j, e));
	jw_obj_end(&j);
	TRY(wr_done(&out->active, "rim: digests", e));
	return wr_done(&out->values, "rim: values", e);
}

enum coffer_rc rim_read(struct span xml, const struct anchors *roots, int64_t now, struct rim *out, struct err *e)
{
	CLEANUP(xmlFreeDocp) xmlDocPtr doc = NULL;
	CLEANUP(certs_clear) struct cert_list certs = { 0 };
	CLEANUP(rim_clear) struct rim r = { 0 };
	xmlNode *sig = NULL, *data = NULL;

	TRY(read_tree(xml, &doc, e));
	TRY(find_signature(doc, &sig, &data, e));
	TRY(signer(data, roots, now, &certs, e));
	TRY(verify(sig, cert_key(certs.c[0]), e));
	cert_dates(certs.c[0], &r.from, &r.to);
	TRY(contents(xmlDocGetRootElement(doc), &r, e));
	*out = r;
	r = (struct rim){ 0 };
	return COFFER_OK;
}

enum coffer_rc rim_reference_values(
    struct span xml, const struct collateral *col, int64_t now, struct json_wr *out, struct err *e)
{
	CLEANUP(anchors_clear) struct anchors roots = { 0 };
	CLEANUP(wr_close) struct wr plain = wr_open(RIM_MAX);
	CLEANUP(rim_clear) struct rim r = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	while (xml.n > 0 && xml.p[0] != '<' && xml.p[xml.n - 1] == '\n')
		xml.n--;
	if (xml.n > 0 && xml.p[0] != '<') {
		if (!b64_read(xml, &plain) || !wr_ok(&plain))
			return refuse(e, "neither XML nor its base64");
		xml = wr_span(&plain);
	}
	TRY(ev_roots("nvidia-rim", col, &roots, e));
	TRY(rim_read(xml, &roots, now, &r, e));
	TRY(json_parse(wr_span(&r.values), 1u << 20, &doc, e));
	jw_value(out, json_root(doc));
	return COFFER_OK;
}

enum coffer_rc rim_manifest(struct span xml, const struct collateral *col, int64_t now, struct ev_manifest *out, struct err *e)
{
	CLEANUP(anchors_clear) struct anchors roots = { 0 };
	CLEANUP(rim_clear) struct rim r = { 0 };

	TRY(ev_roots("nvidia-rim", col, &roots, e));
	TRY(rim_read(xml, &roots, now, &r, e));
	memcpy(out->version, r.version, sizeof(out->version));
	out->active = r.active;
	r.active = (struct wr){ 0 };
	return COFFER_OK;
}
