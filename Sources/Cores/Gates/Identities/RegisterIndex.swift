import Estate

/// The register, so that thousands of principals can be looked up: entries that name nothing but an object id are found by it.
struct RegisterIndex: Sendable {
  private let register: IntentRegister
  private var byObjectId: [String: [Int]] = [:]
  /// Entries that must be compared with everybody.
  private var others: [Int] = []

  init(_ register: IntentRegister) {
    self.register = register
    for (number, entry) in register.identities.enumerated() {
      let match = entry.match
      if let objectId = match.objectId { byObjectId[objectId.lowercased(), default: []].append(number) }
      if match.clientId != nil || match.armId != nil || match.address != nil || match.subject != nil || match.group != nil {
        others.append(number)
      }
    }
  }

  /// As `IntentRegister.purpose`. Cost: linear in the entries with more than an object id.
  func purpose(of principal: IntentPrincipal) -> IntentRegister.PurposeDecision {
    var reduced = register
    let named = principal.objectId.flatMap { byObjectId[$0.lowercased()] } ?? []
    reduced.identities = Set(named + others).sorted().map { register.identities[$0] }
    return reduced.purpose(of: principal)
  }
}
