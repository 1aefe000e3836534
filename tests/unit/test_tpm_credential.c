/* Credentials opened as a TPM opens them, and who gets none. tests/e2e/test_tpm_activate.py asks a TPM. */
#include "evidence/tpm_credential.h"

#include <openssl/rsa.h>

#include "crypto/tpm_seed.h"
#include "crypto_util.h"
#include "evidence/fixed.h"
#include "evidence/tpm_ek.h"
#include "tests/evkit.h"
#include "tests/t.h"

#define NOW INT64_C(1800000000)

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

static struct vkey *public_of(EVP_PKEY *k)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096);
	struct vkey *v = NULL;
	struct err e = { 0 };

	evkit_spki(k, &spki);
	CHECK(vkey_spki(wr_span(&spki), &v, &e) == COFFER_OK);
	return v;
}

/* ---- the TPM's half ---- */

static bool seed_of_rsa(EVP_PKEY *k, struct span in, uint8_t seed[static 32])
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
	uint8_t buf[256];
	size_t n = sizeof(buf);

	if (in.n != 258 || in.p[0] != 1 || in.p[1] != 0 || EVP_PKEY_decrypt_init(c) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set0_rsa_oaep_label(c, OPENSSL_memdup("IDENTITY", 9), 9) != 1 ||
	    EVP_PKEY_decrypt(c, buf, &n, in.p + 2, 256) != 1 || n != 32)
		return false;
	memcpy(seed, buf, 32);
	return true;
}

static bool seed_of_ec(const struct privkey *k, struct span in, uint8_t seed[static 32])
{
	struct rd r = rd_open(in);
	struct pubkey peer = { .kind = KEY_P256 };
	struct err e = { 0 };
	uint8_t z[32];

	if (rd_be16(&r) != 68 || rd_be16(&r) != 32)
		return false;
	rd_copy(&r, peer.x, 32);
	if (rd_be16(&r) != 32)
		return false;
	rd_copy(&r, peer.y, 32);
	if (!rd_done(&r) || key_ecdh(k, &peer, z, &e) != COFFER_OK)
		return false;
	tpm_kdfe(SPAN(z), "IDENTITY", (struct tpm_context){ SPAN(peer.x), SPAN(privkey_public(k)->x) }, seed);
	return true;
}

/* Integrity over the name first, then the secret, as TPM2_ActivateCredential does. */
static bool opens(struct span blob, const uint8_t seed[static 32], struct span name, struct span want)
{
	static const uint8_t iv[16];
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	struct rd r = rd_open(blob);
	size_t total = rd_be16(&r), mac_n = rd_be16(&r);
	struct span mac = rd_span(&r, 32), inner = rd_span(&r, blob.n - 36);
	uint8_t key[32], got[32], both[128], plain[64];
	int n = 0;

	if (total != blob.n - 2 || mac_n != 32 || !rd_done(&r))
		return false;
	memcpy(both, inner.p, inner.n);
	memcpy(both + inner.n, name.p, name.n);
	tpm_kdfa((struct span){ seed, 32 }, "INTEGRITY", (struct tpm_context){ 0 }, key, 32);
	hmac_sha256(SPAN(key), (struct span){ both, inner.n + name.n }, got);
	if (!span_eq(mac, SPAN(got)))
		return false;
	tpm_kdfa((struct span){ seed, 32 }, "STORAGE", (struct tpm_context){ .u = name }, key, 16);
	return EVP_DecryptInit_ex(c, EVP_aes_128_cfb128(), NULL, key, iv) == 1 &&
	       EVP_DecryptUpdate(c, plain, &n, inner.p, (int)inner.n) == 1 && plain[0] == 0 && plain[1] == want.n &&
	       span_eq((struct span){ plain + 2, (size_t)n - 2 }, want);
}

static const uint8_t name[34] = { 0, TPM_ALG_SHA256, 0xab };

static void secret_comes_out_for_the_key_and_the_name(void)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *rsa = evkit_rsa();
	CLEANUP(privkey_freep) struct privkey *ec = fresh(KEY_P256);
	CLEANUP(vkey_freep) struct vkey *rsa_pub = public_of(rsa), *ec_pub = NULL;
	uint8_t random[64], secret[32], xy[64], seed[32], other[34];
	struct err e = { 0 };

	memcpy(xy, privkey_public(ec)->x, 32);
	memcpy(xy + 32, privkey_public(ec)->y, 32);
	CHECK(vkey_ec(VKEY_P256, SPAN(xy), &ec_pub, &e) == COFFER_OK);
	memcpy(other, name, 34);
	other[33] ^= 1;
	random_bytes(random, sizeof(random));
	random_bytes(secret, sizeof(secret));
	random[0] = 1;
	for (size_t n = 1; n <= 32; n++) {
		struct tpm_credential_in in = { rsa_pub, SPAN(name), { secret, n }, random };
		struct tpm_credential c = { 0 };

		CHECK(tpm_credential_make(&in, &c, &e) == COFFER_OK);
		CHECK(seed_of_rsa(rsa, (struct span){ c.seed, c.seed_n }, seed));
		CHECK(opens((struct span){ c.blob, c.blob_n }, seed, SPAN(name), in.secret));
		in.ek = ec_pub;
		CHECK(tpm_credential_make(&in, &c, &e) == COFFER_OK);
		CHECK(seed_of_ec(ec, (struct span){ c.seed, c.seed_n }, seed));
		CHECK(opens((struct span){ c.blob, c.blob_n }, seed, SPAN(name), in.secret));
		CHECK(!opens((struct span){ c.blob, c.blob_n }, seed, SPAN(other), in.secret));
	}
}

static void what_is_no_credential_is_refused(void)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *p384 = evkit_ec("P-384"), *p256 = evkit_ec("P-256");
	CLEANUP(vkey_freep) struct vkey *other = public_of(p384), *ek = public_of(p256);
	static const uint8_t zero[64], secret[33], sha1[34] = { 0, TPM_ALG_SHA1 };
	uint8_t random[64] = { 1 };
	const struct tpm_credential_in good = { ek, SPAN(name), { secret, 32 }, random };
	struct tpm_credential c = { .blob_n = 77 };
	struct tpm_credential_in in[6] = { good, good, good, good, good, good };
	struct err e = { 0 };

	in[0].ek = other;
	in[1].secret.n = 0;
	in[2].secret.n = 33;
	in[3].ak_name.n = 33;
	in[4].ak_name = SPAN(sha1);
	in[5].random = zero;
	for (size_t i = 0; i < 6; i++)
		CHECK(tpm_credential_make(&in[i], &c, &e) == COFFER_E_INPUT && c.blob_n == 77);
	CHECK(tpm_credential_make(&good, &c, &e) == COFFER_OK);
}

static void key_that_is_no_attestation_key_gets_none(void)
{
	const uint32_t good = TPM_RESTRICTED | TPM_SIGN | TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN;
	struct tpm_public p = { .attributes = good | 1u << 6, .name_n = 34 };
	struct err e = { 0 };

	CHECK(tpm_ak_check(&p, &e) == COFFER_OK);
	for (uint32_t bit = 1; bit != 0; bit <<= 1) {
		p.attributes = good ^ bit;
		CHECK(tpm_ak_check(&p, &e) == (good & bit || bit == TPM_DECRYPT ? COFFER_E_DENIED : COFFER_OK));
	}
	p = (struct tpm_public){ .attributes = good, .name_n = 50 };
	CHECK(tpm_ak_check(&p, &e) == COFFER_E_DENIED && strcmp(e.check, "ak") == 0);
}

/* ---- EK certificates ---- */

static const uint8_t for_ek[] = { 0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x01 };
static const uint8_t for_ak[] = { 0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x03 };
/* A directory name of one attribute, 2.23.133.2.1 = "id:00000000" */
static const uint8_t tpm_san[] = { 0x30, 0x1e, 0xa4, 0x1c, 0x30, 0x1a, 0x31, 0x18, 0x30, 0x16, 0x06, 0x05, 0x67, 0x81, 0x05, 0x02,
	0x01, 0x0c, 0x0d, 'i', 'd', ':', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0' };
static const uint8_t is_ca[] = { 0x30, 3, 1, 1, 0xff };
static const uint8_t encipher[] = { 3, 2, 5, 0x20 }, agree[] = { 3, 2, 3, 0x08 }, sign_only[] = { 3, 2, 7, 0x80 };

/* As keep reads it, whom eval handed a path of its own choice: the certificate and perhaps one above it. */
static enum coffer_rc read_again(struct span der, struct span above, EVP_PKEY *root, struct err *e)
{
	CLEANUP(vkey_freep) struct vkey *key = root ? public_of(root) : NULL, *ek = NULL;
	struct fixed_root r = { .name = "Maker", .key = key };
	struct fixed_in in = { .path = { der, above }, .n_path = above.n > 0 ? 2 : 1, .root = &r, .n_roots = root ? 1 : 0 };
	enum coffer_rc rc = fixed_ek(&in, &ek, NULL, e);

	CHECK((rc == COFFER_OK) == (ek != NULL));
	return rc;
}

struct ek_case { EVP_PKEY *key; struct span purpose, usage; bool ca, no_root; int64_t until; bool old; };

/* old: eval refuses it for its dates alone, which keep does not look at. */
static enum coffer_rc check(const struct ek_case *k, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ca = evkit_ec("P-384");
	CLEANUP(wr_close) struct wr root = wr_open(1u << 16), der = wr_open(1u << 16);
	CLEANUP(tpm_ek_clear) struct tpm_ek ek = { 0 };
	struct evkit_ext ext[] = { { "2.5.29.17", SPAN(tpm_san), true }, { "2.5.29.37", k->purpose, false },
		{ "2.5.29.15", k->usage, true }, { 0 } };
	struct evkit_cert up = { .cn = "Maker", .issuer_cn = "Maker", .key = ca, .issuer_key = ca, .ca = true, .pathlen = -1 };
	struct evkit_cert c = { .cn = "EK", .issuer_cn = "Maker", .key = k->key, .issuer_key = ca, .pathlen = -1,
		.not_before = NOW - 9, .not_after = k->until ? k->until : NOW + 9, .ext = ext,
		.n_ext = k->usage.n > 0 ? 3 : k->purpose.n > 0 ? 2 : 1 };
	struct collateral col = { 0 };
	enum coffer_rc rc, again;
	struct err second = { 0 };

	if (k->ca)
		ext[c.n_ext++] = (struct evkit_ext){ "2.5.29.19", SPAN(is_ca), true };
	evkit_cert(&up, &root);
	evkit_cert(&c, &der);
	if (!k->no_root)
		evkit_add(&col.roots, &root);
	rc = tpm_ek_check(wr_span(&der), &col, NOW, &ek, e);
	CHECK((rc == COFFER_OK) == (ek.key != NULL));
	CHECK(rc != COFFER_OK || (ek.n_path == 2 && span_eq(wr_span(&ek.path[0]), wr_span(&der))));
	again = read_again(wr_span(&der), (struct span){ 0 }, k->no_root ? NULL : ca, &second);
	CHECK(k->old ? again == COFFER_OK : again == rc);
	certs_clear(&col.roots);
	return rc;
}

static void certificate_must_be_an_ek_s_of_somebody_trusted(void)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *rsa = evkit_rsa(), *p256 = evkit_ec("P-256"), *p384 = evkit_ec("P-384");
	struct err e = { 0 };
	const struct ek_case good[] = { { .key = rsa, .purpose = SPAN(for_ek), .usage = SPAN(encipher) },
		{ .key = p256, .purpose = SPAN(for_ek), .usage = SPAN(agree) }, { .key = rsa, .purpose = SPAN(for_ek) } };
	const struct { struct ek_case c; const char *check; } bad[] = {
		{ { .key = rsa }, "ek" },
		{ { .key = rsa, .purpose = SPAN(for_ak) }, "ek" },
		{ { .key = rsa, .purpose = SPAN(for_ek), .usage = SPAN(sign_only) }, "ek" },
		{ { .key = rsa, .purpose = SPAN(for_ek), .usage = SPAN(agree) }, "ek" },
		{ { .key = p256, .purpose = SPAN(for_ek), .usage = SPAN(encipher) }, "ek" },
		{ { .key = p384, .purpose = SPAN(for_ek), .usage = SPAN(agree) }, "ek" },
		{ { .key = rsa, .purpose = SPAN(for_ek), .ca = true }, "ek" },
		{ { .key = rsa, .purpose = SPAN(for_ek), .no_root = true }, "chain" },
		{ { .key = rsa, .purpose = SPAN(for_ek), .until = NOW - 1, .old = true }, "validity" },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(check(&good[i], &e) == COFFER_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(check(&bad[i].c, &e) == COFFER_E_DENIED && strcmp(e.check, bad[i].check) == 0);
}

static void intermediate_is_on_the_path_and_must_be_a_ca_s(void)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *root = evkit_ec("P-384"), *mid = evkit_ec("P-256"), *k = evkit_rsa();
	CLEANUP(wr_close) struct wr top = wr_open(1u << 16), between = wr_open(1u << 16), der = wr_open(1u << 16);
	CLEANUP(tpm_ek_clear) struct tpm_ek ek = { 0 };
	struct evkit_ext ext[] = { { "2.5.29.37", SPAN(for_ek), false } };
	struct evkit_cert t = { .cn = "Root", .issuer_cn = "Root", .key = root, .issuer_key = root, .ca = true, .pathlen = -1 };
	struct evkit_cert m = { .cn = "Maker", .issuer_cn = "Root", .key = mid, .issuer_key = root, .ca = true, .pathlen = -1 };
	struct evkit_cert c = { .cn = "EK", .issuer_cn = "Maker", .key = k, .issuer_key = mid, .pathlen = -1, .ext = ext, .n_ext = 1 };
	struct collateral col = { 0 };
	struct err e = { 0 };

	evkit_cert(&t, &top);
	evkit_cert(&m, &between);
	evkit_cert(&c, &der);
	evkit_add(&col.roots, &top);
	CHECK(tpm_ek_check(wr_span(&der), &col, -1, &ek, &e) == COFFER_E_DENIED && strcmp(e.check, "chain") == 0);
	evkit_add(&col.certs, &between);
	CHECK(tpm_ek_check(wr_span(&der), &col, -1, &ek, &e) == COFFER_OK && ek.n_path == 3);
	CHECK(span_eq(wr_span(&ek.path[0]), wr_span(&der)) && span_eq(wr_span(&ek.path[1]), wr_span(&between)));
	CHECK(read_again(wr_span(&der), wr_span(&between), root, &e) == COFFER_OK);
	CHECK(read_again(wr_span(&der), (struct span){ 0 }, root, &e) == COFFER_E_DENIED);
	CHECK(read_again(wr_span(&der), wr_span(&top), root, &e) == COFFER_E_DENIED);
	m.ca = false;
	wr_close(&between);
	between = wr_open(1u << 16);
	evkit_cert(&m, &between);
	CHECK(read_again(wr_span(&der), wr_span(&between), root, &e) == COFFER_E_DENIED && strstr(e.msg, "no CA"));
	certs_clear(&col.roots);
	certs_clear(&col.certs);
}

/* As a founder of a genesis may name it: eval and keep end the path at it, and at no other certificate of its key. */
static void named_intermediate_ends_the_path_by_its_bytes(void)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *top = evkit_ec("P-384"), *mid = evkit_ec("P-256"), *k = evkit_rsa();
	CLEANUP(wr_close) struct wr maker = wr_open(1u << 16), twin = wr_open(1u << 16), der = wr_open(1u << 16);
	CLEANUP(tpm_ek_clear) struct tpm_ek ek = { 0 };
	CLEANUP(vkey_freep) struct vkey *key = public_of(mid), *out = NULL;
	struct evkit_ext ext[] = { { "2.5.29.37", SPAN(for_ek), false } };
	struct evkit_cert m = { .cn = "Maker", .issuer_cn = "Top", .key = mid, .issuer_key = top, .ca = true, .pathlen = 0 };
	struct evkit_cert c = { .cn = "EK", .issuer_cn = "Maker", .key = k, .issuer_key = mid, .pathlen = -1, .ext = ext, .n_ext = 1 };
	struct fixed_root r = { .name = "Maker", .key = key };
	struct fixed_in in = { .n_path = 2, .root = &r, .n_roots = 1 };
	struct collateral col = { 0 };
	struct err e = { 0 };

	evkit_cert(&m, &maker);
	evkit_cert(&c, &der);
	m.pathlen = -1;
	evkit_cert(&m, &twin);
	evkit_add(&col.roots, &maker);
	CHECK(tpm_ek_check(wr_span(&der), &col, -1, &ek, &e) == COFFER_OK && ek.n_path == 2);
	in.path[0] = wr_span(&ek.path[0]);
	in.path[1] = wr_span(&ek.path[1]);
	CHECK(fixed_ek(&in, &out, NULL, &e) == COFFER_E_DENIED && strstr(e.msg, "trusted root") && !out);
	r.cert = wr_span(&maker);
	CHECK(fixed_ek(&in, &out, NULL, &e) == COFFER_OK && vkey_eq(out, ek.key));
	in.path[1] = wr_span(&twin);
	vkey_free(out);
	out = NULL;
	CHECK(fixed_ek(&in, &out, NULL, &e) == COFFER_E_DENIED && !out);
	certs_clear(&col.roots);
}

/* What an X.509 library would refuse to read says nothing here either. */
static void malformed_extension_allows_nothing(void)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ca = evkit_ec("P-384"), *k = evkit_rsa();
	static const uint8_t long_bits[] = { 3, 2, 5, 0x20, 0 }, no_bits[] = { 3, 1, 0 }, tail[] = { 0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x01, 0 },
		no_oid[] = { 0x30, 0x07, 0x04, 0x05, 0x67, 0x81, 0x05, 0x08, 0x01 };
	const struct { struct span purpose, usage; size_t n; } bad[] = { { SPAN(for_ek), SPAN(long_bits), 2 }, { SPAN(for_ek), SPAN(no_bits), 2 },
		{ SPAN(tail), SPAN(encipher), 2 }, { SPAN(no_oid), SPAN(encipher), 2 }, { SPAN(for_ek), SPAN(encipher), 3 } };
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(wr_close) struct wr der = wr_open(1u << 16);
		struct evkit_ext ext[] = { { "2.5.29.37", bad[i].purpose, false }, { "2.5.29.15", bad[i].usage, true },
			{ "2.5.29.15", bad[i].usage, true } };
		struct evkit_cert c = { .cn = "EK", .issuer_cn = "Maker", .key = k, .issuer_key = ca, .pathlen = -1, .ext = ext, .n_ext = bad[i].n };

		evkit_cert(&c, &der);
		CHECK(read_again(wr_span(&der), (struct span){ 0 }, ca, &e) == COFFER_E_DENIED);
	}
}

static void truncated_certificate_is_refused(void)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *k = evkit_ec("P-256");
	CLEANUP(wr_close) struct wr der = wr_open(1u << 16);
	struct evkit_cert c = { .cn = "EK", .issuer_cn = "EK", .key = k, .issuer_key = k, .pathlen = -1 };
	struct tpm_ek ek = { 0 };
	struct err e = { 0 };

	evkit_cert(&c, &der);
	for (size_t n = 0; n < der.n; n++) {
		CHECK(tpm_ek_check((struct span){ der.p, n }, NULL, -1, &ek, &e) == COFFER_E_INPUT && !ek.key);
		CHECK(read_again((struct span){ der.p, n }, (struct span){ 0 }, k, &e) == COFFER_E_DENIED);
	}
	CHECK(tpm_ek_check(wr_span(&der), NULL, -1, &ek, &e) == COFFER_E_DENIED && !ek.key);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(secret_comes_out_for_the_key_and_the_name),
		T(what_is_no_credential_is_refused),
		T(key_that_is_no_attestation_key_gets_none),
		T(certificate_must_be_an_ek_s_of_somebody_trusted),
		T(intermediate_is_on_the_path_and_must_be_a_ca_s), T(named_intermediate_ends_the_path_by_its_bytes),
		T(malformed_extension_allows_nothing),
		T(truncated_certificate_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
