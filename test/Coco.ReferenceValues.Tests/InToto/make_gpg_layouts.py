#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes layouts signed by GPG keys of several kinds, and commands to verify them with: make_gpg_layouts.py DIRECTORY"""
import json
import os
import subprocess
import sys

import securesystemslib.keys as keys
from in_toto.models.layout import Layout
from in_toto.models.metadata import Metablock


def gpg(home, *words):
    done = subprocess.run(["gpg", "--batch", "--homedir", home, "--passphrase", "", "--pinentry-mode", "loopback", *words], check=True, capture_output=True, text=True)
    return done.stdout


def fingerprints(home, user):
    listed = gpg(home, "--with-colons", "--list-keys", user)
    return [line.split(":")[9].lower() for line in listed.splitlines() if line.startswith("fpr")]


def layout(path, *signers):
    block = Metablock(signed=Layout(expires="2099-01-01T00:00:00Z"))
    for sign in signers:
        sign(block)
    block.dump(path)


def main():
    target = sys.argv[1]
    home = os.path.join(target, "home")
    os.mkdir(home, 0o700)
    try:
        for user, kind in (("rsa", "rsa2048"), ("ed", "ed25519"), ("dsa", "dsa2048")):
            gpg(home, "--quick-gen-key", user + "@example.org", kind, "sign", "never")
        gpg(home, "--quick-gen-key", "sub@example.org", "rsa2048", "cert", "never")
        sub = fingerprints(home, "sub@example.org")[0]
        gpg(home, "--quick-add-key", sub, "rsa2048", "sign", "never")
        gpg(home, "--faked-system-time", "20200101T000000!", "--quick-gen-key", "old@example.org", "rsa2048", "sign", "never")
        ids = {u: fingerprints(home, u + "@example.org") for u in ("rsa", "ed", "dsa", "sub", "old")}
        for user, found in ids.items():
            layout(os.path.join(target, user + ".layout"), lambda b, k=found[-1]: b.sign_gpg(k, gpg_home=home))
        pem = keys.generate_rsa_key(2048)
        with open(os.path.join(target, "owner.pub"), "w") as f:
            f.write(pem["keyval"]["public"])
        layout(os.path.join(target, "both.layout"), lambda b: b.sign(pem), lambda b: b.sign_gpg(ids["rsa"][0], gpg_home=home))
        gpg(home, "--faked-system-time", "20200102T000000!", "--quick-set-expire", ids["old"][0], "1d")
        subkey = ids["sub"]
        commands = [
            ["rsa.layout", "-g", ids["rsa"][0]],
            ["rsa.layout", "-g", ids["rsa"][0][-16:].upper()],
            ["rsa.layout", "-g", ids["ed"][0]],
            ["rsa.layout", "-g", ids["rsa"][0], ids["ed"][0]],
            ["rsa.layout", "-g", "0" * 40],
            ["rsa.layout", "-g", "rsa@example.org"],
            ["ed.layout", "-g", ids["ed"][0]],
            ["dsa.layout", "--gpg", ids["dsa"][0]],
            ["sub.layout", "-g", subkey[0]],
            ["sub.layout", "-g", subkey[1]],
            ["old.layout", "-g", ids["old"][0]],
            ["both.layout", "-k", "owner.pub", "-g", ids["rsa"][0]],
            ["both.layout", "-k", "owner.pub", "-g", ids["ed"][0]],
            ["rsa.layout", "-k", "owner.pub"],
        ]
        json.dump([["-l", *c] + (["--gpg-home", "home"] if "-g" in c or "--gpg" in c else []) for c in commands], open(os.path.join(target, "commands.json"), "w"))
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], capture_output=True)


main()
