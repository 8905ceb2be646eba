import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where finished lines go; each call gets one line with its line feed.
struct LogOutput: Sendable {
  let write: @Sendable ([UInt8]) -> Void

  /// One `write` per line, so that lines of several threads do not mix. What cannot be written is lost.
  static let standardError = LogOutput { line in
    line.withUnsafeBytes { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let count = write_(2, rest.baseAddress, rest.count)
        if count < 0, errno != EINTR { return }
        if count > 0 { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
      }
    }
  }
}

private func write_(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, base, count) }

/// One line per message: `time LEVEL label: message key=value …`, or a JSON object with the same members.
struct LineLogHandler: LogHandler {
  let label: String
  let format: LogFormat
  let output: LogOutput
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  private let now: @Sendable () -> String

  init(
    label: String, format: LogFormat, level: Logger.Level, output: LogOutput,
    now: @escaping @Sendable () -> String = LineLogHandler.timestamp
  ) {
    self.label = label
    self.format = format
    self.output = output
    self.now = now
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
    if let own = event.metadata { all.merge(own) { _, new in new } }
    if let error = event.error { all["error"] = "\(error)" }
    let pairs = all.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
    output.write(line(level: event.level, message: event.message.description, pairs: pairs))
  }

  func line(level: Logger.Level, message: String, pairs: [(String, String)]) -> [UInt8] {
    var out: [UInt8] = []
    switch format {
    case .text:
      out.append(contentsOf: "\(now()) \(level.rawValue.uppercased()) \(label): ".utf8)
      appendPlain(message, to: &out)
      for (key, value) in pairs {
        out.append(0x20)
        appendPlain(key, to: &out)
        out.append(UInt8(ascii: "="))
        if value.utf8.contains(where: { $0 <= 0x20 || $0 == 0x22 || $0 == 0x5C }) || value.isEmpty {
          appendJSON(value, to: &out)
        } else {
          appendPlain(value, to: &out)
        }
      }
    case .json:
      out.append(contentsOf: "{\"time\":\"\(now())\",\"level\":\"\(level.rawValue)\",\"label\":".utf8)
      appendJSON(label, to: &out)
      out.append(contentsOf: ",\"message\":".utf8)
      appendJSON(message, to: &out)
      out.append(contentsOf: ",\"metadata\":{".utf8)
      for (index, (key, value)) in pairs.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        appendJSON(key, to: &out)
        out.append(UInt8(ascii: ":"))
        appendJSON(value, to: &out)
      }
      out.append(contentsOf: "}}".utf8)
    }
    out.append(0x0A)
    return out
  }

  /// Control characters would let a value forge a line of its own or steer a terminal.
  private func appendPlain(_ text: String, to out: inout [UInt8]) {
    for byte in text.utf8 { out.append(byte < 0x20 || byte == 0x7F ? 0x20 : byte) }
  }

  private func appendJSON(_ text: String, to out: inout [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    out.append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5C: out += [0x5C, byte]
      case 0x0A: out += [0x5C, UInt8(ascii: "n")]
      case 0..<0x20, 0x7F: out += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: out.append(byte)
      }
    }
    out.append(0x22)
  }

  @Sendable static func timestamp() -> String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    var parts = tm()
    gmtime_r(&time.tv_sec, &parts)
    func padded(_ value: Int, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }
    let date = "\(padded(Int(parts.tm_year) + 1900, 4))-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
    let clock = "\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2)):\(padded(Int(parts.tm_sec), 2))"
    return "\(date)T\(clock).\(padded(Int(time.tv_nsec) / 1_000_000, 3))Z"
  }
}
