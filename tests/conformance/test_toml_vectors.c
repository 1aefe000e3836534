/* The TOML files of the guest components: init-data, attestation agent, data hub,
 * registry rules. Where upstream tells what they mean, a member of each is compared. */
#include "fmt/enc.h"
#include "fmt/toml.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "tests/t.h"

#define FILE_MAX (1 << 20)

struct want {
	const char *path[5]; /* member names, or a number for an array item */
	const char *text;    /* the string there; NULL: it exists */
};

struct file {
	const char  *name;
	struct want  want[4];
};

static const struct file files[] = {
	{ "initdata/init-data.toml", { { { "version" }, "0.1.0" }, { { "algorithm" }, "sha256" }, { { "data", "policy.rego" },
		NULL } } },
	{ "config/aa/config.example.toml",
	  { { { "token_configs", "coco_as", "url" }, "http://127.0.0.1:8000" }, { { "token_configs", "kbs", "url" },
		"https://127.0.0.1:8080" },
	    { { "eventlog_config", "init_pcr" }, NULL }, { { "log", "level" }, "info" } } },
	{ "config/aa/config1.toml", { { { "token_configs", "coco_as", "url" }, "http://127.0.0.1:8000" }, { { "log",
		"level" }, "warn" } } },
	{ "config/aa/config2.toml", { { { "token_configs", "kbs", "cert" }, "cert" } } },
	{ "config/aa/config4.toml", { { { "token_configs" }, NULL }, { { "eventlog_config" }, NULL } } },
	{ "config/aa/config5.toml", { { { NULL }, NULL } } },
	{ "config/cdh/example.config.toml", { { { "kbc", "name" }, "cc_kbc" }, { { "socket" },
		"unix:///run/confidential-containers/cdh.sock" } } },
	{ "config/kbs_protocol_kbs-config.toml",
	  { { { "storage_backend", "backends", "local_fs", "dir_path" }, "/opt/confidential-containers/trustee" },
	    { { "plugins", "0", "storage_backend_type" }, "kvstorage" }, { { "attestation_service", "rvps_config", "type" },
		"BuiltIn" } } },
	{ "registry/registry-configuration.toml", { { { "registry", "1", "mirror", "0", "location" }, "127.0.0.1:5000" } } },
	{ "registry/unit.toml",
	  { { { "unqualified-search-registries", "1" }, "example1.com" }, { { "registry", "0", "prefix" }, "example.com/banned" },
	    { { "registry", "1", "mirror", "1", "location" }, "example-mirror-1.local/mirrors/foo" }, { { "registry", "2",
		"location" }, "docker.io" } } },
};
#define FILES (sizeof(files) / sizeof(files[0]))

static bool load(const char *dir, const char *name, struct wr *w)
{
	CLEANUP(freep) char *path = str_fmt("%s/vectors/guest/%s", dir, name);
	FILE *f = path ? fopen(path, "rbe") : NULL;
	uint8_t b[4096];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(b, 1, sizeof(b), f)) > 0)
		wr_put(w, (struct span){ b, n });
	(void)fclose(f);
	return wr_ok(w);
}

static const struct json *descend(const struct json *v, const char *const path[static 5])
{
	for (size_t i = 0; i < 5 && path[i]; i++) {
		uint64_t k;

		if (json_type(v) == JSON_ARRAY && span_u64(span_of(path[i]), &k))
			v = json_at(v, (size_t)k);
		else
			v = json_get(v, path[i]);
	}
	return v;
}

static bool file_ok(const char *dir, const struct file *f)
{
	CLEANUP(wr_close) struct wr w = wr_open(FILE_MAX);
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };

	if (!load(dir, f->name, &w) || toml_parse(wr_span(&w), FILE_MAX, &d, &e) != COFFER_OK) {
		printf("# %s: %s\n", f->name, e.rc ? e.msg : "cannot be read");
		return false;
	}
	for (size_t i = 0; i < sizeof(f->want) / sizeof(f->want[0]); i++) {
		const struct json *v = descend(json_root(d), f->want[i].path);

		if (!v || (f->want[i].text && !span_eq_str(json_str(v), f->want[i].text))) {
			printf("# %s: value %zu differs\n", f->name, i);
			return false;
		}
	}
	return true;
}

/* The digests of expected.json are over the bytes of the file, not over the parsed form. */
static bool digest_ok(const char *dir, enum hash_alg alg)
{
	CLEANUP(wr_close) struct wr text = wr_open(FILE_MAX), want = wr_open(FILE_MAX), hex = wr_open(200);
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct span digest = { 0 };
	uint8_t md[HASH_MAX];
	struct err e = { 0 };

	if (!load(dir, "initdata/init-data.toml", &text) || !load(dir, "initdata/expected.json", &want))
		return false;
	if (json_parse(wr_span(&want), FILE_MAX, &d, &e) != COFFER_OK ||
	    json_need_str(json_get(json_root(d), hash_name(alg)), "digest_hex", "expected.json", &digest, &e) != COFFER_OK) {
		printf("# %s\n", e.msg);
		return false;
	}
	hash_once(alg, wr_span(&text), md);
	hex_write(&hex, (struct span){ md, hash_len(alg) });
	return span_eq(wr_span(&hex), digest);
}

int main(void)
{
	static const enum hash_alg algs[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
	const char *dir = getenv("COFFER_SHARED");
	size_t n = 0;
	int bad = 0;

	if (dir && access(dir, R_OK) != 0)
		dir = NULL;
	printf("1..%zu\n", FILES + 3);
	for (size_t i = 0; i < FILES; i++) {
		bool ok = dir && file_ok(dir, &files[i]);

		printf("%sok %zu toml %s%s\n", ok || !dir ? "" : "not ", ++n, files[i].name,
			dir ? "" : " # SKIP no shared vectors");
		bad |= dir && !ok;
	}
	for (size_t i = 0; i < 3; i++) {
		bool ok = dir && digest_ok(dir, algs[i]);

		printf("%sok %zu initdata %s%s\n", ok || !dir ? "" : "not ", ++n, hash_name(algs[i]),
			dir ? "" : " # SKIP no shared vectors");
		bad |= dir && !ok;
	}
	return bad;
}
