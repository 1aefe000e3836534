#include "evidence/dcap.h"

#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "evidence/driver.h"

void dcap_clear(struct dcap *d)
{
	certs_clear(&d->chain);
	anchors_clear(&d->roots);
	dcap_collateral_clear(&d->col);
}

/* ---- the quote itself ---- */

static bool signed_by_ak(const struct dcap_quote *q)
{
	CLEANUP(vkey_freep) struct vkey *ak = NULL;
	struct err ignore = { 0 };

	return vkey_ec(VKEY_P256, q->ak, &ak, &ignore) == COFFER_OK &&
	       vkey_verify(ak, SIG_ECDSA_RAW, HASH_SHA256, q->signed_part, q->signature);
}

/* The quoting enclave reports SHA-256(attestation key || its own data), and zeros behind. */
static bool qe_binds_ak(const struct dcap_quote *q)
{
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t want[64] = { 0 }, digest[HASH_MAX];

	hash_add(h, q->ak);
	hash_add(h, q->qe_auth);
	hash_end(h, digest);
	memcpy(want, digest, 32);
	return span_eq(SPAN(want), q->qe.report_data);
}

/* ---- the PCK ---- */

static bool signed_by_pck(const struct dcap_quote *q, const struct cert *pck)
{
	const struct vkey *k = cert_key(pck);

	return k && vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA256, q->qe_report, q->qe_report_sig);
}

/* Its own, or of those among the collateral the one that signed the quoting enclave's report: machines of one owner share a folder. */
static const struct cert *pck_cert(struct dcap *d, const struct collateral *col)
{
	const struct cert *found = NULL;
	struct err ignore = { 0 };
	struct pck p;

	for (size_t i = 0; i < d->chain.n; i++)
		if (pck_read(d->chain.c[i], &d->pck, &ignore) == COFFER_OK)
			return d->chain.c[i];
	for (size_t i = 0; col && i < col->certs.n; i++) {
		bool its_own;

		if (pck_read(col->certs.c[i], &p, &ignore) != COFFER_OK)
			continue;
		its_own = signed_by_pck(&d->q, col->certs.c[i]);
		if (found && !its_own)
			continue;
		found = col->certs.c[i];
		d->pck = p;
		if (its_own)
			break;
	}
	return found;
}

static enum coffer_rc all_between(const struct dcap *d, const struct collateral *col, struct cert_list *out, struct err *e)
{
	TRY(certs_join(&d->chain, out, e));
	TRY(certs_join(&d->col.certs, out, e));
	return col ? certs_join(&col->certs, out, e) : COFFER_OK;
}

static void chain_check(struct ev_out *o, const char *id, enum coffer_rc rc, const struct err *e)
{
	(void)ev_need(o, id, rc == COFFER_OK,
	    rc == COFFER_E_UPSTREAM ? VERDICT_COLLATERAL : strcmp(e->check, "validity") == 0 ? VERDICT_STALE : VERDICT_INVALID,
	    "a path to Intel SGX Root CA", rc == COFFER_OK ? "valid" : e->msg);
}

static void check_qe_report(const struct dcap *d, const struct cert *pck, struct ev_out *o)
{
	bool good = signed_by_pck(&d->q, pck);

	(void)ev_need(o, "qe_report_signature_by_pck", good, VERDICT_INVALID, "by the platform's PCK", good ? "valid" : "not by that key");
}

/* That nobody on the path is revoked is known only by a list of each issuer that is in force. Lists that are there but out of date
 * are stale as documents are; one that is missing is missing. */
static void check_path(enum coffer_rc rc, const struct cert_path *path, const struct err *bad, struct ev_out *o)
{
	if (rc == COFFER_OK)
		ev_part_path(o, path);
	chain_check(o, "pck_chain", rc, bad);
	if (rc == COFFER_OK)
		(void)ev_need(o, "revocation_lists", !path->unlisted, path->outdated ? VERDICT_STALE : VERDICT_COLLATERAL,
		    "a revocation list in force of each issuer",
		    path->outdated   ? "expired, or not issued yet: a newer one is due"
		    : path->unlisted ? CERT_UNLISTED
				     : "present");
	(void)ev_need(o, "pck_revoked", strcmp(bad->check, "revoked") != 0, VERDICT_INVALID, "no PCK or CA that Intel revoked",
	    strcmp(bad->check, "revoked") ? "not revoked" : "revoked");
}

static bool check_pck(struct dcap *d, const struct cert *leaf, const struct ev_in *in, struct ev_out *o, struct err *e)
{
	CLEANUP(certs_clear) struct cert_list between = { 0 };
	struct cert_rules rules = { .now = in->now, .crls = &d->crls };
	struct cert_path path = { 0 };
	struct err bad = { 0 };
	char cn[64] = "";

	if (!ev_need(o, "pck", leaf != NULL, VERDICT_COLLATERAL, "the platform's PCK certificate", leaf ? "found" : "none"))
		return false;
	if (all_between(d, in->col, &between, e) != COFFER_OK)
		return ev_need(o, "pck_chain", false, VERDICT_INVALID, "certificates that can be read", e->msg);
	d->has_pck = true;
	d->pck_platform = cert_issuer_cn(leaf, cn, sizeof(cn)) && strstr(cn, "Platform") != NULL;
	check_qe_report(d, leaf, o);
	check_path(cert_chain(leaf, &between, &d->roots, &rules, &path, &bad), &path, &bad, o);
	return true;
}

/* ---- collateral ---- */

/* Certificates named as Intel's TCB signing, on a path to the root: at any time, and at this one. */
struct tcb_signers {
	struct cert_list certs;
	struct { bool asked, trusted, current; } of[sizeof(((struct cert_list *)0)->c) / sizeof(struct cert *)];
};

static void tcb_signers_clear(struct tcb_signers *s)
{
	certs_clear(&s->certs);
}

static bool path_current(const struct cert_path *p, int64_t now)
{
	bool ok = true;

	for (size_t i = 0; now >= 0 && i < p->n; i++) {
		int64_t from, to;

		cert_dates(p->c[i], &from, &to);
		ok = ok && from <= now && now <= to;
	}
	return ok;
}

/* The path does not depend on the time: only whether its certificates are valid does. */
static void ask_signer(const struct dcap *d, struct tcb_signers *s, size_t i, int64_t now)
{
	struct cert_rules rules = { .now = -1, .crls = &d->crls };
	struct cert_path path = { 0 };
	struct err ignore = { 0 };

	if (s->of[i].asked)
		return;
	s->of[i].asked = true;
	s->of[i].trusted = cert_chain(s->certs.c[i], &s->certs, &d->roots, &rules, &path, &ignore) == COFFER_OK;
	s->of[i].current = s->of[i].trusted && path_current(&path, now);
}

/* Whether one of them signed it; *current: whether one that is valid at this time did. */
static bool signed_doc(const struct dcap *d, const struct signed_json *doc, struct tcb_signers *s, int64_t now, bool *current)
{
	bool trusted = false;

	*current = false;
	for (size_t i = 0; i < s->certs.n && !*current; i++) {
		const struct cert *c = s->certs.c[i];
		char cn[64];

		if (!cert_subject_cn(c, cn, sizeof(cn)) || strcmp(cn, "Intel SGX TCB Signing") != 0 || !cert_key(c) ||
		    !vkey_verify(cert_key(c), SIG_ECDSA_RAW, HASH_SHA256, wr_span(&doc->text), SPAN(doc->sig)))
			continue;
		ask_signer(d, s, i, now);
		trusted = trusted || s->of[i].trusted;
		*current = s->of[i].current;
	}
	return trusted;
}

static void check_age(struct dcap *d, const struct ev_in *in, struct ev_out *o)
{
	const struct signed_json *s[] = { &d->col.tcb_info, &d->col.qe_identity };

	d->earliest_issue = d->earliest_expiry = INT64_MAX;
	for (size_t i = 0; i < 2; i++) {
		d->earliest_issue = s[i]->issued < d->earliest_issue ? s[i]->issued : d->earliest_issue;
		d->latest_issue = s[i]->issued > d->latest_issue ? s[i]->issued : d->latest_issue;
		d->earliest_expiry = s[i]->next_update < d->earliest_expiry ? s[i]->next_update : d->earliest_expiry;
	}
	if (in->now < 0)
		return;
	d->expired = in->now > d->earliest_expiry;
	(void)ev_need(o, "collateral_age", !d->expired && in->now >= d->latest_issue, VERDICT_STALE,
	    "collateral that is in force",
	    d->expired			 ? "expired: a newer one is due"
	    : in->now >= d->latest_issue ? "in force"
					 : "not issued yet");
}

static bool check_documents(struct dcap *d, const struct ev_in *in, struct ev_out *o, struct err *e)
{
	CLEANUP(tcb_signers_clear) struct tcb_signers signers = { 0 };
	bool a, b, a_now, b_now;

	if (!ev_need(o, "collateral", d->col.tcb_info.present && d->col.qe_identity.present, VERDICT_COLLATERAL,
		"Intel's TCB info and QE identity for this platform",
		!d->col.tcb_info.present     ? "no TCB info"
		: d->col.qe_identity.present ? "present"
					     : "no QE identity"))
		return false;
	if (all_between(d, in->col, &signers.certs, e) != COFFER_OK)
		return ev_need(o, "collateral_signatures", false, VERDICT_INVALID, "certificates that can be read", e->msg);
	a = signed_doc(d, &d->col.tcb_info, &signers, in->now, &a_now);
	b = signed_doc(d, &d->col.qe_identity, &signers, in->now, &b_now);
	(void)ev_need(o, "tcb_info_signature", a, VERDICT_INVALID, "by Intel's TCB signing key",
	    a ? "valid" : "not by a key that Intel's root vouches for");
	(void)ev_need(o, "qe_identity_signature", b, VERDICT_INVALID, "by Intel's TCB signing key",
	    b ? "valid" : "not by a key that Intel's root vouches for");
	(void)ev_need(o, "collateral_signatures", a && b, VERDICT_INVALID, "both valid", a && b ? "valid" : "not both");
	if (a && b)
		(void)ev_need(o, "collateral_signer", a_now && b_now, VERDICT_STALE,
		    "a TCB signing certificate that is valid at this time",
		    a_now && b_now ? "valid"
		    : a_now	   ? "the QE identity's is not"
		    : b_now	   ? "the TCB info's is not"
				   : "not valid at this time");
	check_age(d, in, o);
	d->judged = a && b;
	return d->judged;
}

static void check_tcb(struct dcap *d, struct ev_out *o)
{
	struct err bad = { 0 };

	d->qe = d->converged = TCB_NONE;
	if (tcb_info_judge(&d->col.tcb_info, &d->pck, &d->q, &d->tcb, &bad) != COFFER_OK) {
		(void)ev_need(
		    o, bad.check[0] ? bad.check : "platform_tcb", false, VERDICT_INVALID, "TCB info for this platform", bad.msg);
		d->judged = false;
		return;
	}
	(void)ev_need(o, "fmspc", true, VERDICT_INVALID, "TCB info for this platform", "the PCK's");
	(void)ev_need(o, "platform_tcb", d->tcb.matched && d->tcb.status != TCB_REVOKED, VERDICT_INVALID,
	    "a TCB level that is not revoked", tcb_status_name(d->tcb.matched ? d->tcb.status : TCB_NONE));
	if (d->tcb.has_module)
		(void)ev_need(o, "tdx_module", d->tcb.module != TCB_NONE && d->tcb.module != TCB_REVOKED, VERDICT_INVALID,
		    "a module level that is not revoked", tcb_status_name(d->tcb.module));
	if (qe_identity_judge(&d->col.qe_identity, &d->q, &d->qe, &bad) != COFFER_OK) {
		(void)ev_need(o, bad.check[0] ? bad.check : "qe_tcb", false, VERDICT_INVALID, "Intel's quoting enclave", bad.msg);
		d->judged = false;
		return;
	}
	(void)ev_need(o, "qe_identity", true, VERDICT_INVALID, "Intel's quoting enclave", "it is");
	(void)ev_need(o, "qe_tcb", d->qe != TCB_NONE && d->qe != TCB_REVOKED, VERDICT_INVALID,
	    "a quoting enclave that is not revoked", tcb_status_name(d->qe));
	d->converged = tcb_converge(&d->tcb, d->qe);
	(void)ev_need(o, "converged_status", d->converged != TCB_NONE && d->converged != TCB_REVOKED, VERDICT_INVALID,
	    "not revoked", tcb_status_name(d->converged));
}

/* None is left out: any of them may be the one that revokes. */
static enum coffer_rc all_lists(struct dcap *d, const struct collateral *col, struct err *e)
{
	d->crls = d->col.crls;
	for (size_t i = 0; col && i < col->crls.n; i++) {
		if (d->crls.n == sizeof(d->crls.c) / sizeof(d->crls.c[0]))
			return err_set(e, COFFER_E_LIMIT, "dcap: more than %zu revocation lists: leave out those of others than Intel", d->crls.n);
		d->crls.c[d->crls.n++] = col->crls.c[i];
	}
	return COFFER_OK;
}

static enum coffer_rc read_collateral(struct dcap *d, bool has_pck, const struct ev_in *in, struct err *e)
{
	const struct dcap_wanted w = { .td = d->q.is_td, .pck = has_pck ? &d->pck : NULL, .now = in->now };

	for (size_t i = 0; in->col && i < in->col->n_json; i++)
		TRY(dcap_collateral_add(&d->col, in->col->json[i], &w, e));
	return all_lists(d, in->col, e);
}

enum coffer_rc dcap_judge(struct dcap *d, const struct ev_in *in, struct ev_out *o, struct err *e)
{
	bool good = signed_by_ak(&d->q);
	const struct cert *pck;
	struct err bad = { 0 };

	TRY(ev_roots("intel", in->col, &d->roots, e));
	(void)ev_need(
	    o, "attestation_key_signature", good, VERDICT_INVALID, "by the attestation key", good ? "valid" : "not by that key");
	(void)ev_need(o, "qe_report_binds_ak", qe_binds_ak(&d->q), VERDICT_INVALID,
	    "SHA-256 of key and data of the quoting enclave", qe_binds_ak(&d->q) ? "equal" : "another digest");
	if (d->q.cert_type == 5 && certs_read(d->q.cert_data, &d->chain, &bad) != COFFER_OK) {
		(void)ev_need(o, "pck_chain", false, VERDICT_MALFORMED, "a chain in PEM", bad.msg);
		return COFFER_OK;
	}
	pck = pck_cert(d, in->col);
	if (read_collateral(d, pck != NULL, in, &bad) != COFFER_OK) {
		(void)ev_need(o, "collateral", false, VERDICT_COLLATERAL, "collateral that can be read", bad.msg);
		return COFFER_OK;
	}
	if (check_pck(d, pck, in, o, &bad) && check_documents(d, in, o, &bad))
		check_tcb(d, o);
	return COFFER_OK;
}

/* ---- claims ---- */

static void time_m(struct json_wr *j, const char *name, int64_t t)
{
	char text[CLOCK_TEXT_LEN];

	clock_text(t, text);
	jw_m_text(j, name, text);
}

void dcap_claims(const struct dcap *d, struct json_wr *j)
{
	static const char *const types[] = { "Standard", "Scalable", "Scalable with Integrity" };
	uint64_t eval = 0;

	if (d->judged) {
		jw_name(j, "advisory_ids");
		if (d->tcb.advisories) {
			jw_value(j, d->tcb.advisories);
		} else {
			jw_arr(j);
			jw_arr_end(j);
		}
		jw_m_text(j, "collateral_expiration_status", d->expired ? "1" : "0");
		time_m(j, "earliest_expiration_date", d->earliest_expiry);
		time_m(j, "earliest_issue_date", d->earliest_issue);
	}
	if (d->pck_platform && d->pck.has_config) {
		jw_m_bool(j, "is_cached_keys", d->pck.cached_keys);
		jw_m_bool(j, "is_dynamic_platform", d->pck.dynamic_platform);
		jw_m_bool(j, "is_smt_enabled", d->pck.smt_enabled);
	}
	if (d->judged)
		time_m(j, "latest_issue_date", d->latest_issue);
	if (d->has_pck) {
		if (d->pck.has_instance)
			jw_m_hex(j, "platform_instance_id", SPAN(d->pck.instance_id));
		jw_m_hex(j, "platform_provider_id", SPAN(d->pck.ppid));
		jw_m_text(j, "sgx_type", d->pck.sgx_type < 3 ? types[d->pck.sgx_type] : "unknown");
	}
	if (!d->judged)
		return;
	jw_m_text(j, "tcb_date", d->tcb.date);
	if (json_u64(json_get(json_root(d->col.tcb_info.doc), "tcbEvaluationDataNumber"), &eval))
		jw_m_u64(j, "tcb_eval_num", eval);
	jw_m_text(j, "tcb_status", tcb_status_name(d->converged));
}

static bool nonzero(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 0)
			return true;
	return false;
}

void dcap_values(const struct dcap *d, struct json_wr *j)
{
	jw_m_u64(j, "certification_data_type", d->q.cert_type);
	if (d->has_pck) {
		jw_m_hex(j, "cpusvn", SPAN(d->pck.cpu_svn));
		jw_m_hex(j, "fmspc", SPAN(d->pck.fmspc));
		jw_m_hex(j, "pceid", SPAN(d->pck.pce_id));
		jw_m_u64(j, "pcesvn", d->pck.pce_svn);
		jw_m_hex(j, "ppid", SPAN(d->pck.ppid));
	}
	if (d->judged) {
		jw_m_text(j, "converged_status", tcb_status_name(d->converged));
		jw_name(j, "platform_tcb");
		jw_obj(j);
		jw_m_u64(j, "level_index", d->tcb.level);
		jw_m_text(j, "status", tcb_status_name(d->tcb.status));
		jw_m_text(j, "tcb_date", d->tcb.date);
		jw_obj_end(j);
		jw_m_text(j, "qe_tcb", tcb_status_name(d->qe));
	}
	if (d->judged && d->tcb.has_module) {
		jw_name(j, "tdx_module");
		jw_obj(j);
		jw_m_text(j, "id", d->tcb.module_id);
		jw_m_text(j, "status", tcb_status_name(d->tcb.module));
		jw_obj_end(j);
	}
	jw_m_hex(j, "hdr_pce_svn_or_res", (struct span){ d->q.header.p + 10, 2 });
	jw_m_hex(j, "hdr_qe_svn_or_res", (struct span){ d->q.header.p + 8, 2 });
	jw_m_u64(j, "trailing", d->q.trailing.n);
	jw_m_bool(j, "trailing_nonzero", nonzero(d->q.trailing));
	jw_m_u64(j, "version", d->q.version);
}
