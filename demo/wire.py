#!/usr/bin/python3
"""The wire between guests and the trust service, in the host's hands. Passes bytes on, but for what FILE orders, a line each: `turn WORDS` turns one bit of
each long TLS record (evidence) of the guest whose launcher has these words in its command line; `cut WORDS` cuts that guest off. argv: address of the
service, FILE. Prints the address it listens on."""
import asyncio, glob, os, sys

LONG = 1500 # bytes of a record; requests without evidence are shorter


def orders(file):
    try:
        with open(file) as f:
            return [line.rstrip("\n").split(" ", 1) for line in f]
    except FileNotFoundError:
        return []


def speaker(port):
    """The command line of the process whose connection comes from that port: proc(5), net/tcp and fd."""
    with open("/proc/net/tcp") as f:
        rows = [row.split() for row in f]
    sockets = ["socket:[%s]" % r[9] for r in rows if r[1] == "0100007F:%04X" % port]
    for fd in glob.iglob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(fd) in sockets:
                with open(os.path.dirname(os.path.dirname(fd)) + "/cmdline") as f:
                    return f.read().replace("\0", " ")
        except OSError:
            pass # it has ended, or closed it
    return ""


async def records(reader):
    """TLS records as they come; RFC 8446, 5.1."""
    while True:
        head = await reader.readexactly(5)
        yield head, bytearray(await reader.readexactly(int.from_bytes(head[3:5], "big")))


async def out(reader, writer, guest, file):
    try:
        async for head, body in records(reader):
            mine = [what for what, words in orders(file) if words in guest]
            if "cut" in mine:
                break
            if "turn" in mine and head[0] == 23 and len(body) > LONG:
                body[len(body) // 2] ^= 1
            writer.write(head + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def back(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main(service, file):
    host, port = service.rsplit(":", 1)

    async def passes(reader, writer):
        for _ in range(20): # proc(5) may pass over a row while others come and go
            guest = speaker(writer.get_extra_info("peername")[1])
            if guest:
                break
            await asyncio.sleep(0.02)
        else: # what it was told to do to whom, it could not tell
            writer.close()
            return
        try:
            r, w = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(out(reader, w, guest, file), back(r, writer))

    server = await asyncio.start_server(passes, "127.0.0.1", 0)
    print("%s:%d" % server.sockets[0].getsockname()[:2], flush=True)
    await server.serve_forever()

asyncio.run(main(*sys.argv[1:3]))
