/* The owner's terms, and that a manifest only tightens them. */
#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"
#include "trust/lease.h"

static enum coffer_rc of_manifest(const char *text, struct lease_terms *t)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err e;

	TRY(json_parse(span_of(text), 4096, &doc, &e));
	return lease_read_manifest(json_root(doc), t, &e);
}

static void manifest_asks_more_and_never_less(void)
{
	const struct lease_terms owner = { .lease = 300, .check = 60, .grace = 900, .stop = true }, mild = { .lease = 9, .check = 5, .grace = 7 };
	struct lease_terms m = { 0 }, t;

	CHECK(of_manifest("{\"action\":\"wipe\",\"check\":3600,\"grace\":86400,\"term\":10}", &m) == COFFER_OK);
	t = lease_strictest(&owner, &m);
	CHECK(t.lease == 300 && t.check == 60 && t.grace == 900 && t.term == 10 && t.stop);
	CHECK(of_manifest("{\"action\":\"stop\",\"check\":2,\"grace\":4,\"term\":10}", &m) == COFFER_OK);
	t = lease_strictest(&owner, &m);
	CHECK(t.lease == 300 && t.check == 2 && t.grace == 4 && t.term == 4 && t.stop); /* the time to end in is within check + grace */
	t = lease_strictest(&mild, &m);
	CHECK(t.lease == 9 && t.check == 2 && t.grace == 4 && t.stop);
}

int main(void)
{
	static const struct t_case cases[] = { T(manifest_asks_more_and_never_less) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
