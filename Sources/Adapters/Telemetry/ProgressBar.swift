internal import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One line on standard error that shows how far a long job is. Silent unless standard error is a terminal.
///
/// Redrawn at most ten times a second and at the end. Colours and bold only without `NO_COLOR` (no-color.org); with `TERM=dumb` nothing is
/// drawn. May be told from several threads.
package final class ProgressBar: Sendable {
  private struct State {
    var done = 0
    var failed = 0
    var note = ""
    var lastDraw: Int64 = 0
    var isDrawn = false
  }

  private let label: String
  private let total: Int
  private let isOn: Bool
  private let isColoured: Bool
  private let width: Int
  private let startedAt: Int64
  private let state = Mutex(State())
  private let write: @Sendable (String) -> Void
  private let nanoseconds: @Sendable () -> Int64

  /// - Parameters:
  ///   - total: how many steps there are; 0 draws nothing.
  ///   - environment: `NO_COLOR`, `TERM` and `COLUMNS` are read.
  package convenience init(_ label: String, total: Int, environment: [String: String]) {
    var size = winsize()
    let known = ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    let columns = known ? Int(size.ws_col) : environment["COLUMNS"].flatMap { Int($0) } ?? 80
    self.init(
      label, total: total, isTerminal: isatty(2) == 1, columns: columns, environment: environment,
      write: { text in LogOutput.standardError.write(Array(text.utf8)) },
      nanoseconds: {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
      })
  }

  /// With the terminal as parameters.
  package init(
    _ label: String, total: Int, isTerminal: Bool, columns: Int, environment: [String: String], write: @escaping @Sendable (String) -> Void,
    nanoseconds: @escaping @Sendable () -> Int64
  ) {
    self.label = String(label.unicodeScalars.filter { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }.map(Character.init))
    self.total = total
    isOn = isTerminal && total > 0 && environment["TERM"] != "dumb"
    isColoured = (environment["NO_COLOR"] ?? "").isEmpty
    width = min(max(columns, 20), 400)
    self.write = write
    self.nanoseconds = nanoseconds
    startedAt = nanoseconds()
  }

  /// One step ended.
  package func step(failed: Bool = false) {
    guard isOn else { return }
    state.withLock { state in
      state.done += 1
      if failed { state.failed += 1 }
      let now = nanoseconds()
      if now - state.lastDraw >= 100_000_000 || state.done == total { draw(&state, now) }
    }
  }

  /// Writes something else to standard error: the bar steps aside and comes back.
  package func interrupt(_ body: () -> Void) {
    guard isOn else { return body() }
    state.withLock { state in
      if state.isDrawn { write("\r\u{1B}[2K") }
      body()
      if state.isDrawn, state.done < total { draw(&state, nanoseconds()) }
    }
  }

  /// Leaves the line empty, as if there had been no bar.
  package func finish() {
    guard isOn else { return }
    state.withLock { state in
      if state.isDrawn { write("\r\u{1B}[2K") }
      state.isDrawn = false
    }
  }

  private func draw(_ state: inout State, _ now: Int64) {
    state.lastDraw = now
    state.isDrawn = true
    write("\r\u{1B}[2K" + line(done: state.done, failed: state.failed, elapsed: now - startedAt))
  }

  /// `label [#####     ] 12/40  30%  2 failed  3 s left`, cut to the terminal's width.
  func line(done: Int, failed: Int, elapsed: Int64) -> String {
    var tail = " \(done)/\(total)  \(done * 100 / total)%"
    if failed > 0 { tail += "  \(failed) failed" }
    if done > 0, done < total {
      let left = elapsed / Int64(done) * Int64(total - done) / 1_000_000_000
      tail += left >= 120 ? "  \(left / 60) min left" : "  \(left) s left"
    }
    let room = width - 1 - label.count - tail.count - 3
    guard room >= 5 else { return String((label + tail).prefix(width - 1)) }
    let cells = min(room, 40)
    let filled = cells * done / total
    let bar = String(repeating: "#", count: filled) + String(repeating: " ", count: cells - filled)
    let colour = failed > 0 ? "\u{1B}[31m" : "\u{1B}[32m"
    return "\(label) [" + (isColoured ? "\(colour)\(bar)\u{1B}[0m" : bar) + "]" + tail
  }
}
