/* In start.c's place, with libcrypto.a: OpenSSL's own default provider (its init function has a name in the archive alone), from whose lists only what is used
 * here is handed on. What is asked for first in a list makes OpenSSL enter all of that list into its tables, half of what its start costs. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/start.h"
#include "crypto/start_priv.h"

enum { OPERATIONS = 16, FEW = 16, FUNCTIONS = 32 };

extern OSSL_provider_init_fn ossl_default_provider_init;

/* The first name that the provider gives each. Ciphers: records of TLS, layers of images, the random generator's own (CTR, which asks for ECB). */
static const char *const digests[] = { "SHA2-256", "SHA2-384", "SHA2-512", "SHA1", NULL };
static const char *const ciphers[] = { "AES-256-GCM", "AES-128-GCM", "ChaCha20-Poly1305", "AES-256-CTR", "AES-256-ECB",
	"AES-256-WRAP", NULL };
static const char *const macs[] = { "HMAC", NULL };
static const char *const kdfs[] = { "HKDF", "TLS13-KDF", "TLS1-PRF", NULL };
static const char *const rands[] = { "CTR-DRBG", "SEED-SRC", NULL };
static const char *const keys[] = { "EC", "RSA", "RSA-PSS", "X25519", "ED25519", "HMAC", "HKDF", "TLS1-PRF", NULL };
static const char *const exchanges[] = { "ECDH", "X25519", "HKDF", "TLS1-PRF", NULL };
static const char *const signatures[] = { "ECDSA", "RSA", "ED25519", "HMAC", NULL };
static const char *const asym_ciphers[] = { "RSA", NULL };

static const char *const *const used[OPERATIONS] = {
	[OSSL_OP_DIGEST] = digests,
	[OSSL_OP_CIPHER] = ciphers,
	[OSSL_OP_MAC] = macs,
	[OSSL_OP_KDF] = kdfs,
	[OSSL_OP_RAND] = rands,
	[OSSL_OP_KEYMGMT] = keys,
	[OSSL_OP_KEYEXCH] = exchanges,
	[OSSL_OP_SIGNATURE] = signatures,
	[OSSL_OP_ASYM_CIPHER] = asym_ciphers,
};

/* Filled once, when the provider is loaded: there is one thread then. */
static OSSL_ALGORITHM handed_on[OPERATIONS][FEW + 1];
static OSSL_DISPATCH functions[FUNCTIONS + 1];
static OSSL_FUNC_provider_query_operation_fn *query_all;

static bool named(const char *const *list, const char *names)
{
	size_t n = strcspn(names, ":");

	for (; list && *list; list++)
		if (strlen(*list) == n && strncmp(*list, names, n) == 0)
			return true;
	return false;
}

static bool choose(void *provider, int operation)
{
	int no_cache = 0;
	const OSSL_ALGORITHM *all = query_all(provider, operation, &no_cache);
	size_t n = 0;

	for (; all && all->algorithm_names; all++) {
		if (!named(used[operation], all->algorithm_names))
			continue;
		if (n == FEW)
			return false;
		handed_on[operation][n++] = *all;
	}
	return true;
}

/* What reads and writes keys (encoders, decoders, stores) stays whole: it is of no use without the key's own operations. */
static const OSSL_ALGORITHM *query_few(void *provider, int operation, int *no_cache)
{
	if (operation < 0 || operation >= OPERATIONS)
		return query_all(provider, operation, no_cache);
	*no_cache = 0;
	return handed_on[operation];
}

static int few_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provider)
{
	const OSSL_DISPATCH *f = NULL;
	size_t n = 0;

	if (ossl_default_provider_init(core, in, &f, provider) != 1)
		return 0;
	for (; f->function_id != 0 && n < FUNCTIONS; f++, n++) {
		functions[n] = *f;
		if (f->function_id != OSSL_FUNC_PROVIDER_QUERY_OPERATION)
			continue;
		query_all = OSSL_FUNC_provider_query_operation(f);
		functions[n].function = (void (*)(void))query_few;
	}
	if (f->function_id != 0 || !query_all)
		return 0;
	for (int i = 1; i < OPERATIONS; i++)
		if (!choose(*provider, i))
			return 0;
	*out = functions;
	return 1;
}

void crypto_start(void)
{
	static OSSL_PROVIDER *few; /* for good */

	if (OPENSSL_init_crypto(START_WITHOUT, NULL) != 1 || OSSL_PROVIDER_add_builtin(NULL, "few", few_init) != 1 ||
	    !(few = OSSL_PROVIDER_load(NULL, "few")))
		abort();
}
