/* The agent's loop: the boundary's socket, the containers, the local REST API. One thread, one poll. */
#pragma once
#include "agent/agent.h"
#include "agent/rest.h"

/* Listens on a unix socket (mode 0600). */
enum coffer_rc serve_listen(const char *path, int *fd, struct err *e) NODISCARD;
/* Until DestroySandbox has been answered. */
enum coffer_rc serve_run(struct agent *a, int listener, struct http_serve *rest, struct err *e) NODISCARD;

/* api.c: answers a REST request of container `caller`; arg is the agent. */
enum coffer_rc api_serve(void *arg, size_t caller, const struct http_in *q, struct http_out *out, struct err *e) NODISCARD;
