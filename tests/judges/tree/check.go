package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A verdict is what was found right.
type verdict struct {
	Origin      string            `json:"origin"`
	Size        int64             `json:"size"`
	Root        tlog.Hash         `json:"root"`
	Signers     []string          `json:"signers"`
	Timestamps  map[string]uint64 `json:"timestamps"`
	Inclusion   int               `json:"inclusion"`
	Consistency int               `json:"consistency"`
}

// proofs is the file PROOFS.
type proofs struct {
	Inclusion []struct {
		Index, Size int64
		Root        tlog.Hash
		Proof       []tlog.Hash
	}
	Consistency []struct {
		Old, New         int64
		OldRoot, NewRoot tlog.Hash
		Proof            []tlog.Hash
	}
}

func check(path, logKey, cosignerKey, proofsPath string, records io.Reader) (*verdict, error) {
	octets, err := os.ReadFile(filepath.Join(path, "checkpoint"))
	if err != nil {
		return nil, err
	}
	found, err := checkCheckpoint(octets, logKey, cosignerKey)
	if err != nil {
		return nil, err
	}
	leaves, err := checkTiles(folder(path), found.tree(), records)
	if err != nil {
		return nil, err
	}
	if octets, err = os.ReadFile(proofsPath); err != nil {
		return nil, err
	}
	var given proofs
	if err := json.Unmarshal(octets, &given); err != nil {
		return nil, err
	}
	return found, checkProofs(given, leaves, found)
}

func (found *verdict) tree() tlog.Tree { return tlog.Tree{N: found.Size, Hash: found.Root} }

// checkCheckpoint reads a note and says who has signed it; the log and the cosigner must both have.
func checkCheckpoint(octets []byte, logKey, cosignerKey string) (*verdict, error) {
	found := &verdict{Timestamps: map[string]uint64{}}
	log, err := note.NewVerifier(logKey)
	if err != nil {
		return nil, err
	}
	witness, err := parseCosigner(cosignerKey)
	if err != nil {
		return nil, err
	}
	opened, err := note.Open(octets, note.VerifierList(log, witness))
	if err != nil {
		return nil, err
	}
	for _, signature := range opened.Sigs {
		found.Signers = append(found.Signers, signature.Name)
		if signature.Name == witness.Name() {
			if found.Timestamps[signature.Name], err = timestampOf(signature); err != nil {
				return nil, err
			}
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return nil, errors.New("a checkpoint without extensions has three lines")
	}
	found.Origin = lines[0]
	if found.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return nil, err
	}
	if found.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return nil, err
	}
	if len(found.Signers) != 2 || found.Origin != log.Name() {
		return nil, fmt.Errorf("%s is signed by %v", found.Origin, found.Signers)
	}
	return found, nil
}

// checkTiles reads every leaf's hash out of the tiles, which tlog proves by the root, and compares it with the record's.
func checkTiles(tiles tlog.TileReader, tree tlog.Tree, records io.Reader) ([]tlog.Hash, error) {
	var leaves []tlog.Hash
	var indexes []int64
	lines := bufio.NewScanner(records)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(len(leaves))))
		leaves = append(leaves, tlog.RecordHash(lines.Bytes()))
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if int64(len(leaves)) != tree.N {
		return nil, fmt.Errorf("%d records, and a tree of %d", len(leaves), tree.N)
	}
	reader := tlog.TileHashReader(tree, tiles)
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return nil, err
	}
	if root != tree.Hash {
		return nil, fmt.Errorf("the tiles' root is %v", root)
	}
	if tree.N == 0 {
		return nil, nil
	}
	hashes, err := reader.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	for index, hash := range hashes {
		if hash != leaves[index] {
			return nil, fmt.Errorf("record %d is not what the tiles say", index)
		}
	}
	return leaves, nil
}

// checkProofs has two judges: tlog recurses from the root as RFC 6962 does, merkle goes up from the leaf.
func checkProofs(given proofs, leaves []tlog.Hash, found *verdict) error {
	hasher := rfc6962.DefaultHasher
	for _, p := range given.Inclusion {
		leaf := leaves[p.Index]
		if err := tlog.CheckRecord(p.Proof, p.Size, p.Root, p.Index, leaf); err != nil {
			return fmt.Errorf("inclusion of %d in %d: %w", p.Index, p.Size, err)
		}
		err := proof.VerifyInclusion(hasher, uint64(p.Index), uint64(p.Size), leaf[:], slices(p.Proof), p.Root[:])
		if err != nil {
			return fmt.Errorf("inclusion of %d in %d: %w", p.Index, p.Size, err)
		}
		found.Inclusion++
	}
	for _, p := range given.Consistency {
		if err := tlog.CheckTree(p.Proof, p.New, p.NewRoot, p.Old, p.OldRoot); err != nil {
			return fmt.Errorf("consistency of %d with %d: %w", p.Old, p.New, err)
		}
		err := proof.VerifyConsistency(hasher, uint64(p.Old), uint64(p.New), slices(p.Proof), p.OldRoot[:], p.NewRoot[:])
		if err != nil {
			return fmt.Errorf("consistency of %d with %d: %w", p.Old, p.New, err)
		}
		found.Consistency++
	}
	return nil
}

func slices(hashes []tlog.Hash) [][]byte {
	made := [][]byte{}
	for i := range hashes {
		made = append(made, hashes[i][:])
	}
	return made
}
