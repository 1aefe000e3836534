/* What strangers can cause without being vouched for must not fill the journal: it is counted, and written in summary. */
#pragma once
#include "cofferd/keep/keep.h"

/* One failure that gets no entry of its own. Writes a summary entry when the last is a minute old; a failure to
 * write it loses nothing but the summary. */
void noise_count(struct keep *k);

/* May one more denial to a stranger be written this minute? */
bool noise_may_write(struct keep *k);
/* May one more statement of this party be logged this hour? Counted here; not for those that hold something back. */
bool noise_may_log(struct keep *k, const char *party);
/* May one more of this party be logged that holds something back, by its recovery quorum or not? Counted here; each has its own count, so that nobody with a stolen key
 * uses up the quorum's. False: in *wait seconds. */
bool noise_may_hold_back(struct keep *k, const char *party, bool quorum, int64_t *wait);
/* May one more refusal of a statement by this party, which k->registry holds? Each has its own share, or one could hide what another tries. */
bool noise_may_refuse(struct keep *k, const char *party);
