public import Foundation
import HTTPServer
import JSON
import Schedules

/// `POST /schedule` without a server, for the command line: the same reading, the same errors, the same numbers.
public enum OfflineSchedule {
  public enum Selection {
    /// So many steps from 0 on.
    case count(Int)
    case list([Double])
  }

  /// What is wrong with the schedule or the steps.
  public struct Invalid: Error, CustomStringConvertible {
    public let description: String
  }

  /// - Parameters:
  ///   - schedule: JSON text.
  ///   - selection: the steps.
  ///   - asJSON: whether to write what the server answers; otherwise lines of step, tab, rate.
  ///   - write: takes the text piece by piece.
  /// - Throws: ``Invalid``, or what `write` throws.
  public static func write(
    schedule: String, selection: Selection, asJSON: Bool, to write: (Data) throws -> Void
  ) throws {
    let request = try request(schedule, selection)
    if asJSON {
      var answer = JSONRates(request)
      var hasMore = true
      while hasMore {
        var piece: [UInt8] = []
        hasMore = try answer.next(into: &piece)
        try write(Data(piece))
      }
      return
    }
    var first = 0
    while first < request.steps.count {
      var piece: [UInt8] = []
      Rates(request.columns[0].schedule, request.steps).withPiece(from: first) { rates in
        for (index, rate) in rates.enumerated() {
          JSONWriter.append(.number(request.steps.step(first + index)), to: &piece)
          piece.append(UInt8(ascii: "\t"))
          JSONWriter.append(rate, to: &piece)
          piece.append(UInt8(ascii: "\n"))
        }
      }
      try write(Data(piece))
      first += Rates.pieceSize
    }
  }

  private static func request(_ schedule: String, _ selection: Selection) throws -> ScheduleRequest {
    var content = Array("{\"schedule\":".utf8) + Array(schedule.utf8)
    switch selection {
    case .count(let count): content += Array(",\"steps\":\(count)}".utf8)
    case .list(let steps):
      content += Array(",\"at\":".utf8)
      JSONWriter.append(.array(steps.map { .number($0) }), to: &content)
      content += Array("}".utf8)
    }
    do throws(Problem) {
      let request = try ScheduleRequest(ScheduleOutline(content, limit: .max))
      try request.checkFinite()
      return request
    } catch {
      throw Invalid(description: (error.pointer.map { "\($0): " } ?? "") + error.detail)
    }
  }
}
