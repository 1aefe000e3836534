#!/bin/sh
# Makes the data owner's file: 5000 made-up patients, the same each time.
echo "id,name,risk"
awk 'BEGIN { s = 12345; for (i = 1; i <= 5000; i++) { s = (s * 1103515245 + 12345) % 2147483648; printf "%d,patient-%06d,%d\n", i, (s % 999983), int(s / 65536) % 101 } }'
