/* Tags: the same for owner and service, and a service that shows less than it tagged is found out. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/tagged.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "tests/t.h"

#define ASSET "kbs:///hospital/note/greeting"
#define OTHER "kbs:///hospital/note/footer"

static const uint8_t genesis[32] = { 1 };

static struct asset_path path(const char *text)
{
	struct asset_path p;
	struct err e;

	if (asset_path_parse(span_of(text), &p, &e) != COFFER_OK)
		abort();
	return p;
}

static void owner_and_service_come_to_one_key_and_nobody_else_to_it(void)
{
	CLEANUP(privkey_freep) struct privkey *owner = NULL, *service = NULL, *other = NULL, *ed = NULL;
	CLEANUP(secret_free) struct secret a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, none = { 0 };
	uint8_t x[TAG_LEN], y[TAG_LEN], t[2][TAG_LEN];
	struct err e;

	CHECK(privkey_new(KEY_P256, &owner, &e) == COFFER_OK && privkey_new(KEY_P256, &service, &e) == COFFER_OK &&
	      privkey_new(KEY_P256, &other, &e) == COFFER_OK && privkey_new(KEY_ED25519, &ed, &e) == COFFER_OK);
	CHECK(tag_owner_key(owner, privkey_public(service), genesis, &a, &e) == COFFER_OK);
	CHECK(tag_owner_key(service, privkey_public(owner), genesis, &b, &e) == COFFER_OK);
	CHECK(tag_owner_key(other, privkey_public(service), genesis, &c, &e) == COFFER_OK);
	CHECK(tag_owner_key(owner, privkey_public(service), (const uint8_t[32]){ 2 }, &d, &e) == COFFER_OK);
	CHECK(ct_eq((struct span){ a.p, a.n }, (struct span){ b.p, b.n }) && !ct_eq((struct span){ a.p, a.n }, (struct span){ c.p, c.n }) &&
	      !ct_eq((struct span){ a.p, a.n }, (struct span){ d.p, d.n }));
	CHECK(tag_owner_key(owner, privkey_public(ed), genesis, &none, &e) == COFFER_E_INPUT && tag_owner_key(ed, privkey_public(owner), genesis, &none, &e) == COFFER_E_INPUT);
	tag_asset_key(&a, span_of(ASSET), x);
	tag_asset_key(&a, span_of(OTHER), y);
	CHECK(memcmp(x, y, TAG_LEN) != 0);
	tag_of(x, 0, t[0]);
	tag_of(x, 1, t[1]);
	CHECK(memcmp(t[0], t[1], TAG_LEN) != 0 && memcmp(t[0], x, TAG_LEN) != 0);
}

/* The values are Python's hmac's. */
static void tags_have_the_documented_values(void)
{
	CLEANUP(secret_free) struct secret k = { 0 };
	uint8_t key[TAG_LEN], t[TAG_LEN];
	char hex[HEX32_LEN];
	struct err e;

	CHECK(secret_new(32, &k, &e) == COFFER_OK);
	memset(k.p, 7, 32);
	tag_asset_key(&k, span_of(ASSET), key);
	hex32(key, hex);
	CHECK(strcmp(hex, "db48f7e97ad3f21a5f88eddf596215ecd6a87646d0fed3e769e0f4d2454fa388") == 0);
	tag_of(key, 258, t);
	hex32(t, hex);
	CHECK(strcmp(hex, "fa2a5490a4d9cb861a96bfc5f963c7fd03246808e327cd7299f00f11ed2cddc2") == 0);
}

static void entry_with_a_tag_that_is_not_shown_or_shown_as_another_is_refused(void)
{
	CLEANUP(secret_free) struct secret k = { 0 };
	struct tagged leaf[4] = { { .index = 3 }, { .index = 5 }, { .index = 9 }, { .index = 11 } };
	struct told told[3] = { { .index = 3, .asset = ASSET }, { .index = 5, .asset = ASSET }, { .index = 9, .asset = OTHER } };
	struct tagged_ask q = { leaf, 4, told, 3 };
	struct asset_path a = path(ASSET), o = path(OTHER);
	uint8_t key[2][TAG_LEN];
	struct err e;

	CHECK(secret_new(32, &k, &e) == COFFER_OK);
	tag_asset_key(&k, span_of(ASSET), key[0]);
	tag_asset_key(&k, span_of(OTHER), key[1]);
	tag_of(key[0], 0, leaf[0].tag);
	tag_of(key[0], 1, leaf[1].tag);
	tag_of(key[1], 0, leaf[2].tag);
	memset(leaf[3].tag, 9, TAG_LEN); /* somebody's */
	tagged_sort(leaf, 4);
	CHECK(tagged_hold(&q, &a, &k, &e) == COFFER_OK && tagged_hold(&q, &o, &k, &e) == COFFER_OK);
	CHECK(told[0].tagged && told[1].tagged && told[2].tagged);
	q.n_told = 2;
	CHECK(tagged_hold(&q, &a, &k, &e) == COFFER_OK);
	CHECK(tagged_hold(&q, &o, &k, &e) == COFFER_E_DENIED && strcmp(e.check, "ledger-withheld") == 0);
	q.n_told = 3;
	memcpy(told[1].asset, OTHER, sizeof(OTHER));
	CHECK(tagged_hold(&q, &a, &k, &e) == COFFER_E_DENIED && strcmp(e.check, "ledger-tags") == 0);
	q.n_leaves = 0;
	CHECK(tagged_hold(&q, &a, &k, &e) == COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(owner_and_service_come_to_one_key_and_nobody_else_to_it), T(tags_have_the_documented_values),
		T(entry_with_a_tag_that_is_not_shown_or_shown_as_another_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
