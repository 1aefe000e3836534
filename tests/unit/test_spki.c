/* The one spelling of a public key: what OpenSSL writes is taken and named by its DER, whatever else it reads too is not. */
#include "crypto/spki.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "tests/t.h"

#define P256 "-----BEGIN PUBLIC KEY-----\n" \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjloGGXAL7+ALotn6Ub6WA9DwBH4x\n" \
	"jnS2kCQChkly92ms1w78B09qS2a3uzAHkoVOTsrP3cQcWqKPa5IOnYRiQQ==\n" \
	"-----END PUBLIC KEY-----\n"
#define P384 "-----BEGIN PUBLIC KEY-----\n" \
	"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEIDQxWVAbx4LRlvLBY6Sx6Wf/nKp/qPit\n" \
	"ug/E6xxEXj4QIvRYddPWMiJTPIuGn45Lub7tZsr9IHSpS0Oc/s/TBwKYWEu6Dus7\n" \
	"HTUc7P1i4NnFx7bXRrcGQkX19EDtuBel\n" \
	"-----END PUBLIC KEY-----\n"
#define ED25519 "-----BEGIN PUBLIC KEY-----\n" \
	"MCowBQYDK2VwAyEAwDWA7Xad0bG9MWVYuOi/Rc/34AJ3Qrug8OeS9YL76ys=\n" \
	"-----END PUBLIC KEY-----\n"
#define RSA2048 "-----BEGIN PUBLIC KEY-----\n" \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApnaCvB59P3uH32Sn7zYY\n" \
	"ZGRoL5uc5Pgqz7Sn6f4pgehUgzjol20Q8Olr5T/awX/b65jP7bUdU9nd9SwCqqaH\n" \
	"K8vMnMisPVHgbvRarfQ1/ZFnDwlFU3WU9t69mf6Lf5P3ZaImr2hMxYD0H75ht/TY\n" \
	"b3PZp6OWXfpRyMTVzZ4GMiR1RJsJ+ujaWKnCUGfFzkMPsp+Swcrk0k2PBjsQADya\n" \
	"9M6DSDrfyXgbEu6ssnT0ZSKtCP1aZIMOUwYmlz6XY4rDgLmodHIMQXAdbjhSjJJt\n" \
	"djRzgEGPmz2NDL9XXYVwIsqadvpvUtpBS/hfdLKxDhUSEQe4LKYnyfs/rHO0Y2Xk\n" \
	"GQIDAQAB\n" \
	"-----END PUBLIC KEY-----\n"
#define COMPRESSED "-----BEGIN PUBLIC KEY-----\n" \
	"MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADjloGGXAL7+ALotn6Ub6WA9DwBH4x\n" \
	"jnS2kCQChkly92k=\n" \
	"-----END PUBLIC KEY-----\n"
#define RSA1024 "-----BEGIN PUBLIC KEY-----\n" \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCaWY+gl9g6PZc1ZCnWlMBv535w\n" \
	"oAO4joAyN5gcGBEcWCw7QX6IBKzwdQ1Zh0SiQL7d0SxZNJZzu11oLbohdF08elXu\n" \
	"RUoC2Xwg2OwXThtQMP+v1tn8bUhAYp+6v8fM0PwsIWrNfKK5/OVBTjCGEjvCJCAn\n" \
	"XTLr4fZAaj+ORy18TwIDAQAB\n" \
	"-----END PUBLIC KEY-----\n"
#define P521 "-----BEGIN PUBLIC KEY-----\n" \
	"MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBFb7lQY6MWNT3GAY9lZosHbi1Tm/m\n" \
	"TF8dfYUKVoC0hwCT9huISoJ+p7lOaDWstbbOsfdKXJFR0wrhZAVQOafSt1EA50Fq\n" \
	"1vPAruC7Z6LJ+xFkIapNQK3HrtkIngtgSlj1oRkkFVxxQEjV2AaM05ShPH139Zuq\n" \
	"DC96Ce7cCvy/zMckzxI=\n" \
	"-----END PUBLIC KEY-----\n"

static bool is_one(struct span pem)
{
	CLEANUP(wr_close) struct wr der = wr_open(4096);
	uint8_t id[32] = { 0xaa }, same[32];
	struct err e;

	if (!spki_pem_id(pem, id)) {
		CHECK(id[0] == 0xaa); /* untouched */
		return false;
	}
	CHECK(pem_public_der(pem, &der, &e) == COFFER_OK && spki_plain(wr_span(&der)));
	sha256(wr_span(&der), same);
	CHECK(span_eq(SPAN(id), SPAN(same)));
	return true;
}

static void key_as_openssl_writes_it_is_named_by_its_der(void)
{
	static const char *const good[] = { P256, P384, ED25519, RSA2048 };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		size_t n = strlen(good[i]);

		CHECK(is_one(span_of(good[i])));
		CHECK(is_one((struct span){ (const uint8_t *)good[i], n - 1 })); /* without its last newline */
		for (size_t k = 0; k < n - 1; k++) { /* cut anywhere it is none */
			uint8_t *cut = malloc(k ? k : 1);

			if (!cut)
				abort();
			memcpy(cut, good[i], k);
			CHECK(!is_one((struct span){ cut, k }));
			free(cut);
		}
	}
}

/* What OpenSSL would read as the same key, or another reader might. */
static void another_spelling_is_refused(void)
{
	static const struct { const char *was, *is; } edits[] = {
		{ "", "x" }, { "-----BEGIN PUBLIC", "\n-----BEGIN PUBLIC" }, { "KEY-----\nM", "KEY-----\n\nM" }, { "KEY-----\nM", "KEY-----\n M" }, { "KEY-----\nM", "KEY-----\nA: b\n\nM" },
		{ "KEY-----\nM", "KEY-----\nM\n" }, { "==\n", "\n" }, { "==\n", "==" }, { "==\n", "== \n" }, { "==\n", "==\n\n" }, { "==\n", "==A\n" }, { "-----END PUBLIC KEY-----\n", "-----END PUBLIC KEY-----\n\n" },
		{ "-----END PUBLIC KEY-----", "-----END PUBLIC KEY----- " }, { "BEGIN PUBLIC", "BEGIN RSA PUBLIC" }, { "END PUBLIC", "END" },
	};

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const char *at = strstr(P256, edits[i].was);
		CLEANUP(freep) char *text = str_fmt("%.*s%s%s", (int)(at ? at - P256 : 0), P256, edits[i].is, at ? at + strlen(edits[i].was) : "");

		CHECK(at && text && !is_one(span_of(text)));
	}
	CHECK(!is_one(span_of(COMPRESSED)) && !is_one(span_of(RSA1024)) && !is_one(span_of(P521)) && !is_one(span_of(P256 P256)));
}

/* Each byte of the head decides what key it is; those of the point or modulus are another key's. */
static void der_of_another_form_is_refused(void)
{
	static const struct { const char *pem; size_t head; } keys[] = { { P256, 27 }, { P384, 24 }, { ED25519, 12 }, { RSA2048, 32 } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		CLEANUP(wr_close) struct wr der = wr_open(4096);
		struct err e;

		CHECK(pem_public_der(span_of(keys[i].pem), &der, &e) == COFFER_OK && spki_plain(wr_span(&der)));
		for (size_t k = 0; k < keys[i].head; k++) {
			der.p[k] ^= 1;
			CHECK(!spki_plain(wr_span(&der)));
			der.p[k] ^= 1;
		}
		for (size_t n = 0; n < der.n; n++)
			CHECK(!spki_plain((struct span){ der.p, n }));
		wr_u8(&der, 0);
		CHECK(!spki_plain(wr_span(&der)));
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(key_as_openssl_writes_it_is_named_by_its_der), T(another_spelling_is_refused), T(der_of_another_form_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
