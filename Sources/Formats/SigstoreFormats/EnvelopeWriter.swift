internal import Encodings

extension Envelope {
  /// The envelope alone, as cosign stores it in `.att` layers: members in its order, standard base64.
  package func serialized() -> [UInt8] {
    var output: [UInt8] = []
    append(to: &output, keyIDAlways: true)
    return output
  }

  /// Appends the JSON text without making a string of the payload.
  func append(to output: inout [UInt8], keyIDAlways: Bool) {
    output.reserveCapacity(output.count + payload.count / 3 * 4 + signature.count * 2 + 512)
    if keyIDAlways {
      output += "{\"payloadType\":".utf8
      JSONText.appendString(payloadType, to: &output)
      output += ",\"payload\":\"".utf8
      appendPayload(to: &output)
      output += "\",\"signatures\":[{\"keyid\":".utf8
      JSONText.appendString(keyID ?? "", to: &output)
      output += ",\"sig\":\"".utf8
      Base64.append(signature, to: &output)
      output += "\"}]}".utf8
    } else {
      output += "{\"payload\":\"".utf8
      appendPayload(to: &output)
      output += "\",\"payloadType\":".utf8
      JSONText.appendString(payloadType, to: &output)
      output += ",\"signatures\":[{\"sig\":\"".utf8
      Base64.append(signature, to: &output)
      output += "\"".utf8
      if let keyID {
        output += ",\"keyid\":".utf8
        JSONText.appendString(keyID, to: &output)
      }
      output += "}]}".utf8
    }
  }

  /// In pieces of a multiple of three bytes, so that no second copy of a large payload exists.
  private func appendPayload(to output: inout [UInt8]) {
    let piece = 3 << 16
    var start = 0
    while start < payload.count {
      let end = min(start + piece, payload.count)
      Base64.append(payload[start..<end], to: &output)
      start = end
    }
  }
}
