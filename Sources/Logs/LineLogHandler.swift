public import Logging

/// swift-log's records as lines of a ``LogWriter``.
public struct LineLogHandler: LogHandler {
  public var logLevel: Logger.Level
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  private let writer: LogWriter

  public init(_ writer: LogWriter, level: Logger.Level) {
    self.writer = writer
    logLevel = level
  }

  public subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var fields = event.metadata ?? [:]
    if !metadata.isEmpty { fields.merge(metadata) { own, _ in own } }
    if let metadataProvider { fields.merge(metadataProvider.get()) { own, _ in own } }
    if let error = event.error { fields["error"] = .string("\(error)") }
    writer.submit(LogRecord(level: event.level, message: event.message.description, fields: fields))
  }
}
