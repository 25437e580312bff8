/** The clients that files can be written for. */
export const containerClients = ['containerd', 'docker', 'podman', 'crio', 'k3s', 'openshift'] as const;
export type ContainerClient = (typeof containerClients)[number];

/** A registry as clients name it (`docker.io`, `quay.io`, `registry.example:5000`), and the base path of its repositories on this server. */
export interface NamespaceMapping {
  readonly namespace: string;
  readonly basePath: string;
}

/** What the files say about this server. */
export interface ClientSettings {
  /** Where clients reach it: `https://registry.example`, without a path. */
  readonly url: string;
  /** Where it serves Docker Hub's repositories without their base path; undefined: nowhere. */
  readonly dockerHubUrl: string | undefined;
  /** The CA certificates that its certificate is checked with, in PEM; undefined: those that clients trust anyway. */
  readonly certificates: string | undefined;
  readonly mappings: readonly NamespaceMapping[];
  /** Whether a proxy has a namespace. Only then does this server answer 404 for the `ns` of a registry that it does not serve. */
  readonly isNamespaceKnown: boolean;
  /** Whether clients ask the upstream for what this server does not answer. */
  readonly fallback: boolean;
}

export interface ClientFile {
  /** Absolute on the client's machine; without a folder for files that are applied to a cluster. */
  readonly path: string;
  readonly content: string;
  /** What to know before it is written; null: nothing. */
  readonly note: string | null;
}

export interface ClientConfiguration {
  readonly files: readonly ClientFile[];
  /** The commands that put the files into effect, in order. */
  readonly commands: readonly string[];
  readonly notes: readonly string[];
}

/** `registry.example:5000`, as clients name the server in images. */
export function hostOf(url: string): string {
  return new URL(url).host;
}

export function isPlainHttp(url: string): boolean {
  return new URL(url).protocol === 'http:';
}

/** A basic string of TOML, which is also one of YAML. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

/** The CA file of a client, where certificates are given. */
export function certificateFile({ certificates }: ClientSettings, path: string): ClientFile[] {
  return certificates === undefined ? [] : [{ path, content: certificates, note: null }];
}
