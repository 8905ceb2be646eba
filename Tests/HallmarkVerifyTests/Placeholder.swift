import Testing
@testable import HallmarkVerify
