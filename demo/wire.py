#!/usr/bin/python3
"""The wire between guests and the trust service, in the host's hands. Passes bytes on; while FILE exists, one bit of the first long TLS record
that a guest sends (its evidence) is turned. argv: address of the service, FILE. Prints the address it listens on."""
import asyncio, os, sys

LONG = 1500 # bytes of a record; requests without evidence are shorter


async def records(reader):
    """TLS records as they come; RFC 8446, 5.1."""
    while True:
        head = await reader.readexactly(5)
        yield head, bytearray(await reader.readexactly(int.from_bytes(head[3:5], "big")))


async def out(reader, writer, tamper):
    try:
        async for head, body in records(reader):
            if head[0] == 23 and len(body) > LONG and os.path.exists(tamper):
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


async def main(service, tamper):
    host, port = service.rsplit(":", 1)

    async def passes(reader, writer):
        try:
            r, w = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(out(reader, w, tamper), back(r, writer))

    server = await asyncio.start_server(passes, "127.0.0.1", 0)
    print("%s:%d" % server.sockets[0].getsockname()[:2], flush=True)
    await server.serve_forever()

asyncio.run(main(*sys.argv[1:3]))
