#include "net/http.h"

#include <arpa/inet.h>

#include "base/str.h"

static enum coffer_rc bad(struct err *e, const char *what)
{
	return err_set(e, COFFER_E_INPUT, "URL: %s", what);
}

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
			  c == '_';

		if (!ok)
			return false;
	}
	return s.n > 0 && s.p[0] != '.' && s.p[0] != '-';
}

/* "[::1]" or a name; *rest gets what follows it. */
static enum coffer_rc take_host(struct span s, struct http_url *u, struct span *rest, struct err *e)
{
	uint8_t addr[16];
	struct span host;
	size_t end;

	if (s.n > 0 && s.p[0] == '[') {
		end = span_find(s, ']');
		host = (struct span){ s.p + 1, end > 0 ? end - 1 : 0 };
		if (end == s.n || host.n >= sizeof(u->host))
			return bad(e, "malformed address");
		memcpy(u->host, host.p, host.n);
		u->host[host.n] = 0;
		if (inet_pton(AF_INET6, u->host, addr) != 1)
			return bad(e, "malformed IPv6 address");
		*rest = span_skip(s, end + 1);
		return COFFER_OK;
	}
	host = (struct span){ s.p, span_find(s, ':') };
	if (!is_name(host) || host.n >= sizeof(u->host))
		return bad(e, "malformed host name");
	memcpy(u->host, host.p, host.n);
	u->host[host.n] = 0;
	*rest = span_skip(s, host.n);
	return COFFER_OK;
}

static enum coffer_rc take_path(struct span path, struct http_url *u, struct err *e)
{
	if (path.n >= sizeof(u->path))
		return bad(e, "path longer than 1023 bytes");
	for (size_t i = 0; i < path.n; i++) {
		if (path.p[i] <= ' ' || path.p[i] >= 0x7f || path.p[i] == '#' || path.p[i] == '\\')
			return bad(e, "a character that a path cannot hold");
	}
	u->path[0] = '/';
	u->path[1] = 0;
	if (path.n > 0) {
		memcpy(u->path, path.p, path.n);
		u->path[path.n] = 0;
	}
	return COFFER_OK;
}

enum coffer_rc http_url_parse(struct span url, struct http_url *out, struct err *e)
{
	struct http_url u = { 0 };
	struct span auth, rest = { 0 };
	uint64_t port;
	size_t slash;

	if (span_starts(url, "https://"))
		u.tls = true;
	else if (!span_starts(url, "http://"))
		return bad(e, "neither http:// nor https://");
	auth = span_skip(url, u.tls ? 8 : 7);
	slash = span_find(auth, '/');
	TRY(take_path(span_skip(auth, slash), &u, e));
	auth.n = slash;
	TRY(take_host(auth, &u, &rest, e));
	port = u.tls ? 443 : 80;
	if (rest.n > 0 && (rest.p[0] != ':' || !span_u64(span_skip(rest, 1), &port) || port == 0 || port > 65535))
		return bad(e, "malformed port");
	u.port = (uint16_t)port;
	*out = u;
	return COFFER_OK;
}
