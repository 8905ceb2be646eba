extension PlanFormat {
  /// What the bytes are, by content and never by file name. One pass, nothing is built.
  ///
  /// - Throws: `TemplateError` for what looks like an input and is none (a state, a parameters file, a log), and for bytes that are no JSON.
  package static func recognise(_ bytes: [UInt8]) throws(TemplateError) -> PlanFormat {
    throw TemplateError.wrongDocument(.input, found: .other)
  }
}
