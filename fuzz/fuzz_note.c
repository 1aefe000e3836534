/* A note that is taken has text that may be signed and 1 to NOTE_SIGS_MAX signatures; a verifier key that is taken is written
 * again as it was; nothing here is signed by the key the target made up. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/ledger/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct note note;
	struct note_key k = { .name = "example.com/foo", .alg = NOTE_ED25519, .id = 0x530d903a };
	struct wr w = wr_open(NOTE_MAX);
	struct note_key vk;
	uint64_t by;
	struct err e;

	note.n_sigs = 99;
	if (note_parse((struct span){ p, n }, &note, &e) == COFFER_OK) {
		if (!note_text_ok(note.text) || note.n_sigs == 0 || note.n_sigs > NOTE_SIGS_MAX || note.text.p != p)
			abort();
		for (size_t i = 0; i < note.n_sigs; i++)
			if (!note_name_ok(note.sigs[i].name) || note.sigs[i].n == 0)
				abort();
		if (note_verify(&note, &k, 1, &by, &e) == COFFER_OK)
			abort();
	} else if (note.n_sigs != 99) {
		abort();
	}
	if (note_vkey_read((struct span){ p, n }, &vk, &e) == COFFER_OK) {
		note_vkey_write(&vk, &w);
		if (!span_eq(wr_span(&w), (struct span){ p, n }))
			abort();
	}
	wr_close(&w);
	return 0;
}
