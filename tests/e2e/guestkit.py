"""A measured VM for tests: image, swtpm, QEMU, and the launcher's side of the channel, written apart from src/proto/mux.c."""
import gzip, hashlib, json, os, queue, re, select, shutil, signal, socket, struct, subprocess, threading, time

WAIT = 600  # seconds before a boot counts as hung
MEMORY = 512
toml = lambda s: '"' + s.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
jcs = lambda o: json.dumps(o, sort_keys=True, separators=(",", ":"))


def absent():
    for tool in ("qemu-system-x86_64", "swtpm", "swtpm_setup", "dpkg-deb"):
        if not shutil.which(tool):
            return tool
    return None


# ---- what it boots ----


def build(coffer, init, cache, out, *more):
    """None, or why there is no image: the packages are not at hand and apt brings none."""
    r = subprocess.run([coffer, "guest", "build", "--agent", init, "--cache", cache, "-o", out, "--memory", str(MEMORY), *more],
                       capture_output=True, text=True)
    if r.returncode in (4, 5):
        return r.stderr.strip()
    assert r.returncode == 0, r.stderr
    return None


def predicted(image, shape=f"qemu, {MEMORY} MiB"):
    with open(image + "/boot-image.json") as f:
        return next(l["registers"] for l in json.load(f)["launches"] if l["shape"] == shape)


def initdata(manifest):
    return ('version = "0.1.0"\nalgorithm = "sha256"\n\n[data]\n"aa.toml" = %s\n"coffer.json" = %s\n' % (
        toml('[token_configs.kbs]\nurl = "%s"\n' % manifest["service"]["url"]), toml(jcs(manifest)))).encode()


def device(doc):
    """As Kata writes it."""
    z = gzip.compress(doc, mtime=0)
    b = b"initdata" + struct.pack("<Q", len(z)) + z
    return b + bytes(-len(b) % 512)


def pcr8(doc):
    return hashlib.sha256(bytes(32) + hashlib.sha256(doc).digest()).hexdigest()


# ---- the channel ----

HELLO, OPEN, DATA, END, RESET, CREDIT = range(6)
WINDOW = 65536
AGENT = 100  # the number of the launcher's own stream


class Channel(threading.Thread):
    """The launcher's side: connects streams of the guest to `allowed` (name -> address), refuses others, notes all names."""

    def __init__(self, path, allowed):
        threading.Thread.__init__(self, daemon=True)
        self.allowed, self.asked, self.refused, self.reset = allowed, [], [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.error = None
        self.mine, self.theirs = socket.socketpair()  # the boundary's API: a stream of the launcher's, opened by the first byte that is written to `mine`

    def run(self):
        try:
            self.port, _ = self.listener.accept()
            self.socks, self.credit, self.owed, self.queued = {}, {}, {}, {}
            self.send(HELLO, 0, b"coffer-mux 1")
            assert self.frame() == (HELLO, 0, b"coffer-mux 1")
            while self.step():
                pass
        except (OSError, EOFError):
            pass  # the guest is gone
        except Exception as e:
            self.error = repr(e)
        finally:
            for s in list(getattr(self, "socks", {}).values()):
                s.close()
            self.listener.close()

    def send(self, kind, stream, data=b""):
        self.port.sendall(struct.pack(">BBHI", kind, 0, len(data), stream) + data)

    def knock(self, i, name):
        """A stream from the host's side; what becomes of it is in `reset`, or nothing."""
        self.send(OPEN, i, name)

    def hang_up(self):
        self.port.shutdown(socket.SHUT_RDWR)

    def exactly(self, n):
        out = b""
        while len(out) < n:
            more = self.port.recv(n - len(out))
            if not more:
                raise EOFError
            out += more
        return out

    def frame(self):
        kind, flags, n, stream = struct.unpack(">BBHI", self.exactly(8))
        assert flags == 0
        return kind, stream, self.exactly(n)

    def step(self):
        unopened = [self.theirs] if AGENT not in self.credit else []
        readable, _, _ = select.select([self.port] + unopened + [s for i, s in self.socks.items() if self.credit[i] > 0], [], [])
        if self.port in readable:
            self.take(*self.frame())
            return True
        if unopened and self.theirs in readable:
            self.socks[AGENT], self.credit[AGENT] = self.theirs, WINDOW
            self.send(OPEN, AGENT, b"agent")
            return True
        for i, s in list(self.socks.items()):
            if s in readable:
                try:
                    data = s.recv(min(16384, self.credit[i]))
                except OSError:
                    data = None
                if data:
                    self.credit[i] -= len(data)
                    self.send(DATA, i, data)
                else:
                    self.send(END if data == b"" else RESET, i)
                    self.close(i)
        return True

    def close(self, i):
        if i in self.socks:
            self.socks.pop(i).close()

    def take(self, kind, i, data):
        if kind == OPEN:
            name = data.decode()
            self.asked.append(name)
            try:
                s = socket.create_connection(self.allowed[name])
            except (KeyError, OSError):
                self.refused.append(name)
                return self.send(RESET, i)
            self.socks[i], self.credit[i] = s, WINDOW
        elif kind == CREDIT and i in self.credit:
            self.credit[i] += struct.unpack(">I", data)[0]
        elif kind == DATA and i in self.socks:
            self.socks[i].sendall(data)
            self.send(CREDIT, i, struct.pack(">I", len(data)))
        elif kind == END and i in self.socks:
            self.socks[i].shutdown(socket.SHUT_WR)
        elif kind == RESET:
            self.reset.append(i)
            self.close(i)


# ---- a boot ----


class Machine:
    """swtpm's state is the caller's: a folder made by swtpm_setup. A disk is a file, or a file with how it is opened and its serial. counted: its clock goes by
    instructions, so that what the host does besides is in no time of it. more: of QEMU's
    command line. Everything it starts is ended by its id."""

    def __init__(self, image, tmp, state, disks=(), allowed=None, cmdline=None, uki=False, firmware=None, counted=False, more=()):
        self.tmp, self.lines, self.tpm, self.qemu = tmp, [], None, None
        self.disks, self.state, self.counted, self.more = list(disks), state, counted, list(more)
        with open(image + "/cmdline") as f:
            self.cmdline = f.read() if cmdline is None else cmdline
        self.image, self.uki, self.firmware = image, uki, firmware or image + "/firmware.fd"
        self.channel = Channel(tmp + "/port", allowed or {})

    def run(self, when_ready=None, typed=False):
        """Until it powers off; the lines of its console. typed: qemu.stdin is its keyboard."""
        sock = self.tmp + "/tpm"
        self.tpm = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + self.state, "--ctrl", "type=unixio,path=" + sock, "--terminate"])
        deadline = time.monotonic() + 30
        while not os.path.exists(sock) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.channel.start()
        args = ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=single" if self.counted else "tcg,thread=multi", *(["-icount", "shift=3,sleep=off"] if self.counted else []), "-cpu", "max,-erms", "-smp", "1", "-m", str(MEMORY), "-display", "none",
                "-nodefaults", "-no-user-config", "-no-reboot", "-serial", "stdio", "-bios", self.firmware,
                "-chardev", "socket,id=t,path=" + sock, "-tpmdev", "emulator,id=tpm0,chardev=t", "-device", "tpm-crb,tpmdev=tpm0",
                *(["-kernel", self.image + "/uki.efi"] if self.uki else
                  ["-kernel", self.image + "/vmlinuz", "-initrd", self.image + "/initrd.img", "-append", self.cmdline]),
                "-device", "virtio-serial-pci", "-chardev", "socket,id=c,path=" + self.tmp + "/port", "-device",
                "virtserialport,chardev=c,name=org.coffer.agent.0", "-device", "virtio-rng-pci", *self.more]
        for i, d in enumerate(self.disks):
            file, how, serial = d if isinstance(d, tuple) else (d, "readonly=on", "")
            args += ["-drive", f"if=none,id=d{i},file={file},format=raw,{how}", "-device", f"virtio-blk-pci,drive=d{i},serial={serial}"]
        try:
            self.qemu = subprocess.Popen(args, stdin=subprocess.PIPE if typed else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            hung = threading.Timer(WAIT, self.qemu.kill)
            hung.start()
            for line in self.qemu.stdout:
                self.lines.append(re.sub(r"\x1b\[[0-9;=?]*[A-Za-z]", "", line.decode("latin-1")).strip())
                if when_ready and self.says("ready"):
                    when_ready()
                    when_ready = None
            self.qemu.wait()
            hung.cancel()
        finally:
            self.stop()
        self.channel.join(10)
        return self

    def stop(self):
        for p in (self.qemu, self.tpm):
            if p and p.poll() is None:
                p.kill()
            if p:
                p.wait()
        for f in ("/tpm", "/port"):
            if os.path.exists(self.tmp + f):
                os.unlink(self.tmp + f)

    def pcr(self, n):
        for l in self.lines:
            m = re.search(r"coffer-agent: pcr%02d ([0-9a-f]{64})$" % n, l)
            if m:
                return m.group(1)
        return None

    def says(self, text):
        return any(("coffer-agent: " + text) in l for l in self.lines)

    def off(self):
        """It ended by itself, and in order."""
        return self.qemu.returncode == 0 and self.says("power off") and not any("Kernel panic" in l for l in self.lines)

    def told(self):
        return "\n# ".join(l for l in self.lines if "coffer-agent" in l or "panic" in l) + f"\n# qemu {self.qemu.returncode} channel {self.channel.error}"
