#include "evidence/eventlog_claims.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/eventlog_text.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "fmt/utf8.h"

#define EV_NO_ACTION 3
#define AAEL 0x4141454cu           /* the tag of what a guest's agent logs: "<domain> <operation> <content>" */
#define CONTENT_MAX (64u << 10)    /* bytes of such content that are read as JSON */
#define CONTENT_DEPTH 8            /* the claims around it are nested too, and their readers stop at JSON_DEPTH_MAX */
#define SAFE_INTEGER (INT64_C(1) << 53)

/* ---- text ---- */

static struct wr text_open(struct span s)
{
	return wr_open(3 * s.n + 8); /* a byte that is no character becomes three */
}

static void m_text(struct json_wr *j, const char *name, const struct wr *text)
{
	j->w->bad |= !wr_ok(text);
	jw_m_str(j, name, wr_span(text));
}

static void m_utf8(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr text = text_open(s);

	text_utf8(s, &text);
	m_text(j, name, &text);
}

/* ---- details, by kind; nothing where the data is not of that form ---- */

static void text_details(struct span data, struct json_wr *j)
{
	if (utf8_ok(data))
		m_utf8(j, "string", data);
}

/* Of tables (td_hob) there is no text, which upstream says by an empty one. */
static void flags_details(struct span data, struct json_wr *j)
{
	CLEANUP(wr_close) struct wr text = text_open(data);

	if (utf8_ok(data))
		text_utf8_plain(data, &text);
	m_text(j, "string", &text);
}

/* UEFI_PLATFORM_FIRMWARE_BLOB2, UEFI_HANDOFF_TABLE_POINTERS2: a length, then so many bytes of description, the last of them zero. */
static void described_details(struct span data, struct json_wr *j)
{
	struct rd r = rd_open(data);
	uint8_t n = rd_u8(&r);
	struct span text = rd_span(&r, n > 0 ? n - 1u : 0);

	if (rd_ok(&r) && n > 0 && utf8_ok(text))
		m_utf8(j, "string", text);
}

/* Boot loaders write text up to a zero; Google's firmware a dot and then UTF-16. */
static void ipl_details(struct span data, struct json_wr *j)
{
	CLEANUP(wr_close) struct wr text = text_open(data);
	struct span head = { data.p, span_find(data, '\0') };

	if (data.n < 2)
		return;
	if (data.p[0] == '.' && data.p[1] == 0) {
		if (data.n < 4 || data.n % 2)
			return;
		(void)text_utf16((struct span){ data.p + 2, data.n - 4 }, &text);
	} else if (utf8_ok(head)) {
		text_utf8(head, &text);
	} else {
		hex_write(&text, data);
	}
	m_text(j, "string", &text);
}

/* JSON that every reader of claims takes: not too deep, integers that nobody rounds. */
static bool plain(const struct json *v, unsigned depth)
{
	int64_t n;

	if (json_type(v) == JSON_NUMBER)
		return json_i64(v, &n) && n >= -SAFE_INTEGER && n <= SAFE_INTEGER;
	if (depth == 0)
		return json_len(v) == 0;
	for (size_t i = 0; i < json_len(v); i++)
		if (!plain(json_at(v, i), depth - 1))
			return false;
	return true;
}

static void put_content(struct span content, struct json_wr *j)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err ignore = { 0 };

	if (json_parse(content, CONTENT_MAX, &doc, &ignore) != COFFER_OK || !plain(json_root(doc), CONTENT_DEPTH)) {
		m_utf8(j, "content", content);
		return;
	}
	jw_name(j, "content");
	jw_value(j, json_root(doc));
}

static bool put_aael(struct span text, struct json_wr *j)
{
	size_t first = span_find(text, ' '), second;
	struct span rest = span_skip(text, first + 1);

	second = span_find(rest, ' ');
	if (!utf8_ok(text) || first == text.n || second == rest.n)
		return false;
	jw_name(j, "data");
	jw_obj(j);
	put_content(span_skip(rest, second + 1), j);
	m_utf8(j, "domain", (struct span){ text.p, first });
	m_utf8(j, "operation", (struct span){ rest.p, second });
	jw_obj_end(j);
	return true;
}

/* TCG_PCClientTaggedEvent: a tag, a length, so many bytes. */
static void tag_details(struct span data, struct json_wr *j)
{
	struct rd r = rd_open(data);
	uint32_t tag = rd_le32(&r);
	struct span text = rd_span(&r, rd_le32(&r));
	CLEANUP(wr_close) struct wr string = text_open(text);
	bool aael;

	if (!rd_ok(&r))
		return;
	aael = tag == AAEL && put_aael(text, j);
	text_utf8_joined(text, &string);
	m_text(j, "string", &string);
	if (aael)
		jw_m_text(j, "unicode_name", "AAEL");
}

/* UEFI_VARIABLE_DATA. Upstream prints the GUID's bytes as they lie. */
static void variable_details(struct span data, struct json_wr *j)
{
	struct rd r = rd_open(data);
	struct span guid = rd_span(&r, 16), name, value;
	uint64_t name_n = rd_le64(&r), value_n = rd_le64(&r);
	CLEANUP(wr_close) struct wr text = text_open(data);
	char hex[33];

	name = rd_span(&r, 2 * rd_count(&r, name_n, 2, EVENTLOG_MAX));
	value = rd_span(&r, rd_count(&r, value_n, 1, EVENTLOG_MAX));
	if (!rd_ok(&r) || !text_utf16(name, &text))
		return;
	m_text(j, "unicode_name", &text);
	jw_m_u64(j, "unicode_name_length", name_n);
	jw_m_b64(j, "variable_data", value);
	jw_m_u64(j, "variable_data_length", value_n);
	hex_text(guid, hex);
	wr_close(&text);
	text = wr_open(64);
	wr_fmt(&text, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	m_text(j, "variable_name", &text);
}

static bool next_node(struct rd *r, uint8_t *type, uint8_t *sub, struct span *data)
{
	uint16_t n;

	*type = rd_u8(r);
	*sub = rd_u8(r);
	n = rd_le16(r);
	if (n < 4)
		return false;
	*data = rd_span(r, n - 4u);
	return rd_ok(r);
}

static bool whole_path(struct rd r)
{
	struct span data;
	uint8_t type, sub;

	while (r.n > 0)
		if (!next_node(&r, &type, &sub, &data))
			return false;
	return rd_done(&r);
}

static void put_path(struct rd r, struct json_wr *j)
{
	struct span data;
	uint8_t type, sub;

	jw_name(j, "device_paths");
	jw_arr(j);
	while (r.n > 0 && next_node(&r, &type, &sub, &data)) {
		CLEANUP(wr_close) struct wr text = wr_open(4 * data.n + 256);

		text_device_node(type, sub, data, &text);
		j->w->bad |= !wr_ok(&text);
		jw_str(j, wr_span(&text));
	}
	jw_arr_end(j);
}

/* UEFI_IMAGE_LOAD_EVENT: three numbers, the path's length, the path; its end, four bytes, is not listed. */
static void image_details(struct span data, struct json_wr *j)
{
	struct rd r = rd_open(data);
	uint64_t n;

	(void)rd_span(&r, 24);
	n = rd_le64(&r);
	if (!rd_ok(&r))
		return;
	/* a length below that of the end wraps, and is more than there can be */
	r = rd_open(rd_span(&r, rd_count(&r, n - 4, 1, EVENTLOG_MAX)));
	if (r.n > 0 && whole_path(r))
		put_path(r, j);
}

/* ---- events ---- */

static const struct kind { uint32_t type; const char *name; void (*details)(struct span data, struct json_wr *j); } kinds[] = {
	{ 0x00, "EV_PREBOOT_CERT", NULL }, { 0x01, "EV_POST_CODE", text_details }, { 0x02, "EV_UNUSED", NULL },
	{ 0x04, "EV_SEPARATOR", NULL }, { 0x05, "EV_ACTION", text_details }, { 0x06, "EV_EVENT_TAG", tag_details },
	{ 0x07, "EV_S_CRTM_CONTENTS", NULL }, { 0x08, "EV_S_CRTM_VERSION", NULL }, { 0x09, "EV_CPU_MICROCODE", NULL },
	{ 0x0a, "EV_PLATFORM_CONFIG_FLAGS", flags_details }, { 0x0b, "EV_TABLE_OF_DEVICES", NULL },
	{ 0x0c, "EV_COMPACT_HASH", text_details }, { 0x0d, "EV_IPL", ipl_details }, { 0x0e, "EV_IPL_PARTITION_DATA", NULL },
	{ 0x0f, "EV_NONHOST_CODE", NULL }, { 0x10, "EV_NONHOST_CONFIG", NULL }, { 0x11, "EV_NONHOST_INFO", NULL },
	{ 0x12, "EV_OMIT_BOOT_DEVICE_EVENTS", text_details }, { 0x80000000, "EV_EFI_EVENT_BASE", NULL },
	{ 0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG", variable_details }, { 0x80000002, "EV_EFI_VARIABLE_BOOT", variable_details },
	{ 0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION", image_details }, { 0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER", NULL },
	{ 0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER", NULL }, { 0x80000006, "EV_EFI_GPT_EVENT", NULL },
	{ 0x80000007, "EV_EFI_ACTION", text_details }, { 0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB", NULL },
	{ 0x80000009, "EV_EFI_HANDOFF_TABLES", NULL }, { 0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2", described_details },
	{ 0x8000000b, "EV_EFI_HANDOFF_TABLES2", described_details }, { 0x8000000c, "EV_EFI_VARIABLE_BOOT2", variable_details },
	{ 0x80000010, "EV_EFI_HCRTM_EVENT", NULL }, { 0x800000e0, "EV_EFI_VARIABLE_AUTHORITY", variable_details },
	{ 0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB", NULL }, { 0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG", NULL } };

static const struct kind *kind_of(uint32_t type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static const char *alg_name(enum hash_alg h)
{
	static const char *const names[] = { [HASH_SHA1] = "SHA-1", [HASH_SHA256] = "SHA-256", [HASH_SHA384] = "SHA-384",
		[HASH_SHA512] = "SHA-512" };

	return names[h];
}

/* The one that replay extends by. */
static struct span digest_of(const struct event *v, uint16_t alg)
{
	for (size_t i = 0; i < v->n_digests; i++)
		if (v->d[i].alg == alg)
			return v->d[i].digest;
	return (struct span){ 0 };
}

static void put_digest(struct span digest, enum hash_alg h, struct json_wr *j)
{
	jw_name(j, "digests");
	jw_arr(j);
	jw_obj(j);
	jw_m_text(j, "alg", alg_name(h));
	jw_m_hex(j, "digest", digest);
	jw_obj_end(j);
	jw_arr_end(j);
}

static void put_event(const struct event *v, struct span digest, enum hash_alg h, struct json_wr *j)
{
	const struct kind *k = kind_of(v->type);
	uint8_t own[HASH_MAX];
	char number[16];

	hash_once(h, v->data, own);
	(void)snprintf(number, sizeof(number), "0x%08x", (unsigned)v->type);
	jw_obj(j);
	jw_name(j, "details");
	jw_obj(j);
	if (k && k->details)
		k->details(v->data, j);
	jw_obj_end(j);
	jw_m_bool(j, "digest_matches_event", span_eq(digest, (struct span){ own, hash_len(h) }));
	put_digest(digest, h, j);
	jw_m_b64(j, "event", v->data);
	jw_m_u64(j, "index", v->reg);
	jw_m_text(j, "type_name", k ? k->name : number);
	jw_obj_end(j);
}

enum coffer_rc eventlog_claims(struct span log, uint16_t alg, uint32_t regs, struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);
	struct eventlog l;
	enum hash_alg h;
	bool more = true;

	TRY(eventlog_open(log, &l, e));
	if (!tpm_hash(alg, &h))
		return err_set(e, COFFER_E_INPUT, "event log: it has no bank of that algorithm");
	jw_arr(&j);
	while (more && wr_ok(w)) {
		struct event v;
		struct span digest;

		TRY(eventlog_next(&l, &v, &more, e));
		if (!more || v.type == EV_NO_ACTION || v.reg >= EVENTLOG_REGS || !(regs >> v.reg & 1))
			continue;
		digest = digest_of(&v, alg);
		if (digest.n > 0)
			put_event(&v, digest, h, &j);
	}
	jw_arr_end(&j);
	return wr_ok(w) ? COFFER_OK : err_set(e, COFFER_E_LIMIT, "event log: its claims have more than %zu bytes", w->max);
}
