/* Reference values as their makers publish them, written to files in a folder: a manifest of NVIDIA's form with its root, one by
 * an expired signer, a CoRIM, the same signed, and the signer's public key. */
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "tests/corimkit.h"
#include "tests/cosekit.h"
#include "tests/rimkit.h"

#define EXPIRED INT64_C(1609459200) /* 2021-01-01 */

static void put(const char *dir, const char *name, struct span s)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	struct err e = { 0 };

	if (!path || file_write(path, s, 0644, &e) != COFFER_OK)
		abort();
}

static void manifest(const char *dir, const char *name, const char *root, int64_t not_after)
{
	struct rimkit r;

	rimkit_open(&r, &(struct rimkit_how){ .not_after = not_after });
	put(dir, name, wr_span(&r.xml));
	put(dir, root, wr_span(&r.root_der));
	rimkit_close(&r);
}

static void public_key(const char *dir, const char *name, EVP_PKEY *k)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	if (!b || PEM_write_bio_PUBKEY(b, k) != 1 || (n = BIO_get_mem_data(b, &p)) <= 0)
		abort();
	put(dir, name, (struct span){ (const uint8_t *)p, (size_t)n });
	BIO_free(b);
}

static void corims(const char *dir)
{
	CLEANUP(wr_close) struct wr text = wr_open(1u << 16), p = wr_open(1u << 16), msg = wr_open(1u << 16);
	EVP_PKEY *k = evkit_ec("P-384"), *other = evkit_ec("P-384");

	corimkit_write(&text, &corimkit_plain);
	cosekit_protected(-35, &p);
	cb_tag(&msg, 500);
	cb_tag(&msg, 502);
	cosekit_sign(k, &(struct cosekit){ .protected = wr_span(&p), .alg = -35 }, wr_span(&text), &msg);
	put(dir, "corim", wr_span(&text));
	put(dir, "corim.signed", wr_span(&msg));
	public_key(dir, "corim.pem", k);
	public_key(dir, "other.pem", other);
	EVP_PKEY_free(k);
	EVP_PKEY_free(other);
}

int main(int argc, char **argv)
{
	if (argc != 2 || !rim_set_up())
		return 2;
	manifest(argv[1], "swid", "roots/root.der", 0);
	manifest(argv[1], "swid.expired", "roots/old.der", EXPIRED);
	corims(argv[1]);
	return 0;
}
