/// One file of configuration, by the path people know it by (relative to the root of the configuration).
package struct SourceFile: Sendable, Hashable {
  package var path: String
  package var bytes: [UInt8]

  package init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }
}

/// Where a module of the configuration lives: an element of `modules.json`.
package struct ModuleEntry: Sendable, Hashable {
  /// `""` for the root, else `ci` or `ci.inner`.
  package var key: String
  /// Folder, relative to the root of the configuration; `.` for the root.
  package var directory: String
  /// As written: a registry address, a URL, a relative path.
  package var source: String
  package var version: String?

  package init(key: String, directory: String, source: String = "", version: String? = nil) {
    self.key = key
    self.directory = directory
    self.source = source
    self.version = version
  }
}
