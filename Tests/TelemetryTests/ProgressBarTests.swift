import Synchronization
import Testing

@testable import Telemetry

@Suite("Progress bars")
struct ProgressBarTests {
  private final class Screen: Sendable {
    let written = Mutex<[String]>([])
    let time = Mutex<Int64>(0)

    func bar(
      _ environment: [String: String] = [:], total: Int = 10, isTerminal: Bool = true, columns: Int = 80, label: String = "signing"
    ) -> ProgressBar {
      ProgressBar(
        label, total: total, isTerminal: isTerminal, columns: columns, environment: environment,
        write: { text in self.written.withLock { $0.append(text) } }, nanoseconds: { self.time.withLock { $0 } })
    }

    func advance(milliseconds: Int64) { time.withLock { $0 += milliseconds * 1_000_000 } }
    var all: [String] { written.withLock { $0 } }
  }

  @Test("Nothing is drawn unless standard error is a terminal that can move its cursor")
  func silence() {
    for (isTerminal, environment, total) in [(false, [:], 10), (true, ["TERM": "dumb"], 10), (true, [:], 0)] as [(Bool, [String: String], Int)] {
      let screen = Screen()
      let bar = screen.bar(environment, total: total, isTerminal: isTerminal)
      screen.advance(milliseconds: 500)
      bar.step()
      var ran = false
      bar.interrupt { ran = true }
      bar.finish()
      #expect(screen.all.isEmpty && ran)
    }
  }

  @Test("It shows count, share, failures and the time left, and is redrawn at most ten times a second")
  func drawing() {
    let screen = Screen()
    let bar = screen.bar(["NO_COLOR": "1"])
    for index in 0..<5 {
      screen.advance(milliseconds: 1000)
      bar.step(failed: index == 0)
      bar.step()
    }
    #expect(screen.all.count == 6, "one a second, and the last step")
    #expect(screen.all[2].hasSuffix(" 5/10  50%  1 failed  3 s left"), "\(screen.all[2])")
    #expect(screen.all.last?.hasSuffix(" 10/10  100%  1 failed") == true)
    bar.finish()
    #expect(screen.all.last == "\r\u{1B}[2K")
  }

  @Test("NO_COLOR takes the colours away and leaves the bar")
  func colours() {
    #expect(Screen().bar(["NO_COLOR": "1"]).line(done: 5, failed: 0, elapsed: 0).contains("\u{1B}[") == false)
    #expect(Screen().bar().line(done: 5, failed: 0, elapsed: 0).contains("\u{1B}[32m#"))
    #expect(Screen().bar().line(done: 5, failed: 1, elapsed: 0).contains("\u{1B}[31m#"))
    #expect(Screen().bar(["NO_COLOR": ""]).line(done: 5, failed: 0, elapsed: 0).contains("\u{1B}["), "an empty variable says nothing")
  }

  @Test("A line never wraps, and a label cannot steer the terminal", arguments: [20, 30, 60, 80, 400])
  func width(_ columns: Int) {
    for label in ["signing", "a\u{1B}[2Jb", String(repeating: "x", count: 500)] {
      let line = Screen().bar(["NO_COLOR": "1"], total: 100_000, columns: columns, label: label).line(done: 99_999, failed: 77, elapsed: 1_000_000_000_000)
      #expect(line.count < columns && !line.contains("\u{1B}"))
    }
  }

  @Test("Other lines are written over the bar, which comes back")
  func interruption() {
    let screen = Screen()
    let bar = screen.bar(["NO_COLOR": "1"])
    screen.advance(milliseconds: 200)
    bar.step()
    bar.interrupt { screen.written.withLock { $0.append("note") } }
    #expect(screen.all.count == 4)
    #expect(screen.all[1] == "\r\u{1B}[2K" && screen.all[2] == "note" && screen.all[3].contains("1/10"))
  }
}
