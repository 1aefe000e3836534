/* The platform "sample" as a driver: evidence that nobody signed, judged by its bindings alone. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/driver.h"
#include "evidence/sample.h"

#define SAMPLE_MAX (16u << 10)

static void claims(const struct sample_evidence *s, struct ev_out *o)
{
	struct json_wr j = jw_open(&o->claims, false);

	jw_obj(&j);
	if (s->has_register)
		jw_m_hex(&j, "init_data", SPAN(s->init_register));
	jw_m_hex(&j, "report_data", (struct span){ s->report_data, s->report_data_n });
	jw_m_str(&j, "svn", s->svn);
	jw_obj_end(&j);
}

static enum coffer_rc appraise(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct sample_evidence s = { 0 };
	struct err bad = { 0 };

	ev_begin(out, SAMPLE_MAX);
	if (json_parse(in->evidence, SAMPLE_MAX, &doc, &bad) != COFFER_OK ||
	    sample_parse(json_root(doc), &s, &bad) != COFFER_OK) {
		ev_malformed(out, &bad);
		return COFFER_OK;
	}
	ev_bindings(out, in, (struct span){ s.report_data, s.report_data_n },
	    s.has_register ? SPAN(s.init_register) : (struct span){ 0 });
	claims(&s, out);
	(void)snprintf(out->facts.platform, sizeof(out->facts.platform), "sample");
	memcpy(out->report_data, s.report_data, s.report_data_n);
	out->report_data_n = s.report_data_n;
	out->init_register_n = s.has_register ? sizeof(s.init_register) : 0;
	memcpy(out->init_register, s.init_register, sizeof(s.init_register));
	return wr_done(&out->claims, "claims", e);
}

static bool looks_like(struct span evidence)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct sample_evidence s;
	struct err ignore = { 0 };

	return json_parse(evidence, SAMPLE_MAX, &doc, &ignore) == COFFER_OK &&
	       sample_parse(json_root(doc), &s, &ignore) == COFFER_OK;
}

const struct tee_driver tee_sample = { "sample", "sample", "cpu", appraise, looks_like, NULL };
