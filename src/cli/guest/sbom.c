/* Bill of materials of a guest image. Spec: SPDX 2.3 (ISO/IEC 5962), JSON. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/guest/image.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define SBOM_MAX (8u << 20)
#define ID_MAX	 128
#define SELF	 "SPDXRef-Image"
#define AGENT	 "SPDXRef-Agent"

static void package_id(const struct guest_package *p, char out[static ID_MAX])
{
	(void)snprintf(out, ID_MAX, "SPDXRef-Package-%s", p->name);
	for (char *c = out; *c; c++)
		if (*c == '+')
			*c = '-';
}

static void put_digest(struct json_wr *j, const char *name, enum hash_alg alg, struct span content)
{
	CLEANUP(wr_close) struct wr hex = wr_open((size_t)2 * HASH_MAX);
	uint8_t digest[HASH_MAX];

	hash_once(alg, content, digest);
	hex_write(&hex, (struct span){ digest, hash_len(alg) });
	jw_obj(j);
	jw_m_text(j, "algorithm", name);
	jw_m_str(j, "checksumValue", wr_span(&hex));
	jw_obj_end(j);
}

/* What every package says; the object stays open. */
static void begin_package(struct json_wr *j, const char *id, const char *name, const char *version)
{
	jw_obj(j);
	jw_m_text(j, "SPDXID", id);
	jw_m_text(j, "name", name);
	jw_m_text(j, "versionInfo", version);
	jw_m_text(j, "downloadLocation", "NOASSERTION");
	jw_m_bool(j, "filesAnalyzed", false);
	jw_m_text(j, "licenseConcluded", "NOASSERTION");
	jw_m_text(j, "licenseDeclared", "NOASSERTION");
	jw_m_text(j, "copyrightText", "NOASSERTION");
}

static void put_sha256(struct json_wr *j, const uint8_t sha256[static 32])
{
	char hex[HEX32_LEN];

	hex32(sha256, hex);
	jw_name(j, "checksums");
	jw_arr(j);
	jw_obj(j);
	jw_m_text(j, "algorithm", "SHA256");
	jw_m_text(j, "checksumValue", hex);
	jw_obj_end(j);
	jw_arr_end(j);
}

/* A package URL: a version's '+', ':' and '~' are escaped as its specification has them. */
static void put_purl(struct json_wr *j, const struct guest_package *p)
{
	CLEANUP(wr_close) struct wr url = wr_open(1024);

	wr_fmt(&url, "pkg:deb/debian/%s@", p->name);
	for (const char *c = p->version; *c; c++) {
		if (*c == '+' || *c == ':')
			wr_fmt(&url, "%%%02X", (unsigned)*c);
		else
			wr_u8(&url, (uint8_t)*c);
	}
	wr_fmt(&url, "?arch=%s", p->arch);
	jw_name(j, "externalRefs");
	jw_arr(j);
	jw_obj(j);
	jw_m_text(j, "referenceCategory", "PACKAGE-MANAGER");
	jw_m_text(j, "referenceType", "purl");
	jw_m_str(j, "referenceLocator", wr_span(&url));
	jw_obj_end(j);
	jw_arr_end(j);
}

static void linked_id(size_t i, char out[static ID_MAX])
{
	(void)snprintf(out, ID_MAX, "SPDXRef-Linked-%zu", i);
}

/* Libraries and objects in the agent: each a package of its own, by the Debian package that it came from. */
static void put_linked(struct json_wr *j, const struct guest_linked *l)
{
	char id[ID_MAX];

	for (size_t i = 0; i < l->n; i++) {
		linked_id(i, id);
		begin_package(j, id, l->f[i].file, l->f[i].from.version);
		jw_m_text(j, "packageFileName", l->f[i].file);
		put_sha256(j, l->f[i].from.sha256);
		put_purl(j, &l->f[i].from);
		jw_obj_end(j);
	}
}

static void put_packages(struct json_wr *j, const struct guest_image *g)
{
	char id[ID_MAX];

	jw_name(j, "packages");
	jw_arr(j);
	begin_package(j, SELF, guest_name(&g->recipe), COFFER_VERSION);
	jw_obj_end(j);
	begin_package(j, AGENT, "coffer-agent", COFFER_VERSION);
	jw_obj_end(j);
	for (size_t i = 0; i < g->packages.n; i++) {
		const struct guest_package *p = &g->packages.p[i];

		package_id(p, id);
		begin_package(j, id, p->name, p->version);
		put_sha256(j, p->sha256);
		put_purl(j, p);
		jw_obj_end(j);
	}
	put_linked(j, &g->linked);
	jw_arr_end(j);
}

static void put_file(struct json_wr *j, const char *id, const char *path, struct span content)
{
	CLEANUP(freep) char *name = str_fmt("./%s", path);

	jw_obj(j);
	jw_m_text(j, "SPDXID", id);
	jw_m_text(j, "fileName", name ? name : "");
	jw_name(j, "checksums");
	jw_arr(j);
	put_digest(j, "SHA1", HASH_SHA1, content); /* that version of the format demands it */
	put_digest(j, "SHA256", HASH_SHA256, content);
	jw_arr_end(j);
	jw_m_text(j, "licenseConcluded", "NOASSERTION");
	jw_m_text(j, "copyrightText", "NOASSERTION");
	jw_obj_end(j);
}

static void relate(struct json_wr *j, const char *from, const char *how, const char *to)
{
	jw_obj(j);
	jw_m_text(j, "spdxElementId", from);
	jw_m_text(j, "relationshipType", how);
	jw_m_text(j, "relatedSpdxElement", to);
	jw_obj_end(j);
}

static void file_id(size_t i, char out[static ID_MAX])
{
	(void)snprintf(out, ID_MAX, "SPDXRef-File-%zu", i);
}

static void put_files(struct json_wr *j, const struct guest_image *g)
{
	char id[ID_MAX];

	jw_name(j, "files");
	jw_arr(j);
	put_file(j, "SPDXRef-File-vmlinuz", "vmlinuz", wr_span(&g->kernel));
	put_file(j, "SPDXRef-File-firmware", "firmware.fd", wr_span(&g->firmware));
	for (size_t i = 0; i < g->tree.n; i++) {
		if (!S_ISREG(g->tree.f[i].mode))
			continue;
		file_id(i, id);
		put_file(j, id, g->tree.f[i].path, wr_span(&g->tree.f[i].data));
	}
	jw_arr_end(j);
}

static void relate_linked(struct json_wr *j, const struct guest_linked *l)
{
	char id[ID_MAX];

	for (size_t i = 0; i < l->n; i++) {
		linked_id(i, id);
		relate(j, AGENT, "STATIC_LINK", id);
	}
	if (l->n == 0)
		relate(j, AGENT, "STATIC_LINK", "NOASSERTION"); /* nobody said */
}

static void put_relations(struct json_wr *j, const struct guest_image *g)
{
	char from[ID_MAX], id[ID_MAX];

	jw_name(j, "relationships");
	jw_arr(j);
	relate(j, "SPDXRef-DOCUMENT", "DESCRIBES", SELF);
	relate(j, SELF, "CONTAINS", AGENT);
	for (size_t i = 0; i < g->packages.n; i++) {
		package_id(&g->packages.p[i], id);
		relate(j, SELF, "CONTAINS", id);
	}
	relate_linked(j, &g->linked);
	package_id(&g->packages.p[g->kernel_package], from);
	relate(j, from, "CONTAINS", "SPDXRef-File-vmlinuz");
	package_id(&g->packages.p[g->firmware_package], from);
	relate(j, from, "CONTAINS", "SPDXRef-File-firmware");
	for (size_t i = 0; i < g->tree.n; i++) {
		const struct guest_file *f = &g->tree.f[i];

		if (!S_ISREG(f->mode))
			continue;
		file_id(i, id);
		if (f->package < g->packages.n)
			package_id(&g->packages.p[f->package], from);
		relate(j, f->package < g->packages.n ? from : strcmp(f->path, "init") == 0 ? AGENT : SELF, "CONTAINS", id);
	}
	jw_arr_end(j);
}

enum coffer_rc guest_sbom(const struct guest_image *g, struct wr *out, struct err *e)
{
	struct json_wr j;
	char space[32 + HEX32_LEN], hex[HEX32_LEN];
	uint8_t digest[32];

	*out = wr_open(SBOM_MAX);
	j = jw_open(out, true);
	sha256(wr_span(&g->initrd), digest);
	hex32(digest, hex);
	(void)snprintf(space, sizeof(space), "urn:coffer:guest:%s", hex);
	jw_obj(&j);
	jw_m_text(&j, "spdxVersion", "SPDX-2.3");
	jw_m_text(&j, "dataLicense", "CC0-1.0");
	jw_m_text(&j, "SPDXID", "SPDXRef-DOCUMENT");
	jw_m_text(&j, "name", guest_name(&g->recipe));
	jw_m_text(&j, "documentNamespace", space);
	jw_name(&j, "creationInfo");
	jw_obj(&j);
	jw_m_text(&j, "created", "1970-01-01T00:00:00Z"); /* the same whenever it is built */
	jw_name(&j, "creators");
	jw_arr(&j);
	jw_text(&j, "Tool: coffer-" COFFER_VERSION);
	jw_arr_end(&j);
	jw_obj_end(&j);
	put_packages(&j, g);
	put_files(&j, g);
	put_relations(&j, g);
	jw_obj_end(&j);
	wr_str(out, "\n");
	return wr_done(out, "SBOM", e);
}
