#include "evidence/nvidia_rim.h"

#include <stdio.h>
#include <strings.h>

#include "base/str.h"

#define DIGEST 48

void nv_manifests_clear(struct nv_manifests *m)
{
	while (m->n > 0)
		wr_close(&m->m[--m->n].active);
}

static bool is_xml(struct span s)
{
	return s.n > 0 && s.p[0] == '<';
}

enum coffer_rc nv_manifests_read(const struct ev_in *in, struct nv_manifests *m, struct ev_out *out, struct err *e)
{
	size_t seen = 0;
	struct err bad = { 0 };
	char found[160];

	for (size_t i = 0; in->col && in->col->manifests && i < in->col->n_other; i++) {
		struct err why = { 0 };
		enum coffer_rc rc;

		if (!is_xml(in->col->other[i]))
			continue;
		seen++;
		rc = in->col->manifests(in->col->other[i], in->col, in->now, &m->m[m->n], &why);
		if (rc == COFFER_OK)
			m->n++;
		else if (rc == COFFER_E_INPUT || rc == COFFER_E_DENIED)
			bad = why;
		else
			return err_set(e, rc, "%s", why.msg);
	}
	if (seen == 0)
		return COFFER_OK;
	(void)snprintf(found, sizeof(found), "%zu of %zu%s%.100s", m->n, seen, m->n < seen ? ": " : "", bad.msg);
	(void)ev_need(out, "manifests", m->n == seen, VERDICT_VALID, "signed on a path to NVIDIA's RIM root", found);
	return COFFER_OK;
}

/* ---- comparing ---- */

#define INDICES 256

struct match { bool found, good, miss[INDICES]; };

static struct span block(const struct nv_device *d, unsigned index)
{
	for (size_t i = 0; i < d->r.n_blocks; i++)
		if (d->r.block[i].index == index)
			return d->r.block[i].value;
	return (struct span){ 0 };
}

/* A manifest without any active measurement says nothing, and matches nothing. */
static struct match compare(const struct ev_manifest *m, const struct nv_device *d)
{
	struct match t = { .found = true, .good = m->active.n > 0 };
	struct rd r = rd_open(wr_span(&m->active));

	while (r.n > 0 && rd_ok(&r)) {
		uint8_t index = rd_u8(&r), count = rd_u8(&r);
		struct span measured = block(d, index + 1u);
		bool one = false;

		for (uint8_t i = 0; i < count; i++) {
			struct span good = rd_span(&r, DIGEST);

			one = one || (measured.n == DIGEST && span_eq(good, measured));
		}
		t.miss[index] = !one;
		t.good = t.good && one;
	}
	return t;
}

/* Versions are hex digits in either case. Where several manifests have one (boards differ), one that matches is enough. */
static struct match best(const struct nv_manifests *m, const struct nv_device *d, const char *version)
{
	struct match first = { 0 };

	for (size_t i = 0; version[0] && i < m->n; i++) {
		struct match t;

		if (strcasecmp(m->m[i].version, version) != 0)
			continue;
		t = compare(&m->m[i], d);
		if (t.good)
			return t;
		if (!first.found)
			first = t;
	}
	return first;
}

void nv_rim_match(const struct nv_manifests *m, const struct nv_device *d, struct json_wr *j)
{
	char version[NV_VERSION_MAX];
	struct match vbios, driver = { 0 };

	nv_vbios(d, version);
	vbios = best(m, d, version);
	nv_driver(d, version);
	if (!d->ls10)
		driver = best(m, d, version);
	if (!vbios.found && !driver.found)
		return;
	jw_name(j, "rim_match");
	jw_obj(j);
	if (!d->ls10)
		jw_m_bool(j, "driver", driver.good);
	jw_name(j, "mismatches");
	jw_arr(j);
	for (unsigned i = 0; i < INDICES; i++)
		if (vbios.miss[i] || driver.miss[i])
			jw_u64(j, i);
	jw_arr_end(j);
	jw_m_bool(j, "vbios", vbios.good);
	jw_obj_end(j);
}
