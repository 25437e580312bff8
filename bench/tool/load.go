package main

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type loadResult struct {
	Seconds  float64 `json:"seconds"`
	Requests int64   `json:"requests"`
	Bytes    int64   `json:"bytes"`
	// Of each request, from its first byte sent to the last one received; 99 of 100 took no longer.
	P99Seconds float64 `json:"p99Seconds"`
}

// loadURLs runs `METHOD CLIENTS REQUESTS [PER_SECOND]`: so many clients, each with a connection of its own, ask for the URLs of
// standard input in turn until so many requests are answered, no faster than PER_SECOND. Bodies are read in large pieces and
// dropped.
func loadURLs(arguments []string) (any, error) {
	method := arguments[0]
	clients, err := strconv.Atoi(arguments[1])
	if err != nil {
		return nil, err
	}
	requests, err := strconv.ParseInt(arguments[2], 10, 64)
	if err != nil {
		return nil, err
	}
	var pause time.Duration
	if len(arguments) > 3 {
		perSecond, err := strconv.ParseFloat(arguments[3], 64)
		if err != nil {
			return nil, err
		}
		pause = time.Duration(float64(time.Second) / perSecond)
	}
	var urls []string
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		urls = append(urls, lines.Text())
	}
	var next, bytes atomic.Int64
	failures := make(chan error, clients)
	times := make([]time.Duration, requests)
	client := newClient(clients)
	started := time.Now()
	var wait sync.WaitGroup
	for lane := 0; lane < clients; lane++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			buffer := make([]byte, bufferBytes)
			for number := next.Add(1) - 1; number < requests; number = next.Add(1) - 1 {
				time.Sleep(time.Until(started.Add(time.Duration(number) * pause)))
				asked := time.Now()
				n, err := readBody(client, method, urls[number%int64(len(urls))], buffer, drop)
				times[number] = time.Since(asked)
				bytes.Add(n)
				if err != nil {
					failures <- err
					return
				}
			}
		}()
	}
	wait.Wait()
	seconds := time.Since(started).Seconds()
	close(failures)
	slices.Sort(times)
	return loadResult{
		Seconds:    seconds,
		Requests:   requests,
		Bytes:      bytes.Load(),
		P99Seconds: times[len(times)*99/100].Seconds(),
	}, <-failures
}

func drop([]byte) error { return nil }
