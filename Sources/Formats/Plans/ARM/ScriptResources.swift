/// Resources that carry text which runs when they are deployed.
enum ScriptResources {
  /// - Parameter after: the resource, evaluated.
  static func scripts(type: String, after: [String: PlanValue], address: String, location: SourceLocation?) -> [PlanScript] {
    let properties = after["properties"]
    switch type.lowercased() {
    case "microsoft.resources/deploymentscripts":
      var scripts = [PlanScript(origin: address, text: text([properties?["scriptContent"]] + extras(properties)), location: location)]
      for name in ["primaryScriptUri", "supportingScriptUris"] where properties?[name].map({ !$0.isNull && $0.list?.isEmpty != true }) == true {
        scripts.append(PlanScript(origin: "\(address) \(name)", text: nil, location: location))
      }
      return properties?["scriptContent"] == nil && scripts.count > 1 ? Array(scripts.dropFirst()) : scripts
    case "microsoft.compute/virtualmachines/runcommands", "microsoft.compute/virtualmachinescalesets/virtualmachines/runcommands":
      return [PlanScript(origin: address, text: text([properties?["source"]?["script"]]), location: location)]
    case "microsoft.compute/virtualmachines/extensions", "microsoft.compute/virtualmachinescalesets/extensions":
      let settings = [properties?["settings"], properties?["protectedSettings"]].compactMap(\.self)
      let commands = settings.flatMap { setting in ["commandToExecute", "script"].compactMap { setting[$0] } }
      guard !commands.isEmpty || settings.contains(where: { $0.unknown != nil }) else { return [] }
      return [PlanScript(origin: address, text: settings.contains { $0.unknown != nil } ? nil : text(commands.map(Optional.some)), location: location)]
    default: return []
    }
  }

  /// Arguments and environment of a script: a command may stand in them as well.
  private static func extras(_ properties: PlanValue?) -> [PlanValue?] {
    let variables = properties?["environmentVariables"]?.list ?? []
    return [properties?["arguments"]].filter { $0?.isNull == false } + variables.map { $0["value"] }.filter { $0 != nil }
  }

  /// The texts, one a line; nil when one is not known.
  private static func text(_ values: [PlanValue?]) -> String? {
    var lines: [String] = []
    for value in values {
      guard let line = value?.string, !Placeholder.isUnresolved(line) else { return nil }
      lines.append(line)
    }
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }
}
