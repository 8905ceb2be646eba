import Encodings

/// One resource's state in a preview.
enum PulumiState {
  private static let unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
  /// Stands for unknown lists, objects, numbers and so on in old engines; same family of texts.
  private static let unknownTexts: Set<String> = [
    unknownText, "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "3eeb2bf0-c639-47a8-9e75-3b44932eb421", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58", "e48ece36-62e2-4504-bad9-02848725956a", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
  ]
  private static let signature = "4dabf18193072939515e22adb298388d"
  private static let secret = "1b47061264138c4ac30d75fd1eb44270"

  /// Inputs over outputs, with `id` and `urn`; nil when there is no state.
  static func value(_ state: JSONValue?) -> PlanValue? {
    guard let state, state.object != nil else { return nil }
    var members: [String: PlanValue] = [:]
    let dependencies = state["propertyDependencies"]
    for source in ["outputs", "inputs"] {
      for member in state[source]?.object?.members ?? [] where !member.name.hasPrefix("__") {
        let references = (dependencies?[member.name]?.array ?? []).prefix(32).compactMap(\.string)
        let new = plain(member.value, references: references, depth: 0)
        // An input that is unknown says less than the output that is not.
        if new.unknown != nil, let known = members[member.name], known.unknown == nil { continue }
        members[member.name] = new
      }
    }
    if let id = state["id"]?.string, !id.isEmpty { members["id"] = .string(id) }
    return .object(members)
  }

  private static func plain(_ json: JSONValue, references: [String], depth: Int) -> PlanValue {
    switch json {
    case .string(let text):
      // A text put together from an unknown one is not known either.
      guard unknownTexts.contains(text) || text.utf8.count > unknownText.utf8.count && text.contains(unknownText) else { return .string(text) }
      return .unknown(UnknownValue(references: references, missing: references.isEmpty ? "known when it is deployed" : nil))
    case .array(let values): return .list(values.map { plain($0, references: references, depth: depth + 1) })
    case .object(let object):
      switch object[signature]?.string {
      case nil: break
      case secret: return .unknown(UnknownValue(references: references, missing: "a secret, which the preview does not show"))
      default: return .unknown(UnknownValue(references: references, missing: "an asset, archive or resource reference"))
      }
      return .object(
        Dictionary(object.members.filter { !$0.name.hasPrefix("__") }.map { ($0.name, plain($0.value, references: references, depth: depth + 1)) }, uniquingKeysWith: { first, _ in first }))
    default: return .literal(json)
    }
  }

  /// `azure-native:keyvault/v20230701:Vault` as `azure-native:keyvault:Vault` and `2023-07-01`; the packages of one version (`azure-native_keyvault_v20230701:keyvault:Vault`) too.
  static func normalised(type: String) -> (type: String, version: String?) {
    let parts = type.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3 else { return (type, nil) }
    if parts[0].hasPrefix("azure-native_"), let version = parts[0].split(separator: "_").last.flatMap({ date(String($0)) }) {
      return ("azure-native:\(parts[1]):\(parts[2])", version)
    }
    guard parts[0] == "azure-native" else { return (type, nil) }
    let module = parts[1].split(separator: "/", maxSplits: 1).map(String.init)
    guard module.count == 2, let version = date(module[1]) else { return (type, nil) }
    return ("azure-native:\(module[0]):\(parts[2])", version)
  }

  /// `v20230701preview` as `2023-07-01-preview`.
  private static func date(_ text: String) -> String? {
    guard text.hasPrefix("v") else { return nil }
    let digits = text.dropFirst().prefix { $0.isASCII && $0.isNumber }
    guard digits.count == 8 else { return nil }
    let rest = text.dropFirst(9)
    return "\(digits.prefix(4))-\(digits.dropFirst(4).prefix(2))-\(digits.suffix(2))\(rest.isEmpty ? "" : "-\(rest)")"
  }
}
