// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "anneal",
  products: [
    .library(name: "Schedules", targets: ["Schedules"]),
    .library(name: "Policies", targets: ["Policies"]),
    .library(name: "Experiments", targets: ["Experiments"]),
    .library(name: "HTTPServer", targets: ["HTTPServer"]),
    .executable(name: "anneal", targets: ["anneal"]),
  ],
  dependencies: [
    // The command line: parsing, help, completions.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // The façade of the logs; the handler behind it is our own (Logs).
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    // Tests only: reads the contract, to try its examples. In the program it, and swift-configuration's YAML, which is made of
    // it, would bring NSRegularExpression and with it 45 MB of ICU: see CYAML.
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // A strict JSON reader and a fast writer. Foundation's decoder is no validator, and its JSONSerialization adds 44 MB.
    .target(name: "JSON", swiftSettings: settings),
    // Loss-driven rules as pure reducers: (state, metric) → state.
    .target(name: "Policies", swiftSettings: settings),
    // The cosine of a long curve, compiled for several processors. Used by Schedules alone.
    .target(name: "CHalfTurns"),
    // Pure maths: step → rate, and the catalog that reads a specification into it. No I/O, no clock.
    .target(name: "Schedules", dependencies: ["CHalfTurns", "JSON", "Policies"], swiftSettings: settings),
    // Curves, contours, tables and bars as pictures (SVG); curves as characters for a terminal, too. Knows nothing of
    // schedules.
    .target(name: "Charts", swiftSettings: settings),
    // Optimizers and small problems to try schedules on. Pure: no I/O, no clock, seeded.
    .target(name: "Experiments", dependencies: ["JSON", "Policies", "Schedules"], swiftSettings: settings),
    // Counters and histograms without locks, and Prometheus' text.
    .target(name: "Measures", swiftSettings: settings),
    // Records as lines of text or JSON, written from a queue of their own.
    .target(
      name: "Logs", dependencies: [.product(name: "Logging", package: "swift-log")], swiftSettings: settings),
    // libyaml, which PyYAML, Ruby and Yams read YAML with. swift-configuration (1.4) without its YAML has no reader for
    // files that is free of ICU, takes the default where a value has the wrong type, and cannot list the keys of a file.
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    // Settings by flag, environment and file. Knows nothing of what is set.
    .target(name: "Settings", dependencies: ["CYAML", "Schedules"], swiftSettings: settings),
    // The life of a training job: reports, sealed rates, attempts, overrides. The store is a protocol.
    .target(name: "Sessions", dependencies: ["JSON", "Measures", "Policies", "Schedules"], swiftSettings: settings),
    // SQLite's C API. GRDB, Swift's favorite, says of itself that it is not maintained for Linux.
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    // The embedded store of sessions.
    .target(name: "SessionsSQLite", dependencies: ["CSQLite", "Sessions"], swiftSettings: settings),
    // The store that several servers share. libpq is loaded when it is asked for: see PostgreSQLLibrary.
    .target(name: "SessionsPostgreSQL", dependencies: ["Sessions"], swiftSettings: settings),
    // TLS, and the signatures of states.
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    // The gzip content coding.
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CLinux"),
    // Sockets, event loops, TLS, HTTP/1.1. Knows nothing of rates.
    .target(name: "HTTPServer", dependencies: ["CLinux", "COpenSSL", "CZlib"], swiftSettings: settings),
    // The contract, openapi.yaml, inside the program as it stands.
    .target(name: "CContract", exclude: ["openapi.yaml"]),
    // The web page's files, inside the program as they stand.
    .target(name: "CPage", exclude: ["files"]),
    // Routes, requests and answers, problem details.
    .target(
      name: "Service",
      dependencies: [
        "CContract", "COpenSSL", "CPage", "Charts", "Experiments", "HTTPServer", "JSON", "Measures", "Policies",
        "Schedules", "Sessions",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "anneal",
      dependencies: [
        "CLinux", "Charts", "HTTPServer", "Logs", "Schedules", "Service", "Sessions", "SessionsPostgreSQL",
        "SessionsSQLite", "Settings", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: settings),
    // What has to hold for every input: the corpus of the fuzzer, which is a package of its own in Fuzz.
    .testTarget(
      name: "FuzzTests", dependencies: ["HTTPServer", "JSON", "Schedules", "Service", "Sessions"],
      swiftSettings: settings),
    .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: settings),
    .testTarget(name: "ChartsTests", dependencies: ["Charts"], swiftSettings: settings),
    .testTarget(
      name: "ExperimentsTests", dependencies: ["Experiments", "JSON", "Policies", "Schedules"],
      resources: [.copy("Traces")],
      swiftSettings: settings),
    .testTarget(name: "HTTPServerTests", dependencies: ["CZlib", "HTTPServer"], swiftSettings: settings),
    .testTarget(name: "MeasuresTests", dependencies: ["Measures"], swiftSettings: settings),
    .testTarget(
      name: "LogsTests", dependencies: ["JSON", "Logs", .product(name: "Logging", package: "swift-log")],
      swiftSettings: settings),
    .testTarget(name: "SettingsTests", dependencies: ["Settings"], swiftSettings: settings),
    .testTarget(
      name: "AnnealTests",
      dependencies: [
        "anneal", "HTTPServer", "Settings", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "ServiceTests",
      dependencies: [
        "Experiments", "HTTPServer", "JSON", "Service", "Sessions", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "WireTests",
      dependencies: [
        "anneal", "HTTPServer", "JSON", "Schedules", "Service", "Settings", "Yams",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: settings),
    .testTarget(
      name: "SessionsTests",
      dependencies: ["JSON", "Schedules", "Sessions", "SessionsPostgreSQL", "SessionsSQLite"], swiftSettings: settings),
    .testTarget(name: "SchedulesTests", dependencies: ["JSON", "Schedules"], swiftSettings: settings),
    .testTarget(
      name: "ConformanceTests", dependencies: ["JSON", "Schedules"], resources: [.copy("Vectors")],
      swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
