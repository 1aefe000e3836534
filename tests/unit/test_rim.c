/* Manifests made and signed here (by libxmlsec1, as their maker does): what is good, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/rim.h"
#include "fmt/enc.h"
#include "tests/evkit.h"
#include "tests/t.h"

#define NOW	  INT64_C(1800000000)
#define DSIG	  "http://www.w3.org/2000/09/xmldsig#"
#define C14N11	  "http://www.w3.org/2006/12/xml-c14n11"
#define ENVELOPED DSIG "enveloped-signature"
#define MORE	  "http://www.w3.org/2001/04/xmldsig-more#"
#define HASH	  "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1"
#define ZERO	  "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

/* How a manifest departs from a good one; NULL: as it should be. */
struct how {
	const char *prolog, *uri, *transforms, *method, *more, *in_signature;
	bool late, other_root;
};

struct rig {
	EVP_PKEY *root, *mid, *leaf;
	struct anchors roots;
	struct wr xml;
};

static void issue(
    struct rig *r, const char *cn, EVP_PKEY *key, const char *by, EVP_PKEY *by_key, bool ca, bool late, struct wr *out)
{
	CLEANUP(wr_close) struct wr der = wr_open(4096);

	(void)r;
	evkit_cert(&(struct evkit_cert){ .cn = cn,
		       .key = key,
		       .issuer_cn = by,
		       .issuer_key = by_key,
		       .ca = ca,
		       .pathlen = -1,
		       .not_after = late ? NOW - 10 : 0 },
	    &der);
	wr_str(out, "<ds:X509Certificate>");
	b64_write(out, wr_span(&der));
	wr_str(out, "</ds:X509Certificate>");
}

static void write_signature(struct rig *r, const struct how *h, struct wr *w)
{
	wr_fmt(w,
	    "<ds:Signature xmlns:ds=\"" DSIG "\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"" C14N11 "\"/>"
	    "<ds:SignatureMethod Algorithm=\"%s\"/><ds:Reference URI=\"%s\"><ds:Transforms>%s</ds:Transforms>"
	    "<ds:DigestMethod Algorithm=\"" MORE "sha384\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>"
	    "<ds:KeyInfo><ds:X509Data>",
	    h->method ? h->method : MORE "ecdsa-sha384", h->uri ? h->uri : "",
	    h->transforms ? h->transforms
			  : "<ds:Transform Algorithm=\"" ENVELOPED "\"/><ds:Transform Algorithm=\"" C14N11 "\"/>");
	issue(r, "Signer", r->leaf, "Middle", r->mid, false, h->late, w);
	issue(r, "Middle", r->mid, "Root", h->other_root ? r->leaf : r->root, true, false, w);
	wr_fmt(w, "</ds:X509Data></ds:KeyInfo>%s</ds:Signature>", h->in_signature ? h->in_signature : "");
}

static void write_tag(struct rig *r, const struct how *h, struct wr *w)
{
	wr_fmt(w,
	    "%s<SoftwareIdentity xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\" "
	    "xmlns:n=\"http://www.w3.org/2001/04/xmlenc#sha384\" "
	    "xmlns:t=\"https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/\">"
	    "<Meta colloquialVersion=\"1.2\" edition=\"G-PU\" t:PlatformManufacturerStr=\"A Corp\"/><Payload id=\"p\">"
	    "<Resource type=\"Measurement\" index=\"1\" n:Hash0=\"" HASH "\"/>"
	    "<Resource type=\"Measurement\" index=\"2\" n:Hash0=\"" ZERO "\" n:Hash1=\"" HASH "\"/>"
	    "<Resource type=\"Measurement\" index=\"3\" n:Hash0=\"" ZERO "\"/></Payload>%s",
	    h->prolog ? h->prolog : "", h->more ? h->more : "");
	write_signature(r, h, w);
	wr_str(w, "</SoftwareIdentity>");
}

/* What the method is not made for stays unsigned: the form refuses first. */
static void sign(struct rig *r, struct wr *w)
{
	xmlDocPtr doc = xmlReadMemory((const char *)w->p, (int)w->n, "", "UTF-8", XML_PARSE_NONET);
	xmlSecDSigCtxPtr ctx = xmlSecDSigCtxCreate(NULL);
	xmlNodePtr at = doc ? xmlDocGetRootElement(doc)->last : NULL;
	xmlChar *text = NULL;
	int n = 0;

	if (!at || !ctx || !(ctx->signKey = xmlSecKeyCreate()) || EVP_PKEY_up_ref(r->leaf) != 1 ||
	    xmlSecKeySetValue(ctx->signKey, xmlSecOpenSSLEvpKeyAdopt(r->leaf)) < 0)
		abort();
	while (at && at->type != XML_ELEMENT_NODE)
		at = at->prev;
	(void)!xmlSecDSigCtxSign(ctx, at);
	xmlDocDumpMemory(doc, &text, &n);
	wr_close(w);
	*w = wr_open(1u << 20);
	wr_put(w, (struct span){ text, (size_t)n });
	xmlFree(text);
	xmlSecDSigCtxDestroy(ctx);
	xmlFreeDoc(doc);
}

static void rig_open(struct rig *r, const struct how *h)
{
	uint8_t xy[96];
	struct vkey *k = NULL;
	struct err e = { 0 };

	*r = (struct rig){
		.root = evkit_ec("P-384"), .mid = evkit_ec("P-384"), .leaf = evkit_ec("P-384"), .xml = wr_open(1u << 20)
	};
	evkit_xy(r->root, xy, 48);
	if (vkey_ec(VKEY_P384, SPAN(xy), &k, &e) != COFFER_OK || anchors_add(&r->roots, "Root", k, &e) != COFFER_OK)
		abort();
	write_tag(r, h, &r->xml);
	if (!h->prolog)
		sign(r, &r->xml);
}

static void rig_close(struct rig *r)
{
	EVP_PKEY_free(r->root);
	EVP_PKEY_free(r->mid);
	EVP_PKEY_free(r->leaf);
	anchors_clear(&r->roots);
	wr_close(&r->xml);
}

static enum coffer_rc judge(const struct rig *r, struct rim *out, struct err *e)
{
	rim_clear(out);
	*e = (struct err){ 0 };
	return rim_read(wr_span(&r->xml), &r->roots, NOW, out, e);
}

/* Refused with this code, and with these words in the reason or as the check. */
static bool refused(const struct how *h, enum coffer_rc rc, const char *why)
{
	CLEANUP(rim_clear) struct rim out = { 0 };
	struct err e;
	struct rig r;
	bool ok;

	rig_open(&r, h);
	ok = judge(&r, &out, &e) == rc && (strstr(e.msg, why) || strcmp(e.check, why) == 0);
	if (!ok)
		printf("# %d %s: %s\n", (int)e.rc, e.check, e.msg);
	rig_close(&r);
	return ok;
}

static void signed_manifest_is_read_and_named_as_upstream_names_it(void)
{
	CLEANUP(rim_clear) struct rim out = { 0 };
	struct err e;
	struct rig r;

	rig_open(&r, &(struct how){ 0 });
	CHECK(judge(&r, &out, &e) == COFFER_OK);
	CHECK(strcmp(out.version, "1.2") == 0);
	CHECK(span_eq_str(
	    wr_span(&out.values), "{\"A_Corp.G_PU.measurement_1\":[\"" HASH "\"],\"A_Corp.G_PU.measurement_2\":[\"" HASH "\"]}"));
	rig_close(&r);
}

static void changed_value_is_noticed(void)
{
	CLEANUP(rim_clear) struct rim out = { 0 };
	struct err e;
	struct rig r;
	uint8_t *at;

	rig_open(&r, &(struct how){ 0 });
	at = memmem(r.xml.p, r.xml.n, "b1b1", 4);
	if (!at)
		abort();
	at[1] = '2';
	CHECK(judge(&r, &out, &e) == COFFER_E_DENIED && strcmp(e.check, "rim") == 0);
	rig_close(&r);
}

static void every_truncation_is_refused(void)
{
	CLEANUP(rim_clear) struct rim out = { 0 };
	struct err e = { 0 };
	struct rig r;

	rig_open(&r, &(struct how){ 0 });
	while (r.xml.n > 0 && r.xml.p[r.xml.n - 1] == '\n')
		r.xml.n--;
	for (size_t n = 0; n < r.xml.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		if (!exact)
			abort();
		memcpy(exact, r.xml.p, n);
		CHECK(rim_read((struct span){ exact, n }, &r.roots, NOW, &out, &e) == COFFER_E_INPUT);
		free(exact);
	}
	rig_close(&r);
}

static void document_type_entity_and_depth_are_refused(void)
{
	char deep[1024] = "";

	for (int i = 0; i < 20; i++)
		memcpy(deep + strlen(deep), "<a>", 4);
	for (int i = 0; i < 20; i++)
		memcpy(deep + strlen(deep), "</a>", 5);
	CHECK(refused(&(struct how){ .prolog = "<!DOCTYPE a>" }, COFFER_E_INPUT, "document type"));
	CHECK(refused(&(struct how){ .prolog = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" }, COFFER_E_INPUT,
	    "document type"));
	CHECK(refused(&(struct how){ .more = "<?php x?>" }, COFFER_E_INPUT, "instruction"));
	CHECK(refused(&(struct how){ .more = deep }, COFFER_E_INPUT, "too deep"));
}

static void signature_of_another_form_is_refused(void)
{
	CHECK(refused(&(struct how){ .more = "<Signature xmlns=\"" DSIG "\"/>" }, COFFER_E_INPUT, "exactly one"));
	CHECK(refused(&(struct how){ .uri = "#p" }, COFFER_E_INPUT, "whole document"));
	CHECK(refused(&(struct how){ .uri = "file:///etc/hostname" }, COFFER_E_INPUT, "whole document"));
	CHECK(refused(&(struct how){ .transforms = "<ds:Transform Algorithm=\"" ENVELOPED "\"/>"
						   "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"/>" },
	    COFFER_E_INPUT, "whole document"));
	CHECK(
	    refused(&(struct how){ .transforms = "<ds:Transform Algorithm=\"" C14N11 "\"/>" }, COFFER_E_INPUT, "whole document"));
	CHECK(refused(&(struct how){ .method = MORE "ecdsa-sha256" }, COFFER_E_INPUT, "ECDSA-P384-SHA384"));
	CHECK(refused(&(struct how){ .method = DSIG "hmac-sha1" }, COFFER_E_INPUT, "ECDSA-P384-SHA384"));
	CHECK(refused(&(struct how){ .in_signature = "<ds:Object/>" }, COFFER_E_INPUT, "more than that"));
	CHECK(refused(&(struct how){ .more = "<Payload/>" }, COFFER_E_INPUT, "two Payload"));
}

static void signer_must_be_in_force_and_on_a_path_to_the_root(void)
{
	CHECK(refused(&(struct how){ .late = true }, COFFER_E_DENIED, "validity"));
	CHECK(refused(&(struct how){ .other_root = true }, COFFER_E_DENIED, "chain"));
}

int main(void)
{
	const struct t_case cases[] = {
		T(signed_manifest_is_read_and_named_as_upstream_names_it),
		T(changed_value_is_noticed),
		T(every_truncation_is_refused),
		T(document_type_entity_and_depth_are_refused),
		T(signature_of_another_form_is_refused),
		T(signer_must_be_in_force_and_on_a_path_to_the_root),
	};

	if (!rim_set_up())
		return 1;
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
