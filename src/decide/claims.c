#include "decide/claims.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "fmt/json.h"

static void hex_member(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(128);

	hex_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

static bool has_less(uint64_t v, uint64_t than) /* some byte of v; than: in every byte, at most 0x80 */
{
	return ((v - than) & ~v & 0x8080808080808080u) != 0;
}

/* Bytes of s before the first eight among which one may end a text, escape in it, or be none of one: an event log is long, and nearly all text. */
static size_t plain(struct span s)
{
	const uint64_t ones = 0x0101010101010101u;
	size_t i = 0;

	for (; s.n - i >= 8; i += 8) {
		uint64_t v;

		memcpy(&v, s.p + i, sizeof(v));
		if (has_less(v, ones * 0x20) || has_less(v ^ ones * '"', ones) || has_less(v ^ ones * '\\', ones))
			break;
	}
	return i;
}

/* One JSON object and nothing behind it, as far as nesting goes: what eval wrote must not close more than it opened. */
static bool one_object(struct span s)
{
	size_t depth = 0;
	bool text = false;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c;

		i += text ? plain(span_skip(s, i)) : 0;
		if (i == s.n)
			break;
		c = s.p[i];
		if (c < 0x20)
			return false;
		if (text) {
			i += c == '\\';
			text = c != '"';
			continue;
		}
		text = c == '"';
		depth += c == '{' || c == '[';
		if ((c == '}' || c == ']') && depth-- == 0)
			return false;
		if (depth == 0)
			return c == '}' && i + 1 == s.n && s.p[0] == '{';
	}
	return false;
}

static void put_build(struct json_wr *j, struct span version)
{
	CLEANUP(wr_close) struct wr w = wr_open(128);

	wr_str(&w, "cofferd ");
	wr_put(&w, version);
	jw_m_str(j, "build", wr_span(&w));
}

bool shown_claims(const struct claims_in *in, struct wr *out)
{
	struct json_wr j = jw_open(out, false);

	if (!one_object(in->submods))
		return false;
	jw_obj(&j);
	hex_member(&j, "aud", (struct span){ in->genesis, 32 }); /* whoever follows it */
	jw_name(&j, "ear.verifier-id");
	jw_obj(&j);
	put_build(&j, in->build);
	jw_m_text(&j, "developer", "coffer");
	jw_obj_end(&j);
	jw_m_text(&j, "eat_profile", "tag:github.com,2024:confidential-containers/Trustee");
	jw_m_u64(&j, "exp", (uint64_t)in->time + CLAIMS_SECONDS);
	jw_m_u64(&j, "iat", (uint64_t)in->time);
	jw_m_str(&j, "iss", in->service.n > 0 ? in->service : span_of("coffer"));
	hex_member(&j, "jti", (struct span){ in->session, KEEP_SESSION_LEN });
	wr_str(out, ",\"submods\":"); /* the last in order */
	wr_put(out, in->submods);
	wr_str(out, "}");
	return true;
}

/* {"plugin":"resource","query":{},"resource-path":[party,type,tag]}: what upstream's release policies read. */
static void write_data(const struct asset_path *p, struct wr *w)
{
	struct span rest = span_of(asset_path_tail(p));
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_text(&j, "plugin", "resource");
	jw_name(&j, "query");
	jw_obj(&j);
	jw_obj_end(&j);
	jw_name(&j, "resource-path");
	jw_arr(&j);
	while (rest.n > 0) {
		size_t n = span_find(rest, '/');

		jw_str(&j, (struct span){ rest.p, n });
		rest = span_skip(rest, n + 1);
	}
	jw_arr_end(&j);
	jw_obj_end(&j);
}

enum coffer_rc policy_question(const struct decide_in *in, struct span claims, struct wr *data, struct eval_release_req *q, struct err *e)
{
	write_data(&in->q.path, data);
	TRY(wr_done(data, "data document", e));
	*q = (struct eval_release_req){ .now = in->now, .policy = in->asset.body.policy, .data = wr_span(data), .input = claims };
	return COFFER_OK;
}

void policy_answered(uint8_t tag, struct span said, struct policy_answer *out)
{
	*out = (struct policy_answer){ .asked = true, .allows = tag == EVAL_ALLOWS };
	eval_printable(said, out->reason, sizeof(out->reason));
}
