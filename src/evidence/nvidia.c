/* What makes reports of NVIDIA's devices good: each device's own key, certified by NVIDIA for its firmware, signed it for this
 * nonce. Hopper GPUs and LS10 switches. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/driver.h"
#include "evidence/nvidia_rim.h"
#include "fmt/enc.h"

#define JSON_MAX       (1u << 20)
#define OUT_MAX	       (1u << 20)
#define DEVICES_MAX    16u
#define NONCE_LEN      32
#define PPCIE_GPUS     8
#define PPCIE_SWITCHES 4
#define PPCIE_ON       0xaa
#define PDI_LEN	       8
#define CHAIN_MIN      3 /* a root alone, or a leaf right below it, is nobody's device */

struct nv {
	struct nv_device d[DEVICES_MAX];
	size_t n;
	struct anchors roots;
	struct nv_manifests manifests;
};

static void nv_clear(struct nv *v)
{
	nv_manifests_clear(&v->manifests);
	for (size_t i = 0; i < v->n; i++)
		nv_device_clear(&v->d[i]);
	anchors_clear(&v->roots);
}

/* ---- reading ---- */

static enum coffer_rc read_arch(const struct json *item, struct nv_device *d, struct err *e)
{
	struct span arch;

	TRY(json_need_str(item, "arch", "device", &arch, e));
	d->ls10 = span_eq_str(arch, "LS10");
	if (!d->ls10 && !span_eq_str(arch, "HOPPER") && !span_eq_str(arch, "Hopper"))
		return err_set(e, COFFER_E_INPUT, "nvidia: an architecture that is not judged here (HOPPER and LS10 are)");
	return COFFER_OK;
}

static enum coffer_rc read_report(const struct json *item, struct nv_device *d, struct err *e)
{
	CLEANUP(wr_close) struct wr raw = wr_open(SPDM_REPORT_MAX);
	struct span text;

	TRY(json_need_str(item, "evidence", "device", &text, e));
	if (hex_read(text, &raw) && wr_ok(&raw)) /* the older form; its first byte tells it from base64's */
		return nv_device_read(wr_span(&raw), d, e);
	wr_close(&raw);
	raw = wr_open(SPDM_REPORT_MAX);
	if (!b64_read(text, &raw) || !wr_ok(&raw))
		return err_set(
		    e, COFFER_E_INPUT, "nvidia: evidence is neither hex nor base64 of at most %u bytes", SPDM_REPORT_MAX);
	return nv_device_read(wr_span(&raw), d, e);
}

static enum coffer_rc read_device(const struct json *item, struct nv *v, struct err *e)
{
	static const char *const names[] = { "arch", "uuid", "evidence", "certificate", NULL };
	CLEANUP(wr_close) struct wr pem = wr_open(64u << 10);
	struct nv_device *d;
	struct span text;

	if (v->n == DEVICES_MAX)
		return err_set(e, COFFER_E_INPUT, "nvidia: more than %u devices", DEVICES_MAX);
	d = &v->d[v->n++];
	TRY(json_closed(item, names, "device", e));
	TRY(read_arch(item, d, e));
	d->uuid = wr_open(128);
	wr_put(&d->uuid, json_str(json_get(item, "uuid")));
	if (!wr_ok(&d->uuid))
		return err_set(e, COFFER_E_INPUT, "nvidia: a uuid is longer than 128 bytes");
	TRY(json_need_str(item, "certificate", "device", &text, e));
	if (!b64_read(text, &pem) || !wr_ok(&pem))
		return err_set(e, COFFER_E_INPUT, "nvidia: certificate is no base64");
	TRY(certs_read(wr_span(&pem), &d->chain, e));
	return read_report(item, d, e);
}

static enum coffer_rc read_list(struct span in, struct nv *v, struct err *e)
{
	static const char *const names[] = { "device_evidence_list", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *list = NULL;

	TRY(json_parse(in, JSON_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "nvidia evidence", e));
	TRY(json_need_arr(json_root(doc), names[0], "nvidia evidence", &list, e));
	if (json_len(list) == 0)
		return err_set(e, COFFER_E_INPUT, "nvidia: no device at all");
	for (size_t i = 0; i < json_len(list); i++)
		TRY(read_device(json_at(list, i), v, e));
	return COFFER_OK;
}

/* A report alone: its chain is the collateral's certificates, in their order. */
static enum coffer_rc read_raw(struct span in, const struct collateral *col, struct nv *v, struct err *e)
{
	struct nv_device *d = &v->d[v->n++];

	TRY(nv_device_read(in, d, e));
	d->ls10 = nv_device_is_ls10(d);
	return col ? certs_share(&col->certs, &d->chain, e) : COFFER_OK;
}

static enum coffer_rc read_evidence(struct span in, const struct collateral *col, struct nv *v, struct err *e)
{
	return in.n > 0 && in.p[0] == '{' ? read_list(in, v, e) : read_raw(in, col, v, e);
}

/* ---- one device ---- */

/* The anchor's own certificate: its name and its key, by which the path was verified. */
static bool is_anchor(const struct cert *c, const struct cert_path *p)
{
	char cn[CERT_CN_MAX];

	return p->anchor_key && cert_key(c) && vkey_eq(cert_key(c), p->anchor_key) && cert_subject_cn(c, cn, sizeof(cn)) &&
	       strcmp(cn, p->anchor) == 0;
}

/* Leaf first, each signed by the next, NVIDIA's root last or left out. */
static enum coffer_rc chain(const struct nv_device *d, const struct nv *v, const struct ev_in *in, struct err *e)
{
	struct cert_rules rules = { .now = in->now, .crls = in->col ? &in->col->crls : NULL };
	struct cert_path path;
	size_t i;

	TRY(cert_chain(d->chain.c[0], &d->chain, &v->roots, &rules, &path, e));
	for (i = 0; i < path.n && i < d->chain.n; i++)
		if (!span_eq(cert_bytes(path.c[i]), cert_bytes(d->chain.c[i])))
			return err_deny(e, "chain", "the certificates are not in the order of their path");
	if (d->chain.n > path.n + 1 || (d->chain.n > path.n && !is_anchor(d->chain.c[path.n], &path)))
		return err_deny(e, "chain", "certificates beside the path");
	if (path.n < CHAIN_MIN)
		return err_deny(e, "chain", "the chain is too short");
	return COFFER_OK;
}

static bool signed_by_leaf(const struct nv_device *d)
{
	const struct vkey *k = cert_key(d->chain.c[0]);

	return k && vkey_kind(k) == VKEY_P384 && vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA384, d->r.signed_part, d->r.signature);
}

/* A GPU reports its firmware's digest; a switch does not, its leaf alone names one. */
static bool fwid_holds(const struct nv_device *d)
{
	struct span reported = spdm_opaque_find(&d->r, NV_FWID), leaf;

	return nv_leaf_fwid(d->chain.c[0], &leaf) && (reported.p ? span_eq(reported, leaf) : d->ls10);
}

/* ---- all of them: a check holds when it holds for each; `found` names the first for which it does not ---- */

static void need_each(
    const struct nv *v, struct ev_out *o, const char *id, bool (*holds)(const struct nv_device *d), const char *expected)
{
	char found[40] = "every device";
	bool all = true;

	for (size_t i = 0; i < v->n && all; i++) {
		all = holds(&v->d[i]);
		if (!all)
			(void)snprintf(found, sizeof(found), "not device %zu", i);
	}
	(void)ev_need(o, id, all, VERDICT_INVALID, expected, found);
}

static void check_chains(const struct nv *v, const struct ev_in *in, struct ev_out *o)
{
	struct err e = { 0 };
	enum verdict otherwise = VERDICT_INVALID;
	char found[160] = "every device";
	enum coffer_rc rc = COFFER_OK;

	for (size_t i = 0; i < v->n && rc == COFFER_OK; i++) {
		rc = chain(&v->d[i], v, in, &e);
		if (rc != COFFER_OK)
			(void)snprintf(found, sizeof(found), "device %zu: %.120s", i, e.msg);
	}
	if (strcmp(e.check, "validity") == 0)
		otherwise = VERDICT_STALE;
	(void)ev_need(
	    o, "device_chain", rc == COFFER_OK, otherwise, "from the device's key to NVIDIA's device root, in order", found);
}

static bool kind_holds(const struct nv_device *d)
{
	return d->ls10 == nv_device_is_ls10(d);
}

static bool distinct(const struct nv *v)
{
	for (size_t i = 0; i < v->n; i++)
		for (size_t k = 0; k < i; k++)
			if (vkey_eq(cert_key(v->d[i].chain.c[0]), cert_key(v->d[k].chain.c[0])))
				return false;
	return true;
}

/* Report data longer than a nonce is cut to it, as guests do; a shorter one is filled with zeros. */
static void check_nonces(const struct nv *v, const struct ev_in *in, struct ev_out *o)
{
	uint8_t want[NONCE_LEN] = { 0 };
	size_t i = 0;

	if (!in->report_data.p)
		return;
	memcpy(want, in->report_data.p, in->report_data.n < NONCE_LEN ? in->report_data.n : NONCE_LEN);
	while (i + 1 < v->n && span_eq(v->d[i].r.nonce, SPAN(want)))
		i++;
	(void)ev_need_hex(o, "report_data", SPAN(want), v->d[i].r.nonce);
}

/* ---- the class of eight GPUs behind four switches ---- */

/* A GPU lists the switch behind each of its links, bytes in the other order than the switch names itself. */
static bool names_switch(struct span list, struct span pdi)
{
	for (size_t at = 0; at + PDI_LEN <= list.n; at += PDI_LEN) {
		size_t same = 0;

		while (same < PDI_LEN && list.p[at + same] == pdi.p[PDI_LEN - 1 - same])
			same++;
		if (same == PDI_LEN)
			return true;
	}
	return false;
}

static bool knows_entry(const struct nv *v, struct span entry)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->d[i].ls10 && names_switch(entry, spdm_opaque_find(&v->d[i].r, NV_SWITCH_PDI)))
			return true;
	return false;
}

static bool gpu_protected(const struct nv *v, const struct nv_device *gpu)
{
	struct span mode = spdm_opaque_find(&gpu->r, NV_PROTECTED_PCIE), list = spdm_opaque_find(&gpu->r, NV_SWITCH_PDI);

	if (mode.n != 1 || mode.p[0] != PPCIE_ON || list.n == 0 || list.n % PDI_LEN != 0)
		return false;
	for (size_t at = 0; at < list.n; at += PDI_LEN)
		if (!knows_entry(v, (struct span){ list.p + at, PDI_LEN }))
			return false;
	for (size_t i = 0; i < v->n; i++)
		if (v->d[i].ls10 && !names_switch(list, spdm_opaque_find(&v->d[i].r, NV_SWITCH_PDI)))
			return false;
	return true;
}

static bool ppcie_complete(const struct nv *v)
{
	size_t gpus = 0, switches = 0;

	for (size_t i = 0; i < v->n; i++) {
		struct span pdi = spdm_opaque_find(&v->d[i].r, NV_SWITCH_PDI);

		if (v->d[i].ls10 && pdi.n != PDI_LEN)
			return false;
		switches += v->d[i].ls10;
		gpus += !v->d[i].ls10;
	}
	if (gpus != PPCIE_GPUS || switches != PPCIE_SWITCHES || !distinct(v))
		return false;
	for (size_t i = 0; i < v->n; i++)
		if (!v->d[i].ls10 && !gpu_protected(v, &v->d[i]))
			return false;
	return true;
}

/* ---- claims ---- */

static void device_claims(const struct nv *v, const struct nv_device *d, struct json_wr *j)
{
	jw_obj(j);
	jw_m_text(j, "arch", nv_arch(d));
	jw_name(j, "config");
	nv_config(d, j);
	jw_name(j, "measurements");
	nv_measurements(d, j);
	nv_rim_match(&v->manifests, d, j);
	jw_m_str(j, "uuid", nv_uuid(d));
	jw_obj_end(j);
}

/* Upstream's members for the only device there is; a list of them for any number. */
static void write_claims(const struct nv *v, struct wr *w)
{
	struct json_wr j = jw_open(w, false);
	bool flat = v->n == 1;

	jw_obj(&j);
	if (flat) {
		jw_m_text(&j, "arch", nv_arch(&v->d[0]));
		jw_name(&j, "config");
		nv_config(&v->d[0], &j);
	}
	jw_name(&j, "devices");
	jw_arr(&j);
	for (size_t i = 0; i < v->n; i++)
		device_claims(v, &v->d[i], &j);
	jw_arr_end(&j);
	if (flat) {
		jw_name(&j, "measurements");
		nv_measurements(&v->d[0], &j);
	}
	jw_m_bool(&j, "ppcie_complete", ppcie_complete(v));
	if (flat) {
		nv_rim_match(&v->manifests, &v->d[0], &j);
		jw_m_str(&j, "uuid", nv_uuid(&v->d[0]));
	}
	jw_obj_end(&j);
}

static void values_of(const struct nv *v, const char *name, bool ls10, struct json_wr *j)
{
	jw_name(j, name);
	jw_arr(j);
	for (size_t i = 0; i < v->n; i++) {
		if (v->d[i].ls10 != ls10)
			continue;
		jw_obj(j);
		nv_values(&v->d[i], j);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static void write_values(const struct nv *v, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	if (v->n == 1)
		nv_values(&v->d[0], &j);
	values_of(v, "gpus", false, &j);
	jw_m_bool(&j, "ppcie_complete", ppcie_complete(v));
	values_of(v, "switches", true, &j);
	jw_obj_end(&j);
}

static bool has_chain(const struct nv *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->d[i].chain.n == 0 || !cert_key(v->d[i].chain.c[0]))
			return false;
	return true;
}

static enum coffer_rc judge(struct nv *v, const struct ev_in *in, struct ev_out *out, struct err *e)
{
	bool chains = has_chain(v);

	TRY(ev_roots("nvidia", in->col, &v->roots, e));
	if (ev_need(out, "certificates", chains, VERDICT_COLLATERAL, "a chain for every device, leaf first",
		chains ? "found" : "none")) {
		check_chains(v, in, out);
		need_each(v, out, "fwid", fwid_holds, "the firmware that the leaf certificate names");
		need_each(v, out, "report_signature", signed_by_leaf, "by the key of the leaf certificate");
		need_each(v, out, "architecture", kind_holds, "the kind of device that reported");
		(void)ev_need(out, "distinct", distinct(v), VERDICT_INVALID, "no device twice", distinct(v) ? "none" : "one is");
		check_nonces(v, in, out);
		TRY(nv_manifests_read(in, &v->manifests, out, e));
		if (!in->no_values)
			write_values(v, &out->values);
		write_claims(v, &out->claims);
		return ev_done(out, e);
	}
	return COFFER_OK;
}

static enum coffer_rc appraise(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	CLEANUP(freep) struct nv *v = calloc(1, sizeof(*v));
	struct err bad = { 0 };
	enum coffer_rc rc = COFFER_OK;

	if (!v)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	ev_begin(out, OUT_MAX);
	if (read_evidence(in->evidence, in->col, v, &bad) != COFFER_OK)
		ev_malformed(out, &bad);
	else
		rc = judge(v, in, out, e);
	nv_clear(v);
	return rc;
}

static bool looks_like(struct span evidence)
{
	CLEANUP(freep) struct nv *v = calloc(1, sizeof(*v));
	struct err ignore = { 0 };
	bool ok = v && read_evidence(evidence, NULL, v, &ignore) == COFFER_OK;

	if (v)
		nv_clear(v);
	return ok;
}

const struct tee_driver tee_nvidia = { "nvidia", "nvidia", "gpu", appraise, looks_like, NULL };
