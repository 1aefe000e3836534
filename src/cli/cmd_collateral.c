/* coffer collateral: what vendors publish about platforms, fetched by hand for machines that may not ask themselves. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_files.h"
#include "cli/verbs.h"
#include "evidence/needs.h"
#include "fmt/json.h"
#include "net/vendor.h"
#include "os/file.h"
#include "proto/fetch.h"

#define TIMEOUT_MS 30000
#define CA_MAX	   (4u << 20)

const struct opt_spec opts_collateral_get[] = {
	{ "into", "DIR", "folder that gets a file or two an item, as 'coffer evidence appraise --collateral' reads them", false,
	    true },
	{ "store", NULL, "write the form that cofferd's offline store has instead", false, false },
	{ "amd-url", "URL", "a mirror instead of " VENDOR_AMD_URL, false, false },
	{ "intel-url", "URL", "a mirror instead of " VENDOR_INTEL_URL, false, false },
	{ "intel-root-url", "URL", "a mirror instead of " VENDOR_INTEL_ROOT_URL, false, false },
	{ "ca", "FILE", "who vouches for those hosts (PEM), instead of the system's CAs", false, false },
	{ NULL, NULL, NULL, false, false }
};
const struct opt_spec opts_collateral_needs[] = { { "platform", "NAME", "snp, ... : 'coffer evidence platforms' lists them",
						      false, true },
	{ "evidence", "FILE", "upstream's JSON or the raw report; '-' is standard input", false, true },
	{ NULL, NULL, NULL, false, false } };

/* ---- get ---- */

static const char *ending(const struct vendor_item *i)
{
	switch (vendor_item_shape(i)) {
	case VENDOR_DER:
		return i->kind == VENDOR_VCEK ? "der" : "crl";
	case VENDOR_PEM:
		return "pem";
	case VENDOR_JSON:
		return "json";
	}
	return "bin";
}

static enum coffer_rc write_named(const char *dir, const char *name, const char *end, struct span s, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s%s%s", dir, name, end[0] ? "." : "", end);

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(file_write(path, s, 0644, e));
	(void)printf("%s\n", path);
	return COFFER_OK;
}

static enum coffer_rc write_plain(const char *dir, const struct vendor_item *i, const struct vendor_doc *d, struct err *e)
{
	char name[VENDOR_KEY_MAX];

	vendor_item_key(i, name);
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '-';
	TRY(write_named(dir, name, ending(i), wr_span(&d->body), e));
	return d->issuers.n > 0 ? write_named(dir, name, "issuers.pem", wr_span(&d->issuers), e) : COFFER_OK;
}

static enum coffer_rc write_stored(const char *dir, const struct vendor_item *i, const struct vendor_doc *d, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(FETCH_FILE_MAX);
	struct fetch_file f = { *i, clock_now(), wr_span(&d->body), wr_span(&d->issuers) };
	char name[FETCH_FILE_NAME_LEN];

	fetch_file_name(i, name);
	fetch_file_write(&w, &f);
	TRY(wr_done(&w, "stored item", e));
	return write_named(dir, name, "", wr_span(&w), e);
}

static enum coffer_rc get_one(const struct cli *c, const struct vendor_sources *s, const struct vendor_item *i, struct err *e)
{
	CLEANUP(vendor_doc_clear) struct vendor_doc d = { 0 };

	TRY(vendor_get(s, i, &d, e));
	return cli_flag(c, "store") ? write_stored(cli_opt(c, "into"), i, &d, e) : write_plain(cli_opt(c, "into"), i, &d, e);
}

static enum coffer_rc sources(const struct cli *c, struct wr *ca, struct vendor_sources *s, struct err *e)
{
	s->timeout_ms = TIMEOUT_MS;
	TRY(vendor_source(s, VENDOR_AMD, cli_opt(c, "amd-url"), e));
	TRY(vendor_source(s, VENDOR_INTEL, cli_opt(c, "intel-url"), e));
	TRY(vendor_source(s, VENDOR_INTEL_ROOT, cli_opt(c, "intel-root-url"), e));
	if (cli_opt(c, "ca"))
		TRY(file_read(cli_opt(c, "ca"), CA_MAX, ca, e));
	s->ca_pem = wr_span(ca);
	return COFFER_OK;
}

/* A vendor that asks to wait, or cannot be reached, is asked no more; what else goes wrong with one item leaves the others. */
enum coffer_rc cmd_collateral_get(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr ca = { 0 };
	struct vendor_sources s = { 0 };
	struct vendor_item item;
	enum coffer_rc worst = COFFER_OK;

	for (size_t k = 0; k < c->n_pos; k++)
		if (vendor_item_parse(span_of(c->pos[k]), &item, e) != COFFER_OK)
			return err_wrap(e, "%s", c->pos[k]);
	TRY(sources(c, &ca, &s, e));
	TRY(file_mkdirs(cli_opt(c, "into"), 0755, e));
	for (size_t k = 0; k < c->n_pos; k++) {
		struct err bad = { 0 };

		TRY(vendor_item_parse(span_of(c->pos[k]), &item, e));
		if (get_one(c, &s, &item, &bad) == COFFER_OK)
			continue;
		if (worst != COFFER_OK)
			(void)fprintf(stderr, "coffer %s: %s: %s\n", c->verb->path, c->pos[k], bad.msg);
		else
			*e = bad;
		if (worst == COFFER_OK)
			worst = err_wrap(e, "%s", c->pos[k]);
		if (bad.rc == COFFER_E_UPSTREAM)
			break;
	}
	return worst;
}

/* ---- needs ---- */

static enum coffer_rc print_json(const struct needs *n, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(64u << 10);
	struct json_wr j = jw_open(&w, false);
	char key[VENDOR_KEY_MAX];

	jw_arr(&j);
	for (size_t i = 0; i < n->n; i++) {
		vendor_item_key(&n->item[i], key);
		jw_str(&j, span_of(key));
	}
	jw_arr_end(&j);
	TRY(wr_done(&w, "items", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

enum coffer_rc cmd_collateral_needs(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr evidence = { 0 };
	char key[VENDOR_KEY_MAX];
	struct needs n;
	enum coffer_rc rc;

	TRY(file_read_arg(cli_opt(c, "evidence"), EVIDENCE_FILE_MAX, &evidence, e));
	rc = evidence_needs(span_of(cli_opt(c, "platform")), wr_span(&evidence), &n, e);
	if (rc == COFFER_E_NOTFOUND)
		return err_set(e, COFFER_E_INPUT,
		    "--platform %s: there is no such platform; 'coffer evidence platforms' lists them", cli_opt(c, "platform"));
	if (rc != COFFER_OK)
		return err_wrap(e, "%s", cli_opt(c, "evidence"));
	if (c->json)
		return print_json(&n, e);
	for (size_t i = 0; i < n.n; i++) {
		vendor_item_key(&n.item[i], key);
		(void)printf("%s\n", key);
	}
	return COFFER_OK;
}
