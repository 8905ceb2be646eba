/// Why a ZIP archive is refused (APPNOTE.TXT 6.3.9). Only names of entries are quoted, cut and cleaned.
package enum ArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
  case notAnArchive
  case truncated
  case tooManyEntries(limit: Int)
  case entryTooLarge(name: String, limit: Int)
  case totalTooLarge(limit: Int)
  case ratio(name: String, limit: Int)
  case unsafeName(String)
  case duplicateName(String)
  case encrypted(String)
  case compression(String, method: Int)
  case zip64
  case inconsistent(String)
  case checksum(String)
  case notAPlan

  package var description: String {
    switch self {
    case .notAnArchive: "the file is not a ZIP archive, so it is no saved plan file"
    case .truncated: "the saved plan file is cut: copy it again"
    case .tooManyEntries(let limit): "the saved plan file has more than \(limit) entries"
    case .entryTooLarge(let name, let limit): "entry \(PlanError.excerpt(name)) of the saved plan file is larger than \(limit) bytes"
    case .totalTooLarge(let limit): "the source in the saved plan file is larger than \(limit) bytes together"
    case .ratio(let name, let limit): "entry \(PlanError.excerpt(name)) of the saved plan file expands more than \(limit) times"
    case .unsafeName(let name): "entry \(PlanError.excerpt(name)) of the saved plan file leaves its folder or has an unsafe name"
    case .duplicateName(let name): "entry \(PlanError.excerpt(name)) is in the saved plan file twice"
    case .encrypted(let name): "entry \(PlanError.excerpt(name)) of the saved plan file is encrypted"
    case .compression(let name, let method): "entry \(PlanError.excerpt(name)) of the saved plan file is compressed by method \(method); stored and deflate are known"
    case .zip64: "the saved plan file is a ZIP64 archive, which Terraform does not write for plans of acceptable size"
    case .inconsistent(let name): "the directory of the saved plan file contradicts entry \(PlanError.excerpt(name))"
    case .checksum(let name): "entry \(PlanError.excerpt(name)) of the saved plan file does not have the checksum that the directory states"
    case .notAPlan: "the ZIP archive holds no `tfplan`: it is not a saved Terraform plan"
    }
  }
}
