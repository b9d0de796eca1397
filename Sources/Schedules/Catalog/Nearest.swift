/// The candidate that `word` is most likely a misspelling of, or nil where none is near enough to be worth a guess.
///
/// Near means: equal but for upper and lower case, or a Damerau–Levenshtein distance of at most a third of the length.
///
/// - Parameters:
///   - word: what the caller wrote; only its first 64 characters are looked at, so that the cost is bounded.
///   - candidates: the valid names.
public func nearest(to word: String, in candidates: [String]) -> String? {
  let written = Array(word.lowercased().unicodeScalars.prefix(64))
  var best: (name: String, distance: Int)?
  for candidate in candidates {
    let letters = Array(candidate.lowercased().unicodeScalars)
    var distance = editDistance(written, letters)
    // "steplr" for "torch.StepLR", "cosine_annealing" for "cosine": a whole word left out or added is one slip.
    let last = letters.split(separator: ".").last.map(Array.init) ?? letters
    if last.count < letters.count { distance = min(distance, editDistance(written, last) + 1) }
    if distance <= max(1, written.count / 3), distance < best?.distance ?? .max { best = (candidate, distance) }
  }
  return best?.name
}

/// The least number of insertions, deletions, replacements and swaps of neighbors that make `a` into `b`.
private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1]
    row.reserveCapacity(b.count + 1)
    for j in 0..<b.count {
      var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
      row.append(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}
