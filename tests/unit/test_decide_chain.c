/* Chains of delegations, and what the decision makes of an approval or a boot image said by way of one. */
#include "tests/unit/decide_fix.h"

static struct fact_delegation link_[8];

/* Entry `seq` logs that issuer lends `of`'s approval, or role, to `to`. */
static struct fact_delegation *lent(size_t n, const char *issuer, const char *to, unsigned depth)
{
	struct fact_delegation *d = &link_[n];

	*d = (struct fact_delegation){ .s = fact(ST_DELEGATION, issuer, (uint8_t)(0x80 + n)) };
	d->s.seq = n + 1;
	d->s.logged = NOW - 5;
	d->body.role = ROLE_APPROVAL;
	(void)snprintf(d->body.of, PARTY_MAX, "hospital");
	(void)snprintf(d->body.to, PARTY_MAX, "%s", to);
	(void)snprintf(d->body.scope[0], ASSET_PATH_MAX, "kbs:///hospital/a/");
	if (strcmp(issuer, "hospital") != 0)
		(void)snprintf(d->s.of, PARTY_MAX, "hospital");
	d->body.n_scopes = 1;
	d->body.depth = depth;
	d->body.until = NOW + 5;
	w.in.delegation = link_;
	w.in.n_delegations = n + 1;
	return d;
}

static void say(struct fact *f, const char *issuer, const char *of)
{
	(void)snprintf(f->issuer, PARTY_MAX, "%s", issuer);
	(void)snprintf(f->of, PARTY_MAX, "%s", of);
	f->seq = 50;
	f->logged = NOW - 2;
}

/* The approval is the clinic's, to which the hospital delegates it. */
static void base_lent(struct world *m)
{
	base(m);
	(void)lent(0, "hospital", "clinic", 0);
	say(&m->approval[0].s, "clinic", "hospital");
}
#define DENIES_LENT(change, id, also) do { base_lent(&w); change; CHECK(denies(&w, id, also)); } while (0)

static void approval_by_a_delegate_counts_while_the_delegation_holds(void)
{
	base_lent(&w);
	CHECK(allows(&w) && w.d.approval[0] == &w.approval[0] && strstr(w.d.check[9].found, "delegate clinic"));
	DENIES_LENT(w.in.n_delegations = 0, "R0", "R3 R5 R9");
	DENIES_LENT(link_[0].body.until = NOW, "R0", "R3 R5 R9");
	DENIES_LENT(link_[0].s.expires = NOW, "R0", "R3 R5 R9");
	DENIES_LENT(link_[0].s.issued = NOW - 1, "R0", "R3 R5 R9");  /* not yet when the approval was logged */
	DENIES_LENT(link_[0].s.seq = 50, "R0", "R3 R5 R9");
	DENIES_LENT(link_[0].superseded_at = 60, "R0", "R3 R5 R9");
	DENIES_LENT(link_[0].s.issuer_may = false, "R0", "R3 R5 R9");
	DENIES_LENT(link_[0].body.role = ROLE_BOOT_IMAGE, "R0", "R3 R5 R9");
	DENIES_LENT((void)snprintf(link_[0].body.of, PARTY_MAX, "acme"), "R0", "R3 R5 R9");
	DENIES_LENT((void)snprintf(link_[0].body.to, PARTY_MAX, "other"), "R0", "R3 R5 R9");
	DENIES_LENT((void)snprintf(link_[0].s.issuer, PARTY_MAX, "acme"), "R0", "R3 R5 R9");
	DENIES_LENT((void)snprintf(link_[0].body.scope[0], ASSET_PATH_MAX, "kbs:///hospital/b/"), "R0", "R3 R5 R9");
	DENIES_LENT((void)snprintf(w.approval[0].s.of, PARTY_MAX, "acme"), "R0", "R3 R5 R9");
	DENIES_LENT(w.approval[0].s.issuer_may = false, "R0", "R3 R5 R9");
	DENIES_LENT(w.approval[0].s.seq = 1, "R0", "R3 R5 R9");
	DENIES_LENT((link_[0].s.issued = NOW - 10, w.approval[0].s.logged = NOW - 11), "R0", "R3 R5 R9");
}

/* The old one held when the approval was logged, the new one holds now. */
static void renewed_delegation_carries_on(void)
{
	base_lent(&w);
	link_[0].superseded_at = 60;
	lent(1, "hospital", "clinic", 0)->s.seq = 60;
	CHECK(allows(&w));
	base_lent(&w);
	link_[0].superseded_at = 40; /* narrowed before the approval was logged */
	(void)snprintf(lent(1, "hospital", "clinic", 0)->body.scope[0], ASSET_PATH_MAX, "kbs:///hospital/b/");
	link_[1].s.seq = 40;
	lent(2, "hospital", "clinic", 0)->s.seq = 60;
	link_[1].superseded_at = 60;
	CHECK(denies(&w, "R0", "R3 R5 R9"));
}

static void r11_denies_what_rests_on_a_revoked_delegation(void)
{
	DENIES_LENT(revoke(0x80, "hospital"), "R11", "R9");
	CHECK(strcmp(w.d.check[11].who, "hospital") == 0 && strstr(w.d.check[11].found, "delegation 8080808080808080 to clinic"));
	CHECK(strstr(w.d.check[11].found, "a new delegation does not bring it back") && strncmp(w.d.check[11].command, "coffer approve ", 15) == 0);
	DENIES_LENT((revoke(0x80, "hospital"), lent(1, "hospital", "clinic", 0)->s.seq = 60), "R11", "R9"); /* not as it said once */
	DENIES_LENT((revoke(0x80, "hospital"), w.revocation[0].until = NOW + 60), "R11", "R9");
	CHECK(w.d.check[11].paused && strcmp(w.d.check[11].who, "hospital, who paused it") == 0 &&
	      strcmp(w.d.check[11].command, "coffer resume 8080808080808080808080808080808080808080808080808080808080808080") == 0);
	DENIES_LENT((link_[0].superseded_at = 60, lent(1, "hospital", "clinic", 0)->s.seq = 60, revoke(0x80, "hospital")), "R11", "R9");
	DENIES_LENT(revoke(2, "hospital"), "R11", "R9"); /* the owner, of its delegate's approval */
	CHECK(strcmp(w.d.check[11].who, "hospital") == 0 && strncmp(w.d.check[11].command, "coffer approve ", 15) == 0);
	base_lent(&w);
	revoke(0x80, "acme");
	revoke(0x80, "clinic");
	CHECK(allows(&w));
	base_lent(&w);
	revoke(0x80, "hospital"); /* the owner's own approval stands beside it, as the command above says */
	w.approval[1] = w.approval[0];
	say(&w.approval[1].s, "hospital", "");
	memset(w.approval[1].s.id, 9, 32);
	w.in.n_approvals = 2;
	CHECK(allows(&w) && w.d.approval[0] == &w.approval[1]);
}

/* hospital -> a -> b -> c -> clinic */
static void base_long(struct world *m)
{
	base(m);
	(void)lent(0, "hospital", "a", 3);
	(void)lent(1, "a", "b", 2);
	(void)lent(2, "b", "c", 1);
	(void)lent(3, "c", "clinic", 0);
	say(&m->approval[0].s, "clinic", "hospital");
}
#define DENIES_LONG(change, id, also) do { base_long(&w); change; CHECK(denies(&w, id, also)); } while (0)

static void chain_of_four_holds_and_breaks_at_every_link(void)
{
	base_long(&w);
	CHECK(allows(&w));
	for (size_t i = 0; i < 4; i++) {
		DENIES_LONG(link_[i].body.until = NOW, "R0", "R3 R5 R9");
		DENIES_LONG((void)snprintf(link_[i].body.scope[0], ASSET_PATH_MAX, "kbs:///hospital/b/"), "R0", "R3 R5 R9");
		DENIES_LONG(revoke((uint8_t)(0x80 + i), link_[i].s.issuer), "R11", "R9");
		DENIES_LONG(revoke((uint8_t)(0x80 + i), "hospital"), "R11", "R9");
		if (i < 3)
			DENIES_LONG(link_[i].body.depth--, "R0", "R3 R5 R9");
		if (i > 0)
			DENIES_LONG(link_[i].s.seq = link_[i - 1].s.seq, "R0", "R3 R5 R9"); /* lent on before it was had */
	}
	/* A fifth, however deep they say they go. */
	base_long(&w);
	for (size_t i = 0; i < 4; i++)
		link_[i].body.depth = 3;
	CHECK(allows(&w));
	base_long(&w);
	for (size_t i = 0; i < 4; i++)
		link_[i].body.depth = 3;
	(void)lent(4, "clinic", "ward", 0);
	say(&w.approval[0].s, "ward", "hospital");
	CHECK(denies(&w, "R0", "R3 R5 R9"));
}

/* base_long, where each link but the last was renewed, in turn, after the next was lent by it and before the approval was given. */
static void base_renewed(struct world *m)
{
	base_long(m);
	(void)lent(4, "hospital", "a", 3);
	(void)lent(5, "a", "b", 2);
	(void)lent(6, "b", "c", 1);
	for (size_t i = 0; i < 3; i++) {
		link_[4 + i].s.seq = link_[i].superseded_at = 60 + i;
		link_[4 + i].s.logged = NOW - 4;
	}
	m->approval[0].s.seq = 70;
}

static bool is_beside(const struct beside *b, size_t n)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->id[i][0] == 0x80 + n)
			return true;
	return false;
}

/* What the decision looked at is all that whoever decides again needs; and one of them that is revoked ends it, though another took its place. */
static void links_by_which_others_were_lent_are_looked_at_too(void)
{
	static struct beside b;

	base_renewed(&w);
	CHECK(allows(&w));
	decision_beside(&w.in, &w.d, &b);
	for (size_t i = 0; i < 7; i++)
		CHECK(is_beside(&b, i));
	for (size_t i = 0; i < 4; i++) {
		base_renewed(&w);
		revoke((uint8_t)(0x80 + i), "hospital");
		CHECK(denies(&w, "R11", "R9") && strstr(w.d.check[11].found, "the delegation 8"));
	}
}

/* ---- what a chain says it rests on ---- */

static uint32_t dice(uint32_t n)
{
	static uint32_t x = 1;

	x = x * 1664525u + 1013904223u;
	return (x >> 8) % n;
}

/* A ledger of some links among a few parties, some of which follow others; and revocations of some. */
static void throw_links(struct fact_delegation *d, size_t n, struct fact_revocation *r, size_t *n_r)
{
	static const char *const who[] = { "hospital", "a", "b", "c", "clinic" };

	*n_r = 0;
	for (size_t i = 0; i < n; i++) {
		size_t from = dice(4), to = dice(5) > 0 ? from + 1 : 1 + dice(4);

		to = to == from ? from + 1 : to;
		d[i] = (struct fact_delegation){ .s = fact(ST_DELEGATION, who[from], (uint8_t)i) };
		d[i].s.seq = i + 1;
		d[i].s.issued = d[i].s.logged = 100 + (int64_t)i;
		d[i].s.expires = d[i].body.until = dice(4) > 0 ? 1000 : 100 + (int64_t)dice(40);
		d[i].body.role = ROLE_APPROVAL;
		d[i].body.n_scopes = 1;
		d[i].body.depth = dice(3) > 0 ? 3 - (unsigned)from : dice(4);
		(void)snprintf(d[i].body.scope[0], ASSET_PATH_MAX, "kbs:///hospital/a/");
		(void)snprintf(d[i].body.of, PARTY_MAX, "hospital");
		(void)snprintf(d[i].body.to, PARTY_MAX, "%s", who[to]);
		for (size_t k = 0; k < i; k++)
			if (!d[k].superseded_at && strcmp(d[k].s.issuer, d[i].s.issuer) == 0 && strcmp(d[k].body.to, d[i].body.to) == 0)
				d[k].superseded_at = d[i].s.seq;
		if (dice(16) == 0) {
			r[*n_r] = (struct fact_revocation){ .until = 0 };
			memcpy(r[*n_r].target, d[i].s.id, sizeof(r[*n_r].target));
			(void)snprintf(r[(*n_r)++].issuer, PARTY_MAX, "hospital");
		}
	}
}

/* Among thousands of such ledgers: whoever has only what a chain names finds it too; and where it holds but for what is revoked, it names that. */
static void chain_names_all_that_it_rests_on(void)
{
	static struct fact_delegation d[30], less[CHAIN_LINKS_MAX];
	static struct fact_revocation r[30];
	size_t found = 0, stopped = 0, longest = 0;

	for (int turn = 0; turn < 20000; turn++) {
		struct links l = { .d = d, .n = 30, .revocation = r, .now = 140 }, of = { .d = less, .revocation = r, .now = 140 };
		struct chain_ask q = { .of = "hospital", .to = "clinic", .role = ROLE_APPROVAL, .path = span_of("kbs:///hospital/a/x"),
			.at = { UINT64_MAX, 140 } };
		struct chain c = { 0 }, again;
		bool none = true;

		throw_links(d, l.n, r, &l.n_revocations);
		of.n_revocations = l.n_revocations;
		if (chain_find(&l, &q, &c)) {
			found++;
			longest = c.all > longest ? c.all : longest;
			for (size_t i = 0; i < c.all; i++)
				less[of.n++] = *c.link[i];
			CHECK(c.n <= CHAIN_MAX && c.all <= CHAIN_LINKS_MAX && chain_find(&of, &q, &again) && again.left == c.left);
			continue;
		}
		q.revoked_too = true;
		if (!chain_find(&l, &q, &c))
			continue;
		stopped++;
		for (size_t i = 0; i < c.all; i++)
			none = none && !link_revoked(&l, c.link[i]);
		CHECK(!none);
	}
	CHECK(found > 1000 && stopped > 100 && longest > 6);
	printf("# %zu found, %zu stopped, the longest of %zu links\n", found, stopped, longest);
}

/* What was lent on while the power was had only by a circle, or by nobody, is nothing. */
static void circle_lends_nothing(void)
{
	base(&w);
	(void)lent(0, "b", "a", 3);
	(void)lent(1, "a", "b", 3);
	(void)lent(2, "b", "clinic", 3);
	say(&w.approval[0].s, "clinic", "hospital");
	CHECK(denies(&w, "R0", "R3 R5 R9"));
	base(&w);
	(void)lent(0, "hospital", "a", 3);
	(void)lent(1, "a", "b", 3);
	(void)lent(2, "b", "a", 3);
	(void)lent(3, "a", "clinic", 0);
	say(&w.approval[0].s, "clinic", "hospital");
	CHECK(allows(&w));
}

static void boot_image_by_the_providers_delegate_counts(void)
{
	for (int i = 0; i < 4; i++) {
		struct fact_boot *b = &w.boot[0];

		base(&w);
		(void)snprintf(w.hw.platform, sizeof(w.hw.platform), "snp");
		(void)snprintf(w.hw.reg[0].name, sizeof(w.hw.reg[0].name), "measurement");
		memset(w.hw.reg[0].v, 0x61, 48);
		w.hw.reg[0].n = 48;
		w.hw.n_regs = 1;
		w.in.a.platform = "snp";
		w.in.a.genuine = w.in.a.collateral = true;
		w.in.a.hw = &w.hw;
		(void)snprintf(w.approval[0].body.platform[0], 32, "snp");
		b->s = fact(ST_BOOT_IMAGE, "builder", 6);
		b->body.enforces = ENFORCES_MANIFEST | ENFORCES_IMAGE_DIGESTS | ENFORCES_SCOPING;
		b->body.launch = w.launch;
		b->body.n_launches = 1;
		(void)snprintf(w.launch[0].platform, sizeof(w.launch[0].platform), "snp");
		w.launch[0].reg[0] = w.hw.reg[0];
		w.launch[0].n_regs = 1;
		w.in.boot = w.boot;
		w.in.n_boots = 1;
		memset(w.approval[0].body.boot_image[0], 6, 32);
		w.approval[0].body.n_boot_images = 1;
		say(&b->s, "builder", i == 1 ? "other" : "acme");
		(void)lent(0, "acme", "builder", 0);
		link_[0].body = (struct delegation){ .role = ROLE_BOOT_IMAGE, .of = "acme", .to = "builder", .until = NOW + 5 };
		link_[0].s.of[0] = 0;
		if (i == 2)
			link_[0].body.role = ROLE_APPROVAL;
		if (i == 3)
			revoke(0x80, "acme");
		if (i == 0)
			CHECK(allows(&w) && w.d.boot == b && strstr(w.d.check[5].found, "delegate builder"));
		else
			CHECK(i == 3 ? denies(&w, "R11", "") : denies(&w, "R5", "R7 R9"));
		if (i == 3)
			CHECK(strcmp(w.d.check[11].who, "acme") == 0 && strcmp(w.d.check[11].command, "coffer boot-image publish BOOT-IMAGE.json") == 0);
	}
}

static void of_role(enum delegated_role role, const char *of, const char *to, const char *scope)
{
	(void)lent(0, of, to, 0);
	link_[0].body = (struct delegation){ .role = role, .until = NOW + 5, .n_scopes = scope ? 1 : 0 };
	(void)snprintf(link_[0].body.of, PARTY_MAX, "%s", of);
	(void)snprintf(link_[0].body.to, PARTY_MAX, "%s", to);
	(void)snprintf(link_[0].body.scope[0], ASSET_PATH_MAX, "%s", scope ? scope : "");
	link_[0].s.of[0] = 0;
}

/* The service that the approval lists is designated by the clinic, which acme lets. */
static void base_designated(struct world *m, const char *scope)
{
	base(m);
	of_role(ROLE_SERVICE, "acme", "clinic", scope);
	say(&m->service[0].s, "clinic", "acme");
}
#define DENIES_DESIGNATED(scope, change, id, also) do { base_designated(&w, scope); change; CHECK(denies(&w, id, also)); } while (0)

static void service_by_a_founders_delegate_counts_while_the_delegation_holds(void)
{
	base_designated(&w, "trust");
	CHECK(allows(&w) && w.d.service == &w.service[0] && strstr(w.d.check[0].found, "by acme's delegate clinic"));
	base_designated(&w, NULL);
	CHECK(allows(&w));
	DENIES_DESIGNATED("other", (void)0, "R0", "R9");
	DENIES_DESIGNATED(NULL, link_[0].body.role = ROLE_BOOT_IMAGE, "R0", "R9");
	DENIES_DESIGNATED(NULL, link_[0].body.until = NOW, "R0", "R9");
	DENIES_DESIGNATED(NULL, link_[0].superseded_at = 60, "R0", "R9");
	DENIES_DESIGNATED(NULL, link_[0].s.seq = 50, "R0", "R9"); /* after the service's statement */
	DENIES_DESIGNATED(NULL, (void)snprintf(link_[0].body.of, PARTY_MAX, "other"), "R0", "R9");
	DENIES_DESIGNATED(NULL, w.service[0].s.issuer_may = false, "R0", "R9");
	DENIES_DESIGNATED(NULL, revoke(0x80, "acme"), "R11", "");
	CHECK(strcmp(w.d.check[11].who, "acme") == 0 && strcmp(w.d.check[11].command, "coffer service sign DESCRIPTOR.json") == 0);
	DENIES_DESIGNATED(NULL, revoke(3, "acme"), "R11", ""); /* the founder, of its delegate's word */
	base_designated(&w, NULL);
	revoke(3, "other");
	CHECK(allows(&w));
}

/* The image of imaker is one that the clinic verified for it. */
static void base_verified(struct world *m, const char *scope)
{
	base(m);
	of_role(ROLE_VERIFICATION, "imaker", "clinic", scope);
	say(&m->release[0].s, "clinic", "imaker");
	m->release[0].body.repository = span_of("registry.example/app");
}
#define DENIES_VERIFIED(scope, change, id) do { base_verified(&w, scope); change; CHECK(denies(&w, id, "")); } while (0)

static void image_verified_by_the_providers_delegate_counts_while_the_delegation_holds(void)
{
	base_verified(&w, "registry.example/");
	CHECK(allows(&w) && w.d.release[0] == &w.release[0] && strstr(w.d.check[8].found, "clinic verified for imaker, by its delegation"));
	base_verified(&w, NULL);
	CHECK(allows(&w));
	DENIES_VERIFIED("registry.example/apps/", (void)0, "R8");
	DENIES_VERIFIED("registry.example/ap", (void)0, "R8");
	DENIES_VERIFIED(NULL, w.container[0].image_reference = span_of("registry.example/db@sha256:40"), "R8"); /* verified under another name */
	DENIES_VERIFIED(NULL, w.container[0].image_reference = span_of("registry.example/apps@sha256:40"), "R8");
	DENIES_VERIFIED(NULL, link_[0].body.role = ROLE_SERVICE, "R8");
	DENIES_VERIFIED(NULL, link_[0].body.until = NOW, "R8");
	DENIES_VERIFIED(NULL, link_[0].superseded_at = 60, "R8");
	DENIES_VERIFIED(NULL, link_[0].s.seq = 50, "R8");
	DENIES_VERIFIED(NULL, (void)snprintf(w.release[0].s.of, PARTY_MAX, "lmaker"), "R8"); /* not this image's provider */
	DENIES_VERIFIED(NULL, w.release[0].s.of[0] = 0, "R8");                               /* for itself */
	DENIES_VERIFIED(NULL, w.release[0].s.issuer_may = false, "R8");
	DENIES_VERIFIED(NULL, revoke(0x80, "imaker"), "R11");
	CHECK(strcmp(w.d.check[11].who, "imaker") == 0 && strncmp(w.d.check[11].command, "coffer image release ", 21) == 0);
	DENIES_VERIFIED(NULL, revoke(0x50, "imaker"), "R11");
	base_verified(&w, NULL);
	revoke(0x50, "lmaker");
	CHECK(allows(&w));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(approval_by_a_delegate_counts_while_the_delegation_holds), T(renewed_delegation_carries_on),
		T(r11_denies_what_rests_on_a_revoked_delegation), T(chain_of_four_holds_and_breaks_at_every_link), T(links_by_which_others_were_lent_are_looked_at_too),
		T(chain_names_all_that_it_rests_on), T(circle_lends_nothing),
		T(boot_image_by_the_providers_delegate_counts), T(service_by_a_founders_delegate_counts_while_the_delegation_holds),
		T(image_verified_by_the_providers_delegate_counts_while_the_delegation_holds),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
