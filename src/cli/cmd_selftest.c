/* coffer selftest: what this machine has, evidence of it, and what the appraisal says; and the same again from a bundle of somebody else's. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/confined.h"
#include "cli/selftest/judge.h"
#include "cli/selftest/report.h"
#include "cli/selftest/service.h"
#include "cli/selftest/take.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "os/file.h"
#include "os/machine.h"

#define NONCE_LEN 48 /* as a trust service's report data */

const struct opt_spec opts_selftest[] = {
	{ "out", "FILE", "write the bundle: evidence, event logs, collateral, verdicts", false, false },
	{ "collateral", "DIR", "certificates, revocation lists and vendor JSON; recognised by content; they go into the bundle", false, false },
	{ "roots", "DIR", "further root certificates, beside the pinned ones; they go into the bundle", false, false },
	{ "service", "URL", "attest to this trust service too, by each platform that was found, and show what it says; it journals that", false, false },
	{ "genesis", "DIGEST", "of that service", false, false },
	{ "label", "TEXT", "what to call this machine in the bundle (default: nothing)", false, false },
	{ NULL, NULL, NULL, false, false } };

const struct opt_spec opts_selftest_show[] = {
	{ "extract", "DIR", "write evidence, report data, event logs and collateral as files, as 'coffer evidence' and 'coffer collateral' take them", false, false },
	{ NULL, NULL, NULL, false, false } };

static enum coffer_rc new_bundle(struct bundle **out, struct err *e)
{
	*out = calloc(1, sizeof(**out));
	return *out ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

/* ---- this machine ---- */

static void facts(struct bundle *b)
{
	struct machine m;

	machine_look(&m);
	for (int i = 0; i < m.n; i++) {
		struct bundle_fact *f = &b->fact[b->n_facts++];

		(void)snprintf(f->name, sizeof(f->name), "%s", m.fact[i].name);
		(void)snprintf(f->what, sizeof(f->what), "%s", m.fact[i].what);
		f->there = m.fact[i].there;
	}
}

static int no_dots(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static bool has(struct span s, const char *words)
{
	return memmem(s.p, s.n, words, strlen(words)) != NULL;
}

static bool is_secret(struct span s)
{
	return has(s, "PRIVATE KEY-----") || (has(s, "\"kty\"") && has(s, "\"d\""));
}

static bool is_collateral(struct span s)
{
	CLEANUP(certs_clear) struct cert_list l = { 0 };
	struct crl *crl = NULL;
	struct err ignore = { 0 };
	bool is = s.p[0] == '{' || s.p[0] == '[' || certs_read(s, &l, &ignore) == COFFER_OK || crl_read(s, &crl, &ignore) == COFFER_OK;

	crl_free(crl);
	return is;
}

static enum coffer_rc bring_file(const char *dir, const char *name, bool roots, struct bundle *b, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	struct stat st;

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return COFFER_OK;
	if (b->n_files == BUNDLE_FILES_MAX)
		return err_set(e, COFFER_E_LIMIT, "%s: more than %d files of collateral", dir, BUNDLE_FILES_MAX);
	TRY(file_read(path, BUNDLE_FILE_MAX, &b->file[b->n_files].bytes, e));
	if (is_secret(wr_span(&b->file[b->n_files].bytes))) {
		wr_close(&b->file[b->n_files].bytes);
		return err_set(e, COFFER_E_INPUT, "%s holds a private key: a bundle is made to be sent; give a folder of certificates alone", path);
	}
	if (!is_collateral(wr_span(&b->file[b->n_files].bytes))) {
		wr_close(&b->file[b->n_files].bytes);
		(void)fprintf(stderr, "not taken: %s: no certificate, revocation list or JSON\n", path);
		return COFFER_OK;
	}
	b->file[b->n_files++].root = roots;
	return COFFER_OK;
}

static enum coffer_rc bring(const char *dir, bool roots, struct bundle *b, struct err *e)
{
	struct dirent **names = NULL;
	int n = dir ? scandir(dir, &names, no_dots, alphasort) : 0;
	enum coffer_rc rc = COFFER_OK;

	if (n < 0)
		return err_set(e, COFFER_E_NOTFOUND, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		rc = rc == COFFER_OK ? bring_file(dir, names[i]->d_name, roots, b, e) : rc;
		free(names[i]);
	}
	free((void *)names);
	return rc;
}

/* ---- judged and told ---- */

static void judge(struct bundle *b, struct selftest_verdicts *v)
{
	if (b->n_items > 0)
		selftest_judge_begin();
	for (size_t i = 0; i < b->n_items; i++)
		if (selftest_judge(b, &b->item[i], &v->v[i], &b->item[i].verdict, &v->err[i]) != COFFER_OK)
			wr_close(&b->item[i].verdict);
}

static void print_json(const struct bundle *b, const struct selftest_verdicts *v)
{
	CLEANUP(wr_close) struct wr w = wr_open(BUNDLE_MAX);
	struct json_wr j = jw_open(&w, true);
	struct err ignore = { 0 };

	jw_obj(&j);
	jw_name(&j, "evidence");
	jw_arr(&j);
	for (size_t i = 0; i < b->n_items; i++) {
		CLEANUP(json_freep) struct json_doc *doc = NULL;

		if (b->item[i].verdict.n > 0 && json_parse(wr_span(&b->item[i].verdict), BUNDLE_VERDICT_MAX, &doc, &ignore) == COFFER_OK) {
			jw_value(&j, json_root(doc));
			continue;
		}
		jw_obj(&j);
		jw_m_text(&j, "platform", b->item[i].platform);
		jw_m_text(&j, "error", v->err[i].msg);
		jw_obj_end(&j);
	}
	jw_arr_end(&j);
	jw_name(&j, "brought");
	jw_obj(&j);
	jw_m_u64(&j, "files", b->n_files);
	jw_m_u64(&j, "roots", selftest_roots(b));
	jw_obj_end(&j);
	jw_name(&j, "machine");
	jw_obj(&j);
	for (size_t i = 0; i < b->n_facts; i++)
		jw_m_text(&j, b->fact[i].name, b->fact[i].there ? b->fact[i].what : "");
	jw_obj_end(&j);
	jw_obj_end(&j);
	if (wr_ok(&w))
		(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
}

static void tell(const struct cli *c, const struct bundle *b, const struct selftest_verdicts *v)
{
	if (c->json)
		print_json(b, v);
	else
		selftest_print(b, v);
}

static enum coffer_rc write_out(const struct cli *c, const struct bundle *b, struct err *e)
{
	const char *ids[SELFTEST_IDS_MAX + 1], *to = cli_opt(c, "out");
	CLEANUP(wr_close) struct wr w = wr_open(BUNDLE_MAX);

	if (!to)
		return COFFER_OK;
	selftest_identifies(b, ids);
	TRY(bundle_write(b, ids, &w, e));
	TRY(file_write(to, wr_span(&w), 0600, e));
	(void)fprintf(stderr, "bundle: %s, %zu bytes. No secret is in it, and no name or address is put there. It tells this machine from others by:\n", to, w.n);
	for (size_t i = 0; ids[i]; i++)
		(void)fprintf(stderr, "  %s\n", ids[i]);
	return COFFER_OK;
}

static bool label_ok(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return n < sizeof(((struct bundle *)0)->label);
}

enum coffer_rc cmd_selftest(struct cli *c, struct err *e)
{
	CLEANUP(bundle_freep) struct bundle *b = NULL;
	const char *label = cli_opt(c, "label");
	struct selftest_verdicts v = { 0 };
	struct selftest_service service = { .url = cli_opt(c, "service") };
	uint8_t nonce[NONCE_LEN];

	if (label && !label_ok(label))
		return cli_bad(e, "--label: at most 63 printable characters");
	if (!service.url != !cli_opt(c, "genesis") || (service.url && !hex_fixed(span_of(cli_opt(c, "genesis")), service.genesis, 32)))
		return cli_bad(e, "--service URL and --genesis DIGEST (64 hex digits) go together: nobody is asked who cannot show what that genesis says");
	TRY(new_bundle(&b, e));
	random_bytes(nonce, sizeof(nonce));
	TRY(selftest_take(SPAN(nonce), b, e));
	b->time = clock_now();
	(void)snprintf(b->version, sizeof(b->version), "%s", COFFER_VERSION);
	(void)snprintf(b->label, sizeof(b->label), "%s", label ? label : "");
	facts(b);
	TRY(bring(cli_opt(c, "roots"), true, b, e));
	TRY(bring(cli_opt(c, "collateral"), false, b, e));
	judge(b, &v);
	tell(c, b, &v);
	service.quiet = c->json;
	c->json = false; /* one object was said */
	TRY(write_out(c, b, e));
	if (service.url && b->n_items > 0)
		TRY(selftest_attest(&service, b, e));
	return selftest_end(b, &v, e);
}

/* ---- a bundle ---- */

static enum coffer_rc file_of(const char *dir, const char *name, const char *end, const struct wr *w, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s%s", dir, name, end);

	if (w->n == 0)
		return COFFER_OK;
	return path ? file_write(path, wr_span(w), 0644, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static enum coffer_rc extract_item(const char *dir, const struct bundle_item *i, struct err *e)
{
	CLEANUP(wr_close) struct wr hex = wr_open(129);

	if (!tee_driver_find(span_of(i->platform))) /* it becomes a file's name */
		return err_set(e, COFFER_E_INPUT, "platform %s is none that this version knows", i->platform);
	hex_write(&hex, wr_span(&i->report_data));
	TRY(file_of(dir, i->platform, ".json", &i->evidence, e));
	TRY(file_of(dir, i->platform, ".report-data", &hex, e));
	TRY(file_of(dir, i->platform, ".event-log", &i->log, e));
	TRY(file_of(dir, i->platform, ".ek-certificate", &i->ek, e));
	return file_of(dir, i->platform, ".verdict", &i->verdict, e);
}

static enum coffer_rc extract(const char *dir, const struct bundle *b, struct err *e)
{
	CLEANUP(freep) char *roots = str_fmt("%s/roots", dir), *collateral = str_fmt("%s/collateral", dir);

	if (!roots || !collateral)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(file_mkdirs(roots, 0755, e));
	TRY(file_mkdirs(collateral, 0755, e));
	for (size_t i = 0; i < b->n_items; i++)
		TRY(extract_item(dir, &b->item[i], e));
	for (size_t i = 0; i < b->n_files; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%02zu", i);
		TRY(file_of(b->file[i].root ? roots : collateral, name, "", &b->file[i].bytes, e));
	}
	return COFFER_OK;
}

/* What was said there and what is said here are the same bytes; else the verdicts here are shown, and who differs is named. */
static enum coffer_rc judge_again(struct bundle *b, struct selftest_verdicts *v, struct err *e)
{
	const char *differs = NULL;

	for (size_t i = 0; i < b->n_items; i++) {
		struct bundle_item *it = &b->item[i];
		struct wr now = wr_open(BUNDLE_VERDICT_MAX);

		if (selftest_appraise(b, it, &v->v[i], &now, &v->err[i]) != COFFER_OK) {
			wr_close(&now);
			now = (struct wr){ 0 };
		}
		if (!span_eq(wr_span(&it->verdict), wr_span(&now)))
			differs = it->platform;
		wr_close(&it->verdict);
		it->verdict = now;
	}
	if (differs)
		return err_deny(e, "replay", "%s: the bundle's verdict (coffer %s) is not what this version (" COFFER_VERSION ") says, which is shown", differs, b->version);
	return COFFER_OK;
}

static void print_when(const struct bundle *b, bool same)
{
	char at[CLOCK_TEXT_LEN];

	clock_text(b->time, at);
	(void)printf("as of %s, coffer %s%s\n", at, b->version, same && b->n_items > 0 ? ": the same verdicts here, to the byte" : "");
}

struct shown { const struct cli *c; struct span text; };

/* In a child: from the first byte on these are a stranger's. */
static enum coffer_rc show(void *arg, struct err *e)
{
	CLEANUP(bundle_freep) struct bundle *b = NULL;
	struct selftest_verdicts v = { 0 };
	const struct shown *s = arg;
	enum coffer_rc rc;

	TRY(new_bundle(&b, e));
	TRY(bundle_read(s->text, b, e));
	rc = judge_again(b, &v, e);
	if (!s->c->json)
		print_when(b, rc == COFFER_OK);
	tell(s->c, b, &v);
	return rc == COFFER_OK ? selftest_end(b, &v, e) : rc;
}

/* Files for whoever goes on with it: read here, by the same reader. */
static enum coffer_rc show_extracted(const char *to, struct span text, struct err *e)
{
	CLEANUP(bundle_freep) struct bundle *b = NULL;

	TRY(new_bundle(&b, e));
	TRY(bundle_read(text, b, e));
	return extract(to, b, e);
}

enum coffer_rc cmd_selftest_show(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	struct shown s = { .c = c };
	bool printed = false;
	enum coffer_rc rc;

	TRY(file_read_arg(c->pos[0], BUNDLE_MAX, &text, e));
	s.text = wr_span(&text);
	selftest_judge_begin();
	if (cli_opt(c, "extract"))
		TRY(show_extracted(cli_opt(c, "extract"), s.text, e));
	rc = confined_printing(show, &s, &printed, e);
	c->json = c->json && !printed; /* one object was said */
	return rc;
}
