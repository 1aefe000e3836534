/* Every case of the shared manifest of evidence, by the code of `coffer evidence test`. */
#include "tests/conformance/evidence_cases.h"

static int report(size_t i, struct case_run *r)
{
	struct span id = json_str(json_get(r->c, "id"));
	enum case_result res = evidence_case(r);

	printf("%sok %zu %.*s%s%s\n", res == CASE_FAILED ? "not " : "", i + 1, (int)id.n, (const char *)id.p,
	    res == CASE_SKIPPED ? " # SKIP " : "", res == CASE_SKIPPED ? r->why : "");
	if (res == CASE_FAILED)
		printf("# %s\n", r->why);
	if (r->left[0])
		printf("# left out: %s\n", r->left);
	return res == CASE_FAILED;
}

int main(void)
{
	CLEANUP(evidence_cases_close) struct evidence_cases all;
	struct case_run r = { 0 };
	int bad = 0;

	if (!evidence_cases_open(&all)) {
		printf("1..1\nok 1 evidence manifest # SKIP no shared vectors\n");
		return 0;
	}
	r.dir = all.dir;
	printf("1..%zu\n", json_len(json_root(all.doc)));
	for (size_t i = 0; i < json_len(json_root(all.doc)); i++) {
		r.c = json_at(json_root(all.doc), i);
		bad |= report(i, &r);
	}
	return bad;
}
