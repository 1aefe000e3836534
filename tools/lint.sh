#!/bin/sh
# Layers and banned calls, formatting, clang-tidy over src/. Exit 0 only when all agree.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
bad=0
/usr/bin/python3 tools/check_layers.py src || bad=1
n=$(find src fuzz tests -name '*.[ch]' -exec clang-format-14 --dry-run {} + 2>&1 | grep -c 'warning: code should be clang-formatted' || true)
echo "clang-format: $n places differ from .clang-format (a guide, not a gate)"
# clang-tidy refuses gcc's own flags: it is given the commands of a build by clang, and the one generated source.
[ -f build/tidy/build.ninja ] || CC=clang-14 meson setup build/tidy >build/tidy.setup.log 2>&1 || { cat build/tidy.setup.log; exit 1; }
ninja -C build/tidy src/proto/agent.pb-c.c src/proto/agent.pb-c.h >build/tidy.build.log 2>&1 || { cat build/tidy.build.log; exit 1; }
find src -name '*.c' -print0 | xargs -0 -n 4 -P 2 clang-tidy-14 --quiet -p build/tidy >build/tidy.log 2>/dev/null
grep -E 'warning:|error:' build/tidy.log | sed -E "s#^.*build/tidy/##; s#^(\.\./)+##; s#^$top/##" | sort -u >build/tidy.txt
echo "clang-tidy: $(wc -l <build/tidy.txt) findings (build/tidy.txt)"
[ ! -s build/tidy.txt ] || { head -20 build/tidy.txt; bad=1; }
exit $bad
