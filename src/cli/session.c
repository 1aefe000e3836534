#include "cli/session.h"

#include "base/own.h"

void session_end(struct session *s)
{
	privkey_free(s->key);
	service_close(s->conn);
}

enum coffer_rc session_begin(struct cli *c, struct session *s, struct err *e)
{
	TRY(home_load(c, &s->h, e));
	TRY(home_sign_key(c, &s->h, &s->key, e));
	return home_connect(&s->h, &s->conn, e);
}
