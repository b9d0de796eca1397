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
    // Pure maths: step → rate. No I/O, no clock, no JSON.
    .target(name: "Schedules", swiftSettings: settings),
    .testTarget(name: "SchedulesTests", dependencies: ["Schedules"], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
