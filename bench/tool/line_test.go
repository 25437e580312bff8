package main

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// In a synctest bubble the clock stands still until every goroutine waits, so times are exact however busy the machine is.

const roundTrip = 20 * time.Millisecond

const oneMegabyteASecond = 1e6

// end is one end of a connection in memory, without buffers.
type end struct {
	*io.PipeReader
	*io.PipeWriter
}

func (e end) Close() error      { e.PipeReader.Close(); return e.PipeWriter.Close() }
func (e end) CloseWrite() error { return e.PipeWriter.Close() }

func connection() (stream, stream) {
	firstReader, secondWriter := io.Pipe()
	secondReader, firstWriter := io.Pipe()
	return end{firstReader, firstWriter}, end{secondReader, secondWriter}
}

// open connects a client through the line to a server. The test ends when the proxy has let go of both.
func open(t *testing.T, l *line) (client, server stream) {
	client, near := connection()
	far, server := connection()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.connect(near, func() (stream, error) { return far, nil })
	}()
	t.Cleanup(func() {
		client.Close()
		server.Close()
		<-done
	})
	return client, server
}

func expect(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if got != want {
		t.Errorf("%s after %v; expected %v", what, got, want)
	}
}

func TestRequestTakesTwoRoundTripsOnANewConnectionAndOneOnAnOpenOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := open(t, newLine(roundTrip, 0))
		go io.Copy(server, server)
		answer := make([]byte, 4)
		for _, want := range []time.Duration{2 * roundTrip, roundTrip} {
			started := time.Now()
			client.Write([]byte("ping"))
			if _, err := io.ReadFull(client, answer); err != nil {
				t.Fatal(err)
			}
			expect(t, "answer", time.Since(started), want)
		}
	})
}

func TestConnectionsShareTheRateOfADirectionInTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const connections, bytes = 4, 100_000
		l := newLine(roundTrip, oneMegabyteASecond)
		started := time.Now()
		type arrival struct {
			number int
			after  time.Duration
		}
		arrivals := make(chan arrival, connections)
		for number := range connections {
			client, server := open(t, l)
			go func() {
				server.Write(make([]byte, bytes))
				server.CloseWrite()
				io.Copy(io.Discard, server)
			}()
			go func() {
				n, err := io.Copy(io.Discard, client)
				if n != bytes || err != nil {
					t.Errorf("connection %d received %d bytes, %v", number, n, err)
				}
				arrivals <- arrival{number, time.Since(started)}
				client.Close()
			}()
		}
		sending := time.Duration(float64(connections*bytes) / oneMegabyteASecond * float64(time.Second))
		first, last := (<-arrivals).after, time.Duration(0)
		for range connections - 1 {
			last = (<-arrivals).after
		}
		// The last byte has waited for all others, the handshake and the way.
		if least := sending + roundTrip + roundTrip/2; last < least {
			t.Errorf("all has arrived after %v; expected at least %v", last, least)
		}
		// One after the other, the first would end after a quarter of the time.
		if last-first > sending/connections {
			t.Errorf("the first connection ended after %v, the last after %v: they did not take turns", first, last)
		}
	})
}

func TestDirectionsDoNotShareTheirRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := open(t, newLine(roundTrip, oneMegabyteASecond))
		started := time.Now()
		for _, one := range []stream{client, server} {
			go func() {
				one.Write(make([]byte, 1e6))
				one.CloseWrite()
			}()
		}
		var receiving sync.WaitGroup
		for _, one := range []stream{client, server} {
			receiving.Go(func() {
				if n, err := io.Copy(io.Discard, one); n != 1e6 || err != nil {
					t.Errorf("received %d bytes, %v", n, err)
				}
			})
		}
		receiving.Wait()
		if after := time.Since(started); after >= 2*time.Second {
			t.Errorf("1 MB each way took %v at 1 MB/s a direction", after)
		}
	})
}

func TestOrderAndHalfCloseAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := open(t, newLine(roundTrip, oneMegabyteASecond))
		sent := make([]byte, 300_000)
		for at := range sent {
			sent[at] = byte(at * at >> 7)
		}
		go func() {
			client.Write(sent)
			client.CloseWrite()
		}()
		received, err := io.ReadAll(server)
		if err != nil || !bytes.Equal(received, sent) {
			t.Fatalf("the server received %d bytes, %v; expected the %d that were sent", len(received), err, len(sent))
		}
		// The client has ended, and still receives.
		go func() {
			server.Write([]byte("answer"))
			server.CloseWrite()
		}()
		answer, err := io.ReadAll(client)
		if err != nil || string(answer) != "answer" {
			t.Errorf("the client received %q, %v", answer, err)
		}
	})
}

func TestWhatIsNotReadIsBoundedByTheBandwidthDelayProduct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(roundTrip, oneMegabyteASecond)
		chunkBytes := l.down.chunkBytes
		client, server := open(t, l)
		written := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				n, err := server.Write(make([]byte, chunkBytes))
				if err != nil {
					return
				}
				written += n
			}
		}()
		time.Sleep(time.Hour)
		synctest.Wait()
		// Beside the window, one chunk is being read and one written.
		if most := (l.down.window() + 2) * chunkBytes; written > most {
			t.Errorf("the proxy has taken %d bytes; expected at most %d", written, most)
		}
		client.Close()
		server.Close()
		<-done
	})
}

func TestBrokenConnectionBreaksTheOtherEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := open(t, newLine(roundTrip, 0))
		go client.Write([]byte("request"))
		if _, err := io.ReadFull(server, make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
		client.Close()
		for {
			if _, err := server.Write(make([]byte, 1)); err != nil {
				break
			}
		}
	})
}

func TestRefusedConnectionIsClosedAfterARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, near := connection()
		started := time.Now()
		go newLine(roundTrip, 0).connect(near, func() (stream, error) { return nil, errors.New("refused") })
		if n, err := io.ReadAll(client); len(n) > 0 || err != nil {
			t.Errorf("received %q, %v; expected the end", n, err)
		}
		expect(t, "end", time.Since(started), roundTrip)
	})
}
