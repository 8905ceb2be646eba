import Encodings
import Testing

struct PEMTests {
  @Test("Several blocks with text and carriage returns around them are read in order")
  func several() throws {
    let text = "subject=x\r\n-----BEGIN CERTIFICATE-----\r\nZm9v\r\nYmFy\r\n-----END CERTIFICATE-----\n\n" + PEM.encode([1, 2], label: "PRIVATE KEY")
    #expect(try PEM.parse(text) == [.init(label: "CERTIFICATE", bytes: Array("foobar".utf8)), .init(label: "PRIVATE KEY", bytes: [1, 2])])
  }

  @Test("Lines are 64 characters wide and the text reads back")
  func wide() throws {
    let bytes = [UInt8](repeating: 7, count: 100)
    let text = PEM.encode(bytes, label: "X")
    #expect(text.split(separator: "\n").map(\.count) == [17, 64, 64, 8, 15])
    #expect(try PEM.parse(text).first?.bytes == bytes)
  }

  @Test(
    "Broken armour is refused",
    arguments: [
      "-----BEGIN A-----\nZm9v\n", "-----END A-----\n", "-----BEGIN A-----\n-----END B-----\n",
      "-----BEGIN A-----\n-----BEGIN A-----\n-----END A-----\n", "-----BEGIN A-----\nZm9\n-----END A-----\n",
      "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nZm9v\n-----END A-----\n", "-----BEGIN A-----\nZm 9v\n-----END A-----\n",
    ])
  func broken(text: String) {
    #expect(throws: EncodingError.self) { try PEM.parse(text) }
  }

  @Test("Size and number of blocks are bounded")
  func bounded() {
    let block = PEM.encode([1], label: "A")
    #expect(throws: EncodingError.tooLong(limit: 10)) { try PEM.parse(block, maxBytes: 10) }
    #expect(throws: EncodingError.self) { try PEM.parse(block + block, maxBlocks: 1) }
    #expect(throws: Never.self) { try PEM.parse(block, maxBlocks: 1) }
  }
}
