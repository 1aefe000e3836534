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
	collateral_clear(&f->col);
	for (size_t i = 0; i < f->n; i++) {
		wr_close(&f->kept[i].bytes);
		free(f->kept[i].path);
	}
	*f = (struct evidence_files){ 0 };
}

static enum coffer_rc load(const char *path, bool roots, struct evidence_files *out, struct err *e)
{
	struct evidence_file *f = &out->kept[out->n];

	if (out->n == sizeof(out->kept) / sizeof(out->kept[0]))
		return err_set(e, COFFER_E_LIMIT, "%s: more than %zu files", path, sizeof(out->kept) / sizeof(out->kept[0]));
	TRY(file_read(path, EVIDENCE_FILE_MAX, &f->bytes, e));
	f->root = roots;
	f->path = str_fmt("%s", path);
	out->n++;
	return f->path ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

enum coffer_rc evidence_files_parse(struct evidence_files *f, struct err *e)
{
	for (; f->parsed < f->n; f->parsed++) {
		const struct evidence_file *one = &f->kept[f->parsed];

		if (collateral_add(wr_span(&one->bytes), one->root, &f->col, e) != COFFER_OK)
			return err_wrap(e, "%s", one->path);
	}
	return COFFER_OK;
}

enum coffer_rc evidence_file_add(const char *path, bool roots, struct evidence_files *out, struct err *e)
{
	TRY(load(path, roots, out, e));
	return evidence_files_parse(out, e);
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
	return load(path, roots, out, e);
}

enum coffer_rc evidence_files_load(const char *dir, bool roots, struct evidence_files *out, struct err *e)
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

enum coffer_rc evidence_files_read(const char *dir, bool roots, struct evidence_files *out, struct err *e)
{
	TRY(evidence_files_load(dir, roots, out, e));
	return evidence_files_parse(out, e);
}
