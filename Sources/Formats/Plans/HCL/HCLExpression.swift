/// An expression of HCL native syntax (hcl/hclsyntax/spec.md), parsed and not yet evaluated.
indirect enum HCLExpression: Sendable, Hashable {
  case literal(PlanValue)
  /// Parts that are joined as text; one part alone keeps its type.
  case template([HCLExpression])
  /// A variable and what is taken from it: `local.ids["ci"].principal_id`.
  case traversal(String, [HCLStep])
  case access(HCLExpression, [HCLStep])
  case call(String, [HCLExpression], expandsLast: Bool)
  case unary(HCLOperator, HCLExpression)
  case binary(HCLOperator, HCLExpression, HCLExpression)
  case conditional(HCLExpression, HCLExpression, HCLExpression)
  case tuple([HCLExpression])
  case object([HCLItem])
  case comprehension(HCLFor)
  /// Syntax that is recognised and not evaluated: what it is.
  case unsupported(String, [HCLExpression])
}

enum HCLStep: Sendable, Hashable {
  case name(String)
  case index(HCLExpression)
  case splat
}

enum HCLOperator: String, Sendable, Hashable {
  case or = "||", and = "&&", equal = "==", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
  case plus = "+", minus = "-", times = "*", divided = "/", modulo = "%", not = "!"

  /// Binding strength of a binary operator (spec, "Operations").
  var level: Int {
    switch self {
    case .or: 1
    case .and: 2
    case .equal, .notEqual: 3
    case .less, .lessOrEqual, .greater, .greaterOrEqual: 4
    case .plus, .minus: 5
    case .times, .divided, .modulo: 6
    case .not: 7
    }
  }
}

struct HCLItem: Sendable, Hashable {
  var key: HCLExpression
  var value: HCLExpression
}

/// `[for k, v in c : e if x]` and `{for k, v in c : k => e... if x}`.
struct HCLFor: Sendable, Hashable {
  var keyName: String?
  var valueName: String
  var collection: HCLExpression
  /// Nil for a tuple.
  var key: HCLExpression?
  var value: HCLExpression
  var groups: Bool
  var condition: HCLExpression?
}

struct HCLAttribute: Sendable, Hashable {
  var name: String
  var value: HCLExpression
  var line: Int
}

struct HCLBlock: Sendable, Hashable {
  var type: String
  var labels: [String]
  var body: HCLBody
  var line: Int
}

struct HCLBody: Sendable, Hashable {
  var attributes: [String: HCLAttribute] = [:]
  var blocks: [HCLBlock] = []

  func blocks(_ type: String) -> [HCLBlock] { blocks.filter { $0.type == type } }
}

/// Why a file is no acceptable HCL, and where. It carries nothing of the text.
struct HCLError: Error, Sendable, Equatable, CustomStringConvertible {
  enum Reason: String, Sendable, Equatable {
    case tooLong = "the file is longer than the limit"
    case tooDeep = "nesting is deeper than the limit"
    case tooMuch = "there are more expressions than the limit"
    case invalidUTF8 = "the file is not UTF-8"
    case expectedName = "a name was expected"
    case expectedExpression = "an expression was expected"
    case expectedBlockOrAttribute = "'=' or '{' was expected"
    case expectedEndOfLine = "the end of the line was expected"
    case expectedClose = "a closing bracket was expected"
    case unterminated = "a string, template, comment or block does not end"
    case badEscape = "an escape is not one of HCL's"
    case badNumber = "a number is malformed"
    case duplicateAttribute = "an argument is given twice"
  }

  let reason: Reason
  /// From 1.
  let line: Int

  var description: String { "\(reason.rawValue) (line \(line))" }
}

/// What reading one configuration may cost.
struct HCLLimits: Sendable, Hashable {
  var maxBytes = 8 << 20
  var maxDepth = 96
  /// Operators in a row, those of enclosing expressions included.
  var maxChain = 1_000
  /// Expressions, attributes and blocks of one file.
  var maxNodes = 1_000_000
}

extension HCLExpression {
  /// Every traversal in here, in order; names bound by a `for` are left out.
  func traversals(bound: Set<String> = []) -> [(root: String, steps: [HCLStep])] {
    var found: [(root: String, steps: [HCLStep])] = []
    collect(bound, &found)
    return found
  }

  private func collect(_ bound: Set<String>, _ found: inout [(root: String, steps: [HCLStep])]) {
    func steps(_ steps: [HCLStep], _ found: inout [(root: String, steps: [HCLStep])]) {
      for case .index(let index) in steps { index.collect(bound, &found) }
    }
    switch self {
    case .literal: break
    case .template(let parts), .tuple(let parts), .unsupported(_, let parts), .call(_, let parts, _):
      for part in parts { part.collect(bound, &found) }
    case .traversal(let root, let path):
      if !bound.contains(root) { found.append((root, path)) }
      steps(path, &found)
    case .access(let base, let path):
      base.collect(bound, &found)
      steps(path, &found)
    case .unary(_, let operand): operand.collect(bound, &found)
    case .binary(_, let left, let right):
      left.collect(bound, &found)
      right.collect(bound, &found)
    case .conditional(let test, let yes, let no): for part in [test, yes, no] { part.collect(bound, &found) }
    case .object(let items):
      for item in items {
        item.key.collect(bound, &found)
        item.value.collect(bound, &found)
      }
    case .comprehension(let loop):
      loop.collection.collect(bound, &found)
      let inner = bound.union([loop.valueName]).union(loop.keyName.map { [$0] } ?? [])
      for part in [loop.key, loop.value, loop.condition] { part?.collect(inner, &found) }
    }
  }
}
