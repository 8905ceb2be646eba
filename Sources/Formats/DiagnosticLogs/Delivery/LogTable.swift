package import Encodings

/// Why an answer of the Log Analytics query API cannot be used.
package enum LogTableError: Error, Sendable, Equatable, CustomStringConvertible {
  case notJSON(JSONError)
  case member(String, wanted: String)

  package var description: String {
    switch self {
    case .notJSON(let error): "it is not JSON: \(error.description)"
    case .member(let name, let wanted): "its member \(name) is not \(wanted)"
    }
  }
}

/// The answer of a Log Analytics query (estate-and-gates §2.7): rows by column name. `dynamic` columns, which come as JSON texts, are read as JSON.
package struct LogTable: Sendable, Equatable {
  package static let limits = JSONLimits(maxBytes: 128 << 20, maxDepth: 32, maxElements: 16_000_000)

  package var rows: [JSONObject]
  /// Why the rows are not all there are: the API answers 200 with an `error` beside the tables.
  package var incomplete: String?

  package static func parse(_ bytes: some Sequence<UInt8>) throws(LogTableError) -> LogTable {
    let value: JSONValue
    do { value = try JSONValue.parse(Array(bytes), limits: limits) } catch { throw .notJSON(error) }
    guard let tables = value["tables"]?.array else { throw .member("tables", wanted: "an array") }
    var result = LogTable(rows: [], incomplete: nil)
    if let error = value["error"], !error.isNull {
      result.incomplete = "\(error["code"]?.string ?? "an error"): \(error["message"]?.string?.prefix(500) ?? "no message")"
    }
    guard let table = tables.first(where: { $0["name"]?.string == "PrimaryResult" }) ?? tables.first else { return result }
    guard let columns = table["columns"]?.array, let rows = table["rows"]?.array else { throw .member("tables[].columns, rows", wanted: "arrays") }
    var names: [(name: String, isDynamic: Bool)] = []
    for column in columns {
      guard let name = column["name"]?.string, names.count < 1000, !names.contains(where: { $0.name == name }) else {
        throw .member("tables[].columns", wanted: "a list of distinct names")
      }
      names.append((name, column["type"]?.string == "dynamic"))
    }
    for row in rows {
      guard let cells = row.array, cells.count == names.count else { throw .member("tables[].rows", wanted: "one cell for each column") }
      var object = JSONObject()
      for (column, cell) in zip(names, cells) where !cell.isNull {
        object[column.name] = column.isDynamic ? cell.string.flatMap { try? JSONValue.parse(Array($0.utf8)) } ?? cell : cell
      }
      result.rows.append(object)
    }
    return result
  }
}
