package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A made log, for our own code to judge.
type made struct {
	VerifierKey string         `json:"vkey"`
	SignerKey   string         `json:"skey"`
	Records     []string       `json:"records"`
	Inclusion   []madeProof    `json:"inclusion"`
	Consistency []madeProof    `json:"consistency"`
	Roots       map[int64]hash `json:"roots"`
}

// A proof that record First is in the tree of Size, or that the tree of Size begins with the one of First.
type madeProof struct {
	First, Size int64
	Proof       []tlog.Hash
}

type hash = tlog.Hash

type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, index := range indexes {
		hashes = append(hashes, s[index])
	}
	return hashes, nil
}

// makeLog writes the tiles of all sizes and their checkpoints (checkpoint.SIZE), signed by a new key.
func makeLog(path, origin string, sizes []int64) (*made, error) {
	signerKey, verifierKey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(signerKey)
	if err != nil {
		return nil, err
	}
	log := &made{VerifierKey: verifierKey, SignerKey: signerKey, Roots: map[int64]hash{}}
	var hashes stored
	var before int64
	for _, size := range sizes {
		if hashes, err = log.grow(hashes, size); err != nil {
			return nil, err
		}
		for _, tile := range tlog.NewTiles(height, before, size) {
			data, err := tlog.ReadTileData(tile, hashes)
			if err != nil {
				return nil, err
			}
			if err := folder(path).write(tile, data); err != nil {
				return nil, err
			}
		}
		if err := log.sign(path, origin, size, hashes, signer); err != nil {
			return nil, err
		}
		if err := log.prove(before, size, hashes); err != nil {
			return nil, err
		}
		before = size
	}
	return log, nil
}

func (log *made) grow(hashes stored, size int64) (stored, error) {
	for n := int64(len(log.Records)); n < size; n++ {
		text, err := json.Marshal(map[string]any{"index": n, "text": fmt.Sprintf("record %d — of Go's", n)})
		if err != nil {
			return nil, err
		}
		more, err := tlog.StoredHashes(n, text, hashes)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, more...)
		log.Records = append(log.Records, string(text))
	}
	return hashes, nil
}

func (log *made) sign(path, origin string, size int64, hashes stored, signer note.Signer) error {
	root, err := tlog.TreeHash(size, hashes)
	if err != nil {
		return err
	}
	log.Roots[size] = root
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, root)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(path, fmt.Sprintf("checkpoint.%d", size)), signed, 0o644)
}

func (log *made) prove(before, size int64, hashes stored) error {
	for index := int64(0); index < size; index += 1 + size/7 {
		proof, err := tlog.ProveRecord(size, index, hashes)
		if err != nil {
			return err
		}
		log.Inclusion = append(log.Inclusion, madeProof{index, size, proof})
	}
	if before > 0 {
		proof, err := tlog.ProveTree(size, before, hashes)
		if err != nil {
			return err
		}
		log.Consistency = append(log.Consistency, madeProof{before, size, proof})
	}
	return nil
}
