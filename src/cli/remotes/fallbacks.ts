import type { Command } from 'commander';
import { collect } from '../command.ts';
import type { Client } from '../command.ts';
import { idOf } from '../commands/thing-commands.ts';
import { readPem } from './read-pem.ts';
import { usage } from '../usage.ts';

/** Another place of a remote's content, as the API returns it. */
export interface Fallback {
  readonly url: string;
  readonly upstreamName: string | null;
  readonly credential: { readonly name: string } | null;
  readonly proxyUrl: string | null;
  readonly sslValidation: boolean;
}

export const fallbackFields = 'fallbacks { url upstreamName credential { name } proxyUrl sslValidation }';

export function withFallbacks(command: Command): void {
  command.option(
    '--fallback <upstream>',
    "another place of the same content: URL[,name=REPOSITORY][,credential=NAME][,proxy=URL][,ca-file=PATH][,tls-verify=no]; repeatable, in order; '' for none",
    collect,
  );
}

/** Undefined: not given. Null: cleared. */
export async function readFallbacks(
  client: Client,
  given: readonly string[] | undefined,
): Promise<readonly object[] | null | undefined> {
  if (given === undefined) return undefined;
  const named = given.filter((text) => text !== '');
  return named.length === 0 ? null : Promise.all(named.map((text) => readFallback(client, text)));
}

const settings = ['name', 'credential', 'proxy', 'ca-file', 'tls-verify'] as const;

async function readFallback(client: Client, text: string): Promise<object> {
  const [url = '', ...parts] = text.split(',');
  const given = new Map<string, string>();
  for (const part of parts) {
    const [, key = '', value = ''] = /^([a-z-]+)=(.+)$/.exec(part) ?? [];
    const isYesOrNo = key !== 'tls-verify' || value === 'yes' || value === 'no';
    if (!settings.some((setting) => setting === key) || !isYesOrNo)
      throw usage(
        `--fallback has ${JSON.stringify(part)}; expected ${settings.map((setting) => `${setting}=…`).join(', ')} after the URL, with yes or no for tls-verify.`,
      );
    given.set(key, value);
  }
  return {
    url,
    upstreamName: given.get('name'),
    credentialId: await idOf(client, 'credential', given.get('credential')),
    proxyUrl: given.get('proxy'),
    sslCaCertificate: await readPem(given.get('ca-file')),
    sslValidation: given.get('tls-verify') !== 'no',
  };
}

export function describeFallbacks(
  fallbacks: readonly Fallback[],
  ownName?: string,
): [string, string | number | null][] {
  return fallbacks.map(({ url, upstreamName, credential, proxyUrl, sslValidation }) => {
    const name = upstreamName ?? ownName;
    const more = [
      ...(credential === null ? [] : [`credential ${credential.name}`]),
      ...(proxyUrl === null ? [] : [`proxy ${proxyUrl}`]),
      ...(sslValidation ? [] : ['TLS checks off']),
    ];
    const place = name === undefined ? url : `${url}/${name}`;
    return ['fallback', more.length === 0 ? place : `${place} (${more.join(', ')})`];
  });
}
