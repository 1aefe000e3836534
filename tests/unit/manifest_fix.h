/* A good manifest, in JCS, whose only variable part is the recipient's key. */
#pragma once
#include "tests/unit/trust_fix.h"
#include "trust/manifest.h"

#define FIX_DIGEST "4444444444444444444444444444444444444444444444444444444444444444"
#define FIX_PEM "-----BEGIN PUBLIC KEY-----\\nMFkw\\n-----END PUBLIC KEY-----\\n"

static inline char *fix_manifest(const struct pubkey *recipient)
{
	CLEANUP(freep) char *jwk = fix_jwk(recipient);

	return str_fmt("{\"containers\":[{"
	    "\"args\":[\"/bin/analyse\",\"\"],\"capabilities\":[\"CAP_CHOWN\"],\"cwd\":\"/\","
	    "\"entitlements\":[{\"asset\":\"kbs:///imaker/image-key/app\",\"purpose\":\"image-key\"},"
	    "{\"asset\":\"kbs:///hospital/data-key/patients\",\"purpose\":\"volume\",\"volume\":\"patients\"},"
	    "{\"asset\":\"kbs:///hospital/note/greeting\",\"purpose\":\"api\"}],"
	    "\"env\":[\"PATH=/bin\",\"NOTE=a \\\"b\\\"\"],"
	    "\"image\":{\"method\":{\"key\":\"" FIX_PEM "\",\"type\":\"sigstoreSigned\"},\"provider\":\"imaker\","
	    "\"reference\":\"registry.example/app@sha256:" FIX_DIGEST "\"},"
	    "\"mounts\":[{\"destination\":\"/data\",\"read-only\":true,\"volume\":\"patients\"},"
	    "{\"destination\":\"/out\",\"read-only\":false,\"volume\":\"out\"}],"
	    "\"name\":\"analyse\","
	    "\"outputs\":[{\"key\":%s,\"max-bytes\":1048576,\"name\":\"result\",\"path\":\"/out/result.txt\",\"to\":\"clinic\"}],"
	    "\"read-only-root\":true,\"role\":\"business\",\"user\":{\"gid\":0,\"groups\":[7],\"uid\":1000}}],"
	    "\"genesis\":\"" FIX_LEDGER "\",\"host\":{\"logs\":[\"analyse\"],\"signals\":[9,15]},\"name\":\"risk\",\"platforms\":[\"sample\"],"
	    "\"provider\":\"acme\",\"registries\":{\"plain-http\":[\"127.0.0.1:5000\"]},"
	    "\"service\":{\"id\":\"trust\",\"url\":\"https://127.0.0.1:8443\"},\"version\":1,"
	    "\"volumes\":[{\"asset\":\"kbs:///hospital/data-key/patients\",\"kind\":\"sealed\",\"name\":\"patients\"},"
	    "{\"kind\":\"empty\",\"name\":\"out\"}]}", jwk);
}
