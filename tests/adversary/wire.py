"""The wire between a guest and its trust service, in the host's hands: TLS records, one by one (RFC 8446, 5.1)."""
import socket, threading

OUT, BACK = "out", "back"  # to the service, to the guest
ALERT, HANDSHAKE, DATA_RECORD = 21, 22, 23


def exactly(s, n):
    out = b""
    while len(out) < n:
        more = s.recv(n - len(out))
        if not more:
            raise EOFError
        out += more
    return out


class Wire:
    """act(direction, number, record): the records to pass on in its place, or None: hang up. Both directions are counted from 0 over a connection."""

    def __init__(self, service, act):
        self.service, self.act = service.rsplit(":", 1), act
        self.connections, self.seen, self.threads = 0, {OUT: [], BACK: []}, []
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(8)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                guest, _ = self.listener.accept()
                self.connections += 1
                there = socket.create_connection((self.service[0], int(self.service[1])))
                for d, a, b in ((OUT, guest, there), (BACK, there, guest)):
                    threading.Thread(target=self.pump, args=(d, a, b), daemon=True).start()
        except OSError:
            pass

    def pump(self, direction, a, b):
        number = 0
        try:
            while True:
                head = exactly(a, 5)
                record = head + exactly(a, int.from_bytes(head[3:5], "big"))
                self.seen[direction].append(record)
                passed = self.act(direction, number, record)
                number += 1
                if passed is None:
                    break
                for p in passed:
                    b.sendall(p)
        except (OSError, EOFError):
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def altered(r):
    return [r[:5] + r[5:5 + (len(r) - 5) // 2] + bytes([r[5 + (len(r) - 5) // 2] ^ 1]) + r[6 + (len(r) - 5) // 2:]]
