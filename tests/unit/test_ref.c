#include "image/ref.h"

#include "tests/unit/image_help.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static bool reads(const char *text, const char *want)
{
	CLEANUP(freep) char *copy = strdup(text);
	char out[REF_TEXT_MAX];
	struct ref r;
	struct err e;

	if (ref_parse(span_of(copy), &r, &e) != COFFER_OK)
		return false;
	ref_text(&r, out);
	return strcmp(out, want) == 0;
}

static bool refused(const char *text)
{
	CLEANUP(freep) uint8_t *copy = malloc(strlen(text) + 1);
	struct ref r;
	struct err e = { 0 };

	memset(&r, 0x5a, sizeof(r));
	memcpy(copy, text, strlen(text));
	return ref_parse((struct span){ copy, strlen(text) }, &r, &e) == COFFER_E_INPUT && r.host[0] == 0x5a && e.msg[0] != '\0';
}

static void parse_normalises_as_docker_does(void)
{
	CHECK(reads("busybox", "docker.io/library/busybox"));
	CHECK(reads("busybox:1", "docker.io/library/busybox:1"));
	CHECK(reads("index.docker.io/busybox", "docker.io/library/busybox"));
	CHECK(reads("a/b", "docker.io/a/b"));
	CHECK(reads("localhost/b", "localhost/b"));
	CHECK(reads("localhost:5000/b:x.Y_z-1", "localhost:5000/b:x.Y_z-1"));
	CHECK(reads("Host/b", "Host/b"));
	CHECK(reads("[::1]:5000/a/b__c/d.e---f", "[::1]:5000/a/b__c/d.e---f"));
	CHECK(reads("r.io/a:t@sha256:" HEX64, "r.io/a:t@sha256:" HEX64));
	CHECK(reads("127.0.0.1:5000/x@sha256:" HEX64, "127.0.0.1:5000/x@sha256:" HEX64));
}

static void parse_refuses_malformed_names(void)
{
	static const char *const bad[] = { "", "/", "a/", "/a", "a//b", "A", "r.io/A", "a:", "a:-x", "a:b:c", "a b", "a@", "a@sha256:00",
		"a@sha512:" HEX64, "a@sha256:" HEX64 "0", "a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"r.io:0/a", "r.io:65536/a", "r.io:/a", "-r.io/a", "r..io/a", "[::1/a", "[]/a", "[x]/a", "a_._b", "a___b", "a.", ".a", "a-", "r.io",
		"r.io:5000/", "http://r.io/a", "u@r.io/a", "a\tb", "a:b\n" };

	CHECK(reads("r.io/a", "r.io/a"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (strcmp(bad[i], "r.io") == 0) /* without a slash it is a repository, as docker reads it */
			CHECK(reads(bad[i], "docker.io/library/r.io"));
		else if (!refused(bad[i]))
			printf("# accepted: %s\n", bad[i]), t_failed = 1;
	}
}

static void parse_bounds_name_and_tag(void)
{
	char name[512], tag[256];

	memset(name, 'a', sizeof(name));
	memcpy(name, "r.io/", 5);
	name[REF_NAME_MAX] = '\0';
	CHECK(reads(name, name));
	name[REF_NAME_MAX] = 'a';
	name[REF_NAME_MAX + 1] = '\0';
	CHECK(refused(name));
	memset(tag, 't', sizeof(tag));
	memcpy(tag, "r.io/a:", 7);
	tag[7 + REF_TAG_MAX] = '\0';
	CHECK(reads(tag, tag));
	tag[7 + REF_TAG_MAX] = 't';
	tag[8 + REF_TAG_MAX] = '\0';
	CHECK(refused(tag));
}

static void parse_refuses_a_nul_byte(void)
{
	static const char text[] = "r.io/a\0b";
	struct ref r;
	struct err e;

	CHECK(ref_parse((struct span){ (const uint8_t *)text, sizeof(text) - 1 }, &r, &e) == COFFER_E_INPUT);
}

static void helpers_default_tag_name_and_host(void)
{
	char name[REF_NAME_MAX + 1];
	struct ref r;
	struct err e;

	CHECK(ref_parse(span_of("busybox"), &r, &e) == COFFER_OK);
	ref_default_tag(&r);
	CHECK(strcmp(r.tag, "latest") == 0 && strcmp(ref_registry_host(&r), "registry-1.docker.io") == 0);
	ref_name(&r, name);
	CHECK(strcmp(name, "docker.io/library/busybox") == 0);
	CHECK(ref_parse(span_of("r.io/a@sha256:" HEX64), &r, &e) == COFFER_OK);
	ref_default_tag(&r);
	CHECK(r.tag[0] == '\0' && r.has_digest && r.digest[0] == 0x01 && strcmp(ref_registry_host(&r), "r.io") == 0);
}

int main(void)
{
	static const struct t_case cases[] = { T(parse_normalises_as_docker_does), T(parse_refuses_malformed_names),
		T(parse_bounds_name_and_tag), T(parse_refuses_a_nul_byte), T(helpers_default_tag_name_and_host) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
