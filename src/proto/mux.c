#include "proto/mux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

#define HELLO	"coffer-mux 1"
#define HEADER	8u
#define OUT_MAX (1u << 20)  /* bytes for the other side that are kept at most */
#define OUT_LOW (128u << 10) /* with more than that waiting nothing is read that could ask for an answer */

enum type { HELLO_, OPEN_, DATA_, END_, RESET_, CREDIT_ };

struct stream {
	uint32_t id; /* 0: free */
	int	 fd;
	uint32_t credit; /* bytes that the other side still takes */
	uint32_t owed;	 /* bytes taken from it that it does not know of yet */
	bool	 ended;	 /* we have said that no more comes */
	bool	 over;	 /* the other side has */
	bool	 shut;	 /* and whoever reads the descriptor knows */
	size_t	 at, n;	 /* bytes for the descriptor */
	uint8_t	*buf;	 /* MUX_WINDOW */
};
struct listener {
	int	    fd;
	const char *name;
};
struct mux {
	int		port;
	struct mux_side side;
	bool		greeted; /* the other side's hello has come */
	uint32_t	next_own, last_other; /* of streams: numbers are never used twice */
	struct stream	s[MUX_STREAMS_MAX];
	struct listener l[MUX_LISTEN_MAX];
	size_t		n_l;
	struct wr	out;
	size_t		out_at;
	size_t		n_in;
	uint8_t		in[HEADER + MUX_PIECE];
	uint8_t		piece[MUX_PIECE];
};

static enum coffer_rc broken(const char *what, struct err *e)
{
	return err_set(e, COFFER_E_INPUT, "channel: %s", what);
}

/* ---- writing ---- */

static void put(struct wr *w, enum type t, uint32_t id, struct span s)
{
	wr_u8(w, (uint8_t)t);
	wr_u8(w, 0);
	wr_be16(w, (uint16_t)s.n);
	wr_be32(w, id);
	wr_put(w, s);
}

void mux_hello(struct wr *w)
{
	put(w, HELLO_, 0, span_of(HELLO));
}

static size_t waiting(const struct mux *m)
{
	return m->out.n - m->out_at;
}

static enum coffer_rc flush(struct mux *m, struct err *e)
{
	while (waiting(m) > 0) {
		ssize_t n = write(m->port, m->out.p + m->out_at, waiting(m));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return err_set(e, COFFER_E_UPSTREAM, "channel: %s", n < 0 ? strerror(errno) : "closed");
		m->out_at += (size_t)n;
	}
	if (m->out_at > 0) {
		memmove(m->out.p, m->out.p + m->out_at, waiting(m));
		m->out.n -= m->out_at;
		m->out_at = 0;
	}
	return COFFER_OK;
}

/* ---- streams ---- */

static struct stream *find(struct mux *m, uint32_t id)
{
	for (size_t i = 0; id && i < MUX_STREAMS_MAX; i++)
		if (m->s[i].id == id)
			return &m->s[i];
	return NULL;
}

static void drop(struct stream *s)
{
	closep(&s->fd);
	free(s->buf);
	*s = (struct stream){ .fd = -1 };
}

static void reset(struct mux *m, struct stream *s)
{
	put(&m->out, RESET_, s->id, (struct span){ 0 });
	drop(s);
}

/* Takes fd whatever happens; NULL: no place for another. */
static struct stream *start(struct mux *m, uint32_t id, int fd)
{
	for (size_t i = 0; i < MUX_STREAMS_MAX; i++) {
		struct stream *s = &m->s[i];

		if (s->id)
			continue;
		s->buf = malloc(MUX_WINDOW);
		if (!s->buf)
			break;
		s->id = id;
		s->fd = fd;
		s->credit = MUX_WINDOW;
		return s;
	}
	closep(&fd);
	return NULL;
}

static void finish(struct stream *s)
{
	if (s->ended && s->shut)
		drop(s);
}

/* What waits goes into the descriptor; what it took is credited. */
static void stream_write(struct mux *m, struct stream *s)
{
	while (s->n > 0) {
		ssize_t n = write(s->fd, s->buf + s->at, s->n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			reset(m, s);
			return;
		}
		s->at += (size_t)n;
		s->n -= (size_t)n;
		s->owed += (uint32_t)n;
	}
	if (s->n == 0 && s->over && !s->shut) {
		(void)shutdown(s->fd, SHUT_WR); /* of what is no socket the end is when it is closed */
		s->shut = true;
	}
	if (s->owed >= MUX_WINDOW / 2 && !s->over) {
		uint8_t v[4] = { (uint8_t)(s->owed >> 24), (uint8_t)(s->owed >> 16), (uint8_t)(s->owed >> 8), (uint8_t)s->owed };

		put(&m->out, CREDIT_, s->id, SPAN(v));
		s->owed = 0;
	}
	finish(s);
}

static void stream_read(struct mux *m, struct stream *s)
{
	size_t room = s->credit < MUX_PIECE ? s->credit : MUX_PIECE;
	ssize_t n;

	if (s->ended || room == 0 || waiting(m) > OUT_LOW)
		return;
	n = read(s->fd, m->piece, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		reset(m, s);
		return;
	}
	put(&m->out, n ? DATA_ : END_, s->id, (struct span){ m->piece, (size_t)n });
	s->credit -= (uint32_t)n;
	s->ended = n == 0;
	finish(s);
}

/* ---- what the other side says ---- */

static bool name_good(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] > 0x7e)
			return false;
	return s.n > 0 && s.n <= MUX_NAME_MAX;
}

static bool is_own(const struct mux *m, uint32_t id)
{
	return (id % 2 == 1) == m->side.guest;
}

static enum coffer_rc on_open(struct mux *m, uint32_t id, struct span name, struct err *e)
{
	int fd;

	if (is_own(m, id) || id <= m->last_other || !name_good(name))
		return broken("a stream is opened that may not be", e);
	m->last_other = id;
	fd = m->side.open(m->side.arg, name);
	if (fd < 0 || !start(m, id, fd))
		put(&m->out, RESET_, id, (struct span){ 0 });
	return COFFER_OK;
}

static enum coffer_rc on_data(struct mux *m, struct stream *s, struct span in, struct err *e)
{
	if (s->over || in.n > MUX_WINDOW - s->n - s->owed)
		return broken("more than the window of a stream, or after its end", e);
	if (s->at > 0)
		memmove(s->buf, s->buf + s->at, s->n);
	s->at = 0;
	memcpy(s->buf + s->n, in.p, in.n);
	s->n += in.n;
	stream_write(m, s);
	return COFFER_OK;
}

static enum coffer_rc on_credit(struct stream *s, struct span in, struct err *e)
{
	struct rd r = rd_open(in);
	uint32_t n = rd_be32(&r);

	if (!rd_done(&r) || n > MUX_WINDOW - s->credit)
		return broken("more credit than the window", e);
	s->credit += n;
	return COFFER_OK;
}

static enum coffer_rc on_stream(struct mux *m, enum type t, uint32_t id, struct span in, struct err *e)
{
	struct stream *s = find(m, id);

	if (!s)
		return id && (is_own(m, id) ? id < m->next_own : id <= m->last_other) ? COFFER_OK : broken("a stream that nobody opened", e);
	if (t == DATA_)
		return on_data(m, s, in, e);
	if (t == CREDIT_)
		return on_credit(s, in, e);
	if (in.n > 0 || (t == END_ && s->over))
		return broken("a stream ends twice, or with bytes", e);
	if (t == RESET_) {
		drop(s);
		return COFFER_OK;
	}
	s->over = true;
	stream_write(m, s);
	return COFFER_OK;
}

static enum coffer_rc frame(struct mux *m, enum type t, uint32_t id, struct span in, struct err *e)
{
	if (!m->greeted && (t != HELLO_ || id != 0 || !span_eq_str(in, HELLO)))
		return broken("the other side speaks another version, or something else", e);
	if (!m->greeted) {
		m->greeted = true;
		return COFFER_OK;
	}
	switch (t) {
	case OPEN_:
		return on_open(m, id, in, e);
	case DATA_:
	case END_:
	case RESET_:
	case CREDIT_:
		return on_stream(m, t, id, in, e);
	case HELLO_:
	default:
		return broken("a frame of no known type", e);
	}
}

/* Bytes of the frame that begins at m->in; of its header while that is not whole. */
static size_t wanted(const struct mux *m)
{
	struct rd r = rd_open((struct span){ m->in + 2, 2 });

	return m->n_in < HEADER ? HEADER : HEADER + rd_be16(&r);
}

static enum coffer_rc whole(struct mux *m, struct err *e)
{
	struct rd r = rd_open((struct span){ m->in, m->n_in });
	uint8_t type = rd_u8(&r), flags = rd_u8(&r);
	uint32_t id;

	(void)rd_be16(&r);
	id = rd_be32(&r);
	m->n_in = 0;
	return flags ? broken("a frame with a flag", e) : frame(m, (enum type)type, id, rd_span(&r, r.n), e);
}

enum coffer_rc mux_take(struct mux *m, struct span in, struct err *e)
{
	while (in.n > 0) {
		size_t want = wanted(m), more = want - m->n_in < in.n ? want - m->n_in : in.n;

		memcpy(m->in + m->n_in, in.p, more);
		m->n_in += more;
		in = span_skip(in, more);
		if (m->n_in < HEADER)
			break;
		want = wanted(m);
		if (want > sizeof(m->in))
			return broken("a frame that is too long", e);
		if (m->n_in == want)
			TRY(whole(m, e));
	}
	return wr_ok(&m->out) ? COFFER_OK : broken("answers that nobody reads", e);
}

/* ---- a side ---- */

enum coffer_rc mux_new(int port, const struct mux_side *side, bool said, struct mux **out, struct err *e)
{
	struct mux *m = calloc(1, sizeof(*m));

	if (!m)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	m->port = port;
	m->side = *side;
	m->out = wr_open(OUT_MAX);
	m->next_own = side->guest ? 1 : 2;
	for (size_t i = 0; i < MUX_STREAMS_MAX; i++)
		m->s[i].fd = -1;
	if (!said)
		mux_hello(&m->out);
	*out = m;
	return COFFER_OK;
}

void mux_free(struct mux *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < MUX_STREAMS_MAX; i++)
		drop(&m->s[i]);
	wr_close(&m->out);
	free(m);
}

enum coffer_rc mux_listen(struct mux *m, int listener, const char *name, struct err *e)
{
	if (m->n_l == MUX_LISTEN_MAX || !name_good(span_of(name)))
		return err_set(e, COFFER_E_LIMIT, "channel: more than %d listeners, or no name", MUX_LISTEN_MAX);
	m->l[m->n_l++] = (struct listener){ listener, name };
	return COFFER_OK;
}

enum coffer_rc mux_connect(struct mux *m, int fd, const char *name, struct err *e)
{
	uint32_t id = m->next_own;

	if (!name_good(span_of(name)) || id > UINT32_MAX - 2) {
		closep(&fd);
		return err_set(e, COFFER_E_LIMIT, "channel: no name, or no more numbers");
	}
	if (!start(m, id, fd))
		return err_set(e, COFFER_E_LIMIT, "channel: more than %d streams", MUX_STREAMS_MAX);
	m->next_own = id + 2;
	put(&m->out, OPEN_, id, span_of(name));
	return COFFER_OK;
}

static bool full(const struct mux *m)
{
	for (size_t i = 0; i < MUX_STREAMS_MAX; i++)
		if (!m->s[i].id)
			return false;
	return true;
}

size_t mux_poll(const struct mux *m, struct pollfd *p)
{
	bool busy = waiting(m) > OUT_LOW;
	size_t n = 0;

	p[n++] = (struct pollfd){ .fd = m->port, .events = (short)((busy ? 0 : POLLIN) | (waiting(m) ? POLLOUT : 0)) };
	for (size_t i = 0; i < m->n_l; i++)
		p[n++] = (struct pollfd){ .fd = full(m) ? -1 : m->l[i].fd, .events = POLLIN };
	for (size_t i = 0; i < MUX_STREAMS_MAX; i++) {
		const struct stream *s = &m->s[i];
		short want = (short)((!s->ended && s->credit && !busy ? POLLIN : 0) | (s->n ? POLLOUT : 0));

		p[n++] = (struct pollfd){ .fd = s->id && want ? s->fd : -1, .events = want };
	}
	return n;
}

static enum coffer_rc port_read(struct mux *m, struct err *e)
{
	uint8_t buf[HEADER + MUX_PIECE];
	ssize_t n = read(m->port, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return COFFER_OK;
	if (n <= 0)
		return err_set(e, COFFER_E_UPSTREAM, "channel: %s", n < 0 ? strerror(errno) : "the other side is gone");
	return mux_take(m, (struct span){ buf, (size_t)n }, e);
}

static enum coffer_rc accept_one(struct mux *m, const struct listener *l, struct err *e)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return fd < 0 ? COFFER_OK : mux_connect(m, fd, l->name, e);
}

enum coffer_rc mux_step(struct mux *m, const struct pollfd *p, size_t n, struct err *e)
{
	if (n != 1 + m->n_l + MUX_STREAMS_MAX)
		return err_set(e, COFFER_E_BUG, "channel: %zu descriptors", n);
	for (size_t i = 0; i < MUX_STREAMS_MAX; i++) {
		const struct pollfd *q = &p[1 + m->n_l + i];
		struct stream *s = &m->s[i];

		if (s->id && s->fd == q->fd && (q->revents & (POLLOUT | POLLERR)))
			stream_write(m, s);
		if (s->id && s->fd == q->fd && (q->revents & (POLLIN | POLLHUP | POLLERR)))
			stream_read(m, s);
	}
	for (size_t i = 0; i < m->n_l; i++)
		if (p[1 + i].revents & POLLIN)
			TRY(accept_one(m, &m->l[i], e));
	if (p[0].revents & POLLIN)
		TRY(port_read(m, e));
	else if (p[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		return err_set(e, COFFER_E_UPSTREAM, "channel: the other side is gone");
	return flush(m, e);
}

bool mux_idle(const struct mux *m)
{
	for (size_t i = 0; i < MUX_STREAMS_MAX; i++)
		if (m->s[i].id)
			return false;
	return waiting(m) == 0;
}
