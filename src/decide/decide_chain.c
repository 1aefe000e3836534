/* Who speaks for whom, as far as a decision asks. */
#include "decide/decide_int.h"

static bool role_of(enum statement_kind k, enum delegated_role *out)
{
	static const struct { enum statement_kind kind; enum delegated_role role; } known[] = { { ST_BOOT_IMAGE, ROLE_BOOT_IMAGE },
		{ ST_APPROVAL, ROLE_APPROVAL }, { ST_SERVICE, ROLE_SERVICE }, { ST_IMAGE_RELEASE, ROLE_VERIFICATION } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].kind != k)
			continue;
		*out = known[i].role;
		return true;
	}
	return false;
}

/* What a delegation must cover: the asset that is asked for, the service that f is of, the repository that it releases. */
static struct span what_of(const struct decide_in *in, const struct fact *f)
{
	for (size_t i = 0; f->kind == ST_SERVICE && i < in->n_services; i++)
		if (&in->service[i].s == f)
			return span_of(in->service[i].id);
	for (size_t i = 0; f->kind == ST_IMAGE_RELEASE && i < in->n_releases; i++)
		if (&in->release[i].s == f)
			return in->release[i].body.repository;
	return f->kind == ST_SERVICE || f->kind == ST_IMAGE_RELEASE ? (struct span){ 0 } : span_of(in->q.path.text);
}

struct links decide_links(const struct decide_in *in)
{
	return (struct links){ in->delegation, in->n_delegations, in->revocation, in->n_revocations, in->now };
}

bool decide_chains(const struct decide_in *in, const struct fact *f, bool revoked_too, struct chain out[static 2])
{
	struct links l = decide_links(in);
	struct chain_ask q = { .of = f->of, .to = f->issuer, .path = what_of(in, f), .revoked_too = revoked_too };

	if (!role_of(f->kind, &q.role))
		return false;
	q.at = (struct chain_point){ f->seq, f->logged };
	if (!chain_find(&l, &q, &out[0]))
		return false;
	q.at = (struct chain_point){ UINT64_MAX, in->now };
	return chain_find(&l, &q, &out[1]);
}

bool decide_speaks(const struct decide_in *in, const struct fact *f, const char *principal)
{
	struct chain c[2];

	if (!f->of[0])
		return strcmp(f->issuer, principal) == 0;
	return strcmp(f->of, principal) == 0 && decide_chains(in, f, true, c);
}

const struct fact_delegation *decide_revoked_link(const struct decide_in *in, const struct fact *f)
{
	struct links l = decide_links(in);
	struct chain c[2];

	if (!f->of[0] || decide_chains(in, f, false, c) || !decide_chains(in, f, true, c))
		return NULL;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < c[k].all; i++)
			if (link_revoked(&l, c[k].link[i]))
				return c[k].link[i];
	return NULL;
}
