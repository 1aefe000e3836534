/* What a receipt says a guest showed: bounded, and what is taken can be bound and asked about again. */
#include <stdlib.h>

#include "base/own.h"
#include "decide/shown.h"
#include "fmt/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(shown_clear) struct shown_doc d = { 0 };
	CLEANUP(members_clear) struct member_set members = { 0 };
	struct tee_key key;
	struct bound b = { .n = 0 };
	struct err e = { 0 };

	if (json_parse((struct span){ p, n }, SHOWN_DOC_MAX, &doc, &e) != COFFER_OK)
		return 0;
	if (shown_read(json_root(doc), &d, &e) != COFFER_OK) {
		if (d.evidence.p || d.s.n_members)
			abort();
		return 0;
	}
	if (d.s.n_files > KEEP_FILES_MAX || d.s.n_members == 0 || d.s.n_members > KEEP_MEMBERS_MAX || d.s.member != d.member)
		abort();
	if (members_copy(d.s.member, d.s.n_members, &members, &e) == COFFER_OK)
		(void)!tee_key_read(&members, &key, &e);
	if (shown_bind(&d.s, &b, &e) == COFFER_OK && (b.n == 0 || b.n > HASH_MAX))
		abort();
	return 0;
}
