import Encodings
import Foundation
import Outbound
import SigstoreFormats
import Trust

/// The places where tools look for plugins, and what is there.
struct PluginShelf {
  /// SHA-256 in hexadecimal by path: what `install` put where, so that it may be replaced.
  typealias Receipt = [String: String]

  let places: [Plugin.Place]
  let receipt: Receipt
  let cosignFolder: String
  private let environment: [String: String]
  private let receiptPath: String

  init(environment: [String: String], tools: [Plugin.Tool], folder: String?) throws {
    guard let home = environment["HOME"], home.hasPrefix("/") else {
      throw CommandFailure.usage("cannot find the plugin folders", why: "HOME is not an absolute path")
    }
    self.environment = environment
    cosignFolder = folder.map { URL(fileURLWithPath: $0).standardizedFileURL.path } ?? "\(home)/.local/bin"
    receiptPath = "\(ConnectionSettings(environment: environment).dataFolder)/plugins.json"
    receipt = try Self.read(receiptPath)
    let own = Self.ownFolder()
    var places: [Plugin.Place] = []
    for plugin in tools.flatMap(Plugin.all) {
      let path =
        switch plugin.tool {
        case .cosign: "\(cosignFolder)/\(plugin.program)"
        case .notation: "\(Self.notationFolder(environment, home: home))/plugins/\(plugin.name)/\(plugin.program)"
        }
      let source = "\(own)/\(plugin.source)"
      let wanted = LocalFile.exists(source) ? try LocalFile.digests(source, [.sha256]).sha256 : nil
      places.append(
        Plugin.Place(plugin: plugin, path: path, source: source, state: try Self.state(path, plugin, wanted, receipt[path]), wanted: wanted))
    }
    self.places = places
  }

  // MARK: Changing

  /// - Throws: what stands in the way of any of the plugins.
  func check(force: Bool) throws {
    for place in places {
      guard place.wanted != nil else {
        throw CommandFailure.usage(
          "cannot install \(place.plugin.program)", why: "\(place.source) does not exist",
          next: "keep the programs of one release in one folder, or choose with --for what to install")
      }
      guard place.state != .blocked else {
        throw CommandFailure("cannot install \(place.plugin.program)", why: "\(place.path) is there and is no file", next: "remove it", code: Exit.no)
      }
      guard place.state != .foreign || force else {
        throw CommandFailure(
          "cannot install \(place.plugin.program)", why: "\(place.path) is there and was not put there by `hallmark plugin install`",
          next: "look at it, then remove it or use --force", code: Exit.no)
      }
    }
  }

  /// A regular file of its own, never a link: notation passes over links. Written under another name first, so that a running plugin is not disturbed.
  func install(_ place: Plugin.Place, _ receipt: inout Receipt) throws {
    let files = FileManager.default
    let folder = (place.path as NSString).deletingLastPathComponent
    let temporary = "\(folder)/.\(place.plugin.program).\(ProcessInfo.processInfo.processIdentifier).tmp"
    do {
      try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try? files.removeItem(atPath: temporary)
      try files.copyItem(atPath: Self.resolved(place.source), toPath: temporary)
      try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: temporary)
    } catch {
      try? files.removeItem(atPath: temporary)
      throw CommandFailure("cannot install \(place.plugin.program)", why: "\(folder): \(error.localizedDescription)", next: "check the folder's rights", code: Exit.no)
    }
    guard rename(temporary, place.path) == 0 else {
      let why = String(cString: strerror(errno))
      try? files.removeItem(atPath: temporary)
      throw CommandFailure("cannot install \(place.plugin.program)", why: "\(place.path): \(why)", code: Exit.no)
    }
    if let wanted = place.wanted { receipt[place.path] = Hex.encode(wanted) }
  }

  func keep(_ receipt: Receipt) throws {
    let files: [JSONValue] = receipt.sorted { $0.key < $1.key }.map { ["path": .string($0.key), "sha256": .string($0.value)] }
    let value: JSONValue = ["schema": "hallmark.plugins/v1", "files": .array(files)]
    try FileManager.default.createDirectory(
      atPath: (receiptPath as NSString).deletingLastPathComponent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try LocalFile.write(value.serialized(pretty: true) + [UInt8(ascii: "\n")], to: receiptPath)
  }

  // MARK: Reading

  /// What the user should know: a folder that is not on PATH, another program that is found first, cosign's own provider.
  var warnings: [String] {
    guard places.contains(where: { $0.plugin.tool == .cosign }) else { return [] }
    let path = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    guard let position = path.firstIndex(where: { Self.resolved($0) == Self.resolved(cosignFolder) }) else {
      return ["\(cosignFolder) is not on PATH, so cosign does not find its plugins; next: export PATH=\"\(cosignFolder):$PATH\""]
    }
    var result: [String] = []
    for place in places where place.plugin.tool == .cosign {
      for folder in path[..<position] where LocalFile.exists("\(folder)/\(place.plugin.program)") {
        result.append("\(folder)/\(place.plugin.program) comes first on PATH and is what cosign starts")
      }
    }
    return result
  }

  var json: JSONValue {
    [
      "schema": "hallmark.plugin-list/v1",
      "plugins": .array(
        places.map {
          [
            "tool": .string($0.plugin.tool.rawValue), "name": .string($0.plugin.name), "program": .string($0.plugin.program), "path": .string($0.path),
            "state": .string($0.state.rawValue), "sha256": $0.wanted.map { .string(Hex.encode($0)) } ?? .null,
          ]
        }),
      "warnings": .array(warnings.map { .string($0) }),
    ]
  }

  private static func state(_ path: String, _ plugin: Plugin, _ wanted: [UInt8]?, _ receipt: String?) throws -> Plugin.State {
    var status = stat()
    guard lstat(path, &status) == 0 else { return .missing }
    // A link into this release's own folder serves cosign as well as a copy.
    if status.st_mode & S_IFMT == S_IFLNK, plugin.tool == .notation || !LocalFile.exists(path) { return .foreign }
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return .blocked }
    let there = try LocalFile.digests(path, [.sha256]).sha256
    if there == wanted, status.st_mode & 0o111 != 0 { return .current }
    guard let there, let receipt, Hex.encode(there) == receipt else { return .foreign }
    return .outdated
  }

  private static func read(_ path: String) throws -> Receipt {
    guard LocalFile.exists(path) else { return [:] }
    let value = try? JSONValue.parse(try LocalFile.bytes(path, maxBytes: 1 << 20))
    guard let value, value["schema"]?.string == "hallmark.plugins/v1", let files = value["files"]?.array else {
      throw CommandFailure.usage("cannot read \(path)", why: "it is not what `hallmark plugin install` wrote", next: "remove it; installed plugins then need --force once")
    }
    var receipt: Receipt = [:]
    for file in files {
      if let path = file["path"]?.string, let digest = file["sha256"]?.string { receipt[path] = digest }
    }
    return receipt
  }

  /// Where notation keeps its configuration: fixed by notation, not by us.
  private static func notationFolder(_ environment: [String: String], home: String) -> String {
    #if os(macOS)
      return "\(home)/Library/Application Support/notation"
    #else
      if let base = environment["XDG_CONFIG_HOME"], base.hasPrefix("/") { return "\(base)/notation" }
      return "\(home)/.config/notation"
    #endif
  }

  /// The folder of the running program, links resolved.
  private static func ownFolder() -> String {
    let path = Bundle.main.executablePath ?? CommandLine.arguments.first ?? ""
    return (resolved(path) as NSString).deletingLastPathComponent
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}
