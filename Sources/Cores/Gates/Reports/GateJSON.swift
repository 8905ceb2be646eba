package import Encodings
internal import Estate
internal import Plans

extension GateResult {
  package static let schema = "hallmark.gate/v1"

  /// `hallmark.gate/v1` (guard-formats §3).
  package var json: JSONValue {
    var object: JSONObject = ["schema": .string(Self.schema), "verdict": .string(verdict.rawValue)]
    object.set("reason", ifPresent: reason.map { .string($0) })
    object["input"] = .array(input.map { ["path": .string($0.path), "sha256": .string($0.sha256), "format": .string($0.format.rawValue)] })
    object["findings"] = .array(findings.map(\.json))
    object["standing"] = .array(standing.map(\.json))
    object["undecided"] = .array(undecided.map { ["address": .string($0.address), "missing": .string($0.missing)] })
    object["coverage"] = [
      "resources": .integer(coverage.resources), "evaluated": .integer(coverage.evaluated),
      "unknownTypes": .array(coverage.unknownTypes.map { .string($0) }),
    ]
    return .object(object)
  }

  /// 0 pass or warn · 1 block · 3 undecidable · 2 invalid.
  package var exitCode: Int32 {
    switch verdict {
    case .pass, .warn: 0
    case .block: 1
    case .undecidable: 3
    case .invalid: 2
    }
  }
}

extension Finding {
  package var json: JSONValue {
    var object: JSONObject = [
      "rule": .string(rule), "gate": .string(gate.rawValue), "verdict": .string(verdict.rawValue), "severity": .string(severity.rawValue),
      "address": .string(address), "principal": principal?.json ?? .null, "store": text(store), "key": text(key),
    ]
    object.set("scope", ifPresent: scope.map { .string($0) })
    object["gained"] = .array(gained.map { .string($0.rawValue) })
    object["before"] = .object(before)
    object["after"] = .object(after)
    object["reason"] = .string(reason)
    object["fix"] = .string(fix)
    object["location"] = location.map { ["file": .string($0.file), "line": .integer($0.line)] } ?? .null
    object["waived"] = waived?.json ?? .null
    return .object(object)
  }

  private func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
}

extension Finding.Principal {
  var json: JSONValue {
    ["objectId": objectId.map { .string($0) } ?? .null, "name": name.map { .string($0) } ?? .null, "via": .array(via.map { .string($0) })]
  }
}

extension Finding.WaiverDecision {
  var json: JSONValue {
    var text: JSONObject = ["rule": .string(waiver.rule), "address": .string(waiver.address)]
    text.set("reason", ifPresent: waiver.reason.map { .string($0) })
    text.set("expires", ifPresent: waiver.expires.map { .string($0) })
    text.set("approvedBy", ifPresent: waiver.approvedBy.map { .string($0) })
    text.set("proposedBy", ifPresent: waiver.proposedBy.map { .string($0) })
    return ["accepted": .bool(accepted), "reasons": .array(reasons.map { .string($0) }), "waiver": .object(text)]
  }
}
