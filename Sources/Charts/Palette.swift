import Foundation

/// The colors and line patterns of a picture.
///
/// The hues are those of Okabe and Ito, "Color Universal Design", 2008, told apart by the colorblind too, without the
/// yellow, which is lost on white. Darkened on white and lightened on black until each has a contrast of at least
/// 3 : 1, what WCAG 2.2 asks of graphics.
enum Palette {
  /// Blue, vermilion, green, purple, orange, sky blue, gray.
  private static let light = ["#0072b2", "#d55e00", "#008a63", "#b3519a", "#ad7a00", "#2b93d1", "#57606a"]
  private static let dark = ["#4a9fe0", "#ff7a33", "#2fc497", "#dd93c4", "#e8b13a", "#8fd3ff", "#b9c1c9"]

  /// What a color stands in for: its name as a CSS variable, on white, on black.
  private static let roles = [
    ("background", "#ffffff", "#14171c"), ("text", "#1f2328", "#e6e9ed"), ("muted", "#59636e", "#9aa4af"),
    ("axis", "#8c959f", "#6b7580"), ("grid", "#e1e5e9", "#2b3139"), ("fine", "#f0f2f4", "#20252b"),
  ]

  /// How many curves differ by color alone.
  static var count: Int { light.count }

  /// The number of the color of a curve.
  static func color(of index: Int) -> Int { index % count }

  /// The color of a curve for readers that know no CSS variables, on white.
  static func fallback(of index: Int) -> String { light[color(of: index)] }

  private static let patterns = [
    "", "9 5", "1 5", "14 5 1 5", "5 5 5 10", "18 6", "1 9", "10 5 1 5 1 5", "2 4 2 10", "22 5 6 5",
  ]

  /// The lengths of dashes and gaps of a path: each of the first ten has a pattern of its own besides its color.
  static func pathDashes(of index: Int) -> String { patterns[index % patterns.count] }

  /// The lengths of dashes and gaps of a curve in pixels, empty for an unbroken line. Past the last color, patterns
  /// tell curves apart. The round ends make each dash 2 pixels longer and each gap as much shorter.
  static func dashes(of index: Int, isDashed: Bool) -> String {
    let pattern = patterns[index / count % patterns.count]
    return pattern.isEmpty && isDashed ? "6 6" : pattern
  }

  /// The bands of a contour chart, from the lowest values to the highest: a single hue, so that lightness alone tells
  /// them apart, for the colorblind and in gray too. The lowest are nearest to the background, and paths that end there
  /// are seen best. Made in OKLCH (Ottosson, 2020) with the lightness in even steps.
  private static let lightBands = [
    "#f6fbff", "#ecf3fb", "#e1ecf6", "#d7e4f1", "#ccddec", "#c2d5e8", "#b7cee3", "#adc7de", "#a2c0d9", "#98b8d4",
    "#8db1cf", "#83aaca", "#78a3c5",
  ]
  private static let darkBands = [
    "#191f25", "#1d232c", "#202833", "#232d3a", "#263341", "#293848", "#2c3d50", "#304357", "#33485f", "#364e67",
    "#38546e", "#3b5a76", "#3e607e",
  ]

  static var bandCount: Int { lightBands.count }
  /// The color of a band for readers that know no CSS variables, on white.
  static func bandFallback(_ index: Int) -> String { lightBands[index % bandCount] }

  static let bandStyleSheet: String = {
    func variables(_ colors: [String]) -> String {
      ".anneal-chart{" + colors.enumerated().map { "--band-\($0.offset):\($0.element)" }.joined(separator: ";") + "}"
    }
    let fills = lightBands.indices.map { ".anneal-chart .band-\($0){fill:var(--band-\($0))}" }
    let rules = [
      variables(lightBands), "@media (prefers-color-scheme:dark){" + variables(darkBands) + "}",
      ".anneal-chart .contour-line{stroke:var(--text)}",
    ]
    return (rules + fills).joined(separator: "\n")
  }()

  /// Cividis (Nuñez, Anderton and Renslow, "Optimizing colormaps with consideration for color vision deficiency", PLoS ONE
  /// 13(7), 2018), as matplotlib has it, at ten places: its lightness rises evenly, for the colorblind and in gray too.
  private static let cividis: [(red: Double, green: Double, blue: Double)] = [
    (0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115), (138, 134, 120), (165, 156, 116),
    (195, 179, 105), (225, 204, 85), (254, 232, 56),
  ]

  /// The color of a cell, the same on white and on black.
  ///
  /// - Parameter fraction: how far the value is from the lowest to the highest, from 0 to 1.
  static func shade(_ fraction: Double) -> String {
    let place = min(max(fraction, 0), 1) * Double(cividis.count - 1)
    let index = min(Int(exactly: place.rounded(.down)) ?? 0, cividis.count - 2)
    let part = place - Double(index)
    let (one, next) = (cividis[index], cividis[index + 1])
    let levels = [(one.red, next.red), (one.green, next.green), (one.blue, next.blue)].map {
      Int(exactly: ($0.0 + ($0.1 - $0.0) * part).rounded()) ?? 0
    }
    return "#" + levels.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// Whether white text is easier to read on a color than black.
  static func isDark(_ color: String) -> Bool { luminance(of: color) < 0.179 }

  /// The relative luminance of a color as WCAG 2.2 defines it, from 0 to 1.
  static func luminance(of color: String) -> Double {
    let number = Int(color.dropFirst(), radix: 16) ?? 0
    let parts = [number >> 16, number >> 8, number].map { level -> Double in
      let part = Double(level & 0xFF) / 255
      return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
  }

  /// What heat maps need besides: the text in cells, whose colors are the same on white and on black.
  static let cellStyleSheet = [
    ".anneal-chart text.on-dark{fill:#ffffff}", ".anneal-chart text.on-light{fill:#000000}",
    ".anneal-chart .cell{stroke:var(--axis);stroke-width:0.5px}",
  ].joined(separator: "\n")

  /// What bar charts need besides.
  static let barStyleSheet = ".anneal-chart .bar{fill:var(--curve-0)}"

  /// What pictures with marks and labels on top of curves need besides.
  static let markStyleSheet = [
    ".anneal-chart text.halo{stroke:var(--background);paint-order:stroke;stroke-width:3px;stroke-linejoin:round}",
    ".anneal-chart .mark{fill:var(--background);stroke:var(--text)}",
    ".anneal-chart .limit-line{stroke:var(--text)}",
    ".anneal-chart .casing{stroke:var(--background)}",
    ".anneal-chart .start circle{fill:var(--background)}",
    ".anneal-chart .star{fill:var(--text);stroke:var(--background)}",
  ].joined(separator: "\n")

  /// The style sheet. Each rule names the class of the picture: within a page, it must not restyle anything else.
  static let styleSheet: String = {
    func variables(_ colors: [String], _ pick: ((String, String, String)) -> String) -> String {
      let curves = colors.enumerated().map { "--curve-\($0.offset):\($0.element)" }
      return ".anneal-chart{" + (roles.map { "--\($0.0):\(pick($0))" } + curves).joined(separator: ";") + "}"
    }
    let strokes = light.indices.map { ".anneal-chart .curve-\($0){stroke:var(--curve-\($0))}" }
    let rules = [
      variables(light) { $0.1 },
      "@media (prefers-color-scheme:dark){" + variables(dark) { $0.2 } + "}",
      ".anneal-chart text{fill:var(--text);font-family:system-ui,sans-serif;font-variant-numeric:tabular-nums}",
      ".anneal-chart .muted text{fill:var(--muted)}",
      ".anneal-chart .background{fill:var(--background)}",
    ]
    let lines = ["axis", "grid", "fine", "muted"].map { ".anneal-chart .\($0)-line{stroke:var(--\($0))}" }
    return (rules + lines + strokes).joined(separator: "\n")
  }()
}
