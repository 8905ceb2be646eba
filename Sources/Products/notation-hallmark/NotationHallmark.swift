@main
struct NotationHallmark {
  static func main() {}
}
