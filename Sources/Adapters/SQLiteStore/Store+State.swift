import FoundationEssentials
import GRDB

/// A named value could not be read or stored. Holds no value.
package struct StoreStateError: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String
}

/// Small named values of the HSM: settings, activation, the sealed partition key, identity. What must not be changed from outside is
/// sealed by whoever stores it.
extension Store {
  package func stateValue(of name: String) throws(StoreStateError) -> [UInt8]? {
    do {
      return try read { try Data.fetchOne($0, sql: "SELECT value FROM state WHERE name = ?", arguments: [name]).map { [UInt8]($0) } }
    } catch { throw StoreStateError(description: "cannot read \(name): \(storeReason(error))") }
  }

  /// Durable when it returns; nil removes the value.
  package func setStateValue(of name: String, to value: [UInt8]?) throws(StoreStateError) {
    try setStateValues([name: value])
  }

  /// All of them in one transaction.
  package func setStateValues(_ values: [String: [UInt8]?]) throws(StoreStateError) {
    do {
      try write { database in
        for (name, value) in values {
          if let value {
            try database.execute(
              sql: "INSERT INTO state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
              arguments: [name, Data(value)])
          } else {
            try database.execute(sql: "DELETE FROM state WHERE name = ?", arguments: [name])
          }
        }
      }
    } catch { throw StoreStateError(description: "cannot store \(values.keys.sorted().joined(separator: ", ")): \(storeReason(error))") }
  }

  /// Names of all values, sorted.
  package func stateNames() throws(StoreStateError) -> [String] {
    do { return try read { try String.fetchAll($0, sql: "SELECT name FROM state ORDER BY name") } } catch {
      throw StoreStateError(description: "cannot read names: \(storeReason(error))")
    }
  }
}
