/* Every truncation and every changed byte of genuine evidence, one in `stride` (argument; 1: all).
 *
 * A truncation within the used length must be refused. So must a changed byte of a raw report, of a CCA token, and of a quote up
 * to its certificates: it is signed, compared or a length. Elsewhere (JSON's blanks, PEM's, a certificate that is not needed) a
 * change may be none: there the count is told. */
#include "evidence/dcap_quote.h"
#include "evidence/fixed.h"
#include "evidence/nvidia_device.h"
#include "evidence/snp_report.h"
#include "tests/conformance/evidence_cases.h"

struct sweep {
	struct case_run   r;
	struct case_files f;
	struct wr        *main;
	struct ev_out     before;
	size_t            stride, used, must; /* bytes; bytes whose change must be refused */
	size_t            cuts, changed, noticed, bad;
	size_t            again;       /* changed bytes that the second reading (fixed.h) refused */
};

static bool noticed(struct sweep *s)
{
	CLEANUP(ev_out_clear) struct ev_out after = { 0 };
	struct err e = { 0 };

	return case_appraise(&s->r, &s->f, &after, &e) == COFFER_OK && case_refused(&s->before, &after);
}

/* In memory of its exact size, where a sanitizer sees an overrun. */
static void truncations(struct sweep *s)
{
	struct wr whole = *s->main;

	for (size_t n = 0; n < s->used; n += s->stride) {
		uint8_t *exact = malloc(n ? n : 1);

		if (!exact)
			abort();
		memcpy(exact, whole.p, n);
		*s->main = (struct wr){ .p = exact, .n = n, .cap = n, .max = n };
		s->cuts++;
		if (n > 0 && !noticed(s)) {
			printf("# a truncation to %zu bytes passed\n", n);
			s->bad++;
		}
		free(exact);
	}
	*s->main = whole;
}

static void changes(struct sweep *s)
{
	for (size_t i = 0; i < s->main->n; i += s->stride) {
		bool seen;

		s->main->p[i] ^= 1;
		seen = noticed(s);
		s->main->p[i] ^= 1;
		s->changed++;
		s->noticed += seen;
		if (!seen && i < s->must) {
			printf("# a change of byte %zu passed\n", i);
			s->bad++;
		}
	}
}

/* No genuine token is at hand: those of tests, by keys of tests. */
static bool is_cca(const struct sweep *s)
{
	return span_eq_str(json_str(json_get(s->r.c, "tee")), "cca");
}

/* A device's report in hex: all of it counts, but that a padding byte may be missing. */
static bool measure_device(struct sweep *s, struct span all)
{
	struct nv_device d = { 0 };
	struct err e = { 0 };
	bool is = all.n > 0 && all.p[0] == '1' && nv_device_read(all, &d, &e) == COFFER_OK;

	if (is) {
		s->must = all.n;
		s->used = all.n - (d.r.stray ? 2 : 0);
	}
	nv_device_clear(&d);
	return is;
}

static void measure(struct sweep *s)
{
	struct span all = wr_span(s->main);
	struct dcap_quote q;
	struct err e = { 0 };

	s->used = all.n;
	while (s->used > 0 && all.p[0] == '{' && all.p[s->used - 1] != '}')
		s->used--; /* a line feed behind JSON is not used */
	if (all.n == SNP_REPORT_LEN || is_cca(s))
		s->must = all.n;
	if (measure_device(s, all) || all.p[0] == '{' || dcap_quote_parse(all, &q, &e) != COFFER_OK)
		return;
	s->used = all.n - q.trailing.n;
	s->must = (size_t)(q.cert_data.p - all.p) - 6; /* before the chain's kind and length */
}

/* ---- the second reading: genuine evidence is accepted up to the pinned roots, and none of its signed bytes may change ---- */

struct second { struct fixed_root root[FIXED_ROOTS_MAX]; struct fixed_in in; };

static void second_open(const char *platform, const char *vendor, struct ev_parts *p, struct second *t)
{
	struct err e = { 0 };

	*t = (struct second){ .in = { .platform = platform, .report = wr_span(&p->report), .signature = wr_span(&p->signature),
		.key = wr_span(&p->key), .registers = wr_span(&p->registers), .n_path = p->n_path, .root = t->root } };
	for (size_t i = 0; i < p->n_path; i++)
		t->in.path[i] = wr_span(&p->path[i]);
	for (size_t i = 0; i < FIXED_ROOTS_MAX; i++) {
		const struct vkey *key;
		const char *name;

		if (ev_pinned(vendor, i, &name, &key, &e) != COFFER_OK || !name)
			return;
		t->root[t->in.n_roots++] = (struct fixed_root){ .name = name, .key = key, .pinned = true };
	}
}

static bool second_reads(const struct second *t)
{
	struct fixed_out out;
	struct err e = { 0 };

	return fixed_read(&t->in, &out, &e) == COFFER_OK;
}

static void second_reading(struct sweep *s)
{
	static const struct { const char *platform, *vendor; } known[] = { { "snp", "amd" }, { "tdx", "intel" }, { "sgx", "intel" }, { "tpm", "tpm" } };
	struct ev_parts *p = &s->before.parts;
	struct second t = { 0 };
	bool fixed = false;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && !fixed; i++) {
		fixed = p->n_path > 0 && span_eq_str(json_str(json_get(s->r.c, "tee")), known[i].platform);
		if (fixed)
			second_open(known[i].platform, known[i].vendor, p, &t);
	}
	if (fixed && second_reads(&t)) {
		size_t n = s->must && s->must < p->report.n ? s->must : p->report.n;

		n = n == SNP_REPORT_LEN ? SNP_SIGNED_LEN : n;
		for (size_t i = 0; i < n; i += s->stride) {
			p->report.p[i] ^= 1;
			if (second_reads(&t)) {
				printf("# the second reading passes a change of byte %zu\n", i);
				s->bad++;
			}
			p->report.p[i] ^= 1;
			s->again++;
		}
	} else if (fixed && s->before.verdict == VERDICT_VALID) {
		printf("# the second reading refuses what is valid\n");
		s->bad++;
	}
}

static bool ready(struct sweep *s)
{
	struct err e = { 0 };

	if ((!span_eq_str(json_str(json_get(s->r.c, "kind")), "genuine") && !is_cca(s)) ||
	    !tee_driver_find(json_str(json_get(s->r.c, "tee"))) ||
	    case_files_read(&s->r, &s->f, &e) != COFFER_OK)
		return false;
	s->main = case_main(&s->r, &s->f);
	return s->main && s->main->n > 0 && case_appraise(&s->r, &s->f, &s->before, &e) == COFFER_OK &&
	       s->before.verdict != VERDICT_MALFORMED;
}

static int one(const struct evidence_cases *all, const struct json *c, size_t stride, size_t *n)
{
	struct span id = json_str(json_get(c, "id"));
	struct sweep s = { .r = { .dir = all->dir, .c = c }, .stride = stride };

	if (ready(&s)) {
		measure(&s);
		truncations(&s);
		changes(&s);
		second_reading(&s);
		printf("%sok %zu %.*s: %zu truncations refused, %zu of %zu changed bytes noticed (the first %zu must be), %zu of %zu by the second "
		       "reading\n",
		    s.bad ? "not " : "", ++*n, (int)id.n, (const char *)id.p, s.cuts, s.noticed, s.changed, s.must, s.again, s.again);
	}
	ev_out_clear(&s.before);
	case_files_clear(&s.f);
	return s.bad > 0;
}

int main(int argc, char **argv)
{
	CLEANUP(evidence_cases_close) struct evidence_cases all;
	uint64_t stride = 1;
	size_t n = 0;
	int bad = 0;

	if (argc > 1 && (!span_u64(span_of(argv[1]), &stride) || stride == 0))
		return 2;
	if (!evidence_cases_open(&all)) {
		printf("1..1\nok 1 evidence sweep # SKIP no shared vectors\n");
		return 0;
	}
	for (size_t i = 0; i < json_len(json_root(all.doc)); i++)
		bad |= one(&all, json_at(json_root(all.doc), i), (size_t)stride, &n);
	printf("1..%zu\n", n);
	return bad;
}
