#!/bin/sh
# No global name of ours is one that the C library or a library we link has: such a name silently takes the other's place, in our calls or
# in theirs. $1: the build folder; $2: where the list of our names goes.
set -eu
out=$2
find "$1/src" -name 'lib*.a' ! -name 'libagent_pb.a' -exec nm -g --defined-only {} + 2>/dev/null | awk 'NF == 3 && $2 ~ /[TDBRV]/ { print $3 }' | sort -u >"$out"
bad=0
for l in libc.so.6 libm.so.6 libssl.so.3 libcrypto.so.3 libsqlite3.so.0 libseccomp.so.2 libcap.so.2 libzstd.so.1 libisal.so.2 libyaml-0.so.2 libprotobuf-c.so.1 libmicrohttpd.so.12 libgnutls.so.30 libxml2.so.2 libxmlsec1.so.1 libxmlsec1-openssl.so.1; do
	f=$(ldconfig -p | awk -v l="$l" '$1 == l { print $NF; exit }')
	[ -n "$f" ] || continue
	same=$(nm -D --defined-only "$f" | awk '{ print $NF }' | sed 's/@.*//' | sort -u | comm -12 - "$out")
	[ -z "$same" ] || { echo "$l has these names too:" $same; bad=1; }
done
# Of what is linked into the agent of guest images the hidden names too, which no shared library gives away.
for l in libssl.a libcrypto.a; do
	f=$(cc -print-file-name="$l")
	[ -f "$f" ] || { echo "$l is not there; is libssl-dev installed?"; exit 1; }
	same=$(nm -g --defined-only "$f" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u | comm -12 - "$out")
	[ -z "$same" ] || { echo "$l has these names too:" $same; bad=1; }
done
exit $bad
