// What small dense problems need to know their least loss and their curvature.

/// A symmetric matrix, row by row.
struct SymmetricMatrix {
  let size: Int
  private(set) var elements: [Double]

  init(size: Int) {
    self.size = size
    elements = Array(repeating: 0, count: size * size)
  }

  subscript(row: Int, column: Int) -> Double {
    get { elements[row * size + column] }
    set { elements[row * size + column] = newValue }
  }

  /// Adds factor·v·vᵀ.
  mutating func add(_ factor: Double, times vector: ArraySlice<Double>) {
    let first = vector.startIndex
    for row in 0..<size {
      let part = factor * vector[first + row]
      for column in 0..<size { self[row, column] += part * vector[first + column] }
    }
  }

  /// The eigenvalues, in no order, and the eigenvectors as columns.
  ///
  /// Jacobi's method, cyclic: Golub and Van Loan, "Matrix Computations", 8.5. At most 50 sweeps; 5 to 10 are enough.
  func eigen() -> (values: [Double], vectors: [Double]) {
    var matrix = self
    var vectors = [Double](repeating: 0, count: size * size)
    for index in 0..<size { vectors[index * size + index] = 1 }
    for _ in 0..<50 {
      var (aside, diagonal) = (0.0, 0.0)
      for row in 0..<size {
        diagonal += matrix[row, row] * matrix[row, row]
        for column in 0..<row { aside += matrix[row, column] * matrix[row, column] }
      }
      if aside <= 1e-30 * diagonal { break }
      for p in 0..<size {
        for q in (p + 1)..<max(size, p + 1) where matrix[p, q] != 0 { Self.rotate(&matrix, &vectors, p, q) }
      }
    }
    return ((0..<size).map { matrix[$0, $0] }, vectors)
  }

  private static func rotate(_ matrix: inout SymmetricMatrix, _ vectors: inout [Double], _ p: Int, _ q: Int) {
    let size = matrix.size
    let ratio = (matrix[q, q] - matrix[p, p]) / (2 * matrix[p, q])
    let tangent = (ratio < 0 ? -1 : 1) / (abs(ratio) + (1 + ratio * ratio).squareRoot())
    let cosine = 1 / (1 + tangent * tangent).squareRoot()
    let sine = tangent * cosine
    for index in 0..<size {
      let (a, b) = (matrix[index, p], matrix[index, q])
      matrix[index, p] = cosine * a - sine * b
      matrix[index, q] = sine * a + cosine * b
    }
    for index in 0..<size {
      let (a, b) = (matrix[p, index], matrix[q, index])
      matrix[p, index] = cosine * a - sine * b
      matrix[q, index] = sine * a + cosine * b
    }
    for index in 0..<size {
      let (a, b) = (vectors[index * size + p], vectors[index * size + q])
      vectors[index * size + p] = cosine * a - sine * b
      vectors[index * size + q] = sine * a + cosine * b
    }
  }

  /// The x with A·x = right; directions that the matrix does not see (an eigenvalue below 1e-12 of the largest) are left
  /// at 0.
  func solve(_ right: [Double]) -> [Double] {
    let (values, vectors) = eigen()
    let floor = 1e-12 * (values.max() ?? 0)
    var solution = [Double](repeating: 0, count: size)
    for column in 0..<size where values[column] > floor {
      var part = 0.0
      for row in 0..<size { part += vectors[row * size + column] * right[row] }
      for row in 0..<size { solution[row] += vectors[row * size + column] * part / values[column] }
    }
    return solution
  }
}
