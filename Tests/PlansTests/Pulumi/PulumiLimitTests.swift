import Plans
import Testing

@Suite struct PulumiLimitTests {
  static let unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

  @Test("Unknown at any depth, and within a longer text, is unknown", arguments: [
    (#"{"a":"\#(unknown)"}"#, ["a"]), (#"{"a":{"b":["\#(unknown)"]}}"#, ["a", "b", "0"]), (#"{"a":"/subscriptions/\#(unknown)/x"}"#, ["a"]), (#"{"a":[{"4dabf18193072939515e22adb298388d":"other"}]}"#, ["a", "0"]),
  ] as [(String, [String])])
  func unknowns(inputs: String, path: [String]) throws {
    let set = try PulumiPreviewTests.read(#"{"steps":[\#(PulumiPreviewTests.step("create", new: PulumiPreviewTests.state(inputs)))]}"#)
    var value = try #require(set.resources[0].after)
    for step in path { value = try #require(Int(step).map { value.list?[$0] } ?? value[step]) }
    #expect(value.unknown != nil)
  }

  @Test("Texts that only resemble the sentinel are texts", arguments: ["04da6b54-80e4-46f7-96ec-b56ff0331ba8", "04DA6B54-80E4-46F7-96EC-B56FF0331BA9", "04da6b54"])
  func near(text: String) throws {
    let set = try PulumiPreviewTests.read(#"{"steps":[\#(PulumiPreviewTests.step("create", new: PulumiPreviewTests.state(#"{"a":"\#(text)"}"#)))]}"#)
    #expect(set.resources[0].after?["a"] == .string(text))
  }

  @Test("A log of events is refused by name, with the command that gives a preview") func stream() {
    let log = #"{"sequence":0,"timestamp":1,"preludeEvent":{"config":{}}}"# + "\n" + #"{"sequence":1,"timestamp":1,"resourcePreEvent":{"metadata":{"op":"create"}}}"# + "\n"
    #expect(throws: TemplateError.wrongDocument(.input, found: .pulumiStream)) { try PlanFormat.recognise(Array(log.utf8)) }
  }

  @Test("A summary of many words is counted once") func summary() throws {
    let summary = (0..<50_000).map { "\"op\($0)\":1" }.joined(separator: ",")
    let steps = Array(repeating: #"{"op":"same","urn":"u"}"#, count: 20_000).joined(separator: ",")
    let set = try PulumiPreviewTests.read(#"{"steps":[\#(steps)],"changeSummary":{\#(summary)}}"#)
    #expect(set.resources.count == 1 && !set.incomplete.isEmpty)
  }

  @Test("A hundred thousand levels are refused", arguments: ["[", #"{"a":"#])
  func deep(open: String) { #expect(throws: TemplateError.self) { try PulumiPreviewTests.read(#"{"steps":\#(String(repeating: open, count: 100_000))"#) } }

  @Test("A step that pends, or that is none, makes no change", arguments: ["remove-pending-replace"])
  func pending(op: String) throws { #expect(try PulumiPreviewTests.read(#"{"steps":[{"op":"\#(op)","urn":"u"}]}"#).resources.isEmpty) }
}
