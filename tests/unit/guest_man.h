/* A manifest for the tests of guest and launcher: two containers, a sealed and an empty volume, an output. */
#pragma once
#include <stdlib.h>

#include "base/str.h"
#include "trust/manifest.h"

#define MAN_PEM "-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERyYjaqnB3N77ZC7oxG+pRvx7fnW3\\n" \
	"BBuF9hDF9HXZmvsdNvJXeHFzJIHBfstf9RwPxmPStEBXo4GlYFTGnQrfXA==\\n-----END PUBLIC KEY-----\\n"
#define MAN_JWK "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"RyYjaqnB3N77ZC7oxG-pRvx7fnW3BBuF9hDF9HXZmvs\"," \
	"\"y\":\"HTbyV3hxcySBwX7LX_UcD8Zj0rRAV6OBpWBUxp0K31w\"}"
#define MAN_IMAGE "\"image\":{\"reference\":\"127.0.0.1:5000/app@sha256:" \
	"1111111111111111111111111111111111111111111111111111111111111111\",\"provider\":\"imaker\"," \
	"\"method\":{\"type\":\"sigstoreSigned\",\"key\":\"" MAN_PEM "\"}}"
#define MAN_TEXT \
	"{\"version\":1,\"name\":\"risk\",\"provider\":\"acme\"," \
	"\"genesis\":\"2222222222222222222222222222222222222222222222222222222222222222\"," \
	"\"service\":{\"id\":\"trust\",\"url\":\"https://127.0.0.1:8443\"},\"platforms\":[\"sample\"]," \
	"\"containers\":[" \
	"{\"name\":\"analyse\",\"role\":\"business\"," MAN_IMAGE ",\"args\":[\"/bin/analyse\",\"-v\"],\"cwd\":\"/\",\"env\":[\"PATH=/bin\"]," \
	"\"user\":{\"uid\":5,\"gid\":6,\"groups\":[7]},\"capabilities\":[\"CAP_NET_ADMIN\"],\"read-only-root\":true," \
	"\"mounts\":[{\"destination\":\"/data\",\"volume\":\"patients\",\"read-only\":true}," \
	"{\"destination\":\"/out\",\"volume\":\"out\",\"read-only\":false}]," \
	"\"entitlements\":[{\"asset\":\"kbs:///imaker/image-key/app\",\"purpose\":\"image-key\"}," \
	"{\"asset\":\"kbs:///hospital/data-key/patients\",\"purpose\":\"volume\",\"volume\":\"patients\"}," \
	"{\"asset\":\"kbs:///hospital/note/greeting\",\"purpose\":\"api\"}]," \
	"\"outputs\":[{\"name\":\"result\",\"path\":\"/out/result.txt\",\"to\":\"clinic\",\"key\":" MAN_JWK ",\"max-bytes\":4096}]}," \
	"{\"name\":\"helper\",\"role\":\"utility\"," MAN_IMAGE ",\"args\":[\"/bin/help\"],\"cwd\":\"/\",\"env\":[]," \
	"\"user\":{\"uid\":0,\"gid\":0,\"groups\":[]},\"capabilities\":[],\"read-only-root\":false,\"mounts\":[],\"entitlements\":[],\"outputs\":[]}]," \
	"\"volumes\":[{\"name\":\"patients\",\"kind\":\"sealed\",\"asset\":\"kbs:///hospital/data-key/patients\"},{\"name\":\"out\",\"kind\":\"empty\"}]," \
	"\"host\":{\"logs\":[\"helper\"],\"signals\":[9,15]},\"registries\":{\"plain-http\":[\"127.0.0.1:5000\"]}}"

/* Ends the program when the text is not a manifest: no test of it would mean anything. */
static inline void man_load(struct manifest *m)
{
	struct err e = { 0 };

	if (manifest_parse(span_of(MAN_TEXT), m, &e) != COFFER_OK) {
		(void)printf("Bail out! %s\n", e.msg);
		exit(1);
	}
}
