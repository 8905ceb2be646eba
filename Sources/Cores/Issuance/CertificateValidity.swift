package import Clocks
internal import Encodings
internal import SwiftASN1

/// From when until when a certificate holds, in whole seconds, both inclusive.
package struct CertificateValidity: Sendable, Hashable {
  package static let longestLeafDays = 3650
  package static let longestAuthorityDays = 10_950
  /// How far in the past a certificate begins, so that verifiers whose clocks are behind take it at once.
  package static let slackSeconds: Int64 = 300

  /// Seconds since the epoch.
  package let notBefore: Int64
  package let notAfter: Int64

  /// - Parameter days: from `now`; 1 to 3650 for a leaf, to 10950 for an authority.
  package init(from now: Instant, days: Int, authority: Bool = false) throws(IssuanceError) {
    let limit = authority ? Self.longestAuthorityDays : Self.longestLeafDays
    guard (1...limit).contains(days) else { throw .badValidity(why: "\(days) days where 1 to \(limit) are possible") }
    notBefore = now.seconds - Self.slackSeconds
    notAfter = now.seconds + Int64(days) * 86_400
  }

  init(notBefore: Int64, notAfter: Int64) {
    self.notBefore = notBefore
    self.notAfter = notAfter
  }

  /// RFC 5280 §4.1.2.5: UTCTime until 2049, GeneralizedTime after.
  static func append(_ seconds: Int64, to coder: inout DER.Serializer) throws {
    let text = ISO8601.format(seconds: seconds).utf8.split(whereSeparator: { $0 < 0x30 || $0 > 0x39 })
    let numbers = text.map { $0.reduce(0) { $0 * 10 + Int($1 - 0x30) } }
    guard numbers.count == 6 else { throw ASN1Error.invalidASN1Object(reason: "time") }
    if (1950..<2050).contains(numbers[0]) {
      try coder.serialize(
        UTCTime(year: numbers[0], month: numbers[1], day: numbers[2], hours: numbers[3], minutes: numbers[4], seconds: numbers[5]))
    } else {
      try coder.serialize(
        GeneralizedTime(
          year: numbers[0], month: numbers[1], day: numbers[2], hours: numbers[3], minutes: numbers[4], seconds: numbers[5], fractionalSeconds: 0))
    }
  }
}

/// What is to be said about a chain's remaining time.
package enum CertificateExpiry: Sendable, Hashable {
  case good
  /// Ends within the warning period.
  case soon(days: Int, subject: String)
  case expired(subject: String)

  /// - Parameter days: how long before the end to warn.
  package init(of chain: CertificateChain, at now: Instant, warnWithin days: Int = 30) {
    guard let first = chain.certificates.min(by: { $0.notAfter < $1.notAfter }) else {
      self = .good
      return
    }
    let left = first.notAfter - now.seconds
    if left < 0 {
      self = .expired(subject: first.subject)
    } else if left < Int64(days) * 86_400 {
      self = .soon(days: Int(left / 86_400), subject: first.subject)
    } else {
      self = .good
    }
  }

  /// One line for people, nil when there is nothing to say.
  package var warning: String? {
    switch self {
    case .good: nil
    case .soon(let days, let subject): "the certificate \"\(subject)\" expires in \(days) \(days == 1 ? "day" : "days"); renew it with: hallmark certs renew"
    case .expired(let subject): "the certificate \"\(subject)\" has expired; renew it with: hallmark certs renew"
    }
  }
}
