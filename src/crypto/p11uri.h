/* Names of keys in tokens: RFC 7512, the part that names one key and where its PIN comes from. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define P11_TEXT_MAX 512

struct p11uri {
	char    token[33], serial[17], object[65]; /* "" = any */
	uint8_t id[64];
	size_t  id_n;                    /* 0 = any */
	char    module[P11_TEXT_MAX];    /* module-path, absolute; never "" */
	char    pin_file[P11_TEXT_MAX];  /* pin-source=file:/..., or "" */
	int     pin_fd;                  /* pin-source=fd:N (ours), or -1 */
};

/* COFFER_E_INPUT for anything else than pkcs11:PATH?QUERY of known attributes, each at most once; for one that names neither
 * object nor id, or no token or serial; without an absolute module-path; and for pin-value: a PIN is no part of a name, which is
 * written down and shown. */
enum coffer_rc p11uri_parse(struct span text, struct p11uri *out, struct err *e) NODISCARD;
