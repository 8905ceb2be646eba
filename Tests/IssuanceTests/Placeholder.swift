import Testing
@testable import Issuance
