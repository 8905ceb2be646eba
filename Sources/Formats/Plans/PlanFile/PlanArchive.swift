internal import CZlib
internal import Encodings

/// A bounded reader of ZIP archives (APPNOTE.TXT 6.3.9), for what Terraform writes: stored and deflated members, no ZIP64, no encryption.
///
/// Every limit is checked against what the directory says before anything is inflated, and again while it is.
struct PlanArchive {
  static let maxEntries = 40_000
  static let maxEntryBytes = 8 << 20
  static let maxTotalBytes = 256 << 20
  static let maxRatio = 200

  private struct Entry {
    var name: String
    var method: Int
    var checksum: UInt32
    var packed: Int
    var size: Int
    var offset: Int
  }

  private let bytes: [UInt8]
  private let entries: [Entry]

  init(_ bytes: [UInt8]) throws(ArchiveError) {
    self.bytes = bytes
    guard bytes.starts(with: [0x50, 0x4B]) else { throw .notAnArchive }
    // The end record stands in the last 64 KiB and 22 bytes.
    guard bytes.count >= 22 else { throw .truncated }
    let first = max(0, bytes.count - 22 - 65_535)
    guard let end = stride(from: bytes.count - 22, through: first, by: -1).first(where: { Self.number(bytes, $0, 4) == 0x0605_4B50 }) else { throw .truncated }
    let count = Self.number(bytes, end + 10, 2)
    let size = Self.number(bytes, end + 12, 4)
    let start = Self.number(bytes, end + 16, 4)
    if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF { throw .zip64 }
    guard count <= Self.maxEntries else { throw .tooManyEntries(limit: Self.maxEntries) }
    guard start + size <= end else { throw .truncated }
    // One disk, no comment, and the directory right before its end: whatever Terraform writes, and what two readers read alike.
    guard end + 22 + Self.number(bytes, end + 20, 2) == bytes.count, start + size == end, Self.number(bytes, end + 4, 4) == 0, Self.number(bytes, end + 8, 2) == count else {
      throw .inconsistent("end of the directory")
    }
    var entries: [Entry] = []
    var names: Set<String> = []
    var place = start
    for _ in 0..<count {
      guard place + 46 <= end, Self.number(bytes, place, 4) == 0x0201_4B50 else { throw .truncated }
      let nameLength = Self.number(bytes, place + 28, 2)
      let next = place + 46 + nameLength + Self.number(bytes, place + 30, 2) + Self.number(bytes, place + 32, 2)
      guard next <= end else { throw .truncated }
      let name = String(decoding: bytes[(place + 46)..<(place + 46 + nameLength)], as: UTF8.self)
      let entry = Entry(
        name: name, method: Self.number(bytes, place + 10, 2), checksum: UInt32(Self.number(bytes, place + 16, 4)), packed: Self.number(bytes, place + 20, 4),
        size: Self.number(bytes, place + 24, 4), offset: Self.number(bytes, place + 42, 4))
      if Self.number(bytes, place + 8, 2) & 1 != 0 { throw .encrypted(name) }
      if entry.packed == 0xFFFF_FFFF || entry.size == 0xFFFF_FFFF || entry.offset == 0xFFFF_FFFF { throw .zip64 }
      guard Self.isSafe(name) else { throw .unsafeName(name) }
      guard names.insert(name).inserted else { throw .duplicateName(name) }
      entries.append(entry)
      place = next
    }
    guard place == end else { throw .inconsistent("end of the directory") }
    self.entries = entries
  }

  var names: [String] { entries.map(\.name) }

  /// Contents of the members that are wanted, in the order of the directory. The others are never inflated.
  func contents(where wanted: (String) -> Bool) throws(ArchiveError) -> [(name: String, bytes: [UInt8])] {
    var total = 0
    var result: [(name: String, bytes: [UInt8])] = []
    for entry in entries where !entry.name.hasSuffix("/") && wanted(entry.name) {
      guard entry.size <= Self.maxEntryBytes else { throw .entryTooLarge(name: entry.name, limit: Self.maxEntryBytes) }
      total += entry.size
      guard total <= Self.maxTotalBytes else { throw .totalTooLarge(limit: Self.maxTotalBytes) }
      guard entry.size <= max(entry.packed, 64) * Self.maxRatio else { throw .ratio(name: entry.name, limit: Self.maxRatio) }
      result.append((entry.name, try content(entry)))
    }
    return result
  }

  private func content(_ entry: Entry) throws(ArchiveError) -> [UInt8] {
    let header = entry.offset
    guard header + 30 <= bytes.count, Self.number(bytes, header, 4) == 0x0403_4B50 else { throw .inconsistent(entry.name) }
    guard Self.number(bytes, header + 8, 2) == entry.method, Self.number(bytes, header + 6, 2) & 1 == 0 else { throw .inconsistent(entry.name) }
    let nameLength = Self.number(bytes, header + 26, 2)
    let start = header + 30 + nameLength + Self.number(bytes, header + 28, 2)
    guard start + entry.packed <= bytes.count, bytes[(header + 30)...].prefix(nameLength).elementsEqual(entry.name.utf8) else { throw .inconsistent(entry.name) }
    let packed = bytes[start..<(start + entry.packed)]
    let content: [UInt8]
    switch entry.method {
    case 0:
      guard entry.packed == entry.size else { throw .inconsistent(entry.name) }
      content = Array(packed)
    case 8: content = try Self.inflated(packed, size: entry.size, entry.name)
    case let method: throw .compression(entry.name, method: method)
    }
    let checksum = content.withUnsafeBufferPointer { UInt32(truncatingIfNeeded: crc32(0, $0.baseAddress, UInt32($0.count))) }
    guard checksum == entry.checksum else { throw .checksum(entry.name) }
    return content
  }

  /// Raw deflate into exactly `size` bytes.
  private static func inflated(_ packed: ArraySlice<UInt8>, size: Int, _ name: String) throws(ArchiveError) -> [UInt8] {
    var input = Array(packed)
    // One byte more than stated: a stream that has it is not what the directory says.
    var output = [UInt8](repeating: 0, count: size + 1)
    var stream = z_stream()
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { throw .inconsistent(name) }
    defer { inflateEnd(&stream) }
    let status = input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(target.count)
        return inflate(&stream, Z_FINISH)
      }
    }
    guard status == Z_STREAM_END, Int(stream.total_out) == size else { throw .inconsistent(name) }
    output.removeLast()
    return output
  }

  /// A relative path without `..`, drive letters, backslashes or control characters.
  private static func isSafe(_ name: String) -> Bool {
    guard !name.isEmpty, name.utf8.count <= 1024, !name.hasPrefix("/"), name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x5C && $0 != 0x7F }) else { return false }
    return !name.split(separator: "/", omittingEmptySubsequences: false).dropLast().contains { $0 == ".." || $0.isEmpty } && !name.hasSuffix("/..") && name != ".."
  }

  private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
    (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }
}

extension PlanFile {
  /// Reads the configuration out of a saved plan file. The plan itself is opaque, and the states beside it are secrets: neither is touched.
  package static func open(_ bytes: [UInt8]) throws(PlanError) -> PlanFile {
    do throws(ArchiveError) { return try read(PlanArchive(bytes)) } catch { throw .archive(error) }
  }

  private static func read(_ archive: PlanArchive) throws(ArchiveError) -> PlanFile {
    guard archive.names.contains("tfplan") else { throw .notAPlan }
    let root = "tfconfig/"
    let members = try archive.contents { $0.hasPrefix(root) }
    var entries: [ModuleEntry] = []
    var files: [SourceFile] = []
    if let listing = members.first(where: { $0.name == root + "modules.json" }), let value = try? JSONValue.parse(listing.bytes) {
      for one in value.array?.prefix(PlanSources.maxModules) ?? [] {
        guard let key = one["Key"]?.string, let directory = one["Dir"]?.string else { continue }
        entries.append(ModuleEntry(key: key, directory: directory, source: one["Source"]?.string ?? "", version: one["Version"]?.string))
      }
    }
    let directories = Dictionary(entries.map { ($0.key, $0.directory) }) { first, _ in first }
    for member in members {
      // `tfconfig/m-KEY/main.tf`; the root module has an empty key.
      let path = member.name.dropFirst(root.count)
      guard path.hasPrefix("m-"), let slash = path.firstIndex(of: "/") else { continue }
      let key = String(path[path.index(path.startIndex, offsetBy: 2)..<slash])
      let directory = directories[key] ?? ""
      let name = path[path.index(after: slash)...]
      files.append(SourceFile(path: directory.isEmpty || directory == "." ? String(name) : "\(directory)/\(name)", bytes: member.bytes))
    }
    return PlanFile(modules: entries, files: files, sources: PlanSources(files: files, modules: entries))
  }
}
