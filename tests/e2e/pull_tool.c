/* A thin caller of image_pull for test_pull.py: pull_tool HOST:PORT/REPO DIGEST POLICY-TEXT DIR MAX-BYTES. HOST:PORT is spoken to
 * without TLS. Behind the door of the agent's puller. Prints "ok LAYERS BYTES", or "<check or code>: <reason>" and exits 1. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "crypto/hash.h"
#include "image/pull.h"
#include "os/sandbox.h"

static enum coffer_rc no_key(void *arg, const char *kid, struct secret *out, struct err *e)
{
	(void)arg;
	(void)out;
	return err_deny(e, "kbs", "no key for %.64s", kid);
}

static const char *code_name(enum coffer_rc rc)
{
	switch (rc) {
	case COFFER_OK: return "ok";
	case COFFER_E_INPUT: return "INPUT";
	case COFFER_E_DENIED: return "DENIED";
	case COFFER_E_NOTFOUND: return "NOTFOUND";
	case COFFER_E_LIMIT: return "LIMIT";
	case COFFER_E_UPSTREAM: return "UPSTREAM";
	case COFFER_E_SYSTEM: return "SYSTEM";
	case COFFER_E_BUG: return "BUG";
	}
	return "?";
}

static enum coffer_rc run(char **a, struct image_pulled *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *plain = NULL;
	CLEANUP(freep) char *list = str_fmt("[\"%.*s\"]", (int)span_find(span_of(a[1]), '/'), a[1]);
	CLEANUP(freep) char *ref = str_fmt("%s@sha256:%s", a[1], a[2]);
	uint8_t warm[32];
	struct image_pull o = { .reference = ref, .policy = span_of(a[3]), .get_key = no_key, .dir = a[4] };

	if (!list || !ref || !hex_fixed(span_of(a[2]), o.digest, 32) || !span_u64(span_of(a[5]), &o.max_bytes))
		return err_set(e, COFFER_E_INPUT, "usage");
	TRY(json_parse(span_of(list), 512, &plain, e));
	o.plain_http = json_root(plain);
	sha256(span_of(""), warm); /* the crypto library starts */
	TRY(sandbox_enter_puller(o.dir, e));
	return image_pull(&o, out, e);
}

int main(int argc, char **argv)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc = argc == 6 ? run(argv, &got, &e) : err_set(&e, COFFER_E_INPUT, "usage");

	if (rc != COFFER_OK) {
		printf("%s: %s\n", rc == COFFER_E_DENIED ? e.check : code_name(rc), e.msg);
		return 1;
	}
	printf("ok %zu %" PRIu64 "\n", got.n_layers, got.bytes);
	return 0;
}
