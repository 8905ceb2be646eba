internal import Encodings

/// Reads lines of the usual shape into records; what it keeps between lines is of fixed size.
struct LineReading: Sendable {
  private struct Resource: Sendable {
    var id: String
    var store: String?
    var kind: LogRecord.StoreKind?
  }

  private struct Name: Sendable {
    var text: String
    var lower: String
    var isPath: Bool
  }

  private let names: [String: LogOperation]
  private let limits: JSONLimits
  private var texts = ByteCache<String>()
  private var paths = ByteCache<RequestPath>()
  private var resources = ByteCache<Resource>()
  private var identities = ByteCache<LogIdentity>()
  private var addresses = ByteCache<String?>()
  private var operations = ByteCache<Name>()
  private var second: [UInt8] = []
  private var secondTime: Int64 = 0

  init(names: [String: LogOperation], limits: JSONLimits) {
    self.names = names
    self.limits = limits
  }

  /// The record of a line; nil when the line is not of the usual shape and the parser of trees must read it.
  mutating func record(_ bytes: UnsafeRawBufferPointer, place: LogPlace) -> LogRecord? {
    var walker = LineWalker(bytes)
    guard bytes.count <= limits.maxBytes, walker.walk() else { return nil }
    func raw(_ value: LineWalker.Value) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[value.range]) }
    for member in [LineWalker.Member.time, .operationName, .category, .resourceId, .id, .requestUri, .resultType, .resultDescription, .correlationId, .callerIpAddress, .clientInfo, .algorithm, .appliedAssignmentId]
    where walker[member].kind != .absent && walker[member].kind != .text { return nil }
    guard walker[.time].kind == .text, let time = time(raw(walker[.time])) else { return nil }
    var name = Name(text: "", lower: "", isPath: false)
    if !walker[.operationName].range.isEmpty {
      guard let known = operations.value(raw(walker[.operationName]), { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        return Name(text: text, lower: text.lowercased(), isPath: bytes.contains(UInt8(ascii: "/")))
      }) else { return nil }
      name = known
    } else if walker[.requestUri].kind == .absent {
      return nil
    }
    guard !name.isPath else { return nil }
    var record = LogRecord(time: time, operation: .other, operationName: name.text, place: place)
    guard let status = Self.integer(bytes, walker[.httpStatusCode]), let duration = Self.integer(bytes, walker[.durationMs]) else { return nil }
    (record.status, record.durationMilliseconds) = (status.value, duration.value)
    if !walker[.resourceId].range.isEmpty, let resource = resources.value(raw(walker[.resourceId]), { bytes in
      let id = LogRecord.resourceId(String(decoding: bytes, as: UTF8.self))
      let (store, kind) = LogRecord.store(ofResource: id)
      return Resource(id: id, store: store, kind: kind)
    }) { (record.resourceId, record.store, record.storeKind) = (resource.id, resource.store, resource.kind) }
    let object = path(bytes, walker[.id])
    let request = path(bytes, walker[.requestUri])
    record.read(object: object, request: request, lowerName: name.lower, names: names)
    record.category = text(bytes, walker[.category])
    record.resultType = text(bytes, walker[.resultType])
    record.resultDescription = text(bytes, walker[.resultDescription])
    record.clientInfo = walker[.clientInfo].range.isEmpty ? nil : String(decoding: raw(walker[.clientInfo]), as: UTF8.self)
    record.algorithm = text(bytes, walker[.algorithm])
    record.appliedAssignmentId = text(bytes, walker[.appliedAssignmentId])
    if !walker[.correlationId].range.isEmpty {
      let id = raw(walker[.correlationId])
      let text = String(decoding: id, as: UTF8.self)
      record.correlationId = id.contains { $0 &- 0x41 < 26 } ? text.lowercased() : text
    }
    if !walker[.callerIpAddress].range.isEmpty {
      record.callerAddress = addresses.value(raw(walker[.callerIpAddress]), { LogRecord.address(String(decoding: $0, as: UTF8.self)) }) ?? nil
    }
    for (member, field) in [
      (LineWalker.Member.isRbacAuthorized, \LogRecord.isRbacAuthorized), (.isAccessPolicyMatch, \.isAccessPolicyMatch), (.isAddressAuthorized, \.isAddressAuthorized),
      (.enablePurgeProtection, \.enablePurgeProtection),
    ] where walker[member].kind != .absent {
      guard walker[member].kind == .yes || walker[member].kind == .no else { return nil }
      record[keyPath: field] = walker[member].kind == .yes
    }
    guard identity(bytes, walker[.identity], &record) else { return nil }
    record.unknownMembers = max(0, walker.count - LogRecord.known)
    return record
  }

  private mutating func text(_ bytes: UnsafeRawBufferPointer, _ value: LineWalker.Value) -> String? {
    guard !value.range.isEmpty else { return nil }
    return texts.value(UnsafeRawBufferPointer(rebasing: bytes[value.range])) { String(decoding: $0, as: UTF8.self) }
  }

  private mutating func path(_ bytes: UnsafeRawBufferPointer, _ value: LineWalker.Value) -> RequestPath? {
    guard !value.range.isEmpty else { return nil }
    return paths.value(UnsafeRawBufferPointer(rebasing: bytes[value.range])) { RequestPath(String(decoding: $0, as: UTF8.self)) }
  }

  /// - Returns: nil when it is neither absent nor plainly a number.
  private static func integer(_ bytes: UnsafeRawBufferPointer, _ value: LineWalker.Value) -> (value: Int?, Void)? {
    switch value.kind {
    case .absent: return (nil, ())
    case .number, .text:
      guard (1...15).contains(value.range.count) else { return nil }
      var number = 0
      for index in value.range {
        guard bytes[index] &- 0x30 < 10 else { return nil }
        number = number * 10 + Int(bytes[index] - 0x30)
      }
      return (number, ())
    default: return nil
    }
  }

  private mutating func identity(_ bytes: UnsafeRawBufferPointer, _ value: LineWalker.Value, _ record: inout LogRecord) -> Bool {
    guard value.kind != .absent else { return true }
    let raw = UnsafeRawBufferPointer(rebasing: bytes[value.range])
    let limits = JSONLimits(maxBytes: limits.maxBytes, maxDepth: 24, maxElements: 1000)
    switch value.kind {
    case .object:
      guard let identity = identities.value(raw, { bytes in (try? JSONValue.parse(bytes, limits: limits))?.object.map { LogIdentity(claims: $0) } }) else { return false }
      record.identity = identity
    case .text:
      guard value.range.count <= 1 << 16 else { return false }
      guard let identity = identities.value(raw, { bytes in (try? JSONValue.parse(LineWalker.unquoted(bytes), limits: limits))?.object.map { LogIdentity(claims: $0) } }) else { return false }
      record.identity = identity
    default: return false
    }
    return true
  }

  /// `YYYY-MM-DDTHH:MM:SS[.fraction]Z`; the part up to the second is parsed once for all lines of that second.
  private mutating func time(_ bytes: UnsafeRawBufferPointer) -> Int64? {
    guard bytes.count >= 20, bytes.count <= 30, bytes[bytes.count - 1] == UInt8(ascii: "Z") else { return nil }
    if second.isEmpty || !second.elementsEqual(bytes[..<19]) {
      guard let time = try? ISO8601.parse(String(decoding: bytes[..<19], as: UTF8.self) + "Z") else { return nil }
      second = Array(bytes[..<19])
      secondTime = time
    }
    if bytes.count == 20 { return secondTime }
    guard bytes[19] == UInt8(ascii: "."), bytes.count > 21 else { return nil }
    var scale: Int64 = 100_000_000
    var fraction: Int64 = 0
    for index in 20..<(bytes.count - 1) {
      guard bytes[index] &- 0x30 < 10 else { return nil }
      fraction += Int64(bytes[index] - 0x30) * scale
      scale /= 10
    }
    let (sum, overflow) = secondTime.addingReportingOverflow(fraction)
    return overflow ? nil : sum
  }
}
