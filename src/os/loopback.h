/* Loopback as a guest has it: nothing but `lo`, and listeners where the world would be. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

struct endpoint { uint32_t ip; uint16_t port; }; /* IPv4 loopback, host byte order */
#define ENDPOINT_TEXT 24 /* "127.255.255.255:65535" and its NUL */

/* "127.x.y.z" or "localhost"; false for any other host: it cannot be reached from a guest. */
bool endpoint_of(struct span host, uint16_t port, struct endpoint *out) NODISCARD;
void endpoint_text(struct endpoint p, char out[static ENDPOINT_TEXT]);

enum coffer_rc net_lo_up(struct err *e) NODISCARD;
/* A listening socket that does not block. */
enum coffer_rc net_listen(struct endpoint p, int *fd, struct err *e) NODISCARD;
