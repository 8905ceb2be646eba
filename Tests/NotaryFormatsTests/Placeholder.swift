import Testing
@testable import NotaryFormats
