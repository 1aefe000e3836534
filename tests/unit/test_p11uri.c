#include "crypto/p11uri.h"

#include <stdlib.h>

#include "base/str.h"
#include "tests/t.h"

#define WHOLE \
	"pkcs11:token=My%20token;serial=0a1b;id=%01%ff;object=sign;type=private?module-path=/usr/lib/m.so&pin-source=file:/run/pin"

static void p11uri_whole_one_is_read(void)
{
	struct p11uri u;
	struct err e;

	CHECK(p11uri_parse(span_of(WHOLE), &u, &e) == COFFER_OK);
	CHECK(strcmp(u.token, "My token") == 0 && strcmp(u.serial, "0a1b") == 0 && strcmp(u.object, "sign") == 0);
	CHECK(u.id_n == 2 && u.id[0] == 1 && u.id[1] == 0xff);
	CHECK(strcmp(u.module, "/usr/lib/m.so") == 0 && strcmp(u.pin_file, "/run/pin") == 0 && u.pin_fd == -1);
	CHECK(p11uri_parse(span_of("pkcs11:token=t;object=o?pin-source=fd:7&module-path=/m"), &u, &e) == COFFER_OK);
	CHECK(u.pin_fd == 7 && u.pin_file[0] == 0);
}

static void p11uri_malformed_ones_are_refused(void)
{
	static const char *const bad[] = {
		"", "pkcs11:", "pkcs12:token=t;object=o?module-path=/m", "pkcs11:token=t?module-path=/m",
		"pkcs11:object=o?module-path=/m", "pkcs11:token=t;object=o", "pkcs11:token=t;object=o?module-path=m.so",
		"pkcs11:token=t;object=o;object=p?module-path=/m", "pkcs11:token=t;object=?module-path=/m", "pkcs11:token=t;object?module-path=/m",
		"pkcs11:token=t;=o?module-path=/m", "pkcs11:token=t;object=%4?module-path=/m", "pkcs11:token=t;object=%zz?module-path=/m",
		"pkcs11:token=t;object=a%00b?module-path=/m", "pkcs11:token=t;object=a b?module-path=/m",
		"pkcs11:token=t;object=o;type=cert?module-path=/m", "pkcs11:token=t;object=o;color=red?module-path=/m",
		"pkcs11:token=t;object=o?module-path=/m&module-path=/n", "pkcs11:token=t;object=o?module-path=/m&pin-source=/p",
		"pkcs11:token=t;object=o?module-path=/m&pin-source=fd:x", "pkcs11:token=t;object=o?module-path=/m&pin-source=fd:99999",
		"pkcs11:token=t;object=o?module-path=/m&pin-source=fd:1&pin-source=fd:2",
		"pkcs11:token=0123456789012345678901234567890123;object=o?module-path=/m", "pkcs11:token=t;id=%01;id=%02?module-path=/m",
		"pkcs11:token=t;object=o?module-path=/m&slot=1",
	};
	struct p11uri u;
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(p11uri_parse(span_of(bad[i]), &u, &e) == COFFER_E_INPUT);
	CHECK(p11uri_parse(span_of("pkcs11:token=t;object=o?module-path=/m&pin-value=1234"), &u, &e) == COFFER_E_INPUT);
	CHECK(strstr(e.msg, "pin-source") && !strstr(e.msg, "1234"));
}

static void p11uri_no_beginning_of_one_is_read_past(void)
{
	struct span s = span_of(WHOLE);
	struct p11uri u;
	struct err e;

	for (size_t n = 0; n < s.n; n++) {
		char *cut = malloc(n + 1); /* so that a sanitizer sees a byte too many */

		CHECK(cut != NULL);
		memcpy(cut, s.p, n);
		if (p11uri_parse((struct span){ (const uint8_t *)cut, n }, &u, &e) == COFFER_OK)
			CHECK(u.module[0] == '/' && strstr(WHOLE, u.module) != NULL);
		free(cut);
	}
}

int main(void)
{
	static const struct t_case c[] = {
		T(p11uri_whole_one_is_read), T(p11uri_malformed_ones_are_refused), T(p11uri_no_beginning_of_one_is_read_past),
	};
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
