package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const largestAnswer = 1 << 25

// An audited log is one whose newest checkpoint, tiles, records and growth were found right.
type audited struct {
	*verdict
	Old     int64 `json:"old"`
	Entries int   `json:"entries"`
}

// site is a log that is served by HTTPS, to those whom its authority knows.
type site struct {
	url    string
	client *http.Client
}

var _ tlog.TileReader = site{}

func newSite(url, pki string) (site, error) {
	authority, err := os.ReadFile(filepath.Join(pki, "ca.pem"))
	if err != nil {
		return site{}, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return site{}, errors.New("ca.pem has no certificate")
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(pki, "host.pem"), filepath.Join(pki, "host-key.pem"))
	if err != nil {
		return site{}, err
	}
	settings := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}}
	transport := &http.Transport{TLSClientConfig: settings}
	return site{url, &http.Client{Transport: transport, Timeout: time.Minute}}, nil
}

// get is nil for what isn't there.
func (s site) get(path string) ([]byte, error) {
	answer, err := s.client.Get(s.url + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
}

func (s site) Height() int { return height }

func (s site) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

func (s site) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		octets, err := s.get(tilePath(fmt.Sprint(tile.L), tile))
		if err == nil && octets == nil && tile.W < 1<<height {
			// A partial tile may be gone once the full one is there.
			octets, err = s.get(tilePath(fmt.Sprint(tile.L), tlog.Tile{H: height, L: tile.L, N: tile.N, W: 1 << height}))
		}
		if err != nil {
			return nil, err
		}
		if len(octets) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d octets", tile.Path(), len(octets))
		}
		data = append(data, octets[:tile.W*tlog.HashSize])
	}
	return data, nil
}

func audit(url, pki, logKey, cosignerKey, oldPath string, records io.Reader) (*audited, error) {
	log, err := newSite(url, pki)
	if err != nil {
		return nil, err
	}
	octets, err := log.get("checkpoint")
	if err != nil {
		return nil, err
	}
	found, err := checkCheckpoint(octets, logKey, cosignerKey)
	if err != nil {
		return nil, err
	}
	if octets, err = os.ReadFile(oldPath); err != nil {
		return nil, err
	}
	old, err := checkCheckpoint(octets, logKey, cosignerKey)
	if err != nil {
		return nil, err
	}
	leaves, err := checkTiles(log, found.tree(), records)
	if err != nil {
		return nil, err
	}
	if err := checkGrowth(log, old, found); err != nil {
		return nil, err
	}
	if found.Inclusion, err = includeAll(log, found, leaves); err != nil {
		return nil, err
	}
	entries, err := checkEntries(log, leaves)
	return &audited{found, old.Size, entries}, err
}

func checkGrowth(log site, old, found *verdict) error {
	if old.Size > found.Size {
		return fmt.Errorf("it had %d records, and has %d", old.Size, found.Size)
	}
	proof, err := tlog.ProveTree(found.Size, old.Size, tlog.TileHashReader(found.tree(), log))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, found.Size, found.Root, old.Size, old.Root); err != nil {
		return fmt.Errorf("it has not grown from the tree of %d: %w", old.Size, err)
	}
	found.Consistency = 1
	return nil
}

// includeAll makes a proof of each record out of the tiles, and checks it against the checkpoint alone.
func includeAll(log site, found *verdict, leaves []tlog.Hash) (int, error) {
	for index, leaf := range leaves {
		proof, err := tlog.ProveRecord(found.Size, int64(index), tlog.TileHashReader(found.tree(), log))
		if err != nil {
			return index, err
		}
		if err := tlog.CheckRecord(proof, found.Size, found.Root, int64(index), leaf); err != nil {
			return index, fmt.Errorf("record %d: %w", index, err)
		}
	}
	return len(leaves), nil
}

// checkEntries reads the bundles of records (C2SP tlog-tiles, "Log Entries"), and compares them with the leaves.
func checkEntries(log site, leaves []tlog.Hash) (int, error) {
	index := 0
	for number := int64(0); index < len(leaves); number++ {
		width := len(leaves) - index
		if width > 1<<height {
			width = 1 << height
		}
		path := tilePath("entries", tlog.Tile{H: height, N: number, W: width})
		bundle, err := log.get(path)
		if err != nil {
			return index, err
		}
		for ; width > 0; width-- {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return index, fmt.Errorf("%s ends before record %d does", path, index)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			if tlog.RecordHash(bundle[2:end]) != leaves[index] {
				return index, fmt.Errorf("%s has another record %d", path, index)
			}
			bundle = bundle[end:]
			index++
		}
		if len(bundle) != 0 {
			return index, fmt.Errorf("%s goes on behind its last record", path)
		}
	}
	return index, nil
}
