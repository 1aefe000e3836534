"""Cases that are functions, one after another, as TAP: what one raises is its failure, and the next goes on."""
import os, shutil, traceback


def run(cases, ended, folder):
    """ended: processes that are to end with them. The folder is removed, unless KEEP is set. 1: a case failed."""
    bad = 0
    print("1..%d" % len(cases))
    for n, case in enumerate(cases, 1):
        try:
            case()
            print("ok %d %s" % (n, case.__name__), flush=True)
        except Exception:
            bad += 1
            print("not ok %d %s" % (n, case.__name__), flush=True)
            print("".join("# " + l + "\n" for l in traceback.format_exc().splitlines()), flush=True)
    for p in ended:
        p.terminate()
        p.wait(15)
    if os.environ.get("KEEP") is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if bad else 0
