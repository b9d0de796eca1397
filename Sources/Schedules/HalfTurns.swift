/// cos(π·x), four at a time: the one costly step of a long cosine schedule.
///
/// The product π·x is rounded first, as every library rounds it, so that the digits are theirs: nearly always the same as
/// the system's cosine of that product, otherwise one unit of the last place beside it.
///
/// Source: the reduction and the polynomials of FreeBSD's msun (`e_rem_pio2.c`, `k_cos.c`, `k_sin.c`), Sun Microsystems,
/// 1993.
///
/// - Parameter x: half turns, from 0 to 2.
@inline(__always) func cosineOfHalfTurns(_ x: SIMD4<Double>) -> SIMD4<Double> {
  let product: Four = x * Double.pi
  // The nearest whole number, by rounding at 2⁵²; to round in so many words is a call for each lane on older processors.
  let magic = Four(repeating: 0x1.8p52)
  let quarters: Four = (product * 6.36619772367581382433e-01 + magic) - magic
  // The product less its quarter turns: π/2 in two parts, the first short enough that a few of it are exact.
  let first: Four = product - quarters * 1.57079632673412561417e+00
  let second: Four = quarters * 6.07710050650619224932e-11
  let angle: Four = first - second
  let tail: Four = (first - angle) - second

  // Along a curve of many steps all four nearly always lie in the same quarter turn: one polynomial does.
  let quarter = quarters[0]
  if quarters == Four(repeating: quarter) {
    let value = quarter == 1 || quarter == 3 ? sine(angle, tail) : cosine(angle, tail)
    return quarter == 1 || quarter == 2 ? -value : value
  }
  let isOdd = (quarters .== 1.0) .| (quarters .== 3.0)
  let isNegative = (quarters .== 1.0) .| (quarters .== 2.0)
  let value = cosine(angle, tail).replacing(with: sine(angle, tail), where: isOdd)
  return value.replacing(with: -value, where: isNegative)
}

/// The cosine of `angle` + `tail`, of at most π/4.
@inline(__always) private func cosine(_ angle: Four, _ tail: Four) -> Four {
  let z: Four = angle * angle
  let low: Four = z * horner(4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05, z)
  let high: Four = horner(-2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11, z)
  let series: Four = low + z * z * (z * z) * high
  let half: Four = z * 0.5
  let rest: Four = 1.0 - half
  let lost: Four = (1.0 - rest) - half
  return rest + (lost + (z * series - angle * tail))
}

/// The sine of `angle` + `tail`, of at most π/4.
@inline(__always) private func sine(_ angle: Four, _ tail: Four) -> Four {
  let z: Four = angle * angle
  let low: Four = horner(8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06, z)
  let high: Four = -2.50507602534068634195e-08 + z * 1.58969099521155010221e-10
  let series: Four = low + z * (z * z) * high
  let cube: Four = z * angle
  return angle - ((z * (tail * 0.5 - cube * series) - tail) + cube * 1.66666666666666324348e-01)
}

private typealias Four = SIMD4<Double>

/// a + z·(b + z·c)
@inline(__always) private func horner(_ a: Double, _ b: Double, _ c: Double, _ z: Four) -> Four {
  let inner: Four = b + z * c
  return a + z * inner
}

/// cos(π·x) of one `x` from 0 to 2: the same value as four at a time.
func cosineOfHalfTurns(_ x: Double) -> Double { cosineOfHalfTurns(SIMD4(repeating: x))[0] }
