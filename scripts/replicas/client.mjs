/** A client of the API processes behind a balancer. It tries each request once more, and counts what that does not cure. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** A client waits up to so long before its one retry, in milliseconds. */
const pauseMs = 1_000;
const waitMs = 20_000;

export const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** `outcome.retried` counts the retries; what they do not cure is thrown. */
export function createClient(url, outcome, random) {
  async function attempt(what, request) {
    try {
      return await request();
    } catch (error) {
      outcome.retried += 1;
      await sleep(pauseMs * random());
      try {
        return await request();
      } catch (again) {
        throw new Error(`${what}: ${error.message}; again: ${again.message}`, { cause: again });
      }
    }
  }

  const client = {
    ask: (query, variables) => attempt('GraphQL', () => graphql(url, query, variables)),

    /** What a lost answer has made is found by its name. */
    async make(noun, input) {
      const mutation = `${noun}Create`;
      const type = `${mutation[0].toUpperCase()}${mutation.slice(1)}Input`;
      const data = await client.ask(
        `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${noun} { id } userErrors { code message } } }`,
        { input },
      );
      const [mistake] = data[mutation].userErrors;
      if (mistake === undefined) return data[mutation][noun].id;
      if (mistake.code !== 'ALREADY_EXISTS') throw new Error(`${mutation}: ${mistake.message}`);
      const found = await client.ask(`query ($name: String!) { ${noun}(name: $name) { id } }`, {
        name: input.name,
      });
      return found[noun].id;
    },

    /** The bytes, with the digest that they must have. */
    async pull(path, digest) {
      const { body, headers } = await attempt(`pull ${path}`, () =>
        send(`${url}/v2/${path}`, { headers: { accept: '*/*' } }, [200]),
      );
      const found = digestOf(body);
      const named = digest ?? headers.get('docker-content-digest');
      if (found !== named) outcome.wrong.push(`${path} has the bytes of ${found}, not of ${named}`);
      return body;
    },

    /** Each request of the upload goes to another process. A cut chunk is continued from where the upload has got to. */
    async pushBlob(name, bytes, chunks = 3) {
      const digest = digestOf(bytes);
      const { headers } = await attempt('POST', () =>
        send(`${url}/v2/${name}/blobs/uploads/`, { method: 'POST' }, [202]),
      );
      const path = new URL(headers.get('location'), url).pathname;
      const size = Math.ceil(bytes.length / chunks);
      for (let end = size; end < bytes.length + size; end += size)
        await attempt('PATCH', () => sendUpTo(url, path, bytes, Math.min(end, bytes.length)));
      await attempt('PUT', () => send(`${url}${path}?digest=${digest}`, { method: 'PUT' }, [201]));
      return { digest, size: bytes.length };
    },

    async pushManifest(name, reference, { mediaType, bytes }) {
      await attempt('PUT manifest', () =>
        send(
          `${url}/v2/${name}/manifests/${reference}`,
          { method: 'PUT', headers: { 'content-type': mediaType }, body: bytes },
          [201],
        ),
      );
    },
  };
  return client;
}

async function send(url, init, expected) {
  const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(waitMs) });
  const body = Buffer.from(await response.arrayBuffer());
  if (!expected.includes(response.status))
    throw new Error(
      `${init?.method ?? 'GET'} ${new URL(url).pathname} answered ${response.status} ${body.toString().slice(0, 300)}`,
    );
  return { status: response.status, headers: response.headers, body };
}

async function graphql(url, query, variables) {
  const { body } = await send(
    `${url}/graphql`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    },
    [200],
  );
  const { data, errors } = JSON.parse(body.toString());
  if (errors !== undefined) throw new Error(errors[0].message);
  return data;
}

/** Sends what the upload lacks up to this byte. */
async function sendUpTo(url, path, bytes, end) {
  const { headers } = await send(`${url}${path}`, {}, [204]);
  const range = headers.get('range');
  const start = range === null || range === '0-0' ? 0 : Number(range.split('-')[1]) + 1;
  if (start >= end) return;
  const chunk = bytes.subarray(start, end);
  await send(
    `${url}${path}`,
    {
      method: 'PATCH',
      headers: { 'content-type': 'application/octet-stream', 'content-range': `${start}-${end - 1}` },
      body: chunk,
    },
    [202],
  );
}
