#!/bin/sh
# The holder of keys links no HTTP, TLS, X.509, PEM or YAML, and cannot even name the calls that reach out.
set -eu
nm -u "$1" | awk '{ print $2 }' | sed 's/@.*//' > "$2"
if [ ! -s "$2" ]; then
	echo "nm gave nothing for $1"
	exit 1
fi
if grep -E '^(SSL_|X509_|MHD_|PEM_|gnutls_|yaml_|d2i_|BIO_)|^(connect|listen|accept|accept4|bind|socket|getaddrinfo|gethostbyname|execve|execv|fork|popen|system|dlopen)$' "$2"; then
	echo "cofferd-keep must not use the above"
	exit 1
fi
for own in token_open p11uri_parse jwe_open_rsa toml_parse dsse_parse tls_connect x509_self_signed pem_read_private rcar_attestation_parse manifest_from_initdata; do
	if nm "$1" | grep -q " [Tt] $own\$"; then
		echo "cofferd-keep must not contain $own"
		exit 1
	fi
done
