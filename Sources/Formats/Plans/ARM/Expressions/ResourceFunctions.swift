import Encodings

extension TemplateFrame {
  /// Functions that make resource ids or ask about resources. Nil: not one of these.
  func resourceFunction(_ name: String, _ values: [PlanValue]) throws(TemplateError) -> PlanValue? {
    switch name {
    case "resourceid", "subscriptionresourceid", "tenantresourceid", "managementgroupresourceid", "extensionresourceid":
      return resourceId(name, values)
    case "reference", "references": return try reference(values)
    case "resourceinfo":
      guard let id = target(values.first) else { return .unknowing(of: values, "resourceInfo() of something not known") }
      return .unknown(UnknownValue(references: [id], missing: "resourceInfo(): only known when it is deployed"))
    default:
      guard name.hasPrefix("list") || name.hasPrefix("pickzones") || name == "providers" || name == "getsecret" else { return nil }
      return .unknown(UnknownValue(references: target(values.first).map { ["\($0).\(name)"] } ?? [], missing: "\(Self.excerpt(name))(): only known when it is deployed"))
    }
  }

  /// An argument as part of an id: what is not known becomes a stand-in that remembers what is missing.
  private func segment(_ value: PlanValue) -> String? {
    switch value {
    case .string(let text): text
    case .number(let number): number.text
    case .unknown(let unknown): (unknown.references.first ?? unknown.missing).map { Placeholder.token($0) }
    default: nil
    }
  }

  private func resourceId(_ name: String, _ values: [PlanValue]) -> PlanValue {
    var parts: [String] = []
    for value in values {
      guard let part = segment(value) else { return .unknowing(of: values, "\(name)() with an argument not known") }
      parts.append(part)
    }
    var base = ""
    if name == "extensionresourceid" {
      guard let first = parts.first else { return .unknowing(of: values, "extensionResourceId() without arguments") }
      base = first.hasSuffix("/") ? String(first.dropLast()) : first
      parts.removeFirst()
    }
    guard let typeAt = parts.firstIndex(where: { $0.contains("/") && !$0.hasPrefix("{?") }) else { return .unknowing(of: values, "\(name)() without a type") }
    let types = parts[typeAt].split(separator: "/").map(String.init)
    let names = parts[(typeAt + 1)...].flatMap { $0.hasPrefix("{?") ? [$0] : $0.split(separator: "/").map(String.init) }
    guard types.count >= 2, names.count >= types.count - 1 else { return .unknowing(of: values, "\(name)() with fewer names than the type has parts") }
    let leading = Array(parts[..<typeAt])
    switch name {
    case "resourceid":
      base =
        switch leading.count {
        case 0: place.id
        case 1 where place.level != .resourceGroup: "/subscriptions/\(leading[0])"
        case 1: DeploymentPlace.groupId(place.subscription, leading[0])
        default: DeploymentPlace.groupId(leading[0], leading[1])
        }
    case "subscriptionresourceid": base = "/subscriptions/\(leading.first ?? place.subscription)"
    case "managementgroupresourceid": base = "/providers/Microsoft.Management/managementGroups/\(leading.first ?? place.managementGroup)"
    default: break
    }
    return .string("\(base)/providers/\(ResourceNaming.interleaved(types, names))")
  }

  /// The resource an argument of `reference()` means: its address when it has a symbolic name, else the id or name as given.
  private func target(_ value: PlanValue?) -> String? {
    guard let text = value?.string else { return nil }
    let base = text.prefix { $0 != "[" }
    return symbols[base.lowercased()].map { $0 + text.dropFirst(base.count) } ?? text
  }

  /// `reference(X).principalId` is `X.properties.principalId`; with `'Full'` the whole resource. Outputs of deployments in this template are read.
  private func reference(_ values: [PlanValue]) throws(TemplateError) -> PlanValue {
    guard let target = target(values.first), let name = values.first?.string else { return .unknowing(of: values, "reference() to something not known") }
    let isFull = values.last?.string?.lowercased() == "full" && values.count > 1
    if let outputs = try outputs(of: name) {
      let properties = PlanValue.object(["outputs": outputs])
      return isFull ? .object(["properties": properties]) : properties
    }
    return .unknown(
      UnknownValue(references: [isFull ? target : "\(target).properties"], missing: "reference(): a property of a resource, known when it is deployed"))
  }
}
