#include "image/cryptjwe.h"

#include "crypto/jwe.h"
#include "crypto/pem.h"
#include "fmt/enc.h"
#include "tests/unit/image_help.h"

#define PRIVATE "{\"symkey\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"," \
	"\"digest\":\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"," \
	"\"cipheroptions\":{\"nonce\":\"AAECAwQFBgcICQoLDA0ODw==\"}}"

/* Made for these tests; opens nothing else. */
static const char rsa_public[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAylQGibdq9RyxpcetbSuc\n"
	"RT8XiKBc+oCmm8n15kYkLGgaWI23FnsV4X+y5ASWJYqa/FNqPDjNJUw7sn73Fv7D\n"
	"o0ey3upZ7s7UB1A8fL+Yue2XzNuoDHu5tJuPq2D1PikedpYFhgTYCXZrSZtZ6264\n"
	"XA3EShOZ7zobfU9UADyDSfUZv7wWsVadKKjFuMDkftX7FGxJfwgrXGWEbS0m8cuV\n"
	"zH8q3vLnNZixgH4eA0R8dZgtsPXFZQ2Zei3G+9u2rndWaunivwQ7wkFYgSSsJ+O/\n"
	"LGrXvaZbCrJgj1N+Moyyz5f6ta/90UR8vLx2byN9pPLkkOhtannTkyx1bxXBdGla\n"
	"RwIDAQAB\n"
	"-----END PUBLIC KEY-----\n";

static const char rsa_private[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDKVAaJt2r1HLGl\n"
	"x61tK5xFPxeIoFz6gKabyfXmRiQsaBpYjbcWexXhf7LkBJYlipr8U2o8OM0lTDuy\n"
	"fvcW/sOjR7Le6lnuztQHUDx8v5i57ZfM26gMe7m0m4+rYPU+KR52lgWGBNgJdmtJ\n"
	"m1nrbrhcDcRKE5nvOht9T1QAPINJ9Rm/vBaxVp0oqMW4wOR+1fsUbEl/CCtcZYRt\n"
	"LSbxy5XMfyre8uc1mLGAfh4DRHx1mC2w9cVlDZl6Lcb727aud1Zq6eK/BDvCQViB\n"
	"JKwn478sate9plsKsmCPU34yjLLPl/q1r/3RRHy8vHZvI32k8uSQ6G1qedOTLHVv\n"
	"FcF0aVpHAgMBAAECggEAIYvA8cB5eV5ijewHcxxR8qE9U6fTAq2l8hqQLLfgc4Rn\n"
	"KduFSbLqs9KqZGfmRR8wBzoFWSrJyK9VDolCiot/AGl43MDaXF/qg7Pn838I4Xrl\n"
	"OlAJEtjIt4s7TNzsjHvg0ySYkdnnv9nke/XH+OMIqiqWKvoJAcMOn74xXUCrO+2d\n"
	"9nG8zzBfjRMWIPER6CJrD3MpbziTP8a2wBPHy5Cedk1YpVYbDIEHcGO5Fy7TS3Ok\n"
	"8JbWp89CUmJvCzjBXf2rjr7vhMrdIXtX3LJpcN9Cbl1u8DQ6PHjyCoDsrk8jfYsY\n"
	"VrUHkk0YJvt6QlmHw6QxL2N9vSXNnbHK2TZrEFhdoQKBgQDngzdxrrn7GGvVuhZi\n"
	"xtz6d99jvP98ZV8H1zh+nWJs+sfHnLRTMsEil9NIAKsULUBm4p4RzoG9CgizPjEQ\n"
	"3z/xhag1rHSuGiBJlR8/AlPg7bQJxY8VT+jj53YBwFL4OneuFfonFwg79ZlfjvUJ\n"
	"77fRPndx1or9+asYhD/CzLt6HwKBgQDfupHbCM3C3x/iMCkMsVI37tDSqmE1t+La\n"
	"GWgOW9iMmLTSKXEg1jfTGrpZvBxLQB85WRFGleOAC5L5IGL3EqrA0Neam6tbCtVO\n"
	"P+Mq0cRgKYN19WCsky3KyvJI9nJrE3CL6PLmJrxcMxixnrzME5Cf+8XRfDIOS9G8\n"
	"Z6AhdVJq2QKBgDeUwxzh6/iillELihBQ2gCwAsu5NkUxOS1yuDd9pYGwe4Iq1wga\n"
	"aU/az3i74FbJvmp1AaoYwAEYhZoy1ijM0Fc11Xp9Ws3pq9K+oG/KKUUZDF5ENePR\n"
	"+YGtsiEdgU3jC5SZ5iK4Xtu2TQoqEh4+lQ0BSD/mWBw9cpxCM+Sarm/VAoGANC7a\n"
	"ElKtW4SbdTBygqlhWfZz8o8W+WaYnPJMGP1HNxPvKQ3NezE7+BtF1+ROXSbpoYCq\n"
	"zOHtHFKWx1DMhIBwH2UWxNMGVsfiFMxF+hjPSvaj2QGQuO/jQGext170NRFlsNx2\n"
	"u0PRr1ejrNovgxIVK5uX+lKTgk4g72bkLKmmvZECgYAwLWSm0XfWBm5quvZTM0tc\n"
	"Fkph1oWRtE2VKi67FzJyM4gUxp52McWqkwR/BXc003+RexljmbsZ7VqeDg1fsOQq\n"
	"KjCumIx7r1P3kvd5zYN/WS/omihrcJB3e+AISNELzyW+paoxJr9jOZkd/hQxve7F\n"
	"SzGPKBGbCbWRCResUJ25EQ==\n"
	"-----END PRIVATE KEY-----\n";

static const struct span no_pass = { NULL, 0 };

static struct wr sealed(void)
{
	CLEANUP(crypt_private_clear) struct crypt_private p = { 0 };
	struct wr note = wr_open(CRYPT_NOTE_MAX);
	struct err e;

	CHECK(crypt_private_parse(span_of(PRIVATE), &p, &e) == COFFER_OK);
	CHECK(cryptjwe_seal(span_of(rsa_public), &p, &note, &e) == COFFER_OK);
	return note;
}

static enum coffer_rc open_with(struct span note, const char *pem, struct err *e)
{
	CLEANUP(crypt_private_clear) struct crypt_private p = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	enum coffer_rc rc = cryptjwe_open(note, span_of(pem), no_pass, &p, e);

	if (rc != COFFER_OK)
		CHECK(!p.key.p); /* untouched on failure */
	else
		CHECK(crypt_private_write(&p, &w, e) == COFFER_OK && span_eq_str(wr_span(&w), PRIVATE));
	return rc;
}

static bool opens(struct span note)
{
	struct err e;

	return open_with(note, rsa_private, &e) == COFFER_OK;
}

/* As above for the JWE's JSON text. */
static enum coffer_rc open_json(const char *json, const char *pem, struct err *e)
{
	CLEANUP(wr_close) struct wr note = wr_open(CRYPT_NOTE_MAX);

	b64_write(&note, span_of(json));
	return open_with(wr_span(&note), pem, e);
}

static char *json_of(const struct wr *note)
{
	CLEANUP(wr_close) struct wr w = wr_open(CRYPT_NOTE_MAX);

	CHECK(b64_read(wr_span(note), &w));
	return span_dup(wr_span(&w));
}

static void seal_then_open_gives_the_same_options(void)
{
	CLEANUP(wr_close) struct wr note = sealed();
	CLEANUP(freep) char *json = json_of(&note);

	CHECK(opens(wr_span(&note)));
	CHECK(strstr(json, "{\"protected\":\"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ\",\"encrypted_key\":\"") == json);
}

static void open_refuses_another_key(void)
{
	CLEANUP(wr_close) struct wr note = sealed(), pem = wr_open(4096);
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	struct err e;

	CHECK(privkey_new(KEY_P256, &k, &e) == COFFER_OK && pem_write_private(k, no_pass, &pem, &e) == COFFER_OK);
	wr_u8(&pem, 0);
	CHECK(open_with(wr_span(&note), (const char *)pem.p, &e) == COFFER_E_INPUT); /* no RSA key at all */
	CHECK(open_with(wr_span(&note), "no pem", &e) != COFFER_OK);
}

static void open_refuses_every_prefix(void)
{
	CLEANUP(wr_close) struct wr note = sealed();

	wr_u8(&note, 0);
	CHECK(all_prefixes_refused((const char *)note.p, opens));
}

static void open_refuses_each_changed_member(void)
{
	static const char *const members[] = { "\"encrypted_key\":\"", "\"iv\":\"", "\"ciphertext\":\"", "\"tag\":\"" };
	CLEANUP(wr_close) struct wr note = sealed();
	CLEANUP(freep) char *json = json_of(&note);
	struct err e;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		char *at = strstr(json, members[i]), old;

		CHECK(at != NULL);
		if (!at)
			return;
		at += strlen(members[i]);
		old = *at;
		*at = old == 'A' ? 'B' : 'A';
		CHECK(open_json(json, rsa_private, &e) == COFFER_E_DENIED && strcmp(e.check, "decrypt") == 0);
		*at = old;
	}
	CHECK(open_json(json, rsa_private, &e) == COFFER_OK);
}

/* The header's text is under the tag, and chooses the padding. */
static void open_refuses_other_headers(void)
{
	static const char *const headers[] = { "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}", "{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}",
		"{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\"}", "{\"alg\":\"RSA-OAEP\"}", "{\"enc\":\"A256GCM\"}", "{\"enc\":\"A256GCM\",\"alg\":\"RSA-OAEP\"}",
		"{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"crit\":[\"x\"]}", "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"zip\":\"DEF\"}",
		"{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\"}", "[]" };
	CLEANUP(wr_close) struct wr note = sealed();
	CLEANUP(freep) char *json = json_of(&note);
	const char *rest = strstr(json, ",\"encrypted_key\"");
	struct err e;

	CHECK(rest != NULL);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(CRYPT_NOTE_MAX);

		wr_str(&w, "{\"protected\":\"");
		b64url_write(&w, span_of(headers[i]));
		wr_fmt(&w, "\"%s", rest);
		wr_u8(&w, 0);
		CHECK(open_json((const char *)w.p, rsa_private, &e) != COFFER_OK);
	}
}

static void open_refuses_a_header_parameter_twice(void)
{
	CLEANUP(wr_close) struct wr note = sealed();
	CLEANUP(freep) char *json = json_of(&note), *twice = NULL;
	struct err e;

	twice = str_fmt("{\"header\":{\"alg\":\"RSA-OAEP\"},%s", json + 1);
	CHECK(open_json(twice, rsa_private, &e) == COFFER_E_INPUT && strstr(e.msg, "twice"));
}

static void open_reads_a_jwe_for_a_p256_key(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL, *other = NULL;
	CLEANUP(wr_close) struct wr jwe = wr_open(CRYPT_NOTE_MAX), pem = wr_open(4096), pem2 = wr_open(4096);
	struct err e;

	CHECK(privkey_new(KEY_P256, &k, &e) == COFFER_OK && privkey_new(KEY_P256, &other, &e) == COFFER_OK);
	CHECK(jwe_seal(privkey_public(k), span_of(PRIVATE), NULL, &jwe, &e) == COFFER_OK);
	CHECK(pem_write_private(k, no_pass, &pem, &e) == COFFER_OK && pem_write_private(other, no_pass, &pem2, &e) == COFFER_OK);
	wr_u8(&jwe, 0);
	wr_u8(&pem, 0);
	wr_u8(&pem2, 0);
	CHECK(open_json((const char *)jwe.p, (const char *)pem.p, &e) == COFFER_OK);
	CHECK(open_json((const char *)jwe.p, (const char *)pem2.p, &e) == COFFER_E_DENIED && strcmp(e.check, "decrypt") == 0);
}

/* What the tag would refuse too is refused for what it is, before a key touches it. */
static void open_names_what_it_does_not_support(void)
{
	static const struct { const char *header, *own, *says; } c[] = {
		{ "{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\"}", "", "enc is not A256GCM" },
		{ "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"crit\":[\"x\"]}", "", "crit is not supported" },
		{ "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", "\"header\":{\"zip\":\"DEF\"},", "zip is not supported" },
		{ "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", "\"aad\":\"AA\",", "\"aad\" is not supported" },
		{ "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", "\"recipients\":[],", "0 recipients" },
		{ "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":"
		  "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}}", "", "epk is not on P-256" },
	};
	CLEANUP(wr_close) struct wr note = sealed();
	CLEANUP(freep) char *json = json_of(&note);
	const char *rest = strstr(json, ",\"encrypted_key\"");
	struct err e;

	CHECK(rest != NULL);
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(CRYPT_NOTE_MAX);

		wr_fmt(&w, "{%s\"protected\":\"", c[i].own);
		b64url_write(&w, span_of(c[i].header));
		wr_fmt(&w, "\"%s", rest);
		wr_u8(&w, 0);
		CHECK(open_json((const char *)w.p, rsa_private, &e) != COFFER_OK && strstr(e.msg, c[i].says));
	}
}

static void open_refuses_a_private_key_of_another_kind(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL, *ed = NULL;
	CLEANUP(wr_close) struct wr jwe = wr_open(CRYPT_NOTE_MAX), pem = wr_open(4096);
	struct err e;

	CHECK(privkey_new(KEY_P256, &k, &e) == COFFER_OK && privkey_new(KEY_ED25519, &ed, &e) == COFFER_OK);
	CHECK(jwe_seal(privkey_public(k), span_of(PRIVATE), NULL, &jwe, &e) == COFFER_OK);
	CHECK(pem_write_private(ed, no_pass, &pem, &e) == COFFER_OK);
	wr_u8(&jwe, 0);
	wr_u8(&pem, 0);
	CHECK(open_json((const char *)jwe.p, (const char *)pem.p, &e) == COFFER_E_INPUT && strstr(e.msg, "not on P-256"));
}

static void open_refuses_a_note_over_its_bound(void)
{
	CLEANUP(freep) uint8_t *big = malloc(CRYPT_NOTE_MAX + 1);
	struct err e;

	if (!big)
		abort();
	memset(big, 'A', CRYPT_NOTE_MAX + 1);
	CHECK(open_with((struct span){ big, CRYPT_NOTE_MAX + 1 }, rsa_private, &e) == COFFER_E_LIMIT);
}

int main(void)
{
	static const struct t_case cases[] = { T(seal_then_open_gives_the_same_options), T(open_refuses_another_key), T(open_refuses_every_prefix),
		T(open_refuses_each_changed_member), T(open_refuses_other_headers), T(open_refuses_a_header_parameter_twice),
		T(open_names_what_it_does_not_support), T(open_refuses_a_private_key_of_another_kind),
		T(open_refuses_a_note_over_its_bound), T(open_reads_a_jwe_for_a_p256_key) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
