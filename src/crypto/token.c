#include "crypto/token.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cryptoki.h"
#include "crypto/hash.h"

#define SLOTS_MAX 64

struct token {
	void                *module;
	struct ck_functions *f;
	bool                 up, open;
	ck_ulong             session, key;
};

static void token_free(struct token *t)
{
	if (!t)
		return;
	if (t->open)
		(void)t->f->close_session(t->session); /* the last one: logs out too */
	if (t->up)
		(void)t->f->finalize(NULL);
	if (t->module)
		(void)dlclose(t->module);
	free(t);
}
DEFINE_CLEANUP(struct token *, token_free)

static enum coffer_rc bad(const char *what, ck_ulong rv, struct err *e)
{
	return err_set(e, COFFER_E_UPSTREAM, "token: %s failed (PKCS#11 error 0x%lx)", what, rv);
}

static enum coffer_rc load(const char *path, struct token *t, struct err *e)
{
	ck_get_function_list get = NULL;
	ck_ulong rv;
	void *sym;

	t->module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!t->module)
		return err_set(e, COFFER_E_NOTFOUND, "token: %s cannot be loaded", path);
	sym = dlsym(t->module, "C_GetFunctionList");
	if (!sym)
		return err_set(e, COFFER_E_INPUT, "token: %s is no PKCS#11 module", path);
	memcpy(&get, &sym, sizeof(get)); /* POSIX: a function's address as an object's */
	rv = get(&t->f);
	if (rv != CKR_OK || !t->f || t->f->version.major < 2)
		return bad("the module's list of functions", rv, e);
	rv = t->f->initialize(NULL);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return bad("to begin", rv, e);
	t->up = rv == CKR_OK; /* else another key of ours began it, and ends it */
	return COFFER_OK;
}

/* Texts of tokens are padded with blanks. */
static bool padded_eq(const uint8_t *p, size_t n, const char *want)
{
	if (!*want)
		return true;
	while (n > 0 && p[n - 1] == ' ')
		n--;
	return span_eq_str((struct span){ p, n }, want);
}

static enum coffer_rc find_slot(const struct p11uri *u, const struct token *t, ck_ulong *slot, bool *login, struct err *e)
{
	ck_ulong slots[SLOTS_MAX], n = SLOTS_MAX, rv = t->f->get_slot_list(1, slots, &n);
	size_t found = 0;

	if (rv != CKR_OK || n > SLOTS_MAX)
		return bad("to list its slots", rv, e);
	for (size_t i = 0; i < n; i++) {
		struct ck_token_info info = { 0 };

		if (t->f->get_token_info(slots[i], &info) != CKR_OK || !padded_eq(info.label, sizeof(info.label), u->token) ||
		    !padded_eq(info.serial, sizeof(info.serial), u->serial))
			continue;
		*slot = slots[i];
		*login = (info.flags & CKF_LOGIN_REQUIRED) != 0;
		found++;
	}
	if (found == 0)
		return err_set(e, COFFER_E_NOTFOUND, "token: none here is called %s", u->token[0] ? u->token : u->serial);
	if (found > 1)
		return err_set(e, COFFER_E_INPUT, "token: %zu are called %s; name one by its serial", found, u->token);
	return COFFER_OK;
}

static enum coffer_rc login(const struct token *t, token_pin pin, void *arg, struct err *e)
{
	CLEANUP(secret_free) struct secret s = { 0 };
	ck_ulong rv;

	TRY(pin(arg, &s, e));
	rv = t->f->login(t->session, CKU_USER, s.p, s.n);
	switch (rv) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN:
		return COFFER_OK;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		return err_deny(e, "pin", "the token refuses this PIN; each wrong one brings it nearer to being locked");
	case CKR_PIN_LOCKED:
	case CKR_PIN_EXPIRED:
		return err_deny(e, "pin", "the token's PIN is locked or has expired; its security officer sets a new one");
	default:
		return bad("to log in", rv, e);
	}
}

/* The one object of the class that carries the label and the id. */
static enum coffer_rc find_one(const struct p11uri *u, const struct token *t, ck_ulong class_, ck_ulong *out, struct err *e)
{
	struct p11uri name = *u;
	struct ck_attribute a[3] = { { CKA_CLASS, &class_, sizeof(class_) } };
	ck_ulong found[2] = { 0, 0 }, n = 0, rv, count = 1;
	const char *what = class_ == CKO_PRIVATE_KEY ? "private key" : "public key";

	if (name.object[0])
		a[count++] = (struct ck_attribute){ CKA_LABEL, name.object, strlen(name.object) };
	if (name.id_n)
		a[count++] = (struct ck_attribute){ CKA_ID, name.id, name.id_n };
	rv = t->f->find_objects_init(t->session, a, count);
	if (rv == CKR_OK) {
		rv = t->f->find_objects(t->session, found, 2, &n);
		(void)t->f->find_objects_final(t->session);
	}
	if (rv != CKR_OK)
		return bad("to look for the key", rv, e);
	if (n == 0)
		return err_set(e, COFFER_E_NOTFOUND, "token: no %s of %s in it", what, u->object[0] ? u->object : "that id");
	if (n > 1)
		return err_set(e, COFFER_E_INPUT, "token: more than one %s of that name; name it by its id", what);
	*out = found[0];
	return COFFER_OK;
}

/* CKA_EC_PARAMS and CKA_EC_POINT: PKCS#11 Current Mechanisms v2.40, 2.3 (P-256), v3.0, 2.3.10 (Ed25519). The point is an OCTET STRING; for
 * Ed25519 some tokens give the bare 32 bytes. */
static bool read_point(struct span params, struct span point, ck_ulong type, struct pubkey *out)
{
	static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
	static const uint8_t ed_oid[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
	static const uint8_t ed_name[] = { 0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9' };
	struct pubkey k = { 0 };

	if (type == CKK_EC && span_eq(params, SPAN(p256)) && point.n == 67 && point.p[0] == 4 && point.p[1] == 65 && point.p[2] == 4) {
		k.kind = KEY_P256;
		memcpy(k.x, point.p + 3, 32);
		memcpy(k.y, point.p + 35, 32);
	} else if (type == CKK_EC_EDWARDS && (span_eq(params, SPAN(ed_oid)) || span_eq(params, SPAN(ed_name)))) {
		if (point.n == 34 && point.p[0] == 4 && point.p[1] == 32)
			point = span_skip(point, 2);
		if (point.n != 32)
			return false;
		k.kind = KEY_ED25519;
		memcpy(k.x, point.p, 32);
	} else {
		return false;
	}
	*out = k;
	return true;
}

static enum coffer_rc public_half(const struct p11uri *u, const struct token *t, struct pubkey *out, struct err *e)
{
	uint8_t params[32], point[128];
	ck_ulong object, type = 0, rv;
	struct ck_attribute kind = { CKA_KEY_TYPE, &type, sizeof(type) };
	struct ck_attribute a[2] = { { CKA_EC_PARAMS, params, sizeof(params) }, { CKA_EC_POINT, point, sizeof(point) } };

	TRY(find_one(u, t, CKO_PUBLIC_KEY, &object, e));
	rv = t->f->get_attribute_value(t->session, object, &kind, 1);
	if (rv != CKR_OK)
		return bad("to read the public key", rv, e);
	if (type == CKK_EC || type == CKK_EC_EDWARDS) {
		rv = t->f->get_attribute_value(t->session, object, a, 2);
		if (rv == CKR_OK && a[0].len <= sizeof(params) && a[1].len <= sizeof(point) &&
		    read_point((struct span){ params, a[0].len }, (struct span){ point, a[1].len }, type, out))
			return COFFER_OK;
	}
	return err_set(e, COFFER_E_INPUT, "token: this key is neither P-256 nor Ed25519");
}

static enum coffer_rc token_sign(void *arg, const struct pubkey *pub, struct span msg, uint8_t sig[static 64], struct err *e)
{
	struct token *t = arg;
	bool ec = pub->kind == KEY_P256;
	struct ck_mechanism m = { ec ? CKM_ECDSA : CKM_EDDSA, NULL, 0 };
	CLEANUP(freep) uint8_t *data = malloc(msg.n + 32); /* Cryptoki wants it writable */
	ck_ulong n = ec ? 32 : msg.n, got = SIG_LEN, rv;

	if (!data)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (ec)
		sha256(msg, data);
	else if (msg.n)
		memcpy(data, msg.p, msg.n);
	rv = t->f->sign_init(t->session, &m, t->key);
	if (rv == CKR_OK)
		rv = t->f->sign(t->session, data, n, sig, &got);
	if (rv == CKR_MECHANISM_INVALID)
		return err_set(e, COFFER_E_UPSTREAM, "token: it does not sign with %s", ec ? "ECDSA" : "EdDSA");
	if (rv != CKR_OK || got != SIG_LEN)
		return bad("to sign", rv, e);
	return COFFER_OK;
}

static void token_end(void *arg)
{
	token_free(arg);
}

static const struct key_elsewhere how = { token_sign, token_end };

enum coffer_rc token_open(const struct p11uri *u, token_pin pin, void *arg, struct privkey **out, struct err *e)
{
	CLEANUP(token_freep) struct token *t = calloc(1, sizeof(*t));
	struct pubkey pub;
	ck_ulong slot = 0, rv;
	bool wants_login = false;

	if (!t)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(load(u->module, t, e));
	TRY(find_slot(u, t, &slot, &wants_login, e));
	rv = t->f->open_session(slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);
	if (rv != CKR_OK)
		return bad("to open a session", rv, e);
	t->open = true;
	if (wants_login)
		TRY(login(t, pin, arg, e));
	TRY(find_one(u, t, CKO_PRIVATE_KEY, &t->key, e));
	TRY(public_half(u, t, &pub, e));
	TRY(privkey_elsewhere(&pub, &how, t, out, e));
	t = NULL;
	return COFFER_OK;
}
