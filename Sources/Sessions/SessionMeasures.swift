public import Measures

/// What the sessions of a server have done since its start.
public struct SessionMeasures: Sendable {
  /// How long transactions took, those that failed among them.
  public let commits = Histogram(.commits)
  public let failedCommits = Counter()
  /// Reports that were new and sound, and are on disk.
  public let reports = Counter()

  init() {}
}
