#include "trust/manifest.h"

#include "tests/unit/manifest_fix.h"

static char *good_text(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_P256);

	return fix_manifest(privkey_public(k));
}

static void manifest_parse_reads_every_member(void)
{
	CLEANUP(freep) char *text = good_text();
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	const struct man_container *c;
	struct asset_path p;
	uint8_t d[32];
	struct err e;

	CHECK(manifest_parse(span_of(text), &m, &e) == COFFER_OK);
	c = manifest_container(&m, span_of("analyse"));
	CHECK(c != NULL && manifest_container(&m, span_of("other")) == NULL);
	if (!c)
		return;
	CHECK(span_eq_str(m.name, "risk") && strcmp(m.provider, "acme") == 0 && strcmp(m.service_id, "trust") == 0 && m.genesis[0] ==
	    0x11);
	CHECK(c->uid == 1000 && c->gid == 0 && c->read_only_root && c->n_mounts == 2 && c->n_entitlements == 3 && c->n_outputs == 1);
	CHECK(c->image_digest[0] == 0x44 && strcmp(c->image_provider, "imaker") == 0 && span_eq_str(c->method_type, "sigstoreSigned"));
	CHECK(c->output[0].max_bytes == 1048576 && strcmp(c->output[0].to, "clinic") == 0 && c->output[0].key.kind == KEY_P256);
	CHECK(manifest_volume(&m, span_of("patients"))->kind == VOL_SEALED && manifest_volume(&m, span_of("x")) == NULL);
	CHECK(strcmp(asset_path_tail(&m.volume[0].asset), "hospital/data-key/patients") == 0 &&
	    strcmp(asset_path_tail(&c->entitlement[0].asset), "imaker/image-key/app") == 0);
	CHECK(asset_path_parse(span_of("hospital/note/greeting"), &p, &e) == COFFER_OK);
	CHECK(manifest_entitles(c, &p, PURPOSE_API) && !manifest_entitles(c, &p, PURPOSE_VOLUME));
	CHECK(manifest_lists(m.host_logs, span_of("analyse")) && !manifest_lists(m.host_logs, span_of("anal")) &&
	    !manifest_lists(m.host_signals, span_of("9")));
	sha256(span_of(text), d);
	CHECK(span_eq(SPAN(d), SPAN(m.digest)) && span_eq_str(wr_span(&m.canon), text));
}

static void manifest_parse_gives_one_digest_to_all_spellings(void)
{
	CLEANUP(freep) char *text = good_text(), *spaced = fix_edit(text, "\"genesis\":", "\n \"genesis\" : ");
	CLEANUP(manifest_clear) struct manifest a = { 0 }, b = { 0 };
	struct err e;

	CHECK(manifest_parse(span_of(text), &a, &e) == COFFER_OK && manifest_parse(span_of(spaced), &b, &e) == COFFER_OK);
	CHECK(span_eq(SPAN(a.digest), SPAN(b.digest)));
}

/* Exactly the command line, in exactly the container. */
static void manifest_exec_finds_what_is_listed_and_nothing_else(void)
{
	static const char *const argv[] = { "/bin/a", "-v", "/bin/ab", "", "/bin/a\n-v" };
	CLEANUP(freep) char *text = good_text(),
		       *with = fix_edit(text, "\"logs\"", "\"exec\":[{\"args\":[\"/bin/a\",\"-v\"],\"container\":\"analyse\"},{\"args\":[\"/bin/b\"],\"container\":\"analyse\"}],\"logs\"");
	CLEANUP(manifest_clear) struct manifest none = { 0 }, m = { 0 };
	CLEANUP(wr_close) struct wr said = wr_open(1u << 20);
	CLEANUP(freep) char *shown = NULL;
	char *const *const v = (char *const *)(uintptr_t)argv;
	struct err e;

	CHECK(manifest_parse(span_of(text), &none, &e) == COFFER_OK && manifest_parse(span_of(with), &m, &e) == COFFER_OK);
	CHECK(manifest_exec(&m, span_of("analyse"), v, 2) != NULL);
	CHECK(!manifest_exec(&m, span_of("analyse"), v, 1) && !manifest_exec(&m, span_of("analyse"), v, 3) && !manifest_exec(&m, span_of("analyse"), v, 0));
	CHECK(!manifest_exec(&m, span_of("analyse"), v + 1, 1) && !manifest_exec(&m, span_of("analyse"), v + 2, 2) && !manifest_exec(&m, span_of("analyse"), v + 4, 1));
	CHECK(!manifest_exec(&m, span_of("other"), v, 2) && !manifest_exec(&none, span_of("analyse"), v, 2));
	manifest_describe(&m, &said);
	shown = wr_take(&said, NULL);
	CHECK(shown && strstr(shown, "host runs   in analyse, and reads what it prints: '/bin/a' '-v'\n"));
}

#define MOUNT1 "{\"destination\":\"/data\",\"read-only\":true,\"volume\":\"patients\"}"
#define VOLENT "{\"asset\":\"kbs:///hospital/data-key/patients\",\"purpose\":\"volume\",\"volume\":\"patients\"}"

static void manifest_parse_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		/* the pod */
		{ "\"version\":1", "\"version\":2", "version" }, { "\"name\":\"risk\"", "\"name\":\"Risk\"", "name" }, { "\"name\":\"risk\"",
		    "\"name\":\"a/b\"", "name" },
		{ "\"provider\":\"acme\"", "\"provider\":\"\"", "provider" }, { "\"genesis\":\"11", "\"genesis\":\"1", "genesis" },
		{ "\"version\":1", "\"version\":1,\"kernel\":\"x\"", "not known" }, { "\"id\":\"trust\",", "", "id" },
		{ "https://127.0.0.1:8443", "http://127.0.0.1:8443", "https" }, { "https://127.0.0.1:8443", "https://a@b", "https" },
		{ "https://127.0.0.1:8443", "https://", "https" }, { "https://127.0.0.1:8443", "https://a\\\"b", "https" },
		{ "https://127.0.0.1:8443", "https://a?b", "https" }, { "https://127.0.0.1:8443", "https://a b", "https" },
		{ "\"url\":", "\"ca\":\"\",\"url\":", "not known" },
		{ "\"platforms\":[\"sample\"]", "\"platforms\":[]", "platforms" }, { "\"platforms\":[\"sample\"]",
		    "\"platforms\":[\"sample\",\"sample\"]", "twice" },
		{ "\"platforms\":[\"sample\"]", "\"platforms\":[\"*\"]", "platform" }, { "\"platforms\":[\"sample\"]", "\"platforms\":[\"snp+\"]", "platform" },
		{ "\"platforms\":[\"sample\"],", "", "platforms" },
		{ "\"logs\":[\"analyse\"]", "\"logs\":[\"other\"]", "container that is not there" }, { "\"logs\":[\"analyse\"]",
		    "\"logs\":[\"analyse\",\"analyse\"]", "twice" },
		{ "\"logs\":[\"analyse\"],", "", "logs" }, { "\"signals\":[9,15]", "\"signals\":[0]", "signal" }, { "\"signals\":[9,15]",
		    "\"signals\":[65]", "signal" },
		{ "\"signals\":[9,15]", "\"signals\":[\"9\"]", "signal" }, { "\"signals\":", "\"attach\":true,\"signals\":", "not known" },
		{ "\"logs\"", "\"exec\":true,\"logs\"", "exec" },
		{ "\"logs\"", "\"exec\":[],\"logs\"", "exec" },
		{ "\"logs\"", "\"exec\":[{\"args\":[],\"container\":\"analyse\"}],\"logs\"", "args" },
		{ "\"logs\"", "\"exec\":[{\"args\":[\"\"],\"container\":\"analyse\"}],\"logs\"", "no program" },
		{ "\"logs\"", "\"exec\":[{\"args\":[7],\"container\":\"analyse\"}],\"logs\"", "not a string" },
		{ "\"logs\"", "\"exec\":[{\"args\":[\"/bin/a\"],\"container\":\"other\"}],\"logs\"", "not there" },
		{ "\"logs\"", "\"exec\":[{\"args\":[\"/bin/a\"],\"container\":\"analyse\",\"user\":0}],\"logs\"", "not known" },
		{ "\"logs\"", "\"exec\":[{\"args\":[\"/bin/a\"],\"container\":\"analyse\"},{\"args\":[\"/bin/a\"],\"container\":\"analyse\"}],\"logs\"", "exec twice" },
		{ "\"127.0.0.1:5000\"", "\"http://x\"", "plain-http" }, { "\"127.0.0.1:5000\"", "\"\"", "plain-http" }, { "\"plain-http\":",
		    "\"mirrors\":[],\"plain-http\":", "not known" },
		{ "\"registries\":{\"plain-http\":[\"127.0.0.1:5000\"]},", "", "registries" },
		/* volumes */
		{ "{\"kind\":\"empty\",\"name\":\"out\"}", "{\"kind\":\"empty\",\"name\":\"patients\"}", "two volumes" },
		{ "{\"kind\":\"empty\",\"name\":\"out\"}", "{\"asset\":\"kbs:///a/b/c\",\"kind\":\"empty\",\"name\":\"out\"}", "no asset" },
		{ "{\"kind\":\"empty\",\"name\":\"out\"}", "{\"kind\":\"host\",\"name\":\"out\"}", "kind" },
		{ "{\"kind\":\"empty\",\"name\":\"out\"}", "{\"kind\":\"empty\",\"name\":\"../out\"}", "name" },
		{ "{\"kind\":\"empty\",\"name\":\"out\"}", "{\"kind\":\"empty\",\"name\":\"out\",\"size\":1}", "not known" },
		{ "{\"asset\":\"kbs:///hospital/data-key/patients\",\"kind\":\"sealed\"", "{\"kind\":\"sealed\"", "asset" },
		{ "{\"asset\":\"kbs:///hospital/data-key/patients\",\"kind\":\"sealed\"",
		    "{\"asset\":\"kbs:///hospital/data-key/other\",\"kind\":\"sealed\"", "different assets" },
		/* container */
		{ "\"args\":[\"/bin/analyse\",\"\"]", "\"args\":[]", "args" }, { "\"args\":[\"/bin/analyse\",\"\"]", "\"args\":[\"\"]",
		    "no program" },
		{ "\"args\":[\"/bin/analyse\",\"\"]", "\"args\":[1]", "args" }, { "\"cwd\":\"/\"", "\"cwd\":\"tmp\"", "cwd" }, {
		    "\"cwd\":\"/\"", "\"cwd\":\"/a/../b\"", "cwd" },
		{ "\"env\":[\"PATH=/bin\"", "\"env\":[\"PATH\"", "NAME=value" }, { "\"env\":[\"PATH=/bin\"", "\"env\":[\"=x\"", "NAME=value" },
		{ "\"env\":[\"PATH=/bin\"", "\"env\":[\"NOTE=c\"", "twice" }, { "\"env\":[\"PATH=/bin\"", "\"env\":[7", "NAME=value" },
		{ "\"uid\":1000", "\"uid\":4294967295", "uid" }, { "\"gid\":0", "\"gid\":-1", "gid" }, { "\"groups\":[7]",
		    "\"groups\":[\"7\"]", "group" }, { "\"uid\":1000", "\"uid\":1,\"x\":1", "not known" },
		{ "\"CAP_CHOWN\"", "\"chown\"", "CAP_" }, { "\"CAP_CHOWN\"", "\"CAP_CHOWN\",\"CAP_CHOWN\"", "twice" }, {
		    "\"read-only-root\":true,", "", "read-only-root" },
		{ "\"read-only-root\":true", "\"read-only-root\":\"yes\"", "read-only-root" }, { "\"role\":\"business\"",
		    "\"role\":\"debug\"", "role" },
		{ "\"role\":\"business\"", "\"role\":\"business\",\"privileged\":true", "not known" }, { "\"capabilities\":[\"CAP_CHOWN\"],",
		    "", "capabilities" },
		{ "\"name\":\"analyse\"", "\"name\":\"an alyse\"", "name" },
		/* image */
		{ "app@sha256:44", "app:latest@sha256:4", "reference" }, { "registry.example/app@sha256:" FIX_DIGEST,
		    "registry.example/app:1", "reference" },
		{ "registry.example/app@sha256:" FIX_DIGEST, "@sha256:" FIX_DIGEST, "reference" }, { "registry.example/app@sha256:",
		    "registry.example/app@sha512:", "reference" },
		{ "sigstoreSigned", "insecureAcceptAnything", "image method" }, { "-----BEGIN PUBLIC", "-----BEGIN RSA PRIVATE",
		    "image method" },
		{ "\"method\":{\"key\":\"" FIX_PEM "\",\"type\":\"sigstoreSigned\"},", "", "method" }, { "\"provider\":\"imaker\"",
		    "\"provider\":\"I\"", "provider" },
		/* mounts */
		{ "\"destination\":\"/data\"", "\"destination\":\"/\"", "destination" }, { "\"destination\":\"/data\"",
		    "\"destination\":\"/data/\"", "destination" },
		{ "\"destination\":\"/data\"", "\"destination\":\"/out\"", "one destination" }, { "\"destination\":\"/data\"",
		    "\"destination\":\"/a//b\"", "destination" },
		{ MOUNT1, "{\"destination\":\"/data\",\"read-only\":true,\"volume\":\"nowhere\"}", "volume that is not there" },
		{ MOUNT1, "{\"destination\":\"/data\",\"read-only\":1,\"volume\":\"patients\"}", "read-only" }, {
		    "\"read-only\":true,\"volume\"", "\"options\":[],\"read-only\":true,\"volume\"", "not known" },
		/* entitlements */
		{ "," VOLENT, "", "not entitled" }, { VOLENT, VOLENT "," VOLENT, "same entitlement" },
		{ VOLENT, "{\"asset\":\"kbs:///hospital/data-key/other\",\"purpose\":\"volume\",\"volume\":\"patients\"}", "different assets" },
		{ VOLENT, "{\"asset\":\"kbs:///hospital/data-key/patients\",\"purpose\":\"volume\",\"volume\":\"out\"}", "not" },
		{ "\"purpose\":\"api\"}]", "\"purpose\":\"api\"},{\"asset\":\"kbs:///a/b/c\",\"purpose\":\"volume\",\"volume\":\"out\"}]",
		    "sealed volume that is not there" },
		{ "\"purpose\":\"api\"}]", "\"purpose\":\"api\",\"volume\":\"out\"}]", "only purpose" }, { "\"purpose\":\"api\"",
		    "\"purpose\":\"root\"", "purpose" },
		{ "\"asset\":\"kbs:///hospital/note/greeting\"", "\"asset\":\"hospital/note/greeting\"", "written" },
		{ VOLENT, "{\"path\":\"/x\"," "\"asset\":\"kbs:///hospital/data-key/patients\",\"purpose\":\"volume\",\"volume\":\"patients\"}", "not known" },
		/* other closed objects and lists */
		{ "\"127.0.0.1:5000\"", "\"a:1\",\"a:1\"", "twice" }, { "\"provider\":\"imaker\"",
		    "\"pull\":\"always\",\"provider\":\"imaker\"", "not known" },
		{ "\"type\":\"sigstoreSigned\"", "\"type\":\"sigstoreSigned\",\"rekor\":\"\"", "not known" },
		{ "\"args\":[\"/bin/analyse\",\"\"]", "\"args\":[\"/bin/analyse\",1]", "not a string" },
		/* what happens when a lease lapses */
		{ "\"outputs\":[", "\"on-lapse\":7,\"outputs\":[", "on-lapse" },
		{ "\"image\":{", "\"image\":{\"attestations\":[],", "attestations" }, { "\"image\":{", "\"image\":{\"attestations\":[\"sbom\"],", "predicate type" },
		{ "\"image\":{", "\"image\":{\"attestations\":[\"a:b\",\"a:b\"],", "twice" }, { "\"image\":{", "\"image\":{\"attestations\":\"a:b\",", "attestations" },
		{ "\"image\":{", "\"image\":{\"minimum-version\":0,", "minimum-version" }, { "\"image\":{", "\"image\":{\"minimum-version\":-1,", "minimum-version" },
		{ "\"image\":{", "\"image\":{\"minimum-version\":\"3\",", "minimum-version" }, { "\"image\":{", "\"image\":{\"minimum-version\":1.5,", "minimum-version" },
		{ "\"image\":{", "\"image\":{\"minimum-version\":9007199254740992,", "minimum-version" }, { "\"image\":{", "\"image\":{\"minimum-version\":null,", "minimum-version" },
		{ "\"image\":{", "\"image\":{\"minimum\":3,", "not known" },
		{ "\"outputs\":[", "\"on-lapse\":{\"action\":\"keep\",\"check\":1,\"grace\":0,\"term\":0},\"outputs\":[", "neither stop nor wipe" },
		{ "\"outputs\":[", "\"on-lapse\":{\"action\":\"stop\",\"check\":0,\"grace\":0,\"term\":0},\"outputs\":[", "check" },
		{ "\"outputs\":[", "\"on-lapse\":{\"action\":\"stop\",\"check\":1,\"grace\":86401,\"term\":0},\"outputs\":[", "grace" },
		{ "\"outputs\":[", "\"on-lapse\":{\"action\":\"stop\",\"check\":1,\"grace\":0,\"term\":61},\"outputs\":[", "term" },
		{ "\"outputs\":[", "\"on-lapse\":{\"action\":\"stop\",\"check\":1,\"grace\":0},\"outputs\":[", "term" },
		/* outputs */
		{ "\"max-bytes\":1048576", "\"max-bytes\":0", "max-bytes" }, { "\"max-bytes\":1048576", "\"max-bytes\":1048577", "max-bytes" },
		{ "\"path\":\"/out/result.txt\"", "\"path\":\"/out/../result.txt\"", "path" }, { "\"to\":\"clinic\"", "\"to\":\"\"", "to" }, {
		    "\"name\":\"result\"", "\"name\":\"a.b\"", "name" },
		{ "\"name\":\"result\"", "\"name\":\"result\",\"plain\":true", "not known" },
	};
	CLEANUP(freep) char *good = good_text();
	struct err e;

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		CLEANUP(freep) char *text = fix_edit(good, edits[i].from, edits[i].to);
		CLEANUP(manifest_clear) struct manifest m = { 0 };

		CHECK(text != NULL);
		CHECK(text && fix_refused(manifest_parse(span_of(text), &m, &e), &e, &edits[i]));
		CHECK(m.container == NULL && m.canon.p == NULL && m.doc == NULL);
	}
}

static void manifest_parse_refuses_two_containers_of_one_name(void)
{
	CLEANUP(freep) char *good = good_text();
	const char *from = strstr(good, "{\"args\""), *to = strstr(good, ",\"genesis\"") - 1;
	CLEANUP(freep) char *text = str_fmt("%.*s%.*s,%s", (int)(to - good), good, (int)(0), "", from);
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	struct err e;

	CHECK(manifest_parse(span_of(text), &m, &e) == COFFER_E_INPUT && strstr(e.msg, "two containers"));
}

static void manifest_parse_refuses_two_outputs_of_one_name(void)
{
	CLEANUP(freep) char *good = good_text();
	const char *from = strstr(good, "\"outputs\":[") + 11, *to = strstr(from, "}]") + 1;
	CLEANUP(freep) char *text = str_fmt("%.*s,%.*s%s", (int)(to - good), good, (int)(to - from), from, to);
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	struct err e;

	CHECK(manifest_parse(span_of(text), &m, &e) == COFFER_E_INPUT && strstr(e.msg, "two outputs"));
}

static void manifest_read_borrows_and_refuses_like_parse(void)
{
	CLEANUP(freep) char *good = good_text(), *text = fix_edit(good, "\"version\":1", "\"version\":2");
	CLEANUP(json_freep) struct json_doc *doc = NULL, *bad = NULL;
	CLEANUP(manifest_clear) struct manifest m = { 0 }, none = { 0 };
	struct err e;

	CHECK(json_parse(span_of(good), MAN_FILE_MAX, &doc, &e) == COFFER_OK && json_parse(span_of(text), MAN_FILE_MAX, &bad, &e) ==
	    COFFER_OK);
	CHECK(manifest_read(json_root(doc), &m, &e) == COFFER_OK && m.doc == NULL && span_eq_str(wr_span(&m.canon), good));
	CHECK(manifest_read(json_root(bad), &none, &e) == COFFER_E_INPUT && none.container == NULL);
}

static void manifest_parse_refuses_every_prefix(void)
{
	CLEANUP(freep) char *good = good_text();

	for (size_t n = 0; n < strlen(good); n++) {
		CLEANUP(freep) uint8_t *p = fix_exact((struct span){ (const uint8_t *)good, n });
		CLEANUP(manifest_clear) struct manifest m = { 0 };
		struct err e;

		CHECK(manifest_parse((struct span){ p, n }, &m, &e) != COFFER_OK);
	}
}

/* ---- init-data ---- */

static char *toml_escaped(const char *s)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);

	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			wr_u8(&w, '\\');
		wr_u8(&w, (uint8_t)*s);
	}
	return wr_take(&w, NULL);
}

static void manifest_render_gives_the_documented_bytes(void)
{
	CLEANUP(freep) char *text = good_text(), *inner = toml_escaped(text);
	CLEANUP(freep) char *want = str_fmt("version = \"0.1.0\"\nalgorithm = \"sha256\"\n\n[data]\n"
	    "\"aa.toml\" = \"[token_configs.kbs]\\nurl = \\\"https://127.0.0.1:8443\\\"\\n\"\n\"coffer.json\" = \"%s\"\n", inner);
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(MAN_INITDATA_MAX);
	struct err e;

	CHECK(manifest_parse(span_of(text), &m, &e) == COFFER_OK && manifest_render(&m, &w, &e) == COFFER_OK);
	CHECK(span_eq_str(wr_span(&w), want));
}

static void manifest_from_initdata_takes_the_rendering_back(void)
{
	CLEANUP(freep) char *text = good_text();
	CLEANUP(manifest_clear) struct manifest m = { 0 }, back = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(MAN_INITDATA_MAX);
	struct err e;

	CHECK(manifest_parse(span_of(text), &m, &e) == COFFER_OK && manifest_render(&m, &w, &e) == COFFER_OK);
	CHECK(manifest_from_initdata(wr_span(&w), &back, &e) == COFFER_OK);
	CHECK(span_eq(SPAN(m.digest), SPAN(back.digest)) && asset_path_eq(&m.volume[0].asset, &back.volume[0].asset));
}

static void manifest_from_initdata_refuses_every_other_spelling(void)
{
	static const struct { const char *from, *to; } edits[] = {
		{ "algorithm = \"sha256\"", "algorithm = \"sha384\"" }, { "\n\n[data]", "\n[data]" }, { "[data]\n", "[data] # x\n" },
		{ "url = \\\"https://127.0.0.1:8443", "url = \\\"https://127.0.0.1:8444" }, { "\"aa.toml\" = ", "\"aa.toml\"  = " },
		{ "\"coffer.json\" = \"{", "\"policy.rego\" = \"\"\n\"coffer.json\" = \"{" }, { "\"coffer.json\" = \"{",
		    "\"coffer.json\" = \" {" },
		{ "version = \"0.1.0\"", "version = \"0.1.1\"" }, { "[token_configs.kbs]", "[token_configs.kbs2]" },
	};
	CLEANUP(freep) char *text = good_text(), *good = NULL;
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	struct wr w = wr_open(MAN_INITDATA_MAX);
	struct err e;

	CHECK(manifest_parse(span_of(text), &m, &e) == COFFER_OK && manifest_render(&m, &w, &e) == COFFER_OK);
	good = wr_take(&w, NULL);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		CLEANUP(freep) char *bad = fix_edit(good, edits[i].from, edits[i].to);
		CLEANUP(manifest_clear) struct manifest out = { 0 };

		CHECK(bad != NULL);
		CHECK(bad && manifest_from_initdata(span_of(bad), &out, &e) == COFFER_E_DENIED && strcmp(e.check, "initdata") == 0);
		CHECK(out.container == NULL);
	}
}

static void manifest_from_initdata_refuses_documents_without_a_manifest(void)
{
	static const char *const bad[] = { "", "version = \"0.1.0\"\n", "[data]\n", "[data]\n\"coffer.json\" = 1\n",
	    "[data]\n\"coffer.json\" = \"{}\"\n", "[data\n" };
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(manifest_from_initdata(span_of(bad[i]), &m, &e) != COFFER_OK);
}

static void manifest_from_initdata_refuses_every_prefix(void)
{
	CLEANUP(freep) char *text = good_text();
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(MAN_INITDATA_MAX);
	struct err e;

	CHECK(manifest_parse(span_of(text), &m, &e) == COFFER_OK && manifest_render(&m, &w, &e) == COFFER_OK);
	for (size_t n = 0; n < w.n; n++) {
		CLEANUP(freep) uint8_t *p = fix_exact((struct span){ w.p, n });
		CLEANUP(manifest_clear) struct manifest out = { 0 };

		CHECK(manifest_from_initdata((struct span){ p, n }, &out, &e) != COFFER_OK);
	}
}

/* ---- workload statements ---- */

static char *workload_text(const char *manifest, const char *name, const char *issuer, const char *ledger)
{
	CLEANUP(freep) char *subject = NULL, *head = NULL;
	char digest[HEX32_LEN];

	fix_sha256_hex(manifest, digest);
	subject = str_fmt("{\"digest\":{\"sha256\":\"%s\"},\"name\":\"%s\"}", digest, name);
	head = str_fmt("\"issuer\":\"%s\",\"ledger\":\"%s\"", issuer, ledger);
	return fix_payload("workload", subject, head, manifest);
}

static enum coffer_rc try_workload(const char *text, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(manifest_clear) struct manifest m = { 0 };

	TRY(statement_parse(span_of(text), &s, e));
	return workload_read(&s, &m, e);
}

static void workload_read_wants_subject_issuer_and_ledger_of_the_manifest(void)
{
	CLEANUP(freep) char *man = good_text(), *good = workload_text(man, "risk", "acme", FIX_LEDGER);
	CLEANUP(freep) char *name = workload_text(man, "other", "acme", FIX_LEDGER), *issuer = workload_text(man, "risk", "eve",
	    FIX_LEDGER);
	CLEANUP(freep) char *ledger = workload_text(man, "risk", "acme", FIX_DIGEST), *body = fix_edit(good, "\"uid\":1000",
	    "\"uid\":0");
	struct err e;

	CHECK(try_workload(good, &e) == COFFER_OK);
	CHECK(try_workload(name, &e) == COFFER_E_INPUT && strstr(e.msg, "subject"));
	CHECK(try_workload(body, &e) == COFFER_E_INPUT && strstr(e.msg, "subject"));
	CHECK(try_workload(issuer, &e) == COFFER_E_INPUT && strstr(e.msg, "issuer"));
	CHECK(try_workload(ledger, &e) == COFFER_E_INPUT && strstr(e.msg, "ledger"));
}

static void manifest_describe_says_what_decides_and_escapes_the_rest(void)
{
	static const char *const wanted[] = { "risk", "acme", ("registry.example/app@sha256:" FIX_DIGEST), "imaker", "'/bin/analyse' ''",
	    "'PATH=/bin'", "user 1000",
		"CAP_CHOWN", "reaches     the pod's containers on localhost, and its own local REST API; not the service, no registry", "/data (sealed volume patients, read-only)", "/out (empty volume out, may write)",
		    "kbs:///hospital/note/greeting as api",
		"sealed to clinic", "'analyse'", "9 15", "'127.0.0.1:5000'", "https://127.0.0.1:8443", "'sample'" };
	CLEANUP(freep) char *text = good_text(), *evil = fix_edit(text, "PATH=/bin", "PATH=\\u001b[2J\\n  provider    nice"), *shown =
	    NULL;
	CLEANUP(freep) char *able = fix_edit(text, "CAP_CHOWN", "CAP_NET_ADMIN");
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	struct wr w = wr_open(1u << 20);
	struct err e;

	CHECK(manifest_parse(span_of(evil), &m, &e) == COFFER_OK);
	manifest_describe(&m, &w);
	CHECK(wr_ok(&w));
	shown = wr_take(&w, NULL);
	CHECK(shown && !strchr(shown, 0x1B) && strstr(shown, "'PATH=\\x1b[2J\n                |   provider    nice"));
	CHECK(shown && !strstr(shown, "\n  provider    nice"));
	manifest_clear(&m);
	free(shown);
	w = wr_open(1u << 20);
	CHECK(manifest_parse(span_of(text), &m, &e) == COFFER_OK);
	manifest_describe(&m, &w);
	shown = wr_take(&w, NULL);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		CHECK(shown && strstr(shown, wanted[i]));
	manifest_clear(&m);
	free(shown);
	w = wr_open(1u << 20);
	CHECK(able && manifest_parse(span_of(able), &m, &e) == COFFER_OK);
	manifest_describe(&m, &w);
	shown = wr_take(&w, NULL);
	CHECK(shown && strstr(shown, "reaches     whatever the pod's network leads to, the service and the registries too (CAP_NET_ADMIN)"));
}

/* What somebody else wrote in several lines is read as such, and none of them looks like one of the description's own. */
static void manifest_describe_shows_lines_as_an_indented_block(void)
{
	CLEANUP(freep) char *text = good_text(), *script = fix_edit(text, "\"/bin/analyse\"", "\"set -e\\n  digest      00\\n\\n\\r\\u001b[A\\\\x0a| \\n\""), *shown = NULL;
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(freep) char *pem = NULL;
	struct wr w = wr_open(1u << 20), want = wr_open(1u << 16);
	struct err e;

	CHECK(manifest_parse(span_of(script), &m, &e) == COFFER_OK);
	manifest_describe(&m, &w);
	shown = wr_take(&w, NULL);
	CHECK(shown && strstr(shown, "'set -e\n                |   digest      00\n                | \n                | \\x0d\\x1b[A\\x5cx0a| \\x0a' "));
	CHECK(shown && !strstr(shown, "\n  digest      00") && !strchr(shown, '\r'));
	pem = span_dup(m.container[0].method_key);
	for (char *l = pem, *end; l && (end = strchr(l, '\n')) != NULL; l = end + 1)
		wr_fmt(&want, "                | %.*s%s", (int)(end - l), l, end[1] ? "\n" : "\\x0a\n");
	wr_u8(&want, 0);
	CHECK(wr_ok(&want) && want.n > 100 && shown && strstr(shown, (const char *)want.p));
	wr_close(&want);
}

static void manifest_describe_shows_one_item_never_as_two(void)
{
	CLEANUP(freep) char *text = good_text(), *one = fix_edit(text, "\"/bin/analyse\",\"\"", "\"a' 'b\""), *two = fix_edit(text, "\"/bin/analyse\",\"\"", "\"a\",\"b\"");
	char *shown[2] = { NULL };
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(manifest_clear) struct manifest m = { 0 };
		struct wr w = wr_open(1u << 20);

		CHECK(manifest_parse(span_of(i ? two : one), &m, &e) == COFFER_OK);
		manifest_describe(&m, &w);
		shown[i] = wr_take(&w, NULL);
	}
	CHECK(shown[0] && strstr(shown[0], "    runs        'a\\x27 \\x27b'\n"));
	CHECK(shown[1] && strstr(shown[1], "    runs        'a' 'b'\n"));
	free(shown[0]);
	free(shown[1]);
}

/* What does not use the member has the bytes and the digest that it had before there was one. */
static void manifest_states_the_least_version_of_an_image(void)
{
	CLEANUP(freep) char *text = good_text(), *least = fix_edit(text, "\"image\":{", "\"image\":{\"minimum-version\":9007199254740991,"), *shown = NULL;
	CLEANUP(manifest_clear) struct manifest none = { 0 }, m = { 0 }, back = { 0 };
	struct wr said = wr_open(1u << 20), initdata = wr_open(MAN_INITDATA_MAX);
	struct err e;

	CHECK(manifest_parse(span_of(text), &none, &e) == COFFER_OK && none.container[0].image_minimum == 0 && !memmem(none.canon.p, none.canon.n, "minimum", 7));
	CHECK(manifest_parse(span_of(least), &m, &e) == COFFER_OK && m.container[0].image_minimum == UINT64_C(9007199254740991));
	CHECK(memcmp(none.digest, m.digest, 32) != 0);
	CHECK(manifest_render(&m, &initdata, &e) == COFFER_OK && manifest_from_initdata(wr_span(&initdata), &back, &e) == COFFER_OK);
	CHECK(back.container[0].image_minimum == m.container[0].image_minimum && memcmp(back.digest, m.digest, 32) == 0);
	manifest_describe(&m, &said);
	shown = wr_take(&said, NULL);
	CHECK(shown && strstr(shown, "    released    as security version 9007199254740991 or later\n"));
	wr_close(&initdata);
}

static void purposes_have_names_both_ways(void)
{
	enum purpose p;

	for (int i = PURPOSE_IMAGE_KEY; i <= PURPOSE_API; i++)
		CHECK(purpose_by_name(span_of(purpose_name((enum purpose)i)), &p) && (int)p == i);
	CHECK(!purpose_by_name(span_of("unknown"), &p));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(manifest_parse_reads_every_member), T(manifest_parse_gives_one_digest_to_all_spellings), T(manifest_exec_finds_what_is_listed_and_nothing_else),
		T(manifest_parse_refuses_every_wrong_member), T(manifest_parse_refuses_two_containers_of_one_name),
		T(manifest_parse_refuses_two_outputs_of_one_name), T(manifest_read_borrows_and_refuses_like_parse),
		T(manifest_parse_refuses_every_prefix), T(manifest_render_gives_the_documented_bytes),
		T(manifest_from_initdata_takes_the_rendering_back), T(manifest_from_initdata_refuses_every_other_spelling),
		T(manifest_from_initdata_refuses_documents_without_a_manifest), T(manifest_from_initdata_refuses_every_prefix),
		T(workload_read_wants_subject_issuer_and_ledger_of_the_manifest),
		T(manifest_describe_says_what_decides_and_escapes_the_rest), T(manifest_describe_shows_lines_as_an_indented_block), T(manifest_describe_shows_one_item_never_as_two),
		T(manifest_states_the_least_version_of_an_image), T(purposes_have_names_both_ways),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
