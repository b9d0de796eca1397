// swift-tools-version: 6.1
import PackageDescription

// The fuzzer: a package of its own, because the modules that it drives are built anew with libFuzzer's counters in them.
// `Sources` and `Properties` are links to the project's own; Scripts/fuzz builds and runs it.
let features: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
let counted = features + [.unsafeFlags(["-sanitize=fuzzer"])]

let package = Package(
  name: "fuzz",
  dependencies: [
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2")
  ],
  targets: [
    .target(name: "JSON", swiftSettings: counted),
    .target(name: "Policies", swiftSettings: counted),
    .target(name: "CHalfTurns"),
    .target(name: "Schedules", dependencies: ["CHalfTurns", "JSON", "Policies"], swiftSettings: counted),
    .target(name: "Charts", swiftSettings: counted),
    .target(name: "Experiments", dependencies: ["JSON", "Policies", "Schedules"], swiftSettings: counted),
    .target(name: "Measures", swiftSettings: counted),
    .target(name: "Sessions", dependencies: ["JSON", "Measures", "Policies", "Schedules"], swiftSettings: counted),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CLinux"),
    .target(name: "HTTPServer", dependencies: ["CLinux", "COpenSSL", "CZlib"], swiftSettings: counted),
    .target(name: "CContract", exclude: ["openapi.yaml"]),
    .target(name: "CPage", exclude: ["files"]),
    .target(
      name: "Service",
      dependencies: [
        "CContract", "COpenSSL", "CPage", "Charts", "Experiments", "HTTPServer", "JSON", "Measures", "Policies",
        "Schedules", "Sessions",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: counted),
    .target(
      name: "Properties", dependencies: ["HTTPServer", "JSON", "Schedules", "Service", "Sessions"], path: "Properties",
      swiftSettings: counted),
    // Not counted: what looks for inputs is not what is looked at.
    .executableTarget(
      name: "fuzz", dependencies: ["Experiments", "JSON", "Properties", "Schedules"], path: "Fuzzer",
      swiftSettings: features),
  ],
  swiftLanguageModes: [.v6]
)
