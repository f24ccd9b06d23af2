// Judges a log by Go's golang.org/x/mod/sumdb and by transparency-dev/merkle, and makes logs for our own code to judge.
//
//	tree check FOLDER LOG_VKEY COSIGNER_VKEY PROOFS <RECORDS    judges a log's folder, its records and proofs
//	tree audit URL PKI LOG_VKEY COSIGNER_VKEY OLD <RECORDS      judges a log that is served, and that it has grown from OLD
//	tree prove PROOF LOG_VKEY COSIGNER_VKEY                    judges a record's tlog-proof; prints the record
//	tree make FOLDER ORIGIN SIZE…                              makes a log with a checkpoint at each size
//
// RECORDS are lines, OLD is a checkpoint, PKI a folder with ca.pem, host.pem and host-key.pem. All print one JSON object; what is wrong is said on standard error, with status 1.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
)

func main() {
	report, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) (any, error) {
	switch {
	case len(arguments) == 5 && arguments[0] == "check":
		return check(arguments[1], arguments[2], arguments[3], arguments[4], os.Stdin)
	case len(arguments) == 6 && arguments[0] == "audit":
		return audit(arguments[1], arguments[2], arguments[3], arguments[4], arguments[5], os.Stdin)
	case len(arguments) == 4 && arguments[0] == "prove":
		return checkProof(arguments[1], arguments[2], arguments[3])
	case len(arguments) >= 4 && arguments[0] == "make":
		var sizes []int64
		for _, argument := range arguments[3:] {
			size, err := strconv.ParseInt(argument, 10, 64)
			if err != nil {
				return nil, err
			}
			sizes = append(sizes, size)
		}
		return makeLog(arguments[1], arguments[2], sizes)
	}
	return nil, errors.New("usage: tree check, audit, prove or make; see main.go")
}
