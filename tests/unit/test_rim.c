/* Manifests made and signed here (by libxmlsec1, as their maker does): what is good, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/rim.h"
#include "tests/rimkit.h"
#include "tests/t.h"

#define DSIG	  "http://www.w3.org/2000/09/xmldsig#"
#define C14N11	  "http://www.w3.org/2006/12/xml-c14n11"
#define ENVELOPED DSIG "enveloped-signature"
#define MORE	  "http://www.w3.org/2001/04/xmldsig-more#"

static enum coffer_rc judge(const struct rimkit *r, struct rim *out, struct err *e)
{
	rim_clear(out);
	*e = (struct err){ 0 };
	return rim_read(wr_span(&r->xml), &r->roots, RIMKIT_NOW, out, e);
}

/* Refused with this code, and with these words in the reason or as the check. */
static bool refused(const struct rimkit_how *h, enum coffer_rc rc, const char *why)
{
	CLEANUP(rim_clear) struct rim out = { 0 };
	struct err e;
	struct rimkit r;
	bool ok;

	rimkit_open(&r, h);
	ok = judge(&r, &out, &e) == rc && (strstr(e.msg, why) || strcmp(e.check, why) == 0);
	if (!ok)
		printf("# %d %s: %s\n", (int)e.rc, e.check, e.msg);
	rimkit_close(&r);
	return ok;
}

static void signed_manifest_is_read_and_named_as_upstream_names_it(void)
{
	CLEANUP(rim_clear) struct rim out = { 0 };
	struct err e;
	struct rimkit r;

	rimkit_open(&r, &(struct rimkit_how){ 0 });
	CHECK(judge(&r, &out, &e) == COFFER_OK);
	CHECK(strcmp(out.version, "1.2") == 0);
	CHECK(span_eq_str(
	    wr_span(&out.values), "{\"A_Corp.G_PU.measurement_1\":[\"" RIMKIT_HASH "\"],\"A_Corp.G_PU.measurement_2\":[\"" RIMKIT_HASH "\"]}"));
	rimkit_close(&r);
}

static void changed_value_is_noticed(void)
{
	CLEANUP(rim_clear) struct rim out = { 0 };
	struct err e;
	struct rimkit r;
	uint8_t *at;

	rimkit_open(&r, &(struct rimkit_how){ 0 });
	at = memmem(r.xml.p, r.xml.n, "b1b1", 4);
	if (!at)
		abort();
	at[1] = '2';
	CHECK(judge(&r, &out, &e) == COFFER_E_DENIED && strcmp(e.check, "rim") == 0);
	rimkit_close(&r);
}

static void every_truncation_is_refused(void)
{
	CLEANUP(rim_clear) struct rim out = { 0 };
	struct err e = { 0 };
	struct rimkit r;

	rimkit_open(&r, &(struct rimkit_how){ 0 });
	while (r.xml.n > 0 && r.xml.p[r.xml.n - 1] == '\n')
		r.xml.n--;
	for (size_t n = 0; n < r.xml.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		if (!exact)
			abort();
		memcpy(exact, r.xml.p, n);
		CHECK(rim_read((struct span){ exact, n }, &r.roots, RIMKIT_NOW, &out, &e) == COFFER_E_INPUT);
		free(exact);
	}
	rimkit_close(&r);
}

static void document_type_entity_and_depth_are_refused(void)
{
	char deep[1024] = "";

	for (int i = 0; i < 20; i++)
		memcpy(deep + strlen(deep), "<a>", 4);
	for (int i = 0; i < 20; i++)
		memcpy(deep + strlen(deep), "</a>", 5);
	CHECK(refused(&(struct rimkit_how){ .prolog = "<!DOCTYPE a>" }, COFFER_E_INPUT, "document type"));
	CHECK(refused(&(struct rimkit_how){ .prolog = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" }, COFFER_E_INPUT,
	    "document type"));
	CHECK(refused(&(struct rimkit_how){ .more = "<?php x?>" }, COFFER_E_INPUT, "instruction"));
	CHECK(refused(&(struct rimkit_how){ .more = deep }, COFFER_E_INPUT, "too deep"));
}

static void signature_of_another_form_is_refused(void)
{
	CHECK(refused(&(struct rimkit_how){ .more = "<Signature xmlns=\"" DSIG "\"/>" }, COFFER_E_INPUT, "exactly one"));
	CHECK(refused(&(struct rimkit_how){ .uri = "#p" }, COFFER_E_INPUT, "whole document"));
	CHECK(refused(&(struct rimkit_how){ .uri = "file:///etc/hostname" }, COFFER_E_INPUT, "whole document"));
	CHECK(refused(&(struct rimkit_how){ .transforms = "<ds:Transform Algorithm=\"" ENVELOPED "\"/>"
						   "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"/>" },
	    COFFER_E_INPUT, "whole document"));
	CHECK(
	    refused(&(struct rimkit_how){ .transforms = "<ds:Transform Algorithm=\"" C14N11 "\"/>" }, COFFER_E_INPUT, "whole document"));
	CHECK(refused(&(struct rimkit_how){ .method = MORE "ecdsa-sha256" }, COFFER_E_INPUT, "ECDSA-P384-SHA384"));
	CHECK(refused(&(struct rimkit_how){ .method = DSIG "hmac-sha1" }, COFFER_E_INPUT, "ECDSA-P384-SHA384"));
	CHECK(refused(&(struct rimkit_how){ .in_signature = "<ds:Object/>" }, COFFER_E_INPUT, "more than that"));
	CHECK(refused(&(struct rimkit_how){ .more = "<Payload/>" }, COFFER_E_INPUT, "two Payload"));
}

static void signer_must_be_in_force_and_on_a_path_to_the_root(void)
{
	CHECK(refused(&(struct rimkit_how){ .not_after = RIMKIT_NOW - 10 }, COFFER_E_DENIED, "validity"));
	CHECK(refused(&(struct rimkit_how){ .other_root = true }, COFFER_E_DENIED, "chain"));
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
