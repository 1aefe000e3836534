#include "cli/assets.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "client/service.h"
#include "trust/name.h"

#define REPLY_MAX (1u << 20)

/* after: of the page; then of the next, "" behind the last. */
static enum coffer_rc page(const struct asker *me, char after[static ASSET_PATH_MAX], asset_each *each, void *arg, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	char path[ASSET_PATH_MAX + 64];
	const struct json *list;
	struct asset_path next;
	struct span more;

	(void)snprintf(path, sizeof(path), "/coffer/v0/assets%s%s", after[0] ? "?after=" : "", after);
	TRY(home_call(me, &(struct service_req){ .method = "GET", .path = path }, REPLY_MAX, &res, e));
	TRY(json_parse(wr_span(&res.body), REPLY_MAX, &doc, e));
	TRY(json_need_arr(json_root(doc), "assets", "reply", &list, e));
	for (size_t i = 0; i < json_len(list); i++)
		TRY(each(arg, json_at(list, i), e));
	more = json_str(json_get(json_root(doc), "next")); /* none: of a service that gave all at once */
	if (more.n == 0) {
		after[0] = 0;
		return COFFER_OK;
	}
	TRY(asset_path_parse(more, &next, e));
	if (strcmp(next.text, after) <= 0)
		return err_set(e, COFFER_E_UPSTREAM, "the service's list of assets does not go on from %s", after);
	memcpy(after, next.text, sizeof(next.text));
	return COFFER_OK;
}

enum coffer_rc assets_each(const struct asker *me, asset_each *each, void *arg, struct err *e)
{
	char after[ASSET_PATH_MAX] = "";

	do
		TRY(page(me, after, each, arg, e));
	while (after[0]);
	return COFFER_OK;
}
