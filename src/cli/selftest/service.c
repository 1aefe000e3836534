#include "cli/selftest/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/selftest/take.h"
#include "client/rcar.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "proto/eval.h"
#include "trust/ear.h"

/* ---- evidence for a nonce of the service's ---- */

static enum coffer_rc evidence(
    void *arg, struct span report_data, const uint8_t init_register[static 32], struct wr *json, struct err *e)
{
	CLEANUP(bundle_freep) struct bundle *b = calloc(1, sizeof(*b));
	const char *platform = arg;

	(void)init_register; /* there is no initdata */
	if (!b)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(selftest_take(report_data, b, e));
	for (size_t i = 0; i < b->n_items; i++)
		if (strcmp(b->item[i].platform, platform) == 0) {
			wr_put(json, wr_span(&b->item[i].evidence));
			return wr_done(json, "evidence", e);
		}
	return err_set(e, COFFER_E_NOTFOUND, "%s was there before, and is not now", platform);
}

/* ---- its answer ---- */

/* The token's middle part: it came over a connection to the service itself. */
static enum coffer_rc claims_of(const char *token, struct json_doc **out, struct err *e)
{
	struct span all = span_of(token), part;
	CLEANUP(wr_close) struct wr text = wr_open(EAR_MAX);

	all = span_skip(all, span_find(all, '.') + 1);
	part = (struct span){ all.p, span_find(all, '.') };
	if (!b64url_read(part, &text) || !wr_ok(&text))
		return err_set(e, COFFER_E_UPSTREAM, "the service's token is none");
	return json_parse(wr_span(&text), EAR_MAX, out, e);
}

static void say(FILE *to, const char *platform, const struct json *claims)
{
	const struct json *all = json_get(claims, "submods");

	for (size_t i = 0; i < json_len(all); i++) {
		char status[32], name[32];

		eval_printable(json_str(json_get(json_at(all, i), "ear.status")), status, sizeof(status));
		eval_printable(json_name(all, i), name, sizeof(name));
		(void)fprintf(to, "service: %s: attested; %s is %s\n", platform, name, status);
	}
}

static enum coffer_rc attest(const struct selftest_service *s, const char *platform, struct err *e)
{
	struct service_opts o = { .url = span_of(s->url), .now = clock_now() };
	struct attester a = { .tee = platform, .evidence = evidence, .arg = (void *)(uintptr_t)platform };
	CLEANUP(service_closep) struct service_conn *c = NULL;
	CLEANUP(rcar_freep) struct rcar *r = NULL;
	CLEANUP(json_freep) struct json_doc *claims = NULL;

	memcpy(o.genesis, s->genesis, sizeof(o.genesis));
	TRY(service_open(&o, &c, e));
	TRY(rcar_attest(c, &a, (struct span){ 0 }, &r, e));
	TRY(claims_of(rcar_token(r), &claims, e));
	say(s->quiet ? stderr : stdout, platform, json_root(claims));
	return COFFER_OK;
}

enum coffer_rc selftest_attest(const struct selftest_service *s, const struct bundle *b, struct err *e)
{
	enum coffer_rc last = COFFER_OK;

	for (size_t i = 0; i < b->n_items; i++) {
		struct err why = { 0 };

		if (attest(s, b->item[i].platform, &why) == COFFER_OK)
			continue;
		(void)fprintf(s->quiet ? stderr : stdout, "service: %s: %s%s%s\n", b->item[i].platform, why.check, why.check[0] ? ": " : "", why.msg);
		*e = why;
		last = err_wrap(e, "service, %s", b->item[i].platform);
	}
	return last;
}
