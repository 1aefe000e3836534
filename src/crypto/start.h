/* How OpenSSL starts in the agent, whose own start counts and whose evidence says which program it is: no file of the machine has a say in it. */
#pragma once

/* First in main, before anything of OpenSSL; aborts when OpenSSL does not start. After it OpenSSL
 * - reads no configuration, whatever OPENSSL_CONF says, so that it loads no code and takes no default from a file,
 * - has no table of the names of ciphers, where what decrypts PEM, PKCS #7 and PKCS #12 looks: nothing of the agent's does. TLS and src/crypto
 *   fetch theirs from the provider, as before,
 * - has no texts of errors: no message of ours quotes them.
 * A program that links start_few.c before this library has a provider, besides, with what Coffer and its TLS use and nothing else: no MD5, no
 * DES, no SM2, whatever a certificate or a peer asks for. (OPENSSL_init_crypto(3), provider(7)) */
void crypto_start(void);
