// The reference witness of C2SP tlog-witness (transparency-dev's), on loopback and in memory, and its reader of cosigned notes.
//
//	witness serve SKEY LOG_VKEY…           the first line of its output is its URL
//	witness open LOG_VKEY COSIGNER_VKEY    reads a note; prints the cosignature's time in seconds since 1970
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) >= 3 && arguments[0] == "serve":
		return serve(arguments[1], arguments[2:])
	case len(arguments) == 3 && arguments[0] == "open":
		return open(arguments[1], arguments[2])
	}
	return errors.New("usage: witness serve SKEY LOG_VKEY…, or witness open LOG_VKEY COSIGNER_VKEY")
}

func serve(skey string, vkeys []string) error {
	signer, err := f_note.NewSignerForCosignatureV1(skey)
	if err != nil {
		return err
	}
	logs := map[string]note.Verifier{}
	for _, vkey := range vkeys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return err
		}
		logs[verifier.Name()] = verifier
	}
	judge, err := witness.New(context.Background(), witness.Opts{
		Persistence: inmemory.New(),
		Signers:     []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			verifier, known := logs[origin]
			return verifier, known, nil
		},
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	http.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(judge).AddCheckpoint)
	fmt.Printf("http://%s\n", listener.Addr())
	return http.Serve(listener, nil)
}

func open(logKey, cosignerKey string) error {
	logVerifier, err := note.NewVerifier(logKey)
	if err != nil {
		return err
	}
	cosigner, err := f_note.NewVerifierForCosignatureV1(cosignerKey)
	if err != nil {
		return err
	}
	octets, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	opened, err := note.Open(octets, note.VerifierList(logVerifier, cosigner))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != 2 || len(opened.UnverifiedSigs) != 0 {
		return fmt.Errorf("%d signatures are right, %d unknown", len(opened.Sigs), len(opened.UnverifiedSigs))
	}
	at, err := f_note.CoSigV1Timestamp(opened.Sigs[1])
	if err != nil {
		return err
	}
	fmt.Println(at.Unix())
	return nil
}
