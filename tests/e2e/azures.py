"""Machines as Azure has them: a TPM whose NV index holds a paravisor's report and that keeps its attestation key, and the metadata service beside it."""
import ctypes, http.server, json, os, shutil, threading

from tpms import *

REPORT, AK = "0x01400001", "0x81000003"


class Metadata(threading.Thread):
    """Answers the two questions, on a port of its own; `answer` None: it has nothing."""

    def __init__(self, at=("127.0.0.1", 0)):
        threading.Thread.__init__(self, daemon=True)
        self.answer, self.asked = None, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def reply(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append((self.command, self.path, self.headers.get("Metadata"), body))
                there = {"GET": "/metadata/THIM/amd/certification", "POST": "/acc/tdquote"}[self.command] == self.path
                out = outer.answer if there and outer.answer is not None else b"{}"
                self.send_response(200 if out is outer.answer else 404)
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = reply

            def log_message(self, *a):
                pass

        self.server = http.server.ThreadingHTTPServer(at, Handler)
        self.port = self.server.server_address[1]

    def run(self):
        self.server.serve_forever()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


HERE = ("169.254.169.254", 80)  # where a machine finds it


def own_network():
    """From here on this process has a network of its own, in which HERE is an address of its; before any thread. Needs root and ip(8)."""
    if not shutil.which("ip") or ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        return False
    must("ip", "link", "set", "lo", "up")
    must("ip", "addr", "add", HERE[0] + "/32", "dev", "lo")
    return True


class Azure(Tpm):
    def make(self, maker, td):
        """The key, and the report that names it; the TPM runs."""
        self.do("tpm2_createprimary", "-C", "e", "-c", "primary.ctx")
        self.do("tpm2_create", "-C", "primary.ctx", "-G", "rsa2048:rsassa-sha256:null", "-u", "ak.pub", "-r", "ak.priv", "-a",
                "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign")
        self.do("tpm2_load", "-C", "primary.ctx", "-u", "ak.pub", "-r", "ak.priv", "-c", "ak.ctx")
        self.do("tpm2_evictcontrol", "-C", "o", "-c", "ak.ctx", AK)
        self.do("tpm2_readpublic", "-c", AK, "-o", "ak.pem", "-f", "pem")
        must(maker, self.dir, self.path("ak.pem"), *(["td"] if td else []))
        self.put(self.read("hcl"))

    def put(self, report):
        run("tpm2_nvundefine", "-C", "o", REPORT, env=self.env)
        self.do("tpm2_nvdefine", "-C", "o", "-s", str(len(report)), "-a", "ownerread|ownerwrite", REPORT)
        self.write("nv", report)
        self.do("tpm2_nvwrite", "-C", "o", "-i", "nv", REPORT)
