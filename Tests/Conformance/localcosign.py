"""cosign with a key pair of its own, for tests that judge signatures nobody at Hallmark made."""

import json
import subprocess

from authority import TOOLS

COSIGN = TOOLS / "bin" / "cosign"


class Cosign:
    """cosign with a key pair of its own, and no services."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "COSIGN_PASSWORD": ""}
        (folder / "services.json").write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "rekorTlogConfig": {}, "tsaConfig": {}}))
        (folder / "root.json").write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs": [], "certificateAuthorities": [], "ctlogs": [], "timestampAuthorities": []}))
        self.run("generate-key-pair")
        self.public = folder / "cosign.pub"

    def run(self, *arguments):
        done = subprocess.run([COSIGN, *arguments], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done

    def sign(self, reference, *extra):
        return self.run("sign", "--key", "cosign.key", "--signing-config", "services.json", "--trusted-root", "root.json", "-y", *extra, reference)

    def sign_legacy(self, reference):
        return self.run("sign", "--key", "cosign.key", "--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false", "-y", reference)

    def attest(self, reference, predicate, kind):
        path = self.folder / "predicate.json"
        path.write_text(json.dumps(predicate))
        return self.run("attest", "--key", "cosign.key", "--signing-config", "services.json", "--trusted-root", "root.json", "-y", "--predicate", path, "--type", kind, reference)

    def attest_legacy(self, reference, predicate, kind):
        path = self.folder / "predicate.json"
        path.write_text(json.dumps(predicate))
        return self.run("attest", "--key", "cosign.key", "--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false", "-y", "--predicate", path, "--type", kind, reference)
