#include "evidence/hcl.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"

#define TEXT_MAX (16u << 10)
#define SNP_LEN 1184
#define TDREPORT_LEN 1024
#define HASH_TYPE_SHA256 1

void hcl_clear(struct hcl *h)
{
	vkey_free(h->ak);
	*h = (struct hcl){ 0 };
}

bool hcl_bound(const struct hcl *h, struct span data)
{
	uint8_t want[64] = { 0 };

	memcpy(want, h->digest, 32);
	return span_eq(SPAN(want), data);
}

static enum coffer_rc layout(struct span in, struct hcl *h, struct err *e)
{
	struct rd r = rd_open(in);
	struct span magic = rd_span(&r, 4);
	uint32_t version, type, hash, size;

	(void)rd_span(&r, 28); /* header version, size, kind of request, status */
	h->hw_report = rd_span(&r, SNP_LEN);
	size = rd_le32(&r);
	version = rd_le32(&r);
	type = rd_le32(&r);
	hash = rd_le32(&r);
	h->text = rd_span(&r, rd_le32(&r));
	rd_mbz(&r, r.n);
	if (!rd_done(&r) || !span_eq_str(magic, "HCLA") || size != h->text.n + 20)
		return err_set(e, COFFER_E_INPUT, "hcl: the report is malformed near byte %zu", r.off);
	if (version != 1 || (type != HCL_SNP && type != HCL_TDX) || hash != HASH_TYPE_SHA256)
		return err_set(e, COFFER_E_INPUT, "hcl: version %u, report type %u, hash type %u: not a kind that is known",
		    version, type, hash);
	h->type = type == HCL_SNP ? HCL_SNP : HCL_TDX;
	if (h->type == HCL_TDX)
		h->hw_report.n = TDREPORT_LEN;
	return COFFER_OK;
}

static enum coffer_rc read_key(const struct json *jwk, struct hcl *h, struct err *e)
{
	CLEANUP(wr_close) struct wr n = wr_open(1024), exp = wr_open(4);

	if (h->ak)
		return err_set(e, COFFER_E_INPUT, "hcl: two attestation keys");
	if (!span_eq_str(json_str(json_get(jwk, "kty")), "RSA") || !b64url_read(json_str(json_get(jwk, "n")), &n) ||
	    !b64url_read(json_str(json_get(jwk, "e")), &exp) || !wr_ok(&n) || !wr_ok(&exp))
		return err_set(e, COFFER_E_INPUT, "hcl: the attestation key is no RSA key");
	return vkey_rsa(wr_span(&n), wr_span(&exp), &h->ak, e);
}

static enum coffer_rc read_text(struct hcl *h, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *keys, *user, *id;

	TRY(json_parse(h->text, TEXT_MAX, &doc, e));
	TRY(json_need_arr(json_root(doc), "keys", "hcl", &keys, e));
	for (size_t i = 0; i < json_len(keys); i++)
		if (span_eq_str(json_str(json_get(json_at(keys, i), "kid")), "HCLAkPub"))
			TRY(read_key(json_at(keys, i), h, e));
	if (!h->ak)
		return err_set(e, COFFER_E_INPUT, "hcl: no attestation key");
	user = json_get(json_root(doc), "user-data");
	h->has_user_data = user != NULL;
	if (user && !hex_fixed(json_str(user), h->user_data, sizeof(h->user_data)))
		return err_set(e, COFFER_E_INPUT, "hcl: user-data is not 64 bytes in hex");
	if (user)
		(void)snprintf(h->user_hex, sizeof(h->user_hex), "%.*s", (int)json_str(user).n, (const char *)json_str(user).p);
	id = json_get(json_get(json_root(doc), "vm-configuration"), "vmUniqueId");
	(void)snprintf(h->vm_id, sizeof(h->vm_id), "%.*s", (int)json_str(id).n, (const char *)json_str(id).p);
	return COFFER_OK;
}

enum coffer_rc hcl_parse(struct span in, struct hcl *out, struct err *e)
{
	CLEANUP(hcl_clear) struct hcl h = { 0 };

	TRY(layout(in, &h, e));
	sha256(h.text, h.digest);
	TRY(read_text(&h, e));
	*out = h;
	h = (struct hcl){ 0 };
	return COFFER_OK;
}
