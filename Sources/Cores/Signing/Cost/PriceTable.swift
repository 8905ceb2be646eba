package import Encodings

/// What operations and hours cost (`hallmark.prices/v1`), as data that names its date and source. Money is in millionths of the currency.
package struct PriceTable: Sendable, Hashable {
  package static let schema = "hallmark.prices/v1"
  package static let maxBytes = 1 << 20

  /// The kinds of key a price list distinguishes.
  package enum KeyClass: String, Sendable, Hashable, CaseIterable {
    /// RSA with 2048 bits.
    case rsa2048
    /// RSA with 3072 or 4096 bits, and elliptic curves.
    case advanced
    /// No key, or a log that does not say which kind.
    case other
  }

  package struct Service: Sendable, Hashable {
    /// For the time the service exists, whatever it does.
    package var perHour: Money
    package var per10kOperations: [KeyClass: Money]
  }

  /// Millionths of the currency.
  package typealias Money = Int64

  package var currency: String
  /// The day these prices were written down, `2026-03-02`.
  package var asOf: String
  /// Where from, for people.
  package var source: String
  package var services: [UsageService: Service]

  /// Prices to begin with. They change and differ by region and agreement: give your own for anything that is booked.
  package static let standard = PriceTable(
    currency: "USD", asOf: "2025-06-01",
    source:
      "Azure's public list (azure.microsoft.com/pricing/details/key-vault), written down by hand and not fetched; monthly fees per key are not in it; ours costs what your machine costs",
    services: [
      .managedHSM: Service(perHour: 3_200_000, per10kOperations: [.rsa2048: 0, .advanced: 0, .other: 0]),
      .keyVault: Service(perHour: 0, per10kOperations: [.rsa2048: 30_000, .advanced: 150_000, .other: 30_000]),
      .hallmark: Service(perHour: 0, per10kOperations: [.rsa2048: 0, .advanced: 0, .other: 0]),
    ])

  /// Reads a table after JSON or YAML became a tree; numbers may be texts. Unknown members are errors; services that are missing keep their
  /// standard prices.
  package static func parse(_ value: JSONValue) throws(PriceError) -> PriceTable {
    guard let object = value.object else { throw PriceError("the whole", "a mapping") }
    if let unknown = object.firstName(notIn: ["schema", "currency", "asOf", "source", "services"]) { throw PriceError(unknown: unknown) }
    guard object["schema"]?.string == schema else { throw PriceError("schema", schema) }
    guard let currency = object["currency"]?.string, currency.utf8.count == 3, currency.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
      throw PriceError("currency", "three capital letters")
    }
    guard let asOf = object["asOf"]?.string, (try? ISO8601.parse("\(asOf)T00:00:00Z")) != nil else { throw PriceError("asOf", "a day such as 2026-03-02") }
    guard let source = object["source"]?.string, (1...1024).contains(source.utf8.count) else { throw PriceError("source", "where the prices come from") }
    var table = PriceTable(currency: currency, asOf: asOf, source: source, services: standard.services)
    guard let services = object["services"]?.object else { throw PriceError("services", "a mapping") }
    for member in services.members {
      guard let service = UsageService(rawValue: member.name) else { throw PriceError(unknown: "services.\(member.name.prefix(60))") }
      table.services[service] = try self.service(member.value, "services.\(member.name)")
    }
    return table
  }

  private static func service(_ value: JSONValue, _ path: String) throws(PriceError) -> Service {
    guard let object = value.object else { throw PriceError(path, "a mapping") }
    if let unknown = object.firstName(notIn: ["perHour", "per10kOperations"]) { throw PriceError(unknown: "\(path).\(unknown.prefix(60))") }
    var service = Service(perHour: 0, per10kOperations: [:])
    if let price = object["perHour"] { service.perHour = try money(price, "\(path).perHour") }
    if let list = object["per10kOperations"] {
      guard let list = list.object else { throw PriceError("\(path).per10kOperations", "a mapping of kinds of key") }
      for member in list.members {
        guard let kind = KeyClass(rawValue: member.name) else { throw PriceError(unknown: "\(path).per10kOperations.\(member.name.prefix(60))") }
        service.per10kOperations[kind] = try money(member.value, "\(path).per10kOperations.\(member.name)")
      }
    }
    return service
  }

  /// A decimal number with at most six places, not negative, below a million.
  static func money(_ value: JSONValue, _ path: String) throws(PriceError) -> Money {
    let wanted = "an amount such as 3.20, not negative, with at most six decimal places"
    guard let text = value.string ?? value.number?.text, text.utf8.count <= 14 else { throw PriceError(path, wanted) }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }), parts[0].utf8.count <= 6,
      let whole = Int64(parts[0]), parts.count == 1 || parts[1].utf8.count <= 6
    else { throw PriceError(path, wanted) }
    guard parts.count == 2 else { return whole * 1_000_000 }
    let places = String(parts[1]) + String(repeating: "0", count: 6 - parts[1].utf8.count)
    guard let fraction = Int64(places) else { throw PriceError(path, wanted) }
    return whole * 1_000_000 + fraction
  }

  /// `3.20`, `0.000015`: at least two places, no trailing zeros beyond.
  package static func text(_ money: Money) -> String {
    var places = String(money % 1_000_000)
    places = String(repeating: "0", count: 6 - places.utf8.count) + places
    while places.utf8.count > 2, places.hasSuffix("0") { places.removeLast() }
    return "\(money / 1_000_000).\(places)"
  }
}

/// Why a price table cannot be used.
package struct PriceError: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String
  init(_ path: String, _ wanted: String) { description = "price table: \(path): \(wanted) expected" }
  init(unknown path: String) { description = "price table: \(path.prefix(120)) is not known" }
}
