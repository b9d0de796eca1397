import Foundation

// The two elementary functions that the rules need.

/// cos(π·x).
func cosineOfHalfTurns(_ x: Double) -> Double { cos(Double.pi * x) }

func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

func logarithm(_ x: Double) -> Double { log(x) }
