#include "cli/run_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/inflate.h"
#include "fmt/yaml.h"
#include "image/ref.h"
#include "net/http.h"
#include "os/file.h"

#define DEVICE_MAX (1u << 20)
#define BLOCK 512
#define AGENT_API_PORT 8006
#define AGENT_API_NET 0x7f500600u /* the agent's listeners, one a container: agent/fence.h */

void run_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("coffer run: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
}

static enum coffer_rc packed_initdata(const struct run *r, struct wr *out, struct err *e)
{
	if (r->pod.initdata.n == 0)
		return err_set(e, COFFER_E_INPUT, "the pod has no annotation %s: make one with `coffer workload build`", POD_INITDATA);
	if (!b64_read(r->pod.initdata, out))
		return err_set(e, COFFER_E_INPUT, "annotation %s: not base64, or too long", POD_INITDATA);
	return COFFER_OK;
}

enum coffer_rc run_read(struct run *r, const char *path, struct err *e)
{
	CLEANUP(wr_close) struct wr packed = wr_open(DEVICE_MAX), plain = wr_open(MAN_INITDATA_MAX);

	r->text = wr_open(POD_TEXT_MAX);
	TRY(file_read_arg(path, POD_TEXT_MAX, &r->text, e));
	TRY(yaml_parse(wr_span(&r->text), POD_TEXT_MAX, &r->doc, e));
	TRY(pod_read(json_root(r->doc), &r->pod, e));
	TRY(packed_initdata(r, &packed, e));
	TRY(gunzip(wr_span(&packed), MAN_INITDATA_MAX, &plain, e));
	return manifest_from_initdata(wr_span(&plain), &r->man, e);
}

/* As the guest has it: of the document, unpacked. */
enum coffer_rc run_initdata_digest(const struct run *r, uint8_t out[static 32], struct err *e)
{
	CLEANUP(wr_close) struct wr packed = wr_open(DEVICE_MAX), plain = wr_open(MAN_INITDATA_MAX);

	TRY(packed_initdata(r, &packed, e));
	TRY(gunzip(wr_span(&packed), MAN_INITDATA_MAX, &plain, e));
	sha256(wr_span(&plain), out);
	return COFFER_OK;
}

enum coffer_rc run_device(const struct run *r, const char *path, struct err *e)
{
	CLEANUP(wr_close) struct wr packed = wr_open(DEVICE_MAX - BLOCK), device = wr_open(DEVICE_MAX);
	struct span s;

	TRY(packed_initdata(r, &packed, e));
	s = wr_span(&packed);
	wr_str(&device, "initdata");
	wr_le64(&device, s.n);
	wr_put(&device, s);
	while (wr_ok(&device) && wr_span(&device).n % BLOCK != 0)
		wr_u8(&device, 0);
	TRY(wr_done(&device, "initdata device", e));
	return file_write(path, wr_span(&device), 0600, e);
}

/* Only a loopback address can be relayed; the rest is told, and stays out of reach. */
static enum coffer_rc add(struct guest_opts *o, struct span host, uint16_t port, struct err *e)
{
	struct endpoint p;

	if (!endpoint_of(host, port, &p)) {
		run_say("%.*s:%u is no loopback address: the guest cannot reach it", (int)host.n, (const char *)host.p, port);
		return COFFER_OK;
	}
	if ((p.ip & 0xffffff00u) == AGENT_API_NET)
		return err_set(e, COFFER_E_INPUT, "addresses 127.80.6.0/24 in the guest belong to its local REST API");
	if (p.port == AGENT_API_PORT)
		return err_set(e, COFFER_E_INPUT, "port %d in the guest belongs to its local REST API", AGENT_API_PORT);
	return guest_endpoint(o, p, e);
}

/* "host[:port]" of a registry. */
static enum coffer_rc add_registry(struct guest_opts *o, struct span s, bool plain, struct err *e)
{
	CLEANUP(freep) char *url = str_fmt("%s://%.*s/", plain ? "http" : "https", (int)s.n, (const char *)s.p);
	struct http_url u;

	if (!url)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(http_url_parse(span_of(url), &u, e));
	return add(o, span_of(u.host), u.port, e);
}

enum coffer_rc run_endpoints(const struct run *r, struct guest_opts *o, struct err *e)
{
	struct http_url u;

	TRY(http_url_parse(r->man.service_url, &u, e));
	TRY(add(o, span_of(u.host), u.port, e));
	for (size_t i = 0; i < r->man.n_containers; i++) {
		struct ref ref;

		TRY(ref_parse(r->man.container[i].image_reference, &ref, e));
		TRY(add_registry(o, span_of(ref_registry_host(&ref)), manifest_lists(r->man.plain_http, span_of(ref.host)), e));
	}
	return COFFER_OK;
}

enum coffer_rc run_beside(const char *name, char out[static RUN_PATH_MAX], struct err *e)
{
	static const char *const beside[] = { "", "../libexec/coffer/", "../agent/" };
	char self[RUN_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof(beside) / sizeof(beside[0]); i++) {
		slash[1] = 0;
		if (snprintf(out, RUN_PATH_MAX, "%s%s%s", self, beside[i], name) < RUN_PATH_MAX && access(out, X_OK) == 0)
			return COFFER_OK;
	}
	return err_set(e, COFFER_E_NOTFOUND, "%s is not installed beside coffer", name);
}

const char *run_platform(const struct cli *c)
{
	const char *said = cli_opt(c, "platform");

	return said ? said : "sample";
}

enum coffer_rc run_agent_path(char out[static RUN_PATH_MAX], struct err *e)
{
	const char *named = getenv("COFFER_AGENT");

	if (named) {
		(void)snprintf(out, RUN_PATH_MAX, "%s", named);
		return access(out, X_OK) == 0 ? COFFER_OK : err_set(e, COFFER_E_NOTFOUND, "%s: %s", out, strerror(errno));
	}
	if (run_beside("coffer-agent", out, e) != COFFER_OK)
		return err_wrap(e, "$COFFER_AGENT is not set");
	return COFFER_OK;
}
