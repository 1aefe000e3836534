#include "tests/rimkit.h"

#include <stdlib.h>

#include <libxml/parser.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

#define DSIG	  "http://www.w3.org/2000/09/xmldsig#"
#define C14N11	  "http://www.w3.org/2006/12/xml-c14n11"
#define ENVELOPED DSIG "enveloped-signature"
#define MORE	  "http://www.w3.org/2001/04/xmldsig-more#"
#define ZERO	  "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

#define CONTENTS                                                                                             \
	"<Meta colloquialVersion=\"1.2\" edition=\"G-PU\" t:PlatformManufacturerStr=\"A Corp\"/><Payload id=\"p\">" \
	"<Resource type=\"Measurement\" index=\"1\" n:Hash0=\"" RIMKIT_HASH "\"/>"                             \
	"<Resource type=\"Measurement\" index=\"2\" n:Hash0=\"" ZERO "\" n:Hash1=\"" RIMKIT_HASH "\"/>"      \
	"<Resource type=\"Measurement\" index=\"3\" n:Hash0=\"" ZERO "\"/></Payload>"

static void issue(const struct evkit_cert *c, struct wr *out)
{
	CLEANUP(wr_close) struct wr der = wr_open(4096);

	evkit_cert(c, &der);
	wr_str(out, "<ds:X509Certificate>");
	b64_write(out, wr_span(&der));
	wr_str(out, "</ds:X509Certificate>");
}

static void write_signature(const struct rimkit *r, const struct rimkit_how *h, struct wr *w)
{
	wr_fmt(w,
	    "<ds:Signature xmlns:ds=\"" DSIG "\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"" C14N11 "\"/>"
	    "<ds:SignatureMethod Algorithm=\"%s\"/><ds:Reference URI=\"%s\"><ds:Transforms>%s</ds:Transforms>"
	    "<ds:DigestMethod Algorithm=\"" MORE "sha384\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>"
	    "<ds:KeyInfo><ds:X509Data>",
	    h->method ? h->method : MORE "ecdsa-sha384", h->uri ? h->uri : "",
	    h->transforms ? h->transforms
			  : "<ds:Transform Algorithm=\"" ENVELOPED "\"/><ds:Transform Algorithm=\"" C14N11 "\"/>");
	issue(&(struct evkit_cert){ .cn = "Signer", .key = r->leaf, .issuer_cn = "Middle", .issuer_key = r->mid, .pathlen = -1,
		  .not_after = h->not_after }, w);
	issue(&(struct evkit_cert){ .cn = "Middle", .key = r->mid, .issuer_cn = "Root", .issuer_key = h->other_root ? r->leaf : r->root,
		  .ca = true, .pathlen = -1 }, w);
	wr_fmt(w, "</ds:X509Data></ds:KeyInfo>%s</ds:Signature>", h->in_signature ? h->in_signature : "");
}

static void write_tag(const struct rimkit *r, const struct rimkit_how *h, struct wr *w)
{
	wr_fmt(w,
	    "%s<SoftwareIdentity xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\" "
	    "xmlns:n=\"http://www.w3.org/2001/04/xmlenc#sha384\" "
	    "xmlns:t=\"https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/\">"
	    "%s%s",
	    h->prolog ? h->prolog : "", h->contents ? h->contents : CONTENTS, h->more ? h->more : "");
	write_signature(r, h, w);
	wr_str(w, "</SoftwareIdentity>");
}

/* What the method is not made for stays unsigned: the form refuses first. */
static void sign(struct rimkit *r, struct wr *w)
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

void rimkit_open(struct rimkit *r, const struct rimkit_how *h)
{
	uint8_t xy[96];
	struct vkey *k = NULL;
	struct err e = { 0 };

	*r = (struct rimkit){
		.root = evkit_ec("P-384"), .mid = evkit_ec("P-384"), .leaf = evkit_ec("P-384"), .xml = wr_open(1u << 20),
		.root_der = wr_open(4096)
	};
	evkit_xy(r->root, xy, 48);
	if (vkey_ec(VKEY_P384, SPAN(xy), &k, &e) != COFFER_OK || anchors_add(&r->roots, "Root", k, &e) != COFFER_OK)
		abort();
	evkit_cert(&(struct evkit_cert){ .cn = "Root", .key = r->root, .issuer_cn = "Root", .issuer_key = r->root, .ca = true,
		       .pathlen = -1 }, &r->root_der);
	write_tag(r, h, &r->xml);
	if (!h->prolog)
		sign(r, &r->xml);
}

void rimkit_close(struct rimkit *r)
{
	EVP_PKEY_free(r->root);
	EVP_PKEY_free(r->mid);
	EVP_PKEY_free(r->leaf);
	anchors_clear(&r->roots);
	wr_close(&r->xml);
	wr_close(&r->root_der);
}
