import Crypto
import Encodings
import Foundation
import Gates
import Plans

/// Why the inputs of a gate cannot be judged, with the files that were read before that came out.
struct GateInputError: Error, CustomStringConvertible {
  var description: String
  var sources: [GateInput.Source]
}

/// Reads the inputs of one gate run into change sets.
struct GateInputReader {
  /// A plan of 10,000 resources has some 40 MB.
  static let maxBytes = 512 << 20
  static let maxSourceFiles = 20_000

  let parameters: String?
  let mode: ARMOptions.Mode
  let scope: String?
  let format: PlanFormat?
  let source: String?

  private struct Input {
    var path: String
    var bytes: [UInt8]
    var format: PlanFormat
  }

  func read(_ paths: [String]) throws -> (changes: [ChangeSet], sources: [GateInput.Source]) {
    var inputs: [Input] = []
    var sources: [GateInput.Source] = []
    do {
      for path in paths {
        let bytes = try Self.bytes(path)
        let format = try self.format ?? PlanFormat.recognise(bytes)
        inputs.append(Input(path: path, bytes: bytes, format: format))
        sources.append(.init(path: path, sha256: Hex.encode(Array(SHA256.hash(data: bytes))), format: format))
      }
      return (try changes(inputs), sources)
    } catch let failure as CommandFailure {
      throw GateInputError(description: "\(failure.what): \(failure.why)", sources: sources)
    } catch let error as TemplateError {
      throw GateInputError(description: "\(paths[min(sources.count, paths.count - 1)]): \(error.description)", sources: sources)
    } catch let error as PlanError {
      throw GateInputError(description: error.description, sources: sources)
    }
  }

  private func changes(_ inputs: [Input]) throws -> [ChangeSet] {
    let archives = inputs.filter { $0.format == .terraformPlanFile }
    let plans = inputs.filter { $0.format == .terraformPlanJSON }
    guard archives.count <= 1, archives.isEmpty || plans.count == 1 else {
      throw CommandFailure.usage(
        "cannot read \(archives[0].path)",
        why: plans.isEmpty
          ? "a saved plan file alone does not say what will change; add its JSON: terraform show -json PLANFILE > plan.json"
          : "one saved plan file goes with one plan JSON; judge several changes one by one")
    }
    let archive = try archives.first.map { try PlanFile.open($0.bytes) }
    let written = try archive?.sources ?? source.map { PlanSources(files: try Self.sourceFiles($0)) }
    return try inputs.compactMap { input -> ChangeSet? in
      switch input.format {
      case .terraformPlanFile: return nil
      case .terraformPlanJSON:
        let set = try TerraformPlan.changeSet(json: input.bytes, sources: written)
        if let archive { try Self.check(set, belongsTo: archive, archives[0].path) }
        return set
      case .armTemplate:
        var options = ARMOptions(mode: mode, scope: scope ?? "", file: input.path)
        options.mode = mode
        return try ARMTemplate.changeSet(json: input.bytes, parameters: try parameters.map(Self.bytes), options: options)
      case .whatIf: return try WhatIf.changeSet(json: input.bytes)
      case .pulumiPreview: return try PulumiPreview.changeSet(json: input.bytes)
      }
    }
  }

  /// A plan and the JSON of another one would be judged as if they were one change. Told by the resources: not one of those in the JSON is declared in the source
  /// that the plan file carries, though that declares some.
  private static func check(_ set: ChangeSet, belongsTo archive: PlanFile, _ path: String) throws {
    let planned = set.resources.filter { $0.after != nil && !$0.isDrift && !$0.isData && $0.action != .delete && $0.action != .forget }
    guard !planned.isEmpty, !planned.contains(where: { archive.sources.location(of: $0.address) != nil }), archive.sources.problems.isEmpty,
      archive.files.contains(where: { String(decoding: $0.bytes, as: UTF8.self).contains("resource \"") })
    else { return }
    throw CommandFailure.usage(
      "cannot use \(path)", why: "its source declares none of the resources of the plan JSON: the two are not of one plan; make the JSON from this file: terraform show -json PLANFILE > plan.json")
  }

  /// A file of at most `maxBytes`; its size is looked at before it is read. A link is refused: what was judged must be what is applied.
  private static func bytes(_ path: String) throws -> [UInt8] {
    if path == "-" {
      var bytes: [UInt8] = []
      while let piece = try FileHandle.standardInput.read(upToCount: 1 << 20), !piece.isEmpty {
        bytes += piece
        guard bytes.count <= maxBytes else { throw CommandFailure.usage("cannot read standard input", why: "it is larger than \(maxBytes) bytes") }
      }
      return bytes
    }
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    if let size = attributes?[.size] as? Int, size > maxBytes {
      throw CommandFailure.usage("cannot read \(path)", why: "it has \(size) bytes, more than the limit of \(maxBytes); judge the change in parts")
    }
    if attributes?[.type] as? FileAttributeType == .typeSymbolicLink {
      throw CommandFailure.usage("cannot read \(path)", why: "it is a symbolic link, which may lead elsewhere when the change is applied; name the file itself")
    }
    return try LocalFile.bytes(path, maxBytes: maxBytes)
  }

  /// The `.tf` files under a folder; links are not followed.
  private static func sourceFiles(_ folder: String) throws -> [SourceFile] {
    guard let walk = FileManager.default.enumerator(at: URL(fileURLWithPath: folder), includingPropertiesForKeys: [.isRegularFileKey, .isSymbolicLinkKey]) else {
      throw CommandFailure.usage("cannot read \(folder)", why: "it is no folder")
    }
    let root = URL(fileURLWithPath: folder).standardizedFileURL.path
    var files: [SourceFile] = []
    for case let url as URL in walk {
      let values = try? url.resourceValues(forKeys: [.isRegularFileKey, .isSymbolicLinkKey])
      guard values?.isRegularFile == true, values?.isSymbolicLink != true, [".tf", ".tofu", ".tf.json"].contains(where: url.path.hasSuffix) else { continue }
      guard files.count < maxSourceFiles else { throw CommandFailure.usage("cannot read \(folder)", why: "there are more than \(maxSourceFiles) files in it") }
      let path = url.standardizedFileURL.path
      files.append(SourceFile(path: path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : path, bytes: try LocalFile.bytes(url.path, maxBytes: 4 << 20)))
    }
    return files
  }
}
