import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { RegistryLogin } from '../../oci/hosts/registry-login.ts';
import { findServer, serverKey } from './docker-server.ts';
import { askHelper } from './helper.ts';
import { unavailable } from './provider.ts';
import type { CredentialProvider, CredentialRequest } from './provider.ts';

const defaultConfigFile = 'config.json';
const configMaxBytes = 1024 * 1024;
/** A mounted file may change at any time. */
const configLifeMs = 60_000;

/** Docker's config.json, read as Docker does: a helper of the registry, else the store, else the file's own entry. */
export const provideByDockerConfig: CredentialProvider = async (request) => {
  const config = await readConfig(request);
  const helper = findServer(textsOf(config['credHelpers']), request.registry);
  const store = config['credsStore'];
  const program = helper ?? (typeof store === 'string' && store !== '' ? store : undefined);
  const asked = program === undefined ? undefined : await askHelper(request, program);
  const login = asked ?? readEntry(request, config);
  if (login !== undefined) return { login, lifeMs: configLifeMs };
  throw unavailable(
    request,
    `the file has no entry for ${serverKey(request.registry)}. Run "docker login ${request.registry.host}", and mount the file again.`,
  );
};

async function readConfig(request: CredentialRequest): Promise<Readonly<Record<string, unknown>>> {
  const { dockerConfigDir } = request.settings;
  if (dockerConfigDir === undefined)
    throw unavailable(
      request,
      'this process has no folder of config files. Set TIDEMARK_DOCKER_CONFIG_DIR for the API and the worker.',
    );
  const name = request.credential.configFile ?? defaultConfigFile;
  let text: string | undefined;
  try {
    text = await readInside(dockerConfigDir, name);
  } catch (error) {
    throw unavailable(
      request,
      `the file ${name} in TIDEMARK_DOCKER_CONFIG_DIR cannot be read (${codeOf(error)}). Mount it there, readable for this process.`,
    );
  }
  const parsed = text === undefined ? undefined : parseObject(text);
  if (parsed !== undefined) return parsed;
  throw unavailable(
    request,
    `the file ${name} is no JSON object of at most 1 MiB. Expected a config.json of Docker.`,
  );
}

/** Undefined: too large. Symbolic links may not leave the folder; those of a mounted Kubernetes secret stay inside. */
async function readInside(folder: string, name: string): Promise<string | undefined> {
  const root = await realpath(folder);
  const path = await realpath(join(root, name));
  if (!path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`))
    throw Object.assign(new Error('outside of the folder'), { code: 'outside of the folder' });
  const file = await open(path);
  try {
    const { size } = await file.stat();
    return size > configMaxBytes ? undefined : await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function readEntry(
  request: CredentialRequest,
  config: Readonly<Record<string, unknown>>,
): RegistryLogin | undefined {
  const entry = findServer(objectsOf(config['auths']), request.registry);
  if (entry === undefined) return undefined;
  const text = (field: string) => {
    const value = entry[field];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const token = text('identitytoken');
  if (token !== undefined) return { kind: 'identityToken', token };
  const username = text('username');
  const password = text('password');
  if (username !== undefined && password !== undefined) return { kind: 'basic', username, password };
  const decoded = Buffer.from(text('auth') ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 1) return undefined;
  // Docker pads old entries with NUL.
  return {
    kind: 'basic',
    username: decoded.slice(0, colon),
    password: decoded.slice(colon + 1).replaceAll('\0', ''),
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectsOf(value: unknown): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, Record<string, unknown>] => isObject(entry[1])),
  );
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'an unexpected error';
}
