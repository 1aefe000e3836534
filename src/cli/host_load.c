/* Where the statements come from: the trust service this party follows, files of signed statements, drafts. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/host.h"
#include "cli/machine.h"
#include "os/file.h"

#define FILE_MAX (8u << 20)
/* The service shows this many statements at once, and no more than 8 MiB of them: where less came than either, it is all. */
#define SHOWN_MAX 256
#define SHOWN_BYTES 7000000u

/* conn, genesis: NULL offline */
struct loading { struct host_set *set; struct service_conn *conn; const uint8_t *genesis; size_t n, bytes; };

static enum coffer_rc take(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct loading *l = arg;

	(void)s;
	l->n++;
	l->bytes += env->payload.n / 3 * 4; /* in base64 */
	return host_set_add(l->set, wr_span(&env->payload), false, e);
}

static enum coffer_rc ask_once(const struct machine_ask *q, enum statement_kind kind, bool all, struct loading *l, struct err *e)
{
	l->n = l->bytes = 0;
	return machine_query(q, kind, all, (struct machine_cb){ take, l }, e);
}

static bool cut(const struct loading *l)
{
	return l->n >= SHOWN_MAX || l->bytes >= SHOWN_BYTES;
}

/* All there is: R11 wants to know of a minimum that was revoked. Where that is too much, what is in force must be there. */
static enum coffer_rc ask(const struct machine_ask *q, enum statement_kind kind, struct host_set *set, struct err *e)
{
	struct loading l = { .set = set };

	TRY(ask_once(q, kind, true, &l, e));
	if (!cut(&l))
		return COFFER_OK;
	TRY(ask_once(q, kind, false, &l, e));
	if (!cut(&l))
		return COFFER_OK;
	return err_set(e, COFFER_E_LIMIT, "the trust service does not show all its %s statements at once: one that matters may be "
	    "missing; give those that do with --statements and --offline", statement_kind_name(kind));
}

static enum coffer_rc from_service(const struct machine_ask *q, struct host_set *set, struct err *e)
{
	static const enum statement_kind kinds[] = { ST_TCB, ST_REVOCATION, ST_WORKLOAD, ST_APPROVAL, ST_BOOT_IMAGE };
	bool since = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		TRY(ask(q, kinds[i], set, e));
	for (size_t i = 0; i < set->n; i++)
		since = since || set->st[i]->since > 0;
	return since ? ask(q, ST_IMAGE_RELEASE, set, e) : COFFER_OK; /* which of them are of before */
}

/* ---- files ---- */

static enum coffer_rc take_envelope(const struct json *v, struct loading *l, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };

	TRY(dsse_parse_json(v, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	if (l->genesis && s.has_ledger && !span_eq(SPAN(s.ledger), (struct span){ l->genesis, 32 }))
		return err_set(e, COFFER_E_INPUT, "a %s statement under another genesis", statement_kind_name(s.kind));
	if (l->conn)
		TRY(statement_check_issuer(l->conn, &env, &s, e));
	else
		l->set->n_unsigned++;
	return host_set_add(l->set, wr_span(&env.payload), true, e);
}

/* One envelope, or {"statements":[...]} as the service answers. */
static enum coffer_rc read_one(const char *path, struct loading *l, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *list;

	TRY(file_read_arg(path, FILE_MAX, &text, e));
	TRY(json_parse(wr_span(&text), FILE_MAX, &doc, e));
	list = json_get(json_root(doc), "statements");
	if (!list)
		return take_envelope(json_root(doc), l, e);
	if (json_type(list) != JSON_ARRAY)
		return err_set(e, COFFER_E_INPUT, "member \"statements\" is not an array");
	for (size_t i = 0; i < json_len(list); i++)
		TRY(take_envelope(json_at(list, i), l, e));
	return COFFER_OK;
}

static enum coffer_rc read_file(const char *path, struct loading *l, struct err *e)
{
	return read_one(path, l, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "%s", path);
}

static int no_dots(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static enum coffer_rc read_named(const char *dir, const char *name, struct loading *l, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	struct stat st;

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? read_file(path, l, e) : COFFER_OK;
}

static enum coffer_rc read_dir(const char *path, struct loading *l, struct err *e)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, no_dots, alphasort);
	enum coffer_rc rc = COFFER_OK;

	if (n < 0)
		return err_set(e, COFFER_E_NOTFOUND, "%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (rc == COFFER_OK)
			rc = read_named(path, names[i]->d_name, l, e);
		free(names[i]);
	}
	free((void *)names);
	return rc;
}

static enum coffer_rc from_files(const struct cli *c, struct loading *l, struct err *e)
{
	const char *path;
	struct stat st;

	for (size_t i = 0; (path = cli_opt_at(c, "statements", i)); i++)
		TRY(stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? read_dir(path, l, e) : read_file(path, l, e));
	return COFFER_OK;
}

static enum coffer_rc drafts(const struct cli *c, struct host_set *set, struct err *e)
{
	const char *s;

	for (size_t i = 0; (s = cli_opt_at(c, "minimum", i)); i++) {
		struct span party = { (const uint8_t *)s, span_find(span_of(s), '=') };
		char id[PARTY_MAX];

		if (!party_ok(party) || !s[party.n])
			return cli_bad(e, "--minimum %s: not a party and a file, as in hospital=snp.json", s);
		(void)snprintf(id, sizeof(id), "%.*s", (int)party.n, s);
		TRY(host_set_draft(set, id, s + party.n + 1, e));
	}
	return COFFER_OK;
}

enum coffer_rc host_load(const struct cli *c, struct host_set *out, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	struct loading l = { .set = out };
	struct home h;

	out->offline = cli_flag(c, "offline");
	if (!out->offline) {
		TRY(home_load(c, &h, e));
		TRY(home_sign_key(c, &h, &key, e));
		TRY(home_connect(&h, &conn, e));
		TRY(from_service(&(struct machine_ask){ &h, key, conn }, out, e));
		l.conn = conn;
		l.genesis = h.genesis;
	}
	TRY(from_files(c, &l, e));
	TRY(drafts(c, out, e));
	host_settle(out);
	return COFFER_OK;
}
