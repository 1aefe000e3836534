#!/bin/sh
# Figures against a peer or the limit, in the same run: five tab-separated fields on stdout and in build/bench.tsv.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
: >build/bench.tsv
for b in build/plain/tests/bench/bench_*; do
	[ -x "$b" ] && [ -f "$b" ] || continue
	"$b" 2>>build/bench.log | tee -a build/bench.tsv || echo "$b failed: build/bench.log" >&2
done
for b in tests/bench/*.py; do
	[ -f "$b" ] || continue
	/usr/bin/python3 "$b" 2>>build/bench.log | tee -a build/bench.tsv || echo "$b failed: build/bench.log" >&2
done
