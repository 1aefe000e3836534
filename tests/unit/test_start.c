/* How OpenSSL starts in the agent (crypto/start.h), by a process for each case: what it has read once it has read. Of an image's agent also what is not there. */
#include "crypto/start.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "tests/t.h"

#ifdef OF_AN_IMAGE
enum { IS_FEW = 1 };
#else
enum { IS_FEW = 0 };
#endif

/* A configuration that asks for properties that no algorithm has: who reads it finds nothing any more. */
static const char spoilt[] = "openssl_conf = a\n[a]\nalg_section = b\n[b]\ndefault_properties = of=nobody\n";

static bool hashes(void)
{
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
	bool ok = md != NULL;

	EVP_MD_free(md);
	return ok;
}

/* Whether a process of its own, with a spoilt configuration, hashes. */
static bool hashes_with(void (*start)(void), const char *conf)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		if (setenv("OPENSSL_CONF", conf, 1) != 0)
			_exit(2);
		if (start)
			start();
		_exit(hashes() ? 0 : 1);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return status == 0;
}

static void start_no_configuration_is_read(void)
{
	char conf[] = "/tmp/test-start-XXXXXX";
	int fd = mkstemp(conf);

	CHECK(fd >= 0 && write(fd, spoilt, sizeof(spoilt) - 1) == (ssize_t)sizeof(spoilt) - 1 && close(fd) == 0);
	CHECK(!hashes_with(NULL, conf)); /* it is one that OpenSSL reads */
	CHECK(hashes_with(crypto_start, conf));
	CHECK(unlink(conf) == 0);
}

static void start_what_is_not_used_is_not_there(void)
{
	static const char *const digests[] = { "MD5", "SM3", "RIPEMD160", "SHA224" };
	static const char *const ciphers[] = { "DES-EDE3-CBC", "SM4-CTR", "AES-256-CBC" };

	crypto_start();
	CHECK(hashes());
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		EVP_MD *md = EVP_MD_fetch(NULL, digests[i], NULL);

		CHECK((md == NULL) == IS_FEW);
		EVP_MD_free(md);
	}
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, ciphers[i], NULL);

		CHECK((c == NULL) == IS_FEW);
		EVP_CIPHER_free(c);
	}
}

int main(void)
{
	static const struct t_case c[] = { T(start_no_configuration_is_read), T(start_what_is_not_used_is_not_there) };

	return t_main(c, sizeof(c) / sizeof(c[0]));
}
