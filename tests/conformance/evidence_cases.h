/* The shared manifest of evidence, case by case. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_case.h"
#include "os/file.h"

struct evidence_cases { char *dir; struct wr text; struct json_doc *doc; };

static inline void evidence_cases_close(struct evidence_cases *c)
{
	free(c->dir);
	wr_close(&c->text);
	json_free(c->doc);
}

/* False: there are no shared vectors. A manifest that cannot be read is no reason to skip. */
static inline bool evidence_cases_open(struct evidence_cases *c)
{
	const char *shared = getenv("COFFER_SHARED");
	struct err e = { 0 };
	CLEANUP(freep) char *path = NULL;

	*c = (struct evidence_cases){ .dir = str_fmt("%s/vectors", shared ? shared : "/nonexistent") };
	path = c->dir ? str_fmt("%s/manifest.json", c->dir) : NULL;
	if (!path || !file_exists(path))
		return false;
	if (file_read(path, EVIDENCE_FILE_MAX, &c->text, &e) != COFFER_OK ||
	    json_parse(wr_span(&c->text), EVIDENCE_FILE_MAX, &c->doc, &e) != COFFER_OK) {
		printf("Bail out! %s: %s\n", path, e.msg);
		exit(1);
	}
	return true;
}
