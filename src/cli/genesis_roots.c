/* Whom the founders trust for hardware: "tpm=ca.pem,amd=ask.der,arm=anchors.json". */
#include "base/own.h"
#include "base/str.h"
#include "cli/genesis.h"
#include "crypto/cert.h"
#include "fmt/enc.h"
#include "os/file.h"

static enum coffer_rc add_root(struct span vendor, const char *path, struct json_wr *j, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 }, b64 = wr_open(1u << 16);
	CLEANUP(certs_clear) struct cert_list l = { 0 };
	char name[CERT_CN_MAX];

	TRY(file_read(path, 1u << 16, &text, e));
	if (certs_read(wr_span(&text), &l, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	for (size_t i = 0; i < l.n; i++) {
		if (!cert_subject_cn(l.c[i], name, sizeof(name)))
			return err_set(e, COFFER_E_INPUT, "%s: a certificate without a common name", path);
		wr_close(&b64);
		b64 = wr_open(1u << 16);
		b64_write(&b64, cert_bytes(l.c[i]));
		jw_obj(j);
		jw_m_str(j, "certificate", wr_span(&b64));
		jw_m_text(j, "name", name);
		jw_m_str(j, "vendor", vendor);
		jw_obj_end(j);
	}
	return COFFER_OK;
}

/* A trust anchor store as Veraison's and Trustee's are written: {"implementation-id", "instance-id", "pkey"} each, "pkey" as a JWK. What
 * else there is may be for other readers, and is left out. */
static enum coffer_rc add_anchors(const char *path, struct json_wr *j, struct err *e)
{
	static const char *const ids[] = { "implementation-id", "instance-id" }, *const of_key[] = { "crv", "kty", "x", "y" };
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *list;

	TRY(file_read(path, 1u << 16, &text, e));
	if (json_parse(wr_span(&text), 1u << 16, &doc, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	list = json_root(doc);
	if (json_type(list) != JSON_ARRAY || json_len(list) == 0)
		return err_set(e, COFFER_E_INPUT, "%s: no JSON list of {\"implementation-id\", \"instance-id\", \"pkey\"}", path);
	if (json_len(list) > GENESIS_ANCHORS_MAX)
		return err_set(e, COFFER_E_LIMIT, "%s: more than %d platforms; give them in several files", path, GENESIS_ANCHORS_MAX);
	jw_obj(j);
	jw_name(j, "anchors");
	jw_arr(j);
	for (size_t i = 0; i < json_len(list); i++) {
		jw_obj(j);
		for (size_t m = 0; m < 2; m++)
			jw_m_str(j, ids[m], json_str(json_get(json_at(list, i), ids[m])));
		jw_name(j, "pkey");
		jw_obj(j);
		for (size_t m = 0; m < 4; m++)
			jw_m_str(j, of_key[m], json_str(json_get(json_get(json_at(list, i), "pkey"), of_key[m])));
		jw_obj_end(j);
		jw_obj_end(j);
	}
	jw_arr_end(j);
	jw_m_text(j, "name", "CCA platforms");
	jw_m_text(j, "vendor", "arm");
	jw_obj_end(j);
	return COFFER_OK;
}

enum coffer_rc genesis_roots(const char *list, struct json_wr *j, struct err *e)
{
	struct span rest = span_of(list);

	jw_name(j, "vendor-roots");
	jw_arr(j);
	while (rest.n > 0) {
		size_t n = span_find(rest, ','), eq = span_find((struct span){ rest.p, n }, '=');
		CLEANUP(freep) char *path = eq < n ? span_dup((struct span){ rest.p + eq + 1, n - eq - 1 }) : NULL;

		if (eq == 0 || eq == n || !path)
			return cli_bad(e, "--vendor-root %s: not VENDOR=FILE, with commas between several", list);
		if (span_eq_str((struct span){ rest.p, eq }, "arm"))
			TRY(add_anchors(path, j, e));
		else
			TRY(add_root((struct span){ rest.p, eq }, path, j, e));
		rest = span_skip(rest, n < rest.n ? n + 1 : n);
	}
	jw_arr_end(j);
	return COFFER_OK;
}
