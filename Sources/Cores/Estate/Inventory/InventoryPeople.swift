package import Clocks

extension InventorySnapshot {
  /// A principal of the directory.
  package struct Identity: Sendable, Hashable {
    package var objectId: String
    package var clientId: String?
    package var kind: IdentityKind?
    package var name: String?
    package var armId: String?
    /// nil when its federated credentials could not be read.
    package var federated: [Federated]?
    /// How many passwords and certificates can be used instead of federation.
    package var secrets: Int?
    package var certificates: Int?
    /// Resource tags: `purpose` or `hallmark.purpose` classifies an identity that the intent register does not list.
    package var tags: [String: String]?

    package init(
      objectId: String, clientId: String? = nil, kind: IdentityKind? = nil, name: String? = nil, armId: String? = nil,
      federated: [Federated]? = nil, secrets: Int? = nil, certificates: Int? = nil, tags: [String: String]? = nil
    ) {
      self.objectId = objectId
      self.clientId = clientId
      self.kind = kind
      self.name = name
      self.armId = armId
      self.federated = federated
      self.secrets = secrets
      self.certificates = certificates
      self.tags = tags
    }
  }

  /// A federated identity credential: whoever presents a token of this issuer with this subject becomes the identity.
  package struct Federated: Sendable, Hashable {
    package var issuer: String
    /// The subject, or the text of a flexible claims expression.
    package var subject: String?
    package var audiences: [String]?

    package init(issuer: String, subject: String?, audiences: [String]? = nil) {
      self.issuer = issuer
      self.subject = subject
      self.audiences = audiences
    }
  }

  package struct Group: Sendable, Hashable {
    package var objectId: String
    package var name: String?
    /// Object ids of direct members, groups among them; nil when the members could not be read.
    package var members: [String]?

    package init(objectId: String, name: String? = nil, members: [String]? = nil) {
      self.objectId = objectId
      self.name = name
      self.members = members
    }
  }

  /// Something signed, or something that runs.
  package struct Artifact: Sendable, Hashable {
    package var digest: String
    package var names: [String]
    /// Digests that mean the same artifact: index, manifests, configs.
    package var closure: [String]
    /// nil when signatures could not be looked for.
    package var signatures: [Signature]?
    /// nil when no cluster could be asked.
    package var running: [Running]?

    package init(
      digest: String, names: [String] = [], closure: [String] = [], signatures: [Signature]? = nil, running: [Running]? = nil
    ) {
      self.digest = digest
      self.names = names
      self.closure = closure
      self.signatures = signatures
      self.running = running
    }
  }

  package struct Signature: Sendable, Hashable {
    package var format: SignatureFormat
    package var spkiSha256: String?
    package var kid: String?
    package var requestId: String?
    package var time: Instant?
    /// nil when nobody verified it.
    package var verified: Bool?

    package init(
      format: SignatureFormat, spkiSha256: String? = nil, kid: String? = nil, requestId: String? = nil, time: Instant? = nil,
      verified: Bool? = nil
    ) {
      self.format = format
      self.spkiSha256 = spkiSha256
      self.kid = kid
      self.requestId = requestId
      self.time = time
      self.verified = verified
    }
  }

  package struct Running: Sendable, Hashable {
    package var cluster: String
    package var namespace: String?
    /// `deployment/web`.
    package var workload: String
    package var since: Instant?

    package init(cluster: String, namespace: String? = nil, workload: String, since: Instant? = nil) {
      self.cluster = cluster
      self.namespace = namespace
      self.workload = workload
      self.since = since
    }
  }
}
