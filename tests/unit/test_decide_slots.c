/* Slots: one workload, assets of many owners, and who must have consented to what meets what. */
#include "tests/unit/decide_fix.h"

static struct fact_binding binding[2];

static void bound(size_t n, const char *owner, const char *slot, const char *asset)
{
	struct fact_binding *b = &binding[n];

	*b = (struct fact_binding){ .s = fact(ST_BINDING, owner, (uint8_t)(0x70 + n)) };
	memset(b->body.workload, 0x22, 32);
	(void)snprintf(b->body.name, PARTY_MAX, "east");
	(void)snprintf(b->body.slot[0].name, PARTY_MAX, "%s", slot);
	b->body.slot[0].asset = path(asset);
	b->body.n_slots = 1;
	w.in.binding = binding;
	w.in.n_bindings = w.in.n_bound = n + 1;
}

/* The first container is entitled to what fills "left" and "right", and to nothing by name; the hospital binds its asset to "left" and
 * approved that. */
static void base_slots(void)
{
	struct manifest *m = &w.workload[0].manifest;

	base(&w);
	m->slot[0] = (struct man_slot){ span_of("left"), PURPOSE_API };
	m->slot[1] = (struct man_slot){ span_of("right"), PURPOSE_API };
	m->n_slots = 2;
	memset(w.container[0].entitlement, 0, sizeof(w.container[0].entitlement));
	w.container[0].entitlement[0] = (struct man_entitlement){ .slot = span_of("left"), .purpose = PURPOSE_API };
	w.container[0].entitlement[1] = (struct man_entitlement){ .slot = span_of("right"), .purpose = PURPOSE_API };
	w.container[0].n_entitlements = 2;
	w.container[1].n_entitlements = 0;
	bound(0, "hospital", "left", "hospital/a/b");
	(void)snprintf(w.approval[0].body.slot[0], PARTY_MAX, "left");
	w.approval[0].body.n_slots = 1;
}
#undef DENIES
#define DENIES(change, id, also) do { base_slots(); change; CHECK(denies(&w, id, also)); } while (0)
#define ALLOWS(change) do { base_slots(); change; CHECK(allows(&w)); } while (0)

static void asset_in_a_slot_is_released_to_whom_the_slot_is_for(void)
{
	ALLOWS();
	DENIES(w.in.n_bindings = w.in.n_bound = 0, "R7", "");                                     /* nothing fills it */
	CHECK(w.d.stranger);
	DENIES(w.in.n_bindings = 0, "R7", "");                                                    /* named, but never logged */
	DENIES(memset(binding[0].body.workload, 0x23, 32), "R7", "");                             /* of another workload */
	DENIES((void)snprintf(binding[0].body.slot[0].name, PARTY_MAX, "middle"), "R7", "R9");     /* no such slot */
	DENIES(binding[0].s.expires = NOW, "R7", "");
	DENIES(binding[0].s.superseded = true, "R7", "");
	CHECK(!w.d.stranger && strstr(w.d.check[7].found, "a newer one took its place"));
	DENIES(binding[0].s.issuer_may = false, "R7", "");
	DENIES((void)snprintf(binding[0].s.issuer, PARTY_MAX, "rival"), "R7", "");                /* another's asset: nobody binds it */
	DENIES(w.in.q.purpose = PURPOSE_VOLUME, "R7", "");
	DENIES(w.in.q.container = span_of("logger"), "R7", "");
	DENIES(w.container[0].entitlement[0].slot = span_of("right"), "R7", "");
	DENIES(binding[0].s.voided = true, "R11", "");
}

static void slot_that_two_bindings_fill_is_nobodys(void)
{
	DENIES(bound(1, "rival", "left", "rival/a/b"); w.approval[0].body.beside[0] = path("rival/a/b"); w.approval[0].body.n_beside = 1, "R7", "");
	DENIES(bound(1, "hospital", "left", "hospital/a/c"), "R7", "");
}

static void approval_names_the_slot(void)
{
	DENIES(w.approval[0].body.n_slots = 0, "R9", "R0 R3 R5");
	DENIES((void)snprintf(w.approval[0].body.slot[0], PARTY_MAX, "right"), "R9", "R0 R3 R5");
	CHECK(strstr(w.d.check[9].command, " --slot left"));
}

static void beside(const char *asset)
{
	w.approval[0].body.beside[0] = path(asset);
	w.approval[0].body.n_beside = 1;
}

static void assets_of_two_owners_meet_where_each_approved_the_pair(void)
{
	DENIES(bound(1, "clinic", "right", "clinic/a/b"), "R9", "R0 R3 R5");
	CHECK(strstr(w.d.check[9].command, " --slot left --beside kbs:///clinic/a/b"));
	ALLOWS(bound(1, "clinic", "right", "clinic/a/b"); beside("clinic/a/b"));
	DENIES(bound(1, "clinic", "right", "clinic/a/b"); beside("clinic/a/c"), "R9", "R0 R3 R5");
	DENIES(bound(1, "clinic", "right", "clinic/a/b"); binding[1].s.superseded = true, "R9", "R0 R3 R5"); /* what it put there may be there still */
	ALLOWS(bound(1, "acme", "right", "acme/a/b"));         /* the provider's own come with the workload */
	ALLOWS(bound(1, "hospital", "right", "hospital/a/c")); /* one owner's meet anyhow */
}

static void asset_named_in_the_manifest_meets_nobodys_unasked_either(void)
{
	const struct man_entitlement named = { .asset = path("hospital/a/b"), .purpose = PURPOSE_API };

	DENIES(bound(0, "clinic", "right", "clinic/a/b"); w.container[0].entitlement[0] = named, "R9", "R0 R3 R5");
	ALLOWS(bound(0, "clinic", "right", "clinic/a/b"); w.container[0].entitlement[0] = named; beside("clinic/a/b"); w.approval[0].body.n_slots = 0);
}

/* Clinic decides of hospital's asset too: what of hospital's alone it shall meet, clinic has not agreed to before it says so. */
static void who_decides_with_its_owner_names_the_owners_others_too(void)
{
	for (unsigned named = 0; named < 2; named++) {
		base_slots();
		w.in.asset.body.k = w.in.asset.body.n_of = 2;
		(void)snprintf(w.in.asset.body.of[1], PARTY_MAX, "clinic");
		bound(1, "hospital", "right", "hospital/a/c");
		w.approval[1] = w.approval[0];
		w.approval[1].s = fact(ST_APPROVAL, "clinic", 9);
		w.in.n_approvals = 2;
		w.approval[1].body.beside[0] = path("hospital/a/c");
		w.approval[1].body.n_beside = named;
		CHECK(named ? allows(&w) : denies(&w, "R9", "R0 R3 R5"));
		CHECK(named || strstr(w.d.check[9].command, " --slot left --beside kbs:///hospital/a/c"));
	}
}

static void revoked_binding_is_named_as_the_reason(void)
{
	DENIES(revoke(0x70, "hospital"), "R11", "");
	CHECK(strstr(w.d.check[11].found, "binding") && strstr(w.d.check[11].command, "workload bind"));
	/* Of whatever other owner, and replaced before or not: what it put there is to go. */
	DENIES(bound(1, "clinic", "right", "clinic/a/b"); beside("clinic/a/b"); revoke(0x71, "clinic"), "R11", "");
	DENIES(bound(1, "clinic", "right", "clinic/a/b"); beside("clinic/a/b"); binding[1].s.superseded = true; revoke(0x71, "clinic"), "R11", "");
	DENIES(bound(1, "clinic", "right", "clinic/a/b"); beside("clinic/a/b"); binding[1].s.expires = NOW; revoke(0x71, "clinic"), "R11", "");
	ALLOWS(bound(1, "clinic", "right", "clinic/a/b"); memset(binding[1].body.workload, 0x23, 32); revoke(0x71, "clinic")); /* no matter here */
}

int main(void)
{
	static const struct t_case cases[] = {
		T(asset_in_a_slot_is_released_to_whom_the_slot_is_for), T(slot_that_two_bindings_fill_is_nobodys), T(approval_names_the_slot),
		T(assets_of_two_owners_meet_where_each_approved_the_pair), T(asset_named_in_the_manifest_meets_nobodys_unasked_either),
		T(who_decides_with_its_owner_names_the_owners_others_too),
		T(revoked_binding_is_named_as_the_reason),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
