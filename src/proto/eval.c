#include "proto/eval.h"

void eval_release_req_write(struct wr *w, const struct eval_release_req *m)
{
	wr_be64(w, (uint64_t)m->now);
	wr_blob32(w, m->policy);
	wr_blob32(w, m->data);
	wr_blob32(w, m->input);
}

static int64_t get_time(struct rd *r)
{
	uint64_t high = rd_be32(r);

	return (int64_t)(high << 32 | rd_be32(r));
}

enum coffer_rc eval_release_req_read(struct span b, struct eval_release_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct eval_release_req q = { 0 };

	q.now = get_time(&r);
	q.policy = rd_blob32(&r, EVAL_POLICY_MAX);
	q.data = rd_blob32(&r, EVAL_DOC_MAX);
	q.input = rd_blob32(&r, EVAL_DOC_MAX);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "eval: malformed request near byte %zu", r.off);
	*m = q;
	return COFFER_OK;
}

/* ---- evidence ---- */

static void put_list(struct wr *w, const struct span *list, size_t n)
{
	wr_u8(w, (uint8_t)n);
	for (size_t i = 0; i < n; i++)
		wr_blob32(w, list[i]);
}

static size_t get_list(struct rd *r, struct span *list, size_t max, size_t each_max)
{
	size_t n = rd_count(r, rd_u8(r), 4, max);

	for (size_t i = 0; i < n; i++)
		list[i] = rd_blob32(r, each_max);
	return n;
}

void eval_evidence_req_write(struct wr *w, const struct eval_evidence_req *m)
{
	wr_be64(w, (uint64_t)m->now);
	wr_blob32(w, m->platform);
	wr_blob32(w, m->report_data);
	wr_blob32(w, m->device_data);
	wr_blob32(w, m->init_digest);
	wr_blob32(w, m->evidence);
	wr_blob32(w, m->additional);
	wr_blob32(w, m->initdata);
	wr_blob32(w, m->runtime);
	wr_blob32(w, m->references);
	wr_blob32(w, m->ak);
	put_list(w, m->root, m->n_roots);
	put_list(w, m->file, m->n_files);
}

enum coffer_rc eval_evidence_req_read(struct span b, struct eval_evidence_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct eval_evidence_req q = { .now = get_time(&r) };

	q.platform = rd_blob32(&r, 31);
	q.report_data = rd_blob32(&r, 64);
	q.device_data = rd_blob32(&r, 64);
	q.init_digest = rd_blob32(&r, 64);
	q.evidence = rd_blob32(&r, EVAL_EVIDENCE_MAX);
	q.additional = rd_blob32(&r, EVAL_EVIDENCE_MAX);
	q.initdata = rd_blob32(&r, 1u << 20);
	q.runtime = rd_blob32(&r, EVAL_DOC_MAX);
	q.references = rd_blob32(&r, EVAL_DOC_MAX);
	q.ak = rd_blob32(&r, 4096);
	q.n_roots = get_list(&r, q.root, EVAL_ROOTS_MAX, 8192);
	q.n_files = get_list(&r, q.file, EVAL_FILES_MAX, EVAL_COLLATERAL_MAX);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "eval: malformed request near byte %zu", r.off);
	*m = q;
	return COFFER_OK;
}

void eval_evidence_rep_write(struct wr *w, const struct eval_evidence_rep *m)
{
	wr_blob32(w, m->check);
	wr_blob32(w, m->expected);
	wr_blob32(w, m->found);
	wr_blob32(w, m->facts);
	wr_blob32(w, m->report_data);
	wr_blob32(w, m->init_register);
	wr_blob32(w, m->report);
	wr_blob32(w, m->signature);
	wr_blob32(w, m->key);
	wr_blob32(w, m->registers);
	wr_blob32(w, m->quote);
	put_list(w, m->path, m->n_path);
	wr_blob32(w, m->activated);
	wr_blob32(w, m->submods);
	wr_blob32(w, m->needs);
}

enum coffer_rc eval_evidence_rep_read(struct span b, struct eval_evidence_rep *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct eval_evidence_rep q = { 0 };

	q.check = rd_blob32(&r, 40);
	q.expected = rd_blob32(&r, 160);
	q.found = rd_blob32(&r, 160);
	q.facts = rd_blob32(&r, 4096);
	q.report_data = rd_blob32(&r, 64);
	q.init_register = rd_blob32(&r, 64);
	q.report = rd_blob32(&r, EVAL_REPORT_MAX);
	q.signature = rd_blob32(&r, 4096);
	q.key = rd_blob32(&r, 8192);
	q.registers = rd_blob32(&r, 4096);
	q.quote = rd_blob32(&r, EVAL_REPORT_MAX);
	q.n_path = get_list(&r, q.path, EVAL_PATH_MAX, 16384);
	q.activated = rd_blob32(&r, 64);
	q.submods = rd_blob32(&r, EVAL_SUBMODS_MAX);
	q.needs = rd_blob32(&r, 4096);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "eval: malformed reply near byte %zu", r.off);
	*m = q;
	return COFFER_OK;
}

/* ---- certificates of an endorsement key ---- */

void eval_ek_req_write(struct wr *w, const struct eval_ek_req *m)
{
	wr_be64(w, (uint64_t)m->now);
	wr_blob32(w, m->ek_cert);
	put_list(w, m->chain, m->n_chain);
	put_list(w, m->root, m->n_roots);
}

enum coffer_rc eval_ek_req_read(struct span b, struct eval_ek_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct eval_ek_req q = { .now = get_time(&r) };

	q.ek_cert = rd_blob32(&r, EVAL_EK_MAX);
	q.n_chain = get_list(&r, q.chain, EVAL_EK_CHAIN_MAX, EVAL_EK_MAX);
	q.n_roots = get_list(&r, q.root, EVAL_ROOTS_MAX, 8192);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "eval: malformed request near byte %zu", r.off);
	*m = q;
	return COFFER_OK;
}

void eval_ek_rep_write(struct wr *w, const struct eval_ek_rep *m)
{
	wr_blob32(w, m->check);
	wr_blob32(w, m->reason);
	put_list(w, m->path, m->n_path);
}

enum coffer_rc eval_ek_rep_read(struct span b, struct eval_ek_rep *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct eval_ek_rep q = { 0 };

	q.check = rd_blob32(&r, 40);
	q.reason = rd_blob32(&r, 256);
	q.n_path = get_list(&r, q.path, EVAL_PATH_MAX, 16384);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "eval: malformed reply near byte %zu", r.off);
	*m = q;
	return COFFER_OK;
}

void eval_printable(struct span s, char *out, size_t n)
{
	size_t len = s.n < n - 1 ? s.n : n - 1;

	for (size_t i = 0; i < len; i++)
		out[i] = (char)(s.p[i] >= 0x20 && s.p[i] <= 0x7e ? s.p[i] : '?');
	out[len] = '\0';
}
