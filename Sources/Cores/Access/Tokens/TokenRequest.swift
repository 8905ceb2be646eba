/// The fields of a token or device-authorization request, as the form brought them.
package struct TokenRequest: Sendable {
  package enum Grant: Sendable, Equatable {
    case clientCredentials
    case deviceCode
    case refreshToken
    case other(String)
  }

  package var grant: Grant?
  package var clientID: String?
  /// `scope`, or the v1 form's `resource`.
  package var scope: String?
  package var resource: String?
  package var assertionType: String?
  package var assertion: String?
  package var hasSecret = false
  package var deviceCode: String?
  package var refreshToken: String?
  package var wantsClientInfo = false

  package static let maxBytes = 64 << 10
  package static let jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

  /// Reads `application/x-www-form-urlencoded` (WHATWG URL §5.1): at most 64 KiB and 64 fields, each field once, UTF-8.
  ///
  /// Unknown fields are ignored (RFC 6749 §3.2). The entry for fuzzing.
  package static func parse(form bytes: [UInt8]) throws(OAuthError) -> TokenRequest {
    guard bytes.count <= maxBytes else { throw .malformedRequest("longer than \(maxBytes) bytes") }
    var seen: Set<String> = []
    var request = TokenRequest()
    for field in bytes.split(separator: UInt8(ascii: "&")) {
      guard seen.count < 64 else { throw .malformedRequest("more than 64 fields") }
      let parts = field.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      let name = try text(parts[0])
      let value = parts.count == 2 ? try text(parts[1]) : ""
      guard seen.insert(name).inserted else { throw .malformedRequest("a field appears twice") }
      guard !value.isEmpty else { continue }
      switch name {
      case "grant_type":
        request.grant =
          switch value {
          case "client_credentials": .clientCredentials
          case "urn:ietf:params:oauth:grant-type:device_code", "device_code": .deviceCode
          case "refresh_token": .refreshToken
          default: .other(String(value.prefix(64)))
          }
      case "client_id": request.clientID = value
      case "scope": request.scope = value
      case "resource": request.resource = value
      case "client_assertion_type": request.assertionType = value
      case "client_assertion": request.assertion = value
      case "client_secret": request.hasSecret = true
      case "device_code": request.deviceCode = value
      // The v1 endpoint's name for it; newer clients send both.
      case "code": if request.deviceCode == nil { request.deviceCode = value }
      case "refresh_token": request.refreshToken = value
      case "client_info": request.wantsClientInfo = value == "1"
      default: break
      }
    }
    return request
  }

  private static func text(_ bytes: ArraySlice<UInt8>) throws(OAuthError) -> String {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
      switch bytes[index] {
      case UInt8(ascii: "+"): decoded.append(0x20)
      case UInt8(ascii: "%"):
        guard index + 2 < bytes.endIndex, let high = digit(bytes[index + 1]), let low = digit(bytes[index + 2]) else {
          throw .malformedRequest("a percent escape is broken")
        }
        decoded.append(high << 4 | low)
        index += 2
      case let byte: decoded.append(byte)
      }
      index += 1
    }
    guard let text = String(validating: decoded, as: UTF8.self) else { throw .malformedRequest("a field is not UTF-8") }
    return text
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}
