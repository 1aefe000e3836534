#include "agent/spec.h"

#include "base/str.h"

struct fixed_mount { const char *destination, *type, *source, *options; }; /* options: space between */

static const struct fixed_mount fixed_mounts[] = {
	{ "/proc", "proc", "proc", "nosuid noexec nodev" },
	{ "/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k" },
	{ "/dev/pts", "devpts", "devpts", "nosuid noexec newinstance ptmxmode=0666 mode=0620" },
	{ "/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev" },
	{ "/sys", "sysfs", "sysfs", "nosuid noexec nodev ro" },
};
static const char *const masked[] = {
	"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
	"/proc/sched_debug", "/proc/scsi", "/proc/kallsyms", "/proc/kpagecount", "/proc/kpageflags", "/sys/firmware", "/sys/kernel",
	"/sys/devices/virtual/powercap", "/sys/fs",
};
static const char *const read_only[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" };
static const char *const namespaces[] = { "pid", "ipc", "uts", "mount" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void texts(struct json_wr *j, const char *name, const char *const *t, size_t n)
{
	jw_name(j, name);
	jw_arr(j);
	for (size_t i = 0; i < n; i++)
		jw_text(j, t[i]);
	jw_arr_end(j);
}

static void words(struct json_wr *j, const char *line)
{
	struct span s = span_of(line);

	while (s.n > 0) {
		size_t n = span_find(s, ' ');

		jw_str(j, (struct span){ s.p, n });
		s = span_skip(s, n + 1);
	}
}

static bool capability_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 'A' || s.p[i] > 'Z') && s.p[i] != '_')
			return false;
	return span_starts(s, "CAP_") && s.n < 40;
}

static enum coffer_rc capability_set(struct json_wr *j, const char *name, const struct json *caps, struct err *e)
{
	jw_name(j, name);
	jw_arr(j);
	for (size_t i = 0; i < json_len(caps); i++) {
		struct span s = json_str(json_at(caps, i));

		if (!capability_ok(s))
			return err_deny(e, "policy", "capability %zu of the manifest has no proper name", i);
		jw_str(j, s);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

static bool asks_api(const struct man_container *c)
{
	for (size_t i = 0; i < c->n_entitlements; i++)
		if (c->entitlement[i].purpose == PURPOSE_API)
			return true;
	return false;
}

/* Whoever rules the shared network can turn aside and copy what another container asks of the local REST API. */
static enum coffer_rc network_ok(const struct manifest *m, const struct man_container *c, struct err *e)
{
	if (!manifest_lists(c->capabilities, span_of("CAP_NET_ADMIN")))
		return COFFER_OK;
	for (size_t i = 0; i < m->n_containers; i++)
		if (!span_eq(m->container[i].name, c->name) && asks_api(&m->container[i]))
			return err_deny(e, "policy", "CAP_NET_ADMIN beside container %.*s, which is entitled to an asset for api",
			    (int)m->container[i].name.n, (const char *)m->container[i].name.p);
	return COFFER_OK;
}

static enum coffer_rc process(struct json_wr *j, const struct man_container *c, const struct json *args, struct err *e)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };

	jw_obj(j);
	jw_m_bool(j, "terminal", false);
	jw_name(j, "user");
	jw_obj(j);
	jw_m_u64(j, "uid", c->uid);
	jw_m_u64(j, "gid", c->gid);
	jw_name(j, "additionalGids");
	jw_value(j, c->groups);
	jw_obj_end(j);
	jw_name(j, "args");
	jw_value(j, args);
	jw_name(j, "env");
	jw_value(j, c->env);
	jw_m_str(j, "cwd", c->cwd);
	jw_name(j, "capabilities");
	jw_obj(j);
	for (size_t i = 0; i < COUNT(sets); i++)
		TRY(capability_set(j, sets[i], c->capabilities, e));
	jw_obj_end(j);
	jw_m_bool(j, "noNewPrivileges", true);
	jw_obj_end(j);
	return COFFER_OK;
}

enum coffer_rc spec_process_write(const struct man_container *c, const struct json *args, struct wr *out, struct err *e)
{
	struct json_wr j = jw_open(out, false);

	TRY(process(&j, c, args, e));
	return wr_done(out, "process", e);
}

static bool under(struct span path, const char *dir)
{
	size_t n = strlen(dir);

	return span_starts(path, dir) && (path.n == n || path.p[n] == '/');
}

static enum coffer_rc destination_ok(struct span d, struct err *e)
{
	static const char *const kept[] = { "/proc", "/sys", "/dev" };

	if (d.n < 2 || d.p[0] != '/')
		return err_deny(e, "policy", "a mount needs an absolute destination below /");
	for (struct span s = span_skip(d, 1); ; s = span_skip(s, span_find(s, '/') + 1)) {
		struct span part = { s.p, span_find(s, '/') };

		if (part.n == 0 || span_eq_str(part, ".") || span_eq_str(part, ".."))
			return err_deny(e, "policy", "a mount's destination has an empty, \".\" or \"..\" part");
		if (part.n == s.n)
			break;
	}
	for (size_t i = 0; i < COUNT(kept); i++)
		if (under(d, kept[i]))
			return err_deny(e, "policy", "a mount over %s", kept[i]);
	return COFFER_OK;
}

size_t mount_covers(struct span destination, struct span path)
{
	if (path.n > destination.n + 1 && path.p[destination.n] == '/' &&
	    span_eq(destination, (struct span){ path.p, destination.n }))
		return destination.n + 1;
	return 0;
}

static bool another_writes(const struct manifest *m, const struct man_container *c, struct span volume)
{
	for (size_t i = 0; i < m->n_containers; i++)
		for (size_t k = 0; k < m->container[i].n_mounts && !span_eq(m->container[i].name, c->name); k++)
			if (span_eq(m->container[i].mount[k].volume, volume) && !m->container[i].mount[k].read_only)
				return true;
	return false;
}

/* Who unlinks a mount point takes the mount away, in whatever namespace it is, and can put something else there. */
static enum coffer_rc mount_stays(const struct manifest *m, const struct man_container *c, struct span destination, struct err *e)
{
	for (size_t k = 0; k < c->n_mounts; k++)
		if (mount_covers(c->mount[k].destination, destination) && another_writes(m, c, c->mount[k].volume))
			return err_deny(e, "policy", "a mount in volume %.*s, which another container writes",
			    (int)c->mount[k].volume.n, (const char *)c->mount[k].volume.p);
	return COFFER_OK;
}

static void fixed(struct json_wr *j, const struct fixed_mount *f)
{
	jw_obj(j);
	jw_m_text(j, "destination", f->destination);
	jw_m_text(j, "type", f->type);
	jw_m_text(j, "source", f->source);
	jw_name(j, "options");
	jw_arr(j);
	words(j, f->options);
	jw_arr_end(j);
	jw_obj_end(j);
}

static enum coffer_rc bind(struct json_wr *j, const struct man_mount *d, enum man_volume_kind kind, const char *source, struct err *e)
{
	bool sealed = kind == VOL_SEALED;

	TRY(destination_ok(d->destination, e));
	if (!source || !source[0])
		return err_set(e, COFFER_E_BUG, "a mount without a source");
	jw_obj(j);
	jw_m_str(j, "destination", d->destination);
	jw_m_text(j, "type", "bind");
	jw_m_text(j, "source", source);
	jw_name(j, "options");
	jw_arr(j);
	words(j, sealed || d->read_only ? "bind ro nosuid nodev" : "bind rw nosuid nodev");
	if (sealed)
		jw_text(j, "noexec");
	jw_arr_end(j);
	jw_obj_end(j);
	return COFFER_OK;
}

static void linux_part(struct json_wr *j)
{
	jw_name(j, "linux");
	jw_obj(j);
	jw_name(j, "namespaces");
	jw_arr(j);
	for (size_t i = 0; i < COUNT(namespaces); i++) {
		jw_obj(j);
		jw_m_text(j, "type", namespaces[i]);
		jw_obj_end(j);
	}
	jw_arr_end(j);
	texts(j, "maskedPaths", masked, COUNT(masked));
	texts(j, "readonlyPaths", read_only, COUNT(read_only));
	jw_name(j, "seccomp");
	seccomp_write(j);
	jw_obj_end(j);
}

enum coffer_rc spec_write(const struct manifest *m, const struct man_container *c, spec_source source, void *arg, struct wr *out,
    struct err *e)
{
	struct json_wr j = jw_open(out, false);

	if (json_len(c->args) == 0)
		return err_deny(e, "policy", "container %.*s: the manifest names no program", (int)c->name.n, (const char *)c->name.p);
	TRY(network_ok(m, c, e));
	TRY(manifest_exec_apart(m, c, e));
	jw_obj(&j);
	jw_m_text(&j, "ociVersion", "1.0.0");
	jw_name(&j, "process");
	TRY(process(&j, c, c->args, e));
	jw_name(&j, "root");
	jw_obj(&j);
	jw_m_text(&j, "path", "rootfs");
	jw_m_bool(&j, "readonly", c->read_only_root);
	jw_obj_end(&j);
	jw_m_str(&j, "hostname", c->name);
	jw_name(&j, "mounts");
	jw_arr(&j);
	for (size_t i = 0; i < COUNT(fixed_mounts); i++)
		fixed(&j, &fixed_mounts[i]);
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct man_volume *v = manifest_volume(m, c->mount[i].volume);

		if (!v)
			return err_set(e, COFFER_E_BUG, "a mount of no volume");
		TRY(mount_stays(m, c, c->mount[i].destination, e));
		TRY(bind(&j, &c->mount[i], v->kind, source(arg, (size_t)(v - m->volume)), e));
	}
	jw_arr_end(&j);
	linux_part(&j);
	jw_obj_end(&j);
	return wr_done(out, "config.json", e);
}
