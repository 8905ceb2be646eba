import Outbound
import Testing

@Suite struct BlobCursorTests {
  private func take(_ text: String, total: Int? = nil, from offset: Int64 = 0) -> (taken: String, offset: Int64) {
    var cursor = BlobCursor(offset: offset)
    let bytes = cursor.take(.init(bytes: Array(text.utf8), etag: "e", total: Int64(total ?? text.utf8.count) + offset))
    return (String(decoding: bytes, as: UTF8.self), cursor.offset)
  }

  @Test func wholeLinesAreTakenAndACutOneIsLeft() {
    #expect(take("{\"a\":1}\n{\"b\":2}\n{\"c") == ("{\"a\":1}\n{\"b\":2}\n", 16))
    #expect(take("{\"c", from: 16) == ("", 16))
  }

  @Test func aWholeObjectAtTheEndIsTakenWithoutItsLineEnd() { #expect(take("{\"a\":1}\n{\"b\":2}").taken == "{\"a\":1}\n{\"b\":2}") }

  @Test func butNotWhenMoreOfTheBlobFollows() { #expect(take("{\"a\":1}\n{\"b\":2}", total: 100).taken == "{\"a\":1}\n") }

  @Test func anArrayIsTakenOnlyWhenItIsWhole() {
    #expect(take("[{\"a\":1},").taken == "")
    #expect(take("{\"records\":[{\"a\":1}]}").taken == "{\"records\":[{\"a\":1}]}")
  }

  @Test func nothingIsTakenFromNothing() { #expect(take("") == ("", 0)) }
}
