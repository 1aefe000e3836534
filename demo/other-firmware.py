#!/usr/bin/python3
"""Another firmware, of a machine's own: the one given with the last byte of its drivers' volume changed, which no driver is in. It starts, and measures
itself truly. argv: the firmware, where to write the other."""
import lzma, sys

LZMA = bytes.fromhex("98584eee143959429d6edc7bd79403cf")  # the section's GUID
HEAD = 24  # of the section: up to the stream

with open(sys.argv[1], "rb") as f:
    firmware = bytearray(f.read())
at = firmware.index(LZMA) - 4
end = at + int.from_bytes(firmware[at:at + 3], "little")
packed = bytes(firmware[at + HEAD:end])
plain = bytearray(lzma.LZMADecompressor(format=lzma.FORMAT_ALONE).decompress(packed))
assert plain[-16:] == b"\xff" * 16, "no free space at the end of its drivers"
plain[-1] ^= 1
how = [{"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 24}]
again = lzma.compress(bytes(plain), format=lzma.FORMAT_ALONE, filters=how)
again = packed[:1] + again[1:5] + packed[5:13] + again[13:]  # a header that says how long it is, as firmware wants it
assert again[0] == packed[0] and len(again) <= len(packed), "no room for it"
firmware[at + HEAD:end] = again.ljust(len(packed), b"\0")
with open(sys.argv[2], "wb") as f:
    f.write(firmware)
