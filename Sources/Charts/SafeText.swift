/// Text from outside, as a document or a terminal may show it.
///
/// Dropped are control characters (a terminal obeys them, and XML has most of them not even escaped), characters that
/// turn the direction of what follows, and code points that are no characters. Line breaks and tabs become spaces.
///
/// - Parameter limit: how many code points are kept at most; "…" then stands for the rest.
func safeText(_ text: String, atMost limit: Int) -> String {
  var result = String.UnicodeScalarView()
  var count = 0
  for scalar in text.unicodeScalars {
    guard let kept = safeScalar(scalar) else { continue }
    guard count < limit else {
      result.append("…")
      break
    }
    result.append(kept)
    count += 1
  }
  return String(result)
}

private func safeScalar(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
  switch scalar.value {
  case 0x09...0x0D, 0x85, 0x2028, 0x2029: " "
  case ..<0x20, 0x7F..<0xA0: nil
  case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFF9...0xFFFB: nil
  default: scalar.properties.isNoncharacterCodePoint ? nil : scalar
  }
}

/// `text`, or as much of its start as leaves room for "…".
///
/// - Parameters:
///   - width: how wide the result may be, in the unit of `measure`.
///   - measure: the width of a character.
func truncated(_ text: String, to width: Double, measure: (Character) -> Double) -> String {
  var used = 0.0
  let ellipsis = measure("…")
  var kept = text.startIndex
  for index in text.indices {
    used += measure(text[index])
    if used > width { return text[..<kept] + "…" }
    if used + ellipsis <= width { kept = text.index(after: index) }
  }
  return text
}

/// About how wide `character` is in a proportional font, in parts of the font's size. Rather too much than too little:
/// the font is the reader's.
func proportionalWidth(_ character: Character) -> Double {
  if terminalWidth(character) == 2 { return 1.1 }
  return switch character {
  case "i", "j", "l", "'", "|", ".", ",", ":", ";", "!", " ", "I", "f", "t", "r", "(", ")", "[", "]", "-", "/": 0.38
  case "m", "w", "M", "W", "@", "%", "…", "—": 0.95
  case "A"..."Z", "&", "+", "=", "<", ">", "~", "#", "≤": 0.72
  case "0"..."9": 0.64
  default: 0.6
  }
}

/// How wide `text` is, about, in parts of the font's size.
func proportionalWidth(_ text: String) -> Double { text.reduce(0) { $0 + proportionalWidth($1) } }

/// How many columns of a terminal `character` takes: 0, 1 or 2.
func terminalWidth(_ character: Character) -> Int {
  guard let scalar = character.unicodeScalars.first else { return 0 }
  switch scalar.value {
  case ..<0x0300: return 1
  case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
    0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x2_0000...0x3_FFFD:
    return 2
  default: break
  }
  if scalar.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}") { return 2 }
  return switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark, .format: 0
  default: 1
  }
}

/// How many columns of a terminal `text` takes.
func terminalWidth(_ text: String) -> Int { text.reduce(0) { $0 + terminalWidth($1) } }
