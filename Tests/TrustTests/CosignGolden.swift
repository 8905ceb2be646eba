/// Made by cosign 3.1.1 (Debian): `cosign generate-key-pair`, then `cosign sign-blob --key cosign.key --signing-config (no services) \
/// --trusted-root (empty) --bundle`, over the 25 bytes of `artifact`.
enum CosignGolden {
  static let artifact = "hallmark golden artifact\n"
  static let bundle = #"""
    {"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"P1szPFz808TvZ7w3XqysU5rZ9RUqZ5wiFoL8NNInBRc="}},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"u9YlbrSAkxwG2kepV0OJfQ2COb0qdEXuGe3gIDfc8ms="},"signature":"MEUCIC3ojD7WVLkwzu2d6LG2QdsF8DYRK3fd5YP0rUB5QegNAiEA4AMy/TzP0F4zkEXiQ+X9jBGmBhicjhE0hhmd9pKKy9A="}}
    """#
  static let publicKey = """
    -----BEGIN PUBLIC KEY-----
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE28p/hnu6Itgi/dAr5F+AfwP4y3zm
    LSgAjwoC97D836QQ13HjzSAGku+OcB3RljV3l5oEAxE+5KSJd9thX/I6fw==
    -----END PUBLIC KEY-----
    """
}
