/* A PKCS#11 module for test_token.c: behaves as its one setting says, and counts logins. Not a token: it holds no key. */
#include <string.h>

#include "crypto/cryptoki.h"

extern unsigned fake_p11_logins, fake_p11_ended;
extern const char *fake_p11_mood;
unsigned fake_p11_logins, fake_p11_ended;
const char *fake_p11_mood = "";
ck_ulong C_GetFunctionList(struct ck_functions **out);

static int mood(const char *m)
{
	return strcmp(fake_p11_mood, m) == 0;
}

static ck_ulong initialize(void *args)
{
	(void)args;
	return mood("no-begin") ? 5 : CKR_OK;
}

static ck_ulong finalize(void *reserved)
{
	(void)reserved;
	fake_p11_ended++;
	return CKR_OK;
}

static ck_ulong get_slot_list(uint8_t present, ck_ulong *slots, ck_ulong *n)
{
	(void)present;
	if (mood("many-slots")) {
		*n = 1000;
		return CKR_OK;
	}
	slots[0] = 7;
	slots[1] = 8;
	*n = mood("two-tokens") ? 2 : 1;
	return CKR_OK;
}

static ck_ulong get_token_info(ck_ulong slot, struct ck_token_info *out)
{
	(void)slot;
	memset(out->label, ' ', sizeof(out->label));
	memcpy(out->label, "fake", 4);
	memset(out->serial, ' ', sizeof(out->serial));
	out->flags = CKF_LOGIN_REQUIRED;
	return CKR_OK;
}

static ck_ulong open_session(ck_ulong slot, ck_ulong flags, void *app, void *notify, ck_ulong *session)
{
	(void)slot, (void)flags, (void)app, (void)notify;
	*session = 3;
	return mood("no-session") ? 5 : CKR_OK;
}

static ck_ulong close_session(ck_ulong session)
{
	(void)session;
	return CKR_OK;
}

static ck_ulong login(ck_ulong session, ck_ulong user, uint8_t *pin, ck_ulong n)
{
	(void)session;
	fake_p11_logins++;
	if (mood("locked"))
		return CKR_PIN_LOCKED;
	return user == CKU_USER && n == 4 && memcmp(pin, "1234", 4) == 0 ? CKR_OK : CKR_PIN_INCORRECT;
}

/* The base point of P-256: a public key that is on the curve, and whose private half is 1. */
static const uint8_t point[67] = { 0x04, 0x41, 0x04,
	0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
	0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
	0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
	0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5 };
static const uint8_t params[10] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

static ck_ulong get_attribute_value(ck_ulong session, ck_ulong object, struct ck_attribute *a, ck_ulong n)
{
	const ck_ulong kind = mood("rsa") ? 0 : CKK_EC;

	(void)session, (void)object;
	for (ck_ulong i = 0; i < n; i++) {
		const void *v = a[i].type == CKA_KEY_TYPE ? (const void *)&kind : a[i].type == CKA_EC_PARAMS ? params : point;
		ck_ulong len = a[i].type == CKA_KEY_TYPE ? sizeof(kind) : a[i].type == CKA_EC_PARAMS ? sizeof(params) : sizeof(point);

		if (a[i].len < len)
			return 0x150; /* CKR_BUFFER_TOO_SMALL */
		memcpy(a[i].value, v, len);
		a[i].len = mood("long-point") && a[i].type == CKA_EC_POINT ? (ck_ulong)-1 : len;
	}
	return CKR_OK;
}

static ck_ulong find_objects_init(ck_ulong session, struct ck_attribute *a, ck_ulong n)
{
	(void)session, (void)a, (void)n;
	return CKR_OK;
}

static ck_ulong find_objects(ck_ulong session, ck_ulong *objects, ck_ulong max, ck_ulong *n)
{
	(void)session;
	objects[0] = 1;
	objects[1] = 2;
	*n = mood("two-keys") && max > 1 ? 2 : 1;
	return CKR_OK;
}

static ck_ulong find_objects_final(ck_ulong session)
{
	(void)session;
	return CKR_OK;
}

static ck_ulong sign_init(ck_ulong session, struct ck_mechanism *m, ck_ulong key)
{
	(void)session, (void)key;
	return m->mechanism == CKM_ECDSA && !mood("no-ecdsa") ? CKR_OK : CKR_MECHANISM_INVALID;
}

/* Never a right one. */
static ck_ulong sign(ck_ulong session, uint8_t *data, ck_ulong n, uint8_t *sig, ck_ulong *sig_n)
{
	(void)session, (void)data;
	memset(sig, 0x11, *sig_n);
	*sig_n = mood("short-signature") ? 63 : 64;
	return n == 32 ? CKR_OK : 5;
}

static struct ck_functions list = { .version = { 2, 40 }, .initialize = initialize, .finalize = finalize, .get_slot_list = get_slot_list,
	.get_token_info = get_token_info, .open_session = open_session, .close_session = close_session, .login = login,
	.get_attribute_value = get_attribute_value, .find_objects_init = find_objects_init, .find_objects = find_objects,
	.find_objects_final = find_objects_final, .sign_init = sign_init, .sign = sign };

ck_ulong C_GetFunctionList(struct ck_functions **out)
{
	list.version.major = mood("version-1") ? 1 : 2;
	*out = mood("no-list") ? NULL : &list;
	return CKR_OK;
}
