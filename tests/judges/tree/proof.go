package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const proofHeader = "c2sp.org/tlog-proof@v1"

// A proven record is in the tree of a checkpoint that log and cosigner stand for.
type proven struct {
	*verdict
	Index  int64  `json:"index"`
	Record string `json:"record"`
}

// checkProof judges a text of C2SP tlog-proof whose extra data is the record.
func checkProof(path, logKey, cosignerKey string) (*proven, error) {
	octets, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	at := bytes.Index(octets, []byte("\n\n"))
	if at < 0 {
		return nil, errors.New("a proof has an empty line before its checkpoint")
	}
	lines := strings.Split(string(octets[:at]), "\n")
	if len(lines) < 3 || lines[0] != proofHeader || !strings.HasPrefix(lines[1], "extra ") || !strings.HasPrefix(lines[2], "index ") {
		return nil, fmt.Errorf("a proof begins with %s, the record and its index", proofHeader)
	}
	record, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return nil, err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return nil, err
	}
	var hashes tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	found, err := checkCheckpoint(octets[at+2:], logKey, cosignerKey)
	if err != nil {
		return nil, err
	}
	err = tlog.CheckRecord(hashes, found.Size, found.Root, index, tlog.RecordHash(record))
	return &proven{found, index, string(record)}, err
}
