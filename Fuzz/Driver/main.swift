// `fuzz TARGET [libFuzzer options] CORPUS…` — libFuzzer's loop around one target; `fuzz --list` names them all.
import FuzzTargets

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// libFuzzer's own entry (FuzzerInterface of compiler-rt); `Fuzz/run` links the library without its `main`.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
  _ argc: UnsafeMutablePointer<CInt>, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

nonisolated(unsafe) var chosen = FuzzTarget.json  // written once, before the single-threaded loop starts

let arguments = CommandLine.arguments
if arguments.count == 2, arguments[1] == "--list" {
  for target in FuzzTarget.allCases { print(target.rawValue) }
  exit(0)
}
guard arguments.count >= 2, let target = FuzzTarget(rawValue: arguments[1]) else {
  print("usage: fuzz TARGET [libFuzzer options] CORPUS…   (fuzz --list names the targets)")
  exit(2)
}
chosen = target
let rest = [arguments[0], "-max_len=\(target.lengthLimit)"] + arguments.dropFirst(2)
var argc = CInt(rest.count)
var argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = .allocate(capacity: rest.count + 1)
for (index, argument) in rest.enumerated() { argv?[index] = strdup(argument) }
argv?[rest.count] = nil
exit(
  runDriver(&argc, &argv) { bytes, count in
    chosen.run(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
  })
