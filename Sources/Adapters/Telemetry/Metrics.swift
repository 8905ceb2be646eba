import Synchronization

/// A number that only grows, one per combination of label values.
///
/// The combinations are fixed when it is declared, so that no request can add one. Counting is one atomic add.
package final class Counter: Sendable {
  let name: String
  let help: String
  let labels: [String]
  private let cells: [Cell]

  final class Cell: Sendable {
    let value = Atomic<UInt64>(0)
  }

  /// - Parameter labels: one rendered label set each, such as `route="sign",decision="allow"`; one empty text for none.
  package init(_ name: String, help: String, labels: [String] = [""]) {
    self.name = name
    self.help = help
    self.labels = labels
    cells = labels.map { _ in Cell() }
  }

  /// - Parameter index: of the label set. One that does not exist is ignored.
  package func add(_ amount: UInt64 = 1, at index: Int = 0) {
    guard cells.indices.contains(index) else { return }
    cells[index].value.wrappingAdd(amount, ordering: .relaxed)
  }

  package func value(at index: Int = 0) -> UInt64 { cells[index].value.load(ordering: .relaxed) }
}

/// How a duration or size is distributed. Observing is two atomic adds.
package final class Histogram: Sendable {
  let name: String
  let help: String
  let labels: [String]
  /// Inclusive upper bounds, ascending, in nanoseconds for durations.
  let bounds: [UInt64]
  /// Divides values for rendering: 1e9 turns nanoseconds into the seconds Prometheus wants.
  let scale: Double
  private let rows: [Row]

  final class Row: Sendable {
    let buckets: [Counter.Cell]
    let sum = Atomic<UInt64>(0)
    init(_ count: Int) { buckets = (0..<count).map { _ in Counter.Cell() } }
  }

  /// 100 µs to 10 s, for requests.
  package static let requestBounds: [UInt64] = [
    100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
    250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 10_000_000_000,
  ]

  package init(
    _ name: String, help: String, labels: [String] = [""], bounds: [UInt64] = Histogram.requestBounds, scale: Double = 1e9
  ) {
    self.name = name
    self.help = help
    self.labels = labels
    self.bounds = bounds
    self.scale = scale
    rows = labels.map { _ in Row(bounds.count + 1) }
  }

  package func observe(_ value: UInt64, at index: Int = 0) {
    guard rows.indices.contains(index) else { return }
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    rows[index].buckets[bucket].value.wrappingAdd(1, ordering: .relaxed)
    rows[index].sum.wrappingAdd(value, ordering: .relaxed)
  }

  func render(to text: inout String) {
    for (label, row) in zip(labels, rows) {
      var total: UInt64 = 0
      for (index, cell) in row.buckets.enumerated() {
        total += cell.value.load(ordering: .relaxed)
        let bound = index < bounds.count ? "\(Double(bounds[index]) / scale)" : "+Inf"
        text += "\(name)_bucket{\(label)\(label.isEmpty ? "" : ",")le=\"\(bound)\"} \(total)\n"
      }
      let suffix = label.isEmpty ? "" : "{\(label)}"
      text += "\(name)_sum\(suffix) \(Double(row.sum.load(ordering: .relaxed)) / scale)\n\(name)_count\(suffix) \(total)\n"
    }
  }
}

/// A value that is read when metrics are asked for.
package struct Gauge: Sendable {
  let name: String
  let help: String
  let read: @Sendable () -> Double

  package init(_ name: String, help: String, read: @escaping @Sendable () -> Double) {
    self.name = name
    self.help = help
    self.read = read
  }
}

/// All metrics of a process, rendered in Prometheus' text exposition format 0.0.4.
package final class Metrics: Sendable {
  private struct Registered {
    var counters: [Counter] = []
    var histograms: [Histogram] = []
    var gauges: [Gauge] = []
  }
  private let registered = Mutex(Registered())

  package init() {}

  package func register(_ counter: Counter) { registered.withLock { $0.counters.append(counter) } }
  package func register(_ histogram: Histogram) { registered.withLock { $0.histograms.append(histogram) } }
  package func register(_ gauge: Gauge) { registered.withLock { $0.gauges.append(gauge) } }

  package func render() -> String {
    let all = registered.withLock { $0 }
    var text = ""
    func head(_ name: String, _ help: String, _ type: String) {
      let plain = help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
      text += "# HELP \(name) \(plain)\n# TYPE \(name) \(type)\n"
    }
    for counter in all.counters {
      head(counter.name, counter.help, "counter")
      for (index, label) in counter.labels.enumerated() {
        text += "\(counter.name)\(label.isEmpty ? "" : "{\(label)}") \(counter.value(at: index))\n"
      }
    }
    for gauge in all.gauges {
      head(gauge.name, gauge.help, "gauge")
      text += "\(gauge.name) \(gauge.read())\n"
    }
    for histogram in all.histograms {
      head(histogram.name, histogram.help, "histogram")
      histogram.render(to: &text)
    }
    return text
  }
}
