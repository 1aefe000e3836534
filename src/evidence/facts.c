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
