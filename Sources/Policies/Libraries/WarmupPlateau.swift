/// A linear warm-up by reports, then ``Plateau``; as timm's `PlateauLRScheduler`, whose warm-up does not look at the
/// metrics.
///
/// Source: `timm.scheduler.PlateauLRScheduler` of timm 1.0.31, called as timm's train.py does: step(i + 1, metric i).
public struct WarmupPlateau: Policy {
  public struct State: Codable, Equatable, Sendable {
    /// How many reports there were.
    public var reports: Double
    public var plateau: Plateau.State
  }

  public var plateau: Plateau
  public var warmupReports: Double
  public var startRate: Double

  /// - Parameters:
  ///   - plateau: what follows; its base rate is the warm-up's target.
  ///   - warmupReports: the length of the warm-up; a whole number, at least 0.
  ///   - startRate: the rate at its beginning.
  public init(plateau: Plateau, warmupReports: Double, startRate: Double) {
    self.plateau = plateau
    self.warmupReports = warmupReports
    self.startRate = startRate
  }

  public var baseRate: Double { plateau.baseRate }

  public var initialState: State { State(reports: 0, plateau: plateau.initialState) }

  public func rate(_ state: State) -> Double {
    if state.reports >= warmupReports { return plateau.rate(state.plateau) }
    return startRate + state.reports * ((plateau.baseRate - startRate) / warmupReports)
  }

  public func reduce(_ state: State, metric: Double) -> State {
    var state = state
    state.reports += 1
    if state.reports > warmupReports { state.plateau = plateau.reduce(state.plateau, metric: metric) }
    return state
  }
}
