#include "trust/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "trust/manifest_int.h"
#include "trust/statement.h"

#define URL_MAX 512
#define SIGNAL_MAX 64
#define PLATFORMS_MAX 8
#define HOSTS_MAX 16
#define HOST_LEN_MAX 255

void manifest_clear(struct manifest *m)
{
	free(m->container);
	wr_close(&m->canon);
	json_free(m->doc);
	*m = (struct manifest){ 0 };
}

const struct man_container *manifest_container(const struct manifest *m, struct span name)
{
	for (size_t i = 0; i < m->n_containers; i++)
		if (span_eq(m->container[i].name, name))
			return &m->container[i];
	return NULL;
}

const struct man_volume *manifest_volume(const struct manifest *m, struct span name)
{
	for (size_t i = 0; i < m->n_volumes; i++)
		if (span_eq(m->volume[i].name, name))
			return &m->volume[i];
	return NULL;
}

struct span man_container_name(const struct man_container *c)
{
	return (struct span){ c->image_reference.p, span_find(c->image_reference, '@') };
}

bool man_container_of(const struct man_container *c, struct span repository)
{
	return span_eq(man_container_name(c), repository);
}

bool manifest_entitles(const struct man_container *c, const struct asset_path *p, enum purpose purpose)
{
	for (size_t i = 0; i < c->n_entitlements; i++)
		if (c->entitlement[i].purpose == purpose && asset_path_eq(&c->entitlement[i].asset, p))
			return true;
	return false;
}

uint64_t manifest_releases(const struct manifest *m, const struct asset_path *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n_containers; i++)
		for (size_t k = 0; k < m->container[i].n_entitlements; k++)
			n += asset_path_eq(&m->container[i].entitlement[k].asset, p);
	return n;
}

bool manifest_lists(const struct json *array, struct span s)
{
	for (size_t i = 0; i < json_len(array); i++)
		if (json_type(json_at(array, i)) == JSON_STRING && span_eq(json_str(json_at(array, i)), s))
			return true;
	return false;
}

/* ---- the pod ---- */

/* What a URL of ours may hold: nothing that needs an escape in TOML or JSON, no user, no query. */
static bool url_ok(struct span s)
{
	struct span rest = span_skip(s, sizeof("https://") - 1);

	if (!form_ascii_ok(s, URL_MAX) || !span_starts(s, "https://") || rest.n == 0 || rest.p[0] == '/' || rest.p[0] == ':')
		return false;
	for (size_t i = 0; i < rest.n; i++)
		if (strchr("\"\\@?#<>^`{|}", rest.p[i]))
			return false;
	return true;
}

static enum coffer_rc read_head(const struct json *v, struct manifest *m, struct err *e)
{
	static const char *const names[] = { "id", "url", NULL };
	const struct json *service = NULL;
	uint64_t version;

	TRY(json_need_u64(v, "version", "manifest", &version, e));
	if (version != 1)
		return err_set(e, COFFER_E_INPUT, "manifest: the version is not 1");
	TRY(man_name(v, "manifest", &m->name, e));
	TRY(form_party(v, "provider", "manifest", m->provider, e));
	TRY(form_digest(v, "genesis", "manifest", m->genesis, e));
	TRY(json_need_obj(v, "service", "manifest", &service, e));
	TRY(json_closed(service, names, "service", e));
	TRY(form_party(service, "id", "service", m->service_id, e));
	TRY(json_need_str(service, "url", "service", &m->service_url, e));
	if (!url_ok(m->service_url))
		return err_set(e, COFFER_E_INPUT, "service: the url is not a plain https URL");
	return COFFER_OK;
}

static enum coffer_rc read_platforms(const struct json *v, struct manifest *m, struct err *e)
{
	TRY(form_list(v, "platforms", "manifest", (struct form_range){ 1, PLATFORMS_MAX }, &m->platforms, e));
	TRY(form_unique(m->platforms, "platforms", "manifest", e));
	for (size_t i = 0; i < json_len(m->platforms); i++)
		if (!form_platform_ok(json_str(json_at(m->platforms, i))))
			return err_set(
			    e, COFFER_E_INPUT, "manifest: member \"platforms\" holds something that is no platform's name");
	return COFFER_OK;
}

static enum coffer_rc read_host(const struct json *v, struct manifest *m, struct err *e)
{
	static const char *const names[] = { "logs", "signals", "exec", NULL };
	const struct json *host = NULL;
	uint64_t sig;

	TRY(json_need_obj(v, "host", "manifest", &host, e));
	TRY(json_closed(host, names, "host", e));
	TRY(form_list(host, "logs", "host", (struct form_range){ 0, MAN_CONTAINERS_MAX }, &m->host_logs, e));
	TRY(form_unique(m->host_logs, "logs", "host", e));
	for (size_t i = 0; i < json_len(m->host_logs); i++)
		if (!manifest_container(m, json_str(json_at(m->host_logs, i))))
			return err_set(e, COFFER_E_INPUT, "host: member \"logs\" names a container that is not there");
	TRY(form_list(host, "signals", "host", (struct form_range){ 0, SIGNAL_MAX }, &m->host_signals, e));
	for (size_t i = 0; i < json_len(m->host_signals); i++)
		if (!json_u64(json_at(m->host_signals, i), &sig) || sig < 1 || sig > SIGNAL_MAX)
			return err_set(
			    e, COFFER_E_INPUT, "host: member \"signals\" holds something that is not a signal's number");
	return man_exec_read(host, m, e);
}

static bool host_ok(struct span s)
{
	bool ok = s.n > 0 && s.n <= HOST_LEN_MAX;

	for (size_t i = 0; ok && i < s.n; i++)
		ok = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] && strchr(".-:[]", s.p[i]));
	return ok;
}

static enum coffer_rc read_registries(const struct json *v, struct manifest *m, struct err *e)
{
	static const char *const names[] = { "plain-http", NULL };
	const struct json *registries = NULL;

	TRY(json_need_obj(v, "registries", "manifest", &registries, e));
	TRY(json_closed(registries, names, "registries", e));
	TRY(form_list(registries, "plain-http", "registries", (struct form_range){ 0, HOSTS_MAX }, &m->plain_http, e));
	TRY(form_unique(m->plain_http, "plain-http", "registries", e));
	for (size_t i = 0; i < json_len(m->plain_http); i++)
		if (!host_ok(json_str(json_at(m->plain_http, i))))
			return err_set(
			    e, COFFER_E_INPUT, "registries: member \"plain-http\" holds something that is not host or host:port");
	return COFFER_OK;
}

static enum coffer_rc read_containers(const struct json *v, struct manifest *m, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(v, "containers", "manifest", (struct form_range){ 1, MAN_CONTAINERS_MAX }, &list, e));
	m->container = calloc(json_len(list), sizeof(*m->container));
	if (!m->container)
		return err_set(e, COFFER_E_SYSTEM, "manifest: out of memory");
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(man_container_read(json_at(list, i), &m->container[i], e));
		if (manifest_container(m, m->container[i].name))
			return err_set(e, COFFER_E_INPUT, "manifest: two containers of one name");
		m->n_containers++;
	}
	return COFFER_OK;
}

static enum coffer_rc read_volumes(const struct json *v, struct manifest *m, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(v, "volumes", "manifest", (struct form_range){ 0, MAN_VOLUMES_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(man_volume_read(json_at(list, i), &m->volume[i], e));
		if (manifest_volume(m, m->volume[i].name))
			return err_set(e, COFFER_E_INPUT, "manifest: two volumes of one name");
		m->n_volumes++;
	}
	return COFFER_OK;
}

/* ---- cross references ---- */

static bool entitled_to_volume(const struct man_container *c, const struct man_volume *vol)
{
	for (size_t i = 0; i < c->n_entitlements; i++)
		if (c->entitlement[i].purpose == PURPOSE_VOLUME && span_eq(c->entitlement[i].volume, vol->name))
			return true;
	return false;
}

/* Whoever sees a sealed volume's plain text must be entitled to it: else R7 would be asked about one container and the
 * data would reach another. */
static enum coffer_rc check_mounts(const struct manifest *m, const struct man_container *c, struct err *e)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct man_volume *vol = manifest_volume(m, c->mount[i].volume);

		if (!vol)
			return err_set(e, COFFER_E_INPUT, "manifest: a mount names a volume that is not there");
		if (vol->kind == VOL_SEALED && !entitled_to_volume(c, vol))
			return err_set(
			    e, COFFER_E_INPUT, "manifest: a container mounts a sealed volume that it is not entitled to");
	}
	return COFFER_OK;
}

static enum coffer_rc check_entitlements(const struct manifest *m, const struct man_container *c, struct err *e)
{
	for (size_t i = 0; i < c->n_entitlements; i++) {
		const struct man_entitlement *t = &c->entitlement[i];
		const struct man_volume *vol = manifest_volume(m, t->volume);

		if (t->purpose != PURPOSE_VOLUME)
			continue;
		if (!vol || vol->kind != VOL_SEALED)
			return err_set(e, COFFER_E_INPUT, "manifest: an entitlement names a sealed volume that is not there");
		if (!asset_path_eq(&vol->asset, &t->asset) || !span_eq(vol->slot, t->slot))
			return err_set(e, COFFER_E_INPUT, "manifest: an entitlement and its volume name different assets or slots");
	}
	return COFFER_OK;
}

static enum coffer_rc read_all(const struct json *v, struct manifest *m, struct err *e)
{
	static const char *const names[] = { "version", "name", "provider", "genesis", "service", "platforms", "containers",
		"volumes", "slots", "host", "registries", NULL };

	TRY(json_closed(v, names, "manifest", e));
	TRY(read_head(v, m, e));
	TRY(read_platforms(v, m, e));
	TRY(read_containers(v, m, e));
	TRY(read_volumes(v, m, e));
	TRY(man_slots_read(v, m, e));
	TRY(read_host(v, m, e));
	TRY(read_registries(v, m, e));
	for (size_t i = 0; i < m->n_containers; i++) {
		TRY(check_mounts(m, &m->container[i], e));
		TRY(check_entitlements(m, &m->container[i], e));
	}
	TRY(man_slots_check(m, e));
	m->canon = wr_open(MAN_FILE_MAX);
	json_canon(v, &m->canon);
	TRY(wr_done(&m->canon, "manifest", e));
	sha256(wr_span(&m->canon), m->digest);
	return COFFER_OK;
}

void manifest_move(struct manifest *from, struct manifest *to)
{
	*to = *from;
	*from = (struct manifest){ 0 };
}

enum coffer_rc manifest_read(const struct json *v, struct manifest *out, struct err *e)
{
	CLEANUP(manifest_clear) struct manifest m = { 0 };

	TRY(read_all(v, &m, e));
	manifest_move(&m, out);
	return COFFER_OK;
}

enum coffer_rc manifest_parse(struct span text, struct manifest *out, struct err *e)
{
	CLEANUP(manifest_clear) struct manifest m = { 0 };

	TRY(json_parse(text, MAN_FILE_MAX, &m.doc, e));
	TRY(read_all(json_root(m.doc), &m, e));
	manifest_move(&m, out);
	return COFFER_OK;
}

enum coffer_rc workload_read(const struct statement *s, struct manifest *out, struct err *e)
{
	CLEANUP(manifest_clear) struct manifest m = { 0 };

	if (s->kind != ST_WORKLOAD)
		return err_set(e, COFFER_E_INPUT, "workload: the statement's kind is %s", statement_kind_name(s->kind));
	TRY(read_all(s->body, &m, e));
	if (!span_eq(SPAN(m.digest), SPAN(s->subject[0].sha256)) || !span_eq(m.name, s->subject[0].name))
		return err_set(e, COFFER_E_INPUT, "workload: the statement's subject is not the name and digest of its manifest");
	if (strcmp(m.provider, s->issuer) != 0)
		return err_set(e, COFFER_E_INPUT, "workload: the manifest's provider is not the statement's issuer");
	if (!span_eq(SPAN(m.genesis), SPAN(s->ledger)))
		return err_set(e, COFFER_E_INPUT, "workload: the manifest's genesis is not the statement's ledger");
	manifest_move(&m, out);
	return COFFER_OK;
}
