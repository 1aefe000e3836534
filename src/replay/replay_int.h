/* Between the files of replay alone. */
#pragma once
#include "decide/decide.h"
#include "replay/replay.h"
#include "trust/receipt.h"

/* The statements of a receipt as what a decision looks at. */
struct replay_facts {
	struct statement      *st;        /* owned, n_st of them: what the others borrow */
	size_t                 n_st;
	bool                   has_asset;
	struct fact_asset      asset;
	struct fact_workload  *workload;  /* owned, as all lists here */
	struct wr              initdata;  /* owned: its rendering */
	struct fact_approval  *approval;
	struct fact_service   *service;
	struct fact_boot      *boot;
	struct fact_tcb       *tcb;
	struct fact_release   *release;
	struct fact_delegation *delegation;
	struct fact_assessment *assessment;
	struct fact_binding    *binding;
	struct fact_revocation *revocation; /* by the map; of one that did not hold them: of minima and bindings, and nothing else that a receipt with force may hold */
	size_t n_workloads, n_approvals, n_services, n_boots, n_tcbs, n_releases, n_delegations, n_assessments, n_bindings, n_revocations;
};
void replay_facts_free(struct replay_facts *f);
static inline void replay_facts_freep(struct replay_facts **f) { replay_facts_free(*f); *f = NULL; }

/* out's boot image and registers, of a decision that holds. */
void replay_registers(const struct decide_in *in, const struct decision *d, struct replay_out *out);

/* As of the release. COFFER_E_LIMIT for more links than a decision looks at. */
enum coffer_rc replay_facts(const struct receipt_known *k, struct replay_facts **out, struct err *e) NODISCARD;
