#include "cofferd/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "fmt/toml.h"
#include "os/file.h"

#define CONFIG_MAX (64u << 10)
#define EVIDENCE_MOST (UINT64_C(1) << 50) /* bytes */

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

/* A file's name, relative to the configuration's folder; "" stays "". */
static enum coffer_rc path(const struct json *v, const char *name, const char *dir, char *dst, size_t cap, struct err *e)
{
	char given[512];
	bool whole;

	TRY(text(v, name, "", given, sizeof(given), e));
	whole = given[0] == '/' || given[0] == '\0';
	if (snprintf(dst, cap, "%s%s%s", whole ? "" : dir, whole ? "" : "/", given) >= (int)cap)
		return err_set(e, COFFER_E_LIMIT, "%s: the path is too long", name);
	return COFFER_OK;
}

static enum coffer_rc read_paths(const struct json *v, const char *dir, struct config *c, struct err *e)
{
	TRY(text(v, "state", NULL, c->state, sizeof(c->state), e));
	if (c->state[0] != '/')
		return err_set(e, COFFER_E_INPUT, "state is not an absolute path");
	return path(v, "genesis", dir, c->genesis, sizeof(c->genesis), e);
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

/* Whether a URL is one that fetch takes is for fetch to say, before the service is ready. */
static enum coffer_rc read_collateral(const struct json *v, const char *dir, struct config_collateral *c, struct err *e)
{
	static const char *const names[] = { "enabled", "offline", "amd-url", "intel-url", "intel-root-url", "ca-file",
		"max-age", NULL };
	uint64_t age = CONFIG_MAX_AGE;

	c->enabled = true;
	c->max_age = CONFIG_MAX_AGE;
	if (!v)
		return COFFER_OK;
	if (json_type(v) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "collateral is no table");
	TRY(json_closed(v, names, "collateral", e));
	if (json_get(v, "enabled") && !json_bool(json_get(v, "enabled"), &c->enabled))
		return err_set(e, COFFER_E_INPUT, "enabled is neither true nor false");
	TRY(text(v, "offline", "", c->offline, sizeof(c->offline), e));
	if (c->offline[0] && c->offline[0] != '/')
		return err_set(e, COFFER_E_INPUT, "offline is not an absolute path");
	TRY(text(v, "amd-url", "", c->amd_url, sizeof(c->amd_url), e));
	TRY(text(v, "intel-url", "", c->intel_url, sizeof(c->intel_url), e));
	TRY(text(v, "intel-root-url", "", c->intel_root_url, sizeof(c->intel_root_url), e));
	TRY(path(v, "ca-file", dir, c->ca_file, sizeof(c->ca_file), e));
	if (json_get(v, "max-age") && (!json_u64(json_get(v, "max-age"), &age) || age == 0 || age > UINT32_MAX))
		return err_set(e, COFFER_E_INPUT, "max-age is no number of seconds from 1 to %u", UINT32_MAX);
	c->max_age = (uint32_t)age;
	return COFFER_OK;
}

static enum coffer_rc read_bytes(const struct json *v, const char *name, uint64_t *out, struct err *e)
{
	const struct json *m = json_get(v, name);

	if (m && (!json_u64(m, out) || *out == 0 || *out > EVIDENCE_MOST))
		return err_set(e, COFFER_E_INPUT, "%s is no number of bytes from 1 to %llu", name, (unsigned long long)EVIDENCE_MOST);
	return COFFER_OK;
}

static enum coffer_rc read_evidence(const struct json *v, struct config_evidence *c, struct err *e)
{
	static const char *const names[] = { "all", "owner", NULL };

	if (!v)
		return COFFER_OK;
	if (json_type(v) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "evidence is no table");
	TRY(json_closed(v, names, "evidence", e));
	TRY(read_bytes(v, "all", &c->all, e));
	return read_bytes(v, "owner", &c->owner, e);
}

static bool attest_by_name(const char *name, enum attest_by *out)
{
	static const char *const by[] = { [ATTEST_NONE] = "none", [ATTEST_TPM] = "tpm", [ATTEST_TSM] = "tsm", [ATTEST_AUTO] = "auto" };

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++)
		if (strcmp(by[i], name) == 0) {
			*out = (enum attest_by)i;
			return true;
		}
	return false;
}

/* What the machine is asked through: the path is whole, and nothing is said of what is not asked. */
static enum coffer_rc read_through(const struct json *v, const char *name, bool asked, char *dst, size_t cap, struct err *e)
{
	TRY(text(v, name, "", dst, cap, e));
	if (dst[0] && dst[0] != '/')
		return err_set(e, COFFER_E_INPUT, "%s is not an absolute path", name);
	if (dst[0] && !asked)
		return err_set(e, COFFER_E_INPUT, "%s goes with another platform", name);
	return COFFER_OK;
}

/* What is quoted names the service by its id. */
static enum coffer_rc read_attest(const struct json *v, const char *id, struct config_attest *a, struct err *e)
{
	static const char *const names[] = { "platform", "device", "request", NULL };
	char platform[8];

	if (!v)
		return COFFER_OK;
	if (json_type(v) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "attest is no table");
	TRY(json_closed(v, names, "attest", e));
	TRY(text(v, "platform", NULL, platform, sizeof(platform), e));
	if (!attest_by_name(platform, &a->by))
		return err_set(e, COFFER_E_INPUT, "platform is \"auto\", \"tsm\" (snp, tdx), \"tpm\" or \"none\"");
	TRY(read_through(v, "device", a->by == ATTEST_TPM || a->by == ATTEST_AUTO, a->device, sizeof(a->device), e));
	TRY(read_through(v, "request", a->by == ATTEST_TSM || a->by == ATTEST_AUTO, a->request, sizeof(a->request), e));
	if (a->by != ATTEST_NONE && !id[0])
		return err_set(e, COFFER_E_INPUT, "a service that attests itself needs an id in its configuration");
	return COFFER_OK;
}

enum coffer_rc config_parse(struct span in, const char *dir, struct config *out, struct err *e)
{
	static const char *const names[] = { "id", "listen", "state", "genesis", "genesis-digest", "log", "collateral", "evidence", "attest", NULL };
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
	if (read_collateral(json_get(v, "collateral"), dir, &c.collateral, e) != COFFER_OK)
		return err_wrap(e, "collateral");
	if (read_evidence(json_get(v, "evidence"), &c.evidence, e) != COFFER_OK)
		return err_wrap(e, "evidence");
	if (read_attest(json_get(v, "attest"), c.id, &c.attest, e) != COFFER_OK)
		return err_wrap(e, "attest");
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
