import ManagedHSMWire
import Testing

/// Paths as clients were recorded to send them, and as nobody should.
@Suite("Routes")
struct RouteTests {
  static let name = "codesign-prod-2026"
  static let version = "0123456789abcdef0123456789abcdef"

  /// One row: the plain path, what it is. Sources: the recordings' §4, §9–13 and the specification's operation list.
  static let plain: [(path: String, route: Route)] = {
    let n = name, v = version
    var rows: [(String, Route)] = [
      ("/keys", .keys), ("/keys/\(n)", .key(name: n, version: nil)), ("/keys/\(n)/\(v)", .key(name: n, version: v)),
      ("/keys/\(n)/create", .keyCreate(name: n)), ("/keys/\(n)/versions", .keyVersions(name: n)), ("/keys/\(n)/rotate", .keyRotate(name: n)),
      ("/keys/\(n)/rotationpolicy", .keyRotationPolicy(name: n)), ("/keys/\(n)/backup", .keyBackup(name: n)),
      ("/keys/\(n)/restore", .keySelectiveRestore(name: n)), ("/keys/\(n)/attestation", .keyAttestation(name: n, version: nil)),
      ("/keys/\(n)/\(v)/attestation", .keyAttestation(name: n, version: v)), ("/deletedkeys", .deletedKeys),
      ("/deletedkeys/\(n)", .deletedKey(name: n)), ("/deletedkeys/\(n)/recover", .deletedKeyRecover(name: n)), ("/rng", .random),
      ("/settings", .settings), ("/settings/AllowKeyManagementOperationsThroughARM", .setting(name: "AllowKeyManagementOperationsThroughARM")),
      ("/securitydomain/download", .securityDomainDownload), ("/securitydomain/download/pending", .securityDomainDownloadPending),
      ("/securitydomain/upload", .securityDomainUpload), ("/securitydomain/upload/pending", .securityDomainUploadPending), ("/backup", .backup),
      ("/prebackup", .prebackup), ("/restore", .restore), ("/prerestore", .prerestore), ("/backup/\(v)/pending", .backupPending(job: v)),
      ("/restore/\(v)/pending", .restorePending(job: v)),
    ]
    for verb in Route.CryptographicVerb.allCases {
      rows.append(("/keys/\(n)/\(verb.rawValue)", .keyOperation(name: n, version: nil, verb)))
      rows.append(("/keys/\(n)/\(v)/\(verb.rawValue)", .keyOperation(name: n, version: v, verb)))
    }
    let guid = "11111111-2222-4333-8444-555555555555"
    for (prefix, scope) in [("", Route.RouteScope.root), ("/keys", .keys), ("/keys/\(n)", .key(n))] {
      let base = prefix + "/providers/Microsoft.Authorization"
      rows.append((base + "/roleDefinitions", .roleDefinitions(scope: scope)))
      rows.append((base + "/roleDefinitions/\(guid)", .roleDefinition(scope: scope, id: guid)))
      rows.append((base + "/roleAssignments", .roleAssignments(scope: scope)))
      rows.append((base + "/roleAssignments/\(guid)", .roleAssignment(scope: scope, id: guid)))
    }
    return rows
  }()

  @Test("Every path of the data plane is recognised")
  func recognised() {
    #expect(Self.plain.count == 27 + 14 + 12)
    #expect(Route.CryptographicVerb.allCases.count == 7)
    for row in Self.plain { #expect(Route(path: row.path) == row.route, "\(row.path)") }
  }

  @Test("Empty segments and a trailing slash mean nothing, wherever they stand")
  func emptySegments() {
    for row in Self.plain {
      let doubled = row.path.map { $0 == "/" ? "//" : String($0) }.joined()
      for path in ["/" + row.path, "//" + row.path, row.path + "/", row.path + "///", doubled] {
        #expect(Route(path: path) == row.route, "\(path)")
      }
    }
  }

  @Test("Fixed segments are compared without case and names keep theirs")
  func letterCase() {
    let n = "CodeSign-PROD", v = Self.version
    let paths: [(String, Route)] = [
      ("/KEYS/\(n)", .key(name: n, version: nil)), ("/Keys/\(n)/CREATE", .keyCreate(name: n)), ("/keys/\(n)/\(v)/wrapKey", .keyOperation(name: n, version: v, .wrapKey)),
      ("/keys/\(n)/\(v)/unwrapKey", .keyOperation(name: n, version: v, .unwrapKey)), ("/keys/\(n)/SIGN", .keyOperation(name: n, version: nil, .sign)),
      ("/deletedKeys/\(n)", .deletedKey(name: n)), ("/DELETEDKEYS/\(n)/Recover", .deletedKeyRecover(name: n)), ("/RNG", .random),
      ("/securityDomain/Download/PENDING", .securityDomainDownloadPending), ("/Settings/Some", .setting(name: "Some")),
      ("/PROVIDERS/microsoft.authorization/ROLEDEFINITIONS", .roleDefinitions(scope: .root)),
      ("/Keys/\(n)/Providers/MICROSOFT.AUTHORIZATION/roleassignments/x", .roleAssignment(scope: .key(n), id: "x")),
      ("/keys/\(n)/rotationPolicy", .keyRotationPolicy(name: n)), ("/keys/\(n)/Versions", .keyVersions(name: n)),
    ]
    for (path, route) in paths { #expect(Route(path: path) == route, "\(path)") }
  }

  @Test("The forms that clients were seen to send are understood")
  func recordedForms() {
    let n = Self.name
    // az and the SDKs: the latest version is an empty segment. JS: ///providers. terraform: //providers. .NET: /keys//restore.
    #expect(Route(path: "/keys/\(n)/") == .key(name: n, version: nil))
    #expect(Route(path: "/keys/\(n)//sign") == .keyOperation(name: n, version: nil, .sign))
    #expect(Route(path: "/keys/\(n)//attestation") == .keyAttestation(name: n, version: nil))
    #expect(Route(path: "/keys/\(n)//release") == .keyOperation(name: n, version: nil, .release))
    #expect(Route(path: "///providers/Microsoft.Authorization/roleAssignments") == .roleAssignments(scope: .root))
    #expect(Route(path: "//providers/Microsoft.Authorization/roleDefinitions/x") == .roleDefinition(scope: .root, id: "x"))
    #expect(Route(path: "/keys//restore")?.forMethod("POST") == .keyRestore)
    #expect(Route(path: "/keys/restore")?.forMethod("POST") == .keyRestore)
    #expect(Route(path: "/keys/RESTORE/")?.forMethod("POST") == .keyRestore)
    #expect(Route(path: "/keys/restore")?.forMethod("GET") == .key(name: "restore", version: nil))
    #expect(Route(path: "/keys/restores")?.forMethod("POST") == .key(name: "restores", version: nil))
    #expect(Route(path: "/keys/restore/\(Self.version)")?.forMethod("POST") == .key(name: "restore", version: Self.version))
  }

  @Test("A key may be named like a reserved word")
  func reservedNames() {
    for word in ["create", "rotate", "versions", "backup", "restore", "rotationpolicy", "attestation", "sign", "verify", "wrapkey", "keys", "rng", "settings"] {
      #expect(Route(path: "/keys/\(word)") == .key(name: word, version: nil))
      #expect(Route(path: "/keys/\(word)/create") == .keyCreate(name: word))
      #expect(Route(path: "/keys/\(word)/\(Self.version)/sign") == .keyOperation(name: word, version: Self.version, .sign))
      #expect(Route(path: "/deletedkeys/\(word)") == .deletedKey(name: word))
    }
  }

  @Test("What looks like a word but is none is a version, for the core to judge")
  func nearWords() {
    for word in ["signs", "sig", "creates", "version", "sign ", "🔑", "wrap-key"] {
      #expect(Route(path: "/keys/n/\(word)") == .key(name: "n", version: word), "\(word)")
    }
  }

  @Test(
    "A path that the data plane does not have is no route",
    arguments: [
      "", " ", "*", "keys", "keys/n", "?", "/", "//", "////", "/key", "/keysx", "/keys /n", "/k", "/rng/1", "/rng/sign", "/deletedkeys/n/recover/x", "/deletedkeys/n/x",
      "/deletedkeys/n/sign", "/keys/n/v/create", "/keys/n/v/versions", "/keys/n/v/rotate", "/keys/n/v/unknown", "/keys/n/v/sign/x", "/keys/n/a/b/c/d",
      "/settings/a/b", "/securitydomain", "/securitydomain/x", "/securitydomain/download/x", "/securitydomain/download/pending/x", "/securitydomain/pending",
      "/securitydomain/upload/pending/x", "/backup/job", "/backup/job/x", "/backup/job/pending/x", "/restore/job", "/restore/a/b/pending", "/prebackup/x", "/prerestore/x",
      "/providers", "/providers/", "/providers/Microsoft.Authorization", "/providers/Microsoft.Authorization/", "/providers/Microsoft.Authorization/roles",
      "/providers/Microsoft.Authorization/roleDefinitions/a/b", "/providers/Microsoft.KeyVault/roleDefinitions", "/providers/roleDefinitions",
      "/keys/providers", "/keys/providers/x", "/keys/providers/Microsoft.Authorization", "/keys/n/providers", "/keys/n/providers/Microsoft.Authorization/x",
      "/keys/n/v/providers/Microsoft.Authorization/roleAssignments", "/keys/n/providers/Microsoft.Authorization/roleAssignments/a/b",
      "https://host/keys/n", "\\keys\\n", "/secrets", "/certificates/n", "/keys\u{0}",
    ])
  func unknown(_ path: String) {
    #expect(Route(path: path) == nil)
  }

  @Test("Percent escapes are decoded once, in names and in fixed words")
  func escapes() {
    #expect(Route(path: "/keys/a%2Db") == .key(name: "a-b", version: nil))
    #expect(Route(path: "/keys/a%2db/%73ign") == .keyOperation(name: "a-b", version: nil, .sign))
    #expect(Route(path: "/%6Beys") == .keys)
    #expect(Route(path: "/keys/%2561") == .key(name: "%61", version: nil))
    #expect(Route(path: "/keys/a%20b") == .key(name: "a b", version: nil))
    #expect(Route(path: "/keys/a+b") == .key(name: "a+b", version: nil))
    #expect(Route(path: "/keys/%C3%A9") == .key(name: "é", version: nil))
    #expect(Route(path: "/keys/%E2%9C%94%EF%B8%8F") == .key(name: "✔️", version: nil))
    #expect(Route(path: "/keys/é") == .key(name: "é", version: nil))
  }

  @Test(
    "A broken escape, an encoded slash, a NUL, text that is not UTF-8 and dot segments are no route",
    arguments: [
      "/keys/%", "/keys/%4", "/keys/%4/sign", "/keys/%zz", "/keys/%G1", "/keys/%1G", "/keys/% 1", "/keys/%+1", "/keys/%u0041", "/keys/a%2Fb", "/keys/a%2fb", "/keys%2fn",
      "/keys/n%2Fsign", "/keys/%00", "/keys/a%00b", "/keys/%FF", "/keys/%C3", "/keys/%C3%28", "/keys/%ED%A0%80", "/keys/%C0%AF", "/keys/%F8%88%80%80%80", "/keys/.", "/keys/..",
      "/keys/n/..", "/keys/../rng", "/./keys", "/../keys", "/keys/%2E", "/keys/%2e%2e", "/keys/.%2e/rng", "/keys/n/%2E%2E/other/sign", "/keys/n/./sign", "/..%2fkeys",
    ])
  func tricks(_ path: String) {
    #expect(Route(path: path) == nil)
  }

  @Test("Three dots, and dots within a name, are names")
  func harmlessDots() {
    #expect(Route(path: "/keys/...") == .key(name: "...", version: nil))
    #expect(Route(path: "/keys/a..b") == .key(name: "a..b", version: nil))
  }

  @Test("A path longer than the limit is no route, one of exactly the limit is")
  func overlong() {
    let longest = "/keys/" + String(repeating: "a", count: Route.pathLimit - 6)
    #expect(Route(path: longest) == .key(name: String(repeating: "a", count: Route.pathLimit - 6), version: nil))
    #expect(Route(path: longest + "a") == nil)
    #expect(Route(path: "/keys/" + String(repeating: "é", count: Route.pathLimit / 2)) == nil)
    #expect(Route(path: String(repeating: "/", count: 1 << 20)) == nil)
    #expect(Route(path: "/keys" + String(repeating: "/", count: Route.pathLimit - 5)) == .keys)
    #expect(Route(path: String(repeating: "/a", count: Route.pathLimit / 2)) == nil)
  }

  @Test("No byte string crashes the router, and what it takes has no slash, no NUL and no dot segment in a name")
  func anyBytes() {
    var generator = SeededGenerator(seed: 0x48_41_4C_4C)
    let pieces = ["/", "//", "keys", "n", "%2", "%2F", "%41", "..", ".", "sign", "providers", "Microsoft.Authorization", "roleDefinitions", "é", "\u{0}", "%00", "?", "#", " ", "restore"]
    var recognised = 0
    for _ in 0..<20_000 {
      let path = "/" + (0..<Int.random(in: 0...8, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }.joined(separator: "/")
      guard let route = Route(path: path) else { continue }
      recognised += 1
      switch route.forMethod("POST") {
      case .key(let name, _), .keyCreate(let name), .keyOperation(let name, _, _), .deletedKey(let name):
        #expect(!name.isEmpty && !name.contains("/") && name != "." && name != "..", "seed 0x48414C4C: \(path)")
      default: break
      }
    }
    #expect(recognised > 100)
  }
}
