import Foundation
import Testing

/// What the fuzzer has found worth keeping, and every input that has ever broken a promise: `Scripts/fuzz` finds more.
@Suite struct CorpusTests {
  private static func inputs(_ folder: String, _ target: FuzzTarget) -> [URL] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz/\(folder)")
    let files = try? FileManager.default.contentsOfDirectory(
      at: root.appending(path: target.rawValue), includingPropertiesForKeys: nil)
    return (files ?? []).sorted { $0.path < $1.path }
  }

  @Test(arguments: FuzzTarget.allCases)
  func noInputOfTheCorpusBreaksAPromise(_ target: FuzzTarget) throws {
    let corpus = Self.inputs("corpus", target)
    #expect(!corpus.isEmpty)
    for file in corpus + Self.inputs("crashes", target) {
      let input = [UInt8](try Data(contentsOf: file))
      #expect(throws: Never.self, "\(file.lastPathComponent)") { try target.check(input) }
    }
  }
}
