/// cos(π·x), four at a time and without a branch: the one costly step of a long cosine schedule.
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

  let z: Four = angle * angle
  let w: Four = z * z
  let cosineLow: Four =
    z * horner(4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05, z)
  let cosineHigh: Four = horner(-2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11, z)
  let cosineRest: Four = cosineLow + w * w * cosineHigh
  let half: Four = z * 0.5
  let rest: Four = 1.0 - half
  let lost: Four = (1.0 - rest) - half
  let cosine: Four = rest + (lost + (z * cosineRest - angle * tail))

  let sineLow: Four = horner(8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06, z)
  let sineHigh: Four = -2.50507602534068634195e-08 + z * 1.58969099521155010221e-10
  let sineRest: Four = sineLow + z * w * sineHigh
  let cube: Four = z * angle
  let sineTail: Four = (z * (tail * 0.5 - cube * sineRest) - tail) + cube * 1.66666666666666324348e-01
  let sine: Four = angle - sineTail

  let isOdd = (quarters .== 1.0) .| (quarters .== 3.0)
  let isNegative = (quarters .== 1.0) .| (quarters .== 2.0)
  let value = cosine.replacing(with: sine, where: isOdd)
  return value.replacing(with: -value, where: isNegative)
}

private typealias Four = SIMD4<Double>

/// a + z·(b + z·c)
@inline(__always) private func horner(_ a: Double, _ b: Double, _ c: Double, _ z: Four) -> Four {
  let inner: Four = b + z * c
  return a + z * inner
}

/// cos(π·x) of one `x` from 0 to 2: the same value as four at a time.
func cosineOfHalfTurns(_ x: Double) -> Double { cosineOfHalfTurns(SIMD4(repeating: x))[0] }
