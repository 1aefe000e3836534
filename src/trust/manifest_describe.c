/* For people who decide: nothing that decides what runs is left out, and nothing in it can forge a line. */
#include <inttypes.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/manifest.h"
#include "trust/thing.h"

#define BLOCK "                | "

/* Text from the manifest: control characters and everything beyond ASCII as \xNN, so that no terminal acts on it and no
 * letter looks like another. What follows a line end within it is a line behind a mark with which no other line begins. */
static void put_but(struct wr *w, struct span s, uint8_t quote)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' && i + 1 < s.n)
			wr_str(w, "\n" BLOCK);
		else if (s.p[i] < 0x20 || s.p[i] >= 0x7F || s.p[i] == '\\' || s.p[i] == quote)
			wr_fmt(w, "\\x%02x", s.p[i]);
		else
			wr_u8(w, s.p[i]);
	}
}

static void put(struct wr *w, struct span s)
{
	put_but(w, s, '\\');
}

static void line(struct wr *w, const char *label, struct span s)
{
	wr_fmt(w, "%s", label);
	put(w, s);
	wr_str(w, "\n");
}

/* Items quoted, so that one item with a blank does not read as two; nor does one with a quote in it. */
static void list(struct wr *w, const char *label, const struct json *v, const char *none)
{
	wr_fmt(w, "%s", label);
	if (json_len(v) == 0)
		wr_str(w, none);
	for (size_t i = 0; i < json_len(v); i++) {
		const struct json *item = json_at(v, i);

		wr_str(w, i ? " " : "");
		if (json_type(item) == JSON_STRING) {
			wr_str(w, "'");
			put_but(w, json_str(item), '\'');
			wr_str(w, "'");
		} else {
			put(w, json_num(item));
		}
	}
	wr_str(w, "\n");
}

static void thumbprint(struct wr *w, const struct pubkey *k)
{
	uint8_t t[32];

	pubkey_thumbprint(k, t);
	b64url_write(w, SPAN(t));
}

static void mounts(const struct manifest *m, const struct man_container *c, struct wr *w)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct man_volume *v = manifest_volume(m, c->mount[i].volume);

		wr_str(w, "    sees        ");
		put(w, c->mount[i].destination);
		wr_fmt(w, " (%s volume ", v && v->kind == VOL_SEALED ? "sealed" : "empty");
		put(w, c->mount[i].volume);
		wr_fmt(w, c->mount[i].read_only ? ", read-only)\n" : ", may write)\n");
	}
}

/* An asset, or whatever an owner puts in its place. */
static void what(struct wr *w, const struct asset_path *asset, struct span slot)
{
	if (slot.n > 0)
		wr_str(w, "what fills slot ");
	put(w, slot.n > 0 ? slot : span_of(asset->text));
}

static void entitlements(const struct man_container *c, struct wr *w)
{
	for (size_t i = 0; i < c->n_entitlements; i++) {
		wr_str(w, "    is given    ");
		what(w, &c->entitlement[i].asset, c->entitlement[i].slot);
		wr_fmt(w, " as %s", purpose_name(c->entitlement[i].purpose));
		if (c->entitlement[i].purpose == PURPOSE_VOLUME) {
			wr_str(w, " ");
			put(w, c->entitlement[i].volume);
		}
		wr_str(w, "\n");
	}
	if (c->n_entitlements == 0)
		wr_str(w, "    is given    no asset\n");
}

static void outputs(const struct man_container *c, struct wr *w)
{
	for (size_t i = 0; i < c->n_outputs; i++) {
		wr_str(w, "    hands out   ");
		put(w, c->output[i].name);
		wr_str(w, ": the file ");
		put(w, c->output[i].path);
		wr_fmt(w, ", at most %" PRIu64 " bytes, sealed to %s (key ", c->output[i].max_bytes, c->output[i].to);
		thumbprint(w, &c->output[i].key);
		wr_str(w, ")\n");
	}
	if (c->n_outputs == 0)
		wr_str(w, "    hands out   nothing by name\n");
}

static void on_lapse(const struct man_container *c, struct wr *w)
{
	const struct lease_terms *t = &c->on_lapse;

	if (c->lapse_said)
		wr_fmt(w, "    on lapse    %s; asks every %" PRIu64 " s, bears %" PRIu64 " s of silence, %" PRIu64 " s to end\n",
		    t->stop ? "is stopped" : "as the owners say", t->check, t->grace, t->term);
}

/* As the guest's agent of this version has it (agent/fence.h). */
static void network(const struct man_container *c, struct wr *w)
{
	if (manifest_lists(c->capabilities, span_of("CAP_NET_ADMIN")))
		wr_str(w, "    reaches     whatever the pod's network leads to, the service and the registries too (CAP_NET_ADMIN)\n");
	else
		wr_str(w, "    reaches     the pod's containers on localhost, and its own local REST API; not the service, no registry, nothing else\n");
}

static void container(const struct manifest *m, const struct man_container *c, struct wr *w)
{
	struct thing key;

	wr_str(w, "\n  container ");
	put(w, c->name);
	wr_str(w, " (");
	put(w, c->role);
	line(w, ")\n    image       ", c->image_reference);
	wr_fmt(w, "    made by     %s, verified by ", c->image_provider);
	put(w, c->method_type);
	line(w, " with the key\n" BLOCK, c->method_key);
	thing_image_key(c->method_key, &key);
	wr_fmt(w, "                %s\n", key.text);
	if (c->attestations)
		list(w, "    attested    ", c->attestations, "");
	if (c->image_minimum)
		wr_fmt(w, "    released    as security version %" PRIu64 " or later\n", c->image_minimum);
	list(w, "    runs        ", c->args, "");
	line(w, "    in          ", c->cwd);
	list(w, "    environment ", c->env, "empty");
	wr_fmt(w, "    as          user %" PRIu64 ", group %" PRIu64, c->uid, c->gid);
	list(w, ", further groups ", c->groups, "none");
	list(w, "    may         ", c->capabilities, "no capability");
	wr_fmt(w, "    root        %s\n", c->read_only_root ? "read-only" : "writable (in memory)");
	network(c, w);
	mounts(m, c, w);
	entitlements(c, w);
	outputs(c, w);
	on_lapse(c, w);
}

void manifest_describe(const struct manifest *m, struct wr *out)
{
	char digest[HEX32_LEN], genesis[HEX32_LEN];

	hex32(m->digest, digest);
	hex32(m->genesis, genesis);
	line(out, "workload ", m->name);
	wr_fmt(out, "  digest      %s\n  provider    %s\n  genesis     %s\n  service     %s at ", digest, m->provider, genesis,
	    m->service_id);
	line(out, "", m->service_url);
	list(out, "  platforms   ", m->platforms, "none");
	for (size_t i = 0; i < m->n_volumes; i++) {
		wr_str(out, "  volume      ");
		put(out, m->volume[i].name);
		wr_str(out, m->volume[i].kind == VOL_SEALED ? ": a data file sealed under " : ": empty at start, gone at the end");
		if (m->volume[i].kind == VOL_SEALED)
			what(out, &m->volume[i].asset, m->volume[i].slot);
		wr_str(out, "\n");
	}
	for (size_t i = 0; i < m->n_slots; i++) {
		wr_str(out, "  slot        ");
		put(out, m->slot[i].name);
		wr_fmt(out, ": for %s, an asset of whatever owner binds one to it\n", purpose_name(m->slot[i].type));
	}
	list(out, "  host reads  ", m->host_logs, "no container's output");
	list(out, "  host sends  signals ", m->host_signals, "none");
	for (size_t i = 0; i < json_len(m->host_exec); i++) {
		wr_str(out, "  host runs   in ");
		put(out, json_str(json_get(json_at(m->host_exec, i), "container")));
		list(out, ", and reads what it prints: ", json_get(json_at(m->host_exec, i), "args"), "");
	}
	list(out, "  registries  without TLS: ", m->plain_http, "none");
	for (size_t i = 0; i < m->n_containers; i++)
		container(m, &m->container[i], out);
}
