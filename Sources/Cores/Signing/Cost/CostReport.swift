package import Encodings

/// What a period's logs amount to: operations by kind, key and identity, money under a price table, and what was saved.
package struct CostReport: Sendable {
  /// Operations of one kind with one key by one identity at one service.
  package struct Line: Sendable, Hashable {
    package struct Subject: Sendable, Hashable {
      package var service: UsageService
      package var operation: String
      package var key: String?
      package var identity: String
    }

    package var subject: Subject
    package var succeeded: Int64 = 0
    package var failed: Int64 = 0
    package var price: PriceTable.Money = 0

    package var count: Int64 { succeeded + failed }
  }

  package var prices: PriceTable
  /// Nanoseconds since the epoch: the period asked for, else that of the first and last record.
  package var from: Int64?
  package var until: Int64?
  package var lines: [Line]
  /// Hours times price, by service, for services that appear in the log.
  package var standing: [UsageService: PriceTable.Money]
  package var savedByCache: Int64
  package var savedByBatch: Int64
  package var savedPrice: PriceTable.Money
  /// Lines that are no record of any known kind.
  package var unreadable: Int64
  /// Records that stood in more than one of the logs.
  package var doubles: Int64

  /// Calls that used a private key, successful ones.
  package var keyOperations: Int64 { lines.filter { UsageRecord.keyUses.contains($0.subject.operation) }.reduce(0) { $0 + $1.succeeded } }
  package var operationsPrice: PriceTable.Money { lines.reduce(0) { $0 + $1.price } }
  package var standingPrice: PriceTable.Money { standing.values.reduce(0, +) }
  package var total: PriceTable.Money { operationsPrice + standingPrice }
}

/// Adds logs up, line by line.
///
/// Memory: one entry for each combination of kind, key and identity, one for each request id, and one for each signature that was used again.
package struct CostTally: Sendable {
  private let prices: PriceTable
  private let from: Int64?
  private let until: Int64?
  private var lines: [CostReport.Line.Subject: [PriceTable.KeyClass: (succeeded: Int64, failed: Int64)]] = [:]
  private var keyClasses: [String: PriceTable.KeyClass] = [:]
  private var requests: Set<String> = []
  private var reuses: Set<Reuse> = []
  private var savedByBatch: [String: Int64] = [:]
  private var unreadable: Int64 = 0
  private var doubles: Int64 = 0
  private var first: Int64?
  private var last: Int64?

  private struct Reuse: Hashable {
    var second: Int64
    var kid: String
    var algorithm: String
    var signed: String
  }

  /// - Parameters:
  ///   - from: nanoseconds since the epoch, inclusive; nil: the beginning.
  ///   - until: exclusive.
  package init(prices: PriceTable, from: Int64? = nil, until: Int64? = nil) {
    self.prices = prices
    self.from = from
    self.until = until
  }

  package mutating func add(line: some Sequence<UInt8>) {
    guard let record = UsageRecord.parse(line) else {
      unreadable += 1
      return
    }
    add(record)
  }

  package mutating func add(_ record: UsageRecord) {
    switch record {
    case .other: return
    case .operation(let operation):
      guard isInside(operation.time) else { return }
      // The client's ledger and the service's log tell of the same request.
      if let id = operation.requestID, !requests.insert("\(operation.name) \(id)").inserted {
        doubles += 1
        return
      }
      let kind = keyClass(operation)
      let subject = CostReport.Line.Subject(
        service: operation.service, operation: operation.name, key: operation.key, identity: operation.identity)
      var counts = lines[subject, default: [:]][kind] ?? (0, 0)
      if operation.succeeded { counts.succeeded += 1 } else { counts.failed += 1 }
      lines[subject, default: [:]][kind] = counts
    case .reuse(let time, let kid, let algorithm, let signed):
      guard isInside(time) else { return }
      // Several documents of one job share one signature; they are placed within the same second or two.
      reuses.insert(Reuse(second: time / 2_000_000_000, kid: kid, algorithm: algorithm, signed: signed))
    case .batch(let time, let kid, _, let saved):
      guard isInside(time) else { return }
      savedByBatch[kid, default: 0] += saved
    }
  }

  private mutating func isInside(_ time: Int64) -> Bool {
    if let from, time < from { return false }
    if let until, time >= until { return false }
    first = min(first ?? time, time)
    last = max(last ?? time, time)
    return true
  }

  /// The kind of key behind an operation. Azure's log does not say the algorithm: what another record of the same key said counts.
  private mutating func keyClass(_ operation: UsageRecord.Operation) -> PriceTable.KeyClass {
    guard let key = operation.key else { return .other }
    guard let algorithm = operation.algorithm else { return keyClasses[key] ?? .other }
    // The length of an RSA key is in no log: 2048 is assumed, the lower price.
    let kind: PriceTable.KeyClass = algorithm.hasPrefix("ES") ? .advanced : .rsa2048
    keyClasses[key] = kind
    return kind
  }

  package func report() -> CostReport {
    var result: [CostReport.Line] = []
    var services: Set<UsageService> = []
    for (subject, counts) in lines {
      var line = CostReport.Line(subject: subject)
      services.insert(subject.service)
      for (kind, count) in counts {
        line.succeeded += count.succeeded
        line.failed += count.failed
        line.price += price(subject.service, kind, operations: count.succeeded + count.failed)
      }
      result.append(line)
    }
    result.sort { ($0.count, $1.subject.operation, $1.subject.identity, $1.subject.key ?? "") > ($1.count, $0.subject.operation, $0.subject.identity, $0.subject.key ?? "") }
    let begin = from ?? first
    let end = until ?? last
    var standing: [UsageService: PriceTable.Money] = [:]
    if let begin, let end, end > begin {
      // Started hours are whole hours, as they are billed.
      let hours = (end - begin + 3_599_999_999_999) / 3_600_000_000_000
      for service in services { standing[service] = (prices.services[service]?.perHour ?? 0) * hours }
    }
    let batch = savedByBatch.values.reduce(0, +)
    let cheapest = services.count == 1 ? services.first : nil
    let saved = Int64(reuses.count) + batch
    return CostReport(
      prices: prices, from: begin, until: end, lines: result, standing: standing, savedByCache: Int64(reuses.count), savedByBatch: batch,
      savedPrice: price(cheapest ?? .keyVault, .advanced, operations: saved), unreadable: unreadable, doubles: doubles)
  }

  /// Rounded up to a millionth.
  private func price(_ service: UsageService, _ kind: PriceTable.KeyClass, operations: Int64) -> PriceTable.Money {
    let per10k = prices.services[service]?.per10kOperations[kind] ?? 0
    return (operations * per10k + 9_999) / 10_000
  }
}

extension CostReport {
  package var json: JSONValue {
    [
      "schema": "hallmark.cost/v1", "from": from.map { .string(ISO8601.format(nanoseconds: $0)) } ?? .null,
      "until": until.map { .string(ISO8601.format(nanoseconds: $0)) } ?? .null, "currency": .string(prices.currency),
      "prices": ["asOf": .string(prices.asOf), "source": .string(prices.source)],
      "operations": .array(
        lines.map { line in
          [
            "service": .string(line.subject.service.rawValue), "operation": .string(line.subject.operation),
            "key": line.subject.key.map { .string($0) } ?? .null, "identity": .string(line.subject.identity), "succeeded": .integer(line.succeeded),
            "failed": .integer(line.failed), "price": .string(PriceTable.text(line.price)),
          ]
        }),
      "keyOperations": .integer(keyOperations),
      "standing": .array(
        standing.sorted { $0.key.rawValue < $1.key.rawValue }.map { ["service": .string($0.key.rawValue), "price": .string(PriceTable.text($0.value))] }),
      "saved": [
        "byCache": .integer(savedByCache), "byBatch": .integer(savedByBatch), "operations": .integer(savedByCache + savedByBatch),
        "price": .string(PriceTable.text(savedPrice)),
      ],
      "total": .string(PriceTable.text(total)), "unreadableLines": .integer(unreadable), "doubleRecords": .integer(doubles),
    ]
  }
}
