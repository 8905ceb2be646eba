import Encodings
import Estate
import Testing

@Suite struct AzurePageTests {
  private let origin = "https://arm.example:8443"
  private func parse(_ text: String) throws -> AzurePage { try AzurePage.parse(Array(text.utf8), origin: origin) }

  @Test(arguments: ["nextLink", "@odata.nextLink"]) func theNextPageIsFollowedOnItsOwnHost(name: String) throws {
    #expect(try parse(#"{"value":[1,2],"\#(name)":"https://ARM.example:8443/x?$skiptoken=2"}"#).next == "https://ARM.example:8443/x?$skiptoken=2")
  }

  @Test(arguments: [
    "https://evil.example/x", "http://arm.example:8443/x", "https://arm.example/x", "https://arm.example:8443.evil.example/x", "https://arm.example:8443@evil.example/x",
    "//arm.example:8443/x", "https://arm.example:8443\\\\@evil.example", "/x",
  ]) func aLinkElsewhereIsNot(link: String) { #expect(throws: AzurePageError.foreignLink) { try parse(#"{"value":[],"nextLink":"\#(link)"}"#) } }

  @Test(arguments: [#"{"value":[]}"#, #"{"value":[],"nextLink":null}"#, #"{"value":[],"nextLink":""}"#]) func theLastPageHasNone(text: String) throws { #expect(try parse(text).next == nil) }

  @Test(arguments: ["", "[]", "{}", #"{"value":{}}"#, #"{"value":[],"value":[]}"#, #"{"value":[],"nextLink":1}"#]) func whatIsNoPageIsRefused(text: String) {
    #expect(throws: AzurePageError.self) { try parse(text) }
  }

  @Test func theOwnPortMayBeWrittenOut() { #expect(AzurePage.isUnder("https://a.example:443/x", origin: "https://a.example")) }

  @Test func aGraphThatIsCutShortSaysSo() throws {
    func page(_ text: String) throws -> ResourceGraphPage { try ResourceGraphPage.parse(Array(text.utf8)) }
    #expect(try page(#"{"data":[],"resultTruncated":"true"}"#).isTruncated)
    #expect(try !page(#"{"data":[],"resultTruncated":"true","$skipToken":"t"}"#).isTruncated)
    #expect(try !page(#"{"data":[],"resultTruncated":"false"}"#).isTruncated)
    #expect(throws: AzurePageError.self) { try page(#"{"data":{"columns":[],"rows":[]}}"#) }
  }
}
