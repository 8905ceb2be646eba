package import Plans

/// One resource of a change, understood.
package struct PlannedResource: Sendable {
  /// As the tool said it; its raw attributes, scripts, location and flags.
  package let change: ResourceChange
  /// Which `ChangeSet` of the input.
  package let set: Int
  /// What it was and what it will be. Both nil when it is no object of an estate of keys.
  package var before: EstateObject?
  package var after: EstateObject?
  /// User-assigned identities attached to it (compute of any kind).
  package var attachedBefore: PlannedWords
  package var attachedAfter: PlannedWords

  package init(
    change: ResourceChange, set: Int, before: EstateObject? = nil, after: EstateObject? = nil, attachedBefore: PlannedWords = .absent,
    attachedAfter: PlannedWords = .absent
  ) {
    self.change = change
    self.set = set
    self.before = before
    self.after = after
    self.attachedBefore = attachedBefore
    self.attachedAfter = attachedAfter
  }

  package var address: String { change.address }
  package var action: ChangeAction { change.action }
  package var location: SourceLocation? { change.location }
  /// Destroyed, replaced or left unmanaged: what it was is no longer held by this configuration.
  package var leaves: Bool { change.action == .delete || change.action == .replace || change.action == .forget }
  package var arrives: Bool { change.action == .create || change.action == .replace }
}
