/// `pulumi preview --json` as changes (estate-and-gates §3.7).
package enum PulumiPreview {
  package static func changeSet(json: [UInt8]) throws(TemplateError) -> ChangeSet {
    throw TemplateError.wrongDocument(.preview, found: .other)
  }
}
