package import Estate

/// A store, however it was named: by ARM id, URI, name, or a reference to a planned resource.
package struct StoreHandle: Sendable, Hashable {
  /// The name in lower case, or the address of the planned resource when its name is not known: equal for equal stores.
  package var id: String
  /// For people: `Store.id` of the inventory where it is known there, else the name, else the address.
  package var name: String
  package var kind: InventorySnapshot.StoreKind
  package var armId: String?
  /// The planned resource that is this store.
  package var address: String?

  package init(id: String, name: String, kind: InventorySnapshot.StoreKind, armId: String? = nil, address: String? = nil) {
    self.id = id
    self.name = name
    self.kind = kind
    self.armId = armId
    self.address = address
  }
}
