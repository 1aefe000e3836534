/* The development platform "sample": evidence that proves nothing.
 *
 * `{"svn":"1","report_data":"<b64>","init_data":"<hex SHA-256>"}`. The last member is ours and stands for the register
 * that a real platform measures init-data into; upstream's attester sends `cc_eventlog` (null or text), which is
 * accepted and not looked at. Form only: nobody has signed any of it. docs/protocol/service.md.
 */
#pragma once
#include "fmt/json.h"

#define SAMPLE_REPORT_DATA_MAX 64
#define SAMPLE_SVN_MAX 32

struct sample_evidence {
	struct span svn;             /* borrowed from the JSON value */
	uint8_t     report_data[SAMPLE_REPORT_DATA_MAX];
	size_t      report_data_n;   /* bytes, 1..64 */
	bool        has_register;
	uint8_t     init_register[32];
};

/* COFFER_E_INPUT for a missing, foreign or misshapen member; *out is written only on success. */
enum coffer_rc sample_parse(const struct json *v, struct sample_evidence *out, struct err *e) NODISCARD;

/* Writes evidence with svn "1". init_register: 32 bytes, or NULL for none. COFFER_E_LIMIT beyond 64 bytes of report data. */
enum coffer_rc sample_write(struct span report_data, const uint8_t *init_register, struct wr *json, struct err *e) NODISCARD;
