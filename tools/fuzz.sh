#!/bin/sh
# fuzz.sh T [NAME...]: every fuzz target (or those named) for T seconds each, two at a time (JOBS), from its seeds; new inputs stay in
# build/fuzz-corpus.
set -eu
t=${1:-60}
[ $# = 0 ] || shift
jobs=${JOBS:-2}
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
mkdir -p build/fuzz-corpus
[ -f build/fuzz/build.ninja ] || CC=clang-14 meson setup build/fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false >build/fuzz.setup.log 2>&1
ninja -C build/fuzz fuzzers >build/fuzz.build.log 2>&1 || { tail -30 build/fuzz.build.log; exit 1; }
one() {
	b=$1; n=$(basename "$b"); n=${n#fuzz_}
	mkdir -p "build/fuzz-corpus/$n" "build/fuzz-crash"
	if "$b" -max_total_time="$t" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -artifact_prefix="build/fuzz-crash/$n-" \
	    "build/fuzz-corpus/$n" "fuzz/corpus/$n" >"build/fuzz-corpus/$n.log" 2>&1; then
		echo "ok   $n: $(grep -oE 'stat::number_of_executed_units: [0-9]+|Done [0-9]+ runs' "build/fuzz-corpus/$n.log" | tail -1)"
	else
		echo "FAIL $n: build/fuzz-corpus/$n.log"; touch build/fuzz-crash/failed
	fi
}
rm -f build/fuzz-crash/failed
i=0
all=$(find build/fuzz -maxdepth 1 -type f -perm -u+x -name 'fuzz_*' | sort)
if [ $# -gt 0 ]; then
	all=
	for n in "$@"; do
		[ -x "build/fuzz/fuzz_$n" ] || { echo "no fuzz target $n (fuzz/fuzz_$n.c)"; exit 2; }
		all="$all build/fuzz/fuzz_$n"
	done
fi
for b in $all; do
	one "$b" &
	i=$((i + 1))
	[ $((i % jobs)) = 0 ] && wait
done
wait
[ ! -e build/fuzz-crash/failed ]
