/* Reference values for the token's appraisal: what the provider of the workload that the init-data names says in its boot-image and tcb
 * statements in force. They make a token affirm or not; what an owner demands is asked again at release (R3 to R5, R10). */
#pragma once
#include "cofferd/keep/registry.h"

#define REFERENCE_STATEMENTS_MAX 64

/* A JSON object, name -> value; {} where no workload in force renders to this init-data, or its provider says nothing.
 * Asked again for the same second while no statement has changed it is what it was. Call outside transactions, as registry_facts.
 * COFFER_E_LIMIT when more statements than that are in force: cut, they would refuse for no reason that anybody could see. */
enum coffer_rc registry_references(struct registry *r, const uint8_t initdata[static 32], int64_t now, struct wr *out,
    struct err *e) NODISCARD;
