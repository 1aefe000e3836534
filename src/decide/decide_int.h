/* Inside the decision only: what its parts (decide*.c) share. */
#pragma once
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "decide/decide.h"

#define SET(dst, ...) ((void)snprintf((dst), sizeof(dst), __VA_ARGS__))

/* Check n stands at place n of the trace, whatever the order of asking. Emptied. */
struct check *decide_put(struct decision *d, unsigned n, unsigned sees);

/* ---- statements (decide_find.c) ---- */

/* All of "in force" but revocation, which R11 judges so that the reason can say so. */
bool decide_stands(const struct fact *f, int64_t now);
/* The issuer revokes for all; who decides of an asset revokes for it whatever its releases rest on, another's too (statement_stopped_by_owner); the workload's provider
 * the release of an image for it; and whoever lent the power what was said with it. What rests on a revoked delegation is revoked. */
bool decide_revoked(const struct decide_in *in, const struct fact *f);
/* What stands against f itself by one of these, a revocation before a pause; NULL: nothing does, though f may be void or rest on a revoked delegation. */
const struct fact_revocation *decide_stop(const struct decide_in *in, const struct fact *f);
/* The party decides of the asked asset: its path is the party's, or its statement names it. What such a party holds back it holds back alone. */
bool decide_owns(const struct decide_in *in, const char *party);
/* f's issuer is that party, or speaks for it by delegations that held when f was logged and hold now, revoked ones among them
 * (R11 judges those). */
bool decide_speaks(const struct decide_in *in, const struct fact *f, const char *principal);
/* The chains of an f by delegation: when it was logged, and now. */
bool decide_chains(const struct decide_in *in, const struct fact *f, bool revoked_too, struct chain out[static 2]);
/* A revoked delegation for want of which f's issuer speaks for nobody; NULL: there is none. */
const struct fact_delegation *decide_revoked_link(const struct decide_in *in, const struct fact *f);
struct links decide_links(const struct decide_in *in);
/* The asked asset is the workload provider's own, and it decides of it without anybody else. */
bool decide_own(const struct decide_in *in, const struct fact_workload *w);
/* Evidence whose platform measures no boot at all: R5 has nothing to compare, R2 nothing to verify. */
bool decide_unmeasured(const struct appraisal *a);
/* The approval or manifest entry accepts the platform of this evidence: its name, or its name and "+debug"; the latter
 * alone where its memory is open to debugging. */
bool decide_accepts(const struct appraisal *a, struct span entry);
/* The approval names the asked asset. */
bool decide_names(const struct decide_in *in, const struct fact_approval *a);
/* The approval is for that workload, or for what is at most as wide as another one. */
bool decide_for(const struct decide_in *in, const struct fact_approval *a, const struct fact_workload *w);
/* An approval by or for that party, standing, that names the asked asset; the same of any party that the asset names; and that
 * names this platform too. */
bool decide_approves_for(const struct decide_in *in, const struct fact_approval *a, const char *party);
bool decide_approves_asset(const struct decide_in *in, const struct fact_approval *a);
bool decide_approves_platform(const struct decide_in *in, const struct fact_approval *a);

/* The service's statement stands, by the founder whose word it is or by one who speaks for it. */
bool decide_designated(const struct decide_in *in, const struct fact_service *s);
/* Each of these prefers what is not revoked, and gives NULL when nothing stands. */
const struct fact_workload *decide_workload(const struct decide_in *in);
const struct fact_service  *decide_listed_service(const struct decide_in *in, const struct fact_approval *a);
const struct fact_service  *decide_named_service(const struct decide_in *in, const struct fact_workload *w);
/* The approvals of k of the parties that the asset names, which all accept one service and one boot image. Rather a set of which
 * nothing is revoked. False: there is none. */
struct decide_set {
	const struct fact_approval *approval[ASSET_OWNERS_MAX];
	size_t                      n;
	const struct fact_service  *service;
	const struct fact_boot     *boot; /* NULL where none is measured */
};
bool decide_set(const struct decide_in *in, const struct fact_workload *w, struct decide_set *out);
/* Some approval of that party's in force, neither revoked nor paused, covers all of it, whatever the others' do. */
bool decide_consents(const struct decide_in *in, const struct fact_workload *w, const char *party);
/* Of that party's, or for it, the approval of the asset that lacks least; NULL: it has none. And whether all that it lacks is an assessment. */
/* Whether a new approval of the owner's, of this asset for this workload, takes the place of this one. */
bool decide_replaced_by_new(const struct decide_in *in, const struct fact_workload *w, const struct fact_approval *a);
const struct fact_approval *decide_nearest(const struct decide_in *in, const struct fact_workload *w, const char *party);
bool decide_waits(const struct decide_in *in, const struct fact_workload *w, const struct fact_approval *a);
/* Why not, of its approval that comes nearest: "has not approved it", "approved another workload", "its approval has ended", ... */
const char *decide_missing(const struct decide_in *in, const struct fact_workload *w, const char *party);

/* ---- slots (decide_slots.c) ---- */

/* The asked asset fills a slot by which the container is entitled to it for that purpose, and nothing else fills that slot. */
bool decide_slot(const struct decide_in *in, const struct fact_workload *w, const struct man_container *c, enum purpose purpose);
/* The binding is of this workload, ended or not: what it says may be in the instance. */
bool decide_bound_here(const struct fact_workload *w, const struct fact_binding *b);
/* A binding by its owner, ended or not, puts the asked asset into some slot: whoever has that binding knows of the asset. */
bool decide_bound(const struct decide_in *in, const struct fact_workload *w);
/* R9: the approval names every slot that the asked asset fills, and whatever of another owner's fills another; where it is not the
 * owner's, whatever of the owner's besides. */
bool decide_meets(const struct decide_in *in, const struct fact_approval *a, const struct fact_workload *w);
/* The options that an approval for this instance needs beside the usual, each with a space before it. */
void decide_slot_options(const struct decide_in *in, const struct fact_workload *w, char *out, size_t n);

/* What the approval wants assessed of workload and images was, by whom it names, and passed; the same of the boot image (NULL: none
 * is measured). (decide_assessed.c) */
bool decide_assessed(const struct decide_in *in, const struct fact_approval *a, const struct fact_workload *w);
bool decide_assessed_boot(const struct decide_in *in, const struct fact_approval *a, const struct fact_boot *b);
/* Whether what `of` wants is lacking, and of what: the workload, its first such image, the boot image's statement; zeros where no boot image is measured. */
bool decide_unassessed(const struct decide_in *in, const struct wants_assessed *of, const struct fact_workload *w, const struct fact_boot *b, uint8_t digest[static 32]);

/* ---- who can mend it, with what (decide_mend.c) ---- */

/* What the owner of the asset can do: approve, under every condition that its nearest approval, and those of the others who decide, had; or, where it is the provider too,
 * say so in its manifest. */
#define DECIDE_PUBLISH "coffer workload publish MANIFEST.json"
void decide_mend(const struct decide_in *in, const struct decision *d, struct check *c);
/* Where an approval only waits for an assessment: then whose, and how that says it. Else c stays. */
void decide_wait(const struct decide_in *in, const struct decision *d, struct check *c);
void decide_mend_release(const struct man_container *m, const struct image_release *revoked, struct check *c);

/* ---- R11 (decide_revoked.c) ---- */
void decide_r11(const struct decide_in *in, struct decision *d);
const char *decide_state(const struct decide_in *in, const struct fact *f); /* of what is revoked: "revoked", "paused", "void: ..." */

/* ---- machines (decide_machine.c) ---- */

/* This one matches evidence, is by or for w's provider and enforces what w relies on. */
bool decide_boots(const struct decide_in *in, const struct fact_workload *w, const struct fact_boot *b);
/* a's boot images name it. */
bool decide_approves_boot(const struct fact_approval *a, const struct fact_boot *b);
/* A boot image of w's provider that evidence matches and that enforces what w relies on, named by a; a == NULL: by its
 * provider's word alone. One not revoked first, then one that keeps containers apart. */
const struct fact_boot *decide_boot(const struct decide_in *in, const struct fact_workload *w, const struct fact_approval *a);
/* A minimum by one who decides of the asset or by the workload's provider for this platform. w: NULL when unknown. */
bool decide_tcb_applies(const struct decide_in *in, const struct fact_workload *w, const struct fact_tcb *t);
/* The guest's agent keeps its containers apart. */
bool decide_scopes(const struct decide_in *in, const struct decision *d);
void decide_age(const struct decide_in *in, struct decision *d);      /* the part of R2 that owners set: how old collateral may be */
void decide_root(const struct decide_in *in, struct decision *d);     /* and of whom the asset's owners accept as a root */
void decide_platform(const struct decide_in *in, struct decision *d); /* R3 */
void decide_firmware(const struct decide_in *in, struct decision *d); /* R4 */
void decide_booted(const struct decide_in *in, struct decision *d);   /* R5; sets d->boot; after R9 */

/* ---- images (decide_images.c) ---- */
void decide_images(const struct decide_in *in, struct decision *d); /* R8; sets d->release */

/* ---- chips, measurements, images (decide_things.c) ---- */

/* The last part of R11: false, and c says so, where one is revoked by who decides of the asset or by the workload's provider; an image, and the key
 * that it is verified by, by its provider too. */
bool decide_things(const struct decide_in *in, const struct decision *d, struct check *c);
/* Who revoked the key by which w's container is verified, so that this release of its image does not stand; NULL: nobody whose word counts. r NULL: whatever release. */
const char *decide_key_revoked(const struct decide_in *in, const struct manifest *w, const struct man_container *c, const struct fact_release *r);
