#include "crypto/jwk.h"
#include "trust/form.h"
#include "trust/statement.h"

/* May be absent, so that a statement of before reads as ever; never empty. */
static enum coffer_rc read_measurements(const struct json *body, struct service *s, struct err *e)
{
	const struct json *list = NULL;

	if (!json_get(body, "measurements"))
		return COFFER_OK;
	TRY(form_list(body, "measurements", "service", (struct form_range){ 1, SERVICE_LAUNCHES_MAX }, &list, e));
	return launches_read(list, "service", s->launch, &s->n_launches, e);
}

enum coffer_rc service_read(const struct json *body, struct service *out, struct err *e)
{
	static const char *const names[] = { "id", "receive", "reply", "token", "ledger-key", "tls", "measurements", NULL };
	struct service s = { 0 };

	TRY(json_closed(body, names, "service", e));
	TRY(form_party(body, "id", "service", s.id, e));
	TRY(form_p256(body, "receive", "service", &s.receive, e)); /* ECDH */
	TRY(form_p256(body, "reply", "service", &s.reply, e));     /* ECDSA, service.md */
	TRY(form_p256(body, "token", "service", &s.token, e));     /* ES256 */
	TRY(form_key(body, "ledger-key", "service", &s.ledger_key, e));
	TRY(form_digest(body, "tls", "service", s.tls, e));
	TRY(read_measurements(body, &s, e));
	*out = s;
	return COFFER_OK;
}

static void put_key(struct json_wr *j, const char *name, const struct pubkey *k)
{
	jw_name(j, name);
	jwk_write(j, k);
}

void service_write(const struct service *s, struct json_wr *j)
{
	jw_obj(j);
	jw_m_text(j, "id", s->id);
	put_key(j, "receive", &s->receive);
	put_key(j, "reply", &s->reply);
	put_key(j, "token", &s->token);
	put_key(j, "ledger-key", &s->ledger_key);
	form_put_hex32(j, "tls", s->tls);
	if (s->n_launches > 0) {
		jw_name(j, "measurements");
		launches_write(s->launch, s->n_launches, j);
	}
	jw_obj_end(j);
}
