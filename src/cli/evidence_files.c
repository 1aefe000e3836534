#include "cli/evidence_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"

void evidence_files_clear(struct evidence_files *f)
{
	certs_clear(&f->col.certs);
	certs_clear(&f->col.roots);
	crls_clear(&f->col.crls);
	for (size_t i = 0; i < f->n; i++)
		wr_close(&f->kept[i]);
	*f = (struct evidence_files){ 0 };
}

/* A certificate or a list of them; a revocation list; else JSON by its first byte; else bytes that a driver may know. */
enum coffer_rc evidence_bytes_add(struct span s, bool roots, struct evidence_files *out, struct err *e)
{
	struct collateral *c = &out->col;
	struct err ignore = { 0 };
	struct crl *crl = NULL;

	if (certs_read(s, roots ? &c->roots : &c->certs, &ignore) == COFFER_OK)
		return COFFER_OK;
	if (ignore.rc == COFFER_E_LIMIT)
		return err_set(e, COFFER_E_LIMIT, "%s", ignore.msg);
	if (crl_read(s, &crl, &ignore) == COFFER_OK) {
		if (c->crls.n == sizeof(c->crls.c) / sizeof(c->crls.c[0])) {
			crl_free(crl);
			return err_set(e, COFFER_E_LIMIT, "too many revocation lists");
		}
		c->crls.c[c->crls.n++] = crl;
		return COFFER_OK;
	}
	if (s.n > 0 && (s.p[0] == '{' || s.p[0] == '[') && c->n_json < EV_FILES_MAX)
		c->json[c->n_json++] = s;
	else if (c->n_other < EV_FILES_MAX)
		c->other[c->n_other++] = s;
	else
		return err_set(e, COFFER_E_LIMIT, "too many files");
	return COFFER_OK;
}

enum coffer_rc evidence_file_add(const char *path, bool roots, struct evidence_files *out, struct err *e)
{
	struct wr *w = &out->kept[out->n];

	if (out->n == sizeof(out->kept) / sizeof(out->kept[0]))
		return err_set(e, COFFER_E_LIMIT, "%s: more than %zu files", path, sizeof(out->kept) / sizeof(out->kept[0]));
	TRY(file_read(path, EVIDENCE_FILE_MAX, w, e));
	out->n++;
	if (evidence_bytes_add(wr_span(w), roots, out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

static int no_dots(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void names_free(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free((void *)names);
}

static enum coffer_rc add_if_file(const char *dir, const char *name, bool roots, struct evidence_files *out, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	struct stat st;

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return COFFER_OK;
	return evidence_file_add(path, roots, out, e);
}

enum coffer_rc evidence_files_read(const char *dir, bool roots, struct evidence_files *out, struct err *e)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, no_dots, alphasort);
	enum coffer_rc rc = COFFER_OK;

	if (n < 0)
		return err_set(e, COFFER_E_NOTFOUND, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n && rc == COFFER_OK; i++)
		rc = add_if_file(dir, names[i]->d_name, roots, out, e);
	names_free(names, n);
	return rc;
}
