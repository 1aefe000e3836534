#include "cli/entry_text.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/json.h"
#include "trust/ledger/leaf.h"

#define WORD_MAX 512

/* "<before><the member>", or nothing where the entry has no such text. */
static void put(struct wr *w, const char *before, const struct json *data, const char *name)
{
	struct span s = json_str(json_get(data, name));
	char plain[WORD_MAX];

	span_plain(s, plain, sizeof(plain));
	if (s.n > 0)
		wr_fmt(w, "%s%s", before, plain);
}

static void put_number(struct wr *w, const char *before, const struct json *data, const char *name)
{
	uint64_t n;

	if (json_u64(json_get(data, name), &n))
		wr_fmt(w, "%s%llu", before, (unsigned long long)n);
}

static void genesis(struct wr *w, const struct json *data)
{
	put(w, "founded by the genesis ", data, "id");
}

static void statement(struct wr *w, const struct json *data)
{
	put(w, "", data, "kind");
	put(w, " statement of ", data, "issuer");
	put(w, " logged: ", data, "id");
}

static void release(struct wr *w, const struct json *data)
{
	put(w, "released ", data, "asset");
	put_number(w, " version ", data, "version");
	put(w, " to a guest on ", data, "platform");
	put(w, " of workload ", data, "workload");
	put(w, ", container ", data, "container");
	put(w, "; decision ", data, "decision");
}

static void denial(struct wr *w, const struct json *data)
{
	put(w, "denied ", data, "asset");
	put(w, " by ", data, "check");
	put(w, " to a guest of workload ", data, "workload");
	put(w, ", container ", data, "container");
	put(w, "; decision ", data, "decision");
}

static void refusal(struct wr *w, const struct json *data)
{
	put(w, "refused a statement of ", data, "by");
	put(w, " by ", data, "check");
	put(w, ": ", data, "id");
}

static void deletion(struct wr *w, const struct json *data)
{
	put(w, "deleted ", data, "asset");
}

static void loss(struct wr *w, const struct json *data)
{
	put_number(w, "the operator accepted a loss: entries lost ", data, "lost");
}

static void pruned(struct wr *w, const struct json *data)
{
	put_number(w, "the operator removed kept evidence: releases ", data, "pruned");
}

static const struct { const char *type; void (*say)(struct wr *w, const struct json *data); } kinds[] = {
	{ "genesis", genesis }, { "statement", statement }, { "release", release }, { "denial", denial },
	{ "refusal", refusal }, { "delete", deletion }, { "restored", loss },   { "pruned", pruned },
};

enum coffer_rc entry_text(uint64_t index, struct span record, struct wr *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *v, *data;
	struct span type, time;
	char when[32];

	TRY(json_parse(record, LEAF_RECORD_MAX, &doc, e));
	v = json_root(doc);
	TRY(json_need_obj(v, "data", "record", &data, e));
	TRY(json_need_str(v, "type", "record", &type, e));
	TRY(json_need_str(v, "time", "record", &time, e));
	span_plain(time, when, sizeof(when));
	wr_fmt(out, "%llu  %s  ", (unsigned long long)index, when);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (span_eq_str(type, kinds[i].type)) {
			kinds[i].say(out, data);
			wr_str(out, "\n");
			return wr_done(out, "entry", e);
		}
	}
	put(out, "", v, "type"); /* of a newer service: --json has the rest */
	wr_str(out, "\n");
	return wr_done(out, "entry", e);
}
