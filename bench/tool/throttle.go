package main

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

// throttle runs `HOST:PORT BYTES`: a proxy on a free loopback port before that address, which lets so many bytes a second come
// back over each connection. It prints its address first, and runs until it is killed.
func throttle(arguments []string) (any, error) {
	bytesPerSecond, err := strconv.ParseFloat(arguments[1], 64)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(os.Stdout).Encode(listener.Addr().String()); err != nil {
		return nil, err
	}
	for {
		near, err := listener.Accept()
		if err != nil {
			return nil, err
		}
		go proxy(near, arguments[0], bytesPerSecond)
	}
}

func proxy(near net.Conn, address string, bytesPerSecond float64) {
	defer near.Close()
	far, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer far.Close()
	go func() {
		_, _ = io.Copy(far, near)
		far.Close()
	}()
	buffer := make([]byte, 256<<10)
	// What was not used while the connection rested is not saved up.
	due := time.Now()
	for {
		n, err := far.Read(buffer)
		if n > 0 {
			if now := time.Now(); due.Before(now) {
				due = now
			}
			due = due.Add(time.Duration(float64(n) / bytesPerSecond * float64(time.Second)))
			time.Sleep(time.Until(due))
			if _, err := near.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
