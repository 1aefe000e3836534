/* What most verbs begin with: who I am, my key, a checked connection to my service. */
#pragma once
#include "cli/home.h"

struct session {
	struct home          h;
	struct privkey      *key;
	struct service_conn *conn;
};
void           session_end(struct session *s); /* CLEANUP-ready */
enum coffer_rc session_begin(struct cli *c, struct session *s, struct err *e) NODISCARD;
