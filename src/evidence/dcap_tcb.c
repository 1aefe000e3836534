#include "evidence/dcap_tcb.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"

static const char *const status_names[] = { "UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
	"ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded", "Revoked" };
#define N_STATUS (sizeof(status_names) / sizeof(status_names[0]))

const char *tcb_status_name(enum tcb_status s)
{
	return (size_t)s < N_STATUS ? status_names[s] : "no matching level";
}

static enum coffer_rc malformed(const char *what, struct err *e)
{
	return err_set(e, COFFER_E_INPUT, "dcap: %s has not its form", what);
}

static bool read_status(const struct json *level, enum tcb_status *out)
{
	struct span s = json_str(json_get(level, "tcbStatus"));

	for (size_t i = 0; i < N_STATUS; i++) {
		if (span_eq_str(s, status_names[i])) {
			*out = (enum tcb_status)i;
			return true;
		}
	}
	return false;
}

/* ---- TCB info ---- */

/* Sixteen component versions, each at least the level's. */
static bool comps_cover(const struct json *list, const uint8_t have[static 16], size_t from, bool *form)
{
	bool ok = true;

	if (json_type(list) != JSON_ARRAY || json_len(list) != 16) {
		*form = false;
		return false;
	}
	for (size_t i = 0; i < 16; i++) {
		uint64_t svn;

		if (!json_u64(json_get(json_at(list, i), "svn"), &svn) || svn > 255)
			*form = false;
		else if (i >= from && have[i] < svn)
			ok = false;
	}
	return ok && *form;
}

static bool level_matches(const struct json *level, const struct pck *p, const struct dcap_quote *q, bool *form)
{
	const struct json *tcb = json_get(level, "tcb");
	uint64_t pce = 0;
	bool sgx = comps_cover(json_get(tcb, "sgxtcbcomponents"), p->comp, 0, form);

	if (!json_u64(json_get(tcb, "pcesvn"), &pce))
		*form = false;
	if (!*form || !sgx || p->pce_svn < pce)
		return false;
	/* Components 0 and 1 of a TD are its module's, which has levels of its own from module version 1 on. */
	return !q->is_td ||
	       comps_cover(json_get(tcb, "tdxtcbcomponents"), q->td.tee_tcb_svn.p, q->td.tee_tcb_svn.p[1] > 0 ? 2 : 0, form);
}

static enum coffer_rc check_platform(const struct json *info, const struct pck *p, const struct dcap_quote *q, struct err *e)
{
	uint8_t fmspc[6], pce_id[2];
	struct span id = json_str(json_get(info, "id"));
	uint64_t version = 0;

	if (!json_u64(json_get(info, "version"), &version) || version != 3 || !span_eq_str(id, q->is_td ? "TDX" : "SGX") ||
	    !hex_fixed(json_str(json_get(info, "fmspc")), fmspc, 6) || !hex_fixed(json_str(json_get(info, "pceId")), pce_id, 2))
		return malformed("TCB info", e);
	if (!span_eq(SPAN(fmspc), SPAN(p->fmspc)) || !span_eq(SPAN(pce_id), SPAN(p->pce_id)))
		return err_deny(e, "fmspc", "the TCB info is for another kind of platform than the PCK certificate");
	return COFFER_OK;
}

/* value & mask == wanted, byte for byte; hex of n bytes each. */
static bool masked_eq(const struct json *o, const char *value, const char *mask, struct span have)
{
	uint8_t v[16], m[16];

	if (have.n > 16 || !hex_fixed(json_str(json_get(o, value)), v, have.n) ||
	    !hex_fixed(json_str(json_get(o, mask)), m, have.n))
		return false;
	for (size_t i = 0; i < have.n; i++)
		if ((have.p[i] & m[i]) != (v[i] & m[i]))
			return false;
	return true;
}

static bool module_is(const struct json *m, const struct td_report *t)
{
	uint8_t signer[48];

	return hex_fixed(json_str(json_get(m, "mrsigner")), signer, 48) && span_eq(SPAN(signer), t->mrsigner_seam) &&
	       masked_eq(m, "attributes", "attributesMask", t->seam_attributes);
}

/* The first level whose version the module reaches. */
static enum tcb_status isv_status(const struct json *levels, uint64_t have)
{
	for (size_t i = 0; i < json_len(levels); i++) {
		const struct json *l = json_at(levels, i);
		enum tcb_status s;
		uint64_t svn;

		if (json_u64(json_get(json_get(l, "tcb"), "isvsvn"), &svn) && have >= svn)
			return read_status(l, &s) ? s : TCB_NONE;
	}
	return TCB_NONE;
}

static enum coffer_rc judge_module(const struct json *info, const struct dcap_quote *q, struct tcb_standing *s, struct err *e)
{
	const struct json *all = json_get(info, "tdxModuleIdentities");
	uint8_t version = q->td.tee_tcb_svn.p[1];

	if (!module_is(json_get(info, "tdxModule"), &q->td) && version == 0)
		return err_deny(e, "tdx_module", "the TDX module is not signed as the TCB info wants");
	if (version == 0)
		return COFFER_OK;
	s->has_module = true;
	s->module = TCB_NONE;
	(void)snprintf(s->module_id, sizeof(s->module_id), "TDX_%02X", version);
	for (size_t i = 0; i < json_len(all); i++) {
		const struct json *m = json_at(all, i);

		if (!span_eq_str(json_str(json_get(m, "id")), s->module_id))
			continue;
		if (!module_is(m, &q->td))
			return err_deny(e, "tdx_module", "the TDX module is not signed as its identity in the TCB info wants");
		s->module = isv_status(json_get(m, "tcbLevels"), q->td.tee_tcb_svn.p[0]);
		return COFFER_OK;
	}
	return err_deny(e, "tdx_module", "the TCB info knows no module %s", s->module_id);
}

enum coffer_rc tcb_info_judge(
    const struct signed_json *info, const struct pck *p, const struct dcap_quote *q, struct tcb_standing *out, struct err *e)
{
	const struct json *root = json_root(info->doc), *levels = json_get(root, "tcbLevels");
	struct tcb_standing s = { .status = TCB_NONE };
	bool form = true;

	TRY(check_platform(root, p, q, e));
	if (json_type(levels) != JSON_ARRAY || json_len(levels) == 0)
		return malformed("TCB info", e);
	if (q->is_td)
		TRY(judge_module(root, q, &s, e));
	for (size_t i = 0; i < json_len(levels) && !s.matched && form; i++) {
		const struct json *l = json_at(levels, i);
		struct span date = json_str(json_get(l, "tcbDate"));

		if (!level_matches(l, p, q, &form))
			continue;
		if (!read_status(l, &s.status) || date.n >= sizeof(s.date))
			return malformed("TCB info", e);
		s.matched = true;
		s.level = i;
		memcpy(s.date, date.p, date.n);
		s.advisories = json_get(l, "advisoryIDs");
	}
	if (!form)
		return malformed("TCB info", e);
	*out = s;
	return COFFER_OK;
}

/* ---- quoting enclave ---- */

enum coffer_rc qe_identity_judge(const struct signed_json *id, const struct dcap_quote *q, enum tcb_status *out, struct err *e)
{
	const struct json *root = json_root(id->doc);
	uint8_t signer[32], misc[4];
	uint64_t prod = 0, version = 0;

	for (size_t i = 0; i < 4; i++)
		misc[i] = (uint8_t)(q->qe.misc_select >> (24 - 8 * i)); /* written as a number, most significant first */
	if (!json_u64(json_get(root, "version"), &version) || version != 2 ||
	    !hex_fixed(json_str(json_get(root, "mrsigner")), signer, 32) || !json_u64(json_get(root, "isvprodid"), &prod))
		return malformed("QE identity", e);
	if (!span_eq_str(json_str(json_get(root, "id")), q->is_td ? "TD_QE" : "QE"))
		return err_deny(e, "qe_identity", "the identity is of another kind of quoting enclave");
	if (!span_eq(SPAN(signer), q->qe.mr_signer) || prod != q->qe.isv_prod_id ||
	    !masked_eq(root, "miscselect", "miscselectMask", SPAN(misc)) ||
	    !masked_eq(root, "attributes", "attributesMask", q->qe.attributes))
		return err_deny(e, "qe_identity", "the quote was made by another enclave than Intel's quoting enclave");
	*out = isv_status(json_get(root, "tcbLevels"), q->qe.isv_svn);
	return COFFER_OK;
}

static enum tcb_status worse(enum tcb_status platform, enum tcb_status part)
{
	bool config = platform == TCB_CONFIG || platform == TCB_CONFIG_SW_HARDENING || platform == TCB_OUT_OF_DATE_CONFIG;

	if (platform == TCB_NONE || part == TCB_NONE)
		return TCB_NONE;
	if (platform == TCB_REVOKED || part == TCB_REVOKED)
		return TCB_REVOKED;
	if (part == TCB_OUT_OF_DATE || part == TCB_OUT_OF_DATE_CONFIG)
		return config ? TCB_OUT_OF_DATE_CONFIG : TCB_OUT_OF_DATE;
	return part == TCB_UP_TO_DATE ? platform : part > platform ? part : platform;
}

enum tcb_status tcb_converge(const struct tcb_standing *s, enum tcb_status qe)
{
	enum tcb_status all = s->matched ? s->status : TCB_NONE;

	if (s->has_module)
		all = worse(all, s->module);
	return worse(all, qe);
}
