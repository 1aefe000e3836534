/* Paths from a leaf to an anchor. Small hierarchies, no name constraints, no policies: certificates that carry a critical
 * extension outside what is looked at here are refused. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "crypto/cert_priv.h"

#define PATH_MAX_CERTS (sizeof(((struct cert_path *)0)->c) / sizeof(struct cert *))

static enum coffer_rc check_extensions(const struct cert *c, struct err *e)
{
	if (c->f.critical_unknown)
		return err_deny(e, "chain", "a certificate has a critical extension that is not understood");
	if (c->f.bad_use)
		return err_deny(e, "chain", "what a certificate says that its key is for is malformed");
	return COFFER_OK;
}

/* `below`: certificates between this issuer and the leaf, the leaf not counted. */
static enum coffer_rc check_issuer(const struct cert *c, size_t below, struct err *e)
{
	if (!c->f.ca)
		return err_deny(e, "chain", "an issuer on the path is no CA");
	if (c->f.pathlen >= 0 && below > (size_t)c->f.pathlen)
		return err_deny(e, "chain", "an issuer's path length constraint is exceeded");
	if (c->f.has_usage && !(c->f.usage & CERT_USE_SIGN_CERTS))
		return err_deny(e, "chain", "an issuer on the path may not sign certificates");
	return COFFER_OK;
}

static enum coffer_rc check_dates(const struct cert *c, int64_t now, struct err *e)
{
	if (now < 0)
		return COFFER_OK;
	if (now < c->f.not_before)
		return err_deny(e, "validity", "a certificate on the path is not valid yet");
	if (now > c->f.not_after)
		return err_deny(e, "validity", "a certificate on the path has expired");
	return COFFER_OK;
}

static bool crl_current(const struct crl *l, int64_t now)
{
	int64_t from, to;

	crl_dates(l, &from, &to);
	return now < 0 || (from <= now && (to == 0 || now <= to));
}

/* Who signed a certificate: one on the path, or a pinned key under its name. */
struct signer { const struct cert *cert; const char *cn; const struct vkey *key; };

static bool list_of(const struct crl *l, const struct signer *s)
{
	return s->cert ? crl_signed_by(l, s->cert) : crl_signed_by_key(l, s->cn, s->key);
}

/* Any list of the issuer that names the certificate revokes it, an old one too; only a current one clears it. */
static enum coffer_rc check_revoked(
    const struct signer *issuer, struct cert_path *p, const struct cert_rules *r, struct err *e)
{
	const struct cert *c = p->c[p->n - 1];
	bool cleared = false, any = false;

	for (size_t i = 0; r->crls && i < r->crls->n; i++) {
		const struct crl *l = r->crls->c[i];

		if (!list_of(l, issuer))
			continue;
		if (crl_lists(l, cert_serial(c)))
			return err_deny(e, "revoked", "a certificate on the path is on its issuer's revocation list");
		any = true;
		cleared = cleared || crl_current(l, r->now);
	}
	if (r->crls && !cleared) {
		p->outdated = any && (p->outdated || !p->unlisted);
		p->unlisted = true;
	}
	if (p->unlisted && r->crl_required)
		return err_set(e, COFFER_E_UPSTREAM, CERT_UNLISTED);
	return COFFER_OK;
}

static const struct cert *issuer_in(const struct cert_list *l, const struct cert *c)
{
	for (size_t i = 0; l && i < l->n; i++)
		if (l->c[i] != c && cert_signed_by(c, l->c[i]))
			return l->c[i];
	return NULL;
}

/* The anchor that c is (no key), or that signed it; cn NULL: neither. */
static struct signer anchored(const struct anchors *a, const struct cert *c, char own[static CERT_CN_MAX])
{
	for (size_t i = 0; i < a->n_keys; i++)
		if (cert_signed_by_key(c, a->key[i].cn, a->key[i].key))
			return (struct signer){ .cn = a->key[i].cn, .key = a->key[i].key };
	for (size_t i = 0; i < a->certs.n; i++)
		if (span_eq(cert_bytes(a->certs.c[i]), cert_bytes(c)))
			return (struct signer){ .cn = cert_subject_cn(c, own, CERT_CN_MAX) ? own : "(no name)" };
	return (struct signer){ 0 };
}

/* From the last certificate of the path to its issuer. */
static enum coffer_rc step(struct cert_path *p, const struct cert *issuer, const struct cert_rules *r, struct err *e)
{
	TRY(check_dates(p->c[p->n - 1], r->now, e));
	TRY(check_extensions(p->c[p->n - 1], e));
	TRY(check_extensions(issuer, e));
	TRY(check_issuer(issuer, p->n - 1, e));
	return check_revoked(&(struct signer){ .cert = issuer }, p, r, e);
}

enum coffer_rc cert_chain(const struct cert *leaf, const struct cert_list *between, const struct anchors *anchors,
    const struct cert_rules *rules, struct cert_path *path, struct err *e)
{
	struct cert_path p = { .c = { leaf }, .n = 1 };
	struct signer end;
	char own[CERT_CN_MAX];

	while (!(end = anchored(anchors, p.c[p.n - 1], own)).cn) {
		const struct cert *c = p.c[p.n - 1], *up = issuer_in(&anchors->certs, c);

		up = up ? up : issuer_in(between, c);
		if (!up)
			return err_deny(e, "chain", "no certificate leads on to a trusted root");
		if (p.n == PATH_MAX_CERTS)
			return err_deny(e, "chain", "the path has more than %zu certificates", PATH_MAX_CERTS);
		TRY(step(&p, up, rules, e));
		p.c[p.n++] = up;
	}
	TRY(check_dates(p.c[p.n - 1], rules->now, e));
	TRY(check_extensions(p.c[p.n - 1], e));
	if (end.key)
		TRY(check_revoked(&end, &p, rules, e));
	p.anchor_key = end.key;
	(void)snprintf(p.anchor, sizeof(p.anchor), "%s", end.cn);
	if (path)
		*path = p;
	return COFFER_OK;
}
