import Encodings
import Merkle
import Testing

/// Vectors of the Certificate Transparency reference implementation (github.com/google/certificate-transparency,
/// cpp/merkletree/merkle_tree_test.cc): eight leaves, the roots of their prefixes, and some proofs.
private enum Reference {
  static let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
  static let roots = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ]
  static let inclusionOfFirstInEight = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
  ]
  static let consistencySixToEight = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]
}

/// The definition of RFC 6962 §2.1, written down as it stands there: slow, and not the code under test.
private func definedRoot(_ leaves: ArraySlice<MerkleHash>) -> MerkleHash {
  if leaves.isEmpty { return .empty }
  if leaves.count == 1 { return leaves.first! }
  var k = 1
  while k * 2 < leaves.count { k *= 2 }
  let middle = leaves.startIndex + k
  return MerkleHash(left: definedRoot(leaves[..<middle]), right: definedRoot(leaves[middle...]))
}

private struct Tree {
  let leaves: [MerkleHash]
  init(_ count: Int) { leaves = (0..<count).map { MerkleHash(leaf: Array("leaf \($0)".utf8)) } }
  func node(_ level: Int, _ index: UInt64) -> MerkleHash {
    definedRoot(leaves[(Int(index) << level)..<(Int(index + 1) << level)])
  }
  func root(_ size: Int) -> MerkleHash { definedRoot(leaves[..<size]) }
}

struct MerkleTests {
  @Test("The reference vectors come out, roots and proofs")
  func vectors() throws {
    let leaves = try Reference.leaves.map { MerkleHash(leaf: try Hex.decode($0)) }
    #expect(leaves.count == 8 && Reference.roots.count == 8)
    var frontier = MerkleFrontier()
    #expect(Hex.encode(frontier.root().bytes) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    for (leaf, root) in zip(Reference.leaves, Reference.roots) {
      frontier.append(leaf: try Hex.decode(leaf))
      #expect(Hex.encode(frontier.root().bytes) == root)
    }
    func node(_ level: Int, _ index: UInt64) -> MerkleHash { definedRoot(leaves[(Int(index) << level)..<(Int(index + 1) << level)]) }
    let inclusion = MerkleProof.inclusion(of: 0, size: 8, node: node)
    #expect(inclusion?.map { Hex.encode($0.bytes) } == Reference.inclusionOfFirstInEight)
    let consistency = MerkleProof.consistency(from: 6, to: 8, node: node)
    #expect(consistency?.map { Hex.encode($0.bytes) } == Reference.consistencySixToEight)
  }

  @Test("Frontier, prover and definition agree on the root of every size to 130")
  func roots() {
    let tree = Tree(130)
    var frontier = MerkleFrontier()
    for size in 0...130 {
      #expect(frontier.size == UInt64(size))
      #expect(frontier.root() == tree.root(size))
      #expect(MerkleProof.root(size: UInt64(size), node: tree.node) == tree.root(size))
      let resumed = MerkleFrontier(size: frontier.size, hashes: frontier.hashes)
      #expect(resumed == frontier)
      if size < 130 { frontier.append(leaf: Array("leaf \(size)".utf8)) }
    }
  }

  @Test("Every leaf of every size to 70 has an inclusion proof, and no tampered one holds")
  func inclusion() throws {
    let tree = Tree(70)
    let foreign = MerkleHash(leaf: [9])
    for size in 1...70 {
      let root = tree.root(size)
      for index in 0..<size {
        let proof = try #require(MerkleProof.inclusion(of: UInt64(index), size: UInt64(size), node: tree.node))
        func holds(_ leaf: MerkleHash, _ index: Int, _ size: Int, _ root: MerkleHash, _ proof: [MerkleHash]) -> Bool {
          (try? MerkleProof.verifyInclusion(of: leaf, at: UInt64(index), size: UInt64(size), root: root, proof: proof)) != nil
        }
        #expect(holds(tree.leaves[index], index, size, root, proof))
        #expect(!holds(foreign, index, size, root, proof))
        #expect(!holds(tree.leaves[index], index, size, foreign, proof))
        #expect(!holds(tree.leaves[index], size, size, root, proof))
        #expect(!holds(tree.leaves[index], index, size, root, proof + [foreign]))
        if index + 1 < size { #expect(!holds(tree.leaves[index], index + 1, size, root, proof)) }
        if !proof.isEmpty {
          #expect(!holds(tree.leaves[index], index, size, root, Array(proof.dropLast())))
          #expect(!holds(tree.leaves[index], index, size, root, Array(proof.dropFirst())))
          for i in proof.indices {
            var changed = proof
            changed[i] = foreign
            #expect(!holds(tree.leaves[index], index, size, root, changed))
          }
        }
      }
      #expect(MerkleProof.inclusion(of: UInt64(size), size: UInt64(size), node: tree.node) == nil)
    }
  }

  @Test("Every pair of sizes to 70 has a consistency proof, and no tampered one holds")
  func consistency() throws {
    let tree = Tree(70)
    let roots = (0...70).map { tree.root($0) }
    let foreign = MerkleHash(leaf: [9])
    for size in 1...70 {
      for older in 1...size {
        let proof = try #require(MerkleProof.consistency(from: UInt64(older), to: UInt64(size), node: tree.node))
        func holds(_ olderRoot: MerkleHash, _ root: MerkleHash, _ proof: [MerkleHash]) -> Bool {
          (try? MerkleProof.verifyConsistency(from: UInt64(older), olderRoot: olderRoot, to: UInt64(size), root: root, proof: proof)) != nil
        }
        #expect(holds(roots[older], roots[size], proof))
        #expect(!holds(foreign, roots[size], proof))
        #expect(!holds(roots[older], foreign, proof))
        #expect(!holds(roots[older], roots[size], proof + [foreign]))
        for i in proof.indices {
          var changed = proof
          changed[i] = foreign
          #expect(!holds(roots[older], roots[size], changed))
        }
        if !proof.isEmpty { #expect(!holds(roots[older], roots[size], Array(proof.dropLast()))) }
      }
    }
  }

  @Test("Sizes out of order and the empty tree have their own answers")
  func edges() {
    let tree = Tree(4)
    #expect(MerkleProof.consistency(from: 0, to: 4, node: tree.node) == nil)
    #expect(MerkleProof.consistency(from: 5, to: 4, node: tree.node) == nil)
    #expect(throws: Never.self) { try MerkleProof.verifyConsistency(from: 0, olderRoot: .empty, to: 4, root: tree.root(4), proof: []) }
    #expect(throws: MerkleError.rootMismatch) {
      try MerkleProof.verifyConsistency(from: 0, olderRoot: tree.root(1), to: 4, root: tree.root(4), proof: [])
    }
    #expect(throws: MerkleError.outOfRange) {
      try MerkleProof.verifyConsistency(from: 5, olderRoot: .empty, to: 4, root: .empty, proof: [])
    }
    #expect(MerkleFrontier(size: 5, hashes: [.empty]) == nil)
    #expect(MerkleHash([1, 2, 3]) == nil)
  }
}

struct TileTests {
  @Test("Paths are those of the tlog-tiles specification")
  func paths() {
    // c2sp.org/tlog-tiles: index 1234067 is x001/x234/067.
    #expect(Tile(level: 0, index: 1_234_067)?.path == "tile/0/x001/x234/067")
    #expect(Tile(level: 1, index: 0, width: 1)?.path == "tile/1/000.p/1")
    #expect(Tile(level: 0, index: 273, width: 112)?.entriesPath == "tile/entries/273.p/112")
    #expect(Tile(level: 0, index: 1000)?.path == "tile/0/x001/000")
    #expect(Tile(level: 64, index: 0) == nil)
    #expect(Tile(level: 0, index: 0, width: 257) == nil)
    #expect(Tile(level: 0, index: 0, width: 0) == nil)
  }

  @Test("A path reads back to its tile")
  func readsBack() {
    for index: UInt64 in [0, 1, 255, 999, 1000, 1001, 999_999, 1_000_000, 1_234_067, .max] {
      for width in [1, 17, 255, 256] {
        let tile = Tile(level: 3, index: index, width: width)!
        #expect(Tile.parse(path: tile.path) == tile)
      }
    }
  }

  @Test(
    "Other spellings of a tile are refused",
    arguments: [
      "", "tile", "tile/0", "tile/0/1", "tile/0/0001", "tile/00/001", "tile/-1/001", "tile/0/x000/001", "tile/0/001/001", "tile/0/x001",
      "tile/0/001.p/256", "tile/0/001.p/0", "tile/0/001.p/01", "tile/0/001.p/", "tile/0/001/", "/tile/0/001", "tile/0/../001", "tile/64/000",
      "tile/0/x999/x999/x999/x999/x999/x999/x999/999", "tile/0/X001/000",
    ])
  func otherSpellings(path: String) {
    #expect(Tile.parse(path: path) == nil)
  }

  @Test("Growing a log writes the tiles that changed and no others")
  func growth() {
    #expect(Tile.new(from: 0, to: 1).map(\.path) == ["tile/0/000.p/1"])
    #expect(Tile.new(from: 255, to: 257).map(\.path) == ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"])
    #expect(Tile.new(from: 256, to: 257).map(\.path) == ["tile/0/001.p/1"])
    #expect(Tile.new(from: 7, to: 7).isEmpty)
  }

  @Test("Proofs made from tiles hold for a log of 600 leaves")
  func fromTiles() throws {
    let size: UInt64 = 600
    var frontier = MerkleFrontier()
    var rows: [Int: [MerkleHash]] = [:]
    for i in 0..<size {
      frontier.append(MerkleHash(leaf: Array("leaf \(i)".utf8))) { level, _, hash in
        if level % Tile.height == 0 { rows[level / Tile.height, default: []].append(hash) }
      }
    }
    let kept = rows
    let tiles = HashTiles<MerkleError>(size: size) { (tile) throws(MerkleError) in
      let start = Int(tile.index) * 256
      guard let row = kept[tile.level], start + tile.width <= row.count else { throw .badTile }
      return row[start..<start + tile.width].flatMap(\.bytes)
    }
    let node: (Int, UInt64) throws -> MerkleHash = { level, index in try tiles.node(level: level, index: index) }
    let root = frontier.root()
    #expect(try MerkleProof.root(size: size, node: node) == root)
    for index: UInt64 in [0, 1, 255, 256, 511, 512, 599] {
      let proof = try #require(try MerkleProof.inclusion(of: index, size: size, node: node))
      let leaf = MerkleHash(leaf: Array("leaf \(index)".utf8))
      #expect(throws: Never.self) { try MerkleProof.verifyInclusion(of: leaf, at: index, size: size, root: root, proof: proof) }
    }
    #expect(throws: MerkleError.outOfRange) { try tiles.node(level: 0, index: 600) }
    #expect(throws: MerkleError.outOfRange) { try tiles.node(level: 9, index: 1) }
  }
}
