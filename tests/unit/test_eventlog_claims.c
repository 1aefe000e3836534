/* Event logs made here, as claims: each kind of event, each node of a device path, what is left out, and bytes that lie. */
#include "evidence/eventlog_claims.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/eventlog_text.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "tests/evkit.h"
#include "tests/t.h"

#define RTMRS 0x1eu
#define OUT (1u << 20)

static const uint16_t both[] = { TPM_ALG_SHA256, TPM_ALG_SHA384 };

static struct json_doc *claims(const struct wr *log, enum coffer_rc *rc)
{
	CLEANUP(wr_close) struct wr w = wr_open(OUT);
	struct json_doc *d = NULL;
	struct err e = { 0 };

	*rc = eventlog_claims(wr_span(log), TPM_ALG_SHA384, RTMRS, &w, &e);
	if (*rc == COFFER_OK && json_parse(wr_span(&w), OUT, &d, &e) != COFFER_OK)
		*rc = COFFER_E_BUG;
	return d;
}

/* The only entry of a log with one event of these bytes; its member, as JSON text. */
static bool shows(uint32_t type, struct span data, const char *member, const char *want)
{
	CLEANUP(wr_close) struct wr log = wr_open(1u << 20), text = wr_open(OUT);
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct json_wr j = jw_open(&text, false);
	enum coffer_rc rc;

	evkit_log_head(&log, both + 1, 1);
	evkit_log_event(&log, 2, type, both + 1, 1, data);
	d = claims(&log, &rc);
	if (rc != COFFER_OK || json_len(json_root(d)) != 1)
		return false;
	jw_value(&j, json_get(json_at(json_root(d), 0), member));
	if (wr_ok(&text) && span_eq_str(wr_span(&text), want))
		return true;
	printf("# %08x %s: %.*s\n", type, member, (int)text.n, (const char *)text.p);
	return false;
}

static bool hex_shows(uint32_t type, const char *hex, const char *details)
{
	CLEANUP(wr_close) struct wr data = wr_open(4096);

	return hex_read(span_of(hex), &data) && shows(type, wr_span(&data), "details", details);
}

static void entry_has_the_members_of_upstream_in_order(void)
{
	static const char want[] =
	    "[{\"details\":{\"string\":\"Exit Boot Services Invocation\"},\"digest_matches_event\":true,\"digests\":[{\"alg\":\"SHA-384\",\"digest\":"
	    "\"214b0bef1379756011344877743fdc2a5382bac6e70362d624ccf3f654407c1b4badf7d8f9295dd3dabdef65b27677e0\"}],"
	    "\"event\":\"RXhpdCBCb290IFNlcnZpY2VzIEludm9jYXRpb24=\",\"index\":2,\"type_name\":\"EV_EFI_ACTION\"}]";
	CLEANUP(wr_close) struct wr log = wr_open(4096), w = wr_open(OUT);
	struct err e = { 0 };

	evkit_log_head(&log, both, 2);
	evkit_log_event(&log, 2, 0x80000007, both, 2, span_of("Exit Boot Services Invocation"));
	CHECK(eventlog_claims(wr_span(&log), TPM_ALG_SHA384, RTMRS, &w, &e) == COFFER_OK && span_eq_str(wr_span(&w), want));
	w.n = 0;
	CHECK(eventlog_claims(wr_span(&log), TPM_ALG_SHA256, RTMRS, &w, &e) == COFFER_OK && !span_eq_str(wr_span(&w), want));
	CHECK(eventlog_claims(wr_span(&log), 0x1234, RTMRS, &w, &e) == COFFER_E_INPUT);
	CHECK(eventlog_claims(span_of("no log"), TPM_ALG_SHA384, RTMRS, &w, &e) == COFFER_E_INPUT);
}

static void every_kind_has_its_name(void)
{
	static const struct { uint32_t type; const char *name; } all[] = { { 0, "EV_PREBOOT_CERT" }, { 1, "EV_POST_CODE" }, { 2, "EV_UNUSED" },
		{ 4, "EV_SEPARATOR" }, { 5, "EV_ACTION" }, { 6, "EV_EVENT_TAG" }, { 7, "EV_S_CRTM_CONTENTS" }, { 8, "EV_S_CRTM_VERSION" },
		{ 9, "EV_CPU_MICROCODE" }, { 10, "EV_PLATFORM_CONFIG_FLAGS" }, { 11, "EV_TABLE_OF_DEVICES" }, { 12, "EV_COMPACT_HASH" },
		{ 13, "EV_IPL" }, { 14, "EV_IPL_PARTITION_DATA" }, { 15, "EV_NONHOST_CODE" }, { 16, "EV_NONHOST_CONFIG" },
		{ 17, "EV_NONHOST_INFO" }, { 18, "EV_OMIT_BOOT_DEVICE_EVENTS" }, { 0x80000000, "EV_EFI_EVENT_BASE" },
		{ 0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG" }, { 0x80000002, "EV_EFI_VARIABLE_BOOT" },
		{ 0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION" }, { 0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER" },
		{ 0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER" }, { 0x80000006, "EV_EFI_GPT_EVENT" }, { 0x80000007, "EV_EFI_ACTION" },
		{ 0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB" }, { 0x80000009, "EV_EFI_HANDOFF_TABLES" },
		{ 0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" }, { 0x8000000b, "EV_EFI_HANDOFF_TABLES2" },
		{ 0x8000000c, "EV_EFI_VARIABLE_BOOT2" }, { 0x80000010, "EV_EFI_HCRTM_EVENT" }, { 0x800000e0, "EV_EFI_VARIABLE_AUTHORITY" },
		{ 0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB" }, { 0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG" }, { 0x8000abcd, "0x8000abcd" } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char want[64];

		(void)snprintf(want, sizeof(want), "\"%s\"", all[i].name);
		CHECK(shows(all[i].type, span_of("x"), "type_name", want));
	}
}

/* Whoever hands a log over could write a wanted digest there. */
static void what_replay_does_not_stand_behind_is_left_out(void)
{
	CLEANUP(wr_close) struct wr log = wr_open(4096);
	CLEANUP(json_freep) struct json_doc *d = NULL;
	const struct json *digests;
	uint8_t wanted[HASH_MAX];
	enum coffer_rc rc;

	evkit_log_head(&log, both, 2);
	evkit_log_event(&log, 0, 5, both, 2, span_of("of a register that is not quoted"));
	evkit_log_event(&log, 5, 5, both, 2, span_of("nor is this"));
	evkit_log_event(&log, 24, 5, both, 2, span_of("nor this"));
	evkit_log_event(&log, 0xffffffff, 5, both, 2, span_of("nor this"));
	evkit_log_event(&log, 2, 3, both, 2, span_of("never extended"));
	evkit_log_event(&log, 2, 5, both, 1, span_of("in the other bank only"));
	evkit_log_event(&log, 2, 5, (const uint16_t[]){ TPM_ALG_SHA384, TPM_ALG_SHA256, TPM_ALG_SHA384 }, 3, span_of("measured"));
	memset(log.p + log.n - 8 - 4 - 48, 0x5a, 48); /* the second of the bank, by which nothing was extended */
	d = claims(&log, &rc);
	CHECK(rc == COFFER_OK && json_len(json_root(d)) == 1);
	digests = json_get(json_at(json_root(d), 0), "digests");
	hash_once(HASH_SHA384, span_of("measured"), wanted);
	CHECK(json_len(digests) == 1 && span_eq_str(json_str(json_get(json_at(digests, 0), "alg")), "SHA-384"));
	{
		char hex[2 * 48 + 1];

		hex_text((struct span){ wanted, 48 }, hex);
		CHECK(span_eq_str(json_str(json_get(json_at(digests, 0), "digest")), hex));
	}
}

static void digest_of_something_else_does_not_match_its_event(void)
{
	for (int forged = 0; forged < 2; forged++) {
		CLEANUP(wr_close) struct wr log = wr_open(4096);
		CLEANUP(json_freep) struct json_doc *d = NULL;
		enum coffer_rc rc;
		bool matches = forged;

		evkit_log_head(&log, both + 1, 1);
		evkit_log_event(&log, 3, 4, both + 1, 1, span_of("data"));
		log.p[log.n - 1] ^= (uint8_t)forged;
		d = claims(&log, &rc);
		CHECK(json_bool(json_get(json_at(json_root(d), 0), "digest_matches_event"), &matches) && matches == !forged);
	}
}

static void text_is_shown_and_what_is_none_is_not(void)
{
	static const uint32_t kinds[] = { 1, 5, 12, 18, 0x80000007 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		CHECK(hex_shows(kinds[i], "41435049", "{\"string\":\"ACPI\"}") && hex_shows(kinds[i], "", "{\"string\":\"\"}"));
		CHECK(hex_shows(kinds[i], "410042", "{\"string\":\"A\xef\xbf\xbd" "B\"}")); /* U+0000 is in no JSON of ours, and is not dropped */
		CHECK(hex_shows(kinds[i], "41ff", "{}") && hex_shows(kinds[i], "c3", "{}"));
		CHECK(hex_shows(kinds[i], "0a22", "{\"string\":\"\\n\\\"\"}"));
	}
	CHECK(hex_shows(4, "00000000", "{}") && hex_shows(0x80000006, "41", "{}") && hex_shows(0x12345, "41", "{}"));
}

static void flags_lose_their_control_characters(void)
{
	CHECK(hex_shows(10, "41435049204441544100", "{\"string\":\"ACPI DATA\"}"));
	CHECK(hex_shows(10, "61000010007f62c285c3a9", "{\"string\":\"a b\xc3\xa9\"}"));
	CHECK(hex_shows(10, "61ff", "{\"string\":\"\"}"));
}

static void description_is_as_long_as_it_says(void)
{
	for (uint32_t kind = 0x8000000a; kind < 0x8000000c; kind++) {
		CHECK(hex_shows(kind, "09546478" "5461626c" "6500" "0100", "{\"string\":\"TdxTable\"}"));
		CHECK(hex_shows(kind, "0141", "{\"string\":\"\"}") && hex_shows(kind, "0341ff42", "{}"));
		CHECK(hex_shows(kind, "", "{}") && hex_shows(kind, "00", "{}") && hex_shows(kind, "0341", "{}") && hex_shows(kind, "ff4142", "{}"));
	}
}

static void boot_loaders_text_is_read_as_they_write_it(void)
{
	CHECK(hex_shows(13, "4d6f6b4c69737400", "{\"string\":\"MokList\"}") && hex_shows(13, "4d6f", "{\"string\":\"Mo\"}"));
	CHECK(hex_shows(13, "4d6f00ff", "{\"string\":\"Mo\"}") && hex_shows(13, "ff4100", "{\"string\":\"ff4100\"}"));
	CHECK(hex_shows(13, "2e006c0069006e00750078000000", "{\"string\":\"linux\"}"));
	CHECK(hex_shows(13, "2e0000d841000000", "{\"string\":\"\xef\xbf\xbd" "A\"}")); /* half of a pair */
	CHECK(hex_shows(13, "", "{}") && hex_shows(13, "41", "{}") && hex_shows(13, "2e00", "{}") && hex_shows(13, "2e0041", "{}"));
	CHECK(hex_shows(13, "2e004100420000", "{}") && hex_shows(13, "2e000000", "{\"string\":\"\"}"));
}

static void tagged_data_is_as_long_as_it_says(void)
{
	CHECK(hex_shows(6, "ed223b8f1a0000004c4f414445445f494d4147453a3a4c6f61644f7074696f6e7300", "{\"string\":\"LOADED_IMAGE::LoadOptions\"}"));
	CHECK(hex_shows(6, "ed223b8f01000000414243", "{\"string\":\"A\"}") && hex_shows(6, "ed223b8f00000000", "{\"string\":\"\"}"));
	CHECK(hex_shows(6, "ed223b8f03000000c300a9", "{\"string\":\"\xef\xbf\xbd\xef\xbf\xbd\"}")); /* no letter out of two halves */
	CHECK(hex_shows(6, "", "{}") && hex_shows(6, "ed223b8f", "{}") && hex_shows(6, "ed223b8f02000000" "41", "{}"));
	CHECK(hex_shows(6, "ed223b8fffffffff41", "{}"));
}

static bool aael_shows(const char *text, const char *details)
{
	CLEANUP(wr_close) struct wr data = wr_open(4096);

	wr_str(&data, "LEAA");
	wr_le32(&data, (uint32_t)strlen(text));
	wr_str(&data, text);
	return shows(6, wr_span(&data), "details", details);
}

static void agents_log_is_read_into_its_parts(void)
{
	CHECK(aael_shows("coco.com op some content", "{\"data\":{\"content\":\"some content\",\"domain\":\"coco.com\",\"operation\":\"op\"},"
						     "\"string\":\"coco.com op some content\",\"unicode_name\":\"AAEL\"}"));
	CHECK(aael_shows("a b {\"k\":[1,{\"l\":null}]}", "{\"data\":{\"content\":{\"k\":[1,{\"l\":null}]},\"domain\":\"a\",\"operation\":\"b\"},"
							"\"string\":\"a b {\\\"k\\\":[1,{\\\"l\\\":null}]}\",\"unicode_name\":\"AAEL\"}"));
	CHECK(aael_shows("a b 1.5", "{\"data\":{\"content\":\"1.5\",\"domain\":\"a\",\"operation\":\"b\"},\"string\":\"a b 1.5\",\"unicode_name\":\"AAEL\"}"));
	CHECK(aael_shows("a b [[[[[[[[[1]]]]]]]]]", "{\"data\":{\"content\":\"[[[[[[[[[1]]]]]]]]]\",\"domain\":\"a\",\"operation\":\"b\"},"
						    "\"string\":\"a b [[[[[[[[[1]]]]]]]]]\",\"unicode_name\":\"AAEL\"}"));
	CHECK(aael_shows("a b 9007199254740993", "{\"data\":{\"content\":\"9007199254740993\",\"domain\":\"a\",\"operation\":\"b\"},"
						 "\"string\":\"a b 9007199254740993\",\"unicode_name\":\"AAEL\"}"));
	CHECK(aael_shows("a b ", "{\"data\":{\"content\":\"\",\"domain\":\"a\",\"operation\":\"b\"},\"string\":\"a b \",\"unicode_name\":\"AAEL\"}"));
	CHECK(aael_shows("INIT/sha384 00", "{\"string\":\"INIT/sha384 00\"}") && aael_shows("nothing", "{\"string\":\"nothing\"}"));
	CHECK(aael_shows("a b \xff", "{\"string\":\"a b \xef\xbf\xbd\"}"));
}

static void variable_is_as_long_as_it_says(void)
{
#define GUID "61dfe48bca93d211aa0d00e098032b8c"
	static const uint32_t kinds[] = { 0x80000001, 0x80000002, 0x8000000c, 0x800000e0 };

	for (size_t i = 0; i < 4; i++) {
		CHECK(hex_shows(kinds[i], GUID "02000000000000000100000000000000" "50004b00" "01" "ff",
		    "{\"unicode_name\":\"PK\",\"unicode_name_length\":2,\"variable_data\":\"AQ==\",\"variable_data_length\":1,"
		    "\"variable_name\":\"61dfe48b-ca93-d211-aa0d-00e098032b8c\"}"));
		CHECK(hex_shows(kinds[i], GUID "01000000000000000000000000000000" "0000",
		    "{\"unicode_name\":\"\xef\xbf\xbd\",\"unicode_name_length\":1,\"variable_data\":\"\",\"variable_data_length\":0,"
		    "\"variable_name\":\"61dfe48b-ca93-d211-aa0d-00e098032b8c\"}"));
		CHECK(hex_shows(kinds[i], GUID "01000000000000000000000000000000" "00d8", "{}")); /* half of a pair is no name */
		CHECK(hex_shows(kinds[i], GUID "03000000000000000100000000000000" "50004b0001", "{}"));
		CHECK(hex_shows(kinds[i], GUID "02000000000000000200000000000000" "50004b0001", "{}"));
		CHECK(hex_shows(kinds[i], GUID "ffffffffffffffff0100000000000000" "50004b0001", "{}"));
		CHECK(hex_shows(kinds[i], GUID "0000000000000080ffffffffffffffff" "50004b0001", "{}"));
		CHECK(hex_shows(kinds[i], "", "{}") && hex_shows(kinds[i], GUID "0200000000000000", "{}"));
	}
}

/* ---- device paths ---- */

static bool path_shows(const char *nodes, uint64_t said, const char *details)
{
	CLEANUP(wr_close) struct wr data = wr_open(4096);

	for (size_t i = 0; i < 3; i++)
		wr_le64(&data, 0);
	wr_le64(&data, said);
	return hex_read(span_of(nodes), &data) && shows(0x80000003, wr_span(&data), "details", details);
}

static void application_shows_the_path_it_came_by(void)
{
	static const char path[] = "04031400" "72f728144ab61e44b8c39ebdd7f893c7" "04041200" "6b00650072006e0065006c000000" "7fff0400";
	static const char details[] = "{\"device_paths\":[\"VenMedia(1428F772-B64A-441E-B8C3-9EBDD7F893C7,)\",\"File(kernel)\"]}";

	CHECK(path_shows(path, 42, details));
	for (uint64_t said = 0; said < 60; said++) /* cut within a node, or longer than there is */
		CHECK(said == 42 || said == 24 || said == 46 || path_shows(path, said, "{}"));
	CHECK(path_shows(path, 24, "{\"device_paths\":[\"VenMedia(1428F772-B64A-441E-B8C3-9EBDD7F893C7,)\"]}"));
	CHECK(path_shows(path, 46, "{\"device_paths\":[\"VenMedia(1428F772-B64A-441E-B8C3-9EBDD7F893C7,)\",\"File(kernel)\",\"Path(127,255,)\"]}"));
	CHECK(path_shows(path, UINT64_MAX, "{}") && path_shows(path, UINT64_C(1) << 63, "{}"));
	CHECK(path_shows("01010300" "0000" "7fff0400", 10, "{}")); /* a node shorter than its header */
	CHECK(path_shows("0101ffff" "0001" "7fff0400", 10, "{}")); /* and one longer than the path */
	CHECK(shows(0x80000003, span_of("short"), "details", "{}"));
	CHECK(path_shows("01010600" "0001" "7fff0400", 10, "{\"device_paths\":[\"Pci(0,1)\"]}"));
	CHECK(shows(0x80000004, span_of("a driver's path is not shown"), "details", "{}"));
}

static bool node_is(uint8_t type, uint8_t sub, const char *hex, const char *want)
{
	CLEANUP(wr_close) struct wr data = wr_open(4096), text = wr_open(4096);

	if (!hex_read(span_of(hex), &data))
		return false;
	text_device_node(type, sub, wr_span(&data), &text);
	if (wr_ok(&text) && span_eq_str(wr_span(&text), want))
		return true;
	printf("# %.*s\n", (int)text.n, (const char *)text.p);
	return false;
}

/* Known answers as upstream has them, and none where the length is not that node's. */
static void each_node_is_printed_as_upstream_does(void)
{
	static const struct { uint8_t type, sub; const char *hex, *want; size_t least; } all[] = {
		{ 1, 1, "0401", "Pci(4,1)", 2 }, { 2, 1, "d041030a02000000", "ACPI(PNP0A03,2)", 8 }, { 3, 0x05, "0102", "USB(1,2)", 2 },
		{ 3, 0x15, "00010203040506070001020304050607", "FibreEx(0x0001020304050607,0x0001020304050607)", 16 },
		{ 3, 0x0c, "0100A8C06400A8C00000BC0C0600010000000000000000", "IPv4(192.168.0.100,TCP,Static,192.168.0.1)", 23 },
		{ 3, 0x0c, "0100A8C06400A8C00000BC0C11000001000000ffffffff", "IPv4(192.168.0.100,UDP,DHCP,192.168.0.1,1,4294967295)", 23 },
		{ 3, 0x0c, "0100A8C06400A8C00000BC0C07000700000000" "00000000", "IPv4(192.168.0.100,,,192.168.0.1)", 23 },
		{ 4, 1, "0f000000002800000000000000500300000000005e27f1007553d5439eb5de2add4c99320202",
		    "HD(15,GPT,00F1275E-5375-43D5-9EB5-DE2ADD4C9932,0x2800,0x35000)", 38 },
		{ 4, 1, "01000000000800000000000000E02E0000000000431202a000000000431202a0000000000101", "HD(1,MBR,0xa0021243,0x800,0x2ee000)", 38 },
		{ 4, 1, "00000000000000000000000000000000000000000000000000000000431202a0000000000101", "HD(0,MBR,0x00000000)", 38 },
		{ 4, 3, "f8d1c555cd04b5468a20e56cbb3052d0", "VenMedia(55C5D1F8-04CD-46B5-8A20-E56CBB3052D0,)", 16 },
		{ 4, 4, "6b00650072006e0065006c000000", "File(kernel)", 0 }, { 5, 1, "8000010041424300", "BBS(DEV,ABC,1)", 4 } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		CHECK(node_is(all[i].type, all[i].sub, all[i].hex, all[i].want));
		for (size_t n = 0; n < all[i].least; n++) {
			char cut[128], path[160];

			(void)snprintf(cut, sizeof(cut), "%.*s", (int)(2 * n), all[i].hex);
			(void)snprintf(path, sizeof(path), "Path(%u,%u,%s)", all[i].type, all[i].sub, cut);
			for (char *c = path + 4; *c; c++)
				*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
			CHECK(node_is(all[i].type, all[i].sub, cut, path));
		}
	}
}

static void addresses_of_network_cards_lose_their_padding(void)
{
#define PAD "00000000000000000000000000000000000000000000000000" /* 25 bytes */
	CHECK(node_is(3, 0x0b, "001320f5fa77" PAD "00" "01", "Mac(001320F5FA77,0x01)"));
	CHECK(node_is(3, 0x0b, "000000000000" PAD "00" "ff", "Mac(,0xff)"));
	CHECK(node_is(3, 0x0b, "001320f5fa70" PAD "00" "01", "Mac(001320F5FA7,0x01)"));
	CHECK(node_is(3, 0x0b, "001320f5fa77" PAD "00", "Path(3,11,001320f5fa77" PAD "00)"));
	CHECK(node_is(3, 0x0b, "001320f5fa77" PAD "000102", "Path(3,11,001320f5fa77" PAD "000102)"));
}

static void nodes_without_a_form_are_shown_in_hex(void)
{
	CHECK(node_is(1, 2, "0102", "Path(1,2,0102)") && node_is(127, 1, "", "Path(127,1,)") && node_is(3, 23, "01", "Path(3,23,01)"));
	CHECK(node_is(4, 4, "", "Path(4,4,)") && node_is(4, 4, "41", "Path(4,4,41)") && node_is(4, 4, "410042", "Path(4,4,410042)"));
	CHECK(node_is(4, 4, "0000", "File()") && node_is(4, 4, "3dd800de0000", "File(\xf0\x9f\x98\x80)"));
	CHECK(node_is(4, 4, "000041000000", "File(\xef\xbf\xbd" "A)") && node_is(4, 4, "00de41000000", "File(\xef\xbf\xbd" "A)"));
	CHECK(node_is(4, 1, "0f000000002800000000000000500300000000005e27f1007553d5439eb5de2add4c99320302",
	    "Path(4,1,0f000000002800000000000000500300000000005e27f1007553d5439eb5de2add4c99320302)"));
	CHECK(node_is(4, 3, "f8d1c555cd04b5468a20e56cbb3052d0" "abcd", "VenMedia(55C5D1F8-04CD-46B5-8A20-E56CBB3052D0,abcd)"));
	CHECK(node_is(5, 1, "f0ff0000", "BBS(65520,,0)") && node_is(5, 1, "05000000" "ff00", "Path(5,1,05000000ff00)"));
	CHECK(node_is(5, 1, "0100000041", "BBS(FLOPPY,A,0)") && node_is(5, 1, "ff000000", "BBS(UNKNOWN,,0)"));
}

/* ---- hostile logs ---- */

static void log_of_all(struct wr *log)
{
	static const char image[] = "000000000000000000000000000000000000000000000000" "0a00000000000000" "01010600" "0001" "7fff0400";
	CLEANUP(wr_close) struct wr data = wr_open(4096);

	evkit_log_head(log, both + 1, 1);
	evkit_log_event(log, 1, 5, both + 1, 1, span_of("an action"));
	CHECK(hex_read(span_of(image), &data));
	evkit_log_event(log, 2, 0x80000003, both + 1, 1, wr_span(&data));
	wr_close(&data);
	data = wr_open(4096);
	CHECK(hex_read(span_of("4c4541410700000061206220" "7b7d20"), &data));
	evkit_log_event(log, 4, 6, both + 1, 1, wr_span(&data));
}

/* A cut between two events is a shorter log; any other none. */
static void truncation_is_a_shorter_list_or_none(void)
{
	CLEANUP(wr_close) struct wr log = wr_open(4096);
	size_t shorter = 0;

	log_of_all(&log);
	for (size_t n = 0; n <= log.n; n++) {
		CLEANUP(wr_close) struct wr cut = wr_open(n);
		CLEANUP(json_freep) struct json_doc *d = NULL;
		enum coffer_rc rc;

		wr_put(&cut, (struct span){ log.p, n });
		wr_fit(&cut);
		d = claims(&cut, &rc);
		CHECK(rc == COFFER_OK || rc == COFFER_E_INPUT);
		shorter += rc == COFFER_OK;
	}
	CHECK(shorter == 4);
}

static void each_byte_changed_is_json_or_no_log(void)
{
	CLEANUP(wr_close) struct wr log = wr_open(4096);

	log_of_all(&log);
	for (size_t i = 0; i < log.n; i++)
		for (size_t v = 0; v < 3; v++) {
			static const uint8_t change[] = { 0xff, 0x80, 0x01 };
			CLEANUP(json_freep) struct json_doc *d = NULL;
			enum coffer_rc rc;

			log.p[i] ^= change[v];
			d = claims(&log, &rc);
			CHECK(rc == COFFER_OK || rc == COFFER_E_INPUT);
			log.p[i] ^= change[v];
		}
}

static void what_does_not_fit_is_said_to(void)
{
	CLEANUP(wr_close) struct wr log = wr_open(4096), exact = wr_open(OUT);
	struct err e = { 0 };

	log_of_all(&log);
	CHECK(eventlog_claims(wr_span(&log), TPM_ALG_SHA384, RTMRS, &exact, &e) == COFFER_OK);
	for (size_t less = 0; less < 2; less++) {
		CLEANUP(wr_close) struct wr w = wr_open(exact.n - less);

		CHECK(eventlog_claims(wr_span(&log), TPM_ALG_SHA384, RTMRS, &w, &e) == (less ? COFFER_E_LIMIT : COFFER_OK));
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(entry_has_the_members_of_upstream_in_order),
		T(every_kind_has_its_name),
		T(what_replay_does_not_stand_behind_is_left_out),
		T(digest_of_something_else_does_not_match_its_event),
		T(text_is_shown_and_what_is_none_is_not),
		T(flags_lose_their_control_characters),
		T(description_is_as_long_as_it_says),
		T(boot_loaders_text_is_read_as_they_write_it),
		T(tagged_data_is_as_long_as_it_says),
		T(agents_log_is_read_into_its_parts),
		T(variable_is_as_long_as_it_says),
		T(application_shows_the_path_it_came_by),
		T(each_node_is_printed_as_upstream_does),
		T(addresses_of_network_cards_lose_their_padding),
		T(nodes_without_a_form_are_shown_in_hex),
		T(truncation_is_a_shorter_list_or_none),
		T(each_byte_changed_is_json_or_no_log),
		T(what_does_not_fit_is_said_to),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
