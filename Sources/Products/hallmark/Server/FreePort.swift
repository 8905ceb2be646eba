#if canImport(Glibc)
  import Glibc
#endif

/// Finds a TCP port of loopback that nobody listens on. Another process may take it before its asker does; binding then says so.
enum FreePort {
  struct None: Error, CustomStringConvertible {
    var description: String { "no free TCP port could be found on 127.0.0.1" }
  }

  static func find() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw None() }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0 }
    }
    guard bound, address.sin_port != 0 else { throw None() }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}
