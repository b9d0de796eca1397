// swift-tools-version: 6.1
import PackageDescription

// A package of its own: what is measured does not depend on what measures.
let package = Package(
  name: "benchmarks",
  dependencies: [.package(name: "anneal", path: "..")],
  targets: [
    .executableTarget(name: "evaluate", dependencies: [.product(name: "Schedules", package: "anneal")])
  ],
  swiftLanguageModes: [.v6]
)
