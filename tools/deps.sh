#!/bin/sh
# deps.sh check    exit 0 when nothing is missing, else name what is and exit 1
# deps.sh install  install what dpkg lacks; no apt call when nothing is missing
# deps.sh tools    unpack (never install) what must not start a service: docker-registry
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tools=${COFFER_TOOLS:-$here/../build/tools}

missing() {
	grep -v '^#' "$here/deps.list" | while read -r p; do
		[ -n "$p" ] || continue
		case "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)" in
		installed) ;;
		*) printf '%s ' "$p" ;;
		esac
	done
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get "$@"
}

case ${1:-check} in
check)
	m=$(missing)
	[ -z "$m" ] && exit 0
	echo "missing packages: $m" >&2
	echo "install them with: make deps" >&2
	exit 1
	;;
install)
	m=$(missing)
	[ -z "$m" ] && exit 0
	[ "$(id -u)" = 0 ] || { echo "as root: apt-get install --no-install-recommends $m" >&2; exit 1; }
	echo "installing: $m"
	apt update
	# shellcheck disable=SC2086 # one word a package
	apt install -y --no-install-recommends $m
	;;
tools)
	# docker-registry's package would start a daemon; the file itself is all we need. libc6, mawk and
	# busybox-static are the demo image's content.
	mkdir -p "$tools/debs"
	want=
	for p in docker-registry busybox-static libc6 mawk; do
		ls "$tools/debs/${p}"_*.deb >/dev/null 2>&1 || want="$want $p"
	done
	if [ -n "$want" ]; then
		[ -n "$(ls /var/lib/apt/lists/*_Packages* 2>/dev/null)" ] || apt update
		# shellcheck disable=SC2086
		(cd "$tools/debs" && { apt download $want || { apt update && apt download $want; }; })
	fi
	[ -x "$tools/usr/bin/docker-registry" ] || dpkg -x "$tools"/debs/docker-registry_*.deb "$tools"
	;;
*)
	echo "usage: deps.sh check|install|tools" >&2
	exit 2
	;;
esac
