/* coffer reference: import, list, diff. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_files.h"
#include "cli/machine.h"
#include "cli/reference_import.h"
#include "cli/verbs.h"
#include "crypto/pem.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "trust/reference.h"

#define MEMBER "reference-values"
#define IN_FORCE_MAX 1024

const struct opt_spec opts_reference_import[] = {
	{ "as", "KIND", "kind of the draft: boot-image or tcb", false, true },
	{ "type", "TYPE", "what the files are: sample, swid (NVIDIA's manifests) or corim", false, true },
	{ "roots", "DIR", "swid: root certificates of signers, beside NVIDIA's", false, false },
	{ "time", "TIME", "swid: the signer must be in force at this time, as 2027-01-31T00:00:00Z (default: now)", false, false },
	{ "key", "FILE", "corim: the PEM public key that must have signed; without it only unsigned ones are taken", false, false },
	{ "into", "DRAFT.json", "draft whose reference values these become", false, true },
	{ "out", "FILE", "the new draft, for 'coffer boot-image publish' or 'coffer tcb publish'", false, true },
	{ NULL, NULL, NULL, false, false } };
const struct opt_spec opts_reference_list[] = { OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

static enum coffer_rc kind_opt(const struct cli *c, enum statement_kind *out, struct err *e)
{
	const char *s = cli_opt(c, "as");

	if (!statement_kind_by_name(span_of(s), out) || (*out != ST_BOOT_IMAGE && *out != ST_TCB))
		return cli_bad(e, "--as %s: neither boot-image nor tcb", s);
	return COFFER_OK;
}

/* ---- import ---- */

struct imported {
	const struct ref_extractor *x;
	struct ref_trust trust;
	struct evidence_files roots;
	struct vkey *key;
	struct json_doc *doc[CLI_POS_MAX];
	const char *proof[CLI_POS_MAX];
	size_t n;
};

static void imported_end(struct imported *m)
{
	for (size_t i = 0; i < m->n; i++)
		json_free(m->doc[i]);
	evidence_files_clear(&m->roots);
	vkey_free(m->key);
}

static enum coffer_rc read_key(const char *path, struct vkey **out, struct err *e)
{
	CLEANUP(wr_close) struct wr pem = { 0 }, der = wr_open(4096);

	TRY(file_read_arg(path, 1u << 16, &pem, e));
	if (pem_public_der(wr_span(&pem), &der, e) != COFFER_OK || vkey_spki(wr_span(&der), out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

/* What a type does not ask for is a mistake to notice. */
static enum coffer_rc trust_opts(const struct cli *c, struct imported *m, struct err *e)
{
	const char *roots = cli_opt(c, "roots"), *time = cli_opt(c, "time"), *key = cli_opt(c, "key");

	if ((roots || time) && strcmp(m->x->name, "swid") != 0)
		return cli_bad(e, "--roots and --time are for --type swid");
	if (key && strcmp(m->x->name, "corim") != 0)
		return cli_bad(e, "--key is for --type corim");
	m->trust.now = clock_now();
	if (time && !clock_parse(span_of(time), &m->trust.now))
		return cli_bad(e, "--time %s: not a time like 2027-01-31T00:00:00Z", time);
	if (roots)
		TRY(evidence_files_read(roots, true, &m->roots, e));
	if (key)
		TRY(read_key(key, &m->key, e));
	m->trust.col = &m->roots.col;
	m->trust.key = m->key;
	return COFFER_OK;
}

static enum coffer_rc import_one(const char *path, struct imported *m, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	struct ref_values v = { .object = wr_open(REFERENCE_FILE_MAX) };
	enum coffer_rc rc = file_read_arg(path, REFERENCE_FILE_MAX, &text, e);

	if (rc == COFFER_OK && (rc = ref_extract(m->x, &m->trust, wr_span(&text), &v, e)) != COFFER_OK)
		(void)err_wrap(e, "%s", path);
	if (rc == COFFER_OK)
		rc = json_parse(wr_span(&v.object), REFERENCE_FILE_MAX, &m->doc[m->n], e);
	if (rc == COFFER_OK)
		m->proof[m->n++] = v.proof;
	wr_close(&v.object);
	return rc;
}

/* A name in two files must say the same in both: which of them would be meant? */
static enum coffer_rc put_values(const struct imported *m, struct json_wr *j, struct err *e)
{
	jw_obj(j);
	for (size_t i = 0; i < m->n; i++) {
		const struct json *o = json_root(m->doc[i]);

		for (size_t k = 0; k < json_len(o); k++) {
			const struct json *before = NULL;

			for (size_t p = 0; p < i && !before; p++)
				before = json_getn(json_root(m->doc[p]), json_name(o, k));
			if (before && !reference_same(before, json_at(o, k)))
				return err_set(e, COFFER_E_INPUT, "%.*s has different values in two of the files", (int)json_name(o, k).n,
				    (const char *)json_name(o, k).p);
			if (before)
				continue;
			jw_namen(j, json_name(o, k));
			jw_value(j, json_at(o, k));
		}
	}
	jw_obj_end(j);
	return COFFER_OK;
}

/* Whose word each file is, and what is still to be done. */
static void say_imported(const struct cli *c, const struct imported *m, const char *kind)
{
	for (size_t i = 0; i < m->n; i++)
		(void)printf("%s: %s\n", c->pos[i], m->proof[i]);
	(void)printf("wrote %s: nothing of it counts before you sign it with 'coffer %s publish %s'\n", cli_opt(c, "out"), kind,
	    cli_opt(c, "out"));
}

enum coffer_rc cmd_reference_import(struct cli *c, struct err *e)
{
	CLEANUP(imported_end) struct imported m = { .x = ref_extractor_by_name(cli_opt(c, "type")) };
	CLEANUP(machine_file_clear) struct machine_file before = { 0 }, after = { 0 };
	CLEANUP(wr_close) struct wr out = wr_open(MACHINE_FILE_MAX);
	struct json_wr j = jw_open(&out, true);
	const struct json *root;

	if (!m.x)
		return cli_bad(e, "--type %s: not sample, swid or corim", cli_opt(c, "type"));
	TRY(kind_opt(c, &before.kind, e));
	TRY(trust_opts(c, &m, e));
	after.kind = before.kind;
	TRY(machine_read(cli_opt(c, "into"), &before, e));
	for (size_t i = 0; i < c->n_pos; i++)
		TRY(import_one(c->pos[i], &m, e));
	root = json_root(before.doc);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(root); i++) {
		if (span_eq_str(json_name(root, i), MEMBER))
			continue;
		jw_namen(&j, json_name(root, i));
		jw_value(&j, json_at(root, i));
	}
	jw_name(&j, MEMBER);
	TRY(put_values(&m, &j, e));
	jw_obj_end(&j);
	wr_str(&out, "\n");
	TRY(wr_done(&out, "draft", e));
	TRY(machine_parse(wr_span(&out), &after, e));
	TRY(file_write(cli_opt(c, "out"), wr_span(&out), 0644, e));
	if (!c->json)
		say_imported(c, &m, statement_kind_name(after.kind));
	return COFFER_OK;
}

/* ---- list ---- */

struct listing { bool json, second; int64_t now; uint8_t id[IN_FORCE_MAX][32]; size_t n_ids, n; };

static enum coffer_rc take_id(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct listing *l = arg;

	(void)env;
	if (l->n_ids == IN_FORCE_MAX)
		return err_set(e, COFFER_E_LIMIT, "more than %d statements in force", IN_FORCE_MAX);
	memcpy(l->id[l->n_ids++], s->id, 32);
	return COFFER_OK;
}

static const char *state_of(const struct listing *l, const struct statement *s)
{
	if (s->expires <= l->now)
		return "expired";
	for (size_t i = 0; i < l->n_ids; i++)
		if (span_eq(SPAN(l->id[i]), SPAN(s->id)))
			return "in force";
	return "superseded or revoked";
}

static void put_row(const struct listing *l, const struct statement *s, struct span name, const struct json *value)
{
	struct wr w = wr_open(2u << 20);
	struct json_wr j = jw_open(&w, false);
	char id[HEX32_LEN], until[CLOCK_TEXT_LEN];

	hex32(s->id, id);
	clock_text(s->expires, until);
	if (l->json) {
		jw_obj(&j);
		jw_m_str(&j, "name", name);
		jw_name(&j, "value");
		jw_value(&j, value);
		jw_m_text(&j, "statement", id);
		jw_m_text(&j, "kind", statement_kind_name(s->kind));
		jw_m_text(&j, "issuer", s->issuer);
		jw_m_text(&j, "until", until);
		jw_m_text(&j, "state", state_of(l, s));
		jw_obj_end(&j);
		(void)printf("%s%.*s", l->n ? "," : "", (int)w.n, (const char *)w.p);
	} else {
		jw_value(&j, value);
		(void)printf("%.*s = %.*s\n  %s %s by %s until %s: %s\n", (int)name.n, (const char *)name.p, (int)w.n, (const char *)w.p,
		    statement_kind_name(s->kind), id, s->issuer, until, state_of(l, s));
	}
	wr_close(&w);
}

static enum coffer_rc print_values(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	const struct json *o = json_get(s->body, MEMBER);
	struct listing *l = arg;

	(void)env;
	TRY(machine_check(s, e));
	for (size_t i = 0; i < json_len(o); i++) {
		put_row(l, s, json_name(o, i), json_at(o, i));
		l->n++;
	}
	return COFFER_OK;
}

enum coffer_rc cmd_reference_list(struct cli *c, struct err *e)
{
	static const enum statement_kind kinds[] = { ST_BOOT_IMAGE, ST_TCB };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	static struct listing l;
	struct machine_ask q;
	struct home h;

	l.json = c->json;
	l.now = clock_now();
	TRY(home_load(c, &h, e));
	TRY(home_sign_key(c, &h, &key, e));
	TRY(home_connect(&h, &conn, e));
	q = (struct machine_ask){ &h, key, conn };
	for (size_t i = 0; i < 2; i++)
		TRY(machine_query(&q, kinds[i], false, (struct machine_cb){ take_id, &l }, e));
	if (c->json)
		(void)printf("[");
	for (size_t i = 0; i < 2; i++)
		TRY(machine_query(&q, kinds[i], true, (struct machine_cb){ print_values, &l }, e));
	if (c->json)
		(void)printf("]\n");
	else if (l.n == 0)
		(void)printf("no statement gives a reference value\n");
	return COFFER_OK;
}

/* ---- diff ---- */

/* Of a draft, a signed statement, or the bare object. */
static enum coffer_rc values_in(const char *path, struct json_doc **doc, const struct json **out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };

	TRY(file_read_arg(path, DSSE_ENVELOPE_MAX, &text, e));
	TRY(json_parse(wr_span(&text), DSSE_ENVELOPE_MAX, doc, e));
	if (json_get(json_root(*doc), "payloadType")) {
		TRY(dsse_parse_json(json_root(*doc), &env, e));
		json_freep(doc);
		TRY(json_parse(wr_span(&env.payload), DSSE_PAYLOAD_MAX, doc, e));
		*out = json_get(json_get(json_get(json_root(*doc), "predicate"), "body"), MEMBER);
	} else {
		*out = json_get(json_root(*doc), MEMBER);
		if (!*out && !json_get(json_root(*doc), "launches") && !json_get(json_root(*doc), "minimum"))
			*out = json_root(*doc);
	}
	return *out ? reference_check(*out, path, e) : COFFER_OK;
}

static size_t print_diff(const char *mark, const struct json *a, const struct json *b)
{
	size_t n = 0;

	for (size_t i = 0; i < json_len(a); i++) {
		const struct json *other = json_getn(b, json_name(a, i));
		bool changed = *mark == '~';
		struct wr w = wr_open(2u << 20);
		struct json_wr j = jw_open(&w, false);

		if (changed ? !other || reference_same(json_at(a, i), other) : other != NULL)
			continue;
		jw_value(&j, json_at(a, i));
		if (changed) {
			wr_str(&w, " -> ");
			j = jw_open(&w, false);
			jw_value(&j, other);
		}
		(void)printf("%s %.*s %.*s\n", mark, (int)json_name(a, i).n, (const char *)json_name(a, i).p, (int)w.n, (const char *)w.p);
		wr_close(&w);
		n++;
	}
	return n;
}

enum coffer_rc cmd_reference_diff(struct cli *c, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *x = NULL, *y = NULL;
	const struct json *a = NULL, *b = NULL;

	TRY(values_in(c->pos[0], &x, &a, e));
	TRY(values_in(c->pos[1], &y, &b, e));
	if (print_diff("-", a, b) + print_diff("+", b, a) + print_diff("~", a, b) == 0)
		(void)printf("no difference\n");
	return COFFER_OK;
}
