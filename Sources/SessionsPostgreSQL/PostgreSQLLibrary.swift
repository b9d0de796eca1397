import Glibc
import Sessions

/// libpq, PostgreSQL's own client library: what of it is used here.
///
/// Loaded when a database is asked for, and not linked: with the libraries that it needs in turn it is half as large as
/// the rest of the program, which most never need.
struct PostgreSQLLibrary: Sendable {
  typealias Text = UnsafePointer<CChar>
  typealias Texts = UnsafePointer<Text?>

  let connect: @convention(c) (Texts?, Texts?, Int32) -> OpaquePointer?
  let status: @convention(c) (OpaquePointer) -> Int32
  let socket: @convention(c) (OpaquePointer) -> Int32
  let errorMessage: @convention(c) (OpaquePointer) -> Text?
  let finish: @convention(c) (OpaquePointer) -> Void
  let setNonblocking: @convention(c) (OpaquePointer, Int32) -> Int32
  let enterPipeline: @convention(c) (OpaquePointer) -> Int32
  let send:
    @convention(c) (
      OpaquePointer, Text, Int32, UnsafePointer<UInt32>?, Texts?, UnsafePointer<Int32>?, UnsafePointer<Int32>?, Int32
    ) -> Int32
  let sync: @convention(c) (OpaquePointer) -> Int32
  let flush: @convention(c) (OpaquePointer) -> Int32
  let consumeInput: @convention(c) (OpaquePointer) -> Int32
  let isBusy: @convention(c) (OpaquePointer) -> Int32
  let result: @convention(c) (OpaquePointer) -> OpaquePointer?
  let resultStatus: @convention(c) (OpaquePointer?) -> Int32
  let resultErrorField: @convention(c) (OpaquePointer?, Int32) -> Text?
  let clear: @convention(c) (OpaquePointer?) -> Void
  let rowCount: @convention(c) (OpaquePointer) -> Int32
  let columnCount: @convention(c) (OpaquePointer) -> Int32
  let isNull: @convention(c) (OpaquePointer, Int32, Int32) -> Int32
  let value: @convention(c) (OpaquePointer, Int32, Int32) -> Text?
  let length: @convention(c) (OpaquePointer, Int32, Int32) -> Int32

  /// - Throws: ``StoreError`` where there is no libpq on the machine, or one older than 14.
  init() throws {
    guard let handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL) else {
      throw StoreError("libpq.so.5 cannot be loaded: install libpq5 (Debian, Ubuntu) to keep sessions in PostgreSQL")
    }
    func find<Function>(_ name: String, _ type: Function.Type = Function.self) throws -> Function {
      guard let symbol = dlsym(handle, name) else {
        throw StoreError("libpq.so.5 has no \(name): version 14 or newer is needed")
      }
      // The types above are libpq's own, from its manual.
      return unsafeBitCast(symbol, to: type)
    }
    connect = try find("PQconnectdbParams")
    status = try find("PQstatus")
    socket = try find("PQsocket")
    errorMessage = try find("PQerrorMessage")
    finish = try find("PQfinish")
    setNonblocking = try find("PQsetnonblocking")
    enterPipeline = try find("PQenterPipelineMode")
    send = try find("PQsendQueryParams")
    sync = try find("PQpipelineSync")
    flush = try find("PQflush")
    consumeInput = try find("PQconsumeInput")
    isBusy = try find("PQisBusy")
    result = try find("PQgetResult")
    resultStatus = try find("PQresultStatus")
    resultErrorField = try find("PQresultErrorField")
    clear = try find("PQclear")
    rowCount = try find("PQntuples")
    columnCount = try find("PQnfields")
    isNull = try find("PQgetisnull")
    value = try find("PQgetvalue")
    length = try find("PQgetlength")
  }
}
