import Testing

@testable import Estate

/// What a change gives that was not there before.
@Suite struct GainedRightsTests {
  private func right(
    _ capabilities: Set<Capability>, store: String? = "hsm", key: String? = "fw", latent: Bool = false, grant: String = "g", scope: String = "/keys/fw"
  ) -> EffectiveRight {
    EffectiveRight(principal: "P", store: store, key: key, capabilities: capabilities, latent: latent, scope: scope, via: .localRbac, grant: grant)
  }

  private func gained(_ before: [EffectiveRight], _ after: [EffectiveRight]) -> Set<Capability> {
    EffectiveRight.gained(before: before, after: after).reduce(into: []) { $0.formUnion($1.capabilities) }
  }

  @Test func aNewCapabilityIsAGain() { #expect(gained([right([.sign])], [right([.sign, .decrypt])]) == [.decrypt]) }
  @Test func theSameRightByAnotherGrantIsNoGain() { #expect(gained([right([.sign])], [right([.sign], grant: "h")]).isEmpty) }
  @Test func aGrantThatIsGoneIsNoGain() { #expect(gained([right([.sign, .decrypt])], []).isEmpty) }
  @Test func narrowingFromEveryKeyToOneIsNoGain() { #expect(gained([right([.decrypt], key: nil)], [right([.decrypt])]).isEmpty) }
  @Test func wideningFromOneKeyToEveryKeyIsAGain() { #expect(gained([right([.sign])], [right([.sign], key: nil)]) == [.sign]) }
  @Test func anotherKeyIsAGain() { #expect(gained([right([.sign])], [right([.sign], key: "other")]) == [.sign]) }
  @Test func anotherStoreIsAGain() { #expect(gained([right([.sign])], [right([.sign], store: "hsm2")]) == [.sign]) }
  @Test func aLatentRightThatComesIntoForceIsAGain() { #expect(gained([right([.decrypt], latent: true)], [right([.decrypt])]) == [.decrypt]) }
  @Test func aRightInForceThatBecomesLatentIsNoGain() { #expect(gained([right([.decrypt])], [right([.decrypt], latent: true)]).isEmpty) }
  @Test func aNewLatentRightIsAGain() { #expect(gained([], [right([.decrypt], latent: true)]) == [.decrypt]) }

  @Test func theSameWideGrantReachingANewStoreIsNoGain() {
    let wide = right([.decrypt], store: nil, key: nil, scope: "/subscriptions/s")
    #expect(gained([wide], [wide, right([.decrypt], store: "new", key: nil, scope: "/subscriptions/s")]).isEmpty)
    #expect(gained([wide], [right([.decrypt], store: nil, key: nil, grant: "h", scope: "/subscriptions/s2")]) == [.decrypt])
  }

  @Test func aDoubtThatIsNewStays() {
    var doubtful = right([])
    doubtful.doubts = ["the role is not known"]
    #expect(EffectiveRight.gained(before: [], after: [doubtful]).count == 1)
    #expect(EffectiveRight.gained(before: [doubtful], after: [doubtful]).isEmpty)
  }
}
