/** Keys and signatures of real tools, and servers of them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import { openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { companionName, referrersIndex } from '../support/signatures/signed-sample.ts';
import { runPeerAt } from './peers.ts';

export const content = createSampleRepository();
const image = addImage(content, { seed: 'signed-image', layers: [4000], tag: 'v1' });
export const children = ['amd64', 'arm64'].map((architecture) =>
  addImage(content, {
    seed: `signed-${architecture}`,
    layers: [3000],
    platform: { os: 'linux', architecture },
  }),
);
export const index = addIndex(content, { manifests: children, tag: 'multi' });
export const signed = [image, index, ...children];

const dockerReference = 'registry.example/team/signed:v1';

export async function makeKeys(home: string): Promise<void> {
  await runPeerAt(home, 'cosign', 'generate-key-pair');
  const gpg = (...args: string[]) => runPeerAt(home, 'gpg', '--batch', '--passphrase', '', ...args);
  await gpg('--quick-generate-key', 'signer@example.com', 'rsa2048', 'sign', 'never');
  await gpg('--armor', '--output', join(home, 'signer.asc'), '--export', 'signer@example.com');
  const requirement = {
    type: 'signedBy',
    keyType: 'GPGKeys',
    keyPath: join(home, 'signer.asc'),
    signedIdentity: { type: 'exactReference', dockerReference },
  };
  await writeFile(join(home, 'policy.json'), JSON.stringify({ default: [requirement] }));
}

/** `<folder>/<name>@sha256=<hex>/signature-1`, as podman writes them. */
export async function signAtomic(home: string, upstreamName: string): Promise<void> {
  for (const { digest } of signed) {
    const folder = join(home, 'sigstore', `${upstreamName}@${digest.replace(':', '=')}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(home, 'manifest.json'), content.manifests.get(digest)?.bytes ?? '');
    const listed = await runPeerAt(home, 'gpg', '--list-keys', '--with-colons', 'signer@example.com');
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(String(listed))?.[1] ?? '';
    await runPeerAt(
      home,
      'skopeo',
      'standalone-sign',
      'manifest.json',
      dockerReference,
      fingerprint,
      '--output',
      join(folder, 'signature-1'),
    );
  }
}

export async function serveFolder(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/');
    readFile(join(folder, path)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** A registry as it is, with the referrers API before it: what its fallback tags list. */
export async function openWithReferrersApi(url: string): Promise<FakeUpstream> {
  return openFakeUpstream({
    fallback: async (request, response) => {
      const path = request.url ?? '';
      const [, repository, digest] = /^\/v2\/(.+)\/referrers\/([^/?]+)/.exec(path) ?? [];
      if (repository !== undefined && digest !== undefined) {
        const answer = await fetch(`${url}/v2/${repository}/manifests/${companionName({ digest })}`);
        const listed = answer.ok ? ((await answer.json()) as { manifests: object[] }).manifests : [];
        const { headers, body } = referrersIndex(listed);
        response.writeHead(200, { ...headers }).end(body);
        return;
      }
      const { accept = '*/*' } = request.headers;
      const answer = await fetch(`${url}${path}`, { method: request.method ?? 'GET', headers: { accept } });
      const bytes = Buffer.from(await answer.arrayBuffer());
      const kept = ['content-type', 'docker-content-digest', 'content-length', 'link'];
      const headers = kept.flatMap((key) => {
        const value = answer.headers.get(key);
        return value === null ? [] : [[key, value] as const];
      });
      response.writeHead(answer.status, Object.fromEntries(headers)).end(bytes);
    },
  });
}
