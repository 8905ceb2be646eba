@main
struct SigstoreKMSHallmark {
  static func main() {}
}
