interface Image {
  readonly host: string;
  /** Whether the server is reached over https. */
  readonly secure: boolean;
  readonly basePath: string;
  readonly tag: string;
}

export function pullCommands({ host, secure, basePath, tag }: Image) {
  const image = `${host}/${basePath}:${tag}`;
  return [
    { client: 'docker', command: `docker pull ${image}` },
    { client: 'containerd', command: `ctr images pull${secure ? '' : ' --plain-http'} ${image}` },
    { client: 'podman', command: `podman pull${secure ? '' : ' --tls-verify=false'} ${image}` },
  ];
}
