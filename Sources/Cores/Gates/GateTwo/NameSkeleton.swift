/// A name as an eye sees it: letters of other alphabets that look like Latin ones, full-width forms and separators folded
/// (a part of Unicode TS 39 confusables that reaches the letters key names are made of).
enum NameSkeleton {
  private static let lookAlikes: [Unicode.Scalar: Character] = {
    let pairs: [(String, String)] = [
      ("авеікмнорстухзьѕјһԁԛԝґ", "abeikmhopctyx3bsjhdqwr"), ("αβεικνορτυχγω", "abeikvoptuxyw"), ("ıɑɡƖɩ", "iagli"),
    ]
    var table: [Unicode.Scalar: Character] = [:]
    for (foreign, latin) in pairs { for (a, b) in zip(foreign.unicodeScalars, latin) { table[a] = b } }
    return table
  }()

  static func of(_ name: String) -> String {
    var result = ""
    for scalar in name.lowercased().unicodeScalars {
      switch scalar.value {
      case 0xFF01...0xFF5E: result += String(Character(Unicode.Scalar(UInt8(scalar.value - 0xFEE0)))).lowercased()
      case 0x00AD, 0x200B...0x200F, 0x2060, 0xFEFF: continue
      case 0x2010...0x2015, 0x2212, 0x5F: result.append("-")
      default: result.append(lookAlikes[scalar] ?? Character(scalar))
      }
    }
    return result
  }
}
