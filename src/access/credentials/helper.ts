import { execFile } from 'node:child_process';
import type { RegistryLogin } from '../../oci/hosts/registry-login.ts';
import { quoteValue } from '../../oci/error.ts';
import { serverKey } from './docker-server.ts';
import { unavailable } from './provider.ts';
import type { CredentialProvider, CredentialRequest } from './provider.ts';

const outputMaxBytes = 64 * 1024;
const helperMaxMs = 30_000;
/** docker-credential-helpers: the message of a helper that has no login for the server. */
const notFoundText = 'credentials not found in native keychain';
/** The user name that marks an identity token (docker-credential-helpers). */
const identityUser = '<token>';

export const provideByHelper: CredentialProvider = async (request) => {
  const login = await askHelper(request, request.credential.helper ?? '');
  if (login !== undefined) return { login };
  throw unavailable(
    request,
    `the helper has no login for ${serverKey(request.registry)}. Log in with its program.`,
  );
};

/**
 * Asks `docker-credential-<name> get`, without a shell. Its output is repeated nowhere.
 * @returns undefined if it has no login for the registry.
 * @throws TidemarkError `CREDENTIAL_UNAVAILABLE`
 */
export async function askHelper(
  request: CredentialRequest,
  name: string,
): Promise<RegistryLogin | undefined> {
  const program = `docker-credential-${name}`;
  if (!request.settings.helpers.includes(name))
    throw unavailable(
      request,
      `${quoteValue(program)} may not run. Add ${quoteValue(name)} to TIDEMARK_CREDENTIAL_HELPERS of the API and the worker.`,
    );
  const { code, output } = await run(request, program);
  if (code !== 0 && output.trim() === notFoundText) return undefined;
  if (code !== 0)
    throw unavailable(
      request,
      `${program} ended with ${code}. Run "${program} get" by hand as the user of the worker.`,
      {
        retryable: code === 'a timeout',
      },
    );
  return parseAnswer(request, program, output);
}

function run(
  { registry, signal }: CredentialRequest,
  program: string,
): Promise<{ code: number | string; output: string }> {
  return new Promise((resolve) => {
    const options = {
      env: ownEnvironment(),
      timeout: helperMaxMs,
      killSignal: 'SIGKILL',
      maxBuffer: outputMaxBytes,
      signal,
      windowsHide: true,
    } as const;
    const child = execFile(program, ['get'], options, (error, output) => {
      if (error === null) resolve({ code: 0, output });
      else if (error.killed === true) resolve({ code: 'a timeout', output: '' });
      else resolve({ code: error.code ?? error.signal ?? 'an error', output });
    });
    // A helper that reads nothing closes its end.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(`${serverKey(registry)}\n`);
  });
}

/** Without our own secrets. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(?:TIDEMARK_|TEMPORAL_|DATABASE_URL$|PG)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

function parseAnswer(request: CredentialRequest, program: string, output: string): RegistryLogin {
  try {
    const { Username: username, Secret: secret } = JSON.parse(output) as Record<string, unknown>;
    if (typeof username === 'string' && typeof secret === 'string' && secret !== '')
      return username === identityUser
        ? { kind: 'identityToken', token: secret }
        : { kind: 'basic', username, password: secret };
  } catch {
    // The output may hold a secret, so the parser's message is dropped.
  }
  throw unavailable(request, `${program} wrote no JSON with Username and Secret. Check the program.`);
}
