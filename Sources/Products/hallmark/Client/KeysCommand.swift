import ArgumentParser
import Encodings
import Outbound
import Signing
import SigstoreFormats
import Trust

struct KeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "Keys of an HSM: create, look at, rotate, delete, recover.",
    subcommands: [
      Create.self, List.self, Show.self, Versions.self, SetAttributes.self, Delete.self, Recover.self, Purge.self, Rotate.self,
      Import.self, Download.self, SignDigest.self, Decrypt.self,
    ])

  /// What every keys command has.
  struct Common: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
  }

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Create a key, or a new version of one.")
    @Argument var name: String
    @Option(help: "RSA-HSM, EC-HSM or oct-HSM.") var kty = "EC-HSM"
    @Option(name: [.customLong("curve"), .customLong("crv")], help: "P-256, P-384, P-521 or P-256K.") var curve: String?
    @Option(help: "Bits: RSA 2048, 3072, 4096; oct 128, 192, 256.") var size: Int?
    @Option(help: "Allowed operations, comma-separated: sign,verify …") var ops: String?
    @Option(help: "Tags, NAME=VALUE; repeat.") var tag: [String] = []
    @Flag(help: "Create it disabled.") var disabled = false
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot create key \(name)", key: name) { client, reference in
        var body: JSONObject = ["kty": .string(kty)]
        body.set("crv", ifPresent: curve.map { .string($0) })
        body.set("key_size", ifPresent: size.map { .integer($0) })
        body.set("key_ops", ifPresent: ops.map { .array($0.split(separator: ",").map { .string(String($0)) }) })
        body.set("tags", ifPresent: try KeysCommand.tags(tag))
        if disabled { body["attributes"] = ["enabled": false] }
        let answer = try await client.call("POST", "/keys/\(reference.name)/create", body: .object(body), replay: .onlyIfNotPerformed)
        KeysCommand.show(answer.body, common.output)
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List keys, or deleted keys.")
    @Flag(help: "List deleted keys.") var deleted = false
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot list keys") { client in
        KeysCommand.list(try await client.list(deleted ? "/deletedkeys" : "/keys"), common.output)
      }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show a key.")
    @Argument(help: "Name or URL.") var key: String
    @Option(name: .customLong("version"), help: "The version; else the newest.") var keyVersion: String?
    @Flag(help: "Show a deleted key.") var deleted = false
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot show key \(key)", key: key) { client, reference in
        let path = deleted ? "/deletedkeys/\(reference.name)" : "/keys/\(reference.name)/\(keyVersion ?? reference.version ?? "")"
        KeysCommand.show(try await client.call("GET", path).body, common.output)
      }
    }
  }

  struct Versions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the versions of a key.")
    @Argument(help: "Name or URL.") var key: String
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot list versions of \(key)", key: key) { client, reference in
        KeysCommand.list(try await client.list("/keys/\(reference.name)/versions"), common.output)
      }
    }
  }

  struct SetAttributes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "set-attributes", abstract: "Enable, disable, date or tag a key version.")
    @Argument(help: "Name or URL.") var key: String
    @Option(name: .customLong("version"), help: "The version; else the newest.") var keyVersion: String?
    @Option(help: "true or false.") var enabled: Bool?
    @Option(help: "Not before: RFC 3339.") var notBefore: String?
    @Option(help: "Not after: RFC 3339.") var expires: String?
    @Option(help: "Allowed operations, comma-separated.") var ops: String?
    @Option(help: "Tags, NAME=VALUE; repeat. They replace all tags.") var tag: [String] = []
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot change key \(key)", key: key) { client, reference in
        var attributes: JSONObject = [:]
        attributes.set("enabled", ifPresent: enabled.map { .bool($0) })
        attributes.set("nbf", ifPresent: try notBefore.map(KeysCommand.seconds))
        attributes.set("exp", ifPresent: try expires.map(KeysCommand.seconds))
        var body: JSONObject = [:]
        if !attributes.isEmpty { body["attributes"] = .object(attributes) }
        body.set("key_ops", ifPresent: ops.map { .array($0.split(separator: ",").map { .string(String($0)) }) })
        body.set("tags", ifPresent: try KeysCommand.tags(tag))
        guard !body.isEmpty else { throw CommandFailure.usage("cannot change key \(key)", why: "nothing to change was named") }
        let path = "/keys/\(reference.name)/\(keyVersion ?? reference.version ?? "")"
        KeysCommand.show(try await client.call("PATCH", path, body: .object(body)).body, common.output)
      }
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Delete a key with all its versions; it can be recovered until it is purged.")
    @Argument(help: "Name or URL.") var key: String
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot delete key \(key)", key: key) { client, reference in
        KeysCommand.show(try await client.call("DELETE", "/keys/\(reference.name)").body, common.output)
      }
    }
  }

  struct Recover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Recover a deleted key.")
    @Argument(help: "Name.") var key: String
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot recover key \(key)", key: key) { client, reference in
        KeysCommand.show(try await client.call("POST", "/deletedkeys/\(reference.name)/recover", replay: .onlyIfNotPerformed).body, common.output)
      }
    }
  }

  struct Purge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Destroy a deleted key for ever.")
    @Argument(help: "Name.") var key: String
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot purge key \(key)", key: key) { client, reference in
        guard yes else {
          throw CommandFailure.usage("key \(key) was not purged", why: "it cannot be brought back afterwards", next: "add --yes if that is meant")
        }
        _ = try await client.call("DELETE", "/deletedkeys/\(reference.name)")
        Console.print("purged \(reference.name)")
      }
    }
  }

  struct Rotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make a new version of a key.")
    @Argument(help: "Name or URL.") var key: String
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot rotate key \(key)", key: key) { client, reference in
        KeysCommand.show(
          try await client.call("POST", "/keys/\(reference.name)/rotate", replay: .onlyIfNotPerformed).body, common.output)
      }
    }
  }

  struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Import a private key from a JWK file.")
    @Argument(help: "Name.") var key: String
    @Option(help: "A file with one private JWK (kty RSA, EC or oct).") var jwk: String
    @Option(help: "Allowed operations, comma-separated.") var ops: String?
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot import key \(key)", key: key) { client, reference in
        let bytes = try LocalFile.bytes(jwk, maxBytes: 64 << 10)
        guard case .object(var object)? = try? JSONValue.parse(bytes) else {
          throw CommandFailure.usage("cannot import \(jwk)", why: "it is not one JSON object")
        }
        if let ops { object["key_ops"] = .array(ops.split(separator: ",").map { .string(String($0)) }) }
        let answer = try await client.call(
          "PUT", "/keys/\(reference.name)", body: ["key": .object(object), "Hsm": true], replay: .onlyIfNotPerformed)
        KeysCommand.show(answer.body, common.output)
      }
    }
  }

  struct Download: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write the public key as PEM.")
    @Argument(help: "Name or URL.") var key: String
    @Option(name: .customLong("version"), help: "The version; else the newest.") var keyVersion: String?
    @Option(help: "Where to; default standard output.") var file: String?
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot download key \(key)", key: key) { client, reference in
        let wanted = KeyReference(store: reference.store, name: reference.name, version: keyVersion ?? reference.version)
        let pinned = try await RemoteSigning(client: client, ledger: nil).pin(wanted)
        guard let file else { return Console.print(String(pinned.publicKey.pem.dropLast())) }
        try LocalFile.write(Array(pinned.publicKey.pem.utf8), to: file)
        Console.print("wrote \(file): \(pinned.publicKey.kindText), spki sha256:\(pinned.publicKey.fingerprintHex)")
      }
    }
  }

  struct SignDigest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "sign-digest", abstract: "Sign a digest and print the signature (base64; DER for EC keys).")
    @Argument(help: "Name or URL.") var key: String
    @Option(help: "sha256:HEX, sha384:HEX or sha512:HEX.") var digest: String
    @Option(help: "The algorithm; default by the key.") var algorithm: SignatureScheme?
    @Option(help: "Append a record of the attempt to this file.") var ledger: String?
    @OptionGroup var common: Common

    func run() async throws {
      try await common.run("cannot sign \(digest)", key: key) { client, reference in
        guard let parsed = MessageDigest(text: digest.lowercased()) else {
          throw CommandFailure.usage("cannot sign \(digest)", why: "it is not sha256:, sha384: or sha512: and the right number of digits")
        }
        let path = common.connection.settings.ledgerPath(ledger, address: client.address)
        let service = RemoteSigning(client: client, ledger: path.map { SigningLedger(file: $0) })
        let job = try DigestSigning(
          parsed, key: try await service.pin(reference), scheme: algorithm, service: service, now: KeysCommand.now)
        let made = try await job.run(verifier: Verification.verifier)
        switch common.output.format {
        case .text: Console.print(Base64.encode(made.signature))
        case .json:
          Console.print([
            "kid": .string(made.call.kid), "algorithm": .string(made.call.scheme.rawValue), "digest": .string(made.call.digest.text),
            "signature": .string(Base64.encode(made.signature)), "requestId": made.requestID.map { .string($0) } ?? .null,
          ])
        }
      }
    }
  }
}
