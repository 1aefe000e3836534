#!/usr/bin/python3
"""embed.py FILE NAME OUT: a C file that holds FILE's bytes as NAME and NAME_n."""
import sys

data = open(sys.argv[1], "rb").read()
name = sys.argv[2]
rows = [", ".join(str(b) for b in data[i:i + 32]) for i in range(0, len(data), 32)]
with open(sys.argv[3], "w") as out:
    out.write("#include <stddef.h>\n#include <stdint.h>\n\nextern const uint8_t %s[];\nextern const size_t %s_n;\n" % (name, name))
    out.write("const uint8_t %s[] = {\n\t%s\n};\nconst size_t %s_n = sizeof(%s);\n" % (name, ",\n\t".join(rows), name, name))
