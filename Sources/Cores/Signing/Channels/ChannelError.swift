/// Why a signing policy cannot be used: what stands where, and what was expected. It never repeats values longer than a name.
package enum ChannelError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A member is missing, of the wrong type, or out of range.
  case badMember(path: String, wanted: String)
  /// A member the schema does not have.
  case unknownMember(path: String)
  /// More entries than allowed.
  case tooMany(path: String, limit: Int)
  /// A key stands in both channels: then nothing would keep dev signatures apart from releases.
  case keyInBothChannels(String)
  /// A pattern that lets everything through where that is not allowed.
  case matchesEverything(path: String)
  /// The short-lived key cannot be made or used.
  case shortLivedKey(String)

  package var description: String {
    switch self {
    case .badMember(let path, let wanted): "signing policy: \(path.isEmpty ? "the whole" : path): \(wanted) expected"
    case .unknownMember(let path): "signing policy: \(path) is not part of \(SigningPolicy.schema); unknown members are errors"
    case .tooMany(let path, let limit): "signing policy: \(path) has more than \(limit) entries"
    case .keyInBothChannels(let key): "signing policy: key \(key) stands in both channels; a dev signature must never be made with a release key"
    case .matchesEverything(let path): "signing policy: \(path) matches everything; name the refs and identities that may release"
    case .shortLivedKey(let why): "the short-lived key: \(why)"
    }
  }
}
