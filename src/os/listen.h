/* Sockets that listen, by literal address. */
#pragma once
#include "base/err.h"

/* A socket that listens on "address:port", both literal. */
enum coffer_rc listen_on(const char *where, int *fd, struct err *e) NODISCARD;
/* "address:port" as bound; IPv6 in brackets. */
enum coffer_rc listen_name(int fd, char *out, size_t n, struct err *e) NODISCARD;
