import Encodings

extension WhatIf {
  /// Fills in what the payloads leave out, from `delta`: only when a side is missing, for the payloads are the whole resource.
  ///
  /// A change inside an array cannot be placed by its index alone; the array is then unknown.
  static func fill(_ change: inout ResourceChange, _ delta: JSONValue?, kind: String, _ set: inout ChangeSet) {
    guard let delta = delta?.array, !delta.isEmpty, change.before == nil || change.after == nil else { return }
    let hadBefore = change.before != nil
    var after = change.after ?? change.before ?? .object([:])
    var before = change.before ?? change.after ?? .object([:])
    for entry in delta.prefix(5_000) {
      guard let path = entry["path"]?.string, path.utf8.count <= 2_000, entry["propertyChangeType"]?.string?.lowercased() != "noeffect" else { continue }
      let keys = path.split(separator: ".").prefix(32).map(String.init)
      let isArray = entry["propertyChangeType"]?.string?.lowercased() == "array" || path.contains("[")
      if change.after == nil { after = placed(isArray ? open(entry, "after") : side(entry["after"]), at: keys[...], in: after) }
      if !hadBefore { before = placed(isArray ? open(entry, "before") : side(entry["before"]), at: keys[...], in: before) }
    }
    if change.after == nil { change.after = after }
    if !hadBefore {
      change.before = before
      change.knowsBefore = false
    }
  }

  private static func side(_ json: JSONValue?) -> PlanValue? { json.map { value($0) } }

  /// A list of which only the changed elements are shown.
  private static func open(_ entry: JSONValue, _ name: String) -> PlanValue {
    let shown = (entry["children"]?.array ?? []).prefix(1_000).compactMap { side($0[name]) }
    return .list(shown + [.unknown(UnknownValue(missing: "the rest of a list that what-if shows in part"))])
  }

  private static func placed(_ new: PlanValue?, at keys: ArraySlice<String>, in value: PlanValue) -> PlanValue {
    guard let key = keys.first else { return new ?? .null }
    var members = value.object ?? [:]
    members[key] = placed(new, at: keys.dropFirst(), in: members[key] ?? .object([:]))
    return .object(members)
  }
}
