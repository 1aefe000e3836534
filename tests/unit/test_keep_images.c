/* Whose release of an image counts, in a decision and in its receipt: by its provider, by a delegate of it, and by nobody else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "replay/replay.h"
#include "tests/lendkit.h"
#include "tests/receiptkit.h"
#include "tests/t.h"

#define DENIED(rc, k, name) ((rc) == COFFER_E_DENIED && strcmp((k).no.check, name) == 0)
#define APP "registry.example/app"
#define VERIFIES(who) .by = who, .of = who, .role = "image-verification", .to = "hospital"

/* All but releases of images. */
static void deploy(struct kit *k)
{
	k->strangers_images = true;
	CHECK(kit_introduce(k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(kit_service(k) == COFFER_OK && kit_workload(k) == COFFER_OK && kit_put(k, KIT_HOSPITAL, "good morning") == COFFER_OK &&
	      kit_approve(k, "", 1, NULL) == COFFER_OK);
}

/* Image 1 is `first`'s, image 2 `second`'s. */
static void open_by(struct kit *k, enum kit_party first, enum kit_party second)
{
	kit_open(k);
	k->image_by[0] = first;
	k->image_by[1] = second;
	deploy(k);
}

/* Both containers have one, by acme and by the stranger. */
static void open_one(struct kit *k)
{
	kit_open(k);
	k->image_by[1] = KIT_STRANGER;
	k->one_image = true;
	deploy(k);
}

static enum coffer_rc release(struct kit *k, enum kit_party by, uint8_t image, uint8_t id[static 32])
{
	return kit_release_by(k, &(struct kit_released){ by, APP, image, 1, 1, NULL }, id);
}

static enum coffer_rc ask(struct kit *k)
{
	if (kit_begin(k) != COFFER_OK || kit_attest(k, (struct kit_evidence){ 0 }) != COFFER_OK)
		abort();
	return kit_get(k, (struct kit_get){ 0 });
}

/* "" where the newest receipt holds; else the check. */
static const char *judge(struct kit *k, struct err *e)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	enum coffer_rc rc;

	receiptkit_make(k, KIT_HOSPITAL, &text);
	rc = receiptkit_replay(k, wr_span(&text), (struct span){ 0 }, out, e);
	if (rc != COFFER_OK)
		printf("# %s %s\n", e->check, e->msg);
	return rc == COFFER_OK ? "" : e->check;
}

static bool lies(struct kit *k, const char *check)
{
	struct err e = { 0 };

	receiptkit_lie(k, NULL);
	return strcmp(judge(k, &e), check) == 0;
}

/* ---- in the receipt ---- */

/* The hospital verifies for two providers: what each says of the other's image is not asked for, and holds nothing back. */
static void providers_word_about_anothers_image_spoils_no_receipt(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t lent[32], one[32], two[32];

	open_by(&k, KIT_ACME, KIT_STRANGER);
	CHECK(lend(&k, (struct lend){ VERIFIES(KIT_ACME) }, lent) == COFFER_OK && lend(&k, (struct lend){ VERIFIES(KIT_STRANGER) }, lent) == COFFER_OK);
	CHECK(release(&k, KIT_HOSPITAL, 1, one) == COFFER_OK && DENIED(ask(&k), k, "R8"));
	CHECK(release(&k, KIT_HOSPITAL, 2, two) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_STRANGER, one) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_STRANGER, two) == COFFER_OK && DENIED(ask(&k), k, "R11") && lies(&k, "receipt-force"));
}

/* A provider speaks of what its delegate verified, and not of what another provider released of the same content. */
static void providers_word_is_about_its_delegates_release_alone(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t lent[32], own[32], theirs[32];

	open_one(&k);
	CHECK(lend(&k, (struct lend){ VERIFIES(KIT_STRANGER) }, lent) == COFFER_OK && release(&k, KIT_ACME, 1, own) == COFFER_OK);
	CHECK(DENIED(ask(&k), k, "R8") && release(&k, KIT_HOSPITAL, 1, theirs) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(kit_revoke(&k, KIT_STRANGER, own) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* A stolen key of images: what a delegate verified by it stands as what the provider did, if that was before. */
static void delegates_release_of_before_its_key_was_stolen_stands(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32], next[32];
	int64_t verified;

	open_by(&k, KIT_ACME, KIT_ACME);
	CHECK(lend(&k, (struct lend){ VERIFIES(KIT_ACME) }, id) == COFFER_OK && release(&k, KIT_ACME, 1, id) == COFFER_OK);
	k.now += 100;
	CHECK(release(&k, KIT_HOSPITAL, 2, id) == COFFER_OK && ask(&k) == COFFER_OK);
	verified = k.now;
	k.now += 100;
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, verified + 1, 0, NULL }, id) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, verified, 2, id }, next) == COFFER_OK); /* the provider's own is of before all the same */
	CHECK(DENIED(ask(&k), k, "R11") && strstr(k.no.reason, KIT_IMAGE_KEY) && lies(&k, "receipt-force"));
}

/* Two containers have one image by different providers: what the one released before excuses nothing that the other did after. */
static void early_release_of_one_provider_is_not_anothers(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32], next[32];
	struct err e = { 0 };
	int64_t late;

	open_one(&k);
	CHECK(release(&k, KIT_ACME, 1, id) == COFFER_OK);
	late = k.now += 100;
	CHECK(release(&k, KIT_STRANGER, 1, id) == COFFER_OK && ask(&k) == COFFER_OK);
	k.now += 100;
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, late + 1, 0, NULL }, id) == COFFER_OK && ask(&k) == COFFER_OK);
	receiptkit_lie_bare(&k);
	CHECK(strcmp(judge(&k, &e), "") == 0);
	CHECK(kit_revoke_key(&k, &(struct kit_key_revoked){ KIT_HOSPITAL, late, 2, id }, next) == COFFER_OK && DENIED(ask(&k), k, "R11"));
	receiptkit_lie_bare(&k);
	CHECK(strcmp(judge(&k, &e), "receipt-force") == 0);
}

/* And where the delegate's own key was stolen, what it alone signed from then on is void. */
static void delegates_release_by_its_stolen_key_is_void(void)
{
	for (int late = 0; late < 2; late++) {
		CLEANUP(kit_free) struct kit k;
		uint8_t id[32];
		int64_t verified;

		open_by(&k, KIT_ACME, KIT_ACME);
		CHECK(lend(&k, (struct lend){ VERIFIES(KIT_ACME) }, id) == COFFER_OK && release(&k, KIT_ACME, 1, id) == COFFER_OK);
		verified = k.now += 100;
		CHECK(release(&k, KIT_HOSPITAL, 2, id) == COFFER_OK && ask(&k) == COFFER_OK);
		k.now += 100;
		CHECK(kit_compromise(&k, &(struct kit_stolen){ k.key[KIT_HOSPITAL], verified + 1 - late,
		    (const struct privkey *[]){ k.recovery[KIT_HOSPITAL], NULL }, 0, NULL }, id) == COFFER_OK);
		CHECK(late ? DENIED(ask(&k), k, "R11") : ask(&k) == COFFER_OK);
	}
}

#define SHOWS ",\"attestations\":[{\"type\":\"a:b\",\"digest\":\"%064d\"}]"

/* acme's of image 2, with that text in its body for this; instead of what it said before. */
static enum coffer_rc release_bent(struct kit *k, const char *from, const char *to, uint64_t serial, const uint8_t *previous, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = kit_release_body(APP, 1), *shown = str_fmt("%.*s" SHOWS "}", (int)strlen(body) - 1, body, 7), *bent = NULL;
	const char *at = from ? strstr(shown, from) : shown;
	uint8_t digest[32] = { [31] = 2 };

	if (!at)
		abort();
	bent = str_fmt("%.*s%s%s", (int)(at - shown), shown, from ? to : "", from ? at + strlen(from) : at);
	return kit_log(k, &(struct kit_st){ .kind = ST_IMAGE_RELEASE, .subject = APP, .digest = digest, .body = bent, .serial = serial, .previous = previous }, id);
}

/* Statements alone show that too: method and key, and what the manifest wants attested, are the release's. */
static void release_without_what_the_manifest_asks_is_no_receipts(void)
{
	static const char *const bent[][2] = { { "a:b", "a:c" }, { "RyYjaqnB3N77ZC7oxG", "RyYjaqnB3N77ZC7oxH" } };
	CLEANUP(kit_free) struct kit k;
	uint8_t one[32], was[32], is[32];
	struct err e = { 0 };

	kit_open(&k);
	k.image_asks = "\"attestations\":[\"a:b\"],";
	deploy(&k);
	{
		CLEANUP(freep) char *body = kit_release_body(APP, 1), *shown = str_fmt("%.*s" SHOWS "}", (int)strlen(body) - 1, body, 7);
		uint8_t digest[32] = { [31] = 1 };

		CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_IMAGE_RELEASE, .subject = APP, .digest = digest, .body = shown }, one) == COFFER_OK);
	}
	CHECK(release_bent(&k, NULL, NULL, 1, NULL, was) == COFFER_OK && ask(&k) == COFFER_OK);
	receiptkit_lie_bare(&k);
	CHECK(strcmp(judge(&k, &e), "") == 0);
	for (size_t i = 0; i < sizeof(bent) / sizeof(bent[0]); i++) {
		CHECK(release_bent(&k, bent[i][0], bent[i][1], 2 + i, was, is) == COFFER_OK && DENIED(ask(&k), k, "R8"));
		receiptkit_lie_with(&k, was, is);
		CHECK(strcmp(judge(&k, &e), "receipt-rights") == 0 && strstr(e.msg, "method, key and attestations"));
		memcpy(was, is, sizeof(was));
	}
}

/* A delegate's scope is of names: a service that goes by its release under another name has no receipt. */
static void delegates_release_under_another_name_is_no_receipts(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t lent[32], app[32], tool[32];
	struct err e = { 0 };

	open_by(&k, KIT_ACME, KIT_ACME);
	CHECK(lend(&k, (struct lend){ VERIFIES(KIT_ACME) }, lent) == COFFER_OK && release(&k, KIT_ACME, 1, app) == COFFER_OK);
	CHECK(release(&k, KIT_HOSPITAL, 2, app) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(kit_release_by(&k, &(struct kit_released){ KIT_HOSPITAL, "registry.example/tool", 2, 1, 1, NULL }, tool) == COFFER_OK);
	receiptkit_lie(&k, NULL);
	CHECK(strcmp(judge(&k, &e), "") == 0);
	receiptkit_lie_with(&k, app, tool);
	CHECK(strcmp(judge(&k, &e), "receipt-rights") == 0);
}

/* ---- places ---- */

static enum coffer_rc release_as(struct kit *k, const char *repository, uint64_t serial, const uint8_t *previous, uint8_t id[static 32])
{
	return kit_release_by(k, &(struct kit_released){ KIT_HOSPITAL, repository, 2, 1, serial, previous }, id);
}

/* As mirrors have it: one content under several names, of which the manifest has one. What the others say, and that they were revoked, is nothing to it. */
static void delegates_release_counts_whatever_else_it_named_the_image(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32], other[32], app[32];

	open_by(&k, KIT_ACME, KIT_ACME);
	CHECK(lend(&k, (struct lend){ VERIFIES(KIT_ACME) }, id) == COFFER_OK && release(&k, KIT_ACME, 1, id) == COFFER_OK);
	for (char c = 'a'; c <= 'd'; c++) {
		CLEANUP(freep) char *name = str_fmt("registry.example/aa%c", c);

		CHECK(release_as(&k, name, 1, NULL, other) == COFFER_OK && (c != 'a' || kit_revoke(&k, KIT_HOSPITAL, other) == COFFER_OK));
	}
	CHECK(DENIED(ask(&k), k, "R8") && release_as(&k, APP, 1, NULL, app) == COFFER_OK && ask(&k) == COFFER_OK);
	CHECK(release_as(&k, "registry.example/aaz", 1, NULL, other) == COFFER_OK && ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_ACME, app) == COFFER_OK && DENIED(ask(&k), k, "R11"));
	CHECK(release_as(&k, APP, 2, app, app) == COFFER_OK && ask(&k) == COFFER_OK);
}

/* Two containers that have one content by two names, and a delegate's word for each. */
static void one_image_by_two_names_is_asked_for_by_each(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	kit_open(&k);
	k.one_image = true;
	k.image_name = "mirror.example/app";
	deploy(&k);
	CHECK(lend(&k, (struct lend){ VERIFIES(KIT_ACME) }, id) == COFFER_OK && release(&k, KIT_HOSPITAL, 1, id) == COFFER_OK && DENIED(ask(&k), k, "R8"));
	CHECK(kit_release_by(&k, &(struct kit_released){ KIT_HOSPITAL, "mirror.example/app", 1, 1, 1, NULL }, id) == COFFER_OK);
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* As many delegates of one provider as there can be, with as many releases of one image: another's image keeps its places. */
static void delegates_of_one_provider_take_no_places_of_anothers_image(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_by(&k, KIT_STRANGER, KIT_ACME);
	CHECK(release(&k, KIT_STRANGER, 1, id) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ VERIFIES(KIT_ACME) }, id) == COFFER_OK && release(&k, KIT_HOSPITAL, 2, id) == COFFER_OK);
	for (int i = 0; i < 32; i++) {
		CLEANUP(freep) char *to = str_fmt("p%d", i);

		CHECK(enter_lent(&k, (struct lend){ .by = KIT_STRANGER, .of = KIT_STRANGER, .role = "image-verification", .to = to }));
		CHECK(enter_release(&k, (struct release_of){ to, APP, 1, 1, 0 }) &&
		      enter_release(&k, (struct release_of){ to, "registry.example/tool", 1, 1, 0 }));
	}
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* acme lets the hospital, then others, and then p0, which lends on to others, who lend on: as many releases as they make, the hospital's is read. */
static void who_lends_verification_on_hides_nobody_the_provider_let(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_by(&k, KIT_ACME, KIT_ACME);
	CHECK(release(&k, KIT_ACME, 1, id) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ VERIFIES(KIT_ACME) }, id) == COFFER_OK && release(&k, KIT_HOSPITAL, 2, id) == COFFER_OK);
	CHECK(enter_lent(&k, (struct lend){ .by = KIT_ACME, .of = KIT_ACME, .role = "image-verification", .to = "p0", .depth = 2 }));
	for (int i = 1; i < 15; i++) {
		CLEANUP(freep) char *by = str_fmt("p%d", i), *to = str_fmt("q%d", i), *other = str_fmt("d%d", i);

		CHECK(enter_lent(&k, (struct lend){ .by = KIT_ACME, .of = KIT_ACME, .role = "image-verification", .to = other }));
		CHECK(enter_release(&k, (struct release_of){ other, APP, 2, 1, 0 }) && enter_release(&k, (struct release_of){ other, "registry.example/tool", 2, 1, 0 }));
		CHECK(enter_lent(&k, (struct lend){ .by_name = "p0", .of = KIT_ACME, .role = "image-verification", .to = by, .depth = 1 }));
		CHECK(enter_lent(&k, (struct lend){ .by_name = by, .of = KIT_ACME, .role = "image-verification", .to = to }));
		for (uint8_t image = 1; image < 3; image++)
			CHECK(enter_release(&k, (struct release_of){ by, APP, image, 1, 0 }) && enter_release(&k, (struct release_of){ by, "registry.example/tool", image, 1, 0 }) &&
			      enter_release(&k, (struct release_of){ to, APP, image, 1, 0 }) && enter_release(&k, (struct release_of){ to, "registry.example/tool", image, 1, 0 }));
	}
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* More delegates than there are places for what they released: those that expire leave their own, though nothing is logged. */
static void place_of_a_release_that_expired_is_anothers(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_by(&k, KIT_ACME, KIT_ACME);
	CHECK(release(&k, KIT_ACME, 1, id) == COFFER_OK);
	CHECK(lend(&k, (struct lend){ VERIFIES(KIT_ACME) }, id) == COFFER_OK && release(&k, KIT_HOSPITAL, 2, id) == COFFER_OK);
	for (int i = 0; i < 40; i++) {
		CLEANUP(freep) char *to = str_fmt("p%d", i);

		CHECK(enter_lent(&k, (struct lend){ .by = KIT_ACME, .of = KIT_ACME, .role = "image-verification", .to = to }));
		CHECK(enter_release(&k, (struct release_of){ to, APP, 1, 1, 0 }) && enter_release(&k, (struct release_of){ to, APP, 2, 1, k.now + 60 }));
	}
	CHECK(DENIED(ask(&k), k, "R8")); /* nobody knows these, nor the hospital's for want of room */
	k.now += 60;
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* ---- security version 0, as releases of before could state it ---- */

static void release_of_version_zero_is_not_admitted_any_more(void)
{
	CLEANUP(kit_free) struct kit k;
	uint8_t id[32];

	open_by(&k, KIT_ACME, KIT_ACME);
	CHECK(kit_release_by(&k, &(struct kit_released){ KIT_ACME, APP, 1, 0, 1, NULL }, id) == COFFER_E_INPUT && strstr(k.no.reason, "count from 1"));
	CHECK(kit_release_by(&k, &(struct kit_released){ KIT_ACME, APP, 1, 1, 1, NULL }, id) == COFFER_OK);
}

/* Guests of workloads that ask for no least version go on, and so do the receipts; whoever asks for one is told what is stated. */
static void release_of_version_zero_that_is_logged_counts_as_it_did(void)
{
	CLEANUP(kit_free) struct kit k;
	CLEANUP(kit_free) struct kit least;

	open_by(&k, KIT_ACME, KIT_ACME);
	CHECK(enter_release(&k, (struct release_of){ "acme", APP, 1, 0, 0 }) && enter_release(&k, (struct release_of){ "acme", APP, 2, 0, 0 }));
	CHECK(ask(&k) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	kit_open(&least);
	least.image_minimum = 1;
	deploy(&least);
	CHECK(enter_release(&least, (struct release_of){ "acme", APP, 1, 0, 0 }) && enter_release(&least, (struct release_of){ "acme", APP, 2, 1, 0 }));
	CHECK(DENIED(ask(&least), least, "R8") && strstr(least.no.reason, "states security version 0"));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(providers_word_about_anothers_image_spoils_no_receipt), T(providers_word_is_about_its_delegates_release_alone),
		T(delegates_release_of_before_its_key_was_stolen_stands), T(delegates_release_by_its_stolen_key_is_void),
		T(release_without_what_the_manifest_asks_is_no_receipts), T(early_release_of_one_provider_is_not_anothers),
		T(delegates_release_under_another_name_is_no_receipts), T(delegates_of_one_provider_take_no_places_of_anothers_image),
		T(who_lends_verification_on_hides_nobody_the_provider_let), T(place_of_a_release_that_expired_is_anothers),
		T(release_of_version_zero_is_not_admitted_any_more), T(release_of_version_zero_that_is_logged_counts_as_it_did),
		T(delegates_release_counts_whatever_else_it_named_the_image), T(one_image_by_two_names_is_asked_for_by_each),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
