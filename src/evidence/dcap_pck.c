#include "evidence/dcap_pck.h"

#include <string.h>

#include "base/str.h"

#define SGX_OID "1.2.840.113741.1.13.1"

/* DER of 1.2.840.113741.1.13.1; members append one or two arcs below 128. */
static const uint8_t arc[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };

/* One DER element of a definite, minimal length. */
static struct span element(struct rd *r, uint8_t *tag)
{
	uint8_t n;
	size_t len;

	*tag = rd_u8(r);
	n = rd_u8(r);
	if (n < 0x80) {
		len = n;
	} else if (n == 0x81) {
		len = rd_u8(r);
		r->bad = r->bad || len < 0x80;
	} else if (n == 0x82) {
		len = rd_be16(r);
		r->bad = r->bad || len < 0x100;
	} else {
		r->bad = true;
		len = 0;
	}
	return rd_span(r, r->bad ? 0 : len);
}

static struct span need(struct rd *r, uint8_t tag)
{
	uint8_t t;
	struct span s = element(r, &t);

	r->bad = r->bad || t != tag;
	return s;
}

/* The arcs behind the SGX OID; 0 when it is another. */
static unsigned member_of(struct span oid)
{
	if (oid.n <= sizeof(arc) || oid.n > sizeof(arc) + 2 || memcmp(oid.p, arc, sizeof(arc)) != 0) /* public: an OID */
		return 0;
	return oid.n == sizeof(arc) + 1 ? oid.p[sizeof(arc)] : (unsigned)(oid.p[sizeof(arc)] << 8 | oid.p[sizeof(arc) + 1]);
}

static void octets(struct rd *r, uint8_t *out, size_t n)
{
	struct span s = need(r, 0x04);

	if (s.n != n)
		r->bad = true;
	else
		memcpy(out, s.p, n);
}

static uint16_t small(struct rd *r, uint8_t tag)
{
	struct span s = need(r, tag);

	if (s.n == 0 || s.n > 3 || s.p[0] >= 0x80 || (s.n == 3 && s.p[0] != 0)) {
		r->bad = true;
		return 0;
	}
	return (uint16_t)(s.n == 1 ? s.p[0] : s.p[s.n - 2] << 8 | s.p[s.n - 1]);
}

static bool flag(struct rd *r)
{
	struct span s = need(r, 0x01);

	r->bad = r->bad || s.n != 1;
	return s.n == 1 && s.p[0] != 0;
}

/* A SEQUENCE of {OID, value}; each member once. */
static void members(struct span in, struct pck *p, uint32_t *seen, struct rd *up);

static void tcb_member(struct rd *r, unsigned which, struct pck *p, uint32_t *seen)
{
	unsigned i = which & 0xff;
	uint16_t v;

	if (i >= 1 && i <= 16) {
		v = small(r, 0x02);
		r->bad = r->bad || v > 255;
		p->comp[i - 1] = (uint8_t)v;
	} else if (i == 17) {
		p->pce_svn = small(r, 0x02);
	} else if (i == 18) {
		octets(r, p->cpu_svn, sizeof(p->cpu_svn));
	} else {
		r->bad = true;
	}
	if (i <= 18) {
		r->bad = r->bad || (*seen >> (8 + i) & 1);
		*seen |= 1u << (8 + i);
	}
}

static void config_member(struct rd *r, unsigned which, struct pck *p)
{
	bool v = flag(r);

	p->has_config = true;
	switch (which & 0xff) {
	case 1: p->dynamic_platform = v; break;
	case 2: p->cached_keys = v; break;
	case 3: p->smt_enabled = v; break;
	default: r->bad = true;
	}
}

static void member(struct rd *r, unsigned which, struct pck *p, uint32_t *seen)
{
	if (which >> 8 == 2) {
		tcb_member(r, which, p, seen);
		return;
	}
	if (which >> 8 == 7) {
		config_member(r, which, p);
		return;
	}
	if (which < 1 || which > 7 || (*seen >> which & 1)) {
		r->bad = true;
		return;
	}
	*seen |= 1u << which;
	switch (which) {
	case 1: octets(r, p->ppid, sizeof(p->ppid)); break;
	case 2: members(need(r, 0x30), p, seen, r); break;
	case 3: octets(r, p->pce_id, sizeof(p->pce_id)); break;
	case 4: octets(r, p->fmspc, sizeof(p->fmspc)); break;
	case 5: p->sgx_type = (uint8_t)small(r, 0x0a); break;
	case 6:
		octets(r, p->instance_id, sizeof(p->instance_id));
		p->has_instance = true;
		break;
	default: members(need(r, 0x30), p, seen, r); break;
	}
}

/* Two levels deep at most: `member` only descends for 2 and 7, whose own members do not. */
static void members(struct span in, struct pck *p, uint32_t *seen, struct rd *up) /* NOLINT(misc-no-recursion): see above */
{
	struct rd r = rd_open(in);

	while (rd_ok(&r) && r.n > 0) {
		struct rd one = rd_open(need(&r, 0x30));
		unsigned which = member_of(need(&one, 0x06));

		member(&one, which, p, seen);
		if (!rd_done(&one))
			r.bad = true;
	}
	if (!rd_ok(&r))
		up->bad = true;
}

enum coffer_rc pck_read(const struct cert *c, struct pck *out, struct err *e)
{
	const uint32_t wanted = 0x3eu | (((1u << 18) - 1) << 9); /* members 1 to 5, and all 18 of the TCB */
	struct pck p = { 0 };
	uint32_t seen = 0;
	struct span ext;
	struct rd r;

	if (!cert_ext(c, SGX_OID, &ext))
		return err_set(e, COFFER_E_INPUT, "dcap: the certificate is no PCK certificate: it has no SGX extension");
	r = rd_open(ext);
	members(need(&r, 0x30), &p, &seen, &r);
	if (!rd_done(&r) || (seen & wanted) != wanted)
		return err_set(e, COFFER_E_INPUT, "dcap: the PCK certificate's SGX extension is malformed or incomplete");
	*out = p;
	return COFFER_OK;
}
