#include "tests/nvkit.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

#define FWID_AT 0xf1

static void authority(const char *cn, EVP_PKEY *key, const char *issuer, EVP_PKEY *issuer_key, bool late, struct wr *der)
{
	struct evkit_cert c = { .cn = cn, .key = key, .issuer_cn = issuer, .issuer_key = issuer_key, .ca = true, .pathlen = -1 };

	if (late)
		c.not_after = NVKIT_NOW - 10;
	evkit_cert(&c, der);
}

void nvkit_open(struct nvkit *k)
{
	*k = (struct nvkit){
		.root = evkit_ec("P-384"), .ca = evkit_ec("P-384"), .mid = evkit_ec("P-384"), .root_der = wr_open(4096)
	};
	authority("Root", k->root, "Root", k->root, false, &k->root_der);
	evkit_add(&k->col.roots, &k->root_der);
}

void nvkit_close(struct nvkit *k)
{
	EVP_PKEY_free(k->root);
	EVP_PKEY_free(k->ca);
	EVP_PKEY_free(k->mid);
	certs_clear(&k->col.roots);
	certs_clear(&k->col.certs);
	wr_close(&k->root_der);
}

static void le16(struct wr *w, size_t v)
{
	wr_u8(w, (uint8_t)v);
	wr_u8(w, (uint8_t)(v >> 8));
}

static void field(struct wr *w, enum nv_field type, struct span value)
{
	le16(w, type);
	le16(w, value.n);
	wr_put(w, value);
}

static void pdi(uint8_t id, bool turned, uint8_t out[static 8])
{
	for (uint8_t i = 0; i < 8; i++)
		out[turned ? 7 - i : i] = (uint8_t)(id * 16 + i);
}

static void opaque(const struct nvkit_how *how, struct wr *w)
{
	uint8_t fwid[48], list[8 * 16], mode = how->protected_pcie ? 0xaa : 0x55;

	memset(fwid, FWID_AT, sizeof(fwid));
	if (how->ls10) {
		pdi(how->id, false, list);
		field(w, NV_SWITCH_PDI, (struct span){ list, 8 });
		field(w, NV_POSITION_ID, (struct span){ list, 2 });
		field(w, NV_VBIOS_VERSION, span_of("96.10.00.00.01"));
		return;
	}
	for (uint8_t i = 0; i < how->n_switches; i++)
		pdi((uint8_t)(i + 1), true, list + 8 * i);
	field(w, NV_VBIOS_VERSION, (struct span){ (const uint8_t *)"\0\x9f\0\x96\x01\0\0\0", 8 });
	field(w, NV_DRIVER_VERSION, (struct span){ (const uint8_t *)"550.1\0", 6 });
	field(w, NV_FWID, SPAN(fwid));
	field(w, NV_PROTECTED_PCIE, (struct span){ &mode, 1 });
	if (how->n_switches)
		field(w, NV_SWITCH_PDI, (struct span){ list, 8u * how->n_switches });
}

static void report_of(const struct nvkit_how *how, struct span nonce, EVP_PKEY *key, struct wr *out)
{
	CLEANUP(wr_close) struct wr rest = wr_open(4096);
	uint8_t digest[48], sig[96];

	wr_put(out, (struct span){ (const uint8_t *)"\x11\xe0\x01\xff", 4 });
	wr_put(out, nonce);
	wr_put(out, (struct span){ (const uint8_t *)"\0\x11\x60\0\0\x02\x6e\0\0", 9 }); /* two blocks of 7 + 48 */
	for (uint8_t i = 1; i <= 2; i++) {
		memset(digest, 0xa0 + i, sizeof(digest));
		wr_u8(out, i);
		wr_u8(out, 1);
		le16(out, 51);
		wr_u8(out, 1);
		le16(out, 48);
		wr_put(out, SPAN(digest));
	}
	wr_put(out, (struct span){ digest, 32 });
	opaque(how, &rest);
	le16(out, rest.n);
	wr_put(out, wr_span(&rest));
	evkit_sign(key, "SHA384", wr_span(out), sig, 48);
	wr_put(out, SPAN(sig));
}

static void pem_of(const struct wr *der, struct wr *pem)
{
	wr_str(pem, "-----BEGIN CERTIFICATE-----\n");
	for (size_t at = 0; at < der->n; at += 48) {
		b64_write(pem, (struct span){ der->p + at, der->n - at < 48 ? der->n - at : 48 });
		wr_str(pem, "\n");
	}
	wr_str(pem, "-----END CERTIFICATE-----\n");
}

/* CompositeDeviceID: version 1, the device's key, the digest of its firmware. */
static void composite(EVP_PKEY *key, uint8_t fill, struct wr *w)
{
	CLEANUP(wr_close) struct wr spki = wr_open(256);
	uint8_t fwid[48];

	memset(fwid, fill, sizeof(fwid));
	evkit_spki(key, &spki);
	wr_u8(w, 0x30);
	wr_u8(w, 0x81);
	wr_u8(w, (uint8_t)(3 + spki.n + 63));
	wr_put(w, (struct span){ (const uint8_t *)"\x02\x01\x01", 3 });
	wr_put(w, wr_span(&spki));
	wr_put(w, (struct span){ (const uint8_t *)"\x30\x3d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x04\x30", 15 });
	wr_put(w, SPAN(fwid));
}

void nvkit_device(struct nvkit *k, const struct nvkit_how *how, struct span nonce, struct wr *report, struct wr *pem)
{
	CLEANUP(wr_close)
	struct wr leaf = wr_open(4096),
		  mid = wr_open(4096), ca = wr_open(4096), root = wr_open(4096), dice = wr_open(512);
	EVP_PKEY *key = evkit_ec("P-384"), *other = evkit_ec("P-384");
	struct evkit_ext ext = { .oid = "2.23.133.5.4.1" };
	struct evkit_cert c = {
		.cn = "Leaf", .key = key, .issuer_cn = "Middle", .issuer_key = k->mid, .pathlen = -1, .ext = &ext, .n_ext = 1
	};

	composite(key, how->other_fwid ? 0xf2 : FWID_AT, &dice);
	ext.value = wr_span(&dice);
	c.n_ext = how->no_fwid ? 0 : 1;
	c.not_after = how->late ? NVKIT_NOW - 10 : 0;
	evkit_cert(&c, &leaf);
	authority("Middle", k->mid, "Device CA", k->ca, false, &mid);
	authority("Device CA", k->ca, "Root", how->other_root ? other : k->root, false, &ca);
	if (how->other_root)
		authority("Root", other, "Root", other, false, &root);
	else
		wr_put(&root, wr_span(&k->root_der));
	pem_of(&leaf, pem);
	if (how->swapped)
		pem_of(&ca, pem);
	if (!how->no_middle)
		pem_of(&mid, pem);
	if (!how->swapped)
		pem_of(&ca, pem);
	pem_of(&root, pem);
	if (how->extra)
		pem_of(&root, pem);
	report_of(how, nonce, how->other_signer ? other : key, report);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

void nvkit_item(struct json_wr *j, const char *arch, struct span report, struct span pem)
{
	CLEANUP(wr_close) struct wr a = wr_open(64u << 10), b = wr_open(64u << 10);

	b64_write(&a, pem);
	b64_write(&b, report);
	jw_obj(j);
	jw_m_text(j, "arch", arch);
	jw_m_str(j, "certificate", wr_span(&a));
	jw_m_str(j, "evidence", wr_span(&b));
	jw_obj_end(j);
}
