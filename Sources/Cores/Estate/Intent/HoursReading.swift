internal import Encodings

extension Hours {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(value, document: IntentRegister.document, path: path, known: ["timezone", "days", "from", "to"])
    let timezone = try object.requiredText("timezone")
    guard Self.isZoneName(timezone) else { throw object.fail("timezone", .wanted("an IANA name such as Europe/Berlin")) }
    let from = try Self.minute(object, "from")
    let to = try Self.minute(object, "to")
    guard from < 1440, from != to else { throw object.fail("to", .wanted("a time other than from")) }
    self.init(timezone: timezone, days: try Self.days(object), from: from, to: to)
  }

  /// The grammar of IANA names: parts of letters, digits, `_`, `-`, `+`, at most three, no dots. Whether the zone exists is for the reader
  /// of its rules to say.
  private static func isZoneName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return (1...3).contains(parts.count)
      && parts.allSatisfy { part in
        guard let first = part.utf8.first, first | 0x20 >= 0x61, first | 0x20 <= 0x7A, part.utf8.count <= 32 else { return false }
        return part.utf8.allSatisfy { byte in
          byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
        }
      }
  }

  /// `08:00`; `24:00` is the end of the day.
  private static func minute(_ object: StrictObject, _ name: String) throws(DocumentError) -> Int {
    let text = try object.requiredText(name)
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { $0 &- 0x30 < 10 } }),
      let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour < 24 || (hour == 24 && minute == 0)
    else { throw object.fail(name, .wanted("a time of day such as \"08:00\"")) }
    return hour * 60 + minute
  }

  /// `mon`, `mon-fri`, `fri-mon`, `mon,wed`, or an array of these; every day when absent.
  private static func days(_ object: StrictObject) throws(DocumentError) -> Set<Weekday> {
    guard let value = object.value("days") else { return Set(Weekday.allCases) }
    var texts: [String] = []
    if let array = value.array {
      guard array.count <= 14 else { throw object.fail("days", .tooMany(limit: 14)) }
      for element in array { texts.append(try StrictObject.text(element, object.document, object.at("days"))) }
    } else {
      texts = [try object.requiredText("days")]
    }
    var result: Set<Weekday> = []
    for text in texts.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
      let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
      guard (1...2).contains(ends.count), let first = Weekday(word: ends[0]), let last = Weekday(word: ends[ends.count - 1]) else {
        throw object.fail("days", .wanted("days from mon to sun, a range such as mon-fri or a list"))
      }
      var day = first
      result.insert(day)
      while day != last, let next = Weekday(rawValue: day.rawValue % 7 + 1) {
        day = next
        result.insert(day)
      }
    }
    guard !result.isEmpty else { throw object.fail("days", .wanted("at least one day")) }
    return result
  }
}
