import { Argument } from 'commander';
import type { Command } from 'commander';
import { containerClients } from '../../client-config/client-configuration.ts';
import type {
  ClientConfiguration,
  ContainerClient,
  NamespaceMapping,
} from '../../client-config/client-configuration.ts';
import { addClientCommand, collect } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { printJson } from '../commands/print.ts';
import { readPem } from '../remotes/read-pem.ts';
import { usage } from '../usage.ts';
import { writeClientFiles } from './write-client-files.ts';

interface Options {
  readonly namespace?: readonly string[];
  readonly url?: string;
  readonly dockerHubUrl?: string;
  readonly caFile?: string;
  readonly fallback: boolean;
  readonly output?: string;
  readonly force?: boolean;
}

const examples = `
Without --namespace: the registries of the remotes whose repositories are served under their upstream names below a base path.

Examples:
  $ tidemark client-config containerd --url https://registry.example --namespace docker.io=docker.io --namespace quay.io=quay
  $ tidemark client-config podman --url https://registry.example --ca-file ca.pem --output / && podman pull docker.io/library/alpine
  $ tidemark client-config docker --url http://registry.lan:4000 --docker-hub-url http://registry.lan:4001`;

const query = `query ($client: ContainerClient!, $namespaces: [NamespaceMappingInput!], $url: String, $dockerHubUrl: String,
  $certificates: String, $fallback: Boolean!) {
  clientConfiguration(client: $client, namespaces: $namespaces, url: $url, dockerHubUrl: $dockerHubUrl,
    certificates: $certificates, fallback: $fallback) { files { path content note } commands notes }
}`;

export function addClientConfig(program: Command, choose: Choose): void {
  addClientCommand<Options>(program, choose, {
    usage: 'client-config',
    text: 'print or write the files that point a client at this server',
    reads: true,
    setUp: (command) =>
      command
        .addArgument(new Argument('<client>', 'the client').choices(containerClients))
        .option(
          '--namespace <registry=base-path>',
          'a registry to redirect, and where this server has its repositories (repeatable)',
          collect,
        )
        .option('--url <url>', 'where the client reaches this server (default: TIDEMARK_PUBLIC_URL)')
        .option(
          '--docker-hub-url <url>',
          'where dockerd reaches the mirror of Docker Hub (default: as in the settings)',
        )
        .option('--ca-file <path>', 'PEM file with the CA of the server, for clients that do not know it')
        .option('--no-fallback', 'never ask the upstream registry for what this server lacks')
        .option(
          '-o, --output <folder>',
          'write the files below this folder, / for this machine, in place of printing',
        )
        .option('--force', 'with --output: replace files that differ')
        .addHelpText('after', examples),
    run: configure,
  });
}

async function configure(client: Client, args: readonly string[], options: Options): Promise<number> {
  const { url, dockerHubUrl, fallback, output, force = false } = options;
  const { clientConfiguration } = await client.session.request<{ clientConfiguration: ClientConfiguration }>(
    query,
    {
      client: (args[0] as ContainerClient).toUpperCase(),
      namespaces: options.namespace?.map(parseMapping),
      url,
      dockerHubUrl,
      certificates: await readPem(options.caFile),
      fallback,
    },
  );
  const written =
    output === undefined ? [] : await writeClientFiles(output, clientConfiguration.files, { force });
  if (client.json) return printJson(client, { clientConfiguration, written });
  show(client, clientConfiguration, written);
  return 0;
}

/** Files on standard output; what to do with them on standard error. */
function show(
  { terminal }: Client,
  { files, commands, notes }: ClientConfiguration,
  written: readonly string[],
): void {
  for (const path of written) terminal.print(path);
  if (written.length === 0)
    for (const { path, content } of files) terminal.print(`==> ${path} <==\n${content}`);
  for (const { path, note } of files) if (note !== null) terminal.note(`${path}: ${note}`);
  for (const note of notes) terminal.note(note);
  for (const command of commands) terminal.note(`Then run: ${command}`);
}

function parseMapping(text: string): NamespaceMapping {
  const [namespace = '', basePath = '', ...rest] = text.split('=');
  if (namespace !== '' && basePath !== '' && rest.length === 0) return { namespace, basePath };
  throw usage(
    `--namespace is ${JSON.stringify(text)}; expected a registry and a base path, such as quay.io=quay.`,
  );
}
