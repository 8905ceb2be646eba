"""A stand-in for Azure's control plane, Graph, key stores, Log Analytics and storage, and for a Kubernetes API server.

One HTTPS server answers under many names of *.localhost. What it serves is a plain description (`World`), in the shapes that Microsoft documents;
test_azure_models.py reads the same answers with Microsoft's own clients. Tests change the description while the server runs.
"""

import base64
import collections
import datetime
import hashlib
import http.server
import ipaddress
import json
import re
import ssl
import threading
import urllib.parse
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

HOSTS = ["login.localhost", "arm.localhost", "graph.localhost", "logs.localhost", "cluster.localhost"]
SUFFIXES = ["vault.localhost", "managedhsm.localhost", "blob.localhost"]
KEY_VAULT_VERSIONS = ["2026-02-01", "2026-04-01-preview"]
EPOCH = 1_760_000_000


def guid(text):
    """A stable GUID for a name."""
    return str(uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4))


def b64u(number, length=None):
    length = length or (number.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(number.to_bytes(length, "big")).rstrip(b"=").decode()


def jwk(key, kid, ops):
    public = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        return {"kid": kid, "kty": "RSA-HSM", "key_ops": ops, "n": b64u(public.n), "e": b64u(public.e)}
    size = (key.curve.key_size + 7) // 8
    return {"kid": kid, "kty": "EC-HSM", "key_ops": ops, "crv": {"secp256r1": "P-256", "secp384r1": "P-384"}[key.curve.name],
            "x": b64u(public.x, size), "y": b64u(public.y, size)}


def spki(key):
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def certificate(folder):
    """A CA and a server certificate for every name; returns the paths (ca, chain, key)."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def build(subject, issuer, key, signer, extensions):
        name = lambda text: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
        builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=2))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = build("stand-in CA", "stand-in CA", ca_key, ca_key, [(x509.BasicConstraints(True, None), True)])
    names = [x509.DNSName(h) for h in HOSTS] + [x509.DNSName(f"*.{s}") for s in SUFFIXES] + [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = build("stand-in", "stand-in CA", key, ca_key, [(x509.SubjectAlternativeName(names), False)])
    paths = folder / "ca.pem", folder / "chain.pem", folder / "key.pem"
    paths[0].write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    paths[2].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return paths


class Store:
    """A vault or Managed HSM with its data plane."""

    def __init__(self, world, subscription, kind, name, *, rbac=True, purge=True, policies=(), sku=None):
        self.world, self.subscription, self.kind, self.name = world, subscription, kind, name
        self.rbac, self.purge, self.policies = rbac, purge, list(policies)
        self.sku = sku or ("Standard_B1" if kind == "managedHSMs" else "premium")
        self.keys = collections.OrderedDict()
        self.deleted = {}
        self.assignments = []
        self.roles = []
        self.denied = False
        self.refused_paths = set()
        self.arm_denied = False
        self.settings = {}

    @property
    def id(self):
        return f"/subscriptions/{self.subscription}/resourceGroups/rg-keys/providers/Microsoft.KeyVault/{self.kind}/{self.name}"

    @property
    def host(self):
        return f"{self.name}.{'managedhsm' if self.kind == 'managedHSMs' else 'vault'}.localhost"

    @property
    def uri(self):
        return f"https://{self.host}:{self.world.port}/"

    def key(self, name, *, versions=1, kind="ec", ops=("sign", "verify"), rotation=None, tags=None, enabled=True, key=None):
        made = []
        for n in range(versions):
            private = key or (ec.generate_private_key(ec.SECP384R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048))
            version = uuid.uuid4().hex
            made.append({"version": version, "private": private, "created": EPOCH + 1000 * len(made), "enabled": enabled, "ops": list(ops), "tags": tags})
        self.keys[name] = {"versions": made, "rotation": rotation}
        return made

    def delete(self, name):
        self.deleted[name] = self.keys.pop(name)

    def role(self, name, data_actions, not_data=()):
        identifier = guid(f"{self.name} role {name}")
        self.roles.append({
            "id": f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{identifier}", "name": identifier,
            "type": "Microsoft.Authorization/roleDefinitions",
            "properties": {"roleName": name, "description": "", "type": "CustomRole", "assignableScopes": ["/"], "permissions": [
                {"actions": [], "notActions": [], "dataActions": list(data_actions), "notDataActions": list(not_data)}]}})
        return identifier

    def grant(self, principal, role, scope="/"):
        identifier = guid(f"{self.name} {principal} {role} {scope}")
        self.assignments.append({
            "id": f"/providers/Microsoft.Authorization/roleAssignments/{identifier}", "name": identifier, "type": "Microsoft.Authorization/roleAssignments",
            "properties": {"scope": scope, "principalId": principal, "roleDefinitionId": f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{role}"}})
        return identifier

    def resource(self):
        tenant = self.world.tenant_of(self.subscription)
        body = {"id": self.id, "name": self.name, "type": f"Microsoft.KeyVault/{self.kind}", "location": "westeurope", "tags": {},
                "systemData": {"createdBy": "someone", "createdByType": "User", "createdAt": "2026-01-01T00:00:00.0000000Z"}}
        acls = {"bypass": "None", "defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": []}
        properties = {"tenantId": tenant, "enableSoftDelete": True, "softDeleteRetentionInDays": 90, "networkAcls": acls,
                      "publicNetworkAccess": "Disabled", "provisioningState": "Succeeded"}
        if self.purge:
            properties["enablePurgeProtection"] = True
        if self.kind == "managedHSMs":
            body["sku"] = {"family": "B", "name": self.sku}
            properties |= {"hsmUri": self.uri, "initialAdminObjectIds": [], "securityDomainProperties": {"activationStatus": "Active"}}
        else:
            properties |= {"vaultUri": self.uri, "sku": {"family": "A", "name": self.sku}, "accessPolicies": self.policies,
                           "enableRbacAuthorization": self.rbac}
        return body | {"properties": properties}


class World:
    """Everything the stand-in serves."""

    def __init__(self):
        self.port = 0
        self.tenants = {}  # id -> {"client":, "assertion":, "subscriptions": [...]}
        self.stores = []
        self.locks, self.diagnostics = {}, {}
        self.assignments, self.eligible, self.active, self.definitions = (collections.defaultdict(list) for _ in range(4))
        self.identities, self.federated = collections.defaultdict(list), collections.defaultdict(list)
        self.directory, self.members, self.group_eligible = {}, collections.defaultdict(list), collections.defaultdict(list)
        self.applications = collections.defaultdict(list)
        self.deleted_stores = collections.defaultdict(list)
        self.ghosts = []  # rows Resource Graph still has although the resource is gone
        self.graph_truncated = False
        self.hosts = []  # Container Apps, Container Instances, App Service as Resource Graph lists them
        self.blobs = {}  # (account, container) -> {name: bytes}
        self.tables = {}  # workspace -> reply
        self.pods, self.replica_sets = [], []
        self.expire_continue = 0  # how many continue tokens are still to be refused as too old
        self.page = 2
        self.throttle = {}  # path fragment -> how many 429 still
        self.requests = []
        self.tokens, self.used = {}, {}
        self.slow = 0.0
        self.at_once = self.peak = 0  # requests being answered now, and at most
        self.foreign_link = None
        self.circle = None  # path fragment whose next page is itself
        self.broken = {}  # path fragment -> [status, how often still]
        self.denials = collections.defaultdict(list)
        self.refused_arm = set()  # path fragments, lower case, that ARM answers with 403
        self.graph_refused = set()
        self.activity = collections.defaultdict(list)
        self.token_life = None  # how many requests a token is good for
        self.lock = threading.Lock()

    def add_tenant(self, name, subscriptions):
        tenant = guid(f"tenant {name}")
        self.tenants[tenant] = {"client": guid(f"client {name}"), "assertion": f"assertion-of-{name}", "subscriptions": [guid(s) for s in subscriptions]}
        return tenant

    def tenant_of(self, subscription):
        return next(t for t, body in self.tenants.items() if subscription in body["subscriptions"])

    def store(self, *args, **kwargs):
        store = Store(self, *args, **kwargs)
        self.stores.append(store)
        return store

    def define(self, subscription, name, *, actions=(), data=(), builtin=True, identifier=None):
        identifier = identifier or guid(f"role {name}")
        self.definitions[subscription].append({
            "id": f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{identifier}", "name": identifier,
            "type": "Microsoft.Authorization/roleDefinitions",
            "properties": {"roleName": name, "type": "BuiltInRole" if builtin else "CustomRole", "description": "", "assignableScopes": ["/"],
                           "permissions": [{"actions": list(actions), "notActions": [], "dataActions": list(data), "notDataActions": []}]}})
        return identifier

    def _instance(self, kind, subscription, scope, principal, role, extra):
        name = guid(f"{kind} {scope} {principal} {role}")
        return {"id": f"{scope}/providers/Microsoft.Authorization/{kind}/{name}", "name": name, "type": f"Microsoft.Authorization/{kind}",
                "properties": {"scope": scope, "principalId": principal, "principalType": "ServicePrincipal",
                               "roleDefinitionId": f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"} | extra}

    def assign(self, subscription, scope, principal, role):
        row = self._instance("roleAssignments", subscription, scope, principal, role, {"createdOn": "2026-03-01T10:00:00.0000000Z"})
        self.assignments[subscription].append(row)
        return row

    def make_eligible(self, subscription, scope, principal, role):
        row = self._instance("roleEligibilityScheduleInstances", subscription, scope, principal, role, {
            "status": "Provisioned", "memberType": "Direct", "startDateTime": "2026-04-01T00:00:00Z", "endDateTime": "2027-04-01T00:00:00Z"})
        self.eligible[subscription].append(row)
        return row

    def identity(self, subscription, name, federated=(), tags=None):
        identifier = f"/subscriptions/{subscription}/resourceGroups/rg-ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        tenant = self.tenant_of(subscription)
        body = {"id": identifier, "name": name, "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "location": "westeurope", "tags": tags or {},
                "properties": {"tenantId": tenant, "principalId": guid(f"principal {name}"), "clientId": guid(f"client {name}")}}
        self.identities[subscription].append(body)
        for n, (issuer, subject) in enumerate(federated):
            self.federated[identifier.lower()].append({
                "id": f"{identifier}/federatedIdentityCredentials/fic{n}", "name": f"fic{n}",
                "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
                "properties": {"issuer": issuer, "subject": subject, "audiences": ["api://AzureADTokenExchange"]}})
        principal = guid(f"principal {name}")
        self.directory[principal] = {"@odata.type": "#microsoft.graph.servicePrincipal", "id": principal, "displayName": name,
                                     "appId": guid(f"client {name}"), "servicePrincipalType": "ManagedIdentity",
                                     "alternativeNames": ["isExplicit=True", identifier], "tenant": tenant}
        return principal

    def group(self, tenant, name, members):
        identifier = guid(f"group {name}")
        self.directory[identifier] = {"@odata.type": "#microsoft.graph.group", "id": identifier, "displayName": name, "tenant": tenant}
        self.members[identifier] = list(members)
        return identifier

    def user(self, tenant, name):
        identifier = guid(f"user {name}")
        self.directory[identifier] = {"@odata.type": "#microsoft.graph.user", "id": identifier, "displayName": name,
                                      "userPrincipalName": f"{name}@example.org", "tenant": tenant}
        return identifier

    def application(self, tenant, name, *, federated=(), secrets=0, certificates=0):
        app, client, principal = guid(f"app {name}"), guid(f"client {name}"), guid(f"principal {name}")
        self.applications[tenant].append({
            "id": app, "appId": client, "displayName": name,
            "passwordCredentials": [{"keyId": str(uuid.uuid4()), "endDateTime": "2027-01-01T00:00:00Z"} for _ in range(secrets)],
            "keyCredentials": [{"keyId": str(uuid.uuid4()), "type": "AsymmetricX509Cert"} for _ in range(certificates)]})
        self.federated[app] = [{"id": str(uuid.uuid4()), "name": f"fic{n}", "issuer": issuer, "subject": subject, "audiences": ["api://AzureADTokenExchange"]}
                               for n, (issuer, subject) in enumerate(federated)]
        self.directory[principal] = {"@odata.type": "#microsoft.graph.servicePrincipal", "id": principal, "displayName": name, "appId": client,
                                     "servicePrincipalType": "Application", "alternativeNames": [], "tenant": tenant}
        return principal


class Refusal(Exception):
    def __init__(self, status, code, message, headers=None):
        super().__init__(message)
        self.status, self.body, self.headers = status, {"error": {"code": code, "message": message}}, headers or {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: World = None

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        world = self.world
        with world.lock:
            world.at_once += 1
            world.peak = max(world.peak, world.at_once)
        try:
            self.answer()
        finally:
            with world.lock:
                world.at_once -= 1

    do_POST = do_GET

    def answer(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        url = urllib.parse.urlsplit(self.path)
        self.url_path = urllib.parse.unquote(url.path)
        self.query = {k.lower(): v[0] for k, v in urllib.parse.parse_qs(url.query, keep_blank_values=True).items()}
        self.host = (self.headers.get("host") or "").split(":")[0].lower()
        world = self.world
        with world.lock:
            world.requests.append((self.command, self.host, self.url_path, dict(self.query)))
            for fragment, count in world.throttle.items():
                if fragment in f"{self.host}{self.url_path}" and count > 0:
                    world.throttle[fragment] = count - 1
                    return self.reply(429, {"error": {"code": "TooManyRequests", "message": "slow down"}}, {"Retry-After": "1"})
            for fragment, left in world.broken.items():
                if fragment in f"{self.host}{self.url_path}" and left[1] > 0:
                    left[1] -= 1
                    return self.reply(left[0], {"error": {"code": "ServerError", "message": "try later"}})
        if world.slow:
            threading.Event().wait(world.slow)
        try:
            answer = self.route(body)
        except Refusal as refusal:
            return self.reply(refusal.status, refusal.body, refusal.headers)
        status, value, headers = answer if isinstance(answer, tuple) else (200, answer, {})
        self.reply(status, value, headers)

    def reply(self, status, value, headers=None):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        headers = {"content-type": "application/json; charset=utf-8", "x-ms-request-id": str(uuid.uuid4())} | (headers or {})
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        try:
            self.wfile.write(raw)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def route(self, body):
        if self.host == "login.localhost":
            return self.login(body)
        if self.host == "cluster.localhost":
            return self.cluster()
        self.tenant = self.authenticated()
        if self.host == "arm.localhost":
            return self.arm(body)
        if self.host == "graph.localhost":
            return self.graph(body)
        if self.host == "logs.localhost":
            return self.log_query(body)
        if self.host.endswith(".blob.localhost"):
            return self.blob()
        return self.data_plane()

    def login(self, body):
        form = {k: v[0] for k, v in urllib.parse.parse_qs(body.decode()).items()}
        tenant = self.url_path.split("/")[1]
        known = self.world.tenants.get(tenant)
        if not known or form.get("client_id") != known["client"] or form.get("client_assertion") != known["assertion"]:
            raise Refusal(401, "invalid_client", "AADSTS700016: the application was not found in the tenant")
        text = f"token-{uuid.uuid4().hex}"
        self.world.tokens[text] = (tenant, form["scope"].removesuffix("/.default"))
        return {"token_type": "Bearer", "expires_in": 3599, "access_token": text}

    def audience(self):
        port = self.world.port
        if self.host.startswith(("arm.", "graph.", "logs.")):
            return f"https://{self.host}:{port}"
        return "https://" + self.host.split(".", 1)[1]

    def authenticated(self):
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        tenant, audience = self.world.tokens.get(token, (None, None))
        if tenant is not None and self.world.token_life is not None:
            with self.world.lock:
                used = self.world.used[token] = self.world.used.get(token, 0) + 1
            if used > self.world.token_life:
                tenant = None
        if tenant is None or (audience != self.audience() and audience != "any"):
            challenge = f'Bearer authorization="https://login.localhost:{self.world.port}/x", resource="{self.audience()}"'
            raise Refusal(401, "Unauthorized", "a token for this audience is needed", {"WWW-Authenticate": challenge})
        return tenant

    def paged(self, items, member="nextLink", size=None, skip="$skiptoken"):
        size = size or self.world.page
        start = int(self.query.get(skip) or 0)
        page = {"value": items[start:start + size]}
        if start + size < len(items):
            query = {k: v for k, v in self.query.items() if k != skip} | {skip: str(start + size)}
            if self.world.circle and self.world.circle in f"{self.host}{self.url_path}":
                query[skip] = "0"
            host = self.world.foreign_link or f"{self.host}:{self.world.port}"
            page[member] = f"https://{host}{urllib.parse.quote(self.url_path)}?{urllib.parse.urlencode(query)}"
        return page

    # Azure Resource Manager

    def version(self, allowed):
        asked = self.query.get("api-version", "")
        if asked not in allowed:
            raise Refusal(400, "InvalidApiVersionParameter", f"The api-version '{asked}' is invalid. The supported versions are '{','.join(allowed)}'.")

    def arm(self, body):
        path, world = self.url_path.lower().rstrip("/"), self.world
        mine = [s for s in world.tenants[self.tenant]["subscriptions"]]
        if path == "/tenants":
            return self.paged([{"id": f"/tenants/{t}", "tenantId": t} for t in [self.tenant]])
        if path == "/subscriptions":
            return self.paged([{"id": f"/subscriptions/{s}", "subscriptionId": s, "tenantId": self.tenant, "displayName": s[:8], "state": "Enabled"} for s in mine])
        if path == "/providers/microsoft.resourcegraph/resources":
            return self.resource_graph(json.loads(body), mine)
        match = re.match(r"/subscriptions/([^/]+)", path)
        if not match or match[1] not in mine:
            raise Refusal(404, "SubscriptionNotFound", "The subscription could not be found.")
        subscription = match[1]
        rest = path[match.end():]
        if any(fragment in path for fragment in world.refused_arm):
            raise Refusal(403, "AuthorizationFailed", "The client does not have authorization to perform this action.")
        if rest == "/providers/microsoft.insights/eventtypes/management/values":
            self.version(["2015-04-01"])
            if not re.fullmatch(r"eventTimestamp ge '[^']+Z' and eventTimestamp le '[^']+Z'", self.query.get("$filter", "")):
                raise Refusal(400, "BadRequest", "The filter must have a start time.")
            return self.paged(world.activity[subscription])
        if "/providers/microsoft.keyvault/" in path and "/providers/microsoft.insights" not in path and "/providers/microsoft.authorization" not in path:
            self.version(KEY_VAULT_VERSIONS)
            return self.key_vault(path, subscription, rest)
        for suffix, rows in [("locks", world.locks), ("roleassignments", world.assignments), ("roledefinitions", world.definitions),
                             ("roleeligibilityscheduleinstances", world.eligible), ("roleassignmentscheduleinstances", world.active),
                             ("denyassignments", world.denials)]:
            if rest == f"/providers/microsoft.authorization/{suffix}":
                return self.paged(list(rows.get(subscription, [])), size=3)
        if path.endswith("/providers/microsoft.insights/diagnosticsettings"):
            self.version(["2021-05-01-preview"])
            return {"value": world.diagnostics.get(path.split("/providers/microsoft.insights")[0], [])}
        if rest == "/providers/microsoft.managedidentity/userassignedidentities":
            return self.paged(world.identities[subscription])
        if path.endswith("/federatedidentitycredentials"):
            return self.paged(world.federated[path.removesuffix("/federatedidentitycredentials")])
        raise Refusal(404, "ResourceNotFound", f"The Resource '{self.url_path}' was not found.")

    def key_vault(self, path, subscription, rest):
        kinds = {"vaults": "vaults", "managedhsms": "managedHSMs"}
        stores = [s for s in self.world.stores if s.subscription == subscription]
        for lower, kind in kinds.items():
            if rest == f"/providers/microsoft.keyvault/{lower}":
                return self.paged([s.resource() for s in stores if s.kind == kind])
        for lower in ["deletedvaults", "deletedmanagedhsms"]:
            if rest == f"/providers/microsoft.keyvault/{lower}":
                return {"value": [row for row in self.world.deleted_stores[subscription] if row["type"].lower().endswith(lower)]}
        for store in stores:
            if store.id.lower() == path:
                if store.arm_denied:
                    raise Refusal(403, "AuthorizationFailed", "The client does not have authorization to perform action 'Microsoft.KeyVault/vaults/read'.")
                return store.resource()
        raise Refusal(404, "ResourceNotFound", f"The Resource '{rest}' was not found.")

    def resource_graph(self, request, mine):
        options = request.get("options") or {}
        if "microsoft.app/containerapps" in request["query"]:
            rows = [row for row in self.world.hosts if row["subscriptionId"] in mine]
            return {"totalRecords": len(rows), "count": len(rows), "resultTruncated": "false", "data": rows, "facets": []}
        rows = [{"id": s.id, "name": s.name, "type": f"microsoft.keyvault/{s.kind.lower()}", "tenantId": self.tenant,
                 "subscriptionId": s.subscription, "location": "westeurope"} for s in self.world.stores if s.subscription in mine]
        rows += [row for row in self.world.ghosts if row["subscriptionId"] in mine]
        rows.sort(key=lambda row: row["id"])
        start, size = int(options.get("$skipToken") or 0), self.world.page
        page = rows[start:start + size]
        more = start + size < len(rows)
        reply = {"totalRecords": len(rows), "count": len(page), "resultTruncated": "true" if more or self.world.graph_truncated else "false", "data": page, "facets": []}
        if more:
            reply["$skipToken"] = str(start + size)
        return 200, reply, {"x-ms-user-quota-remaining": "14", "x-ms-user-quota-resets-after": "00:00:05"}

    # Microsoft Graph

    def graph(self, body):
        path, world = self.url_path.removeprefix("/v1.0"), self.world
        mine = {k: {n: v for n, v in row.items() if n != "tenant"} for k, row in world.directory.items() if row["tenant"] == self.tenant}
        if any(fragment in path for fragment in world.graph_refused):
            raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        if path == "/directoryObjects/getByIds":
            return {"value": [mine[i] for i in json.loads(body)["ids"] if i in mine]}
        if match := re.fullmatch(r"/groups/([^/]+)/members", path):
            if match[1] not in mine:
                raise Refusal(404, "Request_ResourceNotFound", "no such group")
            return self.paged([mine[m] for m in world.members[match[1]]], member="@odata.nextLink")
        if path == "/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances":
            group = re.search(r"groupId eq '([^']+)'", self.query["$filter"])[1]
            return {"value": world.group_eligible[group]}
        if path == "/applications":
            return self.paged(world.applications[self.tenant], member="@odata.nextLink")
        if match := re.fullmatch(r"/applications/([^/]+)/federatedIdentityCredentials", path):
            return {"value": world.federated[match[1]]}
        if match := re.fullmatch(r"/servicePrincipals\(appId='([^']+)'\)", path):
            for row in mine.values():
                if row.get("appId") == match[1]:
                    return row
        raise Refusal(404, "Request_ResourceNotFound", f"{path} does not exist")

    # Key stores

    def data_plane(self):
        store = next((s for s in self.world.stores if s.host == self.host), None)
        if store is None or self.world.tenant_of(store.subscription) != self.tenant:
            raise Refusal(401, "Unauthorized", "AKV10032: Invalid issuer.")
        path = self.url_path.rstrip("/")
        if store.denied or any(path.startswith(p) for p in store.refused_paths):
            raise Refusal(403, "Forbidden", "Caller is not authorized to perform action on resource.")
        if "/providers/Microsoft.Authorization/" in f"{path}/" and store.kind == "managedHSMs":
            scope, what = path.split("/providers/Microsoft.Authorization/")
            if what == "roleDefinitions":
                return {"value": store.roles}
            return {"value": [a for a in store.assignments if a["properties"]["scope"] == (scope or "/")]}
        level = "Recoverable" if store.purge else "Recoverable+Purgeable"

        def attributes(version):
            return {"enabled": version["enabled"], "created": version["created"], "updated": version["created"], "recoverableDays": 90, "recoveryLevel": level}

        def item(name, version, with_version):
            row = {"kid": f"{store.uri}keys/{name}" + (f"/{version['version']}" if with_version else ""), "attributes": attributes(version)}
            return row | ({"tags": version["tags"]} if version["tags"] else {})

        def bundle(name, version, extra=None):
            kid = f"{store.uri}keys/{name}/{version['version']}"
            return {"key": jwk(version["private"], kid, version["ops"]), "attributes": attributes(version), "tags": version["tags"] or {}} | (extra or {})

        parts = path.strip("/").split("/")
        if parts == ["keys"]:
            return self.paged([item(n, k["versions"][-1], False) for n, k in store.keys.items()])
        if parts[0] == "keys" and parts[1] in store.keys:
            key = store.keys[parts[1]]
            if parts[2:] == ["versions"]:
                return self.paged([item(parts[1], v, True) for v in key["versions"]])
            if parts[2:] == ["rotationpolicy"]:
                rotation = key["rotation"]
                actions = [{"trigger": {"timeAfterCreate": rotation}, "action": {"type": "Rotate"}}] if rotation else []
                return {"id": f"{store.uri}keys/{parts[1]}/rotationpolicy", "lifetimeActions": actions, "attributes": {}}
            for version in key["versions"]:
                if len(parts) == 2 or parts[2] == version["version"]:
                    return bundle(parts[1], version)
        if parts == ["deletedkeys"]:
            return self.paged([item(n, k["versions"][-1], False) | {"recoveryId": f"{store.uri}deletedkeys/{n}", "deletedDate": EPOCH, "scheduledPurgeDate": EPOCH + 1}
                               for n, k in store.deleted.items()])
        if parts[0] == "deletedkeys" and parts[1] in store.deleted:
            return bundle(parts[1], store.deleted[parts[1]]["versions"][-1], {"recoveryId": f"{store.uri}deletedkeys/{parts[1]}"})
        if parts[0] == "settings" and len(parts) == 2 and parts[1] in store.settings:
            return {"name": parts[1], "value": store.settings[parts[1]], "type": "boolean"}
        raise Refusal(404, "KeyNotFound", f"{path} was not found")

    # Logs

    def log_query(self, body):
        workspace = self.url_path.split("/")[3]
        if workspace not in self.world.tables:
            raise Refusal(403, "InsufficientAccessError", "The provided credentials have insufficient access")
        return self.world.tables[workspace]

    def blob(self):
        account = self.host.split(".")[0]
        container, _, name = self.url_path.lstrip("/").partition("/")
        blobs = self.world.blobs.get((account, container))
        if blobs is None:
            raise Refusal(403, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.")
        if self.query.get("comp") == "list":
            names = sorted(n for n in blobs if n.startswith(self.query.get("prefix", "")))
            start = int(self.query.get("marker") or 0)
            size = min(int(self.query.get("maxresults") or 5000), self.world.page)
            rows = "".join(
                f"<Blob><Name>{n.replace('&', '&amp;')}</Name><Properties><Creation-Time>Fri, 20 Nov 2026 06:00:00 GMT</Creation-Time>"
                f"<Last-Modified>Fri, 20 Nov 2026 06:00:00 GMT</Last-Modified>"
                f"<Etag>0x8D{hashlib.sha256(blobs[n]).hexdigest()[:13].upper()}</Etag><Content-Length>{len(blobs[n])}</Content-Length>"
                f"<Content-Type>application/octet-stream</Content-Type><BlobType>AppendBlob</BlobType><LeaseStatus>unlocked</LeaseStatus>"
                f"<LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties><OrMetadata /></Blob>" for n in names[start:start + size])
            marker = str(start + size) if start + size < len(names) else ""
            text = (f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://{self.host}/" ContainerName="{container}">'
                    f"<Blobs>{rows}</Blobs>" + (f"<NextMarker>{marker}</NextMarker>" if marker else "<NextMarker />") + "</EnumerationResults>")
            return 200, b"\xef\xbb\xbf" + text.encode(), {"content-type": "application/xml"}
        if name not in blobs:
            raise Refusal(404, "BlobNotFound", "The specified blob does not exist.")
        data = blobs[name]
        etag = f'"0x8D{hashlib.sha256(data).hexdigest()[:13].upper()}"'
        wanted = self.headers.get("x-ms-range") or self.headers.get("range")
        headers = {"content-type": "application/octet-stream", "etag": etag, "x-ms-blob-type": "AppendBlob", "last-modified": "Fri, 20 Nov 2026 06:00:00 GMT"}
        if not wanted:
            return 200, data, headers
        first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted).groups()
        first, last = int(first), min(int(last or len(data)), len(data) - 1)
        if first >= len(data):
            raise Refusal(416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
        return 206, data[first:last + 1], headers | {"content-range": f"bytes {first}-{last}/{len(data)}"}

    # Kubernetes

    def cluster(self):
        if self.headers.get("authorization") != "Bearer cluster-token":
            raise_status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "message": "Unauthorized", "code": 401}
            return 401, raise_status, {}
        rows = {"/api/v1/pods": ("PodList", self.world.pods), "/apis/apps/v1/replicasets": ("ReplicaSetList", self.world.replica_sets)}.get(self.url_path)
        if rows is None:
            return 404, {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}, {}
        if self.query.get("continue") and self.world.expire_continue > 0:
            self.world.expire_continue -= 1
            gone = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "message": "The provided continue parameter is too old", "code": 410}
            return 410, gone, {}
        start = int(self.query.get("continue") or 0)
        size = min(int(self.query.get("limit") or 500), self.world.page)
        metadata = {"resourceVersion": "1"}
        if start + size < len(rows[1]):
            metadata["continue"] = str(start + size)
        return {"kind": rows[0], "apiVersion": "v1", "metadata": metadata, "items": rows[1][start:start + size]}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Estate:
    """The running stand-in: `with Estate(folder) as estate`."""

    def __init__(self, folder):
        self.folder = folder
        self.world = World()

    def __enter__(self):
        self.ca, chain, key = certificate(self.folder)
        handler = type("BoundHandler", (Handler,), {"world": self.world})
        self.server = Server(("127.0.0.1", 0), handler)
        self.world.port = self.server.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        # The handshake happens in the connection's own thread: a client that hangs up must not stop the others.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()

    def url(self, host):
        return f"https://{host}:{self.world.port}"

    def token(self, tenant, audience="any"):
        text = f"token-{uuid.uuid4().hex}"
        self.world.tokens[text] = (tenant, audience)
        return text

    def config(self, tenants=None, **more):
        """The configuration that reads this stand-in, with a token file for each tenant's workload identity."""
        port = self.world.port
        body = {
            "schema": "hallmark.estate/v1", "ca": str(self.ca),
            "cloud": {"name": "AzureCloud", "login": self.url("login.localhost"), "arm": self.url("arm.localhost"), "graph": self.url("graph.localhost"),
                      "loganalytics": self.url("logs.localhost"), "vault": f"vault.localhost:{port}", "managedhsm": f"managedhsm.localhost:{port}",
                      "storage": f"blob.localhost:{port}"},
            "tenants": []}
        for tenant in tenants or self.world.tenants:
            file = self.folder / f"assertion-{tenant}"
            file.write_text(self.world.tenants[tenant]["assertion"])
            body["tenants"].append({"id": tenant, "credential": "workload", "clientId": self.world.tenants[tenant]["client"], "federatedTokenFile": str(file)})
        return body | more
