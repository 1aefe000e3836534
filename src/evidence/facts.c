#include "evidence/facts.h"

#include <string.h>

const struct fact_reg *facts_reg(const struct hw_facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_regs; i++)
		if (strcmp(f->reg[i].name, name) == 0)
			return &f->reg[i];
	return NULL;
}

const struct fact_svn *facts_svn(const struct hw_facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_svns; i++)
		if (strcmp(f->svn[i].name, name) == 0)
			return &f->svn[i];
	return NULL;
}

bool facts_add_reg(struct hw_facts *f, const char *name, struct span v)
{
	struct fact_reg *r = &f->reg[f->n_regs];
	size_t n = strlen(name);

	if (f->n_regs == FACT_REGS_MAX || v.n == 0 || v.n > sizeof(r->v) || n >= sizeof(r->name))
		return false;
	memcpy(r->name, name, n + 1);
	memcpy(r->v, v.p, v.n);
	r->n = v.n;
	f->n_regs++;
	return true;
}

bool facts_add_svn(struct hw_facts *f, const char *name, uint64_t committed, uint64_t launch)
{
	struct fact_svn *s = &f->svn[f->n_svns];
	size_t n = strlen(name);

	if (f->n_svns == FACT_SVNS_MAX || n >= sizeof(s->name))
		return false;
	memcpy(s->name, name, n + 1);
	s->committed = committed;
	s->launch = launch;
	f->n_svns++;
	return true;
}

/* ---- as bytes ---- */

#define FORMAT 2
#define FLAG_DEBUG 1u
#define FLAG_MIGRATABLE 2u
#define FLAG_SMT 4u

static void put_short(struct wr *w, struct span s)
{
	wr_u8(w, (uint8_t)s.n);
	wr_put(w, s);
}

static void put_name(struct wr *w, const char *s)
{
	put_short(w, (struct span){ (const uint8_t *)s, strlen(s) });
}

static void get_name(struct rd *r, char *out, size_t n)
{
	struct span s = rd_span(r, rd_u8(r));

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] > 0x7e)
			r->bad = true;
	if (s.n >= n)
		r->bad = true;
	if (r->bad)
		return;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

static size_t get_bytes(struct rd *r, uint8_t *out, size_t max)
{
	struct span s = rd_span(r, rd_u8(r));

	if (s.n > max)
		r->bad = true;
	if (r->bad || s.n == 0)
		return 0;
	memcpy(out, s.p, s.n);
	return s.n;
}

static uint64_t get_be64(struct rd *r)
{
	uint64_t high = rd_be32(r);

	return high << 32 | rd_be32(r);
}

void facts_write(struct wr *w, const struct hw_facts *f)
{
	wr_u8(w, FORMAT);
	put_name(w, f->platform);
	put_name(w, f->product);
	put_short(w, (struct span){ f->chip, f->chip_n });
	wr_u8(w, (uint8_t)((f->debug ? FLAG_DEBUG : 0) | (f->migratable ? FLAG_MIGRATABLE : 0) | (f->smt ? FLAG_SMT : 0)));
	wr_u8(w, (uint8_t)f->n_regs);
	for (size_t i = 0; i < f->n_regs; i++) {
		put_name(w, f->reg[i].name);
		put_short(w, (struct span){ f->reg[i].v, f->reg[i].n });
	}
	wr_u8(w, (uint8_t)f->n_svns);
	for (size_t i = 0; i < f->n_svns; i++) {
		put_name(w, f->svn[i].name);
		wr_be64(w, f->svn[i].committed);
		wr_be64(w, f->svn[i].launch);
	}
	wr_be64(w, (uint64_t)f->collateral);
}

static void get_regs(struct rd *r, struct hw_facts *f)
{
	f->n_regs = rd_count(r, rd_u8(r), 2, FACT_REGS_MAX);
	for (size_t i = 0; i < f->n_regs; i++) {
		get_name(r, f->reg[i].name, sizeof(f->reg[i].name));
		f->reg[i].n = get_bytes(r, f->reg[i].v, sizeof(f->reg[i].v));
	}
}

static void get_svns(struct rd *r, struct hw_facts *f)
{
	f->n_svns = rd_count(r, rd_u8(r), 17, FACT_SVNS_MAX);
	for (size_t i = 0; i < f->n_svns; i++) {
		get_name(r, f->svn[i].name, sizeof(f->svn[i].name));
		f->svn[i].committed = get_be64(r);
		f->svn[i].launch = get_be64(r);
	}
}

enum coffer_rc facts_read(struct span in, struct hw_facts *out, struct err *e)
{
	struct rd r = rd_open(in);
	struct hw_facts f = { 0 };
	uint8_t flags;

	if (rd_u8(&r) != FORMAT)
		r.bad = true;
	get_name(&r, f.platform, sizeof(f.platform));
	get_name(&r, f.product, sizeof(f.product));
	f.chip_n = get_bytes(&r, f.chip, sizeof(f.chip));
	flags = rd_u8(&r);
	f.debug = flags & FLAG_DEBUG;
	f.migratable = flags & FLAG_MIGRATABLE;
	f.smt = flags & FLAG_SMT;
	get_regs(&r, &f);
	get_svns(&r, &f);
	f.collateral = (int64_t)get_be64(&r);
	if (!rd_done(&r) || flags > 7)
		return err_set(e, COFFER_E_INPUT, "hardware facts: malformed near byte %zu", r.off);
	*out = f;
	return COFFER_OK;
}
