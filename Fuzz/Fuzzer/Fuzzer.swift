import Glibc
import Properties

/// libFuzzer's driver, from the toolchain's `libclang_rt.fuzzer_no_main`.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ run: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// Runs libFuzzer on the target that `FUZZ_TARGET` names; arguments are libFuzzer's own. `--targets` lists the targets,
/// `--seeds` writes inputs made from the catalog into a folder, `--dictionary` prints words that make sense to a target.
@main
enum Fuzzer {
  static let target = getenv("FUZZ_TARGET").flatMap { FuzzTarget(rawValue: String(cString: $0)) }

  static func main() throws {
    let words = CommandLine.arguments
    if words.dropFirst().first == "--targets" {
      for target in FuzzTarget.allCases { print(target.rawValue) }
      return
    }
    guard let target else { fail("FUZZ_TARGET is one of \(FuzzTarget.allCases.map(\.rawValue))") }
    if words.dropFirst().first == "--dictionary" {
      for word in Seeds.words(target) { print(Seeds.dictionaryEntry(word)) }
      return
    }
    if words.count == 3, words[1] == "--seeds" {
      for (name, seed) in Seeds.all(target) { try Seeds.write(seed, to: "\(words[2])/\(name)") }
      return
    }
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    exit(
      runDriver(&count, &arguments) { octets, count in
        do throws(Broken) {
          try Fuzzer.target?.check(Array(UnsafeBufferPointer(start: octets, count: count)))
        } catch {
          Fuzzer.fail("Broken promise: \(error)", aborts: true)
        }
        return 0
      })
  }

  static func fail(_ text: String, aborts: Bool = false) -> Never {
    let line = Array("\(text)\n".utf8)
    _ = write(2, line, line.count)
    if aborts { abort() }
    exit(64)
  }
}
