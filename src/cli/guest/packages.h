/* Debian packages that a guest image is made of: exact versions by digest, from a folder or, where they are missing there, by
 * `apt-get download`. Nothing of a package is ever run. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define GUEST_PACKAGES_MAX 64
#define GUEST_LOCK_MAX	   (64u << 10) /* bytes of a list */
#define GUEST_LINKED_MAX   64
#define GUEST_PACKAGE_MAX  (256u << 20)

struct guest_package {
	char	name[80], version[80], arch[16];
	uint8_t sha256[32]; /* of the .deb file */
};
struct guest_packages {
	struct guest_package p[GUEST_PACKAGES_MAX];
	size_t		     n;
};

/* The list as it is recorded: a line "name version architecture sha256" for each, sorted by name, "#" comments. COFFER_E_INPUT
 * for anything else, an architecture that is neither amd64 nor all, and a name twice. */
enum coffer_rc packages_parse(struct span text, struct guest_packages *out, struct err *e) NODISCARD;
void packages_write(const struct guest_packages *p, struct wr *out);

/* What a program has linked in that was not built with it, as its build left it there (tools/linked.py). */
struct guest_linked {
	struct { char file[64]; struct guest_package from; } f[GUEST_LINKED_MAX]; /* an archive or object; from.sha256 is the file's */
	size_t n;
};
/* A line "file package version architecture sha256" for each, sorted by file, none twice. COFFER_E_INPUT for anything else, COFFER_E_LIMIT.
 * Form alone: that the program consists of these is its builder's word, until somebody builds it again. *out is written on success alone. */
enum coffer_rc linked_parse(struct span text, struct guest_linked *out, struct err *e) NODISCARD;

/* The packages of those, each once, borrowed; how many. */
size_t linked_packages(const struct guest_linked *l, const struct guest_package *out[static GUEST_LINKED_MAX]);

/* Which versions apt would take today, by the package index that it has verified; asks no network. A name that ends in "@" is a
 * package of packages: taken is the one that it depends on first. COFFER_E_NOTFOUND: apt does not know one; no apt. */
enum coffer_rc packages_resolve(const char *const *names, struct guest_packages *out, struct err *e) NODISCARD;

struct guest_folder {
	const char *path;
	bool	    offline; /* never download */
};
/* Sees to it that every package lies in the folder with its digest: what is missing is downloaded. COFFER_E_DENIED (check
 * "digest") for other bytes, COFFER_E_NOTFOUND (offline), COFFER_E_UPSTREAM when the download fails. */
enum coffer_rc packages_fetch(const struct guest_packages *p, const struct guest_folder *f, struct err *e) NODISCARD;
/* Path of the file in the folder (heap). */
char *package_path(const struct guest_package *p, const char *folder) NODISCARD;
