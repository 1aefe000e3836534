#include "trust/shipped.h"

#include "base/str.h"
#include "trust/form.h"

static const char *const names[SHIPPED_N + 1] = { "release", "attestation-cpu", "attestation-gpu", "attestation-switch", "attestation-ppcie", NULL };

const char *shipped_name(size_t i)
{
	return i < SHIPPED_N ? names[i] : "";
}

enum coffer_rc shipped_read(const struct json *body, const char *where, struct shipped *out, struct err *e)
{
	const struct json *o = NULL;
	struct shipped s = { .has = { false } };

	TRY(json_need_obj(body, "policies", where, &o, e));
	TRY(json_closed(o, names, "policies", e));
	for (size_t i = 0; i < SHIPPED_N; i++) {
		s.has[i] = json_get(o, names[i]) != NULL;
		if (s.has[i])
			TRY(form_digest(o, names[i], "policies", s.sha256[i], e));
	}
	*out = s;
	return COFFER_OK;
}

void shipped_write(const struct shipped *s, struct json_wr *j)
{
	jw_obj(j);
	for (size_t i = 0; i < SHIPPED_N; i++)
		if (s->has[i])
			form_put_hex32(j, names[i], s->sha256[i]);
	jw_obj_end(j);
}

bool shipped_same(const struct shipped *named, const struct shipped *held, size_t i)
{
	return !named->has[i] || (held->has[i] && span_eq(SPAN(named->sha256[i]), SPAN(held->sha256[i])));
}
