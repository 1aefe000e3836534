#include "cofferd/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "fmt/toml.h"
#include "os/file.h"

#define CONFIG_MAX (64u << 10)

/* Copies a text member; absent gives `fallback`, or an error when there is none. */
static enum coffer_rc text(const struct json *v, const char *name, const char *fallback, char *dst, size_t cap, struct err *e)
{
	const struct json *m = json_get(v, name);
	struct span s = json_str(m);

	if (!m) {
		if (!fallback)
			return err_set(e, COFFER_E_INPUT, "%s is missing", name);
		s = span_of(fallback);
	} else if (json_type(m) != JSON_STRING || s.n == 0) {
		return err_set(e, COFFER_E_INPUT, "%s is not a text", name);
	}
	if (s.n >= cap)
		return err_set(e, COFFER_E_LIMIT, "%s is longer than %zu bytes", name, cap - 1);
	memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return COFFER_OK;
}

static enum coffer_rc read_paths(const struct json *v, const char *dir, struct config *c, struct err *e)
{
	char name[512];

	TRY(text(v, "state", NULL, c->state, sizeof(c->state), e));
	if (c->state[0] != '/')
		return err_set(e, COFFER_E_INPUT, "state is not an absolute path");
	TRY(text(v, "genesis", "", name, sizeof(name), e));
	if (name[0] == '\0')
		return COFFER_OK;
	if (snprintf(c->genesis, sizeof(c->genesis), "%s%s%s", name[0] == '/' ? "" : dir, name[0] == '/' ? "" : "/", name) >=
	    (int)sizeof(c->genesis))
		return err_set(e, COFFER_E_LIMIT, "genesis: the path is too long");
	return COFFER_OK;
}

static enum coffer_rc read_digest(const struct json *v, struct config *c, struct err *e)
{
	struct span hex = json_str(json_get(v, "genesis-digest"));

	if (!json_get(v, "genesis-digest"))
		return COFFER_OK;
	if (hex.n != 64 || !hex_fixed(hex, c->digest, sizeof(c->digest)))
		return err_set(e, COFFER_E_INPUT, "genesis-digest is no hex SHA-256");
	c->has_digest = true;
	return COFFER_OK;
}

enum coffer_rc config_parse(struct span in, const char *dir, struct config *out, struct err *e)
{
	static const char *const names[] = { "id", "listen", "state", "genesis", "genesis-digest", "log", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct config c = { 0 };
	const struct json *v;
	char log[8];

	TRY(toml_parse(in, CONFIG_MAX, &doc, e));
	v = json_root(doc);
	TRY(json_closed(v, names, "configuration", e));
	TRY(text(v, "id", "", c.id, sizeof(c.id), e));
	if (c.id[0] && !party_ok(span_of(c.id)))
		return err_set(e, COFFER_E_INPUT, "id is not [a-z0-9][a-z0-9-]{0,62}");
	TRY(text(v, "listen", "127.0.0.1:8443", c.listen, sizeof(c.listen), e));
	TRY(read_paths(v, dir, &c, e));
	TRY(read_digest(v, &c, e));
	TRY(text(v, "log", "info", log, sizeof(log), e));
	c.log_all = strcmp(log, "info") == 0;
	if (!c.log_all && strcmp(log, "warn") != 0)
		return err_set(e, COFFER_E_INPUT, "log is \"info\" or \"warn\"");
	*out = c;
	return COFFER_OK;
}

enum coffer_rc config_load(const char *path, struct config *out, struct err *e)
{
	CLEANUP(wr_close) struct wr in = wr_open(CONFIG_MAX);
	const char *slash = strrchr(path, '/');
	char dir[512];

	if (snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".") >= (int)sizeof(dir))
		return err_set(e, COFFER_E_LIMIT, "%s: the path is too long", path);
	TRY(file_read(path, CONFIG_MAX, &in, e));
	if (config_parse(wr_span(&in), dir, out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}
