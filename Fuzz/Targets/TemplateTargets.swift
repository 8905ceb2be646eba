import Plans

enum TemplateTargets {
  /// Law: addresses are unique, and nothing has a before.
  static func template(_ bytes: UnsafeRawBufferPointer) {
    var options = ARMOptions(file: "t.json")
    options.limits.maxWork = 100_000
    options.limits.maxResources = 500
    guard let set = try? ARMTemplate.changeSet(json: Array(bytes), options: options) else { return }
    precondition(Set(set.resources.map(\.address)).count == set.resources.count)
    precondition(set.resources.allSatisfy { $0.before == nil && !$0.knowsBefore && $0.after != nil })
  }

  /// One expression as the name of a resource. Law: it is read the same twice.
  static func expression(_ bytes: UnsafeRawBufferPointer) {
    var options = ARMOptions()
    options.limits.maxWork = 50_000
    let escaped = text(bytes).unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : $0.value < 0x20 ? " " : String($0) }.joined()
    let template = #"{"contentVersion":"1","parameters":{"p":{"type":"string"},"l":{"type":"array"}},"variables":{"v":["a","b"],"w":"[concat('x',variables('v')[0])]"},"resources":[{"type":"A.B/c","name":"n","properties":{"x":"[\#(escaped)]"}}]}"#
    let first = try? ARMTemplate.changeSet(json: Array(template.utf8), options: options)
    precondition(first == (try? ARMTemplate.changeSet(json: Array(template.utf8), options: options)))
  }

  /// Law: addresses are unique.
  static func whatIf(_ bytes: UnsafeRawBufferPointer) {
    guard let set = try? WhatIf.changeSet(json: Array(bytes)) else { return }
    precondition(Set(set.resources.map(\.address)).count == set.resources.count)
  }

  /// Law: one change for each URN.
  static func pulumiPreview(_ bytes: UnsafeRawBufferPointer) {
    guard let set = try? PulumiPreview.changeSet(json: Array(bytes)) else { return }
    precondition(Set(set.resources.map(\.address)).count == set.resources.count)
  }
}
