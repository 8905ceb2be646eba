import ArgumentParser
import Encodings
import Outbound
import Signing

extension KeysCommand {
  /// Decrypts a small ciphertext with a key of the HSM. A signing identity must not be able to; `access who-can decrypt` says who is.
  struct Decrypt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Decrypt a file of at most 512 bytes with a key of the HSM.")
    @Argument(help: "Name or URL.") var key: String
    @Argument(help: "The ciphertext.") var ciphertext: String
    @Option(help: "RSA-OAEP-256, RSA-OAEP or RSA1_5.") var algorithm = "RSA-OAEP-256"
    @Option(help: "Where the plaintext goes (mode 0600).") var file = "plaintext"
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot decrypt with key \(key)", key: key) { client, reference in
        let bytes = try LocalFile.bytes(ciphertext, maxBytes: 512)
        let version = reference.version.map { "/\($0)" } ?? ""
        let reply = try await client.call(
          "POST", "/keys/\(reference.name)\(version)/decrypt", body: ["alg": .string(algorithm), "value": .string(Base64URL.encode(bytes))]).body
        guard let value = reply["value"]?.string, let plaintext = try? Base64URL.decode(value) else {
          throw CommandFailure("cannot decrypt with key \(key)", why: "the service answered no value", next: "try again", code: Exit.remote)
        }
        try LocalFile.write(plaintext, to: file, mode: 0o600)
        Console.print("wrote \(file): \(plaintext.count) bytes")
      }
    }
  }
}
