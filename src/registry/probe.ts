import type { TidemarkError } from '../oci/error.ts';
import { probeStepNames } from '../oci/hosts/registry-probe.ts';
import type { ProbeLogin, ProbeStep, RegistryProbe } from '../oci/hosts/registry-probe.ts';
import { apiUrl } from './client.ts';
import type { HttpRequest, HttpResponse } from './transport/exchange.ts';
import { probeHead, probeReferrers, showRateLimit } from './probe-capabilities.ts';
import { add, attempt } from './probe-run.ts';
import type { ProbeOptions, ProbeRun } from './probe-run.ts';
import type { RegistryOptions } from './registry.ts';
import { createRequester } from './requester.ts';
import type { ClientSettings } from './requester.ts';
import { openFirstPage } from './tags/tag-list.ts';
import { tagPageMaxBytes } from './tags/tag-page.ts';

const pageSize = 100;
const requestMaxMs = 10_000;

/**
 * Tests a remote with `/v2/` without credentials, the first page of tags, HEAD of a tag, and its referrers. No known registry counts these as
 * pulls. Nothing is retried, so a wrong password is sent once.
 * @throws the signal's reason
 */
export async function probeRegistry(
  given: RegistryOptions,
  options: ProbeOptions,
  settings: ClientSettings = {},
): Promise<RegistryProbe> {
  const found: ProbeRun['found'] = {};
  const registry: RegistryOptions = {
    ...given,
    maxRetries: 0,
    totalTimeoutMs: Math.min(given.totalTimeoutMs || requestMaxMs, requestMaxMs),
    onRateLimit: (limit) => {
      found.rateLimit = { ...found.rateLimit, ...limit };
    },
  };
  const requester = createRequester(registry, {
    ...settings,
    onReached: (address) => {
      found.address ??= address;
    },
    onAnswer: (request, response) => {
      found.login = loginSeen(request, response) ?? found.login;
    },
  });
  const base = `${apiUrl(registry)}/v2/`;
  const run: ProbeRun = { requester, base, registry, options, steps: [], found };
  try {
    await tryAll(run);
  } finally {
    await requester.close();
  }
  for (const name of probeStepNames)
    if (run.steps.every((step) => step.name !== name))
      run.steps.push({ name, outcome: 'SKIPPED', message: 'Not tried: an earlier step failed.' });
  return { ...found, steps: run.steps.toSorted((a, b) => orderOf(a) - orderOf(b)) };
}

function orderOf({ name }: ProbeStep): number {
  return probeStepNames.indexOf(name);
}

/** Whether an answer accepts the user name and password; undefined for a request without them. */
function loginSeen(request: HttpRequest, response: HttpResponse): ProbeLogin | undefined {
  if (request.headers['authorization']?.startsWith('Basic ') !== true) return undefined;
  if (response.status === 401 || response.status === 403) return 'REFUSED';
  return response.status < 500 ? 'ACCEPTED' : undefined;
}

async function tryAll(run: ProbeRun): Promise<void> {
  if (!(await reach(run))) return;
  const listed = await list(run);
  const tag = run.options.tag ?? listed?.find((name) => !name.startsWith('sha256-'));
  if (run.steps.some(({ outcome }) => outcome === 'FAILED')) return;
  const digest = await probeHead(run, tag);
  await probeReferrers(run, digest);
  showRateLimit(run);
}

async function reach(run: ProbeRun): Promise<boolean> {
  const { requester, registry, found, base, options } = run;
  const isTls = base.startsWith('https:');
  const beganAt = performance.now();
  const error = await attempt(run, () =>
    requester.request(
      { method: 'GET', url: new URL(base), signal: options.signal, isAnonymous: true },
      (response) => response.discard(),
    ),
  );
  const isTlsError = error?.code === 'TLS_VERIFY_FAILED';
  if (error !== undefined && !isTlsError) {
    add(run, 'REACH', error);
    return false;
  }
  found.answeredInMs = Math.round(performance.now() - beganAt);
  const where = `${new URL(base).host}${found.address === undefined ? '' : ` (${found.address})`}`;
  const way = registry.proxyUrl === undefined ? '' : ' through the proxy';
  add(run, 'REACH', `${where} answered${way} in ${found.answeredInMs} ms.`);
  if (isTlsError) add(run, 'TLS', error);
  else if (!isTls) add(run, 'TLS', 'The URL uses http://: the connection is not encrypted.', 'WARNING');
  else if (registry.tls?.rejectUnauthorized === false)
    add(run, 'TLS', 'Certificates are not verified (sslValidation is false).', 'WARNING');
  else add(run, 'TLS', 'The certificate is valid and trusted.');
  return !isTlsError;
}

const loginCodes = new Set([
  'CREDENTIAL_REFUSED',
  'CREDENTIAL_UNAVAILABLE',
  'UPSTREAM_UNAUTHORIZED',
  'UPSTREAM_AUTH_INVALID',
  'UPSTREAM_REALM_REFUSED',
]);

/** Login and list are one request: a login is only proved by a request that needs it. */
async function list(run: ProbeRun): Promise<readonly string[] | undefined> {
  const { requester, registry, found, base, options } = run;
  let names: readonly string[] | undefined;
  const error = await attempt(run, async () => {
    const page = await openFirstPage({
      requester,
      url: new URL(`${base}${registry.upstreamName}/tags/list`),
      pageSize,
      signal: options.signal,
      maxBytes: tagPageMaxBytes,
      minimumRate: undefined,
    });
    names = page.first;
    found.tagsOnFirstPage = page.first.length;
    found.hasMoreTags = page.next.length > 0;
    const asked = page.url.searchParams.get('n');
    if (asked === null || page.first.length > pageSize) found.pageSizeHonoured = false;
    else if (found.hasMoreTags || page.first.length === pageSize) found.pageSizeHonoured = true;
    await page.close();
  });
  showLogin(run, error);
  if (isLoginError(run, error)) return undefined;
  if (error !== undefined) {
    add(run, 'LIST', error, options.needsListing ? 'FAILED' : 'WARNING');
    add(run, 'PAGE_SIZE', 'Unknown: the tags were not listed.', 'WARNING');
    return undefined;
  }
  const count = found.tagsOnFirstPage ?? 0;
  const more = found.hasMoreTags === true ? ', and more follow' : '';
  add(run, 'LIST', `${count} ${count === 1 ? 'tag' : 'tags'} on the first page${more}.`);
  if (found.pageSizeHonoured === false)
    add(run, 'PAGE_SIZE', `A page size of ${pageSize} tags was requested but not honoured.`, 'WARNING');
  else if (found.pageSizeHonoured === true) add(run, 'PAGE_SIZE', `Pages of ${pageSize} tags are honoured.`);
  else add(run, 'PAGE_SIZE', `Unknown: the repository has fewer than ${pageSize} tags.`);
  return names;
}

/** Docker Hub accepts the user and answers 401 for an unknown repository. */
function isLoginError({ found }: ProbeRun, error: TidemarkError | undefined): error is TidemarkError {
  return error !== undefined && loginCodes.has(error.code) && found.login !== 'ACCEPTED';
}

function showLogin(run: ProbeRun, error: TidemarkError | undefined): void {
  const { registry, found } = run;
  const { username, logins } = registry;
  const hasLogin = username !== undefined || logins !== undefined;
  if (isLoginError(run, error)) {
    if (hasLogin) found.login = 'REFUSED';
    return add(run, 'LOGIN', error);
  }
  if (!hasLogin) {
    found.login = 'NONE';
    return add(run, 'LOGIN', 'The remote has no user; access is anonymous.');
  }
  if (found.login === 'ACCEPTED')
    return add(
      run,
      'LOGIN',
      username === undefined
        ? 'The login of the credential was accepted.'
        : `The user ${JSON.stringify(username)} was accepted.`,
    );
  found.login = 'NOT_ASKED';
  add(
    run,
    'LOGIN',
    'The upstream did not request the user name and password; they were not checked.',
    'WARNING',
  );
}
