#include "crypto/jwk.h"

#include <stdlib.h>

#include "base/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(json_freep) struct json_doc *again = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct json_wr j = jw_open(&w, false);
	struct pubkey k = { .x = { 0xaa } }, back;
	struct err e;

	if (json_parse((struct span){ p, n }, 1 << 16, &doc, &e) != COFFER_OK)
		return 0;
	if (jwk_read(json_root(doc), "key", &k, &e) != COFFER_OK) {
		if (k.kind != 0 || k.x[0] != 0xaa)
			abort();
		return 0;
	}
	if (json_get(json_root(doc), "d"))
		abort(); /* a private key */
	jwk_write(&j, &k);
	if (json_parse(wr_span(&w), 1024, &again, &e) != COFFER_OK || jwk_read(json_root(again), "key", &back, &e) != COFFER_OK ||
	    !pubkey_eq(&k, &back))
		abort();
	return 0;
}
