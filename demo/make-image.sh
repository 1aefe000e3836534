#!/bin/sh
# make-image.sh DEBS OUT: an OCI layout OUT:risk of three layers, made from Debian packages:
# busybox; libc and mawk; the program itself. Needs root and umoci.
set -eu
debs=$1
out=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

layer() { # name, function that fills the folder $1
	umoci unpack --image "$out:risk" "$work/b"
	"$1" "$work/b/rootfs"
	umoci repack --refresh-bundle --image "$out:risk" "$work/b"
	rm -rf "$work/b"
}

base() {
	dpkg -x "$debs"/busybox-static_*.deb "$work/bb"
	mkdir -p "$1/bin" "$1/etc" "$1/tmp" "$1/proc" "$1/sys" "$1/dev"
	cp "$work"/bb/bin/busybox "$1/bin/busybox"
	for a in sh cat wget mkdir ls sleep echo id; do ln -s busybox "$1/bin/$a"; done
	echo "root:x:0:0:root:/:/bin/sh" >"$1/etc/passwd"
}

awk_layer() {
	dpkg -x "$debs"/libc6_*.deb "$work/libc"
	dpkg -x "$debs"/mawk_*.deb "$work/mawk"
	mkdir -p "$1/lib/x86_64-linux-gnu" "$1/lib64" "$1/usr/bin"
	cp "$work"/libc/lib/x86_64-linux-gnu/libc.so.6 "$work"/libc/lib/x86_64-linux-gnu/libm.so.6 "$work"/libc/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 \
	    "$1/lib/x86_64-linux-gnu/"
	ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$1/lib64/ld-linux-x86-64.so.2"
	cp "$work/mawk/usr/bin/mawk" "$1/usr/bin/mawk"
}

program() {
	cp "$here/risk.sh" "$1/bin/risk"
	chmod 755 "$1/bin/risk"
}

rm -rf "$out"
umoci init --layout "$out"
umoci new --image "$out:risk"
layer base
layer awk_layer
layer program
umoci config --image "$out:risk" --config.cmd /bin/risk --config.env PATH=/bin:/usr/bin
umoci gc --layout "$out"
