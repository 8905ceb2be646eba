import Foundation
import SigstoreFormats
import Synchronization

/// The one line on standard output. Whoever is first gives it, and the process ends with it: cosign waits for the end, not for the line.
final class AnswerLine: Sendable {
  private let isGiven = Mutex(false)

  /// Prints the answer in one write and ends the process, whatever else is still going on in it; does nothing when another was first.
  func give(_ response: CosignPlugin.Response) {
    let isFirst = isGiven.withLock { given in
      defer { given = true }
      return !given
    }
    guard isFirst else { return }
    FileHandle.standardOutput.write(Data(response.line()))
    if case .failure = response { _exit(1) }
    _exit(0)
  }
}
