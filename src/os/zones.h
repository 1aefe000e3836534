/* The machine's time zone files, by name ("Europe/Berlin").
 *
 * Either read one by one when asked for, or all at once by a process that is about to give up its files. Not checked: the
 * files, but for their magic; whoever uses one parses it (fmt/tzif.h). Bounds: 1,024 names of at most 64 bytes, 64 KiB a
 * file, 8 MiB in all. The folders posix/ and right/ (the same again, and with leap seconds) are left out. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define ZONES_FOLDER "/usr/share/zoneinfo"

struct zones_file {
	char   *name;
	char   *p; /* n bytes */
	size_t  n;
};

struct zones {                   /* zones_open() makes it, zones_close() ends it; all else private but for reading */
	const char        *folder; /* NULL once all are loaded */
	struct zones_file *file;   /* in order of name */
	size_t             n, bytes;
	void              *map;    /* not NULL: names and files lie here, read-only; map_n bytes */
	size_t             map_n;
};

struct zones   zones_open(const char *folder); /* reads nothing yet; the text is borrowed */
void           zones_close(struct zones *z);
/* Reads all files of the folder, into memory that a fork does not copy; zones_find() will not read any more. A folder that is not there holds none; what is no time
 * zone, cannot be read, or leads out of the folder is passed over. COFFER_E_LIMIT past a bound: then none is known. */
enum coffer_rc zones_load(struct zones *z, struct err *e) NODISCARD;
/* `zones` is a struct zones *, so that this is a rego_zone_fn. The name may be any bytes. The span lasts until
 * zones_close(). */
bool           zones_find(void *zones, struct span name, struct span *file) NODISCARD;
