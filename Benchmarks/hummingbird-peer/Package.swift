// swift-tools-version: 6.1
import PackageDescription

// A peer for the benchmark, built only on request: it pulls SwiftNIO and what it needs.
let package = Package(
  name: "hummingbird-peer",
  dependencies: [.package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1")],
  targets: [.executableTarget(name: "peer", dependencies: [.product(name: "Hummingbird", package: "hummingbird")])],
  swiftLanguageModes: [.v6]
)
