"""An option ROM for a card of QEMU's (virtio-net-pci): a UEFI driver that says a line on the serial port and returns. Its forms: PCI Firmware Specification 3.0, section 5.1;
PE32+; UEFI 2.9, section 14.4.2 (the image behind the header, as it is)."""
import hashlib, struct

SAYS = b"\r\nan option ROM ran\r\n"
# lea SAYS(%rip),%rcx; mov $0x3f8,%edx; 1: mov (%rcx),%al; test %al,%al; jz 2f; out %al,(%dx); inc %rcx; jmp 1b; 2: xor %eax,%eax; ret
CODE = bytes.fromhex("488d0d17000000" "baf8030000" "8a01" "84c0" "7406" "ee" "48ffc1" "ebf4" "31c0" "c3")
ALIGN = 512
padded = lambda b: b + bytes(-len(b) % ALIGN)


def driver():
    text, reloc = padded(CODE + bytes(0x1e - len(CODE)) + SAYS + b"\0"), padded(struct.pack("<II", 0x1000, 8))
    section = lambda name, size, at, data, off, flags: struct.pack("<8sIIIIIIHHI", name, size, at, len(data), off, 0, 0, 0, 0, flags)
    coff = struct.pack("<HHIIIHH", 0x8664, 2, 0, 0, 0, 240, 0x206)
    optional = struct.pack("<HBBIIIII", 0x20b, 2, 14, len(text), len(reloc), 0, 0x1000, 0x1000)
    optional += struct.pack("<QIIHHHHHHIIIIHHQQQQII", 0, 0x1000, ALIGN, 0, 0, 0, 0, 0, 0, 0, 0x3000, 2 * ALIGN, 0, 11, 0, 0x10000, 0x1000, 0x10000, 0x1000, 0, 16)
    optional += b"".join(struct.pack("<II", *((0x2000, 8) if i == 5 else (0, 0))) for i in range(16))
    head = b"MZ" + bytes(0x3a) + struct.pack("<I", 0x40) + b"PE\0\0" + coff + optional
    head += section(b".text", len(text), 0x1000, text, 2 * ALIGN, 0x60000020) + section(b".reloc", 8, 0x2000, reloc, 3 * ALIGN, 0x42000040)
    return head + bytes(2 * ALIGN - len(head)) + text + reloc


def option_rom(vendor=0x1af4, device=0x1000):
    image = driver()
    blocks = (0x40 + len(image) + ALIGN - 1) // ALIGN
    head = struct.pack("<HHIHHH8xHH", 0xaa55, blocks, 0x0ef1, 11, 0x8664, 0, 0x40, 0x1c)
    head += bytes(0x1c - len(head)) + struct.pack("<4sHHHHB3sHHBBH", b"PCIR", vendor, device, 0, 0x18, 3, bytes([0, 0, 2]), blocks, 0, 3, 0x80, 0)
    return padded(head + bytes(0x40 - len(head)) + image)


def register_2():
    """PCR 2 of a machine that ran it: its Authenticode digest (without checksum and certificates' entry; to the end of the ROM), a separator."""
    image, optional = option_rom()[0x40:], 0x40 + 24
    digest = hashlib.sha256(image[:optional + 64] + image[optional + 68:optional + 144] + image[optional + 152:]).digest()
    pcr = bytes(32)
    for d in (digest, hashlib.sha256(bytes(4)).digest()):
        pcr = hashlib.sha256(pcr + d).digest()
    return pcr.hex()
