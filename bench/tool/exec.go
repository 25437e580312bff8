package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

type execResult struct {
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpuSeconds"`
	PeakBytes  int64   `json:"peakBytes"`
}

// execCommand runs `LOG COMMAND ARGUMENT…`, what the command says going to the file LOG.
func execCommand(arguments []string) (any, error) {
	log, err := os.Create(arguments[0])
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(arguments[1], arguments[2:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, log, log
	started := time.Now()
	err = command.Run()
	seconds := time.Since(started).Seconds()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arguments[1], err)
	}
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	return execResult{
		Seconds:    seconds,
		CPUSeconds: command.ProcessState.UserTime().Seconds() + command.ProcessState.SystemTime().Seconds(),
		PeakBytes:  usage.Maxrss * 1024,
	}, nil
}
