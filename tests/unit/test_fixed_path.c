/* Paths of certificates as keep walks them again: what an eval that lies may hand over. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/fixed.h"
#include "tests/evkit.h"
#include "tests/t.h"

static const uint8_t for_ek[] = { 0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x01 }, malformed[] = { 0x30, 0x01 };

/* A root's key signed up, up signed mid, mid signed leaf: whether the leaf's key comes out, as an endorsement key. */
static bool ek_by(struct evkit_cert leaf, struct evkit_cert mid, struct evkit_cert up, struct err *e)
{
	EVP_PKEY *root = evkit_ec("P-256"), *a = evkit_ec("P-256"), *b = evkit_ec("P-256"), *ek = evkit_ec("P-256");
	CLEANUP(vkey_freep) struct vkey *trusted = NULL, *out = NULL;
	struct wr der[3] = { wr_open(1u << 16), wr_open(1u << 16), wr_open(1u << 16) };
	CLEANUP(wr_close) struct wr spki = wr_open(4096);
	struct fixed_root r = { .name = "Root" };
	struct fixed_in in = { .platform = "tpm", .n_path = 3, .n_roots = 1, .root = &r };
	bool ok;

	leaf.key = ek;
	leaf.issuer_key = mid.key = b;
	mid.issuer_key = up.key = a;
	up.issuer_key = root;
	evkit_cert(&leaf, &der[0]);
	evkit_cert(&mid, &der[1]);
	evkit_cert(&up, &der[2]);
	evkit_spki(root, &spki);
	CHECK(vkey_spki(wr_span(&spki), &trusted, e) == COFFER_OK);
	r.key = trusted;
	for (size_t i = 0; i < 3; i++)
		in.path[i] = wr_span(&der[i]);
	ok = fixed_ek(&in, &out, NULL, e) == COFFER_OK;
	for (size_t i = 0; i < 3; i++)
		wr_close(&der[i]);
	EVP_PKEY_free(root);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
	EVP_PKEY_free(ek);
	return ok;
}

static void issuers_may_issue_under_their_own_name_only(void)
{
	static const struct evkit_ext use = { "2.5.29.37", { for_ek, sizeof(for_ek) }, false };
	static const struct evkit_ext odd = { "1.2.3.4", { for_ek, sizeof(for_ek) }, true }, bad = { "2.5.29.17", { malformed, sizeof(malformed) }, false };
	const struct evkit_cert leaf = { .cn = "EK", .issuer_cn = "Mid", .pathlen = -1, .ext = &use, .n_ext = 1 };
	const struct evkit_cert mid = { .cn = "Mid", .issuer_cn = "Up", .ca = true, .pathlen = 0 };
	const struct evkit_cert up = { .cn = "Up", .issuer_cn = "Root", .ca = true, .pathlen = 1 };
	struct evkit_cert m[5] = { mid, mid, mid, mid, mid }, u = up;
	struct err e = { 0 };

	CHECK(ek_by(leaf, mid, up, &e));
	m[0].no_cert_sign = true;
	m[1].ca = false;
	m[1].pathlen = -1;
	m[2].cn = "Other";
	m[3].ext = &odd;
	m[3].n_ext = 1;
	m[4].ext = &bad;
	m[4].n_ext = 1;
	for (size_t i = 0; i < 5; i++)
		CHECK(!ek_by(leaf, m[i], up, &e) && strstr(e.msg, "no CA's, or not its issuer's"));
	u.pathlen = 0;
	CHECK(!ek_by(leaf, mid, u, &e) && strstr(e.msg, "no CA's"));
}

static void endorsement_key_is_said_to_be_one(void)
{
	const struct evkit_cert mid = { .cn = "Mid", .issuer_cn = "Up", .ca = true, .pathlen = 0 };
	const struct evkit_cert up = { .cn = "Up", .issuer_cn = "Root", .ca = true, .pathlen = 1 };
	struct evkit_ext x[2] = { { "2.5.29.37", SPAN(for_ek), false }, { "2.5.29.17", SPAN(malformed), false } };
	struct evkit_cert leaf = { .cn = "EK", .issuer_cn = "Mid", .pathlen = -1, .ext = x, .n_ext = 1 };
	struct err e = { 0 };

	CHECK(ek_by(leaf, mid, up, &e));
	leaf.n_ext = 2; /* another name that is none */
	CHECK(!ek_by(leaf, mid, up, &e) && strstr(e.msg, "endorsement"));
	leaf.n_ext = 0;
	CHECK(!ek_by(leaf, mid, up, &e) && strstr(e.msg, "endorsement"));
	leaf.n_ext = 1;
	x[0].value.n--; /* its purposes cut short */
	CHECK(!ek_by(leaf, mid, up, &e) && strstr(e.msg, "endorsement"));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(issuers_may_issue_under_their_own_name_only), T(endorsement_key_is_said_to_be_one),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
