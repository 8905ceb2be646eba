package import Estate
package import Plans

/// The change as gates see it: every resource typed, every reference resolvable, beside what is known of the estate.
package struct EstateChange: Sendable {
  package let sets: [ChangeSet]
  package let resources: [PlannedResource]
  package let intent: IntentRegister
  package let inventory: InventorySnapshot?
  package let options: GateOptions
  /// What could not be read or understood of the input itself.
  package let undecided: [MissingFact]
  package let coverage: GateResult.Coverage
  /// Text that runs and stands in no resource change, with the number of its change set.
  package let scripts: [(set: Int, script: PlanScript)]
  package let index: ReferenceIndex
  package let stores: StoreIndex

  /// Cost: linear in resources and inventory.
  package init(_ input: GateInput) {
    intent = input.intent
    inventory = input.inventory
    options = input.options
    let reading = ResourceReading(input.changes)
    var sets = input.changes
    for (number, scope) in reading.completeModeScopes { sets[number].completeModeScopes.append(scope) }
    self.sets = sets
    resources = reading.resources
    undecided = reading.undecided
    coverage = reading.coverage
    scripts = reading.scripts
    index = ReferenceIndex(reading.resources)
    stores = StoreIndex(reading.resources, inventory: input.inventory, index: index)
  }

  /// The planned resources a value comes from: by reference when it is unknown. Several when instance keys are not known.
  package func resources(behind value: Planned<String>) -> [PlannedResource] {
    guard let unknown = value.unknownValue else { return [] }
    return index.matches(unknown).map { resources[$0] }
  }

  /// The store a value names: an ARM id, a URI, a name, or a reference to a planned store. Nil when it cannot be known.
  package func store(_ value: Planned<String>?, kind: InventorySnapshot.StoreKind? = nil) -> StoreHandle? {
    guard let value else { return nil }
    return stores.handle(value, kind: kind, index: index)
  }

  /// The store of this handle in the inventory.
  package func inventoryStore(_ handle: StoreHandle) -> InventorySnapshot.Store? { stores.inventory[handle.id] }

  /// The keys the inventory lists in this store, deleted ones not.
  package func inventoryKeys(_ handle: StoreHandle) -> [InventorySnapshot.Key] { stores.keys[handle.id] ?? [] }

  /// Whether the register marks a key of this name, these tags or this certificate subject as a signing key.
  package func isSigningKey(name: String?, tags: [String: String]?, subject: String? = nil) -> Bool {
    intent.isSigningKey(name: name, tags: tags, subject: subject)
  }
}
