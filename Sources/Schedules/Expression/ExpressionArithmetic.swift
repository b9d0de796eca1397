import Foundation

/// `a % b` of Python's floats: the remainder has the sign of `b`. Not a number where `b` is 0.
///
/// Source: CPython, Objects/floatobject.c, `float_rem`.
func pythonRemainder(_ a: Double, _ b: Double) -> Double {
  let remainder = fmod(a, b)
  if remainder == 0 { return Double(signOf: b, magnitudeOf: remainder) }
  return (b < 0) != (remainder < 0) ? remainder + b : remainder
}

/// `a // b` of Python's floats: the quotient rounded down, consistent with ``pythonRemainder(_:_:)``. `a / b` where `b`
/// is 0, for which Python raises an error.
///
/// Source: CPython, Objects/floatobject.c, `_float_div_mod`.
func pythonFloorQuotient(_ a: Double, _ b: Double) -> Double {
  if b == 0 { return a / b }
  let remainder = fmod(a, b)
  var quotient = (a - remainder) / b
  if remainder != 0, (b < 0) != (remainder < 0) { quotient -= 1 }
  if quotient == 0 { return Double(signOf: a / b, magnitudeOf: 0) }
  // The division may have rounded to just below the whole number that it is.
  let whole = quotient.rounded(.down)
  return quotient - whole > 0.5 ? whole + 1 : whole
}

/// The logistic function 1/(1 + e⁻ˣ), between 0 and 1, without overflow on either side.
func sigmoid(_ x: Double) -> Double {
  if x >= 0 { return 1 / (1 + exp(-x)) }
  let power = exp(x)
  return power / (1 + power)
}

/// Python's `min(a, b)`: the first unless the second is less.
func pythonMinimum(_ a: Double, _ b: Double) -> Double { b < a ? b : a }

/// Python's `max(a, b)`: the first unless the second is greater.
func pythonMaximum(_ a: Double, _ b: Double) -> Double { b > a ? b : a }
