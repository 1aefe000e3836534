#include <string.h>

#include "crypto/jwk.h"
#include "fmt/enc.h"
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

static bool launched_on(const struct service *s, const char *platform, const char *or)
{
	for (size_t i = 0; i < s->n_launches; i++)
		if (strcmp(s->launch[i].platform, platform) == 0 || strcmp(s->launch[i].platform, or) == 0)
			return true;
	return false;
}

static enum coffer_rc read_chip(struct span hex, struct service *s, struct err *e)
{
	size_t n = hex.n / 2;

	for (size_t i = 0; i < hex.n; i++)
		n = hex.p[i] >= 'A' && hex.p[i] <= 'F' ? 0 : n;
	if (hex.n % 2 || (n != 8 && n != 16 && n != sizeof(s->chip)) || !hex_fixed(hex, s->chip, n))
		return err_set(e, COFFER_E_INPUT, "service: member \"chip\" is no processor's id of 8, 16 or 64 bytes in lower-case hex");
	s->chip_n = n;
	return COFFER_OK;
}

/* Which machine it is, where the statement says so: nothing is named that its launches could not be shown by. */
static enum coffer_rc read_machine(const struct json *body, struct service *s, struct err *e)
{
	struct span hex;

	s->has_tpm = json_get(body, "tpm") != NULL;
	if (s->has_tpm)
		TRY(form_digest(body, "tpm", "service", s->tpm, e));
	if (s->has_tpm && !launched_on(s, "tpm", "swtpm"))
		return err_set(e, COFFER_E_INPUT, "service: member \"tpm\" goes with measurements of a launch on tpm or swtpm");
	if (!json_get(body, "chip"))
		return COFFER_OK;
	TRY(json_need_str(body, "chip", "service", &hex, e));
	TRY(read_chip(hex, s, e));
	if (!launched_on(s, "snp", "tdx"))
		return err_set(e, COFFER_E_INPUT, "service: member \"chip\" goes with measurements of a launch on snp or tdx");
	return COFFER_OK;
}

enum coffer_rc service_read(const struct json *body, struct service *out, struct err *e)
{
	static const char *const names[] = { "id", "receive", "reply", "token", "ledger-key", "tls", "measurements", "tpm", "chip", NULL };
	struct service s = { 0 };

	TRY(json_closed(body, names, "service", e));
	TRY(form_party(body, "id", "service", s.id, e));
	TRY(form_p256(body, "receive", "service", &s.receive, e)); /* ECDH */
	TRY(form_p256(body, "reply", "service", &s.reply, e));     /* ECDSA, service.md */
	TRY(form_p256(body, "token", "service", &s.token, e));     /* ES256 */
	TRY(form_key(body, "ledger-key", "service", &s.ledger_key, e));
	TRY(form_digest(body, "tls", "service", s.tls, e));
	TRY(read_measurements(body, &s, e));
	TRY(read_machine(body, &s, e));
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
	if (s->has_tpm)
		form_put_hex32(j, "tpm", s->tpm);
	if (s->chip_n > 0)
		jw_m_hex(j, "chip", (struct span){ s->chip, s->chip_n });
	jw_obj_end(j);
}
