package main

import (
	"io"
	"net"
	"testing"
)

// BenchmarkLineWithoutLimit measures what the proxy itself costs: MB/s over one connection, beside BenchmarkLoopback.
func BenchmarkLineWithoutLimit(b *testing.B) { benchmarkTransfer(b, true) }

func BenchmarkLoopback(b *testing.B) { benchmarkTransfer(b, false) }

func benchmarkTransfer(b *testing.B, throughLine bool) {
	const bytesARound = 25_000_000
	server := listen(b, func(far *net.TCPConn) {
		defer far.Close()
		io.Copy(io.Discard, io.LimitReader(far, 1))
		io.Copy(far, io.LimitReader(zeros{}, bytesARound))
	})
	if throughLine {
		target, l := server, newLine(0, 0)
		server = listen(b, func(near *net.TCPConn) {
			l.connect(near, func() (stream, error) {
				far, err := net.Dial("tcp", target)
				if err != nil {
					return nil, err
				}
				return far.(*net.TCPConn), nil
			})
		})
	}
	b.SetBytes(bytesARound)
	for b.Loop() {
		client, err := net.Dial("tcp", server)
		if err != nil {
			b.Fatal(err)
		}
		client.Write([]byte{1})
		if n, err := io.Copy(io.Discard, client); n != bytesARound || err != nil {
			b.Fatal(n, err)
		}
		client.Close()
	}
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) { return len(into), nil }

func listen(b *testing.B, serve func(*net.TCPConn)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { listener.Close() })
	go func() {
		for {
			accepted, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(accepted.(*net.TCPConn))
		}
	}()
	return listener.Addr().String()
}
