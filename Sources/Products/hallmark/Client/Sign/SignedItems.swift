import Signing
import SigstoreFormats

/// The items of one command line: all or none is placed that can be known beforehand, and the first failure ends the run.
struct SignedItems {
  let options: SigningOptions
  let registry: RegistryOptions?

  func run(_ items: [BatchItem]) async throws {
    let formats = Set(items.flatMap(\.outputs).map(\.format))
    try await SigningSession.open(options, formats: formats, registry: items.contains(where: \.isAboutImage) ? registry : nil) { session in
      let reading = ArtifactReading(session: session)
      var jobs: [SigningJob] = []
      for item in items { jobs += try await reading.jobs(item) }
      for job in jobs { say(job) }
      var plans: [JobPlan] = []
      for job in jobs { plans.append(try await session.run.plan(job)) }
      if options.dryRun { return SigningReport.show(plan: SigningPlan(plans), options.output.format) }
      var results: [JobResult] = []
      for job in jobs {
        do { results.append(try await session.perform(job)) } catch {
          // What is done is done: say so before the reason why the rest is not.
          if !results.isEmpty { await SigningReport.show(results, session) }
          throw error
        }
      }
      await SigningReport.show(results, session)
    }
  }

  private func say(_ job: SigningJob) {
    guard case .image(let image) = job.artifact, let tag = image.tag else { return }
    Console.note("note: \(image.repository):\(tag) is \(image.digest.text) now; the digest is what is signed")
  }
}
