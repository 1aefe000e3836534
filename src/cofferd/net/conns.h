/* Absolute deadlines for connections: the HTTP library has only idle ones, which a client that
 * drips a byte a second outlives. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONNS_MAX 1000
#define CONN_REQUEST_MS 10000 /* handshake, or one request from its first line to the end of its reply */
#define CONN_IDLE_MS 30000    /* between requests */

struct conn { int fd; int64_t deadline_ms; }; /* fd < 0: free */

struct conns {
	pthread_mutex_t lock;
	struct conn     slot[CONNS_MAX];
};

void conns_init(struct conns *c);
/* NULL when the table is full. The deadline of a request starts. */
struct conn *conns_add(struct conns *c, int fd, int64_t now_ms);
/* A request's first line is read: its deadline starts, unless that of the connection's first request ends sooner. */
void conns_begin(struct conns *c, struct conn *slot, int64_t now_ms);
/* It waits for others: ms more than from now. */
void conns_extend(struct conns *c, struct conn *slot, int64_t now_ms, int64_t ms);
/* Its reply is sent: the connection may idle. */
void conns_idle(struct conns *c, struct conn *slot, int64_t now_ms);
/* Must be called before the descriptor is closed, so that a sweep never shuts a stranger's. */
void conns_del(struct conns *c, struct conn *slot);
/* Shuts down every connection whose deadline has passed; answers how many. */
size_t conns_sweep(struct conns *c, int64_t now_ms);
