/** Clients of the stack: of GraphQL, and of `/v2/` as registry clients are. */
import { createHash } from 'node:crypto';
import { Agent, fetch } from 'undici';

const timeoutMs = 20_000;

/** @param ca The certificate to trust; the proxy's. */
export function createClient({ url, token, ca }) {
  const dispatcher = new Agent({ connect: { ca, timeout: 5_000 } });
  const request = (path, options = {}) =>
    fetch(`${url}${path}`, { dispatcher, signal: AbortSignal.timeout(timeoutMs), ...options });

  async function query(text, variables = {}) {
    const response = await request('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: text, variables }),
    });
    const { data, errors } = await response.json();
    if (errors !== undefined) throw new Error(`GraphQL at ${url}: ${errors[0].message}`);
    return data;
  }

  async function mutate(name, selection, input) {
    const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
    const text = `mutation ($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { code message } } }`;
    const { [name]: payload } = await query(text, { input });
    const [error] = payload.userErrors;
    if (error !== undefined)
      throw Object.assign(new Error(`${name}: ${error.message}`), { code: error.code });
    return payload;
  }

  /** A pull as clients make it: the manifest of a tag, then its blobs, each compared with its digest. @returns the manifest's digest. */
  async function pull(repository, tag) {
    const authorization = `Basic ${Buffer.from(`journey:${token}`).toString('base64')}`;
    const accept = [
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/vnd.oci.image.manifest.v1+json',
    ];
    const answer = await request(`/v2/${repository}/manifests/${tag}`, {
      headers: { authorization, accept: accept.join(', ') },
    });
    const manifest = await bodyOf(answer, `${repository}:${tag}`);
    const { config, layers } = JSON.parse(manifest);
    for (const { digest } of [config, ...layers]) {
      const blob = await bodyOf(
        await request(`/v2/${repository}/blobs/${digest}`, { headers: { authorization } }),
        digest,
      );
      if (digestOf(blob) !== digest)
        throw Object.assign(new Error(`${digest} has other bytes`), { wrongBytes: true });
    }
    return digestOf(manifest);
  }

  /** Asks until the task has ended, although a question fails now and then: the task goes on. */
  async function waitForTask(id, limitMs = 120_000) {
    const text =
      'query ($id: ID!) { task(id: $id) { state createdVersion { number } error { code message } } }';
    let last;
    for (const giveUpAt = performance.now() + limitMs; performance.now() < giveUpAt;) {
      const answer = await query(text, { id }).catch((error) => void (last = error));
      const state = answer?.task.state;
      if (state === 'COMPLETED') return answer.task;
      if (state === 'FAILED' || state === 'CANCELED')
        throw new Error(`The task ${id} is ${state}: ${JSON.stringify(answer.task.error)}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    throw new Error(`The task ${id} has not ended after ${limitMs / 1000} s`, { cause: last });
  }

  async function sync(repositoryId) {
    const { task } = await mutate('repositorySync', 'task { id }', { repositoryId });
    return waitForTask(task.id);
  }

  return { url, query, mutate, pull, request, sync };
}

async function bodyOf(response, what) {
  const body = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${what}: ${response.status} ${body.toString().slice(0, 200)}`);
  return body;
}

const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
