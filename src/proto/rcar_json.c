#include "proto/rcar_json.h"

#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

static const struct { enum tee_kind kind; const char *name; } platforms[] = {
	{ TEE_SAMPLE, "sample" }, { TEE_SNP, "snp" }, { TEE_TDX, "tdx" }, { TEE_SGX, "sgx" }, { TEE_TPM, "tpm" }, { TEE_SWTPM, "swtpm" },
	{ TEE_AZ_SNP, "az-snp-vtpm" }, { TEE_AZ_TDX, "az-tdx-vtpm" }, { TEE_CCA, "cca" }, { TEE_CSV, "csv" },
};

bool tee_by_name(struct span s, enum tee_kind *out)
{
	for (size_t i = 0; i < sizeof(platforms) / sizeof(platforms[0]); i++) {
		if (!span_eq_str(s, platforms[i].name))
			continue;
		*out = platforms[i].kind;
		return true;
	}
	return false;
}

const char *tee_name(enum tee_kind t)
{
	for (size_t i = 0; i < sizeof(platforms) / sizeof(platforms[0]); i++)
		if (platforms[i].kind == t)
			return platforms[i].name;
	return "unknown";
}

/* ---- POST /auth ---- */

void rcar_request_clear(struct rcar_request *r)
{
	json_freep(&r->doc);
	*r = (struct rcar_request){ 0 };
}

enum coffer_rc rcar_request_parse(struct span body, struct rcar_request *out, struct err *e)
{
	static const char *const names[] = { "version", "tee", "extra-params", NULL };
	CLEANUP(rcar_request_clear) struct rcar_request r = { 0 };
	struct span version;
	const struct json *v;

	TRY(json_parse(body, RCAR_ERROR_MAX, &r.doc, e));
	v = json_root(r.doc);
	TRY(json_closed(v, names, "request", e));
	TRY(json_need_str(v, "version", "request", &version, e));
	if (!span_eq_str(version, RCAR_VERSION))
		return err_deny(e, "version", "KBS Client Protocol Version Mismatch: this service speaks " RCAR_VERSION);
	TRY(json_need_str(v, "tee", "request", &r.tee, e));
	r.extra = json_get(v, "extra-params");
	*out = r;
	r = (struct rcar_request){ 0 };
	return COFFER_OK;
}

void rcar_request_write(struct wr *w, const char *tee, void (*extra)(struct json_wr *j, const void *arg), const void *arg)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_text(&j, "version", RCAR_VERSION);
	jw_m_text(&j, "tee", tee);
	jw_name(&j, "extra-params");
	jw_obj(&j);
	jw_name(&j, "supported-hash-algorithms");
	jw_arr(&j);
	jw_text(&j, "sha256");
	jw_text(&j, "sha384");
	jw_text(&j, "sha512");
	jw_arr_end(&j);
	if (extra)
		extra(&j, arg);
	jw_obj_end(&j);
	jw_obj_end(&j);
}

void rcar_challenge_write(struct wr *w, const uint8_t nonce[static 32])
{
	wr_str(w, "{\"nonce\":\"");
	b64_write(w, (struct span){ nonce, 32 });
	wr_str(w, "\",\"extra-params\":\"\"}");
}

static bool hash_by_any_case(struct span name, enum hash_alg *out)
{
	uint8_t low[8];

	if (name.n == 0 || name.n > sizeof(low))
		return false;
	for (size_t i = 0; i < name.n; i++)
		low[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (uint8_t)(name.p[i] | 0x20) : name.p[i];
	return hash_by_name((struct span){ low, name.n }, out);
}

enum coffer_rc rcar_hash_alg(const struct json *extra_params, enum hash_alg *out, struct err *e)
{
	const struct json *v = json_get(extra_params, "selected-hash-algorithm");
	enum json_type t = json_type(extra_params);

	if (t != JSON_NULL && t != JSON_OBJECT && !(t == JSON_STRING && json_str(extra_params).n == 0))
		return err_set(e, COFFER_E_INPUT, "challenge: extra-params is a %s", json_type_name(extra_params));
	if (!v) {
		*out = HASH_SHA384;
		return COFFER_OK;
	}
	if (json_type(v) != JSON_STRING)
		return err_set(e, COFFER_E_INPUT, "challenge: selected-hash-algorithm is no string");
	if (!hash_by_any_case(json_str(v), out))
		return err_set(e, COFFER_E_INPUT, "challenge: selected-hash-algorithm names no known hash");
	return COFFER_OK;
}

enum coffer_rc rcar_challenge_parse(struct span body, struct rcar_challenge *out, struct err *e)
{
	static const char *const names[] = { "nonce", "extra-params", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct rcar_challenge c = { 0 };
	uint8_t raw[32];
	struct span nonce;

	TRY(json_parse(body, RCAR_ERROR_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "challenge", e));
	TRY(json_need_str(json_root(doc), "nonce", "challenge", &nonce, e));
	if (nonce.n != RCAR_NONCE_TEXT || !b64_fixed(nonce, raw, sizeof(raw)))
		return err_set(e, COFFER_E_INPUT, "challenge: the nonce is not base64 of 32 bytes");
	memcpy(c.nonce, nonce.p, nonce.n);
	TRY(rcar_hash_alg(json_get(json_root(doc), "extra-params"), &c.hash, e));
	*out = c;
	return COFFER_OK;
}

/* ---- POST /attest ---- */

void rcar_attestation_clear(struct rcar_attestation *a)
{
	json_freep(&a->doc);
	*a = (struct rcar_attestation){ 0 };
}

static bool name_ok(struct span n)
{
	if (n.n == 0 || n.n > KEEP_MEMBER_NAME_MAX)
		return false;
	for (size_t i = 0; i < n.n; i++)
		if (n.p[i] < 0x21 || n.p[i] > 0x7e)
			return false;
	return true;
}

static bool span_before(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = memcmp(a.p, b.p, n); /* public: names of JSON members */

	return c < 0 || (c == 0 && a.n < b.n);
}

/* ASCII order is the UTF-16 order that JCS asks for. Names are unique: the JSON reader saw to it. */
static void insert_sorted(struct rcar_attestation *a, struct keep_member m)
{
	size_t i = a->n_members++;

	for (; i > 0 && span_before(m.name, a->member[i - 1].name); i--)
		a->member[i] = a->member[i - 1];
	a->member[i] = m;
}

static enum coffer_rc read_pubkey(const struct json *v, struct rcar_attestation *a, struct err *e)
{
	if (json_len(v) == 0 || json_len(v) > KEEP_MEMBERS_MAX)
		return err_set(e, COFFER_E_INPUT, "attestation: tee-pubkey has %zu members, 1 to %d fit", json_len(v),
			       KEEP_MEMBERS_MAX);
	for (size_t i = 0; i < json_len(v); i++) {
		struct keep_member m = { .name = json_name(v, i), .value = json_str(json_at(v, i)) };

		if (!name_ok(m.name))
			return err_set(e, COFFER_E_INPUT, "attestation: a member name of tee-pubkey is not plain ASCII");
		if (json_type(json_at(v, i)) != JSON_STRING || m.value.n > KEEP_MEMBER_VALUE_MAX)
			return err_set(e, COFFER_E_INPUT,
				       "attestation: tee-pubkey member %.*s is not a string of at most %d bytes", (int)m.name.n,
				       (const char *)m.name.p, KEEP_MEMBER_VALUE_MAX);
		insert_sorted(a, m);
	}
	if (json_type(json_get(v, "kty")) != JSON_STRING)
		return err_set(e, COFFER_E_INPUT, "attestation: tee-pubkey has no kty");
	return COFFER_OK;
}

static enum coffer_rc read_runtime(const struct json *root, struct rcar_attestation *a, struct err *e)
{
	static const char *const names[] = { "nonce", "tee-pubkey", NULL };
	const struct json *v = NULL, *key = NULL;

	TRY(json_need_obj(root, "runtime-data", "attestation", &v, e));
	TRY(json_closed(v, names, "runtime-data", e));
	TRY(json_need_str(v, "nonce", "runtime-data", &a->nonce, e));
	if (a->nonce.n > (size_t)4 * RCAR_NONCE_TEXT)
		return err_set(e, COFFER_E_LIMIT, "runtime-data: the nonce has %zu bytes", a->nonce.n);
	TRY(json_need_obj(v, "tee-pubkey", "runtime-data", &key, e));
	return read_pubkey(key, a, e);
}

static enum coffer_rc read_initdata(const struct json *root, struct rcar_attestation *a, struct err *e)
{
	static const char *const names[] = { "format", "body", NULL };
	const struct json *v = json_get(root, "init-data");
	struct span format;

	if (json_type(v) == JSON_NULL)
		return COFFER_OK;
	TRY(json_closed(v, names, "init-data", e));
	TRY(json_need_str(v, "format", "init-data", &format, e));
	if (!span_eq_str(format, "toml"))
		return err_set(e, COFFER_E_INPUT, "init-data: only the format \"toml\" is known");
	TRY(json_need_str(v, "body", "init-data", &a->initdata, e));
	if (a->initdata.n > RCAR_INITDATA_MAX)
		return err_set(e, COFFER_E_LIMIT, "init-data: %zu bytes, at most %u", a->initdata.n, RCAR_INITDATA_MAX);
	return COFFER_OK;
}

static enum coffer_rc read_evidence(const struct json *root, struct rcar_attestation *a, struct err *e)
{
	static const char *const names[] = { "primary_evidence", "additional_evidence", NULL };
	const struct json *v = NULL, *more = NULL;

	TRY(json_need_obj(root, "tee-evidence", "attestation", &v, e));
	TRY(json_closed(v, names, "tee-evidence", e));
	a->primary = json_get(v, "primary_evidence");
	if (!a->primary)
		return err_set(e, COFFER_E_INPUT, "tee-evidence: member \"primary_evidence\" is missing");
	more = json_get(v, "additional_evidence");
	if (more && json_type(more) != JSON_STRING)
		return err_set(e, COFFER_E_INPUT, "tee-evidence: member \"additional_evidence\" is not a string");
	a->additional = json_str(more);
	return COFFER_OK;
}

enum coffer_rc rcar_attestation_parse(struct span body, struct rcar_attestation *out, struct err *e)
{
	static const char *const names[] = { "init-data", "runtime-data", "tee-evidence", NULL };
	CLEANUP(rcar_attestation_clear) struct rcar_attestation a = { 0 };
	const struct json *root;

	TRY(json_parse(body, RCAR_BODY_MAX, &a.doc, e));
	root = json_root(a.doc);
	TRY(json_closed(root, names, "attestation", e));
	TRY(read_runtime(root, &a, e));
	TRY(read_initdata(root, &a, e));
	TRY(read_evidence(root, &a, e));
	*out = a;
	a = (struct rcar_attestation){ 0 };
	return COFFER_OK;
}

void rcar_attestation_write(struct wr *w, const struct rcar_binding *b, struct span initdata, struct span primary_json)
{
	struct json_wr j = jw_open(w, false);

	wr_str(w, "{\"init-data\":");
	if (initdata.n == 0) {
		wr_str(w, "null");
	} else {
		jw_obj(&j);
		jw_m_text(&j, "format", "toml");
		jw_m_str(&j, "body", initdata);
		jw_obj_end(&j);
	}
	wr_str(w, ",\"runtime-data\":");
	j = jw_open(w, false);
	jw_obj(&j);
	jw_m_str(&j, "nonce", b->nonce);
	jw_name(&j, "tee-pubkey");
	rcar_pubkey_write(&j, b);
	jw_obj_end(&j);
	wr_str(w, ",\"tee-evidence\":{\"primary_evidence\":");
	wr_put(w, primary_json);
	wr_str(w, ",\"additional_evidence\":");
	j = jw_open(w, false);
	jw_str(&j, b->additional);
	wr_str(w, "}}");
}

/* ---- errors ---- */

/* Text of the peer for our terminal: cut to fit, which is seen, nothing that moves a cursor. */
static void put_text(char *dst, size_t cap, struct span s)
{
	size_t n = s.n < cap - 1 ? s.n : cap - 1;

	for (size_t i = 0; i < n; i++)
		dst[i] = (char)(s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i]);
	dst[n] = '\0';
	err_cut(dst, cap, s.n);
}

static bool check_like(struct span s)
{
	if (s.n == 0 || s.n >= sizeof(((struct rcar_error *)0)->check))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

static void split_detail(struct span detail, struct rcar_error *r)
{
	size_t at = span_find(detail, ':');

	if (at + 1 < detail.n && detail.p[at + 1] == ' ' && check_like((struct span){ detail.p, at })) {
		put_text(r->check, sizeof(r->check), (struct span){ detail.p, at });
		detail = span_skip(detail, at + 2);
	}
	put_text(r->reason, sizeof(r->reason), detail);
}

static bool read_kbs_error(const struct json *v, struct rcar_error *r)
{
	struct span type = json_str(json_get(v, "type")), detail = json_str(json_get(v, "detail"));

	if (type.n == 0 || json_type(json_get(v, "detail")) != JSON_STRING)
		return false;
	for (size_t at = span_find(type, '/'); at < type.n; at = span_find(type, '/'))
		type = span_skip(type, at + 1);
	put_text(r->type, sizeof(r->type), type);
	split_detail(detail, r);
	return true;
}

bool rcar_error_parse(struct span body, struct rcar_error *out)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct rcar_error r = { 0 };
	const struct json *v;
	struct err e = { 0 };

	if (json_parse(body, RCAR_ERROR_MAX, &doc, &e) != COFFER_OK)
		return false;
	v = json_get(json_root(doc), "error");
	if (json_type(v) == JSON_OBJECT) {
		if (check_like(json_str(json_get(v, "check"))))
			put_text(r.check, sizeof(r.check), json_str(json_get(v, "check")));
		put_text(r.reason, sizeof(r.reason), json_str(json_get(v, "reason")));
		put_text(r.fix, sizeof(r.fix), json_str(json_get(v, "fix")));
	} else if (!read_kbs_error(json_root(doc), &r)) {
		return false;
	}
	if (r.reason[0] == '\0')
		(void)snprintf(r.reason, sizeof(r.reason), "no reason given");
	*out = r;
	return true;
}
