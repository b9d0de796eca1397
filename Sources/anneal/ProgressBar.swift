import Glibc

/// A line on standard error that shows how far something is; nothing where that is no terminal.
struct ProgressBar: Sendable {
  private let isShown = isatty(STDERR_FILENO) == 1
  private static let width = 40

  /// - Parameters:
  ///   - part: from 0 to 1.
  ///   - words: what stands behind the bar.
  func show(_ part: Double, _ words: String) {
    if !isShown { return }
    let part = min(max(part, 0), 1)
    let filled = Int(part * Double(Self.width))
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
    write("\r[\(bar)] \(Int(part * 100)) % \(words)\u{1B}[K")
  }

  /// Shows what has been done where nobody knows how much there is.
  func show(_ words: String) { if isShown { write("\r\(words)\u{1B}[K") } }

  /// Takes the line away.
  func clear() { if isShown { write("\r\u{1B}[K") } }

  private func write(_ text: String) {
    // It is only shown: where it cannot be written, nothing is lost.
    _ = text.utf8.withContiguousStorageIfAvailable { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
