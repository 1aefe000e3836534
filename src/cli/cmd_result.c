/* coffer result open: a named output, for the one it was sealed to. */
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/verbs.h"
#include "cli/workload.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "os/file.h"
#include "trust/output.h"

const struct opt_spec opts_result_open[] = {
	{ "workload", "DIGEST", "the workload you expect it from (digest, or PROVIDER/NAME)", false, true },
	{ "out", "FILE", "where to write it (default: standard output)", false, false },
	OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

struct opened {
	struct home          h;
	struct privkey      *sign, *key;
	struct service_conn *conn;
	struct workload      w;
	struct wr            sealed;
	struct output        o;
};

static void opened_end(struct opened *x)
{
	privkey_free(x->sign);
	privkey_free(x->key);
	service_close(x->conn);
	workload_clear(&x->w);
	wr_close(&x->sealed);
	output_clear(&x->o);
}

/* {"container","data" (base64, unless it went to a file),"name","platform","workload"} */
static enum coffer_rc print_json(const struct opened *x, bool with_data, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(4u << 20), data = wr_open(2u << 20);
	struct json_wr j = jw_open(&w, false);
	char digest[HEX32_LEN];

	b64_write(&data, wr_span(&x->o.data));
	hex32(x->w.man.digest, digest);
	jw_obj(&j);
	jw_m_str(&j, "container", x->o.container->name);
	if (with_data)
		jw_m_str(&j, "data", wr_span(&data));
	jw_m_str(&j, "name", x->o.output->name);
	jw_m_text(&j, "platform", x->o.ear.platform);
	jw_m_text(&j, "workload", digest);
	jw_obj_end(&j);
	TRY(wr_done(&w, "output", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

static enum coffer_rc deliver(const struct cli *c, const struct opened *x, struct err *e)
{
	struct span data = wr_span(&x->o.data);

	if (cli_opt(c, "out"))
		TRY(file_write(cli_opt(c, "out"), data, 0600, e));
	if (c->json)
		return print_json(x, !cli_opt(c, "out"), e);
	if (!cli_opt(c, "out") && (fwrite(data.p, 1, data.n, stdout) != data.n || fflush(stdout) != 0))
		return err_set(e, COFFER_E_SYSTEM, "standard output: not all of it could be written");
	(void)fprintf(stderr, "output %.*s of container %.*s of %s/%.*s, on platform %s%s\n", (int)x->o.output->name.n,
	    (const char *)x->o.output->name.p, (int)x->o.container->name.n, (const char *)x->o.container->name.p, x->w.issuer,
	    (int)x->w.man.name.n, (const char *)x->w.man.name.p, x->o.ear.platform,
	    span_eq_str(span_of(x->o.ear.platform), "sample") ? ", which protects nothing" : "");
	return COFFER_OK;
}

/* Sealed to another it would not open, as one that was changed does not. */
static enum coffer_rc is_ours(const struct opened *x, struct err *e)
{
	CLEANUP(wr_close) struct wr to = wr_open(4096);
	const struct manifest *m = &x->w.man;

	for (size_t i = 0; i < m->n_containers; i++)
		for (size_t k = 0; k < m->container[i].n_outputs; k++) {
			const struct man_output *o = &m->container[i].output[k];

			if (pubkey_eq(&o->key, privkey_public(x->key)))
				return COFFER_OK;
			wr_fmt(&to, "%s%.*s to %s", to.n ? ", " : "", (int)o->name.n, (const char *)o->name.p, o->to);
		}
	if (!to.n)
		wr_str(&to, "none to anybody");
	TRY(wr_done(&to, "recipients", e));
	return err_deny(e, "output", "this workload's outputs are sealed to other keys than that of %s: %.*s", x->h.party, (int)(to.n < 600 ? to.n : 600), (const char *)to.p);
}

enum coffer_rc cmd_result_open(struct cli *c, struct err *e)
{
	CLEANUP(opened_end) struct opened x = { 0 };
	const struct parties *all = NULL;
	struct output_want want;

	TRY(home_load(c, &x.h, e));
	TRY(file_read_arg(c->pos[0], OUTPUT_SEALED_MAX, &x.sealed, e));
	TRY(home_sign_key(c, &x.h, &x.sign, e));
	TRY(home_encrypt_key(c, &x.h, &x.key, e));
	TRY(home_connect(&x.h, &x.conn, e));
	TRY(workload_fetch(&x.h, x.sign, x.conn, cli_opt(c, "workload"), &x.w, e));
	TRY(is_ours(&x, e));
	TRY(service_parties(x.conn, &all, e));
	want = (struct output_want){ .manifest = &x.w.man, .token_key = service_keys(x.conn)->token, .genesis = parties_genesis(all) };
	TRY(output_open(wr_span(&x.sealed), x.key, &want, &x.o, e));
	return deliver(c, &x, e);
}
