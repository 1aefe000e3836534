/* A pod on a cloud's confidential machine: the certificate or quote of the processor below it. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/run_int.h"
#include "cli/selftest/take.h"
#include "crypto/hash.h"
#include "evidence/az_write.h"
#include "os/file.h"

static bool asks(const char *platform)
{
	return strcmp(platform, "auto") == 0 || span_starts(span_of(platform), "az-");
}

bool run_hardware(const char *platform, const char *path)
{
	CLEANUP(bundle_freep) struct bundle *b = calloc(1, sizeof(*b));
	uint8_t nonce[48]; /* the TPM's quote over it is not used */
	struct err e = { 0 };

	if (!b || !asks(platform))
		return false;
	random_bytes(nonce, sizeof(nonce));
	if (selftest_take(SPAN(nonce), b, &e) != COFFER_OK) {
		run_say("nothing is known of this machine's hardware beforehand: %s", e.msg);
		return false;
	}
	for (size_t i = 0; i < b->n_items; i++) {
		CLEANUP(wr_close) struct wr hw = { 0 };

		if (span_starts(span_of(b->item[i].platform), "az-") && az_hardware_read(wr_span(&b->item[i].evidence), &hw, &e) == COFFER_OK &&
		    file_write(path, wr_span(&hw), 0600, &e) == COFFER_OK)
			return true;
	}
	return false;
}
