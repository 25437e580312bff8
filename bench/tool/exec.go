package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

type execResult struct {
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpuSeconds"`
	PeakBytes  int64   `json:"peakBytes"`
	// Killed when its time was up.
	IsStopped bool `json:"isStopped"`
}

// execCommand runs `LOG SECONDS COMMAND ARGUMENT…` for so many seconds at the most, what the command says going to the file LOG.
func execCommand(arguments []string) (any, error) {
	log, err := os.Create(arguments[0])
	if err != nil {
		return nil, err
	}
	defer log.Close()
	limit, err := strconv.Atoi(arguments[1])
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(context.Background(), time.Duration(limit)*time.Second)
	defer cancel()
	command := exec.CommandContext(limited, arguments[2], arguments[3:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, log, log
	started := time.Now()
	err = command.Run()
	seconds := time.Since(started).Seconds()
	if err != nil && limited.Err() == nil {
		return nil, fmt.Errorf("%s: %w", arguments[2], err)
	}
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	return execResult{
		Seconds:    seconds,
		CPUSeconds: command.ProcessState.UserTime().Seconds() + command.ProcessState.SystemTime().Seconds(),
		PeakBytes:  usage.Maxrss * 1024,
		IsStopped:  limited.Err() != nil,
	}, nil
}
