package main

import (
	"io"
	"sync"
	"time"
)

const (
	// turnMost is how long a connection sends before the next one has its turn, within the sizes below.
	turnMost   = time.Millisecond
	chunkLeast = 4 << 10
	chunkMost  = 64 << 10
	// queueMost is how far the line is booked ahead: longer than a timer is late, so that the line is not idle for that.
	queueMost = 5 * time.Millisecond
	// unlimitedWindow is what a connection may have on its way where no rate bounds it.
	unlimitedWindow = 4 << 20
)

// A link is one direction of a line. All connections share its rate: they send in turn, a chunk each.
type link struct {
	// turn has room for the one connection that sends; the others wait in order of arrival.
	turn chan struct{}
	// bytesPerSecond is 0 where there is no limit.
	bytesPerSecond float64
	// delay is from the last bit sent to the last bit received: half the round trip.
	delay time.Duration
	// freeAt is when everything that was sent has left.
	freeAt time.Time
	// chunkBytes is the most that a connection sends in its turn.
	chunkBytes int
	buffers    sync.Pool
}

func newLink(bytesPerSecond float64, delay time.Duration) *link {
	chunkBytes := chunkMost
	if bytesPerSecond > 0 {
		chunkBytes = min(chunkMost, max(chunkLeast, int(bytesPerSecond*turnMost.Seconds())))
	}
	l := &link{turn: make(chan struct{}, 1), bytesPerSecond: bytesPerSecond, delay: delay, chunkBytes: chunkBytes}
	l.buffers.New = func() any { return make([]byte, chunkBytes) }
	return l
}

// send waits until the link can take so many bytes, and returns when the last of them arrives at the other end.
func (l *link) send(bytes int) time.Time {
	if l.bytesPerSecond == 0 {
		return time.Now().Add(l.delay)
	}
	ready := time.Now()
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	time.Sleep(time.Until(l.freeAt.Add(-queueMost)))
	// A line that was idle has saved nothing up.
	if l.freeAt.Before(ready) {
		l.freeAt = ready
	}
	l.freeAt = l.freeAt.Add(time.Duration(float64(bytes) / l.bytesPerSecond * float64(time.Second)))
	return l.freeAt.Add(l.delay)
}

// window is the number of chunks of one connection that are on their way at most: the bandwidth-delay product of the round trip, twice
// what the direction needs, so that a late timer does not slow a connection down.
func (l *link) window() int {
	bytes := float64(unlimitedWindow)
	if l.bytesPerSecond > 0 {
		bytes = l.bytesPerSecond * (2*l.delay + queueMost).Seconds()
	}
	return int(bytes/float64(l.chunkBytes)) + 1
}

// A stream is what the proxy needs of a TCP connection.
type stream interface {
	io.ReadWriteCloser
	CloseWrite() error
}

type chunk struct {
	bytes    []byte
	arrives  time.Time
	isBroken bool
}

// carry takes what one stream sends to the other, in order and late by the link's delay, until the end of the one or a failure of
// either. The end arrives as late as bytes do.
func (l *link) carry(from, to stream) {
	chunks := make(chan chunk, l.window())
	go l.read(from, chunks)
	isBroken := false
	for next := range chunks {
		if isBroken {
			continue
		}
		time.Sleep(time.Until(next.arrives))
		isBroken = next.isBroken
		if len(next.bytes) > 0 {
			_, err := to.Write(next.bytes)
			isBroken = isBroken || err != nil
			l.buffers.Put(next.bytes[:l.chunkBytes])
		}
		if isBroken {
			// Ends the reader above, and the other direction.
			from.Close()
			to.Close()
		}
	}
	to.CloseWrite()
}

// read books chunks on the link until the stream ends, or can no longer be read.
func (l *link) read(from stream, chunks chan<- chunk) {
	defer close(chunks)
	for {
		buffer := l.buffers.Get().([]byte)
		n, err := from.Read(buffer)
		if n > 0 {
			chunks <- chunk{bytes: buffer[:n], arrives: l.send(n)}
		} else {
			l.buffers.Put(buffer)
		}
		if err != nil {
			chunks <- chunk{arrives: time.Now().Add(l.delay), isBroken: err != io.EOF}
			return
		}
	}
}
