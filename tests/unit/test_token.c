/* token_open against a module that lies and fails; real tokens: tests/e2e/test_keys.py. argv[1]: the module. */
#include "crypto/token.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"

static struct p11uri uri;
static const char **mood;
static unsigned *logins, *ended, asked;
static const char *pin_text = "1234";

static enum coffer_rc pin(void *arg, struct secret *out, struct err *e)
{
	(void)arg;
	asked++;
	TRY(secret_new(strlen(pin_text), out, e));
	memcpy(out->p, pin_text, out->n);
	return COFFER_OK;
}

static enum coffer_rc in_mood(const char *m, struct privkey **k, struct err *e)
{
	*mood = m;
	return token_open(&uri, pin, NULL, k, e);
}

static void opens_and_ends(void)
{
	static const uint8_t base_x[] = { 0x6b, 0x17, 0xd1, 0xf2 };
	struct privkey *k = NULL;
	unsigned before = *ended;
	struct err e;

	CHECK(in_mood("", &k, &e) == COFFER_OK);
	CHECK(privkey_public(k)->kind == KEY_P256 && memcmp(privkey_public(k)->x, base_x, 4) == 0);
	privkey_free(k);
	CHECK(*ended == before + 1);
}

static void signature_that_does_not_verify_is_refused(void)
{
	struct privkey *k = NULL;
	uint8_t sig[SIG_LEN] = { 0 };
	struct err e;

	CHECK(in_mood("", &k, &e) == COFFER_OK);
	CHECK(key_sign(k, span_of("message"), sig, &e) == COFFER_E_DENIED && strcmp(e.check, "key") == 0 && sig[0] == 0);
	*mood = "short-signature";
	CHECK(key_sign(k, span_of("message"), sig, &e) == COFFER_E_UPSTREAM);
	*mood = "no-ecdsa";
	CHECK(key_sign(k, span_of("message"), sig, &e) == COFFER_E_UPSTREAM && strstr(e.msg, "ECDSA"));
	privkey_free(k);
}

static void wrong_pin_is_given_once(void)
{
	struct privkey *k = NULL;
	unsigned before = *logins;
	struct err e;

	pin_text = "4321";
	asked = 0;
	CHECK(in_mood("", &k, &e) == COFFER_E_DENIED && strcmp(e.check, "pin") == 0 && !strstr(e.msg, "4321"));
	CHECK(asked == 1 && *logins == before + 1);
	pin_text = "1234";
	CHECK(in_mood("locked", &k, &e) == COFFER_E_DENIED && strstr(e.msg, "locked"));
}

static void modules_that_fail_are_refused_and_ended(void)
{
	static const struct { const char *mood; enum coffer_rc rc; bool up; } t[] = {
		{ "no-begin", COFFER_E_UPSTREAM, false }, { "no-list", COFFER_E_UPSTREAM, false }, { "version-1", COFFER_E_UPSTREAM, false },
		{ "many-slots", COFFER_E_UPSTREAM, true }, { "no-session", COFFER_E_UPSTREAM, true }, { "two-tokens", COFFER_E_INPUT, true },
		{ "two-keys", COFFER_E_INPUT, true }, { "rsa", COFFER_E_INPUT, true }, { "long-point", COFFER_E_INPUT, true },
	};
	struct err e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct privkey *k = NULL;
		unsigned before = *ended;

		CHECK(in_mood(t[i].mood, &k, &e) == t[i].rc && k == NULL);
		CHECK(*ended == before + t[i].up);
	}
}

static void token_of_another_name_is_absent(void)
{
	struct privkey *k = NULL;
	struct p11uri other = uri;
	struct err e;

	*mood = "";
	(void)strcpy(other.token, "fak"); /* a beginning of its name is not its name */
	CHECK(token_open(&other, pin, NULL, &k, &e) == COFFER_E_NOTFOUND);
	other = uri;
	(void)strcpy(other.serial, "1");
	CHECK(token_open(&other, pin, NULL, &k, &e) == COFFER_E_NOTFOUND);
}

int main(int argc, char **argv)
{
	static const struct t_case c[] = {
		T(opens_and_ends), T(signature_that_does_not_verify_is_refused), T(wrong_pin_is_given_once),
		T(modules_that_fail_are_refused_and_ended), T(token_of_another_name_is_absent),
	};
	char text[P11_TEXT_MAX];
	void *module;
	struct err e;

	if (argc != 2)
		return 2;
	(void)snprintf(text, sizeof(text), "pkcs11:token=fake;object=k?module-path=%s", argv[1]);
	module = dlopen(argv[1], RTLD_NOW); /* stays loaded, so that its counters live on */
	if (!module || p11uri_parse(span_of(text), &uri, &e) != COFFER_OK)
		return 2;
	mood = dlsym(module, "fake_p11_mood");
	logins = dlsym(module, "fake_p11_logins");
	ended = dlsym(module, "fake_p11_ended");
	return mood && logins && ended ? t_main(c, sizeof(c) / sizeof(c[0])) : 2;
}
