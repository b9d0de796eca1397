/// A rectangle of characters to draw curves on: each holds 2 × 4 dots of braille, or a single sign.
struct TextCanvas {
  /// What one character shows.
  private struct Cell {
    /// The dots that are set, as in the Unicode block of braille patterns.
    var dots: UInt8 = 0
    /// The curve that the character belongs to: the first drawn here.
    var curve: Int?
    /// Shown in place of the dots.
    var sign: Character?
  }

  let columns: Int
  let rows: Int
  let characters: Chart.Characters
  private var cells: [Cell]

  /// How many dots a character is wide and high.
  private var dotsAcross: Int { characters == .braille ? 2 : 1 }
  private var dotsDown: Int { characters == .braille ? 4 : 1 }
  /// The size in dots.
  var width: Int { columns * dotsAcross }
  var height: Int { rows * dotsDown }

  init(columns: Int, rows: Int, characters: Chart.Characters) {
    self.columns = columns
    self.rows = rows
    self.characters = characters
    cells = Array(repeating: Cell(), count: columns * rows)
  }

  /// Draws a curve, given in dots, y upwards.
  ///
  /// - Parameters:
  ///   - letter: what tells the curve from others; in ASCII all of the curve is made of it.
  ///   - letterColumns: the characters' columns in which the letter replaces the dots.
  mutating func draw(_ run: [Vertex], curve: Int, letter: Character?, letterColumns: (Int) -> Bool) {
    guard var last = run.first else { return }
    set(last, curve, letter, letterColumns)
    for vertex in run.dropFirst() {
      // As many dots as the longer of both sides: no holes, and no more than the canvas is wide or high.
      let count = max(abs(vertex.x - last.x), abs(vertex.y - last.y))
      for dot in stride(from: 1, through: count, by: 1) {
        let x = last.x + rounded((vertex.x - last.x) * dot, count)
        let y = last.y + rounded((vertex.y - last.y) * dot, count)
        set(Vertex(x: x, y: y), curve, letter, letterColumns)
      }
      last = vertex
    }
  }

  /// The whole number nearest to `dividend` / `divisor`.
  private func rounded(_ dividend: Int, _ divisor: Int) -> Int {
    (2 * dividend + (dividend < 0 ? -divisor : divisor)) / (2 * divisor)
  }

  private mutating func set(_ dot: Vertex, _ curve: Int, _ letter: Character?, _ letterColumns: (Int) -> Bool) {
    guard (0..<width).contains(dot.x), (0..<height).contains(dot.y) else { return }
    let down = height - 1 - dot.y
    let column = dot.x / dotsAcross
    let index = down / dotsDown * columns + column
    if cells[index].curve == nil { cells[index].curve = curve }
    guard cells[index].curve == curve || cells[index].sign == nil else { return }
    if characters == .ascii {
      cells[index].sign = letter ?? "*"
    } else {
      let bits: [UInt8] = [0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80]
      cells[index].dots |= bits[dot.x % 2 * 4 + down % 4]
      if let letter, letterColumns(column), cells[index].sign == nil {
        cells[index].sign = letter
        cells[index].curve = curve
      }
    }
  }

  /// Draws a vertical line through the empty characters of a column.
  mutating func drawRule(in column: Int) {
    guard (0..<columns).contains(column) else { return }
    for row in 0..<rows where cells[row * columns + column].curve == nil {
      cells[row * columns + column].sign = Self.rule(characters)
    }
  }

  /// Draws a horizontal line through the empty characters of a row, counted from above.
  mutating func drawLevel(in row: Int) {
    guard (0..<rows).contains(row) else { return }
    for column in 0..<columns where cells[row * columns + column].curve == nil {
      cells[row * columns + column].sign = Self.level(characters)
    }
  }

  /// Puts a mark in place of what is there.
  mutating func drawMark(in column: Int, row: Int) {
    guard (0..<columns).contains(column), (0..<rows).contains(row) else { return }
    cells[row * columns + column].sign = Self.mark(characters)
  }

  /// What vertical lines, horizontal lines and marks are made of.
  static func rule(_ characters: Chart.Characters) -> Character { characters == .ascii ? ":" : "┊" }
  static func level(_ characters: Chart.Characters) -> Character { characters == .ascii ? "=" : "┄" }
  static func mark(_ characters: Chart.Characters) -> Character { characters == .ascii ? "@" : "○" }

  /// The characters of a row, counted from above, and the curves that they belong to.
  func row(_ number: Int) -> [(character: Character, curve: Int?)] {
    (0..<columns).map { column in
      let cell = cells[number * columns + column]
      if let sign = cell.sign { return (sign, cell.curve) }
      guard cell.dots != 0, let scalar = Unicode.Scalar(0x2800 + UInt32(cell.dots)) else { return (" ", nil) }
      return (Character(scalar), cell.curve)
    }
  }
}
