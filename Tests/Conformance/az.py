"""The Azure command line with a configuration folder of its own, pointed at one authority (managed-hsm.md §1.5)."""

import json
import os
import subprocess

from authority import TOOLS


class Az:
    """Calls az; the result is its JSON. `hsm` tells `login`, `netloc`, `ca` and `tenant`."""

    def __init__(self, hsm, folder):
        self.hsm, self.folder = hsm, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "AZURE_CONFIG_DIR": str(folder / "azure"), "REQUESTS_CA_BUNDLE": hsm.ca, "SSL_CERT_FILE": hsm.ca,
            "AZURE_CORE_COLLECT_TELEMETRY": "no", "AZURE_CORE_INSTANCE_DISCOVERY": "false", "AZURE_CORE_NO_COLOR": "yes", "AZURE_CORE_OUTPUT": "json",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no", "AZURE_CORE_SURVEY_MESSAGE": "no", "LANG": "C.UTF-8", "PYTHONWARNINGS": "ignore"}

    def start(self, *arguments):
        return subprocess.Popen([TOOLS / "venv/bin/az", *map(str, arguments)], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments):
        return subprocess.run([TOOLS / "venv/bin/az", *map(str, arguments)], env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)

    def __call__(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, f"az {' '.join(map(str, arguments))} exited {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *arguments, says="AccessDenied"):
        done = self.run(*arguments)
        assert done.returncode != 0, f"az {' '.join(map(str, arguments))} was let through: {done.stdout[:500]}"
        if says:
            assert says in done.stderr, done.stderr[-1500:]
        return done

    def register_cloud(self):
        """The recipe for a private deployment: a cloud whose HSM suffix and login host are ours."""
        login = self.hsm.login
        config = {
            "endpoints": {
                "management": login, "resourceManager": login, "sqlManagement": login, "batchResourceId": login, "gallery": login,
                "activeDirectory": login, "activeDirectoryResourceId": login, "activeDirectoryGraphResourceId": login + "/graph",
                "microsoftGraphResourceId": login + "/graph"},
            "suffixes": {"mhsmDns": "." + self.hsm.netloc.split(".", 1)[1], "keyvaultDns": ".vault.localhost", "storageEndpoint": "storage.localhost"}}
        path = self.folder / "cloud.json"
        path.write_text(json.dumps(config))
        self("cloud", "register", "--name", "hallmark", "--cloud-config", f"@{path}", "--skip-endpoint-discovery")
        self("cloud", "set", "--name", "hallmark")

    def register_cloud_by_metadata(self):
        """The other recipe: one address, whose metadata document says the rest."""
        self("cloud", "register", "--name", "hallmark", "--endpoint-resource-manager", self.hsm.login)
        self("cloud", "set", "--name", "hallmark")
