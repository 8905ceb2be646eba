import Clocks
import Testing

@testable import Access

@Suite("Device sign-in as a list of events")
struct DeviceCodesTests {
  static let az = ApplicationID("04b07795-8ddb-461a-bbee-02f9e1bf7b46")!
  static let other = ApplicationID("1950a258-227b-4e31-a9cf-717495945fc2")!

  enum Event: Sendable {
    case wait(Int64)
    case confirm(String)
    case deny(String)
    case poll(ApplicationID)
  }

  enum Answer: Sendable, Equatable {
    case decided(Bool)
    case poll(DeviceCodes.Poll)
  }

  static let signedIn = Answer.poll(.signedIn(World.alice, scope: "s"))

  static let stories: [(name: String, events: [Event], answers: [Answer])] = [
    ("confirmed", [.poll(az), .wait(5), .confirm("AAA-BBB-CCC"), .poll(az)], [.poll(.pending), .decided(true), signedIn]),
    ("used once", [.confirm("AAA-BBB-CCC"), .poll(az), .poll(az)], [.decided(true), signedIn, .poll(.unknown)]),
    ("denied", [.deny("AAA-BBB-CCC"), .poll(az), .poll(az)], [.decided(true), .poll(.denied), .poll(.unknown)]),
    ("decided once", [.deny("AAA-BBB-CCC"), .confirm("AAA-BBB-CCC"), .poll(az)], [.decided(true), .decided(false), .poll(.denied)]),
    ("wrong code", [.confirm("AAA-BBB-CCD"), .poll(az)], [.decided(false), .poll(.pending)]),
    ("too fast", [.poll(az), .poll(az), .wait(9), .poll(az), .wait(15), .poll(az)],
     [.poll(.pending), .poll(.slowDown), .poll(.slowDown), .poll(.pending)]),
    ("the client's own interval is not too fast", [.poll(az), .wait(5), .poll(az), .wait(5), .poll(az)],
     [.poll(.pending), .poll(.pending), .poll(.pending)]),
    ("expired", [.wait(900), .poll(az), .poll(az)], [.poll(.expired), .poll(.unknown)]),
    ("confirmed too late", [.wait(900), .confirm("AAA-BBB-CCC"), .poll(az)], [.decided(false), .poll(.expired)]),
    ("fetched too late", [.confirm("AAA-BBB-CCC"), .wait(900), .poll(az)], [.decided(true), .poll(.expired)]),
    ("another client", [.confirm("AAA-BBB-CCC"), .poll(other), .poll(az)], [.decided(true), .poll(.unknown), signedIn]),
  ]

  @Test("Each story ends as it must", arguments: stories.indices)
  func story(_ index: Int) {
    let (name, events, answers) = Self.stories[index]
    var machine = DeviceCodes()
    var now = Instant(seconds: 1_000)
    let code = TokenDigest("code")
    let started = machine.start(code, userCode: "AAA-BBB-CCC", client: Self.az, scope: "s", now: now, lifetime: 900, interval: 5)
    #expect(started)
    var seen: [Answer] = []
    for event in events {
      switch event {
      case .wait(let seconds): now = now.advanced(bySeconds: seconds)
      case .confirm(let code): seen.append(.decided(machine.decide(code, .confirmed(World.alice), now: now)))
      case .deny(let code): seen.append(.decided(machine.decide(code, .denied, now: now)))
      case .poll(let client): seen.append(.poll(machine.poll(code, client: client, now: now)))
      }
    }
    #expect(seen == answers, "\(name)")
  }

  @Test("There are eleven stories")
  func count() { #expect(Self.stories.count == 11) }

  @Test("Sign-ins under way are bounded, and old ones make room")
  func bounded() {
    var machine = DeviceCodes()
    let now = Instant(seconds: 1_000)
    func start(_ index: Int, _ now: Instant) -> Bool {
      machine.start(TokenDigest("\(index)"), userCode: "\(index)", client: Self.az, scope: "s", now: now, lifetime: 900, interval: 5)
    }
    for index in 0..<DeviceCodes.capacity { #expect(start(index, now)) }
    #expect(!start(-1, now))
    #expect(start(-1, now.advanced(bySeconds: 1_200)))
  }

  @Test("User codes are nine letters in three groups, and are read however they are typed")
  func userCodes() {
    let codes = Set((0..<1_000).map { _ in DeviceCodes.userCode(.system) })
    #expect(codes.count == 1_000)
    #expect(codes.allSatisfy { $0.wholeMatch(of: /[B-DF-HJ-NP-TV-XZ]{3}-[B-DF-HJ-NP-TV-XZ]{3}-[B-DF-HJ-NP-TV-XZ]{3}/) != nil })
    #expect(DeviceCodes.canonical("bcd fgh-jkl") == "BCD-FGH-JKL")
    for typed in ["", "BCD", "BCDFGHJKLM", String(repeating: "B", count: 100)] { #expect(DeviceCodes.canonical(typed) == nil) }
  }
}
