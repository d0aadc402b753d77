// A receiver, with the standard library alone: WEBHOOK_SECRET=whsec_… go run verify.go
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	tolerance = 5 * time.Minute // that the clocks may differ, and an attempt be old
	largest   = 1024 * 1024     // bytes
)

var (
	key   []byte
	inbox = setting("INBOX", "inbox")
)

// verify says whether the body, as it came, is signed with our secret, and not long ago.
func verify(header http.Header, body []byte, now time.Time) bool {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return false
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	// While a secret is exchanged there are two signatures. One that fits is enough.
	for _, given := range strings.Split(header.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(given), expected) {
			return true
		}
	}
	return false
}

// store says whether it is new. The folder stands for a table: INSERT … ON CONFLICT DO NOTHING.
func store(id string, body []byte) (bool, error) {
	file, err := os.OpenFile(filepath.Join(inbox, id), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if _, err = file.Write(body); err != nil {
		file.Close()
		return false, err
	}
	return true, file.Close()
}

func receive(answer http.ResponseWriter, request *http.Request) {
	// The raw body: written anew it would have another signature.
	body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, largest))
	if err != nil {
		answer.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if !verify(request.Header, body, time.Now()) {
		answer.WriteHeader(http.StatusUnauthorized)
		return
	}
	id := request.Header.Get("webhook-id")
	isNew, err := store(id, body)
	if err != nil { // not 2xx, so it comes again
		log.Print(err)
		answer.WriteHeader(http.StatusInternalServerError)
		return
	}
	if isNew {
		fmt.Println("stored", id)
	}
	answer.WriteHeader(http.StatusNoContent) // stored is enough: the work on it is done afterwards
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	var err error
	secret := strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_")
	key, err = base64.StdEncoding.DecodeString(secret)
	if err != nil || len(key) == 0 { // with an empty key anybody could sign
		log.Fatal("WEBHOOK_SECRET is no secret")
	}
	if err := os.MkdirAll(inbox, 0o700); err != nil {
		log.Fatal(err)
	}
	server := http.Server{
		Addr:        "127.0.0.1:" + setting("PORT", "9000"),
		Handler:     http.HandlerFunc(receive),
		ReadTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
