package import Encodings

/// Attributes as a request carries them: what is absent stays as it is.
package struct AttributesRequest: Hashable, Sendable {
  package var enabled: Bool?
  package var notBefore: Int64?
  package var expires: Int64?
  package var exportable: Bool?
}

/// `POST /keys/{name}/create`.
package struct CreateKeyRequest: Hashable, Sendable {
  package var kty: String
  package var keySize: Int?
  package var publicExponent: Int64?
  package var operations: [String]?
  package var attributes: AttributesRequest
  package var tags: [String: String]?
  package var curve: String?
  package var hasReleasePolicy: Bool
}

/// `PUT /keys/{name}`.
package struct ImportKeyRequest: Sendable {
  /// The `key` member, still secret: never log it.
  package var jwk: JSONObject
  package var attributes: AttributesRequest
  package var tags: [String: String]?
  package var hasReleasePolicy: Bool
}

/// `PATCH /keys/{name}/{version}`.
package struct UpdateKeyRequest: Hashable, Sendable {
  package var operations: [String]?
  package var attributes: AttributesRequest
  package var tags: [String: String]?
  package var hasReleasePolicy: Bool
}

/// Reads request bodies: strict JSON, unknown members ignored (as the service does: clients send more than it reads), wrong types refused by name.
package enum RequestBody {
  /// Bodies of the data plane are small; the listener's own limit is larger.
  static let limits = JSONLimits(maxBytes: 1 << 20, maxDepth: 32, maxElements: 20_000)

  package static func object(_ bytes: [UInt8]) throws(WireError) -> JSONObject {
    let value: JSONValue
    do {
      value = try JSONValue.parse(bytes, limits: limits)
    } catch {
      throw .badParameter("The request body is not valid JSON: \(error)")
    }
    guard let object = value.object else { throw .badParameter("The request body must be a JSON object") }
    return object
  }

  package static func createKey(_ bytes: [UInt8]) throws(WireError) -> CreateKeyRequest {
    let object = try object(bytes)
    guard let kty = try object.optionalString("kty") else { throw .badParameter("Property 'kty' is required to create a key") }
    return CreateKeyRequest(
      kty: kty, keySize: try object.optionalInteger("key_size").map(Int.init), publicExponent: try object.optionalInteger("public_exponent"),
      operations: try object.optionalStrings("key_ops"), attributes: try object.attributes(), tags: try object.tags(),
      curve: try object.optionalString("crv"), hasReleasePolicy: object.present("release_policy") != nil)
  }

  package static func importKey(_ bytes: [UInt8]) throws(WireError) -> ImportKeyRequest {
    let object = try object(bytes)
    guard let jwk = object.present("key")?.object else { throw .badParameter("Property 'key' is required to import a key and must be a JSON Web Key") }
    return ImportKeyRequest(
      jwk: jwk, attributes: try object.attributes(), tags: try object.tags(), hasReleasePolicy: object.present("release_policy") != nil)
  }

  package static func updateKey(_ bytes: [UInt8]) throws(WireError) -> UpdateKeyRequest {
    let object = try object(bytes)
    return UpdateKeyRequest(
      operations: try object.optionalStrings("key_ops"), attributes: try object.attributes(), tags: try object.tags(),
      hasReleasePolicy: object.present("release_policy") != nil)
  }

  /// `POST /rng`: 1 to 128.
  package static func randomCount(_ bytes: [UInt8]) throws(WireError) -> Int {
    guard let count = try object(bytes).optionalInteger("count") else { throw .badParameter("Property 'count' is required") }
    guard count >= 1, count <= Int64(ManagedHSMWire.randomLimit) else {
      throw .badParameter("Property 'count' must be from 1 to \(ManagedHSMWire.randomLimit)")
    }
    return Int(count)
  }
}

extension JSONObject {
  /// The member unless it is absent or null: clients send null for what they leave unset.
  package func present(_ name: String) -> JSONValue? {
    guard let value = self[name], !value.isNull else { return nil }
    return value
  }

  package func optionalString(_ name: String) throws(WireError) -> String? {
    guard let value = present(name) else { return nil }
    guard let string = value.string else { throw .badParameter("Property '\(name)' must be a string") }
    return string
  }

  package func optionalInteger(_ name: String) throws(WireError) -> Int64? {
    guard let value = present(name) else { return nil }
    guard let integer = value.int64 else { throw .badParameter("Property '\(name)' must be an integer") }
    return integer
  }

  package func optionalBool(_ name: String) throws(WireError) -> Bool? {
    guard let value = present(name) else { return nil }
    guard let bool = value.bool else { throw .badParameter("Property '\(name)' must be true or false") }
    return bool
  }

  package func optionalStrings(_ name: String) throws(WireError) -> [String]? {
    guard let value = present(name) else { return nil }
    guard let array = value.array else { throw .badParameter("Property '\(name)' must be an array of strings") }
    var strings: [String] = []
    for element in array {
      guard let string = element.string else { throw .badParameter("Property '\(name)' must be an array of strings") }
      strings.append(string)
    }
    return strings
  }

  func tags() throws(WireError) -> [String: String]? {
    guard let value = present("tags") else { return nil }
    guard let object = value.object else { throw .badParameter("Property 'tags' must be an object of strings") }
    var tags: [String: String] = [:]
    for member in object.members {
      guard let text = member.value.string else { throw .badParameter("Tag '\(member.name)' must be a string") }
      tags[member.name] = text
    }
    // Names that differ in bytes but are canonically equivalent (é composed and decomposed) are one key of a dictionary: refuse, lose nothing.
    guard tags.count == object.count else { throw .badParameter("Property 'tags' has two names that differ only in Unicode composition") }
    return tags
  }

  func attributes() throws(WireError) -> AttributesRequest {
    guard let value = present("attributes") else { return AttributesRequest() }
    guard let object = value.object else { throw .badParameter("Property 'attributes' must be an object") }
    return AttributesRequest(
      enabled: try object.optionalBool("enabled"), notBefore: try object.optionalInteger("nbf"),
      expires: try object.optionalInteger("exp"), exportable: try object.optionalBool("exportable"))
  }
}
