import ArgumentParser

/// The client side of the command line: everything that talks to a service over the wire, or to nobody.
enum ClientCommands {
  static let all: [any ParsableCommand.Type] = [
    SignCommand.self, VerifyCommand.self, TrustCommand.self, CertsCommand.self, StandbyCommand.self, GateCommand.self, InventoryCommand.self, WatchCommand.self, ResignCommand.self, PluginCommand.self,
    TraceCommand.self, CostCommand.self, KeysCommand.self, AccessCommand.self, IdentityCommand.self, CustodianCommand.self, DomainCommand.self,
    AuditCommand.self,
  ]
}
