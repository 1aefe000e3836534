#include "trust/witnesses.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/form.h"

#define VKEY_MAX (NOTE_NAME_MAX + 64)

bool witness_url_ok(struct span url)
{
	size_t scheme = span_starts(url, "https://") ? strlen("https://") : span_starts(url, "http://") ? strlen("http://") : 0;

	return scheme > 0 && url.n > scheme && form_ascii_ok(url, GENESIS_URL_MAX - 1) && url.p[scheme] != '/' &&
	    url.p[url.n - 1] != '/' && span_find(url, '?') == url.n && span_find(url, '#') == url.n;
}

static enum coffer_rc take(struct span key, struct span url, struct genesis_witness *out, struct err *e)
{
	struct genesis_witness w = { 0 };

	TRY(note_vkey_read(key, &w.key, e));
	if (w.key.alg != NOTE_COSIGNATURE)
		return err_set(e, COFFER_E_INPUT, "%s is the key of a log, not of a witness (coffer witness init prints the right one)",
		    w.key.name);
	if (!witness_url_ok(url))
		return err_set(e, COFFER_E_INPUT, "the address of %s is not http[s]://host[:port][/path] of at most %d characters", w.key.name,
		    GENESIS_URL_MAX - 1);
	memcpy(w.url, url.p, url.n);
	*out = w;
	return COFFER_OK;
}

enum coffer_rc witness_arg(const char *text, struct genesis_witness *out, struct err *e)
{
	struct span s = span_of(text);
	size_t name = span_find(s, '+'), id = span_find(span_skip(s, name + 1), '+') + name + 1;
	size_t key = id < s.n ? span_find(span_skip(s, id + 1), '=') + id + 1 : s.n; /* the base64 of 33 bytes has none */

	if (key >= s.n)
		return err_set(e, COFFER_E_INPUT, "not VKEY=URL, a witness's key and its address");
	return take((struct span){ s.p, key }, span_skip(s, key + 1), out, e);
}

void witness_write(const struct genesis_witness *w, struct json_wr *j)
{
	CLEANUP(wr_close) struct wr vkey = wr_open(VKEY_MAX);

	note_vkey_write(&w->key, &vkey);
	jw_obj(j);
	jw_m_str(j, "key", wr_span(&vkey));
	jw_m_text(j, "url", w->url);
	jw_obj_end(j);
	j->w->bad = j->w->bad || !wr_ok(&vkey);
}

enum coffer_rc genesis_policy(const struct genesis *g, struct genesis_policy *out, struct err *e)
{
	TRY(note_key_new(span_of(g->origin), NOTE_ED25519, &g->ledger_key, &out->log, e));
	for (size_t i = 0; i < g->n_witnesses; i++)
		out->witness[i] = g->witness[i].key;
	out->p = (struct ledger_policy){ &out->log, out->witness, g->n_witnesses, (size_t)g->cosignatures };
	return COFFER_OK;
}

static enum coffer_rc read_one(const struct json *v, struct genesis_witness *out, struct err *e)
{
	static const char *const names[] = { "key", "url", NULL };
	struct span key, url;

	TRY(json_closed(v, names, "genesis: witnesses", e));
	TRY(json_need_str(v, "key", "genesis: witnesses", &key, e));
	TRY(json_need_str(v, "url", "genesis: witnesses", &url, e));
	return take(key, url, out, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "genesis: witnesses");
}

enum coffer_rc witnesses_read(const struct json *body, struct genesis *g, struct err *e)
{
	const struct json *list = NULL;
	struct genesis_policy policy;

	TRY(form_list(body, "witnesses", "genesis", (struct form_range){ 0, GENESIS_WITNESSES_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++)
		TRY(read_one(json_at(list, i), &g->witness[g->n_witnesses++], e));
	TRY(form_number(body, "cosignatures", "genesis", (struct form_range){ g->n_witnesses ? 1 : 0, g->n_witnesses },
	    &g->cosignatures, e));
	if (g->n_witnesses == 0)
		return COFFER_OK;
	TRY(genesis_policy(g, &policy, e));
	return ledger_policy_ok(&policy.p, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "genesis: witnesses");
}
