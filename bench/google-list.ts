/** A registry with Google's list of tags in front of the bench's upstream: each tag with its digest. */
import { createServer, request } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { listTags } from './bench.ts';
import type { RealRegistry } from '../test/interop/peers.ts';

export interface GoogleFront {
  readonly url: string;
  /** Requests since it was opened. */
  requests(): number;
  close(): Promise<void>;
}

const accept =
  'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json';
const lanes = 20;

/** Asks for the digests once. Everything but the list is passed on. */
export async function openGoogleFront(upstream: RealRegistry, repository: string): Promise<GoogleFront> {
  const list = JSON.stringify(await readList(upstream, repository));
  let requests = 0;
  const server = createServer((incoming, outgoing) => {
    requests += 1;
    if (/\/tags\/list(?:\?|$)/.test(incoming.url ?? '')) {
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(list);
      return;
    }
    const { method, headers } = incoming;
    const sent = request(new URL(incoming.url ?? '', upstream.url), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    sent.on('error', () => outgoing.destroy());
    incoming.pipe(sent);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readList(upstream: RealRegistry, repository: string): Promise<object> {
  const names = await listTags(upstream, repository);
  const manifest: Record<string, { readonly mediaType: string; readonly tag: string[] }> = {};
  const waiting = [...names];
  const lane = async (): Promise<void> => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const url = `${upstream.url}/v2/${repository}/manifests/${name}`;
      const { headers } = await fetch(url, { method: 'HEAD', headers: { accept } });
      const digest = headers.get('docker-content-digest') ?? '';
      (manifest[digest] ??= { mediaType: headers.get('content-type') ?? '', tag: [] }).tag.push(name);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { child: [], manifest, name: repository, tags: names };
}
