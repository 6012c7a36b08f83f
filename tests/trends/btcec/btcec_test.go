// Package btcec times the Go library under Babylon's code (btcsuite/btcd, ISC licence) on this machine: a yardstick for the
// column "Go" of docs/speed.md, which was measured elsewhere.
//
//	cd tests/trends/btcec && go test -bench . -cpu 1 -count 5
package btcec

import (
	"crypto/sha256"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
)

// Key and signature enter as bytes, as in `mesh-bench native schnorr-verify`.
func BenchmarkSchnorrVerify(b *testing.B) {
	secret, err := btcec.NewPrivateKey()
	if err != nil {
		b.Fatal(err)
	}
	message := sha256.Sum256([]byte("message"))
	signature, err := schnorr.Sign(secret, message[:])
	if err != nil {
		b.Fatal(err)
	}
	signatureBytes, keyBytes := signature.Serialize(), schnorr.SerializePubKey(secret.PubKey())
	for b.Loop() {
		key, err := schnorr.ParsePubKey(keyBytes)
		if err != nil {
			b.Fatal(err)
		}
		signature, err := schnorr.ParseSignature(signatureBytes)
		if err != nil {
			b.Fatal(err)
		}
		if !signature.Verify(message[:], key) {
			b.Fatal("refused")
		}
	}
}

// What a commitment costs for each height besides hashing, as in `commit-pubrand-10000`.
func BenchmarkGeneratorMultiple(b *testing.B) {
	secret, err := btcec.NewPrivateKey()
	if err != nil {
		b.Fatal(err)
	}
	var point btcec.JacobianPoint
	for b.Loop() {
		btcec.ScalarBaseMultNonConst(&secret.Key, &point)
		point.ToAffine()
	}
}
