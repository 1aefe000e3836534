/* Between the files of the image tool only: an image of a layout, opened. */
#pragma once
#include "image/layout.h"
#include "image/tool.h"

struct tool_image {
	struct layout  *l;
	uint8_t         top[32]; /* digest the tag names: of the manifest, or of the index it was chosen from */
	bool            indexed;
	struct wr       text;    /* the linux/amd64 manifest */
	uint8_t         digest[32]; /* of text */
	struct image_manifest m;
};
void tool_image_clear(struct tool_image *t); /* CLEANUP-ready; OK on a zero struct */

/* Opens the layout and reads the manifest, through an index if need be. *t is zero before. */
enum coffer_rc tool_image_open(const struct image_at *at, struct tool_image *t, struct err *e) NODISCARD;
