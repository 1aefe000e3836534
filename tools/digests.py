#!/usr/bin/python3
"""digests.py OUT FILE...: a C file that says the SHA-256 of each shipped policy, in the order of src/trust/shipped.h."""
import hashlib, sys

rows = [", ".join("0x%02x" % b for b in hashlib.sha256(open(f, "rb").read()).digest()) for f in sys.argv[2:]]
with open(sys.argv[1], "w") as out:
    out.write('#include "trust/shipped.h"\n\n_Static_assert(SHIPPED_N == %d, "one of each");\n' % len(rows))
    out.write("const struct shipped shipped_here = { { %s },\n\t{ { %s } } };\n" % (", ".join(["true"] * len(rows)), " },\n\t  { ".join(rows)))
