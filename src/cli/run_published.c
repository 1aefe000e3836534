/* What whoever launches can know before the guest boots: whether the trust service is there, the workload is published, its slots are filled. Nothing is decided here:
 * the service decides by itself, and tells a stranger's evidence no reason. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/run_int.h"
#include "cli/session.h"
#include "cli/workload.h"
#include "fmt/enc.h"
#include "net/http.h"
#include "os/file.h"
#include "trust/dsse.h"

/* False: nobody listens there. Of another address than a loopback one nothing is known. */
static bool is_there(const struct run *r)
{
	CLEANUP(closep) int fd = -1;
	struct sockaddr_in at = { .sin_family = AF_INET };
	const struct timeval wait = { .tv_sec = 2 };
	struct endpoint p;
	struct http_url u;
	struct err why;

	if (http_url_parse(r->man.service_url, &u, &why) != COFFER_OK || !endpoint_of(span_of(u.host), u.port, &p))
		return true;
	at.sin_port = htons(p.port);
	at.sin_addr.s_addr = htonl(p.ip);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 || errno != ECONNREFUSED;
}

/* The service shows workloads to parties alone: asked as the party of this user's folder, where that follows the manifest's genesis and its key opens unasked. False: no
 * answer. */
static bool look_up(const struct run *r, const char *digest, bool *published)
{
	CLEANUP(workload_clear) struct workload w = { 0 };
	CLEANUP(session_end) struct session s = { 0 };
	struct err why = { 0 };

	if (home_load(r->cli, &s.h, &why) != COFFER_OK || !s.h.has_genesis || !span_eq(SPAN(s.h.genesis), SPAN(r->man.genesis)) || !home_opens_unasked(&s.h) ||
	    home_sign_key(r->cli, &s.h, &s.key, &why) != COFFER_OK || home_connect(&s.h, &s.conn, &why) != COFFER_OK)
		return false;
	*published = workload_fetch(&s.h, s.key, s.conn, digest, &w, &why) == COFFER_OK;
	return *published || why.rc == COFFER_E_NOTFOUND;
}

/* Which slots a binding's file fills. What is wrong with it the guest says. */
static enum coffer_rc mark_filled(const struct run *r, const char *file, bool *filled, struct err *e)
{
	CLEANUP(freep) struct binding *b = calloc(1, sizeof(*b));
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };

	if (!b)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(file_read(file, DSSE_ENVELOPE_MAX, &text, e));
	TRY(dsse_parse(wr_span(&text), &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	TRY(binding_read(&s, b, e));
	if (!span_eq(SPAN(b->workload), SPAN(r->man.digest)))
		return COFFER_OK;
	for (size_t i = 0; i < r->man.n_slots; i++)
		for (size_t k = 0; k < b->n_slots; k++)
			filled[i] = filled[i] || span_eq_str(r->man.slot[i].name, b->slot[k].name);
	return COFFER_OK;
}

static void say_empty_slots(const struct run *r)
{
	const bool given = cli_opt(r->cli, "binding") != NULL;
	bool filled[MAN_SLOTS_MAX] = { false };
	struct err why;
	const char *file;

	for (size_t i = 0; (file = cli_opt_at(r->cli, "binding", i)) != NULL; i++)
		if (mark_filled(r, file, filled, &why) != COFFER_OK)
			return;
	for (size_t i = 0; i < r->man.n_slots; i++)
		if (!filled[i])
			run_say("slot %.*s is filled by nothing: no --binding %s ('coffer workload bind' makes one, of each owner's)", (int)r->man.slot[i].name.n,
			    (const char *)r->man.slot[i].name.p, given ? "of this workload names it" : "is given");
}

void run_foretell(const struct run *r)
{
	char digest[HEX32_LEN];
	bool published = false;

	say_empty_slots(r);
	if (!is_there(r)) {
		run_say("the trust service does not answer: nobody listens at %.*s", (int)r->man.service_url.n, (const char *)r->man.service_url.p);
		return;
	}
	hex32(r->man.digest, digest);
	if (look_up(r, digest, &published) && !published)
		run_say("this manifest is not published, and nothing will be released to it: %s publishes it with 'coffer workload publish manifest.json' (workload %s)",
		    r->man.provider, digest);
}

/* The same words for all that a stranger is refused; what the launcher can find out by itself is said beside them. */
void run_hint(const struct run *r, const struct err *e)
{
	char digest[HEX32_LEN];

	if (e->rc != COFFER_E_DENIED || strcmp(e->check, "policy") != 0 || !strstr(e->msg, "gives no right to that resource"))
		return;
	hex32(r->man.digest, digest);
	run_say("the service says so, too, of a workload that is not published: 'coffer workload show %s' shows any party whether it is, and %s publishes it with "
		"'coffer workload publish manifest.json'", digest, r->man.provider);
}
