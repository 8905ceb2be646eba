import DiagnosticLogs
import Encodings
import Testing

@Suite struct BlobListTests {
  private func parse(_ text: String) throws -> BlobList { try BlobList.parse(Array(text.utf8)) }
  private let blob =
    "<Blob><Name>resourceId=/A &amp; B/PT1H.json</Name><Properties><Etag>0x8D</Etag><Content-Length>10</Content-Length><BlobType>AppendBlob</BlobType></Properties><OrMetadata /></Blob>"

  @Test func aPageIsRead() throws {
    let page = try parse("\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://x/\"><Blobs>\(blob)\(blob)</Blobs><NextMarker>m&#x31;</NextMarker></EnumerationResults>")
    #expect(page.blobs.count == 2)
    #expect(page.blobs[0] == ListedBlob(name: "resourceId=/A & B/PT1H.json", length: 10, etag: "0x8D", lastModified: nil, type: "AppendBlob"))
    #expect(page.nextMarker == "m1")
  }

  @Test func theLastPageHasNoMarker() throws {
    for end in ["<NextMarker />", "<NextMarker></NextMarker>", ""] { #expect(try parse("<EnumerationResults><Blobs/>\(end)</EnumerationResults>\n").nextMarker == nil) }
  }

  @Test func namesElsewhereAreNotBlobs() throws {
    #expect(try parse("<EnumerationResults><Name>x</Name><BlobPrefix><Name>y</Name></BlobPrefix><Blobs></Blobs></EnumerationResults>").blobs.isEmpty)
  }

  @Test(arguments: [
    "", "<a/>", "<EnumerationResults>", "<EnumerationResults></Enumeration>", "<EnumerationResults/><x/>", "<!DOCTYPE a [<!ENTITY b \"c\">]><EnumerationResults/>",
    "<EnumerationResults>&b;</EnumerationResults>", "<EnumerationResults>&#0;</EnumerationResults>", "<EnumerationResults><Blobs><Blob></Blob></Blobs></EnumerationResults>",
    "<EnumerationResults><Blobs><Blob><Name>a</Name><Properties><Content-Length>-1</Content-Length></Properties></Blob></Blobs></EnumerationResults>",
    "<EnumerationResults><![CDATA[x]]></EnumerationResults>", "<EnumerationResults a=\"<\"/", "text",
  ]) func whatIsNoListingIsRefused(text: String) { #expect(throws: BlobListError.self) { try parse(text) } }

  @Test func depthIsBounded() {
    let text = "<EnumerationResults>" + String(repeating: "<a>", count: 100)
    #expect(throws: BlobListError.tooDeep(limit: 16)) { try parse(text) }
  }
}

@Suite struct LogTableTests {
  private func parse(_ text: String) throws -> LogTable { try LogTable.parse(Array(text.utf8)) }

  @Test func dynamicColumnsAreReadAsJSON() throws {
    let table = try parse(#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"A","type":"string"},{"name":"I","type":"dynamic"},{"name":"N","type":"int"}],"rows":[["x","{\"oid\":\"o\"}",null]]}]}"#)
    #expect(table.rows == [["A": "x", "I": ["oid": "o"]]])
    #expect(table.incomplete == nil)
  }

  @Test func anErrorBesideTheRowsMakesThemIncomplete() throws {
    let table = try parse(#"{"tables":[{"name":"PrimaryResult","columns":[],"rows":[]}],"error":{"code":"PartialError","message":"m"}}"#)
    #expect(table.incomplete == "PartialError: m")
  }

  @Test(arguments: [
    "", "{}", #"{"tables":{}}"#, #"{"tables":[{"name":"PrimaryResult","columns":[{"name":"A"}],"rows":[[]]}]}"#,
    #"{"tables":[{"name":"PrimaryResult","columns":[{"name":"A"},{"name":"A"}],"rows":[]}]}"#, #"{"tables":[{"name":"PrimaryResult","columns":[{"name":"A"}],"rows":[1]}]}"#,
  ]) func whatIsNoAnswerIsRefused(text: String) { #expect(throws: LogTableError.self) { try parse(text) } }
}
