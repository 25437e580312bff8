import { quoteValue } from '../../../oci/error.ts';
import { isDockerHub } from '../../../oci/hosts/registry-address.ts';
import type { ConnectionPart, CredentialPart, Text } from '../estate-file.ts';
import { urlOf } from '../image.ts';
import { secretText, staticCredential } from '../secrets.ts';
import type { Fields, Source } from '../source.ts';
import { readTemplate } from './template.ts';

/** How a registry is reached: an entry of `creds` (regclient.org, "regsync", "creds"). */
export interface Registry {
  readonly url: string;
  /** Put before each repository name. */
  readonly pathPrefix: string | undefined;
  readonly connection: ConnectionPart;
  readonly credential: CredentialPart | undefined;
}

/** The registries of `creds` that a source is at, by host. Those of targets alone are reported: Tidemark serves itself. */
export function readRegistries(
  creds: Source | undefined,
  sources: ReadonlySet<string>,
): Map<string, Registry> {
  const registries = new Map<string, Registry>();
  for (const entry of creds?.list() ?? []) {
    const fields = entry.fields();
    const name = fields.get('registry')?.text();
    const host = name === undefined ? undefined : hostOf(name);
    if (host === undefined || name?.includes('{{') === true)
      entry.findings.leftOut(entry, 'It names no registry that can be read from the file.');
    else if (sources.has(host)) registries.set(host, readRegistry(entry, fields, host));
    else
      entry.findings.leftOut(
        entry,
        `No source is at ${host}. Tidemark serves its mirrors itself, and needs no login for a target.`,
      );
    if (host === undefined || !sources.has(host)) fields.all();
  }
  return registries;
}

/** As sources name it. */
function hostOf(name: string): string {
  const host =
    name
      .replace(/^https?:\/\//, '')
      .split('/')[0]
      ?.toLowerCase() ?? '';
  return isDockerHub(host) ? 'docker.io' : host;
}

const leftOut: Readonly<Record<string, string>> = {
  token: 'Tidemark logs in by user name and password.',
  credExpire: 'Tidemark renews credentials before they expire.',
  credHost: 'Tidemark asks the helper for the host of the registry.',
  mirrors:
    'A mirror is asked before the registry, and a fallback of a remote after it, for content and new tags only. Add the mirror to fallbacks if that is enough.',
  priority: 'The order of fallbacks is that of their list.',
  api: 'It is out of use in regclient, too.',
  apiOpts: 'Tidemark learns what a registry can do from its answers.',
  blobChunk: 'It is about pushing; Tidemark pushes to no registry.',
  blobMax: 'It is about pushing; Tidemark pushes to no registry.',
  scheme: 'It is out of use in regclient, too. Use tls.',
};

function readRegistry(entry: Source, fields: Fields, host: string): Registry {
  const tls = fields.get('tls');
  const mode = tls?.text()?.toLowerCase() ?? 'enabled';
  if (tls !== undefined && !['enabled', 'insecure', 'disabled'].includes(mode))
    tls.findings.leftOut(tls, `It is ${quoteValue(mode)}; expected enabled, insecure or disabled.`);
  const hostname = fields.get('hostname')?.text()?.toLowerCase();
  const credential = readCredential(entry, fields, host);
  // Tidemark keeps a token for each repository anyway
  fields.ignore('repoAuth');
  fields.leaveOut(leftOut);
  return {
    url: urlOf(
      hostname === undefined || isDockerHub(hostname) ? host : hostname,
      mode === 'disabled' ? 'http' : 'https',
    ),
    pathPrefix: fields.get('pathPrefix')?.text(),
    credential,
    connection: {
      credential: credential?.name,
      sslValidation: mode === 'insecure' ? false : undefined,
      sslCaCertificate: readText(fields.get('regcert')),
      sslClientCertificate: readText(fields.get('clientCert')),
      sslClientKey: readSecret(fields.get('clientKey'), host, 'CLIENT_KEY'),
      rateLimit: readRate(fields.get('reqPerSec')),
      downloadConcurrency: readConcurrency(fields.get('reqConcurrent')),
    },
  };
}

function readCredential(entry: Source, fields: Fields, host: string): CredentialPart | undefined {
  const helper = fields.get('credHelper');
  const user = fields.get('user');
  const username = readText(user);
  const password = readSecret(fields.get('pass'), host, 'PASSWORD');
  const program = helper?.text();
  if (helper !== undefined && program !== undefined) {
    const name = /^(?:.*\/)?docker-credential-([A-Za-z0-9._-]+)$/.exec(program)?.[1];
    if (name !== undefined) {
      helper.findings.toDo(
        helper,
        `Add ${quoteValue(name)} to TIDEMARK_CREDENTIAL_HELPERS of the API and the worker.`,
      );
      return { name: host, kind: 'HELPER', helper: name };
    }
    helper.findings.leftOut(helper, `It is ${quoteValue(program)}; expected a program docker-credential-….`);
  }
  return staticCredential(entry, host, { username, password });
}

/** Text that is no secret. */
function readText(source: Source | undefined): Text | undefined {
  const text = source?.text();
  if (source === undefined || text === undefined) return undefined;
  const read = readTemplate(text);
  if (read === undefined)
    source.findings.leftOut(
      source,
      'Of templates, only {{env "NAME"}} or {{file "PATH"}} alone is converted.',
    );
  return read;
}

function readSecret(source: Source | undefined, host: string, purpose: string): Text | undefined {
  const text = source?.text();
  if (source === undefined || text === undefined) return undefined;
  const read = readTemplate(text);
  return typeof read === 'object' ? read : secretText(source, host, purpose);
}

/** A whole number, at least 1. regclient accepts fractions. */
function readRate(source: Source | undefined): number | undefined {
  const rate = source?.number();
  if (source === undefined || rate === undefined || rate <= 0) return undefined;
  if (!Number.isInteger(rate))
    source.findings.differs(
      source,
      `rateLimit is a whole number of requests a second: ${rate} became ${Math.max(1, Math.floor(rate))}.`,
    );
  return Math.min(1_000_000, Math.max(1, Math.floor(rate)));
}

/** regclient counts the requests to a registry, and Tidemark those of one sync. */
function readConcurrency(source: Source | undefined): number | undefined {
  const count = source?.number();
  if (source === undefined || count === undefined || count < 1) return undefined;
  return Math.min(100, Math.floor(count));
}
