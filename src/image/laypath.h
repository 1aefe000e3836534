/* Names inside a layer: reduced to plain components, whiteouts told apart. Pure text.
 *
 * A leading '/', "." components and doubled slashes vanish; ".." anywhere is refused, as is a component over
 * 255 bytes, more than LAYPATH_DEPTH components, a NUL byte or a whiteout mark on anything but the last component.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "image/tar.h"

#define LAYPATH_DEPTH 128

enum laypath_kind {
	LAYPATH_PLAIN,
	LAYPATH_WHITEOUT, /* ".wh.NAME": base is NAME */
	LAYPATH_OPAQUE,   /* ".wh..wh..opq": text is the folder itself */
	LAYPATH_META,     /* other ".wh..wh." names, bookkeeping of aufs: to be skipped */
};
struct laypath {
	enum laypath_kind kind;
	size_t depth; /* components; 0 is the root of the layer */
	char text[TAR_NAME_MAX + 1]; /* "a/b/c" with NUL; "" for the root */
	size_t n;     /* bytes of text */
	size_t base;  /* offset of the last component in text */
};

/* COFFER_E_DENIED (check "unpack") for a name that leaves the root or abuses a whiteout mark, COFFER_E_LIMIT for
 * lengths and depth. *out is unspecified on failure. */
enum coffer_rc laypath_parse(struct span raw, struct laypath *out, struct err *e) NODISCARD;
/* The same for hard-link targets, where a whiteout name is refused. */
enum coffer_rc laypath_parse_target(struct span raw, struct laypath *out, struct err *e) NODISCARD;
