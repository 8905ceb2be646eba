import Plans
import Testing

@Suite struct PlanFileTests {
  static func refused(_ archive: ArchiveFixture) -> ArchiveError? {
    do {
      _ = try PlanFile.open(archive.bytes)
      return nil
    } catch {
      if case .archive(let inner) = error { return inner }
      return nil
    }
  }

  static func with(_ name: String, _ text: String = "x", _ change: (inout ArchiveFixture.Member) -> Void) -> ArchiveFixture {
    var member = ArchiveFixture.Member(name, text)
    change(&member)
    return ArchiveFixture(members: [ArchiveFixture.plan, member])
  }

  @Test("The configuration is found by the folder of its module, the states beside it are not touched") func read() throws {
    var archive = ArchiveFixture.plan(
      ["m-/main.tf": "module \"ci\" {\n source = \"./ci\"\n}", "m-ci/main.tf": "\nresource \"azurerm_key_vault\" \"this\" {}"],
      modules: #"[{"Key":"","Dir":"."},{"Key":"ci","Source":"./ci","Dir":"ci"}]"#)
    var state = ArchiveFixture.Member("tfstate", "secret")
    state.checksum = 1
    archive.members.append(state)
    let file = try PlanFile.open(archive.bytes)
    #expect(file.files.map(\.path) == ["main.tf", "ci/main.tf"] && file.modules.map(\.key) == ["", "ci"])
    #expect(file.sources.location(of: "module.ci.azurerm_key_vault.this") == SourceLocation(file: "ci/main.tf", line: 2))
  }

  @Test("A plan of OpenTofu, with its own file names, is read alike") func openTofu() throws {
    let file = try PlanFile.open(ArchiveFixture.plan(["m-/main.tofu": "resource \"azurerm_key_vault\" \"this\" {}"], modules: #"[{"Key":"","Dir":"."}]"#).bytes)
    #expect(file.sources.location(of: "azurerm_key_vault.this")?.file == "main.tofu")
  }

  @Test("A list of modules that is none leaves local modules to be found by their source", arguments: ["", "{", "{}", #"[{"Key":1}]"#, #"[[]]"#, #"[{"Key":"a","Key":"b","Dir":"x"}]"#])
  func badListing(text: String) throws {
    let file = try PlanFile.open(ArchiveFixture.plan(["m-/main.tf": "resource \"azurerm_key_vault\" \"this\" {}"], modules: text).bytes)
    #expect(file.modules.isEmpty && file.sources.location(of: "azurerm_key_vault.this") != nil)
  }

  @Test("What is no ZIP archive, or one without a plan, is refused", arguments: [
    ([], ArchiveError.notAnArchive), (Array("tfplan".utf8), .notAnArchive), ([0x50, 0x4B], .truncated), ([0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 100), .truncated),
    (ArchiveFixture(members: []).bytes, .notAPlan), (ArchiveFixture(members: [ArchiveFixture.Member("tfconfig/m-/main.tf")]).bytes, .notAPlan), (ArchiveFixture(members: [ArchiveFixture.Member("a/tfplan")]).bytes, .notAPlan),
    (ArchiveFixture(members: [ArchiveFixture.Member("TFPLAN")]).bytes, .notAPlan),
  ] as [([UInt8], ArchiveError)])
  func noPlan(bytes: [UInt8], error: ArchiveError) {
    #expect(throws: PlanError.archive(error)) { try PlanFile.open(bytes) }
  }

  @Test("Names that leave their folder, or could, are refused", arguments: [
    "../x", "a/../x", "..", "a/..", "/etc/passwd", "tfconfig/m-/../../x.tf", "a\\..\\x", "C:\\x", "a//b", "a\u{0}b", "a\nb", "a\u{7F}", "", String(repeating: "a", count: 1_025),
  ])
  func unsafeNames(name: String) {
    #expect(Self.refused(Self.with(name) { _ in }) == .unsafeName(name))
  }

  @Test("Two entries of one name are refused, composed and decomposed letters too", arguments: [("tfplan", "tfplan"), ("tfconfig/m-/\u{e9}.tf", "tfconfig/m-/e\u{301}.tf")])
  func duplicates(first: String, second: String) {
    #expect(Self.refused(ArchiveFixture(members: [ArchiveFixture.plan, ArchiveFixture.Member(first), ArchiveFixture.Member(second)])) == .duplicateName(second))
  }

  @Test("A member that is not what the directory says is refused") func lies() {
    let name = "tfconfig/m-/main.tf"
    let cases: [(ArchiveFixture, ArchiveError)] = [
      (Self.with(name) { $0.flags = 1 }, .encrypted(name)), (Self.with(name) { $0.localFlags = 1 }, .inconsistent(name)), (Self.with(name) { $0.method = 12 }, .compression(name, method: 12)),
      (Self.with(name) { $0.localMethod = 8 }, .inconsistent(name)), (Self.with(name) { $0.checksum = 7 }, .checksum(name)), (Self.with(name) { $0.localName = "tfconfig/m-/other.t" }, .inconsistent(name)),
      (Self.with(name) { $0.localName = "x" }, .inconsistent(name)), (Self.with(name) { $0.size = 2 }, .inconsistent(name)), (Self.with(name) { $0.packed = 5_000 }, .inconsistent(name)),
      (Self.with(name) { $0.offset = 3 }, .inconsistent(name)), (Self.with(name) { $0.offset = 1 << 30 }, .inconsistent(name)), (Self.with(name) { $0.method = 8 }, .inconsistent(name)),
      (Self.with(name) { $0.size = (8 << 20) + 1 }, .entryTooLarge(name: name, limit: 8 << 20)), (Self.with(name) { $0.size = 1 << 20 }, .ratio(name: name, limit: 200)),
      (Self.with(name) { $0.size = 0xFFFF_FFFF }, .zip64), (Self.with(name) { $0.packed = 0xFFFF_FFFF }, .zip64), (Self.with(name) { $0.offset = 0xFFFF_FFFF }, .zip64),
    ]
    for (archive, error) in cases { #expect(Self.refused(archive) == error) }
  }

  @Test("A directory whose end says something else is refused") func ends() {
    var archive = ArchiveFixture.plan(["m-/main.tf": "x = 1"])
    let whole = archive
    archive.count = 1
    #expect(Self.refused(archive) == .inconsistent("end of the directory"))
    archive = whole
    archive.count = 3
    #expect(Self.refused(archive) == .truncated)
    archive.count = 0xFFFF
    #expect(Self.refused(archive) == .zip64)
    archive.count = 50_000
    #expect(Self.refused(archive) == .tooManyEntries(limit: 40_000))
    archive = whole
    archive.countOnDisk = 1
    #expect(Self.refused(archive) == .inconsistent("end of the directory"))
    archive = whole
    archive.directoryStart = 0xFFFF_FFFF
    #expect(Self.refused(archive) == .zip64)
    archive.directoryStart = 1 << 24
    #expect(Self.refused(archive) == .truncated)
    archive = whole
    archive.directorySize = 10
    #expect(Self.refused(archive) == .inconsistent("end of the directory"))
    archive = whole
    archive.commentLength = 9
    #expect(Self.refused(archive) == .inconsistent("end of the directory"))
    archive = whole
    archive.comment = Array("a comment".utf8)
    #expect(Self.refused(archive) == nil)
    // A second end record inside the comment: two readers would see two archives.
    archive.comment = ArchiveFixture(members: []).bytes + [0]
    #expect(Self.refused(archive) != nil)
  }

  @Test("Every cut of an archive is refused") func cuts() {
    let bytes = ArchiveFixture.plan(["m-/main.tf": "x = 1"], modules: "[]").bytes
    for length in 0..<bytes.count { #expect(throws: PlanError.self) { try PlanFile.open(Array(bytes[..<length])) } }
  }

  @Test("Members that lie over each other cost no more than the limits") func overlapping() {
    let shared = ArchiveFixture.Member("tfconfig/m-/a.tf", String(repeating: "#", count: 60_000))
    let others = (0..<5_000).map { index -> ArchiveFixture.Member in
      var member = ArchiveFixture.Member("tfconfig/m-/a\(index).tf")
      member.offset = 50
      member.packed = 60_000
      member.size = 60_000
      return member
    }
    #expect(Self.refused(ArchiveFixture(members: [ArchiveFixture.plan, shared] + others)) != nil)
  }

  @Test("Errors show names cut and clean") func messages() {
    let error = ArchiveError.unsafeName("a\n\u{1B}[31m" + String(repeating: "x", count: 500))
    #expect(!error.description.contains("\n") && !error.description.contains("\u{1B}") && error.description.utf8.count < 300)
  }
}
