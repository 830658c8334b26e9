#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes random in-toto chains with Debian's in-toto, and has it judge each: make_chains.py DIRECTORY COUNT SEED"""
import json
import os
import random
import subprocess
import sys
import tempfile

import securesystemslib.gpg.functions as gpg
import securesystemslib.keys as keys
from in_toto.models.layout import Layout, Step
from in_toto.models.link import Link
from in_toto.models.metadata import Metablock
from in_toto.verifylib import in_toto_verify

PATHS = ["a", "b.txt", "src/a", "src/b.c", "src/deep/c", "out/a", "out/b.c", "[x]"]
PATTERNS = ["*", "a", "b*", "src/*", "*.c", "out/?", "[ab]*", "src/[!b]*", "s*c", "nothing", "[x]", "*/a", "deep/*"]


def hashes(r):
    return {"sha256": "%064x" % r.randrange(4)}


def artifacts(r):
    return {p: hashes(r) for p in PATHS if r.random() < 0.4}


def rule(r, steps):
    kind = r.choice(["CREATE", "DELETE", "MODIFY", "ALLOW", "ALLOW", "DISALLOW", "REQUIRE", "MATCH", "MATCH", "match"])
    if kind.upper() != "MATCH":
        return [kind, r.choice(PATHS if kind == "REQUIRE" else PATTERNS)]
    words = [kind, r.choice(PATTERNS)]
    if r.random() < 0.4:
        words += ["IN", r.choice(["src", "src/", "out", "none"])]
    words += ["WITH", r.choice(["MATERIALS", "PRODUCTS", "products"])]
    if r.random() < 0.4:
        words += ["IN", r.choice(["src", "out"])]
    return words + ["FROM", r.choice(steps + ["absent"])]


def rules(r, steps):
    return [rule(r, steps) for _ in range(r.randrange(0, 3))]


def chain(r, pool, folder, signer, depth):
    os.makedirs(folder, exist_ok=True)
    names = ["one", "two", "three"][: r.randrange(1, 4)]
    layout = Layout()
    layout.expires = "2099-01-01T00:00:00Z" if r.random() > 0.04 else "2020-01-01T00:00:00Z"
    for key in pool:
        public = dict(key)
        if "method" not in key:
            public["keyval"] = {"public": key["keyval"]["public"], "private": ""}
        layout.keys[key["keyid"]] = public
    for name in names:
        threshold = 2 if r.random() < 0.25 else 1
        functionaries = r.sample(pool, r.randrange(1, 4))
        step = Step(name=name, threshold=threshold, pubkeys=[k["keyid"] for k in functionaries])
        step.expected_materials = rules(r, names)
        step.expected_products = rules(r, names)
        layout.steps.append(step)
        materials, products = artifacts(r), artifacts(r)
        for key in functionaries if r.random() > 0.1 else functionaries[:1]:
            if depth == 0 and r.random() < 0.15 and "method" not in key:
                chain(r, pool, os.path.join(folder, "%s.%.8s" % (name, key["keyid"])), key, 1)
                os.rename(
                    os.path.join(folder, "%s.%.8s" % (name, key["keyid"]), "root.layout"),
                    os.path.join(folder, "%s.%.8s.link" % (name, key["keyid"])))
                continue
            if r.random() < 0.05:
                products = artifacts(r)
            block = Metablock(signed=Link(name=name, materials=materials, products=products))
            sign(block, key if r.random() > 0.04 else r.choice(pool), r)
            path = os.path.join(folder, "%s.%.8s.link" % (name, key["keyid"]))
            block.dump(path)
            if r.random() < 0.04:
                damage(path)
    block = Metablock(signed=layout)
    sign(block, signer, r)
    block.dump(os.path.join(folder, "root.layout"))
    return block


def sign(block, key, r):
    if "method" in key:
        block.sign_gpg(key["keyid"], gpg_home=key["home"]) if "home" in key else block.sign_gpg(key["keyid"])
    else:
        block.sign(key)


def damage(path):
    text = open(path).read()
    data = json.loads(text)
    data["signed"]["products"]["added"] = {"sha256": "00"}
    json.dump(data, open(path, "w"))


def gpg_key(home):
    """A key of the local GnuPG; signing goes through it."""
    subprocess.run(
        ["gpg", "--batch", "--homedir", home, "--passphrase", "", "--quick-gen-key", "coco@example.org", "rsa2048", "sign", "never"],
        check=True, capture_output=True)
    listed = subprocess.run(["gpg", "--homedir", home, "--with-colons", "--list-keys"], check=True, capture_output=True, text=True).stdout
    keyid = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr")).lower()
    return gpg.export_pubkey(keyid, homedir=home)


def main():
    target, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    r = random.Random(seed)
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o700)
        os.environ["GNUPGHOME"] = home
        pool = [keys.generate_rsa_key(2048), keys.generate_ed25519_key(), keys.generate_ecdsa_key(), gpg_key(home)]
        owner = keys.generate_ed25519_key()
        public = {k: owner[k] for k in ("keytype", "scheme", "keyid_hash_algorithms")}
        public["keyval"] = {"public": owner["keyval"]["public"]}
        for i in range(count):
            folder = os.path.join(target, "%03d" % i)
            chain(r, pool, folder, owner, 0)
            json.dump(public, open(os.path.join(folder, "owner.pub"), "w"))
            os.chdir(folder)
            try:
                in_toto_verify(Metablock.load("root.layout"), {owner["keyid"]: owner}, persist_inspection_links=False)
                verdict = ""
            except Exception as e:
                verdict = "%s: %s" % (type(e).__name__, e)
            json.dump(verdict, open(os.path.join(folder, "verdict.json"), "w"))
        subprocess.run(["gpgconf", "--kill", "all"], capture_output=True)


main()
