// Reads the files of `tidemark client-config` with the code of the clients that are not run in the tests, and prints in JSON where each image is
// pulled from.
//
//	client-files crio FOLDER IMAGE…        containers/image, of which CRI-O is built: FOLDER is registries.conf.d
//	client-files openshift FILE IMAGE…     OpenShift's types, and what the Machine Config Operator makes of them for the CRI-O of its nodes
//	client-files k3s ROOT LOGIN IMAGE…     K3s' reader of registries.yaml, which also pulls the manifest; LOGIN is user:password
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/pkg/sysregistriesv2"
	"github.com/containers/image/v5/types"
)

// source is a place that a client asks for an image. They are asked in order.
type source struct {
	Reference string `json:"reference"`
	Insecure  bool   `json:"insecure"`
}

// pull is what a client does for an image.
type pull struct {
	Sources []source `json:"sources,omitempty"`
	// Blocked means that the registry itself is not asked.
	Blocked bool `json:"blocked,omitempty"`
	// Digest of the manifest that was pulled, where one was.
	Digest string `json:"digest,omitempty"`
}

var clients = map[string]func(arguments []string) (map[string]pull, error){
	"crio":      readCrio,
	"k3s":       pullK3s,
	"openshift": readOpenShift,
}

func main() {
	if len(os.Args) < 4 || clients[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: client-files crio|openshift|k3s PATH … IMAGE…")
		os.Exit(2)
	}
	pulls, err := clients[os.Args[1]](os.Args[2:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(pulls)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func readCrio(arguments []string) (map[string]pull, error) {
	folder, images := arguments[0], arguments[1:]
	return pullsOf(&types.SystemContext{SystemRegistriesConfPath: os.DevNull, SystemRegistriesConfDirPath: folder}, images)
}

// pullsOf are the places that containers/image asks, by the files that the context names.
func pullsOf(context *types.SystemContext, images []string) (map[string]pull, error) {
	pulls := map[string]pull{}
	for _, image := range images {
		named, err := reference.ParseNormalizedNamed(image)
		if err != nil {
			return nil, err
		}
		registry, err := sysregistriesv2.FindRegistry(context, named.String())
		if err != nil {
			return nil, err
		}
		if registry == nil {
			return nil, fmt.Errorf("%s is of no registry in the files", image)
		}
		found, err := registry.PullSourcesFromReference(named)
		if err != nil {
			return nil, err
		}
		one := pull{Blocked: registry.Blocked}
		for _, at := range found {
			one.Sources = append(one.Sources, source{at.Reference.String(), at.Endpoint.Insecure})
		}
		pulls[image] = one
	}
	return pulls, nil
}
