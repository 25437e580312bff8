package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"
	"github.com/containers/image/v5/pkg/sysregistriesv2"
	"github.com/containers/image/v5/types"
	config "github.com/openshift/api/config/v1"
	"github.com/openshift/runtime-utils/pkg/registries"
	"sigs.k8s.io/yaml"
)

// readOpenShift decodes the mirror sets strictly, writes the registries.conf that the Machine Config Operator would, and reads it.
func readOpenShift(arguments []string) (map[string]pull, error) {
	text, err := os.ReadFile(arguments[0])
	if err != nil {
		return nil, err
	}
	var byDigest []*config.ImageDigestMirrorSet
	var byTag []*config.ImageTagMirrorSet
	for _, document := range bytes.Split(text, []byte("---\n")) {
		var head struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		if err := yaml.Unmarshal(document, &head); err != nil {
			return nil, err
		}
		if head.APIVersion != config.GroupVersion.String() {
			return nil, fmt.Errorf("apiVersion is %q, expected %s", head.APIVersion, config.GroupVersion)
		}
		switch head.Kind {
		case "ImageDigestMirrorSet":
			set := &config.ImageDigestMirrorSet{}
			err = yaml.UnmarshalStrict(document, set)
			byDigest = append(byDigest, set)
		case "ImageTagMirrorSet":
			set := &config.ImageTagMirrorSet{}
			err = yaml.UnmarshalStrict(document, set)
			byTag = append(byTag, set)
		default:
			err = fmt.Errorf("kind is %q, expected a mirror set", head.Kind)
		}
		if err != nil {
			return nil, err
		}
	}
	folder := filepath.Dir(arguments[0])
	file := filepath.Join(folder, "machine-registries.conf")
	if err := writeRegistries(file, byDigest, byTag); err != nil {
		return nil, err
	}
	context := &types.SystemContext{SystemRegistriesConfPath: file, SystemRegistriesConfDirPath: filepath.Join(folder, "none.d")}
	return pullsOf(context, arguments[1:])
}

func writeRegistries(path string, byDigest []*config.ImageDigestMirrorSet, byTag []*config.ImageTagMirrorSet) error {
	made := &sysregistriesv2.V2RegistriesConf{}
	if err := registries.EditRegistriesConfig(made, nil, nil, nil, byDigest, byTag); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := toml.NewEncoder(&text).Encode(made); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o600)
}
