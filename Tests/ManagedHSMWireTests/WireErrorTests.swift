import Encodings
import ManagedHSMWire
import Testing

@Suite("Error bodies")
struct WireErrorTests {
  static let activity = "b1f8ad6e-0c1f-11f1-8de9-0242ac120002"

  private func parsed(_ error: WireError) throws -> JSONObject {
    let body = try JSONValue.parse(error.body(activity: Self.activity))
    #expect(body.object?.names == ["error"])
    return try #require(body["error"]?.object)
  }

  @Test("An error is compact JSON of a code and a message that ends in the Activity ID, and nothing else")
  func shape() throws {
    let error = WireError.keyNotFound("https://hsm.managedhsm.example/keys/n")
    #expect(
      String(decoding: error.body(activity: Self.activity), as: UTF8.self)
        == #"{"error":{"code":"KeyNotFound","message":"Key not found: https://hsm.managedhsm.example/keys/n (Activity ID: \#(Self.activity))"}}"#)
    #expect(try parsed(error).names == ["code", "message"])
    #expect(error.status == 404)
  }

  @Test("A refusal names the data action and the scope in the live service's words")
  func accessDenied() throws {
    // Azure/azure-cli#32719 quotes the live service.
    let error = WireError.accessDenied(action: "Microsoft.KeyVault/managedHsm/roleAssignments/read/action", scope: "/")
    #expect(error.status == 403)
    let object = try parsed(error)
    #expect(object["code"]?.string == "AccessDenied")
    #expect(
      object["message"]?.string
        == "Not authorized to access Microsoft.KeyVault/managedHsm/roleAssignments/read/action on / (Activity ID: \(Self.activity))")
  }

  @Test("A 409 carries the inner code that clients look at")
  func inner() throws {
    let object = try parsed(WireError(409, "Conflict", "m", inner: "ObjectIsDeletedButRecoverable"))
    #expect(object["innererror"]?["code"]?.string == "ObjectIsDeletedButRecoverable")
    #expect(object["code"]?.string == "Conflict")
  }

  @Test("Whatever a message quotes, the body stays one JSON text with that message")
  func hostile() throws {
    for text in ["\"", "\\", "\n\r\t\u{0}\u{1F}", "</script>", "\u{2028}\u{FEFF}", "\"}}{\"error\":{", "🔑é", String(repeating: "\"", count: 5000)] {
      let object = try parsed(.badParameter(text))
      #expect(object["message"]?.string == "\(text) (Activity ID: \(Self.activity))")
      #expect(object["code"]?.string == "BadParameter")
    }
  }

  @Test("An oversized body is answered with the limit in the message")
  func tooLarge() throws {
    let error = WireError.tooLarge(limit: 1_048_576)
    #expect(error.status == 413)
    #expect(try parsed(error)["message"]?.string?.contains("1048576 bytes") == true)
  }
}
