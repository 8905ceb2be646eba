import NIOCore
import NIOHTTP1

/// A reply as the bytes of an HTTP/1.1 message (RFC 9112), in one buffer: one write, one TLS record.
enum ReplyBytes {
  static func encoded(_ reply: WireReply, withBody: Bool, version: HTTPVersion, keepAlive: Bool, allocator: ByteBufferAllocator) -> ByteBuffer {
    var size = 96 + reply.body.count
    for (name, value) in reply.headers { size += name.utf8.count + value.utf8.count + 4 }
    var buffer = allocator.buffer(capacity: size)
    let status = HTTPResponseStatus(statusCode: reply.status)
    buffer.writeStaticString(version.minor == 0 ? "HTTP/1.0 " : "HTTP/1.1 ")
    buffer.writeString(String(status.code))
    buffer.writeStaticString(" ")
    buffer.writeString(status.reasonPhrase)
    buffer.writeStaticString("\r\n")
    for (name, value) in reply.headers {
      // A line break in a value would end the head early. None of ours has one; if one ever did, the header is dropped, not split.
      guard !value.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A }) else { continue }
      buffer.writeString(name)
      buffer.writeStaticString(": ")
      buffer.writeString(value)
      buffer.writeStaticString("\r\n")
    }
    buffer.writeStaticString("Content-Length: ")
    buffer.writeString(String(reply.body.count))
    if !keepAlive {
      buffer.writeStaticString("\r\nConnection: close")
    } else if version.minor == 0 {
      buffer.writeStaticString("\r\nConnection: keep-alive")
    }
    buffer.writeStaticString("\r\n\r\n")
    if withBody { buffer.writeBytes(reply.body) }
    return buffer
  }
}
