#include "image/manifest.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "image/ref.h"

#define NOTES_MAX 256 /* annotations of one descriptor */

void image_manifest_clear(struct image_manifest *m)
{
	json_free(m->doc);
	free(m->layers);
	*m = (struct image_manifest){ 0 };
}

void image_index_clear(struct image_index *x)
{
	json_free(x->doc);
	free(x->entry);
	*x = (struct image_index){ 0 };
}

void image_config_clear(struct image_config *c)
{
	json_free(c->doc);
	free(c->diff_id);
	*c = (struct image_config){ 0 };
}

struct span descriptor_note(const struct descriptor *d, const char *name)
{
	return json_str(json_get(d->annotations, name));
}

static enum coffer_rc check_notes(const struct json *notes, const char *where, struct err *e)
{
	if (json_type(notes) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "%s: annotations are not an object", where);
	if (json_len(notes) > NOTES_MAX)
		return err_set(e, COFFER_E_LIMIT, "%s: more than %d annotations", where, NOTES_MAX);
	for (size_t i = 0; i < json_len(notes); i++)
		if (json_type(json_at(notes, i)) != JSON_STRING)
			return err_set(e, COFFER_E_INPUT, "%s: an annotation is not a string", where);
	return COFFER_OK;
}

/* Go writers put null for an empty map or list; the specification's absent and that null mean the same. */
static const struct json *get_or_null(const struct json *o, const char *name)
{
	const struct json *v = json_get(o, name);

	return json_type(v) == JSON_NULL ? NULL : v;
}

enum coffer_rc descriptor_parse(const struct json *v, const char *where, uint64_t max_size, struct descriptor *out, struct err *e)
{
	struct descriptor d = { .value = v };
	struct span digest;

	if (json_type(v) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "%s: not an object", where);
	TRY(json_need_str(v, "mediaType", where, &d.media_type, e));
	TRY(json_need_str(v, "digest", where, &digest, e));
	TRY(json_need_u64(v, "size", where, &d.size, e));
	if (ref_digest_parse(digest, d.digest, e) != COFFER_OK)
		return err_wrap(e, "%s", where);
	if (d.size > max_size)
		return err_set(e, COFFER_E_LIMIT, "%s: %llu bytes, at most %llu are accepted", where, (unsigned long long)d.size,
		    (unsigned long long)max_size);
	d.annotations = get_or_null(v, "annotations");
	if (d.annotations)
		TRY(check_notes(d.annotations, where, e));
	*out = d;
	return COFFER_OK;
}

enum coffer_rc layer_kind_of(struct span type, struct layer_kind *out, struct err *e)
{
	static const struct {
		const char       *name;
		enum inflate_kind compression;
	} known[] = {
		{ "application/vnd.oci.image.layer.v1.tar", INFLATE_NONE },
		{ "application/vnd.oci.image.layer.v1.tar+gzip", INFLATE_GZIP },
		{ "application/vnd.oci.image.layer.v1.tar+zstd", INFLATE_ZSTD },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar", INFLATE_NONE },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", INFLATE_GZIP },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", INFLATE_ZSTD },
		{ "application/vnd.docker.image.rootfs.diff.tar", INFLATE_NONE },
		{ "application/vnd.docker.image.rootfs.diff.tar.gzip", INFLATE_GZIP },
		{ "application/vnd.docker.image.rootfs.diff.tar.zstd", INFLATE_ZSTD },
	};
	static const char suffix[] = "+encrypted";
	struct layer_kind k = { .encrypted = span_ends(type, suffix) };

	if (k.encrypted)
		type.n -= sizeof(suffix) - 1;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_eq_str(type, known[i].name)) {
			k.compression = known[i].compression;
			*out = k;
			return COFFER_OK;
		}
	return err_set(e, COFFER_E_INPUT, "layer of type %.*s cannot be read", (int)(type.n < 120 ? type.n : 120),
	    type.n ? (const char *)type.p : "");
}

static enum coffer_rc open_text(struct span text, const char *where, struct json_doc **doc, struct err *e)
{
	uint64_t version = 0;

	if (json_parse(text, MANIFEST_MAX, doc, e) != COFFER_OK)
		return err_wrap(e, "%s", where);
	TRY(json_need_u64(json_root(*doc), "schemaVersion", where, &version, e));
	if (version != 2)
		return err_set(e, COFFER_E_INPUT, "%s: schemaVersion %llu, only 2 is read", where, (unsigned long long)version);
	return COFFER_OK;
}

/* mediaType is optional in OCI texts. Absent gives {NULL,0}; another type than string is refused. */
static enum coffer_rc own_type(const struct json *root, const char *where, struct span *out, struct err *e)
{
	*out = (struct span){ NULL, 0 };
	if (!json_get(root, "mediaType"))
		return COFFER_OK;
	return json_need_str(root, "mediaType", where, out, e);
}

enum coffer_rc manifest_is_index(struct span text, bool *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *root;
	struct span type;
	bool list, single;

	TRY(open_text(text, "manifest", &doc, e));
	root = json_root(doc);
	TRY(own_type(root, "manifest", &type, e));
	list = json_get(root, "manifests") != NULL;
	single = json_get(root, "config") != NULL || json_get(root, "layers") != NULL;
	if (list == single)
		return err_set(e, COFFER_E_INPUT, "manifest: neither clearly an image nor clearly an index");
	if (type.n > 0 && list != (span_eq_str(type, MEDIA_OCI_INDEX) || span_eq_str(type, MEDIA_DOCKER_LIST)))
		return err_set(e, COFFER_E_INPUT, "manifest: mediaType and members do not fit together");
	*out = list;
	return COFFER_OK;
}

static enum coffer_rc read_layers(const struct json *arr, struct image_manifest *m, struct err *e)
{
	size_t n = json_len(arr);

	if (n > MANIFEST_LAYERS_MAX)
		return err_set(e, COFFER_E_LIMIT, "manifest: %zu layers, at most %d are accepted", n, MANIFEST_LAYERS_MAX);
	m->layers = calloc(n ? n : 1, sizeof(*m->layers));
	if (!m->layers)
		return err_set(e, COFFER_E_SYSTEM, "manifest: out of memory");
	for (size_t i = 0; i < n; i++)
		TRY(descriptor_parse(json_at(arr, i), "manifest: layer", MANIFEST_LAYER_BYTES_MAX, &m->layers[i], e));
	m->n_layers = n;
	return COFFER_OK;
}

enum coffer_rc image_manifest_parse(struct span text, struct image_manifest *out, struct err *e)
{
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	const struct json *root, *config, *layers;
	struct span type;

	TRY(open_text(text, "manifest", &m.doc, e));
	root = json_root(m.doc);
	TRY(own_type(root, "manifest", &type, e));
	m.docker = span_eq_str(type, MEDIA_DOCKER_MANIFEST);
	if (type.n > 0 && !m.docker && !span_eq_str(type, MEDIA_OCI_MANIFEST))
		return err_set(e, COFFER_E_INPUT, "manifest: mediaType is not that of an image manifest");
	if (json_get(root, "manifests"))
		return err_set(e, COFFER_E_INPUT, "manifest: has the member \"manifests\" of an index");
	TRY(json_need_obj(root, "config", "manifest", &config, e));
	TRY(json_need_arr(root, "layers", "manifest", &layers, e));
	TRY(descriptor_parse(config, "manifest: config", IMAGE_CONFIG_MAX, &m.config, e));
	TRY(read_layers(layers, &m, e));
	*out = m;
	m = (struct image_manifest){ 0 };
	return COFFER_OK;
}

static enum coffer_rc read_platform(const struct json *v, struct index_entry *x, struct err *e)
{
	const struct json *p = get_or_null(v, "platform");

	if (!p)
		return COFFER_OK;
	if (json_type(p) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "index: platform is not an object");
	TRY(json_need_str(p, "os", "index: platform", &x->os, e));
	TRY(json_need_str(p, "architecture", "index: platform", &x->architecture, e));
	if (get_or_null(p, "variant"))
		TRY(json_need_str(p, "variant", "index: platform", &x->variant, e));
	return COFFER_OK;
}

enum coffer_rc image_index_parse(struct span text, struct image_index *out, struct err *e)
{
	CLEANUP(image_index_clear) struct image_index x = { 0 };
	const struct json *root, *list;
	struct span type;

	TRY(open_text(text, "index", &x.doc, e));
	root = json_root(x.doc);
	TRY(own_type(root, "index", &type, e));
	if (type.n > 0 && !span_eq_str(type, MEDIA_OCI_INDEX) && !span_eq_str(type, MEDIA_DOCKER_LIST))
		return err_set(e, COFFER_E_INPUT, "index: mediaType is not that of an index");
	if (json_get(root, "layers") || json_get(root, "config"))
		return err_set(e, COFFER_E_INPUT, "index: has members of an image manifest");
	TRY(json_need_arr(root, "manifests", "index", &list, e));
	if (json_len(list) > MANIFEST_ENTRIES_MAX)
		return err_set(e, COFFER_E_LIMIT, "index: more than %d entries", MANIFEST_ENTRIES_MAX);
	x.entry = calloc(json_len(list) + 1, sizeof(*x.entry));
	if (!x.entry)
		return err_set(e, COFFER_E_SYSTEM, "index: out of memory");
	for (x.n = 0; x.n < json_len(list); x.n++) {
		TRY(descriptor_parse(json_at(list, x.n), "index: entry", MANIFEST_MAX, &x.entry[x.n].d, e));
		TRY(read_platform(json_at(list, x.n), &x.entry[x.n], e));
	}
	*out = x;
	x = (struct image_index){ 0 };
	return COFFER_OK;
}

enum coffer_rc image_index_choose(const struct image_index *x, const struct descriptor **out, struct err *e)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct index_entry *t = &x->entry[i];

		if (span_eq_str(t->os, "linux") && span_eq_str(t->architecture, "amd64") &&
		    (t->variant.n == 0 || span_eq_str(t->variant, "v1"))) {
			*out = &t->d;
			return COFFER_OK;
		}
	}
	return err_set(e, COFFER_E_NOTFOUND, "index: no image for linux/amd64 among %zu", x->n);
}

static enum coffer_rc read_diff_ids(const struct json *arr, struct image_config *c, struct err *e)
{
	size_t n = json_len(arr);

	if (n > MANIFEST_LAYERS_MAX)
		return err_set(e, COFFER_E_LIMIT, "image config: more than %d diff_ids", MANIFEST_LAYERS_MAX);
	c->diff_id = calloc(n ? n : 1, sizeof(*c->diff_id));
	if (!c->diff_id)
		return err_set(e, COFFER_E_SYSTEM, "image config: out of memory");
	for (size_t i = 0; i < n; i++)
		if (ref_digest_parse(json_str(json_at(arr, i)), c->diff_id[i], e) != COFFER_OK)
			return err_wrap(e, "image config: diff_id %zu", i);
	c->n_diff_ids = n;
	return COFFER_OK;
}

enum coffer_rc image_config_parse(struct span text, struct image_config *out, struct err *e)
{
	CLEANUP(image_config_clear) struct image_config c = { 0 };
	const struct json *root, *rootfs, *ids;
	struct span os, arch, type;

	if (json_parse(text, IMAGE_CONFIG_MAX, &c.doc, e) != COFFER_OK)
		return err_wrap(e, "image config");
	root = json_root(c.doc);
	TRY(json_need_str(root, "os", "image config", &os, e));
	TRY(json_need_str(root, "architecture", "image config", &arch, e));
	if (!span_eq_str(os, "linux") || !span_eq_str(arch, "amd64"))
		return err_set(e, COFFER_E_INPUT, "image config: the image is not for linux/amd64");
	TRY(json_need_obj(root, "rootfs", "image config", &rootfs, e));
	TRY(json_need_str(rootfs, "type", "image config: rootfs", &type, e));
	if (!span_eq_str(type, "layers"))
		return err_set(e, COFFER_E_INPUT, "image config: rootfs type is not \"layers\"");
	TRY(json_need_arr(rootfs, "diff_ids", "image config: rootfs", &ids, e));
	TRY(read_diff_ids(ids, &c, e));
	*out = c;
	c = (struct image_config){ 0 };
	return COFFER_OK;
}

enum coffer_rc manifest_match(const struct image_manifest *m, const struct image_config *c, struct err *e)
{
	if (m->n_layers == 0)
		return err_set(e, COFFER_E_INPUT, "manifest: an image without layers");
	if (m->n_layers != c->n_diff_ids)
		return err_set(
		    e, COFFER_E_INPUT, "manifest: %zu layers, but the config names %zu diff_ids", m->n_layers, c->n_diff_ids);
	for (size_t i = 0; i < m->n_layers; i++) {
		struct layer_kind k;

		TRY(layer_kind_of(m->layers[i].media_type, &k, e));
	}
	return COFFER_OK;
}
