import Encodings
import KubernetesFormats

enum AdmissionTargets {
  /// Law: the pointer of every image leads back to its text, so that a patch changes what was judged.
  static func review(_ bytes: UnsafeRawBufferPointer) {
    guard let request = try? AdmissionRequest(review: Array(bytes)), let images = try? request.newImages() else { return }
    for image in images {
      var place = request.object
      for step in image.pointer.split(separator: "/") {
        guard let next = Int(step).flatMap({ place[$0] }) ?? place[String(step)] else { preconditionFailure("\(image.pointer) leads nowhere") }
        place = next
      }
      precondition(place.string == image.image)
    }
  }
}
