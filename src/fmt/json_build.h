/* How the other readers of this folder (TOML, YAML) make a JSON document. Not for
 * use outside fmt/. A sticky failure (memory, duplicate member) shows at the end. */
#pragma once
#include "fmt/json.h"

struct json_build; /* owns a document under construction */
struct json_build *jb_new(void);                 /* NULL when out of memory */
void               jb_free(struct json_build *b);
struct json       *jb_null(struct json_build *b);
struct json       *jb_bool(struct json_build *b, bool v);
struct json       *jb_num(struct json_build *b, struct span literal); /* must be a JSON number */
struct json       *jb_str(struct json_build *b, struct span utf8);    /* copied; must be valid UTF-8 without NUL */
struct json       *jb_arr(struct json_build *b);
struct json       *jb_obj(struct json_build *b);
bool               jb_push(struct json_build *b, struct json *arr, struct json *item) NODISCARD;
bool jb_set(struct json_build *b, struct json *obj, struct span name, struct json *v) NODISCARD; /* false: duplicate or memory */
struct json       *jb_member(struct json *obj, struct span name);     /* NULL when absent */
struct json       *jb_last(struct json *arr);                         /* NULL when empty */
/* Takes b whatever happens. */
enum coffer_rc     jb_finish(struct json_build *b, struct json *root, struct json_doc **out, struct err *e) NODISCARD;
