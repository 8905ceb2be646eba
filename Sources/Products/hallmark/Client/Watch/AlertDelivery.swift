import ArgumentParser
import Encodings
import Foundation
import Outbound
import Watch

/// Where alerts go besides the JSON lines. Secrets come from files.
struct DeliveryOptions: ParsableArguments {
  @Option(help: "https:// URL that takes CloudEvents.") var webhook: String?
  @Option(help: "File with the secret that signs what the webhook gets.") var webhookSecretFile: String?
  @Option(help: "HOST[:PORT] that takes syslog over TLS.") var syslog: String?
  @Option(help: "URL of Alertmanager's /api/v2/alerts.") var alertmanager: String?
  @Option(help: "File that OCSF detection findings are appended to as JSON lines.") var ocsf: String?
  @Option(help: "Host that may have a private address and, for testing, plain HTTP. May be repeated.") var privateHost: [String] = []
  @Option(help: "PEM file with CA certificates to trust besides the system's for alerts.") var alertCa: String?
}

/// Hands alerts over to every place, each by its own entry of the outbox: a place that is down keeps its entries and no other.
struct AlertDelivery {
  private let lines: AlertLines
  private let ocsf: String?
  private let transport: HTTPTransport
  private var posts: [String: AlertWebhook] = [:]
  private let syslog: SyslogOverTLS?

  init(_ options: DeliveryOptions, lines: AlertLines) throws {
    self.lines = lines
    ocsf = options.ocsf
    transport = try HTTPTransport(extraAuthorities: options.alertCa)
    let hosts = Set(options.privateHost.map { $0.lowercased() })
    do {
      if let url = options.webhook {
        var secret: [UInt8]?
        if let file = options.webhookSecretFile {
          var bytes = try LocalFile.bytes(file, maxBytes: 4096)
          while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
          secret = bytes
        }
        posts["webhook"] = try AlertWebhook(target: try AlertTarget(url: url, privateHosts: hosts), transport: transport, secret: secret)
      }
      if let url = options.alertmanager {
        posts["alertmanager"] = try AlertWebhook(target: try AlertTarget(url: url, privateHosts: hosts), transport: transport, contentType: "application/json")
      }
      syslog = try options.syslog.map { try SyslogOverTLS(target: try AlertTarget(address: $0, usualPort: 6514, privateHosts: hosts), extraAuthorities: options.alertCa) }
    } catch let error as AlertDeliveryError { throw CommandFailure.usage("cannot send alerts", why: error.description) }
  }

  /// The entries of the outbox for these alerts: the line itself for the JSON lines, `PLACE|LINE` for each other place.
  func entries(_ alerts: [Alert]) -> [String] {
    var places = posts.keys.sorted()
    if syslog != nil { places.append("syslog") }
    if ocsf != nil { places.append("ocsf") }
    let texts = alerts.map(\.line)
    return texts + places.flatMap { place in texts.map { "\(place)|\($0)" } }
  }

  /// Hands over what stands in the outbox. - Returns: what is still to be handed over.
  func hand(_ outbox: [String]) async throws -> [String] {
    var left: [String] = []
    for entry in outbox {
      guard !entry.hasPrefix("{") else {
        try lines.write(entry)
        continue
      }
      let parts = entry.split(separator: "|", maxSplits: 1).map(String.init)
      guard parts.count == 2, let alert = (try? JSONValue.parse(parts[1])).flatMap({ Alert($0) }) else { continue }
      do throws(AlertDeliveryError) { try await send(alert, to: parts[0]) } catch {
        Console.note("hallmark: \(error.description)")
        left.append(entry)
      }
    }
    return left
  }

  private func send(_ alert: Alert, to place: String) async throws(AlertDeliveryError) {
    switch place {
    case "webhook": try await posts[place]?.send(alert.cloudEvent().serialized(), id: alert.id)
    case "alertmanager": try await posts[place]?.send(JSONValue.array([alert.alertmanager()]).serialized(), id: alert.id)
    case "syslog": try await syslog?.send([alert.syslog(host: ProcessInfo.processInfo.hostName)])
    case "ocsf":
      guard let ocsf else { return }
      do { try AlertLines.append(alert.ocsf(product: Version.text).text() + "\n", to: ocsf) } catch { throw .unreachable(ocsf, why: "the file cannot be written") }
    default: break
    }
  }

  func close() async { await transport.shutdown() }
}
