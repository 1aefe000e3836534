#include "crypto/p11uri.h"

#include <string.h>

#include "base/str.h"
#include "base/wr.h"
#include "fmt/enc.h"

#define SCHEME "pkcs11:"

/* RFC 7512, 2.3: percent-encoded bytes; *n counts them. NUL is refused where text is wanted. */
static bool unescape(struct span s, uint8_t *out, size_t max, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (*n == max)
			return false;
		if (c == '%') {
			if (s.n - i < 3 || !hex_fixed((struct span){ s.p + i + 1, 2 }, &c, 1))
				return false;
			i += 2;
		} else if (c <= 0x20 || c >= 0x7f) {
			return false;
		}
		out[(*n)++] = c;
	}
	return *n > 0;
}

static enum coffer_rc text(struct span v, char *out, size_t max, const char *name, struct err *e)
{
	size_t n;

	if (out[0])
		return err_set(e, COFFER_E_INPUT, "key URI: %s is given twice", name);
	if (!unescape(v, (uint8_t *)out, max - 1, &n) || strnlen(out, n) != n)
		return err_set(e, COFFER_E_INPUT, "key URI: %s is empty, too long or malformed", name);
	out[n] = 0;
	return COFFER_OK;
}

static enum coffer_rc path_attr(struct span name, struct span v, struct p11uri *u, struct err *e)
{
	if (span_eq_str(name, "token"))
		return text(v, u->token, sizeof(u->token), "token", e);
	if (span_eq_str(name, "serial"))
		return text(v, u->serial, sizeof(u->serial), "serial", e);
	if (span_eq_str(name, "object"))
		return text(v, u->object, sizeof(u->object), "object", e);
	if (span_eq_str(name, "type"))
		return span_eq_str(v, "private") ? COFFER_OK : err_set(e, COFFER_E_INPUT, "key URI: type is private or absent");
	if (span_eq_str(name, "id") && u->id_n == 0) {
		if (unescape(v, u->id, sizeof(u->id), &u->id_n))
			return COFFER_OK;
		return err_set(e, COFFER_E_INPUT, "key URI: id is empty, too long or malformed");
	}
	return err_set(e, COFFER_E_INPUT, "key URI: an attribute that is not known or given twice: %.*s",
	    (int)(name.n > 32 ? 32 : name.n), (const char *)name.p);
}

static enum coffer_rc pin_source(struct span v, struct p11uri *u, struct err *e)
{
	char where[P11_TEXT_MAX] = "";
	uint64_t fd;

	if (u->pin_file[0] || u->pin_fd >= 0)
		return err_set(e, COFFER_E_INPUT, "key URI: pin-source is given twice");
	TRY(text(v, where, sizeof(where), "pin-source", e));
	if (strncmp(where, "file:", 5) == 0 && where[5] == '/') {
		(void)memcpy(u->pin_file, where + 5, strlen(where + 5) + 1);
		return COFFER_OK;
	}
	if (strncmp(where, "fd:", 3) == 0 && span_u64(span_of(where + 3), &fd) && fd < 1024) {
		u->pin_fd = (int)fd;
		return COFFER_OK;
	}
	return err_set(e, COFFER_E_INPUT, "key URI: pin-source is file:/ABSOLUTE/PATH or fd:NUMBER");
}

static enum coffer_rc query_attr(struct span name, struct span v, struct p11uri *u, struct err *e)
{
	if (span_eq_str(name, "module-path"))
		return text(v, u->module, sizeof(u->module), "module-path", e);
	if (span_eq_str(name, "pin-source"))
		return pin_source(v, u, e);
	if (span_eq_str(name, "pin-value"))
		return err_set(e, COFFER_E_INPUT, "key URI: pin-value is refused, since a name is written down and shown: use pin-source");
	return err_set(e, COFFER_E_INPUT, "key URI: an attribute that is not known: %.*s", (int)(name.n > 32 ? 32 : name.n),
	    (const char *)name.p);
}

typedef enum coffer_rc (*attr_fn)(struct span name, struct span v, struct p11uri *u, struct err *e);

static enum coffer_rc each(struct span s, uint8_t between, attr_fn fn, struct p11uri *u, struct err *e)
{
	while (s.n > 0) {
		size_t n = span_find(s, between);
		struct span one = { s.p, n };
		size_t eq = span_find(one, '=');

		if (eq == 0 || eq == one.n)
			return err_set(e, COFFER_E_INPUT, "key URI: attributes are NAME=VALUE");
		TRY(fn((struct span){ one.p, eq }, span_skip(one, eq + 1), u, e));
		s = span_skip(s, n + 1);
	}
	return COFFER_OK;
}

enum coffer_rc p11uri_parse(struct span in, struct p11uri *out, struct err *e)
{
	struct p11uri u = { .pin_fd = -1 };
	struct span rest;
	size_t mark;

	if (!span_starts(in, SCHEME))
		return err_set(e, COFFER_E_INPUT, "key URI: it begins with pkcs11:");
	rest = span_skip(in, strlen(SCHEME));
	mark = span_find(rest, '?');
	TRY(each((struct span){ rest.p, mark }, ';', path_attr, &u, e));
	TRY(each(span_skip(rest, mark + 1), '&', query_attr, &u, e));
	if (!u.object[0] && u.id_n == 0)
		return err_set(e, COFFER_E_INPUT, "key URI: which key? Give object=LABEL or id=BYTES");
	if (!u.token[0] && !u.serial[0])
		return err_set(e, COFFER_E_INPUT, "key URI: which token? Give token=LABEL or serial=NUMBER");
	if (u.module[0] != '/')
		return err_set(e, COFFER_E_INPUT, "key URI: give ?module-path=/ABSOLUTE/PATH of the token's PKCS#11 module");
	*out = u;
	return COFFER_OK;
}
