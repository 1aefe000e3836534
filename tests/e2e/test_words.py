#!/usr/bin/python3
"""Every verb of `coffer` as one meets it who gets something wrong: files that are not there or not what they should be, folders of nobody, no service, absurd
values. None is silent, none succeeds at nothing, and like causes end with like codes (docs/guide.md, Exit codes). argv: coffer, cofferd, coffer-agent. TAP."""
import os, re, shutil, signal, socket, subprocess, sys, tempfile, time

COFFER, COFFERD, AGENT = (os.path.abspath(p) for p in sys.argv[1:4])
T = tempfile.mkdtemp(prefix="coffer-words-")
number, bad = 0, False


def check(name, holds, told=""):
    global number, bad
    number += 1
    print("%sok %d %s" % ("" if holds else "not ", number, name), flush=True)
    if not holds:
        bad = True
        print("".join("# %s\n" % l for l in str(told).splitlines()[:20]), end="", flush=True)


def coffer(*words, home=None, env=None):
    where = ["--home", home] if home else []
    r = subprocess.run([COFFER, *words, *where], env={"PATH": "/usr/bin:/bin", "HOME": T + "/none", "LC_ALL": "C", **(env or {})}, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=60, cwd=T + "/cwd")
    r.out, r.err = r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")
    return r


def options(lines):
    """[(name, argument, help, required)] of the lines of a help."""
    found = []
    for l in lines:
        m = re.match(r"  (--?[a-z][a-z0-9-]*)(?: (.*?))?(?: {1,}|$)(?=[^ ]|$)", l)
        if m:
            found.append(l)
    return found


class Verb:
    def __init__(self, path):
        self.path = path
        self.help = coffer(*path.split(), "--help").out
        first = self.help.splitlines()[0]
        self.args = first[len("usage: coffer " + path):].replace("[options]", "").strip()
        self.lines = self.help.split("\noptions:\n")[1].splitlines()
        self.required = [l.split()[0] for l in self.lines if "(required)" in l]

    def words(self, what):
        """As many words as it takes at least, each `what`."""
        needed = re.sub(r"\[[^]]*\]", "", self.args).replace(" | ", "|").replace("--", "").split()
        return self.path.split() + [w for o in self.required for w in (o, what)] + [what] * len(needed)


os.mkdir(T + "/cwd")
top = coffer("--help").out
verbs = [Verb(m.group(1)) for m in re.finditer(r"^  ([a-z-]+(?: [a-z-]+)?)  +\S", top, re.M)]
check("there_are_verbs", len(verbs) > 80, [v.path for v in verbs])

# ---- help and man page: the same table ----

man = coffer("man").out.replace("\\-", "-").replace("\\&", "").replace("\\\\", "\\")
pages = {}
for part in man.split("\n.TP\n.B coffer ")[1:]:
    name, _, body = part.partition("\n")
    pages[name] = body.split("\n.SH")[0]
check("man_page_has_every_verb_and_no_other", sorted(pages) == sorted(v.path for v in verbs), set(pages) ^ {v.path for v in verbs})
lacking = []
for v in verbs:
    ours = [l for l in v.lines if not re.match(r"  --(home|json|help) ", l)]
    there = [l for l in pages.get(v.path, "").split("\n.br\n") if re.match(r"--?[a-z]", l)]
    if len(ours) != len(there):
        lacking.append("%s: %d options in its help, %d in the man page" % (v.path, len(ours), len(there)))
    for l, m in zip(ours, there):
        left, _, text = m.partition(": ")
        if not l.startswith("  " + left) or l[2 + len(left):].strip() != text.strip():
            lacking.append("%s: %r and %r" % (v.path, l, m))
    if v.args and v.args not in pages.get(v.path, ""):
        lacking.append("%s: arguments %s" % (v.path, v.args))
check("man_page_says_of_every_option_what_the_help_does", not lacking, "\n".join(lacking))

# Of programs whose page is written by hand: the same commands and options, neither more nor fewer.
def spoken(text):
    return set(re.findall(r"--[a-z][a-z-]*", text))


for name, program in (("cofferd", COFFERD), ("coffer-agent", AGENT)):
    page = open(os.path.dirname(os.path.abspath(__file__)) + "/../../docs/man/%s.8" % name).read().replace("\\-", "-")
    synopsis = page.split(".SH SYNOPSIS")[1].split(".SH DESCRIPTION")[0]
    said = subprocess.run([program, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    commands = set(re.findall(r"^  cofferd ([a-z][a-z-]+)", said, re.M))
    check("man_page_of_%s_has_the_options_and_commands_of_its_help" % name, said != "" and spoken(said) == spoken(synopsis) and
          commands == set(re.findall(r"^\.B cofferd ([a-z][a-z-]+)", synopsis, re.M)), (spoken(said) ^ spoken(synopsis), commands))

# ---- wrong use of every verb ----

with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    nobody = "https://127.0.0.1:%d" % s.getsockname()[1] # closed again: nothing listens there
init = coffer("init", "--party", "p", "--persona", "data-owner", "--no-passphrase", home=T + "/fresh")
assert init.returncode == 0, init
shutil.copytree(T + "/fresh", T + "/alone")
open(T + "/alone/config.json", "w").write('{"party":"p","genesis":"%s","service":"%s"}' % ("00" * 32, nobody))
open(T + "/text", "w").write("this is no file of ours\n")
open(T + "/empty", "w").close()
os.mkdir(T + "/folder")

# What may succeed with such words, and says something then; what starts machines or waits is not tried with a word that could begin that.
FINE = {"party request", "party next-key", "evidence platforms", "ps"}
SKIP = {"witness run", "selftest", "guest build"}
WAYS = [("no words", None, None, T + "/none"),
        ("words of a file that is not there", T + "/not/there", None, T + "/fresh"),
        ("a folder for a file", T + "/folder", None, T + "/fresh"),
        ("a text of no form", T + "/text", None, T + "/fresh"),
        ("an empty file", T + "/empty", None, T + "/fresh"),
        ("an absurd value", "\x01\xff" + "9" * 3000, None, T + "/fresh"),
        ("nothing", "", None, T + "/fresh"),
        ("no service", "00" * 32, None, T + "/alone"),
        ("a folder of nobody", "00" * 32, None, T + "/none")]
silent, odd, fine = [], [], set(FINE)
for v in verbs:
    if v.path in SKIP:
        continue
    for way, word, _, home in WAYS:
        if v.path == "ledger watch" and home == T + "/alone":
            continue # it asks a service that is away again and again
        words = v.path.split() if word is None else v.words(word)
        r = coffer(*words, home=home)
        told = "%s, %s: exit %d, %r %r" % (v.path, way, r.returncode, r.out[:100], r.err[:160])
        if r.returncode < 0 or r.returncode > 5:
            odd.append(told)
        if not r.err and (r.returncode != 0 and not r.out or r.returncode == 0 and not r.out):
            silent.append(told)
        fine.discard(v.path) if r.returncode == 0 else None
        if r.returncode == 0 and v.path not in FINE:
            odd.append(told)
check("no_verb_is_silent_whatever_it_is_given", not silent, "\n".join(silent))
check("no_verb_dies_or_succeeds_at_nothing", not odd and not fine, "\n".join(odd + ["never succeeds: " + f for f in fine]))

unknown = [v.path for v in verbs if (lambda r: r.returncode != 2 or not r.err)(coffer(*v.path.split(), "--no-such-option"))]
check("unknown_option_is_2_for_every_verb", unknown == [], unknown)

# ---- like causes, like codes (docs/guide.md, Exit codes) ----

def table(name, code, rows, says=()):
    wrong = []
    for words, home in rows:
        r = coffer(*words, home=home)
        if r.returncode != code or not r.err or not all(s in r.err for s in says):
            wrong.append("%s: exit %d, %s" % (" ".join(words)[:90], r.returncode, r.err.strip()[:200]))
    check(name, not wrong, "\n".join(wrong))


gone = T + "/not/there"
FILES = [(p, [gone]) for p in ("statement show", "statement cosign", "statement verify", "genesis show", "genesis sign", "party admit", "party post", "sign", "receipt show",
         "workload publish", "service sign", "boot-image publish", "tcb publish", "reference diff " + gone)] + [
         ("workload build", [gone, "--out", T + "/made"]), ("genesis use", [gone, "--service", nobody]), ("statement submit", [gone, gone])]
by = {v.path: v for v in verbs}
table("file_that_is_not_there_is_4_and_named", 4, [(p.split() + more, T + "/alone") for p, more in FILES], (gone,))
table("party_that_is_not_there_is_4_and_init_is_named", 4, [(w, T + "/none") for w in (["status"], ["asset", "list"], ["approvals"], ["pending"], ["ledger", "verify"], ["party", "rotate"],
      ["statement", "list"], ["decisions"], ["why", "00" * 16], ["revoke", "00" * 32, "--reason", "x"], ["workload", "show", "a/b"], ["party", "request"], ["delegations"])], ("coffer init",))
table("genesis_that_is_not_followed_is_4_and_named", 4, [(w, T + "/fresh") for w in (["status"], ["asset", "list"], ["approvals"], ["pending"], ["ledger", "verify"], ["party", "rotate"],
      ["statement", "list"], ["decisions"], ["party", "request"], ["delegations"], ["asset", "put", "kbs:///p/data/x"])], ("coffer genesis use",))
table("service_that_cannot_be_reached_is_4_and_named", 4, [(w, T + "/alone") for w in (["status"], ["asset", "list"], ["approvals"], ["pending"], ["ledger", "verify"], ["party", "rotate"],
      ["statement", "list"], ["decisions"], ["why", "00" * 16], ["revoke", "00" * 32, "--reason", "x"], ["revoke", "image:sha256:" + "00" * 32, "--reason", "x"],
      ["revoke", "image:" + "00" * 32, "--reason", "x"], ["workload", "show", "00" * 32], ["party", "show"], ["asset", "list"],
      ["receipt", "get", "00" * 16], ["boot-image", "list"], ["tcb", "list"], ["pause", "00" * 32, "--reason", "x"], ["party", "affected"], ["service", "show"])], (nobody[8:],))
table("option_that_is_missing_is_2_and_named", 2, [(by[v.path].path.split() + ["x"] * len(re.sub(r"\[[^]]*\]", "", v.args).replace(" | ", "|").split()), T + "/alone")
      for v in verbs if v.required and v.path != "exec"], ("--",))
table("option_without_its_value_is_2_and_named", 2, [(["approve", "00" * 32, "--shown", "--asset", "kbs:///p/data/x"], T + "/alone")], ("needs a value, and the next word is another option: --shown",))
table("value_that_cannot_be_is_2", 2, [(w, T + "/alone") for w in (["why", "zz"], ["receipt", "get", "zz"], ["revoke", "zz", "--reason", "x"], ["pause", "zz", "--reason", "x"],
      ["revoke", "image:sha256:zz", "--reason", "x"], ["revoke", "image:sha256:sha256:" + "00" * 32, "--reason", "x"], ["revoke", "chip:sha256:" + "00" * 32, "--reason", "x"],
      ["asset", "put", "kbs:///p/data/x", "--type", "kye"], ["image", "verify", "127.0.0.1:1/a@sha256:" + "00" * 32], ["asset", "seal", T + "/text", "--asset", "kbs:///p/data/x", "--type", "kye"], ["resume", "zz"], ["ledger", "prove", "-1"], ["statement", "list", "--kind", "wish"], ["party", "lift", "zz", "--recovery", gone],
      ["party", "compromise", "--from", "soon"], ["decisions", "--before", "0"], ["image", "keys", "a/b:c"], ["token", "--method", "LOOK", "--path", "/x"], ["token", "--method", "PUT", "--path", "/x"], ["token", "--method", "GET", "--path", "x"],
      ["genesis", "use", T + "/text", "--service", "nowhere"], ["party", "request", "--expires", "2001-01-01T00:00:00Z"],
      ["image", "sign", "not a reference"], ["data", "seal", T + "/text", "--asset", "x", "--key-out", gone])])
table("file_of_another_form_is_3_and_named", 3, [(p.split() + [T + "/text"], T + "/alone") for p in ("statement show", "statement verify", "statement cosign", "genesis show", "genesis sign",
      "party admit", "party post", "sign", "workload publish", "service sign", "boot-image publish", "tcb publish")], (T + "/text",))
table("what_is_there_is_not_overwritten_and_that_is_3", 3, [(["init", "--party", "p", "--persona", "data-owner", "--no-passphrase"], T + "/fresh"),
      (["party", "recovery-key", T + "/text", "--no-passphrase"], T + "/fresh"), (["data", "seal", T + "/text", "--asset", "kbs:///p/data/x", "--version", "1", "--key-out", T + "/empty", "--out", gone], T + "/fresh")],
      ("is there already",))
table("witness_that_is_there_is_3", 3, [(["witness", "init", T + "/witness", "--name", "w.example/one", "--no-passphrase"], T + "/fresh")], ("is there already",)) if coffer(
      "witness", "init", T + "/witness", "--name", "w.example/one", "--no-passphrase").returncode == 0 else check("a_witness_is_made", False)
wrong = []
open(T + "/cofferd.toml", "w").write('id = "trust"\nlisten = "127.0.0.1:0"\nstate = "%s/state"\n' % T)
for days in ("0", "x", "36501", "-1", ""):
    r = subprocess.run([COFFERD, "prune-evidence", "--older", days, "--config", T + "/cofferd.toml"], capture_output=True, text=True)
    wrong += [(days, r)] if r.returncode != 2 or "--older" not in r.stderr else []
check("days_that_cannot_be_are_2_for_cofferd", not wrong, wrong)
said = subprocess.run([COFFERD, "--help"], capture_output=True, text=True).stdout
check("help_of_cofferd_names_every_table_of_its_configuration", all(t in said for t in ("[collateral]", "[evidence]", "[attest]")), said)
r = coffer("init", "--party", "p", "--persona", "data-owner", "--no-passphrase", "--hold-hours", "0", home=T + "/hasty")
check("no_hold_is_warned_of", r.returncode == 0 and "warning: with --hold-hours 0 " in r.err, r.err)
# Who interrupts a seal leaves nothing of it behind.
os.mkdir(T + "/seal")
with open(T + "/seal/big", "wb") as f:
    f.truncate(1 << 36)
p = subprocess.Popen([COFFER, "data", "seal", T + "/seal/big", "--asset", "kbs:///p/data-key/x", "--version", "1", "--key-out", T + "/seal/key"], stderr=subprocess.DEVNULL)
begun = lambda: [n for n in os.listdir(T + "/seal") if n.startswith("big.sealed.")]
for _ in range(500):
    if begun() and os.stat(T + "/seal/" + begun()[0]).st_size > 0:
        break
    time.sleep(0.02)
was = begun()
p.send_signal(signal.SIGINT)
check("interrupted_seal_leaves_no_file", len(was) == 1 and p.wait(20) == -signal.SIGINT and os.listdir(T + "/seal") == ["big"], (was, p.returncode, os.listdir(T + "/seal")))
os.chmod(T + "/alone/config.json", 0)
if os.geteuid() == 0: # who is root reads all: another reads nothing
    os.chmod(T, 0o755)
    os.chmod(T + "/alone", 0o755)
    r = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", COFFER, "status", "--home", T + "/alone"], capture_output=True, text=True)
else:
    r = coffer("status", home=T + "/alone")
    r.stderr = r.err
check("file_that_may_not_be_read_is_refused_and_named", r.returncode == 1 and "refused: file: " in r.stderr and T + "/alone/config.json" in r.stderr, r)

shutil.rmtree(T, ignore_errors=True)
print("1..%d" % number)
sys.exit(bad)
