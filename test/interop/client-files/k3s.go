package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/rancher/wharfie/pkg/registries"
	"gopkg.in/yaml.v2"
)

// pullK3s decodes the file strictly, and pulls the manifest of each image through it, with a login at every endpoint and by TLS.
func pullK3s(arguments []string) (map[string]pull, error) {
	root, login, images := arguments[0], arguments[1], arguments[2:]
	path := filepath.Join(root, "etc/rancher/k3s/registries.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(text, &registries.Registry{}); err != nil {
		return nil, err
	}
	client, err := registries.GetPrivateRegistries(path)
	if err != nil {
		return nil, err
	}
	user, password, _ := strings.Cut(login, ":")
	for host, settings := range client.Registry.Configs {
		settings.TLS.CAFile = filepath.Join(root, settings.TLS.CAFile)
		settings.Auth = &registries.AuthConfig{Username: user, Password: password}
		client.Registry.Configs[host] = settings
	}
	pulls := map[string]pull{}
	for _, image := range images {
		reference, err := name.ParseReference(image)
		if err != nil {
			return nil, err
		}
		pulled, err := client.Image(reference)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", image, err)
		}
		digest, err := pulled.Digest()
		if err != nil {
			return nil, err
		}
		pulls[image] = pull{Digest: digest.String()}
	}
	return pulls, nil
}
