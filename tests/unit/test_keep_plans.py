#!/usr/bin/python3
"""How SQLite finds what each query of keep's asks for: nothing that a request waits for walks over what others said.

Nor is a statement's JSON read in SQL: it is others' text, which SQLite reads otherwise than we do.

Usage: test_keep_plans.py LIBRARY: keep's static library, as built here: all its SQL is literals (store.h), in its objects beside it, and so is the schema.

A query reads a table by an equality, and on statements by more than their kind: then it costs what its own question is about, and not what strangers stated. One that
reads a table from end to end, or a range of it, is below with the reason why that has a bound, or why nobody waits for it.
"""
import glob
import re
import sqlite3
import sys

FSCK = {"fsck.c", "rows.c", "rows_tags.c", "rows_decided.c"}  # all of these

# File, part of the query, part of the line of its plan, why that may be.
ALLOWED = [
    ("registry.c", "e.time FROM statement s JOIN entry e ON e.seq=s.seq ORDER BY s.seq", "SCAN s", "at start"),
    ("registry.c", "SELECT printf('entry %lld', e.seq)", "SCAN e", "at start"),
    ("registry.c", "SELECT lower(hex(s.id))", "statement_kind (kind=?)", "at start"),
    ("registry.c", "WITH gone AS", "SCAN entry", "at start"),
    ("registry.c", "WITH gone AS", "statement_kind (kind=?)", "at start"),
    ("journal.c", "FROM entry e LEFT JOIN leaf l", "SCAN e", "at start"),
    ("status.c", "SELECT id FROM statement ORDER BY seq", "SCAN statement", "at start"),
    ("status.c", "SELECT path, statement, version FROM asset", "SCAN asset", "at start"),
    ("status.c", "SELECT s.id, u.uses", "statement_kind (kind=?)", "at start"),
    ("status.c", "SELECT DISTINCT r.target", "SCAN r", "at start, once, in a store of before"),
    ("map.c", "SELECT hash, record FROM mapnode", "SCAN mapnode", "at start"),
    ("map.c", "WITH child(hash)", "SCAN mapnode", "at start"),
    ("showing.c", "SELECT digest, document FROM shown", "SCAN shown", "cofferd fsck"),
    ("showing.c", "SELECT digest, bytes FROM shown_bytes", "SCAN shown_bytes", "cofferd fsck"),
    ("showing.c", "NOT IN (SELECT lower(hex(digest))", "SCAN", "cofferd fsck"),
    ("prune.c", "FROM kept_by", "SCAN kept_by", "cofferd prune-evidence"),
    ("prune.c", "WITH named(seq, time, digest)", "SCAN", "cofferd prune-evidence"),
    ("prune.c", "DELETE FROM shown_bytes", "SCAN", "cofferd prune-evidence"),
    ("prune.c", "DELETE FROM kept", "SCAN kept", "cofferd prune-evidence"),
    ("prune.c", "type='pruned'", "SCAN", "cofferd fsck"),
    ("prune.c", "FROM pruned WHERE seq=?", "SCAN pruned", "cofferd fsck"),
    ("registry.c", "SELECT id, payload FROM statement ORDER BY seq", "SCAN statement", "cofferd fsck"),
    ("said.c", "SELECT s.payload, s.seq, (SELECT a.key", "SEARCH s", "at start"),
    ("said.c", "SELECT count(*) FROM said", "SCAN said", "at start"),
    ("said.c", "SELECT a.key, s.id, s.seq, lead(a.key)", "SCAN a", "at start"),
    ("tree.c", "SELECT count(*) FROM node", "SCAN node", "at start"),
    ("tree.c", "SELECT entry FROM leaf ORDER BY seq", "SCAN leaf", "cofferd fsck"),
    ("tree.c", "SELECT entry FROM leaf WHERE seq>=?", "(rowid>?)", "to the end of a tile"),
    ("facts_things.c", "SELECT 1 FROM revoked_thing LIMIT 1", "SCAN revoked_thing", "the first"),
    ("kept.c", "SELECT SUM(bytes)", "SCAN kept_by", "one for each owner"),
    ("room_tokens.c", "SELECT key, n FROM jti_by", "SCAN jti_by", "of each key that has some: parties have so many keys (party_life.h)"),
    ("partyauth.c", "DELETE FROM jti", "(expires<?)", "each once"),
    ("query.c", "FROM entry WHERE seq>=?", "(rowid>?)", "a page"),
    ("query.c", "OFFSET 1024", "SEARCH statement", "LOOKED of the index"),
    ("query.c", "s.seq<?7 AND s.seq>?8", "SEARCH s", "LOOKED, from edge to edge; services are stated by founders and whom these let"),
    ("query.c", "a.path>max(?1, ?2)", "(path>? AND path<?)", "a page, of the party's own"),
    ("ledger.c", "e.seq>=?1 AND e.seq<?2", "(rowid>? AND rowid<?)", "OPENINGS_SCAN"),
    ("parties.c", "s.seq>=?1", "statement_kind (kind=? AND seq>?)", "party statements and amendments have a bound (room.h)"),
    ("parties.c", "s.seq>=?1", "statement_key", "revocations of keys have a bound (party_life.h)"),
    ("told.c", "s.seq<?1", "statement_kind (kind=? AND seq<?)", "as in parties.c"),
    ("told.c", "s.seq<?1", "statement_key", "as in parties.c"),
    ("told.c", "SELECT seq FROM statement WHERE kind=? AND seq<=", "statement_kind (kind=? AND seq<?)", "amendments have a bound"),
    ("admit_lent.c", "INDEXED BY statement_lent_to", "(names>? AND names<?)", "one step"),
]


def literals(path):
    with open(path, "rb") as f:
        return [m.group().decode() for m in re.finditer(rb"[\t\n -~]{8,}(?=\0)", f.read())]


def load(library):
    """Each query with the file that it is in, and a database with the schema."""
    queries, db = {}, sqlite3.connect(":memory:")
    db.create_function("delegated_until", 1, lambda payload: 0, deterministic=True)  # store.h
    for o in sorted(glob.glob(library + ".p/*.o")):
        name = o.rsplit("/", 1)[-1][:-2]
        found = literals(o)
        if name == "store.c":
            for text in sorted((t for t in found if t.startswith("CREATE ")), key=lambda t: not t.startswith("CREATE TABLE meta(")):
                db.executescript(text)
        for text in found:
            if re.match(r"(SELECT|WITH|INSERT|UPDATE|DELETE) ", text):
                queries.setdefault(text, set()).add(name)
    return queries, db


def plan(db, text):
    numbers = [int(n) for n in re.findall(r"\?(\d+)", text)]
    return [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + text, [0] * (max(numbers) if numbers else text.count("?")))]


def tables_of(db, text):
    """By which names the query calls tables of the database."""
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")}
    names = {a for t, a in re.findall(r"(?:FROM|JOIN|,) (\w+) (\w+)", text) if t in tables}
    return tables | names


def walks(line, tables):
    """Whether this line of a plan reads more of a table than an equality names."""
    m = re.match(r"(SCAN|SEARCH) (\w+)(?: |$)(?!VIRTUAL TABLE)", line)
    if not m or m.group(2) not in tables:
        return False
    if m.group(1) == "SCAN" or "AUTOMATIC" in line:
        return True
    equal = {c[:-2] for c in re.search(r"\((.*)\)", line).group(1).split(" AND ") if c.endswith("=?")}
    return not equal - {"kind"}


def main():
    queries, db = load(sys.argv[1])
    bad, used, seen = [], set(), set()
    for text, files in queries.items():
        if re.search(r"json\w*\([^)]*payload|payload\)? *->", text):
            bad.append("%s: reads a statement's JSON in SQL (store.h, delegated_until): %s" % (files, text))
        lines = plan(db, text)
        used |= {i for line in lines for i in re.findall(r"INDEX (\w+)", line)}
        for name in files - FSCK:
            for line in lines:
                if not walks(line, tables_of(db, text)):
                    continue
                why = {a for a in ALLOWED if a[0] == name and a[1] in text and a[2] in line}
                seen |= why
                if not why:
                    bad.append("%s: %s\n  %s" % (name, text, line))
    if len(queries) < 150:
        bad.append("only %d queries were found in the objects beside %s" % (len(queries), sys.argv[1]))
    bad += ["allowed, and not there: %s: %s" % a[:2] for a in ALLOWED if a not in seen]
    bad += ["by no query used: %s" % i for (i,) in db.execute("SELECT name FROM sqlite_schema WHERE type='index' AND sql IS NOT NULL") if i not in used]
    print("\n".join(bad) if bad else "%d queries" % len(queries))
    return 1 if bad else 0


sys.exit(main())
