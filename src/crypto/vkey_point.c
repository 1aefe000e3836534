/* Evidence brings many keys, each for a signature or two. To make a group takes longer than to copy one, and to copy one longer than
 * to put another point on a key that nobody needs any more: so keys are copies of one of each curve, and a few are kept. What is
 * kept is public, and no point is ever used again: point_key sets it, or throws the key away. */
#include "crypto/vkey_point.h"

#include <stdio.h>
#include <threads.h>

#include <openssl/core_names.h>
#include <openssl/err.h>

#include "base/own.h"
#include "crypto/key_priv.h"

#define IDLE_MAX 8

static struct {
	enum vkey_kind    kind;
	const char *const type, *const group;
	EVP_PKEY         *blank; /* has no point yet */
	EVP_PKEY         *idle[IDLE_MAX];
	size_t            n;
} curves[] = {
	{ .kind = VKEY_P256, .type = "EC", .group = "prime256v1" },
	{ .kind = VKEY_P384, .type = "EC", .group = "secp384r1" },
	{ .kind = VKEY_P521, .type = "EC", .group = "secp521r1" },
	{ .kind = VKEY_SM2, .type = "SM2", .group = "SM2" },
};
#define N_CURVES (sizeof(curves) / sizeof(curves[0]))

static bool locks;
static mtx_t lock;
static once_flag once = ONCE_FLAG_INIT;

static void make_blanks(void)
{
	locks = mtx_init(&lock, mtx_plain) == thrd_success;
	for (size_t i = 0; i < N_CURVES; i++) {
		CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, curves[i].type, NULL);
		char group[16];
		OSSL_PARAM p[2] = { OSSL_PARAM_END, OSSL_PARAM_END };

		(void)snprintf(group, sizeof(group), "%s", curves[i].group);
		p[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0); /* measures the text: it must be there */
		if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
			(void)!EVP_PKEY_fromdata(ctx, &curves[i].blank, EVP_PKEY_KEY_PARAMETERS, p);
	}
	ERR_clear_error();
}

static size_t curve_of(enum vkey_kind kind)
{
	size_t i = 0;

	while (i < N_CURVES && curves[i].kind != kind)
		i++;
	return i;
}

static EVP_PKEY *take_idle(size_t i)
{
	EVP_PKEY *k = NULL;

	if (!locks || mtx_lock(&lock) != thrd_success)
		return NULL;
	if (curves[i].n > 0)
		k = curves[i].idle[--curves[i].n];
	(void)mtx_unlock(&lock);
	return k;
}

EVP_PKEY *point_key(enum vkey_kind kind, struct span point)
{
	size_t i = curve_of(kind);
	EVP_PKEY *k;

	call_once(&once, make_blanks);
	if (i == N_CURVES || !curves[i].blank)
		return NULL;
	k = take_idle(i);
	k = k ? k : EVP_PKEY_dup(curves[i].blank);
	if (k && EVP_PKEY_set1_encoded_public_key(k, point.p, point.n) != 1) {
		EVP_PKEY_free(k);
		k = NULL;
	}
	ERR_clear_error();
	return k;
}

void point_key_done(enum vkey_kind kind, EVP_PKEY *k)
{
	size_t i = curve_of(kind);

	if (k && i < N_CURVES && locks && mtx_lock(&lock) == thrd_success) {
		if (curves[i].n < IDLE_MAX) {
			curves[i].idle[curves[i].n++] = k;
			k = NULL;
		}
		(void)mtx_unlock(&lock);
	}
	EVP_PKEY_free(k);
}
