#!/bin/sh
# The workload: an ordinary program. It reads a file, asks for a note, writes a result;
# nothing in it knows of Coffer.
set -eu
mawk -F, '
NR > 1 { n++; sum += $3; if ($3 > 70) high++ }
END { printf "patients %d\nmean risk %.2f\nhigh risk %d\n", n, sum / n, high }' /data/patients.csv >/out/result.txt
wget -q -O - http://127.0.0.1:8006/cdh/resource/hospital/note/footer >>/out/result.txt
