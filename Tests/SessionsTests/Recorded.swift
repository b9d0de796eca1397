import JSON
import Schedules

/// The rates of a library's machine over a recorded curve, as `POST /schedule` answers them.
func recordedRates(_ policy: JSONValue, _ metrics: [Double]) throws -> [Double] {
  let curves = try SpecificationReader(metrics: metrics).read(policy)
  return (0...metrics.count).map { curves.rate.rate(at: Double($0)) }
}
