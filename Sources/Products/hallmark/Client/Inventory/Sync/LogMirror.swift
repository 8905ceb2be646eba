import Clocks
import DiagnosticLogs
import Encodings
import Estate
import Foundation
import Outbound

/// Keeps a folder of diagnostic logs as the sources have them: `FOLDER/ACCOUNT/CONTAINER/resourceId=…/PT1H.json`, grown by whole lines only,
/// and `FOLDER/workspaces/ID.jsonl`, `FOLDER/activity/SUBSCRIPTION.jsonl`. `hallmark watch` and `hallmark trace` read these files.
///
/// A file's length is how far its blob has been read; a blob that is no longer than that is not asked for. Late lines are found because every blob
/// of the listing is compared, whatever its hour.
struct LogMirror {
  let logs: EstateConfiguration.Logs
  let access: [String: AzureAccess]

  init(_ logs: EstateConfiguration.Logs, access: [String: AzureAccess]) {
    self.logs = logs
    self.access = access
  }

  func fetch() async -> [EstateGap] {
    var gaps: [EstateGap] = []
    for source in logs.storage {
      do { try await storage(source) } catch { gaps.append(Self.gap("logs of \(source.account)", error)) }
    }
    for source in logs.workspaces {
      do { gaps += try await workspace(source) } catch { gaps.append(Self.gap("logs of workspace \(source.id)", error)) }
    }
    for source in logs.activity {
      do { try await activity(source) } catch { gaps.append(Self.gap("activity log of subscription \(source.subscription)", error)) }
    }
    return gaps
  }

  private static func gap(_ place: String, _ error: any Error) -> EstateGap {
    let outbound = error as? OutboundError
    let failure = error as? CommandFailure
    return EstateGap(place, outbound?.gapKind ?? .unreachable, why: outbound?.description ?? failure.map { "\($0.what): \($0.why)" } ?? String(describing: error))
  }

  private func storage(_ source: EstateConfiguration.Logs.Storage) async throws {
    guard let access = access[source.tenant.lowercased()] else { return }
    let reader = try StorageLogs(access, account: source.account, container: source.container)
    let host = source.account.split(separator: "/").last.map { $0.split(separator: ".").first.map(String.init) ?? "" } ?? ""
    let base = "\(logs.folder)/\(host)/\(source.container)"
    for blob in try await reader.list() {
      guard let path = Self.local(blob.name) else { continue }
      let file = "\(base)/\(path)"
      // What stands in the file is what was taken: the file is the cursor, so that a kill between two writes loses and repeats nothing.
      var cursor = BlobCursor(offset: Self.length(file))
      guard blob.length > cursor.offset else { continue }
      try FileManager.default.createDirectory(atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      while cursor.offset < blob.length {
        let piece = try await reader.read(blob.name, from: cursor.offset)
        let end = cursor.offset + Int64(piece.bytes.count)
        let taken = cursor.take(piece)
        guard !taken.isEmpty else { break }
        try Self.append(taken, to: file)
        if end >= piece.total ?? 0 { break }  // what is left is a line still being written
      }
    }
  }

  /// The blob's name as a path below the folder: no way up, no empty parts.
  static func local(_ name: String) -> String? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: true)
    guard name.utf8.count <= 1024, !parts.isEmpty, parts.allSatisfy({ $0 != "." && $0 != ".." && !$0.contains("\0") && $0.utf8.count <= 255 }) else { return nil }
    return parts.joined(separator: "/")
  }

  private static func length(_ file: String) -> Int64 {
    ((try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? NSNumber)?.int64Value ?? 0
  }

  /// One write at the end: a line is there whole or, after a crash in the middle, cut; a cut one is dropped by its readers and the rest follows.
  private static func append(_ bytes: [UInt8], to file: String) throws {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw CommandFailure.usage("cannot write \(file)", why: String(cString: strerror(errno))) }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    try handle.write(contentsOf: Data(bytes))
    try handle.synchronize()
  }

  private func workspace(_ source: EstateConfiguration.Logs.Workspace) async throws -> [EstateGap] {
    guard let access = access[source.tenant.lowercased()] else { return [] }
    let table = try await LogAnalytics(access).query(workspace: source.id, LogAnalytics.auditQuery, timespan: source.timespan)
    try FileManager.default.createDirectory(atPath: "\(logs.folder)/workspaces", withIntermediateDirectories: true)
    var lines: [UInt8] = []
    for row in table.rows {
      JSONValue.object(row).append(to: &lines)
      lines.append(UInt8(ascii: "\n"))
    }
    // The whole time span each time: rows arrive late and out of order.
    try LocalFile.write(lines, to: "\(logs.folder)/workspaces/\(source.id).jsonl", mode: 0o600)
    return table.incomplete.map { [EstateGap("logs of workspace \(source.id)", .incomplete, why: $0)] } ?? []
  }

  /// The whole span each time: events arrive late.
  private func activity(_ source: EstateConfiguration.Logs.Activity) async throws {
    guard let access = access[source.tenant.lowercased()] else { return }
    let now = TimeSource.system.now()
    let events = try await ActivityLog(access).events(
      subscription: source.subscription, from: now.advanced(bySeconds: -Int64(source.days) * 86_400), to: now)
    try FileManager.default.createDirectory(atPath: "\(logs.folder)/activity", withIntermediateDirectories: true)
    var lines: [UInt8] = []
    for event in events {
      event.append(to: &lines)
      lines.append(UInt8(ascii: "\n"))
    }
    try LocalFile.write(lines, to: "\(logs.folder)/activity/\(source.subscription).jsonl", mode: 0o600)
  }
}
