import CHalfTurns

/// cos(π·x) for `x` from 0 to 2: the same value as ``Cosine/fill(_:from:stride:)`` computes with, many at a time.
func cosineOfHalfTurns(_ x: Double) -> Double { half_turns_cosine(x) }
