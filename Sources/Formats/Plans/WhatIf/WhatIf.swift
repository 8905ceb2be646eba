/// What-if answers, as the CLI prints them or the REST API returns them (estate-and-gates §3.6).
package enum WhatIf {
  package static func changeSet(json: [UInt8]) throws(TemplateError) -> ChangeSet {
    throw TemplateError.wrongDocument(.whatIf, found: .other)
  }
}
