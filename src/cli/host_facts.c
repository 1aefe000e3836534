/* The machine: from evidence of it, or as its operator states it will be. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_job.h"
#include "cli/host.h"
#include "evidence/fixed.h"
#include "fmt/enc.h"
#include "os/file.h"

/* ---- evidence ---- */

/* Names live as long as the keys do. */
struct roots {
	struct fixed_root root[FIXED_ROOTS_MAX];
	size_t            n;
	char              name[FIXED_ROOTS_MAX][64];
};

static const char *vendor_of(const char *platform)
{
	return strcmp(platform, "snp") == 0 ? "amd" : strcmp(platform, "tdx") == 0 || strcmp(platform, "sgx") == 0 ? "intel" : "tpm";
}

static enum coffer_rc roots_open(const char *platform, const struct cert_list *more, struct roots *r, struct err *e)
{
	for (size_t i = 0;; i++) {
		const char *name = NULL;
		const struct vkey *k = NULL;

		TRY(ev_pinned(vendor_of(platform), i, &name, &k, e));
		if (!name)
			break;
		if (r->n == FIXED_ROOTS_MAX)
			return err_set(e, COFFER_E_BUG, "too many pinned keys");
		r->root[r->n++] = (struct fixed_root){ .name = name, .key = k, .pinned = true };
	}
	for (size_t i = 0; i < more->n; i++) {
		if (!cert_key(more->c[i]) || !cert_subject_cn(more->c[i], r->name[i], sizeof(r->name[i])))
			continue;
		if (r->n == FIXED_ROOTS_MAX)
			return err_set(e, COFFER_E_LIMIT, "--roots: too many certificates");
		r->root[r->n++] = (struct fixed_root){ .name = r->name[i], .key = cert_key(more->c[i]), .cert = cert_bytes(more->c[i]) };
	}
	return COFFER_OK;
}

/* As the service does: from the signed bytes again, not from what the driver made of them. */
static enum coffer_rc read_fixed(const struct evidence_job *b, struct hw_facts *out, struct err *e)
{
	struct roots r = { .n = 0 };
	const struct ev_parts *p = &b->out.parts;
	struct fixed_in in = { .platform = b->driver->name, .report = wr_span(&p->report), .signature = wr_span(&p->signature),
		.key = wr_span(&p->key), .registers = wr_span(&p->registers), .n_path = p->n_path };
	struct fixed_out got;

	TRY(roots_open(in.platform, &b->files.col.roots, &r, e));
	in.root = r.root;
	in.n_roots = r.n;
	for (size_t i = 0; i < p->n_path; i++)
		in.path[i] = wr_span(&p->path[i]);
	TRY(fixed_read(&in, &got, e));
	*out = got.facts;
	return COFFER_OK;
}

static enum coffer_rc appraise(const struct cli *c, int64_t at, struct evidence_job *b, struct hw_facts *out, struct err *e)
{
	TRY(file_read_arg(cli_opt(c, "evidence"), EVIDENCE_FILE_MAX, &b->evidence, e));
	b->in.now = at;
	TRY(evidence_job_files(c, b, e));
	TRY(evidence_job_parse(b, e));
	TRY(b->driver->appraise(&b->in, &b->out, e));
	if (evidence_end(&b->out, e) != COFFER_OK)
		return err_wrap(e, "this machine would be refused by everyone");
	if (fixed_platform(b->driver->name))
		return read_fixed(b, out, e);
	if (strcmp(b->out.facts.platform, b->driver->name) != 0)
		return err_set(e, COFFER_E_INPUT, "evidence of %s says nothing of firmware or boot", b->driver->name);
	*out = b->out.facts;
	return COFFER_OK;
}

static enum coffer_rc from_evidence(const struct cli *c, const struct tee_driver *driver, int64_t at, struct host *out,
    struct err *e)
{
	CLEANUP(freep) struct evidence_job *b = calloc(1, sizeof(*b));
	enum coffer_rc rc;

	if (!b)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	b->driver = driver;
	rc = appraise(c, at, b, &out->f, e);
	evidence_job_clear(b);
	out->evident = out->smt_known = out->migration_known = true;
	return rc;
}

/* ---- what is stated ---- */

static enum coffer_rc state_svn(struct hw_facts *f, struct span name, struct span number, struct err *e)
{
	char text[16] = "";
	uint64_t v;

	if (name.n >= sizeof(text) || !tcb_component(f->platform, name))
		return cli_bad(e, "--svn %.*s: %s has no component of this name", (int)name.n, (const char *)name.p, f->platform);
	if (!span_u64(number, &v))
		return cli_bad(e, "--svn %.*s: not followed by a version number, as in snp=24", (int)name.n, (const char *)name.p);
	memcpy(text, name.p, name.n);
	for (size_t i = 0; i < f->n_svns; i++) {
		if (strcmp(f->svn[i].name, text) != 0)
			continue;
		f->svn[i].committed = f->svn[i].launch = v;
		return COFFER_OK;
	}
	return facts_add_svn(f, text, v, v) ? COFFER_OK : cli_bad(e, "--svn: more than %d components", FACT_SVNS_MAX);
}

/* "a=1,b=2": committed, and launched with. */
static enum coffer_rc state_svns(const struct cli *c, struct hw_facts *f, struct err *e)
{
	const char *s;

	for (size_t i = 0; (s = cli_opt_at(c, "svn", i)); i++) {
		struct span left = span_of(s);

		for (bool more = true; more;) {
			struct span one = { left.p, span_find(left, ',') };
			size_t eq = span_find(one, '=');

			TRY(state_svn(f, (struct span){ one.p, eq }, span_skip(one, eq + 1), e));
			more = one.n < left.n;
			left = span_skip(left, one.n + 1);
		}
	}
	return COFFER_OK;
}

static enum coffer_rc state_registers(const struct cli *c, struct host *h, struct err *e)
{
	const char *s;

	for (size_t i = 0; (s = cli_opt_at(c, "register", i)); i++) {
		struct span all = span_of(s), name = { all.p, span_find(all, '=') }, hex = span_skip(all, name.n + 1);
		CLEANUP(freep) char *text = span_dup(name);
		uint8_t v[64];

		if (!text || hex.n == 0 || hex.n > 2 * sizeof(v) || hex.n % 2 || !hex_fixed(hex, v, hex.n / 2))
			return cli_bad(e, "--register %s: not a register and its value in hex, as in measurement=0123...", s);
		for (size_t k = 0; k < h->f.n_regs; k++)
			if (strcmp(h->f.reg[k].name, text) == 0)
				h->f.reg[k--] = h->f.reg[--h->f.n_regs];
		if (!facts_add_reg(&h->f, text, (struct span){ v, hex.n / 2 }))
			return cli_bad(e, "--register %s: too long a name, or too many", s);
		h->boot = true;
	}
	return COFFER_OK;
}

static enum coffer_rc state_bit(const struct cli *c, const char *name, bool *bit, bool *known, struct err *e)
{
	const char *s = cli_opt(c, name);

	if (!s)
		return COFFER_OK;
	*bit = strcmp(s, "on") == 0;
	if (!*bit && strcmp(s, "off") != 0)
		return cli_bad(e, "--%s %s: neither on nor off", name, s);
	if (known)
		*known = true;
	return COFFER_OK;
}

static enum coffer_rc state_words(const struct cli *c, struct hw_facts *f, struct err *e)
{
	const char *product = cli_opt(c, "product"), *chip = cli_opt(c, "chip");
	size_t n = chip ? strlen(chip) : 0;

	if (product && (strlen(product) >= sizeof(f->product) || !party_ok(span_of(product))))
		return cli_bad(e, "--product %s: no product's name", product);
	if (product && span_ends(span_of(f->platform), "snp") && strcmp(product, "milan") != 0 && strcmp(product, "genoa") != 0 && strcmp(product, "turin") != 0)
		return cli_bad(e, "--product %s: %s has milan, genoa and turin", product, f->platform);
	if (product)
		(void)snprintf(f->product, sizeof(f->product), "%s", product);
	if (chip && (n == 0 || n % 2 || n > 2 * sizeof(f->chip) || !hex_fixed(span_of(chip), f->chip, n / 2)))
		return cli_bad(e, "--chip %s: no chip's id in hex", chip);
	if (chip)
		f->chip_n = n / 2;
	return COFFER_OK;
}

/* After what the evidence says, so that an update to come can be laid over it. */
static enum coffer_rc state(const struct cli *c, struct host *h, struct err *e)
{
	TRY(state_words(c, &h->f, e));
	TRY(state_svns(c, &h->f, e));
	TRY(state_registers(c, h, e));
	TRY(state_bit(c, "smt", &h->f.smt, &h->smt_known, e));
	TRY(state_bit(c, "migration", &h->f.migratable, &h->migration_known, e));
	return state_bit(c, "debug", &h->f.debug, NULL, e);
}

static enum coffer_rc enough(const struct cli *c, const struct host *h, struct err *e)
{
	if (!h->evident && !cli_opt(c, "product") && h->f.n_svns == 0 && h->f.n_regs == 0)
		return cli_bad(e, "nothing is said of the machine: give --evidence, or --product and --svn");
	if (h->boot && h->f.n_regs == 0)
		return cli_bad(e, "--launch: nothing says what is launched: give --evidence or --register");
	return COFFER_OK;
}

enum coffer_rc host_read(const struct cli *c, int64_t at, struct host *out, struct err *e)
{
	const char *platform = cli_opt(c, "platform");
	const struct tee_driver *driver = tee_driver_find(span_of(platform));
	struct host h = { .boot = cli_flag(c, "launch") };

	if (!driver || strcmp(driver->device_class, "cpu") != 0 || strlen(platform) >= sizeof(h.f.platform))
		return cli_bad(e, "--platform %s: there is no such platform of a machine; 'coffer evidence platforms' lists them",
		    platform);
	if (cli_opt(c, "evidence"))
		TRY(from_evidence(c, driver, at, &h, e));
	else
		h.f.smt = h.f.migratable = true;
	(void)snprintf(h.f.platform, sizeof(h.f.platform), "%s", platform);
	TRY(state(c, &h, e));
	TRY(enough(c, &h, e));
	*out = h;
	return COFFER_OK;
}
