// What the bench needs and Node is too slow, or unable, to do beside the servers that are measured: time a command with
// its processor time and peak memory, load a registry, be the plainest downloader, make certificates, and stand for slow connections and long lines.
// Each mode prints one JSON object; the standard library is all it uses.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

var modes = map[string]func(arguments []string) (any, error){
	"certificates": makeCertificates,
	"exec":         execCommand,
	"get":          getBlobs,
	"line":         runLine,
	"load":         loadURLs,
	"throttle":     throttle,
}

func main() {
	if len(os.Args) < 2 || modes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: bench-tool certificates|exec|get|line|load|throttle …")
		os.Exit(2)
	}
	result, err := modes[os.Args[1]](os.Args[2:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
