#!/bin/sh
# Everything `make check` promises, in order; the last line is the total over all suites.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
logs=

setup() { # dir, compiler, further meson arguments
	d=$1; cc=$2; shift 2
	[ -f "build/$d/build.ninja" ] || CC=$cc meson setup "build/$d" "$@" >"build/$d.setup.log" 2>&1 || { cat "build/$d.setup.log"; return 1; }
}

run() { # label, dir, meson test arguments
	l=$1; d=$2; shift 2
	echo "== $l"
	meson test -C "build/$d" --no-rebuild --logbase "log-$l" --print-errorlogs "$@" >"build/$d/$l.out" 2>&1 || grep -E 'FAIL|TIMEOUT|ERROR' "build/$d/$l.out" | head -40
	logs="$logs $l=build/$d/meson-logs/log-$l.json"
}

compile() { # label, dir
	echo "== compile $1"
	ninja -C "build/$2" >"build/$2.build.log" 2>&1 || { grep -E -A6 'error|FAILED' "build/$2.build.log" | head -60; echo "the $1 build failed: build/$2.build.log"; return 1; }
}

mkdir -p build
failed() { echo "$1"; echo "0 passed, 1 failed, 0 skipped"; exit 1; }

make --no-print-directory all || failed "the gcc build failed"
setup clang clang-14 && compile clang clang || failed "the clang build failed"
setup asan clang-14 -Db_sanitize=address,undefined && compile sanitizer asan || failed "the sanitizer build failed"

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
run gcc plain
run clang clang --suite unit --suite conformance
run sanitizers asan --suite unit --suite conformance --suite corpus
# shellcheck disable=SC2086
exec ./tools/tally.py $logs
