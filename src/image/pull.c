#include "image/pull.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "image/crypt.h"
#include "image/layer.h"
#include "image/manifest.h"
#include "image/policy.h"
#include "image/ref.h"
#include "image/registry.h"
#include "image/sign.h"
#include "image/tree.h"

#define DEFAULT_BYTES ((uint64_t)16 << 30)
#define DEFAULT_ENTRIES 4000000u

struct pull {
	const struct image_pull *o;
	struct ref ref;
	struct registry *reg;
	struct policy *policy;
	struct image_manifest manifest;
	struct image_config config;
	uint8_t digest[32]; /* of the manifest itself; differs from o->digest when that is an index */
	bool indexed;
	struct unpack_budget budget;
	uint64_t fetched;
	uint64_t layers, total; /* of these the layers': so far, and in all */
	int dir_fd;
	bool made;  /* layers lie in the folder */
	struct secret pem; /* for JWE layers, once one has been met */
};

void image_pulled_clear(struct image_pulled *p)
{
	json_free(p->config);
	*p = (struct image_pulled){ 0 };
}

/* Whatever was unpacked goes, unless all of it was good. */
static void pull_clear(struct pull *p)
{
	struct err ignored = { 0 };

	if (p->made)
		(void)!tree_empty(p->dir_fd, &ignored);
	closep(&p->dir_fd);
	image_config_clear(&p->config);
	image_manifest_clear(&p->manifest);
	policy_free(p->policy);
	registry_free(p->reg);
	secret_free(&p->pem);
}

static void close_dirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static enum coffer_rc open_empty_dir(const char *path, int *out, struct err *e)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_dirp) DIR *d = opendir(path);
	struct dirent *x;

	if (fd < 0 || !d)
		return err_set(e, COFFER_E_SYSTEM, "cannot open the folder for the layers: %s", strerror(errno));
	while ((x = readdir(d)) != NULL)
		if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0)
			return err_set(e, COFFER_E_INPUT, "the folder for the layers is not empty");
	*out = MOVE_FD(fd);
	return COFFER_OK;
}

static enum coffer_rc read_reference(struct pull *p, struct err *e)
{
	TRY(ref_parse(span_of(p->o->reference), &p->ref, e));
	if (p->ref.has_digest && memcmp(p->ref.digest, p->o->digest, 32) != 0) /* public: digests */
		return err_deny(e, "digest", "%s does not name the digest that was demanded", p->o->reference);
	memcpy(p->ref.digest, p->o->digest, 32);
	p->ref.has_digest = true;
	p->ref.tag[0] = '\0';
	return COFFER_OK;
}

static enum coffer_rc connect_registry(struct pull *p, struct err *e)
{
	struct registry_opts o = {
		.host = ref_registry_host(&p->ref), .repo = p->ref.repo, .plain_http = p->o->plain_http, .ca_pem = p->o->ca_pem,
	};

	return registry_new(&o, &p->reg, e);
}

/* ---- manifest ---- */

static enum coffer_rc fetch_text(struct pull *p, const uint8_t digest[static 32], struct wr *text, struct err *e)
{
	char name[REF_DIGEST_TEXT];
	uint8_t got[32];

	ref_digest_text(digest, name);
	return registry_get_manifest(p->reg, name, text, got, e);
}

static enum coffer_rc fetch_chosen(struct pull *p, struct span index, struct wr *text, struct err *e)
{
	CLEANUP(image_index_clear) struct image_index x = { 0 };
	const struct descriptor *d;

	TRY(image_index_parse(index, &x, e));
	TRY(image_index_choose(&x, &d, e));
	TRY(fetch_text(p, d->digest, text, e));
	if (text->n != d->size)
		return err_deny(e, "digest", "the image manifest has not the size its index names");
	memcpy(p->digest, d->digest, 32);
	return COFFER_OK;
}

static enum coffer_rc fetch_manifest(struct pull *p, struct err *e)
{
	CLEANUP(wr_close) struct wr first = wr_open(MANIFEST_MAX);
	CLEANUP(wr_close) struct wr second = wr_open(MANIFEST_MAX);

	memcpy(p->digest, p->o->digest, 32);
	TRY(fetch_text(p, p->o->digest, &first, e));
	TRY(manifest_is_index(wr_span(&first), &p->indexed, e));
	if (p->indexed)
		TRY(fetch_chosen(p, wr_span(&first), &second, e));
	return image_manifest_parse(wr_span(p->indexed ? &second : &first), &p->manifest, e);
}

/* ---- policy ---- */

static void free_set(struct sign_set **s)
{
	if (*s)
		sign_set_clear(*s);
	free(*s);
}

static enum coffer_rc judge_for(struct pull *p, const uint8_t digest[static 32], bool fetch, struct err *e)
{
	CLEANUP(free_set) struct sign_set *sigs = calloc(1, sizeof(*sigs));

	if (!sigs)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (fetch)
		TRY(sign_fetch(p->reg, digest, sigs, e));
	return policy_judge(p->policy, &p->ref, digest, sigs, e);
}

/* A signature may name the index the reference stands for, or the one manifest taken from it. */
static enum coffer_rc judge(struct pull *p, struct err *e)
{
	bool wants = policy_wants_signatures(p->policy, &p->ref);
	enum coffer_rc rc = judge_for(p, p->o->digest, wants, e);

	if (rc == COFFER_E_DENIED && wants && p->indexed && strcmp(e->check, "signature") == 0)
		rc = judge_for(p, p->digest, true, e);
	return rc;
}

/* ---- layers ---- */

struct source {
	struct pull *p;
	size_t layer;
	struct registry_blob blob;
	uint64_t came;
	layer_sink sink;
	void *sink_arg;
};

/* What came of layers before is in p->layers. */
static void tell(const struct pull *p, size_t layer, uint64_t came)
{
	const struct image_progress now = { layer + 1, p->manifest.n_layers, p->layers + came, p->total };

	if (p->o->progress)
		p->o->progress(p->o->progress_arg, &now);
}

static enum coffer_rc take_piece(void *arg, struct span piece, struct err *e)
{
	struct source *s = arg;

	s->came += piece.n;
	tell(s->p, s->layer, s->came);
	return s->sink(s->sink_arg, piece, e);
}

static enum coffer_rc from_registry(void *arg, layer_sink sink, void *sink_arg, struct err *e)
{
	struct source *s = arg;

	s->sink = sink;
	s->sink_arg = sink_arg;
	return registry_get_blob(s->p->reg, &s->blob, take_piece, s, e);
}

static enum coffer_rc fetch_config(struct pull *p, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(IMAGE_CONFIG_MAX);
	struct registry_blob b = { .digest = p->manifest.config.digest, .size = p->manifest.config.size };

	TRY(registry_read_blob(p->reg, &b, IMAGE_CONFIG_MAX, &text, e));
	TRY(image_config_parse(wr_span(&text), &p->config, e));
	p->fetched += b.size;
	return manifest_match(&p->manifest, &p->config, e);
}

static enum coffer_rc hide_below(const struct pull *p, size_t top, struct err *e)
{
	for (size_t i = 0; i < top; i++) {
		CLEANUP(closep) int fd = -1;
		char name[32];

		(void)snprintf(name, sizeof(name), "%zu", i);
		fd = openat(p->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return err_set(e, COFFER_E_SYSTEM, "cannot open a layer: %s", strerror(errno));
		TRY(tree_empty(fd, e));
	}
	return COFFER_OK;
}

/* The JWE's private key, fetched when the first layer needs it. */
static enum coffer_rc keys_for(struct pull *p, const struct descriptor *d, struct crypt_keys *out, struct err *e)
{
	bool packets = descriptor_note(d, CRYPT_NOTE_PACKETS).n > 0, jwe = descriptor_note(d, CRYPT_NOTE_JWE).n > 0;

	if (jwe && !packets && p->o->get_pem && p->pem.n == 0)
		TRY(p->o->get_pem(p->o->key_arg, &p->pem, e));
	*out = (struct crypt_keys){ .get_key = p->o->get_key, .arg = p->o->key_arg, .pem = { p->pem.p, p->pem.n } };
	return COFFER_OK;
}

static enum coffer_rc pull_layer(struct pull *p, size_t i, struct err *e)
{
	CLEANUP(crypt_layer_clear) struct crypt_layer lock = { 0 };
	const struct descriptor *d = &p->manifest.layers[i];
	struct crypt_keys keys;
	struct source src = { .p = p, .layer = i, .blob = { d->digest, d->size } };
	struct layer_kind kind;
	struct layer_job job = {
		.dir_fd = p->dir_fd, .index = i, .diff_id = p->config.diff_id[i], .budget = &p->budget,
		.source = from_registry, .source_arg = &src,
	};
	bool hides = false;

	TRY(layer_kind_of(d->media_type, &kind, e));
	job.compression = kind.compression;
	if (kind.encrypted) {
		TRY(keys_for(p, d, &keys, e));
		TRY(crypt_unlock(d, &keys, &lock, e));
		job.lock = &lock;
	}
	p->made = true;
	TRY(layer_unpack(&job, &hides, e));
	p->fetched += d->size;
	p->layers += d->size;
	/* overlayfs does not look at an opaque mark on the root of a lower layer */
	return hides ? hide_below(p, i, e) : COFFER_OK;
}

static enum coffer_rc pull(struct pull *p, struct err *e)
{
	TRY(read_reference(p, e));
	if (p->o->policy.n > 0)
		TRY(policy_parse(p->o->policy, &p->policy, e));
	TRY(open_empty_dir(p->o->dir, &p->dir_fd, e));
	TRY(connect_registry(p, e));
	TRY(fetch_manifest(p, e));
	TRY(judge(p, e));
	TRY(fetch_config(p, e));
	for (size_t i = 0; i < p->manifest.n_layers; i++)
		p->total += p->manifest.layers[i].size;
	tell(p, 0, 0);
	for (size_t i = 0; i < p->manifest.n_layers; i++)
		TRY(pull_layer(p, i, e));
	return COFFER_OK;
}

enum coffer_rc image_pull(const struct image_pull *o, struct image_pulled *out, struct err *e)
{
	CLEANUP(pull_clear) struct pull p = {
		.o = o,
		.dir_fd = -1,
		.budget = { .bytes = o->max_bytes ? o->max_bytes : DEFAULT_BYTES, .entries = o->max_entries ? o->max_entries : DEFAULT_ENTRIES },
	};

	TRY(pull(&p, e));
	p.made = false; /* they stay */
	*out = (struct image_pulled){ .n_layers = p.manifest.n_layers, .config = MOVE(p.config.doc), .bytes = p.fetched };
	return COFFER_OK;
}
