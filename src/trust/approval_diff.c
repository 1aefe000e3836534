#include "trust/approval_diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "fmt/enc.h"

#define TEXT_MAX (ASSET_PATH_MAX + 64)

struct diff { diff_cb each; void *arg; };

static void say(const struct diff *d, enum diff_way way, const char *before, const char *value, const char *after)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s%s%s", before, value, after);
	d->each(d->arg, way, "", text);
}

/* ---- lists: what is in one and not in the other ---- */

struct list { const void *base; size_t size, n; void (*text)(const void *item, char out[static TEXT_MAX]); };

static const void *at(const struct list *l, size_t i)
{
	return (const char *)l->base + i * l->size;
}

static void plain(const void *item, char out[static TEXT_MAX])
{
	(void)snprintf(out, TEXT_MAX, "%s", (const char *)item);
}

static void path(const void *item, char out[static TEXT_MAX])
{
	plain(((const struct asset_path *)item)->text, out);
}

static void digest(const void *item, char out[static TEXT_MAX])
{
	hex_text((struct span){ item, 32 }, out);
}

static void assessed(const void *item, char out[static TEXT_MAX])
{
	const struct wants_assessed *w = item;

	(void)snprintf(out, TEXT_MAX, "%s:%s", w->by, assessed_name(w->about));
}

static bool has(const struct list *l, const char *text)
{
	char other[TEXT_MAX];

	for (size_t i = 0; i < l->n; i++) {
		l->text(at(l, i), other);
		if (strcmp(other, text) == 0)
			return true;
	}
	return false;
}

static void only_in(const struct diff *d, const struct list *a, const struct list *b, enum diff_way way, const char *before, const char *after)
{
	char text[TEXT_MAX];

	for (size_t i = 0; i < a->n; i++) {
		a->text(at(a, i), text);
		if (!has(b, text))
			say(d, way, before, text, after);
	}
}

/* more: what it is to have one more. */
static void lists(const struct diff *d, const char *what, const struct list *was, const struct list *is, enum diff_way more)
{
	only_in(d, is, was, more, what, " is new");
	only_in(d, was, is, more == DIFF_WIDER ? DIFF_NARROWER : DIFF_WIDER, what, " is no more");
}

#define LIST(a, field, count, how) ((struct list){ (a)->field, sizeof((a)->field[0]), (a)->count, how })
#define LISTS(d, what, field, count, how, more) lists(d, what, &LIST(was, field, count, how), &LIST(is, field, count, how), more)

/* ---- the rest ---- */

static void until(const struct diff *d, const struct approval *was, const struct approval *is)
{
	char a[CLOCK_TEXT_LEN], b[CLOCK_TEXT_LEN], text[64 + 2 * CLOCK_TEXT_LEN];

	if (was->until == is->until)
		return;
	clock_text(was->until, a);
	clock_text(is->until, b);
	(void)snprintf(text, sizeof(text), "until %s (was %s)", b, a);
	say(d, is->until > was->until ? DIFF_WIDER : DIFF_NARROWER, text, "", "");
}

static void uses(const struct diff *d, const struct approval *was, const struct approval *is)
{
	char text[128];

	if (is->has_uses && was->has_uses)
		(void)snprintf(text, sizeof(text), "uses: %" PRIu64 " from now on (was %" PRIu64 " in all; those are counted no more)", is->uses, was->uses);
	else if (is->has_uses)
		(void)snprintf(text, sizeof(text), "uses: %" PRIu64 " from now on (was any number)", is->uses);
	else
		(void)snprintf(text, sizeof(text), "uses: any number (was %" PRIu64 " in all)", was->uses);
	if (is->has_uses || was->has_uses)
		say(d, is->has_uses && was->has_uses ? DIFF_OTHER : is->has_uses ? DIFF_NARROWER : DIFF_WIDER, text, "", "");
}

static void width(const struct diff *d, const struct approval *was, const struct approval *is)
{
	if (is->or_narrower != was->or_narrower)
		say(d, is->or_narrower ? DIFF_WIDER : DIFF_NARROWER, "workloads at most as wide as this one are covered ", is->or_narrower ? "too" : "no more", "");
	if (strcmp(is->images_by, was->images_by) == 0)
		return;
	if (was->images_by[0])
		say(d, DIFF_NARROWER, "any image of ", was->images_by, " is no more");
	if (is->images_by[0])
		say(d, DIFF_WIDER, "any image of ", is->images_by, " is new");
}

void approval_diff(const struct approval *was, const struct approval *is, diff_cb each, void *arg)
{
	const struct diff d = { each, arg };

	if (!span_eq(SPAN(was->workload), SPAN(is->workload)))
		say(&d, DIFF_OTHER, "another workload", "", "");
	LISTS(&d, "asset ", asset, n_assets, path, DIFF_WIDER);
	LISTS(&d, "platform ", platform, n_platforms, plain, DIFF_WIDER);
	LISTS(&d, "boot image ", boot_image, n_boot_images, digest, DIFF_WIDER);
	LISTS(&d, "trust service ", service, n_services, digest, DIFF_WIDER);
	until(&d, was, is);
	uses(&d, was, is);
	LISTS(&d, "assessment by ", assessed, n_assessed, assessed, DIFF_NARROWER);
	LISTS(&d, "slot ", slot, n_slots, plain, DIFF_WIDER);
	LISTS(&d, "beside ", beside, n_beside, path, DIFF_WIDER);
	width(&d, was, is);
	if (!span_eq(SPAN(was->shown), SPAN(is->shown)))
		say(&d, DIFF_OTHER, "given on other words of the workload", "", "");
}
