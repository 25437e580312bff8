package main

import (
	"encoding/json"
	"net"
	"os"
	"strconv"
	"time"
)

// A line is what lies between a client and a server that are far apart. The model:
//
//   - Each direction takes half the round trip and has the whole rate, which all connections share in turns of a millisecond.
//   - A connection is set up in one round trip. Loopback accepts at once, so the client may send at once: what it sends is taken only
//     a round trip after the connection was accepted, which is when a real client could have sent it. TLS pays for its own round trips.
//   - Nothing is lost, and there is no slow start: a connection may use the whole line at once. Headers of packets cost nothing.
//   - A connection holds at most one bandwidth-delay product of the round trip in each direction, whatever the other end reads.
type line struct {
	roundTrip time.Duration
	up, down  *link
}

func newLine(roundTrip time.Duration, bytesPerSecond float64) *line {
	return &line{
		roundTrip: roundTrip,
		up:        newLink(bytesPerSecond, roundTrip/2),
		down:      newLink(bytesPerSecond, roundTrip/2),
	}
}

// connect carries a connection that was just accepted, until both directions have ended.
func (l *line) connect(near stream, dial func() (stream, error)) {
	defer near.Close()
	time.Sleep(l.roundTrip)
	far, err := dial()
	if err != nil {
		return
	}
	defer far.Close()
	uploaded := make(chan struct{})
	go func() {
		defer close(uploaded)
		l.up.carry(near, far)
	}()
	l.down.carry(far, near)
	<-uploaded
}

// runLine runs `HOST:PORT ROUND_TRIP_MS MEGABITS`: a proxy on a free loopback port before that address, behind a line of that round
// trip and rate; 0 is no delay, and no limit. It prints its address first, and runs until it is killed.
func runLine(arguments []string) (any, error) {
	milliseconds, err := strconv.ParseFloat(arguments[1], 64)
	if err != nil {
		return nil, err
	}
	megabits, err := strconv.ParseFloat(arguments[2], 64)
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
	between := newLine(time.Duration(milliseconds*float64(time.Millisecond)), megabits*1e6/8)
	dial := func() (stream, error) {
		far, err := net.Dial("tcp", arguments[0])
		if err != nil {
			return nil, err
		}
		return far.(*net.TCPConn), nil
	}
	for {
		near, err := listener.Accept()
		if err != nil {
			return nil, err
		}
		go between.connect(near.(*net.TCPConn), dial)
	}
}
