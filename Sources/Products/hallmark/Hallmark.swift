import ArgumentParser

@main
struct Hallmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "hallmark")
}
