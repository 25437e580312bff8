package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

const bufferBytes = 1 << 20

// getBlobs runs `LANES FOLDER` and reads URLs that end in a digest from standard input: each is fetched, hashed and written. No
// retry, no fsync, no list, no manifest: the floor that any mirror stands on.
func getBlobs(arguments []string) (any, error) {
	lanes, err := strconv.Atoi(arguments[0])
	if err != nil {
		return nil, err
	}
	urls := make(chan string)
	failures := make(chan error, lanes)
	client := newClient(lanes)
	var wait sync.WaitGroup
	for lane := 0; lane < lanes; lane++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			buffer := make([]byte, bufferBytes)
			for url := range urls {
				if err := getBlob(client, url, arguments[1], buffer); err != nil {
					failures <- err
					return
				}
			}
		}()
	}
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			urls <- lines.Text()
		}
		close(urls)
	}()
	wait.Wait()
	close(failures)
	return struct{}{}, <-failures
}

func getBlob(client *http.Client, url, folder string, buffer []byte) error {
	digest := url[strings.LastIndex(url, ":")+1:]
	file, err := os.Create(filepath.Join(folder, digest))
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	write := func(chunk []byte) error {
		hash.Write(chunk)
		_, err := file.Write(chunk)
		return err
	}
	if _, err := readBody(client, http.MethodGet, url, buffer, write); err != nil {
		return err
	}
	if hex.EncodeToString(hash.Sum(nil)) != digest {
		return fmt.Errorf("%s has another digest", url)
	}
	return nil
}

func newClient(lanes int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: lanes, DisableCompression: true}}
}

// readBody answers how many bytes came; `take` sees each chunk before its buffer is used again.
func readBody(client *http.Client, method, url string, buffer []byte, take func([]byte) error) (int64, error) {
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*")
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s was answered %s", url, response.Status)
	}
	var bytes int64
	for {
		n, err := response.Body.Read(buffer)
		bytes += int64(n)
		if n > 0 {
			if err := take(buffer[:n]); err != nil {
				return bytes, err
			}
		}
		if err == io.EOF {
			return bytes, nil
		}
		if err != nil {
			return bytes, err
		}
	}
}
