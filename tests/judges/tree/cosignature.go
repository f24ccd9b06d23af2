package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const cosignatureType = 0x04

// cosigner is a note.Verifier of cosignature/v1, which sumdb/note doesn't have. See C2SP tlog-cosignature.
type cosigner struct {
	name string
	key  ed25519.PublicKey
}

var _ note.Verifier = cosigner{}

func parseCosigner(vkey string) (cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return cosigner{}, fmt.Errorf("no vkey: %s", vkey)
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != cosignatureType {
		return cosigner{}, fmt.Errorf("no cosigner's vkey: %s", vkey)
	}
	c := cosigner{parts[0], key[1:]}
	if fmt.Sprintf("%08x", c.KeyHash()) != parts[1] {
		return cosigner{}, fmt.Errorf("the key ID is not %08x: %s", c.KeyHash(), vkey)
	}
	return c, nil
}

func (c cosigner) Name() string { return c.name }

func (c cosigner) KeyHash() uint32 {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", c.name)
	h.Write([]byte{cosignatureType})
	h.Write(c.key)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	var message bytes.Buffer
	fmt.Fprintf(&message, "cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(c.key, message.Bytes(), signature[8:])
}

// timestampOf says when, by a signature line that was verified.
func timestampOf(s note.Signature) (uint64, error) {
	octets, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(octets) != 4+8+ed25519.SignatureSize {
		return 0, fmt.Errorf("no cosignature: %s", s.Base64)
	}
	return binary.BigEndian.Uint64(octets[4:]), nil
}
