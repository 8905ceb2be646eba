import Foundation
import HallmarkVerify

/// `EmbedVerify POLICY.json FILE BUNDLE`: exit code 0 when the policy admits the file.
@main
struct EmbedVerify {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count == 3 else { end("usage: EmbedVerify POLICY.json FILE BUNDLE", code: 2) }
    let files = arguments.map { path -> [UInt8] in
      guard let data = FileManager.default.contents(atPath: path) else { end("cannot read \(path)", code: 2) }
      return Array(data)
    }

    let policy: VerificationPolicy
    do { policy = try VerificationPolicy(json: files[0]) } catch { end("the policy: \(error.description)", code: 2) }

    let answer = policy.verify(
      .blob(files[1]), evidence: [.file(files[2], source: arguments.last ?? "")], at: Int64(Date().timeIntervalSince1970))
    print(answer.outcome.rawValue)
    for signature in answer.signatures {
      for reason in signature.reasons { print("  \(signature.source): \(reason.code): \(reason.text)") }
    }
    for reason in answer.reasons { print("  \(reason.code): \(reason.text)") }
    exit(answer.isAdmitted ? 0 : 1)
  }

  static func end(_ text: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
    exit(code)
  }
}
