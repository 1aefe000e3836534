/* coffer workload: build, publish, show. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/build.h"
#include "cli/publish.h"
#include "cli/verbs.h"
#include "cli/workload.h"
#include "cli/yaml_out.h"
#include "crypto/hash.h"
#include "evidence/evidence.h"
#include "fmt/enc.h"
#include "fmt/inflate.h"
#include "fmt/yaml.h"
#include "os/file.h"

const struct opt_spec opts_workload_build[] = {
	{ "out", "DIR", "folder for manifest.json, initdata.toml and pod.yaml", false, true },
	OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_workload_publish[] = { OPT_EXPIRES, OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_workload_show[] = {
	{ "file", "FILE", "a manifest.json instead of a logged workload", false, false },
	OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

struct build {
	struct home          h;
	struct privkey      *key;
	struct service_conn *conn;
	struct json_doc     *pod_doc;
	struct pod           pod;
	struct terms         terms;
	struct manifest      man;
	struct wr            initdata;
};

static void build_end(struct build *b)
{
	privkey_free(b->key);
	service_close(b->conn);
	json_free(b->pod_doc);
	terms_clear(&b->terms);
	manifest_clear(&b->man);
	wr_close(&b->initdata);
}

/* One that nobody judges would be refused wherever it runs, and only there. */
static enum coffer_rc known_platforms(const struct json *list, struct err *e)
{
	for (size_t i = 0; i < json_len(list); i++) {
		struct span name = json_str(json_at(list, i));
		const struct tee_driver *d;
		size_t k = 0;

		name.n -= span_ends(name, "+debug") ? sizeof("+debug") - 1 : 0;
		while ((d = tee_driver_at(k)) && !span_eq_str(name, d->name))
			k++;
		if (!d)
			return err_set(e, COFFER_E_INPUT, "terms: platforms: there is none of name %.*s ('coffer evidence platforms' lists them)", (int)(name.n < 64 ? name.n : 64),
			    (const char *)name.p);
	}
	return COFFER_OK;
}

static enum coffer_rc read_pod(const char *path, struct build *b, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };

	TRY(file_read_arg(path, POD_TEXT_MAX, &text, e));
	if (yaml_parse(wr_span(&text), POD_TEXT_MAX, &b->pod_doc, e) != COFFER_OK ||
	    pod_read(json_root(b->pod_doc), &b->pod, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	if (!b->pod.terms.n)
		return err_set(e, COFFER_E_INPUT, "%s: annotation " POD_TERMS " is missing (docs/workload.md)", path);
	if (b->pod.initdata.n)
		return err_set(e, COFFER_E_INPUT, "%s already has an initdata annotation; build from the pod as written", path);
	TRY(terms_parse(b->pod.terms, &b->terms, e));
	return known_platforms(b->terms.platforms, e);
}

/* Copies an object, but lets `change` write the member of that name. */
struct changed { const char *name; void (*change)(struct json_wr *j, const struct json *v, struct span note); };

static void copy_changed(struct json_wr *j, const struct json *o, struct changed c, struct span note)
{
	for (size_t i = 0; i < json_len(o); i++) {
		jw_namen(j, json_name(o, i));
		if (c.change && span_eq_str(json_name(o, i), c.name))
			c.change(j, json_at(o, i), note);
		else
			jw_value(j, json_at(o, i));
	}
}

static void add_note(struct json_wr *j, const struct json *annotations, struct span note)
{
	jw_obj(j);
	copy_changed(j, annotations, (struct changed){ "", NULL }, note);
	jw_m_str(j, POD_INITDATA, note);
	jw_obj_end(j);
}

static void change_metadata(struct json_wr *j, const struct json *metadata, struct span note)
{
	jw_obj(j);
	copy_changed(j, metadata, (struct changed){ "annotations", add_note }, note);
	jw_obj_end(j);
}

/* The pod as it was read with one more annotation; the terms stay for readers, nobody obeys them. */
static enum coffer_rc annotated(const struct build *b, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr z = wr_open(MAN_INITDATA_MAX), note = wr_open((size_t)2 * MAN_INITDATA_MAX),
	    text = wr_open(4u << 20);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct json_wr j = jw_open(&text, false);

	TRY(gzip(wr_span(&b->initdata), &z, e));
	b64_write(&note, wr_span(&z));
	TRY(wr_done(&note, "initdata", e));
	jw_obj(&j);
	copy_changed(&j, json_root(b->pod_doc), (struct changed){ "metadata", change_metadata }, wr_span(&note));
	jw_obj_end(&j);
	TRY(wr_done(&text, "pod", e));
	TRY(json_parse(wr_span(&text), 4u << 20, &doc, e));
	yaml_write(out, json_root(doc));
	return wr_done(out, "pod", e);
}

static enum coffer_rc put(const char *dir, const char *name, struct span s, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return file_write(path, s, 0644, e);
}

static enum coffer_rc write_all(const struct build *b, const char *dir, struct err *e)
{
	CLEANUP(wr_close) struct wr pod = wr_open(4u << 20), pretty = wr_open(1u << 20);
	struct json_wr j = jw_open(&pretty, true);

	TRY(annotated(b, &pod, e));
	jw_value(&j, json_root(b->man.doc));
	wr_str(&pretty, "\n");
	TRY(wr_done(&pretty, "manifest", e));
	TRY(file_mkdirs(dir, 0755, e));
	TRY(put(dir, "manifest.json", wr_span(&pretty), e));
	TRY(put(dir, "initdata.toml", wr_span(&b->initdata), e));
	return put(dir, "pod.yaml", wr_span(&pod), e);
}

enum coffer_rc cmd_workload_build(struct cli *c, struct err *e)
{
	CLEANUP(build_end) struct build b = { .initdata = wr_open(MAN_INITDATA_MAX) };
	CLEANUP(wr_close) struct wr text = wr_open(MAN_FILE_MAX);
	struct build_env env;
	char digest[HEX32_LEN], init[HEX32_LEN];
	uint8_t h[32];

	TRY(home_load(c, &b.h, e));
	TRY(read_pod(c->pos[0], &b, e));
	TRY(home_sign_key(c, &b.h, &b.key, e));
	TRY(home_connect(&b.h, &b.conn, e));
	env = (struct build_env){ &b.h, b.key, b.conn };
	TRY(build_manifest(&env, &b.pod, &b.terms, &text, e));
	if (manifest_parse(wr_span(&text), &b.man, e) != COFFER_OK)
		return err_wrap(e, "%s", c->pos[0]);
	for (size_t i = 0; i < b.man.n_containers; i++)
		TRY(manifest_exec_apart(&b.man, &b.man.container[i], e));
	TRY(manifest_render(&b.man, &b.initdata, e));
	TRY(write_all(&b, cli_opt(c, "out"), e));
	sha256(wr_span(&b.initdata), h);
	hex32(b.man.digest, digest);
	hex32(h, init);
	if (c->json)
		(void)printf("{\"workload\":\"%s\",\"initdata\":\"%s\",\"folder\":\"%s\"}\n", digest, init, cli_opt(c, "out"));
	else
		(void)printf(
		    "workload %s\ninitdata %s (what the guest's register must hold)\n"
		    "wrote    %s/manifest.json, initdata.toml, pod.yaml\n",
		    digest, init, cli_opt(c, "out"));
	return COFFER_OK;
}

enum coffer_rc cmd_workload_publish(struct cli *c, struct err *e)
{
	CLEANUP(build_end) struct build b = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };
	struct draft d = { .kind = ST_WORKLOAD };

	TRY(home_load(c, &b.h, e));
	TRY(file_read_arg(c->pos[0], MAN_FILE_MAX, &text, e));
	if (manifest_parse(wr_span(&text), &b.man, e) != COFFER_OK)
		return err_wrap(e, "%s", c->pos[0]);
	if (strcmp(b.man.provider, b.h.party) != 0)
		return err_deny(e, "provider", "this manifest is %s's, who alone publishes it; you are %s ('coffer workload build' makes one of yours)", b.man.provider, b.h.party);
	TRY(home_sign_key(c, &b.h, &b.key, e));
	TRY(home_connect(&b.h, &b.conn, e));
	draft_subject_digest(&d, b.man.name, b.man.digest);
	d.body = wr_span(&b.man.canon);
	TRY(expires_opt(c, "expires", &d.expires, e));
	return draft_out(&b.h, b.key, b.conn, &d, e);
}

static enum coffer_rc show(const struct cli *c, const struct manifest *m, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(4u << 20), out = wr_open(8u << 20);
	struct json_wr j = jw_open(&out, true);
	char digest[HEX32_LEN], shown[HEX32_LEN];
	uint8_t h[32];

	manifest_describe(m, &text);
	TRY(wr_done(&text, "description", e));
	sha256(wr_span(&text), h);
	hex32(m->digest, digest);
	hex32(h, shown);
	if (!c->json) {
		(void)printf("%.*sdigest %s\nshown  %s\n", (int)text.n, (const char *)text.p, digest, shown);
		return COFFER_OK;
	}
	jw_obj(&j);
	jw_m_text(&j, "digest", digest);
	jw_m_text(&j, "shown", shown);
	jw_name(&j, "manifest");
	jw_value(&j, json_root(m->doc));
	jw_obj_end(&j);
	TRY(wr_done(&out, "manifest", e));
	(void)printf("%.*s\n", (int)out.n, (const char *)out.p);
	return COFFER_OK;
}

enum coffer_rc cmd_workload_show(struct cli *c, struct err *e)
{
	CLEANUP(build_end) struct build b = { 0 };
	CLEANUP(workload_clear) struct workload w = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };
	const char *file = cli_opt(c, "file");

	if (!file == (c->n_pos == 0))
		return cli_bad(e, "which workload? Give its digest or PROVIDER/NAME, or --file");
	if (file) {
		TRY(file_read_arg(file, MAN_FILE_MAX, &text, e));
		if (manifest_parse(wr_span(&text), &b.man, e) != COFFER_OK)
			return err_wrap(e, "%s", file);
		return show(c, &b.man, e);
	}
	TRY(home_load(c, &b.h, e));
	TRY(home_sign_key(c, &b.h, &b.key, e));
	TRY(home_connect(&b.h, &b.conn, e));
	TRY(workload_fetch(&b.h, b.key, b.conn, c->pos[0], &w, e));
	return show(c, &w.man, e);
}
