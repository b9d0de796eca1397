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
    .library(name: "Schedules", targets: ["Schedules"])
  ],
  targets: [
    // A strict JSON reader and a fast writer. Foundation's decoder is no validator, and its JSONSerialization adds 44 MB.
    .target(name: "JSON", swiftSettings: settings),
    // Pure maths: step → rate, and the catalog that reads a specification into it. No I/O, no clock.
    .target(name: "Schedules", dependencies: ["JSON"], swiftSettings: settings),
    .testTarget(name: "SchedulesTests", dependencies: ["Schedules"], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
