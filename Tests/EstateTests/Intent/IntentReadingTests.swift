import Clocks
import Encodings
import Testing

@testable import Estate

/// `hallmark.intent/v1`, read strictly (guard-formats §1).
@Suite struct IntentReadingTests {
  private static let schema = #""schema":"hallmark.intent/v1""#

  private func read(_ members: String) throws(DocumentError) -> IntentRegister { try IntentRegister(json: "{\(Self.schema)\(members)}".utf8) }

  private func entry(_ members: String) throws(DocumentError) -> IntentRegister.Entry {
    try read(#","identities":[{"name":"n","match":{"objectId":"o"},"purpose":"sign-only"\#(members)}]"#).identities[0]
  }

  @Test func everyMemberOfTheFormatIsRead() throws {
    let register = try read(
      #"""
      ,"identities":[{"name":"build-eu","match":{"objectId":"5f","clientId":"7c","armId":"/subscriptions/1","address":"module.ci.x.y","subject":"repo:a/b:*","issuer":"https://i","group":"9a"},
        "purpose":"sign-only","keys":["fw-sign"],"hours":{"timezone":"Europe/Berlin","days":"mon-fri","from":"08:00","to":"18:00"},"addresses":["198.51.100.0/24"]}],
      "signingKeys":{"names":["fw-sign","codesign-*"],"tags":{"purpose":["release","signing"]},"subjects":["CN=Northwind Release"]},
      "defaults":{"ciFederated":"sign-only","unlisted":"unclassified"},
      "revocations":[{"store":"nw-hsm","key":"fw-sign","version":"0a","at":"2026-11-01T12:00:00Z","reason":"compromised"}],
      "waivers":[{"rule":"HM-G3-PURGE-OFF","address":"azurerm_key_vault.dev","reason":"throw-away vault","expires":"2026-12-31","approvedBy":"a@x","proposedBy":"b@x"}]
      """#)
    let entry = register.identities[0]
    #expect(entry.purpose == .signOnly)
    #expect(entry.hours == Hours(timezone: "Europe/Berlin", days: [.mon, .tue, .wed, .thu, .fri], from: 480, to: 1080))
    #expect(entry.addresses?.first?.contains("198.51.100.77") == true)
    #expect(register.signingKeys.tags == ["purpose": ["release", "signing"]])
    #expect(register.revocations[0].at == Instant(seconds: 1_793_534_400))
    #expect(register.waivers[0].expiresAt == Instant(seconds: 1_798_761_600), "a date counts until the end of that day")
  }

  @Test func anEmptyRegisterHasTheDefaultsOfTheFormat() throws {
    let register = try read("")
    #expect(register.defaults == IntentRegister.Defaults(ciFederated: .signOnly, unlisted: .unclassified))
    #expect(register.identities.isEmpty)
  }

  @Test func numbersStandForTextsAsInYAML() throws {
    #expect(try read(#","revocations":[{"store":"s","key":12,"version":34,"at":"2026-11-01T12:00:00Z"}]"#).revocations[0].version == "34")
  }

  @Test func aWaiverThatLacksItsApproverIsReadSoThatItCanBeRefusedWhereItWouldCount() throws {
    let waiver = try read(#","waivers":[{"rule":"r","address":"a"}]"#).waivers[0]
    #expect(waiver.approvedBy == nil)
    #expect(waiver.expiresAt == nil)
  }

  @Test(arguments: [
    "", "{}", "[]", "null", #"{"schema":"hallmark.intent/v2"}"#, #"{"schema":1}"#, #"{"schema":"hallmark.intent/v1","identity":[]}"#,
    #"{"schema":"hallmark.intent/v1","schema":"hallmark.intent/v1"}"#,
  ])
  func aDocumentThatIsNoRegisterIsRefused(_ text: String) { #expect(throws: DocumentError.self) { try IntentRegister(json: text.utf8) } }

  @Test(arguments: [
    #""identities":{}"#, #""identities":[{"match":{"objectId":"o"},"purpose":"sign-only"}]"#, #""identities":[{"name":"n","purpose":"sign-only"}]"#,
    #""identities":[{"name":"n","match":{"objectId":"o"}}]"#, #""identities":[{"name":"n","match":{"objectId":"o"},"purpose":"signer"}]"#,
    #""identities":[{"name":"n","match":{"objectId":"o"},"purpose":"unclassified"}]"#, #""identities":[{"name":"n","match":{},"purpose":"sign-only"}]"#,
    #""identities":[{"name":"n","match":{"issuer":"https://i"},"purpose":"sign-only"}]"#,
    #""identities":[{"name":"n","match":{"issuer":"https://i","objectId":"o"},"purpose":"sign-only"}]"#,
    #""identities":[{"name":"n","match":{"subject":"*"},"purpose":"break-glass"}]"#, #""identities":[{"name":"n","match":{"name":"x"},"purpose":"sign-only"}]"#,
    #""identities":[{"name":"n","match":{"objectId":["o"]},"purpose":"sign-only"}]"#, #""identities":[{"name":"n","match":"o","purpose":"sign-only"}]"#,
    #""identities":[{"name":"n","match":{"objectId":"o"},"purpose":"auditor"},{"name":"n","match":{"objectId":"p"},"purpose":"auditor"}]"#,
    #""signingKeys":{"keys":[]}"#, #""signingKeys":{"tags":["purpose"]}"#, #""signingKeys":{"tags":{"purpose":[]}}"#, #""signingKeys":{"tags":{"purpose":{}}}"#,
    #""signingKeys":[]"#, #""defaults":{"ciFederated":"none"}"#, #""defaults":{"other":"sign-only"}"#,
    #""revocations":[{"store":"s","key":"k"}]"#, #""revocations":[{"key":"k","at":"2026-11-01T12:00:00Z"}]"#, #""revocations":[{"store":"s","key":"k","at":"2026-11-01"}]"#,
    #""revocations":[{"store":"s","key":"k","at":"2026-11-01T12:00:00Z","by":"x"}]"#,
    #""waivers":[{"rule":"r"}]"#, #""waivers":[{"address":"a"}]"#, #""waivers":[{"rule":"r","address":"a","expires":"31.12.2026"}]"#,
    #""waivers":[{"rule":"r","address":"a","expires":"2026-02-30"}]"#, #""waivers":[{"rule":"r","address":"a","until":"2026-12-31"}]"#, #""waivers":{}"#,
  ])
  func aRegisterThatBreaksTheFormatIsRefused(_ member: String) { #expect(throws: DocumentError.self) { try read(",\(member)") } }

  @Test(arguments: [
    #""keys":[]"#, #""keys":"fw-sign""#, #""hours":"always""#, #""hours":{"from":"08:00","to":"18:00"}"#, #""hours":{"timezone":"../etc/passwd","from":"08:00","to":"18:00"}"#,
    #""hours":{"timezone":"Europe/Berlin/","from":"08:00","to":"18:00"}"#, #""hours":{"timezone":"UTC","from":"8:00","to":"18:00"}"#,
    #""hours":{"timezone":"UTC","from":"08:00","to":"24:01"}"#, #""hours":{"timezone":"UTC","from":"08:00","to":"08:00"}"#,
    #""hours":{"timezone":"UTC","from":"24:00","to":"08:00"}"#, #""hours":{"timezone":"UTC","from":"08:60","to":"18:00"}"#,
    #""hours":{"timezone":"UTC","days":"monday","from":"08:00","to":"18:00"}"#, #""hours":{"timezone":"UTC","days":"mon-wed-fri","from":"08:00","to":"18:00"}"#,
    #""hours":{"timezone":"UTC","days":[],"from":"08:00","to":"18:00"}"#, #""hours":{"timezone":"UTC","days":"mon,","from":"08:00","to":"18:00"}"#,
    #""addresses":["198.51.100.0/33"]"#, #""addresses":["198.51.100/24"]"#, #""addresses":["2001:db8::/129"]"#, #""addresses":["everywhere"]"#,
    #""addresses":["198.51.100.0/+4"]"#, #""addresses":["1.2.3.4/"]"#, #""addresses":["01.2.3.4"]"#, #""addresses":["1::2::3"]"#, #""note":"x""#,
  ])
  func anEntryThatBreaksTheFormatIsRefused(_ member: String) { #expect(throws: DocumentError.self) { try entry(",\(member)") } }

  @Test(arguments: [
    (#""mon""#, "1"), (#""mon-fri""#, "12345"), (#""sat-tue""#, "1267"), (#""mon,wed , fri""#, "135"), (#"["mon","fri-sat"]"#, "156"), (#""Mon-Sun""#, "1234567"),
  ])
  func daysAreADayARangeOrAList(_ days: String, _ expected: String) throws {
    let hours = try entry(#","hours":{"timezone":"UTC","days":\#(days),"from":"08:00","to":"18:00"}"#).hours
    #expect(hours?.days.sorted().map { String($0.rawValue) }.joined() == expected)
  }

  @Test func hoursThatPassMidnightBelongToTheDayTheyBegin() {
    let hours = Hours(timezone: "UTC", days: [.mon], from: 22 * 60, to: 6 * 60)
    #expect(hours.contains(LocalTime(weekday: .mon, minute: 23 * 60)))
    #expect(hours.contains(LocalTime(weekday: .tue, minute: 5 * 60)))
    #expect(!hours.contains(LocalTime(weekday: .tue, minute: 6 * 60)))
    #expect(!hours.contains(LocalTime(weekday: .mon, minute: 5 * 60)))
    #expect(!hours.contains(LocalTime(weekday: .tue, minute: 23 * 60)))
  }

  @Test func theEndOfTheHoursIsOutside() {
    let hours = Hours(timezone: "UTC", days: [.mon], from: 480, to: 1080)
    #expect(hours.contains(LocalTime(weekday: .mon, minute: 480)))
    #expect(!hours.contains(LocalTime(weekday: .mon, minute: 1080)))
    #expect(!hours.contains(LocalTime(weekday: .sun, minute: 600)))
  }

  @Test(arguments: [
    ("198.51.100.0/24", "198.51.100.255"), ("198.51.100.9", "198.51.100.9"), ("0.0.0.0/0", "203.0.113.1"), ("198.51.100.128/25", "198.51.100.200"),
    ("2001:db8::/32", "2001:db8:1::1"), ("::1/128", "::1"), ("10.0.0.0/8", "::ffff:10.1.2.3"), ("10.0.0.0/8", "10.1.2.3:443"), ("2001:db8::/32", "[2001:db8::5]:443"),
    ("198.51.100.77/24", "198.51.100.1"),
  ])
  func anAddressInTheBlockIsFound(_ block: String, _ address: String) throws { #expect(try #require(AddressRange(block)).contains(address)) }

  @Test(arguments: [
    ("198.51.100.0/24", "198.51.101.1"), ("198.51.100.128/25", "198.51.100.127"), ("2001:db8::/32", "2001:db9::1"), ("0.0.0.0/0", "::1"), ("0.0.0.0/0", "nowhere"),
    ("0.0.0.0/0", ""), ("10.0.0.0/8", "10.0.0"),
  ])
  func anAddressOutsideTheBlockIsNotFound(_ block: String, _ address: String) throws { #expect(try !#require(AddressRange(block)).contains(address)) }

  @Test(arguments: [("10.0.0.5", true), ("172.31.255.1", true), ("172.32.0.1", false), ("192.168.1.1", true), ("198.51.100.1", false), ("fd00::1", true), ("2001:db8::1", false), ("100.64.1.1", true)])
  func privateAddressesAreThoseOfTheStandards(_ address: String, _ expected: Bool) { #expect(IPAddress.isPrivate(address) == expected) }
}
